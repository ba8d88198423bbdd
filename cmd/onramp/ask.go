package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"

	"onramp/catalog"
	"onramp/intent"
)

// wishes are what init was told about an estate.
type wishes struct {
	Name     string
	ASN      uint32
	Sites    []siteWish
	Lines    []lineWish
	Survives []string
	// Hub is the region of shared services, empty for none.
	Hub     string
	Inspect bool
	Schema  string // where the JSON Schema is, empty for nowhere
}

type siteWish struct {
	Name, City, Prefix        string
	Model, Provider, Location string
	Bandwidth                 string
	near                      []catalog.Location
}

type lineWish struct {
	Name, Region, Bandwidth string
	Dedicated               bool
	IsolatedFrom            []string
}

// asker puts questions, each with an answer that an empty line takes. What is not an answer is told and asked again.
type asker struct {
	c   *catalog.Catalog
	in  *bufio.Reader
	out io.Writer
	yes bool // take every proposal
}

// ask returns an answer that check accepts; given, if not empty, is the answer already.
func (a *asker) ask(question, proposal, given string, check func(string) error) (string, error) {
	if given != "" || a.yes {
		if given == "" {
			given = proposal
		}
		if err := check(given); err != nil {
			return "", usageError(fmt.Errorf("%s: %w", question, err))
		}
		return given, nil
	}
	for {
		fmt.Fprintf(a.out, "%s [%s]: ", question, proposal)
		line, err := a.in.ReadString('\n')
		if err != nil && line == "" {
			fmt.Fprintln(a.out)
			return "", usageError(fmt.Errorf("the answers end at %q; nothing was written", question))
		}
		answer := strings.TrimSpace(line)
		if answer == "" {
			answer = proposal
		}
		err = check(answer)
		if err == nil {
			return answer, nil
		}
		fmt.Fprintf(a.out, "  %v\n", err)
	}
}

// among is a check that an answer is one of a list; others are answered with the nearest.
func among(what string, list []string) func(string) error {
	return func(s string) error {
		if slices.Contains(list, s) {
			return nil
		}
		return fmt.Errorf("%q is no %s%s", s, what, suggest(s, list, list))
	}
}

// listed splits an answer at commas or semicolons; none is no member.
func listed(s, separator string) []string {
	var out []string
	for _, x := range strings.Split(s, separator) {
		if x = strings.TrimSpace(x); x != "" && x != "none" {
			out = append(out, x)
		}
	}
	return out
}

// each checks every member of a list.
func each(separator string, check func(string) error) func(string) error {
	return func(s string) error {
		list := listed(s, separator)
		if len(list) == 0 {
			return fmt.Errorf("name at least one")
		}
		for i, x := range list {
			if slices.Contains(list[:i], x) {
				return fmt.Errorf("%q stands there twice", x)
			}
			if err := check(x); err != nil {
				return err
			}
		}
		return nil
	}
}

func nameCheck(s string) error {
	if !intent.IsName(s) {
		return fmt.Errorf("%q is no name: use lower-case letters, digits and single hyphens, a letter first", s)
	}
	return nil
}

func rateCheck(s string) error {
	m, err := intent.ParseMbps(s)
	if err == nil && m <= 0 {
		err = fmt.Errorf("%q is no bandwidth", s)
	}
	return err
}

func yesCheck(s string) error { return among("answer to yes or no", []string{"yes", "no"})(s) }

