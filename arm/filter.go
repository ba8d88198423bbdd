package arm

import (
	"net/http"
	"strings"
)

// filter is what $filter asks of a list of resources: any of some conjunctions of terms. The empty one asks nothing.
type filter [][]term

// term is one condition of a filter.
type term struct {
	name  string // resourcetype, name, location, resourcegroup, tagname or tagvalue
	op    string // eq, ne, substringof or startswith
	value string
}

// maxFilter bounds a filter in octets.
const maxFilter = 4096

// readFilter reads $filter: terms like resourceType eq 'Microsoft.Network/virtualNetworks', substringof('hub', name) and
// startswith(name, 'hub'), joined by and and or. One that cannot be read is refused (AssumeFilter): it would else list too much.
func readFilter(s string) (filter, *Error) {
	bad := func(why string) (filter, *Error) {
		return nil, refuse(http.StatusBadRequest, "InvalidFilterInQueryString", "Invalid $filter '%.200s' specified in the query string: %s.", s, why).at("$filter")
	}
	if len(s) > maxFilter {
		return bad("it is too long")
	}
	words, ok := filterWords(s)
	if !ok {
		return bad("a string has no end, or there is a character that has no meaning")
	}
	if len(words) == 0 {
		return nil, nil
	}
	take := func() string {
		if len(words) == 0 {
			return ""
		}
		w := words[0]
		words = words[1:]
		return w
	}
	f := filter{nil}
	for {
		var t term
		switch w := take(); strings.ToLower(w) {
		case "substringof", "startswith":
			t.op = strings.ToLower(w)
			open, first, comma, second, end := take(), take(), take(), take(), take()
			if open != "(" || comma != "," || end != ")" {
				return bad(w + " has two arguments in brackets")
			}
			t.name, t.value = first, second
			if t.op == "substringof" {
				t.name, t.value = second, first
			}
		default:
			t.name, t.op, t.value = w, strings.ToLower(take()), take()
			if t.op != "eq" && t.op != "ne" {
				return bad("the operators are eq and ne")
			}
		}
		t.name = strings.ToLower(t.name)
		switch t.name {
		case "resourcetype", "name", "location", "resourcegroup", "tagname", "tagvalue":
		default:
			return bad("the properties are resourceType, name, location, resourceGroup, tagName and tagValue")
		}
		if !strings.HasPrefix(t.value, "'") {
			return bad("a value stands between quotation marks")
		}
		t.value = strings.ReplaceAll(t.value[1:len(t.value)-1], "''", "'")
		f[len(f)-1] = append(f[len(f)-1], t)
		switch w := take(); strings.ToLower(w) {
		case "":
			return f, nil
		case "and":
		case "or":
			f = append(f, nil)
		default:
			return bad("terms are joined by and and or")
		}
	}
}

// filterWords cuts a filter into names, strings with their quotation marks, brackets and commas.
func filterWords(s string) ([]string, bool) {
	var out []string
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == '(' || c == ')' || c == ',':
			out = append(out, s[i:i+1])
			i++
		case c == '\'':
			j := i + 1
			for ; j < len(s); j++ {
				if s[j] != '\'' {
					continue
				}
				if j+1 == len(s) || s[j+1] != '\'' {
					break
				}
				j++ // two stand for one
			}
			if j >= len(s) {
				return nil, false
			}
			out = append(out, s[i:j+1])
			i = j + 1
		case isWord(c):
			j := i
			for j < len(s) && isWord(s[j]) {
				j++
			}
			out = append(out, s[i:j])
			i = j
		default:
			return nil, false
		}
	}
	return out, true
}

// isWord tells whether a character can be in a word: a name, or a GUID that stands without quotation marks.
func isWord(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-'
}

// takes tells whether a resource is asked for.
func (f filter) takes(r *resource) bool {
	if len(f) == 0 {
		return true
	}
	for _, all := range f {
		tag := ""
		for _, t := range all {
			if t.name == "tagname" {
				tag = t.value
			}
		}
		fits := true
		for _, t := range all {
			fits = fits && t.takes(r, tag)
		}
		if fits {
			return true
		}
	}
	return false
}

// takes tells whether a term holds for a resource; tag is the name that a tagValue belongs to.
func (t term) takes(r *resource, tag string) bool {
	is := ""
	switch t.name {
	case "resourcetype":
		is = r.kind.typ
	case "name", "location":
		is = text(r.body, t.name)
	case "resourcegroup":
		if parts := strings.SplitN(r.id, "/", 6); len(parts) > 4 {
			is = parts[4]
		}
	case "tagname":
		has := find(r.body, "tags", t.value) != nil
		return has == (t.op != "ne")
	case "tagvalue":
		if is = text(r.body, "tags", tag); tag == "" {
			return false
		}
		return (is == t.value) == (t.op != "ne")
	}
	is, want := strings.ToLower(is), strings.ToLower(t.value)
	switch t.op {
	case "ne":
		return is != want
	case "substringof":
		return strings.Contains(is, want)
	case "startswith":
		return strings.HasPrefix(is, want)
	}
	return is == want
}
