package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"onramp/catalog"
	"onramp/examples"
	"onramp/intent"
)

// initFlags are answers to the questions of init, and how it goes about them.
type initFlags struct {
	example                        string
	name, model, provider          string
	bandwidth, hub, schema         string
	sites, lobs, isolate, survives []string
	inspect, yes, force            bool
}

// asked are the flags that answer questions; one of them is enough for an intent of one's own.
func asked() []string {
	return []string{"name", "site", "model", "provider", "bandwidth", "lob", "isolate", "survives", "hub", "inspect", "schema", "yes"}
}

// lines are the names of the lines of business.
func (f *initFlags) lines() []string {
	var out []string
	for _, l := range f.lobs {
		name, _, _ := strings.Cut(l, ":")
		out = append(out, name)
	}
	return out
}

// line is what a flag says of one line of business beside its name.
func (f *initFlags) line(i int) (region, bandwidth, own string) {
	if i >= len(f.lobs) {
		return "", "", ""
	}
	parts := append(strings.SplitN(f.lobs[i], ":", 4), "", "", "")
	if own = parts[3]; own == "own" {
		own = "yes"
	}
	return parts[1], parts[2], own
}

func newInitCommand() *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write an intent to start from",
		Long: `Init writes an intent into FILE (default estate.yaml), to be changed into your own; - is standard output. On a terminal it asks a few
questions first; flags answer them in advance, and with --yes what is left open is decided. Without a terminal and without such flags
it writes an example. A file that exists is only overwritten with --force. The examples: ` + strings.Join(examples.Names(), ", ") + `.`,
		Example: `  onramp init --example fabrikam-isolated fabrikam.yaml
  onramp init --yes mine.yaml
  onramp init --site "London, United Kingdom" --provider Equinix --lob trading:uksouth:500Mbps:own --lob retail --isolate trading/retail -`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			file := "estate.yaml"
			if len(args) == 1 {
				file = args[0]
			}
			src, err := f.source(cmd)
			if err != nil {
				return err
			}
			return f.write(cmd, file, src)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.example, "example", builtIn, "the example to write")
	flags.StringVar(&f.name, "name", "", "name of the estate")
	flags.StringArrayVar(&f.sites, "site", nil, "city of a site, as in the catalogue; repeat it for more")
	flags.StringVar(&f.model, "model", "", "how a provider connects the sites: ethernet, cloud-exchange or ip-vpn")
	flags.StringVar(&f.provider, "provider", "", "the provider")
	flags.StringVar(&f.bandwidth, "bandwidth", "", "bandwidth of each access")
	flags.StringArrayVar(&f.lobs, "lob", nil, "a line of business: NAME[:REGION[:BANDWIDTH[:own]]]; own asks for a circuit of its own; repeat it for more")
	flags.StringSliceVar(&f.isolate, "isolate", nil, "pairs of lines of business without a path to each other: a/b")
	flags.StringSliceVar(&f.survives, "survives", nil, "kinds of single failure that everything must survive")
	flags.StringVar(&f.hub, "hub", "", "region of a hub with services for everybody")
	flags.BoolVar(&f.inspect, "inspect", false, "the hub's firewall inspects every flow")
	flags.StringVar(&f.schema, "schema", "", "where the JSON Schema is, for the editor")
	flags.BoolVar(&f.yes, "yes", false, "ask nothing: take what would be proposed")
	flags.BoolVar(&f.force, "force", false, "overwrite FILE if it exists")
	return cmd
}

// source is what is to be written.
func (f *initFlags) source(cmd *cobra.Command) ([]byte, error) {
	own := slices.ContainsFunc(asked(), cmd.Flags().Changed)
	in, ok := cmd.InOrStdin().(*os.File)
	terminal := ok && term.IsTerminal(int(in.Fd()))
	if cmd.Flags().Changed("example") || !own && !terminal {
		if own {
			return nil, usageError(errors.New("--example writes an example as it is; leave it away to answer the questions"))
		}
		if !slices.Contains(examples.Names(), f.example) {
			return nil, usageError(fmt.Errorf("--example %q: there are %s", f.example, strings.Join(examples.Names(), ", ")))
		}
		src, err := examples.Read(f.example)
		if err != nil {
			return nil, outside(err)
		}
		return src, nil
	}
	c, err := catalog.Open()
	if err != nil {
		return nil, outside(err)
	}
	a := &asker{c: c, in: bufio.NewReader(cmd.InOrStdin()), out: cmd.ErrOrStderr(), yes: f.yes || !terminal}
	return f.answers(a)
}

// answers puts the questions and makes the file of the answers. What is written has no mistake: it is read before.
func (f *initFlags) answers(a *asker) ([]byte, error) {
	w, err := a.questions(f)
	if err != nil {
		return nil, err
	}
	src, err := w.file()
	if err != nil {
		return nil, outside(err)
	}
	if e, findings := intent.Parse("the answers", src, a.c); e == nil {
		return nil, usageError(&badInput{name: "the answers", findings: findings})
	}
	return src, nil
}

// write puts the intent into a file.
func (f *initFlags) write(cmd *cobra.Command, file string, src []byte) error {
	if file == "-" {
		if _, err := cmd.OutOrStdout().Write(src); err != nil {
			return outside(err)
		}
		return nil
	}
	mode := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.force {
		mode = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	out, err := os.OpenFile(file, mode, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return usageError(fmt.Errorf("%s exists already and is left as it is; name another file, or say --force", file))
	}
	if err != nil {
		return outside(err)
	}
	_, err = out.Write(src)
	if err := errors.Join(err, out.Close()); err != nil {
		return outside(err)
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s; change it into your own and run: onramp up %s\n", file, file)
	return nil
}
