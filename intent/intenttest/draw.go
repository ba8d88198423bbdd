// Package intenttest draws random intents for property tests: small estates of every shape that the file can say, all of
// them valid. Nothing but tests imports it.
package intenttest

import (
	"encoding/json"
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/intent"
)

// object is a JSON object under construction.
type object = map[string]any

// place is a peering location with the providers that are there.
type place struct {
	catalog.Location
	providers []string
}

// Drawer draws intents over one catalogue.
type Drawer struct {
	c       *catalog.Catalog
	places  map[string][]place // by geopolitical region of the public cloud
	geos    []string           // sorted
	regions map[string][]string
}

// NewDrawer indexes the catalogue.
func NewDrawer(c *catalog.Catalog) *Drawer {
	d := &Drawer{c: c, places: map[string][]place{}, regions: map[string][]string{}}
	for _, l := range c.Locations() {
		if l.Cloud != "public" {
			continue
		}
		p := place{Location: l}
		for _, o := range c.ProvidersAt(l.Name) {
			if o.Status == "active" && o.Azure && !slices.Contains(p.providers, o.Provider) {
				p.providers = append(p.providers, o.Provider)
			}
		}
		if len(p.providers) > 0 {
			d.places[l.GeopoliticalRegion] = append(d.places[l.GeopoliticalRegion], p)
		}
	}
	for _, r := range c.Regions() {
		if r.Cloud == "public" {
			d.regions[r.GeopoliticalRegion] = append(d.regions[r.GeopoliticalRegion], r.Name)
		}
	}
	for geo := range d.places {
		if len(d.regions[geo]) > 0 {
			d.geos = append(d.geos, geo)
		}
	}
	slices.Sort(d.geos)
	return d
}

// Estate draws an intent as JSON and reads it the way a user's file is read, so that it has every default.
func (d *Drawer) Estate(t *rapid.T) *intent.Estate {
	src, err := json.Marshal(d.JSON(t))
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse("drawn.json", src, d.c)
	if e == nil {
		t.Fatalf("a drawn intent is refused: %v\n%s", findings, src)
	}
	return e
}

// JSON draws an intent as the value of its JSON.
func (d *Drawer) JSON(t *rapid.T) map[string]any {
	geo := rapid.SampledFrom(d.geos).Draw(t, "geo")
	sites := rapid.IntRange(1, 3).Draw(t, "sites")
	public := rapid.IntRange(0, 3).Draw(t, "public") == 0
	ipv6 := rapid.IntRange(0, 3).Draw(t, "ipv6") == 0
	var siteList []any
	var names []string
	for i := range sites {
		name := fmt.Sprintf("site%d", i)
		names = append(names, name)
		siteList = append(siteList, d.site(t, geo, name, i, public, ipv6))
	}
	premises := object{"asn": 65010, "sites": siteList}
	var backbone []any
	for i := 1; i < sites; i++ {
		if rapid.IntRange(0, 2).Draw(t, "linked") > 0 {
			backbone = append(backbone, object{"between": []string{names[i-1], names[i]}, "bandwidth": "10 Gbps", "latency": "5 ms"})
		}
	}
	if backbone != nil {
		premises["backbone"] = backbone
	}
	shared := rapid.IntRange(0, 2).Draw(t, "shared") == 0
	lobs := rapid.IntRange(1, 4).Draw(t, "lobs")
	var lobNames []string
	for i := range lobs {
		lobNames = append(lobNames, fmt.Sprintf("lob%d", i))
	}
	apart := map[[2]string]bool{}
	var list []any
	for i := range lobs {
		list = append(list, d.lob(t, geo, i, lobNames, names, apart, public, shared))
	}
	egress := rapid.IntRange(0, 20000).Draw(t, "egress")
	out := object{"apiVersion": intent.APIVersion, "name": "drawn", "premises": premises, "linesOfBusiness": list, "traffic": object{"monthlyEgressGB": egress}}
	if rapid.IntRange(0, 3).Draw(t, "own traffic") == 0 {
		for i := 1; i < lobs; i++ { // the first has what the others leave
			list[i].(object)["needs"].(object)["monthlyEgressGB"] = rapid.IntRange(0, egress/lobs).Draw(t, "own egress")
		}
	}
	if shared {
		out["sharedServices"] = object{"region": rapid.SampledFrom(d.regions[geo]).Draw(t, "hub region"), "addressSpace": []string{"10.250.0.0/22"}, "inspect": rapid.Bool().Draw(t, "inspect")}
	}
	pools := object{}
	if public {
		pools["microsoftTransit"] = []string{"198.51.100.0/24"}
	}
	if ipv6 {
		pools["transit"] = []string{"172.16.0.0/22", "fd00:ffff::/100"}
		if rapid.Bool().Draw(t, "network ipv6") {
			pools["addresses"] = []string{"10.64.0.0/10", "fd00:aaaa::/32"}
		}
	}
	if len(pools) > 0 {
		out["pools"] = pools
	}
	if rapid.IntRange(0, 2).Draw(t, "stated") == 0 {
		figures := object{}
		for _, kind := range intent.StatedKinds() {
			if rapid.IntRange(0, 5).Draw(t, "states "+kind) > 0 {
				figures[kind] = rapid.SampledFrom([]float64{99, 99.5, 99.9, 99.95, 99.99, 100}).Draw(t, kind)
			}
		}
		out["availability"] = figures
	}
	if lobs > 1 && rapid.IntRange(0, 4).Draw(t, "between") == 0 {
		premises["routesBetween"] = [][]string{{"lob0", "lob1"}}
	}
	return out
}

