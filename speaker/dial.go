package speaker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// link is how a neighbour's connections are protected.
type link struct {
	ttl      int // of packets sent, 0 as the system has it
	leastTTL int // of packets received, 0 for any (RFC 5082)
}

// link is what the file asks for. A neighbour in another AS is taken to be on the link: packets that leave it are of no use.
func (p *peer) link(c *Config) link {
	n := p.cfg
	local := c.AS
	if n.LocalAS != 0 {
		local = n.LocalAS
	}
	switch {
	case n.TTLSecurity > 0:
		return link{ttl: 255, leastTTL: 256 - n.TTLSecurity} // RFC 5082 section 3
	case n.AS == local:
		return link{}
	}
	return link{ttl: max(n.Multihop, 1)}
}

// network is the name of TCP over a family in package net.
func network(a netip.Addr) string {
	if a.Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// dial tries to connect, and tells the loop how it went.
func (l *loop) dial(p *peer) {
	if p.dialing != nil {
		p.dialing()
	}
	p.attempt++
	ctx, cancel := context.WithCancel(l.ctx)
	p.dialing = cancel
	attempt, n := p.attempt, p.cfg
	d := net.Dialer{KeepAlive: -1, // BGP keeps its own
		ControlContext: control(p.link(l.cfg), []key{{n.Address, n.Password}})}
	if n.LocalAddress.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(n.LocalAddress, 0))
	}
	l.wg.Add(1)
	go func() {
		defer l.wg.Done()
		c, err := d.DialContext(ctx, network(n.Address), netip.AddrPortFrom(n.Address, uint16(n.Port)).String())
		in := input{kind: inDialed, peer: p, attempt: attempt, err: err}
		if err == nil {
			in.socket = c.(*net.TCPConn)
		}
		if !l.send(in) && err == nil {
			_ = c.Close() // nobody waits for it
		}
	}()
}

// listen opens the listening sockets and starts to accept.
func (l *loop) listen() error {
	for _, a := range l.cfg.Listen {
		var keys []key
		ttl := 0
		for _, p := range l.order {
			if p.cfg.Address.Is4() != a.Addr().Is4() {
				continue
			}
			if p.cfg.Password != "" {
				keys = append(keys, key{p.cfg.Address, p.cfg.Password})
			}
			if p.cfg.TTLSecurity > 0 {
				ttl = 255 // the answer to a SYN is the listening socket's
			}
		}
		c := net.ListenConfig{KeepAlive: -1}
		c.SetMultipathTCP(false) // which has no room for signatures
		ctl := control(link{ttl: ttl}, keys)
		c.Control = func(network, address string, s rawConn) error { return ctl(l.ctx, network, address, s) }
		ln, err := c.Listen(l.ctx, network(a.Addr()), a.String())
		if err != nil {
			return fmt.Errorf("listening at %s: %w", a, err)
		}
		l.o.Events(Event{Time: Seconds(l.now()), Kind: Listening, Address: ln.Addr().String()})
		l.wg.Add(2)
		go l.accept(ln.(*net.TCPListener))
		go func() {
			defer l.wg.Done()
			<-l.ctx.Done()
			_ = ln.Close() // which ends accept
		}()
	}
	return nil
}

// accept hands connections to the loop.
func (l *loop) accept(ln *net.TCPListener) {
	defer l.wg.Done()
	for {
		c, err := ln.AcceptTCP()
		switch {
		case err == nil:
			if !l.send(input{kind: inAccepted, socket: c}) {
				_ = c.Close() // nobody waits for it
				return
			}
		case l.ctx.Err() != nil:
			return
		default:
			l.log.Warn("accepting a connection", "at", ln.Addr(), "why", err)
			pause := time.NewTimer(acceptPause)
			select {
			case <-pause.C:
			case <-l.ended:
			}
			pause.Stop()
		}
	}
}

// addrOf is an end of a connection, an IPv4 address as such.
func addrOf(a net.Addr) netip.AddrPort {
	p := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
}

// localAddress is this machine's address on the way to another. Nothing is sent for it.
func localAddress(remote netip.Addr) (netip.Addr, error) {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(remote, portBGP)))
	if err != nil {
		return netip.Addr{}, err
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), nil
}
