// Package adopt reads what somebody has already, at an endpoint, in an ARM template or in Terraform's state, into a design. It decides
// what a design keeps of a resource (what somebody decided, and never a secret), which children belong to which parent, and what has to
// be guessed about the premises, which Azure does not know: each guess is an assumption with a name. What it does not know it keeps and
// names; it never changes what it reads.
//
// Sources: the Azure Resource Manager interface as package azure has it; Terraform's state, version 4, and the output of
// `terraform show -json`, with the resource types of the providers azurerm and azapi (terraform_types.go).
package adopt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// Kinds of source.
const (
	KindEndpoint       = "endpoint"
	KindTemplate       = "template"
	KindTerraformState = "terraform-state"
	KindTerraformJSON  = "terraform-json"
)

// Source is where something was read, and how much.
type Source struct {
	// Name is a file as the user wrote it, or the address of an endpoint.
	Name string `json:"name"`
	Kind string `json:"kind" enum:"endpoint,template,terraform-state,terraform-json"`
	// Read counts the resources that were found, children that are written on their own included; Known those of them of a type that a
	// design models.
	Read  int `json:"read"`
	Known int `json:"known"`
	// Types counts them by type, in the order of the types.
	Types []TypeCount `json:"types"`
}

// TypeCount is how many resources of a type were found.
type TypeCount struct {
	Type  string `json:"type"`
	Count int    `json:"count"`
	// Known tells whether a design models the type.
	Known bool `json:"known"`
}

// Kinds of note.
const (
	// UnknownType is a resource that is kept and means nothing to Onramp.
	UnknownType = "unknown-type"
	// NoCounterpart is a value that the interface of Azure has no place for; it is not in the design.
	NoCounterpart = "no-counterpart"
	// NotRead is something that is there and could not be read whole.
	NotRead = "not-read"
	// LeftOut is something that was read and does not belong into a design.
	LeftOut = "left-out"
	// Unresolved is an expression that only a running deployment could answer; it is kept as it is written.
	Unresolved = "unresolved"
	// Secret is a secret in whose place something stands that is none.
	Secret = "secret"
	// Orphan is a child whose parent was not read; it is kept as a resource of its own.
	Orphan = "orphan"
	// Clash is a resource that is in two places and not the same.
	Clash = "clash"
	// Premises is something about the premises that do not fit what was read.
	Premises = "premises"
)

// Note is something that was not understood, or not taken over.
type Note struct {
	Kind string `json:"kind" enum:"unknown-type,no-counterpart,not-read,left-out,unresolved,secret,orphan,clash,premises"`
	// Source is a Source's name; Line is the line in it, from 1, 0 where it has none.
	Source string `json:"source"`
	Line   int    `json:"line"`
	// At is the resource: its address in Terraform, its place in a template, or its id. Path is the property or attribute in it.
	At   string `json:"at"`
	Path string `json:"path"`
	// Text says it in words.
	Text string `json:"text"`
}

// String is a line for people.
func (n Note) String() string {
	at := n.Source
	if n.Line > 0 {
		at = fmt.Sprintf("%s:%d", n.Source, n.Line)
	}
	what := n.At
	if n.Path != "" {
		what += " " + n.Path
	}
	if what = strings.TrimSpace(what); what != "" {
		at += ": " + what
	}
	return at + ": " + n.Text
}

// Found is what one source has.
type Found struct {
	Source Source
	Notes  []Note
	pieces []piece
	// learned are the prefixes that a circuit's peering has from the premises; only an endpoint shows them.
	learned map[learnedAt][]string
	// subscriptions are the names of subscriptions that the source knows, by GUID in lower case.
	subscriptions map[string]string
}

// piece is one resource as ARM has it, and where it was read.
type piece struct {
	body object
	line int
	at   string
}

// note adds a note about a piece.
func (f *Found) note(kind string, p piece, path, format string, args ...any) {
	f.Notes = append(f.Notes, Note{Kind: kind, Source: f.Source.Name, Line: p.line, At: p.at, Path: path, Text: fmt.Sprintf(format, args...)})
}

// add takes a resource in.
func (f *Found) add(p piece) error {
	if len(f.pieces) >= mostResources {
		return fmt.Errorf("%s has more than %d resources", f.Source.Name, mostResources)
	}
	f.pieces = append(f.pieces, p)
	return nil
}

