package rehearse

import (
	"fmt"
	"slices"

	"onramp/design"
	"onramp/network"
)

// The names of the drills in which nothing fails and somebody sends.
const (
	VoiceDrill             = "voice"
	ProviderBandwidthDrill = "provider-bandwidth"
	InternetVPNDrill       = "internet-vpn"
)

// TrafficDrills are the names of the traffic drills, in the order in which they are run.
func TrafficDrills() []string {
	return []string{VoiceDrill, ProviderBandwidthDrill, InternetVPNDrill}
}

// slowShare is what the provider carries of a circuit in the drill of its bandwidth: with half, it is less than any circuit and seldom less
// than what else is on the way.
const slowShare = 0.5

// Traffic is the result of traffic drills.
type Traffic struct {
	Seed   uint64   `json:"seed"`
	Drills []string `json:"drills"` // those that were run: the lists of the others are empty
	// AsExpected tells that every throughput was: the drill of the provider's bandwidth is the only one that knows beforehand.
	AsExpected bool            `json:"asExpected"`
	Voice      []SaturatedCall `json:"voice"`
	// ProviderShare is the part of a circuit's rate that the provider carries in ProviderBandwidth.
	ProviderShare     float64        `json:"providerShare"`
	ProviderBandwidth []SlowProvider `json:"providerBandwidth"`
	InternetVPN       []SideBySide   `json:"internetVPN"`
	// Assumptions are those on which the results rest, beside those of the proof.
	Assumptions []design.Assumption `json:"assumptions"`
}

// RunTraffic runs the traffic drills of these names. Progress, if not nil, is called after each.
func RunTraffic(n *network.Network, names []string, seed uint64, progress func()) (*Traffic, error) {
	return theatre{net: n, seed: seed}.run(names, progress)
}

// Recordable are the traffic drills whose packets are all on links of the estate: those that RecordTraffic takes.
func Recordable() []string { return []string{VoiceDrill, ProviderBandwidthDrill} }

// keptOctets is what a recording keeps of each datagram: all of its headers.
const keptOctets = 96

// RecordTraffic runs one traffic drill, one of Recordable, and records what the links carry while it sends; of each datagram the first 96 octets. What finds
// the ways before is not there. An error of the recording itself is the recording's.
func RecordTraffic(n *network.Network, name string, seed uint64, r *Recording, progress func()) (*Traffic, error) {
	if !slices.Contains(Recordable(), name) {
		return nil, fmt.Errorf("%s cannot be recorded", name)
	}
	r.keep = keptOctets
	return theatre{n, seed, r}.run([]string{name}, progress)
}

func (x theatre) run(names []string, progress func()) (*Traffic, error) {
	t := &Traffic{Seed: x.seed, Drills: []string{}, AsExpected: true, Voice: []SaturatedCall{}, ProviderShare: slowShare, ProviderBandwidth: []SlowProvider{},
		InternetVPN: []SideBySide{}, Assumptions: []design.Assumption{}}
	for _, name := range TrafficDrills() {
		if !slices.Contains(names, name) {
			continue
		}
		if err := t.run(x, name); err != nil {
			return nil, err
		}
		t.Drills = append(t.Drills, name)
		if progress != nil {
			progress()
		}
	}
	t.judge()
	return t, nil
}

func (t *Traffic) run(x theatre, name string) error {
	rests := SaturationAssumptions
	switch name {
	case VoiceDrill:
		list, err := x.voice()
		if err != nil {
			return err
		}
		t.Voice = append(t.Voice, list...)
	case ProviderBandwidthDrill:
		list, err := x.providerBandwidth(slowShare)
		if err != nil {
			return err
		}
		t.ProviderBandwidth = append(t.ProviderBandwidth, list...)
	case InternetVPNDrill:
		list, err := InternetVPN(x.net, x.seed)
		if err != nil {
			return err
		}
		t.InternetVPN, rests = append(t.InternetVPN, list...), InternetAssumptions
	}
	for _, a := range rests() {
		if !slices.ContainsFunc(t.Assumptions, func(b design.Assumption) bool { return a.Name == b.Name }) {
			t.Assumptions = append(t.Assumptions, a)
		}
	}
	return nil
}

func (t *Traffic) judge() {
	t.AsExpected = !slices.ContainsFunc(t.ProviderBandwidth, func(x SlowProvider) bool { return !x.AsExpected })
}
