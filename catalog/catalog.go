// Package catalog holds the published facts on ExpressRoute: peering locations, providers, regions, gateway SKUs, limits,
// prices, rules, services and QoS classes, each with its source and date. It gives them typed and indexed; it computes
// nothing but distances and look-ups, and never fills a gap: a fact that is not published is unknown.
//
// Source: the files under data, whose first lines name the documents that they were read from.
package catalog

import (
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed data
var data embed.FS

// Source says where a fact was read: a document, and its date where it has one.
type Source struct {
	Text string `json:"text"`
	Date string `json:"date,omitempty"`
}

// Catalog is every published fact. It does not change after Open.
type Catalog struct {
	locations  []Location
	regions    []Region
	offers     []Offer
	aliases    []Alias
	gateways   []GatewaySKU
	prices     []Price
	priced     map[string][]int // item to its rows of prices
	named      map[string]int   // folded provider to its first offer
	egress     []EgressTier
	rules      []Rule
	services   []Service
	qos        []QoSClass
	reach      []GlobalReachCountry
	partners   []Partner
	roles      []Role
	armErrors  []ARMError
	operations []ARMOperation
	versions   []ARMVersion
	latency    map[[2]string]float64
	limits     Limits
	limitRows  []LimitRow
	byLocation map[string]int
	byRegion   map[string]int
}

// Open reads the embedded facts. An error means that the embedded files themselves are broken.
func Open() (*Catalog, error) {
	sub, err := fs.Sub(data, "data")
	if err != nil {
		return nil, err
	}
	return open(sub)
}

func open(f fs.FS) (*Catalog, error) {
	c := &Catalog{latency: map[[2]string]float64{}, byLocation: map[string]int{}, byRegion: map[string]int{}, priced: map[string][]int{}, named: map[string]int{}}
	for _, step := range []struct {
		file string
		read func(*table) error
	}{
		{"regions.csv", c.readRegions}, {"locations.csv", c.readLocations}, {"providers.csv", c.readOffers}, {"provider_aliases.csv", c.readAliases},
		{"gateways.csv", c.readGateways}, {"prices.csv", c.readPrices}, {"egress.csv", c.readEgress}, {"latency.csv", c.readLatency},
		{"rules.csv", c.readRules}, {"services.csv", c.readServices}, {"qos.csv", c.readQoS}, {"global_reach.csv", c.readGlobalReach},
		{"partners_other.csv", c.readPartners}, {"arm/builtin-roles.csv", c.readRoles}, {"arm/errors.csv", c.readARMErrors},
		{"arm/operations.csv", c.readOperations}, {"arm/operations-authorization.csv", c.readOperations}, {"arm/api-versions.csv", c.readVersions},
	} {
		b, err := fs.ReadFile(f, step.file)
		if err != nil {
			return nil, err
		}
		t, err := readTable(step.file, string(b))
		if err == nil {
			err = step.read(t)
		}
		if err == nil {
			err = t.err
		}
		if err != nil {
			return nil, fmt.Errorf("catalogue file %s: %w", step.file, err)
		}
	}
	b, err := fs.ReadFile(f, "limits.yaml")
	if err != nil {
		return nil, err
	}
	if err := c.readLimits(b); err != nil {
		return nil, fmt.Errorf("catalogue file limits.yaml: %w", err)
	}
	return c, nil
}

// table is a CSV file with its header and the source that its first comment names.
type table struct {
	file   string
	source Source
	column map[string]int
	rows   [][]string
	line   int // of the row being read, for messages
	row    []string
	err    error
}

// readTable reads a CSV file whose first line may be "# source: ...".
func readTable(file, text string) (*table, error) {
	t := &table{file: file, column: map[string]int{}}
	for strings.HasPrefix(text, "#") {
		line, rest, _ := strings.Cut(text, "\n")
		t.source.Text = strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(line, "#"), " source:"))
		text = rest
	}
	r := csv.NewReader(strings.NewReader(text))
	head, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("no header: %w", err)
	}
	for i, h := range head {
		t.column[h] = i
	}
	for {
		row, err := r.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row)
	}
}

// each visits the rows; get and number then read the current one.
func (t *table) each(visit func()) error {
	for i, row := range t.rows {
		t.line, t.row = i+1, row
		visit()
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

// get is a cell by column name; a column that is not there is an error of the file.
func (t *table) get(column string) string {
	i, ok := t.column[column]
	if !ok {
		t.err = fmt.Errorf("there is no column %q", column)
		return ""
	}
	return t.row[i]
}

func (t *table) yes(column string) bool { return t.get(column) == "yes" }

// number is a cell as an integer, 0 when it is empty.
func (t *table) number(column string) int {
	s := t.get(column)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("row %d, %s: %w", t.line, column, err)
	}
	return n
}

func (t *table) float(column string) float64 {
	s := t.get(column)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("row %d, %s: %w", t.line, column, err)
	}
	return n
}

func (t *table) list(column string) []string {
	var out []string
	for _, x := range strings.Split(t.get(column), ";") {
		if x = strings.TrimSpace(x); x != "" {
			out = append(out, x)
		}
	}
	return out
}
