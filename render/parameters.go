package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onramp/catalog"
)

// The parameters of a template. All but the two plain ones are objects with a property for each resource, so that an estate of any size
// stays below Azure's limit of 256, and so that the values of one thing stand together.
const (
	paramSubscriptions = "subscriptions"
	paramPrincipals    = "principals"
	paramTags          = "tags"
	paramProvisioned   = "providersHaveProvisioned"
	paramNetworks      = "networks"
	paramPorts         = "ports"
	paramCircuits      = "circuits"
	paramGateways      = "gateways"
	paramConnections   = "connections"
	paramKeys          = "authorizationKeys"
)

// told is what a parameter's description says; of the object ones they are in the order in which a person meets them.
var told = []struct{ name, one, text string }{
	{paramSubscriptions, "subscription", "The id (GUID) of each subscription that the design names. Deploy this template to any of them: it reaches the others itself."},
	{paramPrincipals, "principal", "The object id in Microsoft Entra ID of each group of people that gets a role. Whoever is left empty gets none."},
	{paramProvisioned, "", "Whether the providers have provisioned the circuits. Deploy with false first, give each provider its service key (output serviceKeys), and deploy again with true when they are done: then come the peerings and the connections of gateways, which Azure refuses before."},
	{paramTags, "", "Tags for every resource beside those that the design gives."},
	{paramCircuits, "circuit", "The circuits: what is bought of whom and where, and the peerings. What is here must be what the provider and the routers of the premises have. Azure raises a bandwidth in place and never lowers it."},
	{paramPorts, "port", "The ExpressRoute Direct port pairs."},
	{paramGateways, "gateway", "The SKU of each ExpressRoute gateway."},
	{paramConnections, "weight", "The routing weight of each connection of a gateway with a circuit: the highest is preferred."},
	{paramNetworks, "network", "The address space and the subnets of each virtual network. Route tables, firewall rules and peerings follow them; the routers of the premises do not."},
	{paramKeys, "key", "The key of the authorization with which each of these connections joins a circuit that is not in this template."},
}

// leaf is what is known of a value by the last name of its path.
type leaf struct {
	text     string
	allowed  []any
	min, max int // 0 for none
}

// leaves are the values of the object parameters, by parameter and name.
func leaves(c *catalog.Catalog) map[string]leaf {
	l := c.Limits()
	var skus []any
	for _, s := range c.GatewaySKUs() {
		if s.Family == "vnet" && !slices.Contains(skus, any(s.Name)) {
			skus = append(skus, s.Name)
		}
	}
	const maxASN = 1<<32 - 1 // RFC 6793
	link := "The /30 (IPv6: /126) of the %s link: the first address is the customer's, the second Microsoft's."
	return map[string]leaf{
		paramSubscriptions:                            {text: "GUID of a subscription."},
		paramPrincipals:                               {text: "Object id of a group, or empty."},
		paramGateways:                                 {text: "SKU of an ExpressRoute gateway.", allowed: skus},
		paramConnections:                              {text: "Routing weight.", max: l.MaxWeight},
		paramCircuits + " serviceProviderName":        {text: "The provider, as az network express-route list-service-providers names it."},
		paramCircuits + " peeringLocation":            {text: "Where the circuit ends at Microsoft."},
		paramCircuits + " bandwidthInMbps":            {text: "Mbps.", allowed: numbers(l.CircuitMbps)},
		paramCircuits + " bandwidthInGbps":            {text: "Gbps, of those of its port pair."},
		paramCircuits + " tier":                       {text: "Local: the regions at the location; Standard: its geopolitical region; Premium: the world.", allowed: []any{"Local", "Standard", "Premium"}},
		paramCircuits + " family":                     {text: "Whether what leaves Azure is paid by the gigabyte.", allowed: []any{"MeteredData", "UnlimitedData"}},
		paramCircuits + " peerASN":                    {text: "AS number of the customer's or provider's routers.", min: 1, max: maxASN},
		paramCircuits + " vlanId":                     {text: "VLAN on both links.", min: l.VLANMin, max: l.VLANMax},
		paramCircuits + " primaryPeerAddressPrefix":   {text: fmt.Sprintf(link, "primary")},
		paramCircuits + " secondaryPeerAddressPrefix": {text: fmt.Sprintf(link, "secondary")},
		paramPorts + " peeringLocation":               {text: "Where the ports are."},
		paramPorts + " bandwidthInGbps":               {text: "Gbps of each port.", allowed: numbers(l.DirectPortGbps)},
		paramPorts + " encapsulation":                 {text: "How circuits are told apart on a port.", allowed: []any{"Dot1Q", "QinQ"}},
		paramNetworks + " addressPrefixes":            {text: "The address space."},
		paramNetworks + " subnets":                    {text: "The prefixes of each subnet, inside the address space."},
	}
}

