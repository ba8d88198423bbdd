package deploy

import (
	"context"
	"strings"

	"onramp/azure"
	"onramp/cloud"
)

// Status is what is there of a target.
type Status struct {
	Design string `json:"design"`
	// Resources are those that are wanted, in the order in which they are made.
	Resources []ResourceStatus `json:"resources"`
	There     int              `json:"there"`
	Missing   int              `json:"missing"`
	// Differs is how many are there and not as they are wanted.
	Differs int `json:"differs"`
	// Interrupted tells that the last apply did not come to its end.
	Interrupted bool `json:"interrupted"`
}

// ResourceStatus is how one resource is. It holds no keys.
type ResourceStatus struct {
	ID    azure.ID `json:"id"`
	Type  string   `json:"type"`
	There bool     `json:"there"`
	// State is its provisioningState; empty for what has none.
	State string `json:"state"`
	// Detail is the state that its type has beside that: of a circuit its provider's, of a connection and a peering of networks how they
	// stand.
	Detail string `json:"detail"`
	// Made tells that this design made it.
	Made bool `json:"made"`
	Same bool `json:"same"` // as it is wanted
}

// Look tells what is there of a target.
func Look(ctx context.Context, e *cloud.Endpoint, t *Target, j *Journal) (*Status, error) {
	h, err := Read(ctx, e, t, j)
	if err != nil {
		return nil, err
	}
	s := &Status{Design: t.Name, Resources: []ResourceStatus{}, Interrupted: j.Interrupted()}
	for _, x := range t.items {
		r := ResourceStatus{ID: x.id, Type: x.typ}
		is := h.items[x.key]
		if is == nil {
			s.Missing++
			s.Resources = append(s.Resources, r)
			continue
		}
		s.There++
		var extra []Change
		c, err := h.compare(t, x, PlanOptions{}, &extra)
		if err != nil {
			return nil, err
		}
		r.There, r.State, r.Same, r.Made = true, is.state, c.Kind == Same, h.mine(is) || x.parent != "" && h.items[x.parent] != nil && h.mine(h.items[x.parent])
		if !r.Same {
			s.Differs++
		}
		for _, name := range []string{"serviceProviderProvisioningState", "connectionStatus", "peeringState"} {
			if v := text(is.body, "properties", name); v != "" {
				r.Detail = strings.ToLower(v[:1]) + v[1:]
			}
		}
		s.Resources = append(s.Resources, r)
	}
	return s, nil
}
