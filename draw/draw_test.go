package draw

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the pictures in testdata")

var tiers = []Tier{{"Premises"}, {"Customer edge"}, {"Provider edge"}, {"Microsoft edge"}, {"Gateways"}, {"VNets"}}

// isolated is two sites, a circuit per line of business, one of them over an IP VPN, with a circuit out of service.
func isolated() Diagram {
	d := Diagram{
		Title: "northwind: isolated", Subtitle: "The circuit of finance at Montreal has failed; its flows take the one at Toronto.",
		Tiers: tiers, Legend: true,
	}
	node := func(id, label, sub string, kind NodeKind, tier int, group string, mark Mark) {
		d.Nodes = append(d.Nodes, Node{id, label, sub, kind, tier, group, mark})
	}
	edge := func(from, to, label string, kind EdgeKind, mark Mark) {
		d.Edges = append(d.Edges, Edge{from, to, label, kind, mark})
	}
	for _, site := range []string{"montreal", "toronto"} {
		node("site-"+site, site, "10.0.0.0/16", Site, 0, "", Unmarked)
		for _, n := range []string{"1", "2"} {
			mark := Unmarked
			if site == "montreal" && n == "1" {
				mark = Path
			}
			node("ce-"+site+n, "ce-"+site+"-"+n, "AS 65010", CE, 1, site, mark)
			edge("site-"+site, "ce-"+site+n, "", Link, mark)
		}
	}
	edge("site-montreal", "site-toronto", "2 Gbps, 9 ms", Backbone, Path)
	node("pe-1", "pe-toronto-1", "AS 64700", PE, 2, "Bell Canada", Unmarked)
	node("pe-2", "pe-toronto-2", "AS 64700", PE, 2, "Bell Canada", Unmarked)
	for _, c := range []struct{ name, location, site string }{{"finance", "Montreal", "montreal"}, {"hr", "Toronto", "toronto"}, {"it", "Toronto", "toronto"}} {
		for i, leg := range []string{"primary", "secondary"} {
			id := c.name + leg
			mark := Unmarked
			if c.name == "finance" {
				mark = Failed
			}
			node(id, "msee "+leg, c.name+" · 200 Mbps · VLAN 101", MSEE, 3, "ckt-"+c.name+" at "+c.location, mark)
			if c.name == "it" {
				edge(fmt.Sprintf("pe-%d", i+1), id, "172.16.0.0/30", Session, Unmarked)
			} else {
				edge(fmt.Sprintf("ce-%s%d", c.site, i+1), id, "172.16.0.0/30", Session, mark)
			}
			edge(id, "gw-"+c.name, "", Session, mark)
		}
		mark := Unmarked
		if c.name == "finance" {
			mark = Warn
		}
		node("gw-"+c.name, "gw-"+c.name, "ErGw1AZ · 2 instances", Gateway, 4, "", mark)
		node("vnet-"+c.name, c.name+"-core", "10.20.0.0/20 · canadacentral", VNet, 5, "Line of business "+c.name, Unmarked)
		edge("gw-"+c.name, "vnet-"+c.name, "", Link, Unmarked)
	}
	for i := range 2 {
		for _, site := range []string{"montreal", "toronto"} {
			edge(fmt.Sprintf("ce-%s%d", site, i+1), fmt.Sprintf("pe-%d", i+1), "", Session, Unmarked)
		}
	}
	return d
}

