package sim

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// Changes of an estate, or of its timing, that should change nothing, or only what they have to do with.

// jitter is a different delay for each message, up to a most.
func jitter(seed uint64, most time.Duration) func() time.Duration {
	return func() time.Duration {
		seed = seed*6364136223846793005 + 1442695040888963407 // Knuth, MMIX
		return time.Duration(seed>>33) % most
	}
}

func TestOtherMessageTimingsReachTheSameRoutes(t *testing.T) {
	estateHalves(t, 20, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		n := drawnNetwork(t, drawer, c)
		for range 4 {
			seed := rapid.Uint64().Draw(t, "seed")
			most := time.Duration(rapid.IntRange(1, 100).Draw(t, "most ms")) * time.Millisecond
			some := rapid.IntRange(0, 7).Draw(t, "scenarios")
			i := 0
			said := comparison{seed: seed, faults: faults{late: jitter(seed, most)}, only: func(network.Scenario) bool { i++; return i%8 == some }}.try(n, nil)
			if said != "" {
				t.Fatalf("seed %d, up to %s late: %s", seed, most, said)
			}
		}
	})
}

// drawnNetwork draws an estate that a pattern can carry.
func drawnNetwork(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) *network.Network {
	src, err := json.Marshal(drawer.JSON(t))
	if err != nil {
		t.Fatal(err)
	}
	n := compiled(t, c, src, rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), nil)
	if n == nil {
		t.Skip("the pattern cannot carry it")
	}
	return n
}

// told is everything that happens in an estate that starts, and loses and regains its elements, with all tables in the end.
func toldOf(t rapid.TB, n *network.Network) string {
	var b strings.Builder
	s, err := New(n, Options{Seed: 5, Observe: func(h Happening) { fmt.Fprintln(&b, h) }})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Settle(time.Hour)
	for _, sc := range n.Scenarios() {
		if sc.Kind == network.Healthy || sc.Kind == network.Maintenance {
			continue
		}
		if err := s.Fail(Carrier, sc.Elements...); err != nil {
			t.Fatal(err)
		}
		s.Settle(time.Hour)
		if err := s.Repair(sc.Elements...); err != nil {
			t.Fatal(err)
		}
		s.Settle(time.Hour)
	}
	for _, r := range s.Routers() {
		fmt.Fprintln(&b, r, s.Table(r))
	}
	return b.String()
}

func TestRenamingChangesNothingButNames(t *testing.T) {
	lobs, sites := regexp.MustCompile(`lob(\d)`), regexp.MustCompile(`site(\d)`)
	renamed := func(s string) string { // names keep their order
		return sites.ReplaceAllString(lobs.ReplaceAllString(s, "lobby$1"), "sitting$1")
	}
	estateHalves(t, 10, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		src, err := json.Marshal(drawer.JSON(t))
		if err != nil {
			t.Fatal(err)
		}
		kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		n := compiled(t, c, src, kind, nil)
		if n == nil {
			t.Skip("the pattern cannot carry it")
		}
		want, got := renamed(toldOf(t, n)), toldOf(t, compiled(t, c, []byte(renamed(string(src))), kind, nil))
		if want != got {
			t.Fatalf("they differ from here on:\n%s", firstDifference(want, got))
		}
	})
}

func firstDifference(want, got string) string {
	a, b := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] + "\n" + b[i]
		}
	}
	return fmt.Sprintf("%d and %d lines", len(a), len(b))
}

// grown is the network of an intent and that of a changed one whose design keeps what it can of the first.
func grown(t *rapid.T, c *catalog.Catalog, object map[string]any, kind design.Pattern, change func(map[string]any)) (before, after *network.Network) {
	parse := func() *intent.Estate {
		src, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		e, findings := intent.Parse("drawn", src, c)
		if e == nil {
			t.Fatalf("the intent is refused: %v\n%s", findings, src)
		}
		return e
	}
	first, _ := pattern.Compile(kind, parse(), c, pattern.Options{})
	if first == nil {
		t.Skip("the pattern cannot carry it")
	}
	change(object)
	second, _ := pattern.Compile(kind, parse(), c, pattern.Options{Keep: first})
	if second == nil {
		t.Skip("the pattern cannot carry the change")
	}
	before, _ = network.Build(first.Resources, first.Premises, c, network.Options{})
	after, _ = network.Build(second.Resources, second.Premises, c, network.Options{})
	return before, after
}

// running is an estate that has settled.
func running(t rapid.TB, n *network.Network) *Sim {
	s, err := New(n, Options{Seed: 9})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(time.Hour) {
		t.Fatal("it does not settle")
	}
	return s
}

