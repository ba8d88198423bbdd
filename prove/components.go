package prove

import (
	"slices"

	"onramp/design"
	"onramp/intent"
	"onramp/network"
)

// Sources of a component's figure.
const (
	Stated    = "stated"    // by the intent
	Published = "published" // Microsoft's agreement
)

// components are how often each element fails, and which figures are missing. Circuits have Microsoft's published agreement
// (catalog.Limits.SLAPercent), which holds where both connections have a BGP session; nothing else is published, so it is stated or
// unknown.
type components struct {
	percent []float64 // by index in Network.Elements, 0 where unknown
	source  []string
	lacks   []string // keys of the intent that would have to be stated, in the order of the file
}

func newComponents(d *design.Design, n *network.Network, agreement float64) *components {
	elements := n.Elements()
	c := &components{percent: make([]float64, len(elements)), source: make([]string, len(elements))}
	var stated intent.Stated
	if d.Intent != nil {
		stated = d.Intent.Availability
	}
	links := map[string]float64{}
	for i := range d.Premises.Attachments {
		if a := &d.Premises.Attachments[i]; a.Availability > 0 {
			links[a.Name] = a.Availability
		}
	}
	msees, covered := msees(n), coveredCircuits(n)
	missing := map[string]bool{}
	for i, e := range elements {
		kind := string(e.Kind)
		if e.Kind == network.Router && msees[e.ID] {
			kind = "msee"
		}
		percent, ok := stated.Of(kind)
		if own, given := links[e.Name]; given && e.Kind == network.Link {
			percent, ok = own, true
		}
		c.source[i] = Stated
		if !ok && e.Kind == network.Circuit && covered[e.Name] && agreement > 0 {
			percent, ok, c.source[i] = agreement, true, Published
		}
		if c.percent[i] = percent; !ok {
			missing[kind] = true
		}
	}
	c.lacks = []string{}
	for kind := range missing {
		c.lacks = append(c.lacks, "availability."+kind)
	}
	c.lacks = inOrder(c.lacks)
	return c
}

// inOrder sorts keys of figures as the file has them, each once.
func inOrder(keys []string) []string {
	out := []string{}
	for _, kind := range intent.StatedKinds() {
		if key := "availability." + kind; slices.Contains(keys, key) {
			out = append(out, key)
		}
	}
	return out
}

// msees are the elements that Microsoft takes out for maintenance: its edge routers.
func msees(n *network.Network) map[string]bool {
	out := map[string]bool{}
	for _, sc := range n.Scenarios() {
		if sc.Kind == network.Maintenance {
			out[sc.Elements[0]] = true
		}
	}
	return out
}

// coveredCircuits are the circuits each of whose peerings has a session on both connections (rule peering-two-sessions).
func coveredCircuits(n *network.Network) map[string]bool {
	type half struct{ kind, connection string }
	of := map[string][]half{}
	for _, s := range n.Sessions() {
		if s.Kind == "private" || s.Kind == "microsoft" {
			of[s.Circuit.Name()] = append(of[s.Circuit.Name()], half{s.Kind, s.Connection})
		}
	}
	out := map[string]bool{}
	for name, list := range of {
		out[name] = !slices.ContainsFunc(list, func(h half) bool {
			other := design.Primary
			if h.connection == design.Primary {
				other = design.Secondary
			}
			return !slices.Contains(list, half{h.kind, other})
		})
	}
	return out
}

// fails is the part of time in which an element does not work.
func (c *components) fails(i int) float64 { return 1 - c.percent[i]/100 }
