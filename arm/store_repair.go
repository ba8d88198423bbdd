package arm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// RepairOptions say what Repair makes of what it finds. Without Into and InPlace it only reports.
type RepairOptions struct {
	Into string // a directory that does not exist yet: the new store
	// InPlace puts the new store in the place of the damaged one, whose files stay beside it in a directory with the ending ".damaged".
	InPlace bool
	// Older takes an older version of a record where the acknowledged one is lost. What was written since then is missing from it.
	Older bool
}

// RepairReport says what can be had of a store.
type RepairReport struct {
	Dir     string           `json:"dir"`
	Mark    string           `json:"mark,omitempty"` // what is wrong with the mark; empty if nothing is
	Records []RepairedRecord `json:"records"`        // in the order of their keys
	Kept    int              `json:"kept"`           // how many records the new store has, or would have
	Into    string           `json:"into,omitempty"` // the new store, if one was made
	Damaged string           `json:"damaged,omitempty"`
}

// RepairedRecord is what Repair says of one record.
type RepairedRecord struct {
	Key      string      `json:"key"`
	State    RepairState `json:"state"`
	Revision uint64      `json:"revision,omitempty"` // which was acknowledged; 0 if none was, or it is not known
	Kept     bool        `json:"kept"`
}

// RepairState is how much of a record can be had.
type RepairState string

// The states of a record.
const (
	RecordWhole          RepairState = "whole"          // as it was acknowledged
	RecordUnacknowledged RepairState = "unacknowledged" // whole, and later than anything that was acknowledged
	RecordUncertain      RepairState = "uncertain"      // whole, but the mark, which would say whether it is the last version, is damaged
	RecordOlder          RepairState = "older"          // only an older version can be had
	RecordLost           RepairState = "lost"           // no version can be had
)

// Lost tells how many records are not as they were acknowledged.
func (r *RepairReport) Lost() int {
	n := 0
	for _, record := range r.Records {
		if record.State == RecordOlder || record.State == RecordLost {
			n++
		}
	}
	return n
}

// found is a whole envelope in one of the files.
type found struct {
	path    string
	offset  int
	size    int
	after   uint64
	deleted bool
	sum     checksum
}

// Repair says what can be had of a store that does not open, and makes a new store of it if it is asked to. It does not read the server's
// files as the server does, which stops at the first damage: it looks for whole records in their bare bytes, in the copy too that was made
// when the store was first found damaged. The damaged store is not changed.
func Repair(dir string, o RepairOptions) (*RepairReport, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	report := &RepairReport{Dir: dir}
	m, err := readMark(dir)
	if err != nil {
		report.Mark = err.Error()
	}
	if m == nil {
		m = &mark{keys: map[string]marked{}}
	}
	versions, torn, err := scan(dir, m.store)
	if err != nil {
		return nil, err
	}
	last := m.last
	for _, of := range versions {
		for _, v := range of {
			last = max(last, v.after+1)
		}
	}
	kept := report.judge(m, versions, torn, o.Older)
	into := o.Into
	if o.InPlace {
		if into != "" {
			return nil, errors.New("a store is repaired either in place or into another directory")
		}
		into = dir + ".repaired"
		report.Damaged = dir + ".damaged"
		if _, err := os.Stat(report.Damaged); err == nil {
			return nil, fmt.Errorf("%s is there already, with the files of an earlier repair: move it away", report.Damaged)
		}
	}
	if into == "" {
		return report, nil
	}
	if _, err := os.Stat(into); err == nil {
		return nil, fmt.Errorf("%s is there already: a repaired store needs a directory of its own", into)
	}
	if err := rebuild(into, last+1, kept); err != nil {
		return nil, fmt.Errorf("making the repaired store: %w", err)
	}
	report.Into = into
	if o.InPlace {
		if err := os.Rename(dir, report.Damaged); err != nil {
			return nil, err
		}
		if err := os.Rename(into, dir); err != nil {
			return nil, err
		}
		report.Into = dir
		if err := syncDirectory(filepath.Dir(dir)); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// scan finds the whole envelopes in a store's files, by key, and the keys that damaged ones name. With the store's id unknown it is that
// which most of them have.
func scan(dir string, id storeID) (versions map[string][]found, torn map[string]bool, err error) {
	byStore := map[storeID]map[string][]found{}
	count := map[storeID]int{}
	torn = map[string]bool{}
	for _, part := range []string{streamDir, foundDir} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for at := 0; ; {
				next := bytes.Index(data[at:], []byte(envelopeMagic))
				if next < 0 {
					return nil
				}
				at += next
				e, sum, size, err := decodeEnvelope(data[at:])
				if err != nil {
					if key := keyOfTorn(data[at:]); key != "" {
						torn[key] = true
					}
					at++
					continue
				}
				if byStore[e.store] == nil {
					byStore[e.store] = map[string][]found{}
				}
				count[e.store]++
				byStore[e.store][e.key] = append(byStore[e.store][e.key], found{path, at, size, e.after, e.deleted, sum})
				at += size
			}
		})
		if err != nil {
			return nil, nil, err
		}
	}
	if id == (storeID{}) {
		for other, n := range count {
			if n > count[id] || n == count[id] && bytes.Compare(other[:], id[:]) < 0 {
				id = other
			}
		}
	}
	return byStore[id], torn, nil
}

