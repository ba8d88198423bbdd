package check

import (
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// circuitAreaRules are the checks of circuits, ports, peerings, translation, security and cost.
func circuitAreaRules() []ruleSet {
	return slices.Concat([]ruleSet{
		{(*checker).circuitQuotas, []string{"circuit-region-quota"}},
		{(*checker).circuitOrders, []string{"circuit-order-when-provider-ready", "circuit-upgrade-port-capacity", "circuit-upgrade-provider-throttle", "circuit-delete-order"}},
		{(*checker).headroom, []string{"circuit-headroom-single-link", "circuit-burst-drops"}},
		{(*checker).localCircuits, []string{"circuit-local-not-everywhere", "circuit-local-no-global-reach", "vwan-local-same-region"}},
		{(*checker).farRegions, []string{"circuit-premium-cross-geo", "circuit-national-cloud-isolated"}},
		{(*checker).sharedDomains, []string{"circuit-route-domain-shared"}},
	}, directRules(), peeringRules(), microsoftRules(), natRules(), encryptionRules(), filterRules(), costRules())
}

// circuitQuotas counts the circuits of each subscription and of its regions.
func (k *checker) circuitQuotas() {
	limits := k.c.Limits()
	inRegion, inAll := map[string]int{}, map[string]int{}
	for _, c := range k.circuitsAll {
		if id, err := azure.ParseID(string(c.ID)); err == nil && id.Subscription != "" {
			s := strings.ToLower(id.Subscription)
			inAll[s]++
			inRegion[s+" in "+strings.ToLower(c.Location)]++
		}
	}
	for _, s := range sortedKeys(inAll) {
		if inAll[s] > limits.CircuitsPerSubscription {
			k.say("circuit-region-quota", "/subscriptions/"+s, fmt.Sprint(inAll[s]), fmt.Sprintf("%s has %d circuits; Azure grants %d unasked", s, inAll[s], limits.CircuitsPerSubscription), "have the quota raised by a support request first, or spread the circuits over more subscriptions")
		}
	}
	for _, s := range sortedKeys(inRegion) {
		if inRegion[s] > limits.CircuitsPerRegion {
			k.say("circuit-region-quota", "/subscriptions/"+s, fmt.Sprint(inRegion[s]), fmt.Sprintf("%s has %d circuits; Azure grants %d in one region unasked", s, inRegion[s], limits.CircuitsPerRegion), "have the quota raised by a support request first, or spread the circuits over more subscriptions")
		}
	}
}

// The provider's states of a circuit (expressroute-workflows.md); a circuit that is only designed has none.
const (
	notProvisioned = "NotProvisioned"
	provisioned    = "Provisioned"
	deprovisioning = "Deprovisioning"
)

func isState(c *azure.ExpressRouteCircuit, state string) bool {
	return strings.EqualFold(c.Properties.ServiceProviderProvisioningState, state)
}

// exists tells a circuit that Azure holds from one that is only designed: it has a service key or a state.
func exists(c *azure.ExpressRouteCircuit) bool {
	p := &c.Properties
	return p.ServiceKey != "" || p.CircuitProvisioningState != "" || p.ServiceProviderProvisioningState != "" || p.ProvisioningState != ""
}

// circuitOrders holds each circuit against its provider: whether it can be had, what was ordered, and how it goes away.
func (k *checker) circuitOrders() {
	orders := map[string]*design.Order{}
	for i := range k.d.Orders {
		orders[k.d.Orders[i].Circuit.Key()] = &k.d.Orders[i]
	}
	for _, c := range k.circuitsAll {
		at := string(c.ID)
		o := orders[c.ID.Key()]
		if sp := c.Properties.ServiceProviderProperties; sp != nil {
			const rule = "circuit-order-when-provider-ready"
			provider := or(sp.ServiceProviderName, "a provider")
			switch {
			case c.Properties.ServiceKey != "" && isState(c, notProvisioned):
				k.say(rule, at, notProvisioned, fmt.Sprintf("%s has a service key, so it is charged, and %s has not provisioned it", c.Name, provider), "have the provider finish the order, or delete the circuit until it can")
			case k.onlyPlanned(sp):
				k.say(rule, at, provider, fmt.Sprintf("the catalogue lists %s at %s for the future only", provider, sp.PeeringLocation), "ask the provider when it is there, and create the circuit then")
			case o == nil && len(orders) > 0 && !exists(c):
				k.say(rule, at, provider, fmt.Sprintf("no order of the design asks %s for %s, which is charged from its creation on", provider, c.Name), "ask the provider first, or take the circuit away")
			}
		}
		if o != nil {
			k.ordered(c, o)
		}
		if left := k.stillOn(c); isState(c, deprovisioning) && len(left) > 0 {
			k.say("circuit-delete-order", at, deprovisioning, fmt.Sprintf("%s is being deprovisioned, and still has %s", c.Name, strings.Join(left, ", ")), "remove links, authorizations, the route filter and Global Reach before the provider deprovisions the circuit")
		}
	}
}

// onlyPlanned tells whether a provider is listed at a location for the future only.
func (k *checker) onlyPlanned(sp *azure.ServiceProviderProperties) bool {
	planned := false
	for _, o := range k.c.ProvidersAt(sp.PeeringLocation) {
		if !strings.EqualFold(o.Provider, sp.ServiceProviderName) {
			continue
		}
		if o.Status != "future" {
			return false
		}
		planned = true
	}
	return planned
}

// ordered holds a circuit's bandwidth against that of its order.
func (k *checker) ordered(c *azure.ExpressRouteCircuit, o *design.Order) {
	has, asked := circuitMbps(c), int(o.Mbps)
	if has == 0 || asked == 0 {
		return
	}
	value := fmt.Sprintf("%d and %d Mbps", has, asked)
	switch p := k.portOf(c); {
	case asked > has && p != nil:
		sum := asked - has
		for _, x := range k.index.CircuitsOn(p.ID) {
			sum += circuitMbps(x)
		}
		if most := int(k.c.Limits().DirectOversubscription * float64(p.Properties.BandwidthInGbps) * 1000); sum > most {
			k.say("circuit-upgrade-port-capacity", string(c.ID), value, fmt.Sprintf("the order raises %s from %d to %d Mbps, which makes %d Mbps on %s; at most %d Mbps fit", c.Name, has, asked, sum, p.Name, most), "order larger ports and move the circuit there")
		}
	case asked > has && c.Properties.ExpressRoutePort == nil:
		k.say("circuit-upgrade-port-capacity", string(c.ID), value, fmt.Sprintf("the order asks for %d Mbps and %s has %d; it grows in place only if the port under it has room", asked, c.Name, has), "set the circuit to the ordered speed; where Azure refuses, build a new circuit and move to it")
	case asked < has && c.Properties.ExpressRoutePort == nil:
		k.say("circuit-upgrade-provider-throttle", string(c.ID), value, fmt.Sprintf("%s has %d Mbps and the order asks %s for %d, to which its rate limit holds the traffic", c.Name, has, or(o.Provider, "the provider"), asked), fmt.Sprintf("order %d Mbps", has))
	}
}

// stillOn lists what hangs on a circuit that must be gone before it is deprovisioned.
func (k *checker) stillOn(c *azure.ExpressRouteCircuit) []string {
	var out []string
	if n := len(k.index.Links(c.ID)); n > 0 {
		out = append(out, some(n, "link"))
	}
	if n := len(c.Properties.Authorizations); n > 0 {
		out = append(out, some(n, "authorization"))
	}
	for i := range c.Properties.Peerings {
		if f := c.Properties.Peerings[i].Properties.RouteFilter; f != nil {
			out = append(out, "route filter "+f.ID.Name())
		}
	}
	if n := k.index.GlobalReach(c.ID); n > 0 {
		out = append(out, some(n, "Global Reach connection"))
	}
	return out
}

// load is what the intent sends over one circuit while nothing has failed.
type load struct {
	mbps int      // of the lines of business that have no other preferred circuit
	who  []string // those
	gb   float64  // that leaves Azure in a month; of lines of business with several preferred circuits an even part
}

// loads spreads the intent's needs over the circuits to which the gateways give the highest weight, by circuit key. It is empty
// without an intent.
func (k *checker) loads() map[string]load {
	out := map[string]load{}
	if k.d.Intent == nil {
		return out
	}
	carriers := map[string][]string{}
	for _, f := range k.feeds() {
		for _, who := range k.behind(f.g) {
			for _, l := range f.preferred() {
				if key := l.c.ID.Key(); !slices.Contains(carriers[who], key) {
					carriers[who] = append(carriers[who], key)
				}
			}
		}
	}
	egress := k.d.Intent.Egress()
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		on := carriers[l.Name]
		for _, key := range on {
			x := out[key]
			x.gb += egress[i] / float64(len(on))
			if len(on) == 1 {
				x.mbps += int(l.Needs.Bandwidth)
				x.who = append(x.who, l.Name)
			}
			out[key] = x
		}
	}
	return out
}

