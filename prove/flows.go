package prove

import (
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Flow is a flow that somebody needs: the two ends must reach each other, either beginning.
type Flow struct {
	// Name is as in ScenarioVerdict.Lost; flows between different subnets or prefixes of the same places share it.
	Name           string
	LineOfBusiness string // empty in a design without an intent
	Need           string // sites, services or reaches
	A, B           network.Endpoint
	// From and To are the ends for people: "vnet-fin-core/app", "montreal 10.0.0.0/16".
	From, To string
}

// Flows are the needed flows of a design, by line of business. Of one without an intent they are those between every machine and every site.
func Flows(d *design.Design, n *network.Network, c *catalog.Catalog) []Flow {
	e := survey(d, n, c)
	out := make([]Flow, len(e.needed))
	for i := range e.needed {
		f := &e.needed[i]
		a, b := &e.points[f.a], &e.points[f.b]
		out[i] = Flow{Name: e.lostName(f), Need: f.need, A: a.Endpoint, B: b.Endpoint, From: a.name, To: b.name}
		if f.lob != nil {
			out[i].LineOfBusiness = f.lob.Name
		}
	}
	return out
}

// lostName is what ScenarioVerdict.Lost calls a flow.
func (e *estate) lostName(f *flow) string {
	s := e.points[f.a].place + " - " + e.points[f.b].place
	if f.lob != nil {
		s = f.lob.Name + ": " + s
	}
	return s
}
