package deploy

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"onramp/azure"
)

// node is a step in the order of things.
type node struct {
	step
	item   *item    // what is wanted, or what is taken away
	gate   bool     // no step: a circuit's provider has to do its part
	refers []string // of what is taken away: what it, and what goes with it, refers to
	before []*node
	// locks are the records of which no other step may be at work at the same time: Azure refuses that (errors.csv:
	// AnotherOperationInProgress).
	locks []string
	index int

	waits int // how many of before have not ended
	after []*node
	state nodeState
}

type nodeState int

const (
	pending nodeState = iota
	running
	finished
	broken  // it failed
	blocked // something before it failed
	held    // a provider has to do its part first
)

// graph puts steps into their order. t has what is wanted, h what is taken away.
func graph(t *Target, h *There, steps []step) []*node {
	g := &grapher{t: t, puts: map[string]*node{}, gates: map[string]*node{}, gone: map[string]*node{}, below: map[string][]*node{}}
	for _, s := range steps {
		n := &node{step: s, index: len(g.all)}
		k := s.ID.Key()
		if s.Op == opDelete {
			if n.item = h.items[k].decided(); n.item == nil {
				n.item = &item{id: s.ID, key: k, body: object{}}
			}
			n.refers = n.item.refs()
			g.gone[k] = n
		} else {
			if n.item = t.byKey[k]; n.item == nil {
				continue // of a target that was another
			}
			g.puts[k] = n
			g.below[n.item.top()] = append(g.below[n.item.top()], n)
			if n.item.is("virtualNetworkGateways") {
				g.gateways = append(g.gateways, n)
			}
		}
		g.all = append(g.all, n)
	}
	for _, x := range h.items { // what goes with what it is in
		if n := g.gone[x.top()]; n != nil && x.parent != "" && g.gone[x.key] == nil {
			n.refers = append(n.refers, x.decided().refs()...)
		}
	}
	for _, n := range slices.Clone(g.all) {
		if n.Op == opPut {
			g.put(n)
		} else {
			g.take(n)
		}
	}
	for _, n := range g.all { // nothing goes before all is made that is to be
		for _, p := range g.puts {
			if n.Op != opDelete {
				break
			}
			n.needs(p)
		}
	}
	for _, n := range g.all {
		slices.SortFunc(n.before, func(a, b *node) int { return cmp.Compare(a.index, b.index) })
		n.before = slices.Compact(n.before)
		n.waits = len(n.before)
		for _, b := range n.before {
			b.after = append(b.after, n)
		}
	}
	return g.all
}

// decided is an item without what only an endpoint sets: a network's subnets tell there which gateways are in them.
func (x *item) decided() *item {
	if x == nil {
		return nil
	}
	y := *x
	if b, err := x.bare(); err == nil && json.Unmarshal(b, &y.body) == nil {
		return &y
	}
	return x
}

type grapher struct {
	t                 *Target
	all               []*node
	puts, gates, gone map[string]*node
	below             map[string][]*node // what is written of a record, or in it, by the record's key
	gateways          []*node
}

// needs adds what has to end first.
func (n *node) needs(list ...*node) {
	for _, b := range list {
		if b != nil && b != n {
			n.before = append(n.before, b)
		}
	}
}

// at finds the step that writes an id or what it is in.
func (g *grapher) at(key string) *node {
	for k := key; strings.Count(k, "/") > 2; k = k[:strings.LastIndexByte(k, '/')] {
		if n := g.puts[k]; n != nil {
			return n
		}
	}
	return nil
}

// provider is the node at which a circuit's provider has to have done its part; nil for a circuit on Direct ports or one that is not
// wanted here.
func (g *grapher) provider(circuit string) *node {
	c := g.t.byKey[circuit]
	if c == nil || !provided(c) {
		return nil
	}
	n := g.gates[circuit]
	if n == nil {
		n = &node{step: step{ID: c.id}, item: c, gate: true, index: len(g.all)}
		n.needs(g.puts[circuit])
		g.gates[circuit] = n
		g.all = append(g.all, n)
	}
	return n
}

