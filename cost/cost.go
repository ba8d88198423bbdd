// Package cost makes a design's monthly bill from the published list prices: a line for each thing that is billed, split
// among the lines of business that use it. What has no published price is listed as unknown and never counted as nothing.
// It decides no design and compares nothing: package choose does.
//
// Sources: the price list that package catalog carries (prices.csv); what is billed as plan-manage-cost.md and
// virtual-network-peering-overview.md say. Taxes, discounts, support and the premises' own equipment are not in it.
package cost

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// Bill is a month's bill.
type Bill struct {
	Lines []Line `json:"lines"`
	// Total is the sum of the lines with a known price; AtLeast tells that there are others.
	Total Total `json:"total"`
	// ByLineOfBusiness splits the total; the parts add up to it to the cent.
	ByLineOfBusiness []Part              `json:"byLineOfBusiness"`
	Unknown          []Unknown           `json:"unknown"`
	Assumptions      []design.Assumption `json:"assumptions"`
}

// Total is a sum in US dollars.
type Total struct {
	USD     float64 `json:"usd"`
	AtLeast bool    `json:"atLeast"`
}

// Part is what one line of business pays. Its name is empty for what nobody uses.
type Part struct {
	LineOfBusiness string  `json:"lineOfBusiness"`
	USD            float64 `json:"usd"`
	AtLeast        bool    `json:"atLeast"`
}

// Line is one thing on the bill.
type Line struct {
	Item     string   `json:"item"`
	Resource string   `json:"resource"` // name, or what an access is called
	ID       azure.ID `json:"id,omitempty"`
	// LineOfBusiness is empty for what several share.
	LineOfBusiness string  `json:"lineOfBusiness"`
	Quantity       float64 `json:"quantity"`
	Unit           string  `json:"unit"`
	UnitUSD        float64 `json:"unitUSD"`
	USD            float64 `json:"usd"` // to the cent; 0 while not known
	Known          bool    `json:"known"`
	Source         string  `json:"source"`
	Shares         []Part  `json:"shares"`
}

// Unknown is something that is billed and has no published price.
type Unknown struct {
	Item           string `json:"item"`
	Resource       string `json:"resource"`
	LineOfBusiness string `json:"lineOfBusiness"`
	Reason         string `json:"reason"`
}

// String says it in a sentence.
func (u Unknown) String() string { return fmt.Sprintf("%s of %s: %s", u.Item, u.Resource, u.Reason) }

// Items of a bill, in their printed order.
const (
	itemCircuit     = "circuit"
	itemOutbound    = "outbound data"
	itemInternet    = "internet data"
	itemPort        = "Direct port pair"
	itemPremium     = "Premium on a Direct circuit"
	itemGlobalReach = "Global Reach"
	itemGateway     = "gateway"
	itemRouteServer = "Route Server"
	itemHub         = "virtual hub"
	itemFirewall    = "firewall"
	itemFirewallGB  = "firewall data"
	itemPublicIP    = "public IP address"
	itemPeeringData = "VNet peering data"
	itemAccess      = "provider access"
)

func items() []string {
	return []string{itemCircuit, itemOutbound, itemInternet, itemPort, itemPremium, itemGlobalReach, itemGateway, itemRouteServer, itemHub, itemFirewall, itemFirewallGB, itemPublicIP, itemPeeringData, itemAccess}
}

// Options say how a bill is made. The zero value splits by need.
type Options struct {
	// Split is what shared lines are split by; empty is ByNeed.
	Split Split

	// overInternet bills the data of whoever has neither circuit nor VPN gateway as leaving over the internet.
	overInternet bool
}

// Month makes the bill of a month of catalog.HoursPerMonth hours.
func Month(d *design.Design, c *catalog.Catalog, o Options) *Bill {
	return newClerk(d, c, o).month()
}

// month gathers every charge and makes the bill of them.
func (k *clerk) month() *Bill {
	k.circuits()
	k.internet()
	k.ports()
	k.globalReach()
	k.gateways()
	k.hubs()
	k.firewalls()
	k.peeringData()
	k.accesses()
	return k.bill()
}

// charge is one line before it is split.
type charge struct {
	item, resource string
	id             azure.ID
	quantity       float64
	unit           string
	price          catalog.Money
	users          []string // whose it is; several share it
	weights        []int64  // beside users
	unknown        string   // why there is no price
}

