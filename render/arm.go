// Package render writes a design as an Azure Resource Manager template: one file that anybody can deploy with their own tools, that says
// what each thing in it is for, and whose parameters are what people change. It decides in which nested deployments the resources stand,
// in what order they are made and what is a parameter; nothing of the resources themselves. With its parameters at their defaults a
// template makes exactly the resources of the design.
//
// Source: template structure and syntax of Azure Resource Manager, languageVersion 2.0 (symbolic names, types of parameters).
package render

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// Versions of the interfaces that templates ask for: those that package cloud sends, and the first of deployments that has symbolic names
// in nested ones.
const (
	versionNetwork       = "2025-05-01"
	versionAuthorization = "2022-04-01"
	versionResources     = "2021-04-01"
	versionDeployments   = "2022-09-01"

	contentVersion  = "1.0.0.0"
	languageVersion = "2.0"
	schemaOuter     = "https://schema.management.azure.com/schemas/2018-05-01/subscriptionDeploymentTemplate.json#"
	schemaInner     = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
)

// Template is a design as an Azure Resource Manager template.
type Template struct {
	// Text is the template, Parameters a parameters file for it with the design's values, for the first deployment. Both are JSON with two
	// spaces of indentation and a newline at the end; the same design always gives the same bytes.
	Text, Parameters []byte
	// Deployments is how many nested deployments the template has.
	Deployments int
}

// deployment is one nested deployment.
type deployment struct {
	place   place
	level   int
	pieces  []*piece
	name    string
	symbol  string
	text    string // what it is
	uses    uses
	after   []*deployment
	keys    []string // circuits whose service keys it gives out
	outputs object
}

// renderer is one rendering of a design.
type renderer struct {
	design        *design.Design
	catalog       *catalog.Catalog
	params        *parameters
	all           []*piece
	byID          map[string]*piece
	keys          map[*piece]string
	subscriptions map[string]string      // as the design writes them, by lower case
	groups        map[string]string      // likewise
	prefixes      map[string]placeOf     // what is known to be a network's or a subnet's
	firewalls     map[string]firewallsOf // the address of a firewall
}

// placeOf is where a prefix is a parameter.
type placeOf struct {
	network string
	path    []string
	index   int
}

// firewallsOf is a firewall's address, as the host of its subnet.
type firewallsOf struct {
	subnet placeOf
	host   int
}

// ARM renders a design as a template that is deployed to a subscription and makes resource groups and resources in all that the design
// names. The error is a *LimitError where Azure takes no template of that size; otherwise it names the resource that has no place in one.
func ARM(d *design.Design, c *catalog.Catalog) (*Template, error) {
	all, err := pieces(d.Resources)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the design has no resources, and a template has at least one")
	}
	link(all)
	ranked, err := rank(all)
	if err != nil {
		return nil, err
	}
	inTurn(ranked)
	r := &renderer{design: d, catalog: c, params: newParameters(c), all: ranked, byID: map[string]*piece{}, keys: keys(all), subscriptions: map[string]string{}, groups: map[string]string{}}
	for _, p := range all {
		r.byID[p.id.Key()] = p
	}
	r.survey()
	deployments := r.deployments()
	nested := make([]object, len(deployments))
	for i, x := range deployments {
		if nested[i], err = r.nested(x); err != nil {
			return nil, err
		}
	}
	outer := r.outer(deployments, nested)
	if err := r.within(outer, nested, deployments); err != nil {
		return nil, err
	}
	return &Template{Text: indented(outer), Parameters: indented(r.params.file()), Deployments: len(deployments)}, nil
}

func indented(v any) []byte {
	var b bytes.Buffer
	write(&b, v, "  ", 0)
	b.WriteByte('\n')
	return b.Bytes()
}

func compact(v any) []byte {
	var b bytes.Buffer
	write(&b, v, "", 0)
	return b.Bytes()
}

var guid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// survey finds the subscriptions and the prefixes that are parameters.
func (r *renderer) survey() {
	subscription := func(name string) {
		if name == "" || r.subscriptions[strings.ToLower(name)] != "" {
			return
		}
		r.subscriptions[strings.ToLower(name)] = name
		if guid.MatchString(name) {
			r.params.set(name, paramSubscriptions, name)
			return
		}
		r.params.set("<id of the subscription "+name+">", paramSubscriptions, name)
		r.params.given[paramSubscriptions] = true
	}
	for _, p := range r.all {
		in := p.parsed
		if in.Scope != "" {
			in, _ = azure.ParseID(string(in.Scope)) // locate has read it
		}
		subscription(in.Subscription)
		if in.ResourceGroup != "" && r.groups[strings.ToLower(in.ResourceGroup)] == "" {
			r.groups[strings.ToLower(in.ResourceGroup)] = in.ResourceGroup
		}
		for _, id := range references(p.body) {
			if x, err := azure.ParseID(string(id)); err == nil {
				subscription(x.Subscription)
			}
		}
	}
	r.surveyPrefixes()
}

