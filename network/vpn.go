package network

import (
	"fmt"
	"net/netip"
	"time"

	"onramp/bgp"
)

// A VPN over the internet in place of ExpressRoute, for comparison only: nothing is proved of it, and the network's own tables know nothing
// of it. It is a wiring that nobody designed: the site's internal router, a VPN device beside it, the internet as one router of somebody
// else's, a VPN gateway in the virtual network, and the subnet. Between device and gateway there is a tunnel with a BGP session in it; the
// internet knows their outer addresses and nothing else.

// The numbers of a VPN.
const (
	vpnGatewayASN = 65515 // limits.yaml: coexistence, vpn_asn
	internetASN   = 64496 // RFC 5398: for documentation
	vpnHold       = 180 * time.Second
	// VPNGatewayMbps is what a VPN gateway carries (AssumeVPNGateway).
	VPNGatewayMbps = 650
	// VPNGatewayRate is the name of that rate.
	VPNGatewayRate = "vpn-gateway"
)

// What ESP in tunnel mode with AES-GCM adds (RFC 4303, RFC 4106), in octets: an IPv4 header, SPI and sequence number, the initialization
// vector, the padding's length and the next header, and the check value; and padding up to a multiple of four. TunnelOverhead is the most.
const (
	tunnelHeaders = 20 + 8 + 8
	tunnelTrailer = 2
	tunnelCheck   = 16
)

// TunnelOctets is how many octets a tunnel adds to an IP packet of a length.
func TunnelOctets(length int) int {
	return tunnelHeaders + (length+tunnelTrailer+3)&^3 - length + tunnelCheck
}

// TunnelMTU is how long a packet in a tunnel may be, so that it goes over links of an MTU in one piece.
func TunnelMTU(mtu int) int { return (mtu-tunnelHeaders-tunnelCheck)&^3 - tunnelTrailer }

// WiredTunnel makes a session's link a tunnel: what is put on it goes from router to router as a packet between the ends' outer addresses.
type WiredTunnel struct{ Outer [2]netip.Addr }

// InternetVPN is the wiring of a VPN over the internet between a host of a site and a virtual machine, in whichever order. OneWay is how long
// a packet is under way over the internet. Elements are the two links to the internet, "link:internet/site" and "link:internet/cloud".
func (n *Network) InternetVPN(a, b Endpoint, oneWay time.Duration) (Wiring, error) {
	if a.Kind == VM {
		a, b = b, a
	}
	if a.Kind != SiteHost || b.Kind != VM || !a.Addr.Is4() || !b.Addr.Is4() {
		return Wiring{}, fmt.Errorf("a VPN joins an IPv4 network of a site with one in the cloud, not %s with %s", a.Prefix, b.Prefix)
	}
	var core *router
	for _, s := range n.sites {
		if s.name == a.Site {
			core = n.routers[s.core]
		}
	}
	v := n.byVNet[b.VNet.Key()]
	if core == nil || v == nil || v.subnetNamed(b.Subnet) == nil {
		return Wiring{}, fmt.Errorf("no site %q or no subnet %s/%s in this estate", a.Site, b.VNet.Name(), b.Subnet)
	}
	device, gateway := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2") // RFC 5737
	outer := [2]netip.Addr{device, gateway}
	alone := func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) }
	l := n.catalog.Limits()
	w := Wiring{MTU: l.MTU, SupportedPacket: l.SupportedPacket}
	add := func(name, kind string, as bgp.ASN, own ...netip.Prefix) int {
		i := len(w.Routers)
		r := WiredRouter{Name: name, Kind: kind, AS: as, ID: routerID(9, i), Decision: bgp.Config{Multipath: 1}, Elements: []string{"router:" + name}}
		for _, p := range own {
			r.Own = append(r.Own, OwnRoute{Prefix: p, Attrs: &bgp.Attrs{}})
		}
		w.Routers = append(w.Routers, r)
		return i
	}
	const (
		inSite = iota
		atSite
		between
		inCloud
		subnet
	)
	add(core.name, "core", core.asn, a.Prefix)
	w.Routers[inSite].Site = a.Site
	add(a.Site+"-vpn", "vpn-device", core.asn, alone(device))
	add("internet", "internet", internetASN)
	add("vpn-"+v.name, "vpn-gateway", vpnGatewayASN, alone(gateway))
	add(v.name+"/"+b.Subnet, "vnet", vpnGatewayASN, b.Prefix)
	join := func(name, kind string, a, b int, x WiredSession) {
		x.Name, x.Kind, x.A, x.B, x.IPv4 = name, kind, a, b, true
		x.IBGP = w.Routers[a].AS == w.Routers[b].AS
		w.Sessions = append(w.Sessions, x)
	}
	inside := [2][]netip.Prefix{{a.Prefix}, {b.Prefix}}
	outside := [2][]netip.Prefix{{alone(device)}, {alone(gateway)}}
	join(w.Routers[inSite].Name+"--"+w.Routers[atSite].Name, "internal", inSite, atSite, WiredSession{Tells: inside})
	join(w.Routers[atSite].Name+"--internet", "internet", atSite, between, WiredSession{Tells: outside, Delay: oneWay / 2, Elements: []string{"link:internet/site"}})
	join("internet--"+w.Routers[inCloud].Name, "internet", between, inCloud, WiredSession{Tells: outside, Delay: oneWay - oneWay/2, Elements: []string{"link:internet/cloud"}})
	join(w.Routers[inCloud].Name+"--"+w.Routers[subnet].Name, "internal", inCloud, subnet, WiredSession{Tells: inside})
	join("tunnel", "tunnel", atSite, inCloud, WiredSession{Tells: inside, Tunnel: &WiredTunnel{Outer: outer}, MTU: TunnelMTU(w.MTU),
		Hold: [2]time.Duration{vpnHold, vpnHold}, Keepalive: [2]time.Duration{vpnHold / 3, vpnHold / 3}})
	w.Rates = []RateLimit{{Name: VPNGatewayRate, Kind: GatewayRate, Mbps: VPNGatewayMbps, Sessions: []int{2}}}
	return w, nil
}
