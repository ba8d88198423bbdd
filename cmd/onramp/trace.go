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
	var refused error
	err := replaceFile(name, func(w io.Writer) error {
		o.Recording = rehearse.NewRecording(w)
		if r, refused = pl.rehearse(c, p, o); refused != nil {
			return refused
		}
		return o.Recording.Err()
	})
	switch {
	case refused != nil:
		return nil, refused
	case err != nil:
		return nil, outside(err)
	}
	st := p.Stage("trace", 1)
	st.Done(fmt.Sprintf("%s on %s in %.0f s of virtual time, in %s", count(o.Recording.Frames, "frame"), count(o.Recording.Links, "link"), o.Recording.Lasts.Seconds(), name))
	return r, nil
}
