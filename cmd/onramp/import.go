package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onramp/adopt"
	"onramp/arm"
	"onramp/catalog"
	"onramp/template"
)

// importFlags are what import is told.
type importFlags struct {
	cloudFlags
	groups, principals                        []string
	premises, name, out, location, parameters string
	asJSON                                    bool
}

func newImportCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{Use: "import [FILE...]",
		Short: "Read what is there into a design: from an endpoint, an ARM template or Terraform's state",
		Long: `Import makes a design of what somebody has already, which check, prove, rehearse and the others take as any other. Without a FILE it
reads an endpoint: the subscriptions of --subscription and the resource groups of --group, or all that whoever signs in can see. A FILE is
an ARM template or the export of a resource group, a terraform.tfstate, or what "terraform show -json" prints; several become one design.
What it does not know it keeps, and says so. Azure does not know the premises: --premises names a design.json that does; without it they are
drawn from the peerings, and what is guessed about them is said. Secrets are never taken over.

The design goes to --out, or to standard output; then the report goes to standard error.`,
		Example: "  onramp import --out imported.json\n  onramp import examples/import/contoso.tfstate --subscription sub-net=11111111-2222-3333-4444-555555555555 --out imported.json\n  onramp import examples/import/hub.json --location westeurope --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args)
		}}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.groups, "group", nil, "read this resource group only (may be repeated); of a template: the group that it is for")
	cmd.Flags().StringVar(&f.premises, "premises", "", "a design.json whose premises, intent and orders are taken over")
	cmd.Flags().StringArrayVar(&f.principals, "principal", nil, "NAME=GUID: what a group or user of a role assignment is called in the design (may be repeated)")
	cmd.Flags().StringVar(&f.name, "name", "", "the design's name")
	cmd.Flags().StringVarP(&f.out, "out", "o", "", "write the design to this file")
	cmd.Flags().StringVar(&f.location, "location", "", "of a template: the region of its resource group")
	cmd.Flags().StringVar(&f.parameters, "parameters", "", "of a template: the file with its parameters")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the design and the report as JSON on standard output, words on standard error")
	return cmd
}

func (f *importFlags) run(cmd *cobra.Command, files []string) error {
	c, err := catalog.Open()
	if err != nil {
		return outside(err)
	}
	o := adopt.Options{Name: f.name, Catalog: c}
	if o.Subscriptions, err = spelledPairs("--subscription", f.named); err != nil {
		return err
	}
	if o.Principals, err = spelledPairs("--principal", f.principals); err != nil {
		return err
	}
	if f.premises != "" {
		in, err := readInput(cmd, c, f.premises)
		if err != nil {
			return err
		}
		if in.design == nil {
			return usageError(fmt.Errorf("--premises %s is an intent; give a design.json (`onramp design %s` writes one)", f.premises, f.premises))
		}
		o.Premises = in.design
	}
	var found []*adopt.Found
	if len(files) == 0 {
		x, err := f.endpoint(cmd.Context(), o)
		if err != nil {
			return err
		}
		found = append(found, x)
		o.PrincipalOf = f.principalOf()
	} else if found, err = f.files(cmd, files, o.Subscriptions); err != nil {
		return err
	}
	r, err := adopt.Import(found, o)
	if err != nil {
		return usageError(err)
	}
	return f.tell(cmd.OutOrStdout(), cmd.ErrOrStderr(), r)
}

// spelledPairs reads NAME=GUID pairs as they are written.
func spelledPairs(flag string, pairs []string) (map[string]string, error) {
	if _, err := namedGUIDs(flag, pairs); err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, s := range pairs {
		name, guid, _ := strings.Cut(s, "=")
		out[name] = guid
	}
	return out, nil
}

// principalOf is how a twin makes the ids of principals of names that nobody knows there; nil at any other endpoint.
func (f *importFlags) principalOf() func(string) string {
	if f.cloud != cloudTwin {
		return nil
	}
	return arm.PrincipalID
}