// headroom holds what a circuit has to carry against what one of its links carries.
func (k *checker) headroom() {
	loads := k.loads()
	var full []*azure.ExpressRouteCircuit
	for _, c := range k.circuitsAll {
		x, has := loads[c.ID.Key()], circuitMbps(c)
		switch {
		case has == 0:
		case x.mbps > has:
			k.say("circuit-headroom-single-link", string(c.ID), fmt.Sprintf("%d Mbps", has), fmt.Sprintf("%d Mbps of %s are needed by %s, and one of its links carries %d; the second is there for when the first fails", x.mbps, c.Name, names(x.who), has), "use a larger circuit, or give some of them another")
		case x.mbps == has:
			full = append(full, c)
		}
	}
	if len(full) > 0 {
		k.say("circuit-burst-drops", string(full[0].ID), some(len(full), "circuit"), "what is needed fills "+circuitNames(full)+" to the last Mbps; limits act within milliseconds, so that bursts are dropped before an average shows it", "use the next larger size, or expect the loss")
	}
}

// localCircuits checks where Local circuits are and what is joined to them.
func (k *checker) localCircuits() {
	for _, c := range k.circuitsAll {
		if !isTier(c, tierLocal) {
			continue
		}
		l, known := k.place(c)
		if known && len(l.LocalRegions) == 0 {
			k.say("circuit-local-not-everywhere", string(c.ID), l.Name, fmt.Sprintf("%s is Local, and no region is local to %s", c.Name, l.Name), "use Standard, or a location with local regions: `onramp catalog locations`")
		}
		if k.index.GlobalReach(c.ID) > 0 {
			k.say("circuit-local-no-global-reach", string(c.ID), c.SKU.Tier, c.Name+" is Local and is joined with another circuit by Global Reach", "use Standard or Premium, or take the Global Reach connection away")
		}
		if !known {
			continue
		}
		for _, h := range k.hubLinks() {
			r, ok := k.c.Region(h.region)
			if h.circuit == c && ok && !slices.Contains(l.LocalRegions, r.Name) {
				k.say("vwan-local-same-region", string(h.gateway), h.region, fmt.Sprintf("%s is Local to %s (%s) and is linked to a virtual hub's gateway in %s", c.Name, l.Name, strings.Join(l.LocalRegions, ", "), h.region), "link it to a hub in its own region, or use Standard")
			}
		}
	}
}

