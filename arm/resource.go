package arm

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onramp/azure"
)

// resource is a stored top-level resource with the children that Azure shows inside it, and its last operation. It does not change: a
// write puts another in its place.
type resource struct {
	key      string // the id in lower case
	id       string
	kind     *kind
	body     object // everything that clients see, children too
	op       *operation
	provider object // the tags that a circuit's provider has put on its own side; nil is none
	created  time.Time
	changed  time.Time
	revision uint64   // of the record as it was loaded
	flight   *flight  // the write that made it; nil for a loaded one
	refs     []string // what the body refers to, in lower case
	answer   []byte   // body as JSON: what GET answers once the operation has ended
	last     *lastAnswer
	typed    *typed // of answer
}

// typed is a resource as package azure has it, made when somebody first asks. It is nobody's to change.
type typed struct {
	once sync.Once
	is   azure.Resource // nil where azure does not know it
}

// of makes it of the JSON.
func (t *typed) of(answer []byte) azure.Resource {
	t.once.Do(func() {
		if x, err := azure.Unmarshal(answer); err == nil {
			t.is = x
		}
	})
	return t.is
}

// lastAnswer is what a resource with live fields was answered with last. Those follow from other resources, so it holds until one changes.
// The children of a resource are answered so too.
type lastAnswer struct {
	whole    atomic.Pointer[liveAnswer]
	children sync.Map // of *liveAnswer, by the child's id
}

// of is the last answer to who asked for a resource or a child in it, nil when there was none.
func (l *lastAnswer) of(c child) *liveAnswer {
	if c.id == c.of.id {
		return l.whole.Load()
	}
	a, _ := l.children.Load(c.id)
	x, _ := a.(*liveAnswer)
	return x
}

// keep remembers it. There are no more than the resource has children.
func (l *lastAnswer) keep(c child, a *liveAnswer) {
	if c.id == c.of.id {
		l.whole.Store(a)
		return
	}
	l.children.Store(c.id, a)
}

type liveAnswer struct {
	changes uint64 // of the engine, when the answer was made
	body    []byte
}

// stored is a resource in the store.
type stored struct {
	ID      string     `json:"id"`
	Type    string     `json:"type"`
	Body    object     `json:"body"`
	Op      *operation `json:"operation,omitempty"`
	Tags    object     `json:"providerTags,omitempty"`
	Created time.Time  `json:"created"`
	Changed time.Time  `json:"changed"`
}

// record is what marshal writes: stored, with the body as finish wrote it already.
type record struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Body    json.RawMessage `json:"body"`
	Op      *operation      `json:"operation,omitempty"`
	Tags    object          `json:"providerTags,omitempty"`
	Created time.Time       `json:"created"`
	Changed time.Time       `json:"changed"`
}

func (r *resource) marshal() ([]byte, error) {
	return json.Marshal(record{ID: r.id, Type: r.kind.typ, Body: r.answer, Op: r.op, Tags: r.provider, Created: r.created, Changed: r.changed})
}

// finish works out what follows from the body.
func (r *resource) finish() error {
	b, err := json.Marshal(r.body)
	if err != nil {
		return fmt.Errorf("%s: %w", r.id, err)
	}
	r.answer, r.typed = b, &typed{}
	r.refs = references(r.body, r.key)
	return nil
}

// references are the ids that an object holds, in lower case and sorted, without its own and those of what it contains.
func references(o object, own string) []string {
	found := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case object:
			for _, y := range x {
				walk(y)
			}
		case []any:
			for _, y := range x {
				walk(y)
			}
		case string:
			if len(x) > 15 && x[0] == '/' && strings.EqualFold(x[:15], "/subscriptions/") {
				if k := strings.ToLower(x); k != own && !strings.HasPrefix(k, own+"/") {
					found[k] = true
				}
			}
		}
	}
	walk(o)
	out := make([]string, 0, len(found))
	for k := range found {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// child is where a child stands inside a stored resource.
type child struct {
	of   *resource
	kind *kind
	body object
	id   string
}

// below finds what an id names inside a resource: the resource itself, or a child at any depth.
func (r *resource) below(id string) (child, bool) {
	c := child{of: r, kind: r.kind, body: r.body, id: r.id}
	if strings.EqualFold(id, r.id) {
		return c, true
	}
	if len(id) <= len(r.id) || id[len(r.id)] != '/' || !strings.EqualFold(id[:len(r.id)], r.id) {
		return child{}, false
	}
	parts := strings.Split(id[len(r.id)+1:], "/")
	if len(parts)%2 != 0 {
		return child{}, false
	}
	for i := 0; i < len(parts); i += 2 {
		k := c.kind.childIn(parts[i])
		if k == nil || k.inside == "" {
			return child{}, false
		}
		x := byName(list(c.body, "properties", k.inside), parts[i+1])
		if x == nil {
			return child{}, false
		}
		c = child{of: r, kind: k, body: x, id: c.id + "/" + k.segment + "/" + text(x, "name")}
	}
	return c, true
}
