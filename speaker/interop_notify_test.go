//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/speaker"
)

func TestInteropEveryNotificationOfOursIsUnderstood(t *testing.T) {
	forRouters(t, func(m *meeting) { m.peerings = m.peerings[:1] }, func(t *testing.T, m *meeting) {
		m.converged(t)
		p := m.peerings[0]
		for _, c := range []struct {
			code, subcode uint8
			name          string
		}{
			{1, 1, "Message Header Error: Connection Not Synchronized (1/1)"}, {1, 2, "Message Header Error: Bad Message Length (1/2)"},
			{1, 3, "Message Header Error: Bad Message Type (1/3)"},
			{3, 1, "UPDATE Message Error: Malformed Attribute List (3/1)"}, {3, 11, "UPDATE Message Error: Malformed AS_PATH (3/11)"},
			{4, 0, "Hold Timer Expired (4/0)"}, {5, 0, "Finite State Machine Error (5/0)"},
			{5, 3, "Finite State Machine Error: Receive Unexpected Message in Established State (5/3)"},
			{6, 1, "Cease: Maximum Number of Prefixes Reached (6/1)"}, {6, 3, "Cease: Peer De-configured (6/3)"},
			{6, 4, "Cease: Administrative Reset (6/4)"}, {6, 5, "Cease: Connection Rejected (6/5)"},
			{6, 6, "Cease: Other Configuration Change (6/6)"}, {6, 7, "Cease: Connection Collision Resolution (6/7)"},
			{6, 8, "Cease: Out of Resources (6/8)"}, {6, 9, "Cease: Hard Reset (6/9)"}, {6, 10, "Cease: BFD Down (6/10)"},
			{7, 1, "ROUTE-REFRESH Message Error: Invalid Message Length (7/1)"}, {8, 0, "Send Hold Timer Expired (8/0)"},
		} {
			from := m.ours.count()
			if err := m.ours.notify(p.B.Addr, c.code, c.subcode); err != nil {
				t.Fatal(err)
			}
			if n, _ := m.ours.waitNotice(from, p.B.Addr, true, c.code, c.subcode); n.Name != c.name {
				t.Errorf("the event names it %q, want %q", n.Name, c.name)
			}
			waitSession(t, m.other, p.A.Addr, convergedWithin, "got "+c.name, func(s labSession) bool {
				return s.Got != nil && s.Got.Code == c.code && s.Got.Subcode == c.subcode
			})
			m.ours.waitState(from, p.B.Addr, bgpEstablished, establishedWithin)
			waitEstablished(t, m.other, p.A.Addr) // FRR loses what comes before it says so itself
		}
		from := m.ours.count()
		if err := m.ours.shutdown(p.B.Addr, "out for maintenance"); err != nil {
			t.Fatal(err)
		}
		waitSession(t, m.other, p.A.Addr, convergedWithin, "was told why we went", func(s labSession) bool {
			return s.Got != nil && *s.Got == labNotice{6, 2, "out for maintenance"}
		})
		if n, _ := m.ours.waitNotice(from, p.B.Addr, true, 6, 2); n.Text != "out for maintenance" {
			t.Errorf("the event has the text %q", n.Text)
		}
		if err := m.ours.enable(p.B.Addr); err != nil {
			t.Fatal(err)
		}
		m.converged(t)
	})
}

func TestInteropAnUnacceptableOpenIsRefused(t *testing.T) {
	// other is a speaker that is like another but for what change does.
	other := func(s *labSpeaker, change func(*labSpeaker)) *labSpeaker {
		c := *s
		change(&c)
		return &c
	}
	for _, c := range []struct {
		name    string
		change  func(*meeting)
		subcode uint8
		byUs    bool // the refusal is ours, else theirs
		mutual  bool // they refuse our OPEN too: whose NOTIFICATION is read by the other is a matter of luck
	}{
		{"they are in another AS than we think", func(m *meeting) {
			m.theirs = slices.Clone(m.peerings)
			m.peerings[0].B.labSpeaker = other(m.them, func(s *labSpeaker) { s.AS = 64777 })
		}, 2, true, false},
		{"they have our router ID, in our AS", func(m *meeting) {
			m.us.AS, m.us.ID = m.them.AS, m.them.ID
		}, 3, true, true},
		{"they offer less than our least hold time", func(m *meeting) {
			m.peerings[0].A.Extra = []string{"minHoldTime: 30s"}
		}, 6, true, false},
		{"we have no common family", func(m *meeting) {
			m.peerings[0].Families = []string{"ipv6"}
			m.theirs = slices.Clone(m.peerings)
			m.theirs[0].Families = []string{"ipv4"}
		}, 7, true, true},
		{"we are in another AS than they think", func(m *meeting) {
			m.theirs = slices.Clone(m.peerings)
			m.theirs[0].A.labSpeaker = other(m.us, func(s *labSpeaker) { s.AS = 64777 })
		}, 2, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			forRouters(t, func(m *meeting) {
				m.peerings = m.peerings[:1]
				c.change(m)
			}, func(t *testing.T, m *meeting) {
				p := m.peerings[0]
				m.ours.waitNotice(0, p.B.Addr, c.byUs, 2, c.subcode)
				if !c.byUs {
					return
				}
				waitSession(t, m.other, p.A.Addr, establishedWithin, "was refused", func(s labSession) bool {
					is := func(n *labNotice) bool { return n != nil && n.Code == 2 && n.Subcode == c.subcode }
					return is(s.Got) || c.mutual && is(s.Sent)
				})
			})
		})
	}
}