// hubLink is a link of a circuit with the ExpressRoute gateway of a virtual hub.
type hubLink struct {
	gateway azure.ID
	region  string
	circuit *azure.ExpressRouteCircuit
}

// hubLinks reads the connections of virtual hubs' gateways, written inside the gateway or as resources of their own.
func (k *checker) hubLinks() []hubLink {
	type connection struct {
		Properties struct {
			Peering azure.Ref `json:"expressRouteCircuitPeering"`
		} `json:"properties"`
	}
	var out []hubLink
	add := func(gateway azure.ID, region string, x *connection) {
		if c := k.circuit[x.Properties.Peering.ID.Parent().Key()]; c != nil {
			out = append(out, hubLink{gateway, region, c})
		}
	}
	for _, g := range k.others("Microsoft.Network/expressRouteGateways") {
		var p struct {
			Connections []connection `json:"expressRouteConnections"`
		}
		properties(g, &p)
		for i := range p.Connections {
			add(g.ID, g.Location, &p.Connections[i])
		}
	}
	for _, u := range k.others("Microsoft.Network/expressRouteGateways/expressRouteConnections") {
		var x connection
		properties(u, &x.Properties)
		if g := k.index.Get(u.ID.Parent()); g != nil {
			add(g.Head().ID, g.Head().Location, &x)
		}
	}
	return out
}

