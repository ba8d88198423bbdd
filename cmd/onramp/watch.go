package main

import (
	"context"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"
	"github.com/spf13/cobra"

	"onramp/choose"
)

// The one goroutine of this command besides those of the watcher and the signal handler, which their stop functions end, is the one
// that hands changes of the file on: it ends with the watcher.

// watchFile tells of every change of a file until the context ends. The directory is watched, because editors put a new file in
// place of the old one.
func watchFile(ctx context.Context, file string) (changes <-chan struct{}, stop func(), err error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, nil, err
	}
	if err := w.Add(filepath.Dir(file)); err != nil {
		_ = w.Close() // the error that stopped us is the one to tell
		return nil, nil, err
	}
	out := make(chan struct{}, 1) // one change that waits stands for all that follow it
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-w.Events:
				if !ok {
					return
				}
				if filepath.Clean(e.Name) != filepath.Clean(file) || e.Op == fsnotify.Chmod {
					continue
				}
				select {
				case out <- struct{}{}:
				default:
				}
			case _, ok := <-w.Errors:
				if !ok {
					return
				}
			}
		}
	}()
	return out, func() { _ = w.Close() }, nil
}

// watched answers for a file again and again.
type watched struct {
	answer func() (*plan, error)
	words  io.Writer
	last   *choose.Choice
}

// once answers once and says what is different from the time before. What is wrong with the file is told, and is no end.
func (x *watched) once() {
	pl, err := x.answer()
	if err != nil {
		report(x.words, err)
	}
	if pl == nil || pl.answer == nil {
		return
	}
	now := &pl.answer.Choice
	if x.last != nil {
		for _, line := range choiceDifferences(x.last, now) {
			fmt.Fprintf(x.words, "now: %s\n", line)
		}
	}
	x.last = now
}

// until answers, and again after each change, until the changes or the context end.
func (x *watched) until(ctx context.Context, changes <-chan struct{}) {
	for {
		x.once()
		fmt.Fprintln(x.words, "watching; interrupt to end")
		select {
		case <-ctx.Done():
			return
		case _, ok := <-changes:
			if !ok {
				return
			}
		}
	}
}

// watch is up --watch.
func watch(cmd *cobra.Command, file string, answer func() (*plan, error)) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	changes, end, err := watchFile(ctx, file)
	if err != nil {
		return outside(fmt.Errorf("watching %s: %w", file, err))
	}
	defer end()
	x := &watched{answer: answer, words: cmd.ErrOrStderr()}
	x.until(ctx, changes)
	return nil
}

// choiceDifferences says in lines what of an answer changed.
func choiceDifferences(before, now *choose.Choice) []string {
	var out []string
	name := func(c *choose.Choice) string {
		if c.Chosen == nil {
			return "nothing fits"
		}
		return string(*c.Chosen)
	}
	if a, b := name(before), name(now); a != b {
		out = append(out, fmt.Sprintf("%s instead of %s", b, a))
	}
	if len(before.Ranked) > 0 && len(now.Ranked) > 0 {
		a, b := before.Ranked[0].Figures, now.Ranked[0].Figures
		if a.MonthlyUSD != b.MonthlyUSD || a.AtLeast != b.AtLeast {
			out = append(out, fmt.Sprintf("%s USD a month instead of %s", usd(b.MonthlyUSD, b.AtLeast), usd(a.MonthlyUSD, a.AtLeast)))
		}
	}
	unmet := func(c *choose.Choice) []string {
		var list []string
		for _, u := range c.Unmet {
			list = append(list, strings.TrimSpace(u.LineOfBusiness+" "+u.Need))
		}
		return list
	}
	was, is := unmet(before), unmet(now)
	for _, u := range is {
		if !slices.Contains(was, u) {
			out = append(out, "no longer met: "+u)
		}
	}
	for _, u := range was {
		if !slices.Contains(is, u) {
			out = append(out, "met again: "+u)
		}
	}
	if len(out) == 0 {
		out = append(out, "the same answer")
	}
	return out
}
