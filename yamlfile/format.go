// Package yamlfile reads a YAML file that a person wrote into Go types. It decides whether the text is YAML and whether each value
// can stand where it stands; what the values mean is the caller's. Every mistake becomes a Finding with its place, and reading goes
// on after it, so that all of them are told at once. What may stand where is said by the types alone (json, enum and form tags),
// which package schema reads as well.
package yamlfile

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Source of what YAML itself refuses.
const sourceYAML = "YAML 1.2"

// Format is what a kind of file calls its parts. It does not change while files are read.
type Format struct {
	What   string // "an intent"
	Empty  string // what is said of a file that holds nothing, and
	Start  string // how to begin
	Prefix string // of the names of rules: "intent" makes "intent-syntax"
	Doc    string // the page that describes the file, and
	Schema string // what prints its schema: the sources of findings
	// Nearest is the member of a list that is spelled most like a word, "" for none.
	Nearest func(word string, of []string) string
	// Forms check a text with a form tag: the message is empty for one that is right.
	Forms map[string]func(s string) (message, fix string)
	// Types are the words for types that read their own text.
	Types map[reflect.Type]Words
}

// Words name a type: "a latency", and `a latency such as "20 ms"`.
type Words struct{ Noun, Example string }

// Own is a type that reads its own node.
type Own interface {
	ReadYAML(r *Reader, n, target ast.Node, path string)
}

// Reader reads one file.
type Reader struct {
	format   *Format
	file     string
	findings []Finding
	aliases  map[*ast.AliasNode]ast.Node
	visited  int
	tooMuch  bool // more values were visited than a file can have; the one finding says so
	depth    int
	places   map[string]Place // by key path
}

// Place is where a value was read.
type Place struct {
	Mark
	Text string // as written, of scalars
	Bad  bool   // a mistake in it is reported already
}

// Read fills what v points to from src. file is the name that findings carry. check, which may be nil, is asked for what only the
// values together show; it is not called where the file as a whole could not be read.
func Read(f *Format, file string, src []byte, v any, check func(*Reader)) []Finding {
	r := &Reader{format: f, file: file, places: map[string]Place{}}
	if root := r.syntax(src); root != nil {
		r.aliases = linkAliases(root)
		r.read(root, "", reflect.ValueOf(v).Elem(), rules{})
		if r.tooMuch {
			return r.findings[:1]
		}
		if check != nil && !r.places[""].Bad {
			check(r)
		}
	}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	for i := range r.findings {
		r.findings[i].Value = clip(r.findings[i].Value)
	}
	return r.findings
}

// rule is the full name of one of the format's rules.
func (r *Reader) rule(name string) string { return r.format.Prefix + "-" + name }

// Given tells whether the file has the key and a value there that can be read.
func (r *Reader) Given(path string) bool {
	p, ok := r.places[path]
	return ok && p.Line > 0 && !p.Bad
}

// Place is where and how the value at a path was written.
func (r *Reader) Place(path string) Place { return r.places[path] }

// Bad tells whether a mistake in the value is reported already.
func (r *Reader) Bad(path string) bool { return r.places[path].Bad }

// Faulty tells whether a mistake is reported already in the value at a path or in what it holds.
func (r *Reader) Faulty(path string) bool {
	return slices.ContainsFunc(r.findings, func(f Finding) bool {
		rest, ok := strings.CutPrefix(f.At, path)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// Spoil notes that a mistake in the value is reported.
func (r *Reader) Spoil(path string) {
	p := r.places[path]
	p.Bad = true
	r.places[path] = p
}

// MarkAt is the place of a key, or of the nearest key around it.
func (r *Reader) MarkAt(path string) Mark {
	for {
		if p, ok := r.places[path]; ok && p.Line > 0 {
			return p.Mark
		}
		cut := strings.LastIndexAny(path, ".[")
		if cut < 0 {
			if p, ok := r.places[""]; ok && p.Line > 0 {
				return p.Mark
			}
			return Mark{1, 1}
		}
		path = path[:cut]
	}
}

// RefuseAt reports an error of meaning at a key.
func (r *Reader) RefuseAt(path, value, message, fix, rule, source string) {
	p := r.places[path]
	p.Bad = true
	if p.Line == 0 {
		p.Mark = r.MarkAt(path)
	}
	r.places[path] = p
	r.Report(p.Mark, Finding{At: path, Value: value, Message: message, Fix: fix, Rule: rule, Source: source})
}
