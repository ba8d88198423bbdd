package speaker

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"onramp/bgp"
	"onramp/catalog"
	"onramp/yamlfile"
)

// Bounds of what a file may say, each with where it comes from.
const (
	portBGP        = 179                 // RFC 4271 section 8.2.1
	leastHold      = 3 * time.Second     // RFC 4271 section 4.2
	mostHold       = 65535 * time.Second // two octets (RFC 4271 section 4.2)
	mostRestart    = 4095 * time.Second  // twelve bits (RFC 4724 section 3)
	leastIdle      = 100 * time.Millisecond
	mostPassword   = 80                    // bytes of a key (Linux, TCP_MD5SIG_MAXKEYLEN)
	mostHops       = 255                   // the TTL is an octet
	mostAllowed    = 10                    // times the own AS in a path, as routers allow
	leastInterval  = 10 * time.Millisecond // of BFD packets: less is not kept by a process
	mostMultiplier = 255                   // an octet (RFC 5880 section 4.1)
	mostUnknown    = 1024                  // octets of an attribute: the others have to fit into the message too
)

// What the file leaves out.
const (
	defaultRestart    = 120 * time.Second
	defaultInterval   = 300 * time.Millisecond
	defaultMultiplier = 3
)

// checker checks what the values mean, after the reader has found out that they can be read, and fills in what is left out. It leaves
// alone what the reader has refused already.
type checker struct {
	r *yamlfile.Reader
	c *Config
}

func (k *checker) refuse(path, message, fix, rule, source string) {
	if !k.r.Bad(path) {
		k.r.RefuseAt(path, k.r.Place(path).Text, message, fix, "speaker-"+rule, source)
	}
}

// within refuses a duration outside of its bounds, unless the file does not have it.
func (k *checker) within(path string, d Duration, least, most time.Duration, source string) {
	if k.r.Given(path) && (time.Duration(d) < least || time.Duration(d) > most) {
		k.refuse(path, "this time is out of range", fmt.Sprintf("give %s to %s", seconds(least), seconds(most)), "range", source)
	}
}

// seconds writes a bound as people write it: 65535s, not 18h12m15s.
func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10) + "s"
	}
	return d.String()
}

func (k *checker) between(path string, n, least, most int, source string) {
	if k.r.Given(path) && (n < least || n > most) {
		k.refuse(path, "this number is out of range", fmt.Sprintf("give %d to %d", least, most), "range", source)
	}
}

// whole refuses parts of a second where a message has only seconds.
func (k *checker) whole(path string, d Duration, source string) {
	if k.r.Given(path) && time.Duration(d)%time.Second != 0 {
		k.refuse(path, "this time goes to a neighbour, who is told whole seconds", "give whole seconds", "range", source)
	}
}

func (k *checker) asn(path string, a bgp.ASN) {
	if k.r.Given(path) && a.IsReserved() {
		k.refuse(path, "no speaker may use this AS number", "0, 23456, 65535 and 4294967295 are reserved; 64512 to 65534 are for private use", "as", "RFC 7607, RFC 6793, RFC 7300")
	}
}

func (k *checker) identifier(path string, a netip.Addr) {
	if k.r.Given(path) && (!a.Is4() || a.IsUnspecified()) {
		k.refuse(path, "this is no BGP Identifier", "give an IPv4 address other than 0.0.0.0", "identifier", "RFC 6286")
	}
}

func (k *checker) check() {
	c := k.c
	k.asn("as", c.AS)
	k.identifier("routerId", c.RouterID)
	k.identifier("clusterId", c.ClusterID)
	k.between("decision.multipath", c.Decision.Multipath, 1, 256, sourceFormat)
	seen := map[netip.Prefix]bool{}
	for i := range c.Networks {
		at := yamlfile.Index("networks", i)
		k.network(at, &c.Networks[i])
		if p := c.Networks[i].Prefix; k.r.Given(at+".prefix") && seen[p] {
			k.refuse(at+".prefix", "this prefix is here twice", "keep one of the two", "unique", sourceFormat)
		}
		seen[c.Networks[i].Prefix] = true
	}
	k.policies()
	k.neighbors()
	k.listen()
}

// listen fills in where connections are accepted.
func (k *checker) listen() {
	seen := map[netip.AddrPort]bool{}
	for i, a := range k.c.Listen {
		at := yamlfile.Index("listen", i)
		if k.r.Given(at) && a.Port() != 0 && seen[a] {
			k.refuse(at, "this address is here twice", "keep one of the two", "unique", sourceFormat)
		}
		seen[a] = true
	}
	if k.r.Place("listen").Line > 0 {
		return
	}
	for _, any := range []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()} {
		if slices.ContainsFunc(k.c.Neighbors, func(n Neighbor) bool { return n.Address.Is4() == any.Is4() }) {
			k.c.Listen = append(k.c.Listen, netip.AddrPortFrom(any, portBGP))
		}
	}
}

