package catalog

import (
	"slices"
	"strings"
)

// GatewaySKU is what an ExpressRoute gateway of one SKU can do. Zero figures are not published.
type GatewaySKU struct {
	Name                    string `json:"name"`
	Family                  string `json:"family"` // vnet or vwan
	ZoneRedundant           bool   `json:"zoneRedundant"`
	Unit                    string `json:"unit"`
	Mbps                    int    `json:"mbps"`
	PacketsPerSecond        int    `json:"packetsPerSecond"`
	ConnectionsPerSecond    int    `json:"connectionsPerSecond"`
	MaxVMs                  int    `json:"maxVMs"`
	FlowLimit               int    `json:"flowLimit"`
	MaxCircuits             int    `json:"maxCircuits"`
	MaxCircuitsSameLocation int    `json:"maxCircuitsSameLocation"`
	FastPath                bool   `json:"fastPath"`
	MaxRoutesLearned        int    `json:"maxRoutesLearned"`
	MaxRoutesAdvertised     int    `json:"maxRoutesAdvertised"`
	VPNCoexistence          bool   `json:"vpnCoexistence"`
	Note                    string `json:"note,omitempty"`
	Source                  Source `json:"source"`
}

func (c *Catalog) readGateways(t *table) error {
	return t.each(func() {
		c.gateways = append(c.gateways, GatewaySKU{Name: t.get("sku"), Family: t.get("family"), ZoneRedundant: t.yes("zone_redundant"), Unit: t.get("unit"), Mbps: t.number("bandwidth_mbps"),
			PacketsPerSecond: t.number("packets_per_second"), ConnectionsPerSecond: t.number("connections_per_second"), MaxVMs: t.number("max_vms"), FlowLimit: t.number("flow_limit"),
			MaxCircuits: t.number("max_circuits"), MaxCircuitsSameLocation: t.number("max_circuits_same_location"), FastPath: t.yes("fastpath"), MaxRoutesLearned: t.number("max_routes_learned"),
			MaxRoutesAdvertised: t.number("max_routes_advertised"), VPNCoexistence: t.yes("vpn_coexistence"), Note: t.get("note"), Source: t.source})
	})
}

// GatewaySKUs returns every documented row of gateways in VNets, in the order of the file.
func (c *Catalog) GatewaySKUs() []GatewaySKU {
	var out []GatewaySKU
	for _, g := range c.gateways {
		if g.Family == "vnet" {
			out = append(out, g)
		}
	}
	return out
}

// GatewaySKU finds a SKU by name, without regard to case. ErGwScale gives the row of one scale unit.
func (c *Catalog) GatewaySKU(name string) (GatewaySKU, bool) {
	for _, g := range c.gateways {
		if g.Family == "vnet" && strings.EqualFold(g.Name, name) && (g.Unit == "gateway" || g.Unit == "1-units") {
			return g, true
		}
	}
	return GatewaySKU{}, false
}

// Rule is one published rule.
type Rule struct {
	ID         string `json:"id"`
	Severity   string `json:"severity"`
	Area       string `json:"area"`
	Text       string `json:"rule"`
	SourceFile string `json:"sourceFile"`
	Source     Source `json:"source"`
}

// Service is a Microsoft service that a route filter can allow, by its community.
type Service struct {
	Cloud                 string `json:"cloud"`
	Service               string `json:"service"`
	Community             string `json:"community"`
	AuthorizationRequired bool   `json:"microsoftAuthorizationRequired"`
	Note                  string `json:"note,omitempty"`
	Source                Source `json:"source"`
}

// QoSClass is what a DSCP value means on a peering.
type QoSClass struct {
	TrafficClass   string `json:"trafficClass"`
	PerHopBehavior string `json:"perHopBehavior"`
	DSCP           string `json:"dscp"`
	Workload       string `json:"workload"`
	Peering        string `json:"peering"`
	Action         string `json:"action"`
	Source         Source `json:"source"`
}

// GlobalReachCountry is a country in which Global Reach is sold.
type GlobalReachCountry struct {
	Country     string `json:"country"`
	Restriction string `json:"restriction,omitempty"`
	Source      Source `json:"source"`
}

// Partner is an exchange in a data centre, or another partner that is not a provider.
type Partner struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source Source `json:"source"`
}