func TestInteropTheirNotificationsAreUnderstood(t *testing.T) {
	forRouters(t, func(m *meeting) { m.peerings = m.peerings[:1] }, func(t *testing.T, m *meeting) {
		m.converged(t)
		p := m.peerings[0]
		remove := func() error {
			return m.frr.enter(fmt.Sprintf("router bgp %d", m.them.AS), fmt.Sprintf("no neighbor %s", p.A.Addr))
		}
		if m.bird != nil {
			remove = func() error { m.bird.configure(birdConfig(t, m.them)); return nil }
		}
		for _, c := range []struct {
			name          string
			act           func() error
			code, subcode uint8
			text          string
		}{
			{"Cease: Administrative Shutdown (6/2), \"bye, see you at 5\"", func() error { return m.other.shutdown(p.A.Addr, "bye, see you at 5") }, 6, 2, "bye, see you at 5"},
			{"Cease: Administrative Reset (6/4)", func() error { return m.other.reset(p.A.Addr) }, 6, 4, ""},
			{"Cease: Peer De-configured (6/3)", remove, 6, 3, ""},
		} {
			from := m.ours.count()
			if err := c.act(); err != nil {
				t.Fatal(err)
			}
			n, next := m.ours.waitNotice(from, p.B.Addr, false, c.code, c.subcode)
			if n.Name != c.name || n.Text != c.text {
				t.Errorf("the event names it %q with the text %q, want %q with %q", n.Name, n.Text, c.name, c.text)
			}
			m.ours.waitState(next-1, p.B.Addr, "Idle", convergedWithin)
			if list, err := m.ours.table("ipv4"); err != nil || len(learnt(list)) != 0 {
				t.Errorf("after %s we hold %v, %v", c.name, learnt(list), err)
			}
			if c.subcode == 2 {
				if err := m.other.enable(p.A.Addr); err != nil {
					t.Fatal(err)
				}
			}
			if c.subcode != 3 {
				m.converged(t)
			}
		}
	})
}

func TestInteropTheirLimitOfPrefixesEndsTheSession(t *testing.T) {
	forRouters(t, func(m *meeting) {
		m.peerings = m.peerings[:1]
		m.peerings[0].B.MaxPrefixes = 2
		for _, prefix := range []string{"10.9.3.0/24", "10.9.4.0/24", "10.9.5.0/24"} {
			m.us.Routes = append(m.us.Routes, labRoute{Prefix: netip.MustParsePrefix(prefix)})
		}
	}, func(t *testing.T, m *meeting) {
		n, _ := m.ours.waitNotice(0, m.peerings[0].B.Addr, false, 6, 1)
		if !strings.HasPrefix(n.Name, "Cease: Maximum Number of Prefixes Reached (6/1)") {
			t.Errorf("the event names it %q", n.Name)
		}
	})
}

func TestInteropOurLimitOfPrefixesEndsTheSessionAndRestartsIt(t *testing.T) {
	forRouters(t, func(m *meeting) {
		m.peerings = m.peerings[:1]
		m.peerings[0].A.Extra = []string{"maxPrefixes: {ipv4: 3, restart: 2s}"}
		m.us.Routes = nil // FRR tells a neighbour its own routes now and then, and those would count
		m.them.Routes = m.them.Routes[:0:0]
		for _, prefix := range []string{"10.3.1.0/24", "10.3.2.0/24", "10.3.3.0/24"} {
			m.them.Routes = append(m.them.Routes, labRoute{Prefix: netip.MustParsePrefix(prefix), MED: number(0)})
		}
	}, func(t *testing.T, m *meeting) {
		m.converged(t)
		p := m.peerings[0]
		few := m.them.Routes
		more := append(slices.Clone(few), labRoute{Prefix: netip.MustParsePrefix("10.3.4.0/24"), MED: number(0)})
		announce := func(list []labRoute) {
			t.Helper()
			m.them.Routes = list
			if m.bird != nil {
				m.bird.configure(birdConfig(t, m.them, m.peerings...))
				return
			}
			line := "network 10.3.4.0/24"
			if len(list) == len(few) {
				line = "no " + line
			}
			if err := m.frr.enter(fmt.Sprintf("router bgp %d", m.them.AS), "address-family ipv4 unicast", line); err != nil {
				t.Fatal(err)
			}
		}
		from := m.ours.count()
		announce(more)
		e, _ := m.ours.waitEvent(from, convergedWithin, "tells of the limit", func(e speaker.Event) bool { return e.Kind == speaker.LimitPassed })
		if e.Limit != 3 || e.Prefixes != 4 || e.Family != "ipv4" {
			t.Errorf("it tells %s", e.String())
		}
		m.ours.waitNotice(from, p.B.Addr, true, 6, 1)
		waitSession(t, m.other, p.A.Addr, convergedWithin, "was told", func(s labSession) bool { return s.Got != nil && s.Got.Code == 6 && s.Got.Subcode == 1 })
		if list, err := m.ours.table("ipv4"); err != nil || len(learnt(list)) != 0 {
			t.Errorf("we hold %v, %v", learnt(list), err)
		}
		announce(few)
		ended, next := m.ours.waitEvent(from, convergedWithin, "is Idle", func(e speaker.Event) bool { return e.Kind == speaker.StateChanged && e.To == "Idle" })
		up, _ := m.ours.waitEvent(next, establishedWithin, "starts again", func(e speaker.Event) bool { return e.Kind == speaker.StateChanged && e.From == "Idle" })
		if wait := time.Duration(up.Time - ended.Time); wait < 1900*time.Millisecond { // an event is told a moment after its cause
			t.Errorf("it started again after %s", wait)
		}
		m.converged(t)
	})
}
