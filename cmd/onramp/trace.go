package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"onramp/catalog"
	"onramp/rehearse"
)

// traceable says no to a trace of anything but one drill.
func (f *rehearseFlags) traceable() error {
	if f.trace != "" && (len(f.drills) != 1 || slices.Contains(f.drills, everyDrill)) {
		return usageError(errors.New("--trace: give exactly one --drill, whose packets are written (--list lists them)"))
	}
	return nil
}

// trace drills the plan's design and writes what its links carry to a file, whole or not at all.
func (pl *plan) trace(c *catalog.Catalog, p *progress, o rehearse.Options, name string) (*rehearse.Result, error) {
	var r *rehearse.Result
	err := traced(p, name, func(rec *rehearse.Recording) (err error) {
		o.Recording = rec
		r, err = pl.rehearse(c, p, o)
		return err
	})
	return r, err
}

// traced writes what the links of a drill carry to a file, whole or not at all.
func traced(p *progress, name string, drill func(*rehearse.Recording) error) error {
	var rec *rehearse.Recording
	var refused error
	err := replaceFile(name, func(w io.Writer) error {
		rec = rehearse.NewRecording(w)
		if refused = drill(rec); refused != nil {
			return refused
		}
		return rec.Err()
	})
	switch {
	case refused != nil:
		return refused
	case err != nil:
		return outside(err)
	}
	st := p.Stage("trace", 1)
	st.Done(fmt.Sprintf("%s on %s in %.0f s of virtual time, in %s", count(rec.Frames, "frame"), count(rec.Links, "link"), rec.Lasts.Seconds(), name))
	return nil
}
