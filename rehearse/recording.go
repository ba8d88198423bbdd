package rehearse

import (
	"io"
	"time"

	"onramp/network"
	"onramp/sim"
)

// Recording is what a drill's links carry, as pcapng. A part of the estate that routes by itself has a simulator of its own and with it a
// section of the file, with its own interfaces and its own clock.
type Recording struct {
	Frames int
	Links  int
	Lasts  time.Duration // of virtual time, to the last frame of any section
	w      io.Writer
	err    error
	keep   int // octets of each datagram, 0 for all
}

// NewRecording is one that is written to w.
func NewRecording(w io.Writer) *Recording { return &Recording{w: w} }

// Err is the first error of all that was written.
func (r *Recording) Err() error { return r.err }

// section begins a section, which it has a simulator's options show what the links carry, and returns what to call at its end. An estate
// without links has none.
func (r *Recording) section(n *network.Network, o *sim.Options) (end func()) {
	links := len(n.Wiring().Sessions)
	if links == 0 || r.err != nil {
		return func() {}
	}
	var t *sim.Trace
	if t, r.err = sim.NewTrace(r.w, n); r.err != nil {
		return func() {}
	}
	t.Keep = r.keep
	r.Links += links
	o.Linked = func(session, a, b string) {
		r.Links++
		t.Linked(session, a, b)
	}
	o.Capture = func(at time.Duration, link, direction int, frame []byte) {
		r.Frames++
		r.Lasts = max(r.Lasts, at)
		t.Capture(at, link, direction, frame)
	}
	return func() { r.err = t.Close() }
}
