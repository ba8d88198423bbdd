// Package onramp_test holds the rules that no single package can keep alone: which package may import which, what the pure
// ones may not touch, and what no file of the repository may say. ARCHITECTURE.md explains the floors.
package onramp_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const (
	module     = "onramp"
	benchmarks = "bench" // the directory of the module that measures other programs too
)

// floors says where each package lives. A package imports only packages of a lower floor.
var floors = map[string]int{
	"catalog": 0, "bgp": 0, "bfd": 0, "examples": 0, "schema": 0, "yamlfile": 0,
	"azure": 1, "intent": 1, "design": 1, "template": 1, "intent/intenttest": 2,
	"pattern": 2, "network": 2,
	"cloud": 3, "prove": 3, "check": 3, "cost": 3, "draw": 3, "render": 3, "sim": 3, "arm": 3, "speaker": 3,
	"choose": 4, "rehearse": 4, "conform": 4, "deploy": 4, "adopt": 4,
	"report": 5, "twin": 5,
	"cmd/onramp": 6,
}

// sameFloor lists the imports within a floor that are agreed: a design is made of azure's resources and carries the
// intent's premises, so on floor 1 design reads the two others.
var sameFloor = map[string][]string{
	"design": {"azure", "intent"},
}

// pure tells whether a package is a function of its input: everything up to floor 2, and the readers of a design above it.
func pure(pkg string) bool {
	switch pkg {
	case "prove", "check", "cost", "render", "draw":
		return true
	}
	floor, ok := floors[pkg]
	return ok && floor <= 2
}

// impure reports imports that bring the outside world, the clock or other goroutines into a pure package.
func impure(imported string) bool {
	if imported == "net/netip" {
		return false
	}
	switch first, _, _ := strings.Cut(imported, "/"); first {
	case "net", "os", "log", "sync", "syscall", "plugin":
		return true
	}
	switch imported {
	case "math/rand", "math/rand/v2", "crypto/rand", "testing", "unsafe":
		return true
	}
	return false
}

// clock holds the functions of package time that read or wait for a clock; its types and constants are fine anywhere.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer"}

// vague names say nothing about what a package decides.
var vague = []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc", "shared", "base", "core"}

// source is one directory's non-test Go files.
type source struct {
	dir   string // from the root, with slashes
	fset  *token.FileSet
	files []*ast.File
}

// sources reads every directory with Go files below the root, which itself has only tests. The benchmarks beside other
// programs are a module of their own and have no floor: nothing can import them.
func sources(t *testing.T) []source {
	t.Helper()
	byDir := map[string]*source{}
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, benchmarks+"/") {
			return
		}
		dir := path.Dir(name)
		s := byDir[dir]
		if s == nil {
			s = &source{dir: dir, fset: token.NewFileSet()}
			byDir[dir] = s
		}
		file, err := parser.ParseFile(s.fset, filepath.FromSlash(name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		s.files = append(s.files, file)
	})
	list := make([]source, 0, len(byDir))
	for _, s := range byDir {
		list = append(list, *s)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].dir < list[j].dir })
	return list
}

