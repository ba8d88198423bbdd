package arm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onramp/catalog"
)

// FuzzRoute finds the operation of any path, and writes the id that it names in its canonical form, which stays as it is.
func FuzzRoute(f *testing.F) {
	c, err := catalog.Open()
	if err != nil {
		f.Fatal(err)
	}
	ks := newKinds()
	rt := newRouter(c.ARMOperations(), ks, (&Server{}).handlers())
	e := &engine{kinds: ks, all: map[string]*resource{}}
	for _, o := range c.ARMOperations() {
		f.Add(o.Method, pathOf(o, nil))
	}
	for _, p := range []string{"", "/", "//", "/subscriptions", "/SUBSCRIPTIONS/S/resourcegroups/G/PROVIDERS/microsoft.network/VIRTUALNETWORKS/v/subnets/providers", "/subscriptions/s/resourceGroups/providers/providers/Microsoft.Network/virtualNetworks/providers", "/providers/providers/providers", "/subscriptions/s/providers/Microsoft.Network/virtualNetworks", "/a/providers/Microsoft.Authorization/roleAssignments/x"} {
		f.Add("GET", p)
		f.Add("PUT", p)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		m, known := rt.match(method, path)
		if m.route != nil && !known {
			t.Fatalf("%s %s goes to %s, and is not known", method, path, m.op.ID)
		}
		if m.route == nil {
			return
		}
		if m.op.Method != method {
			t.Fatalf("%s %s goes to %s", method, path, m.op.ID)
		}
		if len(m.params) > len(m.names) {
			t.Fatalf("%s: parameters %v of %v", path, m.params, m.names)
		}
		upper := strings.ToUpper(path)
		other, _ := rt.match(method, upper)
		// Some letters have no single upper case: those of a path of Azure's own words have.
		if ascii(path) && (other.route == nil || other.op.ID != m.op.ID) {
			t.Fatalf("%s goes elsewhere in upper case", path)
		}
		if m.kind == nil || !strings.HasSuffix(m.op.Path, "}") {
			return
		}
		id, refusal := e.canonical(m.kind, strings.TrimSuffix(path, "/"))
		if refusal != nil {
			return
		}
		if !strings.EqualFold(strings.Trim(id, "/"), strings.Trim(path, "/")) {
			t.Fatalf("%s is canonically %s", path, id)
		}
		if again, refusal := e.canonical(m.kind, id); refusal != nil || again != id {
			t.Fatalf("%s is canonically %s, and that is %s (%v)", path, id, again, refusal)
		}
	})
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 })
}

// FuzzReadObject reads any body: what is taken has no nulls, is not deep, and reads the same when it is written again.
func FuzzReadObject(f *testing.F) {
	for _, s := range []string{"", "{}", "[]", "null", `{"a":null,"b":[null,{"c":null}]}`, `{"a":1e400}`, `{"a":12345678901234567890}`, `{"a":"\ud800"}`, `{"a":{"a":{}}} `, `{"a":1,"a":2}`, theVNet, aCircuit, anNIC, strings.Repeat(`{"a":[`, 40), "{\"a\":\"\\\"{{{{\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		o, refusal := readObject(b)
		if refusal != nil {
			if refusal.Status != 400 || refusal.Message == "" {
				t.Fatal(refusal)
			}
			return
		}
		var depth func(v any) int
		depth = func(v any) int {
			most := 0
			switch x := v.(type) {
			case nil:
				t.Fatal("a null was taken")
			case object:
				for _, y := range x {
					most = max(most, depth(y))
				}
				return most + 1
			case []any:
				for _, y := range x {
					most = max(most, depth(y))
				}
				return most + 1
			}
			return 0
		}
		if d := depth(o); d > maxDepth {
			t.Fatalf("%d deep", d)
		}
		out, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		again, refusal := readObject(out)
		if refusal != nil {
			t.Fatal(refusal)
		}
		if b, _ := json.Marshal(again); !bytes.Equal(b, out) {
			t.Fatalf("%s becomes %s", out, b)
		}
		_ = references(o, "/x")
	})
}

