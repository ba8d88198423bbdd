package intent

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/yamlfile"
)

// accesses checks every way from a site to Microsoft.
func (v *validator) accesses() {
	asns := map[string]Access{} // IP VPN provider to the first access that gives its number
	for i := range v.e.Premises.Sites {
		s := &v.e.Premises.Sites[i]
		for j := range s.Access {
			at := yamlfile.Index(yamlfile.Index("premises.sites", i)+".access", j)
			a := &s.Access[j]
			if v.bad(at) {
				continue
			}
			v.asn(at+".providerAsn", a.ProviderASN)
			if a.MonthlyUSD != nil && *a.MonthlyUSD < 0 {
				v.refuseShape(at+".monthlyUSD", "a price cannot be negative", "write US dollars a month, or leave the key out if it is not known")
			}
			l, ok := v.location(at+".location", &a.Location)
			if a.Model == Direct {
				v.direct(at, a, l, ok)
				continue
			}
			v.provided(at, a)
			if a.Provider != "" && !v.bad(at+".provider") && v.provider(at+".provider", &a.Provider) && ok {
				v.offered(at, a, s, l)
			}
			if a.Model == IPVPN && a.ProviderASN != 0 {
				if first, seen := asns[a.Provider]; seen && first.ProviderASN != a.ProviderASN {
					v.refuseAt(at+".providerAsn", v.text(at+".providerAsn"), fmt.Sprintf("%s has AS %d at another access", a.Provider, first.ProviderASN), "give the same number everywhere: an IP VPN is one network", "intent-unique")
				} else if !seen {
					asns[a.Provider] = *a
				}
			}
		}
	}
}

