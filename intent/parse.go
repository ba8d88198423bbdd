package intent

import (
	"slices"

	"onramp/catalog"
	"onramp/yamlfile"
)

// Parse reads an intent from YAML or JSON. file is the name that findings carry. It returns the estate with every default
// filled in, and all findings in the order of the file; the estate is nil if one of them is an error.
func Parse(file string, src []byte, c *catalog.Catalog) (*Estate, []Finding) {
	var e Estate
	findings := yamlfile.Read(format(), file, src, &e, func(r *yamlfile.Reader) {
		v := &validator{reader: r, e: &e, c: c}
		v.validate()
	})
	if slices.ContainsFunc(findings, func(f Finding) bool { return f.Severity == Error }) {
		return nil, findings
	}
	return &e, findings
}
