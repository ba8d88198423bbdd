package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onramp/azure"
	"onramp/template"
)

// Deployment is where a template is taken to be deployed, and with what.
type Deployment struct {
	// Subscription is a name or a GUID, Group the name of a resource group, Location its region. What is empty is "imported", but for the
	// region: a template that asks for it then cannot be read.
	Subscription, Group, Location string
	// Parameters are values by name, as template.Parameters reads them.
	Parameters map[string]json.RawMessage
}

// mostRounds is how many expressions of a template may stay unresolved.
const mostRounds = 400

// mostNested is how deep deployments may be in deployments.
const mostNested = 8

// when is the time at which a template is read: utcNow() answers it, so that the same file gives the same design.
func when() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// errUnknown tells that only a running deployment would know.
var errUnknown = errors.New("only a running deployment knows")

// FromTemplate reads a template, or what the export of a resource group gives, which is one. The name is for messages. Errors are of a
// template that cannot be expanded, with their place.
func FromTemplate(name string, src []byte, d Deployment) (*Found, error) {
	if len(src) > mostBytes {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, len(src), mostBytes)
	}
	f := &Found{Source: Source{Name: name, Kind: KindTemplate}}
	x := &expansion{f: f, name: name, src: src, d: d, parameters: d.Parameters, scope: target(d)}
	if err := x.expand(); err != nil {
		return nil, explained(err, d)
	}
	return f, x.take()
}

// explained adds what would be right to an error that a flag can mend.
func explained(err error, d Deployment) error {
	var e *template.Error
	if d.Location == "" && errors.As(err, &e) && strings.Contains(e.Message, "'location' doesn't exist") {
		return fmt.Errorf("%w; say in which region its resource group is", err)
	}
	return err
}

// target is the id of what a template is deployed to.
func target(d Deployment) azure.ID {
	sub, group := d.Subscription, d.Group
	if sub == "" {
		sub = "imported"
	}
	if group == "" {
		group = "imported"
	}
	return azure.ID("/subscriptions/" + sub + "/resourceGroups/" + group)
}

// expansion is one template, or one that is nested in another, being read.
type expansion struct {
	f          *Found
	name       string
	src        []byte
	d          Deployment
	parameters map[string]json.RawMessage
	scope      azure.ID
	depth      int
	// at is the deployment that carries a nested template; nil at the top.
	at *piece

	instance *template.Instance
	bodies   map[*template.Resource]json.RawMessage
	nested   map[*template.Resource]*expansion
	busy     map[string]bool // what is being asked for, by id key
}

// expand expands the template until every body is known. An expression that only a running deployment could answer is kept as a text.
func (x *expansion) expand() error {
	for range mostRounds {
		at, err := x.once()
		if err == nil {
			return nil
		}
		if at == nil || !x.keep(at) {
			return err
		}
	}
	return fmt.Errorf("%s: more than %d of its expressions depend on what only a running deployment knows", x.name, mostRounds)
}

// once expands the template. With an error it says where the expression is that cannot be answered, nil where the template is wrong.
func (x *expansion) once() (*template.Error, error) {
	t, err := template.Parse(x.name, x.src)
	if err != nil {
		return nil, err
	}
	if x.instance, err = t.Instantiate(x.surroundings(t), x.parameters, template.Limits{Resources: mostResources, Copies: mostResources, Parameters: mostResources, Variables: mostResources, Outputs: mostResources}); err != nil {
		return nil, err
	}
	x.bodies, x.nested, x.busy = map[*template.Resource]json.RawMessage{}, map[*template.Resource]*expansion{}, map[string]bool{}
	for _, r := range x.instance.Resources {
		if r.Existing || !r.Condition {
			continue
		}
		b, err := r.Body(x)
		if err != nil {
			return x.source(err), err
		}
		x.bodies[r] = b
	}
	return nil, nil
}

// source is the innermost of an error's places in this template: where something is asked for that refers to something else, that else.
func (x *expansion) source(err error) *template.Error {
	var at, e *template.Error
	for errors.As(err, &e) {
		if e.Line > 0 && e.Name == x.name {
			at = e
		}
		err = e.Unwrap()
	}
	return at
}