// questions asks for everything that the flags leave open.
func (a *asker) questions(f *initFlags) (*wishes, error) {
	w := &wishes{ASN: 65010, Schema: f.schema}
	var err error
	get := func(into *string, question, proposal, given string, check func(string) error) {
		if err == nil {
			*into, err = a.ask(question, proposal, given, check)
		}
	}
	get(&w.Name, "Name of the estate", "my-estate", f.name, nameCheck)
	var cities, model, bandwidth, lines, survives, hub string
	get(&cities, "Cities of your sites, with semicolons between them", "Toronto, Canada; Montreal, Canada", strings.Join(f.sites, "; "), each(";", among("city of the catalogue", a.c.Cities())))
	get(&model, "How does a provider connect them: ethernet, cloud-exchange or ip-vpn", intent.Ethernet, f.model, among("model", []string{intent.Ethernet, intent.CloudExchange, intent.IPVPN}))
	get(&bandwidth, "Bandwidth of each access", "1 Gbps", f.bandwidth, rateCheck)
	for i, city := range listed(cities, ";") {
		if err != nil {
			return nil, err
		}
		s := siteWish{Name: siteName(city, w.Sites), City: city, Prefix: fmt.Sprintf("10.%d.0.0/16", i), Model: model, Bandwidth: bandwidth, near: a.near(city, f.provider)}
		if len(s.near) == 0 {
			return nil, usageError(fmt.Errorf("no peering location has %s", or(f.provider, "a provider")))
		}
		var names []string
		for _, l := range s.near {
			names = append(names, l.Name)
		}
		get(&s.Location, fmt.Sprintf("Peering location for %s; the nearest are %s", city, strings.Join(names[:min(4, len(names))], ", ")), names[0], "", among("peering location", names))
		if err != nil {
			return nil, err
		}
		providers := a.providers(s.Location)
		get(&s.Provider, "Provider at "+s.Location+" (`onramp catalog providers --location` lists them)", or(f.provider, providers[0]), f.provider, among("provider at "+s.Location, providers))
		w.Sites = append(w.Sites, s)
	}
	get(&lines, "Lines of business, with commas between them", "finance, sales", strings.Join(f.lines(), ", "), each(",", nameCheck))
	if err != nil {
		return nil, err
	}
	for i, name := range listed(lines, ",") {
		l := lineWish{Name: name}
		region, rate, own := f.line(i)
		var dedicated string
		get(&l.Region, "Azure region of "+name, a.region(w.Sites[0].Location), region, among("region", a.regions()))
		get(&l.Bandwidth, "Bandwidth that "+name+" needs while everybody needs theirs", "100 Mbps", rate, rateCheck)
		get(&dedicated, "Must "+name+" have a circuit of its own", "no", own, yesCheck)
		l.Dedicated = dedicated == "yes"
		w.Lines = append(w.Lines, l)
	}
	if err == nil && len(w.Lines) > 1 {
		var apart string
		get(&apart, "Which must have no path to each other: pairs such as "+w.Lines[0].Name+"/"+w.Lines[1].Name+", or none", "none", strings.Join(f.isolate, ", "), w.pairCheck)
		w.separate(apart)
	}
	kinds := []string{"link", "router", "gateway", "zone", "circuit", "provider", "location", "site"}
	get(&survives, "Single failures that everything must survive ("+strings.Join(kinds, ", ")+")", "link, router, gateway", strings.Join(f.survives, ", "), each(",", among("kind of failure", kinds)))
	w.Survives = listed(survives, ",")
	get(&hub, "Are there services for everybody in a hub of their own", "no", map[bool]string{true: "yes"}[f.hub != ""], yesCheck)
	if hub == "yes" {
		var inspect string
		get(&w.Hub, "Region of the hub", a.region(w.Sites[0].Location), f.hub, among("region", a.regions()))
		get(&inspect, "Must its firewall inspect every flow", "no", map[bool]string{true: "yes"}[f.inspect], yesCheck)
		w.Inspect = inspect == "yes"
	}
	return w, err
}

