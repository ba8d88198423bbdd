package speaker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// runsSpeaker names the environment variable that makes the test's own binary a speaker of the file that it names, as
// `onramp speaker FILE --json` is one: the laboratory runs it in a namespace of its own.
const runsSpeaker = "ONRAMP_TEST_SPEAKER"

func TestMain(m *testing.M) {
	if file := os.Getenv(runsSpeaker); file != "" {
		if err := speak(file); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}

// speak is a speaker with commands from standard input and events on standard output, until it is interrupted.
func speak(file string) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	cfg, findings := ParseConfig(file, src)
	for _, f := range findings {
		fmt.Fprintln(os.Stderr, f.String())
	}
	if cfg == nil {
		return fmt.Errorf("%s cannot be read", file)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	commands := make(chan Command)
	go func() {
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			commands <- Command{Text: lines.Text()}
		}
	}()
	out := bufio.NewWriter(os.Stdout)
	print := json.NewEncoder(out)
	return Run(ctx, cfg, Options{Commands: commands, Routes: true, Events: func(e Event) {
		if print.Encode(&e) != nil || out.Flush() != nil {
			stop() // nobody listens any more
		}
	}})
}
