package rehearse

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/design"
	"onramp/network"
)

func TestTrafficDrillsRunByNameWithTheAssumptionsThatTheyRestOn(t *testing.T) {
	n := loaded(t, "northwind", design.Shared)
	for _, c := range []struct {
		drills   []string
		internet bool
		queues   bool
	}{
		{[]string{VoiceDrill}, false, true},
		{[]string{ProviderBandwidthDrill}, false, true},
		{[]string{InternetVPNDrill}, true, false},
		{TrafficDrills(), true, true},
	} {
		r, err := RunTraffic(n, c.drills, 7, nil)
		if err != nil {
			t.Fatal(err)
		}
		has := func(name string) bool { return slices.Contains(c.drills, name) }
		if has(VoiceDrill) != (len(r.Voice) > 0) || has(ProviderBandwidthDrill) != (len(r.ProviderBandwidth) > 0) || has(InternetVPNDrill) != (len(r.InternetVPN) > 0) || !slices.Equal(r.Drills, c.drills) {
			t.Errorf("%v: other drills were run", c.drills)
		}
		names := map[string]int{}
		for _, a := range r.Assumptions {
			names[a.Name]++
			if names[a.Name] > 1 {
				t.Errorf("%v: %s is told twice", c.drills, a.Name)
			}
		}
		if (names[network.AssumeInternetPath] > 0) != c.internet || (names[network.AssumePolicerBurst] > 0) != c.queues {
			t.Errorf("%v rest on %v", c.drills, names)
		}
		if !r.AsExpected {
			t.Errorf("%v: not as expected", c.drills)
		}
	}
}

func TestOneThroughputThatIsNotAsExpectedIsEnough(t *testing.T) {
	r := Traffic{AsExpected: true, ProviderBandwidth: []SlowProvider{{AsExpected: true}, {}}}
	if r.judge(); r.AsExpected {
		t.Error("nobody sees it")
	}
}

// full is a disk without room for more than some octets.
type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errors.New("no room")
	}
	return len(p), nil
}

func TestARecordingChangesNothingAndTellsWhatCouldNotBeWritten(t *testing.T) {
	e := example(t, "northwind", design.IsolatedHubSpoke)
	o := Options{Seed: 7, Drills: []string{"provider:Equinix"}, Parallel: 2}
	told := func() string {
		b, err := json.Marshal(e.rehearse(t, o))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	without := told()
	var file bytes.Buffer
	o.Recording = NewRecording(&file)
	if d := cmp.Diff(without, told()); d != "" {
		t.Errorf("who is watched does otherwise: %s", d)
	}
	if o.Recording.Err() != nil || o.Recording.Frames == 0 || o.Recording.Links == 0 || file.Len() == 0 {
		t.Errorf("%+v, %d octets", o.Recording, file.Len())
	}
	for _, room := range []int{0, 100, file.Len() / 4, file.Len() - 1} {
		o.Recording = NewRecording(&full{room})
		e.rehearse(t, o)
		if o.Recording.Err() == nil {
			t.Errorf("with room for %d of %d octets: no error", room, file.Len())
		}
	}
}

func TestATrafficDrillThatIsRecordedComesToTheSame(t *testing.T) {
	n := loaded(t, "proseware-microsoft365", design.Shared)
	for _, name := range Recordable() {
		want, err := RunTraffic(n, []string{name}, 7, nil)
		if err != nil {
			t.Fatal(err)
		}
		var files [2]bytes.Buffer
		for i := range files {
			rec := NewRecording(&files[i])
			got, err := RecordTraffic(n, name, 7, rec, nil)
			if err != nil || rec.Err() != nil {
				t.Fatal(err, rec.Err())
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: who is watched does otherwise: %s", name, d)
			}
			if rec.Frames == 0 || rec.Links == 0 || rec.Lasts == 0 || files[i].Len() > 200*rec.Frames {
				t.Errorf("%s: %+v, %d octets", name, rec, files[i].Len())
			}
		}
		if !bytes.Equal(files[0].Bytes(), files[1].Bytes()) {
			t.Errorf("%s: the same seed, another trace", name)
		}
		rec := NewRecording(&full{files[0].Len() / 2})
		if _, err := RecordTraffic(n, name, 7, rec, nil); err != nil || rec.Err() == nil {
			t.Errorf("%s: a full disk is not told: %v", name, err)
		}
	}
	if _, err := RecordTraffic(n, InternetVPNDrill, 7, NewRecording(&bytes.Buffer{}), nil); err == nil {
		t.Error("a tunnel that is on no link is recorded")
	}
}
