package twin

import (
	"context"
	"fmt"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"onramp/arm"
)

// audience is for whom the tokens of the control socket are.
const audience = "https://management.azure.com"

// signIn issues a token of a principal.
func (t *Twin) signIn(who string) (Done, error) {
	var names []string
	for _, p := range t.directory.Principals() {
		names = append(names, p.Name)
		if p.Revoked && who == "*" || who != "*" && who != p.Name && who != p.AppID {
			continue
		}
		if p.Revoked {
			return Done{}, Refusal{fmt.Errorf("principal %s: %w", p.Name, arm.ErrRevoked)}
		}
		token, expires, err := t.login.Tokens.Issue(&p, audience)
		return Done{Message: p.Name + " has signed in", Token: token, Expires: expires}, err
	}
	return Done{}, Refusal{fmt.Errorf("there is no principal %q that may sign in; there are %s", who, strings.Join(names, ", "))}
}

// login signs in over the control socket.
type login struct{ dir, who string }

// SignIn is a credential of a principal of the twin in a state directory, by its name or application id; "*" is the first that may sign
// in. It works for whoever may use the directory, without a secret.
func SignIn(dir, who string) azcore.TokenCredential { return login{dir, who} }

// GetToken implements azcore.TokenCredential.
func (l login) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	d, err := Tell(l.dir, Command{SignIn: l.who})
	return azcore.AccessToken{Token: d.Token, ExpiresOn: d.Expires}, err
}