func (d *Drawer) site(t *rapid.T, geo, name string, i int, public, ipv6 bool) object {
	s := object{"name": name, "at": object{"lat": 40 + i, "lon": 5 + i}, "routers": rapid.IntRange(1, 2).Draw(t, "routers")}
	prefixes := []string{fmt.Sprintf("10.%d.0.0/16", i)}
	if ipv6 && rapid.Bool().Draw(t, "site ipv6") {
		prefixes = append(prefixes, rapid.SampledFrom([]string{"fd00:%d::/48", "2a01:%d::/32"}).Draw(t, "kind"))
		prefixes[1] = fmt.Sprintf(prefixes[1], i+1)
	}
	if rapid.IntRange(0, 5).Draw(t, "public inside") == 0 {
		prefixes = append(prefixes, fmt.Sprintf("53.%d.0.0/16", i)) // organisations that use public addresses inside
	}
	s["prefixes"] = prefixes
	if public {
		s["publicPrefixes"] = []string{fmt.Sprintf("203.0.113.%d/28", i*16)}
	}
	var access []any
	for range rapid.IntRange(1, 2).Draw(t, "accesses") {
		p := rapid.SampledFrom(d.places[geo]).Draw(t, "location")
		model := rapid.SampledFrom([]string{intent.CloudExchange, intent.Ethernet, intent.IPVPN, intent.Direct}).Draw(t, "model")
		if model == intent.Direct && p.Direct {
			access = append(access, object{"model": model, "location": p.Name, "port": "10 Gbps", "encapsulation": rapid.SampledFrom([]string{"Dot1Q", "QinQ"}).Draw(t, "encapsulation")})
			continue
		}
		if model == intent.Direct {
			model = intent.Ethernet
		}
		a := object{"provider": rapid.SampledFrom(p.providers).Draw(t, "provider"), "model": model, "location": p.Name,
			"bandwidth": rapid.SampledFrom([]string{"500 Mbps", "1 Gbps", "2 Gbps", "10 Gbps"}).Draw(t, "access bandwidth")}
		if rapid.Bool().Draw(t, "priced") {
			a["monthlyUSD"] = rapid.IntRange(100, 3000).Draw(t, "price")
		}
		if rapid.IntRange(0, 5).Draw(t, "access stated") == 0 {
			a["availability"] = rapid.SampledFrom([]float64{99, 99.9, 99.99, 100}).Draw(t, "access availability")
		}
		access = append(access, a)
	}
	s["access"] = access
	return s
}

func (d *Drawer) lob(t *rapid.T, geo string, i int, lobs, sites []string, apart map[[2]string]bool, public, shared bool) object {
	name := lobs[i]
	var nets []any
	for j := range rapid.IntRange(1, 3).Draw(t, "networks") {
		n := object{"name": fmt.Sprintf("%s-net%d", name, j), "region": rapid.SampledFrom(d.regions[geo]).Draw(t, "region")}
		if rapid.Bool().Draw(t, "placed") {
			n["addressSpace"] = []string{fmt.Sprintf("10.%d.%d.0/20", 100+i, j*16)}
		}
		if rapid.Bool().Draw(t, "subnets") {
			n["subnets"] = []any{object{"name": "app", "size": "/25"}, object{"name": "db", "size": "/26"}}
		}
		nets = append(nets, n)
	}
	needs := object{"bandwidth": fmt.Sprintf("%d Mbps", rapid.IntRange(1, 6).Draw(t, "tens")*50)}
	if rapid.IntRange(0, 3).Draw(t, "dedicated") == 0 {
		needs["dedicated"] = true
	}
	if rapid.Bool().Draw(t, "some sites") {
		needs["sites"] = []string{rapid.SampledFrom(sites).Draw(t, "needed site")}
	}
	kinds := []string{"link", "router", "gateway", "zone", "circuit", "provider", "location", "site"}
	if rapid.Bool().Draw(t, "survives") {
		needs["survives"] = kinds[:rapid.IntRange(0, len(kinds)).Draw(t, "kinds")]
	}
	var reaches []string
	if shared && rapid.Bool().Draw(t, "reaches shared") {
		reaches = append(reaches, intent.Shared)
	}
	for j, o := range lobs[:i] {
		switch rapid.IntRange(0, 4).Draw(t, "relation") {
		case 0:
			apart[[2]string{name, o}] = true
		case 1:
			reaches = append(reaches, lobs[j])
		}
	}
	var isolated []string
	for _, o := range lobs[:i] {
		if apart[[2]string{name, o}] {
			isolated = append(isolated, o)
		}
	}
	if isolated != nil {
		needs["isolatedFrom"] = isolated
	}
	if reaches != nil {
		needs["reaches"] = reaches
	}
	if public && rapid.Bool().Draw(t, "services") {
		needs["services"] = []string{intent.Azure, rapid.SampledFrom([]string{intent.Microsoft365, intent.AzurePublic, intent.Dynamics365}).Draw(t, "service")}
	}
	return object{"name": name, "networks": nets, "needs": needs}
}
