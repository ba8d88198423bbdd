package yamlfile

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// The severities of a Finding. A file with an error is not used; one with warnings is.
const (
	Error   = "error"
	Warning = "warning"
)

// Finding is a mistake in the file: where it is, what is wrong with which value, what would be right, and who says so.
type Finding struct {
	File     string `json:"file"`
	Line     int    `json:"line"` // from 1
	Col      int    `json:"col"`  // from 1, in characters
	Severity string `json:"severity"`
	At       string `json:"at"` // key path, such as premises.sites[0].access[1].location
	Value    string `json:"value"`
	Message  string `json:"message"`
	Fix      string `json:"fix"`
	Rule     string `json:"rule"`   // id of the rule
	Source   string `json:"source"` // document the rule comes from
}

// String prints `file:line:col: at: message (value "x"); fix [rule; source]`, with "warning:" after the place of a warning.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d:%d: ", f.File, f.Line, f.Col)
	if f.Severity == Warning {
		b.WriteString("warning: ")
	}
	if f.At != "" {
		b.WriteString(f.At + ": ")
	}
	b.WriteString(f.Message)
	if f.Value != "" {
		fmt.Fprintf(&b, " (value %q)", f.Value)
	}
	if f.Fix != "" {
		b.WriteString("; " + f.Fix)
	}
	switch {
	case f.Rule != "" && f.Source != "":
		fmt.Fprintf(&b, " [%s; %s]", f.Rule, f.Source)
	case f.Rule != "":
		fmt.Fprintf(&b, " [%s]", f.Rule)
	}
	return b.String()
}

// Error is String, so that a single finding can travel as an error.
func (f Finding) Error() string { return f.String() }

// clip shortens a value for a message.
func clip(s string) string {
	const most = 80
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
