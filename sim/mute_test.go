package sim

import (
	"slices"
	"testing"
	"time"

	"onramp/network"
)

// A session over which nothing gets through in one direction settles as one that is cut, by BFD as well as by its hold time.
func TestWhatIsDeadInOneDirectionSettlesAsCut(t *testing.T) {
	n := exampled(t, "northwind", nil)
	for _, session := range []string{"er-montreal-toronto-1/private/primary", "backbone/montreal-toronto", "cn-crm-montreal-toronto-1/0-primary"} {
		for direction := range 2 {
			for _, what := range []Impairment{{Dead: true}, {Loss: 1}} {
				s := running(t, n)
				if err := s.Impair(session, direction, what); err != nil {
					t.Fatal(err)
				}
				if s.Settled() {
					t.Errorf("%s: it is settled before anybody can have noticed", session)
				}
				if !s.Settle(10 * time.Minute) {
					t.Fatalf("%s, direction %d: it does not settle", session, direction)
				}
				i := slices.IndexFunc(n.Sessions(), func(x network.SessionInfo) bool { return x.Name == session })
				if s.Sessions()[i] {
					t.Errorf("%s is up", session)
				}
				if d := s.Differs(n.Converge(network.Scenario{ID: "cut", Kind: network.Link, Cut: []string{session}})); len(d) > 0 {
					t.Errorf("%s, direction %d: %d differences, the first %v", session, direction, len(d), d[0])
				}
				if err := s.Impair(session, direction, Impairment{}); err != nil {
					t.Fatal(err)
				}
				if !s.Settle(10 * time.Minute) {
					t.Fatalf("%s, direction %d: it does not come back", session, direction)
				}
			}
		}
	}
}

func TestWhatComesAndGoesMayBeLeftOut(t *testing.T) {
	n := exampled(t, "northwind", nil)
	s := running(t, n)
	const session = "er-montreal-toronto-1/private/primary"
	for direction := range 2 {
		if err := s.Impair(session, direction, Impairment{Up: 300 * time.Millisecond, Down: 3 * time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	s.Run(s.Now() + 5*time.Second)
	if s.Settle(30 * time.Second) {
		t.Error("it settles, and the link is hardly ever up")
	}
	if !s.SettleBut(10*time.Minute, session) {
		t.Error("the others do not settle")
	}
	if err := s.Fail(Silent, "router:montreal-msee1"); err != nil {
		t.Fatal(err)
	}
	if s.SettleBut(30*time.Second, session) {
		t.Error("the others settle before the hold time is over")
	}
}
