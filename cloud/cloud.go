// Package cloud is an Azure Resource Manager endpoint as its clients see it: Azure, or the twin, which differ only in their addresses and
// in who signs in. It reads, writes and waits, through Microsoft's own pipeline (azcore), which signs in, retries what is transient and
// follows long-running operations. It decides nothing: whoever calls it says what is to be read and written.
package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	azarm "github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	azcloud "github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"onramp/azure"
)

// Config says where an endpoint is and who signs in there.
type Config struct {
	// Endpoint, Authority and Audience are addresses: of the endpoint itself, of who issues its tokens, and for whom they are. Without
	// Authority and Audience an endpoint that is not Azure's own is asked for them (its metadata).
	Endpoint, Authority, Audience string
	// Credential signs in; nil is azidentity's default chain (environment, workload and managed identity, Azure CLI).
	Credential azcore.TokenCredential
	// Transport carries requests; nil is the SDK's own, which trusts what the machine trusts and SSL_CERT_FILE.
	Transport policy.Transporter
	// Retry is how what is transient is tried again; the zero value is the SDK's.
	Retry policy.RetryOptions
	// Poll is how often an operation is looked at where the endpoint does not say; at least a second, which is the default.
	Poll time.Duration
}

// PublicEndpoint is Azure's own.
const PublicEndpoint = "https://management.azure.com"

const (
	publicAuthority = "https://login.microsoftonline.com/"
	publicAudience  = "https://management.azure.com"
	metadataPath    = "/metadata/endpoints?api-version=2022-09-01"
	moduleName      = "onramp"
	moduleVersion   = "v1.0.0"
	leastPoll       = time.Second // the SDK allows no less
	mostPages       = 10_000      // of a collection; an endpoint that has more goes round in a circle
)

// Endpoint is an endpoint that is open. It may be used by several goroutines.
type Endpoint struct {
	url    string
	public bool
	pl     runtime.Pipeline
	client *azarm.Client
	poll   time.Duration
	writes policy.RetryOptions // of what may have been done when its connection breaks
}

// ErrNotFound tells that what was asked for is not there.
var ErrNotFound = errors.New("not found")

// Open makes the clients of an endpoint. It asks nothing of Azure; of any other it may ask where its tokens come from.
func Open(ctx context.Context, c Config) (*Endpoint, error) {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the endpoint %q is no address that begins with https://", c.Endpoint)
	}
	e := &Endpoint{url: strings.TrimSuffix(c.Endpoint, "/"), poll: max(c.Poll, leastPoll)}
	e.public = strings.EqualFold(e.url, PublicEndpoint)
	if e.public {
		c.Authority, c.Audience = publicAuthority, publicAudience
	}
	if c.Authority == "" || c.Audience == "" {
		if err := e.discover(ctx, &c); err != nil {
			return nil, err
		}
	}
	o := policy.ClientOptions{Transport: c.Transport, Retry: c.Retry, Telemetry: policy.TelemetryOptions{ApplicationID: moduleName}, Cloud: azcloud.Configuration{
		ActiveDirectoryAuthorityHost: c.Authority,
		Services:                     map[azcloud.ServiceName]azcloud.ServiceConfiguration{azcloud.ResourceManager: {Endpoint: e.url, Audience: c.Audience}},
	}}
	cred := c.Credential
	if cred == nil {
		d, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{ClientOptions: o, DisableInstanceDiscovery: !e.public})
		if err != nil {
			return nil, err
		}
		cred = d
	}
	e.client, err = azarm.NewClient(moduleName, moduleVersion, cred, &azarm.ClientOptions{ClientOptions: o, DisableRPRegistration: !e.public})
	if err != nil {
		return nil, err
	}
	e.pl = e.client.Pipeline()
	e.writes = c.Retry
	e.writes.ShouldRetry = transient
	return e, nil
}

