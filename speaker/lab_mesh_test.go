//go:build linux

package speaker_test

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onramp/speaker"
)

// labCorner is one router of a mesh.
type labCorner struct {
	*labSpeaker
	node   string
	daemon labDaemon
	// reflects says that the others are its clients (RFC 4456); clusters of one need no other ID than its own.
	reflects bool
	// announce brings the running daemon to what labSpeaker.Routes are now; before are those that it announces.
	announce func(before []labRoute)
}

// labMesh is our speaker, FRR and BIRD, each in session with each.
type labMesh struct {
	*lab
	t       testing.TB
	ours    *ours
	frr     *frr
	bird    *bird
	corners []*labCorner // ours, FRR, BIRD
	lines   []*labLine
	stopped *labCorner // it does not run now
	events  int        // how many of our events were looked at
	frrLost map[netip.Addr]int
}

// labLine is a link of the mesh with the sessions over it.
type labLine struct {
	*labLink
	between  [2]*labCorner
	peerings []labPeering
}

// startMesh starts the three with the lines between them.
func startMesh(t testing.TB, l *lab, speakers [3]*labSpeaker, lines func([]*labCorner) []*labLine) *labMesh {
	t.Helper()
	m := &labMesh{lab: l, t: t}
	for i, s := range speakers {
		m.corners = append(m.corners, &labCorner{labSpeaker: s, node: []string{"ours", "frr", "bird"}[i]})
	}
	m.lines = lines(m.corners)
	var all []labPeering
	for _, line := range m.lines {
		all = append(all, line.peerings...)
	}
	us, f, b := m.corners[0], m.corners[1], m.corners[2]
	m.ours = startOurs(t, l.node("ours"), us.labSpeaker, all...)
	m.frr = startFRR(t, l.node("frr"), f.labSpeaker, all...)
	m.bird = startBIRD(t, l.node("bird"), b.labSpeaker, all...)
	us.daemon, f.daemon, b.daemon = m.ours, m.frr, m.bird
	us.announce = func([]labRoute) { m.ours.configure(oursConfig(t, us.labSpeaker, all...)) }
	f.announce = func(before []labRoute) { m.frr.configure(frrChange(f.labSpeaker, before)) }
	b.announce = func([]labRoute) { m.bird.configure(birdConfig(t, b.labSpeaker, all...)) }
	return m
}

// labHearing is one direction of a session: what from says, to hears.
type labHearing struct {
	from, to         *labCorner
	sender, receiver *labEnd
}

func (m *labMesh) hearings(down []*labLine) []labHearing {
	var list []labHearing
	for _, line := range m.lines {
		if slices.Contains(down, line) {
			continue
		}
		for i := range line.peerings {
			p := &line.peerings[i]
			x, y := line.between[0], line.between[1]
			list = append(list, labHearing{x, y, &p.A, &p.B}, labHearing{y, x, &p.B, &p.A})
		}
	}
	return list
}

// meshTables is what the corners held at one time.
type meshTables struct {
	table map[*labCorner][]labRoute
	sent  map[netip.Addr][]labRoute // by the receiving end
}

// read reads the tables of those that run, side by side.
func (m *labMesh) read(hearings []labHearing) (meshTables, error) {
	s := meshTables{table: map[*labCorner][]labRoute{}, sent: map[netip.Addr][]labRoute{}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, c := range m.corners {
		if c == m.stopped {
			continue
		}
		wg.Go(func() {
			var table []labRoute
			sent := map[netip.Addr][]labRoute{}
			err := func() error {
				var err error
				if table, err = wholeTable(c.daemon); err != nil {
					return err
				}
				for _, h := range hearings {
					if h.from == c {
						list, err := c.daemon.advertised(h.receiver.Addr)
						if err != nil {
							return err
						}
						sent[h.receiver.Addr] = list
					}
				}
				return nil
			}()
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
			}
			s.table[c] = table
			maps.Copy(s.sent, sent)
		})
	}
	wg.Wait()
	return s, failed
}

// wholeTable is a daemon's table of both families.
func wholeTable(d labDaemon) ([]labRoute, error) {
	if us, ok := d.(*ours); ok {
		return us.whole()
	}
	four, err := d.table("ipv4")
	if err != nil {
		return nil, err
	}
	six, err := d.table("ipv6")
	return append(four, six...), err
}

