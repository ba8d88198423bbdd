package conform

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"onramp/azure"
	"onramp/cloud"
	"onramp/design"
)

// The goroutines of this package are started in each and have ended when it returns.

const (
	privatePeering   = "AzurePrivatePeering"
	microsoftPeering = "MicrosoftPeering"
	primary          = "primary"
	secondary        = "secondary"

	standardParallel = 16
	standardTimeout  = 2 * time.Minute
)

// ReadOptions say how an endpoint is read.
type ReadOptions struct {
	// Parallel is how many questions are asked at a time; 0 is 16.
	Parallel int
	// Timeout is how long one question may take, with all its retries; 0 is two minutes. What takes longer is not observed.
	Timeout time.Duration
	// Progress, if not nil, is called after each answer, one call at a time. The total grows as it is found out what there is to ask.
	Progress func(done, total int)
}

// Read asks an endpoint for everything of a design whose subscriptions are those of the endpoint (Home). The error is one of the endpoint
// as a whole: it does not answer, or lets nothing be read. Anything smaller is in Unread.
func Read(ctx context.Context, e *cloud.Endpoint, d *design.Design, o ReadOptions) (*Observed, error) {
	r := &reader{Endpoint: e, d: d, o: o, seen: &Observed{endpoint: e.URL(), tables: map[tableKey]*table{}, hidden: map[string]bool{}}}
	r.o.Parallel, r.o.Timeout = cmp.Or(max(o.Parallel, 0), standardParallel), cmp.Or(max(o.Timeout, 0), standardTimeout)
	if err := r.resources(ctx); err != nil {
		return nil, err
	}
	if err := r.tables(ctx); err != nil {
		return nil, err
	}
	slices.SortFunc(r.seen.Unread, func(a, b Unread) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.What, b.What)) })
	slices.SortFunc(r.seen.Traffic, func(a, b Traffic) int {
		return cmp.Or(strings.Compare(a.Circuit.Key(), b.Circuit.Key()), cmp.Compare(a.Peering, b.Peering))
	})
	return r.seen, nil
}

type reader struct {
	*cloud.Endpoint
	d    *design.Design
	o    ReadOptions
	seen *Observed

	mu          sync.Mutex // of all that questions write down
	done, total int
	answered    bool // the endpoint let something be read
}

// each asks n questions, several at a time, and stops asking when one shows that the endpoint as a whole fails.
func (r *reader) each(ctx context.Context, n int, ask func(ctx context.Context, i int) error) error {
	r.total += n
	questions := make([]int, n)
	for i := range questions {
		questions[i] = i
	}
	return cloud.Each(ctx, r.o.Parallel, questions, func(ctx context.Context, i int) error {
		short, end := context.WithTimeout(ctx, r.o.Timeout)
		defer end()
		err := ask(short, i)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done++
		if r.o.Progress != nil {
			r.o.Progress(r.done, r.total)
		}
		return err
	})
}

// why says in words why something was not read; fatal is an error of the endpoint as a whole.
func (r *reader) why(ctx context.Context, err error) (why string, fatal error) {
	var refused *azcore.ResponseError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return "no answer within " + r.o.Timeout.String(), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case !errors.As(err, &refused):
		return "", fmt.Errorf("%s: %w", r.URL(), err)
	case refused.StatusCode == 401 || refused.StatusCode == 403:
		return "whoever signed in may not read it (" + or(refused.ErrorCode, strconv.Itoa(refused.StatusCode)) + ")", nil
	}
	return "the endpoint says " + or(refused.ErrorCode, strconv.Itoa(refused.StatusCode)), nil
}

func (r *reader) unread(u Unread) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen.Unread = append(r.seen.Unread, u)
}

// collection is a list of the endpoint in which resources of the design are.
type collection struct {
	path, typ string
	of        azure.Resources
}

