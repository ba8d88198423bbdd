package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/design"
	"onramp/rehearse"
	"onramp/twin"
)

func newTwinNet() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "net",
		Short: "Look at the network behind the endpoint, and let it go wrong",
		Long: `What is deployed to the twin runs: routers with BGP and BFD, and the premises at the other end of the circuits. Net cuts links, lets
routers crash and premises misbehave, in the words of a script of drills, and shows what the network makes of it.`,
		Example: `  onramp twin net status
  onramp twin net premises design.json
  onramp twin net cut router:toronto-ce1
  onramp twin net restore --all`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNetStatus(), newNetNames(), newNetCut(), newNetFault(), newNetRestore(), newNetRoutes(), newNetPing(), newNetTraceroute(), newNetEvents(), newNetPremises(), newNetSettle())
	return cmd
}

// jsonFlag adds --json.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print the result as JSON")
}

func newNetStatus() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Tell how the network is", Example: "  onramp twin net status", Args: cobra.NoArgs}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := twin.AskNet(*state)
		if err != nil {
			return twinError(err)
		}
		w := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(w, s)
		}
		settled := "not settled yet"
		if s.Settled {
			settled = "settled"
		}
		fmt.Fprintf(w, "%s, %s, %s; %d of %s up; %s\n", count(s.Resources, "resource"), count(s.Sites, "site"), count(s.Routers, "router"), s.Up, count(s.Sessions, "session"), settled)
		if s.Trouble != "" {
			fmt.Fprintf(w, "a change cannot be taken over: %s\n", s.Trouble)
		}
		for _, f := range s.Faults {
			fmt.Fprintf(w, "fault on: %s%s\n", f.What, lastsHow(&f))
		}
		for _, f := range s.Findings {
			fmt.Fprintf(w, "%s: %s: %s; %s\n", f.Severity, f.At, f.Message, f.Fix)
		}
		return nil
	}
	return cmd
}

// lastsHow says why a fault does nothing now, or when it ends.
func lastsHow(f *twin.FaultState) string {
	switch {
	case f.Waits != "":
		return ", which does nothing now: " + f.Waits
	case !f.Until.IsZero():
		return ", until " + f.Until.Format(time.TimeOnly)
	}
	return ""
}

func newNetNames() *cobra.Command {
	cmd := &cobra.Command{Use: "names", Short: "List what can be cut, asked and shown, and how each session is", Example: "  onramp twin net names", Args: cobra.NoArgs}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		n, err := twin.AskNames(*state)
		if err != nil {
			return twinError(err)
		}
		w := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(w, n)
		}
		for _, l := range []struct {
			what string
			list []string
		}{{"elements", n.Elements}, {"routers", n.Routers}, {"gateways", n.Gateways}, {"subnets", n.Subnets}, {"hosts", n.Hosts}} {
			fmt.Fprintf(w, "%s:\n", l.what)
			for _, x := range l.list {
				fmt.Fprintf(w, "  %s\n", x)
			}
		}
		fmt.Fprintln(w, "sessions:")
		l := newListing("Session", "Kind", "Between", "And", "State")
		for _, s := range n.Sessions {
			l.Row(s.Name, s.Kind, s.A, s.B, s.State)
		}
		return l.Print(w)
	}
	return cmd
}

// tellNet has a fault begun or ended and prints what came of it.
func tellNet(cmd *cobra.Command, state string, asJSON bool, n twin.Net) error {
	d, err := twin.Tell(state, twin.Command{Net: &n})
	if err != nil {
		return twinError(err)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), d)
	}
	fmt.Fprintln(cmd.OutOrStdout(), "twin: "+d.Message)
	return nil
}

func newNetCut() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cut NAME",
		Short: "Take an element or a session out of service, until it is restored",
		Long: `Cut takes out of service what a script of drills could: a link, a router, a circuit, a provider, a location, a site, an instance of a
gateway, or one session. Silently nobody is told, and whoever watches finds out; with a carrier the neighbours see the link go down.`,
		Example: "  onramp twin net cut router:toronto-ce1\n  onramp twin net cut link:backbone/montreal-toronto --how carrier --for 30s",
		Args:    cobra.ExactArgs(1),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	how := cmd.Flags().String("how", "silent", "silent or carrier")
	lasts := cmd.Flags().String("for", "", "how long; by default until it is restored")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		given := map[string]any{"cut": args[0], "how": *how}
		if *lasts != "" {
			given["for"] = *lasts
		}
		s, err := stepOf(given)
		if err != nil {
			return usageError(err)
		}
		return tellNet(cmd, *state, *asJSON, twin.Net{Fault: s})
	}
	return cmd
}

