package check

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/gaissmai/bart"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
)

const (
	privatePeering   = "AzurePrivatePeering"
	microsoftPeering = "MicrosoftPeering"
	tierLocal        = "Local"
	tierStandard     = "Standard"
	tierPremium      = "Premium"
)

// locationOf is a circuit's peering location, its own or its port's.
func (k *checker) locationOf(c *azure.ExpressRouteCircuit) string {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.PeeringLocation
	}
	if p := k.portOf(c); p != nil {
		return p.Properties.PeeringLocation
	}
	return ""
}

func (k *checker) portOf(c *azure.ExpressRouteCircuit) *azure.ExpressRoutePort {
	if c.Properties.ExpressRoutePort == nil {
		return nil
	}
	p, _ := k.index.Get(c.Properties.ExpressRoutePort.ID).(*azure.ExpressRoutePort)
	return p
}

// tierOf is a circuit's tier as the published limits write it.
func tierOf(c *azure.ExpressRouteCircuit) string {
	for _, tier := range []string{tierLocal, tierStandard, tierPremium} {
		if isTier(c, tier) {
			return tier
		}
	}
	return c.SKU.Tier
}

func circuitMbps(c *azure.ExpressRouteCircuit) int {
	if sp := c.Properties.ServiceProviderProperties; sp != nil {
		return sp.BandwidthInMbps
	}
	if g := c.Properties.BandwidthInGbps; g != nil {
		return int(math.Round(*g * 1000))
	}
	return 0
}

