package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/cloud"
)

// Prerequisite is one that an endpoint can show, under the id that package check gives it where it has one.
type Prerequisite struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// State is yes, no, or unknown where the endpoint does not show it.
	State string `json:"state" enum:"yes,no,unknown"`
	How   string `json:"how"` // what was seen, or what there is to do
}

// The states of a prerequisite.
const (
	Met     = "yes"
	Unmet   = "no"
	Unknown = "unknown"
)

// Prerequisites asks an endpoint for those that it can show: the subscriptions, the rights of who signs in, the resource provider, the
// connectivity providers at their locations, and the quota of circuits. Nothing is written. The error is one of the connection.
func Prerequisites(ctx context.Context, e *cloud.Endpoint, t *Target, h *There) ([]Prerequisite, error) {
	subs := t.subscriptions()
	lists := make([][]Prerequisite, len(subs))
	type at struct {
		i   int
		sub string
	}
	var work []at
	for i, s := range subs {
		work = append(work, at{i, s})
	}
	err := cloud.Each(ctx, Parallel, work, func(ctx context.Context, w at) error {
		var err error
		lists[w.i], err = subscription(ctx, e, t, h, w.sub)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := []Prerequisite{}
	for _, l := range lists {
		out = append(out, l...)
	}
	offers, err := providers(ctx, e, t)
	return append(out, offers...), err
}

// seen says what an answer shows: an error that is an answer shows nothing.
func seen(err error) error {
	if forbidden(err) || errors.Is(err, cloud.ErrNotFound) || refused(err) {
		return nil
	}
	return err
}

// subscription asks for what concerns one subscription.
func subscription(ctx context.Context, e *cloud.Endpoint, t *Target, h *There, sub string) ([]Prerequisite, error) {
	in := "/subscriptions/" + sub
	p := Prerequisite{ID: "subscription:" + sub, Text: "Subscription " + sub + " is there and can be seen", State: Met}
	b, err := e.Get(ctx, azure.ID(in))
	if err != nil {
		p.State, p.How = Unmet, "it cannot be seen: create it, or sign in as somebody who has a role in it"
		return []Prerequisite{p}, seen(err)
	}
	var s struct{ DisplayName, State string }
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	p.How = s.DisplayName
	if s.State != "" && !strings.EqualFold(s.State, "Enabled") {
		p.State, p.How = Unmet, "its state is "+s.State
	}
	out := []Prerequisite{p}

	p = Prerequisite{ID: "register-provider:" + sub, Text: "Microsoft.Network is registered in " + s.DisplayName, State: Unknown}
	switch b, err := e.Ask(ctx, in+"/providers/Microsoft.Network", "Microsoft.Resources/providers", nil); {
	case err == nil:
		var r struct{ RegistrationState string }
		if err := json.Unmarshal(b, &r); err != nil {
			return nil, err
		}
		p.State, p.How = Met, r.RegistrationState
		if r.RegistrationState != "Registered" {
			p.State, p.How = Unmet, "it is "+r.RegistrationState+": register it"
		}
	case seen(err) != nil:
		return nil, err
	}
	out = append(out, p)
	if p, err = rights(ctx, e, t, sub, s.DisplayName); err != nil {
		return nil, err
	}
	out = append(out, p)
	quota, err := quotas(ctx, e, t, h, sub, s.DisplayName)
	return append(out, quota...), err
}

// rights asks whether who signs in may write what is wanted in a subscription. Azure shows that of a resource group only.
func rights(ctx context.Context, e *cloud.Endpoint, t *Target, sub, name string) (Prerequisite, error) {
	p := Prerequisite{ID: "role:" + sub, Text: "Whoever signs in may write what the design has in " + name, State: Unknown, How: "it has no resource group to ask of"}
	wanted := map[string]bool{}
	group := ""
	for _, x := range t.items {
		id, err := azure.ParseID(string(x.id))
		if err != nil || !strings.EqualFold(id.Subscription, sub) {
			continue
		}
		switch {
		case id.Provider == "":
			group = id.ResourceGroup
			wanted["Microsoft.Resources/subscriptions/resourceGroups/write"] = true
		default:
			wanted[id.Type()+"/write"] = true
		}
	}
	if group == "" {
		return p, nil
	}
	list, err := e.List(ctx, "/subscriptions/"+sub+"/resourceGroups/"+group+"/providers/Microsoft.Authorization/permissions", "Microsoft.Authorization/permissions", nil)
	if err != nil {
		p.How = "the endpoint does not show it of resource group " + group
		return p, seen(err)
	}
	var lacks []string
	for action := range wanted {
		ok := false
		for _, b := range list {
			var r struct{ Actions, NotActions []string }
			if err := json.Unmarshal(b, &r); err != nil {
				return p, err
			}
			ok = ok || covers(r.Actions, action) && !covers(r.NotActions, action)
		}
		if !ok {
			lacks = append(lacks, action)
		}
	}
	slices.Sort(lacks)
	p.State, p.How = Met, "its roles allow all "+fmt.Sprint(len(wanted))+" actions"
	if len(lacks) > 0 {
		p.State, p.How = Unmet, "no role allows "+strings.Join(lacks, ", ")
	}
	return p, nil
}

// covers tells whether one of some patterns covers an action: in a role * stands for any text, slashes too.
func covers(patterns []string, action string) bool {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "/", "|") }
	return slices.ContainsFunc(patterns, func(p string) bool { ok, err := path.Match(fold(p), fold(action)); return ok && err == nil })
}

