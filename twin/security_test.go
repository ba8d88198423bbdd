package twin

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"onramp/arm"
)

const managed = "https://management.azure.com"

// signIn gets a principal's token.
func (r *running) signIn(name, secret string) string {
	r.t.Helper()
	tok, err := r.credential(name, secret).GetToken(context.Background(), policy.TokenRequestOptions{Scopes: []string{managed + "/.default"}})
	if err != nil {
		r.t.Fatal(err)
	}
	return tok.Token
}

// principal is one of the bootstrap.
func (r *running) principal(name string) *arm.Principal {
	r.t.Helper()
	for _, p := range r.directory.Principals() {
		if p.Name == name {
			return &p
		}
	}
	r.t.Fatalf("there is no principal %s", name)
	return nil
}

// answer is what came back.
type answer struct {
	status int
	code   string // of an error
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %s %.300s", a.status, a.code, a.body) }

// send sends a request with the path as it is written.
func (r *running) send(method, path, token, body string, headers ...string) answer {
	r.t.Helper()
	u, err := url.Parse(r.URL())
	if err != nil {
		r.t.Fatal(err)
	}
	raw, query, _ := strings.Cut(path, "?")
	u.Path, err = url.PathUnescape(raw)
	if err != nil {
		r.t.Fatal(err)
	}
	u.RawPath, u.RawQuery = raw, query
	if query == "" {
		u.RawQuery = "api-version=2025-05-01"
	}
	req, err := http.NewRequest(method, "https://placeholder", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.URL = u
	req.Host = u.Host
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.t.Errorf("%s %s: %v", method, path, err)
		return answer{}
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Error(err)
	}
	var e struct{ Error struct{ Code string } }
	_ = json.Unmarshal(b, &e) // not every answer is an error
	return answer{res.StatusCode, e.Error.Code, res.Header, b}
}

// must sends what has to succeed.
func (r *running) must(method, path, token, body string) object {
	r.t.Helper()
	a := r.send(method, path, token, body)
	if a.status >= 300 {
		r.t.Fatalf("%s %s: %s", method, path, a)
	}
	var o object
	_ = json.Unmarshal(a.body, &o) // some have no body
	return o
}

type object = map[string]any

// at follows names into an answer.
func at(v any, names ...string) string {
	for _, n := range names {
		if i, err := strconv.Atoi(n); err == nil {
			v = v.([]any)[i]
			continue
		}
		o, _ := v.(object)
		v = o[n]
	}
	s, _ := v.(string)
	return s
}

// contents are the records of the store with their revisions.
func (r *running) contents() map[string]uint64 {
	r.t.Helper()
	out := map[string]uint64{}
	if err := r.store.Load(func(x arm.Record) error { out[x.Key] = x.Revision; return nil }); err != nil {
		r.t.Fatal(err)
	}
	return out
}

// unchanged does something that must write nothing.
func (r *running) unchanged(do func()) {
	r.t.Helper()
	before := r.contents()
	do()
	if after := r.contents(); !maps.Equal(before, after) {
		r.t.Errorf("something was written: %d records before, %d after", len(before), len(after))
	}
}

// refuses sends what must be refused, and says so of the status and the code.
func (r *running) refuses(what string, a answer, status int, codes ...string) {
	r.t.Helper()
	for _, c := range codes {
		if a.status == status && a.code == c {
			return
		}
	}
	r.t.Errorf("%s: %s, where %d %s was to come", what, a, status, strings.Join(codes, " or "))
}

const (
	ownerSecret   = "the-owners-secret-1234"
	readerSecret  = "the-readers-secret-1234"
	financeSecret = "the-finance-secret-1234"
	group         = `{"location":"westeurope"}`
	hubNetwork    = `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.0.0.0/24"}},{"name":"GatewaySubnet","properties":{"addressPrefix":"10.0.1.0/24"}},{"name":"AzureFirewallSubnet","properties":{"addressPrefix":"10.0.2.0/24"}},{"name":"AzureFirewallManagementSubnet","properties":{"addressPrefix":"10.0.3.0/24"}}]}}`
	circuit       = `{"location":"westeurope","sku":{"name":"Standard_MeteredData","tier":"Standard","family":"MeteredData"},"properties":{"serviceProviderProperties":{"serviceProviderName":"Equinix","peeringLocation":"Amsterdam","bandwidthInMbps":200}}}`
	private       = `{"properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,"vlanId":100,"primaryPeerAddressPrefix":"192.168.1.0/30","secondaryPeerAddressPrefix":"192.168.1.4/30"}}`
)

func TestAForgedOrWornOutTokenOpensNothing(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	sub := "/subscriptions/" + r.subscription("sub-network")
	owner := r.signIn("owner", ownerSecret)
	r.must("PUT", sub+"/resourceGroups/net", owner, group)
	p := r.principal("owner")
	now := time.Now
	issue := func(tokens *arm.Tokens, audience string) string {
		s, _, err := tokens.Issue(p, audience)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	part := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	payload := strings.Split(owner, ".")[1]
	var header struct{ Kid string }
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(owner, ".")[0])
	if err != nil || json.Unmarshal(b, &header) != nil {
		t.Fatal(err)
	}
	keys := r.send("GET", "/"+r.Tenant()+"/discovery/v2.0/keys", "", "")
	var public struct{ Keys []struct{ N string } }
	if err := json.Unmarshal(keys.body, &public); err != nil || len(public.Keys) == 0 {
		t.Fatal(keys, err)
	}
	modulus, err := base64.RawURLEncoding.DecodeString(public.Keys[0].N)
	if err != nil {
		t.Fatal(err)
	}
	confused := func(secret []byte) string {
		signed := part(`{"alg":"HS256","typ":"JWT","kid":"`+header.Kid+`"}`) + "." + payload
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(signed))
		return signed + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	strange, err := arm.OpenKeys(t.TempDir()+"/keys", now())
	if err != nil {
		t.Fatal(err)
	}
	claims, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	stolen := strings.Split(r.signIn("reader", readerSecret), ".")
	r.unchanged(func() {
		for _, c := range []struct{ name, token, code string }{
			{"no token", "", "AuthenticationFailed"},
			{"no token at all, but words", "let me in", "AuthenticationFailed"},
			{"a token that is none", "abc.def.ghi", "InvalidAuthenticationToken"},
			{"an expired one", issue(arm.NewTokens(r.keys, r.Tenant(), r.site, func() time.Time { return now().Add(-3 * time.Hour) }), managed), "ExpiredAuthenticationToken"},
			{"one from the future", issue(arm.NewTokens(r.keys, r.Tenant(), r.site, func() time.Time { return now().Add(3 * time.Hour) }), managed), "InvalidAuthenticationToken"},
			{"one for another audience", issue(arm.NewTokens(r.keys, r.Tenant(), r.site, now), "https://vault.azure.net"), "InvalidAuthenticationTokenAudience"},
			{"one of another tenant", issue(arm.NewTokens(r.keys, "11111111-2222-3333-4444-555555555555", r.site, now), managed), "InvalidAuthenticationTokenTenant"},
			{"one that somebody else signed", issue(arm.NewTokens(strange, r.Tenant(), r.site, now), managed), "InvalidAuthenticationToken"},
			{"algorithm none", part(`{"alg":"none","typ":"JWT"}`) + "." + payload + ".", "InvalidAuthenticationToken"},
			{"algorithm None, with a key's id", part(`{"alg":"None","kid":"`+header.Kid+`"}`) + "." + payload + ".", "InvalidAuthenticationToken"},
			{"no signature", strings.Join(strings.Split(owner, ".")[:2], ".") + ".", "InvalidAuthenticationToken"},
			{"the modulus as an HMAC secret", confused(modulus), "InvalidAuthenticationToken"},
			{"the modulus's text as an HMAC secret", confused([]byte(public.Keys[0].N)), "InvalidAuthenticationToken"},
			{"the published keys as an HMAC secret", confused(keys.body), "InvalidAuthenticationToken"},
			{"a reader's token with the owner's claims", stolen[0] + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + stolen[2], "InvalidAuthenticationToken"},
			{"an endless one", strings.Repeat("a", 20_000), "InvalidAuthenticationToken"},
		} {
			a := r.send("PUT", sub+"/resourceGroups/other", c.token, group)
			r.refuses(c.name, a, 401, c.code)
			if a.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no WWW-Authenticate", c.name)
			}
		}
	})
	// A revoked principal is out at once, with the token that it has; nobody signs in with its secret.
	if _, err := r.Do(Command{Revoke: "owner"}); err != nil {
		t.Fatal(err)
	}
	r.unchanged(func() {
		r.refuses("a revoked principal's token", r.send("PUT", sub+"/resourceGroups/other", owner, group), 401, "InvalidAuthenticationToken")
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {p.AppID}, "client_secret": {ownerSecret}, "scope": {managed + "/.default"}}
		for _, secret := range []string{ownerSecret, "a-guess-of-sixteen-or-more", ""} {
			form.Set("client_secret", secret)
			res, err := r.http.PostForm(r.URL()+"/"+r.Tenant()+"/oauth2/v2.0/token", form)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode != 401 && (secret != "" || res.StatusCode != 400) {
				t.Errorf("signing in as a revoked principal with %q: %d", secret, res.StatusCode)
			}
		}
	})
}

