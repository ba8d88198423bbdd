package speaker

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/bfd"
)

// pair starts two speakers in AS 65001 and AS 65002, at 127.0.0.1 and 127.0.0.2, of which the second dials. What is given is added to
// the neighbour of each, and to the file of the first.
func pair(t *testing.T, first, firstNeighbor, secondNeighbor string) (a, b *rig) {
	t.Helper()
	a = start(t, "a", fmt.Sprintf(`
as: 65001
routerId: 10.0.0.1
listen: [127.0.0.1:0]
%s
neighbors:
  - {name: b, address: 127.0.0.2, as: 65002, localAddress: 127.0.0.1, localIpv4: 192.0.2.1, passive: true, requirePolicy: false, idleHold: 100ms %s}
`, first, firstNeighbor))
	b = start(t, "b", fmt.Sprintf(`
as: 65002
routerId: 10.0.0.2
listen: []
neighbors:
  - {name: a, address: 127.0.0.1, port: %d, as: 65001, localAddress: 127.0.0.2, localIpv4: 192.0.2.2, requirePolicy: false, idleHold: 100ms, connectRetry: 1s %s}
`, a.port(), secondNeighbor))
	return a, b
}

func TestTwoSpeakersExchangeTheirRoutesWithAllAttributes(t *testing.T) {
	a, b := pair(t, `networks:
  - {prefix: 10.1.0.0/16, med: 7, origin: egp, communities: ["65001:1", no-advertise]}
  - {prefix: 10.2.0.0/16, med: 7, asPath: [64512], communities: ["65001:1"], extCommunities: ["rt:65001:2"], largeCommunities: ["65001:1:2"], atomicAggregate: true, aggregator: {as: 65001, address: 10.0.0.1}}
  - prefix: 10.3.0.0/16`, ", keepMed: true", "")
	a.state(0, "b", "Established")
	b.state(0, "a", "Established")
	got := b.poll("show received a", func(x Answer) bool { return len(x.Routes) == 2 }).Routes
	if want := []string{"10.2.0.0/16", "10.3.0.0/16"}; !slices.Equal(prefixes(got), want) {
		t.Fatalf("b has %v, want %v: no-advertise goes to nobody", prefixes(got), want)
	}
	if got, want := got[0].String(), "10.2.0.0/16 nextHop 192.0.2.1 asPath [65001 64512] origin i med 7 communities 65001:1 extCommunities rt:65001:2 largeCommunities 65001:1:2 atomicAggregate aggregator 65001 10.0.0.1 from a used"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	told := a.ask("show advertised b").Routes
	if !slices.Equal(prefixes(told), prefixes(got)) {
		t.Errorf("a says that it told %v, and b holds %v", prefixes(told), prefixes(got))
	}
	if s := b.ask("show neighbors").Neighbors[0]; s.State != "Established" || s.Prefixes != 2 || !s.Outbound || s.RouterID.String() != "10.0.0.1" || !s.Capabilities.FourOctetAS {
		t.Errorf("the neighbour stands %+v", s)
	}

	if x := b.ask("announce 10.9.0.0/16 {med: 5}"); x.Error != "" {
		t.Fatal(x.Error)
	}
	_, next := a.wait(0, "route", func(e *Event) bool { return e.Kind == RouteChanged && e.Prefix == "10.9.0.0/16" && !e.Withdrawn })
	b.ask("withdraw 10.9.0.0/16")
	a.wait(next, "withdrawal", func(e *Event) bool { return e.Kind == RouteChanged && e.Prefix == "10.9.0.0/16" && e.Withdrawn })
	b.ask("refresh a")
	a.wait(next, "refresh", func(e *Event) bool { return e.Kind == Refreshed && e.Family == "ipv4" })
}

