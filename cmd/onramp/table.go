package main

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// listing is a table for people: aligned columns, two spaces between them, no lines. What programs read is --json.
type listing struct {
	header []string
	rows   [][]string
	right  map[int]bool
}

func newListing(header ...string) *listing {
	return &listing{header: header, right: map[int]bool{}}
}

// Right aligns the columns (counted from 0) to the right, as figures are.
func (l *listing) Right(columns ...int) *listing {
	for _, c := range columns {
		l.right[c] = true
	}
	return l
}

// Row adds a row; each cell is printed as fmt.Sprint would.
func (l *listing) Row(cells ...any) {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = fmt.Sprint(c)
	}
	l.rows = append(l.rows, row)
}

// Len is the number of rows.
func (l *listing) Len() int { return len(l.rows) }

// Print writes the table, with a bold header on a terminal.
func (l *listing) Print(w io.Writer) error {
	p := newPaint(w)
	t := table.NewWriter()
	t.SetStyle(table.Style{
		Box:     table.BoxStyle{MiddleVertical: "  "},
		Format:  table.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault},
		Options: table.Options{SeparateColumns: true},
	})
	t.SuppressTrailingSpaces()
	configs := make([]table.ColumnConfig, len(l.header))
	for i := range configs {
		align := text.AlignLeft
		if l.right[i] {
			align = text.AlignRight
		}
		configs[i] = table.ColumnConfig{Number: i + 1, Align: align, AlignHeader: align}
	}
	t.SetColumnConfigs(configs)
	header := make(table.Row, len(l.header))
	for i, h := range l.header {
		header[i] = p.Bold(h)
	}
	t.AppendHeader(header)
	for _, cells := range l.rows {
		row := make(table.Row, len(cells))
		for i, c := range cells {
			row[i] = c
		}
		t.AppendRow(row)
	}
	_, err := fmt.Fprintln(w, t.Render())
	return err
}
