package main

import (
	"fmt"
	"io"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Example: "  onramp version",
		Short:   "Print the version this program was built from",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			build, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("this program carries no build information; build it with Go modules")
			}
			return printVersion(cmd.OutOrStdout(), build)
		},
	}
}

// printVersion writes one line: the module's version, the commit (with + when the tree had changes) and the toolchain.
func printVersion(w io.Writer, build *debug.BuildInfo) error {
	line := "onramp " + build.Main.Version
	if build.Main.Version == "" {
		line = "onramp (devel)"
	}
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		line += " " + commit[:min(12, len(commit))]
		if settings["vcs.modified"] == "true" {
			line += "+"
		}
	}
	_, err := fmt.Fprintf(w, "%s %s\n", line, build.GoVersion)
	return err
}
