package arm

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// filled writes a store with versions, deletions and records again, and returns what it then has. It is left open.
func filled(t testing.TB, dir string, records int) (*JetStream, map[string]string) {
	t.Helper()
	s := mustOpen(t, dir)
	has, revisions := map[string]string{}, map[string]uint64{}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range records {
		key := fmt.Sprintf("/subscriptions/s/resourcegroups/rg/providers/microsoft.network/virtualnetworks/vnet%d", i%(records*2/3))
		if revisions[key] != 0 && r.IntN(3) == 0 {
			mustDelete(t, s, key, revisions[key])
			delete(has, key)
			revisions[key] = 0
			continue
		}
		value := crashValue(key, uint64(i))
		has[key] = string(value[:min(len(value), 20+r.IntN(400))])
		revisions[key] = mustPut(t, s, key, has[key], revisions[key])
	}
	return s, has
}

// files are the regular files below a directory, sorted.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var out []string
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			out = append(out, path)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func flip(t testing.TB, path string, bit int) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var octet [1]byte
	if _, err := f.ReadAt(octet[:], int64(bit/8)); err != nil {
		t.Fatal(err)
	}
	octet[0] ^= 1 << (bit % 8)
	if _, err := f.WriteAt(octet[:], int64(bit/8)); err != nil {
		t.Fatal(err)
	}
}

func mustCopy(t testing.TB, from, to string) {
	t.Helper()
	if err := copyDirectory(from, to); err != nil {
		t.Fatal(err)
	}
}

// named tells whether an error says what is damaged.
func named(err error) bool {
	var damage *DamageError
	var mark *MarkError
	return errors.As(err, &damage) && len(damage.Records) > 0 || errors.As(err, &mark)
}

