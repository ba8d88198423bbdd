package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryBrokenInputIsRefusedWithItsPlaceItsValueAndItsFix runs onramp on each file of examples/broken: `up` on an intent, `check` on
// a design.json. The file of the same name that ends in .txt is what stands on stderr, and the exit code.
func TestEveryBrokenInputIsRefusedWithItsPlaceItsValueAndItsFix(t *testing.T) {
	dir, err := filepath.Abs("../../examples/broken")
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	inputs = slices.DeleteFunc(inputs, func(f string) bool { return filepath.Ext(f) == ".txt" || filepath.Ext(f) == ".md" })
	if len(inputs) < 20 {
		t.Errorf("there are %d broken inputs", len(inputs))
	}
	for _, input := range inputs {
		name := filepath.Base(input)
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(input)
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if err := os.WriteFile(name, src, 0o644); err != nil {
				t.Fatal(err)
			}
			verb := "up"
			if filepath.Ext(name) == ".json" {
				verb = "check"
			}
			var stdout, stderr bytes.Buffer
			code := run([]string{verb, name}, strings.NewReader(""), &stdout, &stderr)
			got := fmt.Sprintf("$ onramp %s %s\n%sexit code %d\n", verb, name, stderr.String(), code)
			if code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout is for results: %s", stdout.String())
			}
			if left, err := os.ReadDir("."); err != nil || len(left) != 1 {
				t.Errorf("files were left behind: %v %v", left, err)
			}
			// A place in the file, whoever refuses it.
			if !strings.Contains(stderr.String(), name+":") {
				t.Errorf("nothing says where: %s", stderr.String())
			}
			golden := strings.TrimSuffix(input, filepath.Ext(input)) + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if string(want) != got {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestMistakesWithoutEndAreCountedAndNotPrinted(t *testing.T) {
	var src strings.Builder
	src.WriteString("apiVersion: onramp/v1\nname: broken\n")
	for i := range 3 * mostFindings {
		fmt.Fprintf(&src, "key%d: 1\n", i)
	}
	var stdout, stderr bytes.Buffer
	if code := run([]string{"up", "-"}, strings.NewReader(src.String()), &stdout, &stderr); code != exitUsage {
		t.Fatalf("exit code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
	if len(lines) > mostFindings+3 || !strings.HasPrefix(lines[mostFindings], "and ") {
		t.Errorf("%d lines, of which one is %q", len(lines), lines[min(mostFindings, len(lines)-1)])
	}
}
