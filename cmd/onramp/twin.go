package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onramp/arm"
	"onramp/catalog"
	"onramp/design"
	"onramp/template"
	"onramp/twin"
)

const (
	twinListen = "127.0.0.1:18443"
	twinState  = "onramp-twin"
	logFile    = "requests.log"
	outFile    = "twin.out"
	wordsFile  = "twin.err"
	mostLog    = 64 << 20 // octets, then the log begins again and the old one is kept beside it
)

func newTwinCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "twin",
		Short: "A local stand-in for Azure's networking interface",
		Long: `Twin serves Azure Resource Manager's interface for networking on this machine: HTTPS, tokens, roles, long-running operations, and a
store that loses nothing. Unmodified SDKs and Terraform's provider talk to it; it refuses what Azure refuses.`,
		Example: `  onramp twin start --detach
  onramp twin env
  onramp twin status
  onramp twin stop`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTwinStart(), newTwinStop(), newTwinStatus(), newTwinEnv(), newTwinLog(), newTwinRepair(), newTwinSnapshot(), newTwinAdmin(), newTwinNet(), newTwinOperations(), newTwinAssumptions())
	return cmd
}

// stateFlag adds --state.
func stateFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("state", twinState, "the directory of the twin's state")
}

// twinError turns errors of a twin into exit codes: what it refuses is wrong usage, a twin that is not there is trouble outside.
func twinError(err error) error {
	var no twin.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &no):
		return usageError(err)
	}
	return outside(err)
}

// startFlags are what a start may be told.
type startFlags struct {
	listen, bootstrap, pace, provider, premises, throttle string
	names                                                 []string
	delay                                                 time.Duration
	detach, asJSON                                        bool
}

func newTwinStart() *cobra.Command {
	var f startFlags
	cmd := &cobra.Command{
		Use:   "start",
		Short: "Serve until interrupted, or in the background",
		Long: `Start makes the state directory if there is none, with a certificate authority of its own, and serves. Secrets that nobody chose are
shown once, on the first start. It listens on this machine alone unless told otherwise; then the credentials have to be your own
(--bootstrap).`,
		Example: `  onramp twin start
  onramp twin start --detach --state twin-of-mine --listen 127.0.0.1:0
  onramp twin start --detach --state another-twin --listen 127.0.0.1:0 --pace azure --provider manual --throttle azure`,
		Args: cobra.NoArgs,
	}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if f.detach {
			return f.away(cmd, *state)
		}
		return f.serve(cmd, *state)
	}
	cmd.Flags().StringVar(&f.listen, "listen", twinListen, "the address to serve on; port 0 is one that is free")
	cmd.Flags().StringArrayVar(&f.names, "name", nil, "another name or address under which clients find it (may be repeated)")
	cmd.Flags().StringVar(&f.bootstrap, "bootstrap", "", "the file with tenant, subscriptions and principals to begin with (docs/twin.md)")
	cmd.Flags().StringVar(&f.pace, "pace", string(arm.PaceInstant), "how long operations take: instant or azure")
	cmd.Flags().StringVar(&f.provider, "provider", string(arm.ProviderAuto), "who provisions circuits: auto, the twin itself, or manual, whoever uses the providers' interface")
	cmd.Flags().StringVar(&f.throttle, "throttle", string(arm.ThrottleNone), "how many requests a client may send: none, without end, or azure")
	cmd.Flags().DurationVar(&f.delay, "provider-delay", 0, "how long the twin takes to provision a circuit")
	cmd.Flags().StringVar(&f.premises, "premises", "", "a design.json whose premises are at the other end of the circuits")
	cmd.Flags().BoolVar(&f.detach, "detach", false, "serve in the background and come back when it is ready")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print what a client needs as JSON on standard output, words on standard error")
	return cmd
}

