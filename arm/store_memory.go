package arm

import (
	"bytes"
	"cmp"
	"slices"
	"sync"
)

// MemoryStore is a Store that keeps nothing when it ends: for tests, and for a twin whose state nobody wants back.
type MemoryStore struct {
	mu      sync.RWMutex
	records map[string]Record
	last    uint64 // the last revision that was given
	closed  bool
}

// NewMemoryStore makes an empty store.
func NewMemoryStore() *MemoryStore { return &MemoryStore{records: map[string]Record{}} }

// Load implements Store.
func (s *MemoryStore) Load(visit func(Record) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return ErrClosed
	}
	all := make([]Record, 0, len(s.records))
	for _, r := range s.records {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Record) int { return cmp.Compare(a.Revision, b.Revision) })
	for _, r := range all {
		r.Value = bytes.Clone(r.Value)
		if err := visit(r); err != nil {
			return err
		}
	}
	return nil
}

// Put implements Store.
func (s *MemoryStore) Put(key string, value []byte, was uint64) (uint64, error) {
	if err := checkRecord(key, value); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	if s.records[key].Revision != was {
		return 0, ErrConflict
	}
	s.last++
	s.records[key] = Record{Key: key, Value: bytes.Clone(value), Revision: s.last}
	return s.last, nil
}

// Delete implements Store.
func (s *MemoryStore) Delete(key string, was uint64) (uint64, error) {
	if err := checkRecord(key, nil); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	if was == 0 || s.records[key].Revision != was {
		return 0, ErrConflict
	}
	s.last++
	delete(s.records, key)
	return s.last, nil
}

// Begin implements Store; the write has ended when it comes back.
func (s *MemoryStore) Begin(w Write) *Writing {
	if w.Delete {
		return newWriting().end(s.Delete(w.Key, w.Was))
	}
	return newWriting().end(s.Put(w.Key, w.Value, w.Was))
}

// Close implements Store.
func (s *MemoryStore) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	s.closed = true
	s.records = nil
	return nil
}
