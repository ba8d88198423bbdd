package pattern

import (
	"slices"
	"strings"

	"onramp/bgp"
	"onramp/intent"
)

// microsoftPeering is the circuit's Microsoft peering when somebody on it asks for Microsoft's public services, nil
// otherwise.
func (k *compiler) microsoftPeering(c *circuit) *peering {
	var wanted []*lob
	for _, l := range c.lobs {
		if len(l.services) > 0 {
			wanted = append(wanted, l)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	p := &peering{kind: msPeering, announced: k.publicPrefixes(c.sites)}
	if len(p.announced) == 0 {
		for _, l := range wanted {
			k.obstacle(l.Name, "services", strings.Join(l.services, ", ")+" needs Microsoft peering, and none of the sites "+strings.Join(c.sites, ", ")+" has publicPrefixes",
				"give one of these sites a public prefix of the organisation's own")
		}
		return nil
	}
	for _, l := range wanted {
		p.communities = append(p.communities, k.communities(l, c)...)
	}
	slices.Sort(p.communities)
	p.communities = slices.Compact(p.communities)
	return p
}

// communities are what the route filter lets through for a line of business: as few as its services need
// (ms-peering-filter-minimal).
func (k *compiler) communities(l *lob, c *circuit) []bgp.Community {
	var out []bgp.Community
	add := func(s string) {
		if v, err := bgp.ParseCommunity(s); err == nil {
			out = append(out, v)
		}
	}
	regional := func() {
		for _, name := range k.regionsOf(l, c) {
			if r, ok := k.c.Region(name); ok && r.CommunityMicrosoft != "" {
				add(r.CommunityMicrosoft)
			} else {
				k.obstacle(l.Name, "services", "region "+name+" has no published community for Microsoft peering, so its public services cannot be let in", "leave azure-public and dynamics365 out, or use another region")
			}
		}
	}
	for _, s := range l.services {
		switch s {
		case intent.AzurePublic:
			regional()
		case intent.Dynamics365:
			// Version 8.2 and earlier have a community of their own; newer ones use the region's (services.csv).
			add(k.serviceCommunity("CRM Online"))
			regional()
		case intent.Microsoft365:
			for _, name := range []string{"Exchange Online", "SharePoint Online", "Skype for Business Online", "Other Office 365 Online services", "Microsoft Entra ID"} {
				add(k.serviceCommunity(name))
			}
		}
	}
	return out
}

// serviceCommunity is the community of a service of the public cloud, "" when the catalogue has none.
func (k *compiler) serviceCommunity(name string) string {
	for _, s := range k.c.Services() {
		if s.Service == name && s.Cloud == "public" {
			return s.Community
		}
	}
	return ""
}

// regionsOf are the regions of a line of business's networks; without networks, the region nearest to the circuit.
func (k *compiler) regionsOf(l *lob, c *circuit) []string {
	var out []string
	for i := range l.Networks {
		out = append(out, l.Networks[i].Region)
	}
	if len(out) == 0 {
		out = []string{k.regionOf(c.way.location)}
		k.assume("services-region", "Regional services of "+l.Name+" are taken to be in "+out[0]+", the region nearest to its circuit.", "It has no networks that would say in which region its services are.")
	}
	slices.Sort(out)
	return slices.Compact(out)
}
