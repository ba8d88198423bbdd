package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"onramp/choose"
	"onramp/design"
)

func answered(p design.Pattern, usd float64, unmet ...choose.Unmet) *plan {
	c := choose.Choice{Unmet: unmet, Ranked: []choose.Ranked{{Pattern: p, Figures: choose.Figures{MonthlyUSD: usd}}}}
	if len(unmet) == 0 {
		c.Chosen = &p
	}
	return &plan{answer: &choose.Answer{Choice: c}}
}

func TestWatchingAnswersAfterEachChangeAndSaysWhatIsDifferent(t *testing.T) {
	answers := []func() (*plan, error){
		func() (*plan, error) { return answered(design.Shared, 100), nil },
		func() (*plan, error) { return nil, usageError(errors.New("line 3 is wrong")) },
		func() (*plan, error) { return answered(design.Isolated, 250), nil },
		func() (*plan, error) { return answered(design.Isolated, 250), nil },
		func() (*plan, error) {
			return answered(design.Isolated, 250, choose.Unmet{LineOfBusiness: "hr", Need: "bandwidth"}), failed(nil)
		},
		func() (*plan, error) { return answered(design.Isolated, 250), nil },
	}
	changes := make(chan struct{}, len(answers))
	for range answers[1:] {
		changes <- struct{}{}
	}
	close(changes)
	var words bytes.Buffer
	n := 0
	x := &watched{words: &words, answer: func() (*plan, error) { n++; return answers[n-1]() }}
	x.until(context.Background(), changes)
	if n != len(answers) {
		t.Fatalf("%d answers", n)
	}
	want := strings.ReplaceAll(`watching
onramp: line 3 is wrong
watching
now: isolated instead of shared
now: 250.00 USD a month instead of 100.00
watching
now: the same answer
watching
now: nothing fits instead of isolated
now: no longer met: hr bandwidth
watching
now: isolated instead of nothing fits
now: met again: hr bandwidth
watching
`, "watching\n", "watching; interrupt to end\n")
	if words.String() != want {
		t.Errorf("got\n%swant\n%s", words.String(), want)
	}
}

func TestAFileThatIsReplacedIsAChangeOfIt(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "estate.yaml")
	if err := os.WriteFile(file, []byte("a"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	changes, stop, err := watchFile(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := os.WriteFile(filepath.Join(dir, "other"), []byte("b"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "other"), file); err != nil {
		t.Fatal(err)
	}
	if _, ok := <-changes; !ok {
		t.Fatal("it ended")
	}
	end()
	for range changes { // what was on its way, then the end
	}
}

func TestWatchingEndsWithItsContext(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	cmd := &cobra.Command{}
	cmd.SetContext(ctx)
	cmd.SetErr(&bytes.Buffer{})
	file := filepath.Join(t.TempDir(), "estate.yaml")
	err := watch(cmd, file, func() (*plan, error) { end(); return answered(design.Shared, 1), nil })
	if err != nil {
		t.Error(err)
	}
}
