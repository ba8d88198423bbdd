package azure

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/catalog"
)

// Problem is something that Azure would refuse, with the code that it would answer with.
type Problem struct {
	// Code is Azure's error code (errors.csv). BadRequest stands where Azure refuses a value and the code is not published.
	Code     string `json:"code"`
	Resource ID     `json:"resource"`
	At       string `json:"at"` // path of the property
	Value    string `json:"value"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Source   string `json:"source"`
}

// The codes that Validate gives, as the catalogue has them.
const (
	codeBadRequest       = "BadRequest"
	codeLocationRequired = "LocationRequired"
	codeReferenceMissing = "InvalidResourceReference"
	codeReferenceFormat  = "InvalidJsonReferenceFormat"
	codeReferenceType    = "InvalidJsonReferenceWrongType"
	codeReferenceNoID    = "MissingJsonReferenceId"
	codeTypeMismatch     = "MismatchingResourceSegments"
	codeCIDR             = "InvalidCIDRNotation"
	codePrefixMissing    = "AddressPrefixStringCannotBeNullOrEmpty"
	codeSubnetOverlap    = "NetcfgSubnetRangesOverlap"
	codeSubnetOutside    = "NetcfgSubnetRangeOutsideVnet"
	codeVNetInvalid      = "NetcfgInvalidVirtualNetworkSite"
	codeVNetsOverlap     = "VnetAddressSpacesOverlap"
	codeNoGateways       = "RemoteVnetHasNoGateways"
	codeSubnetRequired   = "SubnetIsRequired"
	codeIPConfigCount    = "InvalidIPConfigCount"
	codePublicIPRequired = "PublicIpForGatewayIsRequired"
	codeAddressOutside   = "PrivateIPAddressNotInSubnet"
	codeAddressReserved  = "PrivateIPAddressInReservedRange"
	codeNoProviderName   = "ExpressRouteCircuitServiceProviderNameNotSpecified"
	codeNoLocation       = "ExpressRouteCircuitServiceProviderPeeringLocationNotSpecified"
	codeNoProvider       = "ExpressRouteCircuitServiceProviderDoesNotExist"
	codeNotAtLocation    = "ExpressRouteCircuitLocationDoesNotExistForServiceProvider"
	codeNoPort           = "ExpressRouteCircuitCreateMissingPortProvisioningProperties"
	codePeersOverlap     = "VnetAddressSpaceOverlapsWithAlreadyPeeredVnet"
	codeInGatewaySubnet  = "GatewaySubnet"
	codeBasicAddress     = "PublicIpWithBasicSkuNotAllowedOnVPNGateways"
	codeZonesMissing     = "VmssVpnGatewayPublicIpsMustHaveZonesConfigured"
	codeNotAuthorized    = "LinkedAuthorizationFailed"
	codeNoParent         = "ParentResourceNotFound"
	codeNoGroup          = "ResourceGroupNotFound"
	codeNoRole           = "RoleDefinitionDoesNotExist"
)

// Validate says what Azure itself would refuse in a set of resources that is created as a whole, in the order of the resources.
// References are looked for in the set. It is what a design is checked with, and what an endpoint that behaves like Azure answers
// with. Sources: errors.csv for the codes, rules.csv and limits.yaml for the rules; each problem names its own.
func Validate(rs Resources, c *catalog.Catalog) []Problem {
	v := &validator{rs: rs, c: c, index: NewIndex(rs), byKey: map[string]Resource{}, order: map[string]int{}}
	for i, r := range rs {
		h := r.Head()
		if strings.EqualFold(h.Type, typeResourceGroup) {
			v.groups = true
		}
		if first, twice := v.byKey[h.ID.Key()]; twice {
			v.say(codeBadRequest, h.ID, "id", string(h.ID), fmt.Sprintf("%s and %s have the same id", first.Head().Name, h.Name), "give each resource its own name")
			continue
		}
		v.byKey[h.ID.Key()], v.order[h.ID.Key()] = r, i
	}
	for i, r := range rs {
		if v.order[r.Head().ID.Key()] != i {
			continue // the second of one id: what is wrong with it is that it is there
		}
		v.header(r)
		v.resource(r)
	}
	slices.SortStableFunc(v.found, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(v.order[a.Resource.Key()], v.order[b.Resource.Key()]), strings.Compare(a.At, b.At), strings.Compare(a.Code, b.Code))
	})
	return v.found
}

type validator struct {
	rs      Resources
	c       *catalog.Catalog
	index   *Index
	byKey   map[string]Resource
	order   map[string]int
	groups  bool              // the set holds resource groups: they are part of what is created
	sources map[string]string // where a code, a rule or a limit was read; nil until something is found
	found   []Problem
}

// source is where a code, a rule or a limit was read. An endpoint validates at each write, and most find nothing.
func (v *validator) source(of string) string {
	if v.sources == nil {
		v.sources = map[string]string{}
		for _, e := range v.c.ARMErrors() {
			v.sources[e.Code] = e.Source.Text
		}
		for _, r := range v.c.Rules() {
			v.sources[r.ID] = r.SourceFile
		}
		for _, l := range v.c.LimitRows() {
			v.sources[l.Key] = l.Source.Text
		}
	}
	return v.sources[of]
}

func (v *validator) say(code string, id ID, at, value, message, fix string) {
	v.found = append(v.found, Problem{Code: code, Resource: id, At: at, Value: value, Message: message, Fix: fix, Source: v.source(code)})
}

// refuse reports a value that Azure does not take without a published code of its own; basis is the rule or limit that forbids it.
func (v *validator) refuse(basis string, id ID, at, value, message, fix string) {
	v.found = append(v.found, Problem{Code: codeBadRequest, Resource: id, At: at, Value: value, Message: message, Fix: fix, Source: v.source(basis)})
}

func (v *validator) resource(r Resource) {
	switch r := r.(type) {
	case *VirtualNetwork:
		v.network(r)
	case *RouteTable:
		v.routeTable(r)
	case *RouteFilter:
		v.routeFilter(r)
	case *ExpressRouteCircuit:
		v.circuit(r)
	case *ExpressRoutePort:
		v.port(r)
	case *VirtualNetworkGateway:
		v.gateway(r)
	case *VirtualNetworkGatewayConnection:
		v.connection(r)
	case *AzureFirewall:
		v.firewall(r)
	case *FirewallPolicy:
		v.refers(r.ID, "properties.basePolicy", r.Properties.BasePolicy, typePolicy)
	case *RoleAssignment:
		if r.Properties.RoleDefinitionID == "" {
			v.say(codeNoRole, r.ID, "properties.roleDefinitionId", "", "the assignment names no role", "name one by its id")
		}
	}
}

// header checks what every resource has: an id that names its type, what it belongs to, and a location where the type has one.
func (v *validator) header(r Resource) {
	h := r.Head()
	p, err := ParseID(string(h.ID))
	if err != nil {
		v.say(codeBadRequest, h.ID, "id", string(h.ID), err.Error(), "write the id in full")
		return
	}
	if typ := p.Type(); !strings.EqualFold(typ, h.Type) {
		v.say(codeTypeMismatch, h.ID, "type", h.Type, "the id is that of a "+typ, "make id and type agree")
	}
	if v.groups && p.Scope == "" && p.Provider != "" && p.ResourceGroup != "" {
		g := ID("/subscriptions/" + p.Subscription + "/resourceGroups/" + p.ResourceGroup)
		if _, ok := v.byKey[g.Key()]; !ok {
			v.say(codeNoGroup, h.ID, "id", string(g), "there is no resource group "+p.ResourceGroup, "add it, or correct the id")
		}
	}
	if p.Scope == "" && len(p.Types) > 1 {
		if up := h.ID.Parent(); v.byKey[up.Key()] == nil {
			v.say(codeNoParent, h.ID, "id", string(up), up.Name()+", which it belongs to, is not there", "add it, or correct the id")
		}
	}
	if _, unknown := r.(*Unknown); unknown {
		return // whether it has a location is not known
	}
	if h.Location == "" && !strings.HasPrefix(strings.ToLower(h.Type), "microsoft.authorization/") && len(p.Types) < 2 {
		v.say(codeLocationRequired, h.ID, "location", "", "the resource has no location", "name the region")
	}
}

// refers checks a reference to a resource of type T in the set. Sub-resources (subnets, peerings) are found in their parent.
func (v *validator) refers(from ID, at string, ref *Ref, typ string) (Resource, bool) {
	if ref == nil {
		return nil, false
	}
	if ref.ID == "" {
		v.say(codeReferenceNoID, from, at, "", "the reference has no id", "name the "+typ)
		return nil, false
	}
	p, err := ParseID(string(ref.ID))
	if err != nil {
		v.say(codeReferenceFormat, from, at, string(ref.ID), err.Error(), "write the id in full")
		return nil, false
	}
	if got := p.Type(); !strings.EqualFold(got, typ) {
		v.say(codeReferenceType, from, at, string(ref.ID), "this is a "+got, "name a "+typ)
		return nil, false
	}
	r, ok := v.byKey[ref.ID.Key()]
	if !ok {
		v.say(codeReferenceMissing, from, at, string(ref.ID), "there is no "+typ+" of this id", "add it, or correct the reference")
	}
	return r, ok
}

// subnet finds the subnet that a reference names, with its VNet.
func (v *validator) subnet(from ID, at string, ref *Ref) (*VirtualNetwork, *Subnet) {
	if ref == nil || ref.ID == "" {
		v.say(codeSubnetRequired, from, at, "", "the configuration has no subnet", "name one")
		return nil, nil
	}
	n, ok := v.byKey[ref.ID.Parent().Key()].(*VirtualNetwork)
	if ok {
		for i := range n.Properties.Subnets {
			if strings.EqualFold(n.Properties.Subnets[i].Name, ref.ID.Name()) {
				return n, &n.Properties.Subnets[i]
			}
		}
	}
	v.say(codeReferenceMissing, from, at, string(ref.ID), "there is no subnet of this id", "add it, or correct the reference")
	return nil, nil
}

// prefix reads a prefix the way Azure does: in CIDR form and without host bits.
func (v *validator) prefix(id ID, at, s string) (netip.Prefix, bool) {
	if s == "" {
		v.say(codePrefixMissing, id, at, "", "the prefix is missing", "write one in CIDR form")
		return netip.Prefix{}, false
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		v.say(codeCIDR, id, at, s, "this is not a prefix in CIDR form", "write it as 10.0.0.0/16")
		return netip.Prefix{}, false
	}
	if p != p.Masked() {
		v.say(codeCIDR, id, at, s, "the address has bits set beyond the prefix length", "write "+p.Masked().String())
		return netip.Prefix{}, false
	}
	return p, true
}
