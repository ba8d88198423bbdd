package render

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// resource writes one piece, and the variables that it needs.
func (r *renderer) resource(x *deployment, p *piece) (o, variables object, err error) {
	version, err := versionOf(p)
	if err != nil {
		return nil, nil, err
	}
	body := p.body
	props, _ := body["properties"].(map[string]any)
	tags := r.tags(x, p)
	switch {
	case p.is(typeCircuit):
		variables = r.circuit(x, p, props)
	case p.is(typePort):
		for _, k := range []string{"peeringLocation", "bandwidthInGbps", "encapsulation"} {
			r.replace(x, props, k, paramPorts, r.keys[p], k)
		}
	case p.is(typeGateway):
		sku, _ := props["sku"].(map[string]any)
		if name := textAt(sku, "name"); name != "" && strings.EqualFold(textAt(props, "gatewayType"), "ExpressRoute") && (textAt(sku, "tier") == name || sku["tier"] == nil) {
			e := r.parameter(x, name, paramGateways, r.keys[p])
			sku["name"] = e
			if sku["tier"] != nil {
				sku["tier"] = e
			}
		}
	case p.is(typeConnection):
		r.connection(x, p, props)
	case p.is(typeNetwork):
		r.network(x, p, props)
	case p.is(typePeering):
		remote := r.byID[azure.ID(textAt(props, "remoteVirtualNetwork", "id")).Key()]
		space, _ := props["remoteAddressSpace"].(map[string]any)
		if own := at(space, "addressPrefixes"); fmt.Sprint(own) == fmt.Sprint(networkPrefixes(remote)) {
			space["addressPrefixes"] = x.uses.value(paramNetworks, r.keys[remote], "addressPrefixes")
		}
	case p.is(typeRouteTable), p.is(typeRules), p.is(typeSecurity):
		r.follow(x, props)
	}
	o = object{{"type", p.typ}, {"apiVersion", version}, {"name", fullName(p)}}
	o = o.with("comments", r.comment(p))
	if r.waits(p) {
		o = append(o, member{"condition", r.provisioned(x)})
	}
	var needs []any
	for _, n := range p.needs {
		if n.in == x {
			needs = append(needs, n.symbol)
		}
	}
	o = o.with("dependsOn", needs)
	o = o.with("location", body["location"])
	if z, ok := body["zones"].([]any); ok {
		o = o.with("zones", z)
	}
	if tags != "" {
		o = append(o, member{"tags", tags})
	}
	if sku, ok := body["sku"]; ok {
		o = append(o, member{"sku", r.value(x, sku)})
	}
	for _, k := range slices.Sorted(maps.Keys(body)) {
		switch k {
		case "id", "name", "type", "location", "zones", "tags", "sku", "properties":
		default:
			o = append(o, member{k, r.value(x, body[k])})
		}
	}
	if props == nil {
		props = map[string]any{}
	}
	return append(o, member{"properties", r.value(x, props)}), variables, nil
}

// versionOf is the version of the interface with which a piece is made.
func versionOf(p *piece) (string, error) {
	provider, _, _ := strings.Cut(strings.ToLower(p.typ), "/")
	switch provider {
	case "microsoft.network":
		return versionNetwork, nil
	case "microsoft.authorization":
		return versionAuthorization, nil
	case "microsoft.resources":
		return versionResources, nil
	}
	return "", fmt.Errorf("resource %s: no version of the interface of %s is known; a template needs one for each resource, so render the design without it", p.id, p.typ)
}

// fullName is a resource's name with those of its parents.
func fullName(p *piece) string {
	if len(p.parsed.Names) == 0 {
		return p.parsed.ResourceGroup
	}
	return strings.Join(p.parsed.Names, "/")
}

// tags are the parameter's tags and the design's, which win.
func (r *renderer) tags(x *deployment, p *piece) expression {
	own, _ := p.body["tags"].(map[string]any)
	if p.source == nil || len(own) == 0 && p.source.Head().Location == "" {
		return "" // what has no location takes no tags
	}
	all := x.uses.value(paramTags, "")
	if len(own) == 0 {
		return all
	}
	var args []string
	for _, k := range slices.Sorted(maps.Keys(own)) {
		v, _ := own[k].(string)
		args = append(args, quoted(k), quoted(v))
	}
	return call("union", string(all), string(call("createObject", args...)))
}