// keyOfTorn is the key that a damaged envelope names, if that is legible.
func keyOfTorn(data []byte) string {
	if len(data) < envelopeHead {
		return ""
	}
	n := int(data[envelopeHead-8])<<24 | int(data[envelopeHead-7])<<16 | int(data[envelopeHead-6])<<8 | int(data[envelopeHead-5])
	if n == 0 || n > MaxKey || len(data) < envelopeHead+n {
		return ""
	}
	return string(data[envelopeHead : envelopeHead+n])
}

// chosen is the version of a record that goes into the new store.
type chosen struct {
	key   string
	order uint64
	found
}

// judge compares what was found with what was acknowledged.
func (r *RepairReport) judge(m *mark, versions map[string][]found, torn map[string]bool, older bool) []chosen {
	keys := map[string]bool{}
	for key, is := range m.keys {
		if !is.deleted || len(versions[key]) > 0 {
			keys[key] = true
		}
	}
	for key := range versions {
		keys[key] = true
	}
	if r.Mark != "" {
		for key := range torn {
			keys[key] = true
		}
	}
	var kept []chosen
	for key := range keys {
		was, known := m.keys[key]
		record := RepairedRecord{Key: key, State: RecordLost, Revision: was.revision}
		var latest, exact *found
		for i, v := range versions[key] {
			if latest == nil || v.after > latest.after {
				latest = &versions[key][i]
			}
			if known && v.sum == was.sum {
				exact = &versions[key][i]
			}
		}
		take := latest
		switch {
		case known && latest != nil && latest.after >= was.revision: // it was begun when the acknowledged one was there
			record.State = RecordUnacknowledged
		case known && exact != nil:
			take, record.State = exact, RecordWhole
		case known && was.deleted:
			continue
		case known && latest != nil:
			record.State = RecordOlder
		case known:
		case latest == nil: // only named by a torn record, and the mark is damaged
			record.Revision = 0
		case r.Mark != "":
			record.State = RecordUncertain
		case latest.after < m.base:
			continue // deleted long ago, and the file not yet cleared of it
		default:
			record.State = RecordUnacknowledged
		}
		if r.Mark != "" && (record.State == RecordWhole || record.State == RecordUnacknowledged) {
			record.State = RecordUncertain
		}
		if take != nil && take.deleted && record.State != RecordOlder {
			continue // it is gone, as it should be
		}
		if take != nil && !take.deleted && (record.State != RecordOlder || older) {
			record.Kept = true
			order := take.after + 1
			if take == exact {
				order = was.revision
			}
			kept = append(kept, chosen{key, order, *take})
		}
		r.Records = append(r.Records, record)
	}
	slices.SortFunc(r.Records, func(a, b RepairedRecord) int { return cmp.Compare(a.Key, b.Key) })
	slices.SortFunc(kept, func(a, b chosen) int { return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.key, b.key)) })
	r.Kept = len(kept)
	return kept
}

// rebuild makes a store of the chosen records. Its revisions begin after any that the damaged one gave.
func rebuild(dir string, first uint64, kept []chosen) (err error) {
	s, err := openJetStream(dir, options{first: first})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	for _, c := range kept {
		data, err := readAt(c.path, c.offset, c.size)
		if err != nil {
			return err
		}
		e, sum, _, err := decodeEnvelope(data)
		if err != nil || sum != c.sum {
			return fmt.Errorf("%s changed while it was read", c.path)
		}
		if _, err := s.Put(c.key, e.value, 0); err != nil {
			return err
		}
	}
	return nil
}

func readAt(path string, offset, size int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, size)
	_, err = f.ReadAt(data, int64(offset))
	return data, err
}
