package bgp

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func pfx(s string) netip.Prefix { return netip.MustParsePrefix(s) }

var compareAddrs = cmp.Comparer(func(a, b netip.Addr) bool { return a == b })

func TestPrefixRulesMatchAsPrefixListsDo(t *testing.T) {
	for _, x := range []struct {
		rule    PrefixRule
		in, out []string
	}{
		{PrefixRule{Prefix: pfx("10.0.0.0/16")}, []string{"10.0.0.0/16"}, []string{"10.0.0.0/17", "10.0.0.0/15", "10.1.0.0/16", "10.0.0.0/8"}},
		{PrefixRule{Prefix: pfx("10.0.0.0/16"), GE: 16, LE: 16}, []string{"10.0.0.0/16"}, []string{"10.0.0.0/17", "10.0.0.0/15"}},
		{PrefixRule{Prefix: pfx("10.0.0.0/16"), GE: 8, LE: 24}, []string{"10.0.0.0/16", "10.0.7.0/24"}, []string{"10.0.0.0/8", "10.0.0.0/15"}},
		{PrefixRule{Prefix: pfx("10.0.0.0/16"), LE: 24}, []string{"10.0.0.0/16", "10.0.7.0/24"}, []string{"10.0.7.0/25", "10.0.0.0/15", "10.1.0.0/24"}},
		{PrefixRule{Prefix: pfx("10.0.0.0/16"), GE: 24}, []string{"10.0.7.0/24", "10.0.7.7/32"}, []string{"10.0.0.0/23", "10.0.0.0/16", "10.1.0.0/24"}},
		{PrefixRule{Prefix: pfx("10.0.0.0/8"), GE: 20, LE: 24}, []string{"10.9.16.0/20", "10.9.9.0/24"}, []string{"10.9.0.0/19", "10.9.9.0/25"}},
		{PrefixRule{Prefix: pfx("0.0.0.0/0")}, []string{"0.0.0.0/0"}, []string{"10.0.0.0/8", "::/0"}},
		{PrefixRule{Prefix: pfx("0.0.0.0/0"), LE: 32}, []string{"0.0.0.0/0", "10.0.0.0/8", "1.2.3.4/32"}, []string{"::/0", "2001:db8::/32"}},
		{PrefixRule{Prefix: pfx("2001:db8::/32"), GE: 48}, []string{"2001:db8:1::/48", "2001:db8::1/128"}, []string{"2001:db8::/32", "2001:db9::/48", "32.1.13.184/32"}},
	} {
		for _, p := range x.in {
			if !x.rule.Matches(pfx(p)) {
				t.Errorf("%+v does not match %s", x.rule, p)
			}
		}
		for _, p := range x.out {
			if x.rule.Matches(pfx(p)) {
				t.Errorf("%+v matches %s", x.rule, p)
			}
		}
	}
}

