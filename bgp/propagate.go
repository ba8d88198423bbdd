package bgp

import (
	"net/netip"
	"slices"
)

// ExportOptions is what an eBGP neighbour's configuration selects. The order of the changes is that of the fields.
type ExportOptions struct {
	// KeepMED sends the MED on: set it when the router's own policy gave it. A MED that came from another AS must not go on
	// to a third (RFC 4271 section 5.1.4).
	KeepMED bool
	// SendCommunities sends communities of all kinds on; without it they are dropped, as several vendors do by default.
	SendCommunities bool
	// RemovePrivate removes private AS numbers (vendor step; Path.RemovePrivate).
	RemovePrivate bool
	// ASOverride is the neighbour's AS, to be replaced by the local one wherever it is in the path, so that two sites of
	// one AS hear each other through a provider (vendor step). 0 replaces nothing.
	ASOverride ASN
	// PrependTimes is how often the local AS is added beyond the one time that RFC 4271 section 5.1.2 requires.
	PrependTimes int
	// NextHopSelf becomes the next hop (RFC 4271 section 5.1.3); the zero Addr keeps the one that is there.
	NextHopSelf netip.Addr
}

// ExportEBGP returns the attributes as they go to a peer in another AS (RFC 4271 section 5.1): the local AS is prepended;
// weight, local preference, originator ID, cluster list and the extended communities that do not go across ASes stay behind. Ask Advertisable first whether the route may go.
func ExportEBGP(a *Attrs, local ASN, opts ExportOptions) Attrs {
	b := *a
	b.Weight = 0
	b.LocalPref, b.HasLocalPref = 0, false
	b.OriginatorID, b.ClusterList = netip.Addr{}, nil
	if !opts.KeepMED {
		b.MED, b.HasMED = 0, false
	}
	if !opts.SendCommunities {
		b.Communities, b.ExtCommunities, b.LargeCommunities = nil, nil, nil
	}
	b.ExtCommunities = transitive(b.ExtCommunities)
	if opts.RemovePrivate {
		b.Path = b.Path.RemovePrivate()
	}
	if opts.ASOverride != 0 {
		b.Path = b.Path.Replace(opts.ASOverride, local)
	}
	b.Path = b.Path.Prepend(local, 1+max(0, opts.PrependTimes))
	if opts.NextHopSelf.IsValid() {
		b.setNextHop(opts.NextHopSelf)
	}
	return b
}

// ExportIBGPOptions is what an iBGP neighbour's configuration selects.
type ExportIBGPOptions struct {
	// NextHopSelf becomes the next hop; the zero Addr keeps the one that is there, as RFC 4271 section 5.1.3 has it for
	// routes that came from outside.
	NextHopSelf netip.Addr
	// ClusterID is set when an iBGP route is reflected (RFC 4456 section 8), and Originator then is the router ID of the peer
	// that it came from.
	ClusterID, Originator netip.Addr
}

// ExportIBGP returns the attributes as they go to a peer in the same AS: path and MED unchanged, without weight, and with
// a local preference, which is mandatory here (RFC 4271 section 5.1.5). A reflected route gets its originator, unless it
// has one, and the cluster in front of its cluster list; a reflector changes nothing else (RFC 4456 section 10).
func ExportIBGP(a *Attrs, opts ExportIBGPOptions) Attrs {
	b := *a
	b.Weight = 0
	b.LocalPref, b.HasLocalPref = a.EffectiveLocalPref(), true
	if opts.NextHopSelf.IsValid() {
		b.setNextHop(opts.NextHopSelf)
	}
	if opts.ClusterID.IsValid() {
		if !b.OriginatorID.IsValid() {
			b.OriginatorID = opts.Originator
		}
		list := make([]netip.Addr, 0, 1+len(a.ClusterList))
		b.ClusterList = append(append(list, opts.ClusterID), a.ClusterList...)
	}
	return b
}

// ShouldReflect tells whether a route goes to an iBGP peer (RFC 4456 section 6; RFC 4271 section 9.2 where there are no
// clients): what the router originated or learned by eBGP always; an iBGP route from a client to everybody, from anybody
// else only to clients. The peer that it came from is the caller's to leave out.
func ShouldReflect(from PeerType, fromClient, toClient bool) bool {
	return from != IBGP || fromClient || toClient
}

// ReflectionLoop tells whether a route from an iBGP peer has been here before and must be ignored (RFC 4456 section 8).
// A router that does not reflect gives the zero Addr as its cluster.
func ReflectionLoop(a *Attrs, routerID, cluster netip.Addr) bool {
	return a.OriginatorID.IsValid() && a.OriginatorID == routerID || slices.Contains(a.ClusterList, cluster)
}

// ImportLoop tells whether the path holds the local AS more than allowOwnAS times: such a route may not be used (RFC 4271
// section 9.1.2). A number above 0 is the vendors' "allowas-in".
func ImportLoop(a *Attrs, local ASN, allowOwnAS int) bool {
	n := 0
	for _, x := range a.Path {
		if x == local {
			n++
		}
	}
	return n > allowOwnAS
}

// ImportEBGP returns the attributes as a router takes them from a peer in another AS, before its import policy: a local
// preference, an originator and a cluster list mean nothing there and are ignored (RFC 4271 section 5.1.5, RFC 7606 sections
// 7.9 and 7.10), and a weight is only ever the router's own.
func ImportEBGP(a *Attrs) Attrs {
	b := *a
	b.Weight = 0
	b.LocalPref, b.HasLocalPref = 0, false
	b.OriginatorID, b.ClusterList = netip.Addr{}, nil
	return b
}

// ImportIBGP returns the attributes as a router takes them from a peer in the same AS, before its import policy.
func ImportIBGP(a *Attrs) Attrs { return a.WithWeight(0) }

// Advertisable tells whether the well-known communities let a route go to a peer of this kind (RFC 1997).
func Advertisable(a *Attrs, to PeerType) bool {
	if a.HasCommunity(NoAdvertise) {
		return false
	}
	return to != EBGP || !a.HasCommunity(NoExport) && !a.HasCommunity(NoExportSubconfed)
}