// stepOf makes a step of a script of its keys.
func stepOf(given map[string]any) (*rehearse.Step, error) {
	given["at"] = "0s"
	b, err := json.Marshal(given)
	if err != nil {
		return nil, err
	}
	var s rehearse.Step
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return &s, nil
}

func newNetFault() *cobra.Command {
	verbs := rehearse.Verbs()
	cmd := &cobra.Command{
		Use:   "fault KIND NAME",
		Short: "Let something go wrong, until it is restored",
		Long: `Fault lets happen what a step of a script of drills can say (docs/rehearse.md), with the step's keys as flags. Kinds:
` + strings.Join(verbs, ", ") + `.`,
		Example: `  onramp twin net fault impair link:backbone/montreal-toronto --loss 2% --delay 30ms
  onramp twin net fault crash router:montreal-ce1
  onramp twin net fault originateAggregate site:toronto --prefix 10.0.0.0/8
  onramp twin net fault reset toronto-ce1--toronto-core`,
		Args: cobra.ExactArgs(2),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	texts, flags, numbers := map[string]*string{}, map[string]*bool{}, map[string]*int{}
	for _, f := range [][2]string{
		{"for", "how long; by default until it is restored"}, {"how", "of cut: silent or carrier"},
		{"direction", "which packets of the link it meets: to-azure, from-azure or both"}, {"from", "instead of direction: the packets that this router sends"},
		{"loss", "of impair: part of the packets that is lost, such as 2%"}, {"delay", "of impair: what every packet takes longer"}, {"jitter", "of impair: up to which more"},
		{"reorder", "of impair: part of the packets that come late"}, {"late", "of impair: by how much those do"}, {"duplicate", "of impair: part of the packets that come twice"},
		{"up", "of flap: how long it is up each time"}, {"down", "of flap and roll: how long it is down each time"}, {"pause", "of roll: between two instances"},
		{"prefix", "of originateAggregate and tooManyPrefixes: what is announced"}, {"to", "of echo: the circuit that is told"}, {"site", "of echo: at this site's routers alone"},
		{"with", "of wrongFilter: what it lets through too"}, {"without", "of wrongFilter: what it does not let through any more"},
	} {
		texts[f[0]] = cmd.Flags().String(f[0], "", f[1])
	}
	for _, f := range [][2]string{{"seen", "of flap: both ends see it"}, {"forwards", "of restart: packets are forwarded on"}, {"import", "of wrongFilter: it is about what is taken"}} {
		flags[f[0]] = cmd.Flags().Bool(f[0], false, f[1])
	}
	numbers["count"] = cmd.Flags().Int("count", 0, "of tooManyPrefixes: how many")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !slices.Contains(verbs, args[0]) {
			said := fmt.Sprintf("there is no kind of fault %q", args[0])
			if near := catalog.Nearest(args[0], verbs); near != "" {
				return usageError(errors.New(said + "; did you mean " + near + "?"))
			}
			return usageError(errors.New(said + "; there are " + strings.Join(verbs, ", ")))
		}
		given := map[string]any{args[0]: args[1]}
		for k, v := range texts {
			if *v != "" {
				given[k] = *v
			}
		}
		for k, v := range flags {
			if *v {
				given[k] = true
			}
		}
		for k, v := range numbers {
			if *v != 0 {
				given[k] = *v
			}
		}
		s, err := stepOf(given)
		if err != nil {
			return usageError(err)
		}
		return tellNet(cmd, *state, *asJSON, twin.Net{Fault: s})
	}
	return cmd
}

func newNetRestore() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "restore [NAME...]",
		Short:   "End what goes wrong with these, or with everything",
		Example: "  onramp twin net restore router:montreal-ce1\n  onramp twin net restore --all",
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	all := cmd.Flags().Bool("all", false, "end everything that goes wrong")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if *all == (len(args) > 0) {
			return usageError(errors.New("name what is to be restored, or say --all"))
		}
		return tellNet(cmd, *state, *asJSON, twin.Net{Restore: args, All: *all})
	}
	return cmd
}

func newNetRoutes() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "routes ROUTER|GATEWAY|SUBNET",
		Short:   "Print the routes of something in the network",
		Long:    `Routes prints what a router knows, what each instance of a gateway does, or the effective routes of a subnet (VNET/SUBNET).`,
		Example: "  onramp twin net routes toronto-core",
		Args:    cobra.ExactArgs(1),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := twin.AskRoutes(*state, args[0])
		if err != nil {
			return twinError(err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), r)
		}
		return printRoutes(cmd.OutOrStdout(), &r)
	}
	return cmd
}

