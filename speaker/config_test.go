package speaker

import (
	"encoding/json"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/bgp"
	"onramp/yamlfile"
)

var update = flag.Bool("update", false, "rewrite the expected findings in testdata")

func whole(t testing.TB) []byte {
	src, err := os.ReadFile("testdata/whole.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestAFileWithEveryKeyIsReadAsItSays(t *testing.T) {
	c, findings := ParseConfig("whole.yaml", whole(t))
	for _, f := range findings {
		t.Error(f)
	}
	if c == nil {
		t.FailNow()
	}
	n := &c.Neighbors[0]
	got := c.neighbor(n, n.LocalAddress)
	if got.Import == nil || got.Import.Name != "in" || got.Export == nil || got.Export.Name != "out" {
		t.Errorf("policies %v and %v", got.Import, got.Export)
	}
	got.Import, got.Export = nil, nil
	want := bgp.NeighborConfig{
		Name: "provider", Addr: netip.MustParseAddr("192.0.2.2"), AS: 65002,
		LocalAddr: netip.MustParseAddr("192.0.2.1"), LocalIPv6: netip.MustParseAddr("2001:db8::1"), LocalLinkLocal: netip.MustParseAddr("fe80::1"), LocalAS: 65010,
		Families: []bgp.Family{bgp.IPv4Unicast(), bgp.IPv6Unicast()}, Passive: true,
		HoldTime: 9 * time.Second, MinHoldTime: 3 * time.Second, KeepaliveTime: 3 * time.Second, ConnectRetry: time.Second, DelayOpen: 2 * time.Second,
		IdleHold: 100 * time.Millisecond, Damping: true, NoRestart: true, MRAI: 30 * time.Second,
		AllowOwnAS: 1, Options: bgp.ExportOptions{KeepMED: true, RemovePrivate: true, ASOverride: 65002}, NextHopUnchanged: true, Weight: 7, LocalPrefKept: true, IGPCost: 8,
		IPv4Limit: bgp.Limit{Max: 100}, IPv6Limit: bgp.Limit{Max: 50}, LimitRestart: time.Minute,
		RestartTime: time.Minute, StaleTime: 90 * time.Second, TwoOctetAS: true, NoRouteRefresh: true, NoEnhancedRefresh: true,
	}
	if d := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); d != "" {
		t.Error(d)
	}
	a := c.Networks[0].attrs()
	if s := ptr(newRoute(c.Networks[0].Prefix, &a)).String(); s != "10.1.0.0/16 nextHop 192.0.2.1 asPath [64512 64513] origin ? med 0 localPref 200 communities 65001:1,no-export extCommunities rt:65001:1 largeCommunities 65001:1:2 atomicAggregate aggregator 65001 10.0.0.1 attribute 98 00 attribute 99 0a0b weight 5" {
		t.Errorf("the first network is %s", s)
	}
	if n := c.neighbor(&c.Neighbors[1], netip.Addr{}); !n.NoHoldTime || !n.PolicyOptional || !n.Options.SendCommunities {
		t.Errorf("the second neighbour is %+v", n)
	}
	if n := c.Neighbors[3]; n.Address.String() != "2001:db8::4" || n.Name != "2001:db8::4" || n.Port != 179 || time.Duration(n.GracefulRestart.RestartTime) != defaultRestart || n.BFD.Multiplier != defaultMultiplier {
		t.Errorf("the last neighbour is %+v", n)
	}
}

func ptr[T any](v T) *T { return &v }

func TestWhatAFileLeavesOutIsFilledIn(t *testing.T) {
	c, findings := ParseConfig("f", []byte("as: 65001\nrouterId: 10.0.0.1\nneighbors: [{address: 192.0.2.2, as: 65001}]\n"))
	if c == nil || len(findings) > 0 {
		t.Fatal(findings)
	}
	n := c.Neighbors[0]
	if len(c.Listen) != 1 || c.Listen[0].String() != "0.0.0.0:179" || n.Name != "192.0.2.2" || n.Port != 179 || len(n.Families) != 1 || n.Families[0] != bgp.IPv4Unicast() {
		t.Errorf("got %+v", c)
	}
}

