package pattern

import (
	"fmt"
	"slices"
	"strings"

	"onramp/design"
	"onramp/intent"
)

// directProvider is who a Direct order goes to.
const directProvider = "Microsoft (Direct)"

// orders are what each circuit's provider is asked for, in the order of the circuits.
func (k *compiler) orders() []design.Order {
	out := []design.Order{}
	for _, c := range k.circuits {
		o := design.Order{Circuit: c.id(), Provider: c.way.provider, Location: c.way.location, Model: c.way.model, Mbps: c.mbps,
			Attachments: []string{}, VLANs: []design.OrderVLAN{}, LineOfBusiness: c.lob}
		if c.port != nil {
			o.Provider = directProvider
		}
		ends := []*way{c.way}
		if c.way.model == intent.IPVPN {
			ends = k.served(c.way.provider)
		}
		for _, w := range ends {
			o.Attachments = append(o.Attachments, w.attachmentName(1), w.attachmentName(2))
		}
		for _, p := range []*peering{c.private, c.public} {
			if p != nil {
				o.VLANs = append(o.VLANs, design.OrderVLAN{Peering: p.kind, VLAN: p.vlan})
			}
		}
		o.Steps = k.steps(c)
		out = append(out, o)
	}
	return out
}

// steps is the circuit's way from order to traffic (expressroute-workflows.md, expressroute-erdirect-about.md,
// cross-connections-api-development.md).
func (k *compiler) steps(c *circuit) []string {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	if c.port != nil {
		add("Enrol subscription %s for ExpressRoute Direct (AllowExpressRoutePorts) and reserve the port pair %s at %s", c.port.subscription, c.port.name, c.way.location)
		add("Fetch the letter of authorisation for %s and have both ports cross-connected to %s", c.port.name, strings.Join([]string{c.way.attachmentName(1), c.way.attachmentName(2)}, " and "))
		add("Enable both links; charging begins with the first, or after 45 days")
		add("Create circuit %s (%s, %s) on the ports", c.name, c.tier, c.mbps)
		if c.way.access.Encapsulation == "QinQ" {
			add("Read the outer tag (S-tag) that Microsoft assigned to %s and set it on both routers", c.name)
		}
	} else {
		add("Ask %s whether it can provision %s at %s on both attachments; the circuit is charged from its creation on", c.way.provider, c.mbps, c.way.location)
		add("Create circuit %s (%s, %s) and copy its service key", c.name, c.tier, c.mbps)
		if ex := k.exchanges(c.way); len(ex) > 0 {
			add("%s reaches Microsoft at %s through %s: name the exchange in the order", c.way.provider, c.way.location, strings.Join(ex, " or "))
		}
		add("Give the service key to %s and order both connections, primary on one path and secondary on a diverse one", c.way.provider)
		add("Wait until the provider's state of %s is Provisioned", c.name)
	}
	for _, p := range []*peering{c.private, c.public} {
		if p == nil {
			continue
		}
		who := "Configure"
		if c.way.model == intent.IPVPN {
			who = "Have the provider confirm"
		}
		add("%s %s: VLAN %d, peer AS %s, %s and %s", who, p.kind, p.vlan, c.asn, p.link[0], p.link[1])
		if p.kind == msPeering {
			add("Prove that %s and AS %s are yours: they must stand in a routing registry, otherwise Microsoft validates them by hand before the session comes up", strings.Join(prefixStrings(p.announced), ", "), c.asn)
			if k.needsMicrosoft365(c) {
				add("Get Microsoft's authorisation to use ExpressRoute with Microsoft 365 before the route filter is attached")
			}
		}
	}
	var links []string
	for _, v := range c.networks {
		links = append(links, v.gatewayName())
	}
	if len(links) > 0 {
		add("Link %s: %s", plural(len(links), "gateway"), strings.Join(links, ", "))
	}
	return s
}

// needsMicrosoft365 tells whether somebody on the circuit wants Microsoft 365.
func (k *compiler) needsMicrosoft365(c *circuit) bool {
	return slices.ContainsFunc(c.lobs, func(l *lob) bool { return slices.Contains(l.services, intent.Microsoft365) })
}