func TestATermMatchesWhenAllItsConditionsHold(t *testing.T) {
	route := Route{Prefix: pfx("10.0.0.0/16"), Attrs: &Attrs{Path: Path{12076, 65515, 65010}, Communities: []Community{10, 20}}}
	own := Route{Prefix: pfx("10.0.0.0/16"), Attrs: &Attrs{}}
	ctx := Context{From: EBGP, Peer: IBGP}
	rule := []PrefixRule{{Prefix: pfx("192.0.2.0/24")}, {Prefix: pfx("10.0.0.0/16")}}
	for _, x := range []struct {
		name  string
		route Route
		match Match
		want  bool
	}{
		{"no condition matches everything", route, Match{}, true},
		{"one prefix rule of several is enough", route, Match{Prefixes: rule}, true},
		{"no prefix rule matches", route, Match{Prefixes: rule[:1]}, false},
		{"any of the communities is there", route, Match{CommunitiesAny: []Community{5, 20}}, true},
		{"none of the communities is there", route, Match{CommunitiesAny: []Community{5, 6}}, false},
		{"all of the communities are there", route, Match{CommunitiesAll: []Community{20, 10}}, true},
		{"one of all the communities is missing", route, Match{CommunitiesAll: []Community{10, 30}}, false},
		{"the path contains one of the numbers", route, Match{PathContains: []ASN{1, 65515}}, true},
		{"the path contains none of the numbers", route, Match{PathContains: []ASN{1, 2}}, false},
		{"the path originates there", route, Match{PathOrigin: []ASN{65010}}, true},
		{"the path originates elsewhere", route, Match{PathOrigin: []ASN{12076}}, false},
		{"the path comes from that neighbour", route, Match{PathNeighbor: []ASN{12076}}, true},
		{"the path comes from another neighbour", route, Match{PathNeighbor: []ASN{65010}}, false},
		{"an empty path contains nothing", own, Match{PathContains: []ASN{0}}, false},
		{"an empty path originates nowhere", own, Match{PathOrigin: []ASN{0}}, false},
		{"an empty path has no neighbour", own, Match{PathNeighbor: []ASN{0}}, false},
		{"an empty path does not disturb other conditions", own, Match{Prefixes: rule}, true},
		{"learned so", route, Match{From: []PeerType{Local, EBGP}}, true},
		{"learned otherwise", route, Match{From: []PeerType{Local, IBGP}}, false},
		{"at such a session", route, Match{Peer: []PeerType{IBGP}}, true},
		{"at another session", route, Match{Peer: []PeerType{EBGP}}, false},
		{"one condition of two fails", route, Match{Prefixes: rule, PathContains: []ASN{1}}, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			p := &Policy{Terms: []Term{{Name: "t", Match: x.match, Action: Accept}}, Default: Reject}
			if _, got, _ := p.Apply(x.route, ctx); got != x.want {
				t.Errorf("got %v, want %v", got, x.want)
			}
		})
	}
}

func TestSetChangesWhatItSaysAndNothingElse(t *testing.T) {
	from := Attrs{Path: Path{12076, 65515, 65010}, Communities: []Community{10, 20}, NextHop: addr("192.0.2.1")}
	egp := OriginEGP
	for _, x := range []struct {
		name string
		set  Set
		want Attrs
	}{
		{"nothing", Set{}, from},
		{"local preference, 0 too", Set{LocalPref: new(uint32(0))}, from.WithLocalPref(0)},
		{"MED", Set{MED: new(uint32(50))}, from.WithMED(50)},
		{"weight", Set{Weight: new(uint32(100))}, from.WithWeight(100)},
		{"origin", Set{Origin: &egp}, from.WithOrigin(OriginEGP)},
		{"next hop self", Set{NextHopSelf: true}, from.WithNextHop(addr("172.16.0.1"))},
		{"communities stripped", Set{StripCommunities: true}, from.WithCommunities()},
		{"communities stripped, then some added", Set{StripCommunities: true, AddCommunities: []Community{30, 5}}, from.WithCommunities(5, 30)},
		{"communities replaced", Set{Communities: []Community{40, 30}}, from.WithCommunities(30, 40)},
		{"a community removed, another added", Set{RemoveCommunities: []Community{10}, AddCommunities: []Community{15}}, from.WithCommunities(15, 20)},
		{"prepended", Set{PrependAS: 65001, PrependTimes: 2}, from.WithPath(Path{65001, 65001, 12076, 65515, 65010})},
		{"private numbers removed, then prepended with one", Set{RemovePrivateAS: true, PrependAS: 65001, PrependTimes: 1}, from.WithPath(Path{65001, 12076})},
		{"replaced", Set{ReplaceAS: &ReplaceAS{From: 65010, To: 64500}}, from.WithPath(Path{12076, 65515, 64500})},
	} {
		t.Run(x.name, func(t *testing.T) {
			in := from
			p := &Policy{Terms: []Term{{Name: "t", Set: x.set, Action: Accept}}, Default: Reject}
			got, ok, _ := p.Apply(Route{Prefix: pfx("10.0.0.0/16"), Attrs: &in}, Context{Self: addr("172.16.0.1")})
			if !ok || !got.Equal(&x.want) {
				t.Errorf("got %+v\nwant %+v", got, x.want)
			}
			if diff := cmp.Diff(from, in, compareAddrs); diff != "" {
				t.Errorf("the route's own attributes changed:\n%s", diff)
			}
		})
	}
}