// bill splits and adds the charges up.
func (k *clerk) bill() *Bill {
	b := &Bill{Lines: []Line{}, ByLineOfBusiness: []Part{}, Unknown: []Unknown{}, Assumptions: []design.Assumption{}}
	sums, open := map[string]cents{}, map[string]bool{}
	total := cents(0)
	for i := range k.charges {
		x := &k.charges[i]
		users, weights := x.users, x.weights
		if len(users) == 0 {
			users, weights = []string{""}, []int64{1}
		}
		l := Line{Item: x.item, Resource: x.resource, ID: x.id, Quantity: x.quantity, Unit: x.unit, Known: x.price.Known, Source: x.price.Source.Text, Shares: []Part{}}
		if len(users) == 1 {
			l.LineOfBusiness = users[0]
		}
		if !l.Known {
			b.Unknown = append(b.Unknown, Unknown{Item: x.item, Resource: x.resource, LineOfBusiness: l.LineOfBusiness, Reason: or(x.unknown, "no price is published")})
			b.Total.AtLeast = true
			for _, u := range users {
				open[u] = true
			}
			b.Lines = append(b.Lines, l)
			continue
		}
		l.UnitUSD = x.price.USD
		sum := toCents(x.price.USD * x.quantity)
		l.USD = sum.usd()
		total += sum
		for j, part := range split(sum, weights) {
			l.Shares = append(l.Shares, Part{LineOfBusiness: users[j], USD: part.usd()})
			sums[users[j]] += part
		}
		b.Lines = append(b.Lines, l)
	}
	order := items()
	slices.SortStableFunc(b.Lines, func(a, c Line) int {
		return cmp.Or(strings.Compare(a.LineOfBusiness, c.LineOfBusiness), slices.Index(order, a.Item)-slices.Index(order, c.Item), strings.Compare(a.Resource, c.Resource))
	})
	slices.SortStableFunc(b.Unknown, func(a, c Unknown) int {
		return cmp.Or(strings.Compare(a.LineOfBusiness, c.LineOfBusiness), slices.Index(order, a.Item)-slices.Index(order, c.Item), strings.Compare(a.Resource, c.Resource))
	})
	b.Total.USD = total.usd()
	for _, name := range k.payers(sums, open) {
		b.ByLineOfBusiness = append(b.ByLineOfBusiness, Part{LineOfBusiness: name, USD: sums[name].usd(), AtLeast: open[name]})
	}
	for _, name := range sortedKeys(k.assumptions) {
		// Two gateways of a SKU in a region rest on one sentence: it is said once.
		if a := k.assumptions[name]; !slices.ContainsFunc(b.Assumptions, func(x design.Assumption) bool { return x.Text == a.Text }) {
			b.Assumptions = append(b.Assumptions, a)
		}
	}
	return b
}

// payers are the lines of business, and whoever a tag names beside them, sorted; then nobody, where something is nobody's. Whoever
// pays is listed, so that the parts add up to the total whatever the tags say.
func (k *clerk) payers(sums map[string]cents, open map[string]bool) []string {
	names := append(sortedKeys(sums), sortedKeys(open)...)
	for _, l := range k.lobs {
		names = append(names, l.name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 0 && names[0] == "" {
		names = append(names[1:], "")
	}
	return names
}

// CSV is the bill as comma-separated values with a header (RFC 4180): a row for each share of each line. A price that is not
// published is the word unknown.
func (b *Bill) CSV() []byte {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true // RFC 4180, section 2
	number := func(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }
	rows := [][]string{{"item", "resource", "line of business", "quantity", "unit", "unit USD", "line USD", "share USD", "source"}}
	for i := range b.Lines {
		l := &b.Lines[i]
		if !l.Known {
			rows = append(rows, []string{l.Item, l.Resource, l.LineOfBusiness, number(l.Quantity, -1), l.Unit, "unknown", "unknown", "unknown", l.Source})
			continue
		}
		for _, s := range l.Shares {
			rows = append(rows, []string{l.Item, l.Resource, s.LineOfBusiness, number(l.Quantity, -1), l.Unit, number(l.UnitUSD, -1), number(l.USD, 2), number(s.USD, 2), l.Source})
		}
	}
	for _, p := range b.ByLineOfBusiness {
		rows = append(rows, []string{"total of a line of business", "", p.LineOfBusiness, "", "", "", "", atLeast(p.USD, p.AtLeast), ""})
	}
	rows = append(rows, []string{"total", "", "", "", "", "", "", atLeast(b.Total.USD, b.Total.AtLeast), ""})
	// Writing to memory cannot fail.
	if err := w.WriteAll(rows); err != nil {
		return nil
	}
	return out.Bytes()
}

func atLeast(usd float64, open bool) string {
	s := strconv.FormatFloat(usd, 'f', 2, 64)
	if open {
		return "at least " + s
	}
	return s
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for key := range m {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}
