package draw

import (
	"bytes"
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
)

// style is the sheet of every picture. It uses no variables, which not every renderer knows, and scopes every rule to the
// picture's class, so that it can stand inside a page.
//
//go:embed style.css
var style string

// Style is the style sheet of every picture and plot, for a page that holds several of them.
func Style() string { return style + plotStyle }

// pen writes SVG text. What comes from the diagram goes through esc.
type pen struct {
	bytes.Buffer
	id string // what the picture's ids begin with
}

func (p *pen) put(format string, args ...any) { fmt.Fprintf(p, format, args...) }

// esc makes text safe in an element or an attribute; what XML cannot hold becomes U+FFFD.
func esc(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}

// tenths prints a coordinate.
func tenths(n int) string { return strconv.FormatFloat(float64(n)/10, 'f', -1, 64) }

func write(w io.Writer, s scene) error {
	p := pen{id: "topo"}
	if s.diagram.ID != "" {
		p.id = esc(s.diagram.ID)
	}
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" class="topo" role="img" aria-labelledby="%[1]s-title %[1]s-desc" viewBox="0 0 %[2]d %[3]d" width="%[2]d" height="%[3]d">`+"\n", p.id, s.w, s.h)
	title := s.diagram.Title
	if title == "" {
		title = "Topology"
	}
	p.put("<title id=\"%[1]s-title\">%[2]s</title>\n<desc id=\"%[1]s-desc\">%[3]s</desc>\n", p.id, esc(title), esc(s.describe()))
	if s.diagram.ID == "" {
		p.put("<style>\n%s</style>\n", style)
	}
	p.icons(s)
	p.put(`<rect class="paper" width="%d" height="%d"/>`+"\n", s.w, s.h)
	if s.title.text != "" {
		p.words(s.title, "title")
	}
	for _, line := range s.subtitle {
		p.words(line, "subtitle")
	}
	for _, h := range s.heads {
		p.words(h, "head")
	}
	for _, f := range s.groups {
		p.put(`<rect class="group" x="%d" y="%d" width="%d" height="%d" rx="9"/>`+"\n", f.box.x, f.box.y, f.box.w, f.box.h)
	}
	// Marked wires over the others, so that a path is not cut by what it crosses.
	for _, over := range []bool{false, true} {
		for _, x := range s.wires {
			if (x.edge.Mark != Unmarked) == over {
				p.wire(x)
			}
		}
	}
	for _, f := range s.groups {
		p.words(f.label, "grouplabel")
	}
	for _, c := range s.cards {
		p.card(c)
	}
	for _, x := range s.wires {
		if b := x.label.box; x.label.text != "" {
			p.put(`<rect class="plate" x="%d" y="%d" width="%d" height="%d" rx="3"/>`, b.x-2, b.y, b.w+4, b.h)
			p.words(x.label, "wirelabel")
		}
	}
	for _, k := range s.legend {
		p.key(k)
	}
	p.put("</svg>\n")
	_, err := w.Write(p.Bytes())
	return err
}

// words writes one line of text; the size comes from its class.
func (p *pen) words(w words, class string) {
	x, anchor := w.box.x, ""
	switch w.anchor {
	case "middle":
		x, anchor = w.box.x+w.box.w/2, ` text-anchor="middle"`
	case "end":
		x, anchor = w.box.x+w.box.w, ` text-anchor="end"`
	}
	p.put(`<text class="%s" x="%d" y="%d"%s>`, class, x, w.box.y+w.box.h-4, anchor)
	if w.full != "" {
		p.put("<title>%s</title>", esc(w.full))
	}
	p.put("%s</text>\n", esc(w.text))
}

func markClass(m Mark) string {
	if m == Unmarked {
		return ""
	}
	return " " + string(m)
}

func (p *pen) wire(w wire) {
	p.put(`<g class="wire %s%s"><title>%s: %s – %s`, w.edge.Kind, markClass(w.edge.Mark), esc(w.edge.Kind.name()), esc(w.from), esc(w.to))
	if w.edge.Label != "" {
		p.put(", %s", esc(w.edge.Label))
	}
	if w.edge.Mark != Unmarked {
		p.put(" (%s)", w.edge.Mark)
	}
	p.put("</title><path d=\"")
	for i, c := range w.curves {
		if i == 0 {
			p.put("M%s %s", tenths(c.a.x), tenths(c.a.y))
		}
		if i%2 == 1 {
			p.put("H%s", tenths(c.d.x))
			continue
		}
		p.put("C%s %s %s %s %s %s", tenths(c.b.x), tenths(c.b.y), tenths(c.c.x), tenths(c.c.y), tenths(c.d.x), tenths(c.d.y))
	}
	p.put(`"/>`)
	if w.cross != nil {
		x, y := w.cross.x/10, w.cross.y/10
		p.put(`<path class="cross" d="M%d %dl10 10m0 -10l-10 10"/>`, x-5, y-5)
	}
	p.put("</g>\n")
}