// FuzzFilter reads any filter; one that is taken says the same of a resource each time, and and narrows what or widens.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{"", " ", "resourceType eq 'Microsoft.Network/virtualNetworks'", "name eq 'it''s' and location ne 'westeurope'", "tagName eq 'a' and tagValue eq 'b'", "tagValue eq 'b' and tagName eq 'a'", "substringof('hub', name) or startswith(name,'x')", "name eq", "'", "eq eq eq", "name eq 'a' and", "or", "substringof(", "atScope()"} {
		f.Add(s)
	}
	ks := newKinds()
	r := &resource{id: "/subscriptions/s/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub", kind: ks.of(netProvider + "virtualNetworks"), body: object{"name": "hub", "location": "westeurope", "tags": object{"a": "b"}}}
	f.Fuzz(func(t *testing.T, s string) {
		got, refusal := readFilter(s)
		if refusal != nil {
			return
		}
		takes := got.takes(r)
		if takes != got.takes(r) {
			t.Fatalf("%q says two things", s)
		}
		if len(got) == 0 {
			return
		}
		for more, want := range map[string]bool{" or name eq 'hub'": true, " and name ne 'hub'": false} {
			wider, refusal := readFilter(s + more)
			if len(s)+len(more) > maxFilter {
				continue
			}
			if refusal != nil {
				t.Fatalf("%q: %v", s+more, refusal)
			}
			if strings.HasPrefix(more, " or") || len(got) == 1 {
				if wider.takes(r) != want {
					t.Fatalf("%q takes the resource: %v", s+more, !want)
				}
			}
		}
	})
}

// FuzzRequest sends anything to an endpoint: it never breaks, and what it refuses it refuses in Azure's form.
func FuzzRequest(f *testing.F) {
	c, err := catalog.Open()
	if err != nil {
		f.Fatal(err)
	}
	for _, o := range Operations(c) {
		if o.Served {
			f.Add(o.Method, strings.ReplaceAll(pathOf(o.ARMOperation, nil), "SUB", testSub), "", theVNet)
		}
	}
	f.Add("GET", "/subscriptions/"+testSub+"/resources", "&$filter=name%20eq%20'a'&$top=-1&$skiptoken=x", "")
	at := strings.ReplaceAll(deployments, "SUB", testSub) + "d"
	for _, tpl := range []string{templateOf(aDeployedTable), templateOf(nestedIn("net", templateOf(aDeployedTable))), templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"[uniqueString('x')]"`, 1), `"outputs":{"x":{"type":"object","value":"[reference('x')]"}}`)} {
		f.Add("PUT", at, "", deploymentOf(tpl))
		f.Add("POST", at+"/validate", "", deploymentOf(tpl))
		f.Add("POST", at+"/whatIf", "", strings.Replace(deploymentOf(tpl), "Incremental", "Complete", 1))
	}
	var r *rig
	f.Fuzz(func(t *testing.T, method, path, query, body string) {
		if r == nil || r.Len() > 200 {
			r = newRig(t, nil)
			r.must(201, "PUT", group, `{"location":"westeurope"}`) // where seeds deploy to
			r.http.Close()
		}
		r.t = t
		req, err := http.NewRequest(method, "https://127.0.0.1:18443/"+strings.TrimPrefix(path, "/")+"?api-version=2025-05-01"+query, strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+r.token())
		w := httptest.NewRecorder()
		r.ServeHTTP(w, req)
		if w.Code >= 500 && w.Code != http.StatusNotImplemented {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
		if w.Code < 400 || method == "HEAD" {
			return
		}
		var o object
		if err := json.Unmarshal(w.Body.Bytes(), &o); err != nil || text(o, "error", "code") == "" || text(o, "error", "message") == "" {
			t.Fatalf("%s %s: %d %s (%v)", method, path, w.Code, w.Body, err)
		}
	})
}