// agree waits until all corners that run hold what they must hold with these lines down, and returns it.
func (m *labMesh) agree(what string, down ...*labLine) meshTables {
	m.t.Helper()
	start := time.Now()
	hearings := m.hearings(down)
	for _, h := range m.hearings(nil) {
		if slices.Contains(hearings, h) || h.from == m.stopped {
			continue
		}
		waitSession(m.t, h.from.daemon, h.receiver.Addr, establishedWithin, "ended", func(s labSession) bool { return s.State != bgpEstablished })
	}
	for _, h := range hearings {
		waitEstablished(m.t, h.from.daemon, h.receiver.Addr)
	}
	up := time.Since(start)
	var s meshTables
	reads := 0
	eventually(m.t, convergedWithin, what+": all corners agree", func() (bool, string) {
		var err error
		reads++
		if s, err = m.read(hearings); err != nil {
			return false, err.Error()
		}
		wrong := m.check(s, hearings)
		return wrong == "", wrong
	})
	m.t.Logf("%s: sessions after %s, agreement after %s and %d readings", what, up.Round(time.Millisecond), time.Since(start).Round(time.Millisecond), reads)
	return s
}

// check tells what is wrong with the tables; it is empty when all is well.
func (m *labMesh) check(s meshTables, hearings []labHearing) string {
	var wrong complaints
	held := map[*labCorner]map[netip.Addr]map[netip.Prefix]labRoute{}
	for c, table := range s.table {
		held[c] = map[netip.Addr]map[netip.Prefix]labRoute{}
		for _, r := range table {
			if held[c][r.From] == nil {
				held[c][r.From] = map[netip.Prefix]labRoute{}
			}
			held[c][r.From][r.Prefix] = r
		}
	}
	best := map[*labCorner]map[netip.Prefix]labRoute{}
	for c, table := range s.table {
		best[c] = c.checkChoice(table, hearings, &wrong)
		c.checkOwn(held[c][netip.Addr{}], &wrong)
		c.checkRoutes(table, hearings, &wrong)
	}
	m.checkReach(best, hearings, &wrong)
	for _, h := range hearings {
		tables := map[string]map[netip.Prefix]labRoute{
			"chosen by " + h.from.daemon.name():                                  h.chosen(best[h.from], hearings),
			"said by " + h.from.daemon.name():                                    h.said(s.sent[h.receiver.Addr], best[h.from]),
			fmt.Sprintf("held by %s from %s", h.to.daemon.name(), h.sender.Addr): held[h.to][h.sender.Addr],
		}
		// A link-local next hop is the link's own, not the chooser's; TestRealRoutersHoldWhatWeHold compares those.
		if diff := diffMaps(tables, "best", "stale", "link-local next hop"); diff != "" {
			wrong.say("%s", diff)
		}
	}
	return strings.Join(wrong, "\n")
}

// complaints are what is wrong, not without end.
type complaints []string

func (c *complaints) say(format string, args ...any) {
	if len(*c) < 30 {
		*c = append(*c, fmt.Sprintf(format, args...))
	}
}

// checkChoice compares the corner's choice for each prefix with the oracle's, and returns it.
func (c *labCorner) checkChoice(table []labRoute, hearings []labHearing, wrong *complaints) map[netip.Prefix]labRoute {
	neighbors := map[netip.Addr]labNeighbor{}
	for _, h := range hearings {
		if h.to == c {
			neighbors[h.sender.Addr] = labNeighbor{ID: h.sender.ID, External: h.sender.AS != c.AS}
		}
	}
	byPrefix := map[netip.Prefix][]labRoute{}
	for _, r := range table {
		byPrefix[r.Prefix] = append(byPrefix[r.Prefix], r)
	}
	best := map[netip.Prefix]labRoute{}
	for prefix, routes := range byPrefix {
		want := labBest(routes, neighbors)
		for i, r := range routes {
			if r.Best != (i == want) {
				wrong.say("%s chooses for %s otherwise than RFC 4271 section 9.1.2.2: of %v not %d", c.daemon.name(), prefix, routes, want)
				break
			}
		}
		best[prefix] = routes[want]
	}
	return best
}

// checkOwn compares the prefixes that the corner itself originates.
func (c *labCorner) checkOwn(held map[netip.Prefix]labRoute, wrong *complaints) {
	for _, r := range c.Routes {
		if _, ok := held[r.Prefix]; !ok {
			wrong.say("%s does not originate %s", c.daemon.name(), r.Prefix)
		}
	}
	if len(held) != len(c.Routes) {
		wrong.say("%s originates %d prefixes, and was told %d", c.daemon.name(), len(held), len(c.Routes))
	}
}

