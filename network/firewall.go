package network

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"onramp/azure"
	"onramp/design"
)

// rule is one network rule of a firewall policy, in the order of evaluation.
type rule struct {
	name     string
	allow    bool
	src, dst *netipx.IPSet // nil means any
	// whole tells that the rule matches every protocol and port.
	whole bool
}

// firewalls makes each Azure Firewall a middle node of its VNet with its policy's rules.
func (b *builder) firewalls() {
	groups := azure.Of[*azure.FirewallPolicyRuleCollectionGroup](b.rs)
	for _, r := range azure.Of[*azure.AzureFirewall](b.rs) {
		f := &firewall{res: r, name: b.name(r.Head()), lob: r.Tags[design.TagLineOfBusiness]}
		for i := range r.Properties.IPConfigurations {
			ip := &r.Properties.IPConfigurations[i]
			if ip.Properties.Subnet == nil {
				continue
			}
			id := ip.Properties.Subnet.ID
			if f.vnet = b.n.byVNet[id.Parent().Key()]; f.vnet == nil {
				continue
			}
			f.subnet = f.vnet.subnetNamed(id.Name())
			if a, err := netip.ParseAddr(ip.Properties.PrivateIPAddress); err == nil {
				f.addr = a
			} else if f.subnet != nil && len(f.subnet.prefixes) > 0 {
				f.addr = advance(f.subnet.prefixes[0].Addr(), 4) // Azure keeps the first four addresses of a subnet
			}
			break
		}
		if f.vnet == nil || f.subnet == nil {
			b.find("build-firewall", design.Error, string(r.ID), r.Name, "the firewall stands in no subnet here", "give it an ipConfiguration in AzureFirewallSubnet", "")
			continue
		}
		for i := range 2 {
			f.downBy = append(f.downBy, []int{b.element(Firewall, fmt.Sprintf("%s/%d", f.name, i))})
		}
		b.rest(AssumeFirewallPair)
		if r.Properties.FirewallPolicy != nil {
			f.rules = b.firewallRules(r.Properties.FirewallPolicy.ID, groups)
		}
		b.n.firewalls = append(b.n.firewalls, f)
	}
}

// firewallRules puts the network rules of a policy in the order in which Azure Firewall evaluates them: groups by
// priority, collections by priority, rules as written; the first match decides and nothing matched is denied.
func (b *builder) firewallRules(policy azure.ID, groups []*azure.FirewallPolicyRuleCollectionGroup) []rule {
	var mine []*azure.FirewallPolicyRuleCollectionGroup
	for _, g := range groups {
		if g.ID.Parent().Key() == policy.Key() {
			mine = append(mine, g)
		}
	}
	slices.SortStableFunc(mine, func(x, y *azure.FirewallPolicyRuleCollectionGroup) int {
		return cmp.Compare(x.Properties.Priority, y.Properties.Priority)
	})
	var out []rule
	for _, g := range mine {
		cols := slices.Clone(g.Properties.RuleCollections)
		slices.SortStableFunc(cols, func(x, y azure.FirewallPolicyRuleCollection) int { return cmp.Compare(x.Priority, y.Priority) })
		for i := range cols {
			for j := range cols[i].Rules {
				w := &cols[i].Rules[j]
				if !strings.EqualFold(w.RuleType, "NetworkRule") {
					continue
				}
				at := fmt.Sprintf("%s/%s/%s", g.ID, cols[i].Name, w.Name)
				out = append(out, rule{name: w.Name, allow: strings.EqualFold(cols[i].Action.Type, "Allow"),
					src: b.addressSet(at, w.SourceAddresses), dst: b.addressSet(at, w.DestinationAddresses),
					whole: wholeProtocol(w.IPProtocols) && wholePorts(w.DestinationPorts)})
			}
		}
	}
	return out
}

func wholeProtocol(list []string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, "Any") })
}

func wholePorts(list []string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool { return s == "*" || s == "0-65535" || s == "1-65535" })
}

