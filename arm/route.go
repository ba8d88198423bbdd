package arm

import (
	"fmt"
	"slices"
	"strings"

	"onramp/catalog"
)

// route is an operation of Azure's interface with what serves it.
type route struct {
	op     catalog.ARMOperation
	serve  func(*exchange) *Error // nil where nothing does: 501
	kind   *kind                  // of the resource or the list that the path names
	action string                 // the right that it needs (Microsoft.Network/virtualNetworks/read)
	names  []string               // of the parameters, in the path's order
	scoped bool                   // the path begins with a {scope} of any length
	// network tells that it is Microsoft.Network's, and versions are the API versions in which that has the type.
	network  bool
	versions []string
}

// branch is a place in the tree of paths: the next part is one of the words, in lower case and as Azure writes it, or a parameter.
type branch struct {
	words  map[string]*branch
	param  *branch
	routes map[string]*route // by method
}

func (b *branch) grow(parts []string) *branch {
	for _, p := range parts {
		var next *branch
		if strings.HasPrefix(p, "{") {
			if b.param == nil {
				b.param = &branch{}
			}
			next = b.param
		} else {
			low := strings.ToLower(p)
			if b.words == nil {
				b.words = map[string]*branch{}
			}
			if b.words[low] == nil {
				b.words[low] = &branch{}
			}
			next = b.words[low]
			b.words[p] = next // as Azure and nearly all clients write it
		}
		b = next
	}
	return b
}

// find follows a path, words before parameters, and gathers what the parameters stand for.
func (b *branch) find(parts []string, values []string) (*branch, []string) {
	if len(parts) == 0 {
		if b.routes == nil {
			return nil, nil
		}
		return b, values
	}
	next := b.words[parts[0]]
	if next == nil {
		next = b.words[strings.ToLower(parts[0])]
	}
	if next != nil {
		if found, v := next.find(parts[1:], values); found != nil {
			return found, v
		}
	}
	if b.param != nil {
		return b.param.find(parts[1:], append(values, parts[0])) // what another way has put behind them is not wanted any more
	}
	return nil, nil
}

// router finds the operation of a request.
type router struct {
	root   branch
	scoped branch // what comes after a scope
	all    []*route
}

// unlisted are operations that clients need and operations.csv lacks (AssumeUnlisted).
func unlisted() []catalog.ARMOperation {
	const (
		group  = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}"
		policy = group + "/providers/Microsoft.Network/firewallPolicies/{firewallPolicyName}"
		rules  = policy + "/ruleCollectionGroups"
	)
	op := func(id, method, path, success string, long bool) catalog.ARMOperation {
		o := catalog.ARMOperation{ID: id, Method: method, Path: path, LongRunning: long, Pageable: strings.Contains(id, "_List"), HasBody: method == "PUT" || method == "PATCH", APIVersion: "2025-05-01"}
		if long {
			o.FinalState = "AzureAsyncOp"
		}
		for _, s := range strings.Split(success, "|") {
			n := 0
			_, _ = fmt.Sscan(s, &n)
			o.Success = append(o.Success, n)
		}
		return o
	}
	return []catalog.ARMOperation{
		op("Subscriptions_List", "GET", "/subscriptions", "200", false),
		op("Subscriptions_Get", "GET", "/subscriptions/{subscriptionId}", "200", false),
		op("Subscriptions_ListLocations", "GET", "/subscriptions/{subscriptionId}/locations", "200", false),
		op("Resources_List", "GET", "/subscriptions/{subscriptionId}/resources", "200", false),
		op("Resources_ListByResourceGroup", "GET", group+"/resources", "200", false),
		op("FirewallPolicies_CreateOrUpdate", "PUT", policy, "200|201", true),
		op("FirewallPolicies_Get", "GET", policy, "200", false),
		op("FirewallPolicies_Delete", "DELETE", policy, "200|202|204", true),
		op("FirewallPolicies_UpdateTags", "PATCH", policy, "200", false),
		op("FirewallPolicies_List", "GET", group+"/providers/Microsoft.Network/firewallPolicies", "200", false),
		op("FirewallPolicies_ListAll", "GET", "/subscriptions/{subscriptionId}/providers/Microsoft.Network/firewallPolicies", "200", false),
		op("FirewallPolicyRuleCollectionGroups_CreateOrUpdate", "PUT", rules+"/{ruleCollectionGroupName}", "200|201", true),
		op("FirewallPolicyRuleCollectionGroups_Get", "GET", rules+"/{ruleCollectionGroupName}", "200", false),
		op("FirewallPolicyRuleCollectionGroups_Delete", "DELETE", rules+"/{ruleCollectionGroupName}", "200|202|204", true),
		op("FirewallPolicyRuleCollectionGroups_List", "GET", rules, "200", false),
		op("AsyncOperations_Get", "GET", "/subscriptions/{subscriptionId}/providers/{resourceProviderNamespace}/locations/{location}/operations/{operationId}", "200", false),
		op("AsyncOperations_Result", "GET", "/subscriptions/{subscriptionId}/providers/{resourceProviderNamespace}/locations/{location}/operationResults/{operationId}", "200|202|204", false),
		op("AsyncOperations_Cancel", "POST", "/subscriptions/{subscriptionId}/providers/{resourceProviderNamespace}/locations/{location}/operations/{operationId}/cancel", "200|204", false),
		op("Deployments_OperationStatus", "GET", group+"/providers/Microsoft.Resources/deployments/{deploymentName}/operationStatuses/{operationId}", "200", false),
		op("Deployments_OperationStatusAtSubscriptionScope", "GET", "/subscriptions/{subscriptionId}/providers/Microsoft.Resources/deployments/{deploymentName}/operationStatuses/{operationId}", "200", false),
		op("Deployments_OperationStatusAtTenantScope", "GET", "/providers/Microsoft.Resources/deployments/{deploymentName}/operationStatuses/{operationId}", "200", false),
		op("AsyncOperations_ResultAtTenantScope", "GET", "/providers/{resourceProviderNamespace}/locations/{location}/operationResults/{operationId}", "200|202", false),
		op("ResourceGroups_DeletionResult", "GET", "/subscriptions/{subscriptionId}/operationresults/{operationId}", "200|202", false),
	}
}

