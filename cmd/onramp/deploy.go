package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/check"
	"onramp/cloud"
	"onramp/deploy"
	"onramp/design"
	"onramp/template"
	"onramp/twin"
)

func newDeployCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Put a design at an endpoint, and take it away again",
		Long: `Deploy compares a design with what is at an endpoint, the local twin's or Azure's, and makes what is missing, in the order in which Azure
takes it and with a journal beside it: whoever is stopped anywhere goes on where it was.`,
		Example: `  onramp deploy plan design.json
  onramp deploy apply design.json
  onramp deploy status design.json
  onramp deploy destroy design.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDeployPlan(), newDeployApply(), newDeployDestroy(), newDeployStatus())
	return cmd
}

// deployFlags are those that all deploy commands have.
type deployFlags struct {
	cloudFlags
	plan       planFlags
	principals []string
	secrets    []string
	journal    string
	asJSON     bool
	// of a template:
	parameters, in, group, location string
}

func (f *deployFlags) add(cmd *cobra.Command) {
	f.cloudFlags.add(cmd)
	f.plan.add(cmd)
	cmd.Flags().StringArrayVar(&f.principals, "principal", nil, "NAME=GUID: the object id of a group or user that the design names (may be repeated)")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "\"sharedKey of NAME=FILE\": the file with a secret for which <sharedKey of NAME> stands in an imported design (may be repeated)")
	cmd.Flags().StringVar(&f.journal, "journal", "", "the journal's file (default beside FILE)")
	cmd.Flags().StringVar(&f.parameters, "parameters", "", "of an ARM template: the file with its parameters' values")
	cmd.Flags().StringVar(&f.in, "in", "", "of an ARM template: the subscription that it is deployed to, by its name or GUID")
	cmd.Flags().StringVar(&f.group, "group", "", "of an ARM template: the resource group that it is deployed to, which is there")
	cmd.Flags().StringVar(&f.location, "location", "", "of an ARM template for a subscription: the region of its deployment")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON on standard output, words on standard error")
}

// deployment is a design and the endpoint where it belongs.
type deployment struct {
	c       *catalog.Catalog
	design  *design.Design
	place   *place
	target  *deploy.Target
	journal string
	names   map[string]string // of subscriptions, by GUID
	secrets map[string]string // that the design stands for, by name in lower case
}

// open reads FILE and opens the endpoint. With create the twin on this machine gets the subscriptions that it has not. The caller closes
// the place.
func (f *deployFlags) open(cmd *cobra.Command, file string, create bool) (*deployment, error) {
	c, err := catalog.Open()
	if err != nil {
		return nil, outside(err)
	}
	if file != "-" {
		if src, err := os.ReadFile(file); err == nil {
			if is, whole := deploy.IsTemplate(src); is {
				return f.template(cmd, c, file, src, whole, create)
			}
		}
	}
	if f.parameters+f.in+f.group+f.location != "" {
		return nil, usageError(fmt.Errorf("%s is no ARM template; --parameters, --in, --group and --location are for one", file))
	}
	o, err := f.plan.options()
	if err != nil {
		return nil, err
	}
	in, err := readInput(cmd, c, file)
	if err != nil {
		return nil, err
	}
	o.Brief = true
	pl, err := makePlan(cmd, c, in, o, newProgress(cmd.ErrOrStderr()))
	if err != nil {
		return nil, err
	}
	if pl.answer != nil && pl.answer.Choice.Chosen == nil {
		return nil, failed(errors.New("no pattern meets every need, so that nothing is deployed; choose says why"))
	}
	d := &deployment{c: c, design: pl.design}
	if d.secrets, err = namedSecrets(f.secrets); err != nil {
		return nil, err
	}
	if d.journal, err = f.journalOf(file); err != nil {
		return nil, err
	}
	if d.place, err = f.cloudFlags.open(cmd.Context()); err != nil {
		return nil, err
	}
	if err := d.prepare(cmd.Context(), f.principals, create); err != nil {
		d.place.close()
		return nil, err
	}
	return d, nil
}

// template opens the endpoint for an ARM template. whole tells that it is one for a subscription.
func (f *deployFlags) template(cmd *cobra.Command, c *catalog.Catalog, file string, src []byte, whole, create bool) (*deployment, error) {
	switch {
	case f.in == "":
		return nil, usageError(fmt.Errorf("%s is an ARM template: say with --in to which subscription it is deployed", file))
	case whole && f.location == "":
		return nil, usageError(fmt.Errorf("%s is an ARM template for a subscription: say with --location in which region its deployment is", file))
	case whole && f.group != "":
		return nil, usageError(fmt.Errorf("%s is an ARM template for a subscription: --group is for one of a resource group", file))
	case !whole && f.group == "":
		return nil, usageError(fmt.Errorf("%s is an ARM template for a resource group: say with --group for which", file))
	}
	o := deploy.TemplateOptions{Name: strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)), Group: f.group, Location: f.location, Now: time.Now()}
	if f.parameters != "" {
		b, err := os.ReadFile(f.parameters)
		if err != nil {
			return nil, usageError(err)
		}
		if o.Parameters, err = template.Parameters(b); err != nil {
			return nil, usageError(fmt.Errorf("%s: %w", f.parameters, err))
		}
	}
	d := &deployment{c: c, names: map[string]string{}}
	var err error
	if d.journal, err = f.journalOf(file); err != nil {
		return nil, err
	}
	if d.place, err = f.cloudFlags.open(cmd.Context()); err != nil {
		return nil, err
	}
	if err := d.expand(cmd.Context(), f.in, file, src, o, create); err != nil {
		d.place.close()
		return nil, err
	}
	return d, nil
}

// expand makes a target of an ARM template.
func (d *deployment) expand(ctx context.Context, in, file string, src []byte, o deploy.TemplateOptions, create bool) error {
	missed := refuseUnknown
	if create {
		missed = makeUnknown
	}
	subs, err := d.place.subscriptions(ctx, []string{in}, missed)
	if err != nil {
		return err
	}
	o.Subscription = subs[strings.ToLower(in)]
	d.names[o.Subscription] = in
	d.target, err = deploy.FromTemplate(ctx, d.place.Endpoint, file, src, o)
	var bad *template.Error
	switch {
	case errors.As(err, &bad):
		return usageError(err)
	case err != nil:
		return outside(deploy.Told(err))
	}
	d.design = &design.Design{Name: o.Name}
	return nil
}

// journalOf is the journal of a deployment: beside the file, one for each endpoint.
func (f *deployFlags) journalOf(file string) (string, error) {
	if f.journal != "" {
		return f.journal, nil
	}
	if file == "-" {
		return "", usageError(errors.New("there is no place beside standard input: say where the journal is with --journal"))
	}
	at := f.cloud
	if u, err := url.Parse(f.cloud); err == nil && u.Host != "" {
		at = strings.NewReplacer(":", "-", "[", "", "]", "").Replace(u.Host)
	}
	return strings.TrimSuffix(file, filepath.Ext(file)) + "." + at + ".journal", nil
}

// prepare puts GUIDs in place of the names in the design. Names that stand for nothing are an error before anything is touched.
func (d *deployment) prepare(ctx context.Context, principals []string, create bool) error {
	subs, err := azure.Subscriptions(d.design.Resources)
	if err != nil {
		return outside(err)
	}
	n := deploy.Names{Secrets: d.secrets}
	if n.Principals, err = namedGUIDs("--principal", principals); err != nil {
		return err
	}
	var missing []string
	for _, p := range deploy.Principals(d.design) {
		k := strings.ToLower(p)
		if n.Principals[k] == "" && d.place.twin != "" {
			n.Principals[k] = arm.PrincipalID(p) // nobody signs in there as a group
		}
		if n.Principals[k] == "" {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		return usageError(fmt.Errorf("the design names principals that only the directory knows: %s; say which they are: --principal %s=GUID", strings.Join(missing, ", "), strings.Join(missing, "=GUID --principal ")))
	}
	missed := deriveUnknown // an apply makes them
	if create {
		missed = makeUnknown
	}
	if n.Subscriptions, err = d.place.subscriptions(ctx, subs, missed); err != nil {
		return err
	}
	d.names = map[string]string{}
	for _, s := range subs {
		d.names[strings.ToLower(n.Subscriptions[strings.ToLower(s)])] = s
	}
	if d.target, err = deploy.Prepare(d.design, n); err != nil {
		return usageError(err)
	}
	return nil
}

// deployError turns errors of a deployment into exit codes.
func deployError(err error) error {
	var no *deploy.RefusedError
	var damaged *deploy.DamagedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		return failed(err)
	case errors.As(err, &damaged), errors.Is(err, deploy.ErrOtherTenant):
		return usageError(err)
	case errors.Is(err, context.Canceled):
		return outside(errors.New("interrupted; the same command goes on where it was"))
	}
	return outside(deploy.Told(err))
}

// where says at which endpoint a deployment is.
func (d *deployment) where() string {
	if d.place.twin != "" {
		return "the twin"
	}
	if d.place.Public() {
		return "Azure"
	}
	return d.place.URL()
}

func newDeployPlan() *cobra.Command {
	var f deployFlags
	var o deploy.PlanOptions
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Say what an apply would do, and change nothing",
		Long: `Plan compares a design with what is at the endpoint, resource by resource and property by property. It says what is made, changed and
