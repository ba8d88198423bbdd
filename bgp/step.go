package bgp

import "fmt"

// Step is a step of the decision process: why the best route won, or at which a loser lost. The steps are numbered in the
// order in which they are taken.
type Step uint8

// The steps, in order.
const (
	StepNone        Step = iota // there is no route
	StepOnly                    // there is no other route
	StepWeight                  // vendor, with Config.UseWeight
	StepLocalPref               // RFC 4271 section 9.1.1: the degree of preference
	StepLocalOrigin             // vendor
	StepPathLength              // RFC 4271 section 9.1.2.2 (a)
	StepOrigin                  // RFC 4271 section 9.1.2.2 (b)
	StepMED                     // RFC 4271 section 9.1.2.2 (c)
	StepEBGP                    // RFC 4271 section 9.1.2.2 (d)
	StepIGPCost                 // RFC 4271 section 9.1.2.2 (e), unless Config.IgnoreIGPCost
	StepOldest                  // vendor, with Config.PreferOldest, among eBGP routes
	StepRouterID                // RFC 4271 section 9.1.2.2 (f); RFC 4456 section 9: the originator's, if there is one
	StepClusterList             // RFC 4456 section 9
	StepPeerAddr                // RFC 4271 section 9.1.2.2 (g)
	StepSession                 // the caller's number: two sessions that nothing in BGP tells apart
)

var steps = [...]struct{ code, words, source string }{
	StepNone:        {"none", "no route", "RFC 4271 section 9.1.2"},
	StepOnly:        {"only", "the only route", "RFC 4271 section 9.1.2"},
	StepWeight:      {"weight", "higher weight", "vendor"},
	StepLocalPref:   {"local-pref", "higher local preference", "RFC 4271 section 9.1.1"},
	StepLocalOrigin: {"local-origin", "originated by the router itself", "vendor"},
	StepPathLength:  {"path-length", "shorter AS path", "RFC 4271 section 9.1.2.2 (a)"},
	StepOrigin:      {"origin", "better origin", "RFC 4271 section 9.1.2.2 (b)"},
	StepMED:         {"med", "lower MED from the same neighbouring AS", "RFC 4271 section 9.1.2.2 (c)"},
	StepEBGP:        {"ebgp", "learned by eBGP, not iBGP", "RFC 4271 section 9.1.2.2 (d)"},
	StepIGPCost:     {"igp-cost", "nearer next hop", "RFC 4271 section 9.1.2.2 (e)"},
	StepOldest:      {"oldest", "older eBGP route", "vendor"},
	StepRouterID:    {"router-id", "lower router ID", "RFC 4271 section 9.1.2.2 (f)"},
	StepClusterList: {"cluster-list", "shorter cluster list", "RFC 4456 section 9"},
	StepPeerAddr:    {"peer-address", "lower peer address", "RFC 4271 section 9.1.2.2 (g)"},
	StepSession:     {"session", "lower session number", "vendor"},
}

// String says in a person's words what won: "shorter AS path".
func (s Step) String() string {
	if int(s) < len(steps) {
		return steps[s].words
	}
	return fmt.Sprintf("Step(%d)", uint8(s))
}

// Source is the RFC section that the step comes from, or "vendor".
func (s Step) Source() string {
	if int(s) < len(steps) {
		return steps[s].source
	}
	return ""
}

// MarshalText gives the step's stable code: "path-length".
func (s Step) MarshalText() ([]byte, error) {
	if int(s) >= len(steps) {
		return nil, fmt.Errorf("decision step %d does not exist", uint8(s))
	}
	return []byte(steps[s].code), nil
}

// UnmarshalText reads the code.
func (s *Step) UnmarshalText(text []byte) error {
	for i := range steps {
		if steps[i].code == string(text) {
			*s = Step(i)
			return nil
		}
	}
	return fmt.Errorf("decision step %q: want a code such as local-pref or path-length", text)
}
