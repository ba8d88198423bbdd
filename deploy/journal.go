package deploy

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"onramp/azure"
)

// JournalVersion is the version of the journal's lines.
const JournalVersion = 1

// line is a line of the journal: an entry and its checksum (CRC-32C of its octets).
type line struct {
	Sum   string          `json:"sum"`
	Entry json.RawMessage `json:"entry"`
}

// entry is what one line says.
type entry struct {
	Version int    `json:"v"`
	What    string `json:"what"`
	// of a run:
	Tenant string `json:"tenant,omitempty"`
	Design string `json:"design,omitempty"`
	Digest string `json:"digest,omitempty"` // of what is wanted
	Steps  []step `json:"steps,omitempty"`
	// of a step:
	ID azure.ID `json:"id,omitempty"`
	Op op       `json:"op,omitempty"`
	// Absent tells that nothing was there when the step began: what is there afterwards was made by it.
	Absent bool            `json:"absent,omitempty"`
	Left   json.RawMessage `json:"left,omitempty"` // what was there when it had ended, without anything secret that Azure issued
	Error  string          `json:"error,omitempty"`
}

// What entries say.
const (
	runBegins  = "run"
	stepBegins = "begin" // written before the request
	stepDone   = "done"
	stepFailed = "failed"
	runEnds    = "end"
)

// Journal is the file in which a deployment writes down what it is about to do and what it has done. One program at a time has it open.
type Journal struct {
	path string
	file *os.File

	mu      sync.Mutex // of the file's end
	written int
	err     error
	syncing sync.Mutex
	synced  int

	past *past
}

// past is what a journal tells of what was done. It is for any number of goroutines.
type past struct {
	mu     sync.RWMutex
	tenant string
	made   map[string]bool            // what was made and not taken away, by key
	left   map[string]json.RawMessage // how it was left, by key
	open   *unfinished
	begun  map[string]bool // what a step was about to do to, without its end
	ids    map[string]azure.ID
}

// unfinished is a run that did not end.
type unfinished struct {
	digest string
	steps  []step
	done   map[step]bool
}

// ErrJournalInUse tells that another program is at work with a journal.
var ErrJournalInUse = errors.New("another deployment is at work with this journal")

// DamagedError tells that a journal cannot be read.
type DamagedError struct {
	Path string
	Line int // from 1
	Why  string
}

// Error names the file, the line and what can be done.
func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s:%d: %s; put the file away to do without it: then drift is not shown, and what carries no tags counts as somebody else's", e.Path, e.Line, e.Why)
}

