package arm

import "errors"

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
	// Load visits every record, in the order of their revisions. A record that cannot be trusted is an error that names its key.
	Load(visit func(Record) error) error
	// Put writes a record whose present revision is was, 0 for a key that is not there, and returns the new revision when the record is
	// durable. ErrConflict if the present revision is another: then nothing was written.
	Put(key string, value []byte, was uint64) (uint64, error)
	// Delete removes a record in the same way.
	Delete(key string, was uint64) (uint64, error)
	// Close ends the store after the writes that are under way. Later calls fail with ErrClosed.
	Close() error
}

// The errors of a store that a caller can do something about.
var (
	ErrConflict = errors.New("somebody else wrote the record first")
	ErrClosed   = errors.New("the store is closed")
)
