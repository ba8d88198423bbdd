package rehearse

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/bgp"
	"onramp/design"
	"onramp/network"
	"onramp/sim"
)

// misdone runs an estate, lets the premises do wrong while it runs and right again, and holds both against the proof. It returns the proof
// of the one and of the other.
func misdone(t *testing.T, e estate, m Misdeed) (right, wrong *network.State, bad *design.Design) {
	t.Helper()
	before, err := e.d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	bad, err = Apply(e.d, m)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := e.d.Encode(); err != nil || string(after) != string(before) {
		t.Errorf("the design is not what it was: %s (%v)", cmp.Diff(string(before), string(after)), err)
	}
	n, _ := network.Build(bad.Resources, bad.Premises, e.c, network.Options{})
	s, err := sim.New(e.n, sim.Options{Seed: 4})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	states := map[*network.Network]*network.State{}
	for i, x := range []*network.Network{e.n, n, e.n} {
		if i > 0 {
			if err := s.Become(x); err != nil {
				t.Fatal(err)
			}
		}
		if !s.Settle(time.Hour) {
			t.Fatal("it does not settle")
		}
		if x == e.n {
			for _, name := range s.Latched() {
				if err := s.Reset(name); err != nil {
					t.Fatal(err)
				}
			}
			if !s.Settle(time.Hour) {
				t.Fatal("it does not settle after resets")
			}
		}
		if states[x] == nil {
			states[x] = x.Converge(network.Scenario{ID: string(network.Healthy), Kind: network.Healthy})
		}
		if d := s.Differs(states[x]); len(d) > 0 {
			t.Errorf("%d differences from the proof, the first %v", len(d), d[0])
		}
	}
	return states[e.n], states[n], bad
}

// rowsOf finds the routes to a prefix in a router's table.
func rowsOf(st *network.State, router string, p netip.Prefix) []network.Row {
	return slices.DeleteFunc(st.Table(router), func(r network.Row) bool { return r.Prefix != p })
}

// tablesWith are the routers whose names have a part.
func tablesWith(e estate, part string) (out []string) {
	for _, r := range e.n.Routers() {
		if strings.Contains(r, part) {
			out = append(out, r)
		}
	}
	return out
}

// defaults counts the subnets whose default route goes to a gateway.
func defaults(e estate, st *network.State) (k int) {
	for _, x := range azure.Of[*azure.VirtualNetwork](e.d.Resources) {
		for _, sn := range x.Properties.Subnets {
			for _, r := range st.EffectiveRoutes(x.ID, sn.Name) {
				if r.Prefix.Bits() == 0 && r.State == "Active" && r.NextHopType == "VirtualNetworkGateway" {
					k++
				}
			}
		}
	}
	return k
}

func TestADefaultRouteOfThePremisesDrawsTheVNets(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	right, wrong, _ := misdone(t, e, Misdeed{Kind: OriginateDefault, Site: "toronto"})
	if had, has := defaults(e, right), defaults(e, wrong); had != 0 || has == 0 {
		t.Errorf("%d subnets have a default route to the gateway before, %d with it", had, has)
	}
}

func TestAnAggregateOfThePremisesCoversWhatOthersAnnounce(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	right, wrong, bad := misdone(t, e, Misdeed{Kind: OriginateAggregate, Site: "toronto"})
	i := slices.IndexFunc(bad.Premises.Sites, func(s design.Site) bool { return s.Name == "toronto" })
	p := bad.Premises.Sites[i].Prefixes[len(bad.Premises.Sites[i].Prefixes)-1]
	for _, s := range e.d.Premises.Sites {
		for _, q := range s.Prefixes {
			if q.Addr().Is4() && (!p.Contains(q.Addr()) || p.Bits() >= q.Bits()) {
				t.Errorf("%s does not cover %s of %s", p, q, s.Name)
			}
		}
	}
	for _, r := range tablesWith(e, "ergw-") {
		if len(rowsOf(right, r, p)) != 0 || len(rowsOf(wrong, r, p)) == 0 {
			t.Errorf("%s has %v before and %v with it", r, rowsOf(right, r, p), rowsOf(wrong, r, p))
		}
	}
	if _, err := Apply(bad, Misdeed{Kind: OriginateAggregate, Site: "toronto", Prefix: p}); err == nil {
		t.Error("it can be announced twice")
	}
}

// circuitsOf are the names of a design's circuits.
func circuitsOf(d *design.Design) (out []string) {
	for _, x := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		out = append(out, x.Name)
	}
	return out
}