// The bounds of what is read.
const (
	mostResources = 50_000
	mostBytes     = 256 << 20 // of a file
)

// Options say what the design is called and what is known beside the sources.
type Options struct {
	// Name is the design's; without it that of Premises, else "imported".
	Name string
	// Premises is a design whose premises, intent and orders are taken over for the circuits that were found. Nil draws premises from the
	// peerings.
	Premises *design.Design
	// Subscriptions and Principals are GUIDs by name: the names stand in the design.
	Subscriptions, Principals map[string]string
	// PrincipalOf is the id that an endpoint has for a principal of a name that is in no directory; nil where it has none. The names that
	// are tried are those with which the descriptions of role assignments begin.
	PrincipalOf func(name string) string
	Catalog     *catalog.Catalog
}

// Result is an import.
type Result struct {
	Design  *design.Design `json:"design"`
	Sources []Source       `json:"sources"`
	Notes   []Note         `json:"notes"`
	// Assumptions are the guesses about the premises, which the design has too.
	Assumptions []design.Assumption `json:"assumptions"`
}

// Import makes one design of what was found.
func Import(found []*Found, o Options) (*Result, error) {
	k := &importer{o: o, names: map[string]string{}, original: map[string]azure.Resource{}}
	for _, f := range found {
		for guid, name := range f.subscriptions {
			k.names[guid] = name
		}
	}
	spelled, err := o.spelled()
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		for guid, name := range f.subscriptions {
			k.names[guid] = cmp.Or(spelled[strings.ToLower(name)], name)
		}
	}
	for name, guid := range o.Subscriptions {
		k.names[strings.ToLower(guid)] = cmp.Or(spelled[strings.ToLower(name)], name)
	}
	if o.Premises != nil {
		for _, r := range o.Premises.Resources {
			k.original[r.Head().ID.Key()] = r
		}
	}
	rs, err := k.resources(found)
	if err != nil {
		return nil, err
	}
	d := &design.Design{APIVersion: design.APIVersion, Name: cmp.Or(o.Name, "imported"), Resources: rs}
	if o.Premises != nil {
		k.takeOver(d, o.Premises)
	}
	k.draw(d, found)
	finish(d)
	out := &Result{Design: d, Sources: []Source{}, Notes: k.notes, Assumptions: append([]design.Assumption{}, k.assumed...)}
	for _, f := range found {
		f.Source.count(f.pieces)
		out.Sources = append(out.Sources, f.Source)
		out.Notes = append(out.Notes, f.Notes...)
	}
	if out.Notes == nil {
		out.Notes = []Note{}
	}
	slices.SortStableFunc(out.Notes, func(a, b Note) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Line, b.Line), cmp.Compare(a.At, b.At),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Text, b.Text))
	})
	out.Notes = slices.Compact(out.Notes)
	return out, nil
}

// finish makes every list of a design one, so that it is written as every other design.
func finish(d *design.Design) {
	if d.Pattern == "" {
		d.Pattern = recognised(d)
	}
	p := &d.Premises
	if p.Sites == nil {
		p.Sites = []design.Site{}
	}
	if p.Backbone == nil {
		p.Backbone = []design.Backbone{}
	}
	if p.ProviderEdges == nil {
		p.ProviderEdges = []design.Router{}
	}
	if p.Attachments == nil {
		p.Attachments = []design.Attachment{}
	}
	if p.RoutesBetween == nil {
		p.RoutesBetween = [][]string{}
	}
	if d.Orders == nil {
		d.Orders = []design.Order{}
	}
	if d.Assumptions == nil {
		d.Assumptions = []design.Assumption{}
	}
	if d.Defaults == nil {
		d.Defaults = noDefaults()
	}
}

// count fills in how much of what there is.
func (s *Source) count(list []piece) {
	by := map[string]*TypeCount{}
	s.Read, s.Known, s.Types = 0, 0, []TypeCount{}
	for _, p := range list {
		typ := text(p.body, "type")
		x := by[strings.ToLower(typ)]
		if x == nil {
			x = &TypeCount{Type: typ, Known: azure.Models(typ) || embedded(typ) != nil}
			by[strings.ToLower(typ)] = x
		}
		x.Count++
		s.Read++
		if x.Known {
			s.Known++
		}
	}
	for _, x := range by {
		s.Types = append(s.Types, *x)
	}
	slices.SortFunc(s.Types, func(a, b TypeCount) int { return cmp.Compare(strings.ToLower(a.Type), strings.ToLower(b.Type)) })
}

