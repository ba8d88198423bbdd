//go:build linux

package speaker_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"onramp/speaker"
)

// ours is our own speaker in a node: the test's binary again, as the command is (main_test.go). It tells what happens by
// itself, so that a test can wait for an event instead of asking again and again.
type ours struct {
	t        testing.TB
	node     *labNode
	file     string
	config   *speaker.Config // what the file says
	daemon   *labProcess
	commands *os.File // its standard input

	mu       sync.Mutex
	events   []speaker.Event // of all its lives
	since    int             // where those of the present one begin
	answers  chan *speaker.Answer
	asking   sync.Mutex    // one command waits for its answer
	happened chan struct{} // closed and made anew with each event
}

// startOurs runs our speaker in the node as the speaker of the peerings.
func startOurs(t testing.TB, n *labNode, s *labSpeaker, peerings ...labPeering) *ours {
	t.Helper()
	o := &ours{t: t, node: n, file: filepath.Join(n.dir, "speaker.yaml"), happened: make(chan struct{})}
	o.write(oursConfig(t, s, peerings...))
	o.start()
	return o
}

func (o *ours) name() string { return o.node.name }

func (o *ours) write(config string) {
	o.t.Helper()
	o.config = o.parse(config)
	if err := os.WriteFile(o.file, []byte(config), 0o644); err != nil {
		o.t.Fatal(err)
	}
}

func (o *ours) parse(config string) *speaker.Config {
	o.t.Helper()
	c, findings := speaker.ParseConfig(o.file, []byte(config))
	if c == nil {
		o.t.Fatalf("our configuration: %v\n%s", findings, config)
	}
	return c
}

func (o *ours) start() { o.t.Helper(); o.run(o.file) }

// restart starts it as a speaker that comes back with its forwarding state kept.
func (o *ours) restart() {
	o.t.Helper()
	config, err := os.ReadFile(o.file)
	if err != nil {
		o.t.Fatal(err)
	}
	file := o.file + ".restarting"
	if err := os.WriteFile(file, append([]byte("restarting: true\n"), config...), 0o644); err != nil {
		o.t.Fatal(err)
	}
	o.run(file)
}

func (o *ours) run(file string) {
	o.t.Helper()
	self, err := os.Executable()
	if err != nil {
		o.t.Fatal(err)
	}
	in, commands, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	printed, out, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	from := o.count()
	o.since = from
	o.commands, o.answers = commands, make(chan *speaker.Answer, 1)
	o.daemon = o.node.startTalking("speaker", in, out, "env", "ONRAMP_TEST_SPEAKER="+file, self)
	_, _ = in.Close(), out.Close() // the process has them
	go o.read(printed, commands, o.answers)
	o.waitEvent(from, 10*time.Second, "listens", func(e speaker.Event) bool { return e.Kind == speaker.Listening })
}

// read takes what the speaker prints, until it ends.
func (o *ours) read(printed, commands *os.File, answers chan<- *speaker.Answer) {
	defer printed.Close()
	defer commands.Close()
	defer close(answers)
	log, err := os.OpenFile(o.daemon.output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer log.Close()
	lines := bufio.NewReader(printed)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e speaker.Event
		if err := json.Unmarshal(line, &e); err != nil {
			_, _ = fmt.Fprintf(log, "not an event: %v: %s", err, line)
			continue
		}
		if e.Kind == speaker.Answered {
			answers <- e.Answer
			continue
		}
		_, _ = log.Write(line) // for the reader of a failure
		o.mu.Lock()
		o.events = append(o.events, e)
		close(o.happened)
		o.happened = make(chan struct{})
		o.mu.Unlock()
	}
}

// count is how many events there were so far: what happens from now on is found with it by waitEvent.
func (o *ours) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.events)
}

// waitEvent waits until an event for which ok holds has happened, of those from the given number on; it returns the event and
// the number of the next.
func (o *ours) waitEvent(from int, within time.Duration, what string, ok func(speaker.Event) bool) (speaker.Event, int) {
	o.t.Helper()
	late := time.NewTimer(within)
	defer late.Stop()
	for {
		o.mu.Lock()
		events, next := o.events, o.happened
		o.mu.Unlock()
		for ; from < len(events); from++ {
			if ok(events[from]) {
				return events[from], from + 1
			}
		}
		select {
		case <-next:
		case <-o.daemon.done:
			if o.count() == len(events) {
				o.t.Fatalf("%s has ended before it %s; it printed\n%s", o.name(), what, o.daemon.printed())
			}
		case <-late.C:
			o.t.Fatalf("%s %s: not within %s; it printed\n%s", o.name(), what, within, o.daemon.printed())
		}
	}
}

