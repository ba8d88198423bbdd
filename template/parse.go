package template

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// Template is a parsed template. It does not change after Parse and can be instantiated any number of times, also concurrently.
type Template struct {
	// Name is what Parse was given: a file's name, or the path of the nested deployment that carries the template.
	Name string
	// Schema is $schema, ContentVersion is contentVersion, as written.
	Schema, ContentVersion string
	// LanguageVersion is languageVersion: "" or "1.0" for resources as an array, "2.0" for symbolic names.
	LanguageVersion string

	text  []byte
	lines []int // where each line starts
	runes []int // how many characters there are before each stretch of the text

	root       *node
	parameters []declared
	variables  map[string]variable // by lower-case name
	functions  map[string]*userFunction
	resources  *node
	outputs    *node
	types      *node // definitions
	secrets    bool  // some parameter or type is secure
}

// declared is a parameter, or one of a user-defined function.
type declared struct {
	name string
	def  *node
}

// variable is a variable's value, or the copy that makes it.
type variable struct {
	name  string
	value *node
	copy  *node
	path  string
}

// userFunction is a function that the template defines, namespace.name.
type userFunction struct {
	name   string
	params []declared
	output *node // the whole definition of the output
	value  *node
	path   string
}

// symbolic tells whether the resources have symbolic names (languageVersion 2.0).
func (t *Template) symbolic() bool { return strings.HasPrefix(t.LanguageVersion, "2") }

// maxText is how long a template may be in bytes: 4 MB, Azure's published limit.
const maxText = 4 << 20

// maxExpression is how long an expression may be in characters: 24,576, Azure's published limit.
const maxExpression = 24576

// Parse reads a template: JSON, in which comments and strings of several lines are allowed as Azure's tools allow them. The name goes
// into errors. All expressions are parsed too, but for those of nested templates with the inner scope, which are the child's.
// Errors are *Error.
func Parse(name string, b []byte) (*Template, error) {
	t := &Template{Name: name, variables: map[string]variable{}, functions: map[string]*userFunction{}}
	t.carry(b)
	if len(b) > maxText {
		return nil, t.fault(nil, codeInvalid, "", fmt.Sprintf("the template has %d bytes; Azure takes at most %d", len(b), maxText))
	}
	root, err := readJSON(b, true)
	if err != nil {
		var s *syntaxError
		if errors.As(err, &s) {
			return nil, t.faultAt(s.pos, "", s.message)
		}
		return nil, err
	}
	t.root = root
	if root.kind != objectKind {
		return nil, t.fault(root, codeInvalid, "", "a template is a JSON object with $schema, contentVersion and resources")
	}
	if err := t.compileTemplate(root, ""); err != nil {
		return nil, err
	}
	if err := t.sections(); err != nil {
		return nil, err
	}
	t.secrets = secure(root.member("parameters")) || secure(t.types)
	return t, nil
}

// secure tells whether a secure type stands somewhere in declarations.
func secure(n *node) bool {
	if n == nil {
		return false
	}
	for _, f := range n.members {
		if strings.EqualFold(f.name, "type") && f.value.kind == stringKind && len(f.value.str) > 6 && strings.EqualFold(f.value.str[:6], "secure") {
			return true
		}
		if secure(f.value) {
			return true
		}
	}
	return slices.ContainsFunc(n.elems, secure)
}

