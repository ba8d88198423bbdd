package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/check"
	"onramp/choose"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/prove"
)

// mutation is one way to spoil a design. spoil changes it and tells whether there was anything to change; caught names
// the rules and properties of which at least one must speak up.
type mutation struct {
	name   string
	spoil  func(d *design.Design) bool
	caught []string
}

func mutations() []mutation {
	return []mutation{
		{"the user-defined route on GatewaySubnet gone", gatewayRouteGone, []string{"inspection", "symmetry", "sec-firewall-inspect"}},
		{"useRemoteGateways off", remoteGatewaysOff, []string{"reach", "vnet-transit-flags"}},
		{"one session gone", sessionGone, []string{"peering-two-sessions"}},
		{"both connections on one router", oneRouter, []string{"res-dual-ce", "res-links-same-place", "reach"}},
		{"weights swapped", weightsSwapped, []string{"symmetry", "route-symmetric", "route-weight-before-path"}},
		{"an allow-all firewall rule", allowAll, []string{"isolation", "sec-firewall-inspect"}},
		{"overlapping spoke", overlappingSpoke, []string{"route-no-overlap"}},
		{"export filter gone", exportGone, []string{"route-no-transit-er", "no-premises-transit", "isolation"}},
		{"a prefix too long", prefixTooLong, []string{"peering-subnet-size"}},
		{"a peering address swapped", addressSwapped, []string{"peering-subnet-host-order"}},
		{"wrong VLAN", wrongVLAN, []string{"peering-vlan-match"}},
		{"allowRemoteVnetTraffic on between isolated lines of business", remoteVNets, []string{"isolation", "vnet-to-vnet-flag"}},
	}
}

func gatewayRouteGone(d *design.Design) bool {
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		for i := range v.Properties.Subnets {
			if s := &v.Properties.Subnets[i]; s.Name == "GatewaySubnet" && s.Properties.RouteTable != nil {
				s.Properties.RouteTable = nil
				return true
			}
		}
	}
	return false
}

func remoteGatewaysOff(d *design.Design) bool {
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		for i := range v.Properties.VirtualNetworkPeerings {
			if p := &v.Properties.VirtualNetworkPeerings[i]; p.Properties.UseRemoteGateways {
				p.Properties.UseRemoteGateways = false
				return true
			}
		}
	}
	return false
}

// eachCircuitSession visits the sessions of customer and provider edge routers with MSEEs until visit returns true.
func eachCircuitSession(d *design.Design, visit func(r *design.Router, i int) bool) bool {
	var routers []*design.Router
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			routers = append(routers, &d.Premises.Sites[i].Routers[j])
		}
	}
	for i := range d.Premises.ProviderEdges {
		routers = append(routers, &d.Premises.ProviderEdges[i])
	}
	for _, r := range routers {
		for i := range r.Sessions {
			if r.Sessions[i].Circuit != "" && visit(r, i) {
				return true
			}
		}
	}
	return false
}

func sessionGone(d *design.Design) bool {
	return eachCircuitSession(d, func(r *design.Router, i int) bool {
		r.Sessions = slices.Delete(slices.Clone(r.Sessions), i, i+1)
		return true
	})
}

func oneRouter(d *design.Design) bool {
	for i := range d.Premises.Sites {
		rs := d.Premises.Sites[i].Routers
		if len(rs) < 2 || len(rs[1].Sessions) == 0 {
			continue
		}
		for j := range d.Premises.Attachments {
			if a := &d.Premises.Attachments[j]; a.Router == rs[1].Name {
				a.Router = rs[0].Name
			}
		}
		rs[0].Sessions = append(slices.Clone(rs[0].Sessions), rs[1].Sessions...)
		rs[1].Sessions = nil
		return true
	}
	return false
}

func weightsSwapped(d *design.Design) bool {
	cs := azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources)
	for i, a := range cs {
		for _, b := range cs[i+1:] {
			if a.Properties.VirtualNetworkGateway1.ID.Key() == b.Properties.VirtualNetworkGateway1.ID.Key() && a.Properties.RoutingWeight != b.Properties.RoutingWeight {
				a.Properties.RoutingWeight, b.Properties.RoutingWeight = b.Properties.RoutingWeight, a.Properties.RoutingWeight
				return true
			}
		}
	}
	return false
}

func allowAll(d *design.Design) bool {
	for _, g := range azure.Of[*azure.FirewallPolicyRuleCollectionGroup](d.Resources) {
		for i := range g.Properties.RuleCollections {
			c := &g.Properties.RuleCollections[i]
			if len(c.Rules) == 0 || c.Action.Type != "Allow" {
				continue
			}
			r := c.Rules[0]
			r.Name = "everything"
			r.IPProtocols, r.SourceAddresses, r.DestinationAddresses, r.DestinationPorts = []string{"Any"}, []string{"*"}, []string{"*"}, []string{"*"}
			c.Rules = append(slices.Clone(c.Rules), r)
			return true
		}
	}
	return false
}

