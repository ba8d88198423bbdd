//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onramp/speaker"
)

// meeting is our speaker at one end of a link and a real router at the other, with a session over each family.
type meeting struct {
	*lab
	router   string // "frr" or "bird"
	link     *labLink
	us, them *labSpeaker
	peerings []labPeering // A is we, B is they
	theirs   []labPeering // the same as their configuration has them; nil where it has nothing else
	ours     *ours
	other    labDaemon
	frr      *frr  // other, if it is FRR
	bird     *bird // other, if it is BIRD
}

// routers are whom our speaker meets.
var routers = []string{"frr", "bird"}

// forRouters runs a test with each of the routers, beside other tests; change may alter the peerings.
func forRouters(t *testing.T, change func(*meeting), test func(*testing.T, *meeting)) {
	t.Helper()
	t.Parallel()
	for _, router := range routers {
		t.Run(router, func(t *testing.T) { test(t, meet(t, router, change)) })
	}
}

// meet lets our speaker meet a router.
func meet(t *testing.T, router string, change func(*meeting)) *meeting {
	t.Helper()
	t.Parallel()
	m := &meeting{lab: newLab(t, "ours", router), router: router, us: oursSpeaker(), them: frrSpeaker()}
	if router == "bird" {
		m.them = birdSpeaker()
	}
	m.link = m.lab.link("ours", router)
	for _, family := range []string{"ipv4", "ipv6"} {
		m.peerings = append(m.peerings, m.link.peering(family, m.us, "ours", m.them, router))
	}
	if change != nil {
		change(m)
	}
	if m.theirs == nil && len(m.peerings) == 2 && !m.peerings[0].A.Passive && !m.peerings[0].B.Passive && m.peerings[0].BFD == 0 {
		// Whatever a test does is done in both roles: over IPv4 we wait for them to connect, over IPv6 they wait for us. Where BFD
		// watches, both connect: an FRR that connects first starts its BFD session a second time when BGP is up, and tells Down.
		m.peerings[0].A.Passive, m.peerings[1].B.Passive = true, true
	}
	theirs := m.theirs
	if theirs == nil {
		theirs = m.peerings
	}
	if router == "frr" {
		m.frr = startFRR(t, m.node(router), m.them, theirs...)
		m.other = m.frr
	} else {
		m.bird = startBIRD(t, m.node(router), m.them, theirs...)
		m.other = m.bird
	}
	m.ours = startOurs(t, m.node("ours"), m.us, m.peerings...)
	return m
}

// oursSpeaker announces every attribute.
func oursSpeaker() *labSpeaker {
	s := &labSpeaker{AS: 4200000100, ID: netip.MustParseAddr("192.0.2.100")}
	for _, prefix := range []string{"10.9.1.0/24", "2001:db8:9::/48"} {
		s.Routes = append(s.Routes, labRoute{
			Prefix: netip.MustParsePrefix(prefix), Path: "64997 4200000003", Origin: "incomplete", MED: number(9),
			Communities: []string{"65000:4", "65000:5"}, ExtCommunities: []string{"rt:65000:4", "soo:192.0.2.1:4"},
			LargeCommunities: []string{"4200000000:4:4"}, AtomicAggregate: true, Aggregator: "64996 192.0.2.66",
		})
	}
	for _, prefix := range []string{"10.9.2.0/25", "2001:db8:9:2::/64"} {
		s.Routes = append(s.Routes, labRoute{Prefix: netip.MustParsePrefix(prefix)})
	}
	return s
}

// established waits for all sessions at both ends.
func (m *meeting) established(t *testing.T) {
	t.Helper()
	for _, p := range m.peerings {
		waitEstablished(t, m.ours, p.B.Addr)
		waitEstablished(t, m.other, p.A.Addr)
	}
}

// converged waits until each end holds exactly what the other announces, attribute by attribute.
func (m *meeting) converged(t *testing.T) {
	t.Helper()
	m.established(t)
	for _, p := range m.peerings {
		waitLearnt(t, m.ours, familyOf(p.A.Addr), p.B.announces())
		waitLearnt(t, m.other, familyOf(p.A.Addr), p.A.announces())
	}
}

// mark is where the other router's log ends now: what is logged from now on is found with it by waitLog.
func (m *meeting) mark(t *testing.T) int {
	t.Helper()
	log, err := m.log()
	if err != nil {
		t.Fatal(err)
	}
	return len(log)
}

func (m *meeting) log() (string, error) {
	data, err := os.ReadFile(filepath.Join(m.node(m.router).dir, map[string]string{"frr": "bgpd.log", "bird": "bird.log"}[m.router]))
	return string(data), err
}

// waitLog waits until the other router has logged all of what, after a mark.
func (m *meeting) waitLog(t *testing.T, mark int, what ...string) {
	t.Helper()
	for _, w := range what {
		eventually(t, convergedWithin, fmt.Sprintf("%s logs %q", m.router, w), func() (bool, string) {
			log, err := m.log()
			if err != nil {
				return false, err.Error()
			}
			return strings.Contains(log[mark:], w), log[mark:]
		})
	}
}

// standing is what our speaker says of a neighbour.
func (o *ours) standing(peer netip.Addr) (speaker.Standing, error) {
	a, err := o.do("show neighbors")
	if err != nil {
		return speaker.Standing{}, err
	}
	for _, n := range a.Neighbors {
		if n.Address == peer {
			return n, nil
		}
	}
	return speaker.Standing{}, fmt.Errorf("our speaker has no neighbour %s", peer)
}

// waitStanding waits until ok holds of what our speaker says of a neighbour.
func (o *ours) waitStanding(t *testing.T, peer netip.Addr, within time.Duration, what string, ok func(speaker.Standing) bool) (s speaker.Standing) {
	t.Helper()
	eventually(t, within, fmt.Sprintf("our neighbour %s %s", peer, what), func() (bool, string) {
		var err error
		if s, err = o.standing(peer); err != nil {
			return false, err.Error()
		}
		return ok(s), fmt.Sprintf("%+v", s)
	})
	return s
}

// waitNotice waits for an event that tells of a NOTIFICATION, sent or received.
func (o *ours) waitNotice(from int, peer netip.Addr, sent bool, code, subcode uint8) (*speaker.Notification, int) {
	o.t.Helper()
	e, next := o.waitEvent(from, convergedWithin, fmt.Sprintf("tells of NOTIFICATION %d/%d (sent: %t)", code, subcode, sent), func(e speaker.Event) bool {
		n := e.Notification
		return e.Kind == speaker.Notified && e.Neighbor == peer.String() && n.Sent == sent && n.Code == code && n.Subcode == subcode
	})
	return e.Notification, next
}
