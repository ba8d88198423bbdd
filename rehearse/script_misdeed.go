package rehearse

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
	"onramp/sim"
	"onramp/yamlfile"
)

// Misdeeds in scripts: what the premises do wrong is another design, whose network the running estate becomes. The networks that a drill
// will need are built when it is read, so that what cannot be built is told with its place.

// mostCount is how many prefixes a site may be made to announce: some times the largest limit.
const mostCount = 20000

// misdeed finds out what a step does to the design.
func (k *scriptChecker) misdeed(f *fault, s *Step, path string) bool {
	m := Misdeed{Prefix: s.Prefix}
	switch f.verb {
	case "originateDefault":
		m.Kind = OriginateDefault
		f.target = s.OriginateDefault
	case "originateAggregate":
		m.Kind = OriginateAggregate
		f.target = s.OriginateAggregate
	case "tooManyPrefixes":
		m.Kind, m.Count = TooManyPrefixes, s.Count
		f.target = s.TooManyPrefixes
	case "echo":
		return k.echo(f, s, path)
	case "wrongFilter":
		return k.filter(f, s, path)
	case "bfdOff":
		return k.bfdOff(f, s, path)
	}
	sites := k.elements(network.Site)
	if !slices.Contains(sites, f.target) {
		k.unknown(path+"."+f.verb, f.target, "site", sites)
		return false
	}
	m.Site = strings.TrimPrefix(f.target, string(network.Site)+":")
	if m.Kind == TooManyPrefixes {
		if key := path + ".count"; k.r.Given(key) && (m.Count < 1 || m.Count > mostCount) {
			k.refuse(key, k.r.Place(key).Text, "this number is out of range", fmt.Sprintf("give 1 to %d", mostCount), "range")
			return false
		}
		if m.Count == 0 {
			m.Count = k.limitOf(m.Site) + 1
		}
	}
	f.misdeeds = []Misdeed{m}
	return true
}

// limitOf is the largest number of IPv4 prefixes that a site's circuits take on private peering.
func (k *scriptChecker) limitOf(site string) int {
	most := 0
	for i := range k.wiring.Sessions {
		if x := &k.wiring.Sessions[i]; x.Kind == "private" && (k.wiring.Routers[x.A].Site == site || k.wiring.Routers[x.A].Site == "") {
			most = max(most, x.Limits[0].IPv4)
		}
	}
	return most
}

func (k *scriptChecker) echo(f *fault, s *Step, path string) bool {
	f.target = s.Echo
	all := k.elements(network.Circuit)
	ok := true
	circuit := func(key, name string) string {
		if !slices.Contains(all, name) {
			k.unknown(path+"."+key, name, "circuit", all)
			ok = false
		}
		return strings.TrimPrefix(name, string(network.Circuit)+":")
	}
	if s.To == "" {
		k.refuse(path, "", "an echo is heard by somebody", "add to: with the circuit that is told", "option")
		return false
	}
	m := Misdeed{Kind: EchoRoutes, From: circuit("echo", s.Echo), To: circuit("to", s.To)}
	if s.Site != "" {
		sites := k.elements(network.Site)
		if !slices.Contains(sites, s.Site) {
			k.unknown(path+".site", s.Site, "site", sites)
			ok = false
		}
		m.Site = strings.TrimPrefix(s.Site, string(network.Site)+":")
	}
	f.misdeeds = []Misdeed{m}
	return ok
}

