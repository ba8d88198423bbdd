package design

import (
	"bytes"
	"flag"
	"net/netip"
	"os"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/bgp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sample is a small design with one circuit, its two sessions, a provider edge and a QinQ port.
func sample() *Design {
	circuit := azure.NewID("sub-a", "rg-a", "Microsoft.Network/expressRouteCircuits", "er-a-1")
	port := azure.NewID("sub-a", "rg-a", "Microsoft.Network/expressRoutePorts", "erp-a")
	direct := azure.NewID("sub-a", "rg-a", "Microsoft.Network/expressRouteCircuits", "er-b-1")
	pref := uint32(200)
	c := &azure.ExpressRouteCircuit{Header: azure.Header{ID: circuit, Name: "er-a-1", Type: "Microsoft.Network/expressRouteCircuits", Location: "canadacentral"}}
	p := &azure.ExpressRoutePort{Header: azure.Header{ID: port, Name: "erp-a", Type: "Microsoft.Network/expressRoutePorts", Location: "canadacentral"}}
	p.Properties.Encapsulation = "QinQ"
	q := &azure.ExpressRouteCircuit{Header: azure.Header{ID: direct, Name: "er-b-1", Type: "Microsoft.Network/expressRouteCircuits", Location: "canadacentral"}}
	q.Properties.ExpressRoutePort = &azure.Ref{ID: port}
	session := func(circuit azure.ID, connection, local, peer string, vlan int) Session {
		return Session{Name: circuit.Name() + "/private/" + connection, Circuit: circuit, Connection: connection, Peering: "AzurePrivatePeering", Attachment: "site/bell/1", Interface: "eth1.100", VLAN: vlan,
			LocalAddress: netip.MustParsePrefix(local), PeerAddress: netip.MustParseAddr(peer), PeerASN: 12076, KeepaliveSec: 60, HoldSec: 180, BFDMilliseconds: 300, BFDMultiplier: 3,
			Import: &bgp.Policy{Name: "in", Default: bgp.Reject, Terms: []bgp.Term{{Name: "azure", Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: pfx("10.20.0.0/20")}}}, Set: bgp.Set{LocalPref: &pref}, Action: bgp.Accept}}},
			Export: &bgp.Policy{Name: "out", Default: bgp.Reject, Terms: []bgp.Term{{Name: "sites", Match: bgp.Match{Prefixes: []bgp.PrefixRule{{Prefix: pfx("10.0.0.0/16"), GE: 16, LE: 24}}}, Action: bgp.Accept}}}}
	}
	first, second, qinq := session(circuit, Primary, "172.16.0.1/30", "172.16.0.2", 100), session(circuit, Secondary, "172.16.0.5/30", "172.16.0.6", 100), session(direct, Primary, "172.16.0.9/30", "172.16.0.10", 101)
	second.BFDMilliseconds = 0
	second.Import, second.Export = nil, nil
	return &Design{APIVersion: APIVersion, Name: "sample", Pattern: Shared, Resources: azure.Resources{p, c, q},
		Premises: Premises{Sites: []Site{{Name: "site", ASN: 65010, Prefixes: prefixes("10.0.0.0/16"), PublicPrefixes: []netip.Prefix{}, Routers: []Router{
			{Name: "site-ce1", ASN: 65010, RouterID: netip.MustParseAddr("172.16.0.1"), Sessions: []Session{first, qinq}},
			{Name: "site-ce2", ASN: 65010, RouterID: netip.MustParseAddr("172.16.0.5"), Sessions: []Session{second}}}}},
			Backbone: []Backbone{}, ProviderEdges: []Router{{Name: "bell-pe1", ASN: 577, RouterID: netip.MustParseAddr("10.255.0.1"), Provider: "Bell Canada", Location: "Montreal",
				Sessions: []Session{{Name: "pe", Neighbor: "site-ce1", Interface: "ge0.7", VLAN: 7, LocalAddress: netip.MustParsePrefix("172.16.1.1/30"), PeerAddress: netip.MustParseAddr("172.16.1.2"), PeerASN: 65010}}}},
			Attachments: []Attachment{{Name: "site/bell/1", Site: "site", Router: "site-ce1", Provider: "Bell Canada", Model: "ethernet", Location: "Montreal", Mbps: 1000, Number: 1}}, RoutesBetween: [][]string{}},
		Orders: []Order{}, Assumptions: []Assumption{}}
}

func TestADesignSurvivesWritingAndReading(t *testing.T) {
	b, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	d, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := d.Encode()
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("it changed on the way (%v):\n%s\n%s", err, b, again)
	}
}

func TestADesignThatCannotBeReadSaysWhereAndWhy(t *testing.T) {
	whole, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	text := string(whole)
	for _, c := range []struct{ name, src, want string }{
		{"nothing", " \n", "the input is empty; `onramp design estate.yaml` writes one"},
		{"not JSON", "apiVersion: onramp/v1\n", "1:1: this is not JSON"},
		{"cut off", text[:len(text)/2], "the file ends before the design does; is it cut off?"},
		{"two designs", text + text, "something follows the design's closing brace"},
		{"a key that no design has", strings.Replace(text, `"pattern"`, `"patern"`, 1), `4:3: there is no such key "patern"; did you mean pattern? The keys here are apiVersion, assumptions, `},
		{"a value of another kind", strings.Replace(text, `"name": "sample"`, `"name": 7`, 1), "name is a number; want string"},
		{"another version", strings.Replace(text, APIVersion, "onramp/v9", 1), `apiVersion is "onramp/v9"; want "onramp/v1"`},
		{"a pattern that does not exist", strings.Replace(text, `"pattern": "shared"`, `"pattern": "mesh"`, 1), `pattern is "mesh"; want one of [shared shared-hub-spoke isolated isolated-hub-spoke]`},
		{"a resource without a type", strings.Replace(text, `"type": "Microsoft.Network/expressRoutePorts"`, `"kind": "x"`, 1), "it has no type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Decode([]byte(c.src)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v; want it to contain %q", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	b, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`{"apiVersion":"onramp/v1","resources":[{"type":"x","id":"/subscriptions/a"}]}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := Decode(src)
		if err != nil {
			return
		}
		first, err := d.Encode()
		if err != nil {
			return // a value that JSON has no form for
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, first)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("reading and writing again changed it (%v)", err)
		}
	})
}

func TestThePeeringSheetHasARowForEachSession(t *testing.T) {
	const golden = "testdata/peering-sheet.csv"
	got := sample().SheetCSV()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
