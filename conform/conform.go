// Package conform says whether what is at an endpoint of Azure Resource Manager is what was proven: it reads the resources and the tables
// of their routers (read.go), compares both with the design and with what package network converges to (tables.go, config.go), and looks
// for the likely cause of what differs (cause.go). It decides no route: what a change of a resource, a failed element or a leak of the
// premises would look like it asks package network, and what no longer holds then package prove.
//
// A difference of a resource is a cause, one of a table a symptom. A symptom stands with the cause that explains it: the routers of what is
// there would show just that. What is left is on the wire or at the premises.
//
// Sources: the tables that Azure shows, behaviors.md and the operations of the public specifications in package catalog.
package conform

import (
	"slices"
	"strings"

	"onramp/azure"
	"onramp/design"
)

// Kind says in which way something differs.
type Kind string

// The kinds of finding.
const (
	Missing Kind = "missing" // designed, or proven, and not there
	Extra   Kind = "extra"   // there, and neither designed nor proven
	Value   Kind = "value"   // there with another value
	Path    Kind = "path"    // a route that goes another way
	Down    Kind = "down"    // something that is to be up and is not
)

// Where the likely cause of a finding lies.
const (
	Configuration = "configuration" // a resource is not what the design says
	Wire          = "wire"          // a link, a router, a session is not working
	Premises      = "premises"      // the organisation's routers announce something else
	Unexplained   = "unexplained"   // nothing that was looked at explains it
)

// Finding is one thing that is not what was proven.
type Finding struct {
	Kind Kind `json:"kind" enum:"missing,extra,value,path,down"`
	// What says it in a sentence.
	What string `json:"what"`
	// Cause is the likely cause in a sentence, with what it does; In is where it lies.
	Cause string `json:"cause"`
	In    string `json:"in" enum:"configuration,wire,premises,unexplained"`
	// Resource is the id of what it is about at the endpoint; empty where it is no resource.
	Resource azure.ID `json:"resource,omitempty"`
	// Changes are the properties that differ: from the design's value to that which is there.
	Changes []azure.Change `json:"changes,omitempty"`
	// Elements are what may have failed, ids as package network's elements and sessions have them. Each alone would look like this.
	Elements []string `json:"elements,omitempty"`
	// LinesOfBusiness are whose it is; none where it is everybody's.
	LinesOfBusiness []string `json:"linesOfBusiness,omitempty"`
	// Lost are flows that are needed, work in the design and do not now, where a failed element says so.
	Lost []string `json:"lost,omitempty"`
	// Symptoms are what the tables show of it.
	Symptoms []Symptom `json:"symptoms,omitempty"`
}

// Symptom is a row of a table that is not the proven one.
type Symptom struct {
	Kind Kind `json:"kind" enum:"missing,extra,path,down"`
	// Table says whose table it is in words; Resource is the id of what has it.
	Table    string   `json:"table"`
	Resource azure.ID `json:"resource"`
	// Row is what the row is about: a prefix, a neighbour, an address.
	Row string `json:"row"`
	// Proven and Seen are what stands there, in words; empty where there is no such row.
	Proven []string `json:"proven,omitempty"`
	Seen   []string `json:"seen,omitempty"`

	at tableKey
}

// Fallen is a property that is proven of the design and does not hold with the resources that are there.
type Fallen struct {
	Name           string `json:"name"`
	LineOfBusiness string `json:"lineOfBusiness"`
	Need           string `json:"need"`
	// Scenario is when, Flow which, Reason why: the counterexample.
	Scenario string `json:"scenario"`
	Flow     string `json:"flow"`
	Reason   string `json:"reason"`
}

// Unread is something that could not be read, so that nobody knows whether it conforms.
type Unread struct {
	What     string   `json:"what"`
	Resource azure.ID `json:"resource,omitempty"`
	Why      string   `json:"why"`

	kind string // of the table, empty for a resource
}

// Result is what came of a comparison.
type Result struct {
	// Conforms tells that nothing that could be read differs.
	Conforms bool   `json:"conforms"`
	Design   string `json:"design"`
	// Endpoint is its address.
	Endpoint string    `json:"endpoint"`
	Findings []Finding `json:"findings"`
	// Fallen are proven properties that no longer hold; it is looked at when a resource differs.
	Fallen      []Fallen `json:"fallen"`
	NotObserved []Unread `json:"notObserved"`
	// Compared counts what was held against the proof.
	Compared Compared `json:"compared"`
	// Traffic is what each peering carried; nothing of it is proven, so it is told and not compared.
	Traffic []Traffic `json:"traffic"`
	// Assumptions are what the comparison rests on.
	Assumptions []design.Assumption `json:"assumptions"`
}

// Compared counts what was compared.
type Compared struct {
	Resources int `json:"resources"`
	Tables    int `json:"tables"`
	Rows      int `json:"rows"`
}

// Observed is what an endpoint shows of a design.
type Observed struct {
	// Resources are those of the design that are there, and those beside them in the same collections.
	Resources azure.Resources
	// Unread could not be read. Of a resource, what the design says stands in its place.
	Unread []Unread
	// Traffic is what each peering carried since it was made, by circuit and peering: octets.
	Traffic []Traffic

	endpoint string
	tables   map[tableKey]*table
	hidden   map[string]bool // resources that could not be read, by key
}

// Traffic is what a circuit's peering carried on its two paths, in octets, from and to the premises.
type Traffic struct {
	Circuit      azure.ID `json:"circuit"`
	Peering      string   `json:"peering"`
	PrimaryIn    int64    `json:"primaryIn"`
	PrimaryOut   int64    `json:"primaryOut"`
	SecondaryIn  int64    `json:"secondaryIn"`
	SecondaryOut int64    `json:"secondaryOut"`
}

// Home returns a design whose resources, sessions and orders are in other subscriptions: those of the map, whose keys are compared without
// case. The design itself stays as it is.
func Home(d *design.Design, subscriptions map[string]string) (*design.Design, error) {
	homes := map[string]string{}
	for k, v := range subscriptions {
		homes[strings.ToLower(k)] = v
	}
	out := *d
	var err error
	if out.Resources, err = azure.Rehome(d.Resources, homes); err != nil {
		return nil, err
	}
	out.Premises = d.Premises.Rehome(func(name string) (string, bool) {
		id, ok := homes[strings.ToLower(name)]
		return id, ok
	})
	out.Orders = slices.Clone(d.Orders)
	for i := range out.Orders {
		out.Orders[i].Circuit = azure.RehomeID(out.Orders[i].Circuit, homes)
	}
	return &out, nil
}