// importer makes a design.
type importer struct {
	o        Options
	names    map[string]string         // of subscriptions, by GUID in lower case
	original map[string]azure.Resource // of the design that is given, by id key
	notes    []Note
	assumed  []design.Assumption
	learned  map[learnedAt][]string // with the design's ids
}

// spelled are the names of subscriptions as the given design writes them, by name in lower case: flags do not keep their case.
func (o *Options) spelled() (map[string]string, error) {
	out := map[string]string{}
	if o.Premises == nil {
		return out, nil
	}
	names, err := azure.Subscriptions(o.Premises.Resources)
	for _, n := range names {
		out[strings.ToLower(n)] = n
	}
	return out, err
}

// resources are those of the design: children in their parents, without secrets and without what nobody decided.
func (k *importer) resources(found []*Found) (azure.Resources, error) {
	var all []placed
	seen := map[string]int{}
	for _, f := range found {
		for _, p := range f.pieces {
			key := strings.ToLower(text(p.body, "id"))
			if i, twice := seen[key]; twice {
				if !sameJSON(all[i].body, p.body) {
					k.notes = append(k.notes, Note{Kind: Clash, Source: f.Source.Name, Line: p.line, At: p.at,
						Text: "it is in " + all[i].source + " too, and not the same there; that one is taken"})
				}
				continue
			}
			seen[key] = len(all)
			all = append(all, placed{piece: piece{body: copied(p.body), line: p.line, at: p.at}, source: f.Source.Name})
		}
	}
	all = k.fold(all)
	k.hide(all)
	out := make(azure.Resources, 0, len(all))
	for _, p := range all {
		r, err := k.resource(p)
		if err != nil {
			k.notes = append(k.notes, Note{Kind: NotRead, Source: p.source, Line: p.line, At: p.at, Text: "it is left out: " + err.Error()})
			continue
		}
		if _, unknown := r.(*azure.Unknown); unknown && embedded(r.Head().Type) == nil {
			k.notes = append(k.notes, Note{Kind: UnknownType, Source: p.source, Line: p.line, At: p.at,
				Text: "resources of type " + r.Head().Type + " are kept as they are and route nothing"})
		}
		out = append(out, r)
	}
	out, err := azure.Rehome(out, k.names)
	if err != nil {
		return nil, err
	}
	k.learned = map[learnedAt][]string{}
	for _, f := range found {
		for at, list := range f.learned {
			at.circuit = k.home(at.circuit)
			k.learned[at] = append(k.learned[at], list...)
		}
	}
	k.nameRoles(out)
	for i, r := range out {
		if was := k.original[r.Head().ID.Key()]; was != nil {
			if out[i], err = ordered(r, was); err != nil {
				return nil, err
			}
		}
	}
	out.Sort()
	return out, nil
}

// home is the key of an id in the subscription's name.
func (k *importer) home(key string) string {
	p, err := azure.ParseID(key)
	if err != nil {
		return key
	}
	if name, ok := k.names[strings.ToLower(p.Subscription)]; ok {
		p.Subscription = name
	}
	return strings.ToLower(p.String())
}

// nameRoles puts names in the place of principals that are known: by the user, or by the design that is given, which has the same
// assignment.
func (k *importer) nameRoles(rs azure.Resources) {
	names := map[string]string{}
	for name, guid := range k.o.Principals {
		names[strings.ToLower(guid)] = "<object id of " + name + ">"
	}
	list := azure.Of[*azure.RoleAssignment](rs)
	for _, a := range list {
		name, _, _ := strings.Cut(a.Properties.Description, " ")
		if k.o.PrincipalOf != nil && name != "" && strings.EqualFold(k.o.PrincipalOf(name), a.Properties.PrincipalID) {
			names[strings.ToLower(a.Properties.PrincipalID)] = "<object id of " + name + ">"
		}
		if was, ok := k.original[a.ID.Key()].(*azure.RoleAssignment); ok && strings.HasPrefix(was.Properties.PrincipalID, "<object id of ") {
			names[strings.ToLower(a.Properties.PrincipalID)] = was.Properties.PrincipalID
		}
	}
	for _, a := range list {
		if name, ok := names[strings.ToLower(a.Properties.PrincipalID)]; ok {
			a.Properties.PrincipalID = name
		}
	}
}

// sameJSON compares two values.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(x) == string(y)
}