// checkRoutes looks at each route of a corner by itself.
func (c *labCorner) checkRoutes(table []labRoute, hearings []labHearing, wrong *complaints) {
	own := fmt.Sprint(c.AS)
	from := map[netip.Addr]*labCorner{}
	originated := map[*labCorner]map[netip.Prefix]bool{}
	for _, h := range hearings {
		if h.to == c {
			from[h.sender.Addr], originated[h.from] = h.from, h.from.originates()
		}
	}
	for _, r := range table {
		x := from[r.From]
		switch {
		case r.Stale:
			wrong.say("%s holds a stale route: %v", c.daemon.name(), r)
		case !r.From.IsValid():
		case x == nil:
			wrong.say("%s holds a route of a session that is down: %v", c.daemon.name(), r)
		case slices.Contains(strings.Fields(r.Path), own):
			wrong.say("%s holds a route that was here already (RFC 4271 section 9.1.2): %v", c.daemon.name(), r)
		case r.Originator == c.ID:
			wrong.say("%s holds a route that is its own (RFC 4456 section 8): %v", c.daemon.name(), r)
		case x.AS != c.AS && r.NextHop != r.From:
			wrong.say("%s holds a route whose next hop is not the neighbour (RFC 4271 section 5.1.3): %v", c.daemon.name(), r)
		case x.AS != c.AS && slices.Contains(r.Communities, noExport) && !(x.tellsNoExport() && originated[x][r.Prefix]):
			wrong.say("%s holds a route that was not to leave its AS (RFC 1997): %v", c.daemon.name(), r)
		}
	}
}

// noExport keeps a route within the AS (RFC 1997).
const noExport = "65535:65281"

// tellsNoExport says whether the corner tells other ASes its own routes with that community. RFC 1997 speaks of received routes:
// BIRD takes it at its word, FRR and our speaker keep all of them.
func (c *labCorner) tellsNoExport() bool {
	_, is := c.daemon.(*bird)
	return is
}

// originates is the set of what the corner announces.
func (c *labCorner) originates() map[netip.Prefix]bool {
	set := map[netip.Prefix]bool{}
	for _, r := range c.Routes {
		set[r.Prefix] = true
	}
	return set
}

// checkReach finds prefixes that a corner should hold and does not, or holds and should not.
func (m *labMesh) checkReach(best map[*labCorner]map[netip.Prefix]labRoute, hearings []labHearing, wrong *complaints) {
	adjacent := map[[2]*labCorner]bool{}
	for _, h := range hearings {
		adjacent[[2]*labCorner{h.from, h.to}] = true
	}
	originates := map[*labCorner]map[netip.Prefix]bool{}
	for _, c := range m.corners {
		originates[c] = c.originates()
	}
	for _, c := range m.corners {
		if best[c] == nil {
			continue
		}
		want := map[netip.Prefix]bool{}
		for _, x := range m.corners {
			if best[x] == nil { // it does not run
				continue
			}
			for _, r := range x.Routes {
				// Another corner passes it on unless it has a route of its own, which it prefers.
				through := slices.ContainsFunc(m.corners, func(z *labCorner) bool {
					passes := z.AS != x.AS || z.reflects
					return passes && adjacent[[2]*labCorner{x, z}] && adjacent[[2]*labCorner{z, c}] && !originates[z][r.Prefix]
				})
				exported := x.AS == c.AS || !slices.Contains(r.Communities, noExport)
				if x == c || adjacent[[2]*labCorner{x, c}] && (exported || x.tellsNoExport()) || through && exported {
					want[r.Prefix] = true
				}
			}
		}
		for prefix := range want {
			if _, ok := best[c][prefix]; !ok {
				wrong.say("%s does not hold %s", c.daemon.name(), prefix)
			}
		}
		for prefix := range best[c] {
			if !want[prefix] {
				wrong.say("%s holds %s still", c.daemon.name(), prefix)
			}
		}
	}
}

