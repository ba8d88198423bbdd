// Package azure holds Azure's networking resources as typed values in Azure's own JSON shape: what a design consists of and
// what an endpoint stores. It decides what Azure itself refuses (Validate) and nothing else: no routing, no defaults of a
// pattern. Properties that it does not know survive reading and writing.
//
// Source: the Azure Resource Manager interface of Microsoft.Network as its public SDKs send it, against whose structs the
// tests compare.
package azure

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Extra holds the JSON properties of an object that its type does not name.
type Extra map[string]json.RawMessage

// Resource is any ARM resource.
type Resource interface {
	// Head returns the part that all resources have.
	Head() *Header
}

// Header is what every ARM resource has around its properties.
type Header struct {
	ID       ID                `json:"id"`
	Name     string            `json:"name"`
	Type     string            `json:"type"`
	Location string            `json:"location,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
	Zones    []string          `json:"zones,omitempty"`
	Etag     string            `json:"etag,omitempty"`
	Extra    Extra             `json:"-"`
}

// Head returns the header itself.
func (h *Header) Head() *Header { return h }

// Ref is a reference to another resource.
type Ref struct {
	ID    ID    `json:"id,omitempty"`
	Extra Extra `json:"-"`
}

// Unknown is a resource of a type that this package does not model; everything beside the header is in Extra.
type Unknown struct {
	Header
}

// makers gives an empty resource of each modelled type, by lower-case type name.
var makers = map[string]func() Resource{
	"microsoft.resources/resourcegroups":                      func() Resource { return &ResourceGroup{} },
	"microsoft.network/virtualnetworks":                       func() Resource { return &VirtualNetwork{} },
	"microsoft.network/expressroutecircuits":                  func() Resource { return &ExpressRouteCircuit{} },
	"microsoft.network/expressrouteports":                     func() Resource { return &ExpressRoutePort{} },
	"microsoft.network/virtualnetworkgateways":                func() Resource { return &VirtualNetworkGateway{} },
	"microsoft.network/connections":                           func() Resource { return &VirtualNetworkGatewayConnection{} },
	"microsoft.network/routetables":                           func() Resource { return &RouteTable{} },
	"microsoft.network/routefilters":                          func() Resource { return &RouteFilter{} },
	"microsoft.network/publicipaddresses":                     func() Resource { return &PublicIPAddress{} },
	"microsoft.network/networksecuritygroups":                 func() Resource { return &NetworkSecurityGroup{} },
	"microsoft.network/azurefirewalls":                        func() Resource { return &AzureFirewall{} },
	"microsoft.network/firewallpolicies":                      func() Resource { return &FirewallPolicy{} },
	"microsoft.network/firewallpolicies/rulecollectiongroups": func() Resource { return &FirewallPolicyRuleCollectionGroup{} },
	"microsoft.network/virtualhubs":                           func() Resource { return &VirtualHub{} },
	"microsoft.authorization/roleassignments":                 func() Resource { return &RoleAssignment{} },
	"microsoft.authorization/roledefinitions":                 func() Resource { return &RoleDefinition{} },
}

// Models tells whether a type, written in any case, is one of those that have a Go type of their own here.
func Models(typ string) bool { _, ok := makers[strings.ToLower(typ)]; return ok }

// typeOrder is the order in which a list of resources is printed: what others refer to first.
func typeOrder() []string {
	return []string{"microsoft.resources/resourcegroups", "microsoft.authorization/roledefinitions", "microsoft.network/routetables", "microsoft.network/networksecuritygroups",
		"microsoft.network/publicipaddresses", "microsoft.network/routefilters", "microsoft.network/virtualnetworks", "microsoft.network/firewallpolicies",
		"microsoft.network/firewallpolicies/rulecollectiongroups", "microsoft.network/azurefirewalls", "microsoft.network/virtualhubs", "microsoft.network/expressrouteports",
		"microsoft.network/expressroutecircuits", "microsoft.network/virtualnetworkgateways", "microsoft.network/connections", "microsoft.authorization/roleassignments"}
}

// Unmarshal reads one resource; a type that is not modelled gives an *Unknown. The error names the resource.
func Unmarshal(b []byte) (Resource, error) {
	var head struct {
		ID   string `json:"id"`
		Type string `json:"type"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("resource: %w", err)
	}
	if head.Type == "" {
		return nil, errors.New("resource " + head.ID + ": it has no type; every ARM resource says what it is, e.g. Microsoft.Network/virtualNetworks")
	}
	var r Resource = &Unknown{}
	if f, ok := makers[strings.ToLower(head.Type)]; ok {
		r = f()
	}
	if err := decode(b, r); err != nil {
		return nil, fmt.Errorf("resource %s (%s): %w", head.ID, head.Type, err)
	}
	return r, nil
}

// Marshal writes one resource in Azure's shape: the known properties in their order, then the unknown ones by name.
func Marshal(r Resource) ([]byte, error) { return encode(r) }

// Resources is a list of resources, such as a design holds.
type Resources []Resource

// MarshalJSON writes the list as an array.
func (rs Resources) MarshalJSON() ([]byte, error) {
	list := make([]json.RawMessage, len(rs))
	for i, r := range rs {
		b, err := Marshal(r)
		if err != nil {
			return nil, err
		}
		list[i] = b
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads an array of resources.
func (rs *Resources) UnmarshalJSON(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		return err
	}
	*rs = make(Resources, len(list))
	for i, x := range list {
		r, err := Unmarshal(x)
		if err != nil {
			return fmt.Errorf("resources[%d]: %w", i, err)
		}
		(*rs)[i] = r
	}
	return nil
}

// Sort puts the list into printing order: by type, what others refer to first, then by id.
func (rs Resources) Sort() {
	order := map[string]int{}
	for i, t := range typeOrder() {
		order[t] = i
	}
	rank := func(r Resource) int {
		if i, ok := order[strings.ToLower(r.Head().Type)]; ok {
			return i
		}
		return len(order)
	}
	type ranked struct {
		rank int
		key  string
		r    Resource
	}
	list := make([]ranked, len(rs))
	for i, r := range rs {
		list[i] = ranked{rank(r), r.Head().ID.Key(), r}
	}
	slices.SortStableFunc(list, func(a, b ranked) int { return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.key, b.key)) })
	for i := range list {
		rs[i] = list[i].r
	}
}

// Get returns the resource with this id, compared without case, or nil.
func (rs Resources) Get(id ID) Resource {
	for _, r := range rs {
		if r.Head().ID.Equal(id) {
			return r
		}
	}
	return nil
}

// Of returns the resources of one Go type, in the list's order.
func Of[T Resource](rs Resources) []T {
	var out []T
	for _, r := range rs {
		if t, ok := r.(T); ok {
			out = append(out, t)
		}
	}
	return out
}