// regionsOn are the regions of the networks that a circuit serves.
func (k *checker) regionsOn(c *azure.ExpressRouteCircuit) []string {
	var out []string
	for _, x := range k.index.Links(c.ID) {
		p := x.Properties
		if p.VirtualNetworkGateway1 == nil {
			continue
		}
		g := k.gateway[p.VirtualNetworkGateway1.ID.Key()]
		if g == nil {
			continue
		}
		home := k.homeOf(g)
		if home == nil {
			continue
		}
		out = append(out, home.Location)
		for _, v := range k.peersOf(home) {
			if q := peeringTo(v, home.ID); q != nil && q.Properties.UseRemoteGateways {
				out = append(out, v.Location)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// circuits checks what is bought: provider, speed, SKU, links.
func (k *checker) circuits() {
	limits := k.c.Limits()
	for _, c := range k.circuitsAll {
		at := string(c.ID)
		l, known := k.c.Location(k.locationOf(c))
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			offered := slices.ContainsFunc(k.c.ProvidersAt(sp.PeeringLocation), func(o catalogOffer) bool { return strings.EqualFold(o.Provider, sp.ServiceProviderName) })
			if !offered {
				k.say("circuit-provider-at-location", at, sp.ServiceProviderName, sp.ServiceProviderName+" is not listed at "+sp.PeeringLocation, "choose a provider of that location: `onramp catalog providers --location "+quoted(sp.PeeringLocation)+"`")
			}
			if !slices.Contains(limits.CircuitMbps, sp.BandwidthInMbps) {
				k.say("circuit-bandwidth-option", at, fmt.Sprint(sp.BandwidthInMbps), "no circuit of this speed is sold", fmt.Sprintf("use one of %v Mbps", limits.CircuitMbps))
			}
		}
		if isTier(c, tierLocal) && !slices.Contains(limits.LocalCircuitMbps, circuitMbps(c)) {
			k.say("circuit-local-min-1g", at, fmt.Sprint(circuitMbps(c)), "a Local circuit of this speed is not sold", fmt.Sprintf("use one of %v Mbps, or Standard", limits.LocalCircuitMbps))
		}
		for _, name := range k.regionsOn(c) {
			r, ok := k.c.Region(name)
			switch {
			case !ok || !known || r.Cloud != l.Cloud: // circuit-national-cloud-isolated tells of other clouds
			case isTier(c, tierLocal) && len(l.LocalRegions) > 0 && !slices.Contains(l.LocalRegions, r.Name):
				k.say("circuit-local-region-only", at, name, fmt.Sprintf("%s is Local to %s and serves %s", c.Name, l.Name, name), "use Standard, or Premium outside the geopolitical region")
			case isTier(c, tierStandard) && r.GeopoliticalRegion != l.GeopoliticalRegion:
				k.say("circuit-standard-geo-bound", at, name, fmt.Sprintf("%s is Standard at %s (%s) and serves %s (%s)", c.Name, l.Name, l.GeopoliticalRegion, name, r.GeopoliticalRegion), "use Premium")
			}
		}
		k.links4(c)
		// What not even Premium takes is route-private-limit-v4's to tell.
		if n, most := k.announced(c), limits.PrivatePrefixesFromOnPrem(tierOf(c), "ipv4"); n > most && n <= limits.PrivatePrefixesFromOnPrem(tierPremium, "ipv4") {
			k.say("circuit-premium-routes", at, fmt.Sprint(n), fmt.Sprintf("the premises announce %d IPv4 prefixes on %s; %s takes %d and drops the session beyond", n, c.Name, c.SKU.Tier, most), "summarise them, or use Premium")
		}
	}
}

// links4 checks the number of networks on a circuit.
func (k *checker) links4(c *azure.ExpressRouteCircuit) {
	n := len(k.index.Links(c.ID))
	if most, ok := k.c.Limits().VNetLinks(tierOf(c), circuitMbps(c)); ok && n > most {
		k.say("circuit-vnet-link-limit", string(c.ID), fmt.Sprint(n), fmt.Sprintf("%d networks are linked to %s; %s at %d Mbps allows %d", n, c.Name, c.SKU.Tier, circuitMbps(c), most), "use Premium, or a hub whose one link serves its spokes")
	}
}

// announced counts the IPv4 prefixes that the premises' policies let out on a circuit's private peering.
func (k *checker) announced(c *azure.ExpressRouteCircuit) int {
	most := 0
	for _, e := range k.endsOn[c.ID.Key()] {
		if !strings.EqualFold(e.s.Peering, privatePeering) || e.s.Export == nil || !e.s.PeerAddress.Is4() {
			continue
		}
		n := 0
		for i := range e.s.Export.Terms {
			if e.s.Export.Terms[i].Action == bgp.Accept {
				n += len(e.s.Export.Terms[i].Match.Prefixes)
			}
		}
		most = max(most, n)
	}
	return most
}

// authorizations checks that a link from another subscription redeems one.
func (k *checker) authorizations() {
	redeemed := map[string][]*azure.VirtualNetworkGatewayConnection{}
	for _, x := range k.links {
		redeemed[x.Properties.AuthorizationKey] = append(redeemed[x.Properties.AuthorizationKey], x)
	}
	for _, x := range k.links {
		p := x.Properties
		if p.Peer == nil {
			continue
		}
		c := k.circuit[p.Peer.ID.Key()]
		here, err1 := azure.ParseID(string(x.ID))
		there, err2 := azure.ParseID(string(p.Peer.ID))
		if err1 != nil || err2 != nil || strings.EqualFold(here.Subscription, there.Subscription) {
			continue
		}
		if p.AuthorizationKey == "" {
			k.say("circuit-authorization-per-link", string(x.ID), there.Subscription, fmt.Sprintf("%s links to a circuit of %s without an authorization", x.Name, there.Subscription), "make an authorization on the circuit and redeem its key here")
			continue
		}
		for _, y := range redeemed[p.AuthorizationKey] {
			if y != x {
				k.say("circuit-authorization-per-link", string(x.ID), p.AuthorizationKey, x.Name+" and "+y.Name+" redeem the same authorization", "make one for each link")
			}
		}
		if c != nil && !slices.ContainsFunc(c.Properties.Authorizations, func(a azure.Authorization) bool { return a.Properties.AuthorizationKey == p.AuthorizationKey }) {
			k.say("circuit-authorization-per-link", string(x.ID), p.AuthorizationKey, c.Name+" has no such authorization", "make it on the circuit")
		}
	}
}

// directPorts checks circuits on ExpressRoute Direct.
func (k *checker) directPorts() {
	limits := k.c.Limits()
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		sum := 0
		tags := map[int]string{}
		for _, c := range k.index.CircuitsOn(p.ID) {
			sum += circuitMbps(c)
			if sizes := limits.DirectCircuitGbps(p.Properties.BandwidthInGbps); !slices.Contains(sizes, circuitMbps(c)/1000) {
				k.say("direct-circuit-sizes", string(c.ID), fmt.Sprint(circuitMbps(c)), fmt.Sprintf("no circuit of this speed is made on a %d Gbps port", p.Properties.BandwidthInGbps), fmt.Sprintf("use one of %v Gbps", sizes))
			}
			a, err1 := azure.ParseID(string(c.ID))
			b, err2 := azure.ParseID(string(p.ID))
			if err1 == nil && err2 == nil && !strings.EqualFold(a.Subscription, b.Subscription) {
				k.say("direct-same-subscription", string(c.ID), a.Subscription, c.Name+" and its port are in different subscriptions", "create it in "+b.Subscription)
			}
			if !strings.EqualFold(p.Properties.Encapsulation, "Dot1Q") {
				continue
			}
			for i := range c.Properties.Peerings {
				id := c.Properties.Peerings[i].Properties.VLANID
				if o, twice := tags[id]; twice {
					k.say("direct-dot1q-unique-vlan", string(c.ID)+"/peerings/"+c.Properties.Peerings[i].Name, fmt.Sprint(id), fmt.Sprintf("VLAN %d is used by %s on the same ports", id, o), "use another VLAN")
				}
				tags[id] = c.Name + " " + c.Properties.Peerings[i].Name
			}
		}
		if most := int(limits.DirectOversubscription * float64(p.Properties.BandwidthInGbps) * 1000); sum > most {
			k.say("direct-oversubscription", string(p.ID), fmt.Sprint(sum), fmt.Sprintf("the circuits on %s add up to %d Mbps; at most %d may", p.Name, sum, most), "use larger ports or smaller circuits")
		}
	}
}

// linkSubnet is the subnet of one link of a peering.
type linkSubnet struct {
	c          *azure.ExpressRouteCircuit
	p          *azure.Peering
	connection string
	text       string
}

func (l *linkSubnet) at() string { return string(l.c.ID) + "/peerings/" + l.p.Name }

// eachLink lists the links of all peerings.
func (k *checker) eachLink() []linkSubnet {
	var out []linkSubnet
	for _, c := range k.circuitsAll {
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			add := func(connection, text string) {
				if text != "" {
					out = append(out, linkSubnet{c, p, connection, text})
				}
			}
			add(design.Primary, p.Properties.PrimaryPeerAddressPrefix)
			add(design.Secondary, p.Properties.SecondaryPeerAddressPrefix)
			if six := p.Properties.IPv6PeeringConfig; six != nil {
				add(design.Primary, six.PrimaryPeerAddressPrefix)
				add(design.Secondary, six.SecondaryPeerAddressPrefix)
			}
		}
	}
	return out
}

// linkSubnets checks size, uniqueness and overlap of the links' subnets.
func (k *checker) linkSubnets() {
	type used struct {
		whose string
		p     netip.Prefix
	}
	var (
		all   []used
		links bart.Lite
		space bart.Lite // of the networks
	)
	for _, v := range k.vnets {
		for _, s := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
			space.Insert(s)
		}
	}
	for _, l := range k.eachLink() {
		p, err := netip.ParsePrefix(l.text)
		if err != nil {
			k.say("peering-subnet-size", l.at(), l.text, "this is not a prefix", "write the /30 of the "+l.connection+" link")
			continue
		}
		family, want := "ipv4", 30
		if p.Addr().Is6() {
			family = "ipv6"
		}
		if _, two := k.c.Limits().PeeringPrefixLen(family); two > 0 {
			want = two
		}
		if p.Bits() != want {
			k.say("peering-subnet-size", l.at(), l.text, fmt.Sprintf("the %s link has a /%d", l.connection, p.Bits()), fmt.Sprintf("use a /%d for each link", want))
		}
		for _, o := range where(links.OverlapsPrefix(p.Masked()), all) {
			if o.p.Overlaps(p) {
				k.say("peering-subnet-unique", l.at(), l.text, fmt.Sprintf("it overlaps %s of %s", o.p, o.whose), "give each link a subnet of its own")
			}
		}
		all = append(all, used{l.c.Name + " " + l.p.Name + " " + l.connection, p.Masked()})
		links.Insert(p.Masked())
		for _, v := range where(space.OverlapsPrefix(p.Masked()), k.vnets) {
			for _, s := range prefixes(v.Properties.AddressSpace.AddressPrefixes) {
				if s.Overlaps(p) {
					k.say("peering-subnet-no-vnet-overlap", l.at(), l.text, fmt.Sprintf("it overlaps %s of %s", s, v.Name), "take link subnets from a range that no network uses")
				}
			}
		}
	}
}