// TestEveryMistakeInAFileIsToldWithItsPlace reads testdata/mistakes.txtar: files, each followed by what is said of it.
func TestEveryMistakeInAFileIsToldWithItsPlace(t *testing.T) {
	a, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, want := &a.Files[i], &a.Files[i+1]
		t.Run(strings.TrimSuffix(in.Name, ".yaml"), func(t *testing.T) {
			var got strings.Builder
			c, findings := ParseConfig("f", in.Data)
			for _, f := range findings {
				got.WriteString(f.String() + "\n")
			}
			if c == nil {
				got.WriteString("refused\n")
			}
			if *update {
				want.Data = []byte(got.String())
			}
			if d := cmp.Diff(string(want.Data), got.String()); d != "" {
				t.Error(d)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/mistakes.txtar", txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheSchemaTakesWhatTheReaderTakes(t *testing.T) {
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	k := jsonschema.NewCompiler()
	if err := k.AddResource("speaker.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := k.Compile("speaker.json")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := ParseConfig("whole.yaml", whole(t))
	src, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Error(err)
	}
	for _, key := range []string{"as", "routerId"} {
		w, _ := jsonschema.UnmarshalJSON(strings.NewReader(string(src)))
		delete(w.(map[string]any), key)
		if s.Validate(w) == nil {
			t.Errorf("nobody misses %s", key)
		}
	}
	// What is read is written so that it can be read again.
	again, findings := ParseConfig("again", src)
	for _, f := range findings {
		if f.Severity == yamlfile.Error {
			t.Error(f)
		}
	}
	if again != nil {
		if twice, _ := json.Marshal(again); string(twice) != string(src) {
			t.Errorf("read and written again it is\n%s\nand was\n%s", twice, src)
		}
	}
}

func FuzzConfig(f *testing.F) {
	f.Add(whole(f))
	f.Add([]byte("as: 65001\nrouterId: 10.0.0.1\nlisten: []\n"))
	f.Add([]byte("{as: 1, routerId: 1.1.1.1, neighbors: [{address: ::1, as: 2, holdTime: 1h}], networks: [{prefix: 2001:db8::/32}]}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, findings := ParseConfig("f", src)
		if c == nil {
			if len(findings) == 0 {
				t.Error("refused without a word")
			}
			return
		}
		core, err := bgp.NewSpeaker(c.speaker())
		if err != nil {
			t.Fatalf("the core does not take what was checked: %v", err)
		}
		for i := range c.Networks {
			core.Originate(0, c.Networks[i].Prefix, c.Networks[i].attrs())
		}
		for i := range c.Neighbors {
			n := &c.Neighbors[i]
			local := n.LocalAddress
			if !local.IsValid() {
				local = netip.MustParseAddr("192.0.2.77")
				if n.Address.Is6() {
					local = netip.MustParseAddr("2001:db8:77::77")
				}
			}
			if _, err := core.AddNeighbor(0, c.neighbor(n, local)); err != nil {
				t.Fatalf("the core does not take neighbour %s: %v", n.Name, err)
			}
		}
	})
}

func FuzzCommand(f *testing.F) {
	for _, s := range Commands() {
		f.Add(s)
	}
	f.Add("announce 10.0.0.0/8 {med: 5, communities: [64512:1]}")
	f.Add("notify a 6 2 00")
	f.Fuzz(func(t *testing.T, text string) {
		cfg := &Config{AS: 65001, RouterID: netip.MustParseAddr("10.0.0.1"), Neighbors: []Neighbor{{Name: "a", Address: netip.MustParseAddr("192.0.2.2"), AS: 65002,
			LocalAddress: netip.MustParseAddr("192.0.2.1"), Families: []bgp.Family{bgp.IPv4Unicast()}}}}
		answers := 0
		l := &loop{cfg: cfg, o: Options{Events: func(e Event) {
			_ = e.String()
			if e.Kind == Answered {
				answers++
			}
		}}, peers: map[bgp.NeighborID]*peer{}, byAddr: map[netip.Addr]*peer{}, byName: map[string]*peer{}, conns: map[bgp.ConnID]*conn{}}
		if err := l.configure(); err != nil {
			t.Fatal(err)
		}
		l.core.Stop(0, 0, nil)
		if strings.Contains(text, "start") {
			return // it would dial
		}
		l.command(Command{text})
		if answers > 1 {
			t.Errorf("%q is answered %d times", text, answers)
		}
	})
}
