package check_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/check"
	"onramp/design"
	"onramp/intent"
)

// circuitCases are the breaches of the rules of circuits, ports, peerings, translation, security and cost.
func circuitCases(c *catalog.Catalog, t testing.TB) []breach {
	b := bases{c, t}
	return slices.Concat(purchaseCases(b), portCases(b), peeringCases(b), microsoftCases(b), encryptionCases(b), costCases(b))
}

// direct is two circuits of two lines of business on one pair of Direct ports.
func (b bases) direct(encapsulation string) func() *design.Design {
	return func() *design.Design {
		return made(b.t, b.c, "fabrikam-isolated", design.Isolated, "{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}", "{model: direct, port: 10 Gbps, encapsulation: "+encapsulation+", location: London}")
	}
}

// limited is direct with rate limiting on both circuits.
func (b bases) limited() *design.Design {
	d := b.direct("Dot1Q")()
	for _, x := range circuits(d) {
		x.Properties.Extra = azure.Extra{"EnableDirectPortRateLimit": json.RawMessage("true")}
	}
	return d
}

// far is two continents, whose circuits are Premium.
func (b bases) far() *design.Design {
	return made(b.t, b.c, "wide-world-two-continents", design.Shared)
}

// isolated is contoso with circuits for each line of business.
func (b bases) isolated() *design.Design {
	return made(b.t, b.c, "contoso-shared", design.Isolated)
}

// encrypted is a design whose port links have MACsec.
func (b bases) encrypted() *design.Design {
	d := b.limited()
	for _, p := range ports(d) {
		p.Properties.Links = []azure.ExpressRouteLink{{Name: "link1"}, {Name: "link2"}}
		for i := range p.Properties.Links {
			encrypt(&p.Properties.Links[i], "https://kv-keys.vault.azure.net/secrets/ckn", "https://kv-keys.vault.azure.net/secrets/cak", "GcmAes256")
		}
	}
	return d
}

func encrypt(l *azure.ExpressRouteLink, ckn, cak, cipher string) {
	l.Properties.Extra = azure.Extra{"macSecConfig": json.RawMessage(fmt.Sprintf(`{"cknSecretIdentifier":%q,"cakSecretIdentifier":%q,"cipher":%q,"sciState":"Enabled"}`, ckn, cak, cipher))}
}

func ports(d *design.Design) []*azure.ExpressRoutePort {
	return azure.Of[*azure.ExpressRoutePort](d.Resources)
}

func filter(d *design.Design) *azure.RouteFilter { return azure.Of[*azure.RouteFilter](d.Resources)[0] }

func letIn(d *design.Design, communities ...string) {
	r := &filter(d).Properties.Rules[0].Properties
	r.Communities = append(r.Communities, communities...)
}

func letInOnly(d *design.Design, community string) {
	for _, f := range azure.Of[*azure.RouteFilter](d.Resources) {
		f.Properties.Rules[0].Properties.Communities = []string{community}
	}
}