// filter finds the filter of a session, which is about prefixes, or a route filter, which is about communities.
func (k *scriptChecker) filter(f *fault, s *Step, path string) bool {
	f.target = s.WrongFilter
	m := Misdeed{Kind: FilterWith, Import: s.Import}
	key, value := "with", s.With
	if s.Without != "" {
		m.Kind, key, value = FilterWithout, "without", s.Without
	}
	if (s.With == "") == (s.Without == "") {
		k.refuse(path, "", "a wrong filter lets something through, or does not", "add with: or without:, one of the two", "option")
		return false
	}
	var filters []string
	for _, x := range azure.Of[*azure.RouteFilter](k.d.Resources) {
		filters = append(filters, x.Name)
	}
	switch {
	case slices.Contains(filters, s.WrongFilter):
		m.Filter, m.Community = s.WrongFilter, value
	case k.session(s.WrongFilter) >= 0:
		m.Session = s.WrongFilter
		p, err := netip.ParsePrefix(value)
		if err != nil {
			k.refuse(path+"."+key, value, "this is not a prefix", `write an IPv4 or IPv6 prefix such as "10.1.0.0/16"`, "unit")
			return false
		}
		m.Prefix = p
	default:
		k.unknown(path+".wrongFilter", s.WrongFilter, "session or route filter", append(filters, k.sessions()...))
		return false
	}
	f.misdeeds = []Misdeed{m}
	return true
}

func (k *scriptChecker) bfdOff(f *fault, s *Step, path string) bool {
	if !k.links(f, s.BFDOff, path+".bfdOff") {
		return false
	}
	for _, l := range f.links {
		if x := &k.wiring.Sessions[l.session]; l.direction == 0 && x.BFDMultiplier > 0 {
			f.misdeeds = append(f.misdeeds, Misdeed{Kind: BFDOff, Session: x.Name})
		}
	}
	f.links = nil
	if len(f.misdeeds) == 0 {
		k.refuse(path+".bfdOff", s.BFDOff, "there is no BFD on this", "name a link between the premises or a provider and Microsoft", "known-name")
		return false
	}
	return true
}

// design builds the networks that are in force in the course of a drill.
func (k *scriptChecker) design(d *ScriptDrill, path string) {
	d.networks = map[string]*network.Network{"": k.n}
	phase := make([]int, len(d.Steps))
	for i, a := range d.actions {
		phase[a.step] = a.phase
		if i+1 < len(d.actions) && d.actions[i+1].at == a.at {
			continue // the same moment
		}
		key := d.deedKey(phase)
		if d.networks[key] != nil {
			continue
		}
		out := k.d
		last := a.step
		for step, p := range phase {
			if p == 0 {
				continue
			}
			f := d.Steps[step].fault
			for _, m := range f.misdeeds {
				next, err := Apply(out, m)
				if err != nil {
					k.undone(yamlfile.Index(path+".steps", step)+"."+f.verb, f.target, err)
					return
				}
				out, last = next, step
			}
		}
		n, err := k.build(out)
		if err != nil {
			k.undone(yamlfile.Index(path+".steps", last)+"."+d.Steps[last].fault.verb, d.Steps[last].fault.target, err)
			return
		}
		d.networks[key] = n
	}
}

// build makes the network of a design that the running estate may become.
func (k *scriptChecker) build(d *design.Design) (*network.Network, error) {
	n, _ := network.Build(d.Resources, d.Premises, k.c, network.Options{})
	_, err := sim.New(n, sim.Options{})
	return n, err
}

// undone refuses what cannot be done to the design.
func (k *scriptChecker) undone(path, value string, err error) {
	var unknown *UnknownName
	message, fix := err.Error(), "give it something else to do, or another time"
	if errors.As(err, &unknown) {
		message = fmt.Sprintf("there is no %s %q", unknown.What, unknown.Name)
		if len(unknown.Near) > 0 {
			fix = "did you mean " + yamlfile.OneOf(unknown.Near) + "?"
		}
	}
	k.refuse(path, value, message, fix, "misdeed")
}

// deedKey names the misdeeds that are going on.
func (d *ScriptDrill) deedKey(phase []int) string {
	var list []string
	for i, p := range phase {
		if p > 0 && len(d.Steps[i].fault.misdeeds) > 0 {
			list = append(list, fmt.Sprint(i))
		}
	}
	return strings.Join(list, " ")
}
