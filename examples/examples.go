// Package examples holds intents that work: each of the four patterns as the right answer, each connectivity model, IPv6,
// Microsoft 365, two continents, a Metro location, forty lines of business, and one that no pattern fits. It decides nothing.
package examples

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names returns the names of the examples, sorted; each is the name of its estate too.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // the directory is inside the program
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(out)
	return out
}

// Read returns the YAML of an example. The error names those that exist.
func Read(name string) ([]byte, error) {
	b, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("there is no example %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return b, nil
}
