package cloud_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"onramp/arm"
	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/twin"
)

const bootstrap = `subscriptions: [{name: net}]
principals:
  - {name: owner, secret: the-owners-secret-1234, roles: [{role: Owner, scope: /}]}
`

// open starts a twin and signs in there, knowing nothing but its address and certificate.
func open(t *testing.T) (e *cloud.Endpoint, subscription string) {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, findings := arm.ParseBootstrap("bootstrap.yaml", []byte(bootstrap), c, os.LookupEnv)
	if b == nil {
		t.Fatal(findings)
	}
	tw, err := twin.Open(twin.Options{Dir: t.TempDir(), Listen: "127.0.0.1:0", Bootstrap: b, Pace: arm.PaceInstant}, c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- tw.Serve(ctx) }()
	pem, err := os.ReadFile(tw.Authority())
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
	t.Cleanup(func() {
		web.CloseIdleConnections()
		end()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	st := tw.Status()
	cred, err := azidentity.NewClientSecretCredential(tw.Tenant(), st.Principals[0].AppID, "the-owners-secret-1234", &azidentity.ClientSecretCredentialOptions{
		ClientOptions: azcore.ClientOptions{Transport: web, Cloud: azcloud.Configuration{ActiveDirectoryAuthorityHost: tw.URL()}}, DisableInstanceDiscovery: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if e, err = cloud.Open(t.Context(), cloud.Config{Endpoint: tw.URL(), Transport: web, Credential: cred}); err != nil {
		t.Fatal(err)
	}
	return e, st.Subscriptions[0].ID
}

func TestAResourceIsWrittenReadListedAskedAndTakenAway(t *testing.T) {
	e, sub := open(t)
	ctx := t.Context()
	subs, err := e.Subscriptions(ctx)
	if err != nil || len(subs) != 1 || subs[0].ID != sub || subs[0].Name != "net" {
		t.Fatal(subs, err)
	}
	group := azure.ID("/subscriptions/" + sub + "/resourceGroups/g")
	put := func(id azure.ID, body string) json.RawMessage {
		t.Helper()
		o, err := e.Put(ctx, id, json.RawMessage(body))
		if err != nil {
			t.Fatal(err)
		}
		b, err := o.Wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	put(group, `{"location":"westeurope"}`)
	vnet := group + "/providers/Microsoft.Network/virtualNetworks/v"
	b := put(vnet, `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"a","properties":{"addressPrefix":"10.0.0.0/24"}}]}}`)
	r, err := azure.Unmarshal(b)
	if err != nil || r.Head().ID.Name() != "v" {
		t.Fatal(string(b), err)
	}
	list, err := e.List(ctx, string(group)+"/providers/Microsoft.Network/virtualNetworks", "Microsoft.Network/virtualNetworks", nil)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if _, err := e.Put(ctx, vnet, json.RawMessage(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["no"]}}}`)); err == nil {
		t.Error("nonsense was taken")
	}
	var refused *azcore.ResponseError
	circuit := group + "/providers/Microsoft.Network/expressRouteCircuits/er"
	if _, err = e.Get(ctx, circuit); !errors.Is(err, cloud.ErrNotFound) || !errors.As(err, &refused) {
		t.Error(err)
	}
	put(circuit, `{"location":"westeurope","sku":{"name":"Standard_MeteredData","tier":"Standard","family":"MeteredData"},"properties":{
"serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"Amsterdam","bandwidthInMbps":50}}}`)
	put(circuit+"/peerings/AzurePrivatePeering", `{"properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,"vlanId":100,"primaryPeerAddressPrefix":"172.16.0.0/30","secondaryPeerAddressPrefix":"172.16.0.4/30"}}`)
	if b, err = e.Post(ctx, circuit, "peerings/AzurePrivatePeering/arpTables/primary", nil, nil); err != nil || len(b) == 0 {
		t.Error(string(b), err)
	}
	for _, id := range []azure.ID{vnet, vnet, circuit, group} {
		o, err := e.Delete(ctx, id)
		if err != nil {
			t.Fatal(id, err)
		}
		if _, err := o.Wait(ctx); err != nil {
			t.Fatal(id, err)
		}
	}
	if _, err = e.Get(ctx, group); !errors.Is(err, cloud.ErrNotFound) {
		t.Error(err)
	}
}

func TestAnEndpointThatIsNoneIsTold(t *testing.T) {
	for _, url := range []string{"", "http://127.0.0.1:1", "https://127.0.0.1:1"} {
		if _, err := cloud.Open(t.Context(), cloud.Config{Endpoint: url}); err == nil {
			t.Errorf("%q is one", url)
		}
	}
}

// broken carries no request, and counts them by their methods.
type broken map[string]int

func (b broken) Do(r *http.Request) (*http.Response, error) {
	b[r.Method]++
	return nil, io.ErrUnexpectedEOF
}

// fixed is a token that somebody has already.
type fixed string

func (f fixed) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: string(f), ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestAWriteWhoseConnectionBreaksIsNotTriedAgain(t *testing.T) {
	b := broken{}
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: "https://127.0.0.1:1", Authority: "https://127.0.0.1:1/", Audience: "https://x", Transport: b, Credential: fixed("x"),
		Retry: policy.RetryOptions{RetryDelay: time.Millisecond, MaxRetryDelay: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Put(t.Context(), "/subscriptions/s/resourceGroups/g", map[string]string{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := e.Get(t.Context(), "/subscriptions/s/resourceGroups/g"); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if b[http.MethodPut] != 1 || b[http.MethodGet] < 2 {
		t.Error(b)
	}
}

func TestWhatIsNoResourceIsReadToo(t *testing.T) {
	e, sub := open(t)
	b, err := e.Ask(t.Context(), "/subscriptions/"+sub+"/providers/Microsoft.Network", "Microsoft.Resources/providers", nil)
	if err != nil || !strings.Contains(string(b), "Registered") {
		t.Error(string(b), err)
	}
	if _, err := e.Ask(t.Context(), "/subscriptions/"+sub+"/providers/Microsoft.Nothing", "Microsoft.Resources/providers", nil); !errors.Is(err, cloud.ErrNotFound) {
		t.Error(err)
	}
}
