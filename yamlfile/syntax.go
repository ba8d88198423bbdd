package yamlfile

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

const (
	maxBytes   = 4 << 20 // of one file; an intent of a thousand lines of business needs about a tenth
	maxDepth   = 64      // of collections in collections; people need about ten
	maxVisited = 1 << 18 // nodes read, counting each time an alias repeats them; a thousand lines of business need about a tenth
)

// syntax reads src as one YAML document. Where it cannot be read, the one finding says why and root is nil.
func (r *Reader) syntax(src []byte) (root ast.Node) {
	if len(src) > maxBytes {
		r.Report(Mark{Line: 1, Col: 1}, Finding{Message: fmt.Sprintf("the file has %d bytes", len(src)), Fix: fmt.Sprintf("%s has at most %d", r.format.What, maxBytes), Rule: r.rule("size"), Source: r.format.Doc})
		return nil
	}
	if at, message, fix := unreadable(src); message != "" {
		r.Report(at, Finding{Message: message, Fix: fix, Rule: r.rule("syntax"), Source: sourceYAML})
		return nil
	}
	if len(src) >= 3 && string(src[:3]) == "\ufeff" {
		src = src[3:]
	}
	tokens := joinPlain(lexer.Tokenize(string(src)))
	if !r.checkTokens(tokens) {
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		f := Finding{Message: "this is not YAML: " + err.Error(), Fix: "check the indentation, brackets and quotes here", Rule: r.rule("syntax"), Source: sourceYAML}
		at := Mark{Line: 1, Col: 1}
		var se *yaml.SyntaxError
		if errors.As(err, &se) {
			f.Message = "this is not YAML: " + se.Message
			if se.Token != nil && se.Token.Position != nil {
				at = markOf(se.Token)
			}
		}
		if line, ok := lineOf(src, at.Line); ok && strings.Contains(line[:len(line)-len(strings.TrimLeft(line, " \t"))], "\t") {
			f.Message, f.Fix, f.Source = "a tab indents this line", "indent with spaces only; your editor can replace the tab", sourceYAML+" section 6.1"
		}
		r.Report(at, f)
		return nil
	}
	for _, d := range file.Docs {
		if d.Body != nil {
			root = d.Body
		}
	}
	if root == nil {
		r.Report(Mark{Line: 1, Col: 1}, Finding{Message: r.format.Empty, Fix: r.format.Start, Rule: r.rule("empty"), Source: r.format.Doc})
	}
	return root
}

// unreadable finds the first byte that no YAML stream may hold (YAML 1.2 section 5.1); the message is empty where there is none.
func unreadable(src []byte) (at Mark, message, fix string) {
	at = Mark{Line: 1, Col: 1}
	for len(src) > 0 {
		c, n := utf8.DecodeRune(src)
		switch {
		case c == utf8.RuneError && n == 1:
			return at, "this byte is not UTF-8", "save the file as UTF-8"
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7f:
			return at, fmt.Sprintf("this is the control character U+%04X, which no YAML holds", c), "give a text file; if it is one, leave the character out"
		case c == '\n':
			at = Mark{Line: at.Line + 1, Col: 1}
		default:
			at.Col++
		}
		src = src[n:]
	}
	return at, "", ""
}

// lineOf is a line of src, counted from 1.
func lineOf(src []byte, n int) (string, bool) {
	lines := strings.Split(string(src), "\n")
	if n < 1 || n > len(lines) {
		return "", false
	}
	return lines[n-1], true
}

// checkTokens refuses what YAML has and no file here has a use for, and nesting too deep for the parser's recursion.
func (r *Reader) checkTokens(tokens token.Tokens) bool {
	depth, run, content := 0, 0, false
	for _, t := range tokens {
		if t.Position == nil {
			continue
		}
		var f Finding
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.AnchorType:
			run++
		case token.TagType:
			f = Finding{Value: t.Value, Message: "tags are not used in " + r.format.What, Fix: "leave the tag out"}
		case token.MappingKeyType:
			f = Finding{Value: t.Value, Message: "keys written with a question mark are not used in " + r.format.What, Fix: "write key: value"}
		case token.DirectiveType:
			f = Finding{Value: t.Value, Message: "directives are not used in " + r.format.What, Fix: "leave the line out"}
		case token.DocumentHeaderType:
			if content {
				f = Finding{Value: t.Value, Message: "a second document begins here", Fix: r.format.What + " is one document: write each into a file of its own", Rule: r.rule("one-document")}
			}
			content = true
		}
		switch t.Type {
		case token.SequenceEntryType, token.AnchorType, token.StringType:
		default:
			run = 0
		}
		if t.Type != token.CommentType && t.Type != token.DocumentEndType {
			content = true
		}
		if depth > maxDepth || run > maxDepth {
			f = Finding{Message: fmt.Sprintf("collections are nested more than %d deep", maxDepth), Fix: r.format.What + " needs about ten", Rule: r.rule("size")}
		}
		if f.Message != "" {
			if f.Rule == "" {
				f.Rule = r.rule("syntax")
			}
			f.Source = sourceYAML
			r.Report(markOf(t), f)
			return false
		}
	}
	return true
}

