package pattern_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compile makes the design of one pattern for a drawn estate; nil when there is none, which needs an obstacle to say so.
func compile(t *rapid.T, c *catalog.Catalog, e *intent.Estate, p design.Pattern, keep *design.Design) *design.Design {
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{Keep: keep})
	if d == nil && len(obstacles) == 0 {
		t.Fatalf("%s gives no design and does not say why", p)
	}
	for _, o := range obstacles {
		if o.Message == "" || o.Fix == "" || o.Need == "" {
			t.Fatalf("%s: an obstacle says too little: %+v", p, o)
		}
	}
	return d
}

func TestADesignUsesNoAddressTwice(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			d := compile(t, c, e, p, nil)
			if d == nil {
				continue
			}
			type used struct {
				whose string
				p     netip.Prefix
			}
			var all []used
			add := func(whose string, list ...string) {
				for _, s := range list {
					if s == "" {
						continue
					}
					x := netip.MustParsePrefix(s)
					for _, o := range all {
						if o.p.Overlaps(x) {
							t.Fatalf("%s: %s of %s overlaps %s of %s", p, x, whose, o.p, o.whose)
						}
					}
					all = append(all, used{whose, x})
				}
			}
			for i := range d.Premises.Sites {
				s := &d.Premises.Sites[i]
				for _, x := range slices.Concat(s.Prefixes, s.PublicPrefixes) {
					add("site "+s.Name, x.String())
				}
			}
			for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
				add(v.Name, v.Properties.AddressSpace.AddressPrefixes...)
				subnetsInside(t, v)
			}
			for _, x := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
				for i := range x.Properties.Peerings {
					q := &x.Properties.Peerings[i].Properties
					add(x.Name+" "+q.PeeringType, q.PrimaryPeerAddressPrefix, q.SecondaryPeerAddressPrefix)
					if six := q.IPv6PeeringConfig; six != nil {
						add(x.Name+" "+q.PeeringType, six.PrimaryPeerAddressPrefix, six.SecondaryPeerAddressPrefix)
					}
				}
			}
		}
	})
}

// subnetsInside checks that a network's subnets lie in its space and not in each other.
func subnetsInside(t *rapid.T, v *azure.VirtualNetwork) {
	var seen []netip.Prefix
	for i := range v.Properties.Subnets {
		s := &v.Properties.Subnets[i]
		for _, text := range append(slices.Clone(s.Properties.AddressPrefixes), s.Properties.AddressPrefix) {
			if text == "" {
				continue
			}
			p := netip.MustParsePrefix(text)
			inside := slices.ContainsFunc(v.Properties.AddressSpace.AddressPrefixes, func(a string) bool {
				q := netip.MustParsePrefix(a)
				return q.Bits() <= p.Bits() && q.Contains(p.Addr())
			})
			if !inside {
				t.Fatalf("%s: subnet %s (%s) is outside %v", v.Name, s.Name, p, v.Properties.AddressSpace.AddressPrefixes)
			}
			for _, o := range seen {
				if o.Overlaps(p) {
					t.Fatalf("%s: subnet %s (%s) overlaps %s", v.Name, s.Name, p, o)
				}
			}
			seen = append(seen, p)
		}
	}
}

func TestADesignKeepsThePublishedLimits(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	limits := c.Limits()
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			d := compile(t, c, e, p, nil)
			if d == nil {
				continue
			}
			links, onGateway := map[string]int{}, map[string]int{}
			for _, x := range azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources) {
				links[x.Properties.Peer.ID.Key()]++
				onGateway[x.Properties.VirtualNetworkGateway1.ID.Key()]++
				if w := x.Properties.RoutingWeight; w < 0 || w > limits.MaxWeight {
					t.Fatalf("%s: weight %d", x.Name, w)
				}
			}
			tags := map[string]string{}
			for _, x := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
				mbps := 0
				if sp := x.Properties.ServiceProviderProperties; sp != nil {
					mbps = sp.BandwidthInMbps
					if !slices.Contains(limits.CircuitMbps, mbps) {
						t.Fatalf("%s has %d Mbps, which is not sold", x.Name, mbps)
					}
					if !slices.ContainsFunc(c.ProvidersAt(sp.PeeringLocation), func(o catalog.Offer) bool { return o.Provider == sp.ServiceProviderName }) {
						t.Fatalf("%s: %s is not at %s", x.Name, sp.ServiceProviderName, sp.PeeringLocation)
					}
				} else {
					mbps = int(*x.Properties.BandwidthInGbps * 1000)
				}
				if n, known := limits.VNetLinks(x.SKU.Tier, mbps); known && links[x.ID.Key()] > n {
					t.Fatalf("%s: %d links, %s at %d Mbps allows %d", x.Name, links[x.ID.Key()], x.SKU.Tier, mbps, n)
				}
				for i := range x.Properties.Peerings {
					id := x.Properties.Peerings[i].Properties.VLANID
					if id < limits.VLANMin || id > limits.VLANMax {
						t.Fatalf("%s: VLAN %d", x.Name, id)
					}
				}
			}
			for _, r := range routers(d) {
				for i := range r.Sessions {
					s := &r.Sessions[i]
					key := fmt.Sprintf("%s %s %d %v", r.Name, s.Interface, s.STag, s.LocalAddress.Addr().Is4())
					if o, twice := tags[key]; twice {
						t.Fatalf("%s and %s share %s", s.Name, o, key)
					}
					tags[key] = s.Name
				}
			}
			for _, g := range azure.Of[*azure.VirtualNetworkGateway](d.Resources) {
				if sku, ok := c.GatewaySKU(g.Properties.SKU.Name); !ok || onGateway[g.ID.Key()] > sku.MaxCircuits {
					t.Fatalf("%s: %d circuits on %s", g.Name, onGateway[g.ID.Key()], g.Properties.SKU.Name)
				}
			}
			for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
				if n := len(v.Properties.VirtualNetworkPeerings); n > limits.VNetPeerings {
					t.Fatalf("%s has %d peerings", v.Name, n)
				}
			}
			for _, x := range azure.Of[*azure.RouteTable](d.Resources) {
				if n := len(x.Properties.Routes); n > limits.RoutesPerTable {
					t.Fatalf("%s has %d routes", x.Name, n)
				}
			}
		}
	})
}