// put says what has to be there before something is written.
func (g *grapher) put(n *node) {
	x := n.item
	for _, k := range x.refs() {
		n.needs(g.at(k))
	}
	for _, k := range x.after {
		n.needs(g.puts[k])
	}
	n.locks = []string{x.top()}
	switch {
	case x.is("expressRouteCircuits"):
		if provided(x) {
			g.provider(x.key)
		}
	case x.is("expressRouteCircuits/authorizations"), x.is("expressRouteCircuits/peerings"), x.is("expressRouteCircuits/peerings/connections"):
		n.needs(g.provider(x.top()))
	case x.is("connections"):
		c := azure.ID(text(x.body, "properties", "peer", "id")).Key()
		n.needs(g.provider(c))
		n.needs(g.below[c]...)
		n.locks = append(n.locks, azure.ID(text(x.body, "properties", "virtualNetworkGateway1", "id")).Key())
	case x.is("azureFirewalls"):
		n.needs(g.below[azure.ID(text(x.body, "properties", "firewallPolicy", "id")).Key()]...)
		for _, k := range x.refs() {
			if i := strings.Index(k, "/subnets/"); i > 0 {
				n.locks = append(n.locks, k[:i])
			}
		}
	case x.is("virtualNetworks/virtualNetworkPeerings"):
		g.peering(n)
	}
	slices.Sort(n.locks)
	n.locks = slices.Compact(n.locks)
}

// peering says what a peering of two networks waits for: who uses a gateway of the other one waits for it, and for its half of the peering,
// which lends the gateway (behaviors.md, VNet peering).
func (g *grapher) peering(n *node) {
	x := n.item
	remote := azure.ID(text(x.body, "properties", "remoteVirtualNetwork", "id")).Key()
	n.locks = append(n.locks, remote)
	if x.borrows() == "" {
		return
	}
	for _, p := range g.gateways {
		if slices.ContainsFunc(p.item.refs(), func(r string) bool { return strings.HasPrefix(r, remote+"/") }) {
			n.needs(p)
		}
	}
	for _, p := range g.below[remote] {
		if y := p.item; y.is("virtualNetworks/virtualNetworkPeerings") && azure.ID(text(y.body, "properties", "remoteVirtualNetwork", "id")).Key() == x.parent {
			n.needs(p)
		}
	}
}

// take says what waits for something to be gone: what it is in, and what it refers to. A gateway waits for the peerings that use it, and of
// the two halves of a peering the one that lends its gateway for the one that uses it.
func (g *grapher) take(n *node) {
	x := n.item
	n.locks = []string{x.top()}
	waits := func(key string) {
		for ; strings.Count(key, "/") > 2; key = key[:strings.LastIndexByte(key, '/')] {
			if w := g.gone[key]; w != nil && !strings.HasPrefix(key, x.key+"/") {
				w.needs(n)
			}
		}
	}
	waits(x.key)
	for _, k := range n.refers {
		waits(k)
	}
	lender := x.borrows()
	if lender == "" {
		return
	}
	for _, w := range g.gone {
		y := w.item
		switch {
		case y.is("virtualNetworkGateways") && slices.ContainsFunc(y.refs(), func(r string) bool { return strings.HasPrefix(r, lender+"/") }):
			w.needs(n)
		case y.is("virtualNetworks/virtualNetworkPeerings") && y.parent == lender && azure.ID(text(y.body, "properties", "remoteVirtualNetwork", "id")).Key() == x.parent:
			w.needs(n)
		}
	}
}

// borrows is the key of the network whose gateway a peering uses; empty where it uses none.
func (x *item) borrows() string {
	if uses, _ := find(x.body, "properties", "useRemoteGateways").(bool); !uses || !x.is("virtualNetworks/virtualNetworkPeerings") {
		return ""
	}
	return azure.ID(text(x.body, "properties", "remoteVirtualNetwork", "id")).Key()
}