func purchaseCases(b bases) []breach {
	return []breach{
		{rule: "circuit-region-quota", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 10 {
				x := *circuits(d)[0]
				x.ID += azure.ID(fmt.Sprintf("-%d", i))
				d.Resources = append(d.Resources, &x)
			}
		}},
		{rule: "circuit-region-quota", base: b.contoso, spoil: func(d *design.Design) {
			for i := range 50 {
				x := *circuits(d)[0]
				x.ID += azure.ID(fmt.Sprintf("-%d", i))
				x.Location = fmt.Sprintf("region%d", i%10)
				d.Resources = append(d.Resources, &x)
			}
		}},
		{rule: "circuit-order-when-provider-ready", base: b.contoso, spoil: func(d *design.Design) {
			p := &circuits(d)[0].Properties
			p.ServiceKey, p.ServiceProviderProvisioningState = "11111111-2222-3333-4444-555555555555", "notprovisioned"
		}},
		{rule: "circuit-order-when-provider-ready", base: b.contoso, spoil: func(d *design.Design) {
			for _, o := range b.c.Offers() {
				if o.Status == "future" && !slices.ContainsFunc(b.c.ProvidersAt(o.Location), func(x catalog.Offer) bool { return x.Provider == o.Provider && x.Status != "future" }) {
					circuits(d)[0].Properties.ServiceProviderProperties.PeeringLocation = o.Location
					circuits(d)[0].Properties.ServiceProviderProperties.ServiceProviderName = o.Provider
					return
				}
			}
			b.t.Error("the catalogue lists nobody for the future")
		}},
		{rule: "circuit-order-when-provider-ready", base: b.contoso, spoil: func(d *design.Design) { d.Orders = d.Orders[1:] }},
		{rule: "circuit-upgrade-port-capacity", base: b.contoso, spoil: func(d *design.Design) { d.Orders[0].Mbps = 10000 }},
		{rule: "circuit-upgrade-port-capacity", base: b.direct("Dot1Q"), spoil: func(d *design.Design) { d.Orders[0].Mbps = 40000 }},
		{rule: "circuit-upgrade-provider-throttle", base: b.contoso, spoil: func(d *design.Design) { d.Orders[0].Mbps = 50 }},
		{rule: "circuit-headroom-single-link", base: b.contoso, spoil: func(d *design.Design) { d.Intent.LinesOfBusiness[0].Needs.Bandwidth = 3000 }},
		{rule: "circuit-burst-drops", base: b.contoso, spoil: func(d *design.Design) {
			for i := range d.Intent.LinesOfBusiness {
				d.Intent.LinesOfBusiness[i].Needs.Bandwidth = 0
			}
			d.Intent.LinesOfBusiness[0].Needs.Bandwidth = intent.Mbps(circuits(d)[0].Properties.ServiceProviderProperties.BandwidthInMbps)
		}},
		{rule: "circuit-local-not-everywhere", base: b.contoso, spoil: func(d *design.Design) {
			for _, l := range b.c.Locations() {
				if len(l.LocalRegions) == 0 && l.Cloud == "public" {
					circuits(d)[0].SKU.Tier = "local"
					circuits(d)[0].Properties.ServiceProviderProperties.PeeringLocation = l.Name
					return
				}
			}
			b.t.Error("every location has a local region")
		}},
		{rule: "circuit-local-no-global-reach", base: b.reach, spoil: func(d *design.Design) { circuits(d)[1].SKU.Tier = "LOCAL" }},
		{rule: "vwan-local-same-region", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Local"
			u := other(d, "Microsoft.Network/expressRouteGateways", "ergw-hub", `{"expressRouteConnections":[{"name":"c","properties":{"expressRouteCircuitPeering":{"id":"`+string(circuits(d)[0].ID)+`/peerings/AzurePrivatePeering"}}}]}`)
			u.Location = "eastus"
		}},
		{rule: "vwan-local-same-region", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[0].SKU.Tier = "Local"
			other(d, "Microsoft.Network/expressRouteGateways", "ergw-hub", `{}`).Location = "eastus"
			other(d, "Microsoft.Network/expressRouteGateways/expressRouteConnections", "ergw-hub/c", `{"expressRouteCircuitPeering":{"id":"`+string(circuits(d)[0].ID)+`/peerings/AzurePrivatePeering"}}`)
		}},
		{rule: "circuit-premium-cross-geo", base: b.office, spoil: func(d *design.Design) {
			r, _ := b.c.Region("eastus")
			letIn(d, r.CommunityMicrosoft)
			for _, x := range circuits(d) {
				x.SKU.Tier = "Standard"
			}
		}},
		{rule: "circuit-national-cloud-isolated", base: b.contoso, spoil: func(d *design.Design) { vnet(d, "vnet-orders").Location = "usgovvirginia" }},
		{rule: "circuit-national-cloud-isolated", base: b.office, spoil: func(d *design.Design) {
			for _, r := range b.c.Regions() {
				if r.Cloud != "public" && r.CommunityMicrosoft != "" {
					letIn(d, r.CommunityMicrosoft)
					return
				}
			}
			b.t.Error("no region of another cloud has a community")
		}},
		{rule: "circuit-delete-order", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.ServiceProviderProvisioningState = "Deprovisioning"
		}},
		{rule: "circuit-route-domain-shared", base: b.isolated, spoil: func(d *design.Design) {
			for _, x := range links(d) {
				x.Properties.Peer.ID = circuits(d)[0].ID
			}
		}},
	}
}

