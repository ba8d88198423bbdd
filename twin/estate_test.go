package twin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/pattern"
	"onramp/rehearse"
	"onramp/sim"
)

// bench is an estate on a virtual clock, which stands still but for what the test lets pass.
type bench struct {
	*estate
	t  testing.TB
	s  *sim.Sim
	rs azure.Resources
	// number counts the changes of rs.
	number uint64
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t}
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	e, s, err := newEstate(mustCatalog(t), func() time.Time {
		if b.s == nil {
			return began
		}
		return began.Add(b.s.Now())
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.estate, b.s = e, s
	e.call = func(_ context.Context, do func(*sim.Sim)) error { do(s); return nil }
	e.resources = func() (azure.Resources, uint64) { return b.rs, b.number }
	e.changes = func() uint64 { return b.number }
	return b
}

// put puts a design's resources and premises in.
func (b *bench) put(rs azure.Resources, p design.Premises) {
	b.t.Helper()
	b.rs = rs
	b.number++
	b.setPremises(p)
	if err := b.update(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// pass lets time pass, until nothing more comes.
func (b *bench) pass() {
	b.t.Helper()
	for range 10_000 {
		b.s.Run(b.s.Now() + 100*time.Millisecond)
		if is, err := b.settled(b.t.Context()); err != nil {
			b.t.Fatal(err)
		} else if is {
			b.s.Run(b.s.Now() + 10*time.Millisecond) // for the survey
			return
		}
	}
	b.t.Fatal("the estate does not settle")
}

// designOf compiles an example, nil where the pattern does not fit.
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
	d, _ := pattern.Compile(p, e, c, pattern.Options{})
	return d
}

func (b *bench) design(name string, p design.Pattern) *design.Design {
	b.t.Helper()
	d := designOf(b.t, b.catalog, name, p)
	if d == nil {
		b.t.Fatal(name, "has no design of this pattern")
	}
	return d
}

// converged answers as an endpoint without an estate would.
func converged(c *catalog.Catalog, d *design.Design) *arm.Converged {
	return &arm.Converged{Catalog: c, Premises: d.Premises, Resources: func() (azure.Resources, uint64) { return d.Resources, 1 }}
}

// rows are those of all tables of an estate, each written down.
func rows(t testing.TB, tables arm.Tables, rs azure.Resources) []string {
	t.Helper()
	var out []string
	add := func(what string, id azure.ID, err error, list ...any) {
		if err != nil {
			t.Fatal(what, id, err)
		}
		for _, x := range list {
			out = append(out, fmt.Sprintf("%s %s: %+v", what, id, x))
		}
	}
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](rs) {
		for _, peering := range []string{"AzurePrivatePeering", "MicrosoftPeering"} {
			for _, path := range []string{"primary", "secondary"} {
				arp, err := tables.ARP(string(c.ID), peering, path)
				add("arp "+peering+" "+path, c.ID, err, anyOf(arp)...)
				routes, err := tables.CircuitRoutes(string(c.ID), peering, path)
				add("routes "+peering+" "+path, c.ID, err, anyOf(routes)...)
			}
		}
	}
	for _, g := range azure.Of[*azure.VirtualNetworkGateway](rs) {
		learned, err := tables.Learned(string(g.ID))
		add("learned", g.ID, err, anyOf(learned)...)
		peers, err := tables.Peers(string(g.ID))
		for _, p := range peers {
			p.ConnectedDuration, p.MessagesSent, p.MessagesReceived = "", 0, 0
			add("peer", g.ID, err, p)
			if a, err := netip.ParseAddr(p.Neighbor); err == nil {
				told, err := tables.Advertised(string(g.ID), a)
				add("advertised to "+p.Neighbor, g.ID, err, anyOf(told)...)
			}
		}
	}
	for _, v := range azure.Of[*azure.VirtualNetwork](rs) {
		for i := range v.Properties.Subnets {
			id := v.ID + azure.ID("/subnets/"+v.Properties.Subnets[i].Name)
			list, err := tables.Effective(string(id))
			add("effective", id, err, anyOf(list)...)
		}
	}
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](rs) {
		is, err := tables.Linked(string(c.ID))
		add("linked", c.ID, err, is)
	}
	slices.Sort(out)
	return out
}

func anyOf[T any](list []T) []any {
	out := make([]any, len(list))
	for i, x := range list {
		out[i] = x
	}
	return out
}

func differ(t testing.TB, got, want []string) {
	t.Helper()
	n := 0
	for i, j := 0, 0; i < len(got) || j < len(want); {
		c := 0
		switch {
		case i == len(got):
			c = 1
		case j == len(want):
			c = -1
		default:
			c = cmp.Compare(got[i], want[j])
		}
		if c == 0 {
			i, j = i+1, j+1
			continue
		}
		if n++; n > 20 {
			t.Error("and more")
			return
		}
		if c < 0 {
			t.Error("runs:", got[i])
			i++
		} else {
			t.Error("does not:", want[j])
			j++
		}
	}
}

