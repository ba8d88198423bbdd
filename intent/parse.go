package intent

import (
	"cmp"
	"reflect"
	"slices"

	"onramp/catalog"
)

// Parse reads an intent from YAML or JSON. file is the name that findings carry. It returns the estate with every default
// filled in, and all findings in the order of the file; the estate is nil if one of them is an error.
func Parse(file string, src []byte, c *catalog.Catalog) (*Estate, []Finding) {
	r := &reader{file: file, places: map[string]place{}}
	var e Estate
	if root := r.syntax(src); root != nil {
		r.aliases = linkAliases(root)
		r.read(root, "", reflect.ValueOf(&e).Elem(), rules{})
		if r.tooMuch {
			r.findings = r.findings[:1]
			return nil, r.findings
		}
		v := &validator{reader: r, e: &e, c: c}
		v.validate()
	}
	slices.SortStableFunc(r.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
	for i := range r.findings {
		r.findings[i].Value = clip(r.findings[i].Value)
	}
	if slices.ContainsFunc(r.findings, func(f Finding) bool { return f.Severity == Error }) {
		return nil, r.findings
	}
	return &e, r.findings
}
