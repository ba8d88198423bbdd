package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"onramp/speaker"
	"onramp/yamlfile"
)

// speakerFlags are the flags of the command speaker.
type speakerFlags struct {
	asJSON, check, routes, debug bool
}

func newSpeakerCommand() *cobra.Command {
	var f speakerFlags
	cmd := &cobra.Command{
		Use:   "speaker FILE",
		Short: "Run a BGP speaker that real routers can talk to",
		Long: `Speaker runs the BGP core of the design and the proof on sockets and the clock, so that real routers can talk to it. FILE says what it
is, what it announces and whom it talks to (docs/speaker.md); - is standard input. It tells what happens, one event a line, until it
is interrupted, and carries out commands from standard input:

  ` + strings.Join(speaker.Commands(), "\n  ") + `

The end of standard input does not end it.`,
		Example: `  onramp speaker examples/speaker/lab.yaml --check
  onramp speaker examples/speaker/lab.yaml --json < examples/speaker/commands.txt`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			src, shown, err := readSpeaker(cmd, args[0])
			if err != nil {
				return err
			}
			cfg, findings := speaker.ParseConfig(shown, src)
			if f.check && f.asJSON {
				if findings == nil {
					findings = []yamlfile.Finding{}
				}
				if err := printJSON(cmd.OutOrStdout(), map[string]any{"findings": findings}); err != nil {
					return err
				}
			} else {
				for _, x := range findings[:min(len(findings), mostFindings)] {
					fmt.Fprintln(cmd.ErrOrStderr(), x.String())
				}
			}
			if cfg == nil {
				return usageError(&badInput{shown, findings})
			}
			if f.check {
				if !f.asJSON {
					fmt.Fprintf(cmd.OutOrStdout(), "%s: AS %s, %s, %s, %s\n", shown, cfg.AS, count(len(cfg.Neighbors), "neighbor"), count(len(cfg.Networks), "network"), count(len(cfg.Policies), "policy"))
				}
				return nil
			}
			var stdin io.Reader
			if args[0] != "-" {
				stdin = cmd.InOrStdin()
			}
			return f.run(cmd, cfg, stdin)
		},
	}
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print events and answers as JSON, one a line")
	cmd.Flags().BoolVar(&f.check, "check", false, "only read the file, and tell every mistake in it")
	cmd.Flags().BoolVar(&f.routes, "routes", true, "print changes of routes too")
	cmd.Flags().BoolVar(&f.debug, "debug", false, "log on standard error what became of each connection")
	return cmd
}

// readSpeaker reads a speaker's file.
func readSpeaker(cmd *cobra.Command, name string) (src []byte, shown string, err error) {
	if name == "-" {
		src, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxInput))
		if err != nil {
			return nil, "", outside(fmt.Errorf("reading standard input: %w", err))
		}
		return src, "standard input", nil
	}
	src, err = os.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, "", usageError(fmt.Errorf("there is no file %q (docs/speaker.md shows one to start from)", name))
	case err != nil:
		return nil, "", outside(err)
	}
	return src, name, nil
}

// waiting is how many events may wait to be printed; then the speaker waits for whoever reads them.
const waiting = 4096

// run runs the speaker until it is interrupted or a command ends it.
func (f *speakerFlags) run(cmd *cobra.Command, cfg *speaker.Config, stdin io.Reader) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	events, printed := make(chan speaker.Event, waiting), make(chan error, 1)
	go func() {
		err := printEvents(cmd.OutOrStdout(), events, f.asJSON)
		if err != nil {
			stop() // nobody listens any more
			for range events {
			}
		}
		printed <- err
	}()
	o := speaker.Options{Routes: f.routes, Events: func(e speaker.Event) { events <- e }}
	if f.debug {
		o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if stdin != nil {
		commands := make(chan speaker.Command)
		o.Commands = commands
		go readCommands(ctx, stdin, commands) // it may wait for a line for ever; the process ends with the command
	}
	err := speaker.Run(ctx, cfg, o)
	close(events)
	if perr := <-printed; err == nil && perr != nil && !errors.Is(perr, syscall.EPIPE) {
		err = fmt.Errorf("printing events: %w", perr)
	}
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w (ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE)", err)
	}
	return err
}

// longestCommand is how long a line of standard input may be.
const longestCommand = 1 << 20

// readCommands hands lines on until there are no more.
func readCommands(ctx context.Context, r io.Reader, commands chan<- speaker.Command) {
	defer close(commands)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestCommand)
	for lines.Scan() {
		select {
		case commands <- speaker.Command{Text: lines.Text()}:
		case <-ctx.Done():
			return
		}
	}
}

// printEvents prints until events is closed. What is there is printed at once, and written when nothing else waits.
func printEvents(w io.Writer, events <-chan speaker.Event, asJSON bool) error {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	lines.SetEscapeHTML(false)
	for e := range events {
		var err error
		if asJSON {
			err = lines.Encode(&e)
		} else {
			_, err = fmt.Fprintln(out, e.String())
		}
		if err == nil && len(events) == 0 {
			err = out.Flush()
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
