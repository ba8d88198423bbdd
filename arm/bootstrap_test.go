package arm

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/yamlfile"
)

var update = flag.Bool("update", false, "rewrite the expected findings in testdata")

func wholeBootstrap(t testing.TB) []byte {
	t.Helper()
	src, err := os.ReadFile("testdata/bootstrap.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return src
}

// testEnv is the environment of the files in testdata.
func testEnv(name string) (string, bool) {
	value, ok := map[string]string{"TERRAFORM_SECRET": "from-the-environment", "GOOD": "good-enough-secret", "POOR": "poor"}[name]
	return value, ok
}

func TestABootstrapFileFoundsWhatItSays(t *testing.T) {
	c := openFacts(t)
	b, findings := ParseBootstrap("bootstrap.yaml", wholeBootstrap(t), c, testEnv)
	for _, f := range findings {
		t.Error(f)
	}
	if b == nil {
		t.FailNow()
	}
	d, a, made, err := b.found(c, 1)
	if err != nil {
		t.Fatal(err)
	}
	connectivity := guidOf("subscription", "connectivity")
	want := []Subscription{{"11111111-2222-3333-4444-555555555555", "Corp Prod"}, {connectivity, "connectivity"}}
	if diff := cmp.Diff(want, d.Subscriptions()); diff != "" || d.TenantName() != "contoso" || d.Tenant() != guidOf("tenant", "contoso") {
		t.Error(diff, d.Tenant())
	}
	for _, s := range []struct{ app, secret string }{{"aaaaaaaa-0000-0000-0000-000000000001", "from-the-environment"}, {guidOf("application", "auditor"), "kept-in-the-file-1"}, {made[0].AppID, made[0].Secret}, {made[1].AppID, made[1].Secret}} {
		if _, err := d.SignIn(s.app, s.secret); err != nil {
			t.Errorf("%s: %v", s.app, err)
		}
	}
	if len(made) != 2 || made[0].Principal != "operator" || made[1].Principal != "idle" || len(made[0].Secret) < 40 || made[0].Secret == made[1].Secret {
		t.Errorf("made are %+v", made)
	}
	var got []string
	for _, as := range a.Assignments("/", false) {
		p, _ := d.Principal(as.Principal)
		r, _ := a.Definition(as.Role)
		got = append(got, p.Name+" is "+r.Name+" at "+as.Scope)
	}
	slices.Sort(got)
	wanted := []string{"auditor is Reader at /subscriptions/11111111-2222-3333-4444-555555555555", "operator is Circuit Operator at /subscriptions/" + connectivity + "/resourceGroups/rg-er", "terraform is Contributor at /", "terraform is User Access Administrator at /subscriptions/" + connectivity}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	r, _ := a.Definition("circuit operator")
	if diff := cmp.Diff([]string{"/subscriptions/" + connectivity, "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-er"}, r.Scopes); diff != "" || r.BuiltIn || r.Description == "" {
		t.Error(diff, r)
	}
}

// TestEveryMistakeInABootstrapFileIsToldWithItsPlace reads testdata/bootstrap-mistakes.txtar: files, each followed by what is said of it.
func TestEveryMistakeInABootstrapFileIsToldWithItsPlace(t *testing.T) {
	const file = "testdata/bootstrap-mistakes.txtar"
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := openFacts(t)
	for i := 0; i+1 < len(a.Files); i += 2 {
		in, want := &a.Files[i], &a.Files[i+1]
		t.Run(strings.TrimSuffix(in.Name, ".yaml"), func(t *testing.T) {
			var got strings.Builder
			b, findings := ParseBootstrap("f", in.Data, c, testEnv)
			for _, f := range findings {
				got.WriteString(f.String() + "\n")
			}
			if b == nil {
				got.WriteString("refused\n")
			}
			if *update {
				want.Data = []byte(got.String())
			}
			if d := cmp.Diff(string(want.Data), got.String()); d != "" {
				t.Error(d)
			}
			for _, secret := range []string{"tooshort", "has a blank", "hidden", "good-enough", "1234567890123456", "poor\""} {
				if strings.Contains(got.String(), secret) {
					t.Errorf("%q is repeated", secret)
				}
			}
		})
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	b, findings := ParseBootstrap("bootstrap.yaml", wholeBootstrap(t), openFacts(t), testEnv)
	if b == nil {
		t.Fatal(findings)
	}
	text, err := json.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{string(text), fmt.Sprint(b), fmt.Sprintf("%v %+v %#v %s", b.Principals, b.Principals, b.Principals, b.Principals[1].Secret)} {
		if strings.Contains(s, "kept-in") || strings.Contains(s, "from-the") {
			t.Errorf("the secret is in %s", s)
		}
	}
}

func compiledBootstrap(t testing.TB) *jsonschema.Schema {
	t.Helper()
	text, err := BootstrapSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	k := jsonschema.NewCompiler()
	if err := k.AddResource("bootstrap.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := k.Compile("bootstrap.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTheSchemaRefusesTheShapesThatTheReaderRefuses holds the schema against the reader's findings of shape, on files right and wrong.
func TestTheSchemaRefusesTheShapesThatTheReaderRefuses(t *testing.T) {
	s := compiledBootstrap(t)
	a, err := txtar.ParseFile("testdata/bootstrap-mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := []txtar.File{{Name: "bootstrap.yaml", Data: wholeBootstrap(t)}, {Name: "of the tests.yaml", Data: []byte(aBootstrap)}}
	for i := 2; i < len(a.Files); i += 2 { // the first is empty
		files = append(files, a.Files[i])
	}
	c := openFacts(t)
	verdicts := map[bool]int{}
	for _, f := range files {
		text, err := yaml.YAMLToJSON(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
		if err != nil {
			t.Fatal(err)
		}
		_, findings := ParseBootstrap("f", f.Data, c, testEnv)
		shape := slices.ContainsFunc(findings, func(f yamlfile.Finding) bool {
			return f.Source == bootstrapSchema && f.Rule != "bootstrap-required" || f.Rule == "bootstrap-required" && !strings.HasSuffix(f.At, ".actions")
		})
		if refused := s.Validate(doc); (refused != nil) != shape {
			t.Errorf("%s: the schema says %v, the reader %v", f.Name, refused, findings)
		}
		verdicts[shape]++
	}
	if verdicts[true] == 0 || verdicts[false] == 0 {
		t.Errorf("only one kind of verdict was compared: %v", verdicts)
	}
}

func TestTheExampleOfTheDocumentationIsRight(t *testing.T) {
	page, err := os.ReadFile("../" + bootstrapDoc)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(page), "```yaml\n")
	src, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("the page shows no file")
	}
	c := openFacts(t)
	b, findings := ParseBootstrap(bootstrapDoc, []byte(src), c, testEnv)
	if b == nil || len(findings) > 0 {
		t.Fatal(findings)
	}
	if _, _, _, err := b.found(c, 1); err != nil {
		t.Error(err)
	}
	for _, r := range c.Roles() {
		if named := strings.Contains(strings.Join(strings.Fields(string(page)), " "), r.Name); named != (len(r.Actions) > 0) {
			t.Errorf("the page names the role %s: %t", r.Name, named)
		}
	}
}

func FuzzBootstrap(f *testing.F) {
	f.Add(wholeBootstrap(f))
	f.Add([]byte(aBootstrap))
	f.Add([]byte("{subscriptions: [{name: s}], principals: [{name: p, secret: 0123456789abcdefg, roles: [{role: Owner, scope: /subscriptions/s/x}]}]}"))
	c := openFacts(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		b, findings := ParseBootstrap("f", src, c, testEnv)
		if b == nil {
			if len(findings) == 0 {
				t.Error("refused without a word")
			}
			return
		}
		d, a, _, err := b.found(c, 1)
		if err != nil {
			t.Fatalf("what was checked cannot be founded: %v", err)
		}
		for _, as := range a.Assignments("/", false) {
			if !isScope(as.Scope) || !a.Reaches(as.Principal, as.Scope) {
				t.Fatalf("%v reaches nothing", as)
			}
		}
		text, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ReadDirectory(text); err != nil {
			t.Fatalf("what was founded cannot be read again: %v", err)
		}
	})
}