// Role is a built-in role of Azure.
type Role struct {
	Name       string   `json:"role"`
	ID         string   `json:"id"`
	Actions    []string `json:"actions"`
	NotActions []string `json:"notActions,omitempty"`
	Source     Source   `json:"source"`
}

// ARMError is an error code with which Azure refuses.
type ARMError struct {
	Code       string `json:"code"`
	HTTPStatus int    `json:"httpStatus,omitempty"`
	Layer      string `json:"layer"`
	Situation  string `json:"situation"`
	Confidence string `json:"confidence"`
	Source     Source `json:"source"`
}

func (c *Catalog) readRules(t *table) error {
	return t.each(func() {
		c.rules = append(c.rules, Rule{ID: t.get("id"), Severity: t.get("severity"), Area: t.get("area"), Text: t.get("rule"), SourceFile: t.get("source_file"), Source: t.source})
	})
}

func (c *Catalog) readServices(t *table) error {
	return t.each(func() {
		c.services = append(c.services, Service{Cloud: t.get("cloud"), Service: t.get("service"), Community: t.get("community"), AuthorizationRequired: t.yes("microsoft_authorization_required"), Note: t.get("note"), Source: t.source})
	})
}

func (c *Catalog) readQoS(t *table) error {
	return t.each(func() {
		c.qos = append(c.qos, QoSClass{TrafficClass: t.get("traffic_class"), PerHopBehavior: t.get("per_hop_behavior"), DSCP: t.get("dscp"), Workload: t.get("workload"), Peering: t.get("peering"), Action: t.get("action"), Source: t.source})
	})
}

func (c *Catalog) readGlobalReach(t *table) error {
	return t.each(func() {
		c.reach = append(c.reach, GlobalReachCountry{Country: t.get("country"), Restriction: t.get("restriction"), Source: t.source})
	})
}

func (c *Catalog) readPartners(t *table) error {
	return t.each(func() {
		c.partners = append(c.partners, Partner{Kind: t.get("kind"), Name: t.get("name"), Value: t.get("value"), Source: t.source})
	})
}

func (c *Catalog) readRoles(t *table) error {
	return t.each(func() {
		c.roles = append(c.roles, Role{Name: t.get("role"), ID: t.get("id"), Actions: strings.Fields(t.get("actions")), NotActions: strings.Fields(t.get("not_actions")), Source: Source{Text: t.get("source"), Date: t.get("source_date")}})
	})
}

func (c *Catalog) readARMErrors(t *table) error {
	return t.each(func() {
		c.armErrors = append(c.armErrors, ARMError{Code: t.get("code"), HTTPStatus: t.number("http_status"), Layer: t.get("layer"), Situation: t.get("situation"), Confidence: t.get("confidence"),
			Source: Source{Text: t.get("source"), Date: t.get("source_date")}})
	})
}

// Rules returns the published rules in the order of the file.
func (c *Catalog) Rules() []Rule { return slices.Clone(c.rules) }

// Rule finds a rule by id.
func (c *Catalog) Rule(id string) (Rule, bool) {
	for _, r := range c.rules {
		if r.ID == id {
			return r, true
		}
	}
	return Rule{}, false
}

// Services returns the services of Microsoft peering in the order of the file.
func (c *Catalog) Services() []Service { return slices.Clone(c.services) }

// QoS returns the DSCP classes in the order of the file.
func (c *Catalog) QoS() []QoSClass { return slices.Clone(c.qos) }

// GlobalReachCountries returns where Global Reach is sold.
func (c *Catalog) GlobalReachCountries() []GlobalReachCountry { return slices.Clone(c.reach) }

// Partners returns exchanges and other partners.
func (c *Catalog) Partners() []Partner { return slices.Clone(c.partners) }

// Roles returns Azure's built-in roles.
func (c *Catalog) Roles() []Role { return slices.Clone(c.roles) }

// Role finds a built-in role by name.
func (c *Catalog) Role(name string) (Role, bool) {
	for _, r := range c.roles {
		if strings.EqualFold(r.Name, name) {
			return r, true
		}
	}
	return Role{}, false
}

// ARMErrors returns the error codes with which Azure refuses.
func (c *Catalog) ARMErrors() []ARMError { return slices.Clone(c.armErrors) }
