package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// Limits are the published limits; times in seconds or milliseconds as named, bandwidths in Mbps.
type Limits struct {
	CircuitMbps             []int
	LocalCircuitMbps        []int
	CircuitsPerSubscription int
	CircuitsPerRegion       int
	MaxCircuitsSameLocation int
	ECMPCircuits            int
	MaxWeight               int
	MicrosoftPrefixes       int // from the premises on Microsoft peering, per session
	GatewayTotalRoutes      int
	RoutesPerTable          int
	VNetPeerings            int
	MicrosoftASN            uint32
	GatewayASN              uint32
	ReservedASNs            []uint32
	DocumentationASNs       [2]uint32 // first and last of the range that is refused in paths
	KeepaliveSeconds        int
	HoldSeconds             int
	// GatewayConvergenceSeconds is how long a gateway and an MSEE may take to notice and follow a failure between them.
	GatewayConvergenceSeconds int
	MinKeepaliveSeconds       int
	MinHoldSeconds            int
	MaintenancePrepend        int
	BFDMilliseconds           int
	BFDMultiplier             int
	VLANMin                   int
	VLANMax                   int
	DirectPortGbps            []int
	DirectOversubscription    float64
	DirectTriggerPercent      float64 // by how much a circuit on a Direct port may exceed its rate before the limit acts
	MTU                       int
	SupportedPacket           int
	SLAPercent                float64
	GatewaySubnetBits         int // recommended prefix length of GatewaySubnet
	Resiliency                Resiliency

	links       map[string]map[int]int
	fromOnPrem  map[string]map[string]int
	toOnPrem    map[string]int
	directGbps  map[int][]int
	peeringBits map[string][2]int
}

// LimitRow is one published figure, for printing.
type LimitRow struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source Source `json:"source"`
}

// Limits returns the published limits.
func (c *Catalog) Limits() *Limits { return &c.limits }

// LimitRows returns every published figure by its key.
func (c *Catalog) LimitRows() []LimitRow { return slices.Clone(c.limitRows) }

// VNetLinks is how many VNets a circuit of a SKU (Local, Standard, Premium) and bandwidth can link; known is false where
// none is published.
func (l *Limits) VNetLinks(sku string, mbps int) (n int, known bool) {
	n, known = l.links[strings.ToLower(sku)][mbps]
	return n, known
}

// PrivatePrefixesFromOnPrem is how many prefixes private peering takes from the premises; family is ipv4 or ipv6.
func (l *Limits) PrivatePrefixesFromOnPrem(sku, family string) int {
	for k, v := range l.fromOnPrem[family] {
		if strings.EqualFold(k, sku) {
			return v
		}
	}
	return 0
}

// PrefixesToOnPrem is how many prefixes a gateway may announce on one connection; family is ipv4 or ipv6.
func (l *Limits) PrefixesToOnPrem(family string) int { return l.toOnPrem[family] }

// DirectCircuitGbps is the circuit sizes that a Direct port of this size offers.
func (l *Limits) DirectCircuitGbps(port int) []int { return slices.Clone(l.directGbps[port]) }

// PeeringPrefixLen is the prefix length of a peering's link addresses: one block for both links, or one for each.
func (l *Limits) PeeringPrefixLen(family string) (one, twoOf int) {
	p := l.peeringBits[family]
	return p[0], p[1]
}

// tree is limits.yaml while it is read; the first path that is missing or of another shape is kept as the error.
type tree struct {
	root any
	err  error
}

func (t *tree) at(path string) any {
	v := t.root
	for _, k := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if ok {
			v, ok = m[k]
		}
		if !ok {
			if t.err == nil {
				t.err = errors.New("there is no " + path)
			}
			return nil
		}
	}
	return v
}

func (t *tree) float(path string) float64 { return t.toFloat(path, t.at(path)) }

func (t *tree) toFloat(path string, v any) float64 {
	f, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil && t.err == nil {
		t.err = fmt.Errorf("%s is %v, not a number", path, v)
	}
	return f
}

func (t *tree) number(path string) int { return int(t.float(path)) }

func (t *tree) numbers(path string) []int {
	list, ok := t.at(path).([]any)
	if !ok && t.err == nil {
		t.err = errors.New(path + " is not a list")
	}
	out := make([]int, len(list))
	for i, v := range list {
		out[i] = int(t.toFloat(path, v))
	}
	return out
}

// byName is a mapping from names to numbers.
func (t *tree) byName(path string) map[string]int {
	m, ok := t.at(path).(map[string]any)
	if !ok && t.err == nil {
		t.err = errors.New(path + " is not a mapping")
	}
	out := map[string]int{}
	for k, v := range m {
		out[k] = int(t.toFloat(path+"."+k, v))
	}
	return out
}

// byNumber is a mapping whose keys are numbers.
func (t *tree) byNumber(path string) map[int]int {
	out := map[int]int{}
	for k, v := range t.byName(path) {
		out[int(t.toFloat(path+" key", k))] = v
	}
	return out
}