// newRouter puts every operation into the tree, each with what serves it: a handler by name, or what its path says.
func newRouter(ops []catalog.ARMOperation, ks kinds, named map[string]func(*exchange) *Error) *router {
	rt := &router{}
	for _, op := range append(slices.Clone(ops), unlisted()...) {
		r := &route{op: op, serve: named[op.ID], network: strings.Contains(op.Path, "/providers/"+netProvider)}
		path := strings.TrimSuffix(op.Path, "/")
		root := &rt.root
		if rest, ok := strings.CutPrefix(path, "/{scope}"); ok {
			path, root, r.scoped = rest, &rt.scoped, true
		} else if i := strings.LastIndex(path, "/providers/"); strings.Contains(path, "/{parentResourcePath}/") { // of any number of parts
			path, root, r.scoped = path[i:], &rt.scoped, true
		} else if strings.HasPrefix(path, "/{") { // a whole id in one parameter: the same paths as {scope}'s
			rt.all = append(rt.all, r)
			continue
		}
		parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
		for _, p := range parts {
			if strings.HasPrefix(p, "{") {
				r.names = append(r.names, strings.Trim(p, "{}"))
			}
		}
		r.classify(parts, ks)
		if a := deploymentAction(op); a != "" {
			r.action = a
		}
		leaf := root.grow(parts)
		if leaf.routes == nil {
			leaf.routes = map[string]*route{}
		}
		if old := leaf.routes[op.Method]; old == nil || old.serve == nil && r.serve != nil {
			leaf.routes[op.Method] = r
		}
		rt.all = append(rt.all, r)
	}
	slices.SortStableFunc(rt.all, func(a, b *route) int { return strings.Compare(a.op.ID, b.op.ID) })
	return rt
}

// classify works out what a path is about: the resource, list or action, and the right that it needs.
func (r *route) classify(parts []string, ks kinds) {
	i := -1
	for k, p := range parts {
		if strings.EqualFold(p, "providers") {
			i = k
		}
	}
	right := func(typ string) string { return ActionOf(r.op.Method, typ, "") }
	if i < 0 || i+1 >= len(parts) || strings.HasPrefix(parts[i+1], "{") {
		switch {
		case len(parts) >= 3 && strings.EqualFold(parts[2], "resourceGroups"):
			r.action = right("Microsoft.Resources/subscriptions/resourceGroups")
			if len(parts) > 4 { // something of the group's, such as its resources
				r.action = right("Microsoft.Resources/subscriptions/resourceGroups/" + parts[4])
			} else {
				r.kind = ks.of(groupType)
			}
		case len(parts) >= 3:
			r.action = right("Microsoft.Resources/subscriptions/" + strings.Trim(parts[2], "{}"))
		default:
			r.action = "Microsoft.Resources/subscriptions/read"
		}
		if strings.HasPrefix(r.op.ID, "Providers_") {
			r.action = right("Microsoft.Resources/subscriptions/providers")
		}
		if strings.HasPrefix(r.op.ID, "AsyncOperations_") || strings.HasPrefix(r.op.ID, "ResourceGroups_Deletion") {
			r.action = "" // whoever holds the id may ask
		}
	} else {
		typ := parts[i+1]
		last := ""
		for k := i + 2; k < len(parts); k++ {
			if !strings.HasPrefix(parts[k], "{") {
				last = parts[k]
				typ += "/" + last
			}
		}
		r.kind = ks.of(typ)
		if r.kind != nil {
			typ = r.kind.typ
		}
		r.action = right(typ)
	}
	if r.serve != nil || r.kind == nil {
		return
	}
	named := strings.HasPrefix(parts[len(parts)-1], "{")
	switch {
	case named && r.op.Method == "PUT":
		r.serve = (*exchange).put
	case named && r.op.Method == "GET":
		r.serve = (*exchange).get
	case named && r.op.Method == "DELETE":
		r.serve = (*exchange).delete
	case named && r.op.Method == "PATCH":
		r.serve = (*exchange).patch
	case named && r.op.Method == "HEAD":
		r.serve = (*exchange).head
	case !named && r.op.Method == "GET":
		r.serve = (*exchange).listing
	}
}

// matched is a request's route with its parameters.
type matched struct {
	*route
	params map[string]string
	scope  string // of a scoped route: what stands before it
}

// match finds the route of a method and a path; known tells that the path has other methods.
func (rt *router) match(method, path string) (f matched, known bool) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	take := func(b *branch, values []string, scope string) bool {
		if b == nil {
			return false
		}
		known = true
		r := b.routes[method]
		if r == nil {
			return false
		}
		f = matched{route: r, params: make(map[string]string, len(r.names)), scope: scope}
		for i, n := range r.names {
			f.params[n] = values[i]
		}
		return true
	}
	b, values := rt.root.find(parts, make([]string, 0, len(parts)))
	if take(b, values, "") && f.serve != nil {
		return f, true
	}
	whole := f
	// The last /providers/ begins what is done to the scope before it.
	for i := len(parts) - 2; i >= 0; i-- {
		if !strings.EqualFold(parts[i], "providers") {
			continue
		}
		b, values := rt.scoped.find(parts[i:], nil)
		if take(b, values, "/"+strings.Join(parts[:i], "/")) {
			return f, true
		}
		break
	}
	return whole, known
}