// joinPlain mends how the lexer splits an IPv6 prefix inside {...[...]}: YAML 1.2 (7.3.3) takes a colon that is not followed
// by a space as part of the plain scalar it stands in, and the lexer takes it as the end of a key.
func joinPlain(tokens token.Tokens) token.Tokens {
	plain := func(t *token.Token) bool {
		switch t.Type {
		case token.StringType, token.IntegerType, token.FloatType, token.HexIntegerType, token.OctetIntegerType, token.BinaryIntegerType, token.BoolType, token.NullType:
			return true
		}
		return false
	}
	adjacent := func(a, b *token.Token) bool {
		return a.Position != nil && b.Position != nil && a.Position.Line == b.Position.Line && a.Position.Column+utf8.RuneCountInString(a.Value) == b.Position.Column
	}
	out := tokens[:0:0]
	for i := 0; i < len(tokens); i++ {
		t := tokens[i]
		if t.Type != token.MappingValueType || i+1 == len(tokens) || !adjacent(t, tokens[i+1]) || !plain(tokens[i+1]) {
			out = append(out, t)
			continue
		}
		next := tokens[i+1]
		first := t
		if n := len(out); n > 0 && adjacent(out[n-1], t) {
			if !plain(out[n-1]) && out[n-1].Type != token.SequenceStartType && out[n-1].Type != token.CollectEntryType {
				out = append(out, t) // {"quoted":value} needs no space
				continue
			}
			if plain(out[n-1]) {
				first = out[n-1]
				out = out[:n-1]
			}
		} else if n > 0 && out[n-1].Indicator == token.QuotedScalarIndicator {
			out = append(out, t) // the column of a quoted scalar's end is not known
			continue
		}
		joined := token.String(t.Value+next.Value, t.Origin+next.Origin, first.Position)
		if first != t {
			joined = token.String(first.Value+joined.Value, first.Origin+joined.Origin, first.Position)
		}
		out = append(out, joined)
		i++
	}
	for i, t := range out {
		t.Prev, t.Next = nil, nil
		if i > 0 {
			t.Prev, out[i-1].Next = out[i-1], t
		}
	}
	return out
}

// mark is a place in the file.
type Mark struct{ Line, Col int } // both from 1

func markOf(t *token.Token) Mark {
	if t == nil || t.Position == nil {
		return Mark{1, 1}
	}
	return Mark{max(t.Position.Line, 1), max(t.Position.Column, 1)}
}

// start is where a node begins: a block mapping at its first key, not at that key's colon.
func start(n ast.Node) Mark {
	for {
		m, ok := n.(*ast.MappingNode)
		if !ok || m.IsFlowStyle || len(m.Values) == 0 {
			break
		}
		n = m.Values[0].Key
	}
	return markOf(n.GetToken())
}

// linkAliases tells each alias its anchor's value: the last one of that name before it.
func linkAliases(root ast.Node) map[*ast.AliasNode]ast.Node {
	links := map[*ast.AliasNode]ast.Node{}
	anchors := map[string]ast.Node{}
	var walk func(ast.Node)
	walk = func(n ast.Node) {
		switch n := n.(type) {
		case *ast.MappingNode:
			for _, v := range n.Values {
				walk(v)
			}
		case *ast.MappingValueNode:
			walk(n.Key)
			walk(n.Value)
		case *ast.SequenceNode:
			for _, v := range n.Values {
				walk(v)
			}
		case *ast.AnchorNode:
			if n.Name != nil {
				anchors[n.Name.GetToken().Value] = n.Value
			}
			walk(n.Value)
		case *ast.AliasNode:
			if n.Value != nil {
				links[n] = anchors[n.Value.GetToken().Value]
			}
		}
	}
	walk(root)
	return links
}
