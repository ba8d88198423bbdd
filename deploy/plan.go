package deploy

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// Kind is what a plan says of a resource.
type Kind string

// The kinds, in the order in which they are told.
const (
	Refuse  Kind = "not-in-place" // Azure cannot do it on what is there
	Create  Kind = "create"
	Replace Kind = "replace" // it is taken away and made again
	Modify  Kind = "change"
	Delete  Kind = "delete"
	Extra   Kind = "extra" // there, and neither wanted nor made by this design: it is left alone
	Same    Kind = "same"
)

// Change is what a plan says of one resource.
type Change struct {
	ID   azure.ID `json:"id"`
	Type string   `json:"type"`
	Kind Kind     `json:"kind" enum:"not-in-place,create,replace,change,delete,extra,same"`
	// Properties are what differs between what is there and what is wanted; empty for what is created or deleted.
	Properties []azure.Change `json:"properties"`
	// Impact is what it does to traffic, Why what that comes from, and Source where that is written.
	Impact design.Impact `json:"impact" enum:"refused,interrupts,none"`
	Why    string        `json:"why"`
	Source string        `json:"source"`
	// Drift is what somebody else changed since the last apply: From is how that left it.
	Drift []azure.Change `json:"drift"`
	Note  string         `json:"note,omitempty"`
}

// Plan is what has to be done for an endpoint to have what a design wants.
type Plan struct {
	Design  string   `json:"design"`
	Changes []Change `json:"changes"` // but for what stays the same without drift
	Same    int      `json:"same"`    // how many resources stay the same
	// HandOvers are the circuits that wait for their providers, those that the plan makes included.
	HandOvers []azure.ID `json:"handOvers"`
	// Problems are what Azure refuses of the target itself.
	Problems []string `json:"problems"`
	// Prerequisites are those that an endpoint can show.
	Prerequisites []Prerequisite `json:"prerequisites"`

	steps []step
}

// op is what a step does.
type op string

const (
	opPut    op = "put"
	opDelete op = "delete"
)

// step is one write.
type step struct {
	ID azure.ID `json:"id"`
	Op op       `json:"op"`
}

// Steps is how many writes the plan takes.
func (p *Plan) Steps() int { return len(p.steps) }

// Count tells how many changes are of a kind.
func (p *Plan) Count(k Kind) int {
	n := 0
	for i := range p.Changes {
		if p.Changes[i].Kind == k {
			n++
		}
	}
	return n
}

// Drifted tells how many resources somebody else has changed since the last apply.
func (p *Plan) Drifted() int {
	n := 0
	for i := range p.Changes {
		if len(p.Changes[i].Drift) > 0 {
			n++
		}
	}
	return n
}

// PlanOptions say how far a plan goes.
type PlanOptions struct {
	// DeleteExtra takes away what is there, is not wanted, and was not made by this design.
	DeleteExtra bool
}

// MakePlan compares what is wanted with what is there. It asks nobody anything. The error is one of encoding.
func MakePlan(t *Target, h *There, c *catalog.Catalog, o PlanOptions) (*Plan, error) {
	p := &Plan{Design: t.Name, Changes: []Change{}, HandOvers: []azure.ID{}, Problems: []string{}, Prerequisites: []Prerequisite{}}
	for _, x := range t.items {
		goal, _ := x.goal(h.items[x.key], h.name, h.theirs(x, o))
		p.Problems = append(p.Problems, secretProblems(goal)...)
		ch, err := h.compare(t, x, o, &p.Changes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", x.id, err)
		}
		switch ch.Kind {
		case Create, Replace, Modify:
			p.steps = append(p.steps, step{x.id, opPut})
		case Same:
			p.Same++
		}
		if ch.Kind != Same || len(ch.Drift) > 0 {
			p.Changes = append(p.Changes, ch)
		}
		if is := h.items[x.key]; provided(x) && (is == nil || text(is.body, "properties", "serviceProviderProvisioningState") != provisioned) {
			p.HandOvers = append(p.HandOvers, x.id)
		}
	}
	if err := h.surplus(t, o, p); err != nil {
		return nil, err
	}
	for i := range p.Changes {
		shown(p.Changes[i].Properties)
		shown(p.Changes[i].Drift)
	}
	order := []Kind{Refuse, Create, Replace, Modify, Delete, Extra, Same}
	slices.SortStableFunc(p.Changes, func(a, b Change) int { return slices.Index(order, a.Kind) - slices.Index(order, b.Kind) })
	if c == nil {
		return p, nil
	}
	rs, err := t.resources()
	if err != nil {
		return nil, err
	}
	for _, x := range azure.Validate(rs, c) {
		if slices.Contains([]string{"InvalidResourceReference", "ResourceGroupNotFound", "ParentResourceNotFound", "RoleDefinitionDoesNotExist"}, x.Code) {
			continue // it may be at the endpoint, which is the judge of that
		}
		p.Problems = append(p.Problems, fmt.Sprintf("%s: %s %q: %s (%s)", x.Resource, x.At, x.Value, x.Message, x.Code))
	}
	return p, nil
}