// OpenJournal opens or makes a journal and takes it for this program. A last line that was torn off is cut away: what it was to say had
// not begun. The caller closes it.
func OpenJournal(path string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	j := &Journal{path: path, file: f}
	if err := j.begin(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return j, nil
}

func (j *Journal) begin() error {
	if err := lock(j.file); err != nil {
		return fmt.Errorf("%s: %w", j.path, err)
	}
	b, err := io.ReadAll(j.file)
	if err != nil {
		return err
	}
	entries, whole, err := readJournal(j.path, b)
	if err != nil {
		return err
	}
	if whole < len(b) {
		if err := errors.Join(j.file.Truncate(int64(whole)), j.file.Sync()); err != nil {
			return err
		}
	}
	if _, err := j.file.Seek(int64(whole), io.SeekStart); err != nil {
		return err
	}
	j.past = remember(entries)
	d, err := os.Open(filepath.Dir(j.path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// ReadJournal tells what a journal that nobody has to have open says; a file that is not there says nothing.
func ReadJournal(path string) (*Journal, error) {
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	entries, _, err := readJournal(path, b)
	if err != nil {
		return nil, err
	}
	return &Journal{path: path, past: remember(entries)}, nil
}

// Close gives the journal back.
func (j *Journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// Interrupted tells that the last run did not come to its end.
func (j *Journal) Interrupted() bool { return j.past.open != nil }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func sum(b []byte) string { return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli)) }

// readJournal reads the lines and says up to which octet they are whole.
func readJournal(path string, b []byte) (out []entry, whole int, err error) {
	r := bufio.NewReader(bytes.NewReader(b))
	for n := 1; ; n++ {
		raw, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return out, whole, nil // nothing, or a line that was torn off
		}
		var l line
		var e entry
		why := ""
		switch {
		case json.Unmarshal(raw, &l) != nil:
			why = "this is no line of a journal"
		case sum(l.Entry) != l.Sum:
			why = "the line does not have its checksum"
		case json.Unmarshal(l.Entry, &e) != nil:
			why = "this is no entry of a journal"
		case e.Version != JournalVersion:
			why = fmt.Sprintf("the line is of version %d, and this Onramp reads version %d", e.Version, JournalVersion)
		}
		if why != "" {
			if whole+len(raw) == len(b) && e.Version == 0 {
				return out, whole, nil // the last line: torn, with a newline in what was there before
			}
			return nil, 0, &DamagedError{path, n, why}
		}
		whole += len(raw)
		out = append(out, e)
	}
}

// remember is what entries say together.
func remember(entries []entry) *past {
	p := &past{made: map[string]bool{}, left: map[string]json.RawMessage{}, begun: map[string]bool{}, ids: map[string]azure.ID{}}
	for i := range entries {
		p.take(&entries[i])
	}
	return p
}

func (p *past) take(e *entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := e.ID.Key()
	switch e.What {
	case runBegins:
		p.tenant = e.Tenant
		p.open = &unfinished{digest: e.Digest, steps: e.Steps, done: map[step]bool{}}
	case runEnds:
		p.open = nil
	case stepBegins:
		p.begun[k] = true
		p.ids[k] = e.ID
		if e.Op == opPut && e.Absent {
			p.made[k] = true
		}
	case stepFailed:
		delete(p.begun, k)
	case stepDone:
		delete(p.begun, k)
		if p.open != nil {
			p.open.done[step{e.ID, e.Op}] = true
		}
		if e.Op == opDelete {
			gone := func(key string) bool { return key == k || strings.HasPrefix(key, k+"/") } // what is in it goes with it
			maps.DeleteFunc(p.made, func(key string, _ bool) bool { return gone(key) })
			maps.DeleteFunc(p.left, func(key string, _ json.RawMessage) bool { return gone(key) })
			return
		}
		if len(e.Left) > 0 {
			p.left[k] = e.Left
		}
	}
}

// madeBy tells whether something was made by a step.
func (p *past) madeBy(key string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.made[key]
}

// leftAs is how the last step left something, nil where nobody knows; begun tells that a step was about to write it.
func (p *past) leftAs(key string) (left json.RawMessage, begun bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.left[key], p.begun[key]
}

// write adds an entry and returns when it is on the disk. It is for any number of goroutines: those that come meanwhile go together.
func (j *Journal) write(e entry) error {
	e.Version = JournalVersion
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	b, err = json.Marshal(line{Sum: sum(b), Entry: b})
	if err != nil {
		return err
	}
	j.mu.Lock()
	if j.err == nil {
		_, j.err = j.file.Write(append(b, '\n'))
	}
	j.written++
	mine := j.written
	j.past.take(&e)
	err = j.err
	j.mu.Unlock()
	if err != nil {
		return err
	}
	j.syncing.Lock()
	defer j.syncing.Unlock()
	if j.synced >= mine {
		return nil
	}
	j.mu.Lock()
	all := j.written
	j.mu.Unlock()
	if err := j.file.Sync(); err != nil {
		j.mu.Lock()
		j.err = err // what is on the disk is not known any more
		j.mu.Unlock()
		return err
	}
	j.synced = all
	return nil
}

// resumes tells the steps that are left of a run with this digest that did not end, and whether there is one. Where something is left to
// be taken away there is none: for that all has to be looked at.
func (p *past) resumes(digest string) (left []step, ok bool) {
	if p.open == nil || p.open.digest != digest || digest == "" {
		return nil, false
	}
	left = slices.DeleteFunc(slices.Clone(p.open.steps), func(s step) bool { return p.open.done[s] })
	return left, !slices.ContainsFunc(left, func(s step) bool { return s.Op == opDelete })
}
