package adopt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"onramp/azure"
	"onramp/cloud"
)

// Scope is what of an endpoint is read.
type Scope struct {
	// Subscriptions are GUIDs; none are all that whoever signs in can see.
	Subscriptions []string
	// Groups are names of resource groups; none are all.
	Groups []string
	// Learned asks for the routes that the peerings have from the premises.
	Learned bool
}

// learnedAt is where a route was learned; circuit is an id's key, path is primary or secondary.
type learnedAt struct{ circuit, peering, path string }

// parallel is how many requests are under way at a time.
const parallel = 8

const (
	typeGroup      = "Microsoft.Resources/resourceGroups"
	typeAssignment = "Microsoft.Authorization/roleAssignments"
	typeDefinition = "Microsoft.Authorization/roleDefinitions"
)

// endpointReader reads an endpoint; what several goroutines write is behind mu.
type endpointReader struct {
	e     *cloud.Endpoint
	scope Scope
	mu    sync.Mutex
	f     *Found
	seen  map[string]bool // ids that were read
	above map[string]bool // role assignments at subscriptions and above them
}

// FromEndpoint reads what an endpoint has. What may not be read is in the notes; the error is trouble of the endpoint, or that it has
// nothing of what was asked for.
func FromEndpoint(ctx context.Context, e *cloud.Endpoint, s Scope) (*Found, error) {
	r := &endpointReader{e: e, scope: s, seen: map[string]bool{}, above: map[string]bool{}}
	r.f = &Found{Source: Source{Name: e.URL(), Kind: KindEndpoint}, learned: map[learnedAt][]string{}, subscriptions: map[string]string{}}
	subs, err := e.Subscriptions(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range subs {
		if !e.Public() { // names there are for people, and need not be plain
			r.f.subscriptions[strings.ToLower(x.ID)] = x.Name
		}
	}
	want := s.Subscriptions
	if len(want) == 0 {
		for _, x := range subs {
			want = append(want, x.ID)
		}
	}
	for _, sub := range want {
		if err := r.subscription(ctx, sub); err != nil {
			return nil, err
		}
	}
	if n := len(r.above); n > 0 {
		r.note(LeftOut, "", "role assignments at subscriptions or above them are not the estate's and are left out: %d", n)
	}
	if s.Learned {
		if err := r.routes(ctx); err != nil {
			return nil, err
		}
	}
	return r.f, nil
}

// wants tells whether a resource is in a group that is asked for.
func (r *endpointReader) wants(id azure.ID) bool {
	p, err := azure.ParseID(string(id))
	for err == nil && p.Scope != "" {
		p, err = azure.ParseID(string(p.Scope))
	}
	if err != nil || p.ResourceGroup == "" {
		return false
	}
	return len(r.scope.Groups) == 0 || slices.ContainsFunc(r.scope.Groups, func(g string) bool { return strings.EqualFold(g, p.ResourceGroup) })
}

// take takes a resource in as it is answered.
func (r *endpointReader) take(b json.RawMessage) (object, error) {
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("%s answers what is no resource: %w", r.f.Source.Name, err)
	}
	id := azure.ID(text(o, "id"))
	p, err := azure.ParseID(string(id))
	if err != nil {
		return nil, fmt.Errorf("%s answers a resource without an id: %w", r.f.Source.Name, err)
	}
	if text(o, "type") == "" {
		o["type"] = p.Type()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen[id.Key()] {
		return o, nil
	}
	r.seen[id.Key()] = true
	return o, r.f.add(piece{body: o, at: string(id)})
}

func (r *endpointReader) note(kind string, at string, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.f.note(kind, piece{at: at}, "", format, args...)
}

// refused tells that an endpoint answered, and said no.
func refused(err error, status ...int) bool {
	var no *azcore.ResponseError
	return errors.As(err, &no) && (len(status) == 0 || slices.Contains(status, no.StatusCode))
}

// subscription reads one subscription.
func (r *endpointReader) subscription(ctx context.Context, sub string) error {
	root := "/subscriptions/" + sub
	groups, err := r.e.List(ctx, root+"/resourcegroups", typeGroup, nil)
	if refused(err, http.StatusForbidden, http.StatusNotFound) {
		r.note(NotRead, root, "the subscription cannot be read: %s", reason(err))
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range groups {
		var g struct{ ID azure.ID }
		if err := json.Unmarshal(b, &g); err != nil {
			return err
		}
		if !r.wants(g.ID) {
			continue
		}
		if _, err := r.take(b); err != nil {
			return err
		}
	}
	list, err := r.e.List(ctx, root+"/resources", "Microsoft.Resources/resources", nil)
	if err != nil {
		return err
	}
	if err := r.indexed(ctx, list); err != nil {
		return err
	}
	return r.roles(ctx, root)
}

// collection is a list of resources that are read together.
type collection struct {
	path, typ string
	members   []json.RawMessage // as the index of all resources has them
}

// indexed reads the resources of an index, which has no properties: type by type in each group where Microsoft.Network has them.
func (r *endpointReader) indexed(ctx context.Context, list []json.RawMessage) error {
	by := map[string]*collection{}
	for _, b := range list {
		var x struct {
			ID   azure.ID
			Type string
		}
		if err := json.Unmarshal(b, &x); err != nil {
			return err
		}
		if !r.wants(x.ID) || strings.Count(x.Type, "/") > 1 && strings.HasPrefix(strings.ToLower(x.Type), strings.ToLower(network)) {
			continue // children are read with what they belong to
		}
		path := string(x.ID[:max(strings.LastIndexByte(string(x.ID), '/'), 0)])
		k := strings.ToLower(path)
		if by[k] == nil {
			by[k] = &collection{path: path, typ: x.Type}
		}
		by[k].members = append(by[k].members, b)
	}
	var all []*collection
	for _, k := range sortedKeys(by) {
		all = append(all, by[k])
	}
	return cloud.Each(ctx, parallel, all, r.collection)
}

func (r *endpointReader) collection(ctx context.Context, c *collection) error {
	if !strings.HasPrefix(strings.ToLower(c.typ), strings.ToLower(network)) {
		for _, b := range c.members {
			o, err := r.take(b)
			if err != nil {
				return err
			}
			r.note(NotRead, text(o, "id"), "of a resource of type %s only what every resource has was read, not its properties", c.typ)
		}
		return nil
	}
	list, err := r.e.List(ctx, c.path, c.typ, nil)
	if err != nil && !refused(err) {
		return err
	}
	for _, b := range list {
		o, err := r.take(b)
		if err != nil {
			return err
		}
		if err := r.children(ctx, o); err != nil {
			return err
		}
	}
	for _, b := range c.members { // what the list has not
		var x struct{ ID azure.ID }
		if err := json.Unmarshal(b, &x); err != nil {
			return err
		}
		r.mu.Lock()
		have := r.seen[x.ID.Key()]
		r.mu.Unlock()
		if have {
			continue
		}
		whole, err := r.e.Get(ctx, x.ID)
		switch {
		case errors.Is(err, cloud.ErrNotFound): // it went meanwhile
			continue
		case refused(err):
			r.note(NotRead, string(x.ID), "only what every resource has was read: %s", reason(err))
			whole = b
		case err != nil:
			return err
		}
		o, err := r.take(whole)
		if err != nil {
			return err
		}
		if err := r.children(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// children reads the resources that belong to another one and are not in it.
func (r *endpointReader) children(ctx context.Context, o object) error {
	var names []string
	switch {
	case is(o, network+"firewallPolicies"):
		names = []string{"ruleCollectionGroups"}
	case is(o, network+"virtualHubs"):
		names = []string{"ipConfigurations", "bgpConnections"}
	}
	for _, n := range names {
		list, err := r.e.List(ctx, text(o, "id")+"/"+n, text(o, "type")+"/"+n, nil)
		if refused(err) {
			r.note(NotRead, text(o, "id"), "its %s cannot be read: %s", n, reason(err))
			continue
		}
		if err != nil {
			return err
		}
		for _, b := range list {
			if _, err := r.take(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// roles reads the assignments to what was read, and the custom roles that they give.
func (r *endpointReader) roles(ctx context.Context, root string) error {
	list, err := r.e.List(ctx, root+"/providers/"+typeAssignment, typeAssignment, nil)
	if refused(err) {
		r.note(NotRead, root, "role assignments cannot be read: %s", reason(err))
		return nil
	}
	if err != nil {
		return err
	}
	given := map[string]bool{}
	for _, b := range list {
		var a struct {
			ID         azure.ID                       `json:"id"`
			Properties azure.RoleAssignmentProperties `json:"properties"`
		}
		if err := json.Unmarshal(b, &a); err != nil {
			return err
		}
		if p, err := azure.ParseID(string(a.Properties.Scope)); err != nil || p.ResourceGroup == "" {
			r.above[a.ID.Key()] = true
			continue
		}
		if !r.wants(a.Properties.Scope) {
			continue
		}
		given[strings.ToLower(a.Properties.RoleDefinitionID.Name())] = true
		if _, err := r.take(b); err != nil {
			return err
		}
	}
	list, err = r.e.List(ctx, root+"/providers/"+typeDefinition, typeDefinition, url.Values{"$filter": {"type eq 'CustomRole'"}})
	if refused(err) {
		r.note(NotRead, root, "role definitions cannot be read: %s", reason(err))
		return nil
	}
	if err != nil {
		return err
	}
	for _, b := range list {
		var d struct{ ID azure.ID }
		if err := json.Unmarshal(b, &d); err != nil {
			return err
		}
		if !given[strings.ToLower(d.ID.Name())] {
			continue
		}
		if _, err := r.take(b); err != nil {
			return err
		}
	}
	return nil
}

// routes reads what the peerings of circuits have from the premises: the routes whose next hop is the router at the other end of the link.
func (r *endpointReader) routes(ctx context.Context) error {
	type table struct {
		circuit azure.ID
		peering string
		path    string
		hops    []string
	}
	var all []table
	for _, p := range r.f.pieces {
		if !is(p.body, network+"expressRouteCircuits") {
			continue
		}
		for _, x := range objects(p.body, "properties", "peerings") {
			for half, path := range paths() {
				all = append(all, table{azure.ID(text(p.body, "id")), text(x, "name"), path, customerEnds(x, half)})
			}
		}
	}
	return cloud.Each(ctx, parallel, all, func(ctx context.Context, t table) error {
		b, err := r.e.Post(ctx, t.circuit, "peerings/"+t.peering+"/routeTables/"+t.path, nil, nil)
		if refused(err) {
			r.note(NotRead, string(t.circuit)+"/peerings/"+t.peering, "the routes of its %s connection cannot be read: %s", t.path, reason(err))
			return nil
		}
		if err != nil {
			return err
		}
		var answer struct {
			Value []struct{ Network, NextHop string }
		}
		if err := json.Unmarshal(b, &answer); err != nil {
			return err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		at := learnedAt{t.circuit.Key(), t.peering, t.path}
		for _, x := range answer.Value {
			if slices.Contains(t.hops, x.NextHop) {
				r.f.learned[at] = append(r.f.learned[at], x.Network)
			}
		}
		return nil
	})
}

// reason is why an endpoint refused: its code, with the status.
func reason(err error) string {
	var no *azcore.ResponseError
	if errors.As(err, &no) {
		return fmt.Sprintf("%s (%d)", no.ErrorCode, no.StatusCode)
	}
	return err.Error()
}
