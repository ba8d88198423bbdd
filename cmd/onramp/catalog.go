package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onramp/catalog"
)

// facts is one table of the catalogue as a command. R is a row, in the shape that --json writes.
type facts[R any] struct {
	name, short, long, example string
	// rows reads the table; it answers itself the filters that have neither of nor is.
	rows    func(c *catalog.Catalog, a *answer[R], asked func(flag string) string) error
	filters []filter[R]
	columns []column[R]
	source  func(R) catalog.Source
	// note is what must be said about a row that is printed; empty: nothing.
	note func(R) string
	// one, if not nil, explains the row that is named as an argument.
	one func(w io.Writer, c *catalog.Catalog, name string, asJSON bool) error
}

// filter is a flag that keeps some rows.
type filter[R any] struct {
	flag, usage string
	// of is what a row is called under this flag, the proper name first; case, spaces and punctuation do not count.
	of func(R) []string
	// part makes a part of a name enough.
	part bool
	// also is what may be asked for although no row has it, which is then an empty answer and not a typing error.
	also func(*catalog.Catalog) []string
	// is makes the flag one without a value, which keeps the rows for which it is true.
	is func(R) bool
}

// column is one column of the table for people.
type column[R any] struct {
	head  string
	cell  func(R) any
	right bool
	only  string // the flag with which it is shown; empty: always
}

// answer is what --json prints.
type answer[R any] struct {
	Table string `json:"table"`
	// Lookup is what became of the provider's name that was asked for.
	Lookup *catalog.ProviderLookup `json:"lookup,omitempty"`
	Notes  []string                `json:"notes"`
	Rows   []R                     `json:"rows"`
}

func newCatalogCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "catalog TABLE",
		Short: "Print the published facts, each with its source",
		Long: `The catalogue holds what is published on ExpressRoute: peering locations, providers, regions, SKUs, gateways, limits,
prices, rules, services and QoS classes, each row with its source. What is not published is "unknown" (null in --json).

Filters are flags of each table; a value that the catalogue does not have is refused with the nearest that it has.`,
		Example: "  onramp catalog providers --region canadaeast\n  onramp catalog prices --item circuit --sku Standard --bandwidth \"1 Gbps\" --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			var tables []string
			for _, t := range cmd.Commands() {
				tables = append(tables, t.Name())
			}
			return fmt.Errorf("the catalogue has no table %q%s", args[0], suggest(args[0], tables, tables))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().Bool("json", false, "print the rows as JSON, every field and source")
	cmd.AddCommand(locationFacts().command(), offerFacts().command(), regionFacts().command(), skuFacts().command(), gatewayFacts().command(),
		limitFacts().command(), priceFacts().command(), ruleFacts().command(), serviceFacts().command(), qosFacts().command())
	return cmd
}

func (f *facts[R]) command() *cobra.Command {
	args, use := cobra.NoArgs, f.name
	if f.one != nil {
		args, use = cobra.MaximumNArgs(1), f.name+" [ID]"
	}
	cmd := &cobra.Command{Use: use, Short: f.short, Long: f.long, Example: f.example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := catalog.Open()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				asJSON, _ := cmd.Flags().GetBool("json")
				return f.one(cmd.OutOrStdout(), c, args[0], asJSON)
			}
			a, err := f.answer(c, cmd)
			if err != nil {
				return err
			}
			if asJSON, _ := cmd.Flags().GetBool("json"); asJSON {
				return printJSON(cmd.OutOrStdout(), a)
			}
			return f.print(cmd, a)
		}}
	for _, x := range f.filters {
		if x.is != nil {
			cmd.Flags().Bool(x.flag, false, x.usage)
			continue
		}
		cmd.Flags().String(x.flag, "", x.usage)
		if x.of != nil && !x.part {
			err := cmd.RegisterFlagCompletionFunc(x.flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return f.complete(x), cobra.ShellCompDirectiveNoFileComp
			})
			if err != nil {
				panic(err) // the flag was defined on the line above
			}
		}
	}
	return cmd
}

// complete is what a shell offers for a filter.
func (f *facts[R]) complete(x filter[R]) []string {
	c, err := catalog.Open()
	if err != nil {
		return nil
	}
	var a answer[R]
	if err := f.rows(c, &a, func(string) string { return "" }); err != nil {
		return nil
	}
	_, proper := x.names(c, a.Rows)
	return proper
}

// answer is the rows that pass every filter.
func (f *facts[R]) answer(c *catalog.Catalog, cmd *cobra.Command) (*answer[R], error) {
	asked := func(flag string) string {
		if cmd.Flags().Changed(flag) {
			return cmd.Flags().Lookup(flag).Value.String()
		}
		return ""
	}
	for _, x := range f.filters {
		if cmd.Flags().Changed(x.flag) && asked(x.flag) == "" {
			return nil, usageError(fmt.Errorf("--%s is empty: name what to keep, or leave the flag away", x.flag))
		}
	}
	a := &answer[R]{Table: f.name}
	if err := f.rows(c, a, asked); err != nil {
		return nil, err
	}
	// Every value is judged against the whole table, so that a typing error does not depend on the other filters.
	kept := slices.Clone(a.Rows)
	for _, x := range f.filters {
		value := asked(x.flag)
		if value == "" || x.of == nil && x.is == nil {
			continue
		}
		match := x.is
		if x.is != nil && value != "true" {
			continue
		}
		if x.of != nil {
			all, proper := x.names(c, a.Rows)
			if !slices.ContainsFunc(all, func(n string) bool { return x.same(n, value) }) {
				return nil, usageError(fmt.Errorf("--%s %q: the catalogue has no such value%s", x.flag, value, suggest(value, all, proper)))
			}
			match = func(r R) bool { return slices.ContainsFunc(x.of(r), func(n string) bool { return x.same(n, value) }) }
		}
		kept = slices.DeleteFunc(kept, func(r R) bool { return !match(r) })
	}
	a.Rows = kept
	if f.note != nil {
		for _, r := range a.Rows {
			if n := f.note(r); n != "" && !slices.Contains(a.Notes, n) {
				a.Notes = append(a.Notes, n)
			}
		}
	}
	if a.Rows == nil {
		a.Rows = []R{}
	}
	if a.Notes == nil {
		a.Notes = []string{}
	}
	return a, nil
}