// walk visits every file of the repository, by name from the root with slashes, but not what git or a run of the program
// put there.
func walk(t *testing.T, visit func(name string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) { // a file that another process has just renamed
				return nil
			}
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" || d.Name() == "onramp-out" {
				return filepath.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && d.Name() != ".git" { // a file in a linked worktree
			visit(filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// breaches lists what s does that its floor or its purity forbids.
func breaches(s source) []string {
	var out []string
	say := func(at token.Pos, format string, args ...any) {
		out = append(out, fmt.Sprintf("%s: %s", s.fset.Position(at), fmt.Sprintf(format, args...)))
	}
	floor, known := floors[s.dir]
	if !known {
		return []string{fmt.Sprintf("%s has no floor: give it one in the table of imports_test.go and in ARCHITECTURE.md", s.dir)}
	}
	for _, f := range s.files {
		if slices.Contains(vague, f.Name.Name) {
			say(f.Name.Pos(), "package %s: name it for what it decides", f.Name.Name)
		}
		for _, spec := range f.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			if pkg, ours := strings.CutPrefix(imported, module+"/"); ours {
				if other, ok := floors[pkg]; !ok {
					say(spec.Pos(), "imports %s, which has no floor", pkg)
				} else if other >= floor && !slices.Contains(sameFloor[s.dir], pkg) {
					say(spec.Pos(), "floor %d imports %s from floor %d: only lower floors may be imported", floor, pkg, other)
				}
				continue
			}
			if pure(s.dir) && impure(imported) {
				say(spec.Pos(), "a pure package imports %s", imported)
			}
		}
	}
	if pure(s.dir) {
		impurities(s, say)
	}
	if s.dir == "sim" {
		impurities(s.without(wallClock), say)
	}
	return out
}

// wallClock is the one file of package sim that reads a clock, for estates that live in real time. The loop and the nodes are told the time
// like those of a pure package, start no goroutine and keep no state outside of an estate.
const wallClock = "wall.go"

// without is the source less a file.
func (s source) without(name string) source {
	s.files = slices.DeleteFunc(slices.Clone(s.files), func(f *ast.File) bool { return path.Base(s.fset.Position(f.Pos()).Filename) == name })
	return s
}

// impurities reports clocks, goroutines, init functions and package-level state that can change.
func impurities(s source, say func(token.Pos, string, ...any)) {
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	// Imports are not loaded: only the package's own names have to resolve, so type errors are expected and ignored.
	conf := types.Config{Error: func(error) {}, Importer: nothing{}}
	pkg, _ := conf.Check(s.dir, s.fset, s.files, info)
	packageVar := func(e ast.Expr) *types.Var {
		id := root(e)
		if id == nil {
			return nil
		}
		v, ok := info.Uses[id].(*types.Var)
		if !ok || v.Parent() != pkg.Scope() {
			return nil
		}
		return v
	}
	changes := func(e ast.Expr, how string) {
		if v := packageVar(e); v != nil {
			say(e.Pos(), "%s package-level variable %s: pure packages keep no state", how, v.Name())
		}
	}
	for _, f := range s.files {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					say(d.Pos(), "func init runs behind the reader's back")
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					v, ok := spec.(*ast.ValueSpec)
					if !ok || d.Tok != token.VAR {
						continue
					}
					for _, name := range v.Names {
						if name.IsExported() && !strings.HasPrefix(name.Name, "Err") {
							say(name.Pos(), "exported variable %s could be changed by anyone: make it a function or a constant", name.Name)
						}
					}
				}
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				say(n.Pos(), "starts a goroutine")
			case *ast.SelectorExpr:
				if id, ok := n.X.(*ast.Ident); ok {
					if p, ok := info.Uses[id].(*types.PkgName); ok && p.Imported().Path() == "time" && slices.Contains(clock, n.Sel.Name) {
						say(n.Pos(), "time.%s: time is an argument", n.Sel.Name)
					}
				}
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						changes(e, "assigns to")
					}
				}
			case *ast.IncDecStmt:
				changes(n.X, "counts in")
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					changes(n.Key, "assigns to")
					if n.Value != nil {
						changes(n.Value, "assigns to")
					}
				}
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					changes(n.X, "hands out the address of")
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && slices.Contains([]string{"delete", "clear", "copy"}, id.Name) {
					changes(n.Args[0], id.Name+"s in")
				}
			}
			return true
		})
	}
}

// root is the variable that an assignable expression lives in: t for t.rows[i].
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// nothing imports every package as an empty one.
type nothing struct{}

func (nothing) Import(name string) (*types.Package, error) {
	p := types.NewPackage(name, strings.TrimPrefix(path.Base(name), "go-"))
	p.MarkComplete()
	return p, nil
}

func TestEveryPackageImportsOnlyLowerFloorsAndThePureOnesStayPure(t *testing.T) {
	all := sources(t)
	if len(all) == 0 {
		t.Fatal("no Go files found: is the test run from the root of the repository?")
	}
	for _, s := range all {
		for _, b := range breaches(s) {
			t.Error(b)
		}
	}
}

