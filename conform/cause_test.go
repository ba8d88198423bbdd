package conform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/network"
	"onramp/pattern"
)

func designOf(t testing.TB, c *catalog.Catalog, name string, p design.Pattern) *design.Design {
	t.Helper()
	src, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name+".yaml", src, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil {
		t.Fatal(obstacles)
	}
	return d
}

// looked are the tables at which somebody who may see everything looks, with an interface in each subnet.
func looked(d *design.Design) map[tableKey]*table {
	out := map[tableKey]*table{}
	for _, r := range d.Resources {
		id := r.Head().ID
		add := func(kind, part string) { out[tableKey{kind, id.Key(), part}] = &table{resource: id} }
		switch x := r.(type) {
		case *azure.ExpressRouteCircuit:
			for _, p := range x.Properties.Peerings {
				for _, path := range []string{primary, secondary} {
					for _, kind := range []string{arpTable, routesTable, summaryTable} {
						add(kind, p.Name+"/"+path)
					}
				}
			}
		case *azure.VirtualNetworkGateway:
			add(learnedTable, "")
			add(peersTable, "")
		case *azure.VirtualNetworkGatewayConnection:
			add(statusTable, "")
		case *azure.VirtualNetwork:
			for _, s := range x.Properties.Subnets {
				if workload(s.Name) {
					nic := azure.ID(string(id) + "-" + s.Name)
					out[tableKey{effectiveTable, nic.Key(), ""}] = &table{resource: nic, subnet: azure.ID(string(id) + "/subnets/" + s.Name)}
				}
			}
		}
	}
	return out
}

// shown is what an endpoint with these resources shows when its routers are in the state of an estate.
func shown(d *design.Design, rs azure.Resources, e *estate) *Observed {
	o := &Observed{Resources: rs, tables: looked(d), hidden: map[string]bool{}}
	for k, t := range o.tables {
		t.rows = e.rows(k, t)
	}
	return o
}

func compare(t testing.TB, d *design.Design, o *Observed, c *catalog.Catalog) *Result {
	t.Helper()
	r, err := Compare(d, o, c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func inJSON(x any) string {
	b, err := json.MarshalIndent(x, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func TestEverySingleFailureThatShowsIsNamed(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]design.Pattern{"northwind": design.SharedHubSpoke, "fabrikam-isolated": design.Isolated, "proseware-microsoft365": design.Shared} {
		t.Run(name, func(t *testing.T) {
			d := designOf(t, c, name, p)
			whole := d.Intent
			d.Intent = nil // what a failure costs is the proof's
			e := newEstate(d.Resources, d.Premises, c)
			if r := compare(t, d, shown(d, d.Resources, e), c); !r.Conforms {
				t.Fatal(inJSON(r))
			}
			showing := 0
			for _, sc := range e.net.Scenarios() {
				o := shown(d, d.Resources, e.under(sc))
				same := len(differences(e.show(o.tables), e.under(sc).show(o.tables))) == 0
				r := compare(t, d, o, c)
				if r.Conforms != same {
					t.Errorf("%s: it conforms: %t, and the tables are the proven ones: %t", sc.ID, r.Conforms, same)
				}
				if same {
					continue
				}
				showing++
				f := r.Findings[0]
				if len(r.Findings) != 1 || f.In != Wire || f.Kind != Down || !slices.Contains(f.Elements, sc.ID) || !strings.Contains(f.Cause, "exactly") || len(f.Symptoms) == 0 {
					t.Errorf("%s: %s", sc.ID, inJSON(r.Findings))
				}
			}
			if showing < 5 {
				t.Errorf("%d failures show", showing)
			}
			d.Intent = whole
		})
	}
}

func TestTwoFailuresAtOnceAreBothNamed(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "northwind", design.SharedHubSpoke)
	e := newEstate(d.Resources, d.Premises, c)
	sc, err := e.net.Scenario("link:toronto/equinix-toronto/1", "gateway:ergw-hub/1")
	if err != nil {
		t.Fatal(err)
	}
	r := compare(t, d, shown(d, d.Resources, e.under(sc)), c)
	for i, want := range [][]string{{"gateway:ergw-hub/1"}, {"link:toronto/equinix-toronto/1"}} {
		if len(r.Findings) != 2 || !slices.Contains(r.Findings[i].Elements, want[0]) {
			t.Fatal(inJSON(r.Findings))
		}
	}
	if !strings.Contains(r.Findings[1].Cause, "exactly") {
		t.Error(r.Findings[1].Cause)
	}
}

func TestASessionWhoseLinkAnswersIsToldApart(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "northwind", design.SharedHubSpoke)
	e := newEstate(d.Resources, d.Premises, c)
	sc, err := e.net.Scenario()
	if err != nil {
		t.Fatal(err)
	}
	const session = "er-montreal-toronto-1/private/primary"
	sc.Cut = []string{session}
	x := e.under(sc)
	x.answers = map[string]bool{session: true}
	r := compare(t, d, shown(d, d.Resources, x), c)
	if len(r.Findings) != 1 || !slices.Equal(r.Findings[0].Elements, []string{session}) || !strings.Contains(r.Findings[0].Cause, "the link answers and BGP alone is down") {
		t.Error(inJSON(r.Findings))
	}
}

func TestAFailureAndAChangeAreToldApart(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "northwind", design.SharedHubSpoke)
	home, err := Home(d, nil) // a copy
	if err != nil {
		t.Fatal(err)
	}
	azure.Of[*azure.VirtualNetworkGatewayConnection](home.Resources)[0].Properties.RoutingWeight = 7
	e := newEstate(home.Resources, d.Premises, c)
	sc, err := e.net.Scenario("link:toronto/equinix-toronto/2")
	if err != nil {
		t.Fatal(err)
	}
	r := compare(t, d, shown(d, home.Resources, e.under(sc)), c)
	if len(r.Findings) != 2 || r.Findings[0].In != Configuration || r.Findings[1].In != Wire || !slices.Contains(r.Findings[1].Elements, "link:toronto/equinix-toronto/2") {
		t.Error(inJSON(r.Findings))
	}
}