// parameter makes a value one that people may change.
func (r *renderer) parameter(x *deployment, v any, param, of string, path ...string) expression {
	if f, ok := v.(float64); ok {
		v = int(f)
	}
	r.params.set(v, param, of, path...)
	return x.uses.value(param, of, path...)
}

// replace makes the value of a key a parameter, where there is one.
func (r *renderer) replace(x *deployment, o map[string]any, key, param, of string, path ...string) {
	switch v := o[key].(type) {
	case string:
		if v != "" {
			o[key] = r.parameter(x, v, param, of, path...)
		}
	case float64:
		if v == math.Trunc(v) {
			o[key] = r.parameter(x, v, param, of, path...)
		}
	}
}

// ofProvider tells whether a provider has to provision the circuit; a circuit on a Direct port has none.
func ofProvider(circuit *piece) bool {
	return circuit != nil && at(circuit.body, "properties", "serviceProviderProperties") != nil
}

// waits tells whether a piece can be made only when a provider has provisioned its circuit.
func (r *renderer) waits(p *piece) bool {
	of := func(id string) bool {
		for at := azure.ID(id); at != ""; at = at.Parent() {
			if c := r.byID[at.Key()]; c != nil {
				return c.is(typeCircuit) && ofProvider(c)
			}
		}
		return false
	}
	switch {
	case p.is(typeConnection):
		return of(textAt(p.body, "properties", "peer", "id"))
	case p.is(typeReach):
		return of(string(p.id)) || of(textAt(p.body, "properties", "peerExpressRouteCircuitPeering", "id"))
	case p.parsed.Scope != "":
		on := r.byID[p.parsed.Scope.Key()]
		return on != nil && r.waits(on)
	}
	return false
}

// provisioned is the expression for whether the providers have provisioned the circuits.
func (r *renderer) provisioned(x *deployment) expression {
	r.params.set(true, paramProvisioned, "")
	return x.uses.value(paramProvisioned, "")
}

// circuit makes a circuit's purchase and peerings parameters. Peerings of a provider's circuit are a variable, which the circuit has when
// the provider is done.
func (r *renderer) circuit(x *deployment, p *piece, props map[string]any) (variables object) {
	key := r.keys[p]
	if sku, _ := p.body["sku"].(map[string]any); textAt(sku, "name") == textAt(sku, "tier")+"_"+textAt(sku, "family") {
		r.replace(x, sku, "tier", paramCircuits, key, "tier")
		r.replace(x, sku, "family", paramCircuits, key, "family")
		sku["name"] = call("format", "'{0}_{1}'", string(x.uses.value(paramCircuits, key, "tier")), string(x.uses.value(paramCircuits, key, "family")))
	}
	bought, _ := props["serviceProviderProperties"].(map[string]any)
	for _, k := range []string{"serviceProviderName", "peeringLocation", "bandwidthInMbps"} {
		r.replace(x, bought, k, paramCircuits, key, k)
	}
	r.replace(x, props, "bandwidthInGbps", paramCircuits, key, "bandwidthInGbps")
	for _, o := range objects(props["peerings"]) {
		delete(o, "id")
		inner, _ := o["properties"].(map[string]any)
		if as := at(inner, "microsoftPeeringConfig", "customerASN"); as != nil && as == inner["peerASN"] {
			c, _ := inner["microsoftPeeringConfig"].(map[string]any)
			c["customerASN"] = x.uses.value(paramCircuits, key, "peerings", name(o), "peerASN")
		}
		for _, k := range []string{"peerASN", "vlanId", "primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"} {
			r.replace(x, inner, k, paramCircuits, key, "peerings", name(o), k)
		}
		six, _ := inner["ipv6PeeringConfig"].(map[string]any)
		for _, k := range []string{"primaryPeerAddressPrefix", "secondaryPeerAddressPrefix"} {
			r.replace(x, six, k, paramCircuits, key, "peerings", name(o), "ipv6", k)
		}
	}
	for _, o := range objects(props["authorizations"]) {
		if o["properties"] == nil {
			o["properties"] = map[string]any{}
		}
	}
	if !ofProvider(p) {
		return nil
	}
	x.keys = append(x.keys, key)
	if l, ok := props["peerings"].([]any); ok {
		variable := key + "-peerings"
		variables = object{{variable, r.value(x, l)}}
		props["peerings"] = call("if", string(r.provisioned(x)), string(call("variables", quoted(variable))), "json('null')")
	}
	return variables
}

