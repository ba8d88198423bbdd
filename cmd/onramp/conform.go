package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onramp/azure"
	"onramp/catalog"
	"onramp/conform"
	"onramp/design"
)

// conformFlags are what conform may be asked.
type conformFlags struct {
	cloudFlags
	plan     planFlags
	asJSON   bool
	junit    string
	watch    bool
	interval time.Duration
	wait     time.Duration
	parallel int
	timeout  time.Duration
}

const (
	standardInterval = 30 * time.Second
	leastInterval    = time.Second
	mostSymptoms     = 6 // of a finding, that are printed
)

func newConformCommand() *cobra.Command {
	var f conformFlags
	cmd := &cobra.Command{
		Use:   "conform FILE",
		Short: "Whether what is at an endpoint is what was proven, and if not, why",
		Long: `Conform reads the resources of a design from an endpoint, the local twin's or Azure's, and what its routers know: ARP, routes of each
circuit's paths, learned and advertised routes and BGP peers of the gateways, effective routes where a network interface stands. It compares
all of it with the design and its proof. What differs is told with its likely cause: a resource that was changed, an element that has failed,
routes that the premises leak or no longer announce; and with what no longer holds. It changes nothing.

What could not be read is told as not observed and counts for nothing. Exit code 1 when something differs, 3 when the endpoint fails.`,
		Example: `  onramp conform design.json --wait 1m
  onramp conform design.json --json
  onramp conform design.json --junit conform.xml`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			return f.run(cmd, c, args[0])
		},
	}
	f.cloudFlags.add(cmd)
	f.plan.add(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON on standard output, words on standard error; with --watch a line for each change")
	cmd.Flags().StringVar(&f.junit, "junit", "", "write a test case for each resource, and for each property that no longer holds, to this file, as JUnit XML")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "look again and again until interrupted, and tell what changes")
	cmd.Flags().DurationVar(&f.interval, "interval", standardInterval, "with --watch: how long from one look to the next")
	cmd.Flags().DurationVar(&f.wait, "wait", 0, "look again for so long until all conforms, as after a deployment, when sessions come up")
	cmd.Flags().IntVar(&f.parallel, "parallel", 16, "how many questions are asked at a time")
	cmd.Flags().DurationVar(&f.timeout, "timeout", 2*time.Minute, "how long one question may take; what takes longer is not observed")
	return cmd
}

func (f *conformFlags) check() error {
	switch {
	case f.parallel < 1:
		return usageError(fmt.Errorf("--parallel %d: give a number from 1 on", f.parallel))
	case f.timeout <= 0:
		return usageError(fmt.Errorf("--timeout %s: give a time, such as 2m", f.timeout))
	case f.interval < leastInterval:
		return usageError(fmt.Errorf("--interval %s: give a second or more", f.interval))
	case f.wait < 0:
		return usageError(fmt.Errorf("--wait %s: give a time, such as 1m", f.wait))
	case f.watch && f.junit != "":
		return usageError(errors.New("--watch writes no --junit: it has no end"))
	case f.watch && f.wait > 0:
		return usageError(errors.New("--watch waits already; leave --wait out"))
	}
	return nil
}

