package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/render"
)

// renderFormats are what a design can be written as.
func renderFormats() []string { return []string{"arm"} }

func newRenderCommand() *cobra.Command {
	var (
		flags                planFlags
		format, into, params string
	)
	cmd := &cobra.Command{Use: "render FILE", Args: cobra.ExactArgs(1),
		Short: "Write a design as an Azure Resource Manager template",
		Long: `Render writes a design as one Azure Resource Manager template, which you deploy to a subscription with whatever you deploy with. Its
parameters are what people change: bandwidths, SKUs, VLANs, AS numbers, prefixes, weights, the ids of subscriptions and of groups of people.
With --parameters it writes a parameters file beside it, with the design's values, for the first deployment.`,
		Example: "  onramp render estate.yaml > estate.json\n  onramp render estate.yaml -o estate.json --parameters estate.parameters.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(renderFormats(), format) {
				return usageError(fmt.Errorf("--format %q: there is %s", format, renderFormats()[0]))
			}
			if into != "" && into == params {
				return usageError(fmt.Errorf("-o and --parameters both name %q: the template and its parameters are two files", into))
			}
			o, err := flags.options()
			if err != nil {
				return err
			}
			o.Brief = true
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			in, err := readInput(cmd, c, args[0])
			if err != nil {
				return err
			}
			p := newProgress(cmd.ErrOrStderr())
			pl, err := makePlan(cmd, c, in, o, p)
			if err != nil {
				return err
			}
			st := p.Stage("render", 1)
			t, err := render.ARM(pl.design, c)
			if err != nil {
				st.Fail("no template")
				var limit *render.LimitError
				if errors.As(err, &limit) {
					return failed(err)
				}
				return usageError(fmt.Errorf("%s: %w", in.name, err))
			}
			st.Done(fmt.Sprintf("%s in %s", count(len(pl.design.Resources), "resource"), count(t.Deployments, "nested deployment")))
			if err := writeRendered(cmd, into, t.Text); err != nil {
				return err
			}
			if params != "" {
				if err := writeRendered(cmd, params, t.Parameters); err != nil {
					return err
				}
			}
			if pl.answer != nil && pl.answer.Choice.Chosen == nil {
				return failed(nil)
			}
			return nil
		}}
	flags.add(cmd)
	cmd.Flags().StringVar(&format, "format", "arm", "what to write: arm, a template of Azure Resource Manager")
	cmd.Flags().StringVarP(&into, "output", "o", "", "write the template to this file instead of standard output")
	cmd.Flags().StringVar(&params, "parameters", "", "write a parameters file for the first deployment too")
	return cmd
}

// writeRendered writes a file whole, or to standard output where it has no name.
func writeRendered(cmd *cobra.Command, name string, b []byte) error {
	write := func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
	if name == "" || name == "-" {
		if err := write(cmd.OutOrStdout()); err != nil {
			return outside(err)
		}
		return nil
	}
	if err := replaceFile(name, write); err != nil {
		return outside(err)
	}
	return nil
}