func (p *pen) card(c card) {
	b := c.box
	p.put(`<g class="node %s%s"><title>%s: %s`, c.node.Kind, markClass(c.node.Mark), esc(c.node.Kind.name()), esc(c.node.Label))
	if c.node.Sub != "" {
		p.put(" – %s", esc(c.node.Sub))
	}
	if c.node.Mark != Unmarked {
		p.put(" (%s)", c.node.Mark)
	}
	p.put("</title>\n")
	p.put(`<rect class="card" x="%d" y="%d" width="%d" height="%d" rx="7"/>`, b.x, b.y, b.w, b.h)
	p.put(`<path class="stripe" d="M%d %dh-1a6 6 0 0 0 -6 6v%da6 6 0 0 0 6 6h1z"/>`, b.x+8, b.y+1, b.h-14)
	p.put(`<use class="icon" href="#%s-%s" x="%d" y="%d"/>`+"\n", p.id, c.node.Kind, b.x+11, b.y+b.h/2-9)
	p.words(c.label, "label")
	if c.sub.text != "" {
		p.words(c.sub, "sub")
	}
	p.badge(c.node.Mark, b.x+b.w-3, b.y+3)
	p.put("</g>\n")
}

// badge is the mark's shape, centred on x, y: a path's dot, a former path's ring, a warning's bar and dot, a failure's cross.
func (p *pen) badge(m Mark, x, y int) {
	switch m {
	case Former:
		p.put(`<g class="badge former"><circle cx="%d" cy="%d" r="4.2"/></g>`, x, y)
	case Path:
		p.put(`<g class="badge path"><circle cx="%d" cy="%d" r="5"/></g>`, x, y)
	case Warn:
		p.put(`<g class="badge warn"><circle cx="%d" cy="%d" r="7"/><path d="M%d %dv4.5m0 2.4v.6"/></g>`, x, y, x, y-4)
	case Failed:
		p.put(`<g class="badge failed"><circle cx="%d" cy="%d" r="7"/><path d="M%d %dl5 5m0 -5l-5 5"/></g>`, x, y, x-2, y-2)
	}
}

func (p *pen) key(k key) {
	mid := k.box.y + k.box.h/2
	switch {
	case k.node != "":
		p.put(`<g class="node %s"><use class="icon" href="#%s-%s" x="%d" y="%d"/></g>`, k.node, p.id, k.node, k.box.x+1, mid-9)
	case k.edge != "":
		p.put(`<g class="wire %s"><path d="M%d %dh%d"/></g>`, k.edge, k.box.x, mid, k.box.w)
	default:
		p.badge(k.mark, k.box.x+10, mid)
	}
	p.words(k.label, "key")
}

// icons defines the drawings of the kinds that occur, each in a square of 18 pixels.
func (p *pen) icons(s scene) {
	p.put("<defs>\n")
	for _, k := range nodeKinds {
		for _, n := range s.diagram.Nodes {
			if n.Kind == k {
				p.put(`<g id="%s-%s"><path d="%s"/></g>`+"\n", p.id, k, icon(k))
				break
			}
		}
	}
	p.put("</defs>\n")
}

// icon is a kind's drawing as path data, for a pen 1.5 pixels wide.
func icon(k NodeKind) string {
	switch k {
	case Site: // a building
		return "M3 15.5v-13h7.5v13M10.5 7h4.5v8.5M1.5 15.5h15M5.5 5.5h2.5M5.5 8.5h2.5M5.5 11.5h2.5"
	case CE: // a router: a disc with arrows out and in
		return "M9 2a7 7 0 1 0 .01 0M5 9h8M10.8 6.8L13 9l-2.2 2.2M7.2 6.8L5 9l2.2 2.2"
	case PE:
		return "M9 2a7 7 0 1 0 .01 0M9 5v8M6.8 7.2L9 5l2.2 2.2M6.8 10.8L9 13l2.2-2.2"
	case MSEE:
		return "M9 2a7 7 0 1 0 .01 0M5.8 5.8l6.4 6.4M12.2 5.8l-6.4 6.4M9.8 5.8h2.4v2.4M8.2 12.2H5.8V9.8"
	case Circuit: // two strands between two ends
		return "M2.2 9a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0 -3.6 0M12.2 9a1.8 1.8 0 1 0 3.6 0a1.8 1.8 0 1 0 -3.6 0M5 7.5C7 5 11 5 13 7.5M5 10.5C7 13 11 13 13 10.5"
	case Gateway: // a gate
		return "M2.5 15.5V7.5a6.5 6 0 0 1 13 0v8M6.5 15.5V8.5a2.5 2.5 0 0 1 5 0v7M1.5 15.5h15"
	case Hub: // spokes
		return "M9 6.5a2.5 2.5 0 1 0 .01 0M9 6.5V2M9 11.5V16M6.8 7.8L3 5.5M11.2 7.8L15 5.5M6.8 10.2L3 12.5M11.2 10.2L15 12.5"
	case Firewall: // bricks
		return "M2 3h14v12H2zM2 7h14M2 11h14M9 3v4M5.5 7v4M12.5 7v4M9 11v4"
	case VNet: // the brackets and dots of a virtual network
		return "M6 4L1.5 9L6 14M12 4l4.5 5L12 14M6.3 9h.2M8.9 9h.2M11.5 9h.2"
	case Region: // a pin
		return "M9 16.5C5 11.5 3.5 9.5 3.5 7a5.5 5.5 0 0 1 11 0c0 2.500 -1.500 4.500 -5.500 9.500zM9 5.200a1.900 1.900 0 1 0 .01 0"
	}
	return ""
}
