package render_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/pattern"
	"onramp/render"
)

var update = flag.Bool("update", false, "rewrite the templates in testdata")

func open(t testing.TB) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made is an example's design by one pattern; nil where there is none.
func made(t testing.TB, c *catalog.Catalog, example string, p design.Pattern) *design.Design {
	t.Helper()
	src, err := examples.Read(example)
	if err != nil {
		t.Fatal(err)
	}
	return compiled(t, c, src, p)
}

func compiled(t testing.TB, c *catalog.Catalog, src []byte, p design.Pattern) *design.Design {
	t.Helper()
	e, findings := intent.Parse("estate.yaml", src, c)
	if e == nil {
		t.Fatalf("%v", findings)
	}
	d, obstacles := pattern.Compile(p, e, c, pattern.Options{})
	if d == nil && len(obstacles) == 0 {
		t.Fatal("no design and no obstacle")
	}
	return d
}

// every calls f for each design of each example and pattern.
func every(t *testing.T, f func(t *testing.T, c *catalog.Catalog, d *design.Design)) {
	t.Helper()
	c := open(t)
	for _, name := range examples.Names() {
		for _, p := range design.Patterns() {
			t.Run(name+"/"+string(p), func(t *testing.T) {
				if d := made(t, c, name, p); d != nil {
					f(t, c, d)
				}
			})
		}
	}
}

// fatal is what testing.T and rapid.T have in common here.
type fatal interface {
	Fatalf(format string, args ...any)
	Helper()
}

// read is what a template is read as here, with the nested ones.
type read struct {
	Schema     string                   `json:"$schema"`
	Language   string                   `json:"languageVersion"`
	Parameters map[string]declaredParam `json:"parameters"`
	Variables  map[string]any           `json:"variables"`
	Resources  map[string]resource      `json:"resources"`
	Outputs    map[string]any           `json:"outputs"`
	Metadata   map[string]any           `json:"metadata"`
}

type declaredParam struct {
	Type         string `json:"type"`
	DefaultValue any    `json:"defaultValue"`
	Metadata     struct {
		Description string `json:"description"`
	} `json:"metadata"`
}

type resource struct {
	Type           string   `json:"type"`
	APIVersion     string   `json:"apiVersion"`
	Name           string   `json:"name"`
	Condition      any      `json:"condition"`
	Scope          string   `json:"scope"`
	SubscriptionID string   `json:"subscriptionId"`
	ResourceGroup  string   `json:"resourceGroup"`
	DependsOn      []string `json:"dependsOn"`
	Copy           *struct {
		Name, Count string
	} `json:"copy"`
	Properties struct {
		Mode       string                    `json:"mode"`
		Parameters map[string]map[string]any `json:"parameters"`
		Template   *read                     `json:"template"`
	} `json:"properties"`
}

func rendered(t fatal, c *catalog.Catalog, d *design.Design) (*render.Template, *read) {
	t.Helper()
	out, err := render.ARM(d, c)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var x read
	if err := json.Unmarshal(out.Text, &x); err != nil {
		t.Fatalf("%v", err)
	}
	return out, &x
}

func TestTemplatesAreTheReviewedOnes(t *testing.T) {
	c := open(t)
	for _, x := range []struct {
		example string
		pattern design.Pattern
	}{{"contoso-shared", design.Shared}, {"fabrikam-isolated", design.Isolated}, {"lucerne-direct-metro", design.Isolated}} {
		out, _ := rendered(t, c, made(t, c, x.example, x.pattern))
		for name, got := range map[string][]byte{x.example + ".json": out.Text, x.example + ".parameters.json": out.Parameters} {
			t.Run(name, func(t *testing.T) {
				file := filepath.Join("testdata", name)
				if *update {
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("the template changed; look at it, then run with -update (-want +got):\n%s", diff)
				}
			})
		}
	}
}

var symbolic = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// sound checks what Azure asks of a template and its parts, whatever is in it.
func sound(t fatal, where string, x *read) {
	t.Helper()
	if x.Language != "2.0" {
		t.Fatalf("%s has the language version %q", where, x.Language)
	}
	if n := len(x.Resources); n == 0 || n > 800 || len(x.Parameters) > 256 || len(x.Variables) > 256 || len(x.Outputs) > 64 {
		t.Fatalf("%s has %d resources, %d parameters, %d variables, %d outputs", where, n, len(x.Parameters), len(x.Variables), len(x.Outputs))
	}
	names := map[string]bool{}
	for s, r := range x.Resources {
		if !symbolic.MatchString(s) {
			t.Fatalf("%s: %q is no symbolic name", where, s)
		}
		if r.APIVersion == "" {
			t.Fatalf("%s: %s has no version of its interface", where, s)
		}
		key := strings.ToLower(fmt.Sprint(r.Type, " ", r.Name, " ", r.Scope, " ", r.SubscriptionID, " ", r.ResourceGroup))
		if names[key] {
			t.Fatalf("%s: %s stands there twice", where, key)
		}
		names[key] = true
		for _, d := range r.DependsOn {
			if _, ok := x.Resources[d]; !ok {
				t.Fatalf("%s: %s depends on %s, which is not there", where, s, d)
			}
		}
		if inner := r.Properties.Template; r.Type == "Microsoft.Resources/deployments" {
			if len(r.Name) > 64 || r.Properties.Mode != "Incremental" || inner == nil {
				t.Fatalf("%s: a deployment %q of mode %q", where, r.Name, r.Properties.Mode)
			}
			passed, declared := slices.Sorted(maps.Keys(r.Properties.Parameters)), slices.Sorted(maps.Keys(inner.Parameters))
			if !slices.Equal(passed, declared) {
				t.Fatalf("%s: %s takes the parameters %v and is given %v", where, s, declared, passed)
			}
			sound(t, where+"."+s, inner)
		}
	}
	// What waits for nothing can be made; then what waits for that; until all is.
	done := map[string]bool{}
	for len(done) < len(x.Resources) {
		before := len(done)
		for s, r := range x.Resources {
			if !slices.ContainsFunc(r.DependsOn, func(d string) bool { return !done[d] }) {
				done[s] = true
			}
		}
		if len(done) == before {
			t.Fatalf("%s: resources wait for each other", where)
		}
	}
}