func printRoutes(w io.Writer, r *twin.Routes) error {
	if r.Kind == "subnet" {
		l := newListing("Prefix", "Source", "State", "Next hop type", "Next hops")
		for _, x := range r.Effective {
			var hops []string
			for _, h := range x.NextHops {
				hops = append(hops, h.String())
			}
			l.Row(x.Prefix.String(), x.Source, x.State, x.NextHopType, strings.Join(hops, " "))
		}
		return l.Print(w)
	}
	for _, t := range r.Tables {
		fmt.Fprintf(w, "%s: %s\n", t.Router, count(len(t.Routes), "route"))
		l := newListing("", "Prefix", "Next hop", "From", "Weight", "Pref", "Path")
		for _, x := range t.Routes {
			mark := ""
			switch {
			case x.Best:
				mark = ">"
			case x.Used:
				mark = "="
			}
			l.Row(mark, x.Prefix, x.NextHop, x.From, fmt.Sprint(x.Weight), fmt.Sprint(x.LocalPref), x.Path)
		}
		if err := l.Print(w); err != nil {
			return err
		}
	}
	return nil
}

// pinged is what `onramp twin net ping --json` prints.
type pinged struct {
	From     string      `json:"from"`
	To       string      `json:"to"`
	Sent     int         `json:"sent"`
	Answered int         `json:"answered"`
	Lost     int         `json:"lost"`
	MinMs    float64     `json:"minMs"`
	MeanMs   float64     `json:"meanMs"`
	MaxMs    float64     `json:"maxMs"`
	Packets  []twin.Pong `json:"packets"`
}

func (p *pinged) add(x twin.Pong) {
	p.Sent++
	p.Packets = append(p.Packets, x)
	if !x.Answered {
		p.Lost++
		return
	}
	p.Answered++
	if p.Answered == 1 || x.RTTMs < p.MinMs {
		p.MinMs = x.RTTMs
	}
	p.MaxMs = max(p.MaxMs, x.RTTMs)
	p.MeanMs += (x.RTTMs - p.MeanMs) / float64(p.Answered)
}

func newNetPing() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ping FROM TO",
		Short: "Send echo requests through the running network",
		Long: `Ping sends packets from a site, a subnet (VNET/SUBNET) or a router to a site, a subnet, a service, a router or an address, and says what
became of each. Exit code 1 when one was not answered.`,
		Example: "  onramp twin net ping toronto montreal --interval 100ms",
		Args:    cobra.ExactArgs(2),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	many := cmd.Flags().Int("count", 5, "how many; 0 is until it is interrupted")
	interval := cmd.Flags().Duration("interval", time.Second, "how often")
	wait := cmd.Flags().Duration("wait", 2*time.Second, "how long to wait for each answer")
	size := cmd.Flags().Int("size", 56, "octets that each carries")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		w := cmd.OutOrStdout()
		p := pinged{From: args[0], To: args[1], Packets: []twin.Pong{}}
		err := twin.AskPing(ctx, *state, twin.PingRequest{From: args[0], To: args[1], Count: *many, Interval: *interval, Wait: *wait, Payload: *size}, func(x twin.Pong) {
			p.add(x)
			if !*asJSON {
				fmt.Fprintln(w, ponged(x))
			}
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			return twinError(err)
		}
		if *asJSON {
			if err := printJSON(w, p); err != nil {
				return err
			}
		} else {
			fmt.Fprintf(w, "%d sent, %d answered, %d lost", p.Sent, p.Answered, p.Lost)
			if p.Answered > 0 {
				fmt.Fprintf(w, "; %.2f ms at the least, %.2f on average, %.2f at the most", p.MinMs, p.MeanMs, p.MaxMs)
			}
			fmt.Fprintln(w)
		}
		if p.Lost > 0 {
			return failed(fmt.Errorf("%s lost", count(p.Lost, "packet")))
		}
		return nil
	}
	return cmd
}

// ponged is what came of a packet, in words.
func ponged(x twin.Pong) string {
	switch {
	case x.Answered:
		return fmt.Sprintf("%d: %s answers after %.2f ms", x.Number, x.To, x.RTTMs)
	case x.Answer != "":
		return fmt.Sprintf("%d: %s says: %s", x.Number, x.By, x.Answer)
	case x.Lost != "":
		return fmt.Sprintf("%d: lost at %s", x.Number, x.Lost)
	}
	return fmt.Sprintf("%d: no answer", x.Number)
}