func TestAReaderWritesNothing(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	sub := "/subscriptions/" + r.subscription("sub-network")
	net := sub + "/resourceGroups/net/providers/Microsoft.Network"
	owner, reader := r.signIn("owner", ownerSecret), r.signIn("reader", readerSecret)
	r.must("PUT", sub+"/resourceGroups/net", owner, group)
	r.must("PUT", net+"/virtualNetworks/hub", owner, hubNetwork)
	r.must("PUT", net+"/expressRouteCircuits/ckt", owner, circuit)
	r.must("GET", net+"/virtualNetworks/hub", reader, "")
	assignment := `{"properties":{"roleDefinitionId":"/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635","principalId":"` + r.principal("reader").ObjectID + `"}}`
	r.unchanged(func() {
		for _, c := range [][3]string{
			{"PUT", sub + "/resourceGroups/net", group},
			{"PUT", net + "/virtualNetworks/hub", hubNetwork},
			{"PUT", net + "/virtualNetworks/new", hubNetwork},
			{"PATCH", net + "/virtualNetworks/hub", `{"tags":{"a":"b"}}`},
			{"PUT", net + "/virtualNetworks/hub/subnets/x", `{"properties":{"addressPrefix":"10.0.9.0/24"}}`},
			{"DELETE", net + "/virtualNetworks/hub/subnets/app", ""},
			{"DELETE", net + "/virtualNetworks/hub", ""},
			{"DELETE", sub + "/resourceGroups/net", ""},
			{"PUT", net + "/expressRouteCircuits/ckt/authorizations/mine", `{"properties":{}}`},
			{"PUT", sub + "/providers/Microsoft.Authorization/roleAssignments/11111111-1111-1111-1111-111111111111?api-version=2022-04-01", assignment},
			{"PUT", "/providers/Microsoft.Authorization/roleAssignments/11111111-1111-1111-1111-111111111111?api-version=2022-04-01", assignment},
			{"PUT", sub + "/resourceGroups/net/providers/Microsoft.Resources/tags/default", `{"properties":{"tags":{"a":"b"}}}`},
		} {
			r.refuses(c[0]+" "+c[1], r.send(c[0], c[1], reader, c[2]), 403, "AuthorizationFailed")
		}
	})
}

