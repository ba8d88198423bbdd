package check

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// encryptionRules are about what hides the traffic from those who carry it.
func encryptionRules() []ruleSet {
	return []ruleSet{
		{(*checker).inTheClear, []string{"sec-not-encrypted"}},
		{(*checker).macsec, []string{"sec-macsec-cipher", "sec-macsec-vault"}},
		{(*checker).macsecElsewhere, []string{"sec-macsec-direct-only"}},
	}
}

// filterRules are about network security groups.
func filterRules() []ruleSet {
	return []ruleSet{
		{(*checker).unfiltered, []string{"vnet-nsg-app-subnets"}},
		{(*checker).withdrawals, []string{"route-default-withdrawal"}},
	}
}

const macsecKey = "macSecConfig"

// macsecSettings are how a link of Direct ports encrypts; the keys stand in a vault, and the settings name them.
type macsecSettings struct {
	CKN    string `json:"cknSecretIdentifier"`
	CAK    string `json:"cakSecretIdentifier"`
	Cipher string `json:"cipher"`
	SCI    string `json:"sciState"`
}

// macsecOf reads a link's settings; ok is false where MACsec is off.
func macsecOf(l *azure.ExpressRouteLink) (m macsecSettings, ok bool) {
	return m, unmarshal(extra(l.Properties.Extra, macsecKey), &m) && (m.CKN != "" || m.CAK != "")
}

// extra finds a property that package azure does not model, without regard to case.
func extra(x azure.Extra, name string) json.RawMessage {
	for _, key := range sortedKeys(x) {
		if strings.EqualFold(key, name) {
			return x[key]
		}
	}
	return nil
}

// inTheClear finds circuits whose traffic nothing below the applications encrypts, and tells of them once.
func (k *checker) inTheClear() {
	hidden := map[string]bool{}
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		n := 0
		for i := range p.Properties.Links {
			if _, ok := macsecOf(&p.Properties.Links[i]); ok {
				n++
			}
		}
		if n == 0 {
			continue
		}
		if n < len(p.Properties.Links) {
			k.say("sec-not-encrypted", string(p.ID), fmt.Sprintf("%d of %d", n, len(p.Properties.Links)), fmt.Sprintf("MACsec is on for %d of %d links of %s, and both carry traffic", n, len(p.Properties.Links), p.Name), "turn MACsec on for the other link too")
		}
		for _, c := range k.index.CircuitsOn(p.ID) {
			hidden[c.ID.Key()] = true
		}
	}
	for _, x := range k.links {
		// An IPsec tunnel to the gateway's private address goes over the circuits of its network.
		if !strings.EqualFold(x.Properties.ConnectionType, "IPsec") || x.Properties.VirtualNetworkGateway1 == nil || !truth(x.Properties.Extra, "useLocalAzureIpAddress") {
			continue
		}
		if g := k.gateway[x.Properties.VirtualNetworkGateway1.ID.Key()]; g != nil {
			for _, f := range k.feeds() {
				for _, l := range f.lines {
					if f.home != nil && f.home == k.homeOf(g) {
						hidden[l.c.ID.Key()] = true
					}
				}
			}
		}
	}
	clear := slices.DeleteFunc(slices.Clone(k.circuitsAll), func(c *azure.ExpressRouteCircuit) bool { return hidden[c.ID.Key()] || len(c.Properties.Peerings) == 0 })
	if len(clear) > 0 {
		k.say("sec-not-encrypted", string(clear[0].ID), some(len(clear), "circuit"), "nothing below the applications encrypts what goes over "+circuitNames(clear)+"; ExpressRoute itself does not", "encrypt in the applications (TLS), by IPsec over private peering, or by MACsec on Direct ports")
	}
}

// macsec checks the settings of the links that encrypt.
func (k *checker) macsec() {
	for _, p := range azure.Of[*azure.ExpressRoutePort](k.d.Resources) {
		for i := range p.Properties.Links {
			m, ok := macsecOf(&p.Properties.Links[i])
			if !ok {
				continue
			}
			at := string(p.ID) + "/links/" + p.Properties.Links[i].Name
			wide := strings.Contains(strings.ToLower(m.Cipher), "xpn")
			switch gbps := p.Properties.BandwidthInGbps; {
			case wide && gbps > 0 && gbps < 40:
				k.say("sec-macsec-cipher", at, m.Cipher, fmt.Sprintf("%d Gbps ports have no cipher with extended packet numbers (XPN)", gbps), "use GcmAes128 or GcmAes256")
			case !wide && gbps >= 40:
				// Azure takes it (macsec.ciphers.40_and_up) and advises the other (macsec.recommended_from_40g).
				k.sayAs(design.Warning, "sec-macsec-cipher", at, or(m.Cipher, "no cipher"), fmt.Sprintf("at %d Gbps the packet numbers of a cipher without XPN are soon used up, and the key has to change", gbps), "use GcmAesXpn128 or GcmAesXpn256")
			}
			k.vaults(at, &m)
		}
	}
}

// vaults checks where a link's keys are kept: named in a Key Vault that has soft delete and no private endpoint.
func (k *checker) vaults(at string, m *macsecSettings) {
	const rule = "sec-macsec-vault"
	told := map[string]bool{}
	for _, x := range []struct{ what, id string }{{"CKN", m.CKN}, {"CAK", m.CAK}} {
		host, ok := strings.CutPrefix(strings.ToLower(x.id), "https://")
		name, _, dotted := strings.Cut(host, ".")
		switch {
		case x.id == "":
			k.say(rule, at, x.what, "MACsec has no "+x.what, "name its secret in the Key Vault")
		case !ok || !dotted:
			// What stands there may be the key itself: it is not repeated.
			k.say(rule, at, x.what, "the "+x.what+" is not named as a secret of a Key Vault", "put it into a Key Vault and write the secret's address, https://VAULT.vault.azure.net/secrets/NAME")
		case !told[name]:
			told[name] = true
			k.vault(at, name)
		}
	}
}