taken away, what of it interrupts traffic, what Azure cannot do in place, what somebody else has changed since the last apply (drift), and
ticks the prerequisites that the endpoint can show. FILE is a design.json or an intent. Exit code 1 when Azure could not do it.`,
		Example: `  onramp deploy plan design.json
  onramp deploy plan estate.yaml --json`,
		Args: cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&o.DeleteExtra, "delete-extra", false, "take away, too, what is in the design's resources and was not made by it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := f.open(cmd, args[0], false)
		if err != nil {
			return err
		}
		defer d.place.close()
		plan, err := d.plan(cmd.Context(), o)
		if err != nil {
			return deployError(err)
		}
		if f.asJSON {
			err = printJSON(cmd.OutOrStdout(), plan)
		} else {
			err = d.printPlan(cmd.OutOrStdout(), plan, args[0])
		}
		if err != nil {
			return outside(err)
		}
		if plan.Count(deploy.Refuse) > 0 || len(plan.Problems) > 0 {
			return failed(nil)
		}
		return nil
	}
	return cmd
}

// plan compares the target with what is there.
func (d *deployment) plan(ctx context.Context, o deploy.PlanOptions) (*deploy.Plan, error) {
	j, err := deploy.ReadJournal(d.journal)
	if err != nil {
		return nil, err
	}
	h, err := deploy.Read(ctx, d.place.Endpoint, d.target, j)
	if err != nil {
		return nil, err
	}
	p, err := deploy.MakePlan(d.target, h, d.c, o)
	if err != nil {
		return nil, err
	}
	p.Prerequisites, err = deploy.Prerequisites(ctx, d.place.Endpoint, d.target, h)
	for i := range p.Prerequisites {
		if x := &p.Prerequisites[i]; d.place.twin != "" && x.State == deploy.Unmet && strings.HasPrefix(x.ID, "subscription:") {
			x.How = "an apply makes it there"
		}
	}
	return p, err
}

func newDeployApply() *cobra.Command {
	var f deployFlags
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make the endpoint have what the design wants",
		Long: `Apply makes, changes and takes away what plan says, several things at a time where Azure allows it, and writes each step into a journal
