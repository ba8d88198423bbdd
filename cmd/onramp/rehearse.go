package main

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/network"
	"onramp/rehearse"
)

// rehearseFlags are what a rehearsal may be asked.
type rehearseFlags struct {
	plan     planFlags
	drills   []string
	seed     uint64
	parallel int
	junit    string
	trace    string
	script   string
	html     string
	svg      string
	asJSON   bool
	list     bool
}

const (
	everyDrill = "all" // the name of all of them
	firstSeed  = 1
)

func newRehearseCommand() *cobra.Command {
	var f rehearseFlags
	cmd := &cobra.Command{
		Use:   "rehearse FILE",
		Short: "Fail every element of the running estate, and hold what happens against the proof",
		Long: `Rehearse runs the design as routers with BGP and BFD on a virtual clock, sends probes over every flow that somebody needs, fails each
element silently, one at a time, and repairs it. It measures each outage, prints it beside the bounds that the protocols' timers set,
and compares every routing table, every flow's fate and every way with the proof; what isolated lines of business get of each other, and
what bandwidth everybody gets, too. It adds up the resiliency index that the drills earn. Exit code 1 when anything is not as proved; it
is told in words. The same seed gives the same bytes.

The drills voice, provider-bandwidth and internet-vpn fail nothing: they send, and measure what users get. They have a result of their own
and are not among all.

With --script the drills are those of a file: faults with times, which may overlap, and what is expected of them. Exit code 1 when an
expectation is not met, too.`,
		Example: `  onramp rehearse estate.yaml
  onramp rehearse estate.yaml --drill router:toronto-msee1 --seed 7
  onramp rehearse estate.yaml --drill link:toronto/equinix-toronto/1 --trace drill.pcapng
  onramp rehearse estate.yaml --html rehearsal.html
  onramp rehearse estate.yaml --drill voice
  onramp rehearse estate.yaml --script examples/drills/northwind.yaml
  onramp rehearse onramp-out/northwind/design.json --list`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			return f.run(cmd, c, args[0])
		},
	}
	f.plan.add(cmd)
	cmd.Flags().StringArrayVar(&f.drills, "drill", nil, "drill this only, as --list names it (may be repeated); all is that of every element")
	cmd.Flags().StringVar(&f.script, "script", "", "run the drills of this file instead of failing each element")
	cmd.Flags().Uint64Var(&f.seed, "seed", firstSeed, "what all jitter of timers, and the moment of a failure, is drawn from")
	cmd.Flags().IntVar(&f.parallel, "parallel", runtime.GOMAXPROCS(0), "how many drills run at a time; the result does not depend on it")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the result as JSON on standard output, words on standard error")
	cmd.Flags().StringVar(&f.junit, "junit", "", "write a test case for each drill to this file, as JUnit XML")
	cmd.Flags().StringVar(&f.trace, "trace", "", "write every packet of the one --drill to this file, as pcapng, for tshark or Wireshark")
	cmd.Flags().StringVar(&f.html, "html", "", "write a page for people to this file: who feels what, and each drill as a timeline and on the topology")
	cmd.Flags().StringVar(&f.svg, "svg", "", "write the matrix, and each drill's timeline and topology (of a script's drill the timeline), as pictures into this directory")
	cmd.Flags().BoolVar(&f.list, "list", false, "print the drills and run none")
	return cmd
}