func TestAFlippedBitInTheStoreIsNamedAndNeverServed(t *testing.T) {
	open, closed := filepath.Join(t.TempDir(), "open"), filepath.Join(t.TempDir(), "closed")
	live := t.TempDir()
	s, has := filled(t, live, 90)
	mustCopy(t, live, open) // as a kill would leave it
	mustClose(t, s)
	mustCopy(t, live, closed)
	r := rand.New(rand.NewPCG(3, 1))
	refused, right := map[string]int{}, map[string]int{}
	for i := range 120 {
		from := []string{open, closed}[i%2]
		dir := filepath.Join(t.TempDir(), "flipped")
		mustCopy(t, from, dir)
		// Half of the bits are in the messages, the others in any file.
		all := files(t, dir)
		path := all[r.IntN(len(all))]
		if i%4 < 2 {
			path = all[slices.IndexFunc(all, func(p string) bool { return strings.HasSuffix(p, ".blk") })]
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() == 0 {
			continue
		}
		bit := r.IntN(int(info.Size()) * 8)
		flip(t, path, bit)
		name := strings.TrimPrefix(path, dir)
		kind := filepath.Base(name)
		if filepath.Ext(name) == ".blk" {
			kind = "messages"
		}
		s, err := OpenJetStream(dir)
		if err != nil {
			refused[kind]++
			if !named(err) {
				t.Errorf("bit %d of %s: the error does not say what is damaged: %v", bit, name, err)
			}
			again, second := OpenJetStream(dir)
			if second == nil {
				t.Errorf("bit %d of %s: refused at first, then opened: %v", bit, name, err)
				mustClose(t, again)
			}
			report, err := Repair(dir, RepairOptions{})
			if err != nil {
				t.Fatalf("bit %d of %s: %v", bit, name, err)
			}
			if report.Lost() > 1 || report.Kept < len(has)-1 || report.Kept > len(has)+1 {
				t.Errorf("bit %d of %s: of %d records %d can be had and %d cannot", bit, name, len(has), report.Kept, report.Lost())
			}
			continue
		}
		right[kind]++
		got, _ := loaded(t, s)
		if diff := cmp.Diff(has, got); diff != "" {
			t.Errorf("bit %d of %s: the store serves what nobody wrote (-want +got):\n%s", bit, name, diff)
		}
		mustClose(t, s)
	}
	t.Logf("refused: %v; opened with all that was written: %v", refused, right)
	if refused["messages"] == 0 || refused["meta.inf"] == 0 || refused["mark"] == 0 {
		t.Error("the damage to one kind of file was never seen")
	}
}

// The damage may come while the store is open: what is loaded is what was acknowledged, or the load fails.
func TestAFlippedBitUnderAnOpenStoreIsNeverServed(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	live := t.TempDir()
	s, has := filled(t, live, 60)
	mustClose(t, s)
	failed := 0
	for range 20 {
		dir := filepath.Join(t.TempDir(), "flipped")
		mustCopy(t, live, dir)
		s := mustOpen(t, dir)
		for _, path := range files(t, dir) {
			if info, err := os.Stat(path); err == nil && strings.HasSuffix(path, ".blk") && info.Size() > 0 {
				flip(t, path, r.IntN(int(info.Size())*8))
			}
		}
		got := map[string]string{}
		err := s.Load(func(r Record) error { got[r.Key] = string(r.Value); return nil })
		if err != nil {
			failed++
		} else if len(got) != len(has) {
			t.Errorf("%d records are loaded, want %d or an error", len(got), len(has))
		}
		for key, value := range got {
			if has[key] != value {
				t.Errorf("%s is served otherwise than it was written", key)
			}
		}
		mustClose(t, s)
	}
	t.Logf("%d of 20 loads failed", failed)
}

func TestEveryFlippedBitInTheMarkIsSeenUnlessItIsInATornEnd(t *testing.T) {
	dir := t.TempDir()
	s, _ := filled(t, dir, 12)
	mustClose(t, s)
	data, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := decodeMark("mark", data)
	if err != nil || !whole.closed {
		t.Fatal(whole, err)
	}
	end := len(data) - (4 + 17 + 32) // the frame that says that the store was closed
	for bit := range len(data) * 8 {
		data[bit/8] ^= 1 << (bit % 8)
		m, err := decodeMark("mark", data)
		data[bit/8] ^= 1 << (bit % 8)
		if bit/8 < end && err == nil {
			t.Errorf("bit %d: not seen", bit)
		}
		if bit/8 >= end && (err != nil || m.closed || m.last != whole.last || !maps.Equal(m.keys, whole.keys)) {
			t.Errorf("bit %d of the last frame: %v, and the mark is otherwise than it was before that frame", bit, err)
		}
	}
}

func TestAMarkThatIsCutShortIsReadUpToItsLastWholeFrame(t *testing.T) {
	dir := t.TempDir()
	s, _ := filled(t, dir, 12)
	mustClose(t, s)
	data, err := os.ReadFile(filepath.Join(dir, markFile))
	if err != nil {
		t.Fatal(err)
	}
	last := uint64(0)
	for size := range data {
		m, err := decodeMark("mark", data[:size])
		if size < markHead {
			if err == nil || m != nil {
				t.Fatalf("%d octets: a mark was read", size)
			}
			continue
		}
		if err != nil || m.last < last || m.closed {
			t.Fatalf("%d octets: %v, revision %d after %d", size, err, m.last, last)
		}
		last = m.last
	}
	if last != 12 {
		t.Errorf("the last revision is %d, want 12", last)
	}
}

func TestAStoreThatWentBackInTimeOrLostAKeyDoesNotOpenAndSaysWhich(t *testing.T) {
	live := t.TempDir()
	s := mustOpen(t, live)
	a := mustPut(t, s, "/a", "1", 0)
	mustPut(t, s, "/b", "1", 0)
	early := filepath.Join(t.TempDir(), "early")
	mustCopy(t, live, early)
	mustPut(t, s, "/a", "2", a)
	mustPut(t, s, "/c", "1", 0)
	late := filepath.Join(t.TempDir(), "late")
	mustCopy(t, live, late)
	mustClose(t, s)
	other := filepath.Join(t.TempDir(), "other")
	s = mustOpen(t, other)
	a = mustPut(t, s, "/a", "1", 0)
	mustPut(t, s, "/b", "1", 0)
	mustPut(t, s, "/a", "2", a)
	mustPut(t, s, "/c", "1", 0)
	mustClose(t, s)
	for _, c := range []struct {
		name         string
		mark, stream string // from which store; empty for none
		want         []string
	}{
		{"the stream went back", late, early, []string{"/a (revision 1): went back: revision 3 was acknowledged", "/c (revision 4): missing"}},
		{"the stream is gone", late, "", []string{"/a (revision 3): missing", "/b (revision 2): missing", "/c (revision 4): missing"}},
		{"the mark is gone", "", late, []string{"mark: at octet 0: the mark is missing beside the stream"}},
		{"the mark of a closed store went back", early + " closed", late, []string{"came after the store was closed at revision 2: the mark went back"}},
		{"the stream is another store's", late, other, []string{"/a (revision 3): the record is one of another store"}},
		{"the mark is another store's", other, late, []string{"/a (revision 3): the record is one of another store"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "store")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			if c.stream != "" {
				mustCopy(t, filepath.Join(c.stream, streamDir), filepath.Join(dir, streamDir))
			}
			if c.mark != "" {
				from, closed := strings.CutSuffix(c.mark, " closed")
				if closed {
					s := mustOpen(t, from)
					mustClose(t, s)
				}
				data, err := os.ReadFile(filepath.Join(from, markFile))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, markFile), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 { // the second time too
				s, err := OpenJetStream(dir)
				if err == nil {
					mustClose(t, s)
					t.Fatal("it opens")
				}
				for _, want := range c.want {
					if !named(err) || !strings.Contains(err.Error(), want) {
						t.Errorf("the error is %q, want %q", err, want)
					}
				}
			}
		})
	}
}

