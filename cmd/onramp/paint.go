package main

import (
	"image/color"
	"io"
	"os"

	"charm.land/lipgloss/v2"
	"golang.org/x/term"
)

// terminal tells whether w is a terminal that a person looks at.
func terminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// paint colours words for the writer it was made for. On anything but a terminal, with TERM=dumb or with NO_COLOR set
// (https://no-color.org: to anything but the empty string) the words come back as they are.
type paint struct{ on bool }

func newPaint(w io.Writer) paint {
	return paint{on: terminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

func (p paint) foreground(c color.Color, s string) string {
	if !p.on {
		return s
	}
	return lipgloss.NewStyle().Foreground(c).Render(s)
}

// Good, Warn and Bad are for verdicts; Accent for names to find again.
func (p paint) Good(s string) string   { return p.foreground(lipgloss.Green, s) }
func (p paint) Warn(s string) string   { return p.foreground(lipgloss.Yellow, s) }
func (p paint) Bad(s string) string    { return p.foreground(lipgloss.Red, s) }
func (p paint) Accent(s string) string { return p.foreground(lipgloss.Cyan, s) }

// Bold is for headings and Faint for what can be skipped.
func (p paint) Bold(s string) string {
	if !p.on {
		return s
	}
	return lipgloss.NewStyle().Bold(true).Render(s)
}

func (p paint) Faint(s string) string {
	if !p.on {
		return s
	}
	return lipgloss.NewStyle().Faint(true).Render(s)
}
