package pattern

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"onramp/bgp"
	"onramp/catalog"
	"onramp/intent"
)

// makeSurvey reads the premises: sites, accesses with their ranks, backbone, groups.
func (k *compiler) makeSurvey() {
	s := &survey{byName: map[string]*intent.Site{}, members: map[string]map[string]bool{}}
	for i := range k.e.Premises.Sites {
		site := k.e.Premises.Sites[i]
		if site.Routers == 0 {
			site.Routers = 2
		}
		s.sites = append(s.sites, &site)
		s.byName[site.Name] = &site
	}
	slices.SortFunc(s.sites, func(a, b *intent.Site) int { return strings.Compare(a.Name, b.Name) })
	for i := range k.e.Premises.Backbone {
		s.links = append(s.links, k.e.Premises.Backbone[i].Between)
	}
	regions := k.regionsInUse()
	for _, site := range s.sites {
		seen := map[string]int{}
		for i := range site.Access {
			a := &site.Access[i]
			w := &way{site: site.Name, provider: a.Provider, model: a.Model, location: a.Location, mbps: a.Speed(), access: a}
			who := a.Provider
			if a.Model == intent.Direct {
				who = "direct"
			}
			w.key = slug(who) + "-" + slug(a.Location)
			if seen[w.key]++; seen[w.key] > 1 {
				w.key = fmt.Sprintf("%s-%d", w.key, seen[w.key])
			}
			w.rank = k.rank(w, regions)
			if l, ok := k.c.Location(a.Location); ok {
				w.location, w.metro = l.Name, l.Kind == "metro"
			}
			s.ways = append(s.ways, w)
			if a.Model == intent.IPVPN {
				if s.members[a.Provider] == nil {
					s.members[a.Provider] = map[string]bool{}
				}
				s.members[a.Provider][site.Name] = true
			}
		}
	}
	slices.SortStableFunc(s.ways, func(a, b *way) int { return strings.Compare(a.trunk(), b.trunk()) })
	s.makeGroups()
	k.survey = s
}

// regionsInUse are the regions of all networks and of the shared services, sorted.
func (k *compiler) regionsInUse() []string {
	var out []string
	for _, l := range k.lobs {
		for i := range l.Networks {
			out = append(out, l.Networks[i].Region)
		}
	}
	if s := k.e.SharedServices; s != nil {
		out = append(out, s.Region)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// rank tells how well an access suits the regions.
func (k *compiler) rank(w *way, regions []string) rank {
	r := rank{name: w.trunk(), unknown: w.access.MonthlyUSD == nil}
	if !r.unknown {
		r.usd = *w.access.MonthlyUSD
	}
	l, ok := k.c.Location(w.location)
	if !ok {
		r.reach = 2
		return r
	}
	for _, name := range regions {
		r.reach = max(r.reach, k.reach(l, name))
		if region, ok := k.c.Region(name); ok {
			r.km += int(math.Round(catalog.DistanceKM(l.Latitude, l.Longitude, region.Latitude, region.Longitude)))
		}
	}
	return r
}

// How far a region is from a peering location in terms of circuit SKUs.
const (
	reachLocal  = 0
	reachNear   = 1 // the same geopolitical region
	reachBeyond = 2
)

func (k *compiler) reach(l catalog.Location, region string) int {
	r, ok := k.c.Region(region)
	switch {
	case ok && slices.Contains(l.LocalRegions, r.Name):
		return reachLocal
	case ok && r.GeopoliticalRegion == l.GeopoliticalRegion:
		return reachNear
	}
	return reachBeyond
}

// regionOf is the Azure region in which resources at a peering location are kept: one local to it, else the nearest of the
// same cloud.
func (k *compiler) regionOf(location string) string {
	l, ok := k.c.Location(location)
	if !ok {
		return mostUsed(k.regionsInUse())
	}
	type near struct {
		name  string
		local int
		km    float64
	}
	var list []near
	for _, r := range k.c.Regions() {
		if r.Cloud != l.Cloud {
			continue
		}
		n := near{r.Name, 1, catalog.DistanceKM(l.Latitude, l.Longitude, r.Latitude, r.Longitude)}
		if slices.Contains(l.LocalRegions, r.Name) {
			n.local = 0
		}
		list = append(list, n)
	}
	if len(list) == 0 {
		return mostUsed(k.regionsInUse())
	}
	return slices.MinFunc(list, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.local, b.local), cmp.Compare(a.km, b.km), strings.Compare(a.name, b.name))
	}).name
}

// exchanges are the cloud exchanges through which the provider of an access reaches Microsoft, empty when it does directly.
func (k *compiler) exchanges(w *way) []string {
	var through []string
	for _, o := range k.c.ProvidersAt(w.location) {
		if o.Provider != w.provider {
			continue
		}
		if o.Access == "direct" {
			return nil
		}
		through = append(through, strings.Split(o.Exchange, ";")...)
	}
	slices.Sort(through)
	return slices.Compact(through)
}

// siteASN is the AS number of a site's routers.
func (k *compiler) siteASN(site string) bgp.ASN {
	s := k.survey.byName[site]
	if s == nil || s.ASN == 0 {
		return bgp.ASN(k.e.Premises.ASN)
	}
	return bgp.ASN(s.ASN)
}

// firstProviderASN is where the search for a provider's AS number begins that the intent does not say: the upper end of
// the two-byte private numbers (RFC 6996), below those that Azure reserves.
const firstProviderASN = 65500

// providerASN is the AS number of a provider's edge: as the intent says, for this or another access of the provider, else
// an assumed private one that no site uses.
func (k *compiler) providerASN(w *way) bgp.ASN {
	for _, o := range append([]*way{w}, k.survey.ways...) {
		if o.model == intent.IPVPN && o.provider == w.provider && o.access.ProviderASN != 0 {
			return bgp.ASN(o.access.ProviderASN)
		}
	}
	asn := bgp.ASN(firstProviderASN)
	for _, provider := range sortedKeys(k.survey.members) {
		for slices.ContainsFunc(k.survey.sites, func(s *intent.Site) bool { return k.siteASN(s.Name) == asn }) {
			asn--
		}
		if provider == w.provider {
			break
		}
		asn--
	}
	k.assume("provider-asn", "The edge routers of IP VPN providers whose providerAsn is not given use private AS numbers from "+bgp.ASN(firstProviderASN).String()+" down.",
		"The provider's number is in the provider's contract and not in the intent.")
	return asn
}

// island is the sites that the backbone joins with a site, itself included, sorted.
func (s *survey) island(site string) []string {
	seen := map[string]bool{site: true}
	queue := []string{site}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for _, l := range s.links {
			for i := range 2 {
				if l[i] == at && !seen[l[1-i]] {
					seen[l[1-i]] = true
					queue = append(queue, l[1-i])
				}
			}
		}
	}
	return sortedKeys(seen)
}