func portCases(b bases) []breach {
	return []breach{
		{rule: "direct-location-supported", base: b.direct("Dot1Q"), spoil: func(d *design.Design) {
			for _, l := range b.c.Locations() {
				if !l.Direct {
					ports(d)[0].Properties.PeeringLocation = l.Name
				}
			}
		}},
		{rule: "direct-billing-grace", base: b.direct("Dot1Q"), spoil: func(d *design.Design) {
			for _, x := range circuits(d) {
				x.Properties.ExpressRoutePort = nil
			}
			ports(d)[0].Properties.Links = []azure.ExpressRouteLink{{Name: "link1", Properties: azure.ExpressRouteLinkProperties{AdminState: "ENABLED"}}}
		}},
		{rule: "direct-rate-limit", base: b.limited, spoil: func(d *design.Design) { circuits(d)[0].Properties.Extra = nil }},
		{rule: "direct-encapsulation-fixed", base: b.direct("Dot1Q"), spoil: func(d *design.Design) { ports(d)[0].Properties.Encapsulation = "QinQ" }},
		{rule: "direct-qinq-stag", base: b.direct("Dot1Q"), spoil: func(d *design.Design) { session(d).STag = 7 }},
		{rule: "direct-qinq-stag", base: b.direct("QinQ"), spoil: func(d *design.Design) { session(d).STag = 7 }},
		{rule: "direct-qinq-stag", base: b.direct("QinQ"), spoil: func(d *design.Design) {
			tag := 8
			circuits(d)[0].Properties.STag = &tag
		}},
		{rule: "direct-qinq-stag", base: b.direct("QinQ"), spoil: func(d *design.Design) {
			tag := 0
			circuits(d)[0].Properties.STag, circuits(d)[1].Properties.STag = &tag, &tag
		}},
		{rule: "direct-metered-at-creation", base: b.direct("Dot1Q"), spoil: func(d *design.Design) { circuits(d)[0].SKU.Family = "unlimiteddata" }},
		{rule: "direct-no-lacp", base: b.direct("Dot1Q"), spoil: func(d *design.Design) {
			r := d.Premises.Sites[0].Routers
			for _, s := range r[1].Sessions {
				s.Interface = r[0].Sessions[0].Interface
				r[0].Sessions = append(r[0].Sessions, s)
			}
			r[1].Sessions = nil
		}},
	}
}

// keyed is contoso with an MD5 key on every peering.
func (b bases) keyed() *design.Design {
	d := b.contoso()
	for _, x := range circuits(d) {
		for i := range x.Properties.Peerings {
			x.Properties.Peerings[i].Properties.SharedKey = "n0tASecret"
		}
	}
	return d
}

// apart is office with Microsoft peering on other routers than private peering.
func (b bases) apart() *design.Design {
	d := b.office()
	for i := range d.Premises.Sites {
		s := &d.Premises.Sites[i]
		for _, r := range slices.Clone(s.Routers) {
			edge := design.Router{Name: r.Name + "-edge", ASN: r.ASN, RouterID: r.RouterID.Next()}
			for _, x := range r.Sessions {
				if x.Peering == "MicrosoftPeering" {
					edge.Sessions = append(edge.Sessions, x)
				}
			}
			s.Routers = append(s.Routers, edge)
		}
		for j := range s.Routers[:len(s.Routers)/2] {
			s.Routers[j].Sessions = slices.DeleteFunc(slices.Clone(s.Routers[j].Sessions), func(x design.Session) bool { return x.Peering == "MicrosoftPeering" })
		}
	}
	return d
}

