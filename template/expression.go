package template

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The expression language. A string of a template is an expression when it starts with [ and ends with ], but not with [[, which
// stands for a literal [.
//
//	template-string = "[" expression "]"
//	expression      = primary { "." identifier | "[" expression "]" }
//	primary         = string | integer | call
//	call            = identifier [ "." identifier ] "(" [ expression { "," expression } ] ")"
//	string          = "'" { any character but ' | "''" } "'"
//	integer         = [ "-" ] digit { digit }
//	identifier      = letter or _ { letter or digit or _ or $ }
//
// Spaces, tabs and line breaks may stand between any two of these. There are no operators, no fractions and no words for true, false
// and null: those are calls.

// expr is a parsed expression.
type expr struct {
	op   op
	pos  int    // in the string, in bytes
	str  string // of a string, a member, a call (the function's name as written)
	num  int64
	fn   *function // of a call of a built-in function; nil for a template's own (namespace.name) and list*
	args []*expr
	of   *expr // what a member or an index is of
}

type op byte

const (
	stringOp op = iota
	intOp
	callOp
	memberOp
	indexOp
)

// isExpression tells whether a template's string is an expression.
func isExpression(s string) bool {
	return len(s) >= 2 && s[0] == '[' && s[len(s)-1] == ']' && s[1] != '['
}

// plainString is what a string that is no expression says: [[x] stands for [x].
func plainString(s string) string {
	if strings.HasPrefix(s, "[[") && strings.HasSuffix(s, "]") {
		return s[1:]
	}
	return s
}

// escapeString is the opposite of plainString: what is written for a string that shall not be an expression.
func escapeString(s string) string {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") && len(s) > 1 {
		return "[" + s
	}
	return s
}

// tokenKind is what a token is: one of the marks, or its kind.
type tokenKind byte

const (
	endToken    tokenKind = 0
	identToken  tokenKind = 'a'
	stringToken tokenKind = '\''
	intToken    tokenKind = '0'
)

type token struct {
	kind tokenKind // or the mark itself: ( ) [ ] . ,
	pos  int
	str  string
	num  int64
}

func (t token) String() string {
	switch t.kind {
	case endToken:
		return "the end of the expression"
	case identToken:
		return strconv.Quote(t.str)
	case stringToken:
		return "the string " + quote(t.str)
	case intToken:
		return strconv.FormatInt(t.num, 10)
	}
	return strconv.Quote(string(rune(t.kind)))
}

// quote writes a string as the expression language does.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// lexer splits an expression into tokens.
type lexer struct {
	text string
	at   int
	end  int // where the expression's closing ] stands
}

func (l *lexer) next() (token, error) {
	for l.at < l.end && strings.IndexByte(" \t\r\n", l.text[l.at]) >= 0 {
		l.at++
	}
	t := token{pos: l.at}
	if l.at >= l.end {
		return t, nil
	}
	switch c := l.text[l.at]; {
	case strings.IndexByte("()[].,", c) >= 0:
		l.at++
		t.kind = tokenKind(c)
	case c == '\'':
		var b strings.Builder
		for i := l.at + 1; i < l.end; i++ {
			if l.text[i] != '\'' {
				b.WriteByte(l.text[i])
				continue
			}
			if i+1 < l.end && l.text[i+1] == '\'' {
				b.WriteByte('\'')
				i++
				continue
			}
			l.at = i + 1
			t.kind, t.str = stringToken, b.String()
			return t, nil
		}
		return t, &syntaxError{l.at, "the string is not closed: a single quote is missing ('' stands for a quote in a string)"}
	case c == '-' || digit(c):
		i := l.at + 1
		for i < l.end && digit(l.text[i]) {
			i++
		}
		if i < l.end && (l.text[i] == '.' && i+1 < l.end && digit(l.text[i+1]) || letter(l.text[i])) {
			return t, &syntaxError{l.at, "a number of an expression is whole; write json('1.5') for a fraction"}
		}
		n, err := strconv.ParseInt(l.text[l.at:i], 10, 64)
		if err != nil {
			return t, &syntaxError{l.at, fmt.Sprintf("%s is no integer of 64 bits", l.text[l.at:i])}
		}
		l.at = i
		t.kind, t.num = intToken, n
	case letter(c):
		i := l.at + 1
		for i < l.end && (letter(l.text[i]) || digit(l.text[i]) || l.text[i] == '$') {
			i++
		}
		t.kind, t.str = identToken, l.text[l.at:i]
		l.at = i
	default:
		r, _ := utf8.DecodeRuneInString(l.text[l.at:])
		hint := ""
		if c == '"' {
			hint = "; strings are in single quotes"
		}
		return t, &syntaxError{l.at, fmt.Sprintf("%q has no meaning in an expression%s", r, hint)}
	}
	return t, nil
}

func digit(c byte) bool  { return c >= '0' && c <= '9' }
func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }

// parser reads expressions by recursive descent, one token ahead.
type parser struct {
	lexer
	tok   token
	depth int
	find  func(name string) *function
}