// routers are the routers of the premises and of providers.
func routers(d *design.Design) []*design.Router {
	var out []*design.Router
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			out = append(out, &d.Premises.Sites[i].Routers[j])
		}
	}
	for i := range d.Premises.ProviderEdges {
		out = append(out, &d.Premises.ProviderEdges[i])
	}
	return out
}

func TestWhateverIsDesignedCanBeBuiltAsANetwork(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			if d := compile(t, c, e, p, nil); d != nil {
				if _, findings := network.Build(d.Resources, d.Premises, c, network.Options{}); len(findings) > 0 {
					t.Fatalf("%s: %+v", p, findings)
				}
			}
		}
	})
}

func TestTheSameEstateGivesTheSameBytes(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		for _, p := range design.Patterns() {
			a, b := compile(t, c, e, p, nil), compile(t, c, e, p, nil)
			if a == nil {
				continue
			}
			x, err1 := a.Encode()
			y, err2 := b.Encode()
			if err1 != nil || err2 != nil || string(x) != string(y) {
				t.Fatalf("%s: two compilations differ (%v, %v)", p, err1, err2)
			}
			again, err := design.Decode(x)
			if err != nil {
				t.Fatal(err)
			}
			if z, err := again.Encode(); err != nil || string(z) != string(x) {
				t.Fatalf("%s: design.json does not survive reading (%v)", p, err)
			}
		}
	})
}

// allocations are everything in a design that somebody may have configured or ordered: spaces, subnets, links, VLANs,
// accesses, router ids.
func allocations(d *design.Design) map[string]string {
	out := map[string]string{}
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		out["space "+v.ID.Key()] = strings.Join(v.Properties.AddressSpace.AddressPrefixes, " ")
		for i := range v.Properties.Subnets {
			s := &v.Properties.Subnets[i]
			out["subnet "+v.ID.Key()+"/"+s.Name] = strings.TrimSpace(s.Properties.AddressPrefix + " " + strings.Join(s.Properties.AddressPrefixes, " "))
		}
	}
	for _, r := range routers(d) {
		out["router "+r.Name] = r.RouterID.String()
		for i := range r.Sessions {
			s := &r.Sessions[i]
			out["session "+r.Name+" "+s.Name] = fmt.Sprintf("%s %s vlan %d on %q", s.LocalAddress, s.PeerAddress, s.VLAN, s.Attachment)
		}
	}
	return out
}

// keeps tells whether an allocation is what it was. A network that everybody shares may have got prefixes beside those that it had: the
// hub gets IPv6 with the first line of business that has it.
func keeps(what, was, is string) bool {
	if strings.HasPrefix(what, "space ") || strings.HasPrefix(what, "subnet ") {
		now := strings.Fields(is)
		return !slices.ContainsFunc(strings.Fields(was), func(p string) bool { return !slices.Contains(now, p) })
	}
	return was == is
}

func TestAddingALineOfBusinessMovesNobody(t *testing.T) {
	c := open(t)
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		after := drawer.Estate(t)
		if len(after.LinesOfBusiness) < 2 {
			return
		}
		// The one that comes later has a name that sorts anywhere; references to it come with it.
		gone := rapid.IntRange(0, len(after.LinesOfBusiness)-1).Draw(t, "new")
		before := *after
		before.Premises.RoutesBetween = nil
		before.LinesOfBusiness = slices.Delete(slices.Clone(after.LinesOfBusiness), gone, gone+1)
		for i := range before.LinesOfBusiness {
			n := &before.LinesOfBusiness[i].Needs
			isNew := func(s string) bool { return s == after.LinesOfBusiness[gone].Name }
			n.Reaches = slices.DeleteFunc(slices.Clone(n.Reaches), isNew)
			n.IsolatedFrom = slices.DeleteFunc(slices.Clone(n.IsolatedFrom), isNew)
		}
		for _, p := range design.Patterns() {
			old := compile(t, c, &before, p, nil)
			if old == nil {
				continue
			}
			now := compile(t, c, after, p, old)
			if now == nil {
				continue
			}
			was, is := allocations(old), allocations(now)
			for k, v := range was {
				if w, there := is[k]; there && v != "invalid IP" && !keeps(k, v, w) {
					t.Fatalf("%s: %s moved from %s to %s", p, k, v, w)
				}
			}
			// What the earlier design had and the new one lacks may only be a circuit that is not needed any more; a network never goes.
			for k := range was {
				if strings.HasPrefix(k, "space ") && is[k] == "" {
					t.Fatalf("%s: %s is gone", p, k)
				}
			}
		}
	})
}