// siteName makes a name of a city that no other site has.
func siteName(city string, taken []siteWish) string {
	first, _, _ := strings.Cut(city, ",")
	var b strings.Builder
	for _, r := range strings.ToLower(first) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := strings.TrimSuffix(b.String(), "-")
	if !intent.IsName(name) {
		name = "site"
	}
	for n := 2; slices.ContainsFunc(taken, func(s siteWish) bool { return s.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", strings.TrimSuffix(name, fmt.Sprintf("-%d", n-1)), n)
	}
	return name
}

// near are the peering locations with a provider that serves Azure (with the one named, if one is), the nearest to a city first.
func (a *asker) near(city, provider string) []catalog.Location {
	lat, lon, _ := a.c.City(city)
	var out []catalog.Location
	for _, l := range a.c.Locations() {
		if list := a.providers(l.Name); l.Cloud == "public" && l.Kind != "metro" && len(list) > 0 && (provider == "" || slices.Contains(list, provider)) {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(x, y catalog.Location) int {
		return cmp.Or(cmp.Compare(catalog.DistanceKM(lat, lon, x.Latitude, x.Longitude), catalog.DistanceKM(lat, lon, y.Latitude, y.Longitude)), strings.Compare(x.Name, y.Name))
	})
	return out
}

// providers are those that connect to Azure at a location today.
func (a *asker) providers(location string) []string {
	var out []string
	for _, o := range a.c.ProvidersAt(location) {
		if o.Status == "active" && o.Azure && !slices.Contains(out, o.Provider) {
			out = append(out, o.Provider)
		}
	}
	return out
}

func (a *asker) regions() []string {
	var out []string
	for _, r := range a.c.Regions() {
		if r.Cloud == "public" {
			out = append(out, r.Name)
		}
	}
	return out
}

// region is the nearest region of a location's geography.
func (a *asker) region(location string) string {
	l, _ := a.c.Location(location)
	best, km := "", 0.0
	for _, r := range a.c.Regions() {
		if r.Cloud != "public" || r.GeopoliticalRegion != l.GeopoliticalRegion {
			continue
		}
		if d := catalog.DistanceKM(l.Latitude, l.Longitude, r.Latitude, r.Longitude); best == "" || d < km {
			best, km = r.Name, d
		}
	}
	if best == "" {
		return a.regions()[0]
	}
	return best
}

// pairCheck checks pairs of lines of business.
func (w *wishes) pairCheck(s string) error {
	for _, p := range listed(s, ",") {
		x, y, ok := strings.Cut(p, "/")
		known := func(n string) bool { return slices.ContainsFunc(w.Lines, func(l lineWish) bool { return l.Name == n }) }
		if !ok || x == y || !known(x) || !known(y) {
			return fmt.Errorf("%q is no pair of two of the lines of business, such as %s/%s", p, w.Lines[0].Name, w.Lines[1].Name)
		}
	}
	return nil
}

// separate notes pairs that must be apart, on both sides.
func (w *wishes) separate(s string) {
	for _, p := range listed(s, ",") {
		x, y, _ := strings.Cut(p, "/")
		for i := range w.Lines {
			l := &w.Lines[i]
			for _, pair := range [][2]string{{x, y}, {y, x}} {
				if l.Name == pair[0] && !slices.Contains(l.IsolatedFrom, pair[1]) {
					l.IsolatedFrom = append(l.IsolatedFrom, pair[1])
				}
			}
		}
	}
}

// file writes the intent, each key with what it means.
func (w *wishes) file() ([]byte, error) {
	var b bytes.Buffer
	err := template.Must(template.New("intent").Funcs(template.FuncMap{"join": func(l []string) string { return strings.Join(l, ", ") }}).Parse(intentText)).Execute(&b, w)
	return b.Bytes(), err
}

const intentText = `{{if .Schema}}# yaml-language-server: $schema={{.Schema}}
{{else}}# Your editor completes and explains this file with: onramp schema > onramp.schema.json, and in the first line
# yaml-language-server: $schema=onramp.schema.json
{{end}}# What you have and what you need, never how: onramp up reads it. docs/intent.md explains every key.
apiVersion: onramp/v1
name: {{.Name}}
premises:
  asn: {{.ASN}} # your BGP AS number: this one is private; write your own if you have one
  sites:{{range .Sites}}
    - name: {{.Name}}
      at: {{printf "%q" .City}}
      prefixes: [{{.Prefix}}] # what is used there: write your own; no two sites and no network in Azure may overlap
      access: # the ways in which the site can reach Microsoft; only these are used. monthlyUSD: 900 adds what the provider asks
        - {provider: {{printf "%q" .Provider}}, model: {{.Model}}, bandwidth: {{.Bandwidth}}, location: {{printf "%q" .Location}}}{{end}}
linesOfBusiness:{{range .Lines}}
  - name: {{.Name}}
    networks: # a network without addressSpace gets a /22 from the pool
      - {name: {{.Name}}, region: {{.Region}}}
    needs:
      bandwidth: {{.Bandwidth}} # at the same time as everybody else's{{if .Dedicated}}
      dedicated: true # a circuit of its own{{end}}{{if .IsolatedFrom}}
      isolatedFrom: [{{join .IsolatedFrom}}] # no path between them{{end}}
      survives: [{{join $.Survives}}] # any single one of these may fail{{end}}{{if .Hub}}
sharedServices: # a hub for everybody
  region: {{.Hub}}{{if .Inspect}}
  inspect: true # its firewall sees every flow{{end}}{{end}}
traffic:
  monthlyEgressGB: 1000 # what leaves Azure in a month; the bill rests on it
`
