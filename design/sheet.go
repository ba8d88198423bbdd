package design

import (
	"bytes"
	"encoding/csv"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
	"onramp/bgp"
)

// SheetRow is one line of the peering sheet: one session as the person who configures the router sees it. Provider edge
// routers have their rows too, because the provider's people need them.
type SheetRow struct {
	Router     string
	Site       string // empty on provider edge routers
	Peer       string // "MSEE" or the router at the other end
	Interface  string
	Attachment string
	Provider   string
	Circuit    string // name; empty between customer and provider edge
	Connection string // primary, secondary
	Peering    string
	VLAN       int
	// OuterTag is the S-tag, empty for none; Microsoft gives it out for QinQ on Direct ports.
	OuterTag     string
	LocalAddress netip.Prefix
	PeerAddress  netip.Addr
	LocalASN     bgp.ASN
	PeerASN      bgp.ASN
	KeepaliveSec int
	HoldSec      int
	BFD          string // "300 ms x 3", or "off"
	// PrefixesIn and PrefixesOut are what the policies accept and announce: prefixes, or communities; "any" without a policy.
	PrefixesIn  []string
	PrefixesOut []string
	// LocalPreference is what the import policy sets, the best first; empty for none.
	LocalPreference []uint32
}

// stagByMicrosoft stands where the outer tag is known only when the circuit exists (expressroute-erdirect-about.md).
const stagByMicrosoft = "assigned by Microsoft"

// SheetHeader names the columns of SheetRow.Fields.
func SheetHeader() []string {
	return []string{"router", "site", "peer", "interface", "attachment", "provider", "circuit", "connection", "peering", "vlan", "outer tag",
		"local address", "peer address", "local ASN", "peer ASN", "keepalive s", "hold s", "BFD", "prefixes in", "prefixes out", "local preference"}
}

// Fields are the row's values as text, in the order of SheetHeader; lists are joined by spaces.
func (r *SheetRow) Fields() []string {
	var pref []string
	for _, v := range r.LocalPreference {
		pref = append(pref, strconv.FormatUint(uint64(v), 10))
	}
	return []string{r.Router, r.Site, r.Peer, r.Interface, r.Attachment, r.Provider, r.Circuit, r.Connection, r.Peering, strconv.Itoa(r.VLAN), r.OuterTag,
		r.LocalAddress.String(), r.PeerAddress.String(), r.LocalASN.String(), r.PeerASN.String(), strconv.Itoa(r.KeepaliveSec), strconv.Itoa(r.HoldSec), r.BFD,
		strings.Join(r.PrefixesIn, " "), strings.Join(r.PrefixesOut, " "), strings.Join(pref, " ")}
}

// Sheet returns a row for each session of each router: sites in order with CE1 first, then the provider edges.
func (d *Design) Sheet() []SheetRow {
	attachments := map[string]*Attachment{}
	for i := range d.Premises.Attachments {
		attachments[d.Premises.Attachments[i].Name] = &d.Premises.Attachments[i]
	}
	qinq := d.qinq()
	out := []SheetRow{}
	add := func(site string, r *Router) {
		for i := range r.Sessions {
			s := &r.Sessions[i]
			row := SheetRow{Router: r.Name, Site: site, Peer: s.Neighbor, Interface: s.Interface, Attachment: s.Attachment, Provider: r.Provider, Connection: s.Connection, Peering: s.Peering,
				VLAN: s.VLAN, LocalAddress: s.LocalAddress, PeerAddress: s.PeerAddress, LocalASN: r.ASN, PeerASN: s.PeerASN, KeepaliveSec: s.KeepaliveSec, HoldSec: s.HoldSec, BFD: "off",
				PrefixesIn: passed(s.Import), PrefixesOut: passed(s.Export), LocalPreference: preferences(s.Import)}
			if a := attachments[s.Attachment]; a != nil && row.Provider == "" {
				row.Provider = a.Provider
			}
			if s.Circuit != "" {
				row.Circuit, row.Peer = s.Circuit.Name(), "MSEE"
			}
			switch {
			case s.STag != 0:
				row.OuterTag = strconv.Itoa(s.STag)
			case qinq[s.Circuit.Key()]:
				row.OuterTag = stagByMicrosoft
			}
			if s.BFDMilliseconds > 0 {
				row.BFD = strconv.Itoa(s.BFDMilliseconds) + " ms x " + strconv.Itoa(s.BFDMultiplier)
			}
			out = append(out, row)
		}
	}
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			add(d.Premises.Sites[i].Name, &d.Premises.Sites[i].Routers[j])
		}
	}
	for i := range d.Premises.ProviderEdges {
		add("", &d.Premises.ProviderEdges[i])
	}
	return out
}

// qinq tells which circuits, by id key, are on Direct ports with two tags.
func (d *Design) qinq() map[string]bool {
	ports, out := map[string]bool{}, map[string]bool{}
	for _, p := range azure.Of[*azure.ExpressRoutePort](d.Resources) {
		ports[p.ID.Key()] = strings.EqualFold(p.Properties.Encapsulation, "QinQ")
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		if c.Properties.ExpressRoutePort != nil {
			out[c.ID.Key()] = ports[c.Properties.ExpressRoutePort.ID.Key()]
		}
	}
	return out
}

// passed lists what a policy lets through, term by term.
func passed(p *bgp.Policy) []string {
	if p == nil {
		return []string{"any"}
	}
	out := []string{}
	for i := range p.Terms {
		t := &p.Terms[i]
		if t.Action != bgp.Accept {
			continue
		}
		for _, r := range t.Match.Prefixes {
			text := r.Prefix.String()
			if r.GE != 0 {
				text += " ge " + strconv.Itoa(r.GE)
			}
			if r.LE != 0 {
				text += " le " + strconv.Itoa(r.LE)
			}
			out = append(out, text)
		}
		for _, c := range slices.Concat(t.Match.CommunitiesAny, t.Match.CommunitiesAll) {
			out = append(out, c.String())
		}
	}
	if p.Default == bgp.Accept {
		out = append(out, "any")
	}
	return out
}

func preferences(p *bgp.Policy) []uint32 {
	if p == nil {
		return nil
	}
	var out []uint32
	for i := range p.Terms {
		if v := p.Terms[i].Set.LocalPref; v != nil {
			out = append(out, *v)
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	slices.Reverse(out)
	return out
}

// SheetCSV is the peering sheet as comma-separated values with a header (RFC 4180).
func (d *Design) SheetCSV() []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	rows := d.Sheet()
	lines := [][]string{SheetHeader()}
	for i := range rows {
		lines = append(lines, rows[i].Fields())
	}
	// Writing to memory cannot fail.
	if err := w.WriteAll(lines); err != nil {
		return nil
	}
	return b.Bytes()
}
