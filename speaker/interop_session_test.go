//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"onramp/speaker"
)

// refreshWords are what the routers log of a refresh: that we asked, begin and end of their answer, begin and end of ours
// (RFC 2918, RFC 7313).
var refreshWords = map[string]struct{ asked, theirBegin, theirEnd, ourBegin, ourEnd string }{
	"frr": {"rcvd route-refresh (REQUEST)", "sending route-refresh (BoRR)", "sending route-refresh (EoRR)",
		"rcvd route-refresh (BoRR)", "rcvd route-refresh (EoRR)"},
	"bird": {"Got ROUTE-REFRESH", "Sending BEGIN-OF-RR", "Sending END-OF-RR", "Got BEGIN-OF-RR", "Got END-OF-RR"},
}

func TestInteropRoutesAreAskedForAgainBothWays(t *testing.T) {
	for _, c := range []struct {
		name     string
		enhanced bool
	}{{"enhanced refresh", true}, {"plain refresh", false}} {
		t.Run(c.name, func(t *testing.T) {
			forRouters(t, func(m *meeting) {
				if !c.enhanced {
					m.peerings[0].A.Extra = []string{"enhancedRefresh: false"}
					return
				}
				for i := range m.peerings { // FRR 8.4 marks begin and end only after an End-of-RIB, and sends that only with RFC 4724
					m.peerings[i].Restart = time.Minute
				}
			}, func(t *testing.T, m *meeting) {
				m.converged(t)
				we, they := m.peerings[0].A.Addr, m.peerings[0].B.Addr
				words := refreshWords[m.router]

				mark, before := m.mark(t), m.ours.waitStanding(t, they, convergedWithin, "stands", func(speaker.Standing) bool { return true })
				if before.Capabilities.EnhancedRefresh != c.enhanced {
					t.Errorf("enhanced refresh: %t", before.Capabilities.EnhancedRefresh)
				}
				if err := m.ours.refreshIn(they); err != nil {
					t.Fatal(err)
				}
				m.waitLog(t, mark, words.asked)
				if c.enhanced {
					m.waitLog(t, mark, words.theirBegin, words.theirEnd)
				}
				m.ours.waitStanding(t, they, convergedWithin, "has told its routes again", func(s speaker.Standing) bool {
					return s.UpdatesReceived > before.UpdatesReceived
				})

				from := m.ours.count()
				mark = m.mark(t)
				if err := m.other.refreshIn(we); err != nil {
					t.Fatal(err)
				}
				m.ours.waitEvent(from, convergedWithin, "is asked for its routes again", func(e speaker.Event) bool {
					return e.Kind == speaker.Refreshed && e.Neighbor == they.String() && e.Family == "ipv4"
				})
				if c.enhanced {
					m.waitLog(t, mark, words.ourBegin, words.ourEnd)
				}
				m.ours.waitStanding(t, they, convergedWithin, "was told all again", func(s speaker.Standing) bool { return s.UpdatesSent > before.UpdatesSent })
				if log, err := m.log(); err != nil || !c.enhanced && (strings.Contains(log, words.theirBegin) || strings.Contains(log, words.ourBegin)) {
					t.Errorf("there is a begin of an enhanced refresh: %v", err)
				}
				m.converged(t)
				m.undisturbed(t)
			})
		})
	}
}

// undisturbed fails the test if a session ended since the routers met.
func (m *meeting) undisturbed(t *testing.T) {
	t.Helper()
	for _, p := range m.peerings {
		if s, err := m.ours.standing(p.B.Addr); err != nil || s.Flaps != 0 {
			t.Errorf("the session with %s ended: sent %v, received %v, %v", p.B.Addr, s.LastSent, s.LastReceived, err)
		}
	}
}

func TestInteropAChangedImportPolicyOfTheirsComesIntoForceByARefresh(t *testing.T) {
	forRouters(t, nil, func(t *testing.T, m *meeting) {
		m.converged(t)
		p := m.peerings[0]
		all := p.A.announces()
		hidden := m.us.Routes[2].Prefix
		rest := slices.DeleteFunc(slices.Clone(all), func(r labRoute) bool { return r.Prefix == hidden })
		from := m.ours.count()
		// The router's own words for "not this prefix", and for what takes that back.
		narrow, widen := func() error {
			return m.frr.enter(fmt.Sprintf("ip prefix-list narrow seq 5 deny %s", hidden), "ip prefix-list narrow seq 10 permit any",
				fmt.Sprintf("router bgp %d", m.them.AS), "address-family ipv4 unicast", fmt.Sprintf("neighbor %s prefix-list narrow in", p.A.Addr))
		}, func() error { return m.frr.enter("no ip prefix-list narrow seq 5") }
		if m.bird != nil {
			wide := birdConfig(t, m.them, m.peerings...)
			change := func(config string) error {
				m.bird.write(config)
				_, err := m.bird.birdc("configure soft")
				return err
			}
			narrow = func() error {
				return change(strings.Replace(wide, "import all; export filter out_ipv4;", fmt.Sprintf("import where net != %s; export filter out_ipv4;", hidden), 1))
			}
			widen = func() error { return change(wide) }
		}
		for _, step := range []struct {
			change func() error
			want   []labRoute
		}{{narrow, rest}, {widen, all}} {
			if err := step.change(); err != nil {
				t.Fatal(err)
			}
			if err := m.other.refreshIn(p.A.Addr); err != nil {
				t.Fatal(err)
			}
			_, from = m.ours.waitEvent(from, convergedWithin, "is asked again", func(e speaker.Event) bool { return e.Kind == speaker.Refreshed })
			waitLearnt(t, m.other, "ipv4", step.want)
		}
		m.converged(t)
		m.undisturbed(t)
	})
}

