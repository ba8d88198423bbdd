package intent

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"onramp/catalog"
	"onramp/yamlfile"
)

// Values that stand in for what the file leaves out.
const (
	defaultRouters      = 2
	defaultAddresses    = "10.64.0.0/10"
	defaultTransit      = "172.16.0.0/22"
	defaultSharedOwner  = "sub-connectivity"
	defaultEncapsulated = "Dot1Q"
	defaultPattern      = "auto"
)

// DefaultSurvives returns the kinds of single failure that a line of business must live through when it does not say.
func DefaultSurvives() []string { return []string{"link", "router", "gateway"} }

// validator checks what the values mean, after the reader has found out that they can be read, and fills in defaults. It
// leaves alone what the reader has already refused.
type validator struct {
	reader *yamlfile.Reader
	e      *Estate
	c      *catalog.Catalog
}

func (v *validator) validate() {
	e := v.e
	v.premises()
	v.accesses()
	names := map[string]string{}
	for i := range e.LinesOfBusiness {
		at := yamlfile.Index("linesOfBusiness", i)
		v.unique(names, at+".name", e.LinesOfBusiness[i].Name, "line of business")
		if e.LinesOfBusiness[i].Name == Shared {
			v.refuseAt(at+".name", Shared, "this name stands for the shared services in needs.reaches", "choose another name", "intent-name")
		}
	}
	v.pools()
	v.sharedServices()
	for i := range e.LinesOfBusiness {
		v.lineOfBusiness(i)
	}
	v.routesBetween()
	v.subscriptions()
	v.overlaps()
	v.clouds()
	if e.Budget != nil && *e.Budget <= 0 && !v.bad("budget") {
		v.refuseAt("budget", e.Budget.String(), "a budget must be more than nothing", "write an amount such as \"6000 USD\", or leave the key out", "intent-range")
	}
	v.traffic()
	v.availability()
	if !v.given("pattern") {
		e.Pattern = defaultPattern
	}
}

// given tells whether the file has the key; text is its value as written; bad tells whether a mistake in it is reported already.
func (v *validator) given(path string) bool  { return v.reader.Given(path) }
func (v *validator) text(path string) string { return v.reader.Place(path).Text }
func (v *validator) bad(path string) bool    { return v.reader.Bad(path) }

// refuseAt reports an error of meaning at a key.
func (v *validator) refuseAt(path, value, message, fix, rule string) {
	v.reader.RefuseAt(path, value, message, fix, rule, v.source(rule))
}

// refuseShape reports a number outside its range, which the JSON Schema of the file refuses as well.
func (v *validator) refuseShape(path, message, fix string) {
	v.reader.RefuseAt(path, v.text(path), message, fix, "intent-range", sourceSchema)
}

func (v *validator) warnAt(path, value, message, fix, rule string) {
	v.reader.Report(v.reader.MarkAt(path), Finding{Severity: Warning, At: path, Value: value, Message: message, Fix: fix, Rule: rule, Source: v.source(rule)})
}

// source is the document behind a rule: the published one where the catalogue has the rule, else the file format's page.
func (v *validator) source(rule string) string {
	if r, ok := v.c.Rule(rule); ok {
		return r.SourceFile
	}
	switch rule {
	case "asn-as-trans":
		return "RFC 6793"
	case "asn-last":
		return "RFC 7300"
	case "asn-zero":
		return "RFC 7607"
	case "prefix-documentation":
		return "RFC 5737, RFC 3849"
	case "prefix-special":
		return "virtual-networks-faq.md"
	}
	return sourceFormat
}

func (v *validator) defaulted(path, value, why string) {
	v.e.Defaulted = append(v.e.Defaulted, Default{At: path, Value: value, Why: why})
}

// unique refuses a name that something of the same kind has already.
func (v *validator) unique(seen map[string]string, path, name, what string) {
	if v.bad(path) || name == "" {
		return
	}
	if first, ok := seen[name]; ok {
		v.refuseAt(path, name, fmt.Sprintf("there is a %s of this name already, at %s", what, first), "give each its own name", "intent-unique")
		return
	}
	seen[name] = path
}