// provisioned is the state of a circuit whose provider has done its part (limits.yaml, circuit.provisioning).
const provisioned = "Provisioned"

// provided tells that an item is a circuit of a provider's, not one on Direct ports.
func provided(x *item) bool {
	return x.is("expressRouteCircuits") && text(x.body, "properties", "expressRoutePort", "id") == ""
}

// compare says what has to become of an item that is wanted. What is there beside it in its lists is appended to extra.
func (h *There) compare(t *Target, x *item, o PlanOptions, extra *[]Change) (Change, error) {
	is := h.items[x.key]
	ch := Change{ID: x.id, Type: x.typ, Kind: Create, Properties: []azure.Change{}, Impact: design.Quiet, Drift: []azure.Change{}}
	var err error
	if ch.Drift, err = h.drift(t, x, is); err != nil {
		return ch, err
	}
	if is == nil {
		return ch, nil
	}
	goal, strange := x.goal(is, h.name, h.theirs(x, o))
	for _, id := range strange {
		if t.byKey[id.Key()] != nil { // a template may have it apart
			continue
		}
		*extra = append(*extra, Change{ID: id, Type: x.typ + "/" + lastButOne(id), Kind: Extra, Properties: []azure.Change{}, Impact: design.Quiet, Drift: []azure.Change{}, Note: "in what is wanted, and not made by this design: it stays"})
	}
	list, err := differences(is, goal)
	if err != nil {
		return ch, err
	}
	ch.Kind = Same
	if len(list) == 0 {
		if is.state != "" && is.state != "Succeeded" {
			ch.Kind, ch.Note = Modify, "its state is "+is.state+": it is written again"
		}
		return ch, nil
	}
	ch.Kind, ch.Properties = Modify, list
	if strings.EqualFold(x.typ, "Microsoft.Authorization/roleAssignments") { // nothing of an assignment can be changed (errors.csv)
		ch.Kind = Replace
		if !h.mine(is) {
			ch.Kind, ch.Impact, ch.Why = Refuse, design.Refused, "a role assignment cannot be changed, and this one was not made by this design"
		}
		return ch, nil
	}
	h.judge(&ch, x)
	return ch, nil
}

// judge says what a change does to traffic, and which ones Azure does not make in place.
func (h *There) judge(ch *Change, x *item) {
	what, prefix := x.typ, ""
	if x.parent != "" {
		i := strings.LastIndexByte(x.typ, '/')
		what, prefix = x.typ[:i], "properties."+x.typ[i+1:]+"["+x.id.Name()+"]."
	}
	d := design.Change{Kind: design.Changed, At: string(x.id), What: what}
	for _, p := range ch.Properties {
		d.Properties = append(d.Properties, design.PropertyChange{Path: prefix + p.Path, Old: plain(p.From), New: plain(p.To)})
	}
	d = design.Judge(d)
	ch.Impact, ch.Why, ch.Source = d.Impact, d.Why, d.Source
	if d.Impact == design.Refused {
		ch.Kind = Refuse
	}
}

