package speaker

import (
	"fmt"
	"time"

	"onramp/bfd"
	"onramp/bgp"
)

// watch starts the BFD sessions of the neighbours that ask for one. Their port has a goroutine of its own, which only tells the loop.
func (l *loop) watch() error {
	states := map[int32]bfd.State{} // before a change; the port's goroutine's
	port := newBFDPort(l.now, func(c BFDChange) {
		l.send(input{kind: inLink, peer: l.peers[bgp.NeighborID(c.Neighbor)], link: linkChange{BFDChange: c, from: states[c.Neighbor]}})
		states[c.Neighbor] = c.State
	})
	for _, p := range l.order {
		b := p.cfg.BFD
		if b == nil {
			continue
		}
		interval := time.Duration(b.Interval)
		if err := port.Add(int32(p.id), p.local, p.cfg.Address, bfd.Config{DesiredMinTx: interval, RequiredMinRx: interval, DetectMult: uint8(b.Multiplier)}); err != nil {
			l.endWatch(port)
			return fmt.Errorf("neighbour %s: %w", p.cfg.Name, err)
		}
		states[int32(p.id)] = bfd.Down
		l.links = port
	}
	if l.links != nil {
		l.wg.Go(func() {
			if err := port.Run(l.ctx); err != nil {
				l.send(input{kind: inFailed, err: fmt.Errorf("watching the paths to neighbours: %w", err)})
			}
		})
	}
	return nil
}

// endWatch closes the sockets of a port that has not run.
func (l *loop) endWatch(port *bfdPort) {
	for _, p := range l.order {
		port.Remove(int32(p.id))
	}
}

// watching says whether a neighbour's path is to be watched, or the neighbour told that it is not for a reason of ours
// (RFC 5880 section 6.8.16).
func (l *loop) watching(p *peer, watched bool) {
	if l.links != nil && p.cfg.BFD != nil {
		l.links.SetAdminDown(int32(p.id), !watched)
	}
}

// linkChange is what BFD saw of the path to a neighbour.
type linkChange struct {
	BFDChange
	from bfd.State
}

// linkChanged lets the core end the session over a path that broke (RFC 5882 section 4.2; RFC 9384): one that was up and is down,
// unless the neighbour was told to stop watching it, which says nothing of the path (RFC 5882 section 3.2).
func (l *loop) linkChanged(now time.Duration, p *peer, c linkChange) {
	if c.from != c.State {
		e := Event{Time: Seconds(now), Kind: LinkChanged, Neighbor: p.cfg.Name, From: c.from.String(), To: c.State.String()}
		if c.State == bfd.Down {
			e.Reason = c.Diag.String()
		}
		l.o.Events(e)
	}
	if c.from == bfd.Up && c.State == bfd.Down && !c.NeighborAdminDown {
		l.apply(l.core.LinkFailed(now, p.id))
	}
}