// where is a list if something in it is known to overlap: most often nothing does, and then nothing has to be looked at.
func where[T any](overlaps bool, list []T) []T {
	if overlaps {
		return list
	}
	return nil
}

// vlans checks that the two peerings of a circuit have different tags.
func (k *checker) vlans() {
	for _, c := range k.circuitsAll {
		seen := map[int]string{}
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			id := p.Properties.VLANID
			at := string(c.ID) + "/peerings/" + p.Name
			if id < k.c.Limits().VLANMin || id > k.c.Limits().VLANMax {
				k.say("peering-vlan-match", at, fmt.Sprint(id), "this is no VLAN ID", fmt.Sprintf("use %d to %d", k.c.Limits().VLANMin, k.c.Limits().VLANMax))
			}
			if o, twice := seen[id]; twice {
				k.say("peering-vlan-match", at, fmt.Sprint(id), "VLAN "+fmt.Sprint(id)+" is that of "+o+" too", "use a different VLAN for each peering of the circuit")
			}
			seen[id] = p.Name
		}
	}
}

// microsoftPeerings checks what Microsoft peering needs.
func (k *checker) microsoftPeerings() {
	for _, c := range k.circuitsAll {
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			if !isMicrosoft(p) {
				continue
			}
			at := string(c.ID) + "/peerings/" + p.Name
			if p.Properties.RouteFilter == nil {
				k.say("ms-peering-route-filter", at, "", "no route filter is attached, so no prefix is received", "attach one with the services' communities")
			} else if f, ok := k.index.Get(p.Properties.RouteFilter.ID).(*azure.RouteFilter); ok {
				k.office(c, f)
			}
			if bgp.ASN(p.Properties.PeerASN).IsPrivate() {
				k.say("ms-peering-private-asn", at, fmt.Sprint(p.Properties.PeerASN), "a private AS number stands on Microsoft peering", "use a public one, or expect manual validation")
			}
			var list []netip.Prefix
			if cfg := p.Properties.MicrosoftPeeringConfig; cfg != nil {
				list = append(list, prefixes(cfg.AdvertisedPublicPrefixes)...)
			}
			if six := p.Properties.IPv6PeeringConfig; six != nil && six.MicrosoftPeeringConfig != nil {
				list = append(list, prefixes(six.MicrosoftPeeringConfig.AdvertisedPublicPrefixes)...)
			}
			if most := k.c.Limits().MicrosoftPrefixes; len(list) > most {
				k.say("ms-peering-prefix-limit", at, fmt.Sprint(len(list)), fmt.Sprintf("%d prefixes are announced; at most %d are taken", len(list), most), "summarise them")
			}
			for _, x := range list {
				switch {
				case x.Bits() == 0:
					k.say("ms-peering-no-default", at, x.String(), "a default route is announced on Microsoft peering", "name the public prefixes")
				case x.Addr().IsPrivate():
					k.say("ms-peering-public-only", at, x.String(), "a private prefix is announced on Microsoft peering", "announce public prefixes that are yours")
				}
			}
		}
	}
}

// office checks that Microsoft 365 is let in on Premium circuits only.
func (k *checker) office(c *azure.ExpressRouteCircuit, f *azure.RouteFilter) {
	if isTier(c, tierPremium) {
		return
	}
	needs := map[string]string{}
	for _, s := range k.c.Services() {
		if s.AuthorizationRequired {
			needs[s.Community] = s.Service
		}
	}
	for i := range f.Properties.Rules {
		for _, community := range f.Properties.Rules[i].Properties.Communities {
			if service, ok := needs[community]; ok {
				k.say("o365-authorisation", string(f.ID), community, fmt.Sprintf("%s lets %s in on %s, which is %s", f.Name, service, c.Name, c.SKU.Tier), "use a Premium circuit, and get Microsoft's approval")
				return
			}
		}
	}
}

func quoted(s string) string {
	if strings.ContainsAny(s, " ()") {
		return `"` + s + `"`
	}
	return s
}