// hub is one circuit, a hub with a firewall, and spokes: as many as the caller says.
func hub(spokes int) Diagram {
	d := Diagram{
		Title: "northwind: shared-hub-spoke", Tiers: []Tier{{"Premises"}, {"Customer edge"}, {"Microsoft edge"}, {"Hub"}, {"Spokes"}}, Legend: true,
		Subtitle: fmt.Sprintf("One circuit, one hub, %d spokes.", spokes),
		Nodes: []Node{
			{"site", "montreal", "10.0.0.0/16", Site, 0, "", Unmarked},
			{"ce1", "ce-montreal-1", "AS 65010", CE, 1, "", Unmarked},
			{"ce2", "ce-montreal-2", "AS 65010", CE, 1, "", Unmarked},
			{"m1", "msee primary", "172.16.0.0/30", MSEE, 2, "ckt-shared · Montreal", Unmarked},
			{"m2", "msee secondary", "172.16.0.4/30", MSEE, 2, "ckt-shared · Montreal", Unmarked},
			{"gw", "gw-hub", "ErGw1AZ", Gateway, 3, "vnet-hub", Unmarked},
			{"fw", "fw-hub", "AZFW_VNet · Standard", Firewall, 3, "vnet-hub", Unmarked},
		},
		Edges: []Edge{
			{"site", "ce1", "", Link, Unmarked}, {"site", "ce2", "", Link, Unmarked},
			{"ce1", "m1", "VLAN 101", Session, Unmarked}, {"ce2", "m2", "VLAN 101", Session, Unmarked},
			{"m1", "gw", "", Session, Unmarked}, {"m2", "gw", "", Session, Unmarked},
			{"gw", "fw", "UDR", Link, Unmarked},
		},
	}
	for i := range spokes {
		id := fmt.Sprintf("spoke%d", i)
		d.Nodes = append(d.Nodes, Node{id, fmt.Sprintf("vnet-lob%d-app%02d", i%4, i), fmt.Sprintf("10.64.%d.0/22", 4*i), VNet, 4, fmt.Sprintf("lob%d", i%4), Unmarked})
		d.Edges = append(d.Edges, Edge{"fw", id, "", Peering, Unmarked})
	}
	return d
}

func TestPicturesAreTheReviewedOnes(t *testing.T) {
	for name, d := range map[string]Diagram{
		"isolated.svg": isolated(), "hub.svg": hub(6), "sixty-spokes.svg": hub(60), "empty.svg": {Title: "nothing yet"},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			if err := SVG(&got, d); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("the picture changed; look at it, then run with -update (-want +got):\n%s", diff)
			}
		})
	}
}

// anyDiagram draws diagrams of any shape: long and foreign words, parallel edges, edges within a tier and over several.
func anyDiagram(t *rapid.T) Diagram {
	word := rapid.StringMatching(`[a-zA-Z0-9 ·<>&"'/äß漢\x00-\x03-]{0,40}`)
	d := Diagram{Title: word.Draw(t, "title"), Subtitle: strings.Repeat(word.Draw(t, "subtitle")+" ", rapid.IntRange(0, 12).Draw(t, "times")), Legend: rapid.Bool().Draw(t, "legend")}
	for range rapid.IntRange(1, 6).Draw(t, "tiers") {
		d.Tiers = append(d.Tiers, Tier{word.Draw(t, "tier")})
	}
	for i := range rapid.IntRange(0, 40).Draw(t, "nodes") {
		d.Nodes = append(d.Nodes, Node{
			ID: fmt.Sprint("n", i), Label: word.Draw(t, "label"), Sub: word.Draw(t, "sub"),
			Kind: rapid.SampledFrom(nodeKinds).Draw(t, "kind"), Tier: rapid.IntRange(0, len(d.Tiers)-1).Draw(t, "tier"),
			Group: rapid.SampledFrom([]string{"", "", "a", "b", "a very long name of a group that cannot fit"}).Draw(t, "group"),
			Mark:  rapid.SampledFrom(marks).Draw(t, "mark"),
		})
	}
	if len(d.Nodes) > 1 {
		for range rapid.IntRange(0, 60).Draw(t, "edges") {
			a := rapid.IntRange(0, len(d.Nodes)-1).Draw(t, "from")
			b := rapid.IntRange(0, len(d.Nodes)-2).Draw(t, "to")
			if b >= a {
				b++
			}
			d.Edges = append(d.Edges, Edge{d.Nodes[a].ID, d.Nodes[b].ID, word.Draw(t, "edge"), rapid.SampledFrom(edgeKinds).Draw(t, "kind"), rapid.SampledFrom(marks).Draw(t, "mark")})
		}
	}
	return d
}

