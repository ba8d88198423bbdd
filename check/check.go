// Package check holds a design against the published rules: those that come with the four patterns and those that a slip of
// the hand in a design breaks. Each breach is a finding with the rule's name, the place, the value, a fix and the document the
// rule comes from. It follows no route (package prove does) and mends nothing.
//
// Sources: the rules of package catalog by their ids, what Azure itself refuses (azure.Validate), and what package network
// cannot build.
package check

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
	"onramp/network"
)

// Check returns every finding about a design, errors first, then by rule and place.
func Check(d *design.Design, c *catalog.Catalog) []design.Finding {
	k := newChecker(d, c)
	for _, set := range ruleSets() {
		set.run(k)
	}
	k.refusals()
	_, unbuilt := network.Build(d.Resources, d.Premises, c, network.Options{})
	k.found = append(k.found, unbuilt...)
	order := []design.Severity{design.Error, design.Warning, design.Advice}
	slices.SortStableFunc(k.found, func(a, b design.Finding) int {
		return cmp.Or(slices.Index(order, a.Severity)-slices.Index(order, b.Severity), strings.Compare(a.Rule, b.Rule), strings.Compare(a.At, b.At), strings.Compare(a.Value, b.Value))
	})
	out := slices.CompactFunc(k.found, func(a, b design.Finding) bool { return a == b })
	if out == nil {
		out = []design.Finding{}
	}
	return out
}

// checker gathers findings about one design, with the indexes that several rules need.
type checker struct {
	d     *design.Design
	c     *catalog.Catalog
	index *azure.Index
	found []design.Finding

	vnets       []*azure.VirtualNetwork
	vnetByKey   map[string]*azure.VirtualNetwork
	circuitsAll []*azure.ExpressRouteCircuit
	circuit     map[string]*azure.ExpressRouteCircuit
	gatewaysAll []*azure.VirtualNetworkGateway
	gateway     map[string]*azure.VirtualNetworkGateway
	gatewayOf   map[string]*azure.VirtualNetworkGateway // by VNet key, ExpressRoute only
	links       []*azure.VirtualNetworkGatewayConnection
	ends        []end            // sessions with MSEEs
	estate      *estate          // see view
	endsOn      map[string][]end // the same by circuit
}

// end is one session of a premises router with an MSEE.
type end struct {
	router *design.Router
	site   string // empty on provider edges
	s      *design.Session
}

func newChecker(d *design.Design, c *catalog.Catalog) *checker {
	k := &checker{d: d, c: c, index: azure.NewIndex(d.Resources), endsOn: map[string][]end{}, vnetByKey: map[string]*azure.VirtualNetwork{}, circuit: map[string]*azure.ExpressRouteCircuit{}, gateway: map[string]*azure.VirtualNetworkGateway{},
		gatewayOf: map[string]*azure.VirtualNetworkGateway{}}
	k.vnets = azure.Of[*azure.VirtualNetwork](d.Resources)
	for _, v := range k.vnets {
		k.vnetByKey[v.ID.Key()] = v
	}
	k.circuitsAll = azure.Of[*azure.ExpressRouteCircuit](d.Resources)
	for _, x := range k.circuitsAll {
		k.circuit[x.ID.Key()] = x
	}
	k.gatewaysAll = azure.Of[*azure.VirtualNetworkGateway](d.Resources)
	for _, g := range k.gatewaysAll {
		k.gateway[g.ID.Key()] = g
		if v := k.homeOf(g); v != nil && strings.EqualFold(g.Properties.GatewayType, "ExpressRoute") {
			k.gatewayOf[v.ID.Key()] = g
		}
	}
	k.links = azure.Of[*azure.VirtualNetworkGatewayConnection](d.Resources)
	add := func(r *design.Router, site string) {
		for i := range r.Sessions {
			if r.Sessions[i].Circuit != "" {
				k.ends = append(k.ends, end{r, site, &r.Sessions[i]})
			}
		}
	}
	for i := range d.Premises.Sites {
		for j := range d.Premises.Sites[i].Routers {
			add(&d.Premises.Sites[i].Routers[j], d.Premises.Sites[i].Name)
		}
	}
	for i := range d.Premises.ProviderEdges {
		add(&d.Premises.ProviderEdges[i], "")
	}
	for _, e := range k.ends {
		k.endsOn[e.s.Circuit.Key()] = append(k.endsOn[e.s.Circuit.Key()], e)
	}
	return k
}

// homeOf is the VNet that a gateway stands in.
func (k *checker) homeOf(g *azure.VirtualNetworkGateway) *azure.VirtualNetwork {
	for i := range g.Properties.IPConfigurations {
		if s := g.Properties.IPConfigurations[i].Properties.Subnet; s != nil {
			return k.vnetByKey[s.ID.Parent().Key()]
		}
	}
	return nil
}

// say adds a finding with the published severity of its rule.
func (k *checker) say(rule string, at, value, message, fix string) {
	severity := design.Error
	if r, ok := k.c.Rule(rule); ok {
		severity = design.Severity(r.Severity)
	}
	k.sayAs(severity, rule, at, value, message, fix)
}

// sayAs adds a finding with a severity that the design makes other than the published one.
func (k *checker) sayAs(severity design.Severity, rule string, at, value, message, fix string) {
	f := design.Finding{Rule: rule, Severity: severity, At: at, Value: value, Message: message, Fix: fix}
	if r, ok := k.c.Rule(rule); ok {
		f.Source = r.SourceFile
	}
	k.found = append(k.found, f)
}

// refusals are what Azure itself would refuse, under its own error codes.
func (k *checker) refusals() {
	for _, p := range azure.Validate(k.d.Resources, k.c) {
		at := string(p.Resource)
		if p.At != "" {
			at += " " + p.At
		}
		k.found = append(k.found, design.Finding{Rule: "azure-" + p.Code, Severity: design.Error, At: at, Value: p.Value, Message: p.Message, Fix: p.Fix, Source: p.Source})
	}
}

// at names a session's place in the premises.
func (e end) at() string { return e.router.Name + " " + e.s.Name }

// prefixes reads a list; what is no prefix is left to azure.Validate.
func prefixes(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		if p, err := netip.ParsePrefix(s); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// lob is whose a resource is.
func lob(r azure.Resource) string { return r.Head().Tags[design.TagLineOfBusiness] }

// isolated tells whether the intent keeps two lines of business apart.
func (k *checker) isolated(a, b string) bool {
	if k.d.Intent == nil || a == b {
		return false
	}
	for i := range k.d.Intent.LinesOfBusiness {
		l := &k.d.Intent.LinesOfBusiness[i]
		if l.Name == a && slices.Contains(l.Needs.IsolatedFrom, b) || l.Name == b && slices.Contains(l.Needs.IsolatedFrom, a) {
			return true
		}
	}
	return false
}

// roles finds grants that are wider than the resources they are meant for.
func (k *checker) roles() {
	for _, a := range azure.Of[*azure.RoleAssignment](k.d.Resources) {
		scope := string(a.Properties.Scope)
		if scope == "" {
			scope = string(a.ID.Parent())
		}
		p, err := azure.ParseID(scope)
		if err != nil || p.Provider != "" {
			continue
		}
		role := a.Properties.RoleDefinitionID.Name()
		for _, r := range k.c.Roles() {
			if strings.EqualFold(r.ID, role) && r.Name != "Reader" {
				k.sayAs(design.Warning, "sec-rbac", string(a.ID), scope, fmt.Sprintf("%s is granted on the whole of %s", r.Name, scope), "grant it on the hub, circuit or network that is meant")
			}
		}
	}
}