func (c *Catalog) readLimits(b []byte) error {
	var root map[string]any
	if err := yaml.Unmarshal(b, &root); err != nil {
		return err
	}
	clean, _ := plain(root).(map[string]any)
	t := &tree{root: clean}
	l := &c.limits
	l.CircuitMbps, l.LocalCircuitMbps = t.numbers("circuit.bandwidth_mbps_provider"), t.numbers("circuit.bandwidth_mbps_local_sku")
	l.CircuitsPerSubscription, l.CircuitsPerRegion = t.number("circuit.max_per_subscription"), t.number("circuit.max_per_region_per_subscription")
	l.links = map[string]map[int]int{}
	for _, sku := range []string{"local", "standard", "premium"} {
		l.links[sku] = t.byNumber("circuit.max_vnet_links." + sku)
	}
	l.MaxCircuitsSameLocation, l.ECMPCircuits = t.number("links.max_circuits_per_vnet_same_location"), t.number("links.ecmp_max_circuits")
	if w := t.numbers("links.connection_weight_range"); len(w) == 2 {
		l.MaxWeight = w[1]
	}
	l.fromOnPrem = map[string]map[string]int{"ipv4": t.byName("routes.private_peering_from_onprem.ipv4"), "ipv6": t.byName("routes.private_peering_from_onprem.ipv6")}
	l.toOnPrem = map[string]int{"ipv4": t.number("routes.private_peering_to_onprem_per_connection.ipv4"), "ipv6": t.number("routes.private_peering_to_onprem_per_connection.ipv6")}
	l.MicrosoftPrefixes, l.GatewayTotalRoutes, l.RoutesPerTable = t.number("routes.microsoft_peering_from_onprem.ipv4"), t.number("routes.gateway_total_routes"), t.number("routes.udr_per_route_table")
	l.VNetPeerings = t.number("vnet.max_peerings")
	l.MicrosoftASN, l.GatewayASN = uint32(t.number("asn.microsoft")), uint32(t.number("asn.gateway_default")) //nolint:gosec // AS numbers
	for _, a := range t.numbers("asn.reserved") {
		l.ReservedASNs = append(l.ReservedASNs, uint32(a)) //nolint:gosec // AS numbers
	}
	if d := t.numbers("asn.documentation_range_refused_in_path"); len(d) == 2 {
		l.DocumentationASNs = [2]uint32{uint32(d[0]), uint32(d[1])} //nolint:gosec // AS numbers
	}
	l.KeepaliveSeconds, l.HoldSeconds = t.number("bgp.keepalive_s"), t.number("bgp.hold_s")
	l.GatewayConvergenceSeconds = t.number("bgp.gateway_to_msee_convergence_s")
	l.MinKeepaliveSeconds, l.MinHoldSeconds = t.number("bgp.min_keepalive_s"), t.number("bgp.min_hold_s")
	l.MaintenancePrepend = t.number("bgp.maintenance_prepend.times")
	l.BFDMilliseconds, l.BFDMultiplier = t.number("bfd.tx_ms"), t.number("bfd.multiplier_sample")
	l.VLANMin, l.VLANMax = t.number("vlan.min"), t.number("vlan.max")
	l.peeringBits = map[string][2]int{"ipv4": {t.number("peering_subnet.ipv4.one"), t.number("peering_subnet.ipv4.two_of")}, "ipv6": {t.number("peering_subnet.ipv6.one"), t.number("peering_subnet.ipv6.two_of")}}
	l.DirectPortGbps, l.DirectOversubscription = t.numbers("direct.ports_gbps"), t.float("direct.oversubscription")
	l.DirectTriggerPercent = t.float("direct.rate_limit.trigger_over_percent")
	l.directGbps = map[int][]int{}
	for _, p := range l.DirectPortGbps {
		l.directGbps[p] = t.numbers("direct.circuits_gbps." + strconv.Itoa(p))
	}
	l.MTU, l.SupportedPacket = t.number("mtu.router_interface"), t.number("mtu.supported_ip")
	l.SLAPercent = t.float("sla.dedicated_circuit_availability_percent")
	l.GatewaySubnetBits = t.number("gateway_subnet.recommended_max_prefix")
	l.Resiliency = t.resiliency()
	c.limitRows = flatten("", clean, Source{Text: "limits.yaml"})
	return t.err
}

// plain turns every mapping into one with text keys.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = plain(x)
		}
		return out
	case map[any]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[fmt.Sprint(k)] = plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = plain(x)
		}
		return out
	}
	return v
}

// flatten lists every leaf with its path, under the source of the block that it stands in.
func flatten(path string, v any, src Source) []LimitRow {
	m, ok := v.(map[string]any)
	if !ok {
		return []LimitRow{{Key: path, Value: strings.TrimSpace(fmt.Sprint(v)), Source: src}}
	}
	if s, ok := m["source"].(map[string]any); ok {
		src = Source{Text: fmt.Sprint(s["file"]), Date: fmt.Sprint(s["date"])}
	}
	keys := make([]string, 0, len(m))
	for k := range m {
		if k != "source" {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var out []LimitRow
	for _, k := range keys {
		p := k
		if path != "" {
			p = path + "." + k
		}
		out = append(out, flatten(p, m[k], src)...)
	}
	return out
}
