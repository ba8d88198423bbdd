package report

import (
	"bytes"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"onramp/cost"
	"onramp/draw"
)

// breakEvens are the other ways to buy the design, and from which traffic on they are cheaper.
type breakEvens struct {
	Words       string
	Plot        template.HTML // empty where no curve can be drawn
	Table       *table
	Assumptions []string
}

func (w *writer) breakEvens() *breakEvens {
	list := cost.BreakEvens(w.in.Design, w.c)
	if w.in.Design.Intent == nil || len(list) == 0 {
		return nil
	}
	out := &breakEvens{Words: fmt.Sprintf("Other ways to buy the same design, by their whole bills. Today %s GB leave Azure in a month; up to %s GB were looked at. That another way is cheaper does not say that it meets the needs.",
		gigabytes(list[0].PresentGB), gigabytes(float64(list[0].MaxGB)))}
	out.Table = &table{Caption: "From which traffic on another way is cheaper", Head: []cell{text("Which"), text("Today"), text("Break-even"), text("What is not known")}}
	if plot, ok := Traffic(w.in.Design.Name, cost.Curves(w.in.Design, w.c), list); ok {
		plot.ID = "traffic"
		var b bytes.Buffer
		if err := draw.LinePlot(&b, plot); err != nil && w.err == nil {
			w.err = fmt.Errorf("report: %w", err)
		}
		out.Plot = framed(b.Bytes())
	}
	for i := range list {
		e := &list[i]
		out.Table.Rows = append(out.Table.Rows, []cell{text(e.Name), text(today(e)), text(crossings(e)), text(or(unknowns(e), "–"))})
		for _, a := range e.Assumptions {
			if !slices.Contains(out.Assumptions, a.Text) {
				out.Assumptions = append(out.Assumptions, a.Text)
			}
		}
	}
	return out
}

// gigabytes writes an amount with its thousands apart.
func gigabytes(gb float64) string {
	return strings.TrimSuffix(amount(float64(int64(gb+0.5))), ".00")
}

// today says what both sides cost at today's traffic.
func today(e *cost.BreakEven) string {
	if !e.Applicable {
		return "does not arise: " + e.Reason
	}
	side := func(a *cost.Alternative) string {
		if a.Present == nil {
			return a.Name + " not known"
		}
		return a.Name + " " + money(a.Present.USD, a.Present.AtLeast)
	}
	s := side(&e.A) + "; " + side(&e.B)
	if e.Cheaper != "" {
		return e.Cheaper + " is cheaper: " + s
	}
	return s
}

// crossings says where the cheaper one changes.
func crossings(e *cost.BreakEven) string {
	switch {
	case !e.Applicable:
		return "–"
	case e.Open != "":
		return "not stated: " + e.Open
	case len(e.Crossings) == 0 && e.Cheaper != "":
		return "none: " + e.Cheaper + " is cheaper at every amount"
	case len(e.Crossings) == 0:
		return "none"
	}
	var out []string
	for _, x := range e.Crossings {
		out = append(out, fmt.Sprintf("from %s GB on %s, below it %s (both %s there)", gigabytes(float64(x.GB)), x.Above, x.Below, money(x.USD, false)))
	}
	return strings.Join(out, "; ")
}

// unknowns are the prices that only one side needs.
func unknowns(e *cost.BreakEven) string {
	var out []string
	for _, a := range []*cost.Alternative{&e.A, &e.B} {
		for _, u := range a.Unknown {
			if s := u.Item + " (" + a.Name + ")"; !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	if len(out) > 4 {
		out = append(out[:4], strconv.Itoa(len(out)-4)+" more")
	}
	return strings.Join(out, ", ")
}
