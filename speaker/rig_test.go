package speaker

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onramp/yamlfile"
)

// patience is how long a test waits for what must come; only a failing test waits so long.
const patience = 20 * time.Second

// rig is a speaker under test.
type rig struct {
	t        *testing.T
	name     string
	commands chan Command
	stop     context.CancelFunc
	done     chan error

	mu     sync.Mutex
	events []Event
	more   chan struct{} // closed and replaced with each event
}

// parse reads a file that must be right.
func parse(t *testing.T, src string) *Config {
	t.Helper()
	cfg, findings := ParseConfig("test.yaml", []byte(src))
	for _, f := range findings {
		if f.Severity == yamlfile.Error {
			t.Fatal(f)
		}
	}
	return cfg
}

// start runs a speaker until the test ends.
func start(t *testing.T, name, src string) *rig {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &rig{t: t, name: name, commands: make(chan Command), stop: cancel, done: make(chan error, 1), more: make(chan struct{})}
	cfg := parse(t, src)
	go func() {
		r.done <- Run(ctx, cfg, Options{Events: r.note, Routes: true, Commands: r.commands})
	}()
	t.Cleanup(func() { r.end() })
	return r
}

// end stops the speaker and waits until it has.
func (r *rig) end() error {
	r.stop()
	select {
	case err := <-r.done:
		r.done <- err // for whoever asks again
		return err
	case <-time.After(patience):
		return fmt.Errorf("%s does not end", r.name)
	}
}

func (r *rig) note(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	close(r.more)
	r.more = make(chan struct{})
}

// wait returns the first event from the given index on that is as wanted, and the index after it.
func (r *rig) wait(from int, what string, wanted func(*Event) bool) (Event, int) {
	r.t.Helper()
	late := time.After(patience)
	for {
		r.mu.Lock()
		events, more := r.events, r.more
		r.mu.Unlock()
		for ; from < len(events); from++ {
			if wanted(&events[from]) {
				return events[from], from + 1
			}
		}
		select {
		case <-more:
		case <-late:
			var log []string
			for i := range events {
				log = append(log, events[i].String())
			}
			r.t.Fatalf("%s: no %s; it told\n%s", r.name, what, strings.Join(log, "\n"))
		}
	}
}

// state waits for a session's change.
func (r *rig) state(from int, neighbor, to string) int {
	r.t.Helper()
	_, next := r.wait(from, neighbor+" "+to, func(e *Event) bool { return e.Kind == StateChanged && e.Neighbor == neighbor && e.To == to })
	return next
}

// ask gives a command and returns its answer.
func (r *rig) ask(text string) Answer {
	r.t.Helper()
	r.mu.Lock()
	from := len(r.events)
	r.mu.Unlock()
	select {
	case r.commands <- Command{text}:
	case <-time.After(patience):
		r.t.Fatalf("%s does not take the command %q", r.name, text)
	}
	e, _ := r.wait(from, "answer to "+text, func(e *Event) bool { return e.Kind == Answered })
	return *e.Answer
}

// poll asks until the answer is as wanted.
func (r *rig) poll(text string, wanted func(Answer) bool) Answer {
	r.t.Helper()
	for late := time.Now().Add(patience); ; {
		a := r.ask(text)
		if wanted(a) {
			return a
		}
		if time.Now().After(late) {
			r.log()
			r.t.Fatalf("%s: %s still answers %s", r.name, text, a.String())
		}
	}
}

// port is where the speaker listens.
func (r *rig) port() uint16 {
	r.t.Helper()
	e, _ := r.wait(0, "listening", func(e *Event) bool { return e.Kind == Listening })
	return netip.MustParseAddrPort(e.Address).Port()
}

// prefixes are those of routes.
func prefixes(routes []Route) []string {
	var out []string
	for _, r := range routes {
		out = append(out, r.Prefix.String())
	}
	slices.Sort(out)
	return out
}

// log shows what the speaker told, but for the answers.
func (r *rig) log() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.events {
		if r.events[i].Kind != Answered {
			r.t.Log(r.name, r.events[i].String())
		}
	}
}