func TestASessionEndsAndStartsAsItIsTold(t *testing.T) {
	a, b := pair(t, "", "", "")
	at := a.state(0, "b", "Established")
	bt := b.state(0, "a", "Established")
	b.ask("stop a gone for lunch")
	e, _ := a.wait(at, "notification", func(e *Event) bool { return e.Kind == Notified })
	if n := e.Notification; n.Sent || n.Code != 6 || n.Subcode != 2 || n.Text != "gone for lunch" {
		t.Errorf("a was told %+v", n)
	}
	at = a.state(at, "b", "Idle")
	bt = b.state(bt, "a", "Idle")
	b.ask("start a")
	at = a.state(at, "b", "Established")
	bt = b.state(bt, "a", "Established")
	a.ask("notify b 6 4 00")
	e, _ = b.wait(bt, "notification", func(e *Event) bool { return e.Kind == Notified })
	if n := e.Notification; n.Sent || n.Code != 6 || n.Subcode != 4 || n.Data != "00" {
		t.Errorf("b was told %+v", n)
	}
	a.state(at, "b", "Established")
	bt = b.state(bt, "a", "Established")
	if err := a.end(); err != nil {
		t.Fatal(err)
	}
	e, _ = b.wait(bt, "notification", func(e *Event) bool { return e.Kind == Notified })
	if n := e.Notification; n.Code != 6 || n.Subcode != 2 {
		t.Errorf("a speaker that ends says %+v", n)
	}
	if last := a.events[len(a.events)-1]; last.Kind != Stopped {
		t.Errorf("the last event is %s", last.String())
	}
}

func TestProtectedSessionsComeUp(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"with a key (RFC 2385)", ", password: secret", ", password: secret"},
		{"with the TTL checked (RFC 5082)", ", ttlSecurity: 1", ", ttlSecurity: 1"},
		{"with both", ", password: secret, ttlSecurity: 2", ", password: secret, ttlSecurity: 2"},
		{"over several hops", ", multihop: 3", ", multihop: 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := pair(t, "", c.a, c.b)
			a.state(0, "b", "Established")
			b.state(0, "a", "Established")
		})
	}
}

func TestASessionWithoutTheRightKeyDoesNotComeUp(t *testing.T) {
	a, b := pair(t, "", ", password: secret", "")
	c := start(t, "c", fmt.Sprintf(`
as: 65003
routerId: 10.0.0.3
listen: []
neighbors:
  - {name: a, address: 127.0.0.1, port: %d, as: 65001, localAddress: 127.0.0.3, requirePolicy: false}
`, a.port()))
	// The listening socket answers, as c, whom it does not know, is told; b's segments meanwhile are dropped.
	e, _ := a.wait(0, "refusal", func(e *Event) bool { return e.Kind == ConnectionRefused })
	if !strings.HasPrefix(e.Address, "127.0.0.3:") || e.Reason != "no neighbour has this address" {
		t.Errorf("a refused %s", e.String())
	}
	c.end()
	if s := b.ask("show neighbors").Neighbors[0].State; s != "Connect" {
		t.Errorf("b is in state %s", s)
	}
}

func TestCommandsThatAreWrongSayWhatWouldBeRight(t *testing.T) {
	a := start(t, "a", "as: 65001\nrouterId: 10.0.0.1\nlisten: []\nneighbors: [{name: peer-1, address: 127.0.0.9, as: 65002, localAddress: 127.0.0.1, passive: true, requirePolicy: false}]\n")
	for _, c := range []struct{ line, want string }{
		{"shew routes", `there is no command "shew"; did you mean show?`},
		{"show route", `there is no thing to show "route"; did you mean routes?`},
		{"show", "want: show routes [PREFIX]"},
		{"show received", "want: show routes [PREFIX]"},
		{"show received peer-2", `there is no neighbour "peer-2"; did you mean peer-1?`},
		{"show routes 10.0.0.1/8", `"10.0.0.1/8" is no prefix such as 10.1.0.0/16`},
		{"announce", "want: announce PREFIX"},
		{"announce 10.0.0.0/8 {mad: 5}", "there is no such key (value \"mad\"); did you mean med?"},
		{"announce 10.0.0.0/8 med=5", "this is a text"},
		{"announce 10.0.0.0/8 {med: 5", "this is not YAML"},
		{"withdraw all", `"all" is no prefix`},
		{"refresh peer-1 ipv5", `address family "ipv5": want ipv4 or ipv6`},
		{"notify peer-1 6", "want: notify NEIGHBOR CODE SUBCODE [HEX]"},
		{"notify peer-1 6 256", "numbers from 0 to 255"},
		{"notify peer-1 6 2 0", "hexadecimal"},
		{"stop 127.0.0.9 " + strings.Repeat("x", 256), "want at most 255"},
	} {
		t.Run(c.line[:min(len(c.line), 30)], func(t *testing.T) {
			if got := a.ask(c.line).Error; !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q in it", got, c.want)
			}
		})
	}
	a.ask("exit")
	if err := <-a.done; err != nil {
		t.Error(err)
	}
	a.done <- nil
}