func TestTheRunningTablesAreTheConvergedOnesOfEveryExample(t *testing.T) {
	for _, name := range examples.Names() {
		for _, p := range design.Patterns() {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				t.Parallel()
				b := newBench(t)
				d := designOf(t, b.catalog, name, p)
				if d == nil {
					return
				}
				b.put(d.Resources, d.Premises)
				b.pass()
				want := rows(t, converged(b.catalog, d), d.Resources)
				if len(want) < 10 {
					t.Fatalf("only %d rows", len(want))
				}
				differ(t, rows(t, b, d.Resources), want)
			})
		}
	}
}

// step is a step of a script with what a test writes.
func cut(element string) rehearse.Step { return rehearse.Step{Cut: element} }

// learnt are the routes of a gateway that a test asks for again and again.
func (b *bench) learnt(g azure.ID) []arm.GatewayRoute {
	b.t.Helper()
	list, err := b.Learned(string(g))
	if err != nil {
		b.t.Fatal(err)
	}
	return list
}

// since are the events after a number.
func (b *bench) since(number uint64) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.news.after(number)
}

func (b *bench) last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.news.next - 1
}

// begin turns a fault on.
func (b *bench) begin(s rehearse.Step) *Fault {
	b.t.Helper()
	f, err := b.fault(b.t.Context(), s)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

func (b *bench) end(targets ...string) {
	b.t.Helper()
	if _, err := b.restore(b.t.Context(), targets...); err != nil {
		b.t.Fatal(err)
	}
}

func TestEveryKindOfFaultComesAndGoes(t *testing.T) {
	b := newBench(t)
	d := b.design("northwind", design.SharedHubSpoke)
	b.put(d.Resources, d.Premises)
	b.pass()
	want := rows(t, converged(b.catalog, d), d.Resources)
	site := "site:" + d.Premises.Sites[0].Name
	link := "link:" + d.Premises.Attachments[0].Name
	var session, msee, gateway, instance string
	w := b.base.Wiring()
	for i := range w.Sessions {
		if x := &w.Sessions[i]; x.Kind == "private" && session == "" {
			session, msee = x.Name, w.Routers[x.B].MSEE
		}
	}
	for i := range w.Routers {
		if x := &w.Routers[i]; x.Gateway != "" && gateway == "" {
			gateway, instance = "gateway:"+x.Gateway, "gateway:"+x.Name
		}
	}
	var circuits []string
	for _, c := range azure.Of[*azure.ExpressRouteCircuit](d.Resources) {
		circuits = append(circuits, "circuit:"+c.Name)
	}
	long := rehearse.Duration(10 * time.Second)
	seen := map[string]bool{}
	for _, x := range []struct {
		step rehearse.Step
		// felt tells that some table is another while it lasts.
		felt bool
	}{
		{rehearse.Step{Cut: link}, true},
		{rehearse.Step{Cut: link, How: "carrier"}, true},
		{rehearse.Step{Cut: session}, true},
		{rehearse.Step{Cut: circuits[0]}, true},
		{rehearse.Step{Cut: site}, true},
		{rehearse.Step{Drain: msee}, true},
		{rehearse.Step{Crash: msee}, true},
		{rehearse.Step{Crash: instance}, true},
		{rehearse.Step{Impair: link, Loss: 0.02, Delay: rehearse.Duration(30 * time.Millisecond)}, false},
		{rehearse.Step{OneWay: link, Direction: "to-azure"}, true},
		{rehearse.Step{Flap: link, Up: long, Down: long}, false},
		{rehearse.Step{Grey: msee}, false},
		{rehearse.Step{OriginateDefault: site}, true},
		{rehearse.Step{OriginateAggregate: site}, true},
		{rehearse.Step{TooManyPrefixes: site}, true},
		{rehearse.Step{Echo: circuits[0], To: circuits[1]}, true},
		{rehearse.Step{WrongFilter: session, With: "172.16.0.0/12"}, false},
		{rehearse.Step{BFDOff: link}, false},
	} {
		f := b.begin(x.step)
		seen[f.verb()] = true
		for range 50 {
			b.s.Run(b.s.Now() + 100*time.Millisecond)
		}
		if x.felt == slices.Equal(rows(t, b, d.Resources), want) {
			t.Errorf("%s: felt is %v", f.What, x.felt)
		}
		if _, err := b.fault(t.Context(), x.step); err == nil {
			t.Errorf("%s is on twice", f.What)
		}
		b.end(f.Target)
		b.pass()
		if !slices.Equal(rows(t, b, d.Resources), want) {
			t.Errorf("after %s:", f.What)
			differ(t, rows(t, b, d.Resources), want)
		}
	}
	for _, s := range []rehearse.Step{{Reset: session}, {Restart: msee, For: &long}, {Restart: msee, For: &long, Forwards: true}, {Roll: gateway, Down: long}} {
		before := b.last()
		f := b.begin(s)
		seen[f.verb()] = true
		b.s.Run(b.s.Now() + f.Until.Sub(f.Since) + time.Second)
		b.pass()
		if len(b.since(before)) < 3 {
			t.Errorf("nothing comes of %s", f.What)
		}
		if len(b.faults) > 0 {
			t.Errorf("%s is on", f.What)
		}
		if !slices.Equal(rows(t, b, d.Resources), want) {
			t.Errorf("after %s:", f.What)
			differ(t, rows(t, b, d.Resources), want)
		}
	}
	for _, v := range rehearse.Verbs() {
		if !seen[v] {
			t.Errorf("nobody tries %s", v)
		}
	}
}

func TestALeakByThePremisesIsLearned(t *testing.T) {
	b := newBench(t)
	d := b.design("northwind", design.Isolated)
	b.put(d.Resources, d.Premises)
	b.pass()
	g := azure.Of[*azure.VirtualNetworkGateway](d.Resources)[0].ID
	has := func(prefix string) bool {
		return slices.ContainsFunc(b.learnt(g), func(r arm.GatewayRoute) bool { return r.Network == prefix })
	}
	foreign := netip.MustParsePrefix("10.0.0.0/8")
	if has(foreign.String()) {
		t.Fatal("it is there already")
	}
	f := b.begin(rehearse.Step{OriginateAggregate: "site:" + d.Premises.Sites[0].Name, Prefix: foreign})
	b.pass()
	if !has(foreign.String()) {
		t.Error("the gateway does not learn it")
	}
	b.end(f.Target)
	b.pass()
	if has(foreign.String()) {
		t.Error("the gateway has it still")
	}
}

func TestAFaultEndsByItself(t *testing.T) {
	b := newBench(t)
	d := b.design("northwind", design.Isolated)
	b.put(d.Resources, d.Premises)
	b.pass()
	lasts := rehearse.Duration(30 * time.Second)
	s := cut("link:" + d.Premises.Attachments[0].Name)
	s.For = &lasts
	f := b.begin(s)
	if f.Until.Sub(f.Since) != 30*time.Second || b.next() != 30*time.Second {
		t.Error(f, b.next())
	}
	b.pass()
	up := b.up
	b.s.Run(b.s.Now() + 31*time.Second)
	if err := b.update(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.pass()
	if len(b.faults) > 0 || b.up <= up {
		t.Errorf("%d faults, %d sessions where there were %d", len(b.faults), b.up, up)
	}
}

func TestWhatDoesNotChangeIsNotDisturbed(t *testing.T) {
	b := newBench(t)
	d := b.design("contoso-shared", design.Isolated)
	circuits := azure.Of[*azure.ExpressRouteCircuit](d.Resources)
	var lobs []string
	for _, c := range circuits {
		if lob := c.Tags[design.TagLineOfBusiness]; !slices.Contains(lobs, lob) {
			lobs = append(lobs, lob)
		}
	}
	if len(lobs) < 2 {
		t.Fatal("the example has too few lines of business")
	}
	of := func(x azure.Resource) string { return x.Head().Tags[design.TagLineOfBusiness] }
	without := slices.DeleteFunc(slices.Clone(d.Resources), func(x azure.Resource) bool { return of(x) == lobs[0] })
	theirs := map[string]bool{} // sessions of the line of business that comes and goes
	for _, c := range circuits {
		if of(c) == lobs[0] {
			theirs["circuit:"+c.Name] = true
		}
	}
	b.put(d.Resources, d.Premises)
	b.pass()
	foreign := map[string]bool{}
	w := b.base.Wiring()
	for i := range w.Sessions {
		if x := &w.Sessions[i]; slices.ContainsFunc(x.Elements, func(e string) bool { return theirs[e] }) || slices.ContainsFunc(w.Routers[x.B].Elements, func(e string) bool { return theirs[e] }) {
			foreign[x.Name] = true
		}
	}
	if len(foreign) == 0 || len(foreign) == len(w.Sessions) {
		t.Fatal(len(foreign), "sessions come and go")
	}
	for _, rs := range []azure.Resources{without, d.Resources, without, d.Resources} {
		before := b.last()
		b.put(rs, d.Premises)
		b.pass()
		went := 0
		for _, x := range b.since(before) {
			if x.What != "session" {
				continue
			}
			if went++; !foreign[x.Session] {
				t.Fatalf("%+v", x)
			}
		}
		if went == 0 {
			t.Fatal("no session comes or goes")
		}
	}
}

func TestResourcesOfOneNameInTwoGroupsAreApart(t *testing.T) {
	b := newBench(t)
	d := b.design("northwind", design.Isolated)
	double := slices.Clone(d.Resources)
	moved, err := azure.Rehome(d.Resources, map[string]string{"sub-finance": "a-finance", "sub-hr": "a-hr", "sub-sales": "a-sales", "sub-it": "a-it", "sub-network": "a-network"})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range moved {
		if !slices.ContainsFunc(double, func(y azure.Resource) bool { return y.Head().ID.Equal(x.Head().ID) }) {
			double = append(double, x)
		}
	}
	double.Sort()
	if len(double) == len(d.Resources) {
		t.Fatal("nothing is there twice")
	}
	b.put(double, d.Premises)
	b.pass()
	both := *d
	both.Resources = double
	differ(t, rows(t, b, double), rows(t, converged(b.catalog, &both), double))
	// They go again, and with them their names.
	b.put(d.Resources, d.Premises)
	b.pass()
	differ(t, rows(t, b, d.Resources), rows(t, converged(b.catalog, d), d.Resources))
	for _, c := range azure.Of[*azure.VirtualNetworkGatewayConnection](moved) {
		if is, err := b.Linked(string(c.ID)); err == nil && is != arm.NotLinked && !slices.ContainsFunc(d.Resources, func(y azure.Resource) bool { return y.Head().ID.Equal(c.ID) }) {
			t.Errorf("%s is gone and %s", c.ID, is)
		}
	}
}

func TestWhatCannotGoWrongIsRefused(t *testing.T) {
	b := newBench(t)
	if _, err := b.fault(t.Context(), cut("link:none")); err == nil || !strings.Contains(err.Error(), "link:none") {
		t.Error(err)
	}
	d := b.design("northwind", design.Isolated)
	b.put(d.Resources, d.Premises)
	link := "link:" + d.Premises.Attachments[0].Name
	for said, s := range map[string]rehearse.Step{
		"did you mean":            cut(link[:len(link)-1]),
		"says when and not what":  {},
		"a repair is no fault":    {Repair: link},
		"graceful":                {Restart: "router:x", Graceful: true},
		"does two things":         {Cut: link, Crash: link},
		"router or gateway":       {Crash: link},
		"one-way failure has a d": {OneWay: link},
		"ends when it begins":     {Cut: link, For: new(rehearse.Duration)},
	} {
		_, err := b.fault(t.Context(), s)
		var no Refusal
		if err == nil || !strings.Contains(err.Error(), said) || !errors.As(err, &no) {
			t.Errorf("%+v: %v, where %q was to come", s, err, said)
		}
	}
	if _, err := b.restore(t.Context(), link); err == nil {
		t.Error("what is well is restored")
	}
	if len(b.faults) > 0 {
		t.Error(b.faults)
	}
}

func TestAFaultWaitsForWhatItIsAbout(t *testing.T) {
	b := newBench(t)
	d := b.design("northwind", design.Isolated)
	b.put(d.Resources, d.Premises)
	b.pass()
	f := b.begin(cut("circuit:" + azure.Of[*azure.ExpressRouteCircuit](d.Resources)[0].Name))
	b.pass()
	short := rows(t, b, d.Resources)
	b.put(nil, d.Premises)
	b.pass()
	if f.Waits == "" {
		t.Error("it does not wait")
	}
	b.put(d.Resources, d.Premises)
	b.pass()
	if f.Waits != "" {
		t.Error(f.Waits)
	}
	differ(t, rows(t, b, d.Resources), short)
	b.end()
	b.pass()
	differ(t, rows(t, b, d.Resources), rows(t, converged(b.catalog, d), d.Resources))
}

func TestOldEventsMakeRoomForNewOnes(t *testing.T) {
	n := newNews()
	for range mostNews + 10 {
		n.add(Event{})
	}
	list := n.after(0)
	if len(list) != mostNews || list[0].Number != 11 || list[len(list)-1].Number != mostNews+10 {
		t.Error(len(list), list[0].Number)
	}
	if list = n.after(mostNews + 8); len(list) != 2 || list[0].Number != mostNews+9 {
		t.Error(list)
	}
	if list = n.after(mostNews + 10); len(list) != 0 {
		t.Error(list)
	}
}

func TestALongTimeIsWrittenAsAzureDoes(t *testing.T) {
	for want, d := range map[string]time.Duration{"00:00:00": 999 * time.Millisecond, "01:02:03": time.Hour + 2*time.Minute + 3*time.Second, "2.00:00:01": 48*time.Hour + time.Second} {
		if got := lasting(d); got != want {
			t.Errorf("%s is written %s, not %s", d, got, want)
		}
	}
}
