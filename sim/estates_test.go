package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// comparison holds a running estate against the prover: it fails and repairs each of the scenarios' elements in turn and compares, when
// everything has settled, each route in every table and each flow's way and fate.
type comparison struct {
	seed uint64
	// silent tells of each scenario that nobody is told of the failure; else neighbours see their links go.
	silent func(scenario int) bool
	// only picks the scenarios; nil is all of them.
	only   func(network.Scenario) bool
	faults faults
}

// run returns the first disagreement, with what happened before it, and "" where there is none.
func (c comparison) run(n *network.Network) string {
	said := c.try(n, nil)
	if said == "" {
		return ""
	}
	var log []string
	if again := c.try(n, &log); again != said {
		return "two runs of the same estate and seed disagree:\n" + said + "\nand\n" + again
	}
	return said + "\n" + strings.Join(log, "\n")
}

func (c comparison) try(n *network.Network, log *[]string) string {
	o := Options{Seed: c.seed}
	if log != nil {
		o.Observe = func(h Happening) {
			if h.What != "route" {
				*log = append(*log, fmt.Sprintf("%s %s %s %s %s>%s %s", h.At, h.Node, h.Session, h.What, h.From, h.To, h.Why))
			}
		}
	}
	s, err := New(n, o)
	if err != nil {
		return err.Error()
	}
	s.faults = c.faults
	probes, err := allProbes(s, n)
	if err != nil {
		return err.Error()
	}
	s.Start()
	compare := func(st *network.State, when string) string {
		if !s.Settle(2 * time.Hour) {
			return fmt.Sprintf("%s: it does not settle: the last change was at %s of %s", when, s.Now()-s.Quiet(), s.Now())
		}
		if len(st.Unstable()) > 0 {
			return ""
		}
		if d := differs(s, st); d != "" {
			return when + ":\n" + d
		}
		if d := flowsDiffer(s, st, probes); d != "" {
			return when + ":\n" + d
		}
		return ""
	}
	scenarios := n.Scenarios()
	healthy := n.Converge(scenarios[0])
	if said := compare(healthy, "healthy"); said != "" {
		return said
	}
	for i, sc := range scenarios {
		if sc.Kind == network.Healthy || c.only != nil && !c.only(sc) {
			continue
		}
		if log != nil {
			*log = nil
		}
		fail, repair := func() { s.Drain(sc.Elements[0], true) }, func() { s.Drain(sc.Elements[0], false) }
		if sc.Kind != network.Maintenance {
			how := Carrier
			if c.silent != nil && c.silent(i) {
				how = Silent
			}
			fail, repair = func() { err = s.Fail(how, sc.Elements...) }, func() { err = s.Repair(sc.Elements...) }
		}
		fail()
		if err != nil {
			return err.Error()
		}
		if said := compare(n.ConvergeFrom(healthy, sc), sc.ID); said != "" {
			return said
		}
		repair()
		if err != nil {
			return err.Error()
		}
		if !s.Settle(2 * time.Hour) {
			return "after " + sc.ID + ": it does not settle"
		}
		if d := differs(s, healthy); d != "" && len(healthy.Unstable()) == 0 {
			return "after " + sc.ID + ":\n" + d
		}
	}
	return ""
}

// alike is sameRow for rows of different places in two tables.
func alike(a, b network.Row) bool { return a.Prefix == b.Prefix && sameRow(&a, &b) }

// estateHalves share the estates between two processors. Each tries as many as -rapid.checks says, 100 without it, or about one in so many.
func estateHalves(t *testing.T, oneIn int, check func(t *rapid.T, d *intenttest.Drawer, c *catalog.Catalog)) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, half := range []string{"one half of the estates", "the other half"} {
		t.Run(half, func(t *testing.T) {
			t.Parallel()
			d := intenttest.NewDrawer(c)
			rapid.Check(t, func(t *rapid.T) {
				if oneIn == 1 || rapid.Uint64().Draw(t, "one in so many")%uint64(oneIn) == 0 { //nolint:gosec // positive
					check(t, d, c)
				}
			})
		})
	}
}

// tried is an estate as a test tries it: as it is printed when it fails, and as it lies in testdata/estates ever after.
type tried struct {
	What    string          `json:"what"` // went wrong
	Pattern design.Pattern  `json:"pattern"`
	Seed    uint64          `json:"seed"`
	Silent  int             `json:"silent"` // of four failures this one; else neighbours see their links go
	Intent  json.RawMessage `json:"intent"`
}

func (e tried) against(t rapid.TB, c *catalog.Catalog) (said string, can bool) {
	n := compiled(t, c, e.Intent, e.Pattern, nil)
	if n == nil {
		return "", false
	}
	return comparison{seed: e.Seed, silent: func(i int) bool { return i%4 == e.Silent }}.run(n), true
}

// TestEveryRouteAndEveryPacketIsWhereTheProverSays runs random estates through every single failure. An estate that fails is shrunk and
// printed, to go into testdata/estates.
func TestEveryRouteAndEveryPacketIsWhereTheProverSays(t *testing.T) {
	estateHalves(t, 1, func(t *rapid.T, drawer *intenttest.Drawer, c *catalog.Catalog) {
		object := drawer.JSON(t)
		// A silence lasts for minutes of virtual time until it is noticed, so one failure in four has to do.
		e := tried{Pattern: rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), Seed: rapid.Uint64().Draw(t, "seed"), Silent: rapid.IntRange(0, 3).Draw(t, "silent")}
		var err error
		if e.Intent, err = json.Marshal(object); err != nil {
			t.Fatal(err)
		}
		said, can := e.against(t, c)
		if !can {
			t.Skip("the pattern cannot carry it")
		}
		if said != "" {
			e.What = "?"
			file, err := json.MarshalIndent(e, "", " ")
			t.Fatalf("%s\nfor testdata/estates (%v):\n%s", said, err, file)
		}
	})
}

func TestEstatesThatOnceDisagreedWithTheProverDoNot(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/estates/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no estates (%v)", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			src, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var e tried
			if err := json.Unmarshal(src, &e); err != nil {
				t.Fatal(err)
			}
			if said, can := e.against(t, c); said != "" || !can {
				t.Errorf("%s (%t): %s", e.What, can, said)
			}
		})
	}
}

// compiled is the network of an intent, nil where the pattern cannot carry it; change, if there is one, sees the design before.
func compiled(t rapid.TB, c *catalog.Catalog, src []byte, kind design.Pattern, change func(*design.Design)) *network.Network {
	e, findings := intent.Parse("intent", src, c)
	if e == nil {
		t.Fatalf("the intent is refused: %v\n%s", findings, src)
	}
	d, _ := pattern.Compile(kind, e, c, pattern.Options{})
	if d == nil {
		return nil
	}
	if change != nil {
		change(d)
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}
