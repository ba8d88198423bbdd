package check

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/intent"
)

// microsoftRules are about Microsoft peering: who may announce what, and which services come in.
func microsoftRules() []ruleSet {
	return []ruleSet{
		{(*checker).registries, []string{"ms-peering-registry"}},
		{(*checker).filters, []string{"ms-peering-filter-minimal", "dynamics-premium-not-needed"}},
		{(*checker).notServed, []string{"ms-peering-unsupported-services"}},
		{(*checker).office365, []string{"o365-not-recommended"}},
		{(*checker).voices, []string{"qos-ms-peering-only"}},
	}
}

// natRules are about the translation of addresses before Microsoft peering. Of the devices that translate a design knows the
// addresses only that come out of them.
func natRules() []ruleSet {
	return []ruleSet{
		{(*checker).linkAddresses, []string{"ms-peering-link-subnet-not-nat"}},
		{(*checker).onInternetToo, []string{"nat-pool-not-on-internet", "nat-more-specific-if-shared"}},
		{(*checker).untranslated, []string{"nat-snat-outbound"}},
		{(*checker).pools, []string{"nat-common-pool"}},
	}
}

// registries finds announced prefixes that no registry gives to the customer.
func (k *checker) registries() {
	// Carriers' shared addresses (RFC 6598) are recorded to nobody.
	shared := netip.MustParsePrefix("100.64.0.0/10")
	for _, p := range k.publicOf() {
		for _, cfg := range p.configs() {
			if strings.EqualFold(cfg.AdvertisedPublicPrefixesState, "ValidationNeeded") {
				k.say("ms-peering-registry", p.at(), cfg.AdvertisedPublicPrefixesState, fmt.Sprintf("Azure did not find %s recorded to you", strings.Join(cfg.AdvertisedPublicPrefixes, ", ")), "record prefixes and AS number in a routing registry, or have Microsoft validate them by a support request")
			}
		}
		for _, x := range p.announced() {
			if a := x.Addr(); x.Overlaps(shared) && x.Bits() > 0 || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() {
				k.say("ms-peering-registry", p.at(), x.String(), "no registry records this range to anybody", "announce public prefixes that are recorded to you")
			}
		}
	}
}

// office365Communities are those of the services that need Microsoft's authorisation, which are Microsoft 365's.
func (k *checker) office365Communities() map[string]string {
	out := map[string]string{}
	for _, s := range k.c.Services() {
		if s.AuthorizationRequired {
			out[s.Community] = s.Service
		}
	}
	return out
}

// serviceNamed is the community of a service in the public cloud, "" when there is none.
func (k *checker) serviceNamed(name string) string {
	for _, s := range k.c.Services() {
		if s.Service == name && s.Cloud == "public" {
			return s.Community
		}
	}
	return ""
}

// filters holds each route filter against the services that the intent asks for, and Premium against what a filter lets in.
func (k *checker) filters() {
	told := map[*azure.RouteFilter]bool{}
	for _, p := range k.publicOf() {
		f := k.filterOf(p.c)
		if f == nil {
			continue
		}
		if extra := k.unasked(f); len(extra) > 0 && !told[f] {
			told[f] = true
			k.say("ms-peering-filter-minimal", string(f.ID), strings.Join(extra, " "), fmt.Sprintf("%s lets in %s, which nobody in the intent asks for", f.Name, strings.Join(k.called(extra), ", ")), "take these communities out of the filter")
		}
		k.dynamics(p.c, f)
	}
}

// called puts the service or region to each community.
func (k *checker) called(communities []string) []string {
	known := map[string]string{}
	for _, s := range k.c.Services() {
		known[s.Community] = s.Service
	}
	var out []string
	for _, s := range communities {
		name := known[s]
		if r, ok := k.regionOf(s); ok {
			name = "services of " + r.Name
		}
		out = append(out, or(name, s))
	}
	return out
}

