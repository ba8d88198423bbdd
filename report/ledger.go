package report

import (
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"onramp/design"
)

// bill is the month's bill.
type bill struct {
	Total       string
	Shares      *table
	Plot        template.HTML
	Lines       *table
	Unknown     *table
	Assumptions []string
}

func (w *writer) bill() bill {
	b := w.in.Bill
	out := bill{Total: money(b.Total.USD, b.Total.AtLeast)}
	out.Shares = &table{Caption: "Who pays what a month", Head: []cell{text("Line of business"), {Text: "USD", Num: true}, {Text: "of the known total", Num: true}}}
	for _, p := range b.ByLineOfBusiness {
		part := "–"
		if b.Total.USD > 0 {
			part = fmt.Sprintf("%.1f %%", 100*p.USD/b.Total.USD)
		}
		out.Shares.Rows = append(out.Shares.Rows, []cell{text(or(p.LineOfBusiness, "(nobody's)")), num(atLeast(p.USD, p.AtLeast)), num(part)})
	}
	out.Shares.Foot = [][]cell{{text("total"), num(atLeast(b.Total.USD, b.Total.AtLeast)), num("")}}
	out.Shares.folded()

	// By item, for the reader who asks what the money goes to before who pays it.
	var items []string
	sum := map[string]float64{}
	out.Lines = &table{Caption: "Every line of the bill", Head: []cell{text("Item"), text("Resource"), {Text: "USD a month", Num: true}, text("For"), {Text: "Quantity", Num: true}, text("Unit"), {Text: "USD a unit", Num: true}, text("Source")}}
	for i := range b.Lines {
		l := &b.Lines[i]
		unit, usd := "unknown", "unknown"
		if l.Known {
			unit, usd = strconv.FormatFloat(l.UnitUSD, 'f', -1, 64), amount(l.USD)
			if !slices.Contains(items, l.Item) {
				items = append(items, l.Item)
			}
			sum[l.Item] += l.USD
		}
		who := or(l.LineOfBusiness, "shared")
		out.Lines.Rows = append(out.Lines.Rows, []cell{text(l.Item), text(l.Resource), num(usd), text(who), num(strconv.FormatFloat(l.Quantity, 'f', -1, 64)), text(l.Unit), num(unit), text(l.Source)})
	}
	out.Lines.folded()
	slices.SortStableFunc(items, func(a, b string) int {
		switch {
		case sum[a] > sum[b]:
			return -1
		case sum[a] < sum[b]:
			return 1
		}
		return strings.Compare(a, b)
	})
	var bars []bar
	for _, x := range items {
		bars = append(bars, bar{name: x, value: sum[x], words: money(sum[x], false), known: true})
	}
	if len(bars) > 0 {
		out.Plot = barPlot("What the money goes to", "a month", bars)
	}
	if len(b.Unknown) > 0 {
		out.Unknown = &table{Caption: "Not in the total: prices that are not published", Head: texts("Item", "Resource", "For", "Why")}
		for _, u := range b.Unknown {
			out.Unknown.Rows = append(out.Unknown.Rows, texts(u.Item, u.Resource, or(u.LineOfBusiness, "shared"), u.Reason))
		}
		out.Unknown.folded()
	}
	for _, a := range b.Assumptions {
		if !slices.Contains(out.Assumptions, a.Text) {
			out.Assumptions = append(out.Assumptions, a.Text)
		}
	}
	return out
}

func atLeast(usd float64, open bool) string {
	if open {
		return "at least " + amount(usd)
	}
	return amount(usd)
}

// order is what one provider is asked for.
type order struct {
	Title string
	Facts []fact
	Steps []string
}

// fact is a word and what it says.
type fact struct{ Name, Value string }

// orders are what providers are asked for.
func (w *writer) orders() []order {
	var out []order
	for i := range w.in.Design.Orders {
		o := &w.in.Design.Orders[i]
		x := order{Title: fmt.Sprintf("%s: %s at %s", o.Circuit.Name(), o.Provider, o.Location), Steps: o.Steps}
		var vlans []string
		for _, v := range o.VLANs {
			s := fmt.Sprintf("%s VLAN %d", v.Peering, v.VLAN)
			if v.STag != 0 {
				s += fmt.Sprintf(" in outer tag %d", v.STag)
			}
			vlans = append(vlans, s)
		}
		x.Facts = []fact{{"For", or(o.LineOfBusiness, "everybody")}, {"Model", o.Model}, {"Bandwidth", o.Mbps.String()}, {"Attachments", strings.Join(o.Attachments, ", ")}, {"VLANs", or(strings.Join(vlans, ", "), "none")}}
		out = append(out, x)
	}
	return out
}

// mostPrefixes is how many prefixes of a policy the page names before it counts the rest, which peering-sheet.csv has.
const mostPrefixes = 12

// mostAbreast is the number of sessions of a site up to which its table has a column for each; with more, a row.
const mostAbreast = 4

// sheet is the peering sheet: a table for each site, one for the provider edges.
func (w *writer) sheet() []*table {
	rows := w.in.Design.Sheet()
	var out []*table
	for at := 0; at < len(rows); {
		end := at + 1
		for end < len(rows) && rows[end].Site == rows[at].Site {
			end++
		}
		out = append(out, siteTable(rows[at:end]))
		at = end
	}
	for _, t := range out {
		t.Fold = len(rows) > foldAbove
	}
	return out
}

