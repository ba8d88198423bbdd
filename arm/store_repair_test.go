package arm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// breakRecord flips a bit in the value of every version of a key that is in the store's message files with the given value.
func breakRecord(t *testing.T, dir, value string) {
	t.Helper()
	broken := false
	for _, path := range files(t, dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := bytes.Index(data, []byte(value)); at >= 0 {
			flip(t, path, at*8)
			broken = true
		}
	}
	if !broken {
		t.Fatalf("%q is in no file", value)
	}
}

// damaged is a store with a whole record, one with a broken last version, one broken for good, and a deleted one.
func damaged(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	s := mustOpen(t, dir)
	mustPut(t, s, "/whole", "whole value", 0)
	a := mustPut(t, s, "/older", "first value", 0)
	mustPut(t, s, "/lost", "lost value", 0)
	d := mustPut(t, s, "/deleted", "deleted value", 0)
	mustDelete(t, s, "/deleted", d)
	mustPut(t, s, "/older", "second value", a)
	mustPut(t, s, "/last", "last value", 0)
	mustClose(t, s)
	breakRecord(t, dir, "second value")
	breakRecord(t, dir, "lost value")
	return dir
}

func states(r *RepairReport) map[string]RepairState {
	out := map[string]RepairState{}
	for _, record := range r.Records {
		out[record.Key] = record.State
	}
	return out
}

func TestRepairSaysWhatCanBeHadAndMakesAStoreOfIt(t *testing.T) {
	want := map[string]RepairState{"/whole": RecordWhole, "/last": RecordWhole, "/older": RecordOlder, "/lost": RecordLost}
	for _, c := range []struct {
		name    string
		options func(dir string) RepairOptions
		has     map[string]string // nil if no store is made
	}{
		{"a report alone", func(string) RepairOptions { return RepairOptions{} }, nil},
		{"another directory", func(dir string) RepairOptions { return RepairOptions{Into: dir + "2"} },
			map[string]string{"/whole": "whole value", "/last": "last value"}},
		{"another directory with older versions", func(dir string) RepairOptions { return RepairOptions{Into: dir + "2", Older: true} },
			map[string]string{"/whole": "whole value", "/last": "last value", "/older": "first value"}},
		{"in place", func(string) RepairOptions { return RepairOptions{InPlace: true} },
			map[string]string{"/whole": "whole value", "/last": "last value"}},
	} {
		for _, opened := range []bool{false, true} { // opening it first must not make it worse
			t.Run(fmt.Sprintf("%s, opened before: %v", c.name, opened), func(t *testing.T) {
				dir := damaged(t)
				if opened {
					for range 2 {
						if s, err := OpenJetStream(dir); err == nil {
							mustClose(t, s)
							t.Fatal("the damaged store opens")
						}
					}
				}
				o := c.options(dir)
				report, err := Repair(dir, o)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, states(report)); diff != "" {
					t.Errorf("the report differs (-want +got):\n%s", diff)
				}
				if report.Lost() != 2 || report.Mark != "" {
					t.Errorf("lost %d, mark %q", report.Lost(), report.Mark)
				}
				if c.has == nil {
					if report.Into != "" || report.Kept != 2 {
						t.Errorf("a report alone says that it made %q of %d records", report.Into, report.Kept)
					}
					return
				}
				s := mustOpen(t, report.Into)
				wantRecords(t, s, c.has)
				_, revisions := loaded(t, s)
				for key, revision := range revisions {
					if revision <= 7 {
						t.Errorf("%s has revision %d: the damaged store had given it already", key, revision)
					}
				}
				mustClose(t, s)
				if report.Kept != len(c.has) {
					t.Errorf("the report says %d records, the store has %d", report.Kept, len(c.has))
				}
				if o.InPlace {
					if report.Into != dir || report.Damaged != dir+".damaged" {
						t.Errorf("in place is %s, the damaged store is %s", report.Into, report.Damaged)
					}
					if _, err := Repair(report.Damaged, RepairOptions{}); err != nil {
						t.Error(err)
					}
					if _, err := Repair(dir, RepairOptions{InPlace: true}); err == nil || !strings.Contains(err.Error(), "is there already") {
						t.Errorf("a second repair in place would overwrite the first one's files: %v", err)
					}
				}
			})
		}
	}
}

func TestRepairOfAWholeStoreLosesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	s, has := filled(t, dir, 60)
	mustClose(t, s)
	for _, c := range []struct {
		name   string
		damage func(string) // of a copy
		state  RepairState
	}{
		{"nothing is broken", func(string) {}, RecordWhole},
		{"the mark is lost", func(dir string) { os.Remove(filepath.Join(dir, markFile)) }, RecordUncertain},
		{"the mark is damaged", func(dir string) { flip(t, filepath.Join(dir, markFile), 8*markHead+80) }, RecordUncertain},
		{"the mark is empty", func(dir string) { os.Truncate(filepath.Join(dir, markFile), 0) }, RecordUncertain},
		{"the server's own files are lost", func(dir string) {
			for _, path := range files(t, dir) {
				if strings.Contains(filepath.Base(path), "meta.") {
					os.Remove(path)
				}
			}
		}, RecordWhole},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := filepath.Join(t.TempDir(), "broken")
			mustCopy(t, dir, broken)
			c.damage(broken)
			report, err := Repair(broken, RepairOptions{Into: broken + "2"})
			if err != nil {
				t.Fatal(err)
			}
			for key, state := range states(report) {
				if state != c.state {
					t.Errorf("%s is %s, want %s", key, state, c.state)
				}
			}
			if (report.Mark != "") != (c.state == RecordUncertain) {
				t.Errorf("the mark: %q", report.Mark)
			}
			s := mustOpen(t, broken+"2")
			wantRecords(t, s, has)
			mustClose(t, s)
		})
	}
}

