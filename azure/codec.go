package azure

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// The codec walks our structs by reflection, so that one piece of code keeps unknown properties for all of them: what a
// JSON object has and its struct does not name goes to the struct's Extra field and is written back after the known ones.

var extraType = reflect.TypeFor[Extra]()

// field is one JSON property of a struct.
type field struct {
	name  string
	index []int
	omit  bool
}

// shape is what the codec knows of a struct: its JSON properties in order, those of embedded structs in place, and its Extra.
type shape struct {
	list  []field
	extra []int
}

// shapes are those of all structs that a modelled resource has in it. Nothing is added later.
var shapes = func() map[reflect.Type]shape {
	all := map[reflect.Type]shape{}
	var walk func(t reflect.Type)
	walk = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			walk(t.Elem())
		case reflect.Struct:
			if _, had := all[t]; had {
				return
			}
			list, extra := fields(t)
			all[t] = shape{list, extra}
			for i := range t.NumField() {
				walk(t.Field(i).Type)
			}
		}
	}
	walk(reflect.TypeFor[Unknown]())
	for _, f := range makers {
		walk(reflect.TypeOf(f()))
	}
	return all
}()

// shapeOf finds a struct's, or works it out.
func shapeOf(t reflect.Type) shape {
	if s, ok := shapes[t]; ok {
		return s
	}
	list, extra := fields(t)
	return shape{list, extra}
}

// fields works out a struct's shape.
func fields(t reflect.Type) (list []field, extra []int) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Type == extraType {
			extra = f.Index
			continue
		}
		if f.Anonymous {
			inner, e := fields(f.Type)
			for _, x := range inner {
				x.index = append([]int{i}, x.index...)
				list = append(list, x)
			}
			if e != nil {
				extra = append([]int{i}, e...)
			}
			continue
		}
		name, opts, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		list = append(list, field{name: name, index: f.Index, omit: opts == "omitempty"})
	}
	return list, extra
}

// encode writes a value: known properties in the order of the struct, unknown ones sorted by name.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := encodeValue(&b, reflect.ValueOf(v)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func encodeValue(b *bytes.Buffer, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			b.WriteString("null")
			return nil
		}
		return encodeValue(b, v.Elem())
	case reflect.Struct:
		return encodeStruct(b, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encodeValue(b, v.Index(i)); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	var leaf bytes.Buffer
	e := json.NewEncoder(&leaf)
	e.SetEscapeHTML(false)
	if err := e.Encode(v.Interface()); err != nil {
		return err
	}
	b.Write(bytes.TrimRight(leaf.Bytes(), "\n"))
	return nil
}

func encodeStruct(b *bytes.Buffer, v reflect.Value) error {
	s := shapeOf(v.Type())
	list, extra := s.list, s.extra
	b.WriteByte('{')
	first := true
	key := func(name string) error {
		if !first {
			b.WriteByte(',')
		}
		first = false
		k, err := json.Marshal(name)
		if err != nil {
			return err
		}
		b.Write(k)
		b.WriteByte(':')
		return nil
	}
	for _, f := range list {
		x := v.FieldByIndex(f.index)
		if f.omit && empty(x) {
			continue
		}
		if err := key(f.name); err != nil {
			return err
		}
		if err := encodeValue(b, x); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if extra != nil {
		m, _ := v.FieldByIndex(extra).Interface().(Extra)
		names := make([]string, 0, len(m))
		for k := range m {
			names = append(names, k)
		}
		slices.Sort(names)
		for _, k := range names {
			if err := key(k); err != nil {
				return err
			}
			var c bytes.Buffer
			if err := json.Compact(&c, m[k]); err != nil {
				return fmt.Errorf("%s: %w", k, err)
			}
			b.Write(c.Bytes())
		}
	}
	b.WriteByte('}')
	return nil
}

// empty tells whether omitempty leaves a value out: the zero value, and an empty list only when it is nil, because an empty
// list in the input is a list.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.IsNil()
	case reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}

// decode reads JSON into a value, keeping what it does not know.
func decode(b []byte, into any) error { return decodeValue(b, reflect.ValueOf(into).Elem()) }

func decodeValue(b []byte, v reflect.Value) error {
	if bytes.Equal(bytes.TrimSpace(b), []byte("null")) {
		v.SetZero()
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		if err := decodeValue(b, p.Elem()); err != nil {
			return err
		}
		v.Set(p)
		return nil
	case reflect.Struct:
		return decodeStruct(b, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			break
		}
		var list []json.RawMessage
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
		s := reflect.MakeSlice(v.Type(), len(list), len(list))
		for i, x := range list {
			if err := decodeValue(x, s.Index(i)); err != nil {
				return fmt.Errorf("[%d]: %w", i, err)
			}
		}
		v.Set(s)
		return nil
	case reflect.String:
		if s, ok := plainString(b); ok {
			v.SetString(s)
			return nil
		}
	}
	return json.Unmarshal(b, v.Addr().Interface())
}

// plainString reads a JSON string that stands for itself: printable ASCII without an escape, as nearly all are. The others are for
// encoding/json, which takes several allocations for each.
func plainString(b []byte) (string, bool) {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return "", false
	}
	b = b[1 : len(b)-1]
	for _, c := range b {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return "", false
		}
	}
	return string(b), true
}

func decodeStruct(b []byte, v reflect.Value) error {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	s := shapeOf(v.Type())
	list, extra := s.list, s.extra
	for _, f := range list {
		x, ok := m[f.name]
		if !ok {
			continue
		}
		if err := decodeValue(x, v.FieldByIndex(f.index)); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		delete(m, f.name)
	}
	if extra != nil && len(m) > 0 {
		v.FieldByIndex(extra).Set(reflect.ValueOf(Extra(m)))
	}
	return nil
}