func peeringCases(b bases) []breach {
	return []breach{
		{rule: "peering-provisioned-first", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.ServiceProviderProvisioningState = "Provisioning"
		}},
		{rule: "peering-md5-format", base: b.keyed, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.SharedKey = strings.Repeat("a", 26)
		}},
		{rule: "peering-md5-format", base: b.keyed, spoil: func(d *design.Design) { circuits(d)[0].Properties.Peerings[0].Properties.SharedKey = "with space" }},
		{rule: "peering-md5-use", base: b.keyed, spoil: func(d *design.Design) { circuits(d)[0].Properties.Peerings[0].Properties.SharedKey = "" }},
		{rule: "peering-no-fhrp", base: b.contoso, spoil: func(d *design.Design) {
			r := d.Premises.Sites[0].Routers
			r[1].Sessions[0].LocalAddress = r[0].Sessions[0].LocalAddress
		}},
		{rule: "peering-l3-provider", base: b.contoso, spoil: func(d *design.Design) { d.Orders[0].Model = "IP-VPN" }},
		{rule: "peering-l3-provider", base: b.contoso, spoil: func(d *design.Design) {
			for i := range d.Premises.Attachments {
				d.Premises.Attachments[i].Model = "ip-vpn"
			}
		}},
		{rule: "peering-l3-provider", base: b.far, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Peerings[0].Properties.Extra = azure.Extra{"lastModifiedBy": json.RawMessage(`"Customer"`)}
		}},
		{rule: "peering-separate-zones", base: b.apart, spoil: func(d *design.Design) {
			r := d.Premises.Sites[0].Routers
			r[0].Sessions = append(r[0].Sessions, r[len(r)-1].Sessions...)
		}},
	}
}

func microsoftCases(b bases) []breach {
	publicSession := func(d *design.Design, connection string) *design.Session {
		for i := range d.Premises.Sites {
			for j := range d.Premises.Sites[i].Routers {
				for n := range d.Premises.Sites[i].Routers[j].Sessions {
					if s := &d.Premises.Sites[i].Routers[j].Sessions[n]; s.Peering == "MicrosoftPeering" && s.Connection == connection {
						return s
					}
				}
			}
		}
		return nil
	}
	prefix := func(s string) bgp.PrefixRule { return bgp.PrefixRule{Prefix: netip.MustParsePrefix(s)} }
	crm := func() *design.Design {
		d := b.office()
		letInOnly(d, "12076:5040")
		for i := range circuits(d) {
			circuits(d)[i].SKU.Tier = "Standard"
		}
		return d
	}
	return []breach{
		{rule: "ms-peering-registry", base: b.office, spoil: func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixesState = "validationneeded"
		}},
		{rule: "ms-peering-registry", base: b.office, spoil: func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"100.64.8.0/24"}
		}},
		{rule: "ms-peering-filter-minimal", base: b.office, spoil: func(d *design.Design) { letIn(d, "12076:5220") }},
		{rule: "ms-peering-filter-minimal", base: b.office, spoil: func(d *design.Design) {
			r, _ := b.c.Region("westeurope")
			letIn(d, r.CommunityMicrosoft)
		}},
		{rule: "ms-peering-unsupported-services", base: b.office, spoil: func(d *design.Design) { other(d, "Microsoft.Cdn/profiles", "front", `{}`) }},
		{rule: "ms-peering-link-subnet-not-nat", base: b.office, spoil: func(d *design.Design) {
			microsoft(d).Properties.MicrosoftPeeringConfig.AdvertisedPublicPrefixes = []string{"198.51.100.0/24"}
		}},
		{rule: "nat-pool-not-on-internet", base: b.office, spoil: func(d *design.Design) {
			a := &azure.PublicIPAddress{Header: azure.Header{ID: azure.NewID("s", "g", "Microsoft.Network/publicIPAddresses", "pip"), Name: "pip", Type: "Microsoft.Network/publicIPAddresses"}}
			a.Properties.IPAddress = "203.0.113.4"
			d.Resources = append(d.Resources, a)
		}},
		{rule: "nat-more-specific-if-shared", base: b.office, spoil: func(d *design.Design) {
			other(d, "Microsoft.Network/customIPPrefixes", "own", `{"cidr":"203.0.113.0/28","commissionedState":"Commissioned"}`)
		}},
		{rule: "nat-snat-outbound", base: b.office, spoil: func(d *design.Design) {
			t := &publicSession(d, "primary").Export.Terms[0]
			t.Match.Prefixes = append(slices.Clone(t.Match.Prefixes), prefix("10.10.0.0/16"))
		}},
		{rule: "nat-common-pool", base: b.office, spoil: func(d *design.Design) {
			d.Premises.Sites[0].PublicPrefixes = nil
			publicSession(d, "primary").Export.Terms[0].Match.Prefixes = []bgp.PrefixRule{prefix("203.0.113.0/29")}
			publicSession(d, "secondary").Export.Terms[0].Match.Prefixes = []bgp.PrefixRule{prefix("203.0.113.8/29")}
		}},
		{rule: "qos-ms-peering-only", base: b.office, spoil: func(d *design.Design) {
			d.Intent.LinesOfBusiness[0].Needs.Voice = true
			letInOnly(d, "12076:5010")
		}},
		{rule: "o365-not-recommended", base: crm, spoil: func(d *design.Design) { letIn(d, "12076:5010") }},
		{rule: "dynamics-premium-not-needed", base: crm, spoil: func(d *design.Design) {
			for i := range circuits(d) {
				circuits(d)[i].SKU.Tier = "premium"
			}
		}},
	}
}