// sections finds the template's parts and checks their shapes.
func (t *Template) sections() error {
	for _, s := range []struct {
		name string
		into *string
		must bool
	}{{"$schema", &t.Schema, true}, {"contentVersion", &t.ContentVersion, true}, {"languageVersion", &t.LanguageVersion, false}} {
		n := t.root.member(s.name)
		switch {
		case n == nil && s.must:
			return t.fault(t.root, codeInvalid, "", fmt.Sprintf("the template has no %s, which is required", s.name))
		case n == nil:
		case n.kind != stringKind || s.must && n.str == "":
			return t.fault(n, codeInvalid, s.name, s.name+" is expected to be a String")
		default:
			*s.into = n.str
		}
	}
	switch t.LanguageVersion {
	case "", "1.0", "2.0", "2.1-experimental", "2.2-experimental":
	default:
		return t.fault(t.root.member("languageVersion"), codeInvalid, "languageVersion",
			fmt.Sprintf("the languageVersion '%s' is not known; 1.0 and 2.0 are", t.LanguageVersion))
	}
	for _, f := range t.root.members {
		switch strings.ToLower(f.name) {
		case "$schema", "contentversion", "languageversion", "metadata", "apiprofile":
		case "parameters":
			if err := t.declare(f.value); err != nil {
				return err
			}
		case "variables":
			if err := t.declareVariables(f.value); err != nil {
				return err
			}
		case "functions":
			if err := t.declareFunctions(f.value); err != nil {
				return err
			}
		case "resources":
			t.resources = f.value
		case "outputs":
			if err := t.shape(f.value, objectKind, "outputs"); err != nil {
				return err
			}
			t.outputs = f.value
		case "definitions":
			if err := t.shape(f.value, objectKind, "definitions"); err != nil {
				return err
			}
			if !t.symbolic() {
				return t.fault(f.value, codeInvalid, "definitions", "type definitions take languageVersion 2.0")
			}
			t.types = f.value
		default:
			return t.fault(f.key, codeInvalid, f.name, fmt.Sprintf("could not find member '%s' on objects of type 'Template'%s", f.name,
				nearest(f.name, []string{"$schema", "contentVersion", "languageVersion", "apiProfile", "definitions", "metadata", "parameters",
					"variables", "functions", "resources", "outputs"})))
		}
	}
	switch {
	case t.resources == nil:
		return t.fault(t.root, codeInvalid, "", "the template has no resources, which are required")
	case t.symbolic() && t.resources.kind == objectKind, !t.symbolic() && t.resources.kind == arrayKind:
		return nil
	case t.symbolic() && t.resources.kind == arrayKind && len(t.resources.elems) == 0:
		return nil
	case t.symbolic():
		return t.fault(t.resources, codeInvalid, "resources", "with languageVersion 2.0 resources are an Object: each has its symbolic name")
	}
	return t.fault(t.resources, codeInvalid, "resources", "resources are expected to be an Array; symbolic names take \"languageVersion\": \"2.0\"")
}

func (t *Template) shape(n *node, k kind, path string) error {
	if n.kind == k {
		return nil
	}
	return t.fault(n, codeInvalid, path, fmt.Sprintf("%s is expected to be an %s, but is of type %s", path,
		map[kind]string{objectKind: "Object", arrayKind: "Array"}[k], typeName(literal(n))))
}

func (t *Template) declare(n *node) error {
	if err := t.shape(n, objectKind, "parameters"); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, f := range n.members {
		if err := t.shape(f.value, objectKind, "parameters."+f.name); err != nil {
			return err
		}
		if seen[strings.ToLower(f.name)] {
			return t.fault(f.key, codeInvalid, "parameters."+f.name, fmt.Sprintf("the parameter '%s' is declared twice: names do not tell cases apart", f.name))
		}
		seen[strings.ToLower(f.name)] = true
		t.parameters = append(t.parameters, declared{f.name, f.value})
	}
	return nil
}

