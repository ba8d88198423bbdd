package twin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/sim"
)

// What the commands of this machine ask about the network behind the endpoint, and what they are answered.

// NetStatus is how the network is.
type NetStatus struct {
	Resources int `json:"resources"`
	Sites     int `json:"sites"`
	Routers   int `json:"routers"`
	// Sessions are BGP's: how many there are, how many may be up as things are, and how many are.
	Sessions int `json:"sessions"`
	MayBeUp  int `json:"sessionsThatMayBeUp"`
	Up       int `json:"sessionsUp"`
	// Settled tells that everything was taken over and nothing more will come of it; Trouble is why something cannot be.
	Settled bool   `json:"settled"`
	Trouble string `json:"trouble,omitempty"`
	// Faults are those that are on.
	Faults []FaultState `json:"faults"`
	// Findings are what could not be made of the resources and the premises.
	Findings []design.Finding `json:"findings"`
	// LateMs is by how much the last event was late, and MostLateMs the most that any was.
	LateMs     float64 `json:"lateMs"`
	MostLateMs float64 `json:"mostLateMs"`
}

// NetStatus tells how the network is.
func (t *Twin) NetStatus(ctx context.Context) (NetStatus, error) {
	e := t.estate
	settled, err := e.settled(ctx)
	e.mu.Lock()
	defer e.mu.Unlock()
	if err != nil && e.failed == nil {
		return NetStatus{}, err
	}
	w := e.plight.Network.Wiring()
	out := NetStatus{Resources: t.server.Len(), Sites: len(e.premises.Sites), Routers: len(w.Routers), Sessions: len(w.Sessions), MayBeUp: e.may, Up: e.up, Settled: settled, Faults: []FaultState{}, Findings: e.trouble}
	if e.failed != nil {
		out.Trouble = e.failed.Error()
	}
	if out.Findings == nil {
		out.Findings = []design.Finding{}
	}
	for _, f := range e.faults {
		out.Faults = append(out.Faults, f.FaultState)
	}
	last, most := t.live.Lag()
	out.LateMs, out.MostLateMs = inMs(last), inMs(most)
	return out, nil
}

