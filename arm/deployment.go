package arm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onramp/azure"
	"onramp/template"
)

const deploymentType = "Microsoft.Resources/deployments"

const codeTooLarge = "DeploymentJobSizeExceeded"

// The states of a deployment beside those of an operation.
const (
	accepted = "Accepted"
	running  = "Running"
)

// The modes of a deployment.
const (
	incremental = "Incremental"
	complete    = "Complete"
)

// The bounds of deployments: Azure's published limits of the history of a scope and of a name, and how deep deployments may be in
// deployments (AssumeDeployments).
const (
	maxDeployments    = 800
	maxDeploymentName = 64
	maxNested         = 10
)

// deploymentRequest is what somebody asked for. It is written once, when it is accepted.
type deploymentRequest struct {
	ID         string            `json:"id"`
	Location   string            `json:"location,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	Mode       string            `json:"mode"`
	Debug      string            `json:"debug,omitempty"`
	Template   json.RawMessage   `json:"template"`
	Parameters json.RawMessage   `json:"parameters,omitempty"` // as sent; secure ones are forgotten at the end
	By         string            `json:"by"`                   // the principal
	Operation  string            `json:"operation"`            // a GUID: of the deployment's own operation
	Correlate  string            `json:"correlate"`
	Parent     string            `json:"parent,omitempty"` // the key of the deployment that it is nested in
	Depth      int               `json:"depth,omitempty"`
	Started    time.Time         `json:"started"`
	// What is shown of the template.
	Hash         string          `json:"hash"`
	Values       json.RawMessage `json:"values,omitempty"`
	Providers    []any           `json:"providers,omitempty"`
	Dependencies []any           `json:"dependencies,omitempty"`
	Validated    []string        `json:"validated,omitempty"`
}

// deploymentProgress is how far it has come. It is of the request with the same operation.
type deploymentProgress struct {
	Of      string           `json:"of"`
	State   string           `json:"state"`
	Changed time.Time        `json:"changed"`
	Steps   []deploymentStep `json:"steps,omitempty"`
	Outputs json.RawMessage  `json:"outputs,omitempty"`
	Error   *Error           `json:"error,omitempty"`
}

// deploymentStep is something that a deployment has begun to do. Azure calls it a deployment operation.
type deploymentStep struct {
	ID      string    `json:"id"`
	Verb    string    `json:"verb"` // Create, Delete, EvaluateDeploymentOutput
	Target  string    `json:"target,omitempty"`
	Type    string    `json:"type,omitempty"`
	Name    string    `json:"name,omitempty"`
	Symbol  string    `json:"symbol,omitempty"`
	Version string    `json:"version,omitempty"`
	State   string    `json:"state"`
	Starts  time.Time `json:"starts"`
	Ends    time.Time `json:"ends"`
	// Operation is the resource's own operation, which decides; Final and Error are how that ends unless somebody cancels it.
	Operation string `json:"operation,omitempty"`
	Final     string `json:"final,omitempty"`
	Status    int    `json:"status,omitempty"`
	Error     *Error `json:"error,omitempty"`
	// Waits tells that something else has to end before it can begin.
	Waits bool `json:"waits,omitempty"`
}

// deployment is one that is running or has ended. It does not change: another is put in its place.
type deployment struct {
	deploymentRequest
	deploymentProgress
	key  string    // the id in lower case
	next time.Time // when it goes on, while it runs; endOfTime when something else tells it to
	// made are, while it is drafted, the resource groups that it and those around it make: where they are, by key.
	made map[string]string
}

// endOfTime is when nothing happens any more.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

func (d *deployment) active() bool { return d.State == accepted || d.State == running }

// scope is where the deployment deploys: a resource group or a subscription.
func (d *deployment) scope() string { return scopeOf(d.ID) }

func scopeOf(deployment string) string {
	return deployment[:strings.LastIndex(strings.ToLower(deployment), "/providers/microsoft.resources/deployments/")]
}

// atGroup tells whether a scope is a resource group.
func atGroup(scope string) bool { return strings.Count(scope, "/") == 4 }

// deployer carries out deployments. Each is carried out in steps, which are written down, so that it goes on after a restart where it was.
type deployer struct {
	server *Server
	// only tells that nothing but a fork of the engine may change.
	only bool

	work sync.Mutex // held by who carries something out; taken before the engine's locks
	runs map[string]*deploymentRun

	mu   sync.RWMutex // after the engine's locks
	all  map[string]*deployment
	keys map[string]kept // of the records
}

// kept is a record that was written: its revision, or the write that gives it one.
type kept struct {
	revision uint64
	flight   *flight
}

// The beginnings of the keys of the records.
const (
	requestsAt = "deployment/requests/"
	progressAt = "deployment/progress/"
)

func newDeployer(s *Server) *deployer {
	return &deployer{server: s, runs: map[string]*deploymentRun{}, all: map[string]*deployment{}, keys: map[string]kept{}}
}

// load brings back the deployments that the store has. Those that ran go on at once.
func (d *deployer) load() error {
	progress := map[string]deploymentProgress{}
	err := d.server.config.Store.Load(func(r Record) error {
		if key, ok := strings.CutPrefix(r.Key, requestsAt); ok {
			x := &deployment{key: key}
			if err := json.Unmarshal(r.Value, &x.deploymentRequest); err != nil {
				return fmt.Errorf("the record of %s: %w", r.Key, err)
			}
			d.all[key] = x
		} else if key, ok := strings.CutPrefix(r.Key, progressAt); ok {
			var p deploymentProgress
			if err := json.Unmarshal(r.Value, &p); err != nil {
				return fmt.Errorf("the record of %s: %w", r.Key, err)
			}
			progress[key] = p
		} else {
			return nil
		}
		d.keys[r.Key] = kept{revision: r.Revision}
		return nil
	})
	for key, x := range d.all {
		if x.deploymentProgress = progress[key]; x.Of != x.Operation { // nothing of it was begun
			x.deploymentProgress = deploymentProgress{Of: x.Operation, State: accepted, Changed: x.Started}
		}
		for i := range x.Steps {
			if s := &x.Steps[i]; s.Error != nil {
				s.Error.Status = s.Status
			}
		}
	}
	return err
}

// get is a deployment, nil when there is none.
func (d *deployer) get(id string) *deployment {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.all[strings.ToLower(id)]
}

// below are the deployments of a scope, by key.
func (d *deployer) below(scope string) []*deployment {
	prefix := strings.ToLower(scope) + "/providers/microsoft.resources/deployments/"
	d.mu.RLock()
	defer d.mu.RUnlock()
	var out []*deployment
	for key, x := range d.all {
		if strings.HasPrefix(key, prefix) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *deployment) int { return strings.Compare(a.key, b.key) })
	return out
}

// due implements beside.
func (d *deployer) due() (at time.Time, ok bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, x := range d.all {
		if x.active() && x.next.Before(endOfTime) && (!ok || x.next.Before(at)) {
			at, ok = x.next, true
		}
	}
	return at, ok
}

// left implements beside: the deployments of a group go with it.
func (d *deployer) left(group string) {
	for _, x := range d.below(group) {
		_ = d.forget(x) // the group is gone already; a store that fails says so to the next who writes
	}
}

// record begins the write of a record; nil deletes it. It wants the engine's write.
func (d *deployer) record(key string, v any) *Error {
	e := d.server.engine
	d.mu.RLock()
	was, had := d.keys[key]
	d.mu.RUnlock()
	w := Write{Key: key, Was: was.revision, Delete: v == nil}
	if v == nil && !had {
		return nil
	}
	var err error
	if v != nil {
		if w.Value, err = json.Marshal(v); err != nil {
			return e.broken(err)
		}
		if err := checkRecord(key, w.Value); err != nil {
			return refuse(http.StatusBadRequest, codeTooLarge, "The deployment is too large: %v.", err)
		}
	}
	if was.flight != nil {
		if w.Was, err = was.flight.Wait(); err != nil {
			return e.broken(err)
		}
	}
	writing := e.store.Begin(w)
	if writing.Ended() && writing.err != nil {
		return e.broken(writing.err)
	}
	f := e.begun(writing)
	d.mu.Lock()
	defer d.mu.Unlock()
	if v == nil {
		delete(d.keys, key)
	} else {
		d.keys[key] = kept{flight: f}
	}
	return nil
}

// forget takes a deployment away, not what it deployed. It wants the engine's write.
func (d *deployer) forget(x *deployment) *Error {
	d.mu.Lock()
	delete(d.all, x.key)
	d.mu.Unlock()
	// The request last: without it, there is nothing.
	if err := d.record(progressAt+x.key, nil); err != nil {
		return err
	}
	return d.record(requestsAt+x.key, nil)
}

// place puts a deployment where everybody finds it, and writes it: its progress, and the whole where its request is another. One that is not
// fresh and is gone meanwhile stays so.
func (d *deployer) place(x *deployment, whole, fresh bool) *Error {
	e := d.server.engine
	e.write.Lock()
	defer e.write.Unlock()
	if was := d.get(x.key); !fresh && (was == nil || was.Operation != x.Operation) {
		delete(d.runs, x.key)
		return nil
	}
	if whole {
		if err := d.record(requestsAt+x.key, x.deploymentRequest); err != nil {
			return err
		}
	}
	if err := d.record(progressAt+x.key, x.deploymentProgress); err != nil {
		return err
	}
	d.mu.Lock()
	d.all[x.key] = x
	d.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
	return nil
}

// sentDeployment is the body of a deployment as clients send it.
type sentDeployment struct {
	Location   string
	Tags       map[string]string
	Properties *struct {
		Mode              string
		Template          json.RawMessage
		TemplateLink      json.RawMessage
		Parameters        json.RawMessage
		ParametersLink    json.RawMessage
		OnErrorDeployment json.RawMessage
		DebugSetting      *struct{ DetailLevel string }
		WhatIfSettings    *struct{ ResultFormat string }
	}
}

// readDeployment reads a body and refuses what cannot be deployed whatever the template says.
func readDeployment(b []byte) (*sentDeployment, *Error) {
	if _, err := readObject(b); err != nil {
		return nil, err
	}
	bad := func(target, format string, args ...any) (*sentDeployment, *Error) {
		return nil, refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content was invalid and could not be deserialized: '%s'.", fmt.Sprintf(format, args...)).at(target)
	}
	var s sentDeployment
	if err := json.Unmarshal(b, &s); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return bad(wrong.Field, "%s cannot be a %s", wrong.Field, wrong.Value)
		}
		return bad("", "%v", err)
	}
	p := s.Properties
	if p == nil {
		return bad("properties", "a deployment needs properties")
	}
	given := func(b json.RawMessage) bool { return len(b) > 0 && string(b) != "null" }
	switch {
	case given(p.TemplateLink), given(p.ParametersLink):
		return nil, refuse(http.StatusBadRequest, "InvalidContentLink", "This endpoint fetches nothing: templates and parameters have to be in the request, not behind a link (templateLink, parametersLink).").at("properties")
	case given(p.OnErrorDeployment):
		return bad("properties.onErrorDeployment", "this endpoint has no onErrorDeployment: what was deployed before an error stays, and can be deployed again")
	case !given(p.Template):
		return bad("properties.template", "a deployment needs a template")
	case p.Template[0] != '{':
		return bad("properties.template", "the template is no object")
	case given(p.Parameters) && p.Parameters[0] != '{':
		return bad("properties.parameters", "the parameters are no object")
	}
	switch strings.ToLower(p.Mode) {
	case "incremental":
		p.Mode = incremental
	case "complete":
		p.Mode = complete
	default:
		return bad("properties.mode", "the mode '%.40s' is not Incremental or Complete", p.Mode)
	}
	if !given(p.Parameters) {
		p.Parameters = nil
	}
	return &s, nil
}

// templateHash is a number that stands for a template's content, however it is spaced (AssumeDeployments).
func templateHash(b []byte) (minified []byte, hash string, _ *Error) {
	var small bytes.Buffer
	if err := json.Compact(&small, b); err != nil {
		return nil, "", refuse(http.StatusBadRequest, "InvalidTemplate", "The template is not JSON: %v.", err)
	}
	sum := sha256.Sum256(small.Bytes())
	return small.Bytes(), strconv.FormatUint(binary.BigEndian.Uint64(sum[:8]), 10), nil
}

// invalidTemplate is a mistake in a template as Azure tells of it.
func (e *engine) invalidTemplate(err error) *Error {
	var mine *Error
	if errors.As(err, &mine) {
		return mine
	}
	var t *template.Error
	if !errors.As(err, &t) {
		return refuse(http.StatusBadRequest, "InvalidTemplate", "Deployment template validation failed: '%v'.", err)
	}
	place := ""
	if t.Path != "" {
		place += " at '" + t.Path + "'"
	}
	if t.Line > 0 {
		place += fmt.Sprintf(" at line '%d' and column '%d'", t.Line, t.Column)
	}
	if place != "" {
		place = " (the template" + place + ")"
	}
	code := t.Code
	if code == "" {
		code = "InvalidTemplate"
	}
	out := refuse(e.status(code), code, "Deployment template validation failed: '%s'%s.", strings.TrimSuffix(t.Message, "."), place).at(t.Path)
	out.More = []ErrorInfo{{Type: "TemplateViolation", Info: object{"lineNumber": t.Line, "linePosition": t.Column, "path": t.Path}}}
	return out
}

// instantiate expands the template of a deployment.
func (d *deployer) instantiate(x *deployment) (*template.Instance, *Error) {
	e := d.server.engine
	t, err := template.Parse("", x.Template)
	if err != nil {
		return nil, e.invalidTemplate(err)
	}
	params := map[string]json.RawMessage{}
	if x.Parameters != nil {
		if params, err = template.Parameters(x.Parameters); err != nil {
			return nil, e.invalidTemplate(err)
		}
	}
	inst, err := t.Instantiate(d.scopeOf(x), params, template.Limits{})
	if err != nil {
		return nil, e.invalidTemplate(err)
	}
	return inst, nil
}

// scopeOf is what the functions of a template answer about where it is deployed.
func (d *deployer) scopeOf(x *deployment) template.Scope {
	s, scope := d.server, x.scope()
	p, _ := azure.ParseID(x.ID)
	tenant := s.config.Gate.Directory.Tenant()
	out := template.Scope{
		Level:       template.Subscription,
		Tenant:      object{"tenantId": tenant, "displayName": s.config.Gate.Directory.TenantName(), "countryCode": ""},
		Deployer:    object{"objectId": x.By, "tenantId": tenant, "userPrincipalName": ""},
		Environment: s.environment(),
		Time:        x.Started,
	}
	sub, _ := s.config.Gate.Directory.Subscription(p.Subscription)
	out.Subscription = object{"id": "/subscriptions/" + sub.ID, "subscriptionId": sub.ID, "tenantId": tenant, "displayName": sub.Name}
	if atGroup(scope) {
		out.Level = template.ResourceGroup
		g := object{"id": scope, "name": azure.ID(scope).Name(), "type": "Microsoft.Resources/resourceGroups", "location": "", "tags": object{}, "properties": object{"provisioningState": succeeded}}
		if r := s.engine.get(scope); r != nil {
			g["location"] = text(r.body, "location")
			if t := mapOf(r.body["tags"]); t != nil {
				g["tags"] = t
			}
		} else {
			g["location"] = x.made[strings.ToLower(scope)]
		}
		out.ResourceGroup = g
	}
	props := object{"mode": x.Mode, "provisioningState": accepted, "templateHash": x.Hash, "template": x.Template}
	if x.Parameters != nil {
		props["parameters"] = x.Parameters
	}
	dep := object{"name": azure.ID(x.ID).Name(), "properties": props}
	if x.Location != "" {
		dep["location"] = x.Location
	}
	out.Deployment = dep
	ask := &exchange{Server: s}
	out.Providers = func(namespace, typ string) any {
		for _, n := range namespaces() {
			if !strings.EqualFold(n, namespace) {
				continue
			}
			b := ask.providerBody(n)
			if typ == "" {
				return b
			}
			for _, t := range b["resourceTypes"].([]any) {
				if strings.EqualFold(text(t.(object), "resourceType"), typ) {
					return object{"resourceType": text(t.(object), "resourceType"), "locations": t.(object)["locations"], "apiVersions": t.(object)["apiVersions"]}
				}
			}
		}
		return nil
	}
	n := 0
	out.NewGUID = func() string { n++; return derived("new", x.Operation, strconv.Itoa(n)) } // the same after a restart
	return out
}

// environment is what environment() answers.
func (s *Server) environment() object {
	url := s.config.Gate.Tokens.site.URL()
	return object{
		"name": "AzureCloud", "resourceManager": url + "/", "gallery": url + "/", "graph": url + "/", "portal": url,
		"authentication": object{"loginEndpoint": url + "/", "audiences": []any{url + "/"}, "tenant": "common", "identityProvider": "AAD"},
		"suffixes":       object{},
	}
}

// nodes are the resources that a template deploys, each after those that it depends on.
func nodes(inst *template.Instance) ([]*template.Resource, error) {
	order, err := inst.Order()
	if err != nil {
		return nil, err
	}
	return slices.Concat(order...), nil
}

// draft makes a deployment of what was sent, expanded and looked at, without beginning it. parent is the one that it is nested in.
func (d *deployer) draft(by *Principal, id string, s *sentDeployment, correlate string, parent *deployment) (*deployment, *Error) {
	e := d.server.engine
	p := s.Properties
	name := azure.ID(id).Name()
	if len(name) > maxDeploymentName {
		return nil, refuse(http.StatusBadRequest, "DeploymentNameLengthLimitExceeded", "The deployment name '%s' exceeds the %d characters that it may have.", name, maxDeploymentName).at("name")
	}
	if strings.TrimFunc(name, func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_' || r == '(' || r == ')'
	}) != "" {
		return nil, refuse(http.StatusBadRequest, "DeploymentNameInvalidCharacters", "The deployment name '%s' has other characters than letters, digits, '-', '.', '_', '(' and ')'.", name).at("name")
	}
	scope := scopeOf(id)
	x := &deployment{key: strings.ToLower(id), deploymentRequest: deploymentRequest{
		ID: id, Tags: s.Tags, Mode: p.Mode, Template: p.Template, Parameters: p.Parameters, By: by.ObjectID, Operation: e.guid(), Correlate: correlate, Started: e.now(),
	}}
	if parent != nil {
		x.Parent, x.Depth, x.made = parent.key, parent.Depth+1, parent.made
		if x.Depth > maxNested {
			return nil, refuse(http.StatusBadRequest, "InvalidTemplate", "Deployments are nested more than %d deep: '%s'.", maxNested, id)
		}
	}
	if p.DebugSetting != nil {
		x.Debug = p.DebugSetting.DetailLevel
	}
	if !atGroup(scope) {
		if s.Location == "" {
			return nil, refuse(http.StatusBadRequest, "LocationRequired", "The location property is required for this deployment: it is of a subscription.").at("location")
		}
		region, ok := e.catalog.Region(s.Location)
		if !ok {
			return nil, refuse(http.StatusBadRequest, "LocationNotAvailableForResourceType", "The provided location '%s' is not available for resource type '%s'.", s.Location, deploymentType).at("location")
		}
		x.Location = region.Name
		if old := d.get(id); old != nil && old.Location != region.Name {
			return nil, refuse(http.StatusConflict, "InvalidDeploymentLocation", "The deployment '%s' already exists in location '%s'. A deployment with the same name cannot be created in location '%s'. Please select a new name.", name, old.Location, region.Name).at("location")
		}
		if p.Mode == complete {
			return nil, refuse(http.StatusBadRequest, "InvalidRequestContent", "The mode Complete is for deployments to a resource group: the deployment '%s' is of a subscription.", name).at("properties.mode")
		}
	}
	if parent != nil && p.Mode == complete {
		return nil, refuse(http.StatusBadRequest, "InvalidTemplate", "The nested deployment '%s' has the mode Complete: it can only be Incremental. What it deploys counts for the mode of the deployment that it is in.", name).at("properties.mode")
	}
	var refusal *Error
	if _, x.Hash, refusal = templateHash(p.Template); refusal != nil {
		return nil, refusal
	}
	x.deploymentProgress = deploymentProgress{Of: x.Operation, State: accepted, Changed: x.Started}
	inst, refusal := d.instantiate(x)
	if refusal != nil {
		return nil, refusal
	}
	order, err := nodes(inst)
	if err != nil {
		return nil, e.invalidTemplate(err)
	}
	x.Values = inst.Parameters
	x.Providers, x.Dependencies = shownPlan(order)
	for _, r := range order {
		x.Validated = append(x.Validated, r.ID)
	}
	if err := d.preflight(by, x, order); err != nil {
		return nil, err
	}
	return x, nil
}

// shownPlan is what a deployment shows of the resources of its template: by provider, and what depends on what.
func shownPlan(order []*template.Resource) (providers, dependencies []any) {
	types := map[string]map[string][]string{}
	for _, r := range order {
		ns, rest, _ := strings.Cut(r.Type, "/")
		if types[ns] == nil {
			types[ns] = map[string][]string{}
		}
		at := types[ns][rest]
		if r.Location != "" && !slices.Contains(at, r.Location) {
			at = append(at, r.Location)
		}
		types[ns][rest] = at
		if len(r.DependsOn) == 0 {
			continue
		}
		var on []any
		for _, id := range r.DependsOn {
			p, err := azure.ParseID(id)
			if err != nil {
				continue
			}
			on = append(on, object{"id": id, "resourceType": typeOfID(p), "resourceName": nameOfID(p, id)})
		}
		dependencies = append(dependencies, object{"id": r.ID, "resourceType": r.Type, "resourceName": r.Name, "dependsOn": on})
	}
	for _, ns := range sortedKeys(types) {
		var list []any
		for _, t := range sortedKeys(types[ns]) {
			places := anys(types[ns][t])
			if len(places) == 0 {
				places = []any{nil}
			}
			list = append(list, object{"resourceType": t, "locations": places})
		}
		providers = append(providers, object{"namespace": ns, "resourceTypes": list})
	}
	return providers, dependencies
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// typeOfID and nameOfID are the type and the whole name of what an id names, of groups too.
func typeOfID(p azure.ParsedID) string {
	switch {
	case p.Provider != "":
		return p.Type()
	case p.ResourceGroup != "":
		return groupType
	}
	return "Microsoft.Resources/subscriptions"
}

func nameOfID(p azure.ParsedID, id string) string {
	if p.Provider != "" {
		return strings.Join(p.Names, "/")
	}
	return azure.ID(id).Name()
}
