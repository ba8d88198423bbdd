package bgp

import (
	"container/heap"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// world is speakers on one virtual clock, with connections between them that deliver after a delay, can be cut without a word and
// can be closed. What happens at one time happens in the order in which it was planned.
type world struct {
	t      rapid.TB // what tests, benchmarks and property tests have in common
	now    time.Duration
	delay  time.Duration
	nodes  []*node
	plans  planHeap
	serial int
	wires  map[ConnID]*strand // by either end's ID
	conns  ConnID
	log    []string
	quiet  bool
	most   int                   // steps that one run of the clock may take; 0 for any number
	mangle func(b []byte) []byte // what becomes of octets on their way; nil for nothing
}

type node struct {
	name  string
	w     *world
	s     *Speaker
	peers map[NeighborID]*far // what is at the other end
	news  []Output            // kept only while the world is not quiet; without bytes
	dead  bool
}

// far is a neighbour: another node and what this one is called there. A cut one neither hears nor is heard.
type far struct {
	node    *node
	id      NeighborID
	cut     bool
	refuses bool
	dialing int // counts dials, so that a cancelled one does not come through
}

// strand is one end of a connection.
type strand struct {
	n     *node
	id    NeighborID
	conn  ConnID
	other *strand
	open  bool
}

type plan struct {
	at     time.Duration
	serial int
	do     func()
}

type planHeap []plan

func (h planHeap) Len() int { return len(h) }
func (h planHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].serial < h[j].serial
}
func (h planHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *planHeap) Push(x any)   { *h = append(*h, x.(plan)) }
func (h *planHeap) Pop() any     { old := *h; x := old[len(old)-1]; *h = old[:len(old)-1]; return x }

func newWorld(t rapid.TB) *world {
	return &world{t: t, delay: time.Millisecond, wires: map[ConnID]*strand{}}
}

func (w *world) after(d time.Duration, do func()) {
	w.serial++
	heap.Push(&w.plans, plan{w.now + d, w.serial, do})
}