// waitState waits for an event that a neighbour's session came to a state.
func (o *ours) waitState(from int, peer netip.Addr, state string, within time.Duration) int {
	o.t.Helper()
	_, next := o.waitEvent(from, within, "has its session with "+peer.String()+" "+state, func(e speaker.Event) bool {
		return e.Kind == speaker.StateChanged && e.Neighbor == peer.String() && e.To == state
	})
	return next
}

// do gives the speaker a command and returns its answer.
func (o *ours) do(format string, args ...any) (*speaker.Answer, error) {
	line := fmt.Sprintf(format, args...)
	o.asking.Lock()
	defer o.asking.Unlock()
	if _, err := io.WriteString(o.commands, line+"\n"); err != nil {
		return nil, fmt.Errorf("%s: %w", line, err)
	}
	select {
	case a, ok := <-o.answers:
		switch {
		case !ok:
			return nil, fmt.Errorf("%s: the speaker has ended", line)
		case a.Error != "":
			return nil, errors.New(line + ": " + a.Error)
		}
		return a, nil
	case <-time.After(10 * time.Second):
		return nil, fmt.Errorf("%s: no answer within 10 s", line)
	}
}

func (o *ours) stop() { o.t.Helper(); o.daemon.signal(o.t, syscall.SIGTERM) }
func (o *ours) kill() { o.t.Helper(); o.daemon.signal(o.t, syscall.SIGKILL) }

// configure brings what the speaker originates to another configuration, all else of which must be as it was.
func (o *ours) configure(config string) {
	o.t.Helper()
	before, is := *o.config, o.parse(config)
	old := map[netip.Prefix]speaker.Network{}
	for _, n := range before.Networks {
		old[n.Prefix] = n
	}
	for _, n := range is.Networks {
		if !reflect.DeepEqual(old[n.Prefix], n) {
			if _, err := o.do("announce %s %s", n.Prefix, networkAttributes(o.t, n)); err != nil {
				o.t.Fatal(err)
			}
		}
		delete(old, n.Prefix)
	}
	for prefix := range old {
		if _, err := o.do("withdraw %s", prefix); err != nil {
			o.t.Fatal(err)
		}
	}
	before.Networks, is.Networks = nil, nil
	if !reflect.DeepEqual(&before, is) {
		o.t.Fatal("our speaker changes only its networks while it runs")
	}
	o.write(config)
}