func TestTermsAreTriedInOrder(t *testing.T) {
	p := &Policy{Name: "import", Default: Accept, Terms: []Term{
		{Name: "own-as", Match: Match{PathContains: []ASN{65010}}, Action: Reject},
		{Name: "mark", Set: Set{AddCommunities: []Community{7}}, Action: Next},
		{Name: "marked-default", Match: Match{CommunitiesAll: []Community{7}, Prefixes: []PrefixRule{{Prefix: pfx("0.0.0.0/0")}}}, Set: Set{LocalPref: new(uint32(50))}, Action: Accept},
		{Name: "no-v6", Match: Match{Prefixes: []PrefixRule{{Prefix: pfx("::/0"), LE: 128}}}, Action: Reject},
		{Name: "late", Match: Match{Prefixes: []PrefixRule{{Prefix: pfx("0.0.0.0/0")}}}, Action: Reject},
	}}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		name, prefix string
		path         Path
		accepted     bool
		term         string
		communities  int
	}{
		{"a rejection ends the chain and changes nothing", "0.0.0.0/0", Path{12076, 65010}, false, "own-as", 0},
		{"a later term sees what an earlier one changed", "0.0.0.0/0", Path{12076}, true, "marked-default", 1},
		{"a rejected route keeps its attributes whatever went before", "2001:db8::/32", Path{12076}, false, "no-v6", 0},
		{"the default keeps what terms changed", "10.0.0.0/8", Path{12076}, true, "", 1},
	} {
		t.Run(x.name, func(t *testing.T) {
			a, ok, term := p.Apply(Route{Prefix: pfx(x.prefix), Attrs: &Attrs{Path: x.path}}, Context{From: EBGP, Peer: EBGP})
			if ok != x.accepted || term != x.term || len(a.Communities) != x.communities {
				t.Errorf("got accepted %v by %q with communities %v", ok, term, a.Communities)
			}
		})
	}
	if a, ok, term := (*Policy)(nil).Apply(Route{Prefix: pfx("10.0.0.0/8"), Attrs: &Attrs{Weight: 5}}, Context{}); !ok || term != "" || a.Weight != 5 {
		t.Error("no policy does not accept everything as it is")
	}
	if _, ok, _ := (&Policy{Name: "undecided"}).Apply(Route{Prefix: pfx("10.0.0.0/8"), Attrs: &Attrs{}}, Context{}); ok {
		t.Error("a policy without a default accepts")
	}
}

func example() *Policy {
	return &Policy{Name: "to-microsoft", Terms: []Term{
		{Name: "no-transit", Match: Match{PathContains: []ASN{12076}}, Action: Reject},
		{Name: "site-prefixes", Match: Match{Prefixes: []PrefixRule{{Prefix: pfx("10.0.0.0/16"), GE: 16, LE: 24}}, From: []PeerType{Local, IBGP}, Peer: []PeerType{EBGP}},
			Set: Set{LocalPref: new(uint32(200)), AddCommunities: []Community{NewCommunity(65010, 1), NoExport}, PrependAS: 65010, PrependTimes: 2}, Action: Accept},
	}, Default: Reject}
}

