package network

import (
	"net/netip"
	"slices"

	"onramp/design"
)

// WiredNAT is where a site translates the addresses of what it sends to Microsoft's services ("Address translation on Microsoft peering" in
// behaviors.md): beside its internal router, in front of both connections of every circuit, so that what one connection carried the other
// can go on with. The public IPv4 prefixes of the site are the pool (AssumeCommonPool); without one nothing can be sent to a service.
type WiredNAT struct {
	Site   string
	Router int // where it stands
	Pool   []netip.Prefix
}

// AssumeCommonPool is about where addresses are translated.
const AssumeCommonPool = "common-translation-pool"

// TranslationAssumptions are those on which what happens to flows of Microsoft peering rests, beside those of the network itself: none
// where there is no Microsoft peering.
func (n *Network) TranslationAssumptions() []design.Assumption {
	if len(n.services) == 0 {
		return nil
	}
	return []design.Assumption{{Name: AssumeCommonPool, Text: "A site translates what it sends to Microsoft's services in one place, in front of both connections of each circuit, to addresses and ports from its public prefixes; a translation is forgotten after 5 minutes without a packet.",
		Reason: "The design gives a site public prefixes and does not say where they are used; a pool for each link would break flows when a link fails (expressroute-nat.md). The time is that of RFC 4787 section 4.3."}}
}

// translations are the sites' NATs, and the prefixes for which they translate. They are of IPv4: services are not stood for by others
// (AssumeServicePrefix), and IPv6 needs none.
func (n *Network) translations() (nats []WiredNAT, services []netip.Prefix) {
	for _, s := range n.services {
		if !slices.Contains(services, s.prefix) {
			services = append(services, s.prefix)
		}
	}
	if len(services) == 0 {
		return nil, nil
	}
	for _, s := range n.sites {
		x := WiredNAT{Site: s.name, Router: s.core}
		for _, p := range s.public {
			if p.Addr().Is4() {
				x.Pool = append(x.Pool, p)
			}
		}
		nats = append(nats, x)
	}
	return nats, services
}