func TestTheRulesCatchWhatTheyAreFor(t *testing.T) {
	for _, c := range []struct{ name, dir, code, want string }{
		{"a lower floor is fine", "network", `import _ "onramp/design"`, ""},
		{"the agreed import within a floor is fine", "design", `import _ "onramp/azure"`, ""},
		{"a higher floor", "design", `import _ "onramp/network"`, "only lower floors"},
		{"the same floor", "prove", `import _ "onramp/check"`, "only lower floors"},
		{"a package without a floor", "prove", `import _ "onramp/elsewhere"`, "which has no floor"},
		{"a directory without a floor", "elsewhere", ``, "has no floor"},
		{"addresses are values", "bgp", `import _ "net/netip"`, ""},
		{"a socket in a core", "bgp", `import _ "net"`, "imports net"},
		{"HTTP in a core", "catalog", `import _ "net/http"`, "imports net/http"},
		{"a file in a core", "cost", `import _ "os"`, "imports os"},
		{"a logger in a core", "prove", `import _ "log/slog"`, "imports log/slog"},
		{"chance in a core", "pattern", `import _ "math/rand/v2"`, "imports math/rand/v2"},
		{"a lock in a core", "network", `import _ "sync"`, "imports sync"},
		{"the shell may do all that", "cmd/onramp", "import _ \"os\"\nvar Global int\nfunc init() { Global++; go func() {}() }", ""},
		{"durations are values", "bgp", "import \"time\"\nconst hold = 180 * time.Second", ""},
		{"the clock", "bgp", "import \"time\"\nfunc f() time.Time { return time.Now() }", "time.Now"},
		{"a renamed clock", "bgp", "import clock \"time\"\nfunc f() { clock.Sleep(1) }", "time.Sleep"},
		{"a goroutine", "bgp", "func f() { go f() }", "goroutine"},
		{"an init function", "bgp", "func init() {}", "func init"},
		{"a method called init is fine", "bgp", "type t struct{}\nfunc (t) init() {}", ""},
		{"a table that stays as it is", "bgp", "var order = []int{1, 2}\nfunc f() int { return order[0] }", ""},
		{"a sentinel error", "bgp", "import \"errors\"\nvar ErrNoRoute = errors.New(\"no route\")", ""},
		{"an interface check", "bgp", "type t struct{}\nvar _ interface{} = t{}", ""},
		{"an exported variable", "bgp", "var Order = []int{1, 2}", "exported variable Order"},
		{"a global that changes", "bgp", "var n int\nfunc f() { n = 1 }", "assigns to package-level variable n"},
		{"a global counter", "bgp", "var n int\nfunc f() { n++ }", "counts in package-level variable n"},
		{"a global cache", "bgp", "var m = map[int]int{}\nfunc f() { m[1] = 2 }", "assigns to package-level variable m"},
		{"a field of a global", "bgp", "var s struct{ n int }\nfunc f() { s.n += 1 }", "assigns to package-level variable s"},
		{"a global whose address leaves", "bgp", "var s struct{ n int }\nfunc f() *int { return &s.n }", "address of package-level variable s"},
		{"an entry deleted from a global", "bgp", "var m = map[int]int{}\nfunc f() { delete(m, 1) }", "package-level variable m"},
		{"a local of the same name is fine", "bgp", "var n = 1\nfunc f() int { n := n; n++; return n }", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			fset := token.NewFileSet()
			file, err := parser.ParseFile(fset, "x.go", "package x\n"+c.code, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			got := strings.Join(breaches(source{dir: c.dir, fset: fset, files: []*ast.File{file}}), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestArchitectureNamesEveryPackage(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sources(t) {
		if !strings.Contains(string(text), "`"+s.dir+"`") {
			t.Errorf("ARCHITECTURE.md does not name `%s`", s.dir)
		}
	}
}

// outsider matches what means nothing to a reader of this repository: places on the machine it was written on, and how
// its authors divided the work. The pieces are joined here so that this file does not contain what it looks for.
var outsider = regexp.MustCompile(`(?i)(^|[^\w.])/wo` + `rk/|\bshared/(fac` + `ts|design\.md|patterns\.md|groundwork\.md|style\.md)|helper ` + `agent|sub` + `agent|\bTO` + `DO\b|\bFIX` + `ME\b`)

func TestNoFileSpeaksOfThingsOutsideTheRepository(t *testing.T) {
	walk(t, func(name string) {
		data, err := os.ReadFile(filepath.FromSlash(name))
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return
			}
			t.Fatal(err)
		}
		if len(data) > 8<<20 || !utf8.Valid(data) {
			return
		}
		for i, line := range strings.Split(string(data), "\n") {
			if found := outsider.FindString(line); found != "" {
				t.Errorf("%s:%d says %q", name, i+1, strings.TrimSpace(found))
			}
		}
	})
}

func TestWhatOnlyTheBenchmarksNeedStaysOutOfTheModule(t *testing.T) {
	requires := func(name string) []string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var direct []string
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(strings.TrimPrefix(line, "require "))
			if !strings.Contains(line, "//") && len(words) == 2 && strings.HasPrefix(words[1], "v") {
				direct = append(direct, words[0])
			}
		}
		return direct
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := requires("go.mod")
	for _, name := range requires(benchmarks + "/go.mod") {
		if name == module || slices.Contains(direct, name) {
			continue
		}
		if want := "| `" + name + "` | benchmarks (" + benchmarks + "/) |"; !strings.Contains(string(readme), want) {
			t.Errorf("%s is required by %s/go.mod alone, but README.md's table of dependencies has no row %s", name, benchmarks, want)
		}
	}
	for line := range strings.Lines(string(readme)) {
		if name, ok := strings.CutPrefix(line, "| `"); ok && strings.Contains(line, "| benchmarks ("+benchmarks+"/) |") {
			if name, _, _ = strings.Cut(name, "`"); slices.Contains(direct, name) {
				t.Errorf("README.md says that only the benchmarks need %s, but go.mod requires it", name)
			}
		}
	}
}

func TestReadmeSaysWhyEachDependencyIsHere(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []string
	for _, line := range strings.Split(string(readme), "\n") {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			rows = append(rows, name)
		}
	}
	used := map[string]bool{}
	walk(t, func(name string) {
		if !strings.HasSuffix(name, ".go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(name), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			first, _, _ := strings.Cut(imported, "/")
			if !strings.Contains(first, ".") {
				continue // ours or the standard library's
			}
			if !slices.ContainsFunc(rows, func(row string) bool { return imported == row || strings.HasPrefix(imported, row+"/") }) {
				used[imported] = true
			}
		}
	})
	for imported := range used {
		t.Errorf("%s is imported, but README.md's table of dependencies has no row for its module", imported)
	}
}
