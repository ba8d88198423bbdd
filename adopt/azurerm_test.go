package adopt_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onramp/adopt"
	"onramp/check"
	"onramp/design"
	"onramp/network"
)

// The states are those that Terraform's provider azurerm wrote in August 2026, with other keys in the place of those that were issued.
func TestStatesThatTheProviderWroteAreUnderstood(t *testing.T) {
	key := regexp.MustCompile(`"(?:authorization_key|service_key|shared_key)": "([^"]+)"`)
	for _, name := range []string{"real", "wide"} {
		t.Run(name, func(t *testing.T) {
			src, err := os.ReadFile(filepath.Join("testdata", "azurerm-"+name+".tfstate"))
			if err != nil {
				t.Fatal(err)
			}
			f, err := adopt.FromTerraform("azurerm-"+name+".tfstate", src)
			r := imported(t, f, err, adopt.Options{})
			golden(t, "azurerm-"+name+".json", encoded(t, r.Design))
			golden(t, "azurerm-"+name+".txt", told(r))
			keys := key.FindAllSubmatch(src, -1)
			if len(keys) == 0 {
				t.Fatal("the state has no key")
			}
			for _, m := range keys {
				if strings.Contains(encoded(t, r.Design)+told(r), string(m[1])) {
					t.Errorf("%s is told", m[0])
				}
			}
			if strings.Contains(told(r), "_wo_version") {
				t.Error("the version of an argument that nobody gave is reported")
			}
			if name != "real" {
				return
			}
			if _, findings := network.Build(r.Design.Resources, r.Design.Premises, facts(t), network.Options{}); len(findings) > 0 {
				t.Errorf("the network: %v", findings)
			}
			for _, x := range check.Check(r.Design, facts(t)) {
				if x.Severity == design.Error {
					t.Errorf("check: %v", x)
				}
			}
		})
	}
}

func TestAVersionOfAWriteOnlyArgumentThatIsGivenIsReported(t *testing.T) {
	src, err := os.ReadFile(filepath.Join("testdata", "azurerm-real.tfstate"))
	if err != nil {
		t.Fatal(err)
	}
	s := strings.Replace(string(src), `"route_table_id_wo_version": 0`, `"route_table_id_wo_version": 3`, 1)
	f, err := adopt.FromTerraform("s.tfstate", []byte(s))
	if got := told(imported(t, f, err, adopt.Options{})); strings.Count(got, "_wo_version") != 1 {
		t.Error(got)
	}
}
