package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"onramp/design"
	"onramp/draw"
)

// output is one file of a run, made whole in memory before anything is written.
type output struct {
	name  string
	bytes []byte
}

// outputNames are the files that a run of up can write.
func outputNames() []string {
	return []string{"design.json", "proof.json", "rehearsal.json", rehearsalPage, "conformance.json", "choice.json", "bill.csv", "peering-sheet.csv", "topology.svg", "report.html"}
}

// replaceFile writes a file whole or not at all: what a failed write leaves is what was there before. An error of write comes back wrapped.
func replaceFile(name string, write func(w io.Writer) error) error {
	tmp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	err = write(tmp)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name()) // the error that stopped us is the one to tell
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// writeOutputs replaces the files in dir, each by rename, so that a reader never sees half a file. Those that an earlier run
// wrote and this one does not are taken away, so that all files there belong together; files of other names are left alone.
func writeOutputs(dir string, files []output) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return outside(err)
	}
	for _, f := range files {
		err := replaceFile(filepath.Join(dir, f.name), func(w io.Writer) error {
			_, err := w.Write(f.bytes)
			return err
		})
		if err != nil {
			return outside(err)
		}
	}
	for _, name := range outputNames() {
		if !slices.ContainsFunc(files, func(f output) bool { return f.name == name }) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return outside(err)
			}
		}
	}
	return nil
}

// indented is a value as JSON for people and diffs.
func indented(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func topologySVG(d *design.Design) ([]byte, error) {
	var b bytes.Buffer
	if err := draw.SVG(&b, draw.Topology(d)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