func (f *conformFlags) run(cmd *cobra.Command, c *catalog.Catalog, file string) error {
	if err := f.check(); err != nil {
		return err
	}
	o, err := f.plan.options()
	if err != nil {
		return err
	}
	in, err := readInput(cmd, c, file)
	if err != nil {
		return err
	}
	p := newProgress(cmd.ErrOrStderr())
	o.Brief = true
	pl, err := makePlan(cmd, c, in, o, p)
	if err != nil {
		return err
	}
	if pl.answer != nil && pl.answer.Choice.Chosen == nil {
		return failed(errors.New("no pattern meets every need, so that nothing was proven; choose says why"))
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	at, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer at.close()
	x := &conforming{flags: f, c: c, place: at, p: p, stdout: cmd.OutOrStdout(), words: cmd.ErrOrStderr()}
	if x.design, err = at.homed(ctx, pl.design); err != nil {
		return err
	}
	if f.watch {
		return x.watch(ctx)
	}
	r, err := x.settled(ctx)
	if err != nil {
		return err
	}
	return x.tell(r)
}

// homed is a design in the endpoint's subscriptions. The twin on this machine makes those that it has not when something is deployed:
// until then nothing is in them.
func (p *place) homed(ctx context.Context, d *design.Design) (*design.Design, error) {
	names, err := azure.Subscriptions(d.Resources)
	if err != nil {
		return nil, usageError(err)
	}
	homes, err := p.subscriptions(ctx, names, deriveUnknown)
	if err != nil {
		return nil, err
	}
	out, err := conform.Home(d, homes)
	if err != nil {
		return nil, usageError(err)
	}
	return out, nil
}

// conforming is a comparison of an endpoint with a design in its subscriptions.
type conforming struct {
	flags         *conformFlags
	c             *catalog.Catalog
	place         *place
	design        *design.Design
	p             *progress
	stdout, words io.Writer
	// hush leaves the progress of reading to whoever compares.
	hush bool
}

// once reads and compares. It is quiet where it is done again and again.
func (x *conforming) once(ctx context.Context, quiet bool) (*conform.Result, error) {
	o := conform.ReadOptions{Parallel: x.flags.parallel, Timeout: x.flags.timeout}
	var st *stage
	if !quiet && !x.hush {
		st = x.p.Stage("read", 0)
		o.Progress = func(int, int) { st.Step(1, "") }
	}
	seen, err := conform.Read(ctx, x.place.Endpoint, x.design, o)
	if err != nil {
		if st != nil {
			st.Fail("the endpoint fails")
		}
		return nil, outside(err)
	}
	r, err := conform.Compare(x.design, seen, x.c)
	if err != nil {
		return nil, outside(err)
	}
	if st != nil {
		st.Done(fmt.Sprintf("%s, %s with %s", count(r.Compared.Resources, "resource"), count(r.Compared.Tables, "table"), count(r.Compared.Rows, "row")))
	}
	return r, nil
}

// settled looks again while the time for it lasts and something differs.
func (x *conforming) settled(ctx context.Context) (*conform.Result, error) {
	l := looking{wait: x.flags.wait, now: time.Now, pause: func(d time.Duration) bool {
		select {
		case <-ctx.Done():
			return false
		case <-time.After(d):
			return true
		}
	}}
	return l.settled(func(first bool) (*conform.Result, error) { return x.once(ctx, !first) })
}

// detection is how long a picture may be half of an old and half of a new one: the time in which the protocols notice a failure, and tell
// each other.
const detection = 2 * time.Second

// looking is how long it is looked again. pause returns false when there is no time any more.
type looking struct {
	wait  time.Duration
	now   func() time.Time
	pause func(time.Duration) bool
}

// settled looks until all conforms or the time is over. A picture that nothing explains may be one of a failure that is just being noticed:
// then it looks once more.
func (l looking) settled(look func(first bool) (*conform.Result, error)) (*conform.Result, error) {
	const pause = 500 * time.Millisecond
	until := l.now().Add(l.wait)
	for first, again := true, false; ; first = false {
		r, err := look(first)
		if err != nil || r.Conforms || again {
			return r, err
		}
		next := pause
		if l.now().Add(pause).After(until) {
			if !unexplained(r) {
				return r, nil
			}
			next, again = detection, true
		}
		if !l.pause(next) {
			return r, nil
		}
	}
}

// unexplained tells whether a result has something for which there is no cause.
func unexplained(r *conform.Result) bool {
	return slices.ContainsFunc(r.Findings, func(f conform.Finding) bool { return f.In == conform.Unexplained })
}

// tell prints a result and says no where something differs.
func (x *conforming) tell(r *conform.Result) error {
	if x.flags.junit != "" {
		if err := writeConformJUnit(x.flags.junit, x.design, r); err != nil {
			return outside(err)
		}
	}
	var err error
	if x.flags.asJSON {
		err = printJSON(x.stdout, r)
	} else {
		err = printConform(x.stdout, r)
	}
	if err != nil {
		return outside(err)
	}
	if !r.Conforms {
		return failed(nil)
	}
	return nil
}

// watch looks again and again, and tells what changes. An endpoint that fails is told, and is no end.
func (x *conforming) watch(ctx context.Context) error {
	var last *conform.Result
	lost := false
	for {
		r, err := x.once(ctx, true)
		switch {
		case ctx.Err() != nil:
		case err != nil && !lost:
			lost = true
			report(x.words, err)
		case err == nil:
			if lost {
				fmt.Fprintln(x.words, "the endpoint answers again")
			}
			lost = false
			if err := x.changed(last, r); err != nil {
				return outside(err)
			}
			last = r
		}
		select {
		case <-ctx.Done():
			if last != nil && !last.Conforms {
				return failed(nil)
			}
			return nil
		case <-time.After(x.flags.interval):
		}
	}
}

// changed tells what is different from the time before.
func (x *conforming) changed(last, now *conform.Result) error {
	lines := conformChanges(last, now)
	if len(lines) == 0 {
		return nil
	}
	if x.flags.asJSON {
		return printLine(x.stdout, now)
	}
	for _, l := range lines {
		if _, err := fmt.Fprintf(x.stdout, "%s %s\n", time.Now().Format(time.TimeOnly), l); err != nil {
			return err
		}
	}
	return nil
}

// conformChanges says in lines what a result has that the one before had not, and the reverse.
func conformChanges(last, now *conform.Result) []string {
	said := func(r *conform.Result) []string {
		if r == nil {
			return nil
		}
		var out []string
		for i := range r.Findings {
			out = append(out, r.Findings[i].What+" ("+r.Findings[i].Cause+")")
		}
		return out
	}
	var lines []string
	was, is := said(last), said(now)
	for _, s := range is {
		if !slices.Contains(was, s) {
			lines = append(lines, "differs: "+s)
		}
	}
	for _, s := range was {
		if !slices.Contains(is, s) {
			lines = append(lines, "no longer: "+s)
		}
	}
	if now.Conforms && (last == nil || !last.Conforms) {
		lines = append(lines, "conforms: "+comparedWords(now))
	}
	return lines
}

func comparedWords(r *conform.Result) string {
	return fmt.Sprintf("%s and %s with %s are what was proven", count(r.Compared.Resources, "resource"), count(r.Compared.Tables, "table"), count(r.Compared.Rows, "row"))
}

// printConform writes what differs, with causes, then what that means, then what nobody could see.
func printConform(w io.Writer, r *conform.Result) error {
	p := newPaint(w)
	var b strings.Builder
	if r.Conforms {
		fmt.Fprintf(&b, "%s %s.\n", p.Good(r.Design+" conforms:"), comparedWords(r))
	} else {
		verb := "differ"
		if len(r.Findings) == 1 {
			verb = "differs"
		}
		fmt.Fprintf(&b, "%s %s %s.\n", p.Bad(r.Design+" does not conform:"), count(len(r.Findings), "thing"), verb)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		fmt.Fprintf(&b, "\n%d. %s\n   likely cause: %s\n", i+1, p.Bold(f.What), f.Cause)
		if len(f.LinesOfBusiness) > 0 {
			fmt.Fprintf(&b, "   concerns: %s\n", strings.Join(f.LinesOfBusiness, ", "))
		}
		for k := range f.Symptoms {
			if k == mostSymptoms {
				fmt.Fprintf(&b, "   and %s more (--json has them all)\n", count(len(f.Symptoms)-k, "row"))
				break
			}
			fmt.Fprintf(&b, "   seen: %s\n", f.Symptoms[k].Words())
		}
		for k, s := range f.Lost {
			if k == mostSymptoms {
				fmt.Fprintf(&b, "   and %s more\n", count(len(f.Lost)-k, "flow"))
				break
			}
			fmt.Fprintf(&b, "   lost: %s\n", s)
		}
	}
	if len(r.Fallen) > 0 {
		fmt.Fprintf(&b, "\nProven, and no longer so with what is there:\n")
	}
	for i := range r.Fallen {
		x := &r.Fallen[i]
		fmt.Fprintf(&b, "  %s: %s\n", strings.Join(strings.Fields(x.LineOfBusiness+" "+x.Name+" "+x.Need), " "), x.Reason)
		if x.Flow != "" {
			fmt.Fprintf(&b, "      %s, %s\n", x.Flow, x.Scenario)
		}
	}
	if len(r.NotObserved) > 0 {
		fmt.Fprintf(&b, "\nNot observed, so nobody knows whether it conforms:\n")
	}
	for _, l := range unreadLines(r.NotObserved) {
		fmt.Fprintf(&b, "  %s\n", l)
	}
	if len(r.Assumptions) > 0 {
		fmt.Fprintf(&b, "\nThis rests on assumptions:\n")
	}
	for _, a := range r.Assumptions {
		fmt.Fprintf(&b, "  %s: %s\n", a.Name, a.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// unreadLines put together what was not read for the same reason.
func unreadLines(list []conform.Unread) []string {
	const most = 3
	var whys []string
	by := map[string][]string{}
	for _, u := range list {
		if by[u.Why] == nil {
			whys = append(whys, u.Why)
		}
		by[u.Why] = append(by[u.Why], u.What)
	}
	var out []string
	for _, why := range whys {
		things := by[why]
		shown := strings.Join(things[:min(most, len(things))], ", ")
		if n := len(things) - most; n > 0 {
			shown += fmt.Sprintf(" and %d more", n)
		}
		out = append(out, shown+": "+why)
	}
	return out
}