// endpoint reads an endpoint.
func (f *importFlags) endpoint(ctx context.Context, o adopt.Options) (*adopt.Found, error) {
	if f.parameters != "" || f.location != "" {
		return nil, usageError(fmt.Errorf("--parameters and --location go with the FILE of a template"))
	}
	p, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer p.close()
	s := adopt.Scope{Subscriptions: slices.Sorted(maps.Values(o.Subscriptions)), Groups: f.groups, Learned: o.Premises == nil}
	x, err := adopt.FromEndpoint(ctx, p.Endpoint, s)
	if err != nil {
		return nil, outside(err)
	}
	return x, nil
}

// files reads files.
func (f *importFlags) files(cmd *cobra.Command, names []string, subscriptions map[string]string) ([]*adopt.Found, error) {
	if cmd.Flags().Changed("cloud") {
		return nil, usageError(fmt.Errorf("--cloud reads an endpoint, and there is a FILE: ask for one of them"))
	}
	d := adopt.Deployment{Location: f.location}
	if len(subscriptions) == 1 {
		for _, guid := range subscriptions {
			d.Subscription = guid
		}
	}
	if len(f.groups) > 1 {
		return nil, usageError(fmt.Errorf("--group is given %d times; a template is for one", len(f.groups)))
	}
	if len(f.groups) == 1 {
		d.Group = f.groups[0]
	}
	if f.parameters != "" {
		src, shown, err := readSource(cmd, f.parameters)
		if err != nil {
			return nil, err
		}
		if d.Parameters, err = template.Parameters(src); err != nil {
			return nil, usageError(fmt.Errorf("--parameters %s: %w", shown, err))
		}
	}
	var found []*adopt.Found
	for _, name := range names {
		src, shown, err := readSource(cmd, name)
		if err != nil {
			return nil, err
		}
		x, err := adopt.FromFile(shown, src, d)
		if err != nil {
			return nil, usageError(err)
		}
		found = append(found, x)
	}
	return found, nil
}

// tell writes the design and the report.
func (f *importFlags) tell(stdout, stderr io.Writer, r *adopt.Result) error {
	b, err := r.Design.Encode()
	if err != nil {
		return outside(err)
	}
	if f.out != "" {
		if err := os.WriteFile(f.out, b, 0o644); err != nil {
			return outside(err)
		}
	}
	words := stdout
	switch {
	case f.asJSON:
		words = stderr
		if err := printJSON(stdout, r); err != nil {
			return outside(err)
		}
	case f.out == "":
		words = stderr
		if _, err := stdout.Write(b); err != nil {
			return outside(err)
		}
	}
	return outsideOf(printImport(words, r, f.out))
}

// outsideOf is trouble outside, or none.
func outsideOf(err error) error {
	if err != nil {
		return outside(err)
	}
	return nil
}

// printImport writes the report for people.
func printImport(w io.Writer, r *adopt.Result, out string) error {
	for _, s := range r.Sources {
		if _, err := fmt.Fprintf(w, "read: %s, %s: %s, %d of types that are known\n", s.Name, kindWords(s.Kind), count(s.Read, "resource"), s.Known); err != nil {
			return err
		}
	}
	for i, n := range r.Notes {
		if i == mostFindings {
			fmt.Fprintf(w, "and %d more: --json has them all\n", len(r.Notes)-i)
			break
		}
		fmt.Fprintf(w, "%s: %s\n", strings.ReplaceAll(n.Kind, "-", " "), n)
	}
	for _, a := range r.Assumptions {
		fmt.Fprintf(w, "assumed: %s (%s)\n", a.Text, a.Name)
	}
	d := r.Design
	pattern := "no pattern that is known"
	if d.Pattern != "" {
		pattern = "pattern " + string(d.Pattern)
	}
	where := ""
	if out != "" {
		where = "; it is in " + out
	}
	_, err := fmt.Fprintf(w, "design %s: %s, %s, %s%s\n", d.Name, pattern, count(len(d.Resources), "resource"), count(len(d.Premises.Sites), "site"), where)
	return err
}

func kindWords(kind string) string {
	switch kind {
	case adopt.KindTemplate:
		return "an ARM template"
	case adopt.KindTerraformState:
		return "a state of Terraform"
	case adopt.KindTerraformJSON:
		return "a state as Terraform shows it"
	}
	return "an endpoint"
}
