package azure

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func TestAPlainStringIsReadAsEncodingJSONReadsIt(t *testing.T) {
	t.Parallel()
	same := func(t rapid.TB, b []byte) {
		var slow string
		err := json.Unmarshal(b, &slow)
		if fast, ok := plainString(b); ok && (err != nil || fast != slow) {
			t.Fatalf("%s is %q, and for encoding/json %q (%v)", b, fast, slow, err)
		}
	}
	for _, s := range []string{`""`, `"a"`, `"`, ``, `"a\"`, `"\u0061"`, `"a"b"`, "\"\t\"", "\"\x7f\"", `"ü"`, "\"\xff\"", `1`, `null`} {
		same(t, []byte(s))
	}
	for _, s := range []string{`""`, `"/subscriptions/s/resourceGroups/net"`, `"10.0.0.0/16"`} {
		if _, ok := plainString([]byte(s)); !ok {
			t.Errorf("%s is not plain", s)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		b, err := json.Marshal(rapid.String().Draw(t, "text"))
		if err != nil {
			t.Fatal(err)
		}
		same(t, b)
		same(t, append(append([]byte{'"'}, rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")...), '"'))
	})
}

func TestTheShapeOfEachStructIsKnownBeforehand(t *testing.T) {
	t.Parallel()
	if len(shapes) < len(makers) {
		t.Fatalf("%d shapes of %d types", len(shapes), len(makers))
	}
	for typ, s := range shapes {
		if list, extra := fields(typ); !reflect.DeepEqual(s, shape{list, extra}) {
			t.Errorf("%s has the shape %v", typ, s)
		}
	}
	for name, f := range makers {
		if _, ok := shapes[reflect.TypeOf(f()).Elem()]; !ok {
			t.Errorf("the shape of %s is not known", name)
		}
	}
}