// unasked are the communities of a filter that no service of the intent needs.
func (k *checker) unasked(f *azure.RouteFilter) []string {
	if k.d.Intent == nil {
		return nil
	}
	asked := map[string]bool{}
	regions := map[string]bool{}
	anywhere, voice := false, false // anywhere: somebody without networks says in no way where its services are
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		voice = voice || l.Needs.Voice
		for _, s := range l.Needs.Services {
			asked[s] = true
			if s == intent.AzurePublic || s == intent.Dynamics365 {
				anywhere = anywhere || len(l.Networks) == 0
				for j := range l.Networks {
					if r, ok := k.c.Region(l.Networks[j].Region); ok {
						regions[r.Name] = true
					}
				}
			}
		}
	}
	office := k.office365Communities()
	return slices.DeleteFunc(communitiesOf(f), func(s string) bool {
		r, regional := k.regionOf(s)
		switch {
		case regional:
			return (asked[intent.AzurePublic] || asked[intent.Dynamics365]) && (anywhere || regions[r.Name])
		case office[s] != "":
			return asked[intent.Microsoft365]
		case s == k.serviceNamed("Microsoft Entra ID"):
			return asked[intent.Microsoft365] || asked[intent.AzurePublic] || asked[intent.Dynamics365]
		case s == k.serviceNamed("CRM Online"):
			return asked[intent.Dynamics365]
		case s == k.serviceNamed("Microsoft PSTN services"):
			return voice
		}
		return asked[intent.AzurePublic] || !strings.HasPrefix(s, fmt.Sprintf("%d:", k.c.Limits().MicrosoftASN)) // what is no community of Microsoft's, azure.Validate tells
	})
}

// dynamics finds circuits that are Premium and that Dynamics 365 alone uses, within their geopolitical region.
func (k *checker) dynamics(c *azure.ExpressRouteCircuit, f *azure.RouteFilter) {
	list := communitiesOf(f)
	l, known := k.place(c)
	crm := k.serviceNamed("CRM Online")
	if !isTier(c, tierPremium) || !known || !slices.Contains(list, crm) || k.index.GlobalReach(c.ID) > 0 {
		return
	}
	for _, s := range list {
		if r, ok := k.regionOf(s); s != crm && (!ok || r.GeopoliticalRegion != l.GeopoliticalRegion) {
			return
		}
	}
	for _, name := range k.regionsOn(c) {
		if r, ok := k.c.Region(name); !ok || r.GeopoliticalRegion != l.GeopoliticalRegion {
			return
		}
	}
	most, counted := k.c.Limits().VNetLinks(tierStandard, circuitMbps(c))
	if !counted || len(k.index.Links(c.ID)) > most || k.announced(c) > k.c.Limits().PrivatePrefixesFromOnPrem(tierStandard, "ipv4") {
		return
	}
	k.say("dynamics-premium-not-needed", string(c.ID), c.SKU.Tier, fmt.Sprintf("%s is Premium, and all it reaches is Dynamics 365 and networks in %s", c.Name, l.GeopoliticalRegion), "use Standard")
}

// notServed finds services that Microsoft peering does not carry, beside a Microsoft peering.
func (k *checker) notServed() {
	public := k.publicOf()
	if len(public) == 0 {
		return
	}
	for _, x := range []struct{ typ, name string }{
		{"Microsoft.Cdn/profiles", "the content delivery network (CDN, Front Door)"},
		{"Microsoft.Network/frontDoors", "Front Door"},
		{"Microsoft.Network/trafficManagerProfiles", "Traffic Manager"},
		{"Microsoft.Logic/workflows", "Logic Apps"},
	} {
		var list []string
		for _, u := range k.others(x.typ) {
			list = append(list, u.Name)
		}
		if len(list) == 0 {
			continue
		}
		// Whoever uses them may well come by the internet; that is not in the design.
		k.sayAs(design.Warning, "ms-peering-unsupported-services", string(k.others(x.typ)[0].ID), names(list), fmt.Sprintf("Microsoft peering (%s) does not carry %s, so %s is reached by the internet only", public[0].c.Name, x.name, names(list)), "keep a way by the internet for it")
	}
}

// office365 tells once that Microsoft advises against it.
func (k *checker) office365() {
	office := k.office365Communities()
	var on []*azure.ExpressRouteCircuit
	for _, p := range k.publicOf() {
		if f := k.filterOf(p.c); f != nil && slices.ContainsFunc(communitiesOf(f), func(s string) bool { return office[s] != "" }) {
			on = append(on, p.c)
		}
	}
	if len(on) > 0 {
		k.say("o365-not-recommended", string(on[0].ID), circuitNames(on), "Microsoft 365 comes in over "+circuitNames(on)+"; Microsoft advises against that in most cases", "use the internet for Microsoft 365 unless a regulation forbids it; leave microsoft365 out of the services")
	}
}

// voices finds lines of business that ask for voice without a Microsoft peering that carries it: on private peering no class has
// priority.
func (k *checker) voices() {
	if k.d.Intent == nil {
		return
	}
	community := k.serviceNamed("Skype for Business Online")
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		if l.Needs.Voice && !slices.ContainsFunc(k.circuitsAll, func(c *azure.ExpressRouteCircuit) bool {
			return (lob(c) == "" || lob(c) == l.Name) && k.letsIn(c, community)
		}) {
			k.say("qos-ms-peering-only", "line of business "+l.Name, "voice", l.Name+" asks for voice, and no circuit of it has a Microsoft peering that lets "+community+" in; private peering gives no class priority", "add Microsoft peering with Skype for Business Online in its route filter, or leave voice out")
		}
	}
}

