package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/network"
)

// The comparison with the prover is worth what it finds. Each test here makes the simulator's nodes do one thing wrong, in an estate where
// it matters, and wants the comparison to say so, and to say nothing where nothing is wrong.

// example is the network of an example in a pattern, changed where the example does not show what is wanted.
func example(t testing.TB, name string, kind design.Pattern, change func(*design.Design)) *network.Network {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	n := compiled(t, c, src, kind, change)
	if n == nil {
		t.Fatalf("%s cannot be had as %s", name, kind)
	}
	return n
}

// found runs the comparison without and with the faults; what it says with them has to contain every one of the words.
func found(t *testing.T, n *network.Network, f faults, only func(network.Scenario) bool, words ...string) {
	t.Helper()
	c := comparison{seed: 1, silent: func(int) bool { return true }, only: only}
	if said := c.run(n); said != "" {
		t.Fatalf("without the fault it says\n%s", said)
	}
	c.faults = f
	said := c.run(n)
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("want something with %q, it says\n%s", w, said)
		}
	}
	if said == "" {
		t.Error("nothing is found")
	}
}

// at picks the scenarios whose ids begin with one of these; none is the healthy state alone.
func at(ids ...string) func(network.Scenario) bool {
	return func(sc network.Scenario) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return strings.HasPrefix(sc.ID, id) })
	}
}

// exporting changes what routers of a kind tell.
func exporting(kind string, change func(e *port, p netip.Prefix, best *bgp.Attrs, from bgp.NeighborID, told *bgp.Attrs) *bgp.Attrs) faults {
	return faults{rules: func(e *port, r *bgp.Rules) {
		right := r.Export
		if e.node.spec.Kind == kind {
			r.Export = func(p netip.Prefix, a *bgp.Attrs, from bgp.NeighborID) *bgp.Attrs {
				return change(e, p, a, from, right(p, a, from))
			}
		}
	}}
}

// prepended is a route as an eBGP speaker without a policy tells it.
func prepended(e *port, best *bgp.Attrs) *bgp.Attrs {
	a := *best
	a.Path = a.Path.Prepend(e.node.spec.AS, 1)
	a.Weight, a.LocalPref, a.HasLocalPref, a.MED, a.HasMED = 0, 0, false, 0, false
	a.ClusterList, a.OriginatorID = nil, netip.Addr{}
	return &a
}

func ignoreWeights() faults {
	return faults{rules: func(e *port, r *bgp.Rules) {
		right := r.Candidate
		if e.node.spec.Kind == "gateway" {
			r.Candidate = func(p netip.Prefix, c *bgp.Candidate) {
				right(p, c)
				a := *c.Attrs
				a.Weight = 0
				c.Attrs = &a
			}
		}
	}}
}

func keepPrivateASNumbers() faults {
	return exporting("msee", func(e *port, _ netip.Prefix, best *bgp.Attrs, _ bgp.NeighborID, told *bgp.Attrs) *bgp.Attrs {
		if k := e.far().node.spec.Kind; told == nil || k != "ce" && k != "pe" {
			return told
		}
		a := *told
		a.Path = best.Path.Prepend(e.node.spec.AS, told.Path.Len()-best.Path.RemovePrivate().Len())
		return &a
	})
}

// crossFeed hides the MSEE's AS, which would not take a path with its own.
func crossFeed() faults {
	return exporting("gateway", func(e *port, _ netip.Prefix, best *bgp.Attrs, from bgp.NeighborID, told *bgp.Attrs) *bgp.Attrs {
		if told != nil || from < 0 || e.node.ports[from].link.spec.Together == e.link.spec.Together {
			return told
		}
		a := prepended(e, best)
		a.Path = a.Path.Replace(e.far().node.spec.AS, e.node.spec.AS)
		return a
	})
}

func rankBGPOverUserRoutes() faults {
	return faults{rows: func(rows []network.EffectiveRoute) {
		for i := range rows {
			for j := range rows {
				if u, g := &rows[i], &rows[j]; u.Source == "User" && g.Source == "VirtualNetworkGateway" && u.Prefix == g.Prefix {
					u.State, g.State = "Invalid", "Active"
				}
			}
		}
	}}
}

func unfiltered() faults {
	return exporting("ce", func(e *port, p netip.Prefix, best *bgp.Attrs, _ bgp.NeighborID, told *bgp.Attrs) *bgp.Attrs {
		spec := e.link.spec
		if told != nil || spec.Kind != "private" && spec.Kind != "microsoft" || p.Addr().Is4() && !spec.IPv4 || p.Addr().Is6() && !spec.IPv6 {
			return told
		}
		return prepended(e, best)
	})
}

func TestAGatewayThatIgnoresWeightsIsFound(t *testing.T) {
	found(t, example(t, "contoso-shared", design.Shared, nil), ignoreWeights(), at(), "healthy", "ergw-orders/0", "Best:")
}

func TestAnMSEEThatForgetsToRemovePrivateASNumbersIsFound(t *testing.T) {
	found(t, example(t, "fabrikam-isolated", design.Isolated, nil), keepPrivateASNumbers(), at(), "healthy", "london-core", "65515")
}

func TestAGatewayThatHandsOneCircuitsRoutesToTheOtherIsFound(t *testing.T) {
	found(t, example(t, "contoso-shared", design.Shared, nil), crossFeed(), at(), "healthy", "er-head-office-2/private/primary", `From: "ergw-orders/0"`)
}

