package check_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/check"
	"onramp/design"
	"onramp/examples"
)

func prerequisite(t *testing.T, list []check.Prerequisite, id string) check.Prerequisite {
	t.Helper()
	i := slices.IndexFunc(list, func(p check.Prerequisite) bool { return p.ID == id })
	if i < 0 {
		var ids []string
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		t.Fatalf("there is no prerequisite %q in %v", id, ids)
	}
	return list[i]
}

func TestAPrerequisiteIsDecidedLeftToAPersonOrNotNeeded(t *testing.T) {
	c := open(t)
	northwind := func() *design.Design { return made(t, c, "northwind", design.SharedHubSpoke) }
	contoso := func(edits ...string) *design.Design {
		return made(t, c, "contoso-shared", design.Shared, edits...)
	}
	office := func() *design.Design {
		return contoso("      prefixes: [10.10.0.0/16]", "      prefixes: [10.10.0.0/16]\n      publicPrefixes: [203.0.113.0/28]",
			"      bandwidth: 150 Mbps", "      bandwidth: 150 Mbps\n      services: [azure, microsoft365]", "traffic:", "pools: {microsoftTransit: [198.51.100.0/24]}\ntraffic:")
	}
	direct := func(port, encapsulation string) func() *design.Design {
		return func() *design.Design {
			return made(t, c, "fabrikam-isolated", design.Isolated, "{provider: Equinix, model: cloud-exchange, bandwidth: 5 Gbps, location: London, monthlyUSD: 1500}",
				"{model: direct, port: "+port+", encapsulation: "+encapsulation+", location: London}")
		}
	}
	for _, test := range []struct {
		name  string
		d     func() *design.Design
		id    string
		state check.PrerequisiteState
		says  string // in NeededBecause or How
	}{
		{"custom roles need a role that may define roles", northwind, "role:User Access Administrator", check.Person, "Microsoft.Authorization/roleDefinitions/write"},
		{"resource groups need more than network rights", northwind, "role:Contributor", check.Person, "subscriptions/resourceGroups/write"},
		{"groups are people's to make", northwind, "groups", check.Person, "grp-finance-network"},
		{"one subscription for hub and circuit needs no authorization", northwind, "authorizations", check.NotNeeded, "circuit's subscription"},
		{"links from other subscriptions are authorised by the design", func() *design.Design { return contoso() }, "authorizations", check.Decided, "one for each"},
		{"names of subscriptions are not ids", northwind, "subscriptions", check.Person, "sub-connectivity"},
		{"registration is a person's", northwind, "register-provider", check.Person, "sub-hr"},
		{"a listed provider is decided", northwind, "provider-at-location:Equinix@Toronto", check.Decided, "listed there"},
		{"a provider that is not listed is asked", func() *design.Design {
			d := northwind()
			circuits(d)[0].Properties.ServiceProviderProperties.PeeringLocation = "Atlantis"
			return d
		}, "provider-at-location:Equinix@Atlantis", check.Person, "does not list it there"},
		{"few circuits are within the quota", northwind, "circuit-quota", check.Decided, "at most 1"},
		{"eleven circuits in a region are not", func() *design.Design {
			d := northwind()
			for i := range 10 {
				x := *circuits(d)[0]
				x.ID += azure.ID("-" + string(rune('a'+i)))
				d.Resources = append(d.Resources, &x)
			}
			return d
		}, "circuit-quota", check.Person, "support request"},
		{"address spaces that overlap are not ticked", func() *design.Design {
			d := northwind()
			d.Premises.Sites[0].Prefixes = vnetPrefix("10.20.0.0/16")
			return d
		}, "no-overlap", check.Person, "overlap"},
		{"a private AS number is nobody's", northwind, "as-numbers", check.Decided, "65010"},
		{"no Microsoft peering, no registry", northwind, "registry", check.NotNeeded, "Microsoft peering"},
		{"Microsoft peering needs the registry", office, "registry", check.Person, "203.0.113.0/28"},
		{"Microsoft peering needs public link subnets", office, "public-link-subnets", check.Person, "198.51.100.0/30"},
		{"Microsoft peering needs translation", office, "nat-outbound", check.Person, "Microsoft peering on"},
		{"Microsoft 365 needs Microsoft's word", office, "microsoft365-authorisation", check.Person, "Exchange Online"},
		{"the provider is known to carry Microsoft 365", office, "microsoft365-provider:Equinix@Amsterdam", check.Decided, "listed so"},
		{"no Microsoft 365, no word of Microsoft's", northwind, "microsoft365-authorisation", check.NotNeeded, "route filter"},
		{"no ports, no enrolment", northwind, "direct-enrol", check.NotNeeded, "Direct ports"},
		{"ports need enrolment", direct("10 Gbps", "Dot1Q"), "direct-enrol", check.Person, "ports are ordered in"},
		{"ports need a letter of authorisation", direct("10 Gbps", "Dot1Q"), "direct-loa", check.Person, "fetch the letter"},
		{"encapsulation is the intent's", direct("10 Gbps", "QinQ"), "direct-encapsulation", check.Decided, "QinQ on"},
		{"400 Gbps is enrolled apart", direct("400 Gbps", "Dot1Q"), "direct-enrol-400", check.Person, "separate"},
		{"one location is a person's risk", func() *design.Design {
			d := northwind()
			for _, x := range circuits(d) {
				x.Properties.ServiceProviderProperties.PeeringLocation = "Toronto"
			}
			return d
		}, "two-locations", check.Person, "all circuits are at"},
		{"two locations are decided", northwind, "two-locations", check.Decided, "Montreal, Toronto"},
		{"no lead time is published", northwind, "lead-time:Bell Canada@Montreal", check.Person, "not published; ask the provider"},
		{"VLANs are agreed with the provider", northwind, "vlans:Bell Canada@Montreal", check.Person, "100 private"},
		{"nobody asks for voice", northwind, "voice-queues", check.NotNeeded, "voice"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := prerequisite(t, check.Prerequisites(test.d(), c), test.id)
			if p.State != test.state || !strings.Contains(p.NeededBecause+"\n"+p.How, test.says) {
				t.Errorf("want %s that says %q, got %+v", test.state, test.says, p)
			}
		})
	}
}

func TestEveryPrerequisiteHasItsOwnNameAWordAndASource(t *testing.T) {
	c := open(t)
	for _, name := range examples.Names() {
		for _, pattern := range design.Patterns() {
			d := made(t, c, name, pattern)
			list := check.Prerequisites(d, c)
			seen := map[string]bool{}
			for _, p := range list {
				if p.ID == "" || seen[p.ID] || p.Area == "" || p.Text == "" || p.How == "" || p.Source == "" || (p.NeededBecause == "") != (p.State == check.NotNeeded) {
					t.Errorf("%s as %s: %+v", name, pattern, p)
				}
				seen[p.ID] = true
			}
			if !reflect.DeepEqual(list, check.Prerequisites(d, c)) {
				t.Errorf("%s as %s: two lists of one design differ", name, pattern)
			}
		}
	}
}

func TestADesignWithoutAnythingHasAChecklist(t *testing.T) {
	for _, p := range check.Prerequisites(&design.Design{}, open(t)) {
		if p.Source == "" || p.How == "" {
			t.Errorf("%+v", p)
		}
	}
}
