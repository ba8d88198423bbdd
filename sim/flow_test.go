package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/network"
)

// ways are the paths of a trace as the simulator writes them, and the share that is delivered.
func ways(paths []network.Path) (list []string, delivered float64) {
	for _, p := range paths {
		var names []string
		for _, h := range p.Hops {
			names = append(names, h.Node)
		}
		if p.Fate == network.Delivered {
			delivered += p.Share
			list = append(list, strings.Join(names, " > "))
		}
	}
	slices.Sort(list)
	return slices.Compact(list), delivered
}

// flowsDiffer sends probes between all sites and subnets and holds what becomes of them against the prover's traces.
func flowsDiffer(s *Sim, st *network.State, probes []*Probe) string {
	for _, q := range probes {
		q.Watch()
		q.Send(10*time.Millisecond, s.Now()+ProbePorts*10*time.Millisecond)
	}
	s.Run(s.Now() + 2*time.Second)
	var b strings.Builder
	for _, q := range probes {
		seen := q.Seen(s.Now())
		request, answer := st.Trace(network.Flow{Src: q.a, Dst: q.b}), st.Trace(network.Flow{Src: q.b, Dst: q.a, Reply: true})
		there, ok := ways(request)
		back, also := ways(answer)
		whole := func(share float64) bool { return share > 0.999 }
		var bad []string
		switch {
		case whole(ok) && whole(also) && seen.Lost > 0:
			bad = append(bad, "answers are missing")
		case (ok == 0 || also == 0) && seen.Answered > 0:
			bad = append(bad, "answers come that should not")
		}
		for _, p := range seen.There {
			if !slices.Contains(there, p) {
				bad = append(bad, "another way there: "+p)
			}
		}
		for _, p := range seen.Back {
			if !slices.Contains(back, p) {
				bad = append(bad, "another way back: "+p)
			}
		}
		for _, l := range seen.Losses {
			if !st.Up(q.a) || !st.Up(q.b) { // the prover does not ask how far packets to nobody get
				continue
			}
			if !slices.ContainsFunc(append(request, answer...), func(p network.Path) bool { return p.Fate == l.Fate }) {
				bad = append(bad, "another fate: "+string(l.Fate))
			}
		}
		if bad != nil {
			fmt.Fprintf(&b, "%s: %s\n  sent %d, answered %d, lost %v\n  there %v\n  prover %v (%.2f)\n  back %v\n  prover %v (%.2f)\n", q.Name, strings.Join(bad, ", "), seen.Sent, seen.Answered, seen.Losses,
				seen.There, there, ok, seen.Back, back, also)
		}
	}
	return b.String()
}

// allProbes join every site with every subnet, and subnets with each other and sites with services.
func allProbes(s *Sim, n *network.Network) ([]*Probe, error) {
	var out []*Probe
	ends := n.Endpoints()
	for _, a := range ends {
		for _, b := range ends {
			if a.Kind == network.Service || a.Kind == network.SiteHost && b.Kind == network.SiteHost || a.Addr.Is4() != b.Addr.Is4() || a == b {
				continue
			}
			if (b.Kind == network.Service) != a.Public || b.Public {
				continue
			}
			q, err := s.NewProbe(fmt.Sprintf("%s%s/%s>%s%s/%s%s", a.Site, a.VNet.Name(), a.Subnet, b.Site, b.VNet.Name(), b.Subnet, b.Service), a, b)
			if err != nil {
				return nil, err
			}
			out = append(out, q)
		}
	}
	return out, nil
}