func TestOtherAddressesOfThePlatformAreAnAssumptionAndNoDifference(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "northwind", design.SharedHubSpoke)
	e := newEstate(d.Resources, d.Premises, c)
	moved := strings.NewReplacer("10.30.3.228", "10.30.3.201", "10.30.3.236", "10.30.3.202", "10.30.3.230", "10.30.3.203")
	show := func(sc network.Scenario) *Observed {
		o := shown(d, d.Resources, e.under(sc))
		for _, t := range o.tables {
			for i := range t.rows {
				t.rows[i].at, t.rows[i].key = moved.Replace(t.rows[i].at), moved.Replace(t.rows[i].key)
			}
		}
		return o
	}
	healthy, err := e.net.Scenario()
	if err != nil {
		t.Fatal(err)
	}
	if r := compare(t, d, show(healthy), c); !r.Conforms || len(r.Assumptions) != 1 || r.Assumptions[0].Name != network.AssumeMSEEAddress {
		t.Error(inJSON(r))
	}
	sc, err := e.net.Scenario("link:toronto/equinix-toronto/1")
	if err != nil {
		t.Fatal(err)
	}
	if r := compare(t, d, show(sc), c); len(r.Findings) != 1 || !slices.Contains(r.Findings[0].Elements, "link:toronto/equinix-toronto/1") {
		t.Error(inJSON(r))
	}
}

func TestWhatWasNotReadIsTakenAsDesignedAndNotCounted(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "northwind", design.SharedHubSpoke)
	e := newEstate(d.Resources, d.Premises, c)
	o := shown(d, d.Resources, e)
	table := d.Resources.Get(azure.Of[*azure.RouteTable](d.Resources)[0].ID)
	o.Resources = slices.DeleteFunc(slices.Clone(d.Resources), func(r azure.Resource) bool { return r == table })
	o.hidden[table.Head().ID.Key()] = true
	o.Unread = []Unread{{What: thing(table), Resource: table.Head().ID, Why: "nobody may"}}
	r := compare(t, d, o, c)
	if !r.Conforms || len(r.NotObserved) != 1 || r.Compared.Resources != len(d.Resources)-1 {
		t.Error(inJSON(r))
	}
	delete(o.hidden, table.Head().ID.Key())
	if r := compare(t, d, o, c); r.Conforms || r.Findings[0].Kind != Missing || !strings.Contains(r.Findings[0].What, "is not there") {
		t.Error(inJSON(r))
	}
}