func TestTheOrderOfTheFileChangesNoTable(t *testing.T) {
	estateHalves(t, 2, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		object := drawer.JSON(t)
		kind := rapid.SampledFrom(design.Patterns()).Draw(t, "pattern")
		before, after := grown(t, c, object, kind, func(o map[string]any) {
			o["linesOfBusiness"] = rapid.Permutation(o["linesOfBusiness"].([]any)).Draw(t, "lines of business")
			premises := o["premises"].(map[string]any)
			premises["sites"] = rapid.Permutation(premises["sites"].([]any)).Draw(t, "sites")
		})
		a, b := running(t, before), running(t, after)
		for _, r := range a.Routers() {
			if !slices.EqualFunc(a.Table(r), b.Table(r), alike) {
				t.Fatalf("%s:\n%v\n%v", r, a.Table(r), b.Table(r))
			}
		}
	})
}

func TestAnUnrelatedLineOfBusinessChangesNoTableOfTheOthers(t *testing.T) {
	estateHalves(t, 2, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		object := drawer.JSON(t)
		object["premises"].(map[string]any)["routesBetween"] = [][]string{}
		before, after := grown(t, c, object, design.Isolated, func(o map[string]any) {
			list := o["linesOfBusiness"].([]any)
			region := list[0].(map[string]any)["networks"].([]any)[0].(map[string]any)["region"]
			o["linesOfBusiness"] = append(list, map[string]any{"name": "newcomer", "needs": map[string]any{"bandwidth": "50 Mbps", "dedicated": true},
				"networks": []any{map[string]any{"name": "newcomer-net", "region": region, "addressSpace": []string{"10.200.0.0/20"}}}})
		})
		a, b := running(t, before), running(t, after)
		for _, x := range a.nodes { // the premises know of everybody
			if k := x.spec.Kind; k != "gateway" && k != "msee" {
				continue
			}
			if r := x.spec.Name; !slices.EqualFunc(a.Table(r), b.Table(r), alike) {
				t.Fatalf("%s:\n%v\n%v", r, a.Table(r), b.Table(r))
			}
		}
	})
}

// depends lists all whose failure could touch a way: the elements of its nodes and of the links between them.
func depends(s *Sim, way string) map[string]bool {
	out := map[string]bool{}
	add := func(list []string) {
		for _, e := range list {
			out[e] = true
		}
	}
	members := func(node string) (list []*node) {
		if x := s.byName[node]; x != nil {
			return append(list, x)
		}
		return s.fabric.members[node]
	}
	names := strings.Split(way, " > ")
	for i, name := range names {
		for _, x := range members(name) {
			add(x.spec.Elements)
			for _, p := range x.ports {
				if i+1 < len(names) && slices.Contains(members(names[i+1]), p.far().node) {
					add(p.link.spec.Elements)
				}
			}
		}
		for j := range s.wiring.Firewalls {
			if w := &s.wiring.Firewalls[j]; w.Name == name {
				for _, e := range w.Instances {
					add(e)
				}
			}
		}
	}
	return out
}

func TestTheFailureOfAnUnusedElementLosesNoPacket(t *testing.T) {
	estateHalves(t, 20, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		n := drawnNetwork(t, drawer, c)
		third := rapid.IntRange(0, 2).Draw(t, "which third")
		s := running(t, n)
		probes, err := allProbes(s, n)
		if err != nil {
			t.Fatal(err)
		}
		const every = 20 * time.Millisecond
		for i, e := range n.Elements() {
			if i%3 != third {
				continue
			}
			for _, q := range probes {
				q.Watch()
				q.Send(every, s.Now()+2*time.Second)
			}
			s.Run(s.Now() + ProbePorts*every + 500*time.Millisecond)
			used := map[*Probe]map[string]bool{}
			for _, q := range probes {
				seen := q.Seen(s.Now())
				if seen.Answered == 0 {
					continue
				}
				used[q] = map[string]bool{}
				for _, way := range append(seen.There, seen.Back...) {
					for id := range depends(s, way) {
						used[q][id] = true
					}
				}
			}
			if err := s.Fail(Carrier, e.ID); err != nil {
				t.Fatal(err)
			}
			s.Run(s.Now() + 3*time.Second)
			for q, elements := range used {
				if seen := q.Seen(s.Now()); !elements[e.ID] && seen.Lost > 0 {
					t.Fatalf("%s: %s loses %d packets: %v", e.ID, q.Name, seen.Lost, seen)
				}
			}
			if err := s.Repair(e.ID); err != nil {
				t.Fatal(err)
			}
			s.Settle(time.Hour)
		}
	})
}
