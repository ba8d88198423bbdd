package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onramp/examples"
)

func newInitCommand() *cobra.Command {
	var example string
	cmd := &cobra.Command{
		Use:   "init [FILE]",
		Short: "Write an intent to start from",
		Long: `Init writes an example intent into FILE (default estate.yaml), to be changed into your own; - is standard output.
A file that exists is never overwritten. The examples: ` + strings.Join(examples.Names(), ", ") + `.`,
		Example: `  onramp init
  onramp init --example fabrikam-isolated fabrikam.yaml
  onramp init -`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(examples.Names(), example) {
				return usageError(fmt.Errorf("--example %q: there are %s", example, strings.Join(examples.Names(), ", ")))
			}
			src, err := examples.Read(example)
			if err != nil {
				return outside(err)
			}
			file := "estate.yaml"
			if len(args) == 1 {
				file = args[0]
			}
			if file == "-" {
				_, err := cmd.OutOrStdout().Write(src)
				return err
			}
			f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, fs.ErrExist) {
				return usageError(fmt.Errorf("%s exists already and is left as it is; name another file", file))
			}
			if err != nil {
				return outside(err)
			}
			_, err = f.Write(src)
			if err := errors.Join(err, f.Close()); err != nil {
				return outside(errors.Join(err, os.Remove(file)))
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s; change it into your own and run: onramp up %s\n", file, file)
			return nil
		},
	}
	cmd.Flags().StringVar(&example, "example", builtIn, "the example to write")
	return cmd
}
