package arm

import (
	"errors"
	"fmt"
)

// Record is what the store holds of one key: a resource with all that belongs to it, its running operation too, in one value, so that
// one write is the whole of a change.
type Record struct {
	Key   string // the resource's id in lower case
	Value []byte
	// Revision is the store's sequence number of the write that made it; each write has a greater one than any before.
	Revision uint64
}

// Store keeps records so that what it acknowledged is there whatever happens to the process or the machine. It is safe for any number of
// goroutines. Every implementation passes the tests in store_contract_test.go.
type Store interface {
	// Load visits every record, in the order of their revisions, as they were at one moment: writes wait until it ends, so visit must not
	// call the store. A record that cannot be trusted is an error that names its key. An error of visit ends it and is returned.
	Load(visit func(Record) error) error
	// Put writes a record whose present revision is was, 0 for a key that is not there, and returns the new revision when the record is
	// durable. ErrConflict if the present revision is another: then nothing was written. A key has 1 to MaxKey octets, a value at most
	// MaxValue. After any other failure of a durable store it is not known whether the write was kept, and the store takes no more.
	Put(key string, value []byte, was uint64) (uint64, error)
	// Delete removes a record in the same way; of a key that is not there, it is ErrConflict.
	Delete(key string, was uint64) (uint64, error)
	// Begin starts a write and comes back before it is durable. Writes that are begun one after another become durable in that order:
	// when the machine ends, what is left is all of them up to one. A write of a key waits for the one of the same key that is under way.
	Begin(Write) *Writing
	// Close ends the store after the writes that are under way. Later calls fail with ErrClosed.
	Close() error
}

// Write is a change of one record: a new value, or its deletion.
type Write struct {
	Key    string
	Value  []byte
	Was    uint64 // the present revision, 0 for a key that is not there
	Delete bool
}

// Writing is a write under way.
type Writing struct {
	done     chan struct{} // closed when it has ended
	revision uint64
	err      error
}

func newWriting() *Writing { return &Writing{done: make(chan struct{})} }

// end tells those who wait how it ended, once.
func (w *Writing) end(revision uint64, err error) *Writing {
	w.revision, w.err = revision, err
	close(w.done)
	return w
}

// Wait returns what Put or Delete would have, when the write has ended. Any number of goroutines may wait, any number of times.
func (w *Writing) Wait() (uint64, error) {
	<-w.done
	return w.revision, w.err
}

// Ended tells whether Wait would return at once.
func (w *Writing) Ended() bool {
	select {
	case <-w.done:
		return true
	default:
		return false
	}
}

// The bounds of a record, in octets. Azure's request bodies end at 4 MiB; a resource with its children and its operation is one record.
const (
	MaxKey   = 2048
	MaxValue = 7 << 20
)

// The errors of a store that a caller can do something about.
var (
	ErrConflict = errors.New("somebody else wrote the record first")
	ErrClosed   = errors.New("the store is closed")
)

// checkRecord refuses what no store takes.
func checkRecord(key string, value []byte) error {
	if key == "" || len(key) > MaxKey {
		return fmt.Errorf("the key has %d octets: 1 to %d are possible", len(key), MaxKey)
	}
	if len(value) > MaxValue {
		return fmt.Errorf("the value of %s has %d octets: at most %d are possible", key, len(value), MaxValue)
	}
	return nil
}