// parseExpression reads a whole string, its brackets included. find gives the built-in functions. Errors are *syntaxError.
func parseExpression(text string, find func(string) *function) (*expr, error) {
	p := &parser{lexer: lexer{text: text, at: 1, end: len(text) - 1}, find: find}
	if err := p.advance(); err != nil {
		return nil, err
	}
	e, err := p.expression()
	if err != nil {
		return nil, err
	}
	if p.tok.kind != endToken {
		return nil, p.expected("the end of the expression")
	}
	return e, nil
}

func (p *parser) advance() (err error) {
	p.tok, err = p.next()
	return err
}

func (p *parser) expected(what string) error {
	return &syntaxError{p.tok.pos, fmt.Sprintf("%s is not expected here: %s is", p.tok, what)}
}

func (p *parser) expression() (*expr, error) {
	if p.depth++; p.depth > maxNesting {
		return nil, &syntaxError{p.tok.pos, fmt.Sprintf("calls are nested more than %d deep", maxNesting)}
	}
	defer func() { p.depth-- }()
	e, err := p.primary()
	if err != nil {
		return nil, err
	}
	for suffixes := 0; ; suffixes++ {
		if suffixes > maxNesting {
			return nil, &syntaxError{p.tok.pos, fmt.Sprintf("more than %d properties follow one another", maxNesting)}
		}
		pos := p.tok.pos
		switch p.tok.kind {
		case '.':
			if err := p.advance(); err != nil {
				return nil, err
			}
			if p.tok.kind != identToken {
				return nil, p.expected("the name of a property")
			}
			e = &expr{op: memberOp, pos: pos, str: p.tok.str, of: e}
			if err := p.advance(); err != nil {
				return nil, err
			}
		case '[':
			if err := p.advance(); err != nil {
				return nil, err
			}
			index, err := p.expression()
			if err != nil {
				return nil, err
			}
			if p.tok.kind != ']' {
				return nil, p.expected(`"]"`)
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
			e = &expr{op: indexOp, pos: pos, args: []*expr{index}, of: e}
		default:
			return e, nil
		}
	}
}

func (p *parser) primary() (*expr, error) {
	t := p.tok
	switch t.kind {
	case stringToken:
		return &expr{op: stringOp, pos: t.pos, str: t.str}, p.advance()
	case intToken:
		return &expr{op: intOp, pos: t.pos, num: t.num}, p.advance()
	case identToken:
		return p.call(t)
	}
	return nil, p.expected("a call, a string or a number")
}

func (p *parser) call(name token) (*expr, error) {
	e := &expr{op: callOp, pos: name.pos, str: name.str}
	if err := p.advance(); err != nil {
		return nil, err
	}
	own := p.tok.kind == '.'
	if own {
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.tok.kind != identToken {
			return nil, p.expected("the name of a function")
		}
		e.str += "." + p.tok.str
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if p.tok.kind != '(' {
		hint := ""
		switch strings.ToLower(name.str) {
		case "true", "false", "null":
			hint = fmt.Sprintf("; the value is written %s()", strings.ToLower(name.str))
		}
		return nil, &syntaxError{p.tok.pos, fmt.Sprintf("%s is not expected here: \"(\" is, after the function %q%s", p.tok, e.str, hint)}
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	for p.tok.kind != ')' {
		if len(e.args) > 0 {
			if p.tok.kind != ',' {
				return nil, p.expected(`"," or ")"`)
			}
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
		a, err := p.expression()
		if err != nil {
			return nil, err
		}
		e.args = append(e.args, a)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if own {
		return e, nil
	}
	if e.fn = p.find(name.str); e.fn == nil && !isList(name.str) {
		return nil, &syntaxError{name.pos, fmt.Sprintf("there is no template function %q%s", name.str, nearestFunction(name.str))}
	}
	if e.fn != nil {
		if wrong := e.fn.takes(len(e.args)); wrong != "" {
			return nil, &syntaxError{name.pos, wrong}
		}
	}
	return e, nil
}

// isList tells a list operation of a resource: list, listKeys, listSecrets ...
func isList(name string) bool { return len(name) >= 4 && strings.EqualFold(name[:4], "list") }

// String writes the expression back, without spaces.
func (e *expr) String() string {
	var b strings.Builder
	e.write(&b)
	return b.String()
}

func (e *expr) write(b *strings.Builder) {
	switch e.op {
	case stringOp:
		b.WriteString(quote(e.str))
	case intOp:
		b.WriteString(strconv.FormatInt(e.num, 10))
	case memberOp:
		e.of.write(b)
		b.WriteString("." + e.str)
	case indexOp:
		e.of.write(b)
		b.WriteByte('[')
		e.args[0].write(b)
		b.WriteByte(']')
	case callOp:
		b.WriteString(e.str + "(")
		for i, a := range e.args {
			if i > 0 {
				b.WriteByte(',')
			}
			a.write(b)
		}
		b.WriteByte(')')
	}
}
