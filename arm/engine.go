package arm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onramp/catalog"
)

// engine keeps the resources: in memory to read, in the store to last. One change is made at a time, from its checks to the beginning of its
// record's write, so that what was checked is still so when it is written. The store keeps the order of the writes, so the next change does
// not wait for the disk; but no answer is given before what it rests on is there (durable).
type engine struct {
	catalog *catalog.Catalog
	kinds   kinds
	store   Store
	now     func() time.Time
	random  io.Reader
	pace    Pace
	prefs   preferences
	// statuses are the published ones of Azure's error codes.
	statuses map[string]int
	// published are the API versions of Microsoft.Network, in their order; younger those of the types that have not all of them.
	published []string
	younger   map[string][]string

	write sync.Mutex // held by who changes something
	mu    sync.RWMutex
	all   map[string]*resource
	// changes counts what was placed and displaced.
	changes uint64
	// sorted holds the keys of each kind, in order; users the keys of the resources that refer to an id or to something below it.
	sorted map[*kind][]string
	users  map[string]map[string]bool
	// ops are all operations that can still be asked for, timed when something comes to its end without anybody asking.
	ops       map[string]*operation
	timed     map[string]time.Time
	revisions map[string]uint64 // of records that are no resources
	forgotten time.Time
	recent    []string         // the ids of ops, the oldest first
	watch     func(key string) // told after each change, outside the locks; nil is nobody
	forked    bool             // it shares its resources with another engine
	beside    beside           // what has something to do at its time, beside the resources; nil is nothing
	// linked is how a connection stands; nil is not known.
	linked func(connection string) (LinkState, error)
	wake   chan struct{}
	last   *flight // the write that was begun last; nil when all are durable
}

// beside is what else goes on at its time: the deployments.
type beside interface {
	// due is when advance next has something to do; false when never.
	due() (at time.Time, ok bool)
	// advance does it.
	advance()
	// left is told that a resource group is gone, by its key, with write held.
	left(group string)
}

// preferences are what the administrator of the endpoint has set.
type preferences struct {
	provider ProviderMode
	delay    time.Duration
}

// ProviderMode says who plays the connectivity provider.
type ProviderMode string

// The ways in which a circuit gets provisioned.
const (
	// ProviderAuto provisions a circuit before the PUT that makes it ends, or after a delay.
	ProviderAuto ProviderMode = "auto"
	// ProviderManual leaves it to whoever uses the interface of the providers (expressRouteCrossConnections).
	ProviderManual ProviderMode = "manual"
)

