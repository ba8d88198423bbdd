package twin

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
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
