package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"onramp/examples"
)

// shell runs command lines as the documentation shows them, in one directory: `onramp ARGS`, with < FILE and > FILE.
type shell struct{ t *testing.T }

// newShell makes a directory with the examples, one of them as estate.yaml.
func newShell(t *testing.T) *shell {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, src []byte) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), src, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range examples.Names() {
		src, err := examples.Read(name)
		if err != nil {
			t.Fatal(err)
		}
		write("examples/"+name+".yaml", src)
		if name == builtIn {
			write("estate.yaml", src)
		}
	}
	for _, dir := range []string{"broken", "speaker", "drills"} {
		files, err := filepath.Glob("../../examples/" + dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			write("examples/"+dir+"/"+filepath.Base(file), src)
		}
	}
	t.Chdir(dir)
	t.Cleanup(func() { stopTwins(".") })
	return &shell{t}
}

// freePort has a twin take a port that is free, and serve in the background, so that the next line can be run. The words are the same.
func freePort(args []string) []string {
	if len(args) < 2 || args[0] != "twin" || args[1] != "start" {
		return args
	}
	for _, f := range [][]string{{"--listen", "127.0.0.1:0"}, {"--detach"}} {
		if !slices.Contains(args, f[0]) {
			args = append(args, f...)
		}
	}
	return args
}

var portOfTwin = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// onScreen is an output with the port that a twin has when nobody says otherwise.
func onScreen(args []string, out string) string {
	if len(args) > 0 && args[0] == "twin" {
		return portOfTwin.ReplaceAllString(out, twinListen)
	}
	return out
}

// run executes one line; output is what a terminal would show, stdout and stderr together.
func (s *shell) run(line string) (output string, code int) {
	s.t.Helper()
	words := split(s.t, line)
	var args []string
	var stdin io.Reader = strings.NewReader("")
	var stdout, screen strings.Builder
	into := ""
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "<", ">":
			if i+1 == len(words) {
				s.t.Fatalf("%s: no file after %s", line, words[i])
			}
			if words[i] == ">" {
				into = words[i+1]
			} else {
				src, err := os.ReadFile(words[i+1])
				if err != nil {
					s.t.Fatal(err)
				}
				stdin = strings.NewReader(string(src))
			}
			i++
		default:
			args = append(args, words[i])
		}
	}
	args = freePort(args)
	if into == "" {
		code = run(args, stdin, &screen, &screen)
		return onScreen(args, screen.String()), code
	}
	code = run(args, stdin, &stdout, &screen)
	if err := os.WriteFile(into, []byte(stdout.String()), 0o644); err != nil {
		s.t.Fatal(err)
	}
	return screen.String(), code
}

// split cuts a command line into words as a shell would, without the program's name.
func split(t *testing.T, line string) []string {
	t.Helper()
	for _, program := range []string{"go run ./cmd/onramp", "onramp"} {
		if rest, ok := strings.CutPrefix(line, program); ok && (rest == "" || rest[0] == ' ') {
			var out []string
			for _, m := range regexp.MustCompile(`"([^"]*)"|'([^']*)'|(\S+)`).FindAllStringSubmatch(rest, -1) {
				out = append(out, m[1]+m[2]+m[3])
			}
			return out
		}
	}
	t.Fatalf("%q is no command line of onramp", line)
	return nil
}

// shown is one command of a page: its line, the exit code that a comment gives (0 without one), and the output below it.
type shown struct {
	line   string
	code   int
	want   []string // nil where the page shows none
	first  int      // line number of the output in the page, from 0
	prompt bool
}

var exitComment = regexp.MustCompile(`\s+#.*$`)

// commands finds the command lines of a page: in code blocks, lines that begin with onramp or with a prompt.
func commands(page string) []shown {
	var out []shown
	fenced := false
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		text, indented := strings.CutPrefix(line, "    ")
		if !fenced && !indented {
			continue
		}
		if fenced {
			text = line
		}
		text, prompt := strings.CutPrefix(text, "$ ")
		if !strings.HasPrefix(text, "onramp ") && !strings.HasPrefix(text, "go run ./cmd/onramp") {
			if n := len(out); n > 0 && out[n-1].prompt && fenced {
				out[n-1].want = append(out[n-1].want, line)
			}
			continue
		}
		c := shown{prompt: prompt, first: i + 1}
		if m := regexp.MustCompile(`# exit (\d)`).FindStringSubmatch(text); m != nil {
			c.code, _ = strconv.Atoi(m[1])
		}
		c.line = exitComment.ReplaceAllString(text, "")
		out = append(out, c)
	}
	return out
}