func (k *checker) network(at string, n *Network) {
	key := func(name string) string {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	if p := n.Prefix; k.r.Given(key("prefix")) && p != p.Masked() {
		k.refuse(key("prefix"), "this prefix has bits set beyond its length", "write "+p.Masked().String(), "prefix", sourceFormat)
	}
	if k.r.Given(key("nextHop")) && (n.NextHop.Is4() != n.Prefix.Addr().Is4() || n.NextHop.IsUnspecified() || n.NextHop.Zone() != "") {
		k.refuse(key("nextHop"), "this cannot be the prefix's next hop", "give an address of the prefix's family, without an interface", "next-hop", "RFC 4271 section 5.1.3")
	}
	for i, a := range n.ASPath {
		at := yamlfile.Index(key("asPath"), i)
		if k.r.Given(at) && a == 0 {
			k.refuse(at, "AS 0 is in no path", "leave it out", "as", "RFC 7607")
		}
	}
	seen := map[int]bool{}
	for i, u := range n.Unknown {
		at := yamlfile.Index(key("unknown"), i)
		k.between(at+".type", u.Type, 1, 255, "RFC 4271 section 4.3")
		if k.r.Given(at+".type") && (u.Type >= 0 && u.Type <= 255 && bgp.KnownAttribute(uint8(u.Type)) || seen[u.Type]) {
			k.refuse(at+".type", "this attribute has a key of its own, or is here twice", "give a type that no other attribute has, such as 99", "unknown", sourceFormat)
		}
		seen[u.Type] = true
		if value, err := hex.DecodeString(u.Value); err != nil || len(value) > mostUnknown {
			k.refuse(at+".value", "this is no attribute's value", fmt.Sprintf("give at most %d octets as pairs of hexadecimal digits", mostUnknown), "unknown", sourceFormat)
		}
	}
	if n.Aggregator != nil {
		k.asn(key("aggregator.as"), n.Aggregator.AS)
		k.identifier(key("aggregator.address"), n.Aggregator.Address)
	}
}

func (k *checker) policies() {
	seen := map[string]bool{}
	for i, p := range k.c.Policies {
		at := yamlfile.Index("policies", i)
		if p == nil || !k.r.Given(at) {
			continue
		}
		if seen[p.Name] && k.r.Given(at+".name") {
			k.refuse(at+".name", "two policies have this name", "choose another name", "unique", sourceFormat)
		}
		seen[p.Name] = true
		if k.r.Faulty(at) {
			continue // what could not be read would be missed once more
		}
		for _, err := range each(p.Validate()) {
			// Each mistake stands alone, so that one does not hide the others.
			k.r.Report(k.r.MarkAt(at), yamlfile.Finding{At: at, Message: err.Error(), Rule: "speaker-policy", Source: sourceFormat})
		}
	}
}

// each is the errors that errors.Join put together.
func each(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	if err != nil {
		return []error{err}
	}
	return nil
}

func (k *checker) neighbors() {
	byAddr, byName := map[netip.Addr]bool{}, map[string]bool{}
	for i := range k.c.Neighbors {
		n := &k.c.Neighbors[i]
		at := yamlfile.Index("neighbors", i)
		if k.r.Given(at+".address") && byAddr[n.Address] {
			k.refuse(at+".address", "two neighbours have this address", "a speaker has one session with an address", "unique", sourceFormat)
		}
		byAddr[n.Address] = true
		if n.Name == "" && n.Address.IsValid() {
			n.Name = n.Address.String()
		}
		if n.Name != "" && byName[n.Name] && !k.r.Bad(at+".address") {
			k.refuse(at+".name", "two neighbours have this name", "choose another name", "unique", sourceFormat)
		}
		byName[n.Name] = true
		k.neighbor(at, n)
		k.timers(at, n)
	}
}

func (k *checker) neighbor(at string, n *Neighbor) {
	k.asn(at+".as", n.AS)
	k.addresses(at, n)
	k.between(at+".port", n.Port, 1, 65535, sourceFormat)
	if n.Port == 0 {
		n.Port = portBGP
	}
	if n.Families == nil && n.Address.IsValid() {
		n.Families = []bgp.Family{bgp.FamilyOf(netip.PrefixFrom(n.Address, 0))}
	}
	for i, f := range n.Families {
		four := f == bgp.IPv4Unicast()
		if hop := n.LocalIPv6; n.Address.IsValid() && n.Address.Is4() != four {
			key := "localIpv6"
			if four {
				key, hop = "localIpv4", n.LocalIPv4
			}
			if !hop.IsValid() && !k.r.Faulty(at+"."+key) {
				k.refuse(yamlfile.Index(at+".families", i), "routes of this family have no next hop over this session", "add "+key+" with the speaker's address", "next-hop", "RFC 4271 section 5.1.3, RFC 2545 section 3")
			}
		}
		if slices.Contains(n.Families[:i], f) {
			k.refuse(yamlfile.Index(at+".families", i), "this family is here twice", "keep one of the two", "unique", sourceFormat)
		}
	}
	external := k.external(n)
	k.policyOf(at, "import", n.Import)
	k.policyOf(at, "export", n.Export)
	if external && (n.RequirePolicy == nil || *n.RequirePolicy) {
		for _, way := range [...]struct{ key, name, what string }{{"import", n.Import, "nothing is taken from this neighbour"}, {"export", n.Export, "nothing is sent to this neighbour"}} {
			if way.name == "" && !k.r.Bad(at+"."+way.key) {
				k.r.Report(k.r.MarkAt(at), yamlfile.Finding{Severity: yamlfile.Warning, At: at, Message: "there is no " + way.key + " policy, so that " + way.what,
					Fix: "name a policy in " + way.key + ", or set requirePolicy: false to take or send everything", Rule: "speaker-no-policy", Source: "RFC 8212"})
			}
		}
	}
	if k.r.Given(at+".password") && len(n.Password) > mostPassword {
		k.refuse(at+".password", fmt.Sprintf("this key has %d bytes", len(n.Password)), fmt.Sprintf("give at most %d", mostPassword), "password", "RFC 2385 section 4.5")
	}
	k.between(at+".ttlSecurity", n.TTLSecurity, 1, mostHops-1, "RFC 5082 section 3")
	k.between(at+".multihop", n.Multihop, 1, mostHops, sourceFormat)
	if n.TTLSecurity != 0 && n.Multihop != 0 {
		k.refuse(at+".multihop", "ttlSecurity says already how far the neighbour may be", "keep one of the two", "conflict", "RFC 5082 section 3")
	}
	k.between(at+".allowOwnAs", n.AllowOwnAS, 0, mostAllowed, sourceFormat)
	k.onlyExternal(at, n, external)
	if b := n.BFD; b != nil {
		k.within(at+".bfd.interval", b.Interval, leastInterval, time.Minute, "RFC 5880 section 6.8.3")
		k.between(at+".bfd.multiplier", b.Multiplier, 1, mostMultiplier, "RFC 5880 section 4.1")
		if b.Interval == 0 {
			b.Interval = Duration(defaultInterval)
		}
		if b.Multiplier == 0 {
			b.Multiplier = defaultMultiplier
		}
	}
	if m := n.MaxPrefixes; m != nil {
		k.between(at+".maxPrefixes.ipv4", m.IPv4, 1, 1<<31-1, sourceFormat)
		k.between(at+".maxPrefixes.ipv6", m.IPv6, 1, 1<<31-1, sourceFormat)
	}
}

// external tells whether a neighbour is in another AS.
func (k *checker) external(n *Neighbor) bool {
	if n.LocalAS != 0 {
		return n.AS != n.LocalAS
	}
	return n.AS != k.c.AS
}

// onlyExternal refuses what means something only between ASes, or only within one.
func (k *checker) onlyExternal(at string, n *Neighbor, external bool) {
	k.asn(at+".localAs", n.LocalAS)
	if k.r.Bad(at+".as") || k.r.Bad("as") {
		return
	}
	for _, x := range [...]struct {
		key      string
		given    bool
		external bool
	}{
		{"removePrivateAs", n.RemovePrivateAS, true}, {"asOverride", n.ASOverride, true}, {"keepMed", n.KeepMED, true}, {"localPrefKept", n.LocalPrefKept, true},
		{"multihop", n.Multihop != 0, true}, {"routeReflectorClient", n.RouteReflectorClient, false}, {"nextHopSelf", n.NextHopSelf, false},
	} {
		if !x.given || x.external == external {
			continue
		}
		if x.external {
			k.refuse(at+"."+x.key, "this neighbour is in the same AS, where the key has no meaning", "leave the key out", "conflict", sourceFormat)
		} else {
			k.refuse(at+"."+x.key, "this neighbour is in another AS, where the key has no meaning", "leave the key out", "conflict", sourceFormat)
		}
	}
}

func (k *checker) policyOf(at, key, name string) {
	if !k.r.Given(at + "." + key) {
		return
	}
	var names []string
	for _, p := range k.c.Policies {
		if p != nil {
			names = append(names, p.Name)
		}
	}
	if slices.Contains(names, name) {
		return
	}
	fix := "policies has none"
	if len(names) > 0 {
		fix = "policies has " + yamlfile.OneOf(names)
	}
	if near := catalog.Nearest(name, names); near != "" {
		fix = "did you mean " + near + "? " + fix
	}
	k.refuse(at+"."+key, "there is no policy of this name", fix, "policy", sourceFormat)
}

func (k *checker) addresses(at string, n *Neighbor) {
	a := n.Address
	switch {
	case !k.r.Given(at + ".address"):
	case a.IsUnspecified() || a.IsMulticast() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		k.refuse(at+".address", "this is no address of a neighbour", "give a unicast address", "address", sourceFormat)
	case a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "":
		k.refuse(at+".address", "a link-local address does not say on which interface", "write "+a.String()+"%INTERFACE", "address", "RFC 4007 section 11")
	}
	for _, x := range [...]struct {
		key  string
		addr netip.Addr
		fits bool
		want string
	}{
		{"localAddress", n.LocalAddress, n.LocalAddress.Is4() == a.Is4() && n.LocalAddress != a, "give an address of this machine, of the neighbour's family"},
		{"localIpv4", n.LocalIPv4, n.LocalIPv4.Is4(), "give an IPv4 address"},
		{"localIpv6", n.LocalIPv6, n.LocalIPv6.Is6() && !n.LocalIPv6.IsLinkLocalUnicast(), "give an IPv6 address that is not link-local"},
		{"localLinkLocal", n.LocalLinkLocal, n.LocalLinkLocal.Is6() && n.LocalLinkLocal.IsLinkLocalUnicast(), "give a link-local IPv6 address"},
	} {
		if k.r.Given(at+"."+x.key) && (!x.fits || x.addr.IsUnspecified() || x.addr.IsMulticast()) {
			k.refuse(at+"."+x.key, "this cannot be the speaker's address here", x.want, "address", sourceFormat)
		}
	}
}

func (k *checker) timers(at string, n *Neighbor) {
	hold := 180 * time.Second
	if n.HoldTime != nil {
		hold = time.Duration(*n.HoldTime)
		if hold != 0 {
			k.within(at+".holdTime", *n.HoldTime, leastHold, mostHold, "RFC 4271 section 4.2")
			k.whole(at+".holdTime", *n.HoldTime, "RFC 4271 section 4.2")
		}
	}
	k.within(at+".minHoldTime", n.MinHoldTime, leastHold, mostHold, "RFC 4271 section 4.2")
	k.within(at+".keepalive", n.Keepalive, time.Second, mostHold, "RFC 4271 section 4.4")
	if k.r.Given(at+".keepalive") && hold != 0 && time.Duration(n.Keepalive) > hold/3 {
		k.refuse(at+".keepalive", "this is more than a third of the hold time, "+seconds(hold), "give at most "+seconds(hold/3), "range", "RFC 4271 section 4.4")
	}
	k.within(at+".connectRetry", n.ConnectRetry, time.Second, mostHold, "RFC 4271 section 10")
	k.within(at+".idleHold", n.IdleHold, leastIdle, mostHold, "RFC 4271 section 8.1.1")
	k.within(at+".delayOpen", n.DelayOpen, 0, mostHold, "RFC 4271 section 10")
	k.within(at+".mrai", n.MRAI, 0, mostHold, "RFC 4271 section 9.2.1.1")
	if g := n.GracefulRestart; g != nil {
		k.within(at+".gracefulRestart.restartTime", g.RestartTime, time.Second, mostRestart, "RFC 4724 section 3")
		k.whole(at+".gracefulRestart.restartTime", g.RestartTime, "RFC 4724 section 3")
		switch {
		case g.HelperOnly && k.r.Given(at+".gracefulRestart.restartTime"):
			k.refuse(at+".gracefulRestart.restartTime", "a helper never restarts itself", "leave out restartTime or helperOnly", "conflict", "RFC 4724 section 4.2")
		case !g.HelperOnly && g.RestartTime == 0:
			g.RestartTime = Duration(defaultRestart)
		}
	}
}