func numbers(list []int) []any {
	out := make([]any, len(list))
	for i, n := range list {
		out[i] = n
	}
	return out
}

// parameters gathers the values that people may change while the resources are rendered. Values are by parameter, then by resource.
type parameters struct {
	leaves map[string]leaf
	values map[string]map[string]any
	// given are parameters that have no value of the design.
	given map[string]bool
}

func newParameters(c *catalog.Catalog) *parameters {
	return &parameters{leaves: leaves(c), values: map[string]map[string]any{}, given: map[string]bool{}}
}

// set gives a value its place in a parameter.
func (p *parameters) set(v any, param, of string, path ...string) {
	if p.values[param] == nil {
		p.values[param] = map[string]any{}
	}
	o, k := p.values[param], of
	for _, next := range path {
		inner, ok := o[k].(map[string]any)
		if !ok {
			inner = map[string]any{}
			o[k] = inner
		}
		o, k = inner, next
	}
	o[k] = v
}

// uses are the values that one nested template takes from its parent: by parameter the names of the resources; none for a plain one.
type uses map[string]map[string]bool

// value is the expression for a value of a parameter, noted as used.
func (u uses) value(param, of string, path ...string) expression {
	if u[param] == nil {
		u[param] = map[string]bool{}
	}
	e := call("parameters", quoted(param))
	if of != "" {
		u[param][of] = true
		e = e.member(of)
	}
	for _, k := range path {
		e = e.member(k)
	}
	return e
}

// declare writes the parameters of the outer template and the definitions of their types.
func (p *parameters) declare() (params, definitions object) {
	for _, t := range told {
		values := p.values[t.name]
		switch t.name {
		case paramTags:
			params = append(params, member{t.name, object{{"type", "object"}, {"defaultValue", object{}}, described(t.text)}})
			continue
		case paramProvisioned:
			if values != nil {
				params = append(params, member{t.name, object{{"type", "bool"}, {"defaultValue", true}, described(t.text)}})
			}
			continue
		}
		if len(values) == 0 {
			continue
		}
		typ := "object"
		if t.name == paramKeys {
			typ = "secureObject"
		}
		o := object{{"type", typ}}
		var shapes object
		for _, k := range slices.Sorted(maps.Keys(values)) {
			var ref string
			definitions, ref = define(definitions, t.one, p.shape(values[k], t.name, ""))
			shapes = append(shapes, member{k, object{{"$ref", "#/definitions/" + ref}}})
		}
		o = append(o, member{"properties", shapes})
		if !p.given[t.name] {
			o = append(o, member{"defaultValue", values})
		}
		params = append(params, member{t.name, append(o, described(t.text))})
	}
	return params, definitions
}

// define finds or makes the definition of a type.
func define(definitions object, one string, shape object) (object, string) {
	same := func(m member) bool {
		x, _ := m.value.(object)
		return strings.HasPrefix(m.key, one) && string(compact(x)) == string(compact(shape))
	}
	if i := slices.IndexFunc(definitions, same); i >= 0 {
		return definitions, definitions[i].key
	}
	n := 0
	for _, m := range definitions {
		if strings.HasPrefix(m.key, one) {
			n++
		}
	}
	key := one
	if n > 0 {
		key = fmt.Sprint(one, n+1)
	}
	return append(definitions, member{key, shape}), key
}