func newEngine(c *catalog.Catalog, s Store, now func() time.Time, random io.Reader, pace Pace) (*engine, error) {
	e := &engine{
		catalog: c, kinds: newKinds(), store: s, now: now, random: random, pace: pace, all: map[string]*resource{}, sorted: map[*kind][]string{}, users: map[string]map[string]bool{},
		ops: map[string]*operation{}, timed: map[string]time.Time{}, revisions: map[string]uint64{}, wake: make(chan struct{}, 1), prefs: preferences{provider: ProviderAuto},
	}
	e.statuses = map[string]int{}
	for _, x := range c.ARMErrors() {
		e.statuses[x.Code] = x.HTTPStatus
	}
	e.published, e.younger = publishedBy(c)
	err := s.Load(func(r Record) error {
		if strings.HasPrefix(r.Key, endedKey) {
			var op endedOperation
			if err := json.Unmarshal(r.Value, &op); err != nil {
				return fmt.Errorf("the record of %s: %w", r.Key, err)
			}
			op.Operation.flight = &flight{Writing: newWriting().end(r.Revision, nil)}
			e.note(&op.Operation)
			return nil
		}
		if !strings.HasPrefix(r.Key, "/") {
			return nil // not the engine's
		}
		x, err := e.read(r)
		if err != nil {
			return err
		}
		e.place(x)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// read makes a resource of a record.
func (e *engine) read(r Record) (*resource, error) {
	var s stored
	d := json.NewDecoder(strings.NewReader(string(r.Value)))
	d.UseNumber()
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("the record of %s: %w", r.Key, err)
	}
	k := e.kinds.of(s.Type)
	if k == nil {
		return nil, fmt.Errorf("the record of %s has the unknown type %q", r.Key, s.Type)
	}
	x := &resource{key: r.Key, id: s.ID, kind: k, body: s.Body, op: s.Op, provider: s.Tags, created: s.Created, changed: s.Changed, revision: r.Revision}
	return x, x.finish()
}

// place puts a resource where everybody finds it. It wants mu.
func (e *engine) place(r *resource) {
	e.changes++
	r.last = &lastAnswer{}
	if old := e.all[r.key]; old != nil {
		e.unuse(old)
	} else {
		keys := e.sorted[r.kind]
		i, _ := slices.BinarySearch(keys, r.key)
		e.sorted[r.kind] = slices.Insert(keys, i, r.key)
	}
	e.all[r.key] = r
	delete(e.timed, r.key)
	if r.op != nil {
		e.note(r.op)
		if r.op.Verb == "delete" && r.op.Status == succeeded {
			e.timed[r.key] = r.op.Ends
		}
	}
	if t, waits := e.provisionedAt(r); waits {
		e.timed[r.key] = t
	}
	for _, to := range r.refs {
		for _, t := range upTo(to) {
			if e.users[t] == nil {
				e.users[t] = map[string]bool{}
			}
			e.users[t][r.key] = true
		}
	}
}

// displace takes it away. It wants mu.
func (e *engine) displace(r *resource) {
	e.changes++
	e.unuse(r)
	delete(e.all, r.key)
	delete(e.timed, r.key)
	keys := e.sorted[r.kind]
	if i, ok := slices.BinarySearch(keys, r.key); ok {
		e.sorted[r.kind] = slices.Delete(keys, i, i+1)
	}
}

func (e *engine) unuse(r *resource) {
	for _, to := range r.refs {
		for _, t := range upTo(to) {
			delete(e.users[t], r.key)
			if len(e.users[t]) == 0 {
				delete(e.users, t)
			}
		}
	}
}

// upTo is an id and what it is below, up to the resource that has a record.
func upTo(key string) []string {
	out := []string{key}
	for key = above(key); key != ""; key = above(key) {
		out = append(out, key)
	}
	return out
}

// above is what an id is below, where that may have a record of its own; "" where it is below none.
func above(key string) string {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return ""
	}
	j := strings.LastIndexByte(key[:i], '/')
	if j < 0 {
		return ""
	}
	key = key[:j]
	if strings.Count(key, "/") < 8 { // /subscriptions/S/resourcegroups/G/providers/P/type/name
		return ""
	}
	return key
}

// get is a resource, nil when there is none or its deletion has ended.
func (e *engine) get(id string) *resource {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.here(strings.ToLower(id))
}

// here wants mu.
func (e *engine) here(key string) *resource {
	r := e.all[key]
	if r == nil || r.op != nil && r.op.Verb == "delete" && r.op.Target == r.id && r.op.state(e.now()) == succeeded {
		return nil
	}
	return r
}

// find is what an id names: a resource or a child. Its record is found by cutting children off.
func (e *engine) find(id string) (child, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.findHere(id)
}

func (e *engine) findHere(id string) (child, bool) {
	for k := strings.ToLower(id); k != ""; k = above(k) {
		if r := e.here(k); r != nil {
			c, ok := r.below(id)
			if ok && r.op != nil && r.op.Verb == "delete" && strings.EqualFold(r.op.Target, c.id) && r.op.state(e.now()) == succeeded {
				return child{}, false
			}
			return c, ok
		}
	}
	return child{}, false
}

// list visits the resources of a kind whose keys begin with a prefix, in the order of their keys, after a key.
func (e *engine) list(k *kind, prefix, after string, visit func(*resource) bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	keys := e.sorted[k]
	i, _ := slices.BinarySearch(keys, max(prefix, after))
	for ; i < len(keys) && strings.HasPrefix(keys[i], prefix); i++ {
		if keys[i] == after && after != "" {
			continue
		}
		if r := e.here(keys[i]); r != nil && !visit(r) {
			return
		}
	}
}

// usersOf are the resources that refer to an id, or to something below it, but for those in one resource, sorted.
func (e *engine) usersOf(id string) []*resource {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var out []*resource
	for k := range e.users[strings.ToLower(id)] {
		if r := e.here(k); r != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *resource) int { return cmp.Compare(a.key, b.key) })
	return out
}

// flight is a write that the store has begun, with those before it.
type flight struct {
	*Writing
	before atomic.Pointer[flight] // nil when those have ended
}

// landed waits until a write and all before it are durable.
func (f *flight) landed() error {
	if f == nil {
		return nil
	}
	if b := f.before.Load(); b != nil {
		if err := b.landed(); err != nil {
			return err
		}
		f.before.Store(nil)
	}
	_, err := f.Wait()
	return err
}

// begun takes a write of the store into the order. It wants write.
func (e *engine) begun(w *Writing) *flight {
	f := &flight{Writing: w}
	e.mu.Lock()
	if b := e.last; b != nil && (!b.Ended() || b.before.Load() != nil || b.err != nil) {
		f.before.Store(b)
	}
	e.last = f
	e.mu.Unlock()
	return f
}

// durable waits until all that can be seen now is in the store to stay.
func (e *engine) durable() *Error {
	e.mu.RLock()
	f := e.last
	e.mu.RUnlock()
	if err := f.landed(); err != nil {
		return e.broken(err)
	}
	return nil
}

