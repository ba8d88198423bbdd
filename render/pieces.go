package render

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onramp/azure"
)

// Types that a template treats in a way of their own, in lower case.
const (
	typeGroup      = "microsoft.resources/resourcegroups"
	typeDefinition = "microsoft.authorization/roledefinitions"
	typeAssignment = "microsoft.authorization/roleassignments"
	typeNetwork    = "microsoft.network/virtualnetworks"
	typePeering    = "microsoft.network/virtualnetworks/virtualnetworkpeerings"
	typeReach      = "microsoft.network/expressroutecircuits/peerings/connections"
	typeCircuit    = "microsoft.network/expressroutecircuits"
	typePort       = "microsoft.network/expressrouteports"
	typeGateway    = "microsoft.network/virtualnetworkgateways"
	typeConnection = "microsoft.network/connections"
	typeRules      = "microsoft.network/firewallpolicies/rulecollectiongroups"
	typeFirewall   = "microsoft.network/azurefirewalls"
	typeRouteTable = "microsoft.network/routetables"
	typeSecurity   = "microsoft.network/networksecuritygroups"
)

// piece is what a template makes in one step: a resource of the design, or a part of one that has to wait for other resources, as the
// two halves of a peering of virtual networks wait for both networks.
type piece struct {
	id     azure.ID
	typ    string // in Azure's case
	parsed azure.ParsedID
	body   map[string]any // bare; of a part only its name and properties
	source azure.Resource // as the design has it; nil of a part
	needs  []*piece
	place  place
	level  int
	rank   int // in the order in which all can be made
	in     *deployment
	symbol string
}

func (p *piece) is(typ string) bool { return strings.EqualFold(p.typ, typ) }

// place is where a piece is deployed: a resource group, or the subscription itself where group is empty. Who may do what comes after all
// else there, in deployments of its own.
type place struct {
	subscription, group string
	access              bool
}

func comparePlaces(a, b place) int {
	if c := cmp.Or(cmp.Compare(a.subscription, b.subscription), cmp.Compare(a.group, b.group)); c != 0 || a.access == b.access {
		return c
	}
	if b.access {
		return -1
	}
	return 1
}

// pieces takes the resources apart, in the order of their ids.
func pieces(rs azure.Resources) ([]*piece, error) {
	var out []*piece
	seen := map[string]bool{}
	add := func(p *piece) error {
		if seen[p.id.Key()] {
			return fmt.Errorf("the design has %s twice", p.id)
		}
		seen[p.id.Key()] = true
		out = append(out, p)
		return nil
	}
	for _, r := range rs {
		p, err := newPiece(r)
		if err != nil {
			return nil, err
		}
		parts, err := p.split()
		if err != nil {
			return nil, err
		}
		for _, x := range append([]*piece{p}, parts...) {
			if err := add(x); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b *piece) int { return cmp.Compare(a.id.Key(), b.id.Key()) })
	return out, nil
}

func newPiece(r azure.Resource) (*piece, error) {
	bare, err := azure.Bare(r)
	if err != nil {
		return nil, err
	}
	b, err := azure.Marshal(bare)
	if err != nil {
		return nil, err
	}
	p := &piece{id: r.Head().ID, typ: r.Head().Type, source: r}
	if err := json.Unmarshal(b, &p.body); err != nil {
		return nil, fmt.Errorf("resource %s: %w", p.id, err)
	}
	return p, p.locate()
}

// locate finds where a piece is deployed.
func (p *piece) locate() error {
	var err error
	if p.parsed, err = azure.ParseID(string(p.id)); err != nil {
		return err
	}
	at := p.parsed
	if at.Scope != "" {
		if at, err = azure.ParseID(string(at.Scope)); err != nil {
			return err
		}
	}
	p.place = place{subscription: strings.ToLower(at.Subscription), group: strings.ToLower(at.ResourceGroup), access: p.is(typeAssignment)}
	if p.is(typeGroup) {
		p.place.group = ""
	}
	if p.place.subscription == "" {
		return fmt.Errorf("resource %s: it is in no subscription, and a template that is deployed to one cannot make it", p.id)
	}
	return nil
}

// split takes out of a resource what has to wait for others.
func (p *piece) split() ([]*piece, error) {
	var out []*piece
	part := func(id azure.ID, typ string, o map[string]any) error {
		x := &piece{id: id, typ: typ, body: map[string]any{"name": o["name"], "properties": o["properties"]}}
		out = append(out, x)
		return x.locate()
	}
	props, _ := p.body["properties"].(map[string]any)
	switch {
	case p.is(typeNetwork):
		for _, o := range objects(props["virtualNetworkPeerings"]) {
			if err := part(p.id+azure.ID("/virtualNetworkPeerings/"+name(o)), p.typ+"/virtualNetworkPeerings", o); err != nil {
				return nil, err
			}
		}
		delete(props, "virtualNetworkPeerings")
	case p.is(typeCircuit):
		for _, peering := range objects(props["peerings"]) {
			inner, _ := peering["properties"].(map[string]any)
			for _, o := range objects(inner["connections"]) {
				id := p.id + azure.ID("/peerings/"+name(peering)+"/connections/"+name(o))
				if err := part(id, p.typ+"/peerings/connections", o); err != nil {
					return nil, err
				}
			}
			delete(inner, "connections")
		}
	}
	return out, nil
}

// objects are the objects of a list.
func objects(v any) []map[string]any {
	l, _ := v.([]any)
	var out []map[string]any
	for _, e := range l {
		if o, ok := e.(map[string]any); ok {
			out = append(out, o)
		}
	}
	return out
}

func name(o map[string]any) string {
	s, _ := o["name"].(string)
	return s
}

