package rehearse

import (
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
)

// open is northwind with routes between finance and hr, and a firewall that lets everything through.
func (e estate) open(t *testing.T) estate {
	t.Helper()
	b, err := e.d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := design.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range azure.Of[*azure.FirewallPolicyRuleCollectionGroup](d.Resources) {
		c := &g.Properties.RuleCollections[0]
		c.Rules = append(c.Rules, azure.FirewallPolicyRule{RuleType: "NetworkRule", Name: "everything", IPProtocols: []string{"Any"}, SourceAddresses: []string{"*"}, DestinationAddresses: []string{"*"}, DestinationPorts: []string{"*"}})
	}
	for _, r := range azure.Of[*azure.RouteTable](d.Resources) {
		to, ok := map[string]string{"rt-fin-core": "10.21.0.0/20", "rt-hr-core": "10.20.0.0/20"}[r.Name]
		if !ok {
			continue
		}
		more := r.Properties.Routes[0]
		more.Name, more.ID, more.Properties.AddressPrefix = "open", r.ID+"/routes/open", to
		r.Properties.Routes = append(r.Properties.Routes, more)
	}
	n, _ := network.Build(d.Resources, d.Premises, e.c, network.Options{})
	return estate{e.c, d, n, prove.Prove(d, n, e.c, prove.Options{})}
}

func TestPacketsBetweenIsolatedLinesOfBusinessGoNowhere(t *testing.T) {
	for name, pairs := range map[string]IsolatedPairs{"northwind": {4, 0}, "contoso-shared": {2, 0}, "fabrikam-isolated": {0, 2}, "litware-dual-stack": {0, 0}} {
		e := example(t, name, "")
		r := e.rehearse(t, Options{Seed: 7, Parallel: 2})
		agrees(t, r)
		if r.Isolated != pairs {
			t.Errorf("%s: %+v, want %+v", name, r.Isolated, pairs)
		}
		for i := range r.Drills {
			d := &r.Drills[i]
			if x := d.Isolation; x.Pairs != pairs.Tried || x.Sent != 3*16*x.Pairs || x.Seen != 0 || len(x.Leaks) != 0 {
				t.Errorf("%s, %s: %+v", name, d.ID, x)
			}
		}
	}
}

// The fault: the firewall that runs lets packets of one line of business into the other, that of the proof does not.
func TestAFirewallThatLetsOneLineOfBusinessIntoTheOtherIsFound(t *testing.T) {
	e := example(t, "northwind", "")
	o := Options{Seed: 1, Drills: []string{"router:toronto-ce1"}, Believe: e.n.Converge}
	agrees(t, e.rehearse(t, o))
	faulty := e.open(t)
	r, err := Run(e.d, faulty.n, e.c, e.proof, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Agrees {
		t.Fatal("it agrees")
	}
	whens := map[string]int{}
	for _, d := range r.Drills[0].Disagreements {
		if strings.Contains(d.String(), "the proof says that no packet of the one gets to the other; of 16 packets 16 arrived, by vnet-") && strings.HasPrefix(d.Flow, "isolation of ") {
			whens[d.When]++
		}
	}
	if whens["healthy"] != 4 || whens["failed"] != 4 || whens["repaired"] != 4 {
		t.Errorf("%v: %v", whens, r.Drills[0].Disagreements)
	}
	if x := r.Drills[0].Isolation; x.Seen != x.Sent || len(x.Leaks) != 12 || x.Leaks[0].Proof != None || x.Leaks[0].Allowed {
		t.Errorf("%+v", x)
	}
}

func TestALeakThatTheProofTellsIsSeenAndIsNoDisagreement(t *testing.T) {
	e := example(t, "northwind", "").open(t)
	i := slices.IndexFunc(e.proof.Scenarios, func(v prove.ScenarioVerdict) bool { return v.ID == "router:toronto-ce1" })
	if len(e.proof.Scenarios[i].Fails) == 0 {
		t.Fatal("the proof tells nothing")
	}
	o := Options{Seed: 1, Drills: []string{"router:toronto-ce1"}}
	r := e.rehearse(t, o)
	agrees(t, r)
	if x := r.Drills[0].Isolation; x.Seen != x.Sent || len(x.Leaks) != 12 || x.Leaks[0].Proof != Whole {
		t.Errorf("%+v", x)
	}
	e.proof.Scenarios[i].Fails = nil
	r = e.rehearse(t, o)
	if r.Agrees || !strings.Contains(r.Drills[0].Disagreements[0].String(), "isolation among what fails") {
		t.Errorf("a verdict that forgets the leak: %v", r.Drills[0].Disagreements)
	}
}

func TestALeakThatTheProofTellsAndNobodySeesIsADisagreement(t *testing.T) {
	e := example(t, "northwind", "")
	r := e.rehearse(t, Options{Seed: 1, Drills: []string{"router:toronto-ce1"}, Believe: e.open(t).n.Converge})
	if r.Agrees || !slices.ContainsFunc(r.Drills[0].Disagreements, func(d Disagreement) bool {
		return strings.Contains(d.String(), "the proof says that every packet of the one gets to the other; of 16 packets 0 arrived")
	}) {
		t.Errorf("%v", r.Drills[0].Disagreements)
	}
}