// transient tells that an answer says to try again: what the SDK takes for that. A connection that breaks is no answer.
func transient(resp *http.Response, err error) bool {
	if err != nil || resp == nil {
		return false
	}
	switch resp.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// discover asks an endpoint for its metadata.
func (e *Endpoint) discover(ctx context.Context, c *Config) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+metadataPath, nil)
	if err != nil {
		return err
	}
	var do policy.Transporter = http.DefaultClient
	if c.Transport != nil {
		do = c.Transport
	}
	resp, err := do.Do(req)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", e.url, err)
	}
	defer resp.Body.Close()
	var m struct {
		Authentication struct {
			LoginEndpoint string   `json:"loginEndpoint"`
			Audiences     []string `json:"audiences"`
		} `json:"authentication"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&m); err != nil || resp.StatusCode != http.StatusOK || len(m.Authentication.Audiences) == 0 {
		return fmt.Errorf("%s does not answer as an endpoint of Azure Resource Manager (%s to GET %s)", e.url, resp.Status, metadataPath)
	}
	if c.Authority == "" {
		c.Authority = m.Authentication.LoginEndpoint
	}
	if c.Audience == "" {
		c.Audience = strings.TrimSuffix(m.Authentication.Audiences[0], "/")
	}
	return nil
}

// URL is the address of the endpoint, without a slash at its end.
func (e *Endpoint) URL() string { return e.url }

// Public tells whether it is Azure itself.
func (e *Endpoint) Public() bool { return e.public }

// Version is the version of the interface with which resources of a type are read and written.
func Version(typ string) string {
	provider, rest, _ := strings.Cut(strings.ToLower(typ), "/")
	switch {
	case provider == "microsoft.authorization":
		return "2022-04-01"
	case provider == "microsoft.resources" && rest == "subscriptions":
		return "2022-12-01"
	case provider == "microsoft.resources":
		return "2021-04-01"
	}
	return "2025-05-01" // what the newest SDK sends
}

// request makes a request for a path below the endpoint.
func (e *Endpoint) request(ctx context.Context, method, path string, query url.Values, version string, body any) (*policy.Request, error) {
	req, err := runtime.NewRequest(ctx, method, e.url+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return nil, err
	}
	q := url.Values{"api-version": {version}}
	for k, v := range query {
		q[k] = v
	}
	req.Raw().URL.RawQuery = q.Encode()
	req.Raw().Header["Accept"] = []string{"application/json"}
	if body == nil {
		return req, nil
	}
	b, ok := body.(json.RawMessage)
	if !ok {
		if b, err = json.Marshal(body); err != nil {
			return nil, err
		}
	}
	return req, req.SetBody(readSeekCloser{bytes.NewReader(b)}, "application/json")
}

type readSeekCloser struct{ *bytes.Reader }

func (readSeekCloser) Close() error { return nil }

// send sends a request and refuses every answer but these.
func (e *Endpoint) send(req *policy.Request, status ...int) (*http.Response, error) {
	resp, err := e.pl.Do(req)
	if err != nil {
		return nil, err
	}
	if !runtime.HasStatusCode(resp, status...) {
		err := runtime.NewResponseError(resp)
		if resp.StatusCode == http.StatusNotFound {
			return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
		}
		return nil, err
	}
	return resp, nil
}

// typeOf is the type that an id says.
func typeOf(id azure.ID) (string, error) {
	p, err := azure.ParseID(string(id))
	if err != nil {
		return "", err
	}
	switch {
	case p.Provider != "":
		return p.Type(), nil
	case p.ResourceGroup != "":
		return "Microsoft.Resources/resourceGroups", nil
	}
	return "Microsoft.Resources/subscriptions", nil
}

// Get reads a resource. The error is ErrNotFound where there is none.
func (e *Endpoint) Get(ctx context.Context, id azure.ID) (json.RawMessage, error) {
	typ, err := typeOf(id)
	if err != nil {
		return nil, err
	}
	req, err := e.request(ctx, http.MethodGet, string(id), nil, Version(typ), nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.send(req, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return runtime.Payload(resp)
}

// Ask reads a path that is no resource, such as a resource provider, with the version of a type.
func (e *Endpoint) Ask(ctx context.Context, path, typ string, query url.Values) (json.RawMessage, error) {
	req, err := e.request(ctx, http.MethodGet, path, query, Version(typ), nil)
	if err != nil {
		return nil, err
	}
	resp, err := e.send(req, http.StatusOK)
	if err != nil {
		return nil, err
	}
	return runtime.Payload(resp)
}

// Operation is something that the endpoint is at.
type Operation struct {
	poller *runtime.Poller[json.RawMessage]
	every  time.Duration
}

// Wait waits until it has ended, and returns what came of it: the resource, or the answer to an action; null where there is none. An
// operation that failed is an *azcore.ResponseError.
func (o *Operation) Wait(ctx context.Context) (json.RawMessage, error) {
	return o.poller.PollUntilDone(ctx, &runtime.PollUntilDoneOptions{Frequency: o.every})
}

// begin sends a request that begins an operation.
func (e *Endpoint) begin(req *policy.Request, final runtime.FinalStateVia, status ...int) (*Operation, error) {
	resp, err := e.send(req, status...)
	if err != nil {
		return nil, err
	}
	p, err := runtime.NewPoller[json.RawMessage](resp, e.pl, &runtime.NewPollerOptions[json.RawMessage]{FinalStateVia: final})
	if err != nil {
		return nil, err
	}
	return &Operation{poller: p, every: e.poll}, nil
}

// Put writes a resource whole. An error means that nothing has begun, unless it is one of the connection: then nobody knows, nothing is
// tried again, and whoever asks has to look.
func (e *Endpoint) Put(ctx context.Context, id azure.ID, body any) (*Operation, error) {
	ctx = policy.WithRetryOptions(ctx, e.writes)
	typ, err := typeOf(id)
	if err != nil {
		return nil, err
	}
	req, err := e.request(ctx, http.MethodPut, string(id), nil, Version(typ), body)
	if err != nil {
		return nil, err
	}
	return e.begin(req, runtime.FinalStateViaAzureAsyncOp, http.StatusOK, http.StatusCreated, http.StatusAccepted)
}

// Delete takes a resource away. What is not there has been.
func (e *Endpoint) Delete(ctx context.Context, id azure.ID) (*Operation, error) {
	typ, err := typeOf(id)
	if err != nil {
		return nil, err
	}
	req, err := e.request(ctx, http.MethodDelete, string(id), nil, Version(typ), nil)
	if err != nil {
		return nil, err
	}
	return e.begin(req, runtime.FinalStateViaLocation, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
}

// Post carries out an action of a resource ("getLearnedRoutes"), with a query beside the version and a body, which may be nil, and waits
// for its answer.
func (e *Endpoint) Post(ctx context.Context, id azure.ID, action string, query url.Values, body any) (json.RawMessage, error) {
	typ, err := typeOf(id)
	if err != nil {
		return nil, err
	}
	req, err := e.request(ctx, http.MethodPost, string(id)+"/"+action, query, Version(typ), body)
	if err != nil {
		return nil, err
	}
	o, err := e.begin(req, runtime.FinalStateViaLocation, http.StatusOK, http.StatusAccepted)
	if err != nil {
		return nil, err
	}
	return o.Wait(ctx)
}

// List reads a collection, all its pages: a path such as /subscriptions, or a resource's id with the name of what it has, and the type of
// what is in it.
func (e *Endpoint) List(ctx context.Context, path, typ string, query url.Values) ([]json.RawMessage, error) {
	req, err := e.request(ctx, http.MethodGet, path, query, Version(typ), nil)
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	for range mostPages {
		resp, err := e.send(req, http.StatusOK)
		if err != nil {
			return nil, err
		}
		var page struct {
			Value    []json.RawMessage `json:"value"`
			NextLink string            `json:"nextLink"`
		}
		if err := runtime.UnmarshalAsJSON(resp, &page); err != nil {
			return nil, err
		}
		out = append(out, page.Value...)
		if page.NextLink == "" {
			return out, nil
		}
		if !strings.HasPrefix(strings.ToLower(page.NextLink), strings.ToLower(e.url)+"/") {
			return nil, fmt.Errorf("the next page of %s is said to be at another endpoint, %s", path, page.NextLink)
		}
		if req, err = runtime.NewRequest(ctx, http.MethodGet, page.NextLink); err != nil {
			return nil, err
		}
		req.Raw().Header["Accept"] = []string{"application/json"}
	}
	return nil, fmt.Errorf("%s has more than %d pages", path, mostPages)
}

// Subscription is one that whoever signs in can see.
type Subscription struct {
	ID   string `json:"subscriptionId"`
	Name string `json:"displayName"`
}

// Subscriptions lists those that whoever signs in can see.
func (e *Endpoint) Subscriptions(ctx context.Context) ([]Subscription, error) {
	list, err := e.List(ctx, "/subscriptions", "Microsoft.Resources/subscriptions", nil)
	if err != nil {
		return nil, err
	}
	out := make([]Subscription, len(list))
	for i, b := range list {
		if err := json.Unmarshal(b, &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