// asn refuses numbers that cannot stand in front of Microsoft (expressroute-routing.md; RFC 6793, 7300, 7607).
func (v *validator) asn(path string, asn uint32) {
	if v.bad(path) || !v.given(path) {
		return
	}
	l := v.c.Limits()
	value := strconv.FormatUint(uint64(asn), 10)
	fix := "use a number of your own, or a private one: 64512 to 65514, or 4200000000 to 4294967294"
	switch {
	case asn == 0:
		v.refuseAt(path, value, "AS 0 is nobody's number", fix, "asn-zero")
	case asn == 23456:
		v.refuseAt(path, value, "AS 23456 stands for 4-byte numbers towards routers that know 2 bytes only", fix, "asn-as-trans")
	case asn == 65535 || asn == 4294967295:
		v.refuseAt(path, value, "the last number is reserved", fix, "asn-last")
	case slices.Contains(l.ReservedASNs, asn):
		v.refuseAt(path, value, fmt.Sprintf("AS %d to %d are reserved by Azure", l.ReservedASNs[0], l.ReservedASNs[len(l.ReservedASNs)-1]), fix, "peering-asn-reserved")
	case asn == l.MicrosoftASN:
		v.refuseAt(path, value, "this is Microsoft's own number", fix, "peering-asn-remote")
	case asn >= l.DocumentationASNs[0] && asn <= l.DocumentationASNs[1]:
		v.refuseAt(path, value, fmt.Sprintf("AS %d to %d are for documentation, and Microsoft refuses them in a path", l.DocumentationASNs[0], l.DocumentationASNs[1]), fix, "peering-asn-documentation")
	}
}

func (v *validator) premises() {
	p := &v.e.Premises
	v.asn("premises.asn", p.ASN)
	names := map[string]string{}
	for i := range p.Sites {
		s, at := &p.Sites[i], yamlfile.Index("premises.sites", i)
		v.unique(names, at+".name", s.Name, "site")
		v.asn(at+".asn", s.ASN)
		switch {
		case s.ASN == 0 && p.ASN == 0 && !v.bad(at+".asn") && !v.bad("premises.asn"):
			v.refuseAt(at+".asn", "", "no AS number is known for site "+s.Name, "add asn: to the site, or to premises for all sites", "intent-required")
		case s.ASN == 0 && !v.bad(at+".asn"):
			s.ASN = p.ASN
		}
		v.place(s, at)
		if !v.given(at+".routers") && !v.bad(at+".routers") {
			s.Routers = defaultRouters
			v.defaulted(at+".routers", "2", "customer edge routers are taken to be a pair")
		} else if (s.Routers < 1 || s.Routers > 2) && !v.bad(at+".routers") {
			v.refuseShape(at+".routers", "a site has one or two customer edge routers", "write 1 or 2")
		}
		for j := range s.Prefixes {
			v.prefix(yamlfile.Index(at+".prefixes", j), s.Prefixes[j])
		}
		for j := range s.PublicPrefixes {
			v.publicPrefix(yamlfile.Index(at+".publicPrefixes", j), s.PublicPrefixes[j])
		}
	}
	pairs := map[[2]string]string{}
	for i := range p.Backbone {
		l, at := &p.Backbone[i], yamlfile.Index("premises.backbone", i)
		ok := true
		for j, s := range l.Between {
			ok = v.known(yamlfile.Index(at+".between", j), s, names, "site") && ok
		}
		if ok && l.Between[0] == l.Between[1] {
			v.refuseAt(at+".between", l.Between[0], "a link joins two different sites", "name two sites", "intent-range")
		}
		key := [2]string{min(l.Between[0], l.Between[1]), max(l.Between[0], l.Between[1])}
		if first, twice := pairs[key]; ok && twice {
			v.refuseAt(at+".between", key[0]+", "+key[1], "there is a link between these sites already, at "+first, "add its bandwidth to the first", "intent-unique")
		}
		pairs[key] = at
		v.positive(at+".bandwidth", int(l.Bandwidth), "a link")
		if !v.given(at+".latency") && ok {
			v.defaulted(at+".latency", "from the distance", "great-circle distance x 1.5 at 200 km/ms, as for every link without a stated round trip")
		}
	}
}

// positive refuses a bandwidth of zero where one is given.
func (v *validator) positive(path string, n int, what string) {
	if n == 0 && v.given(path) {
		v.refuseAt(path, v.text(path), what+" carries more than nothing", `write a bandwidth such as "200 Mbps" or "1 Gbps"`, "intent-range")
	}
}