// deployments divides the pieces, in an order in which each finds what it needs.
func (r *renderer) deployments() []*deployment {
	type slot struct {
		place place
		level int
	}
	byPlace := map[slot][]*piece{}
	for _, p := range r.all {
		at := slot{p.place, p.level}
		byPlace[at] = append(byPlace[at], p)
	}
	var out []*deployment
	for at, all := range byPlace {
		slices.SortFunc(all, func(a, b *piece) int { return cmp.Compare(a.rank, b.rank) })
		for part := range slices.Chunk(all, mostResources) {
			out = append(out, &deployment{place: at.place, level: at.level, pieces: part, uses: uses{}})
		}
	}
	slices.SortFunc(out, func(a, b *deployment) int {
		return cmp.Or(cmp.Compare(a.level, b.level), comparePlaces(a.place, b.place), cmp.Compare(a.pieces[0].rank, b.pieces[0].rank))
	})
	names, symbols := map[string]bool{}, map[string]bool{}
	for _, x := range out {
		r.name(x, names)
		x.symbol = symbol(strings.TrimPrefix(x.name, "onramp-"), symbols)
		for _, p := range x.pieces {
			p.in = x
		}
		own := map[string]bool{}
		slices.SortFunc(x.pieces, func(a, b *piece) int { return cmp.Compare(a.rank, b.rank) })
		for _, p := range x.pieces {
			p.symbol = symbol(r.symbolOf(p), own)
		}
	}
	for _, x := range out {
		for _, p := range x.pieces {
			for _, n := range p.needs {
				if n.in != x && !slices.Contains(x.after, n.in) {
					x.after = append(x.after, n.in)
				}
			}
		}
		slices.SortFunc(x.after, func(a, b *deployment) int { return cmp.Compare(a.symbol, b.symbol) })
	}
	direct(out)
	return out
}

// direct leaves out what a deployment waits for anyhow, because another one that it waits for does. Deployments stand after those that they
// wait for.
func direct(all []*deployment) {
	before := map[*deployment]map[*deployment]bool{} // all that a deployment waits for
	for _, x := range all {
		before[x] = map[*deployment]bool{}
		for _, a := range x.after {
			for b := range before[a] {
				before[x][b] = true
			}
		}
		x.after = slices.DeleteFunc(x.after, func(a *deployment) bool { return before[x][a] })
		for _, a := range x.after {
			before[x][a] = true
		}
	}
}

// longestName is how long the name of a deployment may be.
const longestName = 64

// name names a deployment for its place and what is in it.
func (r *renderer) name(x *deployment, taken map[string]bool) {
	has := func(typ string) bool { return slices.ContainsFunc(x.pieces, func(p *piece) bool { return p.is(typ) }) }
	only := func(types ...string) bool {
		return !slices.ContainsFunc(x.pieces, func(p *piece) bool {
			return !slices.ContainsFunc(types, func(t string) bool { return p.is(t) })
		})
	}
	where := r.groups[x.place.group]
	if where == "" {
		where = r.subscriptions[x.place.subscription]
	}
	word := "networks"
	switch {
	case x.place.access:
		word, x.text = "access", "who may do what in "+where
	case x.place.group == "":
		word, x.text = "groups", "the resource groups of "+where
		if has(typeDefinition) {
			x.text += ", and the roles that assignments there need"
		}
	case only(typePeering):
		word, x.text = "peerings", "peerings of the virtual networks of "+where
	case only(typeConnection, typePeering, typeReach):
		word, x.text = "connections", "connections of the gateways of "+where+" with their circuits; the key of an authorization is read from its circuit when this is deployed"
	default:
		x.text = "what stands in " + where
		if has(typeCircuit) {
			word = "circuits"
		}
		if has(typeNetwork) {
			word = "networks"
		}
	}
	base := "onramp-" + where
	for n := 1; ; n++ {
		end := "-" + word
		if n > 1 {
			end += fmt.Sprint("-", n)
		}
		x.name = strings.Trim(base[:min(len(base), longestName-len(end))], "-") + end
		key := strings.ToLower(x.name)
		if !taken[key] {
			taken[key] = true
			return
		}
	}
}

var notSymbol = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// symbol makes a symbolic name of letters, digits and low lines.
func symbol(s string, taken map[string]bool) string {
	s = strings.Trim(notSymbol.ReplaceAllString(s, "_"), "_")
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	out := s
	for n := 2; taken[strings.ToLower(out)]; n++ {
		out = fmt.Sprint(s, "_", n)
	}
	taken[strings.ToLower(out)] = true
	return out
}

func (r *renderer) symbolOf(p *piece) string {
	switch {
	case p.is(typeDefinition):
		return cmp.Or(textAt(p.body, "properties", "roleName"), "role")
	case p.parsed.Scope == "" && len(p.parsed.Names) > 1:
		return strings.Join(p.parsed.Names, "_")
	}
	return p.parsed.Name()
}

