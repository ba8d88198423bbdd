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
