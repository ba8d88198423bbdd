package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"onramp/azure"
	"onramp/cloud"
	"onramp/template"
)

// TemplateOptions say as what, and where, an ARM template is deployed.
type TemplateOptions struct {
	// Name is the deployment's, and stands in for a design's: what is made carries it.
	Name string
	// Parameters are the values of the template's parameters.
	Parameters map[string]json.RawMessage
	// Subscription is the GUID of the one that it is deployed to; Group the name of a resource group in it, which is there, for a template
	// of a group; Location the region of a deployment to a subscription.
	Subscription, Group, Location string
	// Now is what utcNow() answers.
	Now time.Time
}

var templateSchema = regexp.MustCompile(`(?i)/(subscription)?deploymentTemplate\.json`)

// IsTemplate tells whether a file is an ARM template, and whether one that is deployed to a subscription, by its $schema.
func IsTemplate(b []byte) (is, subscription bool) {
	var top struct {
		Schema string `json:"$schema"`
	}
	if json.Unmarshal(b, &top) != nil {
		t, err := template.Parse("", b) // it may have comments
		if err != nil {
			return templateSchema.Match(b), strings.Contains(strings.ToLower(string(b[:min(len(b), 1000)])), "subscriptiondeploymenttemplate")
		}
		top.Schema = t.Schema
	}
	m := templateSchema.FindStringSubmatch(top.Schema)
	return m != nil, m != nil && m[1] != ""
}

// FromTemplate makes a target of an ARM template: what it would deploy, nested deployments included, resource by resource, so that it is
// planned, applied and taken away as a design is. What a template asks of resources that it deploys itself is answered from the template;
// of others, from the endpoint. What only Azure can know of a resource before it is there is an error: such a template has to be deployed
// whole.
func FromTemplate(ctx context.Context, e *cloud.Endpoint, file string, b []byte, o TemplateOptions) (*Target, error) {
	x := &expander{ctx: ctx, e: e, o: o, t: &Target{Name: o.Name, byKey: map[string]*item{}}, made: map[string]json.RawMessage{}, after: map[string][]string{}}
	t, err := template.Parse(file, b)
	if err != nil {
		return nil, err
	}
	s, err := x.scope(o.Subscription, o.Group)
	if err != nil {
		return nil, err
	}
	if _, err := x.expand(t, s, o.Name, o.Parameters, 0); err != nil {
		return nil, err
	}
	if err := x.take(); err != nil {
		return nil, err
	}
	return x.t, nil
}

// expander expands a template and those nested in it.
type expander struct {
	ctx   context.Context
	e     *cloud.Endpoint
	o     TemplateOptions
	t     *Target
	order []string                   // the keys of what is made, what has to be first first
	made  map[string]json.RawMessage // what the template makes, by id key; of a deployment, its outputs
	after map[string][]string
}

// deepest is how deep deployments may be nested.
const deepest = 5

