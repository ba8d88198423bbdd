package conform

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/bgp"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// The kinds of table.
const (
	arpTable        = "arp"
	routesTable     = "routes"
	summaryTable    = "summary"
	learnedTable    = "learned"
	advertisedTable = "advertised"
	peersTable      = "peers"
	effectiveTable  = "effective"
	statusTable     = "status"
)

// tableKey says which table it is: of a resource (the key of its id), and which part of it ("AzurePrivatePeering/primary", an address).
type tableKey struct{ kind, of, part string }

func (k tableKey) compare(o tableKey) int {
	return cmp.Or(strings.Compare(k.of, o.of), strings.Compare(k.kind, o.kind), strings.Compare(k.part, o.part))
}

// table is what a router knows, in words that can be compared. Several rows may be about one thing.
type table struct {
	resource azure.ID
	subnet   azure.ID // of an interface's effective routes
	rows     []row
}

// row says of one thing what stands there. Inside addresses are those that the platform gives its own routers: at is empty where there are
// none, and is not compared where the platform gave others than are assumed (network.AssumeMSEEAddress).
type row struct{ key, value, at string }

func (r row) words() string {
	if r.at == "" {
		return r.value
	}
	return r.value + " " + r.at
}

// estate is a design's, or an endpoint's, network, converged.
type estate struct {
	resources azure.Resources
	net       *network.Network
	wiring    network.Wiring
	state     *network.State
	customers map[string]bool // addresses of the premises' routers on links to MSEEs
	address   map[string]string
	gateways  map[string][]string // instances, by the network's name of a gateway
	instances map[string][]string // and by that of a connection
	answers   map[string]bool     // sessions that are down though their link is not
}

func newEstate(rs azure.Resources, p design.Premises, c *catalog.Catalog) *estate {
	e := &estate{resources: rs, customers: map[string]bool{}, address: map[string]string{}, gateways: map[string][]string{}, instances: map[string][]string{}}
	e.net, _ = network.Build(rs, p, c, network.Options{})
	e.wiring = e.net.Wiring()
	e.state = e.net.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
	for _, list := range routersOf(&p) {
		for i := range list {
			for j := range list[i].Sessions {
				if s := &list[i].Sessions[j]; s.Circuit != "" {
					e.customers[s.LocalAddress.Addr().String()] = true
				}
			}
		}
	}
	for i := range e.wiring.Routers {
		r := &e.wiring.Routers[i]
		e.address[r.Name] = r.ID.String()
		if r.Kind == "gateway" {
			e.gateways[r.Gateway] = append(e.gateways[r.Gateway], r.Name)
		}
	}
	for _, cn := range azure.Of[*azure.VirtualNetworkGatewayConnection](rs) {
		if g := cn.Properties.VirtualNetworkGateway1; g != nil {
			if name := e.net.NameOf(cn.ID); name != "" {
				e.instances[name] = e.gateways[e.net.NameOf(g.ID)]
			}
		}
	}
	return e
}

func routersOf(p *design.Premises) [][]design.Router {
	out := [][]design.Router{p.ProviderEdges}
	for i := range p.Sites {
		out = append(out, p.Sites[i].Routers)
	}
	return out
}

// under is the estate in another state of the same network.
func (e *estate) under(sc network.Scenario) *estate {
	x := *e
	x.state = e.net.ConvergeFrom(e.state, sc)
	return &x
}

// vrf is the router of a peering on one path of a circuit, as the network names it.
func (e *estate) vrf(circuit azure.ID, part string) string {
	peering, path, _ := strings.Cut(part, "/")
	kind := "private"
	if strings.EqualFold(peering, microsoftPeering) {
		kind = "microsoft"
	}
	return e.net.NameOf(circuit) + "/" + kind + "/" + path
}