// rows are the names that a copied resource gets from its table.
func (x *read) rows(r *resource) []string {
	if r.Copy == nil {
		return []string{r.Name}
	}
	var out []string
	list, _ := x.Variables[r.Copy.Name].([]any)
	for _, row := range list {
		o, _ := row.(map[string]any)
		name, _ := o["name"].(string)
		out = append(out, name)
	}
	return out
}

// whole checks that each resource of a design stands in its template once, at its subscription and group.
func whole(t fatal, d *design.Design, x *read) {
	t.Helper()
	type stands struct{ subscription, group, typ, name string }
	have := map[stands]int{}
	for _, dep := range x.Resources {
		n := 0
		for _, r := range dep.Properties.Template.Resources {
			for _, name := range dep.Properties.Template.rows(&r) {
				have[stands{dep.SubscriptionID, dep.ResourceGroup, strings.ToLower(r.Type), name}]++
				n++
			}
		}
		if n > 800 {
			t.Fatalf("%s has %d resources", dep.Name, n)
		}
	}
	want := map[stands]int{}
	for _, r := range d.Resources {
		p, err := azure.ParseID(string(r.Head().ID))
		if err != nil {
			t.Fatalf("%v", err)
		}
		at := p
		if p.Scope != "" {
			if at, err = azure.ParseID(string(p.Scope)); err != nil {
				t.Fatalf("%v", err)
			}
		}
		s := stands{"[parameters('subscriptions')['" + at.Subscription + "']]", at.ResourceGroup, strings.ToLower(r.Head().Type), strings.Join(p.Names, "/")}
		if p.Provider == "" {
			s.group, s.name = "", p.ResourceGroup
		}
		want[s]++
		if v, ok := r.(*azure.VirtualNetwork); ok {
			for i := range v.Properties.VirtualNetworkPeerings {
				s.typ, s.name = "microsoft.network/virtualnetworks/virtualnetworkpeerings", v.Name+"/"+v.Properties.VirtualNetworkPeerings[i].Name
				want[s]++
			}
		}
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Fatalf("-design +template:\n%s", diff)
	}
}

func TestEachResourceOfADesignStandsInItsTemplateOnce(t *testing.T) {
	every(t, func(t *testing.T, c *catalog.Catalog, d *design.Design) {
		out, x := rendered(t, c, d)
		sound(t, "template", x)
		whole(t, d, x)
		if n := len(x.Resources); n != out.Deployments {
			t.Errorf("%d nested deployments, and it says %d", n, out.Deployments)
		}
	})
}

func TestTheOrderOfADesignsResourcesDoesNotMatter(t *testing.T) {
	c := open(t)
	d := made(t, c, "northwind", design.SharedHubSpoke)
	want, _ := rendered(t, c, d)
	r := rand.New(rand.NewPCG(1, 2))
	for range 5 {
		other := *d
		other.Resources = slices.Clone(d.Resources)
		r.Shuffle(len(other.Resources), func(i, j int) { other.Resources[i], other.Resources[j] = other.Resources[j], other.Resources[i] })
		got, _ := rendered(t, c, &other)
		if !bytes.Equal(got.Text, want.Text) || !bytes.Equal(got.Parameters, want.Parameters) {
			t.Fatal("the same resources in another order give another template")
		}
	}
}

