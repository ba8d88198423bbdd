package arm

import (
	"net/http"
	"slices"
	"strings"
)

// roleFilter is what $filter asks of a list of roles or assignments: values by the name of what they are compared with, in lower case;
// for a function the name has brackets behind it.
type roleFilter map[string]string

// readRoleFilter reads terms like principalId eq 'GUID', assignedTo('GUID') and atScope(), joined by and; a GUID may stand without marks.
// One that cannot be read, or that asks for something that is not among the names, is refused (AssumeFilter): it would else list too much.
func readRoleFilter(s string, names ...string) (roleFilter, *Error) {
	bad := func(why string) (roleFilter, *Error) {
		return nil, refuse(http.StatusBadRequest, "InvalidFilterInQueryString", "Invalid $filter '%.200s' specified in the query string: %s.", s, why).at("$filter")
	}
	if len(s) > maxFilter {
		return bad("it is too long")
	}
	words, ok := filterWords(s)
	if !ok {
		return bad("a string has no end, or there is a character that has no meaning")
	}
	f := roleFilter{}
	for len(words) > 0 {
		name, value := words[0], ""
		switch {
		case len(words) >= 3 && strings.EqualFold(words[1], "eq"):
			value, words = words[2], words[3:]
		case len(words) >= 3 && words[1] == "(" && words[2] == ")":
			name, words = name+"()", words[3:]
		case len(words) >= 4 && words[1] == "(" && words[3] == ")":
			name, value, words = name+"()", words[2], words[4:]
		default:
			return bad("a term is a name with eq and a value, or a function with brackets")
		}
		if !slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) }) {
			return bad("it asks for " + name + ", and not for " + strings.Join(names, ", "))
		}
		if plain, ok := strings.CutPrefix(value, "'"); ok {
			value = strings.ReplaceAll(strings.TrimSuffix(plain, "'"), "''", "'")
		} else if value != "" && !isGUID(value) {
			return bad("a value that is no GUID stands between quotation marks")
		}
		key := strings.ToLower(name)
		if old, had := f[key]; had && !strings.EqualFold(old, value) {
			return bad("it asks for two values of " + name)
		}
		f[key] = value
		if len(words) == 1 || len(words) > 1 && !strings.EqualFold(words[0], "and") {
			return bad("its terms are joined by and")
		}
		if len(words) > 0 {
			words = words[1:]
		}
	}
	return f, nil
}

// takes tells whether a value is what is asked for of a name, in any case.
func (f roleFilter) takes(name, value string) bool {
	want, asked := f[strings.ToLower(name)]
	return !asked || strings.EqualFold(want, value)
}