// guarded is contoso with a security group that denies the internet on every workload subnet, and a default route from the premises.
func (b bases) guarded() *design.Design {
	d := b.contoso()
	g := &azure.NetworkSecurityGroup{Header: azure.Header{ID: azure.NewID("s", "g", "Microsoft.Network/networkSecurityGroups", "nsg"), Name: "nsg", Type: "Microsoft.Network/networkSecurityGroups"}}
	g.Properties.SecurityRules = []azure.SecurityRule{{Name: "no-internet", Properties: azure.SecurityRuleProperties{Protocol: "*", SourceAddressPrefix: "*", DestinationAddressPrefix: "Internet", Access: "deny", Direction: "outbound", Priority: 100}}}
	d.Resources = append(d.Resources, g)
	for _, v := range vnets(d) {
		for i := range v.Properties.Subnets {
			if v.Properties.Subnets[i].Name != "GatewaySubnet" {
				v.Properties.Subnets[i].Properties.NetworkSecurityGroup = &azure.Ref{ID: g.ID}
			}
		}
	}
	s := session(d)
	s.Export.Terms[0].Match.Prefixes = append(s.Export.Terms[0].Match.Prefixes, bgp.PrefixRule{Prefix: netip.MustParsePrefix("0.0.0.0/0")})
	return d
}