// matches compares an output with what a page shows; a line of three dots stands for any lines.
func matches(got, want []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "..." {
		for i := 0; i <= len(got); i++ {
			if matches(got[i:], want[1:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && strings.TrimRight(got[0], " ") == strings.TrimRight(want[0], " ") && matches(got[1:], want[1:])
}

func TestEveryCommandOfTheDocumentationRunsAndPrintsWhatThePageShows(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	pages = append(pages, filepath.Join(root, "README.md"))
	ran := 0
	for _, page := range pages {
		t.Run(filepath.Base(page), func(t *testing.T) {
			src, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			sh := newShell(t)
			lines := strings.Split(string(src), "\n")
			list := commands(string(src))
			ran += len(list)
			type change struct {
				at, n int
				text  []string
			}
			var changes []change
			for _, c := range list {
				got, code := sh.run(c.line)
				if code != c.code {
					t.Errorf("%s: exit code %d, want %d\n%s", c.line, code, c.code, got)
				}
				if c.want == nil {
					continue
				}
				text := strings.Split(strings.TrimRight(got, "\n"), "\n")
				for i := range text {
					text[i] = strings.TrimRight(text[i], " ")
				}
				if *update && !slices.Contains(c.want, "...") {
					changes = append(changes, change{c.first, len(c.want), text})
				} else if !matches(text, c.want) {
					t.Errorf("%s prints\n%s\nand the page shows\n%s", c.line, got, strings.Join(c.want, "\n"))
				}
			}
			for _, c := range slices.Backward(changes) {
				lines = slices.Replace(lines, c.at, c.at+c.n, c.text...)
			}
			if len(changes) > 0 {
				if err := os.WriteFile(page, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if ran == 0 {
		t.Error("no page shows a command")
	}
}

func TestThePicturesOfTheDocumentationAreOfTheBuiltInExample(t *testing.T) {
	for file, line := range map[string]string{"northwind.svg": "onramp design estate.yaml --svg > now.svg", "northwind-cost.svg": "onramp cost estate.yaml --svg > now.svg"} {
		t.Run(file, func(t *testing.T) {
			picture, err := filepath.Abs("../../docs/" + file)
			if err != nil {
				t.Fatal(err)
			}
			sh := newShell(t)
			if out, code := sh.run(line); code != 0 {
				t.Fatalf("exit code %d\n%s", code, out)
			}
			now, err := os.ReadFile("now.svg")
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				if err := os.WriteFile(picture, now, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if was, err := os.ReadFile(picture); err != nil || string(was) != string(now) {
				t.Errorf("docs/%s is not what the command prints now (%v); make golden rewrites it", file, err)
			}
		})
	}
}

func TestEveryExampleOfTheHelpRuns(t *testing.T) {
	sh := newShell(t)
	if out, code := sh.run("onramp up"); code != 0 {
		t.Fatalf("exit code %d\n%s", code, out)
	}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, child := range cmd.Commands() {
			for _, line := range map[string][]string{ // what has to be before
				"onramp conform":     {"onramp twin start", "onramp design estate.yaml > design.json", "onramp twin net premises design.json", "onramp deploy apply design.json"},
				"onramp deploy":      {"onramp twin start", "onramp design estate.yaml > design.json"},
				"onramp twin":        {"onramp twin start"},
				"onramp twin net":    {"onramp design estate.yaml > design.json", "onramp twin net premises design.json", "onramp twin net settle"},
				"onramp twin repair": {"onramp twin stop"}, "onramp twin snapshot": {"onramp twin start"},
				"onramp twin start": {"onramp twin stop"}, "onramp twin snapshot load": {"onramp twin snapshot save before.snapshot"},
			}[child.CommandPath()] {
				if out, code := sh.run(line); code != 0 {
					t.Fatalf("%s: exit code %d\n%s", line, code, out)
				}
			}
			visit(child)
			if child.CommandPath() == "onramp conform" || child.CommandPath() == "onramp deploy" { // the twin of the others begins with nothing
				if out, code := sh.run("onramp twin stop"); code != 0 {
					t.Fatalf("exit code %d\n%s", code, out)
				}
				for _, left := range []string{twinState, "design.twin.journal"} {
					if err := os.RemoveAll(left); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if cmd.Name() == "help" || strings.HasPrefix(cmd.CommandPath(), "onramp completion") || cmd.HasSubCommands() {
			return
		}
		if cmd.Example == "" {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
		for _, line := range strings.Split(cmd.Example, "\n") {
			line = strings.TrimSpace(line)
			if line == "" {
				continue
			}
			if cmd.Name() == "init" { // it never overwrites
				if err := os.Remove("estate.yaml"); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			if out, code := sh.run(line); code != 0 {
				t.Errorf("%s: exit code %d\n%s", line, code, out)
			}
		}
		if cmd.Name() == "init" {
			if _, code := sh.run("onramp init - > estate.yaml"); code != 0 {
				t.Fatal(fmt.Sprint("init gives exit code ", code))
			}
		}
	}
	visit(newRootCommand())
}
