package speaker

import "time"

// linkChange is what BFD saw of the path to a neighbour.
type linkChange struct {
	from, to string // states of the BFD session
	why      string // its diagnostic
	// failed says that the path broke: it was up, is down, and not because one of the two ends was told to stop watching it
	// (RFC 5882 section 4.2).
	failed bool
}

// tellLink tells the loop what BFD saw. Any goroutine may call it; false says that the loop has ended.
func (l *loop) tellLink(p *peer, c linkChange) bool {
	return l.send(input{kind: inLink, peer: p, link: c})
}

// linkChanged lets the core end the session over a path that broke (RFC 5882 section 4.2; RFC 9384).
func (l *loop) linkChanged(now time.Duration, p *peer, c linkChange) {
	l.o.Events(Event{Time: Seconds(now), Kind: LinkChanged, Neighbor: p.cfg.Name, From: c.from, To: c.to, Reason: c.why})
	if c.failed {
		l.apply(l.core.LinkFailed(now, p.id))
	}
}