func (t *Template) declareVariables(n *node) error {
	if err := t.shape(n, objectKind, "variables"); err != nil {
		return err
	}
	add := func(at *node, v variable) error {
		key := strings.ToLower(v.name)
		if _, ok := t.variables[key]; ok {
			return t.fault(at, codeInvalid, v.path, fmt.Sprintf("the variable '%s' is defined twice: names do not tell cases apart", v.name))
		}
		t.variables[key] = v
		return nil
	}
	for _, f := range n.members {
		if !strings.EqualFold(f.name, "copy") || !isCopy(f.value) {
			if err := add(f.key, variable{name: f.name, value: f.value, path: "variables" + dot(f.name)}); err != nil {
				return err
			}
			continue
		}
		for i, c := range f.value.elems {
			name := c.member("name")
			path := fmt.Sprintf("variables.copy[%d]", i)
			if name.kind != stringKind || name.expr != nil {
				return t.fault(name, codeInvalid, path+".name", "the name of a variable is a literal String")
			}
			if err := add(name, variable{name: name.str, copy: c, path: path}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Template) declareFunctions(n *node) error {
	if err := t.shape(n, arrayKind, "functions"); err != nil {
		return err
	}
	for i, ns := range n.elems {
		path := fmt.Sprintf("functions[%d]", i)
		space, members := ns.member("namespace"), ns.member("members")
		if space == nil || space.kind != stringKind || members == nil || members.kind != objectKind {
			return t.fault(ns, codeInvalid, path, "an element of functions has a namespace, a String, and members, an Object")
		}
		for _, f := range members.members {
			path := path + ".members" + dot(f.name)
			u := &userFunction{name: space.str + "." + f.name, path: path}
			u.output = f.value.member("output")
			if u.value = u.output.member("value"); u.value == nil {
				return t.fault(f.value, codeInvalid, path, "a function has an output with a type and a value")
			}
			params := f.value.member("parameters")
			if params != nil && params.kind != arrayKind {
				return t.fault(params, codeInvalid, path+".parameters", "the parameters of a function are an Array of objects with a name and a type")
			}
			if params != nil {
				for j, p := range params.elems {
					name := p.member("name")
					if name == nil || name.kind != stringKind {
						return t.fault(p, codeInvalid, fmt.Sprintf("%s.parameters[%d]", path, j), "a parameter of a function has a name, a String")
					}
					u.params = append(u.params, declared{name.str, p})
				}
			}
			t.functions[strings.ToLower(u.name)] = u
		}
	}
	return nil
}

func (t *Template) functionNames() []string {
	var names []string
	for _, f := range t.functions {
		names = append(names, f.name)
	}
	return names
}

// compileTemplate parses the expressions of a template where it has some: what describes it and what declares types has none.
func (t *Template) compileTemplate(n *node, path string) error {
	for _, f := range n.members {
		path := path + dot(f.name)
		var err error
		switch strings.ToLower(f.name) {
		case "parameters":
			for _, p := range f.value.members {
				if def := p.value.member("defaultValue"); def != nil && err == nil {
					err = t.compile(def, path+dot(p.name)+".defaultValue")
				}
			}
		case "variables", "functions":
			err = t.compile(f.value, path)
		case "outputs":
			for _, o := range f.value.members {
				if err == nil {
					err = t.compileMembers(o.value, path+dot(o.name), nil)
				}
			}
		case "resources":
			err = t.compileResources(f.value, path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compileMembers parses what is in the members of a resource or an output, but its description. special takes some members for itself.
func (t *Template) compileMembers(n *node, path string, special func(f field, path string) (bool, error)) error {
	if n.kind != objectKind {
		return t.compile(n, path)
	}
	for _, f := range n.members {
		if strings.EqualFold(f.name, "metadata") || strings.EqualFold(f.name, "comments") {
			continue
		}
		path := path + dot(f.name)
		if special != nil {
			if done, err := special(f, path); err != nil {
				return err
			} else if done {
				continue
			}
		}
		if err := t.compile(f.value, path); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) compileResources(n *node, path string) error {
	for i, e := range n.elems {
		if err := t.compileResource(e, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	for _, f := range n.members {
		if err := t.compileResource(f.value, path+dot(f.name)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Template) compileResource(n *node, path string) error {
	typ := n.member("type")
	nested := typ != nil && isDeployment(typ.str)
	return t.compileMembers(n, path, func(f field, path string) (bool, error) {
		switch {
		case strings.EqualFold(f.name, "resources"):
			return true, t.compileResources(f.value, path)
		case nested && strings.EqualFold(f.name, "properties"):
			return true, t.compileMembers(f.value, path, func(g field, path string) (bool, error) {
				switch {
				case !strings.EqualFold(g.name, "template"):
					return false, nil
				case isInner(f.value): // the child's to read
					return true, nil
				}
				return true, t.compileTemplate(g.value, path)
			})
		}
		return false, nil
	})
}

// compile parses the expressions in n.
func (t *Template) compile(n *node, path string) error {
	switch n.kind {
	case stringKind:
		if !isExpression(n.str) {
			return nil
		}
		if l := utf8.RuneCountInString(n.str); l > maxExpression {
			return t.fault(n, codeInvalid, path, fmt.Sprintf("the expression has %d characters; Azure takes at most %d", l, maxExpression))
		}
		e, err := parseExpression(n.str, builtin)
		if err != nil {
			var s *syntaxError
			if errors.As(err, &s) {
				return t.faultIn(n, s.pos, path, s.message)
			}
			return err
		}
		n.expr = e
	case arrayKind:
		for i, e := range n.elems {
			if err := t.compile(e, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case objectKind:
		for _, f := range n.members {
			at := path + dot(f.name)
			if err := t.compile(f.key, at); err != nil {
				return err
			}
			if err := t.compile(f.value, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// isInner tells the properties of a nested deployment whose template is the child's to evaluate.
func isInner(n *node) bool {
	scope := n.member("expressionEvaluationOptions").member("scope")
	return scope != nil && scope.kind == stringKind && strings.EqualFold(scope.str, "inner") && n.member("template") != nil
}

// fault is an error at a node; without one it has no place in the text.
func (t *Template) fault(n *node, code, path, message string) *Error {
	if n == nil || n.pos < 0 {
		return &Error{Code: code, Name: t.Name, Path: strings.TrimPrefix(path, "."), Message: message}
	}
	err := t.faultAt(n.pos, path, message)
	err.Code = code
	return err
}

// faultIn is an error at a place in a node's string, where that can be told.
func (t *Template) faultIn(n *node, pos int, path, message string) *Error {
	if n == nil {
		return t.fault(nil, codeInvalid, path, message)
	}
	at := n.pos
	if n.plain {
		at += 1 + pos
	}
	return t.faultAt(at, path, message)
}

func (t *Template) faultAt(pos int, path, message string) *Error {
	line, column := t.place(pos)
	return &Error{Code: codeInvalid, Name: t.Name, Path: strings.TrimPrefix(path, "."), Line: line, Column: column, Message: message}
}

// stretch is how far apart the places are whose column is known: a template may be one line of megabytes.
const stretch = 512

// carry takes a text and notes where its lines and characters are.
func (t *Template) carry(text []byte) {
	t.text, t.lines = text, append(t.lines, 0)
	count := 0
	for i, c := range text {
		if i%stretch == 0 {
			t.runes = append(t.runes, count)
		}
		if c == '\n' {
			t.lines = append(t.lines, i+1)
		}
		if utf8.RuneStart(c) {
			count++
		}
	}
}

// before is how many characters there are before an offset.
func (t *Template) before(pos int) int {
	k := min(pos/stretch, len(t.runes)-1)
	if k < 0 {
		return 0
	}
	count := t.runes[k]
	for _, c := range t.text[k*stretch : pos] {
		if utf8.RuneStart(c) {
			count++
		}
	}
	return count
}

// place is the line and column of an offset, from 1.
func (t *Template) place(pos int) (line, column int) {
	pos = min(max(pos, 0), len(t.text))
	line = sort.SearchInts(t.lines, pos+1)
	return line, t.before(pos) - t.before(t.lines[line-1]) + 1
}
