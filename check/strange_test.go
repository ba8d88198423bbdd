package check_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onramp/azure"
	"onramp/check"
	"onramp/design"
)

// A design that somebody else made may lack anything: what others refer to, the premises, the intent.
func TestADesignWithHolesIsCheckedWithoutPanic(t *testing.T) {
	c := open(t)
	all := cases(c, t)
	rapid.Check(t, func(rt *rapid.T) {
		x := all[rapid.IntRange(0, len(all)-1).Draw(rt, "case")]
		d := x.base()
		x.spoil(d)
		var kept azure.Resources
		for _, r := range d.Resources {
			if rapid.IntRange(0, 5).Draw(rt, "keep") > 0 {
				kept = append(kept, r)
			}
		}
		d.Resources = kept
		if rapid.Bool().Draw(rt, "no intent") {
			d.Intent = nil
		}
		if rapid.Bool().Draw(rt, "no premises") {
			d.Premises = design.Premises{}
		}
		check.Check(d, c)
	})
}

// Azure writes names of types, references and values in any case.
func TestTheCaseOfReferencesAndTypesMakesNoDifference(t *testing.T) {
	c := open(t)
	for _, x := range networkCases(c, t) {
		d := x.base()
		x.spoil(d)
		for _, l := range links(d) {
			p := &l.Properties
			p.ConnectionType = strings.ToUpper(p.ConnectionType)
			if p.Peer != nil {
				p.Peer.ID = azure.ID(strings.ToUpper(string(p.Peer.ID)))
			}
			if p.VirtualNetworkGateway1 != nil {
				p.VirtualNetworkGateway1.ID = azure.ID(strings.ToLower(string(p.VirtualNetworkGateway1.ID)))
			}
		}
		for _, g := range gateways(d) {
			g.Properties.GatewayType = strings.ToUpper(g.Properties.GatewayType)
			g.Properties.SKU.Name = strings.ToLower(g.Properties.SKU.Name)
		}
		for _, u := range azure.Of[*azure.Unknown](d.Resources) {
			u.Type = strings.ToLower(u.Type)
		}
		found := false
		for _, f := range check.Check(d, c) {
			found = found || f.Rule == x.rule
		}
		if !found {
			t.Errorf("%s does not speak of ids and types in another case", x.rule)
		}
	}
}