func TestPoliciesReadBackAsTheyPrint(t *testing.T) {
	const want = `{"name":"to-microsoft","terms":[{"name":"no-transit","match":{"pathContains":[12076]},"action":"reject"},` +
		`{"name":"site-prefixes","match":{"prefixes":[{"prefix":"10.0.0.0/16","ge":16,"le":24}],"peer":["ebgp"],"from":["local","ibgp"]},` +
		`"set":{"localPref":200,"addCommunities":["65010:1","no-export"],"prependAS":65010,"prependTimes":2},"action":"accept"}],"default":"reject"}`
	got, err := json.Marshal(example())
	if err != nil || string(got) != want {
		t.Fatalf("got %s (%v)\nwant %s", got, err, want)
	}
	back, err := ParsePolicy(got)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(example(), back, cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
	var within struct{ Import, Export *Policy }
	if err := json.Unmarshal([]byte(`{"import":null,"export":`+want+`}`), &within); err != nil || within.Import != nil || within.Export == nil {
		t.Errorf("as a part of other JSON: %v, %+v", err, within)
	}
}

func TestBadPoliciesAreRefusedWithWhatWouldBeRight(t *testing.T) {
	term := func(body string) string {
		return `{"name":"p","terms":[{"name":"a",` + body + `}],"default":"reject"}`
	}
	for _, x := range []struct{ name, in, want string }{
		{"not JSON", `{"name":`, "unexpected end"},
		{"null", `null`, "want an object"},
		{"a list", `[]`, "want an object with name, terms and default"},
		{"an unknown key near a known one", `{"name":"p","termz":[],"default":"reject"}`, `no key "termz" (did you mean "terms"?)`},
		{"an unknown key near none", `{"name":"p","zzzzzzzz":1}`, `no key "zzzzzzzz": want name, terms and default`},
		{"a key of another case", `{"Name":"p"}`, `no key "Name" (did you mean "name"?)`},
		{"a key twice", `{"name":"p","name":"q"}`, `the key "name" twice`},
		{"no default", `{"name":"p","terms":[]}`, `no "default"`},
		{"no terms", `{"name":"p","default":"reject"}`, `no "terms"`},
		{"a default that is no verdict", `{"name":"p","terms":[],"default":"drop"}`, `"drop": want accept, reject or next`},
		{"a default that leaves it open", `{"name":"p","terms":[],"default":"next"}`, `default is "next": want accept or reject`},
		{"no name", `{"name":"","terms":[],"default":"reject"}`, "has no name"},
		{"a value of another kind", `{"name":"p","terms":{},"default":"reject"}`, "terms is {}: want a list"},
		{"null for a value", `{"name":"p","terms":null,"default":"reject"}`, "null: leave the key out"},
		{"no action", `{"name":"p","terms":[{"name":"a"}],"default":"reject"}`, `term "a": a term has no "action"`},
		{"terms of one name", `{"name":"p","terms":[{"name":"a","action":"accept"},{"name":"a","action":"accept"}],"default":"reject"}`, `two terms are named "a"`},
		{"a term without a name", `{"name":"p","terms":[{"name":"","action":"accept"}],"default":"reject"}`, "terms[0] has no name"},
		{"an unknown condition", term(`"match":{"prefix":[]},"action":"accept"`), `match has no key "prefix" (did you mean "prefixes"?)`},
		{"an unknown change", term(`"set":{"localPreff":1},"action":"accept"`), `did you mean "localPref"?`},
		{"a number beyond 32 bits", term(`"set":{"localPref":4294967296},"action":"accept"`), "set.localPref is 4294967296: want a whole number from 0 to 4294967295"},
		{"a negative number", term(`"set":{"med":-1},"action":"accept"`), "set.med is -1"},
		{"a bad community", term(`"set":{"addCommunities":["70000:1"]},"action":"accept"`), `community "70000:1"`},
		{"a bad origin", term(`"set":{"origin":"static"},"action":"accept"`), `origin "static": want i, e or ?`},
		{"a bad peer kind", term(`"match":{"from":["confed"]},"action":"accept"`), `"confed": want local, ebgp or ibgp`},
		{"a session with oneself", term(`"match":{"peer":["local"]},"action":"accept"`), "matches peer local"},
		{"an AS number as text", term(`"match":{"pathContains":["65010"]},"action":"accept"`), "want a whole number"},
		{"a path with AS 0", term(`"match":{"pathContains":[0]},"action":"accept"`), "AS 0"},
		{"a bad prefix", term(`"match":{"prefixes":[{"prefix":"10.0.0.0"}]},"action":"accept"`), "10.0.0.0"},
		{"no prefix", term(`"match":{"prefixes":[{"ge":8}]},"action":"accept"`), `no "prefix"`},
		{"an empty prefix", term(`"match":{"prefixes":[{"prefix":""}]},"action":"accept"`), "a prefix rule has no prefix"},
		{"bits beyond the length", term(`"match":{"prefixes":[{"prefix":"10.0.0.1/16"}]},"action":"accept"`), "want 10.0.0.0/16"},
		{"IPv4 as IPv6", term(`"match":{"prefixes":[{"prefix":"::ffff:10.0.0.0/112"}]},"action":"accept"`), "write it as IPv4"},
		{"ge below the length", term(`"match":{"prefixes":[{"prefix":"10.0.0.0/16","ge":8}]},"action":"accept"`), "matches nothing: want 16 <= ge <= le <= 32"},
		{"le below ge", term(`"match":{"prefixes":[{"prefix":"10.0.0.0/16","ge":24,"le":20}]},"action":"accept"`), "matches nothing"},
		{"le below the length", term(`"match":{"prefixes":[{"prefix":"10.0.0.0/16","le":8}]},"action":"accept"`), "matches nothing"},
		{"le beyond the family", term(`"match":{"prefixes":[{"prefix":"10.0.0.0/16","le":64}]},"action":"accept"`), "<= 32"},
		{"a rejection that changes", term(`"set":{"med":1},"action":"reject"`), "rejects the route and changes it too"},
		{"a term without effect", term(`"action":"next"`), "neither changes nor decides"},
		{"strip and replace", term(`"set":{"stripCommunities":true,"communities":["1:1"]},"action":"accept"`), "both strips and replaces"},
		{"add and remove", term(`"set":{"addCommunities":["1:1"],"removeCommunities":["1:1"]},"action":"accept"`), "both adds and removes community 1:1"},
		{"prepend how often?", term(`"set":{"prependAS":65010},"action":"accept"`), "but not how often"},
		{"prepend what?", term(`"set":{"prependTimes":2},"action":"accept"`), "prepends AS 0"},
		{"prepend too often", term(`"set":{"prependAS":65010,"prependTimes":33},"action":"accept"`), "want 1 to 32"},
		{"prepend a negative number of times", term(`"set":{"prependAS":65010,"prependTimes":-1},"action":"accept"`), "want 1 to 32"},
		{"replace by a reserved number", term(`"set":{"replaceAS":{"from":65010,"to":0}},"action":"accept"`), "replaces AS 65010 by 0"},
		{"replace by what?", term(`"set":{"replaceAS":{"from":65010}},"action":"accept"`), `replaceAS has no "to"`},
	} {
		t.Run(x.name, func(t *testing.T) {
			p, err := ParsePolicy([]byte(x.in))
			if err == nil {
				t.Fatalf("accepted as %+v", p)
			}
			if !strings.Contains(err.Error(), x.want) {
				t.Errorf("got  %v\nwant %s", err, x.want)
			}
		})
	}
}

func TestValidateReportsEverythingAtOnce(t *testing.T) {
	origin := Origin(9)
	p := &Policy{Default: Verdict(9), Terms: []Term{
		{Name: "a", Action: Verdict(7), Match: Match{From: []PeerType{9}}, Set: Set{Origin: &origin}},
		{Name: "b", Action: Accept, Match: Match{Prefixes: []PrefixRule{{Prefix: pfx("10.0.0.0/8"), GE: -1}}}},
	}}
	err := p.Validate()
	if err == nil {
		t.Fatal("valid")
	}
	for _, want := range []string{"no name", "Verdict(9)", "Verdict(7)", "PeerType(9)", "Origin(9)", "ge -1"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v\ndoes not say %q", err, want)
		}
	}
	if _, err := json.Marshal(p); err == nil {
		t.Error("a verdict that does not exist has a name in JSON")
	}
	if err := (*Policy)(nil).Validate(); err != nil {
		t.Errorf("no policy: %v", err)
	}
}

