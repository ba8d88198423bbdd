package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onramp/arm"
	"onramp/catalog"
	"onramp/deploy"
	"onramp/twin"
)

// How a twin that up starts is used.
const (
	keptTwin    = "twin"          // its state below the output directory, with --keep
	anyPort     = "127.0.0.1:0"   // an address that nobody else has
	settleTime  = 2 * time.Minute // for every session of a large estate to come up
	conformWait = time.Minute     // and for what is shown to follow
	twinWord    = "the twin"      // stands for its address in files, so that the same run writes the same files
)

// undeployable tells why a plan is not put anywhere; empty when it is.
func (pl *plan) undeployable(bad int) string {
	switch {
	case pl.answer != nil && pl.answer.Choice.Chosen == nil:
		return "no pattern meets every need"
	case bad > 0:
		return "the design breaks rules of Azure's"
	}
	return ""
}

// live deploys the design to a twin that it starts and says whether what runs there is what was proved. With keep the twin runs on, with
// its state below out; without, nothing of it is left.
func (pl *plan) live(cmd *cobra.Command, c *catalog.Catalog, p *progress, out string, keep bool) (err error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	dir, journal := filepath.Join(out, keptTwin), filepath.Join(out, "design.twin.journal")
	if keep {
		err = keptRunning(cmd, dir)
	} else {
		var end func() error
		dir, end, err = passing(ctx, c)
		journal = filepath.Join(dir, "journal")
		defer func() { err = errors.Join(err, end()) }()
	}
	if err != nil {
		return err
	}
	f := conformFlags{cloudFlags: cloudFlags{cloud: cloudTwin, state: dir, principal: "*"}, wait: conformWait, parallel: deploy.Parallel, timeout: settleTime}
	d := &deployment{c: c, design: pl.design, journal: journal}
	if d.place, err = f.open(ctx); err != nil {
		return err
	}
	defer d.place.close()
	if err := d.prepare(ctx, nil, true); err != nil {
		return err
	}
	if err := pl.deploy(cmd, d, p); err != nil {
		return err
	}
	st := p.Stage("run", 0)
	if _, err := twin.Tell(dir, twin.Command{Settle: settleTime}); err != nil {
		st.Fail("the network does not settle")
		return twinError(err)
	}
	net, err := runningWords(dir)
	if err != nil {
		st.Fail("the network does not answer")
		return twinError(err)
	}
	st.Done(net)
	x := &conforming{flags: &f, c: c, place: d.place, p: p, stdout: cmd.OutOrStdout(), words: cmd.ErrOrStderr(), hush: true}
	if x.design, err = d.place.homed(ctx, pl.design); err != nil {
		return err
	}
	st = p.Stage("conform", 0)
	r, err := x.settled(ctx)
	if err != nil {
		st.Fail("the endpoint fails")
		return err
	}
	r.Endpoint = twinWord
	pl.seen = r
	if !r.Conforms {
		st.Fail(fmt.Sprintf("%s not as proved", count(len(r.Findings), "thing")))
		return nil
	}
	st.Done(fmt.Sprintf("%s and %s with %s are what was proved", count(r.Compared.Resources, "resource"), count(r.Compared.Tables, "table"), count(r.Compared.Rows, "row")))
	return nil
}

// deploy makes the endpoint have what the design wants.
func (pl *plan) deploy(cmd *cobra.Command, d *deployment, p *progress) error {
	var st *stage
	o := deploy.Options{Catalog: d.c}
	o.Planned = func(_ *deploy.Plan, left int) error {
		st = p.Stage("deploy", left)
		return nil
	}
	o.Progress = func(e deploy.Event) {
		if e.State != "begins" {
			st.Step(1, shortID(e.ID))
		}
	}
	r, err := d.run(cmd, o, deploy.Apply)
	if err == nil {
		err = d.tell()
	}
	if st == nil {
		st = p.Stage("deploy", 0)
	}
	if err != nil {
		st.Fail("not deployed")
		return deployError(err)
	}
	st.Done(fmt.Sprintf("%s to %s on this machine", count(r.Written+r.Found, "write"), twinWord))
	return nil
}

// passing starts a twin in this process, with its state in a directory that goes when it ends.
func passing(ctx context.Context, c *catalog.Catalog) (dir string, end func() error, err error) {
	if dir, err = os.MkdirTemp("", "onramp-twin-*"); err != nil {
		return "", func() error { return nil }, outside(err)
	}
	gone := func() error { return os.RemoveAll(dir) }
	t, err := twin.Open(twin.Options{Dir: dir, Listen: anyPort, Pace: arm.PaceInstant, Provider: arm.ProviderAuto}, c)
	if err != nil {
		return dir, gone, twinError(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // interrupted, what is under way is ended first
	served := make(chan error, 1)
	go func() { served <- t.Serve(ctx) }()
	return dir, func() error {
		stop()
		return errors.Join(<-served, gone())
	}, nil
}

// keptRunning starts a twin that goes on when this process has ended, unless one runs there already.
func keptRunning(cmd *cobra.Command, dir string) error {
	if _, err := twin.Ask(dir); err == nil {
		return nil
	}
	quiet := &cobra.Command{}
	quiet.SetContext(cmd.Context())
	quiet.SetOut(io.Discard) // its words are told at the end
	quiet.SetErr(cmd.ErrOrStderr())
	start := startFlags{listen: anyPort, pace: string(arm.PaceInstant), provider: string(arm.ProviderAuto), throttle: string(arm.ThrottleNone)}
	return start.away(quiet, dir)
}

// runningWords tell how a running network is.
func runningWords(dir string) (string, error) {
	s, err := twin.AskNet(dir)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s with %s, %d of them up", count(s.Routers, "router"), count(s.Sessions, "BGP session"), s.Up), nil
}

// tellKept says how to use a twin that runs on.
func tellKept(w io.Writer, out string) {
	dir := filepath.Join(out, keptTwin)
	fmt.Fprintf(w, "\nThe twin runs on, with its state in %s:\n", dir)
	for _, line := range []string{"twin net status", "twin net names", "twin env", "conform " + filepath.Join(out, "design.json"), "twin stop"} {
		fmt.Fprintf(w, "  onramp %s --state %s\n", line, dir)
	}
}
