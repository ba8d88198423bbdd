package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onramp/arm"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/twin"
)

// cloudFlags say at which endpoint a command works, and as whom.
type cloudFlags struct {
	cloud, state, principal string
	named                   []string // NAME=GUID
}

// The endpoints that have a name.
const (
	cloudTwin  = "twin"
	cloudAzure = "azure"
)

func (f *cloudFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.cloud, "cloud", cloudTwin, "where: twin, azure, or the https address of an endpoint")
	cmd.Flags().StringVar(&f.state, "state", twinState, "with --cloud twin: the directory of the twin's state")
	cmd.Flags().StringVar(&f.principal, "as", "", "with --cloud twin: the principal to sign in as; the one in AZURE_CLIENT_ID or else the first")
	cmd.Flags().StringArrayVar(&f.named, "subscription", nil, "NAME=GUID: which subscription a name in the file is (may be repeated)")
}

// place is an endpoint that is open.
type place struct {
	*cloud.Endpoint
	// twin is the directory of the twin on this machine; empty anywhere else.
	twin  string
	given map[string]string // subscriptions that were named, by name in lower case
	close func()
}

// open signs in. The caller closes the place.
func (f *cloudFlags) open(ctx context.Context) (*place, error) {
	given, err := namedGUIDs("--subscription", f.named)
	if err != nil {
		return nil, err
	}
	p := &place{given: given, close: func() {}}
	c := cloud.Config{Endpoint: f.cloud}
	switch {
	case f.cloud == cloudAzure:
		c.Endpoint = cloud.PublicEndpoint
	case f.cloud == cloudTwin:
		s, err := twin.Ask(f.state)
		if errors.Is(err, twin.ErrNotRunning) {
			return nil, outside(fmt.Errorf("%w; start one with: onramp twin start --detach --state %s", err, f.state))
		}
		if err != nil {
			return nil, twinError(err)
		}
		p.twin, c.Endpoint = f.state, s.URL
		web, err := trusting(s.Authority)
		if err != nil {
			return nil, outside(err)
		}
		c.Transport, p.close = web, web.CloseIdleConnections
		if as := f.principal; as != "" || os.Getenv("AZURE_CLIENT_SECRET") == "" {
			if as == "" {
				as = "*"
			}
			c.Credential = twin.SignIn(f.state, as)
		}
	case !strings.HasPrefix(f.cloud, "https://"):
		return nil, usageError(fmt.Errorf("--cloud %q is none of %s", f.cloud, nearest(f.cloud, []string{cloudTwin, cloudAzure, "https://ADDRESS"})))
	}
	if p.Endpoint, err = cloud.Open(ctx, c); err != nil {
		p.close()
		return nil, outside(err)
	}
	return p, nil
}

// nearest lists names, that which was perhaps meant first.
func nearest(name string, names []string) string {
	list := strings.Join(names, ", ")
	if near := catalog.Nearest(name, names); near != "" {
		return list + "; did you mean " + near + "?"
	}
	return list
}

// trusting is a client that trusts one authority, that in a file, and no other.
func trusting(authority string) (*http.Client, error) {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: there is no certificate in it", authority)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, MaxIdleConnsPerHost: 32, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
	}}, nil
}

var guidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// namedGUIDs reads NAME=GUID pairs of a flag, by name in lower case.
func namedGUIDs(flag string, pairs []string) (map[string]string, error) {
	out := map[string]string{}
	for _, s := range pairs {
		name, guid, ok := strings.Cut(s, "=")
		if !ok || name == "" || !guidForm.MatchString(guid) {
			return nil, usageError(fmt.Errorf("%s %q: write it as NAME=GUID, such as sub-finance=11111111-2222-3333-4444-555555555555", flag, s))
		}
		if was, ok := out[strings.ToLower(name)]; ok && !strings.EqualFold(was, guid) {
			return nil, usageError(fmt.Errorf("%s: %s is said to be %s and %s", flag, name, was, guid))
		}
		out[strings.ToLower(name)] = strings.ToLower(guid)
	}
	return out, nil
}

// errUnmapped tells that a name stands for no subscription.
var errUnmapped = errors.New("no subscription is known by this name")

// unmapped is what becomes of a name that stands for no subscription of the twin on this machine. Anywhere else it is refused.
type unmapped int

const (
	refuseUnknown unmapped = iota
	makeUnknown            // the twin makes it
	deriveUnknown          // nothing is made: the GUID is the one that it would get
)

// subscriptions tells the GUID of each subscription that a file names, by name in lower case. What is a GUID stays one. Names that were
// not mapped with --subscription are looked up by display name at an endpoint that is not Azure's own. All names that are missing are in
// one error.
func (p *place) subscriptions(ctx context.Context, names []string, missed unmapped) (map[string]string, error) {
	out := map[string]string{}
	var listed map[string]string
	var missing []string
	for _, name := range names {
		key := strings.ToLower(name)
		if guidForm.MatchString(name) {
			out[key] = key
			continue
		}
		if guid, ok := p.given[key]; ok {
			out[key] = guid
			continue
		}
		if listed == nil && !p.Public() {
			list, err := p.Subscriptions(ctx)
			if err != nil {
				return nil, outside(err)
			}
			listed = map[string]string{}
			for _, s := range list {
				listed[strings.ToLower(s.Name)] = s.ID
			}
		}
		guid, ok := listed[key]
		if !ok && missed == deriveUnknown && p.twin != "" {
			guid, ok = arm.SubscriptionID(name), true
		}
		if !ok && missed == makeUnknown && p.twin != "" {
			d, err := twin.Tell(p.twin, twin.Command{Subscription: name})
			if err != nil {
				return nil, twinError(err)
			}
			guid, ok = d.ID, true
		}
		if !ok {
			missing = append(missing, name)
			continue
		}
		out[key] = guid
	}
	if len(missing) > 0 {
		return nil, usageError(fmt.Errorf("%w: %s; say which they are: --subscription %s", errUnmapped, strings.Join(missing, ", "), strings.Join(missing, "=GUID --subscription ")+"=GUID"))
	}
	return out, nil
}
