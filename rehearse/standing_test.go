package rehearse

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onramp/sim"
)

func TestAStandingFaultIsReadAsAStepOfAScript(t *testing.T) {
	e := example(t, "northwind", "")
	link := "link:" + e.d.Premises.Attachments[0].Name
	f, err := ReadFault(Step{Impair: link, Loss: 0.02}, e.d, e.n, e.c)
	if err != nil {
		t.Fatal(err)
	}
	if f.Verb() != "impair" || f.Target() != link || f.Words() != "impair "+link+" (loss: 2%)" || f.Momentary() {
		t.Error(f.Words())
	}
	p, wrong := Suffer([]*Fault{f}, e.d, e.n, e.c)
	if len(wrong) > 0 || len(p.links) != 2*len(p.Soft) || len(p.Soft) == 0 || p.Network != e.n {
		t.Errorf("%+v %v", p, wrong)
	}
	if p.Same(Faultless(e.n)) || !p.Same(p) {
		t.Error("it comes to something else")
	}
}

func TestPlightsComeAndGoAndLeaveNothing(t *testing.T) {
	e := example(t, "northwind", "")
	s, err := sim.New(e.n, sim.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.Settle(5 * time.Minute) {
		t.Fatal("it does not settle")
	}
	site, link := "site:"+e.d.Premises.Sites[0].Name, "link:"+e.d.Premises.Attachments[0].Name
	well := Faultless(e.n)
	now := well
	for _, steps := range [][]Step{{{Cut: link}}, {{Cut: link}, {OriginateDefault: site}}, {{TooManyPrefixes: site}}, {{Cut: link, How: "carrier"}, {Cut: site}}, {}} {
		var faults []*Fault
		for _, x := range steps {
			f, err := ReadFault(x, e.d, e.n, e.c)
			if err != nil {
				t.Fatal(err)
			}
			faults = append(faults, f)
		}
		p, wrong := Suffer(faults, e.d, e.n, e.c)
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		if err := sim.Ready(p.Network); err != nil {
			t.Fatal(err)
		}
		if err := p.Befall(s, now); err != nil {
			t.Fatal(err)
		}
		now = p
		if !s.Settle(5 * time.Minute) {
			t.Fatal("it does not settle", steps)
		}
		calm := len(s.Differs(e.n.Converge(e.n.Scenarios()[0]))) == 0
		if calm != (len(steps) == 0) {
			t.Errorf("with %+v all is well: %v", steps, calm)
		}
	}
}

// FuzzAStandingFaultIsReadOrRefused reads steps that come over a socket.
func FuzzAStandingFaultIsReadOrRefused(f *testing.F) {
	e := example(f, "northwind", "")
	for _, s := range []string{`{"cut":"site:toronto"}`, `{"impair":"link:toronto/equinix-toronto/1","loss":"2%","from":"x"}`, `{"restart":"router:toronto-ce1","graceful":true}`, `{"echo":"circuit:a","to":"circuit:b"}`, `{"repair":"x"}`, `{"originateAggregate":"site:toronto","prefix":"10.0.0.0/8","for":"1s"}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Step
		if json.Unmarshal(b, &s) != nil {
			return
		}
		x, err := ReadFault(s, e.d, e.n, e.c)
		if err != nil {
			if strings.TrimSpace(err.Error()) == "" {
				t.Fatal("refused without a word")
			}
			return
		}
		if x.Target() == "" || !strings.HasPrefix(x.Words(), x.Verb()) {
			t.Fatalf("%+v", x)
		}
		Suffer([]*Fault{x}, e.d, e.n, e.c)
	})
}