// connection makes a connection's weight a parameter, and has it fetch the key of its authorization from the circuit.
func (r *renderer) connection(x *deployment, p *piece, props map[string]any) {
	c, ok := p.source.(*azure.VirtualNetworkGatewayConnection)
	if !ok || !strings.EqualFold(c.Properties.ConnectionType, "ExpressRoute") {
		return
	}
	props["routingWeight"] = r.parameter(x, c.Properties.RoutingWeight, paramConnections, r.keys[p])
	key := c.Properties.AuthorizationKey
	if key == "" || c.Properties.Peer == nil {
		return
	}
	if on := r.byID[c.Properties.Peer.ID.Key()]; on != nil {
		if circuit, ok := on.source.(*azure.ExpressRouteCircuit); ok {
			for i := range circuit.Properties.Authorizations {
				if a := &circuit.Properties.Authorizations[i]; a.Properties.AuthorizationKey == key {
					if id, ok := r.id(x, circuit.ID+azure.ID("/authorizations/"+a.Name)).(expression); ok {
						props["authorizationKey"] = call("reference", string(id), quoted(versionNetwork)).member("authorizationKey")
						return
					}
				}
			}
		}
	}
	r.params.given[paramKeys] = true
	props["authorizationKey"] = r.parameter(x, "<key>", paramKeys, r.keys[p])
}

// network makes a network's prefixes parameters.
func (r *renderer) network(x *deployment, p *piece, props map[string]any) {
	key := r.keys[p]
	space, _ := props["addressSpace"].(map[string]any)
	if l, ok := space["addressPrefixes"].([]any); ok {
		space["addressPrefixes"] = r.parameter(x, l, paramNetworks, key, "addressPrefixes")
	}
	for _, s := range objects(props["subnets"]) {
		delete(s, "id")
		inner, _ := s["properties"].(map[string]any)
		if one, ok := inner["addressPrefix"].(string); ok {
			inner["addressPrefix"] = r.parameter(x, []any{one}, paramNetworks, key, "subnets", name(s)).element(0)
		} else if l, ok := inner["addressPrefixes"].([]any); ok {
			inner["addressPrefixes"] = r.parameter(x, l, paramNetworks, key, "subnets", name(s))
		}
	}
}

// networkPrefixes are the address space of a network as the design has it; nil of what is none.
func networkPrefixes(p *piece) []string {
	if p == nil {
		return nil
	}
	v, ok := p.source.(*azure.VirtualNetwork)
	if !ok {
		return nil
	}
	return v.Properties.AddressSpace.AddressPrefixes
}

// surveyPrefixes finds what is known to be a network's prefix, a subnet's, or the address of a firewall. What two networks have is
// nobody's: it stays as it is.
func (r *renderer) surveyPrefixes() {
	r.prefixes, r.firewalls = map[string]placeOf{}, map[string]firewallsOf{}
	twice := map[string]bool{}
	note := func(prefix string, at placeOf) {
		was, ok := r.prefixes[prefix]
		if ok && was.network != at.network {
			twice[prefix] = true
		}
		if !ok {
			r.prefixes[prefix] = at
		}
	}
	subnets := map[string]placeOf{}
	prefixOf := map[string]string{}
	for _, pass := range []string{"space", "subnets"} { // a subnet that is all of a network is told as the network
		for _, p := range r.all {
			v, ok := p.source.(*azure.VirtualNetwork)
			if !ok {
				continue
			}
			if pass == "space" {
				for i, s := range v.Properties.AddressSpace.AddressPrefixes {
					note(s, placeOf{r.keys[p], []string{"addressPrefixes"}, i})
				}
				continue
			}
			for i := range v.Properties.Subnets {
				s := &v.Properties.Subnets[i]
				list := s.Properties.AddressPrefixes
				if s.Properties.AddressPrefix != "" {
					list = []string{s.Properties.AddressPrefix}
				}
				for j, x := range list {
					at := placeOf{r.keys[p], []string{"subnets", s.Name}, j}
					note(x, at)
					if j == 0 {
						id := (p.id + azure.ID("/subnets/"+s.Name)).Key()
						subnets[id], prefixOf[id] = at, x
					}
				}
			}
		}
	}
	for k := range twice {
		delete(r.prefixes, k)
	}
	several := map[string]bool{}
	for _, p := range r.all {
		f, ok := p.source.(*azure.AzureFirewall)
		if !ok {
			continue
		}
		for i := range f.Properties.IPConfigurations {
			c := &f.Properties.IPConfigurations[i].Properties
			addr, err := netip.ParseAddr(c.PrivateIPAddress)
			if err != nil || c.Subnet == nil {
				continue
			}
			prefix, err := netip.ParsePrefix(prefixOf[c.Subnet.ID.Key()])
			if err != nil || !addr.Is4() || !prefix.Contains(addr) {
				continue
			}
			a, b := addr.As4(), prefix.Masked().Addr().As4()
			host := int(a[0]-b[0])<<24 | int(a[1]-b[1])<<16 | int(a[2]-b[2])<<8 | int(a[3]-b[3])
			if _, ok := r.firewalls[c.PrivateIPAddress]; ok {
				several[c.PrivateIPAddress] = true
			}
			r.firewalls[c.PrivateIPAddress] = firewallsOf{subnets[c.Subnet.ID.Key()], host - 1} // cidrHost counts the first usable address as 0
		}
	}
	for k := range several {
		delete(r.firewalls, k)
	}
}

