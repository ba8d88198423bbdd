// Package report writes the answer as one page for people: an HTML file that needs nothing but itself. It holds no script and
// names no other file, follows the reader's light or dark scheme, prints, and is the same bytes for the same input. It decides
// nothing: every figure, verdict, price and picture comes from the packages below.
package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"regexp"
	"strings"

	"onramp/catalog"
	"onramp/choose"
	"onramp/cost"
	"onramp/design"
	"onramp/draw"
	"onramp/network"
	"onramp/prove"
)

// Input is what a report tells of. Answer is nil for a design that was given and not chosen.
type Input struct {
	Answer   *choose.Answer
	Design   *design.Design
	Proof    *prove.Result
	Bill     *cost.Bill
	Findings []design.Finding
	// Rehearsal is the name of the rehearsal's page, which stands beside this one; empty where there is none.
	Rehearsal string
}

//go:embed page.html
var pageText string

//go:embed style.css
var styleText string

// HTML writes the page. The error says which picture has no meaning, which is a fault of this program.
func HTML(in Input, c *catalog.Catalog) ([]byte, error) {
	w := &writer{in: in, c: c, networks: map[*design.Design]*network.Network{}}
	p := page{Name: in.Design.Name, Rehearsal: in.Rehearsal, Style: template.CSS(styleText + onScreen(draw.Style()))}
	p.Answer = w.answer()
	if in.Answer != nil {
		p.Ranking = w.ranking()
		p.Changes = w.changes()
	}
	p.Verdicts = w.verdicts()
	p.Cases = w.cases()
	if in.Answer != nil {
		p.Others = w.others()
	}
	whole := draw.Topology(in.Design)
	if short, merged := whole.Condensed(mostInTier); merged {
		p.Topology, p.Whole = w.picture(short, "estate"), w.picture(whole, "whole")
	} else {
		p.Topology = w.picture(whole, "estate")
	}
	p.Bill = w.bill()
	p.BreakEvens = w.breakEvens()
	p.Orders = w.orders()
	p.Sheet = w.sheet()
	p.Assumptions = w.assumptions()
	p.Findings = w.findings()
	p.Prerequisites = w.prerequisites()
	if w.err != nil {
		return nil, w.err
	}
	p.Contents = p.contents()
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, &p); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return b.Bytes(), nil
}

// mostInTier is the number of boxes of a tier above which the page's topology draws what is alike once.
const mostInTier = 12

// onScreen keeps the dark scheme of a style sheet from paper.
func onScreen(sheet string) string {
	return strings.ReplaceAll(sheet, "@media (prefers-color-scheme: dark)", "@media screen and (prefers-color-scheme: dark)")
}

// page is what the template fills in.
type page struct {
	Name     string
	Style    template.CSS
	Contents []link
	Answer   answer
	Ranking  *ranking // nil for a design that was given
	Changes  *table
	// Rehearsal is as in Input.
	Rehearsal string
	Verdicts  verdicts
	Cases     cases
	Others    []otherCase
	Topology  template.HTML
	Whole     template.HTML // with every network, where Topology draws what is alike once; else empty

	Bill        bill
	BreakEvens  *breakEvens // nil where nobody says what leaves Azure
	Orders      []order
	Sheet       []*table
	Assumptions assumptions
	Findings    []*table
	// Prerequisites are what must be true before the first resource is made.
	Prerequisites prerequisites
}

// link is an entry of the contents.
type link struct{ ID, Text string }

func (p *page) contents() []link {
	out := []link{{"answer", "The answer"}}
	add := func(there bool, id, text string) {
		if there {
			out = append(out, link{id, text})
		}
	}
	add(p.Ranking != nil, "ranking", "The four patterns")
	add(true, "verdicts", "What is proved")
	add(len(p.Cases.Drawn)+len(p.Cases.Told) > 0, "failures", "Where it fails")
	add(len(p.Others) > 0, "others", "Why not another pattern")
	add(true, "topology", "The topology")
	add(true, "bill", "The bill")
	add(p.BreakEvens != nil, "breakevens", "Break-evens")
	add(p.Changes != nil, "changes", "What would change the answer")
	add(len(p.Orders) > 0, "orders", "Orders to providers")
	add(true, "prerequisites", "Before the first resource")
	add(len(p.Sheet) > 0, "sheet", "On-premises sheet")
	add(len(p.Findings) > 0, "findings", "Findings")
	add(true, "assumptions", "What it rests on")
	return out
}

// writer makes the views; the first error stays.
type writer struct {
	in       Input
	c        *catalog.Catalog
	networks map[*design.Design]*network.Network
	err      error
}

// network is the routed network of a design, built once.
func (w *writer) network(d *design.Design) *network.Network {
	n := w.networks[d]
	if n == nil {
		n, _ = network.Build(d.Resources, d.Premises, w.c, network.Options{})
		w.networks[d] = n
	}
	return n
}

// pictureWidth finds how wide a picture would be by itself.
var pictureWidth = regexp.MustCompile(`viewBox="0 0 (\d+) `)

// picture draws a diagram as one of several of the page.
func (w *writer) picture(d draw.Diagram, id string) template.HTML {
	d.ID, d.Tight = id, true
	var b bytes.Buffer
	if err := draw.SVG(&b, d); err != nil && w.err == nil {
		w.err = fmt.Errorf("report: %w", err)
	}
	return framed(b.Bytes())
}

// framed is a picture in a box that lets it shrink to the page as far as it can be read, and scroll beyond.
func framed(svg []byte) template.HTML {
	width := "0"
	if m := pictureWidth.FindSubmatch(svg); m != nil {
		width = string(m[1])
	}
	// draw escapes whatever comes from the design.
	return template.HTML(fmt.Sprintf(`<div style="--natural:%spx">%s</div>`, width, svg))
}
