//go:build linux

package speaker_test

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// labSpeaker is one router of a test: what it is and what it originates. Of the routes only the prefix and the attributes of
// origination count; Path is what it puts in front by prepending, without its own AS.
type labSpeaker struct {
	AS     uint32
	ID     netip.Addr
	Routes []labRoute
	Lines  []string // more lines of its configuration, outside of any session, in the daemon's own language
}

// labEnd is one end of a peering.
type labEnd struct {
	*labSpeaker
	Addr  netip.Addr
	Other netip.Addr // of the other family on the same link: the next hop of that family's routes
	// LinkLocal goes beside an IPv6 next hop (RFC 2545 section 3: both ends and the next hop share the link).
	LinkLocal netip.Addr
	Hold      time.Duration // offered by this end; 0 is the peering's
	Reflects  bool          // to the other end, which is its client (RFC 4456)
	Passive   bool          // waits for the other end to connect
	// MaxPrefixes ends the session when the other end announces more; 0 is no limit. FRR 8.4 notices with the second
	// prefix too many, BIRD with the first; both then stay down.
	MaxPrefixes int
	MED         *uint32  // what every route gets on its way out, whatever it had
	Extra       []string // more lines for this session, in the daemon's own language
	Channel     []string // and for each family of this session, of FRR and BIRD
}

// labPeering is one session between two speakers, from which every daemon's configuration is made.
type labPeering struct {
	A, B        labEnd
	Families    []string      // nil is the family of the addresses
	Hold        time.Duration // 0 is 9 s; keepalives are sent three times in it (RFC 4271 section 10)
	Password    string        // RFC 2385
	BFD         time.Duration // between packets, times three to detect; 0 is without
	Restart     time.Duration // RFC 4724: both restart gracefully within this time; 0 is none, not even as a helper
	TTLSecurity bool          // RFC 5082
	TwoOctet    bool          // without RFC 6793; FRR then leaves out all capabilities (RFC 5492)
	KeepIn      bool          // keep what was received before policy, so that received() can tell
}

// peering joins two speakers over the family's addresses of the link between those nodes.
func (k *labLink) peering(family string, a *labSpeaker, nodeA string, b *labSpeaker, nodeB string) labPeering {
	end := func(s *labSpeaker, p labPort) labEnd {
		if family == "ipv4" {
			return labEnd{labSpeaker: s, Addr: p.addr4, Other: p.addr6, LinkLocal: p.linkLocal}
		}
		return labEnd{labSpeaker: s, Addr: p.addr6, Other: p.addr4, LinkLocal: p.linkLocal}
	}
	return labPeering{A: end(a, k.end(nodeA)), B: end(b, k.end(nodeB))}
}

// seen is the peering from one speaker's side; ok is false when it is no part of it.
func (p labPeering) seen(s *labSpeaker) (own, other labEnd, ok bool) {
	switch s {
	case p.A.labSpeaker:
		return p.A, p.B, true
	case p.B.labSpeaker:
		return p.B, p.A, true
	}
	return labEnd{}, labEnd{}, false
}

func (p labPeering) families() []string {
	if p.Families != nil {
		return p.Families
	}
	return []string{familyOf(p.A.Addr)}
}

// hold is the hold time that an end offers.
func (p labPeering) hold(own labEnd) time.Duration {
	return cmp.Or(own.Hold, p.Hold, labDefaultHold)
}

// announces is what a neighbour in another AS holds of this end's own routes when nothing was lost.
func (e labEnd) announces() []labRoute { return e.announcesTo(0, familyOf(e.Addr)) }

// announced is what the neighbour of a speaker holds of its own routes when nothing was lost.
func (p labPeering) announced(by *labSpeaker) []labRoute {
	own, other, _ := p.seen(by)
	return own.announcesTo(other.AS, p.families()...)
}

// announcesTo is what a neighbour in an AS holds of this end's own routes of some families.
func (e labEnd) announcesTo(as uint32, families ...string) []labRoute {
	var list []labRoute
	for _, r := range e.Routes {
		family := familyOf(r.Prefix.Addr())
		if !slices.Contains(families, family) {
			continue
		}
		if r.LocalPref == nil || as != e.AS { // RFC 4271 section 5.1.5: only within an AS
			r.LocalPref = number(labDefaultPreference)
		}
		if as != e.AS {
			r.Path = strings.TrimSpace(strconv.FormatUint(uint64(e.AS), 10) + " " + r.Path)
			r.ExtCommunities = slices.DeleteFunc(slices.Clone(r.ExtCommunities), func(c string) bool {
				return strings.HasPrefix(c, "0x4") // RFC 4360 section 2: not transitive
			})
		}
		r.NextHop, r.From, r.Best = e.Addr, e.Addr, true
		if family != familyOf(e.Addr) {
			r.NextHop = e.Other
		}
		if family == "ipv6" {
			r.NextHopLocal = e.LinkLocal
		}
		if r.Origin == "" {
			r.Origin = "igp"
		}
		list = append(list, r)
	}
	return list
}