// options checks the flags and reads the files that they name.
func (f *startFlags) options(cmd *cobra.Command, c *catalog.Catalog, dir string) (twin.Options, error) {
	o := twin.Options{Dir: dir, Listen: f.listen, Names: f.names, Pace: arm.Pace(f.pace), Throttle: arm.Throttle(f.throttle), Provider: arm.ProviderMode(f.provider), ProviderDelay: f.delay}
	if o.Pace != arm.PaceInstant && o.Pace != arm.PaceAzure {
		return o, usageError(fmt.Errorf("--pace %q: it is instant or azure", f.pace))
	}
	if o.Throttle != arm.ThrottleNone && o.Throttle != arm.ThrottleAzure {
		return o, usageError(fmt.Errorf("--throttle %q: it is none or azure", f.throttle))
	}
	if o.Provider != arm.ProviderAuto && o.Provider != arm.ProviderManual {
		return o, usageError(fmt.Errorf("--provider %q: it is auto or manual", f.provider))
	}
	if f.delay < 0 {
		return o, usageError(fmt.Errorf("--provider-delay %s: it cannot be negative", f.delay))
	}
	if f.bootstrap != "" {
		src, err := os.ReadFile(f.bootstrap)
		if err != nil {
			return o, usageError(err)
		}
		b, findings := arm.ParseBootstrap(f.bootstrap, src, c, os.LookupEnv)
		for _, x := range findings {
			fmt.Fprintln(cmd.ErrOrStderr(), x.String())
		}
		if b == nil {
			return o, usageError(&badInput{f.bootstrap, findings})
		}
		o.Bootstrap = b
	}
	if f.premises != "" {
		src, err := os.ReadFile(f.premises)
		if err != nil {
			return o, usageError(err)
		}
		d, err := design.Decode(src)
		if err != nil {
			return o, usageError(placed(f.premises, err))
		}
		o.Premises = d.Premises
	}
	return o, nil
}

// serve serves in the foreground.
func (f *startFlags) serve(cmd *cobra.Command, dir string) error {
	c, err := catalog.Open()
	if err != nil {
		return outside(err)
	}
	o, err := f.options(cmd, c, dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return outside(err)
	}
	log, err := openLog(filepath.Join(dir, logFile))
	if err != nil {
		return outside(err)
	}
	defer func() { _ = log.Close() }() // nothing is lost: each line was written whole
	o.Log = slog.New(slog.NewJSONHandler(log, nil))
	t, err := twin.Open(o, c)
	if err != nil {
		return twinError(err)
	}
	if err := f.tell(cmd.OutOrStdout(), cmd.ErrOrStderr(), dir, t.Status(), t.Made); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return twinError(t.Serve(ctx))
}

// started is what a start tells.
type started struct {
	twin.Status
	Credentials []arm.Credential `json:"credentials"`
}

func (f *startFlags) tell(stdout, stderr io.Writer, dir string, s twin.Status, made []arm.Credential) error {
	if made == nil {
		made = []arm.Credential{}
	}
	words := stdout
	if f.asJSON {
		words = stderr
	}
	fmt.Fprintf(words, "twin: serving on %s, state in %s\n", s.URL, dir)
	for _, m := range made {
		if m.Secret != "" {
			fmt.Fprintf(words, "secret of %s, shown this once: %s (client id %s)\n", m.Principal, m.Secret, m.AppID)
		}
	}
	fmt.Fprintf(words, "what clients need: onramp twin env --state %s\n", dir)
	if f.asJSON {
		return printJSON(stdout, started{s, made})
	}
	return nil
}

