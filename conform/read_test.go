package conform_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/conform"
	"onramp/design"
	"onramp/twin"
)

// as is the endpoint as somebody else sees it.
func (r *rig) as(name, role, scope string) *cloud.Endpoint {
	r.Helper()
	made, err := r.tw.Do(twin.Command{Principal: name, Secret: "the-guests-secret-1234", Role: role, Scope: scope})
	if err != nil {
		r.Fatal(err)
	}
	cred, err := azidentity.NewClientSecretCredential(r.tw.Tenant(), made.Credential.AppID, "the-guests-secret-1234", &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: r.web, Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: r.tw.URL()}}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		r.Fatal(err)
	}
	e, err := cloud.Open(r.Context(), cloud.Config{Endpoint: r.tw.URL(), Transport: r.web, Credential: cred, Retry: policy.RetryOptions{MaxRetries: -1}})
	if err != nil {
		r.Fatal(err)
	}
	return e
}

func TestServicesBehindMicrosoftPeeringAreComparedAndWhatCannotBeReadIsTold(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	r := deployed(t, c, designOf(t, c, "proseware-microsoft365", design.Shared))
	if x := r.conform(); !x.Conforms {
		t.Fatal(text(t, x))
	}
	t.Run("a route filter", func(t *testing.T) {
		r := *r
		r.TB = t
		group, sub := r.id("rf-chicago-1")
		filters := r.clients(sub).NewRouteFilterRulesClient()
		put := func(communities ...string) {
			x, err := filters.Get(context.Background(), group, "rf-chicago-1", "allow-services", nil)
			if err != nil {
				t.Fatal(err)
			}
			x.Properties.Communities = to.SliceOfPtrs(communities...)
			done[armnetwork.RouteFilterRulesClientCreateOrUpdateResponse](&r)(filters.BeginCreateOrUpdate(context.Background(), group, "rf-chicago-1", "allow-services", x.RouteFilterRule, nil))
		}
		put("12076:5020", "12076:5030", "12076:5060", "12076:5100")
		x := r.until(func(x *conform.Result) bool { return !x.Conforms })
		if len(x.Findings) != 1 {
			t.Fatal(text(t, x))
		}
		f := x.Findings[0]
		if f.Kind != conform.Value || f.In != conform.Configuration || f.What != "rule allow-services of route filter rf-chicago-1 lacks 12076:5010 in communities" ||
			!strings.Contains(f.Cause, "the route filter was changed: it no longer lets through 12076:5010 (Exchange Online") {
			t.Errorf("%s: %s", f.What, f.Cause)
		}
		if !slices.ContainsFunc(f.Symptoms, func(s conform.Symptom) bool {
			return s.Table == "routes of er-chicago-1, Microsoft peering, primary path" && s.Kind == conform.Missing
		}) {
			t.Error(text(t, f.Symptoms))
		}
		put("12076:5010", "12076:5020", "12076:5030", "12076:5060", "12076:5100")
		if x := r.until(func(x *conform.Result) bool { return x.Conforms }); !x.Conforms {
			t.Error(text(t, x))
		}
	})
	t.Run("a reader may not ask for tables", func(t *testing.T) {
		seen, err := conform.Read(t.Context(), r.as("reader", "Reader", "/"), r.d, conform.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := conform.Compare(r.d, seen, c)
		if err != nil {
			t.Fatal(err)
		}
		if !x.Conforms || x.Compared.Resources != len(r.d.Resources) || !slices.ContainsFunc(x.NotObserved, func(u conform.Unread) bool {
			return u.What == "the ARP table of the private peering of circuit er-chicago-1, primary path" && strings.Contains(u.Why, "may not read it (AuthorizationFailed)")
		}) {
			t.Error(text(t, x))
		}
	})
	t.Run("somebody with one subscription sees that one", func(t *testing.T) {
		_, sub := r.id("er-chicago-1")
		seen, err := conform.Read(t.Context(), r.as("owner-of-one", "Owner", "/subscriptions/"+sub), r.d, conform.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		x, err := conform.Compare(r.d, seen, c)
		if err != nil {
			t.Fatal(err)
		}
		if !x.Conforms || x.Compared.Resources == 0 || x.Compared.Resources == len(r.d.Resources) || x.Compared.Tables == 0 {
			t.Error(text(t, x))
		}
	})
	t.Run("somebody with nothing is told so", func(t *testing.T) {
		_, err := conform.Read(t.Context(), r.as("nobody", "", ""), r.d, conform.ReadOptions{})
		if err == nil || !strings.Contains(err.Error(), "lets nothing of the design be read") {
			t.Error(err)
		}
	})
	for what, why := range map[arm.FaultKind]string{arm.FaultError: "the endpoint says InternalServerError", arm.FaultThrottle: "the endpoint says SubscriptionRequestsThrottled"} {
		t.Run("a table that is not answered for "+string(what)+" is not observed", func(t *testing.T) {
			if _, err := r.tw.Do(twin.Command{Faults: []arm.Fault{{What: what, Operation: "ExpressRouteCircuits_ListArpTable"}}}); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if _, err := r.tw.Do(twin.Command{Faults: []arm.Fault{}}); err != nil {
					t.Error(err)
				}
			}()
			seen, err := conform.Read(t.Context(), r.e, r.d, conform.ReadOptions{Parallel: 64})
			if err != nil {
				t.Fatal(err)
			}
			x, err := conform.Compare(r.d, seen, c)
			if err != nil {
				t.Fatal(err)
			}
			if !x.Conforms || !slices.ContainsFunc(x.NotObserved, func(u conform.Unread) bool { return strings.HasPrefix(u.What, "the ARP table") && u.Why == why }) {
				t.Error(text(t, x))
			}
		})
	}
	t.Run("an answer that takes too long is none", func(t *testing.T) {
		_, err := conform.Read(t.Context(), r.e, r.d, conform.ReadOptions{Timeout: time.Nanosecond})
		if err == nil || !strings.Contains(err.Error(), "no answer within 1ns") {
			t.Error(err)
		}
	})
	t.Run("what is not there is missing, and what is beside it extra", func(t *testing.T) {
		other := *r.d
		other.Resources = slices.Clone(r.d.Resources)
		gone := azure.Of[*azure.VirtualNetwork](other.Resources)[0]
		b, err := azure.Marshal(gone)
		if err != nil {
			t.Fatal(err)
		}
		x, err := azure.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		x.Head().ID, x.Head().Name = azure.ID(strings.TrimSuffix(string(gone.ID), gone.Name)+"vnet-never"), "vnet-never"
		for i, y := range other.Resources {
			if y == azure.Resource(gone) {
				other.Resources[i] = x
			}
		}
		seen, err := conform.Read(t.Context(), r.e, &other, conform.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		got, err := conform.Compare(&other, seen, c)
		if err != nil {
			t.Fatal(err)
		}
		said := text(t, got.Findings)
		for _, s := range []string{"virtual network vnet-never is not there", "virtual network " + gone.Name + " is not in the design"} {
			if !strings.Contains(said, s) {
				t.Errorf("%q is not said: %s", s, said)
			}
		}
	})
}

func TestAnEndpointThatFailsIsNoAnswer(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "fabrikam-isolated", design.Isolated)
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: "https://127.0.0.1:1", Authority: "https://127.0.0.1:1/", Audience: "https://management.azure.com", Credential: token{}, Retry: policy.RetryOptions{MaxRetries: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conform.Read(t.Context(), e, d, conform.ReadOptions{}); err == nil || !strings.Contains(err.Error(), "https://127.0.0.1:1") {
		t.Error(err)
	}
}

// token is one that nobody checks.
type token struct{}

func (token) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestADesignIsAtHomeInOtherSubscriptions(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	d := designOf(t, c, "fabrikam-isolated", design.Isolated)
	before := text(t, d)
	home, err := conform.Home(d, map[string]string{"SUB-retail": "11111111-2222-3333-4444-555555555555"})
	if err != nil {
		t.Fatal(err)
	}
	after := text(t, home)
	if strings.Contains(after, "/subscriptions/sub-retail/") || !strings.Contains(after, "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-sub-retail") {
		t.Error("sub-retail is still where it was")
	}
	if strings.Count(before, "/subscriptions/sub-retail/") != strings.Count(after, "/subscriptions/11111111-2222-3333-4444-555555555555/") {
		t.Error("an id was left behind")
	}
	if text(t, d) != before {
		t.Error("the design itself was changed")
	}
}
