package speaker_test

import (
	"net/netip"
	"testing"
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