// known refuses a name that is not there.
func (v *validator) known(path, name string, there map[string]string, what string) bool {
	if v.bad(path) || name == "" {
		return false
	}
	if _, ok := there[name]; ok {
		return true
	}
	names := make([]string, 0, len(there))
	for n := range there {
		names = append(names, n)
	}
	slices.Sort(names)
	fix := "the file has " + yamlfile.OneOf(names)
	if near := catalog.Nearest(name, names); near != "" && len(names) > 1 {
		fix = "did you mean " + near + "? The file has " + yamlfile.OneOf(names)
	}
	v.refuseAt(path, name, "there is no "+what+" of this name", fix, "intent-known-name")
	return false
}

// place finds where a site is: its city in the catalogue, or for want of one the location that it reaches.
func (v *validator) place(s *Site, at string) {
	path := at + ".at"
	switch {
	case v.bad(path):
	case v.given(path) && !v.given(path+".lat") && !v.given(path+".lon"):
		lat, lon, ok := v.c.City(s.At.City)
		if !ok {
			cities := v.c.Cities()
			fix := "give {lat: , lon: } in degrees"
			if near := catalog.Nearest(s.At.City, cities); near != "" {
				fix = "did you mean " + near + "? Or " + fix
			}
			v.refuseAt(path, s.At.City, "the catalogue has no such city; it knows the cities of peering locations", fix, "intent-place")
			return
		}
		s.At.Latitude, s.At.Longitude = lat, lon
	case !v.given(path):
		if len(s.Access) == 0 {
			return
		}
		if l, ok := v.c.Location(s.Access[0].Location); ok {
			s.At = Place{City: l.City + ", " + l.Country, Latitude: l.Latitude, Longitude: l.Longitude}
			v.defaulted(path, s.At.City, "the site is taken to stand where its first access leads")
		}
	}
}

// special are ranges that no site and no VNet can use (virtual-networks-faq.md).
func special() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"0.0.0.0/8", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::1/128", "fe80::/10", "ff00::/8"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// documentation are the ranges for examples (RFC 5737, RFC 3849).
func documentation() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// notPublic are ranges that are nobody's own: private (RFC 1918, RFC 4193), shared (RFC 6598), for benchmarks (RFC 2544).
func notPublic() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15", "fc00::/7"} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func overlapping(list []netip.Prefix, p netip.Prefix) (netip.Prefix, bool) {
	for _, o := range list {
		if o.Overlaps(p) {
			return o, true
		}
	}
	return netip.Prefix{}, false
}

// prefix refuses host bits and ranges that cannot be routed; true when the prefix can be used.
func (v *validator) prefix(path string, p netip.Prefix) bool {
	if v.bad(path) || !p.IsValid() {
		return false
	}
	if p != p.Masked() {
		v.refuseAt(path, p.String(), "the address has bits set beyond the prefix length", "write "+p.Masked().String()+", or the length that is meant", "prefix-host-bits")
		return false
	}
	if p.Bits() == 0 {
		return true // a default route is announced on purpose
	}
	if s, bad := overlapping(special(), p); bad {
		v.refuseAt(path, p.String(), "this range overlaps "+s.String()+", which cannot be routed", "use another range", "prefix-special")
		return false
	}
	return true
}

// publicPrefix refuses what Microsoft peering does not take.
func (v *validator) publicPrefix(path string, p netip.Prefix) {
	if !v.prefix(path, p) {
		return
	}
	if p.Bits() == 0 {
		v.refuseAt(path, p.String(), "a default route is refused on Microsoft peering", "name your public prefixes", "ms-peering-no-default")
		return
	}
	if o, bad := overlapping(notPublic(), p); bad {
		v.refuseAt(path, p.String(), "this is in "+o.String()+", which is nobody's own; Microsoft peering takes public prefixes that you own", "use a public prefix of your own", "ms-peering-public-only")
		return
	}
	if o, bad := overlapping(documentation(), p); bad {
		v.warnAt(path, p.String(), "this is in "+o.String()+", a range for documentation: it works in a design and never in Azure", "replace it by a public prefix of your own before you deploy", "prefix-documentation")
	}
}

func (v *validator) routesBetween() {
	lobs := v.lobNames()
	for i, pair := range v.e.Premises.RoutesBetween {
		at := yamlfile.Index("premises.routesBetween", i)
		ok := true
		for j, n := range pair {
			ok = v.known(yamlfile.Index(at, j), n, lobs, "line of business") && ok
		}
		if ok && pair[0] == pair[1] {
			v.refuseAt(at, pair[0], "routes go between two different lines of business", "name two", "intent-range")
		}
	}
}