// frrConfig is bgpd's configuration for one speaker of the peerings.
func frrConfig(t testing.TB, s *labSpeaker, peerings ...labPeering) string {
	t.Helper()
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	// The log is where FRR tells the codes of the NOTIFICATIONs that it sends.
	say("debug bgp neighbor-events")
	maps, network := frrOrigination(t, s)
	say("%s", maps)
	for _, p := range peerings {
		if own, _, ok := p.seen(s); ok && own.MED != nil {
			say("route-map med%[1]d permit 10\n set metric %[1]d\nexit", *own.MED)
		}
	}
	say("router bgp %d", s.AS)
	say(" bgp router-id %s", s.ID)
	say(" bgp log-neighbor-changes")
	say(" no bgp ebgp-requires-policy")
	say(" no bgp default ipv4-unicast")
	say(" no bgp network import-check")
	for _, line := range s.Lines {
		say(" %s", line)
	}
	say(" coalesce-time 0") // else FRR waits a second for more neighbours before it sends its first UPDATE
	active := map[string][]string{}
	for _, p := range peerings {
		own, other, ok := p.seen(s)
		if !ok {
			continue
		}
		neighbor := "neighbor " + other.Addr.String()
		say(" %s remote-as %d", neighbor, other.AS)
		say(" %s timers %d %d", neighbor, int(p.hold(own).Seconds())/3, int(p.hold(own).Seconds()))
		say(" %s timers connect %d", neighbor, labRetry)
		say(" %s advertisement-interval 0", neighbor)
		if own.Passive {
			say(" %s passive", neighbor)
		}
		if p.Password != "" {
			say(" %s password %s", neighbor, p.Password)
		}
		if p.BFD > 0 {
			say(" %s bfd %d %d %d", neighbor, labDetectMultiplier, p.BFD.Milliseconds(), p.BFD.Milliseconds())
		}
		if p.TTLSecurity {
			say(" %s ttl-security hops 1", neighbor)
		}
		if p.TwoOctet {
			say(" %s dont-capability-negotiate", neighbor)
		}
		if p.Restart > 0 {
			say(" bgp graceful-restart restart-time %d", int(p.Restart.Seconds())) // of the whole router
			say(" bgp graceful-restart preserve-fw-state")
			say(" %s graceful-restart", neighbor)
		} else {
			say(" %s graceful-restart-disable", neighbor)
		}
		for _, line := range own.Extra {
			say(" %s %s", neighbor, line)
		}
		for _, family := range p.families() {
			active[family] = append(active[family], neighbor+" activate")
			if own.Reflects {
				active[family] = append(active[family], neighbor+" route-reflector-client")
			}
			if p.KeepIn {
				active[family] = append(active[family], neighbor+" soft-reconfiguration inbound")
			}
			for _, line := range own.Channel {
				active[family] = append(active[family], neighbor+" "+line)
			}
			if own.MED != nil {
				active[family] = append(active[family], fmt.Sprintf("%s route-map med%d out", neighbor, *own.MED))
			}
			if own.MaxPrefixes > 0 {
				active[family] = append(active[family], fmt.Sprintf("%s maximum-prefix %d", neighbor, own.MaxPrefixes))
			}
		}
	}
	for _, family := range []string{"ipv4", "ipv6"} {
		say(" address-family %s unicast", family)
		for _, line := range append(network[family], active[family]...) {
			say("  %s", line)
		}
		say(" exit-address-family")
	}
	say("exit")
	return b.String()
}

// frrOrigination is what makes bgpd originate the speaker's routes: route maps, and the lines of each family. A route map is
// named after what it says, so that the lines can be entered into a running daemon that has others.
func frrOrigination(t testing.TB, s *labSpeaker) (maps string, network map[string][]string) {
	t.Helper()
	var b strings.Builder
	network = map[string][]string{}
	said := map[string]bool{}
	for _, r := range s.Routes {
		if r.MED == nil {
			t.Fatalf("%s has no MED: FRR announces 0 for what it originates, so say 0", r.Prefix)
		}
		lines := frrAttributes(r)
		name := frrMap(lines)
		if !said[name] {
			said[name] = true
			fmt.Fprintf(&b, "route-map %s permit 10\n%sexit\n", name, lines)
		}
		family := familyOf(r.Prefix.Addr())
		network[family] = append(network[family], fmt.Sprintf("network %s route-map %s", r.Prefix, name))
	}
	return b.String(), network
}

// frrMap names a route map after its lines.
func frrMap(lines string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(lines)) // it cannot fail
	return fmt.Sprintf("originate-%x", hash.Sum(nil))
}