// location replaces a peering location's name by the catalogue's, or refuses it.
func (v *validator) location(path string, name *string) (catalog.Location, bool) {
	if v.bad(path) || *name == "" {
		return catalog.Location{}, false
	}
	if l, ok := v.c.Location(*name); ok {
		*name = l.Name
		return l, true
	}
	var names []string
	for _, l := range v.c.Locations() {
		names = append(names, l.Name)
	}
	fix := "`onramp catalog locations` lists them"
	if near := catalog.Nearest(*name, names); near != "" {
		fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	v.refuseAt(path, *name, "there is no ExpressRoute peering location of this name", fix, "circuit-provider-at-location")
	return catalog.Location{}, false
}

// direct checks an access by ExpressRoute Direct.
func (v *validator) direct(at string, a *Access, l catalog.Location, known bool) {
	for _, key := range []string{"provider", "bandwidth", "providerAsn"} {
		if v.given(at + "." + key) {
			v.refuseAt(at+"."+key, v.text(at+"."+key), "ExpressRoute Direct has no "+key+": the ports are Microsoft's and the speed is the port's", "leave "+key+" out, or use another model", "intent-access")
		}
	}
	ports := v.c.Limits().DirectPortGbps
	var sold []string
	for _, g := range ports {
		sold = append(sold, fmt.Sprintf("%d Gbps", g))
	}
	switch {
	case v.bad(at + ".port"):
	case a.Port == 0:
		v.refuseAt(at+".port", v.text(at+".port"), "ExpressRoute Direct needs the speed of its ports", "add port: "+yamlfile.OneOf(sold), "direct-circuit-sizes")
	case !slices.Contains(ports, int(a.Port)/1000) || a.Port%1000 != 0:
		v.refuseAt(at+".port", v.text(at+".port"), "there are no ports of this speed", "use "+yamlfile.OneOf(sold), "direct-circuit-sizes")
	}
	if a.Encapsulation == "" && !v.bad(at+".encapsulation") {
		a.Encapsulation = defaultEncapsulated
		v.defaulted(at+".encapsulation", defaultEncapsulated, "no encapsulation is given; it cannot be changed once the port exists")
	}
	if known && !l.Direct && !v.bad(at+".location") {
		v.refuseAt(at+".location", l.Name, "ExpressRoute Direct is not offered at this location", "use another location; the nearest with Direct are "+strings.Join(v.nearestDirect(l), ", "), "direct-location-supported")
	}
}

func (v *validator) nearestDirect(from catalog.Location) []string {
	var list []catalog.Location
	for _, l := range v.c.Locations() {
		if l.Direct && l.Cloud == from.Cloud {
			list = append(list, l)
		}
	}
	slices.SortStableFunc(list, func(a, b catalog.Location) int {
		return cmp.Compare(catalog.DistanceKM(from.Latitude, from.Longitude, a.Latitude, a.Longitude), catalog.DistanceKM(from.Latitude, from.Longitude, b.Latitude, b.Longitude))
	})
	var out []string
	for _, l := range list[:min(3, len(list))] {
		out = append(out, l.Name)
	}
	return out
}

// provided checks what an access through a provider must and must not have.
func (v *validator) provided(at string, a *Access) {
	if a.Provider == "" && !v.given(at+".provider") && !v.bad(at+".provider") {
		v.refuseAt(at+".provider", "", "an access of model "+a.Model+" has a provider", "add provider: with a name as in `onramp catalog providers`", "intent-access")
	}
	switch {
	case v.bad(at + ".bandwidth"):
	case a.Bandwidth == 0 && v.given(at+".bandwidth"):
		v.positive(at+".bandwidth", 0, "an access")
	case a.Bandwidth == 0:
		v.refuseAt(at+".bandwidth", "", "the bandwidth of the access is missing", `add bandwidth: with that of each attachment, such as "1 Gbps"`, "intent-access")
	}
	for _, key := range []string{"port", "encapsulation"} {
		if v.given(at + "." + key) {
			v.refuseAt(at+"."+key, v.text(at+"."+key), "only ExpressRoute Direct has a "+key, "leave "+key+" out, or write model: direct", "intent-access")
		}
	}
	if a.Model != IPVPN && v.given(at+".providerAsn") {
		v.refuseAt(at+".providerAsn", v.text(at+".providerAsn"), "only with ip-vpn does a provider's router stand in the path", "leave providerAsn out", "intent-access")
	}
}

// provider replaces a provider's name by today's, or refuses it.
func (v *validator) provider(path string, name *string) bool {
	found := v.c.Provider(*name)
	switch {
	case found.Listed && found.Renamed:
		v.warnAt(path, *name, found.String(), "write "+found.Name, "circuit-provider-at-location")
		*name = found.Name
		return true
	case found.Listed:
		*name = found.Name
		return true
	}
	fix := "`onramp catalog providers` lists them"
	if found.Nearest != "" {
		fix = "did you mean " + found.Nearest + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	v.refuseAt(path, *name, found.String(), fix, "circuit-provider-at-location")
	return false
}

// offered refuses a provider that is not at the location: it lists who is there, and where the provider is nearest to the
// site.
func (v *validator) offered(at string, a *Access, s *Site, l catalog.Location) {
	var here []string
	for _, o := range v.c.ProvidersAt(l.Name) {
		if o.Provider == a.Provider {
			switch {
			case o.Status != "active":
				v.refuseAt(at+".location", l.Name, a.Provider+" is announced at "+l.Name+" and not there yet", v.elsewhere(a.Provider, s, l), "res-metro-provider-active")
			case o.ServicesKnown && !o.Azure && !o.Microsoft365:
				v.refuseAt(at+".location", l.Name, a.Provider+" offers neither Azure nor Microsoft 365 at "+l.Name, v.elsewhere(a.Provider, s, l), "circuit-provider-at-location")
			}
			return
		}
		if o.Status == "active" {
			here = append(here, o.Provider)
		}
	}
	there := "nobody is listed there"
	if len(here) > 0 {
		there = "at " + l.Name + " there are " + strings.Join(here, ", ")
	}
	v.refuseAt(at+".location", l.Name, a.Provider+" is not at this location", there+"; "+v.elsewhere(a.Provider, s, l), "circuit-provider-at-location")
}

// elsewhere names the locations where a provider is, the nearest to the site first.
func (v *validator) elsewhere(provider string, s *Site, l catalog.Location) string {
	lat, lon := s.At.Latitude, s.At.Longitude
	if lat == 0 && lon == 0 {
		lat, lon = l.Latitude, l.Longitude
	}
	type near struct {
		name string
		km   float64
	}
	var list []near
	for _, o := range v.c.LocationsOf(provider) {
		if x, ok := v.c.Location(o.Location); ok && o.Status == "active" && x.Name != l.Name && x.Cloud == l.Cloud {
			list = append(list, near{x.Name, catalog.DistanceKM(lat, lon, x.Latitude, x.Longitude)})
		}
	}
	slices.SortStableFunc(list, func(a, b near) int { return cmp.Or(cmp.Compare(a.km, b.km), strings.Compare(a.name, b.name)) })
	if len(list) == 0 {
		return provider + " is at no other location"
	}
	var words []string
	for _, x := range list[:min(3, len(list))] {
		words = append(words, fmt.Sprintf("%s (%.0f km)", x.name, x.km))
	}
	return "the nearest locations of " + provider + " are " + strings.Join(words, ", ")
}