// at is the value at a path of names, nil when there is none.
func at(v any, path ...string) any {
	for _, k := range path {
		o, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = o[k]
	}
	return v
}

// textAt is the text at a path, empty when there is none.
func textAt(v any, path ...string) string {
	s, _ := at(v, path...).(string)
	return s
}

// references are the ids that a value holds, each once, sorted.
func references(v any) []azure.ID {
	found := map[azure.ID]bool{}
	azure.Texts(v, func(s string) string {
		if isID(s) {
			found[azure.ID(s)] = true
		}
		return s
	})
	return slices.Sorted(maps.Keys(found))
}

func isID(s string) bool {
	const begin = "/subscriptions/"
	return len(s) > len(begin) && strings.EqualFold(s[:len(begin)], begin)
}

// link finds what each piece needs first.
func link(all []*piece) {
	byID := map[string]*piece{}
	for _, p := range all {
		byID[p.id.Key()] = p
	}
	owner := func(id azure.ID) *piece { // the piece that a resource, or a child of one, is made by
		for id != "" {
			if p := byID[id.Key()]; p != nil {
				return p
			}
			id = id.Parent()
		}
		return nil
	}
	gateways := map[string][]*piece{} // by the key of their network
	rules := map[string][]*piece{}    // by the key of their policy
	for _, p := range all {
		switch {
		case p.is(typeGateway):
			for _, c := range objects(at(p.body, "properties", "ipConfigurations")) {
				if n := azure.ID(textAt(c, "properties", "subnet", "id")).Parent(); n != "" && !slices.Contains(gateways[n.Key()], p) {
					gateways[n.Key()] = append(gateways[n.Key()], p)
				}
			}
		case p.is(typeRules):
			rules[p.id.Parent().Key()] = append(rules[p.id.Parent().Key()], p)
		}
	}
	for _, p := range all {
		need := func(n *piece) {
			if n != nil && n != p && !slices.Contains(p.needs, n) {
				p.needs = append(p.needs, n)
			}
		}
		if p.parsed.Scope != "" {
			need(owner(p.parsed.Scope))
		} else if !p.is(typeGroup) {
			need(owner(p.id.Parent()))
			need(owner(group(p.parsed)))
		}
		for _, id := range references(at(p.body, "properties")) {
			need(owner(id))
		}
		switch {
		case p.is(typePeering):
			// Whoever uses another network's gateway has to find it there, and be let in by the other half.
			if uses, _ := at(p.body, "properties", "useRemoteGateways").(bool); uses {
				remote := azure.ID(textAt(p.body, "properties", "remoteVirtualNetwork", "id"))
				for _, g := range gateways[remote.Key()] {
					need(g)
				}
				for _, o := range all {
					if o.is(typePeering) && o.id.Parent().Equal(remote) && strings.EqualFold(textAt(o.body, "properties", "remoteVirtualNetwork", "id"), string(p.id.Parent())) {
						need(o)
					}
				}
			}
		case p.is(typeRules): // a policy takes one group of rules at a time
			if mine := rules[p.id.Parent().Key()]; mine[0] != p {
				need(mine[slices.Index(mine, p)-1])
			}
		case p.is(typeFirewall): // a policy cannot change while a firewall is made with it
			for _, r := range rules[azure.ID(textAt(p.body, "properties", "firewallPolicy", "id")).Key()] {
				need(r)
			}
		}
		slices.SortFunc(p.needs, func(a, b *piece) int { return cmp.Compare(a.id.Key(), b.id.Key()) })
	}
}

// group is the id of a resource's group.
func group(p azure.ParsedID) azure.ID {
	if p.ResourceGroup == "" {
		return ""
	}
	return azure.ID("/subscriptions/" + p.Subscription + "/resourceGroups/" + p.ResourceGroup)
}

// rank puts the pieces into an order in which each finds what it needs, and gives each its level: how many changes of place lie at most
// between it and the beginning. What is at one place and level can be deployed together.
func rank(all []*piece) ([]*piece, error) {
	const open, done = 1, 2
	state := map[*piece]int{}
	var out, way []*piece
	var visit func(p *piece) error
	visit = func(p *piece) error {
		switch state[p] {
		case done:
			return nil
		case open:
			var ids []string
			for _, x := range way[slices.Index(way, p):] {
				ids = append(ids, string(x.id))
			}
			return fmt.Errorf("these resources need each other, and a template can make none of them first: %s", strings.Join(ids, " needs "))
		}
		state[p] = open
		way = append(way, p)
		for _, n := range p.needs {
			if err := visit(n); err != nil {
				return err
			}
			step := 0
			if n.place != p.place {
				step = 1
			}
			p.level = max(p.level, n.level+step)
		}
		way = way[:len(way)-1]
		state[p] = done
		p.rank = len(out)
		out = append(out, p)
		return nil
	}
	last := map[place]int{}
	for _, p := range all {
		if err := visit(p); err != nil {
			return nil, err
		}
		last[p.place] = max(last[p.place], p.level)
	}
	for _, p := range out { // nothing waits for who may do what, so that it can stand in one deployment of its place
		if p.place.access {
			p.level = last[p.place]
		}
	}
	return out, nil
}

// inTurn has the peerings of a network wait for each other within a deployment: a network takes one change at a time.
func inTurn(ranked []*piece) {
	last := map[string]*piece{}
	for _, p := range ranked {
		if !p.is(typePeering) {
			continue
		}
		key := fmt.Sprint(p.id.Parent().Key(), p.level)
		if before := last[key]; before != nil && !slices.Contains(p.needs, before) {
			p.needs = append(p.needs, before)
		}
		last[key] = p
	}
}
