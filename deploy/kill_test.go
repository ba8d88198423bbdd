package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"onramp/azure"
	"onramp/twin"
)

// childEnv tells a test binary that it is to be the program that is killed.
const childEnv = "ONRAMP_DEPLOY_TEST_CHILD"

// child is what it is to do.
type child struct {
	URL, Authority, Token, Journal, Target string
	// Hit is a file with the points at which others were killed: it kills itself at the first other one.
	Hit string
	// Sent kills it, too, while the endpoint is at work on what it sent.
	Sent     bool
	Parallel int
}

func TestMain(m *testing.M) {
	if s := os.Getenv(childEnv); s != "" {
		if err := beChild(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// beChild applies, and ends in the middle of it as if the power went.
func beChild(s string) error {
	var c child
	if err := json.Unmarshal([]byte(s), &c); err != nil {
		return err
	}
	b, err := os.ReadFile(c.Target)
	if err != nil {
		return err
	}
	t, err := decodeTarget(b)
	if err != nil {
		return err
	}
	web, err := clientOf(c.Authority)
	if err != nil {
		return err
	}
	e, err := open(context.Background(), c.URL, c.Token, web)
	if err != nil {
		return err
	}
	j, err := OpenJournal(c.Journal)
	if err != nil {
		return err
	}
	o := quick()
	o.Parallel = c.Parallel
	was, err := os.ReadFile(c.Hit)
	if err != nil {
		return err
	}
	hit := map[string]bool{}
	for l := range strings.Lines(string(was)) {
		hit[strings.TrimSpace(l)] = true
	}
	var mu sync.Mutex
	o.hook = func(point string, id azure.ID) {
		mu.Lock()
		defer mu.Unlock()
		at := point + " " + string(id)
		if hit[at] || point == "sent" && !c.Sent {
			return
		}
		fmt.Println(at)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // it comes any moment
	}
	_, err = Apply(context.Background(), e, t, j, o)
	return err
}

// spawn runs a child to its end; killed tells where it was killed, empty where it came to the end of its work.
func (r *rig) spawn(target, hit string, sent bool, parallel int) (killed string) {
	r.t.Helper()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	b, _ := json.Marshal(child{r.tw.URL(), r.tw.Authority(), r.token, r.journal, target, hit, sent, parallel})
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"="+string(b), "GOGC=off")
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	err = cmd.Run()
	if err == nil {
		return ""
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		r.t.Fatalf("the child ended otherwise: %v %s", err, words.String())
	}
	return strings.TrimSpace(out.String())
}

// kills applies a target with children that are killed one after the other, each at a point at which none was killed before, until one
// comes to its end; it returns the points.
func (r *rig) kills(target *Target, sent bool, parallel int) map[string]bool {
	r.t.Helper()
	file := r.write(target)
	list := filepath.Join(r.t.TempDir(), "hit")
	f, err := os.Create(list)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	hit := map[string]bool{}
	for {
		killed := r.spawn(file, list, sent, parallel)
		if killed == "" {
			return hit
		}
		if hit[killed] {
			r.t.Fatalf("a second one was killed at %s", killed)
		}
		hit[killed] = true
		if _, err := fmt.Fprintln(f, killed); err != nil {
			r.t.Fatal(err)
		}
	}
}

func TestKilledAtEachStepTheNextApplyEndsAsOneThatNobodyDisturbed(t *testing.T) {
	for _, name := range all() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calm := newRig(t, twin.Options{})
			d := designOf(t, calm.c, name)
			if _, err := calm.apply(calm.target(d), quick()); err != nil {
				t.Fatal(err)
			}
			r := newRig(t, twin.Options{})
			target := r.target(d)
			hit := r.kills(target, false, 1)
			for _, x := range target.items {
				for _, p := range []string{"begun", "answered"} {
					if !hit[p+" "+string(x.id)] {
						t.Errorf("nobody was killed when %s had %s", x.id, p)
					}
				}
				if n := r.log.times(x.key); n != 1 {
					t.Errorf("%s was written %d times", x.id, n)
				}
			}
			r.same(calm, target)
		})
	}
}

// write writes a target down for other processes.
func (r *rig) write(t *Target) string {
	r.t.Helper()
	b, err := t.encode()
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(r.t.TempDir(), "target")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		r.t.Fatal(err)
	}
	return file
}

// same checks that two twins have the same of a target, and all of it, and that the journal says so too.
func (r *rig) same(calm *rig, t *Target) {
	r.t.Helper()
	want, got := calm.state(t), r.state(t)
	if len(want) != len(got) || len(got) < len(t.items) {
		r.t.Errorf("%d are there, %d with nobody disturbing, of %d", len(got), len(want), len(t.items))
	}
	for k, w := range want {
		if got[k] != w {
			r.t.Errorf("%s is\n%s\nand would have been\n%s", k, got[k], w)
		}
	}
	p := r.plan(t, PlanOptions{})
	for _, c := range p.Changes {
		r.t.Errorf("after all: %s %s %v %v", c.Kind, c.ID, c.Properties, c.Drift)
	}
}
