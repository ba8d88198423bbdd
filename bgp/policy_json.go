package bgp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ParsePolicy reads a policy from JSON and validates it:
//
//	{"name": "to-microsoft",
//	 "terms": [{"name": "site-prefixes",
//	            "match": {"prefixes": [{"prefix": "10.0.0.0/16", "ge": 16, "le": 24}]},
//	            "set": {"localPref": 200},
//	            "action": "accept"}],
//	 "default": "reject"}
//
// Decoding is strict, here and wherever a Policy is part of other JSON: keys are compared exactly, an unknown, repeated or
// missing key is an error that says what would be right, and no action or default is assumed.
func ParsePolicy(data []byte) (*Policy, error) {
	p := new(Policy)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// UnmarshalJSON reads the policy strictly; it does not validate it.
func (p *Policy) UnmarshalJSON(data []byte) error {
	var q Policy
	err := object(data, "a policy",
		field{"name", &q.Name, true}, field{"terms", &q.Terms, true}, field{"default", &q.Default, true})
	if err != nil {
		return fmt.Errorf("policy %q: %w", q.Name, err)
	}
	*p = q
	return nil
}

// UnmarshalJSON reads the term strictly.
func (t *Term) UnmarshalJSON(data []byte) error {
	var u Term
	err := object(data, "a term",
		field{"name", &u.Name, true}, field{"match", &u.Match, false}, field{"set", &u.Set, false}, field{"action", &u.Action, true})
	if err != nil {
		return fmt.Errorf("term %q: %w", u.Name, err)
	}
	*t = u
	return nil
}

// UnmarshalJSON reads the conditions strictly.
func (m *Match) UnmarshalJSON(data []byte) error {
	var n Match
	err := object(data, "match",
		field{"prefixes", &n.Prefixes, false},
		field{"communitiesAny", &n.CommunitiesAny, false}, field{"communitiesAll", &n.CommunitiesAll, false},
		field{"pathContains", &n.PathContains, false}, field{"pathOrigin", &n.PathOrigin, false}, field{"pathNeighbor", &n.PathNeighbor, false},
		field{"peer", &n.Peer, false}, field{"from", &n.From, false})
	if err == nil {
		*m = n
	}
	return err
}

// UnmarshalJSON reads the rule strictly.
func (r *PrefixRule) UnmarshalJSON(data []byte) error {
	var q PrefixRule
	err := object(data, "a prefix rule", field{"prefix", &q.Prefix, true}, field{"ge", &q.GE, false}, field{"le", &q.LE, false})
	if err == nil {
		*r = q
	}
	return err
}

// UnmarshalJSON reads the changes strictly.
func (s *Set) UnmarshalJSON(data []byte) error {
	var q Set
	err := object(data, "set",
		field{"localPref", &q.LocalPref, false}, field{"med", &q.MED, false}, field{"weight", &q.Weight, false},
		field{"origin", &q.Origin, false}, field{"nextHopSelf", &q.NextHopSelf, false},
		field{"stripCommunities", &q.StripCommunities, false}, field{"communities", &q.Communities, false},
		field{"removeCommunities", &q.RemoveCommunities, false}, field{"addCommunities", &q.AddCommunities, false},
		field{"removePrivateAS", &q.RemovePrivateAS, false}, field{"replaceAS", &q.ReplaceAS, false},
		field{"prependAS", &q.PrependAS, false}, field{"prependTimes", &q.PrependTimes, false})
	if err == nil {
		*s = q
	}
	return err
}

// UnmarshalJSON reads the pair strictly.
func (r *ReplaceAS) UnmarshalJSON(data []byte) error {
	var q ReplaceAS
	err := object(data, "replaceAS", field{"from", &q.From, true}, field{"to", &q.To, true})
	if err == nil {
		*r = q
	}
	return err
}

// field is a key of a JSON object and where its value goes.
type field struct {
	key      string
	into     any
	required bool
}

// object decodes a JSON object of exactly these keys. encoding/json alone would take any case of a key, the last of two
// equal ones, and null for everything.
func object(data []byte, what string, fields ...field) error {
	dec := json.NewDecoder(bytes.NewReader(data))
	open, err := dec.Token()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if open != json.Delim('{') {
		return fmt.Errorf("%s is %s: want an object with %s", what, short(data), keys(fields))
	}
	seen := make([]bool, len(fields))
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		key, _ := token.(string)
		i := slices.IndexFunc(fields, func(f field) bool { return f.key == key })
		if i < 0 {
			hint := ""
			if n := nearest(key, fields); n != "" {
				hint = fmt.Sprintf(" (did you mean %q?)", n)
			}
			return fmt.Errorf("%s has no key %q%s: want %s", what, key, hint, keys(fields))
		}
		if seen[i] {
			return fmt.Errorf("%s has the key %q twice", what, key)
		}
		seen[i] = true
		var raw json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return fmt.Errorf("%s.%s: %w", what, key, err)
		}
		if string(raw) == "null" {
			return fmt.Errorf("%s.%s is null: leave the key out or give it a value", what, key)
		}
		if err := json.Unmarshal(raw, fields[i].into); err != nil {
			var wrong *json.UnmarshalTypeError
			if errors.As(err, &wrong) {
				return fmt.Errorf("%s.%s is %s: want %s", what, key, short(raw), wanted(wrong))
			}
			return fmt.Errorf("%s.%s: %w", what, key, err)
		}
	}
	if _, err := dec.Token(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", what, err)
	}
	for i, f := range fields {
		if f.required && !seen[i] {
			return fmt.Errorf("%s has no %q: it must be given", what, f.key)
		}
	}
	return nil
}

// wanted names a Go type for someone who writes JSON.
func wanted(err *json.UnmarshalTypeError) string {
	switch t := err.Type.String(); {
	case t == "uint32" || t == "bgp.ASN":
		return "a whole number from 0 to 4294967295"
	case t == "int":
		return "a whole number"
	case t == "bool":
		return "true or false"
	case strings.HasPrefix(t, "[]"):
		return "a list"
	default:
		return "a string"
	}
}

// short is the JSON as it stands, cut where it becomes long.
func short(data []byte) string {
	const most = 40
	s := string(bytes.TrimSpace(data))
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func keys(fields []field) string {
	var b strings.Builder
	for i, f := range fields {
		switch {
		case i > 0 && i == len(fields)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(f.key)
	}
	return b.String()
}

// nearest is the key that the given one was meant to be: at most two letters added, lost or changed, in any case.
func nearest(key string, fields []field) string {
	best, least := "", 3
	if len(key) > 40 {
		return ""
	}
	for _, f := range fields {
		if d := edits(strings.ToLower(key), strings.ToLower(f.key)); d < least {
			best, least = f.key, d
		}
	}
	return best
}

// edits is the Levenshtein distance in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
