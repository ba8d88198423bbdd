package network

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestWhatIsKnownOfOneRouterIsWhatTheWholeSaysOfIt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := randomEstate(t, rt)
		w := n.Wiring()
		gateways := map[string][]string{}
		for r := range w.Routers {
			x := &w.Routers[r]
			if got := n.RouterID(x.Name); got != x.ID {
				rt.Errorf("%s is %s, and is said to be %s", x.Name, x.ID, got)
			}
			if x.Gateway != "" {
				gateways[x.Gateway] = append(gateways[x.Gateway], x.Name)
			}
			var want []RouterSession
			for i := range w.Sessions {
				s := &w.Sessions[i]
				for end, at := range [2]int{s.A, s.B} {
					if at == r {
						want = append(want, RouterSession{Index: i, Name: s.Name, Kind: s.Kind, Own: s.Addr[end], Peer: s.Addr[1-end], PeerName: w.Routers[[2]int{s.B, s.A}[end]].Name, Together: s.Together})
					}
				}
			}
			if got := n.SessionsOf(x.Name); !slices.Equal(got, want) {
				rt.Errorf("sessions of %s: %+v, want %+v", x.Name, got, want)
			}
		}
		for g, want := range gateways {
			slices.Sort(want)
			if got := n.InstancesOf(g); !slices.Equal(got, want) {
				rt.Errorf("instances of %s: %v, want %v", g, got, want)
			}
		}
		if n.InstancesOf("none") != nil || n.RouterID("none").IsValid() || n.SessionsOf("none") != nil {
			rt.Error("what is not there is known")
		}
	})
}