// rows are those of a table as the network converges to it.
func (e *estate) rows(k tableKey, t *table) []row {
	var out []row
	switch k.kind {
	case arpTable:
		return e.arp(e.vrf(t.resource, k.part))
	case routesTable:
		for _, r := range e.state.Table(e.vrf(t.resource, k.part)) {
			out = append(out, e.circuitRoute(r.Prefix.String(), hop(r.NextHop), asns(r.Path)))
		}
	case summaryTable:
		counted := map[string]int{}
		for _, r := range e.state.Table(e.vrf(t.resource, k.part)) {
			counted[hop(r.NextHop)]++
		}
		for h, n := range counted {
			if e.customers[h] {
				out = append(out, row{key: h, value: prefixes(n)})
			}
		}
	case learnedTable:
		for _, r := range e.gateways[e.net.NameOf(t.resource)] {
			for _, x := range e.state.Table(r) {
				weight := 32768
				if x.From != "" {
					weight = int(x.Weight)
				}
				out = append(out, learned(x.Prefix.String(), e.address[r], hop(x.NextHop), asns(x.Path), weight))
			}
		}
	case advertisedTable:
		for _, r := range e.gateways[e.net.NameOf(t.resource)] {
			for _, nb := range e.state.Summary(r) {
				if hop(nb.Address) != k.part {
					continue
				}
				for _, x := range e.state.Advertised(r, nb.Name) {
					out = append(out, advertised(x.Prefix.String(), e.address[r], asns(x.Path)))
				}
			}
		}
	case peersTable:
		for _, r := range e.gateways[e.net.NameOf(t.resource)] {
			for _, nb := range e.state.Summary(r) {
				state := notConnected
				if nb.Up {
					state = connected
				}
				out = append(out, peer(e.address[r], hop(nb.Address), state))
			}
		}
	case effectiveTable:
		for _, r := range e.state.EffectiveRoutes(t.subnet.Parent(), t.subnet.Name()) {
			hops := []string{""}
			if len(r.NextHops) > 0 {
				hops = hops[:0]
				for _, h := range r.NextHops {
					hops = append(hops, h.String())
				}
			}
			for _, h := range hops {
				out = append(out, effective(r.Prefix.String(), r.Source, r.State, r.NextHopType, h))
			}
		}
	case statusTable:
		out = append(out, row{key: "status", value: e.status(t.resource)})
	}
	return out
}

// prefixes counts what a neighbour has told.
func prefixes(n int) string {
	if n == 1 {
		return "1 prefix"
	}
	return fmt.Sprintf("%d prefixes", n)
}

const (
	connected    = "Connected"
	notConnected = "not connected"
	unset        = "0.0.0.0"
)

func hop(a netip.Addr) string {
	if !a.IsValid() {
		return unset
	}
	return a.String()
}

func asns(p bgp.Path) string { return pathWords(p.String()) }

// pathWords are the numbers of an AS path, however it is written.
func pathWords(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < '0' || r > '9' }), " ")
}

// arp is an MSEE's neighbours of the premises over sessions that are up.
func (e *estate) arp(router string) []row {
	var out []row
	up := e.up(router)
	latched := e.state.Latched()
	for _, s := range e.net.SessionsOf(router) {
		if (s.Kind == "private" || s.Kind == "microsoft") && s.Peer.Is4() && (up[s.PeerName] || e.answers[s.Name] || slices.Contains(latched, s.Name)) {
			out = append(out, row{key: s.Peer.String(), value: "answers"})
		}
	}
	return out
}

// up are the neighbours of a router with which a session is up.
func (e *estate) up(router string) map[string]bool {
	out := map[string]bool{}
	for _, nb := range e.state.Summary(router) {
		if nb.Up {
			out[nb.Name] = true
		}
	}
	return out
}

// status is Connected where some session of a connection is up.
func (e *estate) status(connection azure.ID) string {
	name := e.net.NameOf(connection)
	for _, r := range e.instances[name] {
		up := e.up(r)
		for _, s := range e.net.SessionsOf(r) {
			if s.Together == name && up[s.PeerName] {
				return connected
			}
		}
	}
	return notConnected
}

// circuitRoute is a route of an MSEE: towards the premises its next hop is the design's own, inside the platform's.
func (e *estate) circuitRoute(prefix, hop, path string) row {
	r := row{key: prefix, value: "AS path " + or(path, "none")}
	switch {
	case hop == unset || hop == "":
	case e.customers[hop]:
		r.value = "via " + hop + ", " + r.value
	default:
		r.at = "via " + hop
	}
	return r
}

