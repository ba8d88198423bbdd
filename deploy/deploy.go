// Package deploy puts a design at an endpoint of Azure Resource Manager, and takes it away again: what has to be done (Plan), in which
// order (graph.go), with a journal beside it that is written before each step (journal.go), so that whoever is stopped anywhere goes on
// where it was. It talks through package cloud alone and cannot tell the twin from Azure. It decides nothing of the design.
//
// Sources: what an endpoint refuses and in which order things are made, behaviors.md and errors.csv (Ordering and provisioning), and
// limits.yaml (circuit.provisioning), as package azure and package design state them.
package deploy

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// Target is a design with everything that an endpoint has to be told: GUIDs of subscriptions and principals in place of names.
type Target struct {
	// Name is the design's; what is made carries it in the tag design.TagDesign.
	Name   string
	Orders []design.Order
	// Premises are the design's, which name circuits by the ids that they have at the endpoint.
	Premises design.Premises
	items    []*item          // what refers to nothing first
	byKey    map[string]*item // by id.Key
}

// Names says which subscriptions and principals the names in a design are; keys are in lower case.
type Names struct {
	Subscriptions, Principals map[string]string
	// Secrets are those that an import did not take over, by what stands for them: "sharedKey of CIRCUIT".
	Secrets map[string]string
}

// ErrUnnamed tells that a design has names for which nobody has said what they are.
var ErrUnnamed = errors.New("nobody has said what these names stand for")

var (
	principalForm     = regexp.MustCompile(`^<object id of (.+)>$`)
	authorizationForm = regexp.MustCompile(`^<authorization (\S+) of \S+>$`)
)

// Principals are the names that stand in a design for principals which only a directory knows, each once, in order.
func Principals(d *design.Design) []string {
	var out []string
	for _, a := range azure.Of[*azure.RoleAssignment](d.Resources) {
		if m := principalForm.FindStringSubmatch(a.Properties.PrincipalID); m != nil {
			out = append(out, m[1])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Prepare puts GUIDs in place of names. Principals without one are an ErrUnnamed that lists them; subscriptions without one stay as they
// are.
func Prepare(d *design.Design, n Names) (*Target, error) {
	var missing []string
	for _, p := range Principals(d) {
		if n.Principals[strings.ToLower(p)] == "" {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%w: principals %s", ErrUnnamed, strings.Join(missing, ", "))
	}
	rs, err := azure.Rehome(d.Resources, n.Subscriptions)
	if err != nil {
		return nil, err
	}
	rs.Sort()
	for _, a := range azure.Of[*azure.RoleAssignment](rs) {
		if m := principalForm.FindStringSubmatch(a.Properties.PrincipalID); m != nil {
			a.Properties.PrincipalID = n.Principals[strings.ToLower(m[1])]
		}
	}
	t := &Target{Name: d.Name, byKey: map[string]*item{}}
	for _, r := range rs {
		b, err := azure.Marshal(r)
		if err != nil {
			return nil, err
		}
		given, err := withSecrets(b, n.Secrets)
		if err != nil {
			return nil, err
		}
		if err := t.add(given); err != nil {
			return nil, err
		}
	}
	homes := map[string]string{}
	for k, v := range n.Subscriptions {
		homes[strings.ToLower(k)] = v
	}
	t.Premises = d.Premises.Rehome(func(name string) (string, bool) { id, ok := homes[strings.ToLower(name)]; return id, ok })
	for _, o := range d.Orders {
		o.Circuit = azure.RehomeID(o.Circuit, homes)
		t.Orders = append(t.Orders, o)
	}
	return t, nil
}

// add splits a resource and takes it in.
func (t *Target) add(b json.RawMessage) error {
	list, err := split(b)
	if err != nil {
		return err
	}
	for _, x := range list {
		if was := t.byKey[x.key]; was != nil {
			return fmt.Errorf("the design has %s twice", x.id)
		}
		t.byKey[x.key] = x
	}
	t.items = append(t.items, list...)
	return nil
}

// order finds what a provider is asked for a circuit, nil when there is none.
func (t *Target) order(circuit azure.ID) *design.Order {
	for i := range t.Orders {
		if t.Orders[i].Circuit.Equal(circuit) {
			return &t.Orders[i]
		}
	}
	return nil
}

// resources are the target's, whole, for whoever judges them together.
func (t *Target) resources() (azure.Resources, error) {
	var out azure.Resources
	for _, x := range t.items {
		if x.whole == nil {
			continue
		}
		b, err := withoutSecrets(x.whole)
		if err != nil {
			return nil, err
		}
		r, err := azure.Unmarshal(b)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// subscriptions are those that the target is in, each once, in order.
func (t *Target) subscriptions() []string {
	seen := map[string]bool{}
	var out []string
	for _, x := range t.items {
		if p, err := azure.ParseID(string(x.id)); err == nil && !seen[strings.ToLower(p.Subscription)] {
			seen[strings.ToLower(p.Subscription)] = true
			out = append(out, p.Subscription)
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return out
}