func TestAWriteThatIsInTheStreamButNotInTheMarkIsTakenAsItIs(t *testing.T) {
	live := t.TempDir()
	s := mustOpen(t, live)
	a := mustPut(t, s, "/a", "1", 0)
	b := mustPut(t, s, "/b", "1", 0)
	before, err := os.ReadFile(filepath.Join(live, markFile))
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "/a", "2", a)
	mustDelete(t, s, "/b", b)
	mustPut(t, s, "/c", "1", 0)
	dir := filepath.Join(t.TempDir(), "store")
	mustCopy(t, live, dir)
	mustClose(t, s)
	if err := os.WriteFile(filepath.Join(dir, markFile), before, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s = mustOpen(t, dir)
		wantRecords(t, s, map[string]string{"/a": "2", "/c": "1"})
		mustClose(t, s)
	}
}

func TestTheRecordsOfDeletedKeysAreClearedAwayWhenTheyAreMany(t *testing.T) {
	for _, live := range []int{0, 1, 5} {
		t.Run(fmt.Sprintf("beside %d others", live), func(t *testing.T) {
			dir := t.TempDir()
			s := mustOpen(t, dir)
			has := map[string]string{}
			for i := range live {
				key := fmt.Sprintf("/kept/%d", i)
				has[key] = key
				mustPut(t, s, key, key, 0)
			}
			last := uint64(0)
			for i := range 12 {
				key := fmt.Sprintf("/deleted/%d", i)
				last = mustDelete(t, s, key, mustPut(t, s, key, key, 0))
			}
			mustClose(t, s)
			before, err := os.ReadFile(filepath.Join(dir, markFile))
			if err != nil {
				t.Fatal(err)
			}
			again := func(dir string) {
				t.Helper()
				s, err := openJetStream(dir, options{deleted: 5})
				if err != nil {
					t.Fatal(err)
				}
				wantRecords(t, s, has)
				if left := len(s.mark.keys) - s.mark.live; left > 1 || live > 0 && left > 0 {
					t.Errorf("%d records of deleted keys are left", left)
				}
				mustClose(t, s)
			}
			again(dir)
			again(dir)
			// A crash before the mark was written anew: all is there twice, and the mark tells only of the first.
			state, err := decodeMark("mark", before)
			if err != nil {
				t.Fatal(err)
			}
			between := filepath.Join(t.TempDir(), "between")
			mustCopy(t, dir, between)
			log, err := newMarkLog(between, state)
			if err != nil {
				t.Fatal(err)
			}
			if err := log.close(); err != nil {
				t.Fatal(err)
			}
			again(between)
			// Writing goes on above.
			s = mustOpen(t, dir)
			if revision := mustPut(t, s, "/deleted/0", "again", 0); revision <= last {
				t.Errorf("revision %d after %d", revision, last)
			}
			has["/deleted/0"] = "again"
			mustClose(t, s)
			s = mustOpen(t, dir)
			wantRecords(t, s, has)
			mustClose(t, s)
			if report, err := Repair(dir, RepairOptions{}); err != nil || report.Kept != len(has) || report.Lost() > 0 {
				t.Errorf("a repair finds %+v, %v", report, err)
			}
		})
	}
}

func TestOneProcessHasTheStoreOpen(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	defer mustClose(t, s)
	if _, err := OpenJetStream(dir); err == nil || !strings.Contains(err.Error(), "another process has the store open") {
		t.Errorf("the store opens twice: %v", err)
	}
	if _, err := Repair(dir, RepairOptions{}); err == nil || !strings.Contains(err.Error(), "another process has the store open") {
		t.Errorf("an open store is repaired: %v", err)
	}
}

func TestAStoreThatCannotWriteTakesNoMoreAndSaysWhy(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir)
	was := mustPut(t, s, "/a", "1", 0)
	s.fail(errors.New("the disk is full"))
	if _, err := s.Put("/a", []byte("2"), was); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("the error is %v", err)
	}
	wantRecords(t, s, map[string]string{"/a": "1"})
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "the disk is full") {
		t.Errorf("closing: %v", err)
	}
	s = mustOpen(t, dir)
	wantRecords(t, s, map[string]string{"/a": "1"})
	mustClose(t, s)
}

