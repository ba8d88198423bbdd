package rehearse

import (
	"math"
	"strings"
	"testing"
	"time"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/sim"
)

// narrow is the estate with circuits of so many Mbps.
func (e estate) narrow(t *testing.T, mbps int) estate {
	t.Helper()
	b, err := e.d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		c.Properties.ServiceProviderProperties.BandwidthInMbps = mbps
	}
	return e.with(d)
}

func (e estate) with(d *design.Design) estate {
	n, _ := network.Build(d.Resources, d.Premises, e.c, network.Options{})
	return estate{e.c, d, n, prove.Prove(d, n, e.c, prove.Options{})}
}

func TestEverybodyGetsWhatFits(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.rehearse(t, Options{Seed: 1, Parallel: 2, Drills: []string{"link:toronto/equinix-toronto/1", "circuit:er-montreal-toronto-1", "site:toronto", "firewall:fw-hub/0"}})
	agrees(t, r)
	for i := range r.Drills {
		d := &r.Drills[i]
		lines := map[string]int{}
		for _, b := range d.Bandwidth {
			lines[b.LineOfBusiness+b.Direction]++
			if b.Got != b.Needed || b.Expected != b.Needed || b.Limit != "" || b.Needed <= 0 || b.Factor <= 0 || b.From == "" || b.To == "" {
				t.Errorf("%s: %+v", d.ID, b)
			}
		}
		for who, n := range lines {
			if n != 1 {
				t.Errorf("%s: %s is there %d times", d.ID, who, n)
			}
		}
		if moves := d.Kind != string(network.Firewall); moves && len(lines) != 8 || !moves && len(lines) != 0 {
			t.Errorf("%s: %d are measured", d.ID, len(lines))
		}
	}
}

func TestWhatIsTooMuchForAConnectionIsLostInEqualShares(t *testing.T) {
	e := example(t, "northwind", "").narrow(t, 300) // 500 Mbps in all, on two connections and then on one
	r := e.rehearse(t, Options{Seed: 1, Drills: []string{"link:toronto/equinix-toronto/1"}})
	agrees(t, r)
	short := 0
	got := map[string]float64{}
	for _, b := range r.Drills[0].Bandwidth {
		got[b.Direction] += b.Got
		if b.Limit == "" {
			continue
		}
		short++
		if !strings.HasPrefix(b.Limit, "circuit:") || !strings.HasSuffix(b.Limit, b.Direction) || math.Abs(b.Expected-0.6*b.Needed) > 1e-3 || math.Abs(b.Got-b.Expected) > 0.06*b.Needed {
			t.Errorf("%+v", b)
		}
	}
	if short == 0 {
		t.Fatalf("nobody gets less: %+v", r.Drills[0].Bandwidth)
	}
	for way, mbps := range got {
		if mbps > 320 {
			t.Errorf("%g Mbps got through %s", mbps, way)
		}
	}
}

// The proof is put in the wrong: it believes of a cut link that the circuit's other connection still carries its half.
func TestALineOfBusinessThatGetsLessThanTheProofSaysIsFound(t *testing.T) {
	e := example(t, "northwind", "").narrow(t, 300)
	const link, circuit = "link:toronto/equinix-toronto/1", "circuit:er-montreal-toronto-1"
	o := Options{Seed: 1, Drills: []string{link}}
	agrees(t, e.rehearse(t, o))
	o.Believe = func(sc network.Scenario) *network.State {
		if sc.ID == link {
			sc = network.Scenario{ID: circuit, Kind: network.Circuit, Elements: []string{circuit}}
		}
		return e.n.Converge(sc)
	}
	r := e.rehearse(t, o)
	found := 0
	for _, d := range r.Drills[0].Disagreements {
		if strings.HasPrefix(d.Flow, "bandwidth of ") && strings.Contains(d.Proof, "by the proof every capacity on its way carries its load") && strings.HasPrefix(d.Seen, "it got ") {
			found++
		}
	}
	if found == 0 {
		t.Errorf("%+v\n%v", r.Drills[0].Bandwidth, r.Drills[0].Disagreements)
	}
}

func TestPartsOfAnEstateShareAnAccess(t *testing.T) {
	e := example(t, "fabrikam-isolated", design.Isolated)
	for i := range e.d.Premises.Attachments { // 1200 Mbps in all, on two attachments and then on one
		e.d.Premises.Attachments[i].Mbps = 1100
	}
	e = e.with(e.d)
	if len(prove.Pieces(e.d, e.n, e.c)) < 2 {
		t.Fatal("it is one part")
	}
	whole := Options{Seed: 1, Believe: e.n.Converge}
	parts := Options{Seed: 1}
	for i, sc := range Scenarios(e.n) {
		if sc.Kind == network.Link || i%5 == 0 {
			whole.Drills = append(whole.Drills, sc.ID)
		}
	}
	parts.Drills = whole.Drills
	a, b := e.rehearse(t, whole), e.rehearse(t, parts)
	agrees(t, a)
	agrees(t, b)
	short := 0
	for i := range a.Drills {
		for _, y := range b.Drills[i].Bandwidth {
			for _, x := range a.Drills[i].Bandwidth {
				if x.LineOfBusiness == y.LineOfBusiness && x.Direction == y.Direction && (x.Expected != y.Expected || x.Needed != y.Needed) {
					t.Errorf("%s: whole %+v, in parts %+v", a.Drills[i].ID, x, y)
				}
			}
			if y.Limit == "" {
				continue
			}
			short++
			if !strings.HasPrefix(y.Limit, "attachment:") || math.Abs(y.Expected-y.Needed*11/12) > 1e-3 || math.Abs(y.Got-y.Expected) > 0.05*y.Needed {
				t.Errorf("%s: %+v", a.Drills[i].ID, y)
			}
		}
	}
	if short == 0 {
		t.Error("together they are not too much")
	}
}

func TestMoreThanACapacityCarriesIsFound(t *testing.T) {
	e := example(t, "northwind", "")
	r, err := newRehearsal(e.d, e.n, e.c, e.proof, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := r.loads[0]
	p := &sender{LoadPart: l.By[0]}
	paths := r.healthy.Trace(network.Flow{Src: p.A, Dst: p.B})
	p.paths = paths[:1]
	s, err := sim.New(e.n, sim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	s.Settle(time.Hour)
	x := &run{rehearsal: r, out: r.blank(Scenarios(e.n)[0]), sc: Scenarios(e.n)[0]}
	p.Need = 10
	x.send(s, []*sender{p})
	all := func(_ string, _ int, mbps float64) float64 { return mbps }
	at := prove.CrossingsOf(&paths[0])[0]
	for mbps, want := range map[float64]int{10: 0, 9.9: 0, 5: 1} {
		x.out.Disagreements = nil
		if x.carried([]*sender{p}, map[string]float64{at.Capacity: mbps}, all, 1); len(x.out.Disagreements) != want {
			t.Errorf("10 Mbps over a capacity of %g: %v", mbps, x.out.Disagreements)
		}
	}
}