// overlappingSpoke gives one spoke the space of another VNet that meets it.
func overlappingSpoke(d *design.Design) bool {
	var first *azure.VirtualNetwork
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		spoke := slices.ContainsFunc(v.Properties.VirtualNetworkPeerings, func(p azure.VirtualNetworkPeering) bool { return p.Properties.UseRemoteGateways })
		if !spoke {
			continue
		}
		if first == nil {
			first = v
			continue
		}
		v.Properties.AddressSpace.AddressPrefixes = slices.Clone(first.Properties.AddressSpace.AddressPrefixes)
		for i := range v.Properties.Subnets {
			if i < len(first.Properties.Subnets) {
				v.Properties.Subnets[i].Properties.AddressPrefix = first.Properties.Subnets[i].Properties.AddressPrefix
				v.Properties.Subnets[i].Properties.AddressPrefixes = first.Properties.Subnets[i].Properties.AddressPrefixes
			}
		}
		return true
	}
	return false
}

func exportGone(d *design.Design) bool {
	return eachCircuitSession(d, func(r *design.Router, i int) bool {
		had := r.Sessions[i].Export != nil
		r.Sessions[i].Export = nil
		return had
	})
}

func prefixTooLong(d *design.Design) bool {
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i].Properties
			if strings.HasSuffix(p.PrimaryPeerAddressPrefix, "/30") {
				p.PrimaryPeerAddressPrefix = strings.TrimSuffix(p.PrimaryPeerAddressPrefix, "/30") + "/31"
				return true
			}
		}
	}
	return false
}

func addressSwapped(d *design.Design) bool {
	return eachCircuitSession(d, func(r *design.Router, i int) bool {
		s := &r.Sessions[i]
		local := s.LocalAddress.Addr()
		s.LocalAddress, s.PeerAddress = netip.PrefixFrom(s.PeerAddress, s.LocalAddress.Bits()), local
		return true
	})
}

func wrongVLAN(d *design.Design) bool {
	return eachCircuitSession(d, func(r *design.Router, i int) bool { r.Sessions[i].VLAN++; return true })
}

// remoteVNets turns the flag on everywhere, if two lines of business that are to be apart share a circuit by gateways of
// their own.
func remoteVNets(d *design.Design) bool {
	apart := map[string]bool{}
	for _, l := range d.Intent.LinesOfBusiness {
		for _, o := range l.Needs.IsolatedFrom {
			apart[l.Name+"\x00"+o], apart[o+"\x00"+l.Name] = true, true
		}
	}
	owner := map[string]string{}
	gateways := azure.Of[*azure.VirtualNetworkGateway](d.Resources)
	for _, g := range gateways {
		owner[g.ID.Key()] = g.Tags[design.TagLineOfBusiness]
	}
	on := map[string][]string{}
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources) {
		k := c.Properties.Peer.ID.Key()
		on[k] = append(on[k], owner[c.Properties.VirtualNetworkGateway1.ID.Key()])
	}
	applies := false
	for _, lobs := range on {
		for _, a := range lobs {
			for _, b := range lobs {
				applies = applies || apart[a+"\x00"+b]
			}
		}
	}
	if applies {
		for _, g := range gateways {
			g.Properties.AllowRemoteVNetTraffic = true
		}
	}
	return applies
}

// spoken is the set of names that speak up about a design: rules of findings that are not advice, failed properties.
func spoken(d *design.Design, c *catalog.Catalog) map[string]bool {
	out := map[string]bool{}
	for _, f := range check.Check(d, c) {
		if f.Severity != design.Advice {
			out[f.Rule+" "+f.At] = true
		}
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	for _, p := range prove.Prove(d, n, c, prove.Options{}).Properties {
		if !p.Holds {
			out[p.Name+" "+p.LineOfBusiness] = true
		}
	}
	return out
}

func TestEveryMutationOfADesignIsCaughtByName(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	applied := map[string]int{}
	for _, name := range examples.Names() {
		if name == largeExample {
			continue // a smaller example ten times over: whatever can be spoilt in it can be spoilt in northwind for a tenth of the time
		}
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		e, _ := intent.Parse(name, src, c)
		a, err := choose.Choose(e, c, choose.Options{Brief: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		whole, err := a.Designs[a.Best].Encode()
		if err != nil {
			t.Fatal(err)
		}
		before := spoken(a.Designs[a.Best], c)
		for _, m := range mutations() {
			t.Run(fmt.Sprintf("%s/%s", name, m.name), func(t *testing.T) {
				d, err := design.Decode(whole)
				if err != nil {
					t.Fatal(err)
				}
				if !m.spoil(d) {
					return // there is nothing of the kind in this design
				}
				applied[m.name]++
				var fresh []string
				for k := range spoken(d, c) {
					if !before[k] {
						fresh = append(fresh, k)
					}
				}
				slices.Sort(fresh)
				for _, k := range fresh {
					rule, _, _ := strings.Cut(k, " ")
					if slices.Contains(m.caught, rule) {
						return
					}
				}
				t.Errorf("not caught by any of %v; new: %v", m.caught, fresh)
			})
		}
	}
	for _, m := range mutations() {
		if applied[m.name] == 0 {
			t.Errorf("no example has anything for %q", m.name)
		}
	}
}
