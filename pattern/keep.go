package pattern

import (
	"errors"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
)

// kept is what an earlier design gave out, by the names that a new compilation uses. What it holds stays: a network's
// space and subnets, a circuit's accesses, links and VLANs, a router's identifier.
type kept struct {
	spaces        map[string][]netip.Prefix // VNet id key
	subnets       map[string]map[string][]netip.Prefix
	links         map[string]netip.Prefix // session name, as sessionName and providerLink make it
	microsoft     map[string]bool         // those of links that came from the Microsoft pool
	vlans         map[[2]string]int       // trunk or PE pair, name
	trunks        map[string]string       // circuit to the trunk or PE pair it is on
	subscriptions map[string]string       // resource name of circuits, ports, hubs
	routerIDs     map[string]netip.Addr
	circuits      map[string]bought
}

// bought is what a circuit was: its bandwidth cannot shrink in place, and its family not change back to metered.
type bought struct {
	mbps   int
	family string
}

func (k *kept) subscriptionOf(name string) string { return k.subscriptions[name] }

// readKept takes the allocations out of an earlier design; a nil design holds none.
func readKept(d *design.Design) *kept {
	k := &kept{spaces: map[string][]netip.Prefix{}, subnets: map[string]map[string][]netip.Prefix{}, links: map[string]netip.Prefix{}, microsoft: map[string]bool{},
		vlans: map[[2]string]int{}, trunks: map[string]string{}, subscriptions: map[string]string{}, routerIDs: map[string]netip.Addr{}, circuits: map[string]bought{}}
	if d == nil {
		return k
	}
	for _, v := range azure.Of[*azure.VirtualNetwork](d.Resources) {
		k.owner(v.ID, v.Name)
		key := v.ID.Key()
		for _, s := range v.Properties.AddressSpace.AddressPrefixes {
			k.spaces[key] = appendPrefix(k.spaces[key], s)
		}
		k.subnets[key] = map[string][]netip.Prefix{}
		for i := range v.Properties.Subnets {
			s := &v.Properties.Subnets[i]
			for _, p := range slices.Concat([]string{s.Properties.AddressPrefix}, s.Properties.AddressPrefixes) {
				k.subnets[key][s.Name] = appendPrefix(k.subnets[key][s.Name], p)
			}
		}
	}
	for _, p := range azure.Of[*azure.ExpressRoutePort](d.Resources) {
		k.owner(p.ID, p.Name)
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		k.owner(c.ID, c.Name)
		b := bought{family: c.SKU.Family}
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			b.mbps = sp.BandwidthInMbps
		} else if gbps := c.Properties.BandwidthInGbps; gbps != nil {
			b.mbps = int(*gbps * 1000)
		}
		k.circuits[c.Name] = b
	}
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			k.router(&d.Premises.Sites[i].Routers[j])
		}
	}
	for i := range d.Premises.ProviderEdges {
		k.router(&d.Premises.ProviderEdges[i])
	}
	return k
}

func appendPrefix(list []netip.Prefix, s string) []netip.Prefix {
	p, err := netip.ParsePrefix(s)
	if err != nil || slices.Contains(list, p.Masked()) {
		return list
	}
	return append(list, p.Masked())
}

func (k *kept) owner(id azure.ID, name string) {
	if p, err := azure.ParseID(string(id)); err == nil {
		k.subscriptions[name] = p.Subscription
	}
}

// router reads a router's identifier and the links and VLANs of its sessions.
func (k *kept) router(r *design.Router) {
	if r.RouterID.IsValid() {
		k.routerIDs[r.Name] = r.RouterID
	}
	for i := range r.Sessions {
		s := &r.Sessions[i]
		link := s.LocalAddress.Masked()
		trunk, half := r.Name, "1"
		if s.Attachment != "" {
			cut := strings.LastIndexByte(s.Attachment, '/')
			trunk, half = s.Attachment[:max(cut, 0)], s.Attachment[cut+1:]
		} else if cut := strings.LastIndex(r.Name, "-pe"); cut > 0 {
			trunk = r.Name[:cut]
		}
		if s.Circuit == "" {
			if r.Provider == "" {
				name := "provider/" + trunk + "/" + half
				if link.Addr().Is6() {
					name += "/ipv6"
				}
				k.links[name] = link
				k.vlans[[2]string{trunk, "provider"}] = s.VLAN
			}
			continue
		}
		circuit := s.Circuit.Name()
		name := sessionName(circuit, s.Peering, s.Connection, link.Addr().Is6())
		k.links[name] = link
		k.microsoft[name] = s.Peering == msPeering
		k.vlans[[2]string{trunk, circuit + "/" + peeringWord(s.Peering)}] = s.VLAN
		k.trunks[circuit] = trunk
	}
}

// keepAddresses puts back the address spaces of the earlier design, also of networks that are not in the intent any more:
// what they had may still be in use.
func (k *compiler) keepAddresses() {
	for _, key := range sortedKeys(k.kept.spaces) {
		var now *vnet
		for _, v := range k.networks {
			if v.id().Key() == key {
				now = v
			}
		}
		for _, p := range k.kept.spaces[key] {
			name := key
			if p.Addr().Is6() {
				name += "/ipv6"
			}
			if now != nil && len(family(now.given, p.Addr().Is6())) > 0 {
				continue // the intent says it now
			}
			if now == nil && k.givenAnywhere(p) {
				continue // the network is gone and its space was given to somebody on purpose
			}
			var conflict *design.ConflictError
			if err := k.addresses.Keep(name, p); errors.As(err, &conflict) {
				if now != nil {
					k.obstacle(now.lob, "networks.addressSpace", "network "+now.suffix+" had "+p.String()+" in the design to keep, which a prefix in the intent now overlaps; it moves",
						"choose a prefix that does not overlap "+p.String())
				}
			}
		}
	}
}

func (k *compiler) givenAnywhere(p netip.Prefix) bool {
	for _, v := range k.networks {
		for _, g := range v.given {
			if g.Overlaps(p) {
				return true
			}
		}
	}
	return false
}

// keepTransit puts back links and VLANs.
func (k *compiler) keepTransit() {
	for _, name := range sortedKeys(k.kept.links) {
		lease := k.transit
		if k.kept.microsoft[name] {
			lease = k.microsoft
		}
		p := k.kept.links[name]
		if err := lease.Keep(name, p); err != nil {
			k.obstacle("", "pools.transit", name+" had "+p.String()+" in the design to keep, which a prefix in the intent now overlaps; it moves", "choose a prefix that does not overlap "+p.String())
		}
	}
	var trunks [][2]string
	for key := range k.kept.vlans {
		trunks = append(trunks, key)
	}
	slices.SortFunc(trunks, func(a, b [2]string) int { return strings.Compare(a[0]+"\x00"+a[1], b[0]+"\x00"+b[1]) })
	for _, t := range trunks {
		k.vlans.Keep(t[0], t[1], k.kept.vlans[t])
	}
}

// keptWays are the accesses of a slot's circuits in the earlier design, as far as the intent still has them.
func (k *compiler) keptWays(s *slot) []*way {
	var out []*way
	for _, n := range []string{"-1", "-2"} {
		trunk, ok := k.kept.trunks[s.base+n]
		if !ok {
			break
		}
		i := slices.IndexFunc(s.part.candidates, func(w *way) bool { return w.trunk() == trunk || w.model == intent.IPVPN && w.key == trunk })
		if i < 0 {
			break
		}
		out = append(out, s.part.candidates[i])
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