// linkAddresses finds announced prefixes that hold the links' own addresses.
func (k *checker) linkAddresses() {
	links := slices.DeleteFunc(k.eachLink(), func(l linkSubnet) bool { return !isMicrosoft(l.p) })
	for _, p := range k.publicOf() {
		for _, x := range p.announced() {
			for _, l := range links {
				if link, err := netip.ParsePrefix(l.text); err == nil && x.Bits() > 0 && x.Overlaps(link) {
					k.say("ms-peering-link-subnet-not-nat", p.at(), x.String(), fmt.Sprintf("it holds the link subnet %s of %s", link, l.c.Name), "announce, and translate to, a registered range of its own")
					break
				}
			}
		}
	}
}

// onInternetToo finds announced prefixes that Azure announces to the internet itself: public addresses, and custom IP prefixes
// that were commissioned there.
func (k *checker) onInternetToo() {
	public := k.publicOf()
	if len(public) == 0 {
		return
	}
	for _, a := range azure.Of[*azure.PublicIPAddress](k.d.Resources) {
		ip, err := netip.ParseAddr(a.Properties.IPAddress)
		for _, p := range public {
			if i := slices.IndexFunc(p.announced(), func(x netip.Prefix) bool { return err == nil && x.Bits() > 0 && x.Contains(ip) }); i >= 0 {
				k.say("nat-pool-not-on-internet", p.at(), p.announced()[i].String(), fmt.Sprintf("it holds %s of %s, which Azure announces to the internet", ip, a.Name), "announce a range that is on ExpressRoute only")
			}
		}
	}
	for _, u := range k.others("Microsoft.Network/customIPPrefixes") {
		var c struct {
			CIDR       string `json:"cidr"`
			State      string `json:"commissionedState"`
			NoInternet bool   `json:"noInternetAdvertise"`
		}
		properties(u, &c)
		own, err := netip.ParsePrefix(c.CIDR)
		if err != nil || c.NoInternet || !strings.EqualFold(c.State, "Commissioned") {
			continue
		}
		for _, p := range public {
			for _, x := range p.announced() {
				if x.Bits() > 0 && x.Overlaps(own) && x.Bits() <= own.Bits() {
					k.say("nat-more-specific-if-shared", p.at(), x.String(), fmt.Sprintf("%s announces %s to the internet, which is as narrow: answers may go out that way", u.Name, own), "announce a narrower part of it over ExpressRoute, and translate to that")
				}
			}
		}
	}
}

// untranslated finds private prefixes that the routers announce on Microsoft peering: what comes from there was not translated.
func (k *checker) untranslated() {
	told := map[string]bool{}
	for _, e := range k.ends {
		if !strings.EqualFold(e.s.Peering, microsoftPeering) || told[e.s.Circuit.Key()] {
			continue
		}
		for _, x := range k.heard(e) {
			if x.Addr().IsPrivate() {
				told[e.s.Circuit.Key()] = true
				k.say("nat-snat-outbound", e.at(), x.String(), fmt.Sprintf("the export policy lets %s out on Microsoft peering of %s: sources there are not translated", x, e.s.Circuit.Name()), "announce the public addresses that the sources are translated to, and those only")
				break
			}
		}
	}
}

// pools finds Microsoft peerings whose links announce nothing in common: each has a pool of its own, that is lost with it.
func (k *checker) pools() {
	for _, p := range k.publicOf() {
		heard := map[string][]netip.Prefix{}
		var at string
		for _, e := range k.sessionsOf(p.c, microsoftPeering, false) {
			heard[e.s.Connection] = append(heard[e.s.Connection], k.heard(e)...)
			at = or(at, e.at())
		}
		a, b := heard[design.Primary], heard[design.Secondary]
		if len(a) > 0 && len(b) > 0 && !slices.ContainsFunc(a, func(x netip.Prefix) bool { return slices.ContainsFunc(b, x.Overlaps) }) {
			k.say("nat-common-pool", at, firstFew(a)+"; "+firstFew(b), fmt.Sprintf("the links of Microsoft peering of %s announce different pools, so that the sessions of one are lost with its link", p.c.Name), "translate before the ways part, to one pool that both links announce")
		}
	}
}