func TestNoCardOrWordCoversAnother(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := compose(anyDiagram(t))
		for i, a := range s.cards {
			for _, b := range s.cards[i+1:] {
				if a.box.overlaps(b.box) {
					t.Fatalf("cards %q and %q overlap: %v %v", a.node.ID, b.node.ID, a.box, b.box)
				}
			}
		}
		var all []words
		for _, c := range s.cards {
			if !c.box.holds(c.label.box) || c.sub.text != "" && !c.box.holds(c.sub.box) {
				t.Fatalf("the words of card %q leave it: %v in %v", c.node.ID, c.label.box, c.box)
			}
			all = append(all, c.label, c.sub)
		}
		all = append(all, s.subtitle...)
		all = append(all, s.heads...)
		for _, f := range s.groups {
			all = append(all, f.label)
		}
		for _, w := range s.wires {
			all = append(all, w.label)
		}
		for _, k := range s.legend {
			all = append(all, k.label)
		}
		all = append(all, s.title)
		for i, a := range all {
			for _, b := range all[i+1:] {
				if a.text != "" && b.text != "" && a.box.overlaps(b.box) {
					t.Fatalf("%q covers %q: %v %v", a.text, b.text, a.box, b.box)
				}
			}
		}
		for _, w := range s.wires {
			for _, c := range s.cards {
				if w.label.text != "" && w.label.box.overlaps(c.box) {
					t.Fatalf("label %q lies on card %q", w.label.text, c.node.ID)
				}
			}
		}
	})
}

func TestEverythingIsInsideThePicture(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := compose(anyDiagram(t))
		paper := box{0, 0, s.w, s.h}
		inside := func(what string, b box) {
			if b.w > 0 && !paper.holds(b) {
				t.Fatalf("%s at %v is outside %v", what, b, paper)
			}
		}
		for _, c := range s.cards {
			inside("card "+c.node.ID, c.box)
		}
		for _, f := range s.groups {
			inside("group "+f.label.text, f.box)
		}
		for _, w := range s.wires {
			inside("label "+w.label.text, w.label.box)
			for _, c := range w.curves {
				for k := range 17 {
					inside("a wire", box{c.at(k).x / 10, c.at(k).y / 10, 1, 1})
				}
			}
		}
		for _, k := range s.legend {
			inside("legend "+k.label.text, k.label.box)
		}
		inside("the title", s.title.box)
	})
}

func TestAGroupIsABoxAroundItsNodesAndNoOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := compose(anyDiagram(t))
		for i, f := range s.groups {
			for _, other := range s.groups[i+1:] {
				if f.box.overlaps(other.box) {
					t.Fatalf("groups %q and %q overlap", f.label.text, other.label.text)
				}
			}
		}
		for _, c := range s.cards {
			in := 0
			for _, f := range s.groups {
				name := f.label.text
				if f.label.full != "" {
					name = f.label.full
				}
				switch {
				case f.box.holds(c.box) && name == c.node.Group:
					in++
				case f.box.overlaps(c.box):
					t.Fatalf("card %q of group %q touches group %q", c.node.ID, c.node.Group, name)
				}
			}
			if want := 1; c.node.Group != "" && in != want {
				t.Fatalf("card %q of group %q is in %d boxes of that name", c.node.ID, c.node.Group, in)
			}
		}
	})
}

func TestNoWireRunsThroughACard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := compose(anyDiagram(t))
		for _, w := range s.wires {
			for i, c := range w.curves {
				for k := 1; k < 16; k++ {
					at := c.at(k)
					for _, card := range s.cards {
						inner := box{card.box.x + 1, card.box.y + 1, card.box.w - 2, card.box.h - 2}
						if inner.overlaps(box{at.x / 10, at.y / 10, 1, 1}) {
							t.Fatalf("curve %d of %q – %q runs through card %q", i, w.edge.From, w.edge.To, card.node.ID)
						}
					}
				}
			}
		}
	})
}

func TestTheSameDiagramGivesTheSameWellFormedBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDiagram(t)
		var a, b bytes.Buffer
		if err := errors.Join(SVG(&a, d), SVG(&b, d)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatal("two pictures of one diagram differ")
		}
		dec := xml.NewDecoder(&a)
		for {
			if _, err := dec.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("not well-formed: %v", err)
			}
		}
	})
}

