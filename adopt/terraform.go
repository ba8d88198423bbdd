package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"onramp/azure"
)

// instance is one resource of Terraform's state.
type instance struct {
	piece
	typ   string
	attrs object
}

// FromTerraform reads Terraform's state: a terraform.tfstate of version 4, or what `terraform show -json` prints of a state. The name is
// for messages. Errors say where the file breaks, or what it is instead.
func FromTerraform(name string, src []byte) (*Found, error) {
	var top struct {
		Version       *int            `json:"version"`
		FormatVersion string          `json:"format_version"`
		Values        json.RawMessage `json:"values"`
		Planned       json.RawMessage `json:"planned_values"`
	}
	if err := readJSON(name, src, &top); err != nil {
		return nil, err
	}
	f := &Found{Source: Source{Name: name, Kind: KindTerraformState}}
	s := &state{f: f, src: src, types: terraformTypes()}
	var list []instance
	var err error
	switch {
	case top.Planned != nil:
		return nil, fmt.Errorf("%s: this is a plan of Terraform; give the state: `terraform show -json` without a plan file prints it", name)
	case top.FormatVersion != "":
		f.Source.Kind = KindTerraformJSON
		list, err = s.shown(top.Values)
	case top.Version == nil:
		return nil, fmt.Errorf("%s: this is no state of Terraform: it has neither a version nor a format_version", name)
	case *top.Version != 4:
		return nil, fmt.Errorf("%s: this is a state of Terraform of version %d; only version 4 is read, which Terraform 0.12 and newer write (`terraform show -json` prints any)", name, *top.Version)
	default:
		list, err = s.version4()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for i := range list {
		if err := s.convert(&list[i]); err != nil {
			return nil, err
		}
	}
	s.associate()
	return f, nil
}

// readJSON reads a file whole; the error says where it breaks.
func readJSON(name string, src []byte, into any) error {
	if len(src) > mostBytes {
		return fmt.Errorf("%s has %d bytes; at most %d are read", name, len(src), mostBytes)
	}
	err := json.Unmarshal(src, into)
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("%s:%d: this is not JSON: %w", name, lineOf(src, syntax.Offset), err)
	case errors.As(err, &typ):
		return fmt.Errorf("%s:%d: %s is a %s, and should be a %s", name, lineOf(src, typ.Offset), typ.Field, typ.Value, typ.Type)
	case err != nil:
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// lineOf is the line of an offset, from 1.
func lineOf(src []byte, offset int64) int {
	return bytes.Count(src[:min(max(offset, 0), int64(len(src)))], []byte("\n")) + 1
}

// state reads one file.
type state struct {
	f     *Found
	src   []byte
	types map[string]terraformType
	data  int // data sources, which nobody has made
	// associations are what joins two resources and is none in ARM.
	associations []instance
}

// block is a resource of a state of version 4.
type block struct {
	Module, Mode, Type, Name string
	Instances                []struct {
		IndexKey   any             `json:"index_key"`
		Attributes object          `json:"attributes"`
		Flat       json.RawMessage `json:"attributes_flat"`
		Sensitive  json.RawMessage `json:"sensitive_attributes"`
		Deposed    string          `json:"deposed"`
	} `json:"instances"`
}

// version4 lists the instances of a state file.
func (s *state) version4() ([]instance, error) {
	dec := json.NewDecoder(bytes.NewReader(s.src))
	if err := enter(dec, "resources"); errors.Is(err, io.EOF) {
		return nil, nil // a state of nothing
	} else if err != nil {
		return nil, err
	}
	var out []instance
	for dec.More() {
		line := lineOf(s.src, next(s.src, dec.InputOffset()))
		var b block
		if err := dec.Decode(&b); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		for _, x := range b.Instances {
			at := address(b.Module, b.Mode, b.Type, b.Name, x.IndexKey)
			p := piece{line: line, at: at}
			switch {
			case b.Mode == "data":
				s.data++
				continue
			case x.Deposed != "":
				s.f.note(LeftOut, p, "", "an object that Terraform is about to destroy is left out")
				continue
			case x.Attributes == nil:
				s.f.note(NotRead, p, "", "it has no attributes in a form that is read; `terraform refresh` with a newer Terraform writes them")
				continue
			}
			s.blindPaths(p, x.Attributes, x.Sensitive)
			if out = append(out, instance{piece: p, typ: b.Type, attrs: x.Attributes}); len(out) > mostResources {
				return nil, fmt.Errorf("it has more than %d resources", mostResources)
			}
		}
	}
	return out, nil
}

// enter goes to the first element of the list that is the value of a key of the top object; io.EOF where there is none.
func enter(dec *json.Decoder, key string) error {
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		k, err := dec.Token()
		if err != nil {
			return err
		}
		if k == key {
			t, err := dec.Token()
			if err == nil && t == nil {
				return io.EOF
			}
			if err == nil && t != json.Delim('[') {
				return fmt.Errorf("%s is no list", key)
			}
			return err
		}
		var skip json.RawMessage
		if err := dec.Decode(&skip); err != nil {
			return err
		}
	}
	return io.EOF
}

// next is the offset of the next value after one: commas and blanks are passed over.
func next(src []byte, offset int64) int64 {
	for offset < int64(len(src)) && bytes.IndexByte([]byte(" \t\r\n,"), src[offset]) >= 0 {
		offset++
	}
	return offset
}

// address is what Terraform calls an instance.
func address(module, mode, typ, name string, index any) string {
	out := typ + "." + name
	if mode == "data" {
		out = "data." + out
	}
	if module != "" {
		out = module + "." + out
	}
	switch i := index.(type) {
	case string:
		out += "[" + strconv.Quote(i) + "]"
	case float64:
		out += fmt.Sprintf("[%d]", int64(i))
	}
	return out
}

// module is a module of what `terraform show -json` prints.
type module struct {
	Resources []struct {
		Address   string `json:"address"`
		Mode      string `json:"mode"`
		Type      string `json:"type"`
		Values    object `json:"values"`
		Sensitive any    `json:"sensitive_values"`
		Deposed   string `json:"deposed_key"`
	} `json:"resources"`
	Children []module `json:"child_modules"`
}

// shown lists the instances of what `terraform show -json` prints.
func (s *state) shown(values json.RawMessage) ([]instance, error) {
	var v struct {
		Root module `json:"root_module"`
	}
	if len(values) > 0 {
		if err := json.Unmarshal(values, &v); err != nil {
			return nil, err
		}
	}
	lines := s.addresses()
	var out []instance
	var walk func(m *module) error
	walk = func(m *module) error {
		for i := range m.Resources {
			r := &m.Resources[i]
			p := piece{line: lines[r.Address], at: r.Address}
			switch {
			case r.Mode == "data":
				s.data++
				continue
			case r.Deposed != "":
				s.f.note(LeftOut, p, "", "an object that Terraform is about to destroy is left out")
				continue
			case r.Values == nil:
				s.f.note(NotRead, p, "", "it has no values")
				continue
			}
			s.blind(p, "", r.Values, r.Sensitive)
			if out = append(out, instance{piece: p, typ: r.Type, attrs: r.Values}); len(out) > mostResources {
				return fmt.Errorf("it has more than %d resources", mostResources)
			}
		}
		for i := range m.Children {
			if err := walk(&m.Children[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return out, walk(&v.Root)
}

// addresses are the lines in which the addresses of resources stand. Where one stands twice it is the first.
func (s *state) addresses() map[string]int {
	out := map[string]int{}
	line, key := 1, []byte(`"address"`)
	rest := s.src
	for {
		i := bytes.Index(rest, key)
		if i < 0 {
			return out
		}
		line += bytes.Count(rest[:i], []byte("\n"))
		rest = rest[i+len(key):]
		dec := json.NewDecoder(bytes.NewReader(bytes.TrimLeft(rest[:min(len(rest), 4096)], " \t\r\n:")))
		if t, err := dec.Token(); err == nil {
			if a, ok := t.(string); ok && out[a] == 0 {
				out[a] = line
			}
		}
	}
}

// blinded stands for a value that Terraform calls sensitive.
const blinded = "<sensitive>"

// blindPaths takes away the values at the paths that a state file calls sensitive.
func (s *state) blindPaths(p piece, attrs object, paths json.RawMessage) {
	var list [][]struct {
		Value any `json:"value"` // a name or an index; in newer files in an object with its type
	}
	if len(paths) == 0 || json.Unmarshal(paths, &list) != nil {
		return
	}
	for _, path := range list {
		var at any = attrs
		words := ""
		for i, step := range path {
			key := step.Value
			if o, ok := key.(object); ok {
				key = o["value"]
			}
			words = strings.TrimPrefix(fmt.Sprintf("%s.%v", words, key), ".")
			last := i == len(path)-1
			switch x := at.(type) {
			case object:
				name, _ := key.(string)
				if v, ok := x[name]; ok && last {
					x[name] = s.blinded(p, words, name, v)
				}
				at = x[name]
			case []any:
				n, ok := key.(float64)
				if !ok || n < 0 || n >= float64(len(x)) {
					at = nil
					continue
				}
				if last {
					x[int(n)] = s.blinded(p, words, "", x[int(n)])
				}
				at = x[int(n)]
			default:
				at = nil
			}
		}
	}
}

// blind takes away the values that `terraform show -json` calls sensitive: true in the place of each.
func (s *state) blind(p piece, path string, values, sensitive any) {
	switch is := sensitive.(type) {
	case object:
		o, _ := values.(object)
		for _, k := range sortedKeys(is) {
			at := strings.TrimPrefix(path+"."+k, ".")
			if v, ok := o[k]; ok && is[k] == true {
				o[k] = s.blinded(p, at, k, v)
			} else if ok {
				s.blind(p, at, v, is[k])
			}
		}
	case []any:
		l, _ := values.([]any)
		for i := range min(len(is), len(l)) {
			at := fmt.Sprintf("%s[%d]", path, i)
			if is[i] == true {
				l[i] = s.blinded(p, at, "", l[i])
			} else {
				s.blind(p, at, l[i], is[i])
			}
		}
	}
}

// blinded is what stays of a sensitive value: a word in the place of a text, else nothing. The keys of authorizations stay until they have
// told who redeems which (hide).
func (s *state) blinded(p piece, path, name string, v any) any {
	if strings.EqualFold(name, "authorization_key") || strings.EqualFold(name, "authorizationKey") || empty(v) {
		return v
	}
	if _, ok := v.(string); ok {
		return blinded
	}
	s.f.note(Secret, p, path, "Terraform calls it sensitive; it is not taken over")
	return nil
}

// convert makes of an instance what ARM has, and names what has no place there.
func (s *state) convert(i *instance) error {
	if i.typ == "azapi_resource" {
		return s.azapi(i)
	}
	k, ok := s.types[i.typ]
	if !ok {
		return s.strange(i)
	}
	a := &attributes{state: s, instance: i, used: map[string]bool{}}
	if k.association {
		s.associations = append(s.associations, *i)
		return nil
	}
	id := a.text("id")
	if k.id != nil {
		id = k.id(a)
	}
	p, err := azure.ParseID(id)
	if err != nil {
		s.f.note(NotRead, i.piece, "id", "%v", err)
		return nil
	}
	o := object{"id": id, "name": p.Name(), "type": k.arm}
	if p.Provider == "" && p.ResourceGroup == "" {
		s.f.note(NotRead, i.piece, "id", "%q is no %s", id, k.arm)
		return nil
	}
	for _, m := range append(headMoves(), k.moves...) {
		a.move(o, m)
	}
	if k.more != nil {
		k.more(a, o)
	}
	a.rest(i.attrs, append(ignored(), k.ignored...))
	return s.f.add(piece{body: o, line: i.line, at: i.at})
}

// strange keeps a resource of a type that is not known.
func (s *state) strange(i *instance) error {
	id, _ := i.attrs["id"].(string)
	p, err := azure.ParseID(id)
	if err != nil || p.Provider == "" {
		if strings.HasPrefix(i.typ, "azurerm_") || strings.HasPrefix(i.typ, "azapi_") {
			s.f.note(LeftOut, i.piece, "", "resources of type %s are not known and have no id of Azure's", i.typ)
			return nil
		}
		s.f.note(LeftOut, i.piece, "", "resources of type %s are none of Azure's", i.typ)
		return nil
	}
	o := object{"id": id, "name": p.Name(), "type": p.Type()}
	a := &attributes{state: s, instance: i, used: map[string]bool{}}
	for _, m := range headMoves() {
		a.move(o, m)
	}
	var lost []string
	for _, name := range sortedKeys(i.attrs) {
		if !a.used[name] && !empty(i.attrs[name]) && !slices.Contains(ignored(), name) && !unwritten(name, i.attrs[name]) {
			lost = append(lost, name)
		}
	}
	if len(lost) > 0 {
		s.f.note(NoCounterpart, i.piece, strings.Join(lost, ", "), "nothing is known of the attributes of %s; they are not in the design", i.typ)
	}
	return s.f.add(piece{body: o, line: i.line, at: i.at})
}

// azapi reads a resource of the provider azapi: its body is ARM's.
func (s *state) azapi(i *instance) error {
	id, _ := i.attrs["id"].(string)
	p, err := azure.ParseID(id)
	if err != nil {
		s.f.note(NotRead, i.piece, "id", "%v", err)
		return nil
	}
	typ, _ := i.attrs["type"].(string)
	typ, _, _ = strings.Cut(typ, "@")
	if typ == "" {
		typ = p.Type()
	}
	o := object{}
	body := i.attrs["body"]
	if d, ok := body.(object); ok { // how a state writes a value of any type
		if v, has := d["value"]; has && len(d) == 2 && d["type"] != nil {
			body = v
		}
	}
	switch b := body.(type) {
	case object:
		o = copied(b)
	case string:
		if b != "" && b != blinded {
			if err := json.Unmarshal([]byte(b), &o); err != nil {
				s.f.note(NotRead, i.piece, "body", "it is no object of JSON: %v", err)
				return nil
			}
		}
		if b == blinded {
			s.f.note(NotRead, i.piece, "body", "Terraform calls it sensitive")
		}
	}
	if o == nil {
		o = object{}
	}
	o["id"], o["name"], o["type"] = id, p.Name(), typ
	for _, name := range []string{"location", "tags"} {
		if v := i.attrs[name]; !empty(v) && o[name] == nil {
			o[name] = v
		}
	}
	if v := i.attrs["sensitive_body"]; !empty(v) {
		s.f.note(NoCounterpart, i.piece, "sensitive_body", "what is sensitive is not taken over")
	}
	if l, ok := i.attrs["identity"].([]any); ok && len(l) > 0 {
		s.f.note(NoCounterpart, i.piece, "identity", "identities are not taken over")
	}
	return s.f.add(piece{body: o, line: i.line, at: i.at})
}

// associate puts route tables, security groups and NAT gateways into the subnets that are associated with them.
func (s *state) associate() {
	if s.data > 0 {
		s.f.Notes = append(s.f.Notes, Note{Kind: LeftOut, Source: s.f.Source.Name, Text: fmt.Sprintf("data sources, which Terraform reads and does not make, are left out: %d", s.data)})
	}
	subnets := map[string][]object{} // by id in lower case: as a resource of its own, and in its network
	for _, p := range s.f.pieces {
		id := strings.ToLower(text(p.body, "id"))
		if is(p.body, network+"virtualNetworks/subnets") {
			subnets[id] = append(subnets[id], p.body)
		}
		if !is(p.body, network+"virtualNetworks") {
			continue
		}
		for _, x := range objects(p.body, "properties", "subnets") {
			k := id + "/subnets/" + strings.ToLower(text(x, "name"))
			subnets[k] = append(subnets[k], x)
		}
	}
	for _, i := range s.associations {
		subnet, _ := i.attrs["subnet_id"].(string)
		for attribute, property := range map[string]string{"route_table_id": "routeTable", "network_security_group_id": "networkSecurityGroup", "nat_gateway_id": "natGateway"} {
			to, _ := i.attrs[attribute].(string)
			if to == "" {
				continue
			}
			list := subnets[strings.ToLower(subnet)]
			for _, x := range list {
				inner(x, "properties")[property] = object{"id": to}
			}
			if len(list) == 0 {
				s.f.note(Orphan, i.piece, attribute, "the subnet %s is not in the state", subnet)
			}
		}
	}
}

// empty tells that a value says nothing.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case object:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}