// collections are the lists that hold the resources of a design: groups and roles of a subscription, else those of a resource group or of
// the resource that they belong to.
func collections(rs azure.Resources) []*collection {
	var out []*collection
	byPath := map[string]*collection{}
	for _, x := range rs {
		h := x.Head()
		p, err := azure.ParseID(string(h.ID))
		if err != nil {
			continue
		}
		typ := strings.ToLower(h.Type)
		path := ""
		switch {
		case strings.HasPrefix(typ, "microsoft.authorization/"):
			_, name, _ := strings.Cut(h.Type, "/")
			path = "/subscriptions/" + subscription(h.ID) + "/providers/Microsoft.Authorization/" + name
		case typ == "microsoft.resources/resourcegroups":
			path = "/subscriptions/" + p.Subscription + "/resourcegroups"
		default:
			path = string(h.ID[:strings.LastIndexByte(string(h.ID), '/')])
		}
		c := byPath[strings.ToLower(path)]
		if c == nil {
			c = &collection{path: path, typ: h.Type}
			byPath[strings.ToLower(path)] = c
			out = append(out, c)
		}
		c.of = append(c.of, x)
	}
	return out
}

// subscription is the one in an id, whatever else the id is of.
func subscription(id azure.ID) string {
	parts := strings.SplitN(string(id), "/", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}

// resources reads every collection, and what is in it.
func (r *reader) resources(ctx context.Context) error {
	list := collections(r.d.Resources)
	err := r.each(ctx, len(list), func(ctx context.Context, i int) error {
		c := list[i]
		found, err := r.List(ctx, c.path, c.typ, nil)
		if errors.Is(err, cloud.ErrNotFound) { // neither is what it would be in
			r.mu.Lock()
			r.answered = true
			r.mu.Unlock()
			return nil
		}
		if err != nil {
			why, fatal := r.why(ctx, err)
			if fatal != nil {
				return fatal
			}
			for _, x := range c.of {
				r.unread(Unread{What: thing(x), Resource: x.Head().ID, Why: why})
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			for _, x := range c.of {
				r.seen.hidden[x.Head().ID.Key()] = true
			}
			return nil
		}
		return r.take(ctx, c, found)
	})
	if err != nil {
		return err
	}
	if !r.answered && len(list) > 0 {
		why := ""
		if len(r.seen.Unread) > 0 {
			why = ": " + r.seen.Unread[0].Why
		}
		return fmt.Errorf("%s lets nothing of the design be read%s", r.URL(), why)
	}
	r.seen.Resources.Sort()
	return nil
}

// take keeps those of a collection that concern the design.
func (r *reader) take(ctx context.Context, c *collection, found []json.RawMessage) error {
	designed := map[string]bool{}
	for _, x := range c.of {
		designed[x.Head().ID.Key()] = true
	}
	var rs azure.Resources
	for _, b := range found {
		x, err := azure.Unmarshal(b)
		if err != nil {
			return fmt.Errorf("%s answers %s with something else than resources: %w", r.URL(), c.path, err)
		}
		if !designed[x.Head().ID.Key()] && !routes(x) {
			continue
		}
		if cn, ok := x.(*azure.VirtualNetworkGatewayConnection); ok && cn.Properties.ConnectionStatus == "" { // lists of Azure leave it out
			b, err := r.Get(ctx, cn.ID)
			if err == nil {
				if whole, err := azure.Unmarshal(b); err == nil {
					x = whole
				}
			} else if _, fatal := r.why(ctx, err); fatal != nil {
				return fatal
			}
		}
		rs = append(rs, x)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = true
	r.seen.Resources = append(r.seen.Resources, rs...)
	return nil
}

// routes tells whether a resource that is not in the design can change where packets go.
func routes(x azure.Resource) bool {
	switch x.(type) {
	case *azure.VirtualNetwork, *azure.ExpressRouteCircuit, *azure.VirtualNetworkGateway, *azure.VirtualNetworkGatewayConnection, *azure.AzureFirewall,
		*azure.FirewallPolicyRuleCollectionGroup:
		return true
	}
	return false
}

// question is a table to be asked for.
type question struct {
	key    tableKey
	table  *table
	action string
	query  url.Values
	what   string
	rows   func(json.RawMessage) ([]row, error)
}

// tables reads the tables of what is there. Those of a resource that is not there are empty: that is known.
func (r *reader) tables(ctx context.Context) error {
	there := map[string]azure.Resource{}
	for _, x := range r.seen.Resources {
		there[x.Head().ID.Key()] = x
	}
	customers := map[string]bool{}
	for _, list := range routersOf(&r.d.Premises) {
		for i := range list {
			for j := range list[i].Sessions {
				if s := &list[i].Sessions[j]; s.Circuit != "" {
					customers[s.LocalAddress.Addr().String()] = true
				}
			}
		}
	}
	var list []*question
	ask := func(id azure.ID, kind, part, action, what string, rows func(json.RawMessage) ([]row, error)) *question {
		q := &question{key: tableKey{kind, id.Key(), part}, table: &table{resource: id}, action: action, what: what, rows: rows}
		if r.seen.hidden[id.Key()] {
			r.unread(Unread{What: what, Resource: id, Why: "what it belongs to could not be read", kind: kind})
			return q
		}
		r.seen.tables[q.key] = q.table
		if there[id.Key()] != nil {
			list = append(list, q)
		}
		return q
	}
	e := estate{customers: customers}
	var stats []Traffic
	for _, x := range azure.Of[*azure.ExpressRouteCircuit](r.d.Resources) {
		for i := range x.Properties.Peerings {
			name := x.Properties.Peerings[i].Name
			now, _ := there[x.ID.Key()].(*azure.ExpressRouteCircuit)
			has := now != nil && slices.ContainsFunc(now.Properties.Peerings, func(p azure.Peering) bool { return strings.EqualFold(p.Name, name) })
			if has {
				stats = append(stats, Traffic{Circuit: x.ID, Peering: name})
			}
			for _, path := range []string{primary, secondary} {
				part := name + "/" + path
				words := peeringWords(name) + " of circuit " + x.Name + ", " + path + " path"
				n := len(list)
				ask(x.ID, arpTable, part, "peerings/"+name+"/arpTables/"+path, "the ARP table of the "+words, e.readARP)
				ask(x.ID, routesTable, part, "peerings/"+name+"/routeTables/"+path, "the route table of the "+words, e.readRoutes)
				ask(x.ID, summaryTable, part, "peerings/"+name+"/routeTablesSummary/"+path, "the route table summary of the "+words, e.readSummary)
				if !has {
					list = list[:n] // an empty table
				}
			}
		}
	}
	var peers []*question
	for _, x := range azure.Of[*azure.VirtualNetworkGateway](r.d.Resources) {
		if !strings.EqualFold(x.Properties.GatewayType, "ExpressRoute") {
			continue
		}
		ask(x.ID, learnedTable, "", "getLearnedRoutes", "the learned routes of gateway "+x.Name, readLearned)
		peers = append(peers, ask(x.ID, peersTable, "", "getBgpPeerStatus", "the BGP peers of gateway "+x.Name, readPeers))
	}
	for _, x := range azure.Of[*azure.VirtualNetworkGatewayConnection](r.d.Resources) {
		if !strings.EqualFold(x.Properties.ConnectionType, "ExpressRoute") || r.seen.hidden[x.ID.Key()] {
			continue
		}
		t := &table{resource: x.ID, rows: []row{{key: "status", value: notConnected}}}
		if now, ok := there[x.ID.Key()].(*azure.VirtualNetworkGatewayConnection); ok {
			switch s := now.Properties.ConnectionStatus; s {
			case "", "Unknown":
				r.unread(Unread{What: "the status of connection " + x.Name, Resource: x.ID, Why: "the endpoint does not know it", kind: statusTable})
				continue
			case connected:
				t.rows[0].value = connected
			}
		}
		r.seen.tables[tableKey{statusTable, x.ID.Key(), ""}] = t
	}
	for _, x := range azure.Of[*azure.VirtualNetwork](r.d.Resources) {
		now, _ := there[x.ID.Key()].(*azure.VirtualNetwork)
		for i := range x.Properties.Subnets {
			s := &x.Properties.Subnets[i]
			if !workload(s.Name) {
				continue
			}
			what := "the effective routes of " + x.Name + "/" + s.Name
			nic := interfaceIn(now, s.Name)
			if nic == "" {
				r.unread(Unread{What: what, Resource: azure.ID(string(x.ID) + "/subnets/" + s.Name), Why: "no network interface stands in it, and Azure shows them of interfaces alone", kind: effectiveTable})
				continue
			}
			q := &question{key: tableKey{effectiveTable, nic.Key(), ""}, table: &table{resource: nic, subnet: azure.ID(string(x.ID) + "/subnets/" + s.Name)}, action: "effectiveRouteTable", what: what, rows: readEffective}
			r.seen.tables[q.key] = q.table
			list = append(list, q)
		}
	}
	if err := r.ask(ctx, list); err != nil {
		return err
	}
	if err := r.ask(ctx, r.told(peers, there)); err != nil {
		return err
	}
	return r.each(ctx, len(stats), func(ctx context.Context, i int) error {
		t := stats[i]
		b, err := r.Ask(ctx, string(t.Circuit)+"/peerings/"+t.Peering+"/stats", "Microsoft.Network/expressRouteCircuits", nil)
		var x struct {
			PrimaryIn    int64 `json:"primarybytesIn"`
			PrimaryOut   int64 `json:"primarybytesOut"`
			SecondaryIn  int64 `json:"secondarybytesIn"`
			SecondaryOut int64 `json:"secondarybytesOut"`
		}
		if err == nil {
			err = json.Unmarshal(b, &x)
		}
		if err != nil {
			why, fatal := r.why(ctx, err)
			if fatal == nil {
				r.unread(Unread{What: "the traffic of the " + peeringWords(t.Peering) + " of circuit " + t.Circuit.Name(), Resource: t.Circuit, Why: why, kind: "stats"})
			}
			return fatal
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen.Traffic = append(r.seen.Traffic, Traffic{t.Circuit, t.Peering, x.PrimaryIn, x.PrimaryOut, x.SecondaryIn, x.SecondaryOut})
		return nil
	})
}

// told are questions for what each gateway tells each of its neighbours.
func (r *reader) told(peers []*question, there map[string]azure.Resource) []*question {
	var list []*question
	for _, p := range peers {
		if there[p.key.of] == nil {
			continue
		}
		if r.seen.tables[p.key] == nil {
			r.unread(Unread{What: "what gateway " + p.table.resource.Name() + " tells its neighbours", Resource: p.table.resource, Why: "nobody knows who they are", kind: advertisedTable})
			continue
		}
		var asked []string
		for _, x := range p.table.rows {
			_, neighbour, _ := strings.Cut(x.key, " with ")
			if slices.Contains(asked, neighbour) {
				continue
			}
			asked = append(asked, neighbour)
			q := &question{key: tableKey{advertisedTable, p.key.of, neighbour}, table: &table{resource: p.table.resource}, action: "getAdvertisedRoutes",
				query: url.Values{"peer": {neighbour}}, what: "what gateway " + p.table.resource.Name() + " tells " + neighbour, rows: readAdvertised}
			r.seen.tables[q.key] = q.table
			list = append(list, q)
		}
	}
	return list
}

// ask asks for tables; those that are not answered are not observed.
func (r *reader) ask(ctx context.Context, list []*question) error {
	return r.each(ctx, len(list), func(ctx context.Context, i int) error {
		q := list[i]
		b, err := r.Post(ctx, q.table.resource, q.action, q.query, nil)
		why := ""
		if err != nil {
			var fatal error
			if why, fatal = r.why(ctx, err); fatal != nil {
				return fatal
			}
		} else if q.table.rows, err = q.rows(b); err != nil {
			why = "the answer is not such a table: " + err.Error()
		}
		if why != "" {
			r.unread(Unread{What: q.what, Resource: q.table.resource, Why: why, kind: q.key.kind})
			r.mu.Lock()
			defer r.mu.Unlock()
			delete(r.seen.tables, q.key)
		}
		return nil
	})
}

// workload tells whether virtual machines may stand in a subnet of this name.
func workload(subnet string) bool {
	for _, s := range []string{"GatewaySubnet", "AzureFirewallSubnet", "AzureFirewallManagementSubnet", "RouteServerSubnet", "AzureBastionSubnet"} {
		if strings.EqualFold(s, subnet) {
			return false
		}
	}
	return true
}

// interfaceIn is a network interface that stands in a subnet; empty where there is none.
func interfaceIn(v *azure.VirtualNetwork, subnet string) azure.ID {
	if v == nil {
		return ""
	}
	var found []string
	for i := range v.Properties.Subnets {
		s := &v.Properties.Subnets[i]
		if !strings.EqualFold(s.Name, subnet) {
			continue
		}
		var refs []azure.Ref
		if json.Unmarshal(s.Properties.Extra["ipConfigurations"], &refs) != nil {
			return ""
		}
		for _, x := range refs {
			nic := x.ID.Parent()
			if p, err := azure.ParseID(string(nic)); err == nil && strings.EqualFold(p.Type(), "Microsoft.Network/networkInterfaces") {
				found = append(found, string(nic))
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	return azure.ID(slices.Min(found))
}

func peeringWords(name string) string {
	switch {
	case strings.EqualFold(name, privatePeering):
		return "private peering"
	case strings.EqualFold(name, microsoftPeering):
		return "Microsoft peering"
	}
	return "peering " + name
}

// values reads the list that an answer holds.
func values[T any](b json.RawMessage) ([]T, error) {
	var x struct {
		Value []T `json:"value"`
	}
	if len(b) == 0 {
		return nil, errors.New("it is empty")
	}
	return x.Value, json.Unmarshal(b, &x)
}

func (e *estate) readARP(b json.RawMessage) ([]row, error) {
	list, err := values[struct {
		Interface string `json:"interface"`
		IPAddress string `json:"ipAddress"`
		MAC       string `json:"macAddress"`
	}](b)
	var out []row
	for _, x := range list {
		// An address of the premises that does not answer is shown as Incomplete, or not at all. IPv6 has no ARP.
		if !strings.Contains(x.IPAddress, ":") && e.customers[x.IPAddress] && x.MAC != "" && !strings.EqualFold(x.MAC, "Incomplete") {
			out = append(out, row{key: x.IPAddress, value: "answers"})
		}
	}
	return out, err
}

func (e *estate) readRoutes(b json.RawMessage) ([]row, error) {
	list, err := values[struct {
		Network string `json:"network"`
		NextHop string `json:"nextHop"`
		Path    string `json:"path"`
	}](b)
	var out []row
	for _, x := range list {
		out = append(out, e.circuitRoute(x.Network, x.NextHop, pathWords(x.Path)))
	}
	return out, err
}

func (e *estate) readSummary(b json.RawMessage) ([]row, error) {
	list, err := values[struct {
		Neighbor string `json:"neighbor"`
		State    string `json:"statePfxRcd"`
	}](b)
	var out []row
	for _, x := range list {
		if !e.customers[x.Neighbor] {
			continue
		}
		words := x.State
		if n, err := strconv.Atoi(x.State); err == nil {
			words = prefixes(n)
		}
		out = append(out, row{key: x.Neighbor, value: words})
	}
	return out, err
}

// gatewayRoute is a route as a gateway shows it.
type gatewayRoute struct {
	LocalAddress string `json:"localAddress"`
	Network      string `json:"network"`
	NextHop      string `json:"nextHop"`
	Origin       string `json:"origin"`
	ASPath       string `json:"asPath"`
	Weight       int    `json:"weight"`
}

func readLearned(b json.RawMessage) ([]row, error) {
	list, err := values[gatewayRoute](b)
	var out []row
	for _, x := range list {
		if !strings.EqualFold(x.Origin, "IBgp") { // what its own instances tell each other
			out = append(out, learned(x.Network, x.LocalAddress, x.NextHop, pathWords(x.ASPath), x.Weight))
		}
	}
	return out, err
}

func readAdvertised(b json.RawMessage) ([]row, error) {
	list, err := values[gatewayRoute](b)
	var out []row
	for _, x := range list {
		out = append(out, advertised(x.Network, x.LocalAddress, pathWords(x.ASPath)))
	}
	return out, err
}

func readPeers(b json.RawMessage) ([]row, error) {
	list, err := values[struct {
		LocalAddress string `json:"localAddress"`
		Neighbor     string `json:"neighbor"`
		ASN          int64  `json:"asn"`
		State        string `json:"state"`
	}](b)
	var out []row
	for _, x := range list {
		if x.ASN != microsoftAS { // the gateway's other instance, or a router in its network
			continue
		}
		state := notConnected
		if x.State == connected {
			state = connected
		}
		out = append(out, peer(x.LocalAddress, x.Neighbor, state))
	}
	return out, err
}

const microsoftAS = 12076 // expressroute-routing.md

func readEffective(b json.RawMessage) ([]row, error) {
	list, err := values[struct {
		Source   string   `json:"source"`
		State    string   `json:"state"`
		Prefixes []string `json:"addressPrefix"`
		Hops     []string `json:"nextHopIpAddress"`
		HopType  string   `json:"nextHopType"`
	}](b)
	var out []row
	for _, x := range list {
		hops := x.Hops
		if len(hops) == 0 {
			hops = []string{""}
		}
		for _, p := range x.Prefixes {
			for _, h := range hops {
				out = append(out, effective(p, x.Source, x.State, x.HopType, h))
			}
		}
	}
	return out, err
}

// each calls do for 0 to n-1, as many at a time as there are processors.
func each(n int, do func(i int)) {
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wait.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wait.Wait()
}
