package sim

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"

	"onramp/network"
)

// Address translation in front of Microsoft peering (RFC 3022 section 2.2, RFC 4787): what a host sends to one of Microsoft's services gets
// an address and a port of its site's pool, and what comes back to these the host's. One host has one address of the pool (RFC 4787 section
// 4.1), and a port of it for each of its own as long as the port is in use; only who was written to is let in (section 5). Hosts that have
// addresses of the pool keep them. Where a network has no Microsoft peering nothing of this is on the way of a packet; where it has, packets
// that are for a service or for a pool are looked at closely.

// registered is what Microsoft peering knows of an address.
type registered uint8

const (
	ofService registered = 1 << iota // packets for it are translated
	ofPool                           // packets from it need not be
	ofLink                           // of a link of Microsoft peering
)

// register is the addresses that translation and Microsoft peering tell apart; nil in a network without Microsoft peering.
type register struct{ t bart.Table[registered] }

func newRegister(w *network.Wiring) *register {
	if len(w.Services) == 0 {
		return nil
	}
	r := &register{}
	add := func(p netip.Prefix, what registered) {
		was, _ := r.t.Get(p)
		r.t.Insert(p, was|what)
	}
	for _, p := range w.Services {
		add(p, ofService)
	}
	for _, x := range w.NATs {
		for _, p := range x.Pool {
			add(p, ofPool)
		}
	}
	for i := range w.Sessions {
		for _, a := range w.Sessions[i].Addr {
			if w.Sessions[i].Kind == "microsoft" && a.IsValid() {
				add(netip.PrefixFrom(a, a.BitLen()), ofLink)
			}
		}
	}
	return r
}

func (r *register) is(a netip.Addr, what registered) bool {
	if r == nil {
		return false
	}
	v, _ := r.t.Lookup(a)
	return v&what != 0
}

// outer is a packet's place in a pool, or a host's behind it.
type outer struct {
	addr netip.Addr
	port uint16
}

// nat is one at work.
type nat struct {
	s      *Sim
	pool   []netip.Prefix
	hosts  map[netip.Addr]netip.Addr // the address of the pool that each has
	next   netip.Addr                // to give out
	in     int                       // which prefix of the pool next is in
	given  map[outer]outer           // by the host's
	owner  map[outer]outer           // by the pool's
	opened map[connection]bool       // as seen from outside: the service, the pool
	used   map[outer]time.Duration   // by the pool's: when a packet last passed
}

// natTime is how long a translation lasts without a packet (RFC 4787 section 4.3 recommends no less; network.AssumeCommonPool).
const natTime = 5 * time.Minute

// translate puts the network's translations at their routers. One that was there before with the same pool goes on with what it knows.
func (s *Sim) translate(before map[*node]*nat) {
	s.register = newRegister(&s.wiring)
	for i := range s.wiring.NATs {
		x := s.nodes[s.wiring.NATs[i].Router]
		if n := before[x]; n != nil && slices.Equal(n.pool, s.wiring.NATs[i].Pool) {
			x.nat = n
			continue
		}
		x.nat = newNAT(s, &s.wiring.NATs[i])
	}
}

func newNAT(s *Sim, x *network.WiredNAT) *nat {
	n := &nat{s: s, pool: x.Pool}
	n.forget()
	return n
}

// forget is what happens when its power goes.
func (n *nat) forget() {
	n.hosts, n.in, n.next = map[netip.Addr]netip.Addr{}, 0, netip.Addr{}
	n.given, n.owner, n.opened, n.used = map[outer]outer{}, map[outer]outer{}, map[connection]bool{}, map[outer]time.Duration{}
}

