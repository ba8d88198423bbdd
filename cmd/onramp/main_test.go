package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata/script")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"onramp": main})
}

// TestScripts runs testdata/script/*.txtar: each is a story of commands and what they print.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "holds": holds},
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", os.Getenv("NO_COLOR"))
			brown, err := filepath.Abs("../../check/testdata/brown")
			e.Setenv("BROWN", brown)
			if err != nil {
				return err
			}
			files, err := filepath.Abs("../../examples/import")
			e.Setenv("IMPORT", files)
			e.Defer(func() { stopTwins(e.WorkDir) })
			return err
		},
	})
}

// exits is the script command `exits CODE PROGRAM ARGS...`: like exec, but the exit code must be CODE.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// holds is the script command `holds FILE OTHER`: every line of OTHER is a line of FILE.
func holds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: holds FILE OTHER")
	}
	lines := map[string]bool{}
	for _, line := range strings.Split(ts.ReadFile(args[0]), "\n") {
		lines[line] = true
	}
	for _, line := range strings.Split(ts.ReadFile(args[1]), "\n") {
		if !lines[line] {
			ts.Fatalf("%s has no line %q", args[0], line)
		}
	}
}

func TestVersionNamesTheCommitAndSaysWhenTheTreeHadChanges(t *testing.T) {
	for _, c := range []struct {
		name  string
		build debug.BuildInfo
		want  string
	}{
		{"a release", debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}}, "onramp v1.2.3 go1.26.8\n"},
		{"a build of a changed tree", debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"},
		}}, "onramp (devel) 0123456789ab+ go1.26.8\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if err := printVersion(&out, &c.build); err != nil || out.String() != c.want {
				t.Errorf("got %q, %v; want %q", out.String(), err, c.want)
			}
		})
	}
}

func TestExitCodesFollowTheKindOfError(t *testing.T) {
	disk := errors.New("disk full")
	for _, c := range []struct {
		name string
		err  error
		code int
		said string
	}{
		{"no error", nil, 0, ""},
		{"bad input", usageError(disk), 2, "onramp: disk full\n"},
		{"the answer is no", failed(disk), 1, "onramp: disk full\n"},
		{"the answer is no and was printed", failed(nil), 1, ""},
		{"trouble outside", outside(disk), 3, "onramp: disk full\n"},
		{"wrapped trouble outside", fmt.Errorf("writing design.json: %w", outside(disk)), 3, "onramp: writing design.json: disk full\n"},
		{"an error of the flag parser", disk, 2, "onramp: disk full\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var stderr strings.Builder
			if code := report(&stderr, c.err); code != c.code || stderr.String() != c.said {
				t.Errorf("got %d, %q; want %d, %q", code, stderr.String(), c.code, c.said)
			}
		})
	}
}

func TestAnErrorThatACommandDidNotClassifyIsTroubleOutside(t *testing.T) {
	child := &cobra.Command{Use: "child", RunE: func(*cobra.Command, []string) error { return errors.New("disk full") }}
	root := &cobra.Command{Use: "root", SilenceErrors: true, SilenceUsage: true}
	root.AddCommand(child)
	classify(root)
	root.SetArgs([]string{"child"})
	if code := report(io.Discard, root.Execute()); code != exitOutside {
		t.Errorf("exit code %d, want %d", code, exitOutside)
	}
	root.SetArgs([]string{"child", "--nonsense"})
	if code := report(io.Discard, root.Execute()); code != exitUsage {
		t.Errorf("exit code of a wrong flag %d, want %d", code, exitUsage)
	}
}

func TestRunWritesOnlyToTheWritersItIsGiven(t *testing.T) {
	var stdout, stderr strings.Builder
	if code := run([]string{"version"}, strings.NewReader(""), &stdout, &stderr); code != 0 || stderr.String() != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr.String())
	}
	if !strings.HasPrefix(stdout.String(), "onramp ") {
		t.Errorf("stdout %q", stdout.String())
	}
}

func TestAListingAlignsItsColumns(t *testing.T) {
	l := newListing("Provider", "Mbps").Right(1)
	l.Row("Bell Canada", 50)
	l.Row("Zayo", 10000)
	var out strings.Builder
	if err := l.Print(&out); err != nil {
		t.Fatal(err)
	}
	want := "Provider      Mbps\nBell Canada     50\nZayo         10000\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestProgressOffATerminalIsOnePlainLineAStage(t *testing.T) {
	var stderr strings.Builder
	p := newProgress(&stderr)
	s := p.Stage("prove", 3)
	s.Step(1, "circuit ckt-a")
	s.Step(2, "")
	s.Done("41 properties hold")
	p.Stage("choose", 0).Fail("nothing fits")
	if want := "prove: 41 properties hold\nchoose: nothing fits\n"; stderr.String() != want {
		t.Errorf("got %q, want %q", stderr.String(), want)
	}
}
