package arm

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// storeTests are what every Store must pass. open makes an empty one that the test closes; again opens what the last one kept, nil if it keeps
// nothing.
func storeTests(t *testing.T, open func(testing.TB) Store, again func(testing.TB) Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, Store)
	}{
		{"an empty store has nothing to load", storeIsEmpty},
		{"a write needs the present revision", storeComparesRevisions},
		{"revisions grow and load in their order", storeOrders},
		{"what was deleted can be put again", storeDeletes},
		{"concurrent writers of one key have one order and the losers are told", storeOneKeyManyWriters},
		{"concurrent writers of many keys lose nothing", storeManyKeysManyWriters},
		{"keys are any octets", storeOddKeys},
		{"values are any octets up to the largest", storeValues},
		{"what is too large is refused and nothing is written", storeBounds},
		{"values are copies", storeCopies},
		{"writes that are begun one after another have that order", storeBegins},
		{"an error of the visitor ends the load", storeVisitFails},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			c.test(t, s)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
	t.Run("a closed store says so", func(t *testing.T) { storeIsClosed(t, open(t)) })
	t.Run("it does as a map does", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			s := open(t)
			values, revisions := storeIsAMap(rt, s)
			if err := s.Close(); err != nil {
				rt.Fatal(err)
			}
			if again != nil {
				s := again(t)
				storeHas(rt, s, values, revisions)
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
			}
		})
	})
}

func TestTheMemoryStoreKeepsTheContract(t *testing.T) {
	storeTests(t, func(testing.TB) Store { return NewMemoryStore() }, nil)
}

func TestTheJetStreamStoreKeepsTheContract(t *testing.T) {
	var dir string
	storeTests(t, func(t testing.TB) Store {
		dir = t.TempDir()
		return mustOpen(t, dir)
	}, func(t testing.TB) Store { return mustOpen(t, dir) })
}

