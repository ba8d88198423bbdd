package design

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"onramp/catalog"
)

// Encode writes the design as design.json: two spaces of indentation, keys in the order of the types, a newline at the end.
// The same design always gives the same bytes.
func (d *Design) Encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(d); err != nil {
		return nil, fmt.Errorf("writing design %q: %w", d.Name, err)
	}
	return b.Bytes(), nil
}

// Decode reads a design.json. Keys that a design does not have are errors, except inside Azure's resources, where unknown
// properties are kept; so is anything after the design.
func Decode(data []byte) (*Design, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, readError(data, 0, "the input is empty", "`onramp design estate.yaml` writes one")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var d Design
	if err := dec.Decode(&d); err != nil {
		return nil, decodeError(data, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, readError(data, dec.InputOffset(), "something follows the design's closing brace", "want one design in a file")
	}
	if d.APIVersion != APIVersion {
		return nil, readError(data, valueOf(data, "apiVersion"), fmt.Sprintf("apiVersion is %q", d.APIVersion), fmt.Sprintf("want %q, the only format that this Onramp reads", APIVersion))
	}
	if d.Pattern != "" && !d.Pattern.known() {
		return nil, readError(data, valueOf(data, "pattern"), fmt.Sprintf("pattern is %q", d.Pattern), fmt.Sprintf("want one of %v, or none for a design that Onramp did not make", Patterns()))
	}
	return &d, nil
}

func (p Pattern) known() bool {
	for _, k := range Patterns() {
		if p == k {
			return true
		}
	}
	return false
}

// ReadError is why a design.json cannot be read, and where.
type ReadError struct {
	Line, Col int // from 1
	Message   string
	// Fix is what would be right.
	Fix string
}

// Error tells it without the file's name, which only the caller knows.
func (e *ReadError) Error() string {
	return fmt.Sprintf("reading a design: %d:%d: %s", e.Line, e.Col, e.Text())
}

// Text is the message with its fix.
func (e *ReadError) Text() string { return e.Message + "; " + e.Fix }

// readError is a ReadError at an offset.
func readError(data []byte, offset int64, message, fix string) error {
	line, col := position(data, offset)
	return &ReadError{Line: line, Col: col, Message: message, Fix: fix}
}

// decodeError says where in the file the reader stopped and what would be right.
func decodeError(data []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &syntax) && syntax.Offset >= int64(len(data)):
		return readError(data, int64(len(bytes.TrimRight(data, " \t\r\n"))), "the file ends before the design does", "is it cut off? Write it again: `onramp design estate.yaml`")
	case errors.As(err, &syntax):
		return readError(data, syntax.Offset, "this is not JSON: "+err.Error(), "mend the line, or write the design again: `onramp design estate.yaml`")
	case errors.As(err, &wrong):
		return readError(data, wrong.Offset, fmt.Sprintf("%s is a %s", wrong.Field, wrong.Value), fmt.Sprintf("want %s", wrong.Type))
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name = strings.Trim(name, `"`)
		at, keys := unknownKey(data, name)
		if keys == nil {
			return readError(data, offset, fmt.Sprintf("there is no such key %q", name), "leave it out; docs/design.md lists the keys")
		}
		fix := "the keys here are " + strings.Join(keys, ", ") + "; docs/design.md tells of them"
		if near := catalog.Nearest(name, keys); near != "" {
			fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
		}
		return readError(data, at, fmt.Sprintf("there is no such key %q", name), fix)
	}
	return readError(data, offset, err.Error(), "docs/design.md tells what a design holds")
}

// unknownKey finds the first key of this name that its place in a design does not have: the offset of its opening quote, and the
// keys that the place does have. keys is nil where the reader found it in a part with a form of its own.
func unknownKey(data []byte, name string) (offset int64, keys []string) {
	dec := json.NewDecoder(bytes.NewReader(data))
	var walk func(t reflect.Type) bool // whether to go on
	walk = func(t reflect.Type) bool {
		tok, err := dec.Token()
		if err != nil {
			return false
		}
		for t != nil && t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch tok {
		case json.Delim('['):
			var elem reflect.Type
			if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
				elem = t.Elem()
			}
			for dec.More() {
				if !walk(elem) {
					return false
				}
			}
		case json.Delim('{'):
			here := fields(t)
			for dec.More() {
				key, err := dec.Token()
				if err != nil {
					return false
				}
				k, _ := key.(string)
				next, known := here[strings.ToLower(k)]
				if len(here) > 0 && !known && k == name {
					offset = dec.InputOffset() - int64(len(name)) - 1
					for _, f := range here {
						keys = append(keys, f.name)
					}
					slices.Sort(keys)
					return false
				}
				if !walk(next.t) {
					return false
				}
			}
		default:
			return true
		}
		_, err = dec.Token()
		return err == nil
	}
	walk(reflect.TypeFor[Design]())
	return offset, keys
}

// field is a key of a JSON object and the type of its value.
type field struct {
	name string
	t    reflect.Type
}

// fields are the keys of a struct by their names in lower case, which is how encoding/json compares them; none for a type that
// reads itself.
func fields(t reflect.Type) map[string]field {
	if t == nil || t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	out := map[string]field{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name != "" && name != "-" {
			out[strings.ToLower(name)] = field{name, t.Field(i).Type}
		}
	}
	return out
}

// valueOf is the offset of the first key of this name, for the few whose value is read and then refused; 0 where there is none.
func valueOf(data []byte, key string) int64 {
	return int64(bytes.Index(data, []byte(`"`+key+`"`)) + 1)
}

// position is the line and column, from 1, of the byte before the offset, where the reader stopped.
func position(data []byte, offset int64) (line, col int) {
	at := data[:min(max(offset, 0), int64(len(data)))]
	return bytes.Count(at, []byte("\n")) + 1, max(len(at)-bytes.LastIndexByte(at, '\n')-1, 1)
}