func (w *world) node(name string, cfg SpeakerConfig) *node {
	w.t.Helper()
	s, err := NewSpeaker(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	n := &node{name: name, w: w, s: s, peers: map[NeighborID]*far{}}
	w.nodes = append(w.nodes, n)
	return n
}

// join makes two nodes neighbours. Addresses come from the nodes' places.
func (w *world) join(a, b *node, ca, cb NeighborConfig) (ia, ib NeighborID) {
	w.t.Helper()
	k := len(a.peers)*256 + len(b.peers)
	addr := func(n *node) netip.Addr {
		return netip.AddrFrom4([4]byte{169, byte(slices.Index(w.nodes, n)), byte(k >> 8), byte(k)})
	}
	six := func(n *node) netip.Addr {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:ffff:%x::%x", k, 1+slices.Index(w.nodes, n)))
	}
	fill := func(c *NeighborConfig, own, far *node) {
		c.Addr, c.LocalAddr, c.LocalIPv6, c.AS = addr(far), addr(own), six(own), far.s.cfg.AS
	}
	fill(&ca, a, b)
	fill(&cb, b, a)
	var err error
	if ia, err = a.s.AddNeighbor(w.now, ca); err != nil {
		w.t.Fatal(err)
	}
	if ib, err = b.s.AddNeighbor(w.now, cb); err != nil {
		w.t.Fatal(err)
	}
	a.peers[ia], b.peers[ib] = &far{node: b, id: ib}, &far{node: a, id: ia}
	return ia, ib
}

// do carries out what a node's speaker says.
func (n *node) do(list []Output) {
	w := n.w
	if n.dead {
		return
	}
	for _, o := range list {
		p := n.peers[o.Neighbor]
		switch o.Kind {
		case OutDial:
			p.dialing++
			ticket := p.dialing
			w.after(2*w.delay, func() {
				if p.dialing != ticket || n.dead {
					return
				}
				if p.cut {
					return // nothing answers
				}
				if p.refuses || p.node.dead {
					n.do(n.s.DialFailed(w.now, o.Neighbor))
					return
				}
				w.conns += 2
				x := &strand{n: n, id: o.Neighbor, conn: w.conns - 1, open: true}
				y := &strand{n: p.node, id: p.id, conn: w.conns, open: true, other: x}
				x.other = y
				w.wires[x.conn], w.wires[y.conn] = x, y
				n.do(n.s.Dialed(w.now, x.id, x.conn))
				y.n.do(y.n.s.Accepted(w.now, y.id, y.conn))
			})
		case OutCancel:
			p.dialing++
		case OutSend:
			x := w.wires[o.Conn]
			if x == nil || !x.open {
				w.t.Fatalf("%s sends on a connection that is closed", n.name)
			}
			b := slices.Clone(o.Bytes)
			w.after(w.delay, func() {
				if n.dead {
					return
				}
				n.do(n.s.Sent(w.now, x.conn, len(b)))
				if y := x.other; y.open && !y.n.dead && !p.cut {
					if w.mangle != nil {
						b = w.mangle(b)
					}
					y.n.do(y.n.s.Received(w.now, y.conn, b))
				}
			})
		case OutClose:
			x := w.wires[o.Conn]
			if x == nil || !x.open {
				w.t.Fatalf("%s closes a connection that is closed", n.name)
			}
			x.open = false
			w.after(w.delay, func() {
				if y := x.other; y.open && !y.n.dead && !p.cut {
					y.open = false
					y.n.do(y.n.s.Closed(w.now, y.conn))
				}
			})
		}
		if w.quiet {
			continue
		}
		o.Bytes = nil
		n.news = append(n.news, o)
		switch o.Kind {
		case OutState:
			w.note("%s %s>%s %s%s", n.name, o.From, o.To, o.Reason, told2(o))
		case OutLimit, OutError, OutStale, OutEndOfRIB, OutRefresh:
			w.note("%s %s %s", n.name, [...]string{OutEndOfRIB: "end of RIB", OutLimit: "limit", OutError: "error", OutStale: "stale", OutRefresh: "refresh"}[o.Kind], strings.TrimSpace(o.Family.String()+" "+o.Reason))
		}
	}
}

func told2(o Output) string {
	if o.Notification == nil {
		return ""
	}
	if o.Received {
		return ", received " + o.Notification.Error()
	}
	return ", sent " + o.Notification.Error()
}

func (w *world) note(format string, args ...any) {
	w.log = append(w.log, fmt.Sprintf("%8s ", w.now)+fmt.Sprintf(format, args...))
}

// breakLink ends every connection between the neighbours as a reset would.
func (n *node) breakLink(id NeighborID) {
	w := n.w
	for _, x := range w.strands() {
		if x.open && x.n == n && x.id == id {
			x.open, x.other.open = false, false
			n.do(n.s.Closed(w.now, x.conn))
			x.other.n.do(x.other.n.s.Closed(w.now, x.other.conn))
		}
	}
}

// kill makes a node stop without a word; its connections are reset.
func (n *node) kill() {
	w := n.w
	n.dead = true
	for _, x := range w.strands() {
		if x.open && x.n == n {
			x.open = false
			if y := x.other; y.open {
				y.open = false
				y.n.do(y.n.s.Closed(w.now, y.conn))
			}
		}
	}
}

// strands are the connections' ends in the order in which they were made.
func (w *world) strands() []*strand {
	var out []*strand
	for id := ConnID(1); id <= w.conns; id++ {
		if x := w.wires[id]; x != nil {
			out = append(out, x)
		}
	}
	return out
}

// cut makes the link silent, or lets it speak again, without telling anybody.
func (n *node) cut(id NeighborID, silent bool) {
	p := n.peers[id]
	p.cut = silent
	p.node.peers[p.id].cut = silent
}

// until runs the clock to a time.
func (w *world) until(end time.Duration) {
	w.t.Helper()
	for steps := 0; ; steps++ {
		if steps > w.most && w.most > 0 {
			w.t.Fatalf("%d steps until %s, of which %s were asked for", steps, w.now, end)
		}
		at, who := never, (*node)(nil)
		for _, n := range w.nodes {
			if d, ok := n.s.Deadline(); ok && !n.dead && d < at {
				at, who = d, n
			}
		}
		if len(w.plans) > 0 && w.plans[0].at <= at {
			at, who = w.plans[0].at, nil
		}
		if at > end {
			w.now = end
			return
		}
		w.now = max(w.now, at)
		if who != nil {
			who.do(who.s.Tick(w.now))
			continue
		}
		p := heap.Pop(&w.plans).(plan)
		p.do()
	}
}

func (w *world) run(d time.Duration) { w.t.Helper(); w.until(w.now + d) }

func (n *node) start() {
	for id := range len(n.s.neighbors) {
		n.do(n.s.Start(n.w.now, NeighborID(id)))
	}
}

func (n *node) originate(prefix string, a Attrs) {
	n.do(n.s.Originate(n.w.now, netip.MustParsePrefix(prefix), a))
}

func (n *node) withdraw(prefix string) { n.do(n.s.Withdraw(n.w.now, netip.MustParsePrefix(prefix))) }

// table is the Loc-RIB in lines: prefix, path, next hop of the best, and whether it is stale.
func (n *node) table() string {
	var b strings.Builder
	for p, list := range n.s.LocRIB() {
		h := list[0]
		if !h.Best {
			continue
		}
		fmt.Fprintf(&b, "%s [%s]", p, h.Attrs.Path)
		if h.Stale {
			b.WriteString(" stale")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (n *node) state(id NeighborID) State { st, _ := n.s.Neighbor(id); return st.State }

// open neighbours take and give everything.
func openly() NeighborConfig { return NeighborConfig{PolicyOptional: true} }

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }
