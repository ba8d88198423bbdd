package intent

import (
	"slices"
	"strconv"

	"onramp/yamlfile"
)

// Stated says in percent of time how often one element of each kind works. Nobody publishes these but for circuits, so what is not
// stated is unknown and never guessed. A zero field is not stated; 100 takes the kind as never failing.
type Stated struct {
	Link     float64 `json:"link,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one attachment of an access, or a link between two sites, works."`
	Router   float64 `json:"router,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one customer edge router, or one router of an IP VPN, works."`
	MSEE     float64 `json:"msee,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one Microsoft edge router works; 100 where the circuit's figure is to cover it."`
	Gateway  float64 `json:"gateway,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one instance of a gateway works."`
	Firewall float64 `json:"firewall,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one instance of a firewall works."`
	Zone     float64 `json:"zone,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that one zone of a region works."`
	Circuit  float64 `json:"circuit,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that a circuit works; left out, Microsoft's published agreement."`
	Provider float64 `json:"provider,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that a provider's whole network works."`
	Location float64 `json:"location,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that a peering location works; of a Metro one, one of its two buildings."`
	Site     float64 `json:"site,omitempty" jsonschema:"exclusiveMinimum=0,maximum=100" jsonschema_description:"Percent of time that a site works; flows of a failed site itself are not counted as lost."`
}

// StatedKinds returns the keys of Stated in the order of the file.
func StatedKinds() []string {
	return []string{"link", "router", "msee", "gateway", "firewall", "zone", "circuit", "provider", "location", "site"}
}

// field is where a kind's figure is, nil for a word that is no kind.
func (s *Stated) field(kind string) *float64 {
	switch kind {
	case "link":
		return &s.Link
	case "router":
		return &s.Router
	case "msee":
		return &s.MSEE
	case "gateway":
		return &s.Gateway
	case "firewall":
		return &s.Firewall
	case "zone":
		return &s.Zone
	case "circuit":
		return &s.Circuit
	case "provider":
		return &s.Provider
	case "location":
		return &s.Location
	case "site":
		return &s.Site
	}
	return nil
}

// Of returns the figure of a kind in percent, and whether it is stated.
func (s *Stated) Of(kind string) (percent float64, ok bool) {
	if f := s.field(kind); f != nil {
		return *f, *f > 0
	}
	return 0, false
}

// Fill states the figure of a kind that is not stated yet. It tells whether there is such a kind.
func (s *Stated) Fill(kind string, percent float64) bool {
	f := s.field(kind)
	if f != nil && *f == 0 {
		*f = percent
	}
	return f != nil
}

// availability checks the stated figures: those of kinds, and those of single accesses.
func (v *validator) availability() {
	check := func(path string, percent float64) {
		if v.given(path) && !v.bad(path) && (percent <= 0 || percent > 100) {
			v.refuseShape(path, "this is a percentage of time above 0 and up to 100", "write a number such as 99.9, or leave the key out where it is not known")
		}
	}
	for _, kind := range StatedKinds() {
		percent, _ := v.e.Availability.Of(kind)
		check("availability."+kind, percent)
	}
	for i := range v.e.Premises.Sites {
		for j := range v.e.Premises.Sites[i].Access {
			check(yamlfile.Index(yamlfile.Index("premises.sites", i)+".access", j)+".availability", v.e.Premises.Sites[i].Access[j].Availability)
		}
	}
}

// ParseStated reads "kind=percent", as a command line gives it.
func ParseStated(s string) (kind string, percent float64, ok bool) {
	for i := range len(s) {
		if s[i] != '=' {
			continue
		}
		kind = s[:i]
		p, err := strconv.ParseFloat(s[i+1:], 64)
		return kind, p, err == nil && p > 0 && p <= 100 && slices.Contains(StatedKinds(), kind)
	}
	return s, 0, false
}
