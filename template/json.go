package template

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting is how deep objects and arrays of a template's text may nest, and calls of an expression: far more than anybody writes.
const maxNesting = 256

// kind tells what a node is.
type kind byte

const (
	nullKind kind = iota
	boolKind
	intKind
	floatKind
	stringKind
	arrayKind
	objectKind
)

// node is a value of the template's text, with its place in it.
type node struct {
	kind    kind
	pos     int // offset in the text
	bool    bool
	int     int64
	float   float64
	str     string
	plain   bool  // a string without escapes: the place of a character in it is known
	expr    *expr // of a string that is an expression
	elems   []*node
	members []field
}

// field is a member of an object.
type field struct {
	name  string
	key   *node // the name as a string with its place; it may be an expression
	value *node
}

// member finds a member by name, in any case; nil when there is none.
func (n *node) member(name string) *node {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].value
		}
	}
	for i := range n.members {
		if strings.EqualFold(n.members[i].name, name) {
			return n.members[i].value
		}
	}
	return nil
}

// syntaxError is a mistake in JSON text.
type syntaxError struct {
	pos     int
	message string
}

func (e *syntaxError) Error() string { return e.message }

// reader reads JSON. Comments (// and /* */), a byte order mark and line breaks in strings are allowed, as Azure's tools allow them.
type reader struct {
	text   []byte
	at     int
	depth  int
	quotes string // what may enclose a string
}

// readJSON reads one value and nothing after it. Two members of one object with the same name are an error when unique is set; else the
// later one counts, and strings may be in single quotes, as Azure's json() has it.
func readJSON(text []byte, unique bool) (*node, error) {
	r := &reader{text: text, quotes: `"`}
	if !unique {
		r.quotes = `"'`
	}
	if bytes.HasPrefix(text, []byte("\ufeff")) {
		r.at = 3
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.at >= len(text) {
		return nil, r.fail("the text is empty: a JSON value is expected")
	}
	n, err := r.value(unique)
	if err != nil {
		return nil, err
	}
	if err := r.space(); err != nil {
		return nil, err
	}
	if r.at < len(text) {
		return nil, r.fail("%s follows the end of the JSON value", r.here())
	}
	return n, nil
}

func (r *reader) fail(format string, args ...any) error {
	return &syntaxError{pos: r.at, message: fmt.Sprintf(format, args...)}
}

// here names the character at the reader's place.
func (r *reader) here() string {
	if r.at >= len(r.text) {
		return "the end of the text"
	}
	c, _ := utf8.DecodeRune(r.text[r.at:])
	return strconv.QuoteRune(c)
}

func (r *reader) space() error {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\r', '\n':
			r.at++
		case '/':
			rest := string(r.text[r.at:min(r.at+2, len(r.text))])
			switch rest {
			case "//":
				for r.at < len(r.text) && r.text[r.at] != '\n' {
					r.at++
				}
			case "/*":
				end := bytes.Index(r.text[r.at+2:], []byte("*/"))
				if end < 0 {
					return r.fail("the comment is not closed: */ is missing")
				}
				r.at += 2 + end + 2
			default:
				return r.fail("'/' starts no value; a comment is // or /* */")
			}
		default:
			return nil
		}
	}
	return nil
}

func (r *reader) value(unique bool) (*node, error) {
	if r.depth++; r.depth > maxNesting {
		return nil, r.fail("values are nested more than %d deep", maxNesting)
	}
	defer func() { r.depth-- }()
	if r.at >= len(r.text) {
		return nil, r.fail("a value is missing at the end of the text")
	}
	n := &node{pos: r.at}
	switch c := r.text[r.at]; {
	case c == '{':
		return n, r.object(n, unique)
	case c == '[':
		return n, r.array(n, unique)
	case strings.IndexByte(r.quotes, c) >= 0:
		s, plain, err := r.string()
		n.kind, n.str, n.plain = stringKind, s, plain
		return n, err
	case c == '-' || c >= '0' && c <= '9':
		return n, r.number(n)
	}
	for _, word := range []string{"true", "false", "null"} {
		if bytes.HasPrefix(r.text[r.at:], []byte(word)) {
			r.at += len(word)
			if n.bool = word == "true"; word != "null" {
				n.kind = boolKind
			}
			return n, nil
		}
	}
	return nil, r.fail("%s starts no JSON value", r.here())
}