// away starts the same program in the background and waits until it answers.
func (f *startFlags) away(cmd *cobra.Command, dir string) error {
	self, err := os.Executable()
	if err != nil {
		return outside(err)
	}
	if s, err := twin.Ask(dir); err == nil {
		return outside(fmt.Errorf("a twin is running in %s already, on %s", dir, s.URL))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return outside(err)
	}
	args := []string{"twin", "start", "--state", dir, "--listen", f.listen, "--pace", f.pace, "--throttle", f.throttle, "--provider", f.provider, "--provider-delay", f.delay.String()}
	for _, n := range f.names {
		args = append(args, "--name", n)
	}
	for flag, v := range map[string]string{"--bootstrap": f.bootstrap, "--premises": f.premises} {
		if v != "" {
			args = append(args, flag, v)
		}
	}
	var files [2]*os.File // what it prints, and its words where those are apart
	for i, name := range []string{outFile, wordsFile} {
		if files[i], err = os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600); err != nil {
			return outside(err)
		}
		defer func() { _ = files[i].Close() }()
	}
	if f.asJSON {
		args = append(args, "--json")
	}
	child := exec.Command(self, args...)
	child.Args[0] = "onramp" // whatever the file is called
	child.Stdout, child.Stderr = files[0], files[1]
	child.SysProcAttr = detached()
	if err := child.Start(); err != nil {
		return outside(err)
	}
	said := func(i int) string {
		b, _ := os.ReadFile(files[i].Name())
		return string(b)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for {
		select {
		case err := <-ended:
			return outside(fmt.Errorf("the twin did not start (%v): %s", err, strings.TrimPrefix(strings.TrimSpace(said(0)+said(1)), "onramp: ")))
		case <-cmd.Context().Done():
			return outside(errors.Join(cmd.Context().Err(), child.Process.Kill()))
		case <-time.After(20 * time.Millisecond):
		}
		if _, err := twin.Ask(dir); err != nil {
			continue
		}
		fmt.Fprint(cmd.OutOrStdout(), said(0))
		fmt.Fprint(cmd.ErrOrStderr(), said(1))
		for _, f := range files { // the secrets in them are shown this once
			if err := os.Truncate(f.Name(), 0); err != nil {
				return outside(err)
			}
		}
		return nil
	}
}

// detached lets a child live on when the terminal is closed.
func detached() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// openLog opens the log of requests; one that has grown too long is put beside it.
func openLog(path string) (*os.File, error) {
	if s, err := os.Stat(path); err == nil && s.Size() > mostLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

func newTwinStop() *cobra.Command {
	cmd := &cobra.Command{Use: "stop", Short: "End the twin, with what is acknowledged", Example: "  onramp twin stop", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if err := twin.Stop(*state); err != nil {
			return twinError(err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "twin: stopped")
		return nil
	}
	return cmd
}

func newTwinStatus() *cobra.Command {
	cmd := &cobra.Command{Use: "status", Short: "Tell how the twin is", Example: "  onramp twin status --json", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print the status as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := twin.Ask(*state)
		if err != nil {
			return twinError(err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), s)
		}
		w := cmd.OutOrStdout()
		fmt.Fprintf(w, "twin: serving on %s since %s, process %d\n", s.URL, s.Since.Format(time.DateTime), s.PID)
		fmt.Fprintf(w, "%s, %s, %s; the provider is %s\n", count(s.Resources, "resource"), count(len(s.Subscriptions), "subscription"), count(len(s.Principals), "principal"), s.Provider)
		for _, x := range s.Faults {
			fmt.Fprintf(w, "fault on: %s %s\n", x.What, x.Operation)
		}
		return nil
	}
	return cmd
}

func newTwinLog() *cobra.Command {
	cmd := &cobra.Command{Use: "log", Short: "Print the requests that were answered, one a line as JSON", Example: "  onramp twin log --last 20", Args: cobra.NoArgs}
	state := stateFlag(cmd)
	last := cmd.Flags().Int("last", 0, "only so many, the newest")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *last < 0 {
			return usageError(fmt.Errorf("--last %d: give a number from 0 on", *last))
		}
		b, err := os.ReadFile(filepath.Join(*state, logFile))
		if err != nil {
			return outside(err)
		}
		lines := strings.SplitAfter(string(b), "\n")
		lines = slices.DeleteFunc(lines, func(s string) bool { return s == "" })
		if *last > 0 && len(lines) > *last {
			lines = lines[len(lines)-*last:]
		}
		_, err = io.WriteString(cmd.OutOrStdout(), strings.Join(lines, ""))
		return err
	}
	return cmd
}

func newTwinRepair() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Say what can be had of a damaged store, and make a whole one of it",
		Long: `Repair reads the store of a twin that does not run and says which records are whole, which are damaged and which are missing. With
--write it makes a store of the whole ones; the old one stays beside it. Exit code 1 when something is lost.`,
		Example: "  onramp twin repair\n  onramp twin repair --write",
		Args:    cobra.NoArgs,
	}
	state := stateFlag(cmd)
	write := cmd.Flags().Bool("write", false, "make a store of what is whole")
	asJSON := cmd.Flags().Bool("json", false, "print the report as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if s, err := twin.Ask(*state); err == nil {
			return outside(fmt.Errorf("the twin is running on %s: stop it first", s.URL))
		}
		r, err := twin.Repair(*state, *write)
		if err != nil {
			return outside(err)
		}
		if *asJSON {
			if err := printJSON(cmd.OutOrStdout(), r); err != nil {
				return err
			}
		} else {
			printRepair(cmd.OutOrStdout(), r)
		}
		if r.Lost() > 0 {
			return failed(fmt.Errorf("%s lost", count(r.Lost(), "record")))
		}
		return nil
	}
	return cmd
}

