package arm

import (
	"encoding/json"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/pattern"
)

// subscribed makes every subscription that a design names, and puts its GUID wherever the name stood.
func (r *rig) subscribe(rs azure.Resources) []object {
	r.t.Helper()
	b, err := json.Marshal(rs)
	if err != nil {
		r.t.Fatal(err)
	}
	s := string(b)
	for _, x := range rs {
		p, err := azure.ParseID(string(x.Head().ID))
		if err != nil || p.Subscription == "" {
			continue
		}
		sub, ok := r.config.Gate.Directory.Subscription(p.Subscription)
		if !ok {
			if sub, err = r.config.Gate.Directory.AddSubscription(p.Subscription, ""); err != nil {
				r.t.Fatal(err)
			}
			role, _ := r.config.Gate.Access.Definition("Owner")
			if _, refusal := r.config.Gate.Access.Assign(RoleAssignment{Name: guidOf("assignment", sub.ID), Scope: "/subscriptions/" + sub.ID, Role: role.ID, Principal: r.owner.ObjectID}); refusal != nil {
				r.t.Fatal(refusal)
			}
		}
		s = strings.ReplaceAll(s, "/subscriptions/"+p.Subscription+"/", "/subscriptions/"+sub.ID+"/")
		s = strings.ReplaceAll(s, "/subscriptions/"+p.Subscription+`"`, "/subscriptions/"+sub.ID+`"`)
	}
	var out []object
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// deploy puts resources in an order in which each finds what it refers to, and returns what was sent, by id.
func (r *rig) deploy(rs azure.Resources) map[string]object {
	r.t.Helper()
	sent := map[string]object{}
	keys := map[string]string{} // what stands in the design for a key that Azure issues
	put := func(o object) {
		b, _ := json.Marshal(o)
		status, got, _ := r.call("PUT", text(o, "id"), string(b))
		if status != 200 && status != 201 {
			r.t.Errorf("PUT %s: %d %v", text(o, "id"), status, got)
		}
		for _, was := range list(o, "properties", "authorizations") {
			for _, is := range list(got, "properties", "authorizations") {
				if text(was, "name") == text(is, "name") {
					keys[text(was, "properties", "authorizationKey")] = text(is, "properties", "authorizationKey")
				}
			}
		}
		sent[text(o, "id")] = o
	}
	var peerings []object
	for _, o := range r.subscribe(rs) {
		if strings.HasPrefix(text(o, "type"), "Microsoft.Authorization/") {
			continue
		}
		if props, ok := o["properties"].(object); ok {
			for _, p := range list(o, "properties", "virtualNetworkPeerings") {
				if text(p, "id") == "" {
					p["id"] = text(o, "id") + "/virtualNetworkPeerings/" + text(p, "name")
				}
				peerings = append(peerings, p)
			}
			delete(props, "virtualNetworkPeerings")
			if k := keys[text(props, "authorizationKey")]; k != "" {
				props["authorizationKey"] = k
			}
		}
		put(o)
	}
	for _, uses := range []bool{false, true} { // who lends its gateway first, as Azure asks
		for _, p := range peerings {
			if does, _ := find(p, "properties", "useRemoteGateways").(bool); does == uses {
				put(p)
			}
		}
	}
	return sent
}

func TestEveryDesignOfEveryExampleIsAccepted(t *testing.T) {
	for _, name := range examples.Names() {
		for _, p := range design.Patterns() {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				r := newRig(t, nil)
				src, err := examples.Read(name)
				if err != nil {
					t.Fatal(err)
				}
				e, _ := intent.Parse(name+".yaml", src, r.config.Catalog)
				if e == nil {
					t.Fatal("the example does not parse")
				}
				d, obstacles := pattern.Compile(p, e, r.config.Catalog, pattern.Options{})
				if d == nil {
					if len(obstacles) == 0 {
						t.Fatal("no design and no obstacle")
					}
					return
				}
				for id, o := range r.deploy(d.Resources) {
					same(t, o, r.must(200, "GET", id, ""))
				}
			})
		}
	}
}

// same checks that an answer is what was sent, but for what only an endpoint sets.
func same(t *testing.T, sent, got object) {
	t.Helper()
	var both [2]azure.Resource
	for i, o := range []object{sent, got} {
		o["type"] = text(got, "type")
		b, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if both[i], err = azure.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
	}
	changes, err := azure.Differences(both[0], both[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range changes {
		if c.Path == "properties.virtualNetworkPeerings" || strings.HasPrefix(c.Path, "properties.virtualNetworkPeerings[") {
			continue // sent one by one
		}
		t.Errorf("%s: %s was sent as %s and is answered as %s", text(got, "id"), c.Path, c.From, c.To)
	}
}
