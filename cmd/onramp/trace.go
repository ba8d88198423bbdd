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
	return recorded(p, name, func(r *rehearse.Recording) (*rehearse.Result, error) {
		o.Recording = r
		return pl.rehearse(c, p, o)
	})
}

// recorded does something that is recorded to a file.
func recorded[T any](p *progress, name string, do func(r *rehearse.Recording) (T, error)) (T, error) {
	var result, none T
	var refused error
	var recording *rehearse.Recording
	err := replaceFile(name, func(w io.Writer) error {
		recording = rehearse.NewRecording(w)
		if result, refused = do(recording); refused != nil {
			return refused
		}
		return recording.Err()
	})
	switch {
	case refused != nil:
		return none, refused
	case err != nil:
		return none, outside(err)
	}
	st := p.Stage("trace", 1)
	st.Done(fmt.Sprintf("%s on %s in %.0f s of virtual time, in %s", count(recording.Frames, "frame"), count(recording.Links, "link"), recording.Lasts.Seconds(), name))
	return result, nil
}