// printRepair tells what can be had of a store.
func printRepair(w io.Writer, r *arm.RepairReport) {
	if r.Mark != "" {
		fmt.Fprintf(w, "the mark of what was acknowledged: %s\n", r.Mark)
	}
	whole := 0
	for _, x := range r.Records {
		if x.State == arm.RecordWhole {
			whole++
			continue
		}
		fmt.Fprintf(w, "%s: %s\n", x.Key, x.State)
	}
	fmt.Fprintf(w, "%s whole, %d lost\n", count(whole, "record"), r.Lost())
	if r.Into != "" {
		fmt.Fprintf(w, "%s kept in %s, the old store in %s\n", count(r.Kept, "record"), r.Into, r.Damaged)
	}
}

func newTwinSnapshot() *cobra.Command {
	cmd := &cobra.Command{Use: "snapshot", Short: "Save all that the twin holds to a file, or load it", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	save := &cobra.Command{Use: "save FILE", Short: "Save what a running twin holds", Example: "  onramp twin snapshot save before.snapshot", Args: cobra.ExactArgs(1)}
	saveState := stateFlag(save)
	save.RunE = func(cmd *cobra.Command, args []string) error {
		path, err := filepath.Abs(args[0])
		if err != nil {
			return outside(err)
		}
		d, err := twin.Tell(*saveState, twin.Command{Snapshot: path})
		if err != nil {
			return twinError(err)
		}
		fmt.Fprintln(cmd.OutOrStdout(), "twin: "+d.Message)
		return nil
	}
	load := &cobra.Command{Use: "load FILE", Short: "Begin a state directory with what a snapshot holds", Long: "Load puts a snapshot into a state directory whose twin does not run and has no resources.", Example: "  onramp twin snapshot load before.snapshot --state another-twin", Args: cobra.ExactArgs(1)}
	loadState := stateFlag(load)
	load.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := twin.Load(*loadState, args[0])
		if err != nil {
			return twinError(err)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "twin: %s from %s\n", count(n, "record"), args[0])
		return nil
	}
	cmd.AddCommand(save, load)
	return cmd
}