func TestEveryParameterSaysWhatItIsAndHasTheDesignsValue(t *testing.T) {
	c := open(t)
	out, x := rendered(t, c, made(t, c, "northwind", design.SharedHubSpoke))
	for name, p := range x.Parameters {
		if p.Metadata.Description == "" || p.Type == "" {
			t.Errorf("%s: %+v", name, p)
		}
		if (p.DefaultValue == nil) != (name == "subscriptions") {
			t.Errorf("%s has the default %v", name, p.DefaultValue)
		}
	}
	circuit := x.Parameters["circuits"].DefaultValue.(map[string]any)["er-montreal-toronto-1"].(map[string]any)
	if circuit["bandwidthInMbps"] != 500.0 || circuit["serviceProviderName"] != "Equinix" {
		t.Errorf("%v", circuit)
	}
	var file struct {
		Parameters map[string]struct{ Value any } `json:"parameters"`
	}
	if err := json.Unmarshal(out.Parameters, &file); err != nil {
		t.Fatal(err)
	}
	if a, b := slices.Sorted(maps.Keys(file.Parameters)), slices.Sorted(maps.Keys(x.Parameters)); !slices.Equal(a, b) {
		t.Errorf("the file has %v, the template %v", a, b)
	}
	for name, p := range file.Parameters {
		if name != "subscriptions" && name != "providersHaveProvisioned" && cmp.Diff(p.Value, x.Parameters[name].DefaultValue) != "" {
			t.Errorf("%s: the file has %v, the template %v", name, p.Value, x.Parameters[name].DefaultValue)
		}
	}
	if file.Parameters["providersHaveProvisioned"].Value != false {
		t.Error("the file for the first deployment says that the providers have provisioned")
	}
}

func TestAHundredLinesOfBusinessFit(t *testing.T) {
	c := open(t)
	for _, p := range []design.Pattern{design.Shared, design.SharedHubSpoke} { // the largest templates, by their bytes and by one deployment
		d := compiled(t, c, intenttest.Large(100), p)
		if d == nil {
			t.Fatal("no design")
		}
		_, x := rendered(t, c, d)
		sound(t, "template", x)
		whole(t, d, x)
	}
}

func TestAnEstateThatDoesNotFitIsRefusedWithTheLimit(t *testing.T) {
	c := open(t)
	d := &design.Design{Name: "wide"}
	for i := range 801 {
		sub := fmt.Sprint("sub-", i)
		d.Resources = append(d.Resources, &azure.ResourceGroup{Header: azure.Header{ID: azure.ID("/subscriptions/" + sub + "/resourceGroups/rg"), Name: "rg", Type: "Microsoft.Resources/resourceGroups", Location: "westeurope"}})
	}
	_, err := render.ARM(d, c)
	var limit *render.LimitError
	if !errors.As(err, &limit) || limit.What != "resources" || limit.Have != 801 || limit.Most != 800 || !strings.Contains(err.Error(), "in parts") {
		t.Errorf("%v", err)
	}
	d.Resources = d.Resources[:1]
	d.Resources[0].Head().Tags = map[string]string{"why": strings.Repeat("x", 1<<20)}
	if _, err = render.ARM(d, c); !errors.As(err, &limit) || limit.What != "characters in an expression" {
		t.Errorf("%v", err)
	}
	d.Resources[0].Head().Tags = nil
	d.Resources[0].Head().Extra = azure.Extra{"managedBy": json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)}
	if _, err = render.ARM(d, c); !errors.As(err, &limit) || limit.What != "bytes" || limit.Where != "the nested deployment onramp-sub-0-groups" {
		t.Errorf("%v", err)
	}
}

func TestMoreThanEightHundredAssignmentsAreDivided(t *testing.T) {
	c := open(t)
	d := &design.Design{Name: "many"}
	const vnet = "/subscriptions/sub-a/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v"
	d.Resources = append(d.Resources, &azure.VirtualNetwork{Header: azure.Header{ID: vnet, Name: "v", Type: "Microsoft.Network/virtualNetworks", Location: "westeurope"}})
	for i := range 1700 {
		n := fmt.Sprintf("00000000-0000-0000-0000-%012d", i)
		a := &azure.RoleAssignment{Header: azure.Header{ID: azure.ID(vnet + "/providers/Microsoft.Authorization/roleAssignments/" + n), Name: n, Type: "Microsoft.Authorization/roleAssignments"}}
		a.Properties = azure.RoleAssignmentProperties{PrincipalID: n, RoleDefinitionID: azure.ID("/subscriptions/sub-a/providers/Microsoft.Authorization/roleDefinitions/" + n)}
		d.Resources = append(d.Resources, a)
	}
	_, x := rendered(t, c, d)
	sound(t, "template", x)
	whole(t, d, x)
	if len(x.Resources) != 4 {
		t.Errorf("%d nested deployments", len(x.Resources))
	}
}

func TestTheVersionsOfTheInterfaceAreThoseThatTheClientsSend(t *testing.T) {
	c := open(t)
	_, x := rendered(t, c, made(t, c, "northwind", design.SharedHubSpoke))
	for _, dep := range x.Resources {
		for _, r := range dep.Properties.Template.Resources {
			if want := cloud.Version(r.Type); r.APIVersion != want {
				t.Errorf("%s has the version %s, package cloud sends %s", r.Type, r.APIVersion, want)
			}
		}
	}
	if !slices.ContainsFunc(c.ARMVersions(), func(v catalog.ARMVersion) bool { return v.Version == cloud.Version("Microsoft.Network/connections") }) {
		t.Error("the version was never published")
	}
}