func TestNoFileIsLeftBesideAStoreThatWasClosed(t *testing.T) {
	dir := t.TempDir()
	s, _ := filled(t, dir, 20)
	mustClose(t, s)
	s = mustOpen(t, dir)
	mustClose(t, s)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if want := []string{streamDir, "lock", markFile}; !slices.Equal(names, want) {
		t.Errorf("the directory has %v, want %v", names, want)
	}
	for _, path := range files(t, dir) {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o037 != 0 {
			t.Errorf("%s is open to others: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestTheMarkGrowsNoLongerThanItNeeds(t *testing.T) {
	dir := t.TempDir()
	state := &mark{keys: map[string]marked{}}
	l, err := newMarkLog(dir, state)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.Repeat("k", MaxKey)
	var entries []markEntry
	for range markGroup {
		entries = append(entries, markEntry{key: key})
	}
	longest := 0
	for i := range 30 {
		for j := range entries {
			entries[j].revision = uint64(i*markGroup + j + 1)
			state.apply(entries[j])
		}
		if err := l.append(frameWrites, entries); err != nil {
			t.Fatal(err)
		}
		longest = max(longest, l.size)
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	if longest > 10<<20 {
		t.Errorf("the mark of one key grew to %d octets", longest)
	}
	m, err := readMark(dir)
	if err != nil || m.last != state.last || !maps.Equal(m.keys, state.keys) {
		t.Errorf("the mark reads as %+v, %v", m, err)
	}
}

func TestAKeyIsItsSubjectAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.OneOf(rapid.StringN(1, 40, 120), rapid.StringMatching(`[/=.A-C0-9a-c*> ]{1,12}`),
			rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 40), func(b []byte) string { return string(b) })).Draw(t, "key")
		subject := subjectOf(key)
		got, err := keyOf(subject)
		if err != nil || got != key {
			t.Fatalf("%q became %q and then %q, %v", key, subject, got, err)
		}
		if strings.ContainsAny(subject[len(subjectPrefix):], "*> \t\r\n") || strings.Contains(subject, "..") || strings.HasSuffix(subject, ".") {
			t.Fatalf("%q became %q, which is no subject", key, subject)
		}
	})
}

func TestAllBelowAResourceHasOnePrefixOfTheSubject(t *testing.T) {
	vnet := subjectOf("/subscriptions/s/virtualnetworks/v")
	if subnet := subjectOf("/subscriptions/s/virtualnetworks/v/subnets/x"); !strings.HasPrefix(subnet, vnet+".") {
		t.Errorf("%s is not below %s", subnet, vnet)
	}
	if other := subjectOf("/subscriptions/s/virtualnetworks/v.x"); strings.HasPrefix(other, vnet+".") {
		t.Errorf("%s is below %s", other, vnet)
	}
}

func FuzzKeyOf(f *testing.F) {
	for _, key := range oddKeys() {
		f.Add(subjectOf(key))
	}
	f.Add(subjectPrefix + "=2F")
	f.Add(subjectPrefix + "=4")
	f.Fuzz(func(t *testing.T, subject string) {
		if key, err := keyOf(subject); err == nil && subjectOf(key) != subject {
			t.Errorf("%q is key %q, whose subject is %q", subject, key, subjectOf(key))
		}
	})
}

func FuzzDecodeEnvelope(f *testing.F) {
	data, _ := envelope{key: "/a", value: []byte("value"), after: 7}.encode()
	f.Add(data)
	data, _ = envelope{key: "/a", deleted: true}.encode()
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, sum, size, err := decodeEnvelope(data)
		if err != nil {
			return
		}
		again, sumAgain := e.encode()
		if string(again) != string(data[:size]) || sum != sumAgain {
			t.Errorf("%x became %x", data[:size], again)
		}
	})
}

func FuzzDecodeMark(f *testing.F) {
	m := &mark{keys: map[string]marked{}}
	empty, _ := m.encode()
	f.Add(empty)
	for i := range 5 {
		m.apply(markEntry{fmt.Sprintf("/%d", i), marked{revision: uint64(i + 1), deleted: i == 2}})
	}
	data, seal := m.encode()
	f.Add(data)
	m.apply(markEntry{"/5", marked{revision: 9}})
	data, seal = m.appendFrame(data, seal, frameWrites, []markEntry{{"/5", marked{revision: 9}}})
	data, _ = m.appendFrame(data, seal, frameClosed, nil)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := decodeMark("mark", data)
		if err != nil {
			return
		}
		again, _ := m.encode()
		back, err := decodeMark("mark", again)
		if err != nil || back.last != m.last || back.live != m.live || !maps.Equal(back.keys, m.keys) {
			t.Errorf("%+v became %+v, %v", m, back, err)
		}
	})
}