func (v *validator) lobNames() map[string]string {
	out := map[string]string{}
	for i := range v.e.LinesOfBusiness {
		if n := v.e.LinesOfBusiness[i].Name; n != "" {
			out[n] = yamlfile.Index("linesOfBusiness", i)
		}
	}
	return out
}

func (v *validator) siteNames() map[string]string {
	out := map[string]string{}
	for i := range v.e.Premises.Sites {
		if n := v.e.Premises.Sites[i].Name; n != "" {
			out[n] = yamlfile.Index("premises.sites", i)
		}
	}
	return out
}

// region replaces a region's name by Azure's own, or refuses it.
func (v *validator) region(path string, name *string) {
	if v.bad(path) || *name == "" {
		return
	}
	if r, ok := v.c.Region(*name); ok {
		*name = r.Name
		return
	}
	var names []string
	for _, r := range v.c.Regions() {
		names = append(names, r.Name)
	}
	fix := "`onramp catalog regions` lists them"
	if near := catalog.Nearest(strings.ToLower(*name), names); near != "" {
		fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	v.refuseAt(path, *name, "there is no Azure region of this name", fix, "intent-region")
}

func (v *validator) pools() {
	p := &v.e.Pools
	if len(p.Addresses) == 0 && !v.bad("pools.addresses") {
		p.Addresses = []netip.Prefix{netip.MustParsePrefix(defaultAddresses)}
		v.defaulted("pools.addresses", defaultAddresses, "networks without an addressSpace take theirs here")
	}
	if len(p.Transit) == 0 && !v.bad("pools.transit") {
		p.Transit = []netip.Prefix{netip.MustParsePrefix(defaultTransit)}
		v.defaulted("pools.transit", defaultTransit, "the links of private peering take theirs here")
	}
	for i := range p.Addresses {
		v.prefix(yamlfile.Index("pools.addresses", i), p.Addresses[i])
	}
	for i := range p.Transit {
		v.prefix(yamlfile.Index("pools.transit", i), p.Transit[i])
	}
	for i := range p.MicrosoftTransit {
		v.publicPrefix(yamlfile.Index("pools.microsoftTransit", i), p.MicrosoftTransit[i])
	}
}

func (v *validator) sharedServices() {
	s := v.e.SharedServices
	if s == nil || v.bad("sharedServices") {
		return
	}
	v.region("sharedServices.region", &s.Region)
	for i := range s.AddressSpace {
		v.space(yamlfile.Index("sharedServices.addressSpace", i), s.AddressSpace[i])
	}
	if len(s.AddressSpace) == 0 && !v.bad("sharedServices.addressSpace") {
		v.defaulted("sharedServices.addressSpace", "a /22 of pools.addresses", "no address space is given")
	}
	if s.Subscription == "" && !v.bad("sharedServices.subscription") {
		s.Subscription = defaultSharedOwner
		v.defaulted("sharedServices.subscription", defaultSharedOwner, "no subscription is given")
	}
}

// Lengths of a VNet's address prefixes (virtual-networks-faq.md).
const (
	shortestSpace = 2
	longestSpace  = 29
)

// space checks one prefix of a VNet.
func (v *validator) space(path string, p netip.Prefix) {
	if !v.prefix(path, p) {
		return
	}
	if p.Addr().Is4() && (p.Bits() < shortestSpace || p.Bits() > longestSpace) {
		v.refuseAt(path, p.String(), "a VNet's IPv4 prefix has a length from /2 to /29", "use a prefix of that length", "prefix-special")
	}
	if p.Addr().Is6() && p.Bits() > 64 {
		v.refuseAt(path, p.String(), "a VNet's IPv6 prefix holds /64 subnets", "use a prefix of /64 or shorter", "gateway-subnet-ipv6")
	}
}

// subscriptions warns when lines of business share one: who may change what, and the bill, are drawn along subscriptions.
func (v *validator) subscriptions() {
	first := map[string]string{}
	for i := range v.e.LinesOfBusiness {
		l, at := &v.e.LinesOfBusiness[i], yamlfile.Index("linesOfBusiness", i)+".subscription"
		if l.Subscription == "" && !v.bad(at) && l.Name != "" {
			l.Subscription = "sub-" + l.Name
			v.defaulted(at, l.Subscription, "no subscription is given")
		}
		key := strings.ToLower(l.Subscription)
		if o, ok := first[key]; ok && key != "" {
			v.warnAt(at, l.Subscription, o+" has the same subscription, so roles and bills cannot be told apart", "give each line of business a subscription of its own", "sec-rbac")
		} else {
			first[key] = l.Name
		}
	}
}

// overlaps refuses address space that is used twice where routes meet.
func (v *validator) overlaps() {
	type used struct {
		path, whose string
		p           netip.Prefix
		site        bool
	}
	var all []used
	add := func(path, whose string, p netip.Prefix, site bool) {
		if v.bad(path) || !p.IsValid() || p.Bits() == 0 {
			return
		}
		for _, o := range all {
			if !o.p.Overlaps(p) {
				continue
			}
			switch {
			case o.p == p && site && o.site && o.whose == whose:
				v.refuseAt(path, p.String(), "this prefix is listed twice", "leave it out once", "intent-unique")
				return
			case o.p == p && site && o.site:
				v.refuseAt(path, p.String(), whose+" and "+o.whose+" announce the same prefix", "give each site its own prefixes", "route-no-overlap")
				return
			case site && o.site:
				if o.whose != whose {
					v.warnAt(path, p.String(), fmt.Sprintf("it overlaps %s of %s; the longer prefix wins", o.p, o.whose), "give each site its own prefixes, if that is not meant", "route-no-overlap")
				}
			default:
				v.refuseAt(path, p.String(), fmt.Sprintf("it overlaps %s of %s", o.p, o.whose), "use a range that nothing else uses", "route-no-overlap")
				return
			}
		}
		all = append(all, used{path, whose, p, site})
	}
	for i := range v.e.Premises.Sites {
		s := &v.e.Premises.Sites[i]
		for j, p := range s.Prefixes {
			add(yamlfile.Index(yamlfile.Index("premises.sites", i)+".prefixes", j), "site "+s.Name, p, true)
		}
		for j, p := range s.PublicPrefixes {
			add(yamlfile.Index(yamlfile.Index("premises.sites", i)+".publicPrefixes", j), "site "+s.Name, p, true)
		}
	}
	if s := v.e.SharedServices; s != nil {
		for j, p := range s.AddressSpace {
			add(yamlfile.Index("sharedServices.addressSpace", j), "sharedServices", p, false)
		}
	}
	for i := range v.e.LinesOfBusiness {
		l := &v.e.LinesOfBusiness[i]
		for j := range l.Networks {
			for k, p := range l.Networks[j].AddressSpace {
				add(yamlfile.Index(yamlfile.Index(yamlfile.Index("linesOfBusiness", i)+".networks", j)+".addressSpace", k), "network "+l.Networks[j].Name+" of "+l.Name, p, false)
			}
		}
	}
	for j, p := range v.e.Pools.Transit {
		if v.given("pools.transit") {
			add(yamlfile.Index("pools.transit", j), "pools.transit", p, false)
		}
	}
	for j, p := range v.e.Pools.MicrosoftTransit {
		add(yamlfile.Index("pools.microsoftTransit", j), "pools.microsoftTransit", p, false)
	}
}

// clouds refuses regions that no access can lead to: a circuit of one cloud reaches no region of another.
func (v *validator) clouds() {
	clouds := map[string]bool{}
	for i := range v.e.Premises.Sites {
		for _, a := range v.e.Premises.Sites[i].Access {
			if l, ok := v.c.Location(a.Location); ok {
				clouds[l.Cloud] = true
			}
		}
	}
	if len(clouds) == 0 {
		return
	}
	check := func(path, region string) {
		if r, ok := v.c.Region(region); ok && !clouds[r.Cloud] && !v.bad(path) {
			v.refuseAt(path, region, "this region is in the "+r.Cloud+" cloud, and no access leads there", "use an access at a location of that cloud, or a region of the cloud that is reached", "circuit-national-cloud-isolated")
		}
	}
	for i := range v.e.LinesOfBusiness {
		for j := range v.e.LinesOfBusiness[i].Networks {
			check(yamlfile.Index(yamlfile.Index("linesOfBusiness", i)+".networks", j)+".region", v.e.LinesOfBusiness[i].Networks[j].Region)
		}
	}
	if s := v.e.SharedServices; s != nil {
		check("sharedServices.region", s.Region)
	}
}