// networkAttributes is a network as the command announce has it behind the prefix.
func networkAttributes(t testing.TB, n speaker.Network) string {
	t.Helper()
	var fields map[string]any
	data, err := json.Marshal(n)
	if err == nil {
		err = json.Unmarshal(data, &fields)
	}
	delete(fields, "prefix")
	if err == nil {
		data, err = json.Marshal(fields)
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (o *ours) refreshIn(peer netip.Addr) error { _, err := o.do("refresh %s", peer); return err }

func (o *ours) refreshOut(netip.Addr) error {
	return errors.New("our speaker sends its routes again only when a neighbour asks")
}

func (o *ours) reset(peer netip.Addr) error { return o.notify(peer, 6, 4) } // RFC 4486 section 4

// notify ends the session with a NOTIFICATION; it comes up again by itself.
func (o *ours) notify(peer netip.Addr, code, subcode uint8) error {
	_, err := o.do("notify %s %d %d", peer, code, subcode)
	return err
}

func (o *ours) shutdown(peer netip.Addr, message string) error {
	_, err := o.do("stop %s %s", peer, message)
	return err
}

func (o *ours) enable(peer netip.Addr) error { _, err := o.do("start %s", peer); return err }

// oursConfig is our speaker's file for one speaker of the peerings.
func oursConfig(t testing.TB, s *labSpeaker, peerings ...labPeering) string {
	t.Helper()
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("as: %d\nrouterId: %s", s.AS, s.ID)
	for _, line := range s.Lines {
		say("%s", line)
	}
	list := func(key string, entries []string) {
		if len(entries) > 0 {
			say("%s:\n%s", key, strings.Join(entries, "\n"))
		}
	}
	var policies, networks []string
	for _, p := range peerings {
		if own, other, ok := p.seen(s); ok && own.MED != nil {
			policies = append(policies, fmt.Sprintf("  - {name: %q, terms: [{name: med, set: {med: %d}, action: accept}], default: reject}", other.Addr, *own.MED))
		}
	}
	for _, r := range s.Routes {
		n, err := oursNetwork(r)
		if err != nil {
			t.Fatalf("%s: %v", r.Prefix, err)
		}
		networks = append(networks, "  - "+n)
	}
	list("policies", policies)
	list("networks", networks)
	say("neighbors:")
	for _, p := range peerings {
		if own, other, ok := p.seen(s); ok {
			oursSession(say, p, own, other)
		}
	}
	return b.String()
}

// oursSession says one session.
func oursSession(say func(string, ...any), p labPeering, own, other labEnd) {
	say("  - address: %q", other.Addr)
	say("    as: %d", other.AS)
	say("    localAddress: %q", own.Addr)
	if own.Other.Is4() {
		say("    localIpv4: %s", own.Other)
	} else if own.Other.IsValid() {
		say("    localIpv6: %q", own.Other)
	}
	if own.LinkLocal.IsValid() && slices.Contains(p.families(), "ipv6") {
		say("    localLinkLocal: %q", own.LinkLocal)
	}
	say("    families: [%s]", strings.Join(p.families(), ", "))
	say("    holdTime: %s", p.hold(own))
	say("    connectRetry: %ds", labRetry)
	say("    idleHold: 500ms")
	if other.AS != own.AS {
		say("    requirePolicy: false")
	}
	if own.Passive {
		say("    passive: true")
	}
	if own.Reflects {
		say("    routeReflectorClient: true")
	}
	if p.Password != "" {
		say("    password: %q", p.Password)
	}
	if p.BFD > 0 {
		say("    bfd: {interval: %s, multiplier: %d}", p.BFD, labDetectMultiplier)
	}
	if p.TTLSecurity {
		say("    ttlSecurity: 1")
	}
	if p.TwoOctet {
		say("    twoOctetAs: true")
	}
	if p.Restart > 0 {
		say("    gracefulRestart: {restartTime: %ds}", int(p.Restart.Seconds()))
	}
	if own.MED != nil {
		say("    export: %q", other.Addr) // the policy is named after the neighbour
	}
	if own.MaxPrefixes > 0 {
		say("    maxPrefixes: {ipv4: %[1]d, ipv6: %[1]d}", own.MaxPrefixes)
	}
	for _, line := range own.Extra {
		say("    %s", line)
	}
}

// oursNetwork is a route as an entry of networks.
func oursNetwork(r labRoute) (string, error) {
	n := map[string]any{"prefix": r.Prefix}
	if r.Origin != "" {
		n["origin"] = r.Origin
	}
	if r.Path != "" {
		n["asPath"] = json.RawMessage("[" + strings.Join(strings.Fields(r.Path), ",") + "]")
	}
	if r.MED != nil {
		n["med"] = *r.MED
	}
	if r.LocalPref != nil {
		n["localPref"] = *r.LocalPref
	}
	for key, list := range map[string][]string{"communities": r.Communities, "extCommunities": r.ExtCommunities, "largeCommunities": r.LargeCommunities} {
		if list != nil {
			n[key] = list
		}
	}
	if r.AtomicAggregate {
		n["atomicAggregate"] = true
	}
	if as, addr, ok := strings.Cut(r.Aggregator, " "); ok {
		n["aggregator"] = map[string]any{"as": json.RawMessage(as), "address": addr}
	}
	for _, u := range r.Unknown {
		kind, value, _ := strings.Cut(u, ":")
		list, _ := n["unknown"].([]any)
		n["unknown"] = append(list, map[string]any{"type": json.RawMessage(kind), "value": value})
	}
	data, err := json.Marshal(n)
	return string(data), err
}
