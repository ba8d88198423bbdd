package main

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// progress tells a waiting person on stderr which stage runs: a bar that is replaced by a line on a terminal, only the line
// elsewhere. Its methods are called from one goroutine.
type progress struct {
	w     io.Writer
	bars  bool
	paint paint
}

func newProgress(stderr io.Writer) *progress {
	return &progress{w: stderr, bars: terminal(stderr), paint: newPaint(stderr)}
}

// stage is one step of the work, from Stage to Done.
type stage struct {
	p       *progress
	name    string
	started time.Time
	bar     *progressbar.ProgressBar // nil off a terminal
}

// Stage begins a stage of total steps. A total of 0 or less means that their number is not known.
func (p *progress) Stage(name string, total int) *stage {
	st := &stage{p: p, name: name, started: time.Now()}
	if !p.bars {
		return st
	}
	if total <= 0 {
		total = -1
	}
	st.bar = progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(name),
		progressbar.OptionSetWidth(28),
		progressbar.OptionThrottle(60*time.Millisecond),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetRenderBlankState(true),
		progressbar.OptionSetSpinnerChangeInterval(0), // no goroutine of its own: it turns when Step is called
	)
	return st
}

// Step says that n more steps are done, and with note what is being worked on (may be empty).
func (s *stage) Step(n int, note string) {
	if s.bar == nil {
		return
	}
	description := s.name
	if note != "" {
		description += " " + s.p.paint.Faint(note)
	}
	s.bar.Describe(description)
	_ = s.bar.Add(n) // a progress bar that cannot be drawn is no reason to stop
}

// Done ends the stage with a line that stays: its name and what came of it.
func (s *stage) Done(summary string) { s.end(s.p.paint.Good("✓"), summary) }

// Fail ends the stage with a line that says what went wrong.
func (s *stage) Fail(summary string) { s.end(s.p.paint.Bad("✗"), summary) }

func (s *stage) end(mark, summary string) {
	if s.bar == nil {
		fmt.Fprintf(s.p.w, "%s: %s\n", s.name, summary)
		return
	}
	_ = s.bar.Exit()
	_ = s.bar.Clear() // as in Step: a bar that cannot be cleared is no reason to stop
	took := s.p.paint.Faint(fmt.Sprintf("(%.1f s)", time.Since(s.started).Seconds()))
	fmt.Fprintf(s.p.w, "\r%s %-8s %s %s\n", mark, s.name, summary, took)
}
