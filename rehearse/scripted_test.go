package rehearse

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
	"onramp/yamlfile"
)

// script reads a script for an estate.
func (e estate) script(t testing.TB, src string) *Script {
	t.Helper()
	s, findings := ParseScript("drills.yaml", []byte(src), e.d, e.n, e.c)
	if s == nil {
		t.Fatal(findings)
	}
	return s
}

func (e estate) play(t testing.TB, src string, o Options) *Scripted {
	t.Helper()
	r, err := RunScript(e.d, e.n, e.c, e.script(t, src), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// drawnScript is a script of one drill with up to six steps that may overlap in any way.
func drawnScript(t *rapid.T, n *network.Network) string {
	w := n.Wiring()
	var elements, links, edges, routers, gateways, sessions, sites, circuits []string
	for _, e := range n.Elements() {
		elements = append(elements, e.ID)
		switch e.Kind {
		case network.Link:
			links = append(links, e.ID)
		case network.Router, network.GatewayKind:
			routers = append(routers, e.ID)
		case network.Site:
			sites = append(sites, e.ID)
		case network.Circuit:
			circuits = append(circuits, e.ID)
		}
	}
	for i := range w.Routers {
		if m := w.Routers[i].MSEE; m != "" {
			edges = append(edges, m)
		}
		if g := w.Routers[i].Gateway; g != "" {
			gateways = append(gateways, "gateway:"+g)
		}
	}
	for i := range w.Sessions {
		sessions = append(sessions, w.Sessions[i].Name)
	}
	one := func(list []string, label string) string { return rapid.SampledFrom(list).Draw(t, label) }
	ends := func(session string) string {
		for i := range w.Sessions {
			if w.Sessions[i].Name == session {
				return w.Routers[[2]int{w.Sessions[i].A, w.Sessions[i].B}[rapid.IntRange(0, 1).Draw(t, "end")]].Name
			}
		}
		return ""
	}
	kinds := []struct {
		kind string
		of   []string
	}{{"cut", elements}, {"carrier", elements}, {"session", sessions}, {"drain", edges}, {"crash", routers}, {"restart", routers}, {"graceful", routers}, {"impair", links}, {"oneWay", sessions},
		{"flap", links}, {"grey", routers}, {"roll", gateways}, {"reset", sessions}, {"originateDefault", sites}, {"originateAggregate", sites}, {"tooManyPrefixes", sites}, {"echo", circuits}, {"bfdOff", links}}
	targets := map[string][]string{}
	var can []string
	for _, k := range kinds {
		if len(k.of) > 0 {
			targets[k.kind] = k.of
			can = append(can, k.kind)
		}
	}
	var b strings.Builder
	b.WriteString("drills:\n  - name: drawn\n    steps:\n")
	type on struct{ verb, target string }
	var done []on
	at := 0
	for range rapid.IntRange(1, 6).Draw(t, "steps") {
		at += rapid.SampledFrom([]int{0, 1, 3, 20, 150}).Draw(t, "pause")
		kind := one(can, "kind")
		target := one(targets[kind], "target")
		verb := map[string]string{"carrier": "cut", "session": "cut", "graceful": "restart"}[kind]
		if verb == "" {
			verb = kind
		}
		more := ""
		switch kind {
		case "carrier":
			more = ", how: carrier"
		case "graceful":
			more = ", graceful: true"
		case "impair":
			more = ", " + one([]string{"loss: 2%", "loss: 100%", "delay: 20ms", "jitter: 5 ms, duplicate: 3%", "reorder: 5%, late: 3ms"}, "how")
		case "oneWay":
			more = ", from: " + ends(target)
		case "flap":
			more = ", " + one([]string{"up: 1s, down: 200ms", "up: 4s, down: 3s", "up: 2s, down: 20ms, seen: true"}, "how")
		case "tooManyPrefixes":
			more = one([]string{"", ", count: 12", ", count: 12"}, "count")
		case "echo":
			more = ", to: " + one(circuits, "to")
		case "roll":
			more = ", down: 40s, pause: 80s"
		}
		if kind != "roll" && kind != "reset" {
			if f := rapid.SampledFrom([]string{"", "10s", "200s"}).Draw(t, "for"); f != "" {
				more += ", for: " + f
			}
		}
		skip := false
		for _, d := range done { // the same again may still be so
			skip = skip || d.verb == verb && d.target == target || d.verb == verb && verb == "flap"
		}
		if skip {
			continue
		}
		done = append(done, on{verb, target})
		fmt.Fprintf(&b, "      - {at: %ds, %s: %s%s}\n", at, verb, target, more)
	}
	if len(done) == 0 {
		fmt.Fprintf(&b, "      - {at: 0s, cut: %s}\n", elements[0])
	}
	return b.String()
}

// refused tells whether all that is wrong with a drawn script is that the design cannot do so wrong.
func refused(findings []yamlfile.Finding) bool {
	return !slices.ContainsFunc(findings, func(f yamlfile.Finding) bool {
		return f.Rule != "script-misdeed" && !strings.HasSuffix(f.At, ".bfdOff")
	})
}

func scriptAgrees(t rapid.TB, r *Scripted) {
	t.Helper()
	for i := range r.Drills {
		d := &r.Drills[i]
		for _, x := range d.Disagreements {
			t.Errorf("%s", x)
		}
		for _, m := range d.Expect {
			if !m.Met {
				t.Errorf("%s: %s: %q", d.Name, m.Expects, m.Not)
			}
		}
		if d.Agrees != (len(d.Disagreements) == 0) {
			t.Errorf("%s: agrees is %v", d.Name, d.Agrees)
		}
	}
}

func TestWhateverOverlapsOnAnExampleIsAsProved(t *testing.T) {
	for _, name := range []string{"northwind", "proseware-microsoft365", "litware-dual-stack", "contoso-shared"} {
		t.Run(name, func(t *testing.T) {
			e := example(t, name, "")
			rapid.Check(t, func(t *rapid.T) {
				src := drawnScript(t, e.n)
				s, findings := ParseScript("drawn", []byte(src), e.d, e.n, e.c)
				if s == nil && refused(findings) {
					return
				} else if s == nil {
					t.Fatalf("%s\n%v", src, findings)
				}
				r, err := RunScript(e.d, e.n, e.c, s, Options{Seed: rapid.Uint64().Draw(t, "seed")})
				if err != nil {
					t.Fatal(err)
				}
				if scriptAgrees(t, r); t.Failed() {
					t.Log(src)
				}
			})
		})
	}
}

func TestWhateverOverlapsOnARandomEstateIsAsProved(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		if len(n.Elements()) == 0 {
			return
		}
		src := drawnScript(t, n)
		s, findings := ParseScript("drawn", []byte(src), d, n, c)
		if s == nil && refused(findings) {
			return
		} else if s == nil {
			t.Fatalf("%s\n%v", src, findings)
		}
		r, err := RunScript(d, n, c, s, Options{Seed: rapid.Uint64().Draw(t, "seed")})
		if err != nil {
			t.Fatal(err)
		}
		if scriptAgrees(t, r); t.Failed() {
			t.Log(src)
		}
	})
}