// plain is a JSON value as words: text without quotation marks, nothing for null.
func plain(b json.RawMessage) string {
	if nothing(b) {
		return ""
	}
	var s string
	if json.Unmarshal(b, &s) == nil {
		return s
	}
	return string(b)
}

func lastButOne(id azure.ID) string {
	parts := strings.Split(string(id), "/")
	return parts[max(0, len(parts)-2)]
}

// theirs tells which elements of an item's lists somebody else put there: those that the last apply did not leave.
func (h *There) theirs(x *item, o PlanOptions) func(key string) bool {
	if o.DeleteExtra {
		return func(string) bool { return false }
	}
	ours := map[string]bool{}
	if left := h.left(x.key); left != nil {
		for _, name := range lists() {
			for _, e := range elements(left.body, name) {
				ours[(x.id + azure.ID("/"+name+"/"+text(e, "name"))).Key()] = true
			}
		}
	}
	return func(key string) bool { return !ours[key] }
}

// left is how the last apply left an item, nil where nobody knows.
func (h *There) left(key string) *item {
	b, _ := h.past.leftAs(key)
	if len(b) == 0 {
		return nil
	}
	list, err := split(b)
	if err != nil {
		return nil
	}
	return list[0]
}

// drift is what somebody else did to an item since the last apply.
func (h *There) drift(t *Target, x, is *item) ([]azure.Change, error) {
	left := h.left(x.key)
	if _, begun := h.past.leftAs(x.key); left == nil || begun { // what an apply was about to do is not drift
		return []azure.Change{}, nil
	}
	if is == nil {
		return []azure.Change{{From: json.RawMessage(`"there"`), To: json.RawMessage("null")}}, nil
	}
	list, err := differences(left, is)
	list = slices.DeleteFunc(list, func(c azure.Change) bool { // an element that is written on its own is told of there
		if c.Path == "properties.sharedKey" { // the journal has no secret to compare with
			return true
		}
		for _, name := range lists() {
			if rest, ok := strings.CutPrefix(c.Path, "properties."+name+"["); ok {
				e, _, _ := strings.Cut(rest, "]")
				return t.byKey[(x.id+azure.ID("/"+name+"/"+e)).Key()] != nil
			}
		}
		return false
	})
	return append([]azure.Change{}, list...), err
}

// surplus adds what is there and not wanted: what this design made goes.
func (h *There) surplus(t *Target, o PlanOptions, p *Plan) error {
	var list []*item
	for k, x := range h.items {
		if t.byKey[k] == nil {
			list = append(list, x)
		}
	}
	slices.SortFunc(list, func(a, b *item) int { return cmp.Compare(a.key, b.key) })
	for _, x := range list {
		ch := Change{ID: x.id, Type: x.typ, Kind: Extra, Properties: []azure.Change{}, Impact: design.Quiet, Drift: []azure.Change{}, Note: "not made by this design: it stays"}
		if !h.mine(x) && !o.DeleteExtra {
			p.Changes = append(p.Changes, ch)
			continue
		}
		if x.parent != "" && t.byKey[x.parent] == nil && !x.is("virtualNetworks/virtualNetworkPeerings") {
			continue // it goes with what it is in
		}
		what := x.typ
		if x.parent != "" {
			what = x.typ[:strings.LastIndexByte(x.typ, '/')]
		}
		d := design.Judge(design.Change{Kind: design.Removed, At: string(x.id), What: what})
		ch.Kind, ch.Note, ch.Impact, ch.Why, ch.Source = Delete, "", d.Impact, d.Why, d.Source
		if strings.HasSuffix(strings.ToLower(x.typ), "/authorizations") {
			ch.Why = "the connection that redeems it is removed with it"
		}
		p.Changes = append(p.Changes, ch)
		p.steps = append(p.steps, step{x.id, opDelete})
	}
	return nil
}