// frrAttributes are the lines of a route map that gives a route its attributes.
func frrAttributes(r labRoute) string {
	var b strings.Builder
	set := func(what, value string) {
		if value != "" {
			fmt.Fprintf(&b, " set %s%s\n", what, value)
		}
	}
	set("metric ", strconv.FormatUint(uint64(*r.MED), 10))
	set("as-path prepend ", r.Path)
	set("origin ", r.Origin)
	if r.LocalPref != nil {
		set("local-preference ", strconv.FormatUint(uint64(*r.LocalPref), 10))
	}
	set("community ", strings.Join(r.Communities, " "))
	for _, kind := range []string{"rt", "soo"} {
		var values []string
		for _, c := range r.ExtCommunities {
			if value, ok := strings.CutPrefix(c, kind+":"); ok {
				values = append(values, value)
			}
		}
		set("extcommunity "+kind+" ", strings.Join(values, " "))
	}
	set("large-community ", strings.Join(r.LargeCommunities, " "))
	if r.AtomicAggregate {
		set("atomic-aggregate", " ")
	}
	set("aggregator as ", r.Aggregator)
	return b.String()
}

// frrChange are the lines that bring FRR from what it announces to what the speaker announces now.
func frrChange(s *labSpeaker, before []labRoute) string {
	var b strings.Builder
	old := map[netip.Prefix]string{}
	defined := map[string]bool{} // FRR takes its time for each line of a route map
	for _, r := range before {
		attributes := frrAttributes(r)
		old[r.Prefix], defined[attributes] = attributes, true
	}
	lines := map[string][]string{}
	for _, r := range s.Routes {
		attributes := frrAttributes(r)
		if !defined[attributes] {
			defined[attributes] = true
			fmt.Fprintf(&b, "route-map %s permit 10\n%sexit\n", frrMap(attributes), attributes)
		}
		if old[r.Prefix] != attributes {
			family := familyOf(r.Prefix.Addr())
			lines[family] = append(lines[family], fmt.Sprintf("network %s route-map %s", r.Prefix, frrMap(attributes)))
		}
		delete(old, r.Prefix)
	}
	for prefix := range old {
		family := familyOf(prefix.Addr())
		lines[family] = append(lines[family], fmt.Sprintf("no network %s", prefix))
	}
	fmt.Fprintf(&b, "router bgp %d\n", s.AS)
	for family, list := range lines {
		fmt.Fprintf(&b, "address-family %s unicast\n%s\nexit-address-family\n", family, strings.Join(list, "\n"))
	}
	return b.String()
}

// birdConfig is BIRD's configuration for one speaker of the peerings.
func birdConfig(t testing.TB, s *labSpeaker, peerings ...labPeering) string {
	t.Helper()
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("router id %s;", s.ID)
	say("debug protocols { states, events, packets };") // among these are the codes of the NOTIFICATIONs that it sends
	say("protocol device { scan time 3600; }")
	say("protocol bfd { }")
	// Where next hops within an AS are: on the links, and where the node's own routes lead.
	say("ipv4 table igp4; ipv6 table igp6;")
	say("protocol direct { ipv4 { table igp4; }; ipv6 { table igp6; }; }")
	for _, version := range []int{4, 6} {
		say("protocol kernel { learn; ipv%[1]d { table igp%[1]d; import all; export none; }; }", version)
	}
	for _, line := range s.Lines {
		say("%s", line)
	}
	meds := map[string][]string{} // family and value to prefixes
	var medKeys []string
	for _, family := range []string{"ipv4", "ipv6"} {
		say("protocol static originate_%s {\n\t%s;", family, family)
		for _, r := range s.Routes {
			if familyOf(r.Prefix.Addr()) != family {
				continue
			}
			if r.AtomicAggregate || r.Aggregator != "" {
				t.Fatalf("%s: BIRD passes ATOMIC_AGGREGATE and AGGREGATOR on, but cannot originate them", r.Prefix)
			}
			say("\troute %s blackhole {%s };", r.Prefix, birdAttributes(r))
			if r.MED != nil {
				key := fmt.Sprintf("%s %d", family, *r.MED)
				if meds[key] == nil {
					medKeys = append(medKeys, key)
				}
				meds[key] = append(meds[key], r.Prefix.String())
			}
		}
		say("}")
	}
	// BIRD takes a MED off on its way out unless the export filter itself has set it.
	for _, family := range []string{"ipv4", "ipv6"} {
		say("filter out_%s {\n\tif source = RTS_STATIC then {", family)
		for _, key := range medKeys {
			if value, ok := strings.CutPrefix(key, family+" "); ok {
				say("\t\tif net ~ [ %s ] then bgp_med = %s;", strings.Join(meds[key], ", "), value)
			}
		}
		say("\t}\n\taccept;\n}")
	}
	for _, p := range peerings {
		if own, other, ok := p.seen(s); ok {
			birdSession(say, p, own, other)
		}
	}
	return b.String()
}