func TestPremisesThatEchoOneCircuitsRoutesToAnotherAreBelievedByItsMSEEs(t *testing.T) {
	e := example(t, "northwind", design.Isolated)
	names := circuitsOf(e.d)
	from, to := names[0], ""
	for _, x := range names[1:] { // of another line of business
		if strings.TrimRight(x, "-12") != strings.TrimRight(from, "-12") {
			to = x
		}
	}
	right, wrong, _ := misdone(t, e, Misdeed{Kind: EchoRoutes, From: from, To: to})
	echoes := func(st *network.State) (k int) {
		for _, r := range tablesWith(e, to+"/private/") {
			for _, row := range st.Table(r) {
				if strings.Contains(row.From, "ce") && row.Path.Contains(12076) {
					k++
				}
			}
		}
		return k
	}
	if had, has := echoes(right), echoes(wrong); had != 0 || has == 0 {
		t.Errorf("%s has %d echoes before and %d with it", to, had, has)
	}
	for _, r := range tablesWith(e, "ergw-") { // a gateway takes no path that it is in
		for _, row := range wrong.Table(r) {
			if row.From != "" && row.Path.Contains(65515) {
				t.Errorf("%s believes a path with its own AS: %v", r, row)
			}
		}
	}
}

func TestAFilterWithoutAPrefixHidesItAndOneWithAnotherLetsItThrough(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	var session *design.Session
	site := &e.d.Premises.Sites[0]
	for _, s := range privateSessions(e.d, site.Name) {
		if s.Circuit != "" && s.Export != nil {
			session = s
			break
		}
	}
	if session == nil {
		t.Fatal("no session with a filter")
	}
	p := session.Export.Terms[0].Match.Prefixes[0].Prefix
	vrf := session.Circuit.Name() + "/private/" + session.Connection
	right, wrong, bad := misdone(t, e, Misdeed{Kind: FilterWithout, Session: session.Name, Prefix: p})
	fromCE := func(st *network.State, p netip.Prefix) int {
		return len(slices.DeleteFunc(rowsOf(st, vrf, p), func(r network.Row) bool { return !strings.Contains(r.From, "-ce") }))
	}
	if fromCE(right, p) != 1 || fromCE(wrong, p) != 0 {
		t.Errorf("%s has %d routes to %s from the premises before, %d with it", vrf, fromCE(right, p), p, fromCE(wrong, p))
	}
	n := estate{e.c, bad, nil, nil}
	n.n, _ = network.Build(bad.Resources, bad.Premises, e.c, network.Options{})
	_, wrong, _ = misdone(t, n, Misdeed{Kind: FilterWith, Session: session.Name, Prefix: p})
	if fromCE(wrong, p) != 1 {
		t.Errorf("%s has %d routes to %s from the premises with the filter put right", vrf, fromCE(wrong, p), p)
	}
	taken := session.Import.Terms[0].Match.Prefixes[0].Prefix
	right, wrong, _ = misdone(t, e, Misdeed{Kind: FilterWithout, Session: session.Name, Import: true, Prefix: taken})
	ce := strings.Split(rowsOf(right, vrf, p)[0].From, "/")[0]
	from := func(st *network.State) int {
		return len(slices.DeleteFunc(rowsOf(st, ce, taken), func(r network.Row) bool { return r.From != vrf }))
	}
	if from(right) != 1 || from(wrong) != 0 {
		t.Errorf("%s has %d routes to %s from %s before, %d with it", ce, from(right), taken, vrf, from(wrong))
	}
}

func TestARouteFilterWithAnotherServiceOpensIt(t *testing.T) {
	e := example(t, "proseware-microsoft365", "")
	filters := azure.Of[*azure.RouteFilter](e.d.Resources)
	if len(filters) == 0 {
		t.Fatal("no route filter")
	}
	name, value := filters[0].Name, filters[0].Properties.Rules[0].Properties.Communities[0]
	k, err := bgp.ParseCommunity(value)
	if err != nil {
		t.Fatal(err)
	}
	services := func(st *network.State) (n int) {
		for _, r := range tablesWith(e, "/microsoft/") { // some circuits may have another filter
			for _, row := range st.Table(r) {
				if slices.Contains(row.Communities, k) {
					n++
				}
			}
		}
		return n
	}
	right, wrong, _ := misdone(t, e, Misdeed{Kind: FilterWithout, Filter: name, Community: value})
	if services(wrong) >= services(right) {
		t.Errorf("%d routes of %s before, %d without it", services(right), value, services(wrong))
	}
	right, wrong, _ = misdone(t, e, Misdeed{Kind: FilterWith, Filter: name, Community: "12076:5040"})
	k = 12076<<16 | 5040
	if services(right) != 0 || services(wrong) == 0 {
		t.Errorf("%d routes of 12076:5040 before, %d with it", services(right), services(wrong))
	}
}

func TestBFDSwitchedOffChangesNoRoute(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	var session string
	for _, s := range privateSessions(e.d, "") {
		if s.BFDMilliseconds > 0 {
			session = s.Name
		}
	}
	right, wrong, bad := misdone(t, e, Misdeed{Kind: BFDOff, Session: session})
	for _, r := range e.n.Routers() {
		if d := len(right.Table(r)) - len(wrong.Table(r)); d != 0 {
			t.Errorf("%s has %d routes more before", r, d)
		}
	}
	if _, err := Apply(bad, Misdeed{Kind: BFDOff, Session: session}); err == nil {
		t.Error("it can be switched off twice")
	}
}