// addressSet reads a rule's addresses: prefixes, addresses, ranges, or * for any (nil).
func (b *builder) addressSet(at string, list []string) *netipx.IPSet {
	var set netipx.IPSetBuilder
	for _, s := range list {
		if s == "*" || strings.EqualFold(s, "Any") {
			return nil
		}
		if p, err := netip.ParsePrefix(s); err == nil {
			set.AddPrefix(p.Masked())
		} else if a, err := netip.ParseAddr(s); err == nil {
			set.Add(a)
		} else if r, err := netipx.ParseIPRange(s); err == nil {
			set.AddRange(r)
		} else {
			b.find("build-firewall-rule", design.Warning, at, s, "the rule names something other than addresses, which cannot be evaluated here; it matches nothing",
				"write it as prefixes", "")
		}
	}
	out, err := set.IPSet()
	if err != nil {
		b.find("build-firewall-rule", design.Error, at, fmt.Sprint(list), err.Error(), "write it as prefixes", "")
		return &netipx.IPSet{}
	}
	return out
}

// permits tells whether the firewall passes traffic from one prefix to another: all of it when strict, any part of it
// otherwise, and which rule decides. First match wins; the default is to deny. Rules that match all of it or none, which
// nearly all do, are decided without cutting sets up.
func (f *firewall) permits(src, dst netip.Prefix, strict bool) (ok bool, ruleName string) {
	for i := range f.rules {
		r := &f.rules[i]
		s, d := coverage(r.src, src), coverage(r.dst, dst)
		switch {
		case s == nothing || d == nothing:
		case r.allow && !strict:
			return true, r.name
		case !r.allow && strict:
			return false, r.name
		case !r.whole: // some ports are decided, the rest go on
		case s == everything && d == everything:
			return strict, r.name
		default:
			return f.permitsParts(i, src, dst, strict)
		}
	}
	return false, "default deny"
}

// How much of a prefix a set of addresses holds.
const (
	nothing = iota
	some
	everything
)

func coverage(set *netipx.IPSet, p netip.Prefix) int {
	switch {
	case set == nil || set.ContainsPrefix(p):
		return everything
	case set.OverlapsPrefix(p):
		return some
	}
	return nothing
}

// permitsParts is permits from a rule on, for flows of which rules decide parts.
func (f *firewall) permitsParts(from int, src, dst netip.Prefix, strict bool) (ok bool, ruleName string) {
	// Walk the rules with the part of the source x destination rectangle that no rule has decided yet. Rules cut it along
	// one side at a time; a rectangle is kept as two sets.
	left := []rect{{setOf(src), setOf(dst)}}
	last := "default deny"
	for i := from; i < len(f.rules); i++ {
		r := &f.rules[i]
		var next []rect
		for _, x := range left {
			in, out := x.cut(r)
			if in == nil {
				next = append(next, x)
				continue
			}
			if r.allow && !strict {
				return true, r.name
			}
			if !r.allow && strict {
				return false, r.name
			}
			if !r.whole {
				// Some ports are decided, the rest go on: for "all of it" the rest still has to be allowed, for "any of
				// it" the rest may still be.
				next = append(next, x)
				continue
			}
			last = r.name
			next = append(next, out...)
		}
		if left = next; len(left) == 0 {
			return strict, last
		}
	}
	return false, "default deny"
}

// rect is a set of (source, destination) pairs.
type rect struct{ src, dst *netipx.IPSet }

// cut splits a rectangle by a rule into the part that it matches (nil when none) and the rest.
func (x rect) cut(r *rule) (in *rect, out []rect) {
	s, sr := split(x.src, r.src)
	if s == nil {
		return nil, nil
	}
	d, dr := split(x.dst, r.dst)
	if d == nil {
		return nil, nil
	}
	if sr != nil {
		out = append(out, rect{sr, x.dst})
	}
	if dr != nil {
		out = append(out, rect{s, dr})
	}
	return &rect{s, d}, out
}

// split returns the part of a inside b and the part outside, nil where empty; b nil is everything.
func split(a, b *netipx.IPSet) (in, out *netipx.IPSet) {
	if b == nil {
		return a, nil
	}
	var i, o netipx.IPSetBuilder
	i.AddSet(a)
	i.Intersect(b)
	o.AddSet(a)
	o.RemoveSet(b)
	is, err1 := i.IPSet()
	os, err2 := o.IPSet()
	if err1 == nil && len(is.Ranges()) > 0 {
		in = is
	}
	if err2 == nil && len(os.Ranges()) > 0 {
		out = os
	}
	return in, out
}

func setOf(p netip.Prefix) *netipx.IPSet {
	var b netipx.IPSetBuilder
	b.AddPrefix(p)
	s, err := b.IPSet()
	if err != nil {
		return &netipx.IPSet{}
	}
	return s
}