func TestInteropTheHoldTimersOfBothEndsTellASilentCut(t *testing.T) {
	forRouters(t, func(m *meeting) {
		for i := range m.peerings {
			m.peerings[i].Hold = 3 * time.Second
		}
	}, func(t *testing.T, m *meeting) {
		m.converged(t)
		from := m.ours.count()
		m.link.silence()
		for _, p := range m.peerings {
			n, next := m.ours.waitNotice(from, p.B.Addr, true, 4, 0)
			if n.Name != "Hold Timer Expired (4/0)" {
				t.Errorf("the event names it %q", n.Name)
			}
			m.ours.waitState(next-1, p.B.Addr, "Idle", convergedWithin)
			waitSession(t, m.other, p.A.Addr, convergedWithin, "ran out", func(s labSession) bool { return s.Sent != nil && *s.Sent == labNotice{Code: 4} })
			for who, d := range map[labDaemon]netip.Addr{m.ours: p.B.Addr, m.other: p.A.Addr} {
				eventually(t, convergedWithin, who.name()+" holds nothing from "+d.String(), func() (bool, string) {
					list, err := who.table(familyOf(d))
					if err != nil {
						return false, err.Error()
					}
					return len(learnt(list, d)) == 0, fmt.Sprint(learnt(list, d))
				})
			}
		}
		m.link.restore()
		m.converged(t)
	})
}

// TestInteropOfTwoConnectionsOneStays lets both ends connect at the same moment (RFC 4271 section 6.8). The router is stopped
// while our connection comes and its own timer runs out; then we are stopped while it takes that connection and opens another.
func TestInteropOfTwoConnectionsOneStays(t *testing.T) {
	for _, c := range []struct{ name, id string }{{"our router ID is lower", "192.0.2.1"}, {"our router ID is higher", "192.0.2.250"}} {
		t.Run(c.name, func(t *testing.T) {
			forRouters(t, func(m *meeting) {
				m.us.ID = netip.MustParseAddr(c.id)
				m.peerings = m.peerings[:1]
			}, func(t *testing.T, m *meeting) {
				m.converged(t)
				p := m.peerings[0]
				them := m.process()
				for range 3 {
					from := m.ours.count()
					if err := m.ours.reset(p.B.Addr); err != nil {
						t.Fatal(err)
					}
					waitSession(t, m.other, p.A.Addr, convergedWithin, "is down", func(s labSession) bool { return s.State != bgpEstablished })
					them.pause(t, true)
					since := time.Now()
					m.ours.waitState(from, p.B.Addr, "OpenSent", establishedWithin)
					eventually(t, 2*labRetry*time.Second, "the router's timer runs out", func() (bool, string) { return time.Since(since) > labRetry*time.Second, "" })
					m.ours.daemon.pause(t, true)
					them.pause(t, false)
					since = time.Now()
					eventually(t, time.Second, "there are two connections, or the router has given its own attempt up", func() (bool, string) {
						list, err := m.connections(p.B.Addr)
						return err == nil && len(list) == 2 || time.Since(since) > 200*time.Millisecond, fmt.Sprint(list, err)
					})
					m.ours.daemon.pause(t, false)
					m.ours.waitState(from, p.B.Addr, bgpEstablished, establishedWithin)
					m.established(t)
					eventually(t, convergedWithin, "one connection stays", func() (bool, string) {
						list, err := m.connections(p.B.Addr)
						return err == nil && len(list) == 1, fmt.Sprint(list, err)
					})
				}
				log, err := m.log()
				if err != nil {
					t.Fatal(err)
				}
				collisions := regexp.MustCompile(`NOTIFICATION\(code=6\.7\)|Received: Connection collision resolution|neighbor \S+ 6/7 `).FindAllString(log, -1)
				// Mostly none: both routers give up their own attempt as soon as our OPEN is there. That both connections get as
				// far as their OPENs is TestInteropCollidingConnectionsAreDecidedByTheRouterID.
				t.Logf("the router's log tells of %d collisions: %q", len(collisions), slices.Compact(collisions))
				m.converged(t)
			})
		})
	}
}

// process is the router's that speaks BGP.
func (m *meeting) process() *labProcess {
	if m.bird != nil {
		return m.bird.daemon
	}
	return m.frr.daemons[len(m.frr.daemons)-1]
}

// pause stops a process, or lets it go on; the kernel takes connections for it meanwhile.
func (p *labProcess) pause(t *testing.T, stop bool) {
	t.Helper()
	signal := syscall.SIGCONT
	if stop {
		signal = syscall.SIGSTOP
	}
	if err := syscall.Kill(p.cmd.Process.Pid, signal); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

// connections are the established TCP connections of our node with a peer.
func (m *meeting) connections(peer netip.Addr) ([]string, error) {
	out, err := command("ip", "netns", "exec", m.node("ours").ns, "ss", "-Htn", "state", "established")
	var list []string
	for _, line := range strings.Split(out, "\n") {
		if f := strings.Fields(line); len(f) > 3 {
			if remote, err := netip.ParseAddrPort(f[3]); err == nil && remote.Addr() == peer {
				list = append(list, line)
			}
		}
	}
	return list, err
}
