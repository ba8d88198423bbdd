//go:build linux

package speaker_test

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (b *bird) table(family string) ([]labRoute, error) {
	return b.routes("show route table " + map[string]string{"ipv4": "master4", "ipv6": "master6"}[family] + " all")
}

// received is what the neighbour sent; before policy with labPeering.KeepIn, else after.
func (b *bird) received(peer netip.Addr) ([]labRoute, error) {
	list, err := b.routes(fmt.Sprintf("show route import table %s.%s all", birdName(peer), familyOf(peer)))
	if err != nil {
		return b.routes(fmt.Sprintf("show route protocol %s all", birdName(peer)))
	}
	return list, nil
}

// advertised tells what is sent as it was before the last step: BIRD shows neither its own AS in the path nor itself as the
// next hop.
func (b *bird) advertised(peer netip.Addr) ([]labRoute, error) {
	return b.routes(fmt.Sprintf("show route export %s all", birdName(peer)))
}

func (b *bird) routes(line string) ([]labRoute, error) {
	out, err := b.birdc(line)
	if err != nil {
		return nil, err
	}
	return parseBIRDRoutes(out)
}

// birdPaths are functions in BIRD's language that tell whether a route has one of these paths: BIRD shows long ones cut, and a
// line of birdc may not be long either. whole calls them.
func birdPaths(paths ...string) []string {
	var lines []string
	for _, path := range paths {
		lines = append(lines, fmt.Sprintf("function %s() { return bgp_path ~ [= %s =]; }", birdPathName(path), path))
	}
	return lines
}

func birdPathName(path string) string {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(path)) // it cannot fail
	return fmt.Sprintf("has_path_%x", hash.Sum(nil))
}

// whole puts in the place of a path that BIRD shows cut that of the wanted route, if BIRD says that it has exactly this one.
func (b *bird) whole(held, want []labRoute) {
	for i := range held {
		h := &held[i]
		w := slices.IndexFunc(want, func(r labRoute) bool { return r.Prefix == h.Prefix && r.From == h.From })
		if w < 0 || !strings.HasSuffix(h.Path, "...") {
			continue
		}
		line := fmt.Sprintf("show route %s protocol %s where %s()", h.Prefix, birdName(h.From), birdPathName(want[w].Path))
		found, err := b.routes(line)
		if err != nil {
			continue // not found; the cut path shows as the difference
		}
		if len(found) == 1 && found[0].Prefix == h.Prefix {
			h.Path = want[w].Path
		}
	}
}

// birdRoute is the first line of a route: the prefix (none when it is the same as before), the kind, the protocol, and a
// star when it is the best.
var birdRoute = regexp.MustCompile(`^(\S+)?\s+(?:unicast|blackhole|unreachable|prohibit) \[(\S+) [^]]*\]( [*!]+)?`)

// parseBIRDRoutes reads BIRD's "show route ... all".
func parseBIRDRoutes(out string) ([]labRoute, error) {
	var list []labRoute
	var prefix netip.Prefix
	var last string // attribute
	for _, line := range strings.Split(out, "\n") {
		if m := birdRoute.FindStringSubmatch(line); m != nil {
			if m[1] != "" {
				var err error
				if prefix, err = netip.ParsePrefix(m[1]); err != nil {
					return nil, fmt.Errorf("BIRD's route %q: %w", line, err)
				}
			}
			list = append(list, labRoute{Prefix: prefix, From: birdPeer(m[2]), Best: strings.Contains(m[3], "*")})
			continue
		}
		key, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			key = strings.TrimSuffix(strings.TrimSpace(line), ":")
		}
		attribute, found := strings.CutPrefix(key, "BGP.")
		if strings.HasPrefix(key, "(") && last != "" { // a long list of communities goes on
			attribute, value, found = last, key, true
		}
		last = ""
		if found && len(list) > 0 {
			last = attribute
			if err := list[len(list)-1].setBIRD(attribute, strings.TrimSpace(value)); err != nil {
				return nil, fmt.Errorf("BIRD's attribute %q: %w", line, err)
			}
		}
	}
	return list, nil
}