// follow has the prefixes and firewalls that rules and routes name follow the parameters of the networks.
func (r *renderer) follow(x *deployment, v any) any {
	switch o := v.(type) {
	case map[string]any:
		for k := range o {
			o[k] = r.follow(x, o[k])
		}
	case []any:
		for i := range o {
			o[i] = r.follow(x, o[i])
		}
	case string:
		if p, ok := r.prefixes[o]; ok {
			return x.uses.value(paramNetworks, p.network, p.path...).element(p.index)
		}
		if f, ok := r.firewalls[o]; ok {
			subnet := x.uses.value(paramNetworks, f.subnet.network, f.subnet.path...).element(f.subnet.index)
			return call("cidrHost", string(subnet), fmt.Sprint(f.host))
		}
	}
	return v
}

// value is a value with its ids as expressions, and lists of children without the ids that they have by their place.
func (r *renderer) value(x *deployment, v any) any {
	switch o := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range o {
			if k == "id" && o["name"] != nil {
				continue
			}
			out[k] = r.value(x, e)
		}
		if n, ok := o["name"]; ok { // what a thing is called comes first
			first := object{{"name", r.value(x, n)}}
			for _, k := range slices.Sorted(maps.Keys(out)) {
				if k != "name" {
					first = append(first, member{k, out[k]})
				}
			}
			return first
		}
		return out
	case []any:
		out := make([]any, len(o))
		for i := range o {
			out[i] = r.value(x, o[i])
		}
		return out
	case string:
		if isID(o) {
			return r.id(x, azure.ID(o))
		}
	}
	return v
}

// id is the expression for an id, in the words of the place where it stands.
func (r *renderer) id(x *deployment, id azure.ID) any {
	p, err := azure.ParseID(string(id))
	if err != nil {
		return string(id) // Validate refuses it
	}
	typ := quoted(p.Type())
	names := make([]string, len(p.Names))
	for i, n := range p.Names {
		names[i] = quoted(n)
	}
	if p.Scope != "" {
		scope, ok := r.id(x, p.Scope).(expression)
		if !ok {
			return string(id)
		}
		return call("extensionResourceId", append([]string{string(scope), typ}, names...)...)
	}
	own := strings.EqualFold(p.Subscription, x.place.subscription)
	subscription := func() string {
		return string(x.uses.value(paramSubscriptions, cmp.Or(r.subscriptions[strings.ToLower(p.Subscription)], p.Subscription)))
	}
	switch {
	case p.Provider == "" && p.ResourceGroup == "":
		if own {
			return expression("subscription().id")
		}
		return call("format", "'/subscriptions/{0}'", subscription())
	case p.Provider == "":
		return call("format", "'/subscriptions/{0}/resourceGroups/{1}'", subscription(), quoted(p.ResourceGroup))
	case p.ResourceGroup == "":
		args := append([]string{typ}, names...)
		if !own {
			args = append([]string{subscription()}, args...)
		}
		return call("subscriptionResourceId", args...)
	case own && strings.EqualFold(p.ResourceGroup, x.place.group):
		return call("resourceId", append([]string{typ}, names...)...)
	}
	return call("resourceId", append([]string{subscription(), quoted(p.ResourceGroup), typ}, names...)...)
}