// known is the revision of a resource's record. It waits for a write of it that is under way.
func (r *resource) known() (uint64, error) {
	if r == nil {
		return 0, nil
	}
	if r.flight != nil {
		return r.flight.Wait()
	}
	return r.revision, nil
}

// put writes a resource and lets everybody see it; it is durable when durable says so. It wants write.
func (e *engine) put(r *resource, was *resource) *Error {
	if err := r.finish(); err != nil {
		return e.broken(err)
	}
	return e.enter(r, was)
}

// enter is put of a resource that is finished.
func (e *engine) enter(r *resource, was *resource) *Error {
	b, err := r.marshal()
	if err == nil {
		err = checkRecord(r.key, b)
	}
	if err != nil {
		return e.broken(err)
	}
	rev, err := was.known()
	if err != nil {
		return e.broken(err)
	}
	if was != nil && was.op != nil && was.op.Result != nil && was.op.flight == nil && (r.op == nil || r.op.ID != was.op.ID) {
		if err := e.keep(was.op); err != nil { // its answer is wanted still
			return err
		}
	}
	w := e.store.Begin(Write{Key: r.key, Value: b, Was: rev})
	if w.Ended() && w.err != nil { // refused: it is not under way
		return e.broken(w.err)
	}
	r.flight = e.begun(w)
	e.mu.Lock()
	e.place(r)
	e.mu.Unlock()
	e.told(r.key)
	return nil
}

// endedKey begins the keys of operations that no resource's record has: deletions that have ended, and actions with what they will answer.
// Who polls one is answered after a restart too.
const endedKey = "operations/"

// endedOperation is the record of one.
type endedOperation struct {
	Operation operation `json:"operation"`
}

// drop deletes a resource from the store and from sight. It wants write.
func (e *engine) drop(r *resource) *Error {
	if r.op != nil {
		if err := e.keep(r.op); err != nil {
			return err
		}
	}
	rev, err := r.known()
	if err != nil {
		return e.broken(err)
	}
	w := e.store.Begin(Write{Key: r.key, Was: rev, Delete: true})
	if w.Ended() && w.err != nil {
		return e.broken(w.err)
	}
	e.begun(w)
	e.mu.Lock()
	e.displace(r)
	e.mu.Unlock()
	if e.beside != nil && r.kind.typ == groupType {
		e.beside.left(r.key)
	}
	e.told(r.key)
	return nil
}

// promise keeps an action with what it will answer when it ends. An answer that is too large for a record is remembered until a restart.
func (e *engine) promise(op *operation) *Error {
	e.write.Lock()
	defer e.write.Unlock()
	e.forget(e.now()) // nothing else need be due while actions are asked for
	if b, err := json.Marshal(endedOperation{*op}); err == nil && checkRecord(endedKey+op.ID, b) != nil {
		e.mu.Lock()
		e.note(op)
		e.mu.Unlock()
		return nil
	}
	return e.keep(op)
}

// keep writes an operation that is not part of its target's record, or will not be. It wants write.
func (e *engine) keep(op *operation) *Error {
	b, err := json.Marshal(endedOperation{*op})
	if err != nil {
		return e.broken(err)
	}
	next := *op
	w := e.store.Begin(Write{Key: endedKey + op.ID, Value: b})
	if w.Ended() && w.err != nil {
		if !errors.Is(w.err, ErrConflict) {
			return e.broken(w.err)
		}
	} else {
		next.flight = e.begun(w)
	}
	e.mu.Lock()
	e.note(&next)
	e.mu.Unlock()
	return nil
}

func (e *engine) told(key string) {
	if e.watch != nil {
		e.watch(key)
	}
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// broken is the answer when the store fails: nothing was acknowledged.
func (e *engine) broken(err error) *Error {
	if errors.Is(err, ErrClosed) {
		return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The endpoint is stopping.")
	}
	return refuse(http.StatusInternalServerError, "InternalServerError", "The store failed: %v.", err)
}

// guid is a new random one.
func (e *engine) guid() string {
	var b [16]byte
	if _, err := io.ReadFull(e.random, b[:]); err != nil {
		panic("arm: no randomness: " + err.Error()) // nothing that is issued could be trusted
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return formatGUID(b)
}

func formatGUID(b [16]byte) string {
	var h [36]byte
	hex.Encode(h[:8], b[:4])
	hex.Encode(h[9:13], b[4:6])
	hex.Encode(h[14:18], b[6:8])
	hex.Encode(h[19:23], b[8:10])
	hex.Encode(h[24:], b[10:])
	h[8], h[13], h[18], h[23] = '-', '-', '-', '-'
	return string(h[:])
}

// derived is a GUID that follows from words.
func derived(words ...string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(words, "\x00"))))
	b := [16]byte(sum[:16])
	b[6], b[8] = b[6]&0x0f|0x50, b[8]&0x3f|0x80
	return formatGUID(b)
}