func TestAPathThatBreaksEndsTheSessionBeforeItsHoldTimer(t *testing.T) {
	a, b := pair(t, "", ", bfd: {interval: 50ms}", "")
	end := startBFD(t, bfdUDPPort)
	local, remote := netip.MustParseAddr("127.0.0.2"), netip.MustParseAddr("127.0.0.1")
	if err := end.Add(0, local, remote, bfd.Config{DesiredMinTx: 50 * time.Millisecond, RequiredMinRx: 50 * time.Millisecond, DetectMult: 3}); err != nil {
		t.Fatal(err)
	}
	at := a.state(0, "b", "Established")
	bt := b.state(0, "a", "Established")
	a.wait(0, "BFD up", func(e *Event) bool { return e.Kind == LinkChanged && e.Neighbor == "b" && e.To == "Up" })
	end.stop() // without a word
	e, _ := a.wait(0, "BFD down", func(e *Event) bool { return e.Kind == LinkChanged && e.From == "Up" })
	if e.To != "Down" || e.Reason != "detection time expired" {
		t.Errorf("BFD went %s", e.String())
	}
	a.state(at, "b", "Idle")
	e, _ = b.wait(bt, "notification", func(e *Event) bool { return e.Kind == Notified })
	if n := e.Notification; n.Sent || n.Code != 6 || n.Subcode != 10 {
		t.Errorf("b was told %s, want Cease, BFD Down (RFC 9384)", n)
	}
}

func TestASessionThatIsStoppedByHandIsNoFailureOfItsPath(t *testing.T) {
	a, b := pair(t, "", ", bfd: {interval: 50ms}", ", bfd: {interval: 50ms}")
	at := a.state(0, "b", "Established")
	up := func(e *Event) bool { return e.Kind == LinkChanged && e.To == "Up" }
	a.wait(0, "BFD up", up)
	b.wait(0, "BFD up", up)
	b.ask("stop a")
	e, _ := a.wait(at, "notification", func(e *Event) bool { return e.Kind == Notified })
	if n := e.Notification; n.Sent || n.Subcode != 2 {
		t.Errorf("a ended the session with %s", n)
	}
	a.wait(0, "BFD down", func(e *Event) bool { return e.Kind == LinkChanged && e.From == "Up" })
	_, next := b.wait(0, "BFD down", func(e *Event) bool { return e.Kind == LinkChanged && e.From == "Up" })
	b.ask("start a")
	b.wait(next, "BFD up", up)
	a.state(at, "b", "Established")
}

func TestEventsFitTheirSchema(t *testing.T) {
	text, err := EventSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	k := jsonschema.NewCompiler()
	if err := k.AddResource("events.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := k.Compile("events.json")
	if err != nil {
		t.Fatal(err)
	}
	a, b := pair(t, "networks: [{prefix: 10.1.0.0/16, med: 1, communities: [no-export-subconfed], aggregator: {as: 1, address: 10.0.0.1}}, {prefix: 10.2.0.0/16}]", ", gracefulRestart: {}, maxPrefixes: {ipv4: 1}", ", gracefulRestart: {}")
	a.state(0, "b", "Established")
	b.state(0, "a", "Established")
	b.poll("show received a", func(x Answer) bool { return len(x.Routes) == 1 })
	for _, line := range []string{"help", "show routes", "show neighbors", "show advertised b", "refresh b", "nonsense", "withdraw 10.2.0.0/16"} {
		a.ask(line)
	}
	b.ask("announce 10.8.0.0/16")
	b.ask("announce 10.9.0.0/16")
	a.wait(0, "limit", func(e *Event) bool { return e.Kind == LimitPassed })
	a.ask("show neighbors")
	a.end()
	b.end()
	kinds := map[string]bool{}
	for _, e := range append(a.events, b.events...) {
		line, err := json.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(line)))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(v); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		kinds[e.Kind] = true
	}
	for _, want := range []string{Listening, StateChanged, Notified, RouteChanged, EndOfRIB, LimitPassed, Refreshed, Answered, Stopped} {
		if !kinds[want] {
			t.Errorf("there was no event %s", want)
		}
	}
}