// birdSession says one session.
func birdSession(say func(string, ...any), p labPeering, own, other labEnd) {
	say("protocol bgp %s {", birdName(other.Addr))
	say("\tlocal %s as %d;", own.Addr, own.AS)
	say("\tneighbor %s as %d;", other.Addr, other.AS)
	if own.AS == other.AS {
		say("\tdirect;") // as it is between ASes: the neighbour is on the link, and so are its next hops
	}
	say("\thold time %d; keepalive time %d;", int(p.hold(own).Seconds()), int(p.hold(own).Seconds())/3)
	say("\tconnect delay time 0; connect retry time %d; error wait time %[1]d, %[1]d; error forget time 1;", labRetry)
	if own.Passive {
		say("\tpassive on;")
	}
	if own.Reflects {
		say("\trr client;")
	}
	if p.Password != "" {
		say("\tpassword %q;", p.Password)
	}
	if p.BFD > 0 {
		say("\tbfd { interval %d ms; idle tx interval %[1]d ms; multiplier %d; };", p.BFD.Milliseconds(), labDetectMultiplier)
	}
	if p.TTLSecurity {
		say("\tttl security on;")
	}
	if p.TwoOctet {
		say("\tenable as4 off;")
	}
	if p.Restart > 0 {
		say("\tgraceful restart on; graceful restart time %d;", int(p.Restart.Seconds()))
	} else {
		say("\tgraceful restart off; long lived graceful restart off;")
	}
	for _, line := range own.Extra {
		say("\t%s", line)
	}
	for _, family := range p.families() {
		if out := "out_" + family; own.MED == nil {
			say("\t%s {\n\t\timport all; export filter %s;", family, out)
		} else {
			say("\t%s {\n\t\timport all; export filter { bgp_med = %d; accept; };", family, *own.MED)
		}
		if p.KeepIn {
			// Not also the export table: BIRD 2.0.12 then drops the MED again that the export filter has set.
			say("\t\timport table on;")
		}
		if own.AS == other.AS {
			say("\t\tgateway recursive; igp table igp%s;", strings.TrimPrefix(family, "ipv"))
		}
		for _, line := range own.Channel {
			say("\t\t%s", line)
		}
		if own.MaxPrefixes > 0 {
			say("\t\treceive limit %d action disable;", own.MaxPrefixes)
		}
		say("\t};")
	}
	say("}")
}

// birdAttributes are the assignments that give a static route its attributes, all but the MED.
func birdAttributes(r labRoute) string {
	var b strings.Builder
	if r.Origin != "" {
		fmt.Fprintf(&b, " bgp_origin = ORIGIN_%s;", strings.ToUpper(r.Origin))
	}
	if r.LocalPref != nil {
		fmt.Fprintf(&b, " bgp_local_pref = %d;", *r.LocalPref)
	}
	path := strings.Fields(r.Path)
	slices.Reverse(path)
	for i, as := range path {
		if i == 0 {
			b.WriteString(" bgp_path = +empty+;")
		}
		fmt.Fprintf(&b, " bgp_path.prepend(%s);", as)
	}
	if r.LocalPref != nil {
		fmt.Fprintf(&b, " bgp_local_pref = %d;", *r.LocalPref)
	}
	for _, c := range r.Communities {
		fmt.Fprintf(&b, " bgp_community.add((%s));", strings.ReplaceAll(c, ":", ","))
	}
	for _, c := range r.ExtCommunities {
		// BIRD calls the route origin ro (RFC 4360 section 5), others soo.
		c = strings.Replace(c, "soo:", "ro:", 1)
		if digits, ok := strings.CutPrefix(c, "0x"); ok {
			c = "generic:0x" + digits[:8] + ":0x" + digits[8:]
		}
		fmt.Fprintf(&b, " bgp_ext_community.add((%s));", strings.ReplaceAll(c, ":", ","))
	}
	for _, c := range r.LargeCommunities {
		fmt.Fprintf(&b, " bgp_large_community.add((%s));", strings.ReplaceAll(c, ":", ","))
	}
	return b.String()
}

// birdName names a session after the neighbour's address, in the letters that BIRD allows: bgp_192_0_2_1.
func birdName(peer netip.Addr) string {
	return "bgp_" + strings.NewReplacer(".", "_", ":", "_").Replace(peer.String())
}

// birdPeer is the address in a name that birdName made.
func birdPeer(name string) netip.Addr {
	name, ok := strings.CutPrefix(name, "bgp_")
	if !ok {
		return netip.Addr{}
	}
	for _, separator := range []string{".", ":"} {
		if a, err := netip.ParseAddr(strings.ReplaceAll(name, "_", separator)); err == nil {
			return a
		}
	}
	return netip.Addr{}
}