func newTwinAdmin() *cobra.Command {
	cmd := &cobra.Command{Use: "admin", Short: "Change who and what the twin has", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	tell := func(use, short, example string, args cobra.PositionalArgs, flags func(*cobra.Command), command func(args []string) (twin.Command, error)) {
		sub := &cobra.Command{Use: use, Short: short, Example: example, Args: args}
		state := stateFlag(sub)
		asJSON := sub.Flags().Bool("json", false, "print the result as JSON")
		if flags != nil {
			flags(sub)
		}
		sub.RunE = func(cmd *cobra.Command, args []string) error {
			c, err := command(args)
			if err != nil {
				return usageError(err)
			}
			d, err := twin.Tell(*state, c)
			if err != nil {
				return twinError(err)
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), d)
			}
			fmt.Fprintln(cmd.OutOrStdout(), "twin: "+d.Message)
			if d.Credential != nil && d.Credential.Secret != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "its secret, shown this once: %s\n", d.Credential.Secret)
			}
			return nil
		}
		cmd.AddCommand(sub)
	}
	var id, role, scope string
	tell("subscription NAME", "Add a subscription", "  onramp twin admin subscription sub-finance", cobra.ExactArgs(1), func(c *cobra.Command) {
		c.Flags().StringVar(&id, "id", "", "its GUID; without it, one that follows from the name")
	}, func(args []string) (twin.Command, error) { return twin.Command{Subscription: args[0], ID: id}, nil })
	tell("principal NAME", "Add a service principal; its secret is shown once", "  onramp twin admin principal pipeline --role Contributor --scope onramp", cobra.ExactArgs(1), func(c *cobra.Command) {
		c.Flags().StringVar(&role, "role", "", "a role to give it")
		c.Flags().StringVar(&scope, "scope", "/", "where: a subscription's name, an id, or / for everywhere")
	}, func(args []string) (twin.Command, error) {
		return twin.Command{Principal: args[0], Role: role, Scope: scope}, nil
	})
	tell("revoke NAME", "Refuse a principal from now on", "  onramp twin admin revoke pipeline", cobra.ExactArgs(1), nil, func(args []string) (twin.Command, error) { return twin.Command{Revoke: args[0]}, nil })
	tell("restore NAME", "Let a revoked principal sign in again", "  onramp twin admin restore pipeline", cobra.ExactArgs(1), nil, func(args []string) (twin.Command, error) { return twin.Command{Restore: args[0]}, nil })
	var delay time.Duration
	tell("provider auto|manual", "Say who provisions circuits", "  onramp twin admin provider manual\n  onramp twin admin provider auto --delay 5s", cobra.ExactArgs(1), func(c *cobra.Command) {
		c.Flags().DurationVar(&delay, "delay", 0, "how long the twin takes to provision a circuit")
	}, func(args []string) (twin.Command, error) {
		return twin.Command{Provider: arm.ProviderMode(args[0]), Delay: delay}, nil
	})
	var x arm.Fault
	tell("fault none|throttle|error|timeout|cut|slow|fail", "Let requests go wrong, to try a client's patience", "  onramp twin admin fault throttle --every 3 --delay 1s\n  onramp twin admin fault none", cobra.ExactArgs(1), func(c *cobra.Command) {
		c.Flags().StringVar(&x.Operation, "operation", "", "of this operation only, as `onramp twin operations` names it")
		c.Flags().IntVar(&x.Every, "every", 1, "each so-manieth request")
		c.Flags().IntVar(&x.Times, "times", 0, "so often at most; 0 is without end")
		c.Flags().DurationVar(&x.Delay, "delay", 0, "how long to wait (throttle), or how much longer operations take (slow)")
	}, func(args []string) (twin.Command, error) {
		if args[0] == "none" {
			return twin.Command{Faults: []arm.Fault{}}, nil
		}
		x.What = arm.FaultKind(args[0])
		return twin.Command{Faults: []arm.Fault{x}}, nil
	})
	return cmd
}

func newTwinOperations() *cobra.Command {
	var asJSON, all bool
	cmd := &cobra.Command{
		Use:     "operations",
		Short:   "List the operations of Azure's interface, and which of them the twin serves",
		Example: "  onramp twin operations\n  onramp twin operations --all --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := catalog.Open()
			if err != nil {
				return outside(err)
			}
			list := arm.Operations(c)
			if !all {
				list = slices.DeleteFunc(list, func(o arm.Served) bool { return !o.Served })
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), operations{list})
			}
			l := newListing("Operation", "Method", "Path", "Success", "Served")
			for _, o := range list {
				var codes []string
				for _, s := range o.Success {
					codes = append(codes, fmt.Sprint(s))
				}
				l.Row(o.ID, o.Method, o.Path, strings.Join(codes, " "), yesNo(o.Served))
			}
			return l.Print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the list as JSON")
	cmd.Flags().BoolVar(&all, "all", false, "those too that are answered with 501")
	return cmd
}

// operations is what `onramp twin operations --json` prints.
type operations struct {
	Operations []arm.Served `json:"operations"`
}

// assumptions is what `onramp twin assumptions --json` prints.
type assumptions struct {
	Assumptions []arm.Assumption `json:"assumptions"`
}

func newTwinAssumptions() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "assumptions",
		Short:   "List what the twin does that is published nowhere",
		Example: "  onramp twin assumptions",
		Args:    cobra.NoArgs,
	}
	asJSON := cmd.Flags().Bool("json", false, "print the list as JSON")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list := arm.Assumptions()
		for _, a := range template.Assumptions() { // it expands templates as package template does
			list = append(list, arm.Assumption(a))
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), assumptions{list})
		}
		for _, a := range list {
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", a.Name, a.Text)
		}
		return nil
	}
	return cmd
}