before and after. Interrupted in any way, the same command goes on where it was. It takes away only what it made. What a connectivity
provider has to do first is said, with the service keys: then the exit code is 4, and the same command goes on later, or --wait waits.`,
		Example: `  onramp deploy apply design.json
  onramp deploy apply design.json --wait 72h`,
		Args: cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for providers")
	cmd.Flags().IntVar(&o.Parallel, "parallel", deploy.Parallel, "how many writes are under way at a time")
	cmd.Flags().BoolVar(&o.DeleteExtra, "delete-extra", false, "take away, too, what is in the design's resources and was not made by it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Parallel < 1 || o.Parallel > mostParallel {
			return usageError(fmt.Errorf("--parallel %d: give a number from 1 to %d", o.Parallel, mostParallel))
		}
		if o.Wait < 0 {
			return usageError(fmt.Errorf("--wait %s: it cannot be negative", o.Wait))
		}
		d, err := f.open(cmd, args[0], true)
		if err != nil {
			return err
		}
		defer d.place.close()
		r, err := d.apply(cmd, o, f.asJSON)
		if err != nil {
			return err
		}
		if r.Waiting > 0 || len(r.HandOvers) > 0 {
			return unfinished(fmt.Errorf("%s for providers; the same command goes on when they have done their part", waits(r)))
		}
		return nil
	}
	return cmd
}

// mostParallel is how many writes at a time can be asked for.
const mostParallel = 64

// waits says how much waits.
func waits(r *deploy.Result) string {
	n := len(r.HandOvers)
	if n == 1 {
		return "1 circuit waits"
	}
	return fmt.Sprintf("%d circuits wait", n)
}

// apply applies with progress and tells what came of it. A result that waits for providers is no error.
func (d *deployment) apply(cmd *cobra.Command, o deploy.Options, asJSON bool) (*deploy.Result, error) {
	words := cmd.OutOrStdout()
	if asJSON {
		words = cmd.ErrOrStderr()
	}
	w := newDeployWords(cmd.ErrOrStderr(), "apply", d.names)
	o.Catalog, o.Progress = d.c, w.event
	o.Planned = func(p *deploy.Plan, left int) error {
		if p == nil {
			fmt.Fprintf(words, "going on with an apply that was interrupted: %s left\n", count(left, "step"))
			w.begin(left)
			return nil
		}
		if left > 0 {
			fmt.Fprintf(words, "%s: %s\n", d.design.Name, planSummary(p))
		}
		w.begin(left)
		return nil
	}
	o.HandOver = func(h deploy.HandOver) { w.aside(func() { printHandOver(words, h, false) }) }
	r, err := d.run(cmd, o, deploy.Apply)
	w.end()
	if err == nil {
		err = d.tell()
	}
	if asJSON {
		if e := printJSON(cmd.OutOrStdout(), r); e != nil {
			return r, outside(e)
		}
	} else {
		d.printResult(words, r, err)
	}
	return r, deployError(err)
}

// tell tells the twin on this machine what is at the other end of the circuits: the premises of the design.
func (d *deployment) tell() error {
	if d.place.twin == "" || len(d.target.Premises.Sites) == 0 {
		return nil
	}
	_, err := twin.Tell(d.place.twin, twin.Command{Premises: &d.target.Premises})
	return err
}

// run carries out a deployment with its journal, until it is interrupted.
func (d *deployment) run(cmd *cobra.Command, o deploy.Options, do func(context.Context, *cloud.Endpoint, *deploy.Target, *deploy.Journal, deploy.Options) (*deploy.Result, error)) (*deploy.Result, error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	j, err := deploy.OpenJournal(d.journal)
	if err != nil {
		return deploy.NewResult(), err
	}
	r, err := do(ctx, d.place.Endpoint, d.target, j, o)
	return r, errors.Join(err, j.Close())
}

func newDeployDestroy() *cobra.Command {
	var f deployFlags
	var o deploy.Options
	cmd := &cobra.Command{
		Use:   "destroy FILE",
		Short: "Take away what an apply of the design made, and nothing else",
		Long: `Destroy takes away what was made for the design: what uses something before what is used, resource groups at the end where nothing is left
