package azure

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// Rehome returns resources with other subscriptions in every id that they have or name: those of the map, whose keys are compared without
// case. The resources themselves stay as they are.
func Rehome(rs Resources, homes map[string]string) (Resources, error) {
	b, err := json.Marshal(rs)
	if err != nil {
		return nil, err
	}
	var list []any
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	to := map[string]string{}
	for k, v := range homes {
		to[strings.ToLower(k)] = v
	}
	Texts(list, func(s string) string { return rehomed(s, to) })
	if b, err = json.Marshal(list); err != nil {
		return nil, err
	}
	var out Resources
	return out, json.Unmarshal(b, &out)
}

// rehomed is a text with another subscription, where it is an id.
func rehomed(s string, to map[string]string) string {
	name := subscriptionOf(s)
	other, ok := to[strings.ToLower(name)]
	if name == "" || !ok {
		return s
	}
	return s[:len(subscriptions)] + other + s[len(subscriptions)+len(name):]
}

// Subscriptions are those that resources are in or name in an id, each once, in order.
func Subscriptions(rs Resources) ([]string, error) {
	b, err := json.Marshal(rs)
	if err != nil {
		return nil, err
	}
	var list any
	if err := json.Unmarshal(b, &list); err != nil {
		return nil, err
	}
	found := map[string]string{}
	Texts(list, func(s string) string {
		if name := subscriptionOf(s); name != "" {
			key := strings.ToLower(name)
			if was, ok := found[key]; !ok || name < was {
				found[key] = name
			}
		}
		return s
	})
	return slices.Sorted(maps.Values(found)), nil
}

// subscriptionOf is the subscription in an id; empty where a text is none.
func subscriptionOf(s string) string {
	if len(s) <= len(subscriptions) || !strings.EqualFold(s[:len(subscriptions)], subscriptions) {
		return ""
	}
	name, _, _ := strings.Cut(s[len(subscriptions):], "/")
	return name
}

// subscriptions is how an id begins.
const subscriptions = "/subscriptions/"

// RehomeID is an id with another subscription, where the map, whose keys are compared without case, has one for its own.
func RehomeID(id ID, homes map[string]string) ID {
	to := map[string]string{}
	for k, v := range homes {
		to[strings.ToLower(k)] = v
	}
	return ID(rehomed(string(id), to))
}
