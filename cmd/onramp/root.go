package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// run is the whole program: it parses args, runs the command and returns the exit code. Tests call it as main does.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return report(stderr, root.ExecuteContext(context.Background()))
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "onramp",
		Short: "A proven Azure ExpressRoute design from one file",
		Long: `Onramp takes a private connection between your networks and the Microsoft cloud (Azure ExpressRoute)
from a question to a proven design: it compares the four ExpressRoute patterns for what you need,
proves what each survives, prices them, writes the design it chose, and rehearses every failure on it.

Exit codes: 0 yes; 1 an error finding, a failed property, no fit, a drill not as proved or an endpoint that does not
conform; 2 wrong usage or input; 3 trouble outside; 4 not finished: a connectivity provider has to do its part.`,
		Args:                       knownCommand,
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		SilenceErrors:              true,
	}
	root.AddCommand(newVersionCommand())
	root.AddCommand(newUpCommand(), newInitCommand(), newSchemaCommand(), newCheckCommand(), newChooseCommand(), newDesignCommand(), newProveCommand(), newRehearseCommand(), newCostCommand(), newCatalogCommand(), newSpeakerCommand(), newTwinCommand(), newDeployCommand(), newImportCommand())
	root.AddCommand(newRenderCommand(), newConformCommand())
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd(root.Name())
	classify(root)
	return root
}

// knownCommand refuses what is not a command of root, with the nearest ones.
func knownCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	message := fmt.Sprintf("there is no command %q", args[0])
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		message += "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError(fmt.Errorf("%s (onramp --help lists them)", message))
}