func TestTooManyPrefixesTakeSessionsDown(t *testing.T) {
	e := example(t, "contoso-shared", design.Shared)
	site := e.d.Premises.Sites[0].Name
	right, wrong, _ := misdone(t, e, Misdeed{Kind: TooManyPrefixes, Site: site, Count: 4001})
	if len(right.Exceeded()) != 0 || len(wrong.Exceeded()) == 0 {
		t.Errorf("limits passed: %v before, %v with it", right.Exceeded(), wrong.Exceeded())
	}
	for _, count := range []int{0, -1, 1 << 30} {
		if _, err := Apply(e.d, Misdeed{Kind: TooManyPrefixes, Site: site, Count: count}); err == nil {
			t.Errorf("%d prefixes are possible", count)
		}
	}
}

func TestAMisdeedOfWhatIsNotThereGetsTheNearestNames(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	circuit := circuitsOf(e.d)[0]
	session := privateSessions(e.d, "")[0].Name
	for _, c := range []struct {
		m    Misdeed
		near string
	}{
		{Misdeed{Kind: "defualt", Site: "toronto"}, "default"},
		{Misdeed{Kind: OriginateDefault, Site: "tronto"}, "toronto"},
		{Misdeed{Kind: OriginateDefault}, "toronto"},
		{Misdeed{Kind: OriginateAggregate, Site: "torontoo"}, "toronto"},
		{Misdeed{Kind: TooManyPrefixes, Site: "torontoo", Count: 1}, "toronto"},
		{Misdeed{Kind: EchoRoutes, Site: "torontoo"}, "toronto"},
		{Misdeed{Kind: EchoRoutes, From: circuit + "x", To: circuit}, circuit},
		{Misdeed{Kind: EchoRoutes, From: circuit}, circuit},
		{Misdeed{Kind: BFDOff, Session: session + "x"}, session},
		{Misdeed{Kind: FilterWithout, Session: session + "x", Prefix: netip.MustParsePrefix("10.0.0.0/8")}, session},
		{Misdeed{Kind: FilterWith, Filter: "rf"}, ""},
	} {
		_, err := Apply(e.d, c.m)
		var unknown *UnknownName
		if !errors.As(err, &unknown) {
			t.Errorf("%+v: %v", c.m, err)
			continue
		}
		if c.near != "" && (!slices.Contains(unknown.Near, c.near) || !strings.Contains(err.Error(), c.near)) {
			t.Errorf("%+v: %v, want %s among the names", c.m, err, c.near)
		}
	}
	for _, m := range []Misdeed{{Kind: EchoRoutes, From: circuit, To: circuit}, {Kind: FilterWith, Session: session},
		{Kind: FilterWithout, Session: session, Prefix: netip.MustParsePrefix("203.0.113.0/24")}} {
		if _, err := Apply(e.d, m); err == nil {
			t.Errorf("%+v changes something", m)
		}
	}
}

// Whatever a misdeed is told, it changes a copy of the design or says why not.
func TestEveryMisdeedIsDoneOrRefused(t *testing.T) {
	e := example(t, "northwind", design.Shared)
	before, err := e.d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var sites, sessions []string
	for _, s := range e.d.Premises.Sites {
		sites = append(sites, s.Name)
	}
	for _, s := range privateSessions(e.d, "") {
		sessions = append(sessions, s.Name)
	}
	name := func(of []string) *rapid.Generator[string] {
		return rapid.OneOf(rapid.SampledFrom(append(of, "")), rapid.StringN(0, 8, 20))
	}
	rapid.Check(t, func(t *rapid.T) {
		m := Misdeed{Kind: rapid.SampledFrom(append(MisdeedKinds(), "?")).Draw(t, "kind"), Site: name(sites).Draw(t, "site"), Session: name(sessions).Draw(t, "session"),
			Import: rapid.Bool().Draw(t, "import"), From: name(circuitsOf(e.d)).Draw(t, "from"), To: name(circuitsOf(e.d)).Draw(t, "to"), Filter: name(nil).Draw(t, "filter"),
			Community: name(nil).Draw(t, "community"), Count: rapid.IntRange(-1, 1000).Draw(t, "count")}
		if rapid.Bool().Draw(t, "a prefix") {
			m.Prefix = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(rapid.IntRange(0, 255).Draw(t, "octet"))}), rapid.IntRange(0, 32).Draw(t, "bits"))
		}
		out, err := Apply(e.d, m)
		if err != nil {
			if err.Error() == "" || out != nil {
				t.Errorf("%v and %q", out, err)
			}
			return
		}
		after, err := out.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if string(after) == string(before) {
			t.Errorf("%+v changes nothing", m)
		}
		if same, _ := e.d.Encode(); string(same) != string(before) {
			t.Fatalf("%+v changes the design that it is given", m)
		}
	})
}
