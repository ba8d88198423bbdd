package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onramp/catalog"
	"onramp/choose"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
)

// builtIn is the estate that `up` runs on when it is given no file.
const builtIn = "northwind"

// maxInput is the largest file that is read as an intent or a design.
const maxInput = 64 << 20

// mostFindings is how many findings about an intent are printed: enough for all mistakes of a person, too few for those of a
// program to fill a disk. --json has them all.
const mostFindings = 200

// input is what the user gave: an intent, or a design with the intent inside.
type input struct {
	name     string // as the user wrote it, for messages
	estate   *intent.Estate
	design   *design.Design   // nil when the input is an intent
	findings []intent.Finding // about the intent
}

// badInput is an intent with errors: all of them, for whoever prints them.
type badInput struct {
	name     string
	findings []intent.Finding
}

func (b *badInput) Error() string {
	errors := 0
	for _, f := range b.findings {
		if f.Severity == intent.Error {
			errors++
		}
	}
	return fmt.Sprintf("%s has %s; nothing was done", b.name, count(errors, "error"))
}

// readInput reads an intent (YAML) or a design (design.json) from a file, from stdin for "-", or the built-in example for
// "". What is found in an intent is printed on stderr; with an error in it the usage error wraps a *badInput.
func readInput(cmd *cobra.Command, c *catalog.Catalog, name string) (*input, error) {
	src, shown, err := readSource(cmd, name)
	if err != nil {
		return nil, err
	}
	if trimmed := bytes.TrimSpace(src); len(trimmed) > 0 && trimmed[0] == '{' && isDesign(trimmed) {
		d, err := design.Decode(src)
		if err != nil {
			return nil, usageError(placed(shown, err))
		}
		return &input{name: shown, estate: d.Intent, design: d}, nil
	}
	e, findings := intent.Parse(shown, src, c)
	for i := range findings {
		if i == mostFindings {
			fmt.Fprintf(cmd.ErrOrStderr(), "and %d more\n", len(findings)-i)
			break
		}
		fmt.Fprintln(cmd.ErrOrStderr(), findings[i].String())
	}
	if e == nil {
		return nil, usageError(&badInput{shown, findings})
	}
	return &input{name: shown, estate: e, findings: findings}, nil
}

// placed puts a file's name before what is wrong in it, as file:line:col where that is known.
func placed(name string, err error) error {
	var at *design.ReadError
	if errors.As(err, &at) {
		return fmt.Errorf("%s:%d:%d: %s", name, at.Line, at.Col, at.Text())
	}
	return fmt.Errorf("%s: %w", name, err)
}

// isDesign tells a design.json from an intent in JSON: only a design has resources at its top level.
func isDesign(src []byte) bool {
	var top map[string]json.RawMessage
	if json.Unmarshal(src, &top) != nil {
		// Not whole: let the reader of what it looks like most say where it breaks.
		return bytes.Contains(src, []byte(`"resources"`)) && bytes.Contains(src, []byte(`"Microsoft.Network/`))
	}
	_, ok := top["resources"]
	return ok
}

func readSource(cmd *cobra.Command, name string) (src []byte, shown string, err error) {
	switch name {
	case "":
		src, err := examples.Read(builtIn)
		if err != nil {
			return nil, "", outside(err)
		}
		return src, builtIn + ".yaml (built in)", nil
	case "-":
		src, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), maxInput))
		if err != nil {
			return nil, "", outside(fmt.Errorf("reading standard input: %w", err))
		}
		return src, "standard input", nil
	}
	info, err := os.Stat(name)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, "", usageError(fmt.Errorf("there is no file %q (`onramp init` writes one to start from)", name))
		}
		return nil, "", outside(err)
	}
	if info.IsDir() {
		return nil, "", usageError(fmt.Errorf("%q is a directory; give the intent's YAML file or a design.json", name))
	}
	if info.Size() > maxInput {
		return nil, "", usageError(fmt.Errorf("%q has %d bytes; at most %d are read", name, info.Size(), maxInput))
	}
	src, err = os.ReadFile(name)
	if err != nil {
		return nil, "", outside(err)
	}
	return src, name, nil
}

// planFlags are the flags of every command that turns an intent into a design.
type planFlags struct {
	pattern string
	from    string
}

func (f *planFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.pattern, "pattern", "", "use this pattern instead of choosing: shared, shared-hub-spoke, isolated or isolated-hub-spoke")
	cmd.Flags().StringVar(&f.from, "from", "", "keep every address and VLAN of this design.json")
}

// options checks the flags.
func (f *planFlags) options() (choose.Options, error) {
	var o choose.Options
	if f.pattern != "" && f.pattern != "auto" {
		p := design.Pattern(f.pattern)
		if !slices.Contains(design.Patterns(), p) {
			return o, usageError(fmt.Errorf("--pattern %q: there are %s", f.pattern, joinPatterns()))
		}
		o.Pattern = p
	}
	if f.from != "" {
		src, err := os.ReadFile(f.from)
		if err != nil {
			return o, usageError(fmt.Errorf("--from: %w", err))
		}
		d, err := design.Decode(src)
		if err != nil {
			return o, usageError(placed("--from "+f.from, err))
		}
		o.Keep = d
	}
	return o, nil
}

func joinPatterns() string {
	var names []string
	for _, p := range design.Patterns() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// count says "1 error", "2 errors".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}
