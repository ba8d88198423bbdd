package deploy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"onramp/azure"
)

// secretForm is what stands in a design for a secret that an import did not take over: "<sharedKey of CIRCUIT>". What comes before "of" is
// the property's name.
var secretForm = regexp.MustCompile(`^<([A-Za-z]+) of (.+)>$`)

// secretName is the name of the secret that a property's value stands for, such as "sharedKey of CIRCUIT"; empty where it is a value.
func secretName(property, value string) string {
	m := secretForm.FindStringSubmatch(value)
	if m == nil || !strings.EqualFold(m[1], property) {
		return ""
	}
	return m[1] + " of " + m[2]
}

// secrets calls f for each text that stands for a secret, in the order of the names, and puts what f returns in its place; the property
// goes where f says no.
func secrets(v any, f func(name string) (string, bool)) {
	switch v := v.(type) {
	case object:
		for _, k := range sorted(v) {
			s, _ := v[k].(string)
			name := secretName(k, s)
			if name == "" {
				secrets(v[k], f)
			} else if to, ok := f(name); ok {
				v[k] = to
			} else {
				delete(v, k)
			}
		}
	case []any:
		for _, e := range v {
			secrets(e, f)
		}
	}
}

func sorted(o object) []string {
	out := make([]string, 0, len(o))
	for k := range o {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// missing are the names of the secrets that a body stands for, each once, in order.
func missing(body object) []string {
	var out []string
	secrets(copied(body), func(name string) (string, bool) { out = append(out, name); return "", false })
	slices.Sort(out)
	return slices.Compact(out)
}

// stands tells whether JSON may have something that stands for a secret, so that most resources stay as they were written.
func stands(b json.RawMessage) bool {
	var body object
	return json.Unmarshal(b, &body) == nil && len(missing(body)) > 0
}

// withSecrets is a resource with the secrets that somebody gave, by name in lower case.
func withSecrets(b json.RawMessage, given map[string]string) (json.RawMessage, error) {
	if len(given) == 0 || !stands(b) {
		return b, nil
	}
	var body object
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case object:
			for k, e := range v {
				s, _ := e.(string)
				if to := given[strings.ToLower(secretName(k, s))]; to != "" {
					v[k] = to
					continue
				}
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(body)
	return json.Marshal(body)
}

// withoutSecrets is a resource without what stands for secrets.
func withoutSecrets(b json.RawMessage) (json.RawMessage, error) {
	if !stands(b) {
		return b, nil
	}
	var body object
	if err := json.Unmarshal(b, &body); err != nil {
		return nil, err
	}
	secrets(body, func(string) (string, bool) { return "", false })
	return json.Marshal(body)
}

// keep puts the secrets that are there in the place of what stands for them: a property that is written without its secret would lose it.
// Elements of lists are the same where their names are.
func keep(goal, is any) {
	switch g := goal.(type) {
	case object:
		there, _ := is.(object)
		for k, v := range g {
			s, _ := v.(string)
			if secretName(k, s) == "" {
				keep(v, there[k])
			} else if has, _ := there[k].(string); has != "" {
				g[k] = has
			}
		}
	case []any:
		list, _ := is.([]any)
		for _, e := range g {
			o, _ := e.(object)
			name := text(o, "name")
			for _, t := range list {
				if to, _ := t.(object); name != "" && strings.EqualFold(text(to, "name"), name) {
					keep(o, to)
				}
			}
		}
	}
}

// secretProblems are what has to be said of an item whose secrets are neither given nor at the endpoint.
func secretProblems(goal *item) []string {
	var out []string
	for _, name := range missing(goal.body) {
		out = append(out, fmt.Sprintf("%s: the design does not have the %s, and the endpoint does not show one: give it in a file with --secret %q", goal.id, name, name+"=FILE"))
	}
	return out
}

// shown is a plan's changes without the values of secrets.
func shown(list []azure.Change) []azure.Change {
	for i := range list {
		c := &list[i]
		name := c.Path[strings.LastIndexAny(c.Path, ".")+1:]
		c.From, c.To = veiled(name, c.From), veiled(name, c.To)
	}
	return list
}

// veiled is a JSON value without secrets.
func veiled(name string, b json.RawMessage) json.RawMessage {
	var v any
	if nothing(b) || json.Unmarshal(b, &v) != nil {
		return b
	}
	var found bool
	var walk func(name string, v any) any
	walk = func(name string, v any) any {
		switch v := v.(type) {
		case string:
			if v != "" && (strings.EqualFold(name, "sharedKey") || strings.EqualFold(name, "authorizationKey") && !authorizationForm.MatchString(v)) {
				found = true
				return "a secret"
			}
		case object:
			for k, e := range v {
				v[k] = walk(k, e)
			}
		case []any:
			for i, e := range v {
				v[i] = walk(name, e)
			}
		}
		return v
	}
	v = walk(name, v)
	if !found {
		return b
	}
	out, err := json.Marshal(v)
	if err != nil {
		return nil
	}
	return out
}