// chosen is what the sender must tell the receiver, by what it has chosen: RFC 4271 section 9.1.3. What would be refused as a
// loop is left out.
func (h labHearing) chosen(best map[netip.Prefix]labRoute, hearings []labHearing) map[netip.Prefix]labRoute {
	originator := map[netip.Addr]netip.Addr{}
	for _, in := range hearings {
		if in.to == h.from {
			originator[in.sender.Addr] = in.sender.ID
		}
	}
	configured := map[netip.Prefix]labRoute{}
	for _, r := range h.from.Routes {
		configured[r.Prefix] = r
	}
	out := map[netip.Prefix]labRoute{}
	for prefix, r := range best {
		if familyOf(prefix.Addr()) != familyOf(h.sender.Addr) {
			continue
		}
		own, internal := !r.From.IsValid(), h.sender.AS == h.receiver.AS
		switch {
		case r.From == h.receiver.Addr, !internal && slices.Contains(r.Communities, noExport) && !(own && h.from.tellsNoExport()):
			continue
		case own:
			r = configured[prefix]
		case !internal:
			r.MED = nil // RFC 4271 section 5.1.4
		case !h.from.reflects:
			continue // RFC 4271 section 9.2
		default: // RFC 4456 section 8
			if !r.Originator.IsValid() {
				r.Originator = originator[r.From]
			}
			r.Clusters = strings.TrimSpace(h.from.ID.String() + " " + r.Clusters)
		}
		if h.sender.MED != nil {
			r.MED = h.sender.MED
		}
		h.arrive(out, h.last(r))
	}
	return out
}

// said is what the sender says that it told the receiver, to the last step. FRR and BIRD show it as it was before that step, and
// FRR without the communities and what belongs to an aggregate: these are those of its choice.
func (h labHearing) said(sent []labRoute, best map[netip.Prefix]labRoute) map[netip.Prefix]labRoute {
	out := map[netip.Prefix]labRoute{}
	for _, r := range sent {
		b := best[r.Prefix]
		switch h.from.daemon.(type) {
		case *ours:
			h.arrive(out, r) // it shows that step, too
			continue
		case *frr:
			r.Communities, r.ExtCommunities, r.LargeCommunities = b.Communities, b.ExtCommunities, b.LargeCommunities
			r.AtomicAggregate, r.Aggregator = b.AtomicAggregate, b.Aggregator
		case *bird:
			if b.From.IsValid() && h.sender.MED == nil && h.sender.AS != h.receiver.AS {
				r.MED = nil // BIRD shows it, and takes it off
			}
		}
		h.arrive(out, h.last(r))
	}
	return out
}

// last is the last step of sending a route: the AS and the next hop (RFC 4271 sections 5.1.2 and 5.1.3).
func (h labHearing) last(r labRoute) labRoute {
	if h.sender.AS != h.receiver.AS {
		r.Path = strings.TrimSpace(fmt.Sprint(h.sender.AS) + " " + r.Path)
		r.NextHop = h.sender.Addr
	} else if !r.NextHop.IsValid() {
		r.NextHop = h.sender.Addr
	}
	return r
}

// arrive adds a route as the receiver holds it, unless it has to refuse it as a loop (RFC 4271 section 9.1.2).
func (h labHearing) arrive(out map[netip.Prefix]labRoute, r labRoute) {
	if !slices.Contains(strings.Fields(r.Path), fmt.Sprint(h.receiver.AS)) {
		r.From = h.sender.Addr
		if r.LocalPref == nil || h.sender.AS != h.receiver.AS {
			r.LocalPref = number(labDefaultPreference)
		}
		out[r.Prefix] = r
	}
}

// diffMaps is diffTables for tables with a route for each prefix; only what differs is put into words.
func diffMaps(tables map[string]map[netip.Prefix]labRoute, ignore ...string) string {
	differ := map[netip.Prefix]bool{}
	all := slices.Collect(maps.Values(tables))
	first := all[0]
	for _, table := range all[1:] {
		for prefix, r := range table {
			if other, ok := first[prefix]; !ok || !sameRoute(r, other, ignore) {
				differ[prefix] = true
			}
		}
		for prefix := range first {
			if _, ok := table[prefix]; !ok {
				differ[prefix] = true
			}
		}
	}
	if len(differ) == 0 {
		return ""
	}
	few := map[string][]labRoute{}
	shown := map[netip.Prefix]bool{}
	for prefix := range differ {
		if shown[prefix] = true; len(shown) == 20 {
			break
		}
	}
	for name, table := range tables {
		few[name] = nil
		for prefix := range shown {
			if r, ok := table[prefix]; ok {
				few[name] = append(few[name], r)
			}
		}
	}
	return fmt.Sprintf("%d prefixes differ, such as\n%s", len(differ), diffTables(few, ignore...))
}