func TestAVNetRouterThatRanksBGPAboveUserDefinedRoutesIsFound(t *testing.T) {
	n := example(t, "northwind", design.SharedHubSpoke, func(d *design.Design) {
		for _, x := range azure.Of[*azure.RouteTable](d.Resources) { // else there is nothing to rank
			x.Properties.DisableBGPRoutePropagation = false
		}
	})
	found(t, n, rankBGPOverUserRoutes(), at(), "healthy", "another way there")
}

func TestARouterThatSendsToADeadNextHopIsFound(t *testing.T) {
	found(t, example(t, "northwind", design.Shared, nil), faults{deadHops: true}, at("router:toronto-ce1"), "router:toronto-ce1", "answers are missing")
}

func TestAGatewayThatSendsToADeadInstanceIsFound(t *testing.T) {
	found(t, example(t, "northwind", design.Shared, nil), faults{deadInstances: true}, at("gateway:"), "gateway:", "answers are missing")
}

func TestAFirewallThatForgetsStateIsFound(t *testing.T) {
	n := example(t, "northwind", design.SharedHubSpoke, func(d *design.Design) {
		for _, x := range azure.Of[*azure.FirewallPolicyRuleCollectionGroup](d.Resources) { // only the sites may begin
			for i := range x.Properties.RuleCollections {
				c := &x.Properties.RuleCollections[i]
				c.Rules = slices.DeleteFunc(c.Rules, func(r azure.FirewallPolicyRule) bool { return !strings.HasPrefix(r.Name, "premises-sites-") })
			}
		}
	})
	found(t, n, faults{forgetfulFirewalls: true}, at(), "healthy", "answers are missing", "not allowed")
}

func TestAPrefixLimitThatNeverTripsIsFound(t *testing.T) {
	n := example(t, "proseware-microsoft365", design.Shared, func(d *design.Design) {
		site := &d.Premises.Sites[0]
		var more []netip.Prefix
		for i := range 300 {
			more = append(more, netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 112 - byte(i>>8), byte(i)}), 32))
		}
		site.PublicPrefixes = append(site.PublicPrefixes, more...)
		for _, x := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
			for i := range x.Properties.Peerings {
				if c := x.Properties.Peerings[i].Properties.MicrosoftPeeringConfig; c != nil {
					for _, p := range more {
						c.AdvertisedPublicPrefixes = append(c.AdvertisedPublicPrefixes, p.String())
					}
				}
			}
		}
		for i := range site.Routers {
			for j := range site.Routers[i].Sessions {
				if one := &site.Routers[i].Sessions[j]; one.Peering == "MicrosoftPeering" {
					one.Export = nil
				}
			}
		}
	})
	if tripped := len(n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy}).Exceeded()); tripped == 0 {
		t.Fatal("no limit is passed in this estate")
	}
	found(t, n, faults{boundless: true}, at(), "healthy", "203.0.112.0/32")
}

func TestAFilterThatIsNotAppliedIsFound(t *testing.T) {
	found(t, example(t, "northwind", design.Isolated, nil), unfiltered(), at(), "healthy", "ergw-fin-core/0", `+`)
}

// outages cuts each link with BFD in silence and returns for how long a probe got no answers, with its round trip before; links that the
// probe does not use are not there.
func outages(t *testing.T, n *network.Network, f faults) map[string][2]time.Duration {
	t.Helper()
	s, err := New(n, Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	s.faults = f
	probes, err := allProbes(s, n)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	out := map[string][2]time.Duration{}
	for _, l := range s.links {
		if l.spec.BFDMultiplier == 0 || len(l.spec.Elements) == 0 {
			continue
		}
		link := l.spec.Elements[slices.IndexFunc(l.spec.Elements, func(e string) bool { return strings.HasPrefix(e, "link:") })]
		if !s.Settle(time.Hour) {
			t.Fatal("it does not settle")
		}
		for _, q := range probes {
			q.Watch()
			q.Send(outageEvery, s.Now()+12*time.Second)
		}
		s.Run(s.Now() + time.Second)
		if err := s.Fail(Silent, link); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + 12*time.Second)
		for _, q := range probes {
			if seen := q.Seen(s.Now() - time.Second); seen.Lost > 0 && seen.Answered > 0 {
				out[link+" "+q.Name] = [2]time.Duration{seen.Outage, slices.Max(seen.RTT)}
			}
		}
		if err := s.Repair(link); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

const outageEvery = 5 * time.Millisecond

// A silent cut is noticed between two and three intervals of 300 ms after it, at both ends; and which of a flow's packets are lost shows only
// once in a turn of the source ports.
func TestBFDThatNeverTimesOutIsFound(t *testing.T) {
	n := example(t, "northwind", design.Shared, nil)
	outside := func(f faults) (all int, bad []string) {
		list := outages(t, n, f)
		for name, x := range list {
			outage, rtt := x[0], x[1]
			if outage < 600*time.Millisecond-ProbePorts*outageEvery-rtt || outage > 900*time.Millisecond+ProbePorts*outageEvery+2*rtt {
				bad = append(bad, fmt.Sprintf("%s: %s with a round trip of %s", name, outage, rtt))
			}
		}
		return len(list), bad
	}
	all, bad := outside(faults{})
	if all == 0 || len(bad) > 0 {
		t.Errorf("of %d outages without the fault are out of bounds:\n%s", all, strings.Join(bad, "\n"))
	}
	if all, bad := outside(faults{deafBFD: true}); len(bad) < all || all == 0 {
		t.Errorf("of %d outages with the fault only %d are out of bounds", all, len(bad))
	}
}