func TestNoPathLeadsIntoAnotherSubscription(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	network1, finance := r.subscription("sub-network"), r.subscription("sub-finance")
	owner, stranger := r.signIn("owner", ownerSecret), r.signIn("finance", financeSecret)
	r.must("PUT", "/subscriptions/"+network1+"/resourceGroups/net", owner, group)
	r.must("PUT", "/subscriptions/"+finance+"/resourceGroups/fin", owner, group)
	hub := "/subscriptions/" + network1 + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub"
	r.must("PUT", hub, owner, hubNetwork)
	own := "/subscriptions/" + finance + "/resourceGroups/fin/providers/Microsoft.Network/virtualNetworks"
	a := r.send("PUT", hub, owner, hubNetwork)
	poll, err := url.Parse(a.header.Get("Azure-AsyncOperation"))
	if err != nil || poll.Path == "" {
		t.Fatal(a)
	}
	r.must("GET", poll.Path, owner, "")
	r.unchanged(func() {
		for _, method := range []string{"GET", "PUT", "DELETE", "PATCH"} {
			body := map[string]string{"PUT": hubNetwork, "PATCH": `{"tags":{"a":"b"}}`}[method]
			for name, path := range map[string]string{
				"by guess":                     hub,
				"by case":                      strings.ToUpper(hub),
				"by mixed case":                strings.Replace(hub, "subscriptions", "SubScriptions", 1),
				"with a slash at the end":      hub + "/",
				"by empty segments":            strings.ReplaceAll(hub, "/", "//"),
				"of a group that is not there": "/subscriptions/" + network1 + "/resourceGroups/none/providers/Microsoft.Network/virtualNetworks/hub",
			} {
				r.refuses(method+" "+name, r.send(method, path, stranger, body), 403, "AuthorizationFailed")
			}
			for name, path := range map[string]string{
				"by an encoded slash":           own + "%2f..%2f..%2f..%2f..%2f..%2f" + network1 + "%2fresourceGroups%2fnet%2fproviders%2fMicrosoft.Network%2fvirtualNetworks%2fhub",
				"by an encoded backslash":       own + "%5c..%5chub",
				"by steps up":                   own + "/../../../../../../" + network1 + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub",
				"by encoded steps up":           own + "/%2e%2e/%2e%2e/%2E%2E/%2e%2e/%2e%2e/%2e%2e/" + network1 + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub",
				"by a step on the spot":         "/subscriptions/" + finance + "/./resourceGroups/fin/providers/Microsoft.Network/virtualNetworks/hub",
				"by an octet that ends strings": own + "/hub%00",
			} {
				r.refuses(method+" "+name, r.send(method, path, stranger, body), 400, "InvalidRequestUri")
			}
		}
		// An encoded slash that is encoded again is a name with a percent sign, to which nobody has a right.
		r.refuses("by a slash that is encoded twice", r.send("GET", own+"/x%252f..%252fhub", stranger, ""), 403, "AuthorizationFailed")
		r.refuses("a list", r.send("GET", "/subscriptions/"+network1+"/providers/Microsoft.Network/virtualNetworks", stranger, ""), 403, "AuthorizationFailed")
		r.refuses("all resources", r.send("GET", "/subscriptions/"+network1+"/resources", stranger, ""), 403, "AuthorizationFailed")
		r.refuses("a page of another subscription's list", r.send("GET", "/subscriptions/"+network1+"/providers/Microsoft.Network/virtualNetworks?api-version=2025-05-01&$skiptoken=%2fsubscriptions%2f"+finance, stranger, ""), 403, "AuthorizationFailed")
		if o := r.must("GET", "/subscriptions/"+finance+"/providers/Microsoft.Network/virtualNetworks?api-version=2025-05-01&$skiptoken=%2fsubscriptions%2f"+network1, stranger, ""); len(o["value"].([]any)) != 0 {
			t.Errorf("a page's beginning shows another subscription: %v", o)
		}
		if o := r.must("GET", "/subscriptions", stranger, ""); len(o["value"].([]any)) != 1 || at(o, "value", "0", "subscriptionId") != finance {
			t.Errorf("the subscriptions of a stranger: %v", o)
		}
		// The state of somebody else's operation is nobody's business, in its own subscription or another.
		r.refuses("somebody's operation", r.send("GET", poll.Path, stranger, ""), 404, "NotFound")
		r.refuses("somebody's operation through one's own subscription", r.send("GET", strings.Replace(poll.Path, network1, finance, 1), stranger, ""), 404, "NotFound")
		r.refuses("its result", r.send("GET", strings.Replace(strings.Replace(poll.Path, network1, finance, 1), "/operations/", "/operationResults/", 1), stranger, ""), 404, "NotFound")
		r.refuses("its end", r.send("POST", poll.Path+"/cancel", stranger, ""), 404, "NotFound")
		r.refuses("a subscription that is not there", r.send("GET", "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups", stranger, ""), 404, "SubscriptionNotFound")
	})
	// A Host header of somebody else's choosing is not repeated.
	req, err := http.NewRequest("GET", r.URL()+hub+"?api-version=2025-05-01", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Method, req.Host = "DELETE", "evil.example"
	req.Header.Set("Authorization", "Bearer "+owner)
	res, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if l := res.Header.Get("Location"); res.StatusCode != 202 || !strings.HasPrefix(l, r.URL()) {
		t.Errorf("%d, Location %s", res.StatusCode, l)
	}
}

func TestNoBodyJoinsWhatIsAnotherSubscriptions(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	theirs := "/subscriptions/" + r.subscription("sub-network") + "/resourceGroups/net"
	mine := "/subscriptions/" + r.subscription("sub-finance") + "/resourceGroups/fin"
	owner, stranger := r.signIn("owner", ownerSecret), r.signIn("finance", financeSecret)
	r.must("PUT", theirs, owner, group)
	r.must("PUT", mine, owner, group)
	theirs += "/providers/Microsoft.Network/"
	mine += "/providers/Microsoft.Network/"
	hub := theirs + "virtualNetworks/hub"
	plain := `{"location":"westeurope","properties":{}}`
	address := `{"location":"westeurope","sku":{"name":"Standard"},"properties":{"publicIPAllocationMethod":"Static"}}`
	for _, c := range [][2]string{
		{hub, hubNetwork}, {theirs + "routeTables/rt", plain}, {theirs + "networkSecurityGroups/nsg", plain}, {theirs + "publicIPAddresses/ip", address},
		{theirs + "routeFilters/rf", plain}, {theirs + "natGateways/nat", `{"location":"westeurope","sku":{"name":"Standard"},"properties":{}}`},
		{theirs + "expressRouteCircuits/ckt", circuit}, {theirs + "expressRouteCircuits/ckt/peerings/AzurePrivatePeering", private},
	} {
		r.must("PUT", c[0], owner, c[1])
	}
	key := at(r.must("PUT", theirs+"expressRouteCircuits/ckt/authorizations/finance", owner, `{"properties":{}}`), "properties", "authorizationKey")
	if key == "" {
		key = at(r.must("GET", theirs+"expressRouteCircuits/ckt/authorizations/finance", owner, ""), "properties", "authorizationKey")
	}
	own := strings.ReplaceAll(strings.ReplaceAll(hubNetwork, "10.0.", "10.1."), "/16", "/16")
	r.must("PUT", mine+"virtualNetworks/vnet", stranger, own)
	r.must("PUT", mine+"expressRouteCircuits/ckt", stranger, circuit)
	r.must("PUT", mine+"expressRouteCircuits/ckt/peerings/AzurePrivatePeering", stranger, private)
	r.must("PUT", mine+"virtualNetworkGateways/gw", stranger, `{"location":"westeurope","properties":{"gatewayType":"ExpressRoute","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"c","properties":{"subnet":{"id":"`+mine+`virtualNetworks/vnet/subnets/GatewaySubnet"}}}]}}`)

	subnet := func(what string) string {
		return strings.Replace(own, `"addressPrefix":"10.1.0.0/24"`, `"addressPrefix":"10.1.0.0/24",`+what, 1)
	}
	ref := func(name, id string) string { return `"` + name + `":{"id":"` + id + `"}` }
	configured := func(more string) string {
		return `{"location":"westeurope","sku":{"name":"AZFW_VNet"},"properties":{"gatewayType":"ExpressRoute","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"c","properties":{` + more + `}}]}}`
	}
	link := func(more string) string {
		return `{"location":"westeurope","properties":{"connectionType":"ExpressRoute",` + ref("virtualNetworkGateway1", mine+"virtualNetworkGateways/gw") + `,` + more + `}}`
	}
	peered := strings.Replace(private, `"properties":{`, `"properties":{`+ref("routeFilter", theirs+"routeFilters/rf")+`,`, 1)
	embedded := strings.Replace(circuit, `"properties":{`, `"properties":{"peerings":[{"name":"AzurePrivatePeering",`+peered[1:len(peered)-1]+`}],`, 1)
	reach := func(more string) string {
		return `{"properties":{"addressPrefix":"192.168.9.0/29",` + ref("expressRouteCircuitPeering", mine+"expressRouteCircuits/ckt/peerings/AzurePrivatePeering") + `,` + more + `}}`
	}
	far := ref("peerExpressRouteCircuitPeering", theirs+"expressRouteCircuits/ckt/peerings/AzurePrivatePeering")
	const none = "11111111-1111-1111-1111-111111111111"
	r.unchanged(func() {
		for _, c := range []struct{ name, path, body string }{
			{"a subnet, a route table", "virtualNetworks/vnet/subnets/x", `{"properties":{"addressPrefix":"10.1.9.0/24",` + ref("routeTable", theirs+"routeTables/rt") + `}}`},
			{"a subnet, a security group", "virtualNetworks/vnet/subnets/x", `{"properties":{"addressPrefix":"10.1.9.0/24",` + ref("networkSecurityGroup", theirs+"networkSecurityGroups/nsg") + `}}`},
			{"a subnet, a NAT gateway", "virtualNetworks/vnet/subnets/x", `{"properties":{"addressPrefix":"10.1.9.0/24",` + ref("natGateway", theirs+"natGateways/nat") + `}}`},
			{"a subnet inside its network", "virtualNetworks/vnet", subnet(ref("routeTable", theirs+"routeTables/rt"))},
			{"a subnet inside its network, in other letters", "virtualNetworks/vnet", subnet(ref("RouteTable", strings.ToUpper(theirs)+"ROUTETABLES/RT"))},
			{"a peering", "virtualNetworks/vnet/virtualNetworkPeerings/p", `{"properties":{` + ref("remoteVirtualNetwork", hub) + `}}`},
			{"a peering inside its network", "virtualNetworks/vnet", strings.Replace(own, `"subnets"`, `"virtualNetworkPeerings":[{"name":"p","properties":{`+ref("remoteVirtualNetwork", hub)+`}}],"subnets"`, 1)},
			{"an interface, a subnet", "networkInterfaces/nic", configured(ref("subnet", hub+"/subnets/app"))},
			{"an interface, an address", "networkInterfaces/nic", configured(ref("subnet", mine+"virtualNetworks/vnet/subnets/app") + `,` + ref("publicIPAddress", theirs+"publicIPAddresses/ip"))},
			{"an interface, a security group", "networkInterfaces/nic", strings.Replace(configured(ref("subnet", mine+"virtualNetworks/vnet/subnets/app")), `"properties":{`, `"properties":{`+ref("networkSecurityGroup", theirs+"networkSecurityGroups/nsg")+`,`, 1)},
			{"a gateway, a subnet", "virtualNetworkGateways/other", configured(ref("subnet", hub+"/subnets/GatewaySubnet"))},
			{"a firewall, a subnet", "azureFirewalls/fw", configured(ref("subnet", hub+"/subnets/AzureFirewallSubnet"))},
			{"a firewall, its management's subnet", "azureFirewalls/fw", strings.Replace(configured(ref("subnet", mine+"virtualNetworks/vnet/subnets/AzureFirewallSubnet")), `"properties":{`, `"properties":{"managementIpConfiguration":{"name":"m","properties":{`+ref("subnet", hub+"/subnets/AzureFirewallManagementSubnet")+`}},`, 1)},
			{"a firewall, a policy", "azureFirewalls/fw", strings.Replace(configured(ref("subnet", mine+"virtualNetworks/vnet/subnets/AzureFirewallSubnet")), `"properties":{`, `"properties":{`+ref("firewallPolicy", theirs+"firewallPolicies/p")+`,`, 1)},
			{"a NAT gateway, an address", "natGateways/nat", `{"location":"westeurope","sku":{"name":"Standard"},"properties":{"publicIpAddresses":[{"id":"` + theirs + `publicIPAddresses/ip"}]}}`},
			{"a NAT gateway, a prefix", "natGateways/nat", `{"location":"westeurope","sku":{"name":"Standard"},"properties":{"publicIpPrefixes":[{"id":"` + theirs + `publicIPPrefixes/p"}]}}`},
			{"an address, a prefix", "publicIPAddresses/ip", strings.Replace(address, `"properties":{`, `"properties":{`+ref("publicIPPrefix", theirs+"publicIPPrefixes/p")+`,`, 1)},
			{"a connection, another's gateway", "connections/c", `{"location":"westeurope","properties":{"connectionType":"ExpressRoute",` + ref("virtualNetworkGateway1", theirs+"virtualNetworkGateways/gw") + `,` + ref("peer", mine+"expressRouteCircuits/ckt") + `}}`},
			{"a connection, another's second gateway", "connections/c", `{"location":"westeurope","properties":{"connectionType":"Vnet2Vnet",` + ref("virtualNetworkGateway1", mine+"virtualNetworkGateways/gw") + `,` + ref("virtualNetworkGateway2", theirs+"virtualNetworkGateways/gw") + `}}`},
			{"a connection, another's site", "connections/c", `{"location":"westeurope","properties":{"connectionType":"IPsec",` + ref("virtualNetworkGateway1", mine+"virtualNetworkGateways/gw") + `,` + ref("localNetworkGateway2", theirs+"localNetworkGateways/l") + `}}`},
			{"a connection, a circuit without a key", "connections/c", link(ref("peer", theirs+"expressRouteCircuits/ckt"))},
			{"a connection, a circuit that is not there", "connections/c", link(ref("peer", theirs+"expressRouteCircuits/none"))},
			{"a connection of another kind that names a circuit", "connections/c", `{"location":"westeurope","properties":{"connectionType":"IPsec",` + ref("virtualNetworkGateway1", mine+"virtualNetworkGateways/gw") + `,` + ref("peer", theirs+"expressRouteCircuits/ckt") + `}}`},
			{"a circuit, a port", "expressRouteCircuits/direct", `{"location":"westeurope","sku":{"name":"Standard_MeteredData","tier":"Standard","family":"MeteredData"},"properties":{"bandwidthInGbps":1,` + ref("expressRoutePort", theirs+"expressRoutePorts/p") + `}}`},
			{"a circuit's peering, a route filter", "expressRouteCircuits/ckt/peerings/AzurePrivatePeering", peered},
			{"a circuit's peering inside the circuit, a route filter", "expressRouteCircuits/ckt", embedded},
			{"Global Reach without a key", "expressRouteCircuits/ckt/peerings/AzurePrivatePeering/connections/g", reach(far)},
			{"Global Reach to a circuit that is not there", "expressRouteCircuits/ckt/peerings/AzurePrivatePeering/connections/g", reach(strings.Replace(far, "/ckt/", "/none/", 1))},
			{"a reference for which no right is named", "routeTables/rt", `{"location":"westeurope","properties":{"anything":{"deep":[{"id":"` + hub + `"}]}}}`},
		} {
			r.refuses(c.name, r.send("PUT", mine+c.path, stranger, c.body), 403, "LinkedAuthorizationFailed")
		}
		r.refuses("a member in two cases of letters", r.send("PUT", mine+"virtualNetworks/vnet/subnets/x", stranger, `{"properties":{"addressPrefix":"10.1.9.0/24",`+ref("routeTable", mine+"routeTables/rt")+`,`+ref("routetable", theirs+"routeTables/rt")+`}}`), 400, "InvalidRequestContent")
		r.refuses("a wrong key", r.send("PUT", mine+"connections/c", stranger, link(ref("peer", theirs+"expressRouteCircuits/ckt")+`,"authorizationKey":"`+none+`"`)), 400, "BadRequest")
		r.refuses("a wrong key for Global Reach", r.send("PUT", mine+"expressRouteCircuits/ckt/peerings/AzurePrivatePeering/connections/g", stranger, reach(far+`,"authorizationKey":"`+none+`"`)), 400, "BadRequest")
	})
	// The id in a body is not looked at: what is written is what the path names.
	was := r.contents()[strings.ToLower(hub)]
	if o := r.must("PUT", mine+"virtualNetworks/vnet", stranger, strings.Replace(own, `{"location"`, `{"id":"`+hub+`","location"`, 1)); at(o, "id") != mine+"virtualNetworks/vnet" || r.contents()[strings.ToLower(hub)] != was {
		t.Errorf("a foreign id in the body: %v", o)
	}
	r.must("PUT", mine+"connections/c", stranger, link(ref("peer", theirs+"expressRouteCircuits/ckt")+`,"authorizationKey":"`+key+`"`))
	r.unchanged(func() {
		r.refuses("a key that is used", r.send("PUT", mine+"connections/d", stranger, link(ref("peer", theirs+"expressRouteCircuits/ckt")+`,"authorizationKey":"`+key+`"`)), 400, "BadRequest", "ExpressRouteGatewayConnectionAlreadyExists", "Conflict")
	})
}

func TestBodiesThatAreTooMuchAreRefused(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	sub := "/subscriptions/" + r.subscription("sub-network")
	owner := r.signIn("owner", ownerSecret)
	r.must("PUT", sub+"/resourceGroups/net", owner, group)
	path := sub + "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub"
	deep := func(n int) string {
		return `{"location":"westeurope","properties":{"x":` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + `}}`
	}
	r.unchanged(func() {
		for name, c := range map[string]struct {
			body   string
			status int
			code   string
		}{
			"a body of more than four megabytes": {`{"location":"westeurope","tags":{"a":"` + strings.Repeat("x", 4<<20) + `"}}`, 413, "RequestEntityTooLarge"},
			"objects in objects":                 {deep(100), 400, "InvalidRequestContent"},
			"a hundred thousand objects":         {deep(100_000), 400, "InvalidRequestContent"},
			"arrays in arrays":                   {strings.Repeat("[", 500_000), 400, "InvalidRequestContent"},
			"half a body":                        {`{"location":"west`, 400, "InvalidRequestContent"},
			"no body":                            {"", 400, "InvalidRequestContent"},
			"an array":                           {"[]", 400, "InvalidRequestContent"},
			"two objects":                        {group + group, 400, "InvalidRequestContent"},
		} {
			r.refuses(name, r.send("PUT", path, owner, c.body), c.status, c.code)
		}
		var many []string
		for i := range 5000 {
			many = append(many, "X-Header-"+strconv.Itoa(i), "some value or other")
		}
		if a := r.send("GET", path, owner, "", many...); a.status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("thousands of headers: %s", a)
		}
		r.refuses("a long path", r.send("GET", path+strings.Repeat("x", 3000), owner, ""), 400, "InvalidRequestUri")
	})
	if a := r.send("GET", sub+"/resourceGroups", owner, ""); a.status != 200 {
		t.Errorf("afterwards: %s", a)
	}
}