// setBIRD takes one attribute from BIRD's spelling into ours.
func (r *labRoute) setBIRD(attribute, value string) error {
	var err error
	parse := func() *uint32 {
		n, wrong := strconv.ParseUint(value, 10, 32)
		err = wrong
		return number(uint32(n))
	}
	switch attribute {
	case "origin":
		r.Origin = strings.ToLower(value)
	case "as_path":
		r.Path = value
	case "next_hop":
		global, local, two := strings.Cut(value, " ")
		if r.NextHop, err = netip.ParseAddr(global); two && err == nil {
			r.NextHopLocal, err = netip.ParseAddr(local)
		}
	case "originator_id":
		r.Originator, err = netip.ParseAddr(value)
	case "cluster_list":
		r.Clusters = value
	case "med":
		r.MED = parse()
	case "local_pref":
		r.LocalPref = parse()
	case "atomic_aggr":
		r.AtomicAggregate = true
	case "aggregator": // "192.0.2.1 AS64512"
		addr, as, _ := strings.Cut(value, " AS")
		r.Aggregator = as + " " + addr
	case "community":
		r.Communities = append(r.Communities, birdTuples(value)...)
	case "large_community":
		r.LargeCommunities = append(r.LargeCommunities, birdTuples(value)...)
	case "ext_community":
		for _, c := range birdTuples(value) {
			if origin, ok := strings.CutPrefix(c, "ro:"); ok { // RFC 4360 section 5
				c = "soo:" + origin
			}
			var high, low uint32
			if _, wrong := fmt.Sscanf(c, "generic:0x%x:0x%x", &high, &low); wrong == nil {
				c = fmt.Sprintf("0x%08x%08x", high, low)
			}
			r.ExtCommunities = append(r.ExtCommunities, c)
		}
	default: // "63 [t]": the type in hexadecimal digits, and that it is transitive
		var kind uint8
		if n, _ := fmt.Sscanf(attribute, "%x [t]", &kind); n == 1 && strings.HasSuffix(attribute, " [t]") {
			r.Unknown = append(r.Unknown, fmt.Sprintf("%d:%s", kind, strings.ReplaceAll(value, " ", "")))
		}
	}
	return err
}

// birdTuples reads "(65000,1) (65000,2)" or "(rt, 65000, 1)".
func birdTuples(value string) []string {
	return strings.Fields(birdBrackets.Replace(value))
}

var birdBrackets = strings.NewReplacer(", ", ":", ",", ":", "(", "", ")", "")

// birdCapabilities are BIRD's names of the capabilities.
var birdCapabilities = map[string]string{
	"Route refresh": capRefresh, "Extended message": capExtendedMessage, "Graceful restart": capRestart,
	"4-octet AS numbers": capAS4, "ADD-PATH": capAddPath, "Enhanced refresh": capEnhancedRefresh,
	"Long-lived graceful restart": capLongLived, "Hostname": capHostname, "Role": capRole,
}

// session reads a neighbour's state. An unknown neighbour is an error. BIRD's list is indented by what belongs to what.
func (b *bird) session(peer netip.Addr) (labSession, error) {
	out, err := b.birdc("show protocols all " + birdName(peer))
	if err != nil {
		return labSession{}, err
	}
	s := labSession{Raw: out}
	s.readBIRD(out)
	s.Sent, s.Got, err = b.notices(peer)
	return s, err
}

func (s *labSession) readBIRD(out string) {
	var side *[]string // whose capabilities these lines are
	var capability string
	for _, line := range strings.Split(out, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch depth := len(line) - len(strings.TrimLeft(line, " ")); {
		case depth == 2 && key == "BGP state":
			s.State = value
		case depth == 4 && key == "Local capabilities":
			side = &s.Ours
		case depth == 4 && key == "Neighbor capabilities":
			side = &s.Theirs
		case depth == 4 && key == "Hold timer":
			s.Hold = birdLimit(value)
		case depth == 4 && key == "Keepalive timer":
			s.Keepalive = birdLimit(value)
		case depth == 4 && strings.HasPrefix(key, "Neighbor graceful restart active"):
			s.Restart.Helping = true
		case depth == 4 && key == "Routes":
			count, _, _ := strings.Cut(value, " ")
			n, _ := strconv.Atoi(count) // a channel that is down has no routes
			s.Accepted += n
		case depth == 6 && side != nil:
			capability = key
			if name := birdCapabilities[key]; name != "" {
				*side = append(*side, name)
			}
		case depth == 8 && side != nil:
			s.readBIRDCapability(side, capability, key, value)
		}
	}
	slices.Sort(s.Ours)
	slices.Sort(s.Theirs)
}

// readBIRDCapability reads a line below a capability.
func (s *labSession) readBIRDCapability(side *[]string, capability, key, value string) {
	switch {
	case capability == "Multiprotocol" && key == "AF announced":
		for _, family := range strings.Fields(value) {
			*side = append(*side, "multiprotocol "+family)
		}
	case capability != "Graceful restart" || side != &s.Theirs:
	case key == "Restart time":
		n, _ := strconv.Atoi(value) // a number of seconds
		s.Restart.Time = time.Duration(n) * time.Second
	case key == "Restart recovery":
		s.Restart.Restarting = true
	case key == "AF preserved":
		s.Restart.Preserved = strings.Fields(value)
	}
}

// birdLimit is the second number of "2.345/9".
func birdLimit(value string) time.Duration {
	_, limit, _ := strings.Cut(value, "/")
	n, _ := strconv.Atoi(limit) // seconds
	return time.Duration(n) * time.Second
}