func TestUncrossingNeverAddsACrossing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := layered(anyDiagram(t))
		before := slowCrossings(g)
		if got := g.crossings(); got != before {
			t.Fatalf("crossings() = %d, counted one by one %d", got, before)
		}
		g.uncross()
		if after := slowCrossings(g); after > before {
			t.Fatalf("%d crossings before, %d after", before, after)
		}
	})
}

// slowCrossings compares every two edges between adjacent layers.
func slowCrossings(g *graph) int {
	type step struct{ layer, a, b int }
	var steps []step
	for _, v := range g.vertices {
		for _, u := range v.right {
			steps = append(steps, step{v.layer, v.at, g.vertices[u].at})
		}
	}
	n := 0
	for i, s := range steps {
		for _, o := range steps[i+1:] {
			if s.layer == o.layer && (s.a-o.a)*(s.b-o.b) < 0 {
				n++
			}
		}
	}
	return n
}

func TestTwoRowsThatCrossAreUncrossed(t *testing.T) {
	g := layered(Diagram{
		Tiers: []Tier{{"l"}, {"r"}},
		Nodes: []Node{{ID: "a", Tier: 0}, {ID: "b", Tier: 0}, {ID: "x", Tier: 1}, {ID: "y", Tier: 1}},
		Edges: []Edge{{From: "a", To: "y"}, {From: "b", To: "x"}},
	})
	if n := g.crossings(); n != 1 {
		t.Fatalf("%d crossings to begin with, want 1", n)
	}
	g.uncross()
	if n := g.crossings(); n != 0 {
		t.Errorf("%d crossings left", n)
	}
}

func TestADiagramWithoutMeaningIsRefusedByName(t *testing.T) {
	two := func(change func(*Diagram)) Diagram {
		d := Diagram{Title: "t", Tiers: []Tier{{"a"}, {"b"}}, Nodes: []Node{{ID: "x", Kind: Site}, {ID: "y", Kind: VNet, Tier: 1}}, Edges: []Edge{{From: "x", To: "y", Kind: Link}}}
		change(&d)
		return d
	}
	for _, c := range []struct {
		name   string
		change func(*Diagram)
		want   string
	}{
		{"a good one", func(*Diagram) {}, ""},
		{"no ID", func(d *Diagram) { d.Nodes[0].ID = "" }, "has no ID"},
		{"one ID twice", func(d *Diagram) { d.Nodes[1].ID = "x" }, `two nodes have the ID "x"`},
		{"a tier that is not there", func(d *Diagram) { d.Nodes[1].Tier = 2 }, `node "y" is in tier 2; the diagram has tiers 0 to 1`},
		{"an unknown kind of node", func(d *Diagram) { d.Nodes[0].Kind = "cloud" }, `kind "cloud"`},
		{"an unknown mark", func(d *Diagram) { d.Nodes[0].Mark = "red" }, `marked "red"`},
		{"an edge to nowhere", func(d *Diagram) { d.Edges[0].To = "z" }, `there is no node "z"`},
		{"an edge to itself", func(d *Diagram) { d.Edges[0].To = "x" }, "with itself"},
		{"an unknown kind of edge", func(d *Diagram) { d.Edges[0].Kind = "wire" }, `kind "wire"`},
		{"an unknown mark of an edge", func(d *Diagram) { d.Edges[0].Mark = "red" }, `marked "red"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := SVG(io.Discard, two(c.change))
			if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestALongLabelIsCutAndKeptInATitle(t *testing.T) {
	long := strings.Repeat("a-very-long-name-", 6)
	var out bytes.Buffer
	if err := SVG(&out, Diagram{Tiers: []Tier{{"a"}}, Nodes: []Node{{ID: "x", Label: long, Kind: VNet}}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "<title>"+long+"</title>a-very-long") || !strings.Contains(out.String(), "…</text>") {
		t.Errorf("no shortened label with its whole text:\n%s", out.String())
	}
}

// broken is a writer that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestAWriterThatFailsIsReported(t *testing.T) {
	if err := SVG(broken{}, hub(2)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkSixtySpokes(b *testing.B) {
	d := hub(60)
	b.ReportAllocs()
	for b.Loop() {
		if err := SVG(io.Discard, d); err != nil {
			b.Fatal(err)
		}
	}
}