// dial opens a connection of HTTP/1.1.
func (r *running) dial() *tls.Conn {
	r.t.Helper()
	c := r.http.Transport.(*http.Transport).TLSClientConfig.Clone()
	c.NextProtos = []string{"http/1.1"}
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", r.Address(), c)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		r.t.Fatal(err)
	}
	return conn
}

func TestASlowClientIsCutOffAndOthersAreServed(t *testing.T) {
	r := start(t, t.TempDir(), func(o *Options) { o.bounds = bounds{headers: 200 * time.Millisecond, whole: 400 * time.Millisecond} })
	sub := "/subscriptions/" + r.subscription("sub-network")
	owner := r.signIn("owner", ownerSecret)
	r.must("PUT", sub+"/resourceGroups/net", owner, group)
	before := r.contents()
	var wait sync.WaitGroup
	dribble := func(name, head, drop string) {
		conn := r.dial()
		wait.Go(func() {
			defer func() { _ = conn.Close() }()
			if _, err := io.WriteString(conn, head); err != nil {
				t.Error(name, err)
				return
			}
			for range 200 { // each drop is small, and the server's patience does not begin again with it
				if _, err := io.WriteString(conn, drop); err != nil {
					return // cut off
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("%s: served for ever", name)
		})
	}
	for range 5 {
		dribble("headers, a few at a time", "GET "+sub+" HTTP/1.1\r\nHost: localhost\r\n", "X-A: b\r\n")
		dribble("a body, a few octets at a time", "PUT "+sub+"/resourceGroups/slow?api-version=2025-05-01 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "+owner+"\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{", " ")
	}
	for range 5 { // while they do
		if a := r.send("GET", sub+"/resourceGroups/net", owner, ""); a.status != 200 {
			t.Errorf("somebody else: %s", a)
		}
	}
	wait.Wait()
	if !maps.Equal(before, r.contents()) {
		t.Error("something was written")
	}
}

func TestMoreConnectionsThanThereMayBeWaitForTheirTurn(t *testing.T) {
	r := start(t, t.TempDir(), func(o *Options) { o.bounds = bounds{connections: 8, headers: 300 * time.Millisecond} })
	raw := func() net.Conn {
		c, err := net.Dial("tcp", r.Address())
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for range 60 { // nobody says anything
		c := raw()
		defer func() { _ = c.Close() }()
	}
	res, err := r.http.Get(r.URL() + "/healthz") // served when those before it have been cut off
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != 200 {
		t.Error(res.Status)
	}
}

func TestAHundredClientsOfOneResourceHaveOneOrderAndLosersAreTold(t *testing.T) {
	for _, pace := range []arm.Pace{arm.PaceInstant, arm.PaceAzure} {
		t.Run(string(pace), func(t *testing.T) {
			r := start(t, t.TempDir(), func(o *Options) { o.Pace = pace })
			sub := "/subscriptions/" + r.subscription("sub-network")
			owner := r.signIn("owner", ownerSecret)
			r.must("PUT", sub+"/resourceGroups/net", owner, group)
			path := sub + "/resourceGroups/net/providers/Microsoft.Network/routeTables/rt"
			before := r.contents()
			const clients = 100
			var wait sync.WaitGroup
			answers := make([]answer, clients)
			for i := range clients {
				wait.Go(func() {
					answers[i] = r.send("PUT", path, owner, fmt.Sprintf(`{"location":"westeurope","tags":{"by":"%d"},"properties":{}}`, i))
				})
			}
			wait.Wait()
			written, made, etags := 0, 0, map[string]string{}
			for i, a := range answers {
				switch a.status {
				case 200, 201:
					written++
					if a.status == 201 {
						made++
					}
					var o object
					if err := json.Unmarshal(a.body, &o); err != nil {
						t.Fatal(err)
					}
					if by, ok := etags[at(o, "etag")]; ok || at(o, "tags", "by") != strconv.Itoa(i) {
						t.Errorf("client %d is told the write of client %s", i, by)
					}
					etags[at(o, "etag")] = at(o, "tags", "by")
				case 429:
					if a.code != "AnotherOperationInProgress" || a.header.Get("Retry-After") == "" {
						t.Errorf("client %d: %s", i, a)
					}
				default:
					t.Errorf("client %d: %s", i, a)
				}
			}
			if made != 1 {
				t.Errorf("%d clients made it", made)
			}
			if pace == arm.PaceAzure && written != 1 || pace == arm.PaceInstant && written != clients {
				t.Errorf("%d of %d wrote", written, clients)
			}
			// Each write took one place in the store's order, and the last one is what there is.
			after := r.contents()
			if n := after[strings.ToLower(path)] - before[strings.ToLower(sub+"/resourceGroups/net")]; n != uint64(written) {
				t.Errorf("%d writes took %d places", written, n)
			}
			o := r.must("GET", path, owner, "")
			if by, ok := etags[at(o, "etag")]; !ok || by != at(o, "tags", "by") {
				t.Errorf("what is there is nobody's write: %v", o)
			}
		})
	}
}

func TestNothingSecretReachesTheLog(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	r := start(t, t.TempDir(), func(o *Options) { o.Log = newLog(&mu, &log) })
	sub := "/subscriptions/" + r.subscription("sub-network")
	net := sub + "/resourceGroups/net/providers/Microsoft.Network/"
	owner := r.signIn("owner", ownerSecret)
	r.must("PUT", sub+"/resourceGroups/net", owner, group)
	r.must("PUT", net+"virtualNetworks/hub", owner, hubNetwork)
	service := at(r.must("PUT", net+"expressRouteCircuits/ckt", owner, circuit), "properties", "serviceKey")
	r.must("PUT", net+"expressRouteCircuits/ckt/peerings/AzurePrivatePeering", owner, private)
	key := at(r.must("PUT", net+"expressRouteCircuits/ckt/authorizations/a", owner, `{"properties":{}}`), "properties", "authorizationKey")
	gateway := net + "virtualNetworkGateways/gw"
	r.must("PUT", gateway, owner, `{"location":"westeurope","properties":{"gatewayType":"ExpressRoute","sku":{"name":"ErGw1AZ","tier":"ErGw1AZ"},"ipConfigurations":[{"name":"c","properties":{"subnet":{"id":"`+net+`virtualNetworks/hub/subnets/GatewaySubnet"}}}]}}`)
	link := func(key string) string {
		return `{"location":"westeurope","properties":{"connectionType":"ExpressRoute","sharedKey":"a-shared-key-of-somebody","virtualNetworkGateway1":{"id":"` + gateway + `"},"peer":{"id":"` + net + `expressRouteCircuits/ckt"},"authorizationKey":"` + key + `"}}`
	}
	const wrong = "99999999-8888-7777-6666-555555555555"
	r.send("PUT", net+"connections/c", owner, link(wrong))
	r.must("PUT", net+"connections/c", owner, link(key))
	r.send("PUT", net+"connections/d", owner, link(key))
	r.send("PUT", net+"connections/c/sharedkey", owner, `{"value":"another-shared-key"}`)
	r.send("GET", net+"connections/c/sharedkey", owner, "")
	r.send("PUT", net+"virtualNetworks/broken", owner, `{"location":"westeurope","properties":{"secret":"a-secret-in-a-body"`)
	r.send("GET", sub+"/resourceGroups?api-version=2025-05-01&token="+owner, owner, "")
	r.send("GET", sub+"/resourceGroups", owner[:len(owner)-5]+"AAAAA", "")
	r.send("GET", sub+"/resourceGroups", "", "", "Authorization", "Basic "+ownerSecret)
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {r.principal("owner").AppID}, "client_secret": {"not-the-owners-secret"}, "scope": {managed + "/.default"}}
	if res, err := r.http.PostForm(r.URL()+"/"+r.Tenant()+"/oauth2/v2.0/token", form); err == nil {
		_ = res.Body.Close()
	}
	made, err := r.Do(Command{Principal: "pipeline", Role: "Reader", Scope: "sub-network"})
	if err != nil {
		t.Fatal(err)
	}
	r.signIn("pipeline", made.Credential.Secret)
	private, err := os.ReadFile(r.Twin.options.Dir + "/" + keysFile)
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	said := log.String()
	mu.Unlock()
	if n := strings.Count(said, "\n"); n < 15 {
		t.Fatalf("the log has %d lines", n)
	}
	for name, secret := range map[string]string{
		"a client's secret": ownerSecret, "a wrong secret": "not-the-owners-secret", "a secret that was made": made.Credential.Secret, "a token": owner, "a token's signature": strings.Split(owner, ".")[2],
		"an authorization key": key, "a wrong authorization key": wrong, "a service key": service, "a shared key": "a-shared-key-of-somebody", "another shared key": "another-shared-key",
		"a body": "a-secret-in-a-body", "the signing key": string(private[:min(len(private), 200)]), "an authorization header": "Bearer ",
	} {
		if secret == "" || strings.Contains(said, secret) {
			t.Errorf("the log has %s (%d octets)", name, len(secret))
		}
	}
	// Each line is whole and has both ids.
	lines := bufio.NewScanner(strings.NewReader(said))
	for lines.Scan() {
		var line struct{ Msg, Request, Correlation, Method, Path string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		if line.Msg == "request" && (len(line.Request) != 36 || len(line.Correlation) != 36 || line.Method == "" || line.Path == "") {
			t.Errorf("a request without its ids: %s", lines.Text())
		}
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
}

// newLog is a log into memory.
func newLog(mu *sync.Mutex, into *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(&guarded{mu, into}, nil))
}

type guarded struct {
	mu   *sync.Mutex
	into *bytes.Buffer
}

func (g *guarded) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.into.Write(b)
}