// sameRoute is whether two routes differ in nothing that is compared.
func sameRoute(a, b labRoute, ignore []string) bool {
	if alike(a, b) {
		return true
	}
	x, y := a.attributes(), b.attributes()
	for i := range x {
		if x[i] != y[i] && !slices.Contains(ignore, x[i][0]) {
			return false
		}
	}
	return true
}

// alike is whether two routes are spelled alike: most are, and putting them into words takes its time.
func alike(a, b labRoute) bool {
	equal := func(x, y *uint32) bool { return x == y || x != nil && y != nil && *x == *y }
	return a.Prefix == b.Prefix && a.NextHop == b.NextHop && a.Path == b.Path && a.Origin == b.Origin && equal(a.MED, b.MED) &&
		equal(a.LocalPref, b.LocalPref) && slices.Equal(a.Communities, b.Communities) && slices.Equal(a.ExtCommunities, b.ExtCommunities) &&
		slices.Equal(a.LargeCommunities, b.LargeCommunities) && a.AtomicAggregate == b.AtomicAggregate && a.Aggregator == b.Aggregator &&
		a.Originator == b.Originator && a.Clusters == b.Clusters && a.Best == b.Best && a.Stale == b.Stale && a.From == b.From
}

// same tells the differences between two states of the mesh.
func (m *labMesh) same(what string, before, after meshTables) {
	m.t.Helper()
	for _, c := range m.corners {
		byPeer := func(table []labRoute) map[netip.Addr]map[netip.Prefix]labRoute {
			out := map[netip.Addr]map[netip.Prefix]labRoute{}
			for _, r := range table {
				if out[r.From] == nil {
					out[r.From] = map[netip.Prefix]labRoute{}
				}
				out[r.From][r.Prefix] = r
			}
			return out
		}
		old, now := byPeer(before.table[c]), byPeer(after.table[c])
		if len(old) != len(now) || len(before.table[c]) != len(after.table[c]) {
			m.t.Errorf("%s: %s held %d routes of %d neighbours, and now %d of %d", what, c.daemon.name(),
				len(before.table[c]), len(old), len(after.table[c]), len(now))
		}
		for peer := range old {
			if diff := diffMaps(map[string]map[netip.Prefix]labRoute{"before": old[peer], "after": now[peer]}); diff != "" {
				m.t.Errorf("%s: %s does not hold from %s what it held before: %s", what, c.daemon.name(), peer, diff)
			}
		}
	}
}

// quiet fails the test when our speaker had to mend an UPDATE (RFC 7606), or when other sessions of ours or of FRR ended since the
// last call than those of these lines, each once. Of what BIRD's ended, one of the two had the other end.
func (m *labMesh) quiet(what string, lost ...*labLine) {
	m.t.Helper()
	m.ours.mu.Lock()
	events := m.ours.events
	m.ours.mu.Unlock()
	ended := map[netip.Addr]int{}
	var told strings.Builder
	for _, e := range events[m.events:] {
		if e.Kind != speaker.RouteChanged {
			told.WriteString(e.String() + "\n")
		}
		switch {
		case e.Kind == speaker.UpdateMended, e.Kind == speaker.LimitPassed:
			m.t.Errorf("%s: %s", what, e.String())
		case e.Kind == speaker.StateChanged && e.From == bgpEstablished:
			ended[netip.MustParseAddr(e.Neighbor)]++
		}
	}
	m.events = len(events)
	log, err := os.ReadFile(filepath.Join(m.frr.node.dir, "bgpd.log"))
	if err != nil {
		m.t.Fatal(err)
	}
	total := map[netip.Addr]int{}
	for _, down := range frrDown.FindAllSubmatch(log, -1) {
		total[netip.MustParseAddr(string(down[1]))]++
	}
	for peer, n := range total {
		if n > m.frrLost[peer] {
			ended[peer] += n - m.frrLost[peer]
		}
	}
	m.frrLost = total
	want := map[netip.Addr]int{}
	for _, line := range lost {
		for _, p := range line.peerings {
			for _, c := range []struct{ own, other labEnd }{{p.A, p.B}, {p.B, p.A}} {
				if c.own.labSpeaker != m.corners[2].labSpeaker {
					want[c.other.Addr] = 1
				}
			}
		}
	}
	if !maps.Equal(ended, want) {
		m.t.Errorf("%s: sessions with these ended: %v, want %v; we saw\n%s", what, ended, want, told.String())
	}
}

// frrDown is the line with which FRR logs that a session ended.
var frrDown = regexp.MustCompile(`%ADJCHANGE: neighbor ([0-9a-f:.]+)\S* .*Down`)
