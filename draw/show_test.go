package draw

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

func TestEverySingleFailureShowsOnThePicture(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		for _, sc := range n.Scenarios() {
			x := Show(d, Situation{Pieces: n.Pieces(sc)})
			marked := slices.ContainsFunc(x.Nodes, func(n Node) bool { return n.Mark == Failed || n.Mark == Warn }) ||
				slices.ContainsFunc(x.Edges, func(e Edge) bool { return e.Mark == Failed || e.Mark == Warn })
			if marked == (sc.Kind == network.Healthy) && sc.Kind != network.Zone { // a zone may hold nothing alone
				t.Fatalf("%s: marked is %v", sc.ID, marked)
			}
			if err := SVG(&bytes.Buffer{}, x); err != nil {
				t.Fatalf("%s: %v", sc.ID, err)
			}
		}
	})
}

func TestTheWayOfEveryFlowIsOneLineOfMarks(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		s := n.Converge(n.Scenarios()[0])
		ends := n.Endpoints()
		for range 8 {
			f := network.Flow{Src: rapid.SampledFrom(ends).Draw(t, "from"), Dst: rapid.SampledFrom(ends).Draw(t, "to")}
			for _, p := range s.Trace(f) {
				x := Show(d, Situation{Pieces: n.Pieces(s.Scenario()), Hops: p.Hops, Stopped: p.Fate != network.Delivered})
				on := map[string]bool{}
				for _, n := range x.Nodes {
					if n.Mark != Unmarked {
						on[n.ID] = true
					}
				}
				for _, e := range x.Edges {
					if e.Mark == Path && (!on[e.From] || !on[e.To]) {
						t.Fatalf("the way of %v leaves %s for %s, which is not on it", f, e.From, e.To)
					}
				}
				if len(p.Hops) > 0 && p.Hops[0].Kind == "vnet" && len(on) == 0 {
					t.Fatalf("nothing is marked on the way of %v: %v", f, p.Hops)
				}
			}
		}
	})
}

// many is a hub with spokes of lines of business, three each.
func many(lines int) Diagram {
	d := Diagram{Tiers: []Tier{{"Hub"}, {"Spokes"}}, Nodes: []Node{{ID: "hub", Label: "hub", Kind: Hub}}}
	for i := range 3 * lines {
		id := fmt.Sprintf("vnet-%03d", i)
		d.Nodes = append(d.Nodes, Node{ID: id, Label: id, Kind: VNet, Tier: 1, Group: fmt.Sprintf("line-%02d", i/3)})
		d.Edges = append(d.Edges, Edge{From: "hub", To: id, Kind: Peering})
	}
	return d
}

func TestWhatIsAlikeIsDrawnOnce(t *testing.T) {
	for _, c := range []struct {
		name   string
		lines  int
		change func(d *Diagram)
		want   string
	}{
		{"few are left alone", 4, func(*Diagram) {}, "hub vnet-000 vnet-001 vnet-002 vnet-003 vnet-004 vnet-005 vnet-006 vnet-007 vnet-008 vnet-009 vnet-010 vnet-011"},
		{"by line of business", 6, func(*Diagram) {}, "hub line-00:3 VNets line-01:3 VNets line-02:3 VNets line-03:3 VNets line-04:3 VNets line-05:3 VNets"},
		{"all together where those are many too", 20, func(*Diagram) {}, "hub 60 VNets"},
		{"what is on the way stays", 20, func(d *Diagram) { d.Nodes[5].Mark = Path }, "hub 59 VNets vnet-004"},
		{"what has failed is apart from what has not", 20, func(d *Diagram) {
			for i := 1; i < 5; i++ {
				d.Nodes[i].Mark = Failed
			}
		}, "hub 4 VNets 56 VNets"},
		{"what has another neighbour is not alike", 20, func(d *Diagram) {
			d.Edges = append(d.Edges, Edge{From: "vnet-000", To: "vnet-059", Kind: Peering})
		}, "hub vnet-000 58 VNets vnet-059"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := many(c.lines)
			c.change(&d)
			x, merged := d.Condensed(12)
			var got []string
			for _, n := range x.Nodes {
				name := n.Label
				if n.Group != "" && name != n.ID {
					name = n.Group + ":" + name
				}
				got = append(got, name)
			}
			if s := strings.Join(got, " "); s != c.want || merged != (len(x.Nodes) < len(d.Nodes)) {
				t.Errorf("got  %s (%v)\nwant %s", s, merged, c.want)
			}
			if err := SVG(&bytes.Buffer{}, x); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestANameThatIsTooLongKeepsItsEnd(t *testing.T) {
	for _, name := range []string{"dublin-campus-north-ce1", "dublin-campus-north-ce2", "a", "", strings.Repeat("ß", 80)} {
		got := squeeze(name, labelSize, 100)
		if width(name, labelSize) <= 100 && got != name {
			t.Errorf("%q became %q though there is room", name, got)
		}
		if width(got, labelSize) > 100 {
			t.Errorf("%q is still too wide", got)
		}
		if n := len(name); n > 20 && !strings.HasSuffix(got, name[n-4:]) {
			t.Errorf("%q lost its end: %q", name, got)
		}
	}
}