func learned(prefix, local, hop, path string, weight int) row {
	r := row{key: prefix, value: fmt.Sprintf("AS path %s, weight %d", or(path, "none"), weight), at: "at " + local}
	if hop != unset && hop != "" {
		r.at += " via " + hop
	}
	return r
}

func advertised(prefix, local, path string) row {
	return row{key: prefix, value: "AS path " + or(path, "none"), at: "by " + local}
}

func peer(local, neighbour, state string) row {
	return row{key: local + " with " + neighbour, value: state}
}

func effective(prefix, source, state, hopType, hop string) row {
	r := row{key: prefix, value: hopType + " (" + source + ", " + state + ")"}
	switch {
	case hop == "":
	case source == "VirtualNetworkGateway":
		r.at = hop
	default:
		r.value = hopType + " " + hop + " (" + source + ", " + state + ")"
	}
	return r
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// tables are the whole of what a network would show where somebody looked.
type tables map[tableKey][]row

// show works out the tables at which somebody looked.
func (e *estate) show(looked map[tableKey]*table) tables {
	out := make(tables, len(looked))
	for k, t := range looked {
		out[k] = e.rows(k, t)
	}
	return out
}

// blind leaves out the addresses that the platform gives. Rows that then say the same are one, sessions of a gateway are counted by state,
// and what it tells several peers is put together.
func (ts tables) blind() tables {
	out := tables{}
	for k, rows := range ts {
		if k.kind == advertisedTable {
			k.part = ""
		}
		list := out[k]
		for i, r := range rows {
			r.at = ""
			if k.kind == peersTable {
				r.key = fmt.Sprintf("session %d", i)
			}
			if !slices.Contains(list, r) {
				list = append(list, r)
			}
		}
		out[k] = list
	}
	for k, rows := range out {
		if k.kind != peersTable {
			continue
		}
		states := make([]string, len(rows))
		for i, r := range rows {
			states[i] = r.value
		}
		slices.Sort(states)
		for i := range rows {
			rows[i] = row{key: fmt.Sprintf("session %d", i+1), value: states[i]}
		}
	}
	return out
}

// byRow are the words of each thing in a table, sorted.
func byRow(rows []row) map[string][]string {
	out := map[string][]string{}
	for _, r := range rows {
		out[r.key] = append(out[r.key], r.words())
	}
	for _, list := range out {
		slices.Sort(list)
	}
	return out
}

// difference is where tables are not those that were expected.
type difference struct {
	at           tableKey
	row          string
	proven, seen []string
}

func (d *difference) id() string { return d.at.kind + "\n" + d.at.of + "\n" + d.at.part + "\n" + d.row }

// differences compares what is expected with what is seen, in order of the tables.
func differences(want, got tables) []difference {
	var out []difference
	for _, k := range slices.SortedFunc(maps.Keys(got), tableKey.compare) {
		if sameRows(want[k], got[k]) {
			continue
		}
		w, g := byRow(want[k]), byRow(got[k])
		keys := map[string]bool{}
		for x := range w {
			keys[x] = true
		}
		for x := range g {
			keys[x] = true
		}
		for _, x := range slices.SortedFunc(maps.Keys(keys), compareRows) {
			if !slices.Equal(w[x], g[x]) {
				out = append(out, difference{k, x, w[x], g[x]})
			}
		}
	}
	return out
}

// sameRows is the quick way to find most tables equal.
func sameRows(a, b []row) bool { return slices.Equal(a, b) }

// compareRows orders prefixes as prefixes and all else as text.
func compareRows(a, b string) int {
	p, err1 := netip.ParsePrefix(a)
	q, err2 := netip.ParsePrefix(b)
	if err1 == nil && err2 == nil {
		return cmp.Or(p.Addr().Compare(q.Addr()), p.Bits()-q.Bits())
	}
	return strings.Compare(a, b)
}
