package catalog

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Location is a peering location: where circuits end on a pair of MSEEs. A metro location is two buildings of one city.
type Location struct {
	Name               string   `json:"name"`
	Kind               string   `json:"kind"` // single or metro
	Cloud              string   `json:"cloud"`
	City               string   `json:"city"`
	Country            string   `json:"country"`
	Address            string   `json:"address"`
	Zone               string   `json:"zone"` // billing zone; empty when not published
	GeopoliticalRegion string   `json:"geopoliticalRegion"`
	GeoBasis           string   `json:"geoBasis"`
	LocalRegions       []string `json:"localRegions"` // names of the regions that a Local circuit reaches
	Direct             bool     `json:"direct"`
	Latitude           float64  `json:"latitude"`
	Longitude          float64  `json:"longitude"`
	AddressURL         string   `json:"addressURL,omitempty"`
	Source             Source   `json:"source"`
}

// Region is an Azure region.
type Region struct {
	Name               string  `json:"name"`
	DisplayName        string  `json:"displayName"`
	Cloud              string  `json:"cloud"`
	GeopoliticalRegion string  `json:"geopoliticalRegion"`
	GeoBasis           string  `json:"geoBasis"`
	Country            string  `json:"country"`
	PhysicalLocation   string  `json:"physicalLocation"`
	Latitude           float64 `json:"latitude"`
	Longitude          float64 `json:"longitude"`
	PairedRegion       string  `json:"pairedRegion,omitempty"`
	Zones              bool    `json:"availabilityZones"`
	CommunityPrivate   string  `json:"communityPrivate,omitempty"`
	CommunityMicrosoft string  `json:"communityMicrosoft,omitempty"`
	CommunityStorage   string  `json:"communityStorage,omitempty"`
	CommunitySQL       string  `json:"communitySQL,omitempty"`
	CommunityCosmosDB  string  `json:"communityCosmosDB,omitempty"`
	CommunityBackup    string  `json:"communityBackup,omitempty"`
	Source             Source  `json:"source"`
}

// fold makes names comparable: lower case, nothing but letters and digits.
func fold(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if r > 127 || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (c *Catalog) readRegions(t *table) error {
	err := t.each(func() {
		r := Region{Name: t.get("name"), DisplayName: t.get("display_name"), Cloud: t.get("cloud"), GeopoliticalRegion: t.get("geopolitical_region"), GeoBasis: t.get("geo_basis"),
			Latitude: t.float("latitude"), Longitude: t.float("longitude"), PairedRegion: t.get("paired_region"), Zones: t.yes("availability_zones"), PhysicalLocation: t.get("physical_location"),
			CommunityPrivate: t.get("community_private"), CommunityMicrosoft: t.get("community_microsoft"), CommunityStorage: t.get("community_storage"), CommunitySQL: t.get("community_sql"),
			CommunityCosmosDB: t.get("community_cosmosdb"), CommunityBackup: t.get("community_backup"), Source: t.source}
		r.Country = r.PhysicalLocation
		if i := strings.LastIndex(r.Country, ","); i >= 0 {
			r.Country = strings.TrimSpace(r.Country[i+1:])
		}
		// The list of locations writes these countries in full.
		switch r.Country {
		case "Hong Kong":
			r.Country = "Hong Kong SAR"
		case "Korea":
			r.Country = "South Korea"
		case "UAE":
			r.Country = "United Arab Emirates"
		}
		c.regions = append(c.regions, r)
	})
	slices.SortFunc(c.regions, func(a, b Region) int { return cmp.Compare(a.Name, b.Name) })
	for i, r := range c.regions {
		c.byRegion[fold(r.Name)], c.byRegion[fold(r.DisplayName)] = i, i
	}
	return err
}

func (c *Catalog) readLocations(t *table) error {
	err := t.each(func() {
		l := Location{Name: t.get("location"), Kind: t.get("kind"), Cloud: t.get("cloud"), City: t.get("city"), Country: t.get("country"), Address: t.get("address"), Zone: t.get("zone"),
			GeopoliticalRegion: t.get("geopolitical_region"), GeoBasis: t.get("geo_basis"), Direct: t.yes("er_direct"), Latitude: t.float("latitude"), Longitude: t.float("longitude"),
			AddressURL: t.get("address_url"), Source: t.source}
		for _, name := range t.list("local_azure_regions") {
			if r, ok := c.Region(name); ok {
				name = r.Name
			}
			l.LocalRegions = append(l.LocalRegions, name)
		}
		c.locations = append(c.locations, l)
	})
	// Nine names stand for a location of the public cloud and one of a national cloud; the name alone means the public one.
	slices.SortFunc(c.locations, func(a, b Location) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Cloud, b.Cloud)) })
	for i, l := range slices.Backward(c.locations) {
		if old, ok := c.byLocation[fold(l.Name)]; !ok || c.locations[old].Cloud != "public" {
			c.byLocation[fold(l.Name)] = i
		}
	}
	return err
}

