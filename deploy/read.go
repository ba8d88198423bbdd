package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"sync"

	"onramp/azure"
	"onramp/cloud"
	"onramp/design"
)

// Parallel is how many requests are under way at a time where nobody says otherwise.
const Parallel = 8

// There is what an endpoint has of a design: what is wanted and is there, and what was made for it and is not wanted any more.
type There struct {
	items map[string]*item
	name  string
	past  *past
}

// newThere is an endpoint that has nothing.
func newThere(t *Target, p *past) *There {
	return &There{items: map[string]*item{}, name: t.Name, past: p}
}

// take takes in a resource as an endpoint answers it.
func (h *There) take(b json.RawMessage) error {
	list, err := split(b)
	if err != nil {
		return err
	}
	for _, x := range list {
		h.items[x.key] = x
	}
	return nil
}

// mine tells whether something was made for this design. What can have tags says so itself: the request that made it wrote the tag, so
// that nothing comes between. For the rest (role assignments and definitions, children of what somebody else made) the journal says so,
// which is written before the request.
func (h *There) mine(x *item) bool {
	return marked(x, h.name) || h.past.madeBy(x.key)
}

// marked tells whether something carries the design's name.
func marked(x *item, name string) bool { return text(x.body, "tags", design.TagDesign) == name }

// Read looks at what an endpoint has of a target, and at what else was made for it.
func Read(ctx context.Context, e *cloud.Endpoint, t *Target, j *Journal) (*There, error) {
	h := newThere(t, j.past)
	ids := map[string]azure.ID{}
	for _, x := range t.items {
		if x.parent == "" {
			ids[x.key] = x.id
		}
	}
	for k := range j.past.made {
		if t.byKey[k] == nil {
			ids[k] = j.past.ids[k]
		}
	}
	if err := tagged(ctx, e, t, ids); err != nil {
		return nil, err
	}
	for k, id := range ids { // what is shown in something else is read with it
		for {
			p, err := azure.ParseID(string(id))
			if err != nil || p.Scope != "" || !shownInParent(p.Type()) {
				break
			}
			if id = id.Parent(); ids[id.Key()] != "" {
				delete(ids, k)
			}
		}
	}
	var groups, rest []azure.ID
	for _, id := range ids {
		if p, err := azure.ParseID(string(id)); err == nil && p.Provider == "" && p.ResourceGroup != "" {
			groups = append(groups, id)
		} else {
			rest = append(rest, id)
		}
	}
	if err := h.get(ctx, e, groups); err != nil {
		return nil, err
	}
	gone := map[string]bool{}
	for _, g := range groups {
		gone[g.Key()] = h.items[g.Key()] == nil
	}
	rest = slices.DeleteFunc(rest, func(id azure.ID) bool { // nothing is in a group that is not there
		p, err := azure.ParseID(string(id))
		if err == nil && p.Scope != "" {
			p, err = azure.ParseID(string(p.Scope))
		}
		return err == nil && p.ResourceGroup != "" && gone[strings.ToLower("/subscriptions/"+p.Subscription+"/resourceGroups/"+p.ResourceGroup)]
	})
	return h, h.get(ctx, e, rest)
}

// get reads resources, several at a time.
func (h *There) get(ctx context.Context, e *cloud.Endpoint, ids []azure.ID) error {
	slices.Sort(ids)
	var mu sync.Mutex
	return cloud.Each(ctx, Parallel, ids, func(ctx context.Context, id azure.ID) error {
		b, err := e.Get(ctx, id)
		if errors.Is(err, cloud.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		return h.take(b)
	})
}

// tagged finds what carries the design's name in the subscriptions that the target is in. One that cannot be read has nothing: the plan
// says so.
func tagged(ctx context.Context, e *cloud.Endpoint, t *Target, ids map[string]azure.ID) error {
	var mu sync.Mutex
	query := url.Values{"$filter": {"tagName eq '" + design.TagDesign + "' and tagValue eq '" + strings.ReplaceAll(t.Name, "'", "''") + "'"}}
	return cloud.Each(ctx, Parallel, t.subscriptions(), func(ctx context.Context, sub string) error {
		for _, what := range []string{"/resourcegroups", "/resources"} {
			list, err := e.List(ctx, "/subscriptions/"+sub+what, "Microsoft.Resources/resources", query)
			if errors.Is(err, cloud.ErrNotFound) || forbidden(err) {
				return nil
			}
			if err != nil {
				return err
			}
			for _, b := range list {
				var r struct{ ID azure.ID }
				if err := json.Unmarshal(b, &r); err != nil {
					return err
				}
				mu.Lock()
				if _, had := ids[r.ID.Key()]; !had {
					ids[r.ID.Key()] = r.ID
				}
				mu.Unlock()
			}
		}
		return nil
	})
}
