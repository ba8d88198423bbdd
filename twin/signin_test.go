package twin

import (
	"errors"
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
)

func TestWhoMayUseTheDirectorySignsInWithoutASecret(t *testing.T) {
	dir := t.TempDir()
	r := start(t, dir, nil)
	get := func(who string) (int, error) {
		token, err := SignIn(dir, who).GetToken(t.Context(), policy.TokenRequestOptions{})
		if err != nil {
			return 0, err
		}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.URL()+"/subscriptions?api-version=2022-12-01", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token.Token)
		res, err := r.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, res.Body.Close()
	}
	for _, who := range []string{"*", "reader"} {
		if status, err := get(who); err != nil || status != http.StatusOK {
			t.Error(who, status, err)
		}
	}
	if _, err := Tell(dir, Command{Revoke: "reader"}); err != nil {
		t.Fatal(err)
	}
	var no Refusal
	for _, who := range []string{"nobody", "reader"} {
		if _, err := get(who); !errors.As(err, &no) {
			t.Error(who, err)
		}
	}
}
