package adopt

import (
	"os"
	"strings"
	"testing"
)

func TestEveryTypeOfTerraformThatIsKnownIsInATest(t *testing.T) {
	var all strings.Builder
	for _, name := range []string{"../examples/import/contoso.tfstate", "testdata/direct.tfstate"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, typ := range sortedKeys(terraformTypes()) {
		if !strings.Contains(all.String(), `"`+typ+`"`) {
			t.Errorf("no test has a resource of type %s", typ)
		}
	}
}