func (r *reader) object(n *node, unique bool) error {
	n.kind = objectKind
	r.at++
	seen := map[string]bool{}
	for {
		if err := r.space(); err != nil {
			return err
		}
		if r.at < len(r.text) && r.text[r.at] == '}' && len(n.members) == 0 {
			r.at++
			return nil
		}
		if r.at >= len(r.text) || strings.IndexByte(r.quotes, r.text[r.at]) < 0 {
			return r.fail("%s: a name in double quotes is expected", r.here())
		}
		key := &node{kind: stringKind, pos: r.at}
		name, plain, err := r.string()
		if err != nil {
			return err
		}
		if seen[name] {
			if unique {
				r.at = key.pos
				return r.fail("the member %q stands twice in one object", name)
			}
			n.members = slices.DeleteFunc(n.members, func(f field) bool { return f.name == name })
		}
		seen[name] = true
		key.str, key.plain = name, plain
		if err := r.space(); err != nil {
			return err
		}
		if r.at >= len(r.text) || r.text[r.at] != ':' {
			return r.fail("%s: a colon is expected after the name %q", r.here(), name)
		}
		r.at++
		if err := r.space(); err != nil {
			return err
		}
		v, err := r.value(unique)
		if err != nil {
			return err
		}
		n.members = append(n.members, field{name: name, key: key, value: v})
		if done, err := r.next('}'); done || err != nil {
			return err
		}
	}
}

func (r *reader) array(n *node, unique bool) error {
	n.kind = arrayKind
	r.at++
	for {
		if err := r.space(); err != nil {
			return err
		}
		if r.at < len(r.text) && r.text[r.at] == ']' && len(n.elems) == 0 {
			r.at++
			return nil
		}
		v, err := r.value(unique)
		if err != nil {
			return err
		}
		n.elems = append(n.elems, v)
		if done, err := r.next(']'); done || err != nil {
			return err
		}
	}
}

// next takes the comma before a further element, or the end.
func (r *reader) next(end byte) (done bool, err error) {
	if err := r.space(); err != nil {
		return false, err
	}
	if r.at < len(r.text) {
		switch r.text[r.at] {
		case end:
			r.at++
			return true, nil
		case ',':
			r.at++
			return false, nil
		}
	}
	return false, r.fail("%s: a comma or %c is expected", r.here(), end)
}

func (r *reader) string() (s string, plain bool, err error) {
	start := r.at
	mark := r.text[start]
	r.at++
	for i := r.at; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == mark:
			s = string(r.text[r.at:i])
			r.at = i + 1
			if !utf8.ValidString(s) {
				s = strings.ToValidUTF8(s, "\ufffd")
			}
			return s, true, nil
		case c == '\\':
			s, err = r.escaped(start, i)
			return s, false, err
		}
	}
	r.at = start
	return "", false, r.fail("the string is not closed: %c is missing", mark)
}

// escaped reads on from the first backslash of a string.
func (r *reader) escaped(start, i int) (string, error) {
	b := append([]byte(nil), r.text[r.at:i]...)
	for i < len(r.text) {
		c := r.text[i]
		if c == r.text[start] {
			r.at = i + 1
			return strings.ToValidUTF8(string(b), "\ufffd"), nil
		}
		if c != '\\' {
			b = append(b, c)
			i++
			continue
		}
		if i+1 >= len(r.text) {
			break
		}
		i += 2
		switch e := r.text[i-1]; e {
		case '"', '\\', '/', '\'':
			b = append(b, e)
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			u, ok := hex4(r.text, i)
			if !ok {
				r.at = i - 2
				return "", r.fail(`\u takes four hexadecimal digits`)
			}
			i += 4
			if utf16.IsSurrogate(u) {
				low, ok := rune(utf8.RuneError), false
				if i+6 <= len(r.text) && r.text[i] == '\\' && r.text[i+1] == 'u' {
					low, ok = hex4(r.text, i+2)
				}
				if pair := utf16.DecodeRune(u, low); ok && pair != utf8.RuneError {
					u = pair
					i += 6
				} else {
					u = utf8.RuneError
				}
			}
			b = utf8.AppendRune(b, u)
		default:
			r.at = i - 2
			return "", r.fail(`\%c is no escape of JSON`, e)
		}
	}
	r.at = start
	return "", r.fail("the string is not closed: %c is missing", r.text[start])
}

func hex4(text []byte, at int) (rune, bool) {
	if at+4 > len(text) {
		return 0, false
	}
	u, err := strconv.ParseUint(string(text[at:at+4]), 16, 16)
	return rune(u), err == nil
}

func (r *reader) number(n *node) error {
	start := r.at
	digits := func() int {
		from := r.at
		for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
			r.at++
		}
		return r.at - from
	}
	is := func(set string) bool { return r.at < len(r.text) && strings.IndexByte(set, r.text[r.at]) >= 0 }
	whole := true
	if is("-") {
		r.at++
	}
	lead := r.at
	bad := digits() == 0 || r.text[lead] == '0' && r.at > lead+1
	if is(".") {
		whole = false
		r.at++
		bad = digits() == 0 || bad
	}
	if is("eE") {
		whole = false
		r.at++
		if is("+-") {
			r.at++
		}
		bad = digits() == 0 || bad
	}
	text := string(r.text[start:r.at])
	if bad {
		r.at = start
		return r.fail("%s is no number of JSON", text)
	}
	if whole {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			n.kind, n.int = intKind, i
			return nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(f, 0) {
		r.at = start
		return r.fail("%s is out of the range of a number", text)
	}
	n.kind, n.float = floatKind, f
	return nil
}