// birdNotices are BIRD's words for the NOTIFICATIONs; for those without words it prints "Unknown error CODE.SUBCODE".
var birdNotices = map[string]labNotice{
	"Invalid message header": {Code: 1}, "Connection not synchronized": {Code: 1, Subcode: 1},
	"Bad message length": {Code: 1, Subcode: 2}, "Bad message type": {Code: 1, Subcode: 3},
	"Invalid OPEN message": {Code: 2}, "Unsupported version number": {Code: 2, Subcode: 1},
	"Bad peer AS": {Code: 2, Subcode: 2}, "Bad BGP identifier": {Code: 2, Subcode: 3},
	"Unsupported optional parameter": {Code: 2, Subcode: 4}, "Authentication failure": {Code: 2, Subcode: 5},
	"Unacceptable hold time": {Code: 2, Subcode: 6}, "Required capability missing": {Code: 2, Subcode: 7},
	"No supported AFI/SAFI": {Code: 2, Subcode: 8}, "Role mismatch": {Code: 2, Subcode: 11},
	"Invalid UPDATE message": {Code: 3}, "Malformed attribute list": {Code: 3, Subcode: 1},
	"Unrecognized well-known attribute": {Code: 3, Subcode: 2}, "Missing mandatory attribute": {Code: 3, Subcode: 3},
	"Invalid attribute flags": {Code: 3, Subcode: 4}, "Invalid attribute length": {Code: 3, Subcode: 5},
	"Invalid ORIGIN attribute": {Code: 3, Subcode: 6}, "AS routing loop": {Code: 3, Subcode: 7},
	"Invalid NEXT_HOP attribute": {Code: 3, Subcode: 8}, "Optional attribute error": {Code: 3, Subcode: 9},
	"Invalid network field": {Code: 3, Subcode: 10}, "Malformed AS_PATH": {Code: 3, Subcode: 11},
	"Hold timer expired": {Code: 4}, "Finite state machine error": {Code: 5},
	"Unexpected message in OpenSent state": {Code: 5, Subcode: 1}, "Unexpected message in OpenConfirm state": {Code: 5, Subcode: 2},
	"Unexpected message in Established state": {Code: 5, Subcode: 3},
	"Cease": {Code: 6}, "Maximum number of prefixes reached": {Code: 6, Subcode: 1},
	"Administrative shutdown": {Code: 6, Subcode: 2}, "Peer de-configured": {Code: 6, Subcode: 3},
	"Administrative reset": {Code: 6, Subcode: 4}, "Connection rejected": {Code: 6, Subcode: 5},
	"Other configuration change": {Code: 6, Subcode: 6}, "Connection collision resolution": {Code: 6, Subcode: 7},
	"Out of Resources": {Code: 6, Subcode: 8}, "Invalid ROUTE-REFRESH message": {Code: 7},
	"Invalid ROUTE-REFRESH message length": {Code: 7, Subcode: 1},
}

var (
	birdSent = regexp.MustCompile(`> (\w+): Sending NOTIFICATION\(code=(\d+)\.(\d+)\)`)
	birdGot  = regexp.MustCompile(`> (\w+): Received: ([^:\n]+)(?:: "(.*)")?`)
	birdCode = regexp.MustCompile(`^Unknown error (\d+)\.(\d+)$`)
)

// notices reads the last NOTIFICATION each way from BIRD's log. It logs the codes of those sent, not their message.
func (b *bird) notices(peer netip.Addr) (sent, got *labNotice, err error) {
	data, err := os.ReadFile(b.file("bird.log"))
	if err != nil {
		return nil, nil, err
	}
	numbers := func(code, subcode string) *labNotice {
		c, _ := strconv.ParseUint(code, 10, 8) // digits, as the expressions say
		s, _ := strconv.ParseUint(subcode, 10, 8)
		return &labNotice{Code: uint8(c), Subcode: uint8(s)}
	}
	for _, m := range birdSent.FindAllStringSubmatch(string(data), -1) {
		if m[1] == birdName(peer) {
			sent = numbers(m[2], m[3])
		}
	}
	for _, m := range birdGot.FindAllStringSubmatch(string(data), -1) {
		if m[1] != birdName(peer) {
			continue
		}
		notice, known := birdNotices[m[2]]
		if !known {
			code := birdCode.FindStringSubmatch(m[2])
			if code == nil {
				return sent, got, fmt.Errorf("BIRD received a NOTIFICATION that it calls %q", m[2])
			}
			notice = *numbers(code[1], code[2])
		}
		notice.Message = m[3]
		got = &notice
	}
	return sent, got, nil
}

// bfd reads the table of BFD sessions: address, interface, state, since, interval, timeout in seconds.
func (b *bird) bfd(peer netip.Addr) (labBFD, error) {
	out, err := b.birdc("show bfd sessions")
	if err != nil {
		return labBFD{}, err
	}
	seconds := func(s string) time.Duration {
		n, _ := strconv.ParseFloat(s, 64) // BIRD prints seconds with three digits
		return time.Duration(n*1000) * time.Millisecond
	}
	for _, line := range strings.Split(out, "\n") {
		f := strings.Fields(line)
		if n := len(f); n >= 6 && f[0] == peer.String() {
			state := strings.ToLower(f[2])
			if state == "admindown" {
				state = "admin down"
			}
			return labBFD{State: state, Interval: seconds(f[n-2]), Detect: seconds(f[n-1]), Raw: out}, nil
		}
	}
	return labBFD{}, fmt.Errorf("BIRD has no BFD session with %s: %s", peer, out)
}
