package sim

import (
	"slices"

	"onramp/network"
)

// NewPlain makes a topology that nobody designed: the wiring's routers and links with plain BGP between them, no policies, and no virtual
// networks. It is for measuring, and for tests of the simulator itself.
func NewPlain(w network.Wiring, o Options) (*Sim, error) { return assemble(nil, w, o) }

// known tells whether there is an element of that name.
func (s *Sim) known(id string) bool {
	if s.net != nil {
		return slices.ContainsFunc(s.net.Elements(), func(e network.Element) bool { return e.ID == id })
	}
	return slices.ContainsFunc(s.wiring.Routers, func(r network.WiredRouter) bool { return slices.Contains(r.Elements, id) }) ||
		slices.ContainsFunc(s.wiring.Sessions, func(l network.WiredSession) bool { return slices.Contains(l.Elements, id) })
}
