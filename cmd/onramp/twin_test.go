package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/twin"
)

// stopTwins ends the twins that a test left running in the directories below one.
func stopTwins(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*", "control.sock"))
	for _, socket := range left {
		_ = twin.Stop(filepath.Dir(socket)) // it may be the socket of one that was killed
	}
}

func TestWhatTheTwinsCommandsPrintFitsTheirSchema(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Cleanup(func() { stopTwins(".") })
	for _, c := range []struct {
		schema, line string
	}{
		{"twin-start", "start --detach --listen 127.0.0.1:0 --json"},
		{"twin-admin", "admin fault slow --delay 1s --json"},
		{"twin-status", "status --json"},
		{"twin-env", "env --json"},
		{"twin-admin", "admin principal pipeline --json"},
		{"twin-operations", "operations --all --json"},
		{"twin-assumptions", "assumptions --json"},
		{"", "stop"},
		{"twin-repair", "repair --json"},
	} {
		var out, stderr bytes.Buffer
		if code := run(append([]string{"twin"}, strings.Fields(c.line)...), strings.NewReader(""), &out, &stderr); code != 0 {
			t.Fatalf("twin %s: exit code %d: %s", c.line, code, stderr.String())
		}
		if c.schema == "" {
			continue
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatalf("twin %s: %v", c.line, err)
		}
		s := compiled(t, c.schema)
		if err := s.Validate(doc); err != nil {
			t.Errorf("twin %s: %v", c.line, err)
		}
		for _, key := range s.Required {
			without := map[string]any{}
			for k, v := range doc.(map[string]any) {
				if k != key {
					without[k] = v
				}
			}
			if s.Validate(any(without)) == nil {
				t.Errorf("twin %s: nobody misses %q", c.line, key)
			}
		}
		if len(s.Required) == 0 {
			t.Errorf("%s requires nothing", c.schema)
		}
	}
}

func TestTheNetworkBehindTheTwinIsCutAskedAndShown(t *testing.T) {
	sh := newShell(t)
	for _, line := range []string{"onramp design estate.yaml > design.json", "onramp twin start", "onramp twin net premises design.json", "onramp twin net settle"} {
		if out, code := sh.run(line); code != 0 {
			t.Fatalf("%s: exit code %d: %s", line, code, out)
		}
	}
	for _, x := range []struct {
		line string
		code int
		said string
	}{
		{"onramp twin net status", 0, "settled"},
		{"onramp twin net names", 0, "toronto-core"},
		{"onramp twin net ping toronto montreal --count 2 --interval 20ms", 0, "2 answered, 0 lost"},
		{"onramp twin net traceroute montreal toronto", 0, "toronto-core (10."},
		{"onramp twin net routes montreal-core", 0, "> "},
		{"onramp twin net cut link:backbone/montreal-toronto", 0, "cut link:backbone/montreal-toronto"},
		{"onramp twin net cut link:backbone/montreal-toronto", 2, "on already"},
		{"onramp twin net ping toronto montreal --count 2 --interval 20ms --wait 100ms", 1, "2 lost"},
		{"onramp twin net status", 0, "fault on: cut link:backbone/montreal-toronto"},
		{"onramp twin net restore link:backbone/montreal-toronot", 2, "did you mean link:backbone/montreal-toronto?"},
		{"onramp twin net restore", 2, "--all"},
		{"onramp twin net restore --all", 0, "restored: cut link:backbone/montreal-toronto"},
		{"onramp twin net restore --all", 0, "nothing was wrong"},
		{"onramp twin net events --last 1", 0, "restored"},
		{"onramp twin net fault crsh router:toronto-ce1", 2, "did you mean crash?"},
		{"onramp twin net fault crash router:toronto-ce9", 2, "did you mean router:toronto-ce1"},
		{"onramp twin net fault impair link:backbone/montreal-toronto --loss much", 2, "percentage"},
		{"onramp twin net cut router:toronto-ce1 --for never", 2, "number and its unit"},
		{"onramp twin net routes toronto-croe", 2, "did you mean toronto-core?"},
		{"onramp twin net ping toronto nowhere", 2, "nowhere"},
		{"onramp twin net ping nowhere toronto", 2, "nowhere"},
		{"onramp twin net ping toronto montreal --interval 1ms", 2, "at least"},
		{"onramp twin net traceroute toronto montreal --wait 1h", 2, "at most"},
		{"onramp twin net premises estate.yaml", 2, "estate.yaml"},
		{"onramp twin net events --last -1", 2, "--last"},
		{"onramp twin net settle --timeout 0s", 2, "--timeout"},
		{"onramp twin net status --state nowhere", 3, "no twin is running"},
	} {
		if out, code := sh.run(x.line); code != x.code || !strings.Contains(out, x.said) {
			t.Errorf("%s: exit code %d, where %d and %q were to come: %s", x.line, code, x.code, x.said, out)
		}
	}
	for _, c := range [][2]string{
		{"twin-net-status", "status"}, {"twin-net-names", "names"}, {"twin-net-routes", "routes toronto-core"}, {"twin-net-ping", "ping toronto montreal --count 1"},
		{"twin-net-traceroute", "traceroute toronto montreal"}, {"twin-net-events", "events"}, {"twin-admin", "fault reset toronto-ce1--toronto-core"}, {"twin-admin", "settle"},
	} {
		var out, stderr bytes.Buffer
		args := append([]string{"twin", "net"}, strings.Fields(c[1]+" --json")...)
		if code := run(args, strings.NewReader(""), &out, &stderr); code != 0 {
			t.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(args, err)
		}
		if err := compiled(t, c[0]).Validate(doc); err != nil {
			t.Errorf("%v: %v", args, err)
		}
	}
}