func encryptionCases(b bases) []breach {
	vault := func(properties string) func(*design.Design) {
		return func(d *design.Design) { other(d, "Microsoft.KeyVault/vaults", "kv-keys", properties) }
	}
	return []breach{
		{rule: "sec-not-encrypted", base: b.encrypted, spoil: func(d *design.Design) { ports(d)[0].Properties.Links[1].Properties.Extra = nil }},
		{rule: "sec-not-encrypted", base: b.encrypted, spoil: func(d *design.Design) {
			for _, p := range ports(d) {
				p.Properties.Links = nil
			}
		}},
		{rule: "sec-macsec-cipher", base: b.encrypted, spoil: func(d *design.Design) {
			encrypt(&ports(d)[0].Properties.Links[0], "https://kv-keys.vault.azure.net/secrets/ckn", "https://kv-keys.vault.azure.net/secrets/cak", "gcmaesxpn256")
		}},
		{rule: "sec-macsec-cipher", base: b.encrypted, spoil: func(d *design.Design) { ports(d)[0].Properties.BandwidthInGbps = 100 }},
		{rule: "sec-macsec-vault", base: b.encrypted, spoil: func(d *design.Design) {
			encrypt(&ports(d)[0].Properties.Links[0], "https://kv-keys.vault.azure.net/secrets/ckn", "0011223344556677", "GcmAes256")
		}},
		{rule: "sec-macsec-vault", base: b.encrypted, spoil: func(d *design.Design) {
			encrypt(&ports(d)[0].Properties.Links[0], "", "https://kv-keys.vault.azure.net/secrets/cak", "GcmAes256")
		}},
		{rule: "sec-macsec-vault", base: b.encrypted, spoil: vault(`{"enableSoftDelete":false}`)},
		{rule: "sec-macsec-vault", base: b.encrypted, spoil: vault(`{"privateEndpointConnections":[{}]}`)},
		{rule: "sec-macsec-vault", base: b.encrypted, spoil: func(d *design.Design) {
			vault(`{}`)(d)
			other(d, "Microsoft.Network/privateEndpoints", "pe", `{"privateLinkServiceConnections":[{"properties":{"privateLinkServiceId":"/SUBSCRIPTIONS/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/KV-keys"}}]}`)
		}},
		{rule: "sec-macsec-direct-only", base: b.contoso, spoil: func(d *design.Design) {
			circuits(d)[0].Properties.Extra = azure.Extra{"macsecconfig": json.RawMessage(`{}`)}
		}},
		{rule: "vnet-nsg-app-subnets", base: b.guarded, spoil: func(d *design.Design) {
			for i := range vnet(d, "vnet-orders").Properties.Subnets {
				vnet(d, "vnet-orders").Properties.Subnets[i].Properties.NetworkSecurityGroup = nil
			}
		}},
		{rule: "route-default-withdrawal", base: b.guarded, spoil: func(d *design.Design) {
			azure.Of[*azure.NetworkSecurityGroup](d.Resources)[0].Properties.SecurityRules = nil
		}},
	}
}

func costCases(b bases) []breach {
	sends := func(d *design.Design, gb float64) {
		for i := range d.Intent.LinesOfBusiness {
			d.Intent.LinesOfBusiness[i].Needs.MonthlyEgressGB = nil
		}
		d.Intent.Traffic.MonthlyEgressGB = gb
	}
	// distant is contoso with a network outside the regions that are local to its locations, so that Local is no choice.
	distant := func() *design.Design {
		d := b.contoso()
		for _, v := range vnets(d) {
			v.Location = "swedencentral"
		}
		return d
	}
	gigabit := func() *design.Design {
		d := b.contoso()
		for _, x := range circuits(d) {
			x.Properties.ServiceProviderProperties.BandwidthInMbps = 1000
			x.Properties.ServiceProviderProperties.PeeringLocation = "Amsterdam"
		}
		return d
	}
	return []breach{
		{rule: "cost-gateway-left", base: b.contoso, spoil: func(d *design.Design) {
			d.Resources = slices.DeleteFunc(slices.Clone(d.Resources), func(r azure.Resource) bool {
				x, ok := r.(*azure.VirtualNetworkGatewayConnection)
				return ok && x.Properties.VirtualNetworkGateway1.ID.Equal(gateways(d)[0].ID)
			})
		}},
		{rule: "cost-local-heavy-egress", base: gigabit, spoil: func(d *design.Design) { sends(d, 500000) }},
		{rule: "cost-unlimited-breakeven", base: distant, spoil: func(d *design.Design) { sends(d, 500000) }},
		{rule: "circuit-metered-to-unlimited-one-way", base: distant, spoil: func(d *design.Design) {
			sends(d, 10)
			for _, x := range circuits(d) {
				x.SKU.Family = "UnlimitedData"
			}
		}},
		{rule: "cost-zone-of-location", base: b.contoso, spoil: func(d *design.Design) { vnet(d, "vnet-orders").Location = "brazilsouth" }},
		{rule: "cost-spoke-peering-charge", base: b.hub, spoil: func(d *design.Design) { sends(d, 1e6) }},
		{rule: "cost-global-reach-both-ways", base: b.contoso, spoil: func(d *design.Design) { join(d, 0, 1, "192.0.2.0/29") }},
	}
}