// quotas asks whether a subscription may have so many more circuits.
func quotas(ctx context.Context, e *cloud.Endpoint, t *Target, h *There, sub, name string) ([]Prerequisite, error) {
	more := map[string]int{}
	for _, x := range t.items {
		if id, err := azure.ParseID(string(x.id)); err == nil && x.is("expressRouteCircuits") && strings.EqualFold(id.Subscription, sub) {
			place := text(x.body, "location")
			if h.items[x.key] == nil {
				more[place]++
			} else {
				more[place] += 0
			}
		}
	}
	var places []string
	for k := range more {
		places = append(places, k)
	}
	slices.Sort(places)
	var out []Prerequisite
	for _, place := range places {
		p := Prerequisite{ID: "circuit-quota:" + sub + ":" + place, Text: fmt.Sprintf("%s may have %d more circuits in %s", name, more[place], place), State: Unknown, How: "the endpoint does not show it"}
		list, err := e.List(ctx, "/subscriptions/"+sub+"/providers/Microsoft.Network/locations/"+place+"/usages", "Microsoft.Network/locations", nil)
		if err != nil && seen(err) != nil {
			return nil, err
		}
		for _, b := range list {
			var u struct {
				CurrentValue, Limit int
				Name                struct{ Value string }
			}
			if json.Unmarshal(b, &u) != nil || !strings.EqualFold(u.Name.Value, "ExpressRouteCircuits") {
				continue
			}
			p.State, p.How = Met, fmt.Sprintf("it has %d of %d", u.CurrentValue, u.Limit)
			if u.CurrentValue+more[place] > u.Limit {
				p.State, p.How = Unmet, fmt.Sprintf("it has %d of %d: ask Microsoft for more", u.CurrentValue, u.Limit)
			}
		}
		out = append(out, p)
	}
	return out, nil
}

// providers asks whether the providers sell at the locations of the circuits.
func providers(ctx context.Context, e *cloud.Endpoint, t *Target) ([]Prerequisite, error) {
	type offer struct {
		provider, location string
		mbps               float64
	}
	var wanted []offer
	sub := ""
	for _, x := range t.items {
		if !provided(x) {
			continue
		}
		mbps, _ := find(x.body, "properties", "serviceProviderProperties", "bandwidthInMbps").(float64)
		o := offer{text(x.body, "properties", "serviceProviderProperties", "serviceProviderName"), text(x.body, "properties", "serviceProviderProperties", "peeringLocation"), mbps}
		if !slices.Contains(wanted, o) {
			wanted = append(wanted, o)
		}
		if id, err := azure.ParseID(string(x.id)); err == nil && sub == "" {
			sub = id.Subscription
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	list, err := e.List(ctx, "/subscriptions/"+sub+"/providers/Microsoft.Network/expressRouteServiceProviders", "Microsoft.Network/expressRouteServiceProviders", nil)
	unknown := err != nil
	if err != nil && seen(err) != nil {
		return nil, err
	}
	var out []Prerequisite
	for _, w := range wanted {
		p := Prerequisite{ID: "provider-at-location:" + w.provider + "@" + w.location, Text: fmt.Sprintf("%s sells %g Mbps at %s", w.provider, w.mbps, w.location), State: Unmet, How: "the endpoint does not list it there"}
		if unknown {
			p.State, p.How = Unknown, "the endpoint does not show its providers"
		}
		for _, b := range list {
			var s struct {
				Name       string
				Properties struct {
					PeeringLocations  []string
					BandwidthsOffered []struct{ ValueInMbps float64 }
				}
			}
			if json.Unmarshal(b, &s) != nil || !strings.EqualFold(s.Name, w.provider) || !slices.ContainsFunc(s.Properties.PeeringLocations, func(l string) bool { return strings.EqualFold(l, w.location) }) {
				continue
			}
			p.State, p.How = Met, "it is listed there"
			if l := s.Properties.BandwidthsOffered; len(l) > 0 && !slices.ContainsFunc(l, func(v struct{ ValueInMbps float64 }) bool { return v.ValueInMbps == w.mbps }) {
				p.State, p.How = Unmet, "it is listed there, without this bandwidth"
			}
		}
		out = append(out, p)
	}
	return out, nil
}