// get reads something from the endpoint.
func (x *expander) get(id azure.ID, into any) error {
	b, err := x.e.Get(x.ctx, id)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// scope is what the functions of scopes answer.
func (x *expander) scope(sub, group string) (template.Scope, error) {
	var s object
	if err := x.get(azure.ID("/subscriptions/"+sub), &s); err != nil {
		return template.Scope{}, fmt.Errorf("subscription %s: %w", sub, err)
	}
	out := template.Scope{
		Level: template.Subscription, Subscription: s, Tenant: object{"tenantId": s["tenantId"]},
		Environment: object{"name": "AzureCloud", "resourceManager": x.e.URL() + "/"}, Time: x.o.Now,
		Deployment: object{"name": x.o.Name, "location": x.o.Location, "properties": object{"mode": "Incremental"}},
	}
	if group == "" {
		return out, nil
	}
	out.Level, out.Deployment = template.ResourceGroup, object{"name": x.o.Name, "properties": object{"mode": "Incremental"}}
	id := azure.ID("/subscriptions/" + sub + "/resourceGroups/" + group)
	var g object
	err := x.get(id, &g)
	if b := x.made[id.Key()]; errors.Is(err, cloud.ErrNotFound) && b != nil { // the template makes it
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		return out, fmt.Errorf("resource group %s: %w", group, err)
	}
	out.ResourceGroup = g
	return out, nil
}

// expand takes in what a template makes, and returns its outputs.
func (x *expander) expand(t *template.Template, s template.Scope, name string, parameters map[string]json.RawMessage, depth int) (json.RawMessage, error) {
	if depth > deepest {
		return nil, fmt.Errorf("%s: deployments are nested more than %d deep", name, deepest)
	}
	in, err := t.Instantiate(s, parameters, template.Limits{})
	if err != nil {
		return nil, err
	}
	batches, err := in.Order()
	if err != nil {
		return nil, err
	}
	for _, batch := range batches {
		for _, r := range batch {
			if r.Existing || !r.Condition {
				continue
			}
			b, err := r.Body(x)
			if err != nil {
				return nil, err
			}
			key := strings.ToLower(r.ID)
			if strings.EqualFold(r.Type, "Microsoft.Resources/deployments") {
				if b, err = x.nested(r, b, depth); err != nil {
					return nil, err
				}
				x.made[key] = b
				continue
			}
			var body object
			if err := json.Unmarshal(b, &body); err != nil {
				return nil, err
			}
			body["id"], body["name"], body["type"] = r.ID, azure.ID(r.ID).Name(), r.Type
			if b, err = json.Marshal(body); err != nil {
				return nil, err
			}
			if x.made[key] == nil {
				x.order = append(x.order, key)
			}
			x.made[key] = b
			for _, d := range r.DependsOn {
				x.after[key] = append(x.after[key], strings.ToLower(d))
			}
		}
	}
	return in.Outputs(x)
}

// nested expands a nested deployment and returns it with its outputs.
func (x *expander) nested(r *template.Resource, b json.RawMessage, depth int) (json.RawMessage, error) {
	var d struct {
		Properties struct {
			Template     json.RawMessage
			TemplateLink json.RawMessage
			Parameters   json.RawMessage
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, err
	}
	if len(d.Properties.TemplateLink) > 0 {
		return nil, fmt.Errorf("%s: a template behind a link is not fetched; put it into the template", r.Path)
	}
	t, err := template.Parse(r.Path, d.Properties.Template)
	if err != nil {
		return nil, err
	}
	values, err := template.Parameters(d.Properties.Parameters)
	if err != nil {
		return nil, err
	}
	p, err := azure.ParseID(r.ID)
	if err != nil {
		return nil, err
	}
	s, err := x.scope(p.Subscription, p.ResourceGroup)
	if err != nil {
		return nil, err
	}
	out, err := x.expand(t, s, r.Path, values, depth+1)
	if err != nil {
		return nil, err
	}
	return json.Marshal(object{"id": r.ID, "name": p.Name(), "properties": object{"outputs": out, "provisioningState": "Succeeded"}})
}

// Reference implements template.Runtime: what the template makes is as the template says, everything else as the endpoint says. A key that
// an endpoint issues is the placeholder that a design has for it.
func (x *expander) Reference(id, _ string, full bool) (json.RawMessage, error) {
	b := x.made[strings.ToLower(id)]
	if b == nil {
		var err error
		if b, err = x.e.Get(x.ctx, azure.ID(id)); errors.Is(err, cloud.ErrNotFound) {
			return nil, fmt.Errorf("%s is neither in the template before this nor at the endpoint", id)
		} else if err != nil {
			return nil, err
		}
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, err
	}
	if strings.EqualFold(text(o, "type"), "Microsoft.Network/expressRouteCircuits/authorizations") {
		props, _ := o["properties"].(object)
		if props == nil {
			props = object{}
		}
		props["authorizationKey"] = "<authorization " + azure.ID(id).Name() + " of " + azure.ID(id).Parent().Parent().Name() + ">"
		o["properties"] = props
	}
	if full {
		return json.Marshal(o)
	}
	return json.Marshal(o["properties"])
}

// List implements template.Runtime.
func (x *expander) List(function, id, _ string, body json.RawMessage) (json.RawMessage, error) {
	var v any
	if len(body) > 0 {
		v = body
	}
	return x.e.Post(x.ctx, azure.ID(id), function, nil, v)
}

// take takes what the template makes into the target: resources with those of their children that the template has apart.
func (x *expander) take() error {
	for _, key := range x.order {
		list, err := split(x.made[key])
		if err != nil {
			return err
		}
		for _, y := range list {
			y.after = x.after[key]
			if was := x.t.byKey[y.key]; was != nil {
				if y.whole == nil {
					continue // the child has been told of on its own
				}
				*was = *y
				continue
			}
			x.t.byKey[y.key] = y
			x.t.items = append(x.t.items, y)
		}
	}
	return nil
}