func described(text string) member { return member{"metadata", object{{"description", text}}} }

// shape is the type of a value, with what is known of it.
func (p *parameters) shape(v any, param, last string) object {
	l := p.leaves[strings.TrimSpace(param+" "+last)]
	var o object
	switch x := v.(type) {
	case map[string]any:
		o = object{{"type", "object"}}
		if param == paramNetworks && last == "subnets" { // a network may get more of them
			o = append(o, member{"additionalProperties", object{{"type", "array"}, {"items", object{{"type", "string"}}}}})
			break
		}
		var inner object
		for _, k := range slices.Sorted(maps.Keys(x)) {
			inner = append(inner, member{k, p.shape(x[k], param, k)})
		}
		o = append(o, member{"properties", inner})
	case []any:
		o = object{{"type", "array"}, {"items", object{{"type", "string"}}}}
	case int:
		o = object{{"type", "int"}}
		if l.max > 0 {
			o = append(o, member{"minValue", l.min}, member{"maxValue", l.max})
		}
	default:
		o = object{{"type", "string"}}
		if param == paramSubscriptions {
			o = append(o, member{"minLength", guidLength}, member{"maxLength", guidLength})
		}
	}
	if len(l.allowed) > 0 {
		allowed := l.allowed
		if !slices.Contains(allowed, v) { // what the design has is right in any case
			allowed = append(slices.Clone(allowed), v)
		}
		o = append(o, member{"allowedValues", allowed})
	}
	if l.text != "" {
		o = append(o, described(l.text))
	}
	return o
}

const guidLength = 36

// pass writes what a nested template declares of the parameters that it uses, and what its parent passes to it.
func (u uses) pass() (declared, passed object) {
	for _, t := range told {
		names, used := u[t.name]
		if !used {
			continue
		}
		typ := "object"
		var value any = call("parameters", quoted(t.name))
		switch t.name {
		case paramProvisioned:
			typ = "bool"
		case paramKeys:
			typ = "secureObject"
		}
		if len(names) > 0 {
			var some object
			for _, n := range slices.Sorted(maps.Keys(names)) {
				some = append(some, member{n, call("parameters", quoted(t.name)).member(n)})
			}
			value = some
		}
		declared = append(declared, member{t.name, object{{"type", typ}}})
		passed = append(passed, member{t.name, object{{"value", value}}})
	}
	return declared, passed
}

// file is a parameters file with the design's values, to change and deploy with.
func (p *parameters) file() object {
	var params object
	for _, t := range told {
		var v any
		switch values := p.values[t.name]; {
		case t.name == paramTags:
			v = object{}
		case t.name == paramProvisioned:
			if values == nil {
				continue
			}
			v = false // nobody has yet
		case len(values) == 0:
			continue
		default:
			v = values
		}
		params = append(params, member{t.name, object{{"value", v}}})
	}
	return object{{"$schema", "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"}, {"contentVersion", contentVersion}, {"parameters", params}}
}

// keys gives each resource of a kind the name by which parameters know it: its own, or where two have one, its group's too.
func keys(all []*piece) map[*piece]string {
	type named struct{ typ, name string }
	count := map[named]int{}
	for _, p := range all {
		count[named{strings.ToLower(p.typ), strings.ToLower(p.parsed.Name())}]++
	}
	out := map[*piece]string{}
	for _, p := range all {
		out[p] = p.parsed.Name()
		if count[named{strings.ToLower(p.typ), strings.ToLower(p.parsed.Name())}] > 1 {
			out[p] = strings.Join([]string{p.parsed.Subscription, cmp.Or(p.parsed.ResourceGroup, "-"), p.parsed.Name()}, "/")
		}
	}
	return out
}
