package main

import (
	"io"
	"path/filepath"
	"strconv"
	"strings"

	sarifreport "github.com/owenrumney/go-sarif/v3/pkg/report"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"onramp/catalog"
	"onramp/check"
	"onramp/design"
)

// printSARIF writes findings in the Static Analysis Results Interchange Format 2.1.0 (OASIS), as code review reads it.
func printSARIF(w io.Writer, c *catalog.Catalog, r *checked) error {
	run := sarif.NewRunWithInformationURI("onramp", "")
	run.Tool.Driver.InformationURI = nil
	documents := map[string]string{}
	for _, x := range check.Rules(c) {
		if x.Checked {
			run.AddRule(x.ID).WithDescription(x.Rule).WithHelp(sarif.NewMultiformatMessageString().WithText(x.Rule + " (" + x.Source + ")")).WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(sarifLevel(x.Severity)))
		}
		documents[x.ID] = x.Source
	}
	uri := filepath.ToSlash(r.file)
	for _, f := range r.Findings {
		if _, known := documents[f.Rule]; !known {
			documents[f.Rule] = f.Source
			run.AddRule(f.Rule).WithDescription(f.Rule).WithHelp(sarif.NewMultiformatMessageString().WithText(f.Source))
		}
		place, line, col := position(r.file, f.At)
		at := sarif.NewPhysicalLocation().WithArtifactLocation(sarif.NewSimpleArtifactLocation(uri))
		if line > 0 {
			at.WithRegion(sarif.NewRegion().WithStartLine(line).WithStartColumn(col))
		}
		text := f.Message
		if f.Value != "" {
			text += " (" + f.Value + ")"
		}
		if f.Fix != "" {
			text += "; " + f.Fix
		}
		if f.Source != "" {
			text += " [" + f.Source + "]"
		}
		run.CreateResultForRule(f.Rule).WithLevel(sarifLevel(f.Severity)).WithMessage(sarif.NewTextMessage(text)).
			AddLocation(sarif.NewLocationWithPhysicalLocation(at).AddLogicalLocation(sarif.NewLogicalLocation().WithFullyQualifiedName(place)))
	}
	out := sarifreport.NewV210Report()
	out.AddRun(run)
	if err := out.PrettyWrite(w); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// position takes a place in a file, "FILE:LINE:COL KEY", apart; other places have no line.
func position(file, at string) (place string, line, col int) {
	rest, ok := strings.CutPrefix(at, file+":")
	if !ok {
		return at, 0, 0
	}
	where, key, _ := strings.Cut(rest, " ")
	l, c, _ := strings.Cut(where, ":")
	line, err1 := strconv.Atoi(l)
	col, err2 := strconv.Atoi(c)
	if err1 != nil || err2 != nil || line < 1 || col < 1 {
		return at, 0, 0
	}
	if key == "" {
		key = file
	}
	return key, line, col
}

func sarifLevel(s design.Severity) string {
	switch s {
	case design.Error:
		return "error"
	case design.Warning:
		return "warning"
	}
	return "note"
}