// locationIn finds a location by its exact name in one cloud.
func (c *Catalog) locationIn(name, cloud string) (Location, bool) {
	for _, l := range c.locations {
		if l.Name == name && l.Cloud == cloud {
			return l, true
		}
	}
	return Location{}, false
}

// Locations returns all peering locations by name.
func (c *Catalog) Locations() []Location { return slices.Clone(c.locations) }

// Location finds a peering location by name, without regard to case; "City, Country" will do where the city has only one.
func (c *Catalog) Location(name string) (Location, bool) {
	if i, ok := c.byLocation[fold(name)]; ok {
		return c.locations[i], true
	}
	found, n := Location{}, 0
	for _, l := range c.locations {
		if fold(l.City+l.Country) == fold(name) {
			found, n = l, n+1
		}
	}
	return found, n == 1
}

// City finds the position of a city of the locations table, given as "Montreal" or "Montreal, Canada".
func (c *Catalog) City(name string) (lat, lon float64, ok bool) {
	for _, l := range c.locations {
		if f := fold(name); f != "" && (f == fold(l.City) || f == fold(l.City+l.Country)) {
			return l.Latitude, l.Longitude, true
		}
	}
	return 0, 0, false
}

// Cities returns the cities of the locations table as "City, Country", sorted.
func (c *Catalog) Cities() []string {
	var out []string
	for _, l := range c.locations {
		out = append(out, l.City+", "+l.Country)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Regions returns all regions by name.
func (c *Catalog) Regions() []Region { return slices.Clone(c.regions) }

// Region finds a region by its name or display name, without regard to case and spaces.
func (c *Catalog) Region(name string) (Region, bool) {
	if i, ok := c.byRegion[fold(name)]; ok {
		return c.regions[i], true
	}
	return Region{}, false
}

// earthKM is the mean radius of the earth.
const earthKM = 6371.0

// DistanceKM is the great-circle distance between two points given in degrees, in kilometres.
func DistanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	rad := math.Pi / 180
	dLat, dLon := (lat2-lat1)*rad, (lon2-lon1)*rad
	h := math.Pow(math.Sin(dLat/2), 2) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Pow(math.Sin(dLon/2), 2)
	return 2 * earthKM * math.Asin(math.Min(1, math.Sqrt(h)))
}

// readLatency reads the region-to-region round trips.
func (c *Catalog) readLatency(t *table) error {
	return t.each(func() {
		c.latency[[2]string{t.get("from_region"), t.get("to_region")}] = t.float("rtt_ms_p50")
	})
}

// Latency is the published median round trip between two regions in milliseconds; ok is false when none is published.
func (c *Catalog) Latency(from, to string) (ms float64, ok bool) {
	if ms, ok = c.latency[[2]string{from, to}]; ok {
		return ms, true
	}
	ms, ok = c.latency[[2]string{to, from}]
	return ms, ok
}

// Nearest returns the member of a list that is spelled most like a name, "" when none comes near.
func Nearest(name string, of []string) string {
	best, bestD := "", 1+max(2, len([]rune(name))/2)
	for _, x := range of {
		if d := Edits(strings.ToLower(name), strings.ToLower(x)); d < bestD {
			best, bestD = x, d
		}
	}
	return best
}

// Edits is the Levenshtein distance: how many letters have to be put in, taken out or changed.
func Edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
