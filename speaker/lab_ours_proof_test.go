//go:build linux

package speaker_test

import (
	"net/netip"
	"testing"
	"time"
)

func TestOursAndTheDaemonsHoldWhatTheOthersAnnounce(t *testing.T) {
	t.Parallel()
	l := newLab(t, "ours", "frr", "bird")
	us := &labSpeaker{AS: 4200000777, ID: netip.MustParseAddr("192.0.2.203"), Routes: []labRoute{
		{Prefix: netip.MustParsePrefix("10.3.1.0/24"), MED: number(7), Communities: []string{"65000:5"}},
	}}
	f, b := frrSpeaker(), birdSpeaker()
	pf, pb := l.link("ours", "frr").peering("ipv4", us, "ours", f, "frr"), l.link("ours", "bird").peering("ipv4", us, "ours", b, "bird")
	fd := startFRR(t, l.node("frr"), f, pf)
	bd := startBIRD(t, l.node("bird"), b, pb)
	o := startOurs(t, l.node("ours"), us, pf, pb)
	o.waitState(0, pf.B.Addr, bgpEstablished, establishedWithin)
	o.waitState(0, pb.B.Addr, bgpEstablished, establishedWithin)
	waitLearnt(t, o, "ipv4", append(pf.B.announces(), pb.B.announces()...))
	for _, d := range []labDaemon{fd, bd} {
		p := map[labDaemon]labPeering{fd: pf, bd: pb}[d]
		eventually(t, convergedWithin, d.name()+" holds what we announced", func() (bool, string) {
			all, err := d.table("ipv4")
			if err != nil {
				return false, err.Error()
			}
			ours := learnt(all, p.A.Addr)
			for i := range ours {
				if ours[i].Prefix == us.Routes[0].Prefix {
					diff := diffTables(map[string][]labRoute{"announced": p.A.announces(), d.name(): ours[i : i+1]})
					return diff == "", diff
				}
			}
			return false, "no route"
		})
	}
	us.Routes[0].MED = number(8)
	o.configure(oursConfig(t, us, pf, pb))
	if err := o.shutdown(pf.B.Addr, "going home"); err != nil {
		t.Fatal(err)
	}
	waitSession(t, fd, pf.A.Addr, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && *s.Got == labNotice{6, 2, "going home"} })
	if err := o.enable(pf.B.Addr); err != nil {
		t.Fatal(err)
	}
	waitEstablished(t, fd, pf.A.Addr)
}

func TestOursComesBackAsARestartingSpeaker(t *testing.T) {
	t.Parallel()
	l := newLab(t, "ours", "frr", "bird")
	us := &labSpeaker{AS: 4200000777, ID: netip.MustParseAddr("192.0.2.203"), Routes: []labRoute{{Prefix: netip.MustParsePrefix("10.3.1.0/24"), MED: number(7)}}}
	f, b := frrSpeaker(), birdSpeaker()
	peerings := []labPeering{l.link("ours", "frr").peering("ipv4", us, "ours", f, "frr"), l.link("ours", "bird").peering("ipv4", us, "ours", b, "bird")}
	for i := range peerings {
		peerings[i].Restart = 60 * time.Second
	}
	daemons := []labDaemon{startFRR(t, l.node("frr"), f, peerings[0]), startBIRD(t, l.node("bird"), b, peerings[1])}
	o := startOurs(t, l.node("ours"), us, peerings...)
	waitEstablished(t, o, peerings[0].B.Addr, peerings[1].B.Addr)
	o.kill()
	for i, d := range daemons {
		waitSession(t, d, peerings[i].A.Addr, convergedWithin, "helps", func(s labSession) bool { return s.Restart.Helping })
	}
	o.restart()
	for i, d := range daemons {
		waitEstablished(t, d, peerings[i].A.Addr)
		s := waitSession(t, d, peerings[i].A.Addr, convergedWithin, "helps no more", func(s labSession) bool { return !s.Restart.Helping })
		if !s.Restart.Restarting || len(s.Restart.Preserved) != 1 {
			t.Errorf("%s: our R bit is %t, families with the F bit are %q", d.name(), s.Restart.Restarting, s.Restart.Preserved)
		}
	}
	waitLearnt(t, o, "ipv4", append(peerings[0].B.announces(), peerings[1].B.announces()...))
}
