package twin

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/design"
)

// spot is a value in the JSON of a resource.
type spot struct {
	path string
	set  func(any)
	was  any
}

// spots are all values of a tree that are neither objects nor lists, in one order.
func spots(v any, path string, set func(any)) []spot {
	var out []spot
	switch x := v.(type) {
	case object:
		var keys []string
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			out = append(out, spots(x[k], path+"."+k, func(n any) { x[k] = n })...)
		}
	case []any:
		for i := range x {
			out = append(out, spots(x[i], fmt.Sprintf("%s[%d]", path, i), func(n any) { x[i] = n })...)
		}
	default:
		out = append(out, spot{path, set, v})
	}
	return out
}

// altered are resources one of which is gone, or has another value somewhere.
func altered(t *rapid.T, rs azure.Resources) (azure.Resources, string) {
	i := rapid.IntRange(0, len(rs)-1).Draw(t, "resource")
	if rapid.IntRange(0, 3).Draw(t, "how") == 0 {
		return slices.Delete(slices.Clone(rs), i, i+1), "without " + string(rs[i].Head().ID)
	}
	b, err := azure.Marshal(rs[i])
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(b, &o); err != nil {
		t.Fatal(err)
	}
	list := spots(o["properties"], "properties", nil)
	if len(list) == 0 {
		return rs, "nothing"
	}
	x := rapid.SampledFrom(list).Draw(t, "value")
	var to any
	switch was := x.was.(type) {
	case bool:
		to = !was
	case float64:
		to = rapid.SampledFrom([]float64{0, 1, 2, 65001, 65515, 12076, 4294967295, was + 1}).Draw(t, "number")
	default:
		to = rapid.SampledFrom([]any{"", "Disabled", "NotProvisioned", "10.0.0.0/8", "10.99.0.0/30", "fd00::/64", "12076:5010", "nonsense", "0.0.0.0/0", nil}).Draw(t, "text")
	}
	x.set(to)
	if b, err = json.Marshal(o); err != nil {
		t.Fatal(err)
	}
	r, err := azure.Unmarshal(b)
	if err != nil {
		return rs, "nothing: " + err.Error()
	}
	out := slices.Clone(rs)
	out[i] = r
	return out, fmt.Sprintf("%s %s = %v", rs[i].Head().ID, x.path, to)
}

func TestWhateverIsChangedTheRunningTablesBecomeTheConvergedOnes(t *testing.T) {
	for _, p := range []design.Pattern{design.Isolated, design.SharedHubSpoke} {
		t.Run(string(p), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				b := newBench(t)
				d := *b.design("northwind", p)
				b.put(d.Resources, d.Premises)
				b.s.Run(b.s.Now() + 10e9)
				var changes []string
				for range rapid.IntRange(1, 4).Draw(r, "changes") {
					var what string
					d.Resources, what = altered(r, d.Resources)
					changes = append(changes, what)
					b.rs = d.Resources
					b.number++
					if err := b.update(t.Context()); err != nil {
						r.Fatal(changes, err)
					}
					b.s.Run(b.s.Now() + 1e9)
				}
				for range 600 {
					b.s.Run(b.s.Now() + 1e9)
					if is, err := b.settled(t.Context()); err != nil {
						r.Fatal(err)
					} else if is {
						break
					}
				}
				b.s.Run(b.s.Now() + 1e9)
				if got, want := rows(t, b, d.Resources), rows(t, converged(b.catalog, &d), d.Resources); !slices.Equal(got, want) {
					differ(t, got, want)
					r.Fatal(changes)
				}
			})
		})
	}
}
