package bgp

import "fmt"

// State is a state of a session (RFC 4271 section 8.2.2).
type State uint8

// The states.
const (
	Idle State = iota
	Connect
	Active
	OpenSent
	OpenConfirm
	Established
)

var states = [...]string{"Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established"}

// String gives the state's name.
func (s State) String() string {
	if int(s) < len(states) {
		return states[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText gives String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
