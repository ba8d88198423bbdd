package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"onramp/azure"
	"onramp/catalog"
	"onramp/cloud"
	"onramp/conform"
	"onramp/design"
)

const aCircuit azure.ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er"

// differing is a result with one of everything.
func differing() *conform.Result {
	return &conform.Result{Design: "d", Endpoint: "https://e", Compared: conform.Compared{Resources: 2, Tables: 3, Rows: 4},
		Findings: []conform.Finding{
			{Kind: conform.Value, What: "circuit er is other", Cause: "somebody", In: conform.Configuration, Resource: aCircuit, LinesOfBusiness: []string{"hr"},
				Changes:  []azure.Change{{Path: "properties.x", From: json.RawMessage("1"), To: json.RawMessage("2")}},
				Symptoms: []conform.Symptom{{Kind: conform.Missing, Table: "routes of er", Resource: aCircuit, Row: "10.0.0.0/8", Proven: []string{"via a"}}}},
			{Kind: conform.Down, What: "a link is down", Cause: "it failed", In: conform.Wire, Elements: []string{"link:a"}, Lost: []string{"hr: a - b"}},
		},
		Fallen:      []conform.Fallen{{Name: "reach", LineOfBusiness: "hr", Need: "sites", Scenario: "healthy", Flow: "a to b", Reason: "no route"}},
		NotObserved: []conform.Unread{{What: "one", Why: "nobody may"}, {What: "two", Resource: aCircuit, Why: "nobody may"}},
		Traffic:     []conform.Traffic{{Circuit: aCircuit, Peering: "AzurePrivatePeering", PrimaryIn: 1}},
		Assumptions: []design.Assumption{{Name: "n", Text: "t", Reason: "r"}},
	}
}

func TestWhatConformPrintsFitsItsSchema(t *testing.T) {
	s := compiled(t, "conform")
	for _, r := range []*conform.Result{differing(), {Conforms: true, Findings: []conform.Finding{}, Fallen: []conform.Fallen{}, NotObserved: []conform.Unread{}, Traffic: []conform.Traffic{}, Assumptions: []design.Assumption{}}} {
		var out bytes.Buffer
		if err := printJSON(&out, r); err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(&out)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(doc); err != nil {
			t.Error(err)
		}
	}
	if len(s.Required) == 0 {
		t.Error("nothing is required")
	}
}

func TestWhatDiffersIsPrintedWithItsCauseAndWhatItMeans(t *testing.T) {
	var out bytes.Buffer
	if err := printConform(&out, differing()); err != nil {
		t.Fatal(err)
	}
	const want = `d does not conform: 2 things differ.

1. circuit er is other
   likely cause: somebody
   concerns: hr
   seen: routes of er: 10.0.0.0/8 is missing (via a)

2. a link is down
   likely cause: it failed
   lost: hr: a - b

Proven, and no longer so with what is there:
  hr reach sites: no route
      a to b, healthy

Not observed, so nobody knows whether it conforms:
  one, two: nobody may

This rests on assumptions:
  n: t
`
	if out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
}

func TestAConformancesTestCasesAreItsResources(t *testing.T) {
	d := &design.Design{Resources: azure.Resources{
		&azure.ExpressRouteCircuit{Header: azure.Header{ID: aCircuit, Name: "er", Type: "Microsoft.Network/expressRouteCircuits"}},
		&azure.VirtualNetwork{Header: azure.Header{ID: "/subscriptions/s/v", Name: "v", Type: "Microsoft.Network/virtualNetworks"}, Properties: azure.VirtualNetworkProperties{Subnets: []azure.Subnet{{Name: "app"}}}},
		&azure.VirtualNetwork{Header: azure.Header{ID: "/subscriptions/s/w", Name: "w", Type: "Microsoft.Network/virtualNetworks"}},
	}}
	r := differing()
	r.NotObserved = append(r.NotObserved, conform.Unread{What: "routes", Resource: "/subscriptions/s/v/subnets/app", Why: "nobody stands there"})
	file := filepath.Join(t.TempDir(), "x.xml")
	if err := writeConformJUnit(file, d, r); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got := string(b)
	for _, s := range []string{`tests="5" failures="3" skipped="1"`, `name="er" classname="onramp.conform.expressRouteCircuits"`, `message="circuit er is other" type="value"`, `name="a link is down" classname="onramp.conform.wire"`,
		`name="reach hr sites" classname="onramp.conform.proof"`, `routes: nobody stands there`} {
		if !strings.Contains(got, s) {
			t.Errorf("%s is not in\n%s", s, got)
		}
	}
}

func TestWatchingTellsWhatChanges(t *testing.T) {
	bad, good := differing(), differing()
	good.Conforms, good.Findings = true, nil
	less := differing()
	less.Findings = less.Findings[:1]
	for _, x := range []struct {
		name      string
		last, now *conform.Result
		want      []string
	}{
		{"the first look", nil, bad, []string{"differs: circuit er is other (somebody)", "differs: a link is down (it failed)"}},
		{"the same again", bad, bad, nil},
		{"one thing less", bad, less, []string{"no longer: a link is down (it failed)"}},
		{"all is well", less, good, []string{"no longer: circuit er is other (somebody)", "conforms: 2 resources and 3 tables with 4 rows are what was proven"}},
		{"and stays well", good, good, nil},
	} {
		if got := conformChanges(x.last, x.now); !slices.Equal(got, x.want) {
			t.Errorf("%s: %q, want %q", x.name, got, x.want)
		}
	}
}

// untilTold cancels when something was written.
type untilTold struct {
	bytes.Buffer
	cancel func()
}

func (u *untilTold) Write(b []byte) (int, error) {
	u.cancel()
	return u.Buffer.Write(b)
}

// anyToken is one that nobody checks.
type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func TestWatchingAnEndpointThatFailsTellsSoAndGoesOn(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	e, err := cloud.Open(t.Context(), cloud.Config{Endpoint: "https://127.0.0.1:1", Authority: "https://127.0.0.1:1/", Audience: "a", Credential: anyToken{}, Retry: policy.RetryOptions{MaxRetries: -1}})
	if err != nil {
		t.Fatal(err)
	}
	d := &design.Design{Resources: azure.Resources{&azure.ExpressRouteCircuit{Header: azure.Header{ID: aCircuit, Name: "er", Type: "Microsoft.Network/expressRouteCircuits"}}}}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	words := &untilTold{cancel: cancel}
	x := &conforming{flags: &conformFlags{interval: time.Hour, parallel: 1, timeout: time.Minute}, c: c, place: &place{Endpoint: e}, design: d, stdout: &bytes.Buffer{}, words: words}
	if err := x.watch(ctx); err != nil {
		t.Error(err)
	}
	if !strings.Contains(words.String(), "onramp: https://127.0.0.1:1") {
		t.Error(words.String())
	}
}