// farRegions finds regions that a circuit is to reach and cannot: of another cloud, or of another geopolitical region through
// Microsoft peering. Networks of another geopolitical region are circuit-standard-geo-bound's to tell.
func (k *checker) farRegions() {
	for _, c := range k.circuitsAll {
		l, known := k.place(c)
		if !known {
			continue
		}
		for _, name := range k.regionsOn(c) {
			if r, ok := k.c.Region(name); ok && r.Cloud != l.Cloud {
				k.say("circuit-national-cloud-isolated", string(c.ID), name, fmt.Sprintf("%s is at %s (cloud %s) and serves %s (cloud %s)", c.Name, l.Name, l.Cloud, name, r.Cloud), "use a circuit at a location of that cloud")
			}
		}
		f := k.filterOf(c)
		if f == nil {
			continue
		}
		for _, s := range communitiesOf(f) {
			r, ok := k.regionOf(s)
			switch {
			case !ok:
			case r.Cloud != l.Cloud:
				k.say("circuit-national-cloud-isolated", string(f.ID), s, fmt.Sprintf("%s lets in services of %s (cloud %s), and %s is at %s (cloud %s)", f.Name, r.Name, r.Cloud, c.Name, l.Name, l.Cloud), "use a circuit at a location of that cloud")
			case r.GeopoliticalRegion != l.GeopoliticalRegion && !isTier(c, tierPremium):
				k.say("circuit-premium-cross-geo", string(f.ID), s, fmt.Sprintf("%s lets in services of %s (%s), and %s is %s at %s (%s)", f.Name, r.Name, r.GeopoliticalRegion, c.Name, c.SKU.Tier, l.Name, l.GeopoliticalRegion), "make the circuit Premium, or take the community out of the filter")
			}
		}
	}
}

// regionOf is the region whose services on Microsoft peering carry a community.
func (k *checker) regionOf(community string) (catalog.Region, bool) {
	if community == "" {
		return catalog.Region{}, false
	}
	for _, r := range k.c.Regions() {
		if slices.Contains([]string{r.CommunityMicrosoft, r.CommunityStorage, r.CommunitySQL, r.CommunityCosmosDB, r.CommunityBackup}, community) {
			return r, true
		}
	}
	return catalog.Region{}, false
}

// filterOf is the route filter of a circuit's Microsoft peering, nil when there is none in the design.
func (k *checker) filterOf(c *azure.ExpressRouteCircuit) *azure.RouteFilter {
	p := peeringOf(c, isMicrosoft)
	if p == nil || p.Properties.RouteFilter == nil {
		return nil
	}
	f, _ := k.index.Get(p.Properties.RouteFilter.ID).(*azure.RouteFilter)
	return f
}

// communitiesOf are the communities that a filter lets in, sorted, each once.
func communitiesOf(f *azure.RouteFilter) []string {
	var out []string
	for i := range f.Properties.Rules {
		out = append(out, f.Properties.Rules[i].Properties.Communities...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// sharedDomains finds lines of business that must be isolated and whose gateways are linked to one circuit. Spokes of one hub do
// not meet on the circuit: it knows the hub only.
func (k *checker) sharedDomains() {
	pairs := map[string][]*azure.ExpressRouteCircuit{}
	for _, c := range k.circuitsAll {
		var groups [][]string // lines of business behind each gateway
		for _, x := range k.index.Links(c.ID) {
			if p := x.Properties; p.VirtualNetworkGateway1 != nil && k.gateway[p.VirtualNetworkGateway1.ID.Key()] != nil {
				groups = append(groups, k.behind(k.gateway[p.VirtualNetworkGateway1.ID.Key()]))
			}
		}
		var apart []string
		for i, g := range groups {
			for _, h := range groups[i+1:] {
				apart = append(apart, k.keptApart(g, h)...)
			}
		}
		if len(apart) > 0 {
			pairs[names(apart)] = append(pairs[names(apart)], c)
		}
	}
	for _, text := range sortedKeys(pairs) {
		k.say("circuit-route-domain-shared", string(pairs[text][0].ID), some(len(pairs[text]), "circuit"), fmt.Sprintf("%s must be isolated and share the routing domain of %s: the flags of the gateways keep them apart, the circuit does not", text, circuitNames(pairs[text])), "give them circuits of their own, as the isolated patterns do")
	}
}

// keptApart names the pairs of two groups of lines of business that must be isolated, each in alphabetical order.
func (k *checker) keptApart(g, h []string) []string {
	var out []string
	for _, a := range g {
		for _, b := range h {
			if k.isolated(a, b) {
				out = append(out, min(a, b)+" and "+max(a, b))
			}
		}
	}
	return out
}
