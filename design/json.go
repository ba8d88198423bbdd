package design

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
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
		return nil, errors.New("reading a design: the input is empty; `onramp design estate.yaml` writes one")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var d Design
	if err := dec.Decode(&d); err != nil {
		return nil, decodeError(data, dec.InputOffset(), err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		line, col := position(data, dec.InputOffset())
		return nil, fmt.Errorf("reading a design: %d:%d: something follows the design's closing brace; want one design in a file", line, col)
	}
	if d.APIVersion != APIVersion {
		return nil, fmt.Errorf("reading a design: apiVersion is %q; want %q, the only format that this Onramp reads", d.APIVersion, APIVersion)
	}
	if d.Pattern != "" && !d.Pattern.known() {
		return nil, fmt.Errorf("reading a design: pattern is %q; want one of %v, or none for a design that Onramp did not make", d.Pattern, Patterns())
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

// decodeError says where in the file the reader stopped and what would be right.
func decodeError(data []byte, offset int64, err error) error {
	var syntax *json.SyntaxError
	var wrong *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		line, col := position(data, syntax.Offset)
		return fmt.Errorf("reading a design: %d:%d: not JSON: %w", line, col, err)
	case errors.As(err, &wrong):
		line, col := position(data, wrong.Offset)
		return fmt.Errorf("reading a design: %d:%d: %s is a %s; want %s: %w", line, col, wrong.Field, wrong.Value, wrong.Type, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("reading a design: the file ends before the design does; is it cut off?")
	}
	line, col := position(data, offset)
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("reading a design: %d:%d: unknown key %s; design.json has no such key here (docs/design.md lists them)", line, col, field)
	}
	return fmt.Errorf("reading a design: %d:%d: %w", line, col, err)
}

// position is the line and column, from 1, of the byte before the offset, where the reader stopped.
func position(data []byte, offset int64) (line, col int) {
	at := data[:min(max(offset, 0), int64(len(data)))]
	return bytes.Count(at, []byte("\n")) + 1, max(len(at)-bytes.LastIndexByte(at, '\n')-1, 1)
}