// keep makes a text of the expression at a place, by the mark that ARM has for that, a second bracket.
func (x *expansion) keep(at *template.Error) bool {
	if at.Line == 0 || at.Name != x.name {
		return false
	}
	start := 0
	for range at.Line - 1 {
		i := bytes.IndexByte(x.src[start:], '\n')
		if i < 0 {
			return false
		}
		start += i + 1
	}
	end := start
	for n := 1; n < at.Column && end < len(x.src) && x.src[end] != '\n'; n++ { // columns count characters
		end++
		for end < len(x.src) && x.src[end]&0xc0 == 0x80 {
			end++
		}
	}
	i := bytes.LastIndex(x.src[:min(end+2, len(x.src))], []byte(`"[`))
	if i < 0 || i+2 < len(x.src) && x.src[i+2] == '[' {
		return false
	}
	var text string
	if json.NewDecoder(bytes.NewReader(x.src[i:])).Decode(&text) != nil {
		return false
	}
	p := x.place(at.Path, at.Line)
	x.f.note(Unresolved, p, "", "%s: it is kept as it is written, %s", at.Message, text)
	x.src = slices.Concat(x.src[:i+1], []byte("["), x.src[i+1:])
	return true
}

// place is where something is in the template.
func (x *expansion) place(path string, line int) piece {
	if x.at != nil {
		return piece{line: x.at.line, at: x.at.at + "." + path}
	}
	return piece{line: line, at: path}
}

// surroundings are what the functions of a template answer about where it is deployed.
func (x *expansion) surroundings(t *template.Template) template.Scope {
	p, _ := azure.ParseID(string(x.scope)) // it was made here or by the template's own scope
	s := template.Scope{
		Level: template.ResourceGroup, Time: when(),
		Tenant:       object{"tenantId": "00000000-0000-0000-0000-000000000000", "displayName": "imported", "countryCode": ""},
		Subscription: object{"id": "/subscriptions/" + p.Subscription, "subscriptionId": p.Subscription, "tenantId": "00000000-0000-0000-0000-000000000000", "displayName": p.Subscription},
		Deployment:   object{"name": "imported", "location": x.d.Location, "properties": object{}},
		Environment:  object{"name": "AzureCloud", "resourceManager": "https://management.azure.com/", "portal": "https://portal.azure.com", "authentication": object{"loginEndpoint": "https://login.microsoftonline.com/", "audiences": []any{"https://management.core.windows.net/", "https://management.azure.com/"}, "tenant": "common", "identityProvider": "AAD"}},
	}
	schema := strings.ToLower(t.Schema)
	switch {
	case x.at == nil && strings.Contains(schema, "subscriptiondeploymenttemplate"), x.at != nil && p.ResourceGroup == "" && p.Subscription != "":
		s.Level = template.Subscription
	case strings.Contains(schema, "managementgroupdeploymenttemplate"):
		s.Level = template.ManagementGroup
		s.ManagementGroup = object{"id": "/providers/Microsoft.Management/managementGroups/imported", "name": "imported", "type": "Microsoft.Management/managementGroups", "properties": object{}}
	case strings.Contains(schema, "tenantdeploymenttemplate"):
		s.Level = template.Tenant
	}
	if s.Level == template.ResourceGroup {
		g := object{"id": string(x.scope), "name": p.ResourceGroup, "type": typeGroup, "tags": object{}, "properties": object{"provisioningState": "Succeeded"}}
		if x.d.Location != "" {
			g["location"] = x.d.Location
		}
		s.ResourceGroup = g
	}
	return s
}

// Reference implements template.Runtime: from the template's own resources.
func (x *expansion) Reference(id, _ string, full bool) (json.RawMessage, error) {
	key := strings.ToLower(id)
	if x.busy[key] {
		return nil, fmt.Errorf("%s refers to itself", id)
	}
	for _, r := range x.instance.Resources {
		if !strings.EqualFold(r.ID, id) || r.Existing || !r.Condition {
			continue
		}
		x.busy[key] = true
		defer delete(x.busy, key)
		b, err := r.Body(x)
		if err != nil {
			return nil, err
		}
		if is(object{"type": r.Type}, typeDeployment) {
			return x.outputs(r, b, full)
		}
		var o object
		if err := json.Unmarshal(b, &o); err != nil {
			return nil, err
		}
		o["id"] = r.ID
		numbered(o, r.Type)
		if full {
			return json.Marshal(o)
		}
		return json.Marshal(inner(o, "properties"))
	}
	return nil, fmt.Errorf("%w: %s is not in the template", errUnknown, id)
}

