package deploy

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/twin"
)

func (r *rig) journalText() string {
	r.t.Helper()
	b, err := os.ReadFile(r.journal)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// written is a journal with some entries, and its octets.
func written(t testing.TB, entries ...entry) (path string, octets []byte) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "journal")
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if err := j.write(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if octets, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return path, octets
}

const aGroup = azure.ID("/subscriptions/s/resourceGroups/g")

func some() []entry {
	return []entry{
		{What: runBegins, Tenant: "t", Design: "d", Digest: "x", Steps: []step{{aGroup, opPut}, {aGroup + "2", opPut}}},
		{What: stepBegins, ID: aGroup, Op: opPut, Absent: true},
		{What: stepDone, ID: aGroup, Op: opPut, Left: []byte(`{"id":"` + string(aGroup) + `","type":"Microsoft.Resources/resourceGroups"}`)},
		{What: stepBegins, ID: aGroup + "2", Op: opPut, Absent: true},
	}
}

func TestAJournalThatIsCutAnywhereSaysWhatWasWholeAndGoesOn(t *testing.T) {
	path, b := written(t, some()...)
	for n := range b {
		if err := os.WriteFile(path, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		j, err := OpenJournal(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		lines := bytes.Count(b[:n], []byte("\n"))
		if got := j.past.madeBy(aGroup.Key()); got != (lines >= 2) {
			t.Errorf("cut at %d, after %d lines: made %v", n, lines, got)
		}
		if left, ok := j.past.resumes("x"); ok != (lines >= 1) || ok && len(left) != map[bool]int{true: 1, false: 2}[lines >= 3] {
			t.Errorf("cut at %d, after %d lines: %v %v are left", n, lines, left, ok)
		}
		if err := j.write(entry{What: runEnds}); err != nil {
			t.Fatal(err)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := ReadJournal(path)
		if err != nil || again.Interrupted() {
			t.Fatalf("cut at %d and gone on with: %v", n, err)
		}
	}
}

func TestAJournalThatIsDamagedIsToldByItsLine(t *testing.T) {
	path, b := written(t, some()...)
	second := bytes.IndexByte(b, '\n') + 40
	b[second] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(string) (*Journal, error){OpenJournal, ReadJournal} {
		_, err := open(path)
		var damaged *DamagedError
		if !errors.As(err, &damaged) || damaged.Line != 2 || !strings.Contains(err.Error(), path+":2: ") {
			t.Error(err)
		}
	}
}

func TestOneDeploymentAtATimeHasAJournal(t *testing.T) {
	path, _ := written(t)
	j, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenJournal(path); !errors.Is(err, ErrJournalInUse) {
		t.Error(err)
	}
	if _, err := ReadJournal(path); err != nil { // who only looks need not wait
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = OpenJournal(path); err != nil {
		t.Fatal(err)
	}
	_ = j.Close()
}

func TestAJournalOfAnotherTenantIsRefused(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "fabrikam-isolated"))
	path, _ := written(t, entry{What: runBegins, Tenant: "11111111-2222-3333-4444-555555555555"})
	r.journal = path
	if _, err := r.apply(target, quick()); !errors.Is(err, ErrOtherTenant) {
		t.Error(err)
	}
	if len(r.log.all()) > 0 {
		t.Error("something was written")
	}
}

func TestWithoutItsJournalADesignIsStillKnown(t *testing.T) {
	r := newRig(t, twin.Options{})
	target := r.target(designOf(t, r.c, "contoso-shared"))
	if _, err := r.apply(target, quick()); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(r.journal); err != nil {
		t.Fatal(err)
	}
	if p := r.plan(target, PlanOptions{}); len(p.Changes) > 0 {
		t.Error(kinds(p))
	}
	got, err := r.destroy(target, quick())
	if err != nil || len(got.Kept) > 0 || r.tw.Server().Len() > 0 {
		t.Errorf("%+v %v, %d are left", got, err, r.tw.Server().Len())
	}
}

func FuzzReadJournal(f *testing.F) {
	_, b := written(f, some()...)
	f.Add(b)
	f.Add(b[:len(b)-5])
	f.Add([]byte("{}\n{}\n"))
	f.Add([]byte(`{"sum":"00000000","entry":{"v":1}}` + "\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		entries, whole, err := readJournal("journal", b)
		if err != nil {
			return
		}
		if whole > len(b) || whole < len(b) && bytes.Count(b[whole:], []byte("\n")) > 1 {
			t.Fatalf("%d of %d octets are whole", whole, len(b))
		}
		remember(entries)
		again, n, err := readJournal("journal", b[:whole])
		if err != nil || n != whole || len(again) != len(entries) {
			t.Fatal("what is whole is not read in the same way")
		}
	})
}