in them. A circuit goes when its provider has let go of it: what to cancel is said; then the exit code is 4, and the same command goes on
later, or --wait waits.`,
		Example: `  onramp deploy destroy design.json
  onramp deploy destroy design.json --wait 72h`,
		Args: cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.Flags().DurationVar(&o.Wait, "wait", 0, "how long to wait for providers")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if o.Wait < 0 {
			return usageError(fmt.Errorf("--wait %s: it cannot be negative", o.Wait))
		}
		d, err := f.open(cmd, args[0], false)
		if err != nil {
			return err
		}
		defer d.place.close()
		words := cmd.OutOrStdout()
		if f.asJSON {
			words = cmd.ErrOrStderr()
		}
		w := newDeployWords(cmd.ErrOrStderr(), "destroy", d.names)
		o.Progress = w.event
		o.Planned = func(_ *deploy.Plan, left int) error { w.begin(left); return nil }
		o.HandOver = func(h deploy.HandOver) { w.aside(func() { printHandOver(words, h, true) }) }
		r, err := d.run(cmd, o, deploy.Destroy)
		w.end()
		if f.asJSON {
			if e := printJSON(cmd.OutOrStdout(), r); e != nil {
				return outside(e)
			}
		} else {
			d.printResult(words, r, err)
		}
		if err == nil && r.Waiting > 0 {
			return unfinished(fmt.Errorf("%s for providers to cancel; the same command goes on when they have", waits(r)))
		}
		return deployError(err)
	}
	return cmd
}

func newDeployStatus() *cobra.Command {
	var f deployFlags
	cmd := &cobra.Command{
		Use:     "status FILE",
		Short:   "Tell what is there of the design, and in which state",
		Long:    "Status tells of each resource of the design whether it is there, how it stands, and whether it is as the design wants it. Keys are not shown.",
		Example: "  onramp deploy status design.json",
		Args:    cobra.ExactArgs(1),
	}
	f.add(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := f.open(cmd, args[0], false)
		if err != nil {
			return err
		}
		defer d.place.close()
		j, err := deploy.ReadJournal(d.journal)
		if err != nil {
			return deployError(err)
		}
		s, err := deploy.Look(cmd.Context(), d.place.Endpoint, d.target, j)
		if err != nil {
			return deployError(err)
		}
		if f.asJSON {
			return printJSON(cmd.OutOrStdout(), s)
		}
		return d.printStatus(cmd.OutOrStdout(), s)
	}
	return cmd
}

// deployWords tells a waiting person which resources are done: a bar on a terminal, a line for each elsewhere.
type deployWords struct {
	p     *progress
	stage string
	names map[string]string
	bar   *stage
	total int
	done  int
}

func newDeployWords(stderr io.Writer, stage string, names map[string]string) *deployWords {
	return &deployWords{p: newProgress(stderr), stage: stage, names: names}
}

// begin begins a run of so many steps.
func (w *deployWords) begin(total int) {
	w.end()
	w.total, w.done = total, 0
	if total > 0 {
		w.bar = w.p.Stage(w.stage, total)
	}
}

// event tells of one step.
func (w *deployWords) event(e deploy.Event) {
	w.done = e.Done
	what := shortID(e.ID)
	if !w.p.bars {
		if e.Err != nil && e.State == "failed" {
			fmt.Fprintf(w.p.w, "[%d/%d] failed: %s: %v\n", e.Done, e.Total, what, e.Err)
			return
		}
		fmt.Fprintf(w.p.w, "[%d/%d] %s: %s\n", e.Done, e.Total, e.State, what)
		return
	}
	if e.State == "failed" {
		w.aside(func() { fmt.Fprintf(w.p.w, "failed: %s: %v\n", what, e.Err) })
	}
	if w.bar != nil {
		w.bar.Step(1, what)
	}
}

// aside prints something that is not the bar.
func (w *deployWords) aside(print func()) {
	if w.bar != nil && w.bar.bar != nil {
		_ = w.bar.bar.Clear() // as in stage.end
	}
	print()
}

func (w *deployWords) end() {
	if w.bar == nil {
		return
	}
	summary := fmt.Sprintf("%d of %s", w.done, count(w.total, "step"))
	if w.done < w.total {
		w.bar.Fail(summary)
	} else {
		w.bar.Done(summary)
	}
	w.bar = nil
}

// shortID names a resource for people: its type and name, and what it is in.
func shortID(id azure.ID) string {
	p, err := azure.ParseID(string(id))
	if err != nil {
		return string(id)
	}
	if p.Provider == "" {
		return "resource group " + p.ResourceGroup
	}
	typ := p.Types[len(p.Types)-1]
	if len(p.Names) > 1 {
		return typ + " " + p.Name() + " of " + p.Names[len(p.Names)-2]
	}
	if p.Scope != "" {
		return typ + " " + p.Name() + " on " + azure.ID(p.Scope).Name()
	}
	return typ + " " + p.Name()
}

// planSummary counts what a plan does in a line.
func planSummary(p *deploy.Plan) string {
	interrupts := 0
	for i := range p.Changes {
		if p.Changes[i].Impact == design.Interrupts && p.Changes[i].Kind != deploy.Extra {
			interrupts++
		}
	}
	if p.Steps() == 0 && p.Count(deploy.Refuse) == 0 {
		return fmt.Sprintf("nothing to do; %s as wanted", count(p.Same, "resource"))
	}
	s := fmt.Sprintf("%d to make, %d to change, %d to take away, %d as wanted; %d interrupt traffic", p.Count(deploy.Create), p.Count(deploy.Modify)+p.Count(deploy.Replace), p.Count(deploy.Delete), p.Same, interrupts)
	if n := p.Count(deploy.Refuse); n > 0 {
		s += fmt.Sprintf(", %d cannot be done in place", n)
	}
	return s
}

// mostTicked is how many prerequisites are listed; of more only those that are not met.
const mostTicked = 24

// printPlan writes a plan for people.
func (d *deployment) printPlan(w io.Writer, p *deploy.Plan, file string) error {
	paint := newPaint(w)
	fmt.Fprintf(w, "%s at %s\n\n%s\n", d.design.Name, d.where(), paint.Bold("prerequisites"))
	met := 0
	for _, x := range p.Prerequisites {
		if x.State == deploy.Met {
			met++
			if len(p.Prerequisites) > mostTicked {
				continue
			}
		}
		box := map[string]string{deploy.Met: "[x]", deploy.Unmet: "[ ]", deploy.Unknown: "[?]"}[x.State]
		fmt.Fprintf(w, "  %s %s: %s\n", box, d.named(x.Text), x.How)
	}
	fmt.Fprintf(w, "  %d of %d that the endpoint can show are met", met, len(p.Prerequisites))
	if d.design.Resources != nil {
		fmt.Fprintf(w, "; %d more are for a person: onramp check %s --prerequisites", check.Left(check.Prerequisites(d.design, d.c)), file)
	}
	fmt.Fprint(w, "\n\n")
	assignments := map[deploy.Kind]int{}
	for i := range p.Changes {
		c := &p.Changes[i]
		if strings.EqualFold(c.Type, "Microsoft.Authorization/roleAssignments") && len(c.Properties)+len(c.Drift) == 0 {
			assignments[c.Kind]++
			continue
		}
		d.printChange(w, c)
	}
	for _, k := range []deploy.Kind{deploy.Create, deploy.Delete, deploy.Extra} {
		if n := assignments[k]; n > 0 {
			fmt.Fprintf(w, "%s %s\n", kindSign(k), count(n, "role assignment"))
		}
	}
	for _, s := range p.Problems {
		fmt.Fprintf(w, "%s %s\n", paint.Bad("REFUSED"), s)
	}
	if len(p.HandOvers) > 0 {
		var names []string
		for _, id := range p.HandOvers {
			names = append(names, id.Name())
		}
		fmt.Fprintf(w, "for a provider to provision, with the service key that an apply shows: %s\n", strings.Join(names, ", "))
	}
	if n := p.Drifted(); n > 0 {
		fmt.Fprintf(w, "drift: somebody else changed %s since the last apply\n", count(n, "resource"))
	}
	_, err := fmt.Fprintln(w, planSummary(p))
	return err
}

// named puts the names of subscriptions beside their GUIDs.
func (d *deployment) named(s string) string {
	for guid, name := range d.names {
		s = strings.ReplaceAll(s, guid, name)
	}
	return s
}

func kindSign(k deploy.Kind) string {
	return map[deploy.Kind]string{deploy.Create: "+", deploy.Delete: "-", deploy.Modify: "~", deploy.Replace: "-/+", deploy.Extra: "?", deploy.Refuse: "!", deploy.Same: "="}[k]
}

func (d *deployment) printChange(w io.Writer, c *deploy.Change) {
	p := newPaint(w)
	word := kindSign(c.Kind)
	switch {
	case c.Kind == deploy.Refuse:
		word += " " + p.Bad("NOT IN PLACE")
	case c.Impact == design.Interrupts && c.Kind != deploy.Extra:
		word += " " + p.Warn("INTERRUPTS")
	}
	fmt.Fprintf(w, "%s %s\n", word, shortID(c.ID))
	list := func(of []azure.Change, before string) {
		for i, x := range of {
			if i == mostProperties {
				fmt.Fprintf(w, "    and %s more\n", count(len(of)-i, "value"))
				break
			}
			fmt.Fprintf(w, "    %s%s: %s -> %s\n", before, or(x.Path, "the whole of it"), or(value(x.From), "nothing"), or(value(x.To), "nothing"))
		}
	}
	list(c.Properties, "")
	list(c.Drift, "drift: ")
	if c.Why != "" && c.Source != "" {
		fmt.Fprintf(w, "    %s [%s]\n", c.Why, c.Source)
	} else if c.Why != "" {
		fmt.Fprintf(w, "    %s\n", c.Why)
	}
	if c.Note != "" {
		fmt.Fprintf(w, "    %s\n", c.Note)
	}
}

// value is a JSON value for people; nothing for null.
func value(b []byte) string {
	s := string(b)
	if s == "null" {
		return ""
	}
	const most = 120
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// printHandOver tells what a provider has to do for a circuit.
func printHandOver(w io.Writer, h deploy.HandOver, cancel bool) {
	who := "The provider"
	if h.Order != nil {
		who = h.Order.Provider
	}
	if cancel {
		fmt.Fprintf(w, "%s has to cancel circuit %s (it is %s), by its service key %s\n", who, h.Circuit.Name(), h.State, h.ServiceKey)
		return
	}
	fmt.Fprintf(w, "%s has to provision circuit %s (it is %s)\n  service key: %s\n", who, h.Circuit.Name(), h.State, h.ServiceKey)
	if o := h.Order; o != nil {
		fmt.Fprintf(w, "  order: %s at %s (%s) on %s", o.Mbps, o.Location, o.Model, strings.Join(o.Attachments, " and "))
		for _, v := range o.VLANs {
			fmt.Fprintf(w, "; %s on VLAN %d", v.Peering, v.VLAN)
			if v.STag != 0 {
				fmt.Fprintf(w, " in S-tag %d", v.STag)
			}
		}
		fmt.Fprintln(w)
		for i, s := range o.Steps {
			fmt.Fprintf(w, "  %d. %s\n", i+1, s)
		}
	}
}

// printResult tells what came of an apply or a destroy.
func (d *deployment) printResult(w io.Writer, r *deploy.Result, err error) {
	if err == nil && r.Written+r.Deleted+r.Found+len(r.HandOvers)+len(r.Kept) == 0 {
		fmt.Fprintf(w, "%s: nothing to do\n", d.design.Name)
		return
	}
	for _, k := range r.Kept {
		fmt.Fprintf(w, "kept: %s: %s\n", shortID(k.ID), k.Why)
	}
	for _, f := range r.Failed {
		fmt.Fprintf(w, "failed: %s: %s\n", shortID(f.ID), f.Error)
	}
	s := fmt.Sprintf("%s: %d written, %d taken away, %d found done", d.design.Name, r.Written, r.Deleted, r.Found)
	if r.Waiting > 0 {
		s += fmt.Sprintf(", %d wait", r.Waiting)
	}
	if n := len(r.Failed) + len(r.Blocked); n > 0 {
		s += fmt.Sprintf(", %d failed, %d not tried because of that", len(r.Failed), len(r.Blocked))
	}
	fmt.Fprintln(w, s)
}

// printStatus writes a table of what is there; role assignments are counted.
func (d *deployment) printStatus(w io.Writer, s *deploy.Status) error {
	l := newListing("Resource", "There", "State", "Detail", "As wanted", "Made here")
	yes := func(b bool) string {
		if b {
			return "yes"
		}
		return "no"
	}
	all, there := 0, 0
	for i := range s.Resources {
		r := &s.Resources[i]
		if strings.EqualFold(r.Type, "Microsoft.Authorization/roleAssignments") {
			all++
			if r.There {
				there++
			}
			continue
		}
		if !r.There {
			l.Row(shortID(r.ID), "no", "-", "-", "-", "-")
			continue
		}
		l.Row(shortID(r.ID), "yes", or(r.State, "-"), or(r.Detail, "-"), yes(r.Same), yes(r.Made))
	}
	if err := l.Print(w); err != nil {
		return err
	}
	if all > 0 {
		fmt.Fprintf(w, "role assignments: %d of %d are there\n", there, all)
	}
	fmt.Fprintf(w, "%s at %s: %d there, %d missing, %d not as wanted\n", s.Design, d.where(), s.There, s.Missing, s.Differs)
	if s.Interrupted {
		fmt.Fprintln(w, "the last apply did not come to its end: the same command goes on with it")
	}
	return nil
}