func TestRepairRefusesWhatItWouldOverwriteOrCannotFind(t *testing.T) {
	dir := damaged(t)
	for _, c := range []struct {
		name, dir string
		options   RepairOptions
		want      string
	}{
		{"no store", dir + "3", RepairOptions{}, "no such file"},
		{"into a directory that is there", dir, RepairOptions{Into: filepath.Dir(dir)}, "is there already"},
		{"in place and elsewhere", dir, RepairOptions{Into: dir + "2", InPlace: true}, "either in place or into another directory"},
	} {
		if _, err := Repair(c.dir, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestTheReportReadsAsJSON(t *testing.T) {
	report, err := Repair(damaged(t), RepairOptions{})
	if err != nil {
		t.Fatal(err)
	}
	report.Dir = "/store"
	got, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"dir":"/store","records":[{"key":"/last","state":"whole","revision":7,"kept":true},{"key":"/lost","state":"lost","revision":3,"kept":false},` +
		`{"key":"/older","state":"older","revision":6,"kept":false},{"key":"/whole","state":"whole","revision":1,"kept":true}],"kept":2}`
	if string(got) != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}

func TestASnapshotHasAllOfAStoreAndLoadsIntoAnEmptyOne(t *testing.T) {
	dir := t.TempDir()
	s, has := filled(t, filepath.Join(dir, "store"), 60)
	defer mustClose(t, s)
	has["/magic\n"] = snapshotMagic
	mustPut(t, s, "/magic\n", snapshotMagic, 0)
	path := filepath.Join(dir, "snapshot")
	n, err := SaveSnapshot(s, path)
	if err != nil || n != len(has) {
		t.Fatalf("%d records of %d are saved: %v", n, len(has), err)
	}
	if _, err := LoadSnapshot(path, s); err == nil || !strings.Contains(err.Error(), "has /") {
		t.Errorf("a snapshot is loaded into a store with records: %v", err)
	}
	for _, empty := range []Store{NewMemoryStore(), mustOpen(t, filepath.Join(dir, "new"))} {
		if n, err := LoadSnapshot(path, empty); err != nil || n != len(has) {
			t.Fatalf("%d records of %d are loaded: %v", n, len(has), err)
		}
		wantRecords(t, empty, has)
		mustClose(t, empty)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func TestEveryFlippedBitAndEveryCutOfASnapshotIsSeenBeforeAnythingIsWritten(t *testing.T) {
	from := NewMemoryStore()
	mustPut(t, from, "/a", "first", 0)
	mustPut(t, from, "/b", "", 0)
	path := filepath.Join(t.TempDir(), "snapshot")
	if _, err := SaveSnapshot(from, path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		into := NewMemoryStore()
		if _, err := LoadSnapshot(path, into); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", what, err)
		}
		if got, _ := loaded(t, into); len(got) > 0 {
			t.Errorf("%s: %v was written", what, got)
		}
	}
	for bit := range len(data) * 8 {
		flipped := bytes.Clone(data)
		flipped[bit/8] ^= 1 << (bit % 8)
		refused(fmt.Sprintf("bit %d", bit), flipped)
	}
	for size := range data {
		refused(fmt.Sprintf("%d octets", size), data[:size])
	}
	refused("one octet more", append(bytes.Clone(data), 0))
}

func TestASnapshotThatCannotBeWrittenLeavesTheOldOne(t *testing.T) {
	s := NewMemoryStore()
	mustPut(t, s, "/a", "1", 0)
	path := filepath.Join(t.TempDir(), "snapshot")
	if _, err := SaveSnapshot(s, path); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	if _, err := SaveSnapshot(s, path); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed store is saved: %v", err)
	}
	into := NewMemoryStore()
	if n, err := LoadSnapshot(path, into); n != 1 || err != nil {
		t.Errorf("the old snapshot: %d, %v", n, err)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

func FuzzReadSnapshot(f *testing.F) {
	s := NewMemoryStore()
	var empty, two bytes.Buffer
	if _, err := writeSnapshot(s, &empty); err != nil {
		f.Fatal(err)
	}
	mustPut(f, s, "/a", "first", 0)
	mustPut(f, s, "/b", "", 0)
	if _, err := writeSnapshot(s, &two); err != nil {
		f.Fatal(err)
	}
	f.Add(empty.Bytes())
	f.Add(two.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		s := NewMemoryStore()
		twice := false
		if _, err := readSnapshot(bytes.NewReader(data), func(key string, value []byte) error {
			_, err := s.Put(key, value, 0)
			twice = twice || err != nil
			return nil
		}); err != nil || twice {
			return
		}
		var again bytes.Buffer
		if _, err := writeSnapshot(s, &again); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), data) {
			t.Errorf("%x became %x", data, again.Bytes())
		}
	})
}
