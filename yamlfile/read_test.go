package yamlfile

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

type file struct {
	Name     string         `json:"name" form:"word"`
	Count    uint32         `json:"count,omitempty"`
	Kind     string         `json:"kind,omitempty" enum:"red|green"`
	Prefixes []netip.Prefix `json:"prefixes,omitempty" form:"nonempty"`
	Rows     []row          `json:"rows,omitempty"`
}

type row struct {
	On *bool `json:"on"`
}

func format() *Format {
	return &Format{What: "a test", Empty: "nothing", Start: "write something", Prefix: "test", Doc: "the page", Schema: "the schema",
		Nearest: func(word string, of []string) string {
			for _, x := range of {
				if strings.EqualFold(x, word) {
					return x
				}
			}
			return ""
		},
		Forms: map[string]func(string) (string, string){"word": func(s string) (string, string) {
			if strings.Contains(s, " ") {
				return "this is two words", "write one"
			}
			return "", ""
		}},
	}
}

func TestAFileIsReadOrEveryMistakeIsToldWithItsPlace(t *testing.T) {
	yes := true
	for _, c := range []struct {
		name, src string
		want      file
		findings  string
	}{
		{"a whole file", "name: a\ncount: 3\nkind: red\nprefixes: [10.0.0.0/8, 2001:db8::/32]\nrows:\n  - on: true\n",
			file{"a", 3, "red", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/32")}, []row{{&yes}}}, ""},
		{"an anchor, an alias and a merge", "name: a\nrows:\n  - &r {on: true}\n  - *r\n  - <<: *r\n",
			file{Name: "a", Rows: []row{{&yes}, {&yes}, {&yes}}}, ""},
		{"an empty file", "", file{}, "f:1:1: nothing; write something [test-empty; the page]"},
		{"an unknown key and a missing one", "Name: a\n", file{}, `f:1:1: Name: there is no such key (value "Name"); did you mean name? The keys here are name, count, kind, prefixes, rows [test-known-key; the schema]
f:1:1: the key "name" is missing; add name: with a text [test-required; the schema]`},
		{"several mistakes at once", "name: a b\ncount: -1\nkind: blue\nprefixes: []\nrows: [{on: 1}]\n", file{}, `f:1:7: name: this is two words (value "a b"); write one [test-name; the schema]
f:2:8: count: this is a number, not a 4-byte number (value "-1"); write a whole number from 0 to 4294967295 [test-type; the schema]
f:3:7: kind: this is not one of the words that are known here (value "blue"); use red or green [test-enum; the schema]
f:4:11: prefixes: this list is empty (value "[]"); give at least one entry [test-required; the schema]
f:5:13: rows[0].on: this is a number (value "1"); write true or false [test-type; the schema]`},
		{"a tab", "name: a\nrows:\n\t- on: true\n", file{}, "f:3:1: a tab indents this line; indent with spaces only; your editor can replace the tab [test-syntax; YAML 1.2 section 6.1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got file
			var lines []string
			for _, f := range Read(format(), "f", []byte(c.src), &got, nil) {
				lines = append(lines, f.String())
			}
			if text := strings.Join(lines, "\n"); text != c.findings {
				t.Errorf("got\n%s\nwant\n%s", text, c.findings)
			}
			if c.findings == "" && !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