// FuzzParsePolicy: what is accepted is valid, prints as JSON that reads back the same, and can be applied.
func FuzzParsePolicy(f *testing.F) {
	seed, err := json.Marshal(example())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"name":"p","terms":[{"name":"a","match":{"prefixes":[{"prefix":"::/0","le":128}]},"set":{"stripCommunities":true},"action":"next"}],"default":"accept"}`))
	f.Add([]byte(`{"name":"p","terms":[],"default":"accept","default":"reject"}`))
	f.Add([]byte(`{"name":"p","terms":[{"name":"r","set":{"replaceAS":{"from":1,"to":2},"origin":"?","communities":["no-export"]},"action":"accept"}],"default":"accept"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := ParsePolicy(data)
		if err != nil {
			return
		}
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("%s was read but does not print: %v", data, err)
		}
		again, err := ParsePolicy(text)
		if err != nil {
			t.Fatalf("%s was read but not its own %s: %v", data, text, err)
		}
		second, err := json.Marshal(again)
		if err != nil || string(second) != string(text) {
			t.Fatalf("%s prints as %s and then as %s (%v)", data, text, second, err)
		}
		a := &Attrs{Path: Path{12076, 65010}, Communities: []Community{NewCommunity(65010, 1)}}
		before := *a
		got, ok, _ := p.Apply(Route{Prefix: pfx("10.0.0.0/16"), Attrs: a}, Context{From: EBGP, Peer: EBGP})
		if !a.Equal(&before) || !ok && !got.Equal(a) {
			t.Errorf("%s changed what it may not", text)
		}
	})
}