func (f *rehearseFlags) run(cmd *cobra.Command, c *catalog.Catalog, file string) error {
	o, err := f.plan.options()
	if err != nil {
		return err
	}
	if f.parallel < 1 {
		return usageError(fmt.Errorf("--parallel %d: give a number from 1 on", f.parallel))
	}
	if f.list && f.asJSON {
		return usageError(errors.New("--list has no JSON: `onramp prove --json` lists the same scenarios"))
	}
	traffic := false
	if f.script == "" { // a drill of a script may have any name
		if traffic, err = f.onlyTraffic(); err != nil {
			return err
		}
	}
	if err := f.traceable(); err != nil {
		return err
	}
	if err := f.pictured(traffic); err != nil {
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
	if f.script != "" {
		return f.scripted(cmd, c, p, pl)
	}
	if traffic && !f.list {
		var t *rehearse.Traffic
		if f.trace != "" {
			t, err = pl.recordTraffic(c, p, f.drills[0], f.seed, f.trace)
		} else {
			t, err = pl.traffic(c, p, f.drills, f.seed)
		}
		if err != nil {
			return err
		}
		return f.tellTraffic(cmd.OutOrStdout(), t)
	}
	if err := pl.prove(c, p, 1); err != nil {
		return err
	}
	if f.list {
		return printDrills(cmd.OutOrStdout(), pl)
	}
	var drills []string
	if !slices.Contains(f.drills, everyDrill) {
		drills = f.drills
	}
	ro := rehearse.Options{Seed: f.seed, Drills: drills, Parallel: f.parallel}
	var r *rehearse.Result
	if f.trace != "" {
		r, err = pl.trace(c, p, ro, f.trace)
	} else {
		r, err = pl.rehearse(c, p, ro)
	}
	if err != nil {
		return err
	}
	if err := f.show(pl, c, r); err != nil {
		return err
	}
	return f.tell(cmd.OutOrStdout(), r)
}

// rehearse drills the plan's design.
func (pl *plan) rehearse(c *catalog.Catalog, p *progress, o rehearse.Options) (*rehearse.Result, error) {
	n, _ := network.Build(pl.design.Resources, pl.design.Premises, c, network.Options{})
	total := len(o.Drills)
	if total == 0 {
		total = len(rehearse.Scenarios(n))
	}
	st := p.Stage("rehearse", total)
	at := 0
	o.Progress = func(done, of int) {
		to := done * total / of
		st.Step(to-at, "")
		at = to
	}
	r, err := rehearse.Run(pl.design, n, c, pl.proof, o)
	var unknown *rehearse.UnknownDrill
	switch {
	case errors.As(err, &unknown):
		st.Fail("nothing was drilled")
		return nil, usageError(fmt.Errorf("--drill: %w (--list lists them)", err))
	case err != nil:
		st.Fail("the estate cannot be run")
		return nil, outside(err)
	}
	if bad := disagreeing(r); bad > 0 {
		st.Fail(fmt.Sprintf("%s, %d not as proved", count(len(r.Drills), "drill"), bad))
	} else {
		st.Done(count(len(r.Drills), "drill") + ", all as proved")
	}
	return r, nil
}

func disagreeing(r *rehearse.Result) int {
	bad := 0
	for i := range r.Drills {
		if !r.Drills[i].Agrees {
			bad++
		}
	}
	return bad
}

// tell prints a result and says no where it is not what was proved.
func (f *rehearseFlags) tell(w io.Writer, r *rehearse.Result) error {
	if f.junit != "" {
		if err := writeDrillsJUnit(f.junit, r); err != nil {
			return outside(err)
		}
	}
	var err error
	if f.asJSON {
		err = printJSON(w, r)
	} else {
		err = printRehearsal(w, r)
	}
	if err != nil {
		return outside(err)
	}
	if !r.Agrees {
		return failed(nil)
	}
	return nil
}

// printDrills lists what can be drilled.
func printDrills(w io.Writer, pl *plan) error {
	l := newListing("Drill", "Proof")
	for i := range pl.proof.Scenarios {
		if sc := &pl.proof.Scenarios[i]; sc.Element != "" {
			l.Row(sc.ID, sc.Verdict)
		}
	}
	if err := l.Print(w); err != nil {
		return outside(err)
	}
	fmt.Fprintln(w)
	l = newListing("Traffic drill", "Measures")
	for _, name := range rehearse.TrafficDrills() {
		l.Row(name, trafficWords()[name])
	}
	if err := l.Print(w); err != nil {
		return outside(err)
	}
	return nil
}

// printRehearsal writes a line for each drill, then what set the longest outages, then what was not as proved.
func printRehearsal(w io.Writer, r *rehearse.Result) error {
	p := newPaint(w)
	l := newListing("Drill", "Proof", "Flows hit", "Outage", "Bounds", "Packets lost", "Routes settle", "Lost after repair", "As proved").Right(2, 3, 4, 5, 6, 7)
	for i := range r.Drills {
		d := &r.Drills[i]
		as := "yes"
		if !d.Agrees {
			as = "NO"
		}
		outage, bounds := "-", "-"
		if f := worstFlow(d); f != nil {
			outage, bounds = seconds(f.OutageMs), boundWords(&f.Bound)
		}
		hit := fmt.Sprint(d.Failure.Hit)
		if gone := goneForGood(d); gone > 0 {
			hit = fmt.Sprintf("%d for good, %d", gone, d.Failure.Hit-gone)
		}
		settle := "-"
		if d.Failure.Routes > 0 {
			settle = seconds(d.Failure.ControlMs)
		}
		l.Row(d.ID, d.Proof, hit, outage, bounds, d.Failure.Lost, settle, d.Repair.Lost, as)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s run over %s, a packet every %g ms on each. An outage may be longer than its bound by %s: messages and packets travel.\n",
		count(len(r.Drills), "drill"), count(len(r.Flows), "needed flow"), r.ProbeMs, seconds(r.AllowanceMs))
	printIsolation(w, r)
	if err := printBandwidth(w, r); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nThese results rest on assumptions:")
	for _, a := range r.Assumptions {
		fmt.Fprintf(w, "  %s: %s\n", a.Name, a.Text)
	}
	printLongest(w, r)
	if err := printResiliency(w, &r.Resiliency); err != nil {
		return err
	}
	printDisagreements(w, p, r)
	return nil
}

// printDisagreements writes what was not as proved, drill by drill.
func printDisagreements(w io.Writer, p paint, r *rehearse.Result) {
	for i := range r.Drills {
		d := &r.Drills[i]
		if d.Agrees {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", p.Bad(d.ID+" is not as proved"))
		for k := range d.Disagreements {
			if k == mostDisagreements {
				fmt.Fprintf(w, "  and %d more (--json has them all)\n", len(d.Disagreements)-k)
				break
			}
			printDisagreement(w, &d.Disagreements[k])
		}
	}
}

// printDrilled writes a line for each kind of element, with the drill that took longest.
func printDrilled(w io.Writer, r *rehearse.Result) error {
	l := newListing("Rehearsed", "Drills", "As proved", "Longest outage", "Bounds", "Packets lost", "Drill").Right(1, 2, 3, 4, 5)
	for _, kind := range network.Kinds() {
		drills, agree, lost := 0, 0, 0
		var worst *rehearse.FlowDrill
		at := ""
		for i := range r.Drills {
			d := &r.Drills[i]
			if d.Kind != string(kind) {
				continue
			}
			drills++
			lost += d.Failure.Lost
			if d.Agrees {
				agree++
			}
			if f := worstFlow(d); f != nil && (worst == nil || f.OutageMs > worst.OutageMs) {
				worst, at = f, d.ID
			}
		}
		switch {
		case drills == 0:
		case worst == nil:
			l.Row(kind, drills, agree, "-", "-", lost, "")
		default:
			l.Row(kind, drills, agree, seconds(worst.OutageMs), boundWords(&worst.Bound), lost, at)
		}
	}
	if err := l.Print(w); err != nil {
		return err
	}
	printDisagreements(w, newPaint(w), r)
	return nil
}

// mostDisagreements is how many a drill shows.
const mostDisagreements = 10

func printDisagreement(w io.Writer, d *rehearse.Disagreement) {
	fmt.Fprintf(w, "  %s: %s\n", or(d.Flow, "everybody"), whenWords()[d.When])
	fmt.Fprintf(w, "    proof: %s\n    seen:  %s\n", d.Proof, d.Seen)
	if d.Ended != "" {
		fmt.Fprintf(w, "    ended: %s\n", d.Ended)
	}
}

// worstFlow is the flow of a drill with the longest outage that ended.
func worstFlow(d *rehearse.Drill) *rehearse.FlowDrill {
	for i := range d.Flows { // the worst first
		if f := &d.Flows[i]; f.Bound.UpperMs != nil && f.OutageMs > 0 {
			return f
		}
	}
	return nil
}

func goneForGood(d *rehearse.Drill) int {
	n := 0
	for i := range d.Flows {
		if f := &d.Flows[i]; f.Lost > 0 && f.Bound.UpperMs == nil {
			n++
		}
	}
	return n
}

func boundWords(b *rehearse.Bound) string {
	return strings.TrimSuffix(seconds(b.LowerMs), " s") + " to " + seconds(*b.UpperMs)
}

// seconds are milliseconds for people.
func seconds(ms float64) string { return fmt.Sprintf("%.2f s", ms/1000) }

// mostLongest is how many outages are explained.
const mostLongest = 5

// printLongest explains the longest outages: what had to find out before packets went another way.
func printLongest(w io.Writer, r *rehearse.Result) {
	type line struct {
		d *rehearse.Drill
		f *rehearse.FlowDrill
	}
	var list []line
	for i := range r.Drills {
		if f := worstFlow(&r.Drills[i]); f != nil {
			list = append(list, line{&r.Drills[i], f})
		}
	}
	if len(list) == 0 {
		return
	}
	slices.SortStableFunc(list, func(a, b line) int {
		switch {
		case a.f.OutageMs > b.f.OutageMs:
			return -1
		case a.f.OutageMs < b.f.OutageMs:
			return 1
		}
		return 0
	})
	fmt.Fprintln(w, "\nThe longest outages, and what had to notice:")
	for _, x := range list[:min(mostLongest, len(list))] {
		fmt.Fprintf(w, "  %s: %s, %s to %s, for %s: %s\n", x.d.ID, x.f.Flow, x.f.From, x.f.To, seconds(x.f.OutageMs), or(strings.Join(x.f.Bound.Rests, "; "), "nothing, routes only had to settle"))
	}
}

// writeDrillsJUnit writes a test case for each drill.
func writeDrillsJUnit(name string, r *rehearse.Result) error {
	suite := junit.Testsuite{Name: "rehearse", Time: "0"}
	for i := range r.Drills {
		d := &r.Drills[i]
		t := junit.Testcase{Name: d.ID, Classname: "onramp.rehearse." + d.Kind}
		if !d.Agrees {
			var lines []string
			for _, x := range d.Disagreements {
				lines = append(lines, x.String())
			}
			t.Failure = &junit.Result{Message: d.ID + " is not as proved", Type: "disagreement", Data: strings.Join(lines, "\n")}
		}
		if f := worstFlow(d); f != nil {
			t.SystemOut = &junit.Output{Data: fmt.Sprintf("%s of %s, bounds %s", seconds(f.OutageMs), f.Flow, boundWords(&f.Bound))}
		}
		suite.AddTestcase(t)
	}
	return saveSuite(name, suite)
}