// hub is contoso's networks as spokes of a hub that inspects nothing.
func (b bases) hub() *design.Design {
	return made(b.t, b.c, "contoso-shared", design.SharedHubSpoke)
}

func TestWhatIsTrueOfEveryEstateIsSaidOnce(t *testing.T) {
	c := open(t)
	d := made(t, c, "relecloud-forty", design.Isolated)
	for _, rule := range []string{"sec-not-encrypted", "peering-md5-use", "vnet-nsg-app-subnets", "circuit-burst-drops"} {
		n := 0
		for _, f := range check.Check(d, c) {
			if f.Rule == rule {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s is said %d times", rule, n)
		}
	}
}

func TestWhatIsInOrderIsNotSpokenOf(t *testing.T) {
	c := open(t)
	b := bases{c, t}
	for _, x := range []struct {
		name string
		rule string
		base func() *design.Design
		with func(d *design.Design)
	}{
		{"an IPsec tunnel to the gateway's private address hides what goes over its circuits", "sec-not-encrypted", b.contoso, func(d *design.Design) { addTunnel(d, addVPN(d), true, "10.99.0.0/16") }},
		{"a private subnet has no way of its own to the internet", "route-default-withdrawal", b.guarded, func(d *design.Design) {
			for _, v := range vnets(d) {
				for i := range v.Properties.Subnets {
					v.Properties.Subnets[i].Properties.NetworkSecurityGroup = nil
					v.Properties.Subnets[i].Properties.Extra = azure.Extra{"defaultOutboundAccess": json.RawMessage("false")}
				}
			}
		}},
		{"a larger order that fits its ports grows in place", "circuit-upgrade-port-capacity", b.direct("Dot1Q"), func(d *design.Design) { d.Orders[0].Mbps = 5000 }},
		{"spokes of one hub do not meet on the circuit", "circuit-route-domain-shared", b.northwind, func(*design.Design) {}},
		{"a narrower part than the internet's is announced over ExpressRoute", "nat-more-specific-if-shared", b.office, func(d *design.Design) {
			other(d, "Microsoft.Network/customIPPrefixes", "own", `{"cidr":"203.0.113.0/24","commissionedState":"Commissioned"}`)
		}},
		{"a prefix that is brought to Azure and not announced to the internet is on ExpressRoute only", "nat-more-specific-if-shared", b.office, func(d *design.Design) {
			other(d, "Microsoft.Network/customIPPrefixes", "own", `{"cidr":"203.0.113.0/28","commissionedState":"Commissioned","noInternetAdvertise":true}`)
		}},
		{"an unlimited circuit on ports that exists was made metered once", "direct-metered-at-creation", b.direct("Dot1Q"), func(d *design.Design) {
			circuits(d)[0].SKU.Family, circuits(d)[0].Properties.CircuitProvisioningState = "UnlimitedData", "Enabled"
		}},
		{"the outer tag that Microsoft assigned", "direct-qinq-stag", b.direct("QinQ"), func(d *design.Design) {
			tags := []int{11, 12}
			for i, x := range circuits(d) {
				x.Properties.STag = &tags[i]
				for j := range d.Premises.Sites {
					for n := range d.Premises.Sites[j].Routers {
						for m := range d.Premises.Sites[j].Routers[n].Sessions {
							if s := &d.Premises.Sites[j].Routers[n].Sessions[m]; s.Circuit.Equal(x.ID) {
								s.STag = tags[i]
							}
						}
					}
				}
			}
		}},
		{"a circuit with a service key that is provisioned", "circuit-order-when-provider-ready", b.contoso, func(d *design.Design) {
			circuits(d)[0].Properties.ServiceKey, circuits(d)[0].Properties.ServiceProviderProvisioningState = "11111111-2222-3333-4444-555555555555", "Provisioned"
		}},
		{"a circuit that runs needs no order", "circuit-order-when-provider-ready", b.contoso, func(d *design.Design) {
			d.Orders = d.Orders[1:]
			circuits(d)[0].Properties.ServiceProviderProvisioningState = "Provisioned"
		}},
		{"a firewall's spokes pay the peering anyway", "cost-spoke-peering-charge", b.northwind, func(d *design.Design) { d.Intent.Traffic.MonthlyEgressGB = 1e6 }},
		{"Premium for Dynamics 365 and Microsoft 365", "dynamics-premium-not-needed", b.office, func(d *design.Design) { letIn(d, "12076:5040") }},
		{"a vault somewhere else is nobody's business", "sec-macsec-vault", b.encrypted, func(d *design.Design) { other(d, "Microsoft.KeyVault/vaults", "kv-apps", `{"enableSoftDelete":false}`) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			d := x.base()
			x.with(d)
			for _, f := range check.Check(d, c) {
				if f.Rule == x.rule {
					t.Errorf("%+v", f)
				}
			}
		})
	}
}

// Azure writes tiers, families, states and types in any case.
func TestTheCaseOfACircuitsValuesMakesNoDifference(t *testing.T) {
	c := open(t)
	shout := func(d *design.Design) {
		for _, x := range circuits(d) {
			for _, s := range []*string{&x.SKU.Tier, &x.SKU.Family, &x.Properties.ServiceProviderProvisioningState, &x.Properties.CircuitProvisioningState} {
				*s = strings.ToUpper(*s)
			}
			for i := range x.Properties.Peerings {
				x.Properties.Peerings[i].Properties.PeeringType = strings.ToUpper(x.Properties.Peerings[i].Properties.PeeringType)
			}
		}
		for _, p := range ports(d) {
			p.Properties.Encapsulation = strings.ToUpper(p.Properties.Encapsulation)
		}
		for _, g := range gateways(d) {
			g.Properties.GatewayType, g.Properties.SKU.Name = strings.ToLower(g.Properties.GatewayType), strings.ToUpper(g.Properties.SKU.Name)
		}
		for _, x := range links(d) {
			x.Properties.ConnectionType = strings.ToLower(x.Properties.ConnectionType)
		}
		for _, u := range azure.Of[*azure.Unknown](d.Resources) {
			u.Type = strings.ToUpper(u.Type)
		}
	}
	speaks := func(d *design.Design, rule string) bool {
		return slices.ContainsFunc(check.Check(d, c), func(f design.Finding) bool { return f.Rule == rule })
	}
	for _, x := range slices.Concat(baseCases(c, t), circuitCases(c, t)) {
		whole, broken := x.base(), x.base()
		x.spoil(broken)
		shout(whole)
		shout(broken)
		if !speaks(broken, x.rule) {
			t.Errorf("%s does not speak of values in another case", x.rule)
		}
		if !x.always && speaks(whole, x.rule) {
			t.Errorf("%s speaks of values in another case where nothing is broken", x.rule)
		}
	}
}

func TestNoFindingRepeatsAKey(t *testing.T) {
	c := open(t)
	d := bases{c, t}.encrypted()
	encrypt(&ports(d)[0].Properties.Links[0], "hush0123", "hush4567", "GcmAes256")
	circuits(d)[0].Properties.Peerings[0].Properties.SharedKey = "hush!"
	for _, f := range check.Check(d, c) {
		if strings.Contains(fmt.Sprint(f), "hush") {
			t.Errorf("a secret is told: %+v", f)
		}
	}
}
