package template

import (
	"encoding/json"
	"math/big"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// values draws a JSON value.
func values(depth int) *rapid.Generator[any] {
	scalars := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64Range(-3, 3).AsAny(), rapid.SampledFrom([]string{"", "a", "B", "é", "\U0001F600"}).AsAny(),
		rapid.SampledFrom([]float64{0.5, -1.25}).AsAny(),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	return rapid.OneOf(append(scalars, arrays(depth-1).AsAny(), objects(depth-1).AsAny())...)
}

func arrays(depth int) *rapid.Generator[[]any] {
	return rapid.Custom(func(t *rapid.T) []any {
		a := rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return values(depth) }), 0, 4).Draw(t, "array")
		if a == nil {
			a = []any{}
		}
		return a
	})
}

func objects(depth int) *rapid.Generator[*object] {
	return rapid.Custom(func(t *rapid.T) *object {
		o := &object{}
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 4, rapid.ID[string]).Draw(t, "names") {
			o.add(name, values(depth).Draw(t, name))
		}
		return o
	})
}

// calls a function with values.
func calls(t *rapid.T, name string, args ...any) any {
	v, err := tryCall(name, args...)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return v
}

func tryCall(name string, args ...any) (any, error) {
	in := &instance{t: &Template{lines: []int{0}}, limits: Limits{}.withDefaults()}
	in.budget = in.full()
	c := call{ev: &eval{in: in}, e: &expr{str: name}, args: args}
	v := builtin(name).eager(&c)
	return v, c.err
}

func equalValues(t *rapid.T, what string, a, b any) {
	if !isEqual(a, b) {
		t.Fatalf("%s: %s is not %s", what, show(a), show(b))
	}
}

func isEqual(a, b any) bool {
	all := budget{steps: 1 << 30, size: 1 << 30}
	same, _ := all.equal(a, b)
	return same
}

func show(v any) string {
	all := budget{steps: 1 << 30, size: 1 << 30}
	b, _ := all.append(nil, v)
	return string(b)
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		for _, pair := range [][2]string{{"base64", "base64ToString"}, {"uriComponent", "uriComponentToString"}, {"dataUri", "dataUriToString"}} {
			equalValues(t, pair[0], calls(t, pair[1], calls(t, pair[0], s)), s)
		}
		v := values(3).Draw(t, "v")
		switch v.(type) { // string() writes these plain, not as JSON
		case nil, bool, string:
		default:
			equalValues(t, "json", calls(t, "json", calls(t, "string", v)), v)
		}
	})
}

func TestJSONIsWrittenAndReadLikeTheStandardLibrarysOnesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := show(values(4).Draw(t, "v"))
		var theirs any
		if err := json.Unmarshal([]byte(text), &theirs); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		ours, err := decode([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var again any
		if err := json.Unmarshal([]byte(show(ours)), &again); err != nil || !reflect.DeepEqual(theirs, again) {
			t.Fatalf("%s became %s (%v)", text, show(ours), err)
		}
	})
}

func TestUnionsAndIntersectionsAreThoseOfSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := arrays(2).Draw(t, "a"), arrays(2).Draw(t, "b"), arrays(2).Draw(t, "c")
		has := func(list any, v any) bool {
			return slices.ContainsFunc(list.([]any), func(e any) bool { return isEqual(e, v) })
		}
		union, both := calls(t, "union", a, b), calls(t, "intersection", a, b)
		equalValues(t, "a union is associative", calls(t, "union", union, c), calls(t, "union", a, calls(t, "union", b, c)))
		equalValues(t, "a union is of all at once", calls(t, "union", a, b, c), calls(t, "union", union, c))
		equalValues(t, "an intersection is of all at once", calls(t, "intersection", a, b, c), calls(t, "intersection", both, c))
		equalValues(t, "a union with itself", calls(t, "union", a, a), calls(t, "union", a))
		equalValues(t, "an intersection with itself", calls(t, "intersection", a, a), calls(t, "union", a))
		for _, v := range slices.Concat(a, b, c) {
			if has(union, v) != (has(a, v) || has(b, v)) || has(both, v) != (has(a, v) && has(b, v)) {
				t.Fatalf("%s in %s and %s", show(v), show(a), show(b))
			}
			if calls(t, "contains", a, v) != has(a, v) {
				t.Fatalf("contains(%s, %s)", show(a), show(v))
			}
		}
	})
}

func TestUnionsOfObjectsAreAssociativeAndTheLaterWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := objects(2).Draw(t, "a"), objects(2).Draw(t, "b"), objects(2).Draw(t, "c")
		equalValues(t, "alone", calls(t, "union", a, &object{}), a)
		equalValues(t, "with itself", calls(t, "union", a, a), a)
		equalValues(t, "at once", calls(t, "union", a, b, c), calls(t, "union", calls(t, "union", a, b), c))
		u := calls(t, "union", a, b).(*object)
		for _, m := range b.members {
			if _, deep := m.value.(*object); !deep {
				v, _ := u.get(m.name)
				equalValues(t, m.name, v, m.value)
			}
		}
		for _, m := range calls(t, "intersection", a, b).(*object).members {
			x, _ := a.get(m.name)
			y, _ := b.get(m.name)
			equalValues(t, m.name, x, y)
		}
	})
}

func TestTakeAndSkipMakeTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-2, 8).Draw(t, "n")
		a := arrays(1).Draw(t, "a")
		equalValues(t, "array", calls(t, "concat", calls(t, "take", a, n), calls(t, "skip", a, n)), a)
		s := rapid.StringOf(rapid.SampledFrom([]rune("abé"))).Draw(t, "s")
		equalValues(t, "string", calls(t, "concat", calls(t, "take", s, n), calls(t, "skip", s, n)), s)
		by := rapid.SampledFrom([]string{"a", "é", "ab"}).Draw(t, "by")
		equalValues(t, "split", calls(t, "join", calls(t, "split", s, by), by), s)
		o := objects(1).Draw(t, "o")
		back := &object{}
		for _, e := range calls(t, "items", o).([]any) {
			key, _ := e.(*object).get("key")
			value, _ := e.(*object).get("value")
			back.add(key.(string), value)
		}
		equalValues(t, "items", back, o)
	})
}

func TestAddressRangesAreCutLikeNetipDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var a netip.Addr
		if rapid.Bool().Draw(t, "v6") {
			a, _ = netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "addr"))
		} else {
			a, _ = netip.AddrFromSlice(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "addr"))
		}
		if a.Is4In6() {
			return
		}
		bits := rapid.IntRange(0, a.BitLen()).Draw(t, "bits")
		p := netip.PrefixFrom(a, bits)
		more := rapid.IntRange(bits, a.BitLen()).Draw(t, "new")
		index := rapid.Int64Range(0, 300).Draw(t, "index")
		got, err := tryCall("cidrSubnet", p.String(), int64(more), index)
		count := new(big.Int).Lsh(big.NewInt(1), uint(more-bits))
		if fits := big.NewInt(index).Cmp(count) < 0; fits != (err == nil) {
			t.Fatalf("cidrSubnet(%s, %d, %d) = %v, %v", p, more, index, got, err)
		}
		if err == nil {
			// The slow way: from the first subnet, step by step.
			at := netip.PrefixFrom(p.Masked().Addr(), more)
			for range index {
				at = netip.PrefixFrom(lastAddr(at).Next(), more)
			}
			if got != at.String() || !p.Overlaps(at) {
				t.Fatalf("cidrSubnet(%s, %d, %d) = %v, want %s", p, more, index, got, at)
			}
		}
		host, err := tryCall("cidrHost", p.String(), index)
		at := p.Masked().Addr()
		for range index + 1 {
			at = at.Next()
		}
		usable := at.IsValid() && p.Contains(at) && (a.Is6() || bits == 32 || at != lastAddr(p.Masked()))
		if usable != (err == nil) || usable && host != at.String() {
			t.Fatalf("cidrHost(%s, %d) = %v %v, want %s", p, index, host, err, at)
		}
		parsed := calls(t, "parseCidr", p.String()).(*object)
		network, _ := parsed.get("network")
		length, _ := parsed.get("cidr")
		last, _ := parsed.get("lastUsable")
		if network != p.Masked().Addr().String() || length != int64(bits) || !p.Contains(netip.MustParseAddr(last.(string))) {
			t.Fatalf("parseCidr(%s) = %s", p, show(parsed))
		}
	})
}

// expressions draws one of the grammar.
func expressions(depth int) *rapid.Generator[*expr] {
	return rapid.Custom(func(t *rapid.T) *expr {
		kinds := 5
		if depth == 0 {
			kinds = 2
		}
		sub := func() *expr { return expressions(depth-1).Draw(t, "of") }
		names := rapid.SampledFrom([]string{"a", "b_1", "C$"})
		call := func() *expr {
			e := &expr{op: callOp, str: rapid.SampledFrom([]string{"createArray", "x.y", "listKeys"}).Draw(t, "function")}
			for range rapid.IntRange(0, 3).Draw(t, "args") {
				e.args = append(e.args, sub())
			}
			return e
		}
		switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
		case 0:
			return &expr{op: stringOp, str: rapid.StringOf(rapid.SampledFrom([]rune("a'[] ,)é\n"))).Draw(t, "string")}
		case 1:
			return &expr{op: intOp, num: rapid.Int64().Draw(t, "int")}
		case 2:
			return &expr{op: memberOp, str: names.Draw(t, "name"), of: call()}
		case 3:
			return &expr{op: indexOp, args: []*expr{sub()}, of: call()}
		}
		return call()
	})
}

func TestAnExpressionIsWrittenAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := expressions(4).Draw(t, "e").String()
		e, err := parseExpression("["+text+"]", builtin)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if e.String() != text {
			t.Fatalf("%s became %s", text, e)
		}
		// Spaces between tokens change nothing.
		spaced, err := parseExpression("[ "+spaceOut(text)+"\n]", builtin)
		if err != nil || spaced.String() != text {
			t.Fatalf("%s: %v %v", spaceOut(text), spaced, err)
		}
	})
}

// spaceOut puts a space after each mark outside of strings.
func spaceOut(s string) string {
	var b strings.Builder
	quoted := false
	for _, r := range s {
		if r == '\'' {
			quoted = !quoted
		}
		b.WriteRune(r)
		if !quoted && strings.ContainsRune("()[],.", r) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func TestWhatIsEscapedIsNoExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune("[]a"))).Draw(t, "s")
		e := escapeString(s)
		if isExpression(e) || plainString(e) != s {
			t.Fatalf("%q is written %q and read %q", s, e, plainString(e))
		}
	})
}

func TestStringsAreInOneOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.StringOf(rapid.SampledFrom([]rune("aAbB1-é")))
		a, b, c := draw.Draw(t, "a"), draw.Draw(t, "b"), draw.Draw(t, "c")
		if (compareStrings(a, b) < 0) != (compareStrings(b, a) > 0) || (compareStrings(a, b) == 0) != (a == b) {
			t.Fatalf("%q and %q", a, b)
		}
		if compareStrings(a, b) < 0 && compareStrings(b, c) < 0 && compareStrings(a, c) >= 0 {
			t.Fatalf("%q < %q < %q", a, b, c)
		}
	})
}