func newNetTraceroute() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "traceroute FROM TO",
		Short:   "Find the way of packets through the running network",
		Long:    `Traceroute names who answers when a packet's time to live runs out on its way. Networks and firewalls of Azure do not, nor do gateways.`,
		Example: "  onramp twin net traceroute toronto montreal",
		Args:    cobra.ExactArgs(2),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	wait := cmd.Flags().Duration("wait", time.Second, "how long to wait for answers")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r, err := twin.AskTraceroute(cmd.Context(), *state, twin.TraceRequest{From: args[0], To: args[1], Wait: *wait})
		if err != nil {
			return twinError(err)
		}
		w := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(w, r)
		}
		for _, h := range r.Hops {
			fmt.Fprintln(w, hopped(&h))
		}
		return nil
	}
	return cmd
}

// hopped is a hop in words.
func hopped(h *twin.TraceHop) string {
	if h.By == "" {
		if h.Lost != "" {
			return fmt.Sprintf("%2d  *  %s", h.TTL, h.Lost)
		}
		return fmt.Sprintf("%2d  *", h.TTL)
	}
	said := fmt.Sprintf("%2d  %s (%s)", h.TTL, h.By, h.Addr)
	for _, ms := range h.RTTMs {
		said += fmt.Sprintf("  %.2f ms", ms)
	}
	return said
}

func newNetEvents() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "events",
		Short:   "Print what happened: sessions up and down, faults, changes",
		Long:    `Events prints what happened in the network since the twin began. With --follow it goes on until it is interrupted; with --json, too, each event is then a line.`,
		Example: "  onramp twin net events --last 20",
		Args:    cobra.NoArgs,
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	follow := cmd.Flags().Bool("follow", false, "go on with what happens next")
	last := cmd.Flags().Int("last", 0, "of those that are over only so many, the newest")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *last < 0 {
			return usageError(fmt.Errorf("--last %d: give a number from 0 on", *last))
		}
		ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		w := cmd.OutOrStdout()
		n, err := twin.AskEvents(ctx, *state, 0, 0)
		if err != nil {
			return twinError(err)
		}
		if *last > 0 && len(n.Events) > *last {
			n.Events = n.Events[len(n.Events)-*last:]
		}
		if *asJSON && !*follow {
			return printJSON(w, n)
		}
		for {
			for _, x := range n.Events {
				if *asJSON {
					err = json.NewEncoder(w).Encode(x)
				} else {
					_, err = fmt.Fprintln(w, happened(&x))
				}
				if err != nil {
					return err
				}
			}
			if !*follow {
				return nil
			}
			if n, err = twin.AskEvents(ctx, *state, n.Last, 5*time.Second); err != nil {
				if ctx.Err() != nil {
					return nil //nolint:nilerr // it was interrupted
				}
				return twinError(err)
			}
		}
	}
	return cmd
}

// happened is an event in words.
func happened(x *twin.Event) string {
	said := x.At.Local().Format("15:04:05.000") + " " + x.What
	for _, s := range []string{x.Node, x.Session} {
		if s != "" {
			said += " " + s
		}
	}
	if x.From != "" || x.To != "" {
		said += ": " + x.From + " to " + x.To
	}
	if x.Why != "" {
		said += ": " + x.Why
	}
	return said
}

func newNetPremises() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "premises FILE",
		Short:   "Put the premises of a design at the other end of the circuits",
		Long:    `Premises takes the sites, routers and providers' edges of a design.json in the place of those that are there, and keeps them. Circuits in it may be named by subscriptions' names or by their GUIDs.`,
		Example: "  onramp twin net premises design.json",
		Args:    cobra.ExactArgs(1),
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		src, err := os.ReadFile(args[0])
		if err != nil {
			return usageError(err)
		}
		d, err := design.Decode(src)
		if err != nil {
			return usageError(placed(args[0], err))
		}
		done, err := twin.Tell(*state, twin.Command{Premises: &d.Premises})
		if err != nil {
			return twinError(err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), done)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "twin: "+done.Message)
		return nil
	}
	return cmd
}

func newNetSettle() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "settle",
		Short:   "Wait until every change has been taken over and every session is up that can be",
		Example: "  onramp twin net settle --timeout 2m",
		Args:    cobra.NoArgs,
	}
	state, asJSON := stateFlag(cmd), jsonFlag(cmd)
	timeout := cmd.Flags().Duration("timeout", time.Minute, "how long to wait")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *timeout <= 0 {
			return usageError(fmt.Errorf("--timeout %s: give a time of more than 0s", *timeout))
		}
		d, err := twin.Tell(*state, twin.Command{Settle: *timeout})
		if err != nil {
			return twinError(err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), d)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "twin: "+d.Message)
		return nil
	}
	return cmd
}
