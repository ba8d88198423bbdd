package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/intent"
)

// peeringRules are about what a peering needs before it can stand, and who runs its two ends.
func peeringRules() []ruleSet {
	return []ruleSet{
		{(*checker).tooEarly, []string{"peering-provisioned-first"}},
		{(*checker).peeringKeys, []string{"peering-md5-format", "peering-md5-use"}},
		{(*checker).sharedAddresses, []string{"peering-no-fhrp"}},
		{(*checker).providersRouters, []string{"peering-l3-provider"}},
		{(*checker).peeringZones, []string{"peering-separate-zones"}},
	}
}

// tooEarly finds peerings on circuits that their provider has not provisioned.
func (k *checker) tooEarly() {
	for _, c := range k.circuitsAll {
		state := c.Properties.ServiceProviderProvisioningState
		if len(c.Properties.Peerings) == 0 || c.Properties.ExpressRoutePort != nil || state == "" || isState(c, provisioned) || isState(c, deprovisioning) {
			continue
		}
		k.say("peering-provisioned-first", string(c.ID), state, fmt.Sprintf("%s has peerings, and its provider's state is %s", c.Name, state), "leave the peerings out until the state is "+provisioned)
	}
}

// peeringKeys checks the MD5 keys of peerings. A key that Azure holds is not read back, so that nothing is said of each peering
// without one, but of all together.
func (k *checker) peeringKeys() {
	most := k.limit("md5.max_length")
	var without []string
	first := ""
	for _, c := range k.circuitsAll {
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			at := string(c.ID) + "/peerings/" + p.Name
			key := p.Properties.SharedKey
			if key == "" {
				without = append(without, c.Name)
				first = or(first, at)
			}
			if strings.ContainsFunc(key, func(r rune) bool { return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'z') }) || most > 0 && len(key) > most {
				// The key itself is nobody's business who reads the findings.
				k.say("peering-md5-format", at, some(len(key), "character"), "the MD5 key is longer than Azure takes, or has other characters than letters and digits", fmt.Sprintf("use at most %d letters and digits, the same on your routers", most))
			}
		}
	}
	if len(without) > 0 {
		k.say("peering-md5-use", first, some(len(without), "peering"), "no MD5 key authenticates BGP on "+names(without), "set one on both ends when the peering is configured, and keep it out of the file")
	}
}

// sharedAddresses finds link addresses that two routers have: HSRP or VRRP, which Microsoft's end does not know.
func (k *checker) sharedAddresses() {
	first := map[netip.Addr]end{}
	for _, e := range k.ends {
		a := e.s.LocalAddress.Addr()
		if !a.IsValid() {
			continue
		}
		o, known := first[a]
		if !known {
			first[a] = e
			continue
		}
		if o.router.Name != e.router.Name && o.s.Circuit.Equal(e.s.Circuit) {
			k.say("peering-no-fhrp", e.at(), a.String(), fmt.Sprintf("%s and %s both have %s: an address that moves between routers by HSRP or VRRP", o.router.Name, e.router.Name, a), "give each router the address of its own link, and a BGP session there")
		}
	}
}

// providersRouters finds circuits of layer 3 providers whose BGP the customer's own routers are to speak.
func (k *checker) providersRouters() {
	models := map[string]string{} // attachment to connectivity model
	for _, a := range k.d.Premises.Attachments {
		models[a.Name] = a.Model
	}
	layer3 := map[string]bool{} // circuits
	for i := range k.d.Orders {
		layer3[k.d.Orders[i].Circuit.Key()] = strings.EqualFold(k.d.Orders[i].Model, intent.IPVPN)
	}
	for _, c := range k.circuitsAll {
		by := layer3[c.ID.Key()]
		var own *end
		for i, e := range k.endsOn[c.ID.Key()] {
			by = by || strings.EqualFold(models[e.s.Attachment], intent.IPVPN)
			if e.site != "" && own == nil {
				own = &k.endsOn[c.ID.Key()][i]
			}
		}
		provider := providerOf(c)
		if by && own != nil {
			k.say("peering-l3-provider", own.at(), own.router.Name, fmt.Sprintf("%s runs the routing of %s (layer 3), and %s is to speak BGP with Microsoft", provider, c.Name, own.router.Name), "have the provider's edge routers run the peering, and speak BGP with those")
		}
		for i := range c.Properties.Peerings {
			p := &c.Properties.Peerings[i]
			var who string
			if unmarshal(p.Properties.Extra["lastModifiedBy"], &who) && by && strings.EqualFold(who, "Customer") {
				k.say("peering-l3-provider", string(c.ID)+"/peerings/"+p.Name, who, fmt.Sprintf("%s runs %s of %s (layer 3), and its settings were last changed by the customer", provider, p.Name, c.Name), "ask the provider whether its settings still stand, and leave changes to it")
			}
		}
	}
}

// peeringZones finds routers on which private and Microsoft peering of a circuit meet.
func (k *checker) peeringZones() {
	var routers []string
	for _, c := range k.circuitsAll {
		kinds := map[string]uint{}
		for _, e := range k.endsOn[c.ID.Key()] {
			switch {
			case e.site == "": // the provider's edge, which is neither core nor DMZ
			case strings.EqualFold(e.s.Peering, privatePeering):
				kinds[e.router.Name] |= 1
			case strings.EqualFold(e.s.Peering, microsoftPeering):
				kinds[e.router.Name] |= 2
			}
		}
		for _, name := range sortedKeys(kinds) {
			if kinds[name] == 3 && !slices.Contains(routers, name) {
				routers = append(routers, name)
			}
		}
	}
	if len(routers) > 0 {
		slices.Sort(routers)
		k.say("peering-separate-zones", routers[0], names(routers), "private and Microsoft peering end on the same routers: "+names(routers), "put Microsoft peering into a routing instance of its own that leads to the DMZ, and private peering into the core's")
	}
}

// publicOf lists the Microsoft peerings of a design.
func (k *checker) publicOf() []publicPeering {
	var out []publicPeering
	for _, c := range k.circuitsAll {
		for i := range c.Properties.Peerings {
			if isMicrosoft(&c.Properties.Peerings[i]) {
				out = append(out, publicPeering{c, &c.Properties.Peerings[i]})
			}
		}
	}
	return out
}

func (p *publicPeering) at() string { return string(p.c.ID) + "/peerings/" + p.p.Name }

// announced are the public prefixes that the customer announces there.
func (p *publicPeering) announced() []netip.Prefix {
	var out []netip.Prefix
	for _, cfg := range p.configs() {
		out = append(out, prefixes(cfg.AdvertisedPublicPrefixes)...)
	}
	return out
}

// configs are its settings for both address families, as far as there are any.
func (p *publicPeering) configs() []*azure.MicrosoftPeeringConfig {
	list := []*azure.MicrosoftPeeringConfig{p.p.Properties.MicrosoftPeeringConfig}
	if six := p.p.Properties.IPv6PeeringConfig; six != nil {
		list = append(list, six.MicrosoftPeeringConfig)
	}
	return slices.DeleteFunc(list, func(c *azure.MicrosoftPeeringConfig) bool { return c == nil })
}