func TestApplyingAPolicyTwiceGivesTheSameAndChangesNoInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := attrs().Draw(t, "attrs")
		in = sorted(&in)
		term := func(name string) Term {
			return Term{Name: name, Action: rapid.SampledFrom([]Verdict{Next, Accept, Reject}).Draw(t, name),
				Match: Match{CommunitiesAny: rapid.SliceOfN(rapid.SampledFrom([]Community{1, 2, NoExport}), 0, 2).Draw(t, "any")},
				Set: Set{AddCommunities: rapid.SliceOfN(rapid.SampledFrom([]Community{1, 2, 3}), 0, 2).Draw(t, "add"),
					RemoveCommunities: rapid.SliceOfN(rapid.SampledFrom([]Community{1, 4, NoExport}), 0, 2).Draw(t, "remove"),
					PrependAS:         65010, PrependTimes: rapid.IntRange(0, 2).Draw(t, "times")}}
		}
		p := &Policy{Name: "p", Terms: []Term{term("a"), term("b")}, Default: Accept}
		pool := NewPool()
		r := Route{Prefix: pfx("10.0.0.0/8"), Attrs: pool.Intern(in)}
		one, ok1, term1 := p.Apply(r, Context{From: EBGP})
		two, ok2, term2 := p.Apply(r, Context{From: EBGP})
		if !one.Equal(&two) || ok1 != ok2 || term1 != term2 {
			t.Fatalf("first %+v %v %q, then %+v %v %q", one, ok1, term1, two, ok2, term2)
		}
		if pool.Intern(in) != r.Attrs || !r.Attrs.Equal(&in) {
			t.Fatal("the interned attributes changed")
		}
		for i := 1; i < len(one.Communities); i++ {
			if one.Communities[i-1] >= one.Communities[i] {
				t.Fatalf("communities %v are not sorted and unique", one.Communities)
			}
		}
	})
}

func TestApplyAllocatesNothingWhenNoListChanges(t *testing.T) {
	p := example()
	p.Terms = append(p.Terms, Term{Name: "prefer", Match: Match{PathNeighbor: []ASN{64500}},
		Set: Set{LocalPref: new(uint32(150)), AddCommunities: []Community{1}, RemoveCommunities: []Community{3}, RemovePrivateAS: true}, Action: Accept})
	r := Route{Prefix: pfx("10.1.0.0/16"), Attrs: &Attrs{Path: Path{64500, 64501}, Communities: []Community{1, 2}}}
	if n := testing.AllocsPerRun(100, func() {
		if _, ok, term := p.Apply(r, Context{From: EBGP}); !ok || term != "prefer" {
			t.Fatal(ok, term)
		}
	}); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}

func BenchmarkPolicy(b *testing.B) {
	p := example()
	for _, x := range []struct {
		name  string
		route Route
	}{
		{"rejected by the default", Route{Prefix: pfx("10.1.0.0/16"), Attrs: &Attrs{Path: Path{64500, 64501}}}},
		{"prepended and marked", Route{Prefix: pfx("10.0.0.0/16"), Attrs: &Attrs{Path: Path{64500, 64501}}}},
	} {
		b.Run(x.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Apply(x.route, Context{From: Local, Peer: EBGP})
			}
		})
	}
}
