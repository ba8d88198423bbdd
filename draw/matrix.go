package draw

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
)

// matrixStyle is the sheet of every matrix, scoped like that of the topologies.
//
//go:embed matrix.css
var matrixStyle string

// Matrix is cells in rows and columns, each with a short text and a shade.
type Matrix struct {
	Title    string
	Subtitle string
	Corner   string // what the rows are
	Columns  []MatrixName
	Groups   []MatrixGroup
	Keys     []MatrixKey
	// ID is as in Diagram.
	ID string
}

// MatrixName is a row's or a column's name, with what it stands for.
type MatrixName struct{ Name, Full string }

// MatrixGroup is rows below a heading.
type MatrixGroup struct {
	Name string
	Rows []MatrixRow
}

// MatrixRow has a cell for each column.
type MatrixRow struct {
	MatrixName
	Cells []MatrixCell
}

// MatrixCell is a cell. Kind is one of MatrixKinds.
type MatrixCell struct{ Kind, Text, Full string }

// MatrixKey explains a kind of cell by an example.
type MatrixKey struct{ Kind, Text, Words string }

// MatrixKinds are the shades of cells: none; moved and late, which cost nothing or little; s1 to s4, the more the worse; gone; wrong.
func MatrixKinds() []string {
	return []string{"", "moved", "s1", "s2", "s3", "s4", "late", "gone", "wrong"}
}

// The measures of a matrix, in pixels.
const (
	matrixCell   = 34
	matrixRow    = 22
	matrixName   = 250 // of a row at most
	matrixColumn = 340 // of a column's name at most
)

// MatrixSVG writes a matrix to w as one SVG document, the same bytes for the same matrix. The error is w's, or says what has no meaning.
func MatrixSVG(w io.Writer, m Matrix) error {
	if err := m.validate(); err != nil {
		return fmt.Errorf("matrix %q: %w", m.Title, err)
	}
	_, err := w.Write(m.svg())
	return err
}

func (m *Matrix) validate() error {
	for _, g := range m.Groups {
		for _, r := range g.Rows {
			if len(r.Cells) != len(m.Columns) {
				return fmt.Errorf("row %q has %d cells for %d columns", r.Name, len(r.Cells), len(m.Columns))
			}
			for _, c := range r.Cells {
				if !slices.Contains(MatrixKinds(), c.Kind) {
					return fmt.Errorf("row %q has a cell of kind %q; there are %q", r.Name, c.Kind, MatrixKinds())
				}
			}
		}
	}
	return nil
}

func (m *Matrix) svg() []byte {
	names, heads := width(m.Corner, 12), 0
	for _, g := range m.Groups {
		names = max(names, width(g.Name, 11)+10)
		for _, r := range g.Rows {
			names = max(names, width(r.Name, 12))
		}
	}
	for _, c := range m.Columns {
		heads = max(heads, width(c.Name, 12))
	}
	names, heads = min(names, matrixName), min(heads, matrixColumn)
	left := plotMargin + names + 12
	top := plotMargin + 4
	if m.Title != "" {
		top += 24
	}
	w := max(560, left+matrixCell*len(m.Columns)+plotMargin)
	subtitle := wrap(m.Subtitle, 13, w-2*plotMargin, 3)
	top += 18*len(subtitle) + 8 + heads
	p := pen{id: "matrix"}
	if m.ID != "" {
		p.id = esc(m.ID)
	}
	var body pen
	y := top + 8
	for _, g := range m.Groups {
		y += 6
		body.cut("group", plotMargin, y+13, max(names, w-2*plotMargin), 11, g.Name)
		y += 18
		for _, r := range g.Rows {
			body.put("<g>")
			if r.Full != "" && r.Full != r.Name {
				body.put("<title>%s</title>", esc(r.Full))
			}
			body.text("name", plotMargin, y+15, "", squeeze(r.Name, 12, names))
			body.put("</g>")
			for i, c := range r.Cells {
				x := left + matrixCell*i
				class := "cell"
				if c.Kind != "" {
					class += " " + c.Kind
				}
				body.put(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2">`, class, x+1, y+1, matrixCell-2, matrixRow-2)
				if c.Full != "" {
					body.put("<title>%s: %s</title>", esc(m.Columns[i].Name), esc(c.Full))
				}
				body.put("</rect>")
				if c.Text != "" {
					body.put(`<text class="value" x="%d" y="%d" text-anchor="middle">%s</text>`, x+matrixCell/2, y+15, esc(c.Text))
				}
			}
			body.put("\n")
			y += matrixRow
		}
	}
	y += 18
	x := plotMargin
	for _, k := range m.Keys {
		wide := matrixCell + 6 + width(k.Words, 11) + 18
		if x > plotMargin && x+wide-18 > w-plotMargin {
			x, y = plotMargin, y+26
		}
		class := "cell"
		if k.Kind != "" {
			class += " " + k.Kind
		}
		body.put(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="2"/>`, class, x+1, y, matrixCell-2, 18)
		if k.Text != "" {
			body.put(`<text class="value" x="%d" y="%d" text-anchor="middle">%s</text>`, x+matrixCell/2, y+13, esc(k.Text))
		}
		body.text("key", x+matrixCell+6, y+13, "", k.Words)
		x += wide
	}
	h := y + 18 + plotMargin
	title := m.Title
	if title == "" {
		title = "Matrix"
	}
	p.put(`<svg xmlns="http://www.w3.org/2000/svg" class="matrix" role="img" aria-labelledby="%[1]s-title %[1]s-desc" viewBox="0 0 %[2]d %[3]d" width="%[2]d" height="%[3]d">`+"\n", p.id, w, h)
	p.put("<title id=\"%[1]s-title\">%[2]s</title>\n<desc id=\"%[1]s-desc\">%[3]s</desc>\n", p.id, esc(title), esc(m.describe()))
	if m.ID == "" {
		p.put("<style>\n%s</style>\n", matrixStyle)
	}
	p.put(`<rect class="paper" width="%d" height="%d"/>`+"\n", w, h)
	at := plotMargin
	if m.Title != "" {
		at += 16
		p.cut("title", plotMargin, at, w-2*plotMargin, 20, m.Title)
		at += 6
	}
	for _, line := range subtitle {
		p.text("subtitle", plotMargin, at+13, "", line)
		at += 18
	}
	p.text("group", plotMargin, top, "", m.Corner)
	for i, c := range m.Columns {
		x := left + matrixCell*i + matrixCell/2 + 4
		short := squeeze(c.Name, 12, heads)
		p.put(`<g><title>%s</title><text class="name" x="%d" y="%d" transform="rotate(-90 %d %d)">%s</text></g>`+"\n", esc(c.Full), x, top, x, top, esc(short))
	}
	p.Write(body.Bytes())
	p.put("</svg>\n")
	return p.Bytes()
}

// describe says in words what the cells hold.
func (m *Matrix) describe() string {
	var out []string
	for _, g := range m.Groups {
		for _, r := range g.Rows {
			n := 0
			for _, c := range r.Cells {
				if c.Kind != "" {
					n++
				}
			}
			out = append(out, fmt.Sprintf("%s: %d of %d", r.Name, n, len(r.Cells)))
		}
	}
	return "How many columns each row touches. " + strings.Join(out, "; ") + "."
}