func mustOpen(t testing.TB, dir string) *JetStream {
	t.Helper()
	s, err := OpenJetStream(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustClose(t testing.TB, s Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func mustPut(t testing.TB, s Store, key, value string, was uint64) uint64 {
	t.Helper()
	revision, err := s.Put(key, []byte(value), was)
	if err != nil {
		t.Fatalf("put %q after %d: %v", key, was, err)
	}
	return revision
}

func mustDelete(t testing.TB, s Store, key string, was uint64) uint64 {
	t.Helper()
	revision, err := s.Delete(key, was)
	if err != nil {
		t.Fatalf("delete %q after %d: %v", key, was, err)
	}
	return revision
}

// loaded is all that a store has, and checks the order.
func loaded(t interface {
	Helper()
	Fatal(...any)
}, s Store) (values map[string]string, revisions map[string]uint64) {
	t.Helper()
	values, revisions = map[string]string{}, map[string]uint64{}
	last := uint64(0)
	if err := s.Load(func(r Record) error {
		if _, twice := values[r.Key]; twice || r.Revision <= last {
			return fmt.Errorf("key %q at revision %d after revision %d (twice: %v)", r.Key, r.Revision, last, twice)
		}
		last = r.Revision
		values[r.Key], revisions[r.Key] = string(r.Value), r.Revision
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return values, revisions
}

func wantRecords(t *testing.T, s Store, want map[string]string) {
	t.Helper()
	got, _ := loaded(t, s)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the store differs (-want +got):\n%s", diff)
	}
}

func storeIsEmpty(t *testing.T, s Store) { wantRecords(t, s, map[string]string{}) }

func storeComparesRevisions(t *testing.T, s Store) {
	conflict := func(_ uint64, err error) {
		t.Helper()
		if !errors.Is(err, ErrConflict) {
			t.Errorf("the error is %v, want ErrConflict", err)
		}
	}
	conflict(s.Put("/a", []byte("x"), 1))
	conflict(s.Delete("/a", 1))
	conflict(s.Delete("/a", 0))
	first := mustPut(t, s, "/a", "1", 0)
	conflict(s.Put("/a", []byte("x"), 0))
	conflict(s.Put("/a", []byte("x"), first+1))
	conflict(s.Delete("/a", 0))
	second := mustPut(t, s, "/a", "2", first)
	conflict(s.Put("/a", []byte("x"), first))
	conflict(s.Delete("/a", first))
	wantRecords(t, s, map[string]string{"/a": "2"})
	mustPut(t, s, "/a", "3", second)
	wantRecords(t, s, map[string]string{"/a": "3"})
}

func storeOrders(t *testing.T, s Store) {
	last := uint64(0)
	grows := func(revision uint64) uint64 {
		t.Helper()
		if revision <= last {
			t.Errorf("revision %d after %d", revision, last)
		}
		last = revision
		return revision
	}
	b := grows(mustPut(t, s, "/b", "1", 0))
	a := grows(mustPut(t, s, "/a", "1", 0))
	c := grows(mustPut(t, s, "/c", "1", 0))
	b = grows(mustPut(t, s, "/b", "2", b))
	grows(mustDelete(t, s, "/c", c))
	d := grows(mustPut(t, s, "/d", "1", 0))
	_, revisions := loaded(t, s)
	keys := slices.SortedFunc(maps.Keys(revisions), func(a, b string) int { return int(revisions[a]) - int(revisions[b]) })
	if want := []string{"/a", "/b", "/d"}; !slices.Equal(keys, want) {
		t.Errorf("the order is %v, want %v", keys, want)
	}
	if want := map[string]uint64{"/a": a, "/b": b, "/d": d}; !maps.Equal(revisions, want) {
		t.Errorf("the revisions are %v, want %v", revisions, want)
	}
}

func storeDeletes(t *testing.T, s Store) {
	for range 3 {
		was := mustPut(t, s, "/a", "x", 0)
		wantRecords(t, s, map[string]string{"/a": "x"})
		gone := mustDelete(t, s, "/a", was)
		wantRecords(t, s, map[string]string{})
		for _, revision := range []uint64{was, gone} {
			if _, err := s.Put("/a", nil, revision); !errors.Is(err, ErrConflict) {
				t.Errorf("putting a deleted key after revision %d: %v, want ErrConflict", revision, err)
			}
			if _, err := s.Delete("/a", revision); !errors.Is(err, ErrConflict) {
				t.Errorf("deleting a deleted key after revision %d: %v, want ErrConflict", revision, err)
			}
		}
	}
}

func storeOneKeyManyWriters(t *testing.T, s Store) {
	const writers, each = 16, 20
	var mu sync.Mutex
	var won []uint64 // revisions
	tries := map[uint64]int{}
	var wg sync.WaitGroup
	var was uint64
	for range each {
		for range writers {
			wg.Go(func() {
				revision, err := s.Put("/one", fmt.Append(nil, was), was)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					won = append(won, revision)
					tries[was]++
				case !errors.Is(err, ErrConflict):
					t.Errorf("a loser is told %v", err)
				}
			})
		}
		wg.Wait()
		if tries[was] != 1 {
			t.Fatalf("%d writers won after revision %d, want 1", tries[was], was)
		}
		was = won[len(won)-1]
	}
	if !slices.IsSorted(won) {
		t.Errorf("the winners' revisions are %v", won)
	}
	wantRecords(t, s, map[string]string{"/one": fmt.Sprint(won[len(won)-2])})
}

func storeManyKeysManyWriters(t *testing.T, s Store) {
	const writers, each = 16, 25
	want := make([]map[string]string, writers)
	var wg sync.WaitGroup
	for w := range writers {
		want[w] = map[string]string{}
		wg.Go(func() {
			var was uint64
			for i := range each {
				key := fmt.Sprintf("/w%d/k%d", w, i/5)
				if i%5 == 0 {
					was = 0
				}
				revision, err := s.Put(key, fmt.Appendf(nil, "%d", i), was)
				if err != nil {
					t.Error(err)
					return
				}
				was = revision
				want[w][key] = fmt.Sprint(i)
				if i%5 == 4 && i%2 == 0 {
					if _, err := s.Delete(key, was); err != nil {
						t.Error(err)
						return
					}
					delete(want[w], key)
				}
			}
		})
	}
	wg.Wait()
	all := map[string]string{}
	for _, m := range want {
		maps.Copy(all, m)
	}
	wantRecords(t, s, all)
}

// oddKeys are keys that a subject, a file name or a pattern would take for something else.
func oddKeys() []string {
	keys := []string{
		"/", "//", "///", "a", "a/", "/a//b", ".", "..", "/./../", "a.b", "a..b", "=", "/=/", "=41", "=.", "*", ">", "/a/*", "/a/>", "$KV." + bucket + ".a",
		" ", "a b", "\t", "\n", "\r\n", "\x00", "\xff\xfe", "ключ/鍵/🔑", "e\u0301", "é", "/UPPER/Case", "/upper/case", "%2f", "a%2Fb", "-_", "a:b", "a\\b",
		"/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/rg (1)/providers/microsoft.network/virtualnetworks/v.net_1",
		strings.Repeat("/", 1000), strings.Repeat("é", 500), strings.Repeat("/a.", 333) + "b", strings.Repeat("x", MaxKey), strings.Repeat("\x00", MaxKey),
	}
	return keys
}

func storeOddKeys(t *testing.T, s Store) {
	want := map[string]string{}
	revisions := map[string]uint64{}
	for i, key := range oddKeys() {
		if _, twice := want[key]; twice {
			t.Fatalf("key %q is there twice", key)
		}
		want[key] = fmt.Sprint(i)
		revisions[key] = mustPut(t, s, key, want[key], 0)
	}
	wantRecords(t, s, want)
	for i, key := range oddKeys() {
		if i%2 == 0 {
			mustDelete(t, s, key, revisions[key])
			delete(want, key)
		}
	}
	wantRecords(t, s, want)
}

func storeValues(t *testing.T, s Store) {
	want := map[string]string{
		"/nil": "", "/empty": "", "/zeros": "\x00\x00\x00", "/json": `{"a":"\u0000"}`, "/magic": envelopeMagic + envelopeMagic,
		"/large": strings.Repeat("0123456789abcdef", MaxValue/16),
	}
	revisions := map[string]uint64{}
	for key, value := range want {
		var err error
		octets := []byte(value)
		if key == "/nil" {
			octets = nil
		}
		if revisions[key], err = s.Put(key, octets, 0); err != nil {
			t.Fatal(err)
		}
	}
	wantRecords(t, s, want)
	want["/large"] = "small"
	mustPut(t, s, "/large", "small", revisions["/large"])
	wantRecords(t, s, want)
}

func storeBounds(t *testing.T, s Store) {
	for _, c := range []struct {
		key   string
		value []byte
		want  string
	}{
		{"", nil, "the key has 0 octets"},
		{strings.Repeat("k", MaxKey+1), nil, "the key has 2049 octets"},
		{"/a", make([]byte, MaxValue+1), "the value of /a has 7340033 octets: at most 7340032"},
	} {
		if _, err := s.Put(c.key, c.value, 0); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("put: %v, want %q", err, c.want)
		}
		if _, err := s.Delete(c.key, 1); err == nil {
			t.Errorf("delete of %.10q: no error", c.key)
		}
	}
	wantRecords(t, s, map[string]string{})
}

func storeCopies(t *testing.T, s Store) {
	value := []byte("abc")
	if _, err := s.Put("/a", value, 0); err != nil {
		t.Fatal(err)
	}
	value[0] = 'x'
	if err := s.Load(func(r Record) error { r.Value[1] = 'x'; return nil }); err != nil {
		t.Fatal(err)
	}
	wantRecords(t, s, map[string]string{"/a": "abc"})
}

func storeVisitFails(t *testing.T, s Store) {
	for i := range 10 {
		mustPut(t, s, fmt.Sprintf("/%d", i), "", 0)
	}
	enough := errors.New("enough")
	visits := 0
	if err := s.Load(func(Record) error {
		if visits++; visits == 3 {
			return enough
		}
		return nil
	}); !errors.Is(err, enough) || visits != 3 {
		t.Errorf("the load ends after %d visits with %v", visits, err)
	}
	mustPut(t, s, "/after", "", 0)
}

func storeIsClosed(t *testing.T, s Store) {
	was := mustPut(t, s, "/a", "", 0)
	mustClose(t, s)
	_, put := s.Put("/a", nil, was)
	_, del := s.Delete("/a", was)
	_, none := s.Delete("/b", 0)
	for what, err := range map[string]error{
		"Put": put, "Delete": del, "Delete of nothing": none, "Load": s.Load(func(Record) error { return nil }), "Close": s.Close(),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
}

// storeIsAMap draws operations, right and wrong ones, and compares with a map.
func storeIsAMap(t *rapid.T, s Store) (values map[string]string, revisions map[string]uint64) {
	values, revisions = map[string]string{}, map[string]uint64{}
	last := uint64(0)
	key := rapid.SampledFrom(append([]string{"/a", "/a/b", "/a/c", "/b"}, oddKeys()[:8]...))
	value := rapid.SliceOfN(rapid.Byte(), 0, 40)
	was := func(key string) uint64 {
		if rapid.IntRange(0, 3).Draw(t, "wrong") == 0 {
			return rapid.Uint64Range(0, last+1).Draw(t, "was")
		}
		return revisions[key]
	}
	check := func(what string, revision uint64, err error, right bool) {
		switch {
		case right && err != nil:
			t.Fatalf("%s: %v", what, err)
		case !right && !errors.Is(err, ErrConflict):
			t.Fatalf("%s: %v, want ErrConflict", what, err)
		case right && revision <= last:
			t.Fatalf("%s: revision %d after %d", what, revision, last)
		}
		if right {
			last = revision
		}
	}
	t.Repeat(map[string]func(*rapid.T){
		"put": func(t *rapid.T) {
			k, v := key.Draw(t, "key"), value.Draw(t, "value")
			w := was(k)
			revision, err := s.Put(k, bytes.Clone(v), w)
			right := w == revisions[k]
			check(fmt.Sprintf("put %q after %d", k, w), revision, err, right)
			if right {
				values[k], revisions[k] = string(v), revision
			}
		},
		"delete": func(t *rapid.T) {
			k := key.Draw(t, "key")
			w := was(k)
			revision, err := s.Delete(k, w)
			right := w != 0 && w == revisions[k]
			check(fmt.Sprintf("delete %q after %d", k, w), revision, err, right)
			if right {
				delete(values, k)
				delete(revisions, k)
			}
		},
	})
	storeHas(t, s, values, revisions)
	return values, revisions
}

func storeHas(t *rapid.T, s Store, values map[string]string, revisions map[string]uint64) {
	got, gotRevisions := loaded(t, s)
	if diff := cmp.Diff(values, got); diff != "" {
		t.Fatalf("the store differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(revisions, gotRevisions); diff != "" {
		t.Fatalf("the revisions differ (-want +got):\n%s", diff)
	}
}

func TestCloseWaitsForTheWritesThatAreUnderWay(t *testing.T) {
	for _, c := range []struct {
		name  string
		open  func() Store
		again func(Store) Store
	}{
		{"memory", func() Store { return NewMemoryStore() }, nil},
		{"jetstream", func() Store { return mustOpen(t, t.TempDir()) }, func(s Store) Store { return mustOpen(t, s.(*JetStream).dir) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.open()
			var mu sync.Mutex
			want := map[string]string{}
			started := make(chan struct{}, 1)
			var wg sync.WaitGroup
			for w := range 8 {
				wg.Go(func() {
					for i := 0; ; i++ {
						key := fmt.Sprintf("/%d/%d", w, i)
						_, err := s.Put(key, []byte(key), 0)
						if errors.Is(err, ErrClosed) {
							return
						}
						if err != nil {
							t.Errorf("put %d: %v", i, err)
							return
						}
						mu.Lock()
						want[key] = key
						mu.Unlock()
						select {
						case started <- struct{}{}:
						default:
						}
					}
				})
			}
			for range 20 {
				<-started
			}
			mustClose(t, s)
			wg.Wait()
			if c.again != nil {
				s := c.again(s)
				wantRecords(t, s, want)
				mustClose(t, s)
			}
		})
	}
}

func storeBegins(t *testing.T, s Store) {
	const n = 300
	var under []*Writing
	for i := range n {
		under = append(under, s.Begin(Write{Key: fmt.Sprintf("/%d", i), Value: []byte("x")}))
	}
	last := uint64(0)
	for i, w := range under {
		revision, err := w.Wait()
		if err != nil || revision <= last {
			t.Fatalf("write %d: revision %d after %d, %v", i, revision, last, err)
		}
		if again, err := w.Wait(); again != revision || err != nil || !w.Ended() {
			t.Fatalf("write %d: revision %d, then %d, %v", i, revision, again, err)
		}
		last = revision
	}
	// A key waits for itself.
	first := s.Begin(Write{Key: "/0", Value: []byte("y"), Was: mustRevision(t, under[0])})
	if _, err := s.Begin(Write{Key: "/0", Delete: true, Was: mustRevision(t, under[0])}).Wait(); !errors.Is(err, ErrConflict) {
		t.Errorf("the loser is told %v", err)
	}
	if _, err := s.Begin(Write{Key: "/0", Delete: true, Was: mustRevision(t, first)}).Wait(); err != nil {
		t.Error(err)
	}
	if values, _ := loaded(t, s); len(values) != n-1 {
		t.Errorf("%d records, want %d", len(values), n-1)
	}
}

func mustRevision(t *testing.T, w *Writing) uint64 {
	t.Helper()
	revision, err := w.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return revision
}
