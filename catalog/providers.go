package catalog

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Offer is one provider at one peering location.
type Offer struct {
	Provider          string `json:"provider"`
	Location          string `json:"location"`
	Cloud             string `json:"cloud"`
	Access            string `json:"access"` // direct, or through an exchange
	Exchange          string `json:"exchange,omitempty"`
	Status            string `json:"status"` // active or future
	Azure             bool   `json:"azure"`
	Microsoft365      bool   `json:"microsoft365"`
	ServicesKnown     bool   `json:"-"` // false: Azure and Microsoft365 are not published, not "no"
	ListedIn          string `json:"listedIn"`
	NamesAsDocumented string `json:"namesAsDocumented"`
	Source            Source `json:"source"`
}

// Alias leads from a provider's old name to today's entry.
type Alias struct {
	OldName string `json:"oldName"`
	Current string `json:"current"` // a provider, or "not listed now" or "not one entry"
	Basis   string `json:"basis"`
	Source  Source `json:"source"`
}

// ProviderLookup is what became of a provider's name.
type ProviderLookup struct {
	Asked string `json:"asked"`
	// Name is today's entry, empty when there is none.
	Name   string `json:"name"`
	Listed bool   `json:"listed"`
	// Renamed tells that the name asked for is an old one; Basis and Source say how that is known.
	Renamed bool   `json:"renamed"`
	Basis   string `json:"basis,omitempty"`
	Source  Source `json:"source"`
	// Nearest is the listed name that is spelled most alike, when nothing was found.
	Nearest string `json:"nearest,omitempty"`
}

// String says it in a sentence.
func (p ProviderLookup) String() string {
	switch {
	case p.Listed && p.Renamed:
		return fmt.Sprintf("%q is listed today as %q (%s; %s)", p.Asked, p.Name, p.Basis, p.Source.Text)
	case p.Listed:
		return fmt.Sprintf("%q is listed", p.Name)
	case p.Basis != "":
		return fmt.Sprintf("%q is not listed now (%s; %s)", p.Asked, p.Basis, p.Source.Text)
	case p.Nearest != "":
		return fmt.Sprintf("there is no provider %q; the nearest name is %q", p.Asked, p.Nearest)
	}
	return fmt.Sprintf("there is no provider %q", p.Asked)
}

// ProviderForRegion is an offer seen from a region.
type ProviderForRegion struct {
	Offer
	DistanceKM    float64 `json:"distanceKM"`
	LocalToRegion bool    `json:"localToRegion"`
}

func (c *Catalog) readOffers(t *table) error {
	err := t.each(func() {
		c.offers = append(c.offers, Offer{Provider: t.get("provider"), Location: t.get("location"), Cloud: t.get("cloud"), Access: t.get("access"), Exchange: t.get("exchange"),
			Status: t.get("status"), Azure: t.yes("azure"), Microsoft365: t.yes("microsoft365"), ServicesKnown: t.get("azure") != "" && t.get("microsoft365") != "", ListedIn: t.get("listed_in"), NamesAsDocumented: t.get("names_as_documented"), Source: t.source})
	})
	slices.SortStableFunc(c.offers, func(a, b Offer) int {
		return cmp.Or(cmp.Compare(a.Provider, b.Provider), cmp.Compare(a.Location, b.Location))
	})
	for i := len(c.offers) - 1; i >= 0; i-- {
		c.named[fold(c.offers[i].Provider)] = i
	}
	return err
}

func (c *Catalog) readAliases(t *table) error {
	return t.each(func() {
		c.aliases = append(c.aliases, Alias{OldName: t.get("old_name"), Current: t.get("current_entry"), Basis: t.get("basis"), Source: Source{Text: t.get("source")}})
	})
}

// Offers returns every provider at every location, by provider and location.
func (c *Catalog) Offers() []Offer { return slices.Clone(c.offers) }

// Aliases returns the old names in the order of the file.
func (c *Catalog) Aliases() []Alias { return slices.Clone(c.aliases) }

// ProviderNames returns the names of all listed providers, sorted.
func (c *Catalog) ProviderNames() []string {
	var out []string
	for _, o := range c.offers {
		out = append(out, o.Provider)
	}
	return slices.Compact(out)
}

// ProvidersAt returns who is at a location.
func (c *Catalog) ProvidersAt(location string) []Offer {
	if l, ok := c.Location(location); ok {
		location = l.Name
	}
	return c.offersWhere(func(o Offer) bool { return o.Location == location })
}

// LocationsOf returns where a provider is, under its name of today or an old one.
func (c *Catalog) LocationsOf(provider string) []Offer {
	name := c.Provider(provider).Name
	return c.offersWhere(func(o Offer) bool { return o.Provider == name })
}

func (c *Catalog) offersWhere(keep func(Offer) bool) []Offer {
	var out []Offer
	for _, o := range c.offers {
		if keep(o) {
			out = append(out, o)
		}
	}
	return out
}

// Provider leads from any name, of today or old, to today's entry, or says that it is not listed now.
func (c *Catalog) Provider(name string) ProviderLookup {
	out := ProviderLookup{Asked: name}
	if i, ok := c.named[fold(name)]; ok {
		o := &c.offers[i]
		out.Name, out.Listed, out.Source = o.Provider, true, o.Source
		return out
	}
	for _, a := range c.aliases {
		if fold(a.OldName) != fold(name) {
			continue
		}
		out.Basis, out.Source, out.Renamed = a.Basis, a.Source, true
		for _, o := range c.offers {
			if o.Provider == a.Current {
				out.Name, out.Listed = a.Current, true
			}
		}
		if !out.Listed {
			out.Renamed = false
			if a.Current != "not listed now" {
				out.Basis = a.Current + ": " + a.Basis
			}
		}
		return out
	}
	out.Nearest = Nearest(name, c.ProviderNames())
	return out
}

// ProvidersForRegion answers who can bring a region near: first at the locations local to the region, then at the others
// of its country, each with the distance to the region. A region of a national cloud sees the locations of that cloud only.
func (c *Catalog) ProvidersForRegion(region string) ([]ProviderForRegion, error) {
	r, ok := c.Region(region)
	if !ok {
		var names []string
		for _, x := range c.regions {
			names = append(names, x.Name)
		}
		return nil, fmt.Errorf("there is no region %q; the nearest name is %q", region, Nearest(region, names))
	}
	var out []ProviderForRegion
	for _, o := range c.offers {
		l, ok := c.locationIn(o.Location, o.Cloud)
		if !ok || l.Cloud != r.Cloud {
			continue
		}
		local := slices.Contains(l.LocalRegions, r.Name)
		if !local && !strings.EqualFold(l.Country, r.Country) {
			continue
		}
		out = append(out, ProviderForRegion{Offer: o, DistanceKM: DistanceKM(r.Latitude, r.Longitude, l.Latitude, l.Longitude), LocalToRegion: local})
	}
	slices.SortStableFunc(out, func(a, b ProviderForRegion) int {
		if a.LocalToRegion != b.LocalToRegion {
			if a.LocalToRegion {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.DistanceKM, b.DistanceKM), cmp.Compare(a.Location, b.Location), cmp.Compare(a.Provider, b.Provider))
	})
	return out, nil
}