// siteTable has the sessions of one site's routers.
func siteTable(rows []design.SheetRow) *table {
	t := &table{Caption: "Provider edge routers"}
	if rows[0].Site != "" {
		t.Caption = "Site " + rows[0].Site
	}
	names := []string{"Router", "Peer", "Interface", "Attachment", "Peering", "VLAN", "Outer tag", "Local address", "Peer address", "Local AS", "Peer AS", "Keepalive, hold", "BFD", "Accepts", "Announces", "Local preference"}
	var sessions [][]string
	for i := range rows {
		r := &rows[i]
		peer := r.Peer
		if r.Circuit != "" {
			peer = fmt.Sprintf("%s, %s %s", r.Peer, r.Circuit, r.Connection)
		}
		f := r.Fields()
		sessions = append(sessions, []string{r.Router, peer, r.Interface, r.Attachment, or(r.Peering, "–"), strconv.Itoa(r.VLAN), or(r.OuterTag, "none"), r.LocalAddress.String(), r.PeerAddress.String(), r.LocalASN.String(),
			r.PeerASN.String(), fmt.Sprintf("%d s, %d s", r.KeepaliveSec, r.HoldSec), r.BFD, or(list(r.PrefixesIn, mostPrefixes), "nothing"), or(list(r.PrefixesOut, mostPrefixes), "nothing"), or(f[len(f)-1], "not set")})
	}
	if len(sessions) > mostAbreast {
		t.Head = texts(names...)
		for _, s := range sessions {
			t.Rows = append(t.Rows, texts(s...))
		}
		return t
	}
	// The routers' names head the columns.
	t.Head = texts(names[0])
	for _, s := range sessions {
		t.Head = append(t.Head, text(s[0]))
	}
	for i, name := range names[1:] {
		row := texts(name)
		for _, s := range sessions {
			row = append(row, text(s[i+1]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// assumptions are what the page rests on.
type assumptions struct {
	Table    *table
	Defaults *table
}

func (w *writer) assumptions() assumptions {
	var out assumptions
	seen := map[string]bool{}
	t := &table{Caption: "Assumptions, and why each had to be made", Note: "What Microsoft and the providers do not publish; verdicts name those that they rest on.", Head: texts("Name", "What is assumed", "Why")}
	for _, list := range [][]design.Assumption{w.in.Proof.Assumptions, w.in.Design.Assumptions} {
		for _, a := range list {
			if !seen[a.Name+"\x00"+a.Text] {
				seen[a.Name+"\x00"+a.Text] = true
				t.Rows = append(t.Rows, texts(a.Name, a.Text, a.Reason))
			}
		}
	}
	if len(t.Rows) > 0 {
		out.Table = t
	}
	if len(w.in.Design.Defaults) > 0 {
		out.Defaults = defaults(w.in.Design)
	}
	return out
}

// defaults are the values that the intent left out, the same key of several list entries in one row.
func defaults(d *design.Design) *table {
	type line struct {
		key, value, why string
		n               int
	}
	var lines []*line
	for _, x := range d.Defaults {
		key := withoutIndexes(x.At)
		i := slices.IndexFunc(lines, func(l *line) bool { return l.key == key && l.value == x.Value })
		if i < 0 {
			i = len(lines)
			lines = append(lines, &line{key, x.Value, x.Why, 0})
		}
		lines[i].n++
	}
	t := &table{Caption: "Not in the intent, so taken as", Head: []cell{text("Key"), {Text: "Times", Num: true}, text("Value"), text("Why")}}
	for _, l := range lines {
		t.Rows = append(t.Rows, []cell{text(l.key), num(strconv.Itoa(l.n)), text(l.value), text(l.why)})
	}
	return t
}

// withoutIndexes turns sites[3].routers into sites[].routers.
func withoutIndexes(key string) string {
	var out strings.Builder
	inside := false
	for _, r := range key {
		switch {
		case r == '[':
			inside = true
			out.WriteString("[")
		case r == ']':
			inside = false
			out.WriteString("]")
		case inside && r >= '0' && r <= '9':
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// findings are the published rules that the design breaks, a table for each severity.
func (w *writer) findings() []*table {
	var out []*table
	for _, s := range []struct {
		severity      design.Severity
		caption, mark string
	}{{design.Error, "Errors", "bad"}, {design.Warning, "Warnings", "warn"}, {design.Advice, "Advice", ""}} {
		t := &table{Caption: s.caption, Head: texts("Rule", "Where", "What", "Fix", "Source")}
		for _, f := range w.in.Findings {
			if f.Severity == s.severity {
				what := f.Message
				if f.Value != "" && !strings.Contains(what, f.Value) {
					what += " (" + f.Value + ")"
				}
				t.Rows = append(t.Rows, []cell{{Text: f.Rule, Mark: s.mark}, text(place(f.At)), text(what), text(f.Fix), text(or(f.Source, "–"))})
			}
		}
		if len(t.Rows) > 0 {
			out = append(out, t.folded())
		}
	}
	return out
}

// place shortens a resource id to its type and name; its whole is in design.json.
func place(at string) string {
	id, rest, _ := strings.Cut(at, " ")
	if !strings.HasPrefix(id, "/subscriptions/") {
		return at
	}
	_, tail, ok := strings.Cut(id, "/providers/")
	if !ok {
		return at
	}
	_, name, _ := strings.Cut(tail, "/")
	return strings.TrimSpace(name + " " + rest)
}