// numbered gives the children in a resource the ids that Azure gives them.
func numbered(o object, typ string) {
	props, _ := o["properties"].(object)
	for child, list := range children() {
		segment, ok := strings.CutPrefix(child, strings.ToLower(typ)+"/")
		if !ok || strings.Contains(segment, "/") {
			continue
		}
		if list != "rules" {
			segment = list
		}
		for _, c := range objects(props, list) {
			if c["id"] == nil {
				c["id"] = text(o, "id") + "/" + segment + "/" + text(c, "name")
			}
		}
	}
}

// List implements template.Runtime: nothing is known of keys, and nothing shall be.
func (x *expansion) List(function, id, _ string, _ json.RawMessage) (json.RawMessage, error) {
	return nil, fmt.Errorf("%w: %s of %s", errUnknown, function, id)
}

const typeDeployment = "Microsoft.Resources/deployments"

// outputs are what a nested deployment answers.
func (x *expansion) outputs(r *template.Resource, b json.RawMessage, full bool) (json.RawMessage, error) {
	n, err := x.inside(r, b)
	if err != nil {
		return nil, err
	}
	out, err := n.instance.Outputs(n)
	if err != nil {
		return nil, err
	}
	o := object{"provisioningState": "Succeeded", "outputs": out}
	if full {
		o = object{"id": r.ID, "name": r.Name, "type": r.Type, "properties": o}
	}
	return json.Marshal(o)
}

// inside expands the template of a nested deployment.
func (x *expansion) inside(r *template.Resource, b json.RawMessage) (*expansion, error) {
	if n := x.nested[r]; n != nil {
		return n, nil
	}
	if x.depth >= mostNested {
		return nil, fmt.Errorf("%s: deployments are in each other more than %d deep", x.name, mostNested)
	}
	var body struct {
		Properties struct {
			Template     json.RawMessage `json:"template"`
			TemplateLink json.RawMessage `json:"templateLink"`
			Parameters   json.RawMessage `json:"parameters"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	if body.Properties.Template == nil {
		return nil, fmt.Errorf("%w: its template is elsewhere (templateLink)", errUnknown)
	}
	p := x.place(r.Path, r.Line)
	n := &expansion{f: x.f, name: x.name + " " + r.Path, src: body.Properties.Template, d: x.d, scope: azure.ID(r.Scope), depth: x.depth + 1, at: &p}
	if body.Properties.Parameters != nil {
		parameters, err := template.Parameters(body.Properties.Parameters)
		if err != nil {
			return nil, err
		}
		n.parameters = parameters
	}
	if err := n.expand(); err != nil {
		return nil, err
	}
	x.nested[r] = n
	return n, nil
}

// take takes the resources in.
func (x *expansion) take() error {
	if p, err := azure.ParseID(string(x.scope)); err == nil && x.at == nil && x.d.Location != "" && p.ResourceGroup != "" && x.surrounds() {
		o := object{"id": string(x.scope), "name": p.ResourceGroup, "type": typeGroup, "location": x.d.Location, "properties": object{}}
		if err := x.f.add(piece{body: o, at: "resourceGroup()"}); err != nil {
			return err
		}
	}
	for _, r := range x.instance.Resources {
		p := x.place(r.Path, r.Line)
		switch {
		case r.Existing:
			x.f.note(LeftOut, p, "", "%s is only referred to", r.ID)
			continue
		case !r.Condition:
			x.f.note(LeftOut, p, "", "%s has a condition that is false", r.ID)
			continue
		}
		if is(object{"type": r.Type}, typeDeployment) {
			n, err := x.inside(r, x.bodies[r])
			if errors.Is(err, errUnknown) {
				x.f.note(NotRead, p, "", "%v", err)
				continue
			}
			if err != nil {
				return err
			}
			if err := n.take(); err != nil {
				return err
			}
			continue
		}
		if err := json.Unmarshal(x.bodies[r], &p.body); err != nil {
			return err
		}
		p.body["id"], p.body["type"], p.body["name"] = r.ID, r.Type, azure.ID(r.ID).Name()
		if err := x.f.add(p); err != nil {
			return err
		}
	}
	return nil
}

// surrounds tells whether the template is one for a resource group.
func (x *expansion) surrounds() bool {
	return slices.ContainsFunc(x.instance.Resources, func(r *template.Resource) bool { return strings.EqualFold(r.Scope, string(x.scope)) })
}
