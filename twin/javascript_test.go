package twin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheJavaScriptSDKDoesTheWholeLife(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"package.json", "package-lock.json", "life.mjs"} {
		b, err := os.ReadFile(filepath.Join("testdata", "javascript", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.Command("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	r := start(t, t.TempDir(), nil)
	app := ""
	for _, p := range r.Status().Principals {
		if p.Name == "owner" {
			app = p.AppID
		}
	}
	node := exec.Command("node", "life.mjs")
	node.Dir = dir
	node.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+r.Authority(), "TWIN_URL="+r.URL(), "TWIN_TENANT="+r.Tenant(), "TWIN_CLIENT="+app, "TWIN_SECRET=the-owners-secret-1234", "TWIN_SUBSCRIPTION="+r.subscription("sub-network"))
	out, err := node.CombinedOutput()
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "done") {
		t.Fatalf("%v\n%s", err, out)
	}
}