// names is every name that a filter takes, and the proper ones among them; both sorted.
func (x filter[R]) names(c *catalog.Catalog, rows []R) (all, proper []string) {
	if x.also != nil {
		all = x.also(c)
		proper = slices.Clone(all)
	}
	for _, r := range rows {
		names := x.of(r)
		all = append(all, names...)
		proper = append(proper, names[:min(1, len(names))]...)
	}
	slices.Sort(all)
	slices.Sort(proper)
	return slices.Compact(all), slices.Compact(proper)
}

func (x filter[R]) same(name, value string) bool {
	if x.part {
		return strings.Contains(plainName(name), plainName(value))
	}
	return plainName(name) == plainName(value)
}

// plainName makes names comparable: lower case, letters and digits only, unless nothing would be left.
func plainName(s string) string {
	s = strings.ToLower(s)
	plain := strings.Map(func(r rune) rune {
		if r > 127 || r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
	if plain == "" {
		return s
	}
	return plain
}

// suggest ends an error about a wrong name: up to three names that start alike or contain it, else the three that are spelled
// most alike, and all proper names where they are few.
func suggest(name string, all, proper []string) string {
	var near []string
	known := func(n string) bool {
		return slices.ContainsFunc(near, func(x string) bool { return plainName(x) == plainName(n) })
	}
	asked := plainName(name)
	start := asked // a name that starts alike is near, however long it is
	if len(asked) > 4 {
		start = asked[:len(asked)-1]
	}
	for _, n := range all {
		if len(near) < 3 && !known(n) && (strings.Contains(plainName(n), asked) || strings.HasPrefix(plainName(n), start)) {
			near = append(near, n)
		}
	}
	left := slices.Clone(all)
	for alike := len(near) > 0; !alike && len(near) < 3; {
		left = slices.DeleteFunc(left, known)
		n := catalog.Nearest(name, left)
		if n == "" {
			break
		}
		near = append(near, n)
	}
	s := ""
	if len(near) > 0 {
		s = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	if len(proper) <= 12 {
		s += " (it has " + strings.Join(proper, ", ") + ")"
	}
	return s
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// print writes the rows for people: the notes, the table, and the sources as footnotes.
func (f *facts[R]) print(cmd *cobra.Command, a *answer[R]) error {
	w := cmd.OutOrStdout()
	for _, n := range a.Notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	if len(a.Rows) == 0 {
		_, err := fmt.Fprintf(w, "no row of %s matches\n", f.name)
		return err
	}
	var sources []catalog.Source
	for _, r := range a.Rows {
		if s := f.source(r); !slices.Contains(sources, s) {
			sources = append(sources, s)
		}
	}
	var header []string
	var columns []column[R]
	var right []int
	for _, col := range f.columns {
		if col.only != "" && !cmd.Flags().Changed(col.only) {
			continue
		}
		if col.right {
			right = append(right, len(columns))
		}
		columns, header = append(columns, col), append(header, col.head)
	}
	if len(sources) > 1 {
		header = append(header, "Source")
	}
	l := newListing(header...).Right(right...)
	for _, r := range a.Rows {
		var cells []any
		for _, col := range columns {
			cells = append(cells, col.cell(r))
		}
		if len(sources) > 1 {
			cells = append(cells, fmt.Sprintf("[%d]", 1+slices.Index(sources, f.source(r))))
		}
		l.Row(cells...)
	}
	if err := l.Print(w); err != nil {
		return err
	}
	p := newPaint(w)
	lines := "\n"
	for i, s := range sources {
		label := "Source:"
		if len(sources) > 1 {
			label = fmt.Sprintf("[%d]", i+1)
		}
		text := s.Text
		if text == "" {
			text = "no document with this fact was found"
		}
		if s.Date != "" {
			text += " (" + s.Date + ")"
		}
		lines += p.Faint(label+" "+text) + "\n"
	}
	_, err := io.WriteString(w, lines)
	return err
}

// unknown is what a missing fact prints as.
const unknown = "unknown"

// orUnknown is a fact that may be missing, for people.
func orUnknown(s string) string {
	if s == "" {
		return unknown
	}
	return s
}

// orDash is a property that a row need not have.
func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// published is v, or nil (null in JSON) where the zero value stands for a fact that is not published.
func published[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// show prints a fact that may be missing.
func show[T any](v *T) string {
	if v == nil {
		return unknown
	}
	return fmt.Sprint(*v)
}

// mbpsNames is what a bandwidth may be called: 1000, 1000 Mbps, 1 Gbps.
func mbpsNames(mbps int) []string {
	if mbps == 0 {
		return nil
	}
	n := []string{fmt.Sprintf("%d Mbps", mbps), fmt.Sprint(mbps)}
	if mbps%1000 == 0 {
		n = append([]string{fmt.Sprintf("%d Gbps", mbps/1000)}, n...)
	}
	return n
}

// regionNames is a region's name and the one it is displayed by.
func regionNames(c *catalog.Catalog) []string {
	var out []string
	for _, r := range c.Regions() {
		out = append(out, r.Name, r.DisplayName)
	}
	return out
}