func (n *nat) has(a netip.Addr) bool {
	for _, p := range n.pool {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// address is the one of the pool that a host has. When all are given out, they are given out again: ports tell hosts apart.
func (n *nat) address(of netip.Addr) netip.Addr {
	if n.has(of) {
		return of
	}
	a, ok := n.hosts[of]
	if !ok {
		switch {
		case !n.next.IsValid():
			n.next = n.pool[n.in].Masked().Addr()
		case n.pool[n.in].Contains(n.next.Next()):
			n.next = n.next.Next()
		default:
			n.in = (n.in + 1) % len(n.pool)
			n.next = n.pool[n.in].Masked().Addr()
		}
		a = n.next
		n.hosts[of] = a
	}
	return a
}

// bind is the translation of a host's address and port, made where there is none. It keeps the port where that is free; ok is false when
// every port of the address is in use.
func (n *nat) bind(of outer) (to outer, ok bool) {
	if to, ok = n.given[of]; ok {
		if n.s.now <= n.used[to]+natTime {
			n.used[to] = n.s.now
			return to, true
		}
		n.end(to, of)
	}
	to = outer{n.address(of.addr), of.port}
	const first, many = 1024, 65536 - 1024 // RFC 4787 section 4.2.1: not those of services
	for range many {
		if was, taken := n.owner[to]; !taken || n.s.now > n.used[to]+natTime {
			if taken {
				n.end(to, was)
			}
			n.given[of], n.owner[to], n.used[to] = to, of, n.s.now
			return to, true
		}
		if to.port++; to.port < first {
			to.port = first
		}
	}
	return to, false
}

// end forgets a translation and whom it was opened for.
func (n *nat) end(to, of outer) {
	delete(n.given, of)
	delete(n.owner, to)
	for c := range n.opened {
		if c.dst == to.addr && c.dport == to.port {
			delete(n.opened, c)
		}
	}
}

// far is the port at the other end; an echo request has none.
func (p *packet) far(port uint16) uint16 {
	if p.icmp != nil {
		return 0
	}
	return port
}

// outward translates a packet that a router is about to forward to a service, and tells whether it may go on.
func (n *nat) outward(p *packet, at string) bool {
	r := n.s.register
	if !r.is(p.dst, ofService) || r.is(p.src, ofPool) && !n.has(p.src) { // another site has translated it
		return true
	}
	if len(n.pool) == 0 {
		n.s.lose(p, at, network.Dropped, "there is no public address to translate "+p.src.String()+" to")
		return false
	}
	if p.icmp.isError() {
		return n.errorOutward(p, at)
	}
	to, ok := n.bind(outer{p.src, p.sport})
	if !ok {
		n.s.lose(p, at, network.Dropped, "every port of "+to.addr.String()+" is in use")
		return false
	}
	n.opened[connection{p.dst, to.addr, p.far(p.dport), to.port}] = true
	p.readdress(func(p *packet) {
		if p.icmp != nil {
			p.dport = to.port // both are the identifier
		}
		p.src, p.sport = to.addr, to.port
	})
	return true
}

// inward translates a packet that comes back, and tells whether it may go on: what nobody asked for may not.
func (n *nat) inward(p *packet, at string) bool {
	if !n.has(p.dst) {
		return true
	}
	if p.icmp.isError() {
		return n.errorInward(p, at)
	}
	to := outer{p.dst, p.dport}
	of, ok := n.owner[to]
	if !ok || n.s.now > n.used[to]+natTime || !n.opened[connection{p.src, to.addr, p.far(p.sport), to.port}] {
		n.s.lose(p, at, network.Dropped, "nobody behind "+p.dst.String()+" asked for it")
		return false
	}
	n.used[to] = n.s.now
	p.readdress(func(p *packet) {
		if p.icmp != nil {
			p.sport = of.port
		}
		p.dst, p.dport, p.spot = of.addr, of.port, 0
	})
	return true
}

// errorInward is an error about a packet that was translated: so is what it quotes (RFC 5508 section 4.2).
func (n *nat) errorInward(p *packet, at string) bool {
	about := p.icmp.about
	of, ok := n.owner[outer{about.src, about.sport}]
	if !ok {
		n.s.lose(p, at, network.Dropped, "nobody behind "+p.dst.String()+" sent what it is about")
		return false
	}
	m := *p.icmp
	if about.icmp != nil {
		m.about.dport = of.port
	}
	m.about.src, m.about.sport = of.addr, of.port
	p.icmp, p.dst, p.flow, p.spot = &m, of.addr, 0, 0
	return true
}

// errorOutward is an error of this side about a packet from a service.
func (n *nat) errorOutward(p *packet, at string) bool {
	about := p.icmp.about
	to, ok := n.given[outer{about.dst, about.dport}]
	if !ok {
		n.s.lose(p, at, network.Dropped, "what it is about was not translated")
		return false
	}
	m := *p.icmp
	m.about.dst, m.about.dport = to.addr, to.port
	p.icmp, p.flow = &m, 0
	if !n.s.register.is(p.src, ofPool|ofLink) {
		p.src = to.addr
	}
	return true
}

// readdress changes the addresses of a packet, and of the whole that it is a part of.
func (p *packet) readdress(change func(*packet)) {
	change(p)
	p.flow = 0
	if p.part != nil {
		of, whole := *p.part, *p.part.whole
		change(&whole)
		of.whole, p.part = &whole, &of
	}
}

// expected lets a service send to an address of a pool, as an answer to what was asked before anybody looked.
func (s *Sim) expected(f *Flow) {
	for _, x := range s.nodes {
		if x.nat == nil || !x.nat.has(f.Dst.Addr) {
			continue
		}
		if to, ok := x.nat.bind(outer{f.Dst.Addr, f.Dport}); ok {
			x.nat.opened[connection{f.Src.Addr, to.addr, f.Sport, to.port}] = true
		}
	}
}

// untranslated tells whether a packet must not go on a link: Microsoft takes from the premises only what comes from registered addresses.
func (e *port) untranslated(p *packet) bool {
	s := e.node.s
	if s.register == nil || e.link.spec.Kind != "microsoft" || e.end != 0 || s.register.is(p.src, ofPool|ofLink) {
		return false
	}
	s.lose(p, e.node.spec.Name, network.Dropped, p.src.String()+" is not registered for Microsoft peering")
	return true
}
