package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"onramp/catalog"
	"onramp/draw"
	"onramp/rehearse"
	page "onramp/report"
)

// rehearsalPage is the page's name beside the other files of up.
const rehearsalPage = "rehearsal.html"

// pictured says whether what the flags ask for can be had.
func (f *rehearseFlags) pictured(traffic bool) error {
	for flag, name := range map[string]string{"--html": f.html, "--svg": f.svg} {
		switch {
		case name == "":
		case f.list:
			return usageError(fmt.Errorf("%s shows drills that were run: leave --list out", flag))
		case traffic:
			return usageError(fmt.Errorf("%s shows drills of elements; those of traffic have no timeline", flag))
		}
	}
	return nil
}

// show writes the page and the pictures that were asked for.
func (f *rehearseFlags) show(pl *plan, c *catalog.Catalog, r *rehearse.Result) error {
	if f.html != "" {
		b, err := page.Rehearsal(pl.design, r, c)
		if err == nil {
			err = replaceFile(f.html, func(w io.Writer) error {
				_, err := w.Write(b)
				return err
			})
		}
		if err != nil {
			return outside(err)
		}
	}
	if f.svg != "" {
		if err := writePictures(f.svg, pl, c, r); err != nil {
			return outside(err)
		}
	}
	return nil
}

// showScript writes the page and the timelines of a script's drills that were asked for.
func (f *rehearseFlags) showScript(pl *plan, c *catalog.Catalog, r *rehearse.Scripted) error {
	if f.html != "" {
		b, err := page.Script(pl.design, r, c)
		if err == nil {
			err = replaceFile(f.html, func(w io.Writer) error {
				_, err := w.Write(b)
				return err
			})
		}
		if err != nil {
			return outside(err)
		}
	}
	if f.svg == "" {
		return nil
	}
	if err := os.MkdirAll(f.svg, 0o755); err != nil {
		return outside(err)
	}
	for i := range r.Drills {
		t, ok := page.ScriptTimeline(&r.Drills[i], r)
		if !ok {
			continue
		}
		if err := writePicture(f.svg, fileName(r.Drills[i].Name)+".timeline", func(w io.Writer) error { return draw.TimelineSVG(w, t) }); err != nil {
			return outside(err)
		}
	}
	return nil
}

// writePicture writes one picture as a file, whole or not at all.
func writePicture(dir, name string, svg func(w io.Writer) error) error {
	var b bytes.Buffer
	if err := svg(&b); err != nil {
		return err
	}
	return replaceFile(filepath.Join(dir, name+".svg"), func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// writePictures writes the matrix and, of each drill, the timeline and the topology as files of their own.
func writePictures(dir string, pl *plan, c *catalog.Catalog, r *rehearse.Result) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	write := func(name string, svg func(w io.Writer) error) error { return writePicture(dir, name, svg) }
	if err := write("matrix", func(w io.Writer) error { return draw.MatrixSVG(w, page.Matrix(pl.design.Name, r)) }); err != nil {
		return err
	}
	topology := page.DrillTopology(pl.design, r, c)
	for i := range r.Drills {
		d := &r.Drills[i]
		name := fileName(d.ID)
		if t, ok := page.Timeline(d, r); ok {
			if err := write(name+".timeline", func(w io.Writer) error { return draw.TimelineSVG(w, t) }); err != nil {
				return err
			}
		}
		if t, ok := topology(d); ok {
			if err := write(name+".topology", func(w io.Writer) error { return draw.SVG(w, t) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// fileName is a drill's name without what a file's name cannot have.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '_'
	}, id)
}