func inMs(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// NetNames are what can be named in the network.
type NetNames struct {
	// Elements are what can fail, as scripts of drills name it: link:..., router:..., circuit:....
	Elements []string     `json:"elements"`
	Sessions []NetSession `json:"sessions"`
	// Routers, Gateways and Subnets have routes; Hosts are those between which packets can be sent: sites, subnets, services.
	Routers  []string `json:"routers"`
	Gateways []string `json:"gateways"`
	Subnets  []string `json:"subnets"`
	Hosts    []string `json:"hosts"`
}

// NetSession is a BGP session.
type NetSession struct {
	Name string `json:"name"`
	Kind string `json:"kind"`
	A    string `json:"a"`
	B    string `json:"b"`
	// State is Established where it is up at both ends, else that of one that is not.
	State string `json:"state"`
	// MayBeUp tells that nothing keeps it down.
	MayBeUp bool `json:"mayBeUp"`
}

// NetNames tells what can be named.
func (t *Twin) NetNames(ctx context.Context) (NetNames, error) {
	out := NetNames{Elements: []string{}, Sessions: []NetSession{}, Routers: []string{}, Gateways: []string{}, Subnets: []string{}, Hosts: []string{}}
	err := t.estate.look(ctx, func(s *sim.Sim, n *network.Network) {
		for _, x := range n.Elements() {
			out.Elements = append(out.Elements, x.ID)
		}
		for _, x := range s.SessionStates() {
			state := x.States[0]
			if state.String() == established {
				state = x.States[1]
			}
			out.Sessions = append(out.Sessions, NetSession{Name: x.Name, Kind: x.Kind, A: x.A, B: x.B, State: state.String(), MayBeUp: x.May})
		}
		w := n.Wiring()
		for i := range w.Routers {
			r := &w.Routers[i]
			out.Routers = append(out.Routers, r.Name)
			if r.Gateway != "" && !slices.Contains(out.Gateways, r.Gateway) {
				out.Gateways = append(out.Gateways, r.Gateway)
			}
		}
		for i := range w.Subnets {
			out.Subnets = append(out.Subnets, w.Subnets[i].Node)
		}
		for _, x := range hosts(n) {
			if !slices.Contains(out.Hosts, x.name) {
				out.Hosts = append(out.Hosts, x.name)
			}
		}
	})
	return out, err
}

// Routes are what something in the network knows.
type Routes struct {
	Of string `json:"of"`
	// Kind is router, gateway or subnet. A gateway has a table for each of its instances.
	Kind   string        `json:"kind"`
	Tables []RouterTable `json:"tables"`
	// Effective are a subnet's.
	Effective []network.EffectiveRoute `json:"effective,omitempty"`
}

// RouterTable is what a router knows.
type RouterTable struct {
	Router string  `json:"router"`
	Routes []Route `json:"routes"`
}

// Route is one that a router knows.
type Route struct {
	Prefix string `json:"prefix"`
	// NextHop and From are the neighbour's address and name; both are "" for the router's own routes.
	NextHop     string   `json:"nextHop"`
	From        string   `json:"from"`
	Path        string   `json:"path"`
	LocalPref   uint32   `json:"localPref"`
	Weight      uint32   `json:"weight"`
	MED         uint32   `json:"med"`
	Communities []string `json:"communities"`
	// Best is the one best route to its prefix; Used is every one that packets take.
	Best bool `json:"best"`
	Used bool `json:"used"`
}

func routesOf(rows []network.Row) []Route {
	out := []Route{}
	for _, r := range bestFirst(rows) {
		x := Route{Prefix: r.Prefix.String(), From: r.From, Path: r.Path.String(), LocalPref: r.LocalPref, Weight: r.Weight, MED: r.MED, Communities: []string{}, Best: r.Best, Used: r.Multipath || r.Best}
		if r.NextHop.IsValid() {
			x.NextHop = r.NextHop.String()
		}
		for _, c := range r.Communities {
			x.Communities = append(x.Communities, c.String())
		}
		out = append(out, x)
	}
	return out
}

// Routes tells what a router, a gateway or a subnet knows. An unknown name is a Refusal.
func (t *Twin) Routes(ctx context.Context, of string) (Routes, error) {
	out := Routes{Of: of, Tables: []RouterTable{}}
	var names []string
	err := t.estate.look(ctx, func(s *sim.Sim, n *network.Network) {
		w := n.Wiring()
		for i := range w.Routers {
			r := &w.Routers[i]
			names = append(names, r.Name)
			if r.Gateway != "" {
				names = append(names, r.Gateway)
			}
			if r.Name == of || r.Gateway != "" && r.Gateway == of {
				out.Kind = "router"
				if r.Name != of {
					out.Kind = "gateway"
				}
				out.Tables = append(out.Tables, RouterTable{r.Name, routesOf(s.Table(r.Name))})
			}
		}
		for i := range w.Subnets {
			names = append(names, w.Subnets[i].Node)
			if w.Subnets[i].Node == of && out.Kind == "" {
				out.Kind, out.Effective = "subnet", s.EffectiveRows(of)
			}
		}
	})
	if err == nil && out.Kind == "" {
		err = noSuch("router, gateway or subnet", of, names)
	}
	return out, err
}

// noSuch refuses a name, with the one that is most like it, or some.
func noSuch(what, name string, names []string) error {
	said := fmt.Sprintf("there is no %s %q", what, name)
	slices.Sort(names)
	names = slices.Compact(names)
	const most = 8
	switch near := catalog.Nearest(name, names); {
	case near != "":
		said += "; did you mean " + near + "?"
	case len(names) == 0:
		said += ": there is nothing yet"
	case len(names) <= most:
		said += "; there are " + strings.Join(names, ", ")
	default:
		said += fmt.Sprintf("; there are %s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return Refusal{errors.New(said)}
}

// host is somebody that packets can be sent from or to.
type host struct {
	name string
	at   network.Endpoint
}

// hosts are all that a network has, by names: a site's is its own, a subnet's VNET/SUBNET.
func hosts(n *network.Network) []host {
	var out []host
	for _, x := range n.Endpoints() {
		switch x.Kind {
		case network.SiteHost:
			if !x.Public {
				out = append(out, host{x.Site, x})
			}
		case network.VM:
			out = append(out, host{n.NameOf(x.VNet) + "/" + x.Subnet, x})
		case network.Service:
			out = append(out, host{x.Service, x})
		}
	}
	return out
}

// errandOf finds the ends: who asks is a host or a router, who is asked too, or any address.
func errandOf(s *sim.Sim, n *network.Network, from, to string) (sim.Source, netip.Addr, error) {
	list := hosts(n)
	from, to = strings.TrimPrefix(from, "site:"), strings.TrimPrefix(to, "site:")
	var names []string
	var addresses []netip.Addr
	for _, x := range list {
		names = append(names, x.name)
		if x.name == to {
			addresses = append(addresses, x.at.Addr)
		}
	}
	w := n.Wiring()
	router := ""
	for i := range w.Routers {
		r := &w.Routers[i]
		if r.Name == from && r.Gateway == "" { // nobody has a command line on a gateway
			router = r.Name
		}
		if r.Gateway == "" {
			names = append(names, r.Name)
		}
		if r.Name == to && len(addresses) == 0 {
			addresses = append(addresses, r.ID)
		}
	}
	if a, err := netip.ParseAddr(to); err == nil {
		addresses = []netip.Addr{a.Unmap()}
	}
	if len(addresses) == 0 {
		return sim.Source{}, netip.Addr{}, noSuch("site, subnet, service, router or address", to, names)
	}
	known := false
	for _, x := range list {
		if x.name != from {
			continue
		}
		known = true
		for _, a := range addresses {
			if a.Is4() == x.at.Addr.Is4() {
				q, err := s.Host(x.at)
				return q, a, err
			}
		}
	}
	if router != "" {
		q, err := s.Router(router)
		return q, addresses[0], err
	}
	if known {
		return sim.Source{}, netip.Addr{}, Refusal{fmt.Errorf("%s and %s have no addresses of one family", from, to)}
	}
	return sim.Source{}, netip.Addr{}, noSuch("site, subnet, service or router", from, names)
}

// PingRequest says who asks whom, and how often.
type PingRequest struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Count is how many packets are sent, 0 for as long as anybody listens; one every Interval, each of which waits for its answer for Wait.
	Count    int           `json:"count,omitempty"`
	Interval time.Duration `json:"interval,omitempty"`
	Wait     time.Duration `json:"wait,omitempty"`
	// Payload is how many octets each carries, 0 for 56.
	Payload int `json:"payload,omitempty"`
}

// Bounds of what a ping may ask.
const (
	leastInterval = 10 * time.Millisecond
	mostWait      = 30 * time.Second
	mostPayload   = 65_000
)

// Pong is what came of one packet of a ping.
type Pong struct {
	Number int    `json:"number"` // from 1 on
	To     string `json:"to"`     // the address that was asked
	// Answered tells that an echo came; Answer is what did: "echo", "time exceeded", "no route", ..., "" for nothing, and By whose it was.
	Answered bool    `json:"answered"`
	Answer   string  `json:"answer"`
	By       string  `json:"by,omitempty"`
	RTTMs    float64 `json:"rttMs,omitempty"`
	// Lost is where and why the packet, or its answer, ended, where that is known.
	Lost string `json:"lost,omitempty"`
}

// Ping sends echo requests through the running network and tells what came of each, in the order in which that is known, until all are
// answered or the context ends. Unknown names and numbers out of range are Refusals.
func (t *Twin) Ping(ctx context.Context, p PingRequest, each func(Pong) error) error {
	if p.Interval == 0 {
		p.Interval = time.Second
	}
	if p.Wait == 0 {
		p.Wait = 2 * time.Second
	}
	switch {
	case p.Count < 0:
		return Refusal{fmt.Errorf("a count of %d: give a number from 1 on, or none", p.Count)}
	case p.Interval < leastInterval:
		return Refusal{fmt.Errorf("an interval of %s: give at least %s", p.Interval, leastInterval)}
	case p.Wait < 0 || p.Wait > mostWait:
		return Refusal{fmt.Errorf("a wait of %s: give at most %s", p.Wait, mostWait)}
	case p.Payload < 0 || p.Payload > mostPayload:
		return Refusal{fmt.Errorf("a payload of %d octets: give at most %d", p.Payload, mostPayload)}
	}
	var from sim.Source
	var to netip.Addr
	var err error
	if called := t.estate.look(ctx, func(s *sim.Sim, n *network.Network) { from, to, err = errandOf(s, n, p.From, p.To) }); called != nil || err != nil {
		return errors.Join(called, err)
	}
	var mu sync.Mutex
	var come []Pong
	some := make(chan struct{}, 1)
	told := func(i int, a sim.Answer) { // in the loop, which does not wait for whoever listens
		x := Pong{Number: i, To: to.String(), Answered: a.Kind == sim.Echoed, Answer: string(a.Kind), By: a.Node, RTTMs: inMs(a.RTT)}
		if a.Loss.Reason != "" {
			x.Lost = a.Loss.Node + ": " + a.Loss.Reason
		}
		mu.Lock()
		come = append(come, x)
		mu.Unlock()
		select {
		case some <- struct{}{}:
		default:
		}
	}
	tick := time.NewTicker(p.Interval)
	defer tick.Stop()
	sent, got := 0, 0
	next := make(chan time.Time, 1)
	next <- time.Time{} // the first goes at once
	var due <-chan time.Time = next
	for p.Count == 0 || got < p.Count {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-due:
			due = tick.C
			sent++
			i := sent
			if sent == p.Count {
				due = nil
			}
			if called := t.estate.call(ctx, func(s *sim.Sim) {
				err = s.Inquire(from, to, sim.Inquiry{Payload: p.Payload, Wait: p.Wait}, func(a sim.Answer) { told(i, a) })
			}); called != nil || err != nil {
				return errors.Join(called, err)
			}
		case <-some:
			mu.Lock()
			list := come
			come = nil
			mu.Unlock()
			for _, x := range list {
				got++
				if err := each(x); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// TraceRequest says whose way to whom is asked for.
type TraceRequest struct {
	From string        `json:"from"`
	To   string        `json:"to"`
	Wait time.Duration `json:"wait,omitempty"` // for answers, 0 for 1 s
}

// Trace is the way to an address.
type Trace struct {
	From string     `json:"from"`
	To   string     `json:"to"`
	Addr string     `json:"addr"` // that was asked
	Hops []TraceHop `json:"hops"`
	// Arrived tells that the address itself answered.
	Arrived bool `json:"arrived"`
}

// TraceHop is what was heard of one hop.
type TraceHop struct {
	TTL int `json:"ttl"`
	// By and Addr are who answered, "" where nobody did; Answer is what it said.
	By     string    `json:"by"`
	Addr   string    `json:"addr"`
	Answer string    `json:"answer"`
	RTTMs  []float64 `json:"rttMs"`
	// Lost is where and why the packets ended that nobody answered, where that is known.
	Lost string `json:"lost,omitempty"`
}

const (
	traceHops   = 30
	traceProbes = 3
)

// Traceroute finds the way to an address by packets whose time to live runs out. Unknown names are Refusals.
func (t *Twin) Traceroute(ctx context.Context, q TraceRequest) (Trace, error) {
	if q.Wait == 0 {
		q.Wait = time.Second
	}
	if q.Wait < 0 || q.Wait > mostWait {
		return Trace{}, Refusal{fmt.Errorf("a wait of %s: give at most %s", q.Wait, mostWait)}
	}
	out := Trace{From: q.From, To: q.To, Hops: []TraceHop{}}
	var err error
	var mu sync.Mutex
	heard := make([][]sim.Answer, traceHops)
	left := traceHops * traceProbes
	all := make(chan struct{})
	called := t.estate.look(ctx, func(s *sim.Sim, n *network.Network) {
		var from sim.Source
		var to netip.Addr
		if from, to, err = errandOf(s, n, q.From, q.To); err != nil {
			return
		}
		out.Addr = to.String()
		for ttl := 1; ttl <= traceHops; ttl++ { // all at once: nobody here minds
			for range traceProbes {
				err = s.Inquire(from, to, sim.Inquiry{TTL: uint8(ttl), Wait: q.Wait, Datagram: true}, func(a sim.Answer) { //nolint:gosec // small
					mu.Lock()
					defer mu.Unlock()
					heard[ttl-1] = append(heard[ttl-1], a)
					if left--; left == 0 {
						close(all)
					}
				})
				if err != nil {
					return
				}
			}
		}
	})
	if called != nil || err != nil {
		return Trace{}, errors.Join(called, err)
	}
	select {
	case <-all:
	case <-ctx.Done():
		return Trace{}, context.Cause(ctx)
	}
	mu.Lock()
	defer mu.Unlock()
	for i, answers := range heard {
		h := TraceHop{TTL: i + 1, RTTMs: []float64{}}
		for _, a := range answers {
			switch {
			case a.Kind != sim.Nothing:
				h.By, h.Addr, h.Answer = a.Node, a.Addr.String(), string(a.Kind)
				h.RTTMs = append(h.RTTMs, inMs(a.RTT))
			case a.Loss.Reason != "":
				h.Lost = a.Loss.Node + ": " + a.Loss.Reason
			}
		}
		out.Hops = append(out.Hops, h)
		if h.Answer != "" && h.Answer != string(sim.TimeExceeded) {
			out.Arrived = h.Addr == out.Addr
			return out, nil
		}
	}
	for n := len(out.Hops); n > 1 && out.Hops[n-1].By == "" && out.Hops[n-2].By == "" && out.Hops[n-1].Lost == out.Hops[n-2].Lost; n-- { // silence says so once
		out.Hops = out.Hops[:n-1]
	}
	return out, nil
}

// net lets something go wrong, or ends it.
func (t *Twin) net(ctx context.Context, n Net) (Done, error) {
	switch {
	case n.Fault != nil:
		f, err := t.estate.fault(ctx, *n.Fault)
		if err != nil {
			return Done{}, err
		}
		return Done{Message: f.What, Faults: []FaultState{f.FaultState}}, nil
	case n.All || len(n.Restore) > 0:
		targets := n.Restore
		if n.All {
			targets = nil
		}
		list, err := t.estate.restore(ctx, targets...)
		d := Done{Message: restored(list)}
		for _, f := range list {
			d.Faults = append(d.Faults, f.FaultState)
		}
		return d, err
	}
	return Done{}, Refusal{errors.New("the command says nothing about the network")}
}

// restored says which faults have ended.
func restored(list []*Fault) string {
	said := "nothing was wrong"
	for i, f := range list {
		if i == 0 {
			said = "restored: " + f.What
		} else {
			said += ", " + f.What
		}
	}
	return said
}

// News is what happened, and where to go on.
type News struct {
	Events []Event `json:"events"`
	// Last is the number after which to ask again.
	Last uint64 `json:"last"`
}

// mostNewsWait is how long a question for events waits where there are none.
const mostNewsWait = 5 * time.Second

// netControls answers questions about the network.
func (t *Twin) netControls(mux *http.ServeMux, send func(http.ResponseWriter, any, error)) {
	mux.HandleFunc("GET /net/status", func(w http.ResponseWriter, r *http.Request) {
		s, err := t.NetStatus(r.Context())
		send(w, s, err)
	})
	mux.HandleFunc("GET /net/names", func(w http.ResponseWriter, r *http.Request) {
		s, err := t.NetNames(r.Context())
		send(w, s, err)
	})
	mux.HandleFunc("GET /net/routes", func(w http.ResponseWriter, r *http.Request) {
		s, err := t.Routes(r.Context(), r.URL.Query().Get("of"))
		send(w, s, err)
	})
	mux.HandleFunc("GET /net/events", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
		wait, _ := time.ParseDuration(r.URL.Query().Get("wait"))
		ctx, end := context.WithTimeout(r.Context(), min(wait, mostNewsWait))
		defer end()
		n := News{Events: t.estate.Events(ctx, after), Last: after}
		if len(n.Events) > 0 {
			n.Last = n.Events[len(n.Events)-1].Number
		}
		send(w, n, nil)
	})
	mux.HandleFunc("POST /net/trace", func(w http.ResponseWriter, r *http.Request) {
		var q TraceRequest
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			send(w, nil, Refusal{err})
			return
		}
		s, err := t.Traceroute(r.Context(), q)
		send(w, s, err)
	})
	mux.HandleFunc("POST /net/ping", func(w http.ResponseWriter, r *http.Request) {
		var p PingRequest
		if err := json.NewDecoder(r.Body).Decode(&p); err != nil {
			send(w, nil, Refusal{err})
			return
		}
		flush := http.NewResponseController(w).Flush
		out := json.NewEncoder(w)
		begun := false
		err := t.Ping(r.Context(), p, func(x Pong) error {
			begun = true
			return errors.Join(out.Encode(x), flush())
		})
		if !begun {
			send(w, map[string]string{}, err)
		}
	})
}

// AskNet gets the status of the network of a running twin, AskNames what can be named in it, AskRoutes what something in it knows.
func AskNet(dir string) (NetStatus, error) {
	var s NetStatus
	return s, ask(dir, http.MethodGet, "/net/status", nil, &s)
}

// AskNames gets what can be named in the network of a running twin.
func AskNames(dir string) (NetNames, error) {
	var s NetNames
	return s, ask(dir, http.MethodGet, "/net/names", nil, &s)
}

// AskRoutes gets the routes of a router, gateway or subnet.
func AskRoutes(dir, of string) (Routes, error) {
	var s Routes
	return s, ask(dir, http.MethodGet, "/net/routes?of="+url.QueryEscape(of), nil, &s)
}

// AskEvents gets the events after a number; where there are none it waits for some, for a time that is at most 5 s.
func AskEvents(ctx context.Context, dir string, after uint64, wait time.Duration) (News, error) {
	var n News
	return n, askFor(ctx, dir, stopTime, http.MethodGet, fmt.Sprintf("/net/events?after=%d&wait=%s", after, wait), nil, func(d *json.Decoder) error { return d.Decode(&n) })
}

// AskTraceroute gets the way to an address.
func AskTraceroute(ctx context.Context, dir string, q TraceRequest) (Trace, error) {
	var s Trace
	return s, askFor(ctx, dir, stopTime+q.Wait, http.MethodPost, "/net/trace", q, func(d *json.Decoder) error { return d.Decode(&s) })
}

// AskPing sends echo requests and tells what came of each, until all are answered, the context ends or the twin stops.
func AskPing(ctx context.Context, dir string, p PingRequest, each func(Pong)) error {
	return askFor(ctx, dir, 0, http.MethodPost, "/net/ping", p, func(d *json.Decoder) error {
		for {
			var x Pong
			if err := d.Decode(&x); err != nil {
				return endOf(err)
			}
			each(x)
		}
	})
}

// endOf is no error where all has been read.
func endOf(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
