package arm

import (
	"maps"
	"slices"
	"time"
)

// nowhereStore keeps nothing: what is written there is forgotten.
type nowhereStore struct{ last uint64 }

// Load implements Store.
func (s *nowhereStore) Load(func(Record) error) error { return nil }

// Put implements Store.
func (s *nowhereStore) Put(key string, value []byte, _ uint64) (uint64, error) {
	if err := checkRecord(key, value); err != nil {
		return 0, err
	}
	s.last++
	return s.last, nil
}

// Delete implements Store.
func (s *nowhereStore) Delete(string, uint64) (uint64, error) { s.last++; return s.last, nil }

// Begin implements Store.
func (s *nowhereStore) Begin(w Write) *Writing {
	if w.Delete {
		return newWriting().end(s.Delete(w.Key, w.Was))
	}
	return newWriting().end(s.Put(w.Key, w.Value, w.Was))
}

// Close implements Store.
func (s *nowhereStore) Close() error { return nil }

// afterwards is how long after the present a fork lives: all that goes on now has ended then.
const afterwards = 24 * time.Hour

// fork is an engine with the same resources, in which what is changed is changed nowhere else and takes no time. It is a day ahead, so that
// nothing in it waits for what goes on now.
func (e *engine) fork() *engine {
	e.write.Lock()
	prefs := e.prefs
	e.write.Unlock()
	e.mu.RLock()
	defer e.mu.RUnlock()
	f := &engine{
		catalog: e.catalog, kinds: e.kinds, store: &nowhereStore{}, now: func() time.Time { return e.now().Add(afterwards) }, random: e.random, pace: PaceInstant,
		statuses: e.statuses, published: e.published, all: maps.Clone(e.all), changes: e.changes, sorted: make(map[*kind][]string, len(e.sorted)), users: make(map[string]map[string]bool, len(e.users)),
		ops: map[string]*operation{}, timed: maps.Clone(e.timed), revisions: map[string]uint64{}, wake: make(chan struct{}, 1), prefs: prefs, forked: true,
	}
	f.prefs.delay = 0
	for k, keys := range e.sorted {
		f.sorted[k] = slices.Clone(keys)
	}
	for k, users := range e.users {
		f.users[k] = maps.Clone(users)
	}
	return f
}

// fork is an endpoint with the same resources, roles and deployments, whose deployments change nothing but itself.
func (s *Server) fork() *Server {
	e := s.engine.fork()
	c := s.config
	c.Store, c.Now, c.Pace = e.store, e.now, PaceInstant
	f := &Server{config: c, engine: e, router: s.router, tables: s.tables, rules: &faults{}, counted: &buckets{}}
	f.deploy = newDeployer(f)
	f.deploy.only = true
	s.deploy.mu.RLock()
	for key, x := range s.deploy.all {
		if !x.active() {
			f.deploy.all[key] = x
		}
	}
	s.deploy.mu.RUnlock()
	return f
}