func (e *engine) etag() string { return `W/"` + e.guid() + `"` }

// settle ends what has come to its end, and lets go on what goes on then. It is called when something is due.
func (e *engine) settle() {
	e.ended()
	if e.beside != nil {
		e.beside.advance()
	}
}

// ended ends what has come to its end: deletions remove their targets, a provider's delay runs out.
func (e *engine) ended() {
	e.write.Lock()
	defer e.write.Unlock()
	now := e.now()
	var due []*resource
	e.mu.RLock()
	for key, at := range e.timed {
		if !now.Before(at) {
			due = append(due, e.all[key])
		}
	}
	e.mu.RUnlock()
	// What is in a group goes before it.
	slices.SortFunc(due, func(a, b *resource) int {
		return cmp.Or(cmp.Compare(len(b.key), len(a.key)), cmp.Compare(a.key, b.key))
	})
	for _, r := range due {
		if r.op != nil && r.op.Verb == "delete" && r.op.state(now) == succeeded {
			_ = e.gone(r) // it stays due when the store fails
		} else if at, waits := e.provisionedAt(r); waits && !now.Before(at) {
			_ = e.provision(r)
		}
	}
	e.forget(now)
}

// gone removes the target of a deletion that has ended.
func (e *engine) gone(r *resource) *Error {
	if strings.EqualFold(r.op.Target, r.id) {
		return e.drop(r)
	}
	next := *r
	next.body = copied(r.body)
	removeChild(&next, r.op.Target)
	next.op = nil
	if err := e.keep(r.op); err != nil {
		return err
	}
	return e.put(&next, r)
}

// removeChild takes a child out of a resource's own body.
func removeChild(r *resource, id string) {
	c, ok := r.below(id)
	if !ok {
		return
	}
	parent, _ := r.below(id[:strings.LastIndexByte(id[:strings.LastIndexByte(id, '/')], '/')])
	props := inner(parent.body, "properties")
	old, _ := props[c.kind.inside].([]any)
	props[c.kind.inside] = slices.DeleteFunc(slices.Clone(old), func(x any) bool {
		o, _ := x.(object)
		return strings.EqualFold(text(o, "name"), text(c.body, "name"))
	})
}

// maxOperations bounds how many operations are remembered; of more, the oldest that have ended are forgotten before their time.
const maxOperations = 50_000

// note lets an operation be asked for. It wants mu.
func (e *engine) note(op *operation) {
	if e.ops[op.ID] == nil {
		e.recent = append(e.recent, op.ID)
	}
	e.ops[op.ID] = op
	if len(e.recent) <= maxOperations {
		return
	}
	id := e.recent[0]
	e.recent = e.recent[1:]
	switch old := e.ops[id]; {
	case old == nil || old.flight != nil: // gone, or with a record of its own, which forget drops
	case old.pending(e.now()):
		e.recent = append(e.recent, id)
	default:
		delete(e.ops, id)
	}
}

// remembered is how long the state of an operation can be asked for after its end.
const remembered = time.Hour

// forget drops the states of old operations. It wants write.
func (e *engine) forget(now time.Time) {
	if now.Sub(e.forgotten) < remembered/10 {
		return
	}
	e.forgotten = now
	var old []*operation
	e.mu.RLock()
	for _, op := range e.ops {
		if now.Sub(op.Ends) > remembered {
			old = append(old, op)
		}
	}
	e.mu.RUnlock()
	for _, op := range old {
		if op.flight != nil {
			rev, err := op.flight.Wait()
			if err != nil {
				continue
			}
			if w := e.store.Begin(Write{Key: endedKey + op.ID, Was: rev, Delete: true}); w.Ended() && w.err != nil {
				continue
			} else {
				e.begun(w)
			}
		}
		e.mu.Lock()
		delete(e.ops, op.ID)
		e.mu.Unlock()
	}
	e.mu.Lock()
	e.recent = slices.DeleteFunc(slices.Clone(e.recent), func(id string) bool { return e.ops[id] == nil })
	e.mu.Unlock()
}

// due is when settle next has something to do; false when never.
func (e *engine) due() (at time.Time, ok bool) {
	if e.beside != nil {
		at, ok = e.beside.due()
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	for _, t := range e.timed {
		if !ok || t.Before(at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// run settles what is due, when it is, until the context ends. It is the package's only goroutine beside those of the HTTP server.
func (e *engine) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		if at, ok := e.due(); ok {
			wait = max(0, at.Sub(e.now()))
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
			if at, ok := e.due(); !ok || e.now().Before(at) {
				continue
			}
		case <-timer.C:
		}
		e.settle()
		_ = e.durable() // a store that fails says so to the next who writes
	}
}

// operationOf finds an operation by its id.
func (e *engine) operationOf(id string) *operation {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.ops[id]
}
