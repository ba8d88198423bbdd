package rehearse

import "onramp/design"

// Scripted is the result of the drills of a script.
type Scripted struct {
	Seed uint64 `json:"seed"`
	// Agrees tells that what was seen is what the proof says, in every drill; Met that every expectation of the script was met.
	Agrees  bool            `json:"agrees"`
	Met     bool            `json:"met"`
	ProbeMs float64         `json:"probeMs"` // between two requests of a flow's probe
	Flows   []Flow          `json:"flows"`
	Drills  []ScriptedDrill `json:"drills"`
	// Assumptions are those on which the times rest, beside those of the proof.
	Assumptions []design.Assumption `json:"assumptions"`
}

// ScriptedDrill is what one drill of a script did. Its times are from the start of the drill, at which the first second of probes is over.
type ScriptedDrill struct {
	Name  string `json:"name"`
	About string `json:"about"`
	// EndedMs is when everything that was still wrong was repaired.
	EndedMs float64     `json:"endedMs"`
	Steps   []StepDrill `json:"steps"`
	Repair  Change      `json:"repair"` // after EndedMs
	Checks  []Check     `json:"checks"`
	Expect  []Met       `json:"expect"`
	Events  []Event     `json:"events"`
	// Flows are those that lost a packet or went another way, worst first; Untouched counts the others.
	Flows         []ScriptedFlow `json:"flows"`
	Untouched     int            `json:"untouched"`
	Agrees        bool           `json:"agrees"`
	Met           bool           `json:"met"`
	Disagreements []Disagreement `json:"disagreements"`
}

// StepDrill is what happened at one time of a script, and what followed until the next.
type StepDrill struct {
	AtMs  float64  `json:"atMs"`
	Steps []int    `json:"steps"` // their places in the drill, from 1
	What  []string `json:"what"`
	// Change counts from this time on, up to the next. Its OutageMs is the longest outage that began in it and ended at all.
	Change Change `json:"change"`
}

// Check is a time at which the estate was held against the proof.
type Check struct {
	AtMs float64 `json:"atMs"`
	When string  `json:"when"` // in words
	// Wrong is what was wrong then, in words, and the scenario that the proof was asked about; empty when all was well.
	Wrong   []string `json:"wrong"`
	Down    []string `json:"down"`
	Drained []string `json:"drained"`
	Cut     []string `json:"cut"`
	// Held tells that every table was compared; Why says why not: something comes and goes.
	Held bool   `json:"held"`
	Why  string `json:"why"`
}

// Met is an expectation of the script and whether it was met.
type Met struct {
	Expects string `json:"expects"` // in words
	Flows   int    `json:"flows"`   // how many it is about
	Met     bool   `json:"met"`
	// Not names what did not meet it.
	Not []string `json:"not"`
}

// Event is something that happened in a drill.
type Event struct {
	AtMs float64 `json:"atMs"`
	// What is step, end (of a fault, by itself or by a repair), quiet, repair (of all, at the end), and what happens in the estate: session,
	// bfd, limit, error, config, and of a router up, down and restart.
	What string `json:"what" enum:"step,end,quiet,repair,session,bfd,limit,error,config,up,down,restart"`
	Step int    `json:"step,omitempty"` // the place in the drill, from 1
	// Node is the router that it happened at, Session the session that it is about.
	Node    string `json:"node,omitempty"`
	Session string `json:"session,omitempty"`
	From    string `json:"from,omitempty"` // states
	To      string `json:"to,omitempty"`
	Why     string `json:"why,omitempty"`
}

// Impaired is a fate that no proof knows: the flow's ways cross a link that loses packets, or some cross a router that does.
const Impaired = "impaired"

// ScriptedFlow is what one flow felt in a drill of a script.
type ScriptedFlow struct {
	Flow           string `json:"flow"`
	LineOfBusiness string `json:"lineOfBusiness"`
	From           string `json:"from"`
	To             string `json:"to"`
	// Expected and Seen are its fate at the last check before everything was repaired.
	Expected   string `json:"expected" enum:"delivered,part,lost,impaired"`
	Seen       string `json:"seen" enum:"delivered,part,lost"`
	Sent       int    `json:"sent"`
	Lost       int    `json:"lost"`
	Reordered  int    `json:"reordered"`
	Duplicated int    `json:"duplicated"`
	// OutageMs is the longest of Outages, DowntimeMs all of them together.
	OutageMs   float64  `json:"outageMs"`
	DowntimeMs float64  `json:"downtimeMs"`
	Outages    []Outage `json:"outages"`
	// RepairOutageMs and RepairLost are after everything was repaired. A flow that was lost is lost on until it is back.
	RepairOutageMs float64 `json:"repairOutageMs"`
	RepairLost     int     `json:"repairLost"`
	Before         Way     `json:"before"`
	During         Way     `json:"during"`
	After          Way     `json:"after"`
}

// Outage is a time in which a flow lost packets: losses belong to one outage if there is no more between them than it takes all source
// ports to have two turns.
type Outage struct {
	FromMs float64 `json:"fromMs"` // the first lost packet
	ToMs   float64 `json:"toMs"`   // the one after the last
	Sent   int     `json:"sent"`
	Lost   int     `json:"lost"`
	// Ended is false where the flow still lost packets when everything was repaired.
	Ended bool `json:"ended"`
	// Steps are the last that came before it, and those that came while it lasted: places in the drill, from 1.
	Steps []int  `json:"steps"`
	Where string `json:"where"` // where packets ended
}