// nested writes the template of a nested deployment; the deployment itself is the outer template's.
func (r *renderer) nested(x *deployment) (object, error) {
	var resources, variables object
	for _, p := range x.pieces {
		if p.is(typeAssignment) {
			continue
		}
		o, vars, err := r.resource(x, p)
		if err != nil {
			return nil, err
		}
		variables = append(variables, vars...)
		resources = append(resources, member{p.symbol, o})
	}
	if x.place.access {
		variables, resources = r.assignments(x)
	}
	if len(x.keys) > 0 {
		var keys object
		for _, p := range x.pieces {
			if slices.Contains(x.keys, r.keys[p]) && p.is(typeCircuit) {
				keys = append(keys, member{r.keys[p], call("reference", quoted(p.symbol)).member("serviceKey")})
			}
		}
		x.outputs = object{{"serviceKeys", object{{"type", "object"}, {"value", keys}}}}
	}
	declared, _ := x.uses.pass()
	schema := schemaInner
	if x.place.group == "" {
		schema = schemaOuter
	}
	return object{{"$schema", schema}, {"languageVersion", languageVersion}, {"contentVersion", contentVersion}}.
		with("parameters", declared).with("variables", variables).with("resources", resources).with("outputs", x.outputs), nil
}

// outer writes the template that holds the nested deployments.
func (r *renderer) outer(deployments []*deployment, nested []object) object {
	var resources, keys object
	for i, x := range deployments {
		_, passed := x.uses.pass()
		o := object{{"type", "Microsoft.Resources/deployments"}, {"apiVersion", versionDeployments}, {"name", x.name}, {"comments", strings.ToUpper(x.text[:1]) + x.text[1:] + "."},
			{"subscriptionId", call("parameters", quoted(paramSubscriptions)).member(r.subscriptions[x.place.subscription])}}
		if x.place.group != "" {
			o = append(o, member{"resourceGroup", r.groups[x.place.group]})
		} else {
			o = append(o, member{"location", expression("deployment().location")})
		}
		var after []any
		for _, a := range x.after {
			after = append(after, a.symbol)
		}
		o = o.with("dependsOn", after)
		props := object{{"mode", "Incremental"}, {"expressionEvaluationOptions", object{{"scope", "inner"}}}}.with("parameters", passed)
		o = append(o, member{"properties", append(props, member{"template", nested[i]})})
		resources = append(resources, member{x.symbol, o})
		for _, k := range x.keys {
			keys = append(keys, member{k, call("reference", quoted(x.symbol)).member("outputs").member("serviceKeys").member("value").member(k)})
		}
	}
	params, definitions := r.params.declare()
	o := object{{"$schema", schemaOuter}, {"languageVersion", languageVersion}, {"contentVersion", contentVersion}, {"metadata", r.about()}}
	o = o.with("definitions", definitions).with("parameters", params).with("resources", resources)
	if len(keys) > 0 {
		slices.SortFunc(keys, func(a, b member) int { return cmp.Compare(a.key, b.key) })
		text := "The service key of each circuit: what its provider asks for, and whoever has it can order the circuit's use. Keep it from others."
		o = append(o, member{"outputs", object{{"serviceKeys", object{{"type", "object"}, {"value", keys}, described(text)}}}})
	}
	return o
}

// within checks the limits that Azure publishes.
func (r *renderer) within(outer object, nested []object, deployments []*deployment) error {
	get := func(o object, key string) object {
		for _, m := range o {
			if m.key == key {
				x, _ := m.value.(object)
				return x
			}
		}
		return nil
	}
	total := size(outer)
	check := func(where string, o object) error {
		return cmp.Or(within(where, "parameters", len(get(o, "parameters")), mostParameters), within(where, "variables", len(get(o, "variables")), mostVariables),
			within(where, "resources", len(get(o, "resources")), mostResources), within(where, "outputs", len(get(o, "outputs")), mostOutputs),
			within(where, "characters in an expression", longest(o), mostExpressionLength))
	}
	if err := check("the template", outer); err != nil {
		return err
	}
	for i, x := range deployments {
		where := "the nested deployment " + x.name
		if err := check(where, nested[i]); err != nil {
			return err
		}
		passed := 0 // what its parameters become when they have their values
		for param, names := range x.uses {
			for n := range names {
				passed += len(n) + size(r.params.values[param][n])
			}
		}
		if err := within(where, "bytes", size(nested[i])+passed, mostResourceBytes); err != nil {
			return err
		}
		total += passed
	}
	return within("the template", "bytes", total, mostTemplateBytes)
}

// longest is the length of the longest expression in a value.
func longest(v any) int {
	n := 0
	switch x := v.(type) {
	case object:
		for _, m := range x {
			n = max(n, longest(m.value))
		}
	case map[string]any:
		for _, e := range x {
			n = max(n, longest(e))
		}
	case []any:
		for _, e := range x {
			n = max(n, longest(e))
		}
	case expression:
		n = len(x) + len("[]")
	}
	return n
}