// vault checks one vault, where the design has it.
func (k *checker) vault(at, name string) {
	const rule = "sec-macsec-vault"
	for _, v := range k.others("Microsoft.KeyVault/vaults") {
		if !strings.EqualFold(v.Name, name) {
			continue
		}
		var p struct {
			SoftDelete *bool             `json:"enableSoftDelete"`
			Endpoints  []json.RawMessage `json:"privateEndpointConnections"`
		}
		properties(v, &p)
		if p.SoftDelete != nil && !*p.SoftDelete {
			k.say(rule, at, name, "Key Vault "+v.Name+" has no soft delete: a key that is deleted by mistake cuts the link", "turn on enableSoftDelete")
		}
		if len(p.Endpoints) > 0 || k.privateEndpointTo(v.ID) {
			k.say(rule, at, name, "Key Vault "+v.Name+" has a private endpoint, behind which the ports do not find it", "keep the keys in a vault without a private endpoint")
		}
	}
}

// privateEndpointTo tells whether a private endpoint of the design leads to a resource.
func (k *checker) privateEndpointTo(id azure.ID) bool {
	type connection struct {
		Properties struct {
			To azure.ID `json:"privateLinkServiceId"`
		} `json:"properties"`
	}
	return slices.ContainsFunc(k.others("Microsoft.Network/privateEndpoints"), func(u *azure.Unknown) bool {
		var p struct {
			Own   []connection `json:"privateLinkServiceConnections"`
			Asked []connection `json:"manualPrivateLinkServiceConnections"`
		}
		properties(u, &p)
		return slices.ContainsFunc(slices.Concat(p.Own, p.Asked), func(c connection) bool { return c.Properties.To.Equal(id) })
	})
}

// macsecElsewhere finds MACsec settings on what is no Direct port.
func (k *checker) macsecElsewhere() {
	for _, c := range k.circuitsAll {
		on := func(x azure.Extra) bool { s := string(extra(x, macsecKey)); return s != "" && s != "null" }
		found := on(c.Properties.Extra) || c.Properties.ServiceProviderProperties != nil && on(c.Properties.ServiceProviderProperties.Extra)
		for i := range c.Properties.Peerings {
			found = found || on(c.Properties.Peerings[i].Properties.Extra)
		}
		if found {
			k.say("sec-macsec-direct-only", string(c.ID), macsecKey, c.Name+" asks for MACsec, which only the links of Direct ports have", "use ExpressRoute Direct, or IPsec over private peering")
		}
	}
}

// unfiltered finds workload subnets without a network security group, and tells of them once.
func (k *checker) unfiltered() {
	var list []string
	at := ""
	for _, v := range k.vnets {
		for i := range v.Properties.Subnets {
			if s := &v.Properties.Subnets[i]; !platformSubnet(s.Name) && s.Properties.NetworkSecurityGroup == nil {
				list = append(list, v.Name+"/"+s.Name)
				at = or(at, string(v.ID)+"/subnets/"+s.Name)
			}
		}
	}
	if len(list) > 0 {
		k.say("vnet-nsg-app-subnets", at, some(len(list), "subnet"), "no network security group filters "+names(list), "put a network security group on each that allows what its workload needs")
	}
}

// withdrawals finds subnets that follow the premises' default route and would go to the internet directly without it.
func (k *checker) withdrawals() {
	for _, f := range k.feeds() {
		i := slices.IndexFunc(f.lines, func(l line) bool {
			return slices.ContainsFunc(k.heardOn(l.c, false), func(p netip.Prefix) bool { return p.Bits() == 0 })
		})
		if i < 0 {
			continue
		}
		var list []string
		for _, v := range f.networks() {
			for j := range v.Properties.Subnets {
				if s := &v.Properties.Subnets[j]; !platformSubnet(s.Name) && k.followsDefault(k.tableOf(s)) && !k.closed(s) {
					list = append(list, v.Name+"/"+s.Name)
				}
			}
		}
		if len(list) > 0 {
			k.say("route-default-withdrawal", string(f.g.ID), everywhere().String(), fmt.Sprintf("what %s sends to the internet follows the premises' default route on %s, and leaves directly when that is withdrawn", names(list), f.lines[i].c.Name), "if that must not be, deny outbound traffic to Internet in a network security group of each subnet")
		}
	}
}

// closed tells whether a subnet has no way of its own to the internet: it is private, or a security group denies it.
func (k *checker) closed(s *azure.Subnet) bool {
	open := true
	if unmarshal(extra(s.Properties.Extra, "defaultOutboundAccess"), &open) && !open {
		return true
	}
	if s.Properties.NetworkSecurityGroup == nil {
		return false
	}
	g, _ := k.index.Get(s.Properties.NetworkSecurityGroup.ID).(*azure.NetworkSecurityGroup)
	if g == nil {
		return true // it is not in the design and may well deny it
	}
	return slices.ContainsFunc(g.Properties.SecurityRules, func(r azure.SecurityRule) bool {
		p := &r.Properties
		to := append(slices.Clone(p.DestinationAddressPrefixes), p.DestinationAddressPrefix)
		return strings.EqualFold(p.Direction, "Outbound") && strings.EqualFold(p.Access, "Deny") && (p.Protocol == "*" || strings.EqualFold(p.Protocol, "Any")) &&
			(everything(to) || slices.ContainsFunc(to, func(s string) bool { return strings.EqualFold(s, "Internet") }))
	})
}
