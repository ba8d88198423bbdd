//go:build linux

package speaker_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
)

// counter reads one of the kernel's counters of a node, such as TCPMD5Failure.
func (n *labNode) counter(name string) (int, error) {
	out, err := command("ip", "netns", "exec", n.ns, "cat", "/proc/net/netstat")
	if err != nil {
		return 0, err
	}
	lines := strings.Split(out, "\n")
	for i := 0; i+1 < len(lines); i += 2 { // names, then values
		values := strings.Fields(lines[i+1])
		for k, field := range strings.Fields(lines[i]) {
			if field == name {
				return strconv.Atoi(values[k])
			}
		}
	}
	return 0, fmt.Errorf("the kernel does not count %s", name)
}

// refused waits until a node's kernel has dropped segments for that reason more than once, and checks that no session came up.
func (m *meeting) refused(t *testing.T, node, counter string) {
	t.Helper()
	eventually(t, convergedWithin, "the kernel drops segments", func() (bool, string) {
		count, err := m.node(node).counter(counter)
		return err == nil && count > 3, fmt.Sprint(count, err)
	})
	for _, p := range m.peerings {
		if s, err := m.ours.session(p.B.Addr); err != nil || s.State == bgpEstablished {
			t.Errorf("the session with %s is %s, %v", p.B.Addr, s.State, err)
		}
	}
}

// directions are who connects to whom.
var directions = []struct {
	name   string
	change func(*meeting)
}{
	{"we connect", func(m *meeting) {
		for i := range m.peerings {
			m.peerings[i].B.Passive = true
		}
	}},
	{"they connect", func(m *meeting) {
		for i := range m.peerings {
			m.peerings[i].A.Passive = true
		}
	}},
}

func TestInteropSegmentsAreSigned(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			forRouters(t, func(m *meeting) {
				d.change(m)
				for i := range m.peerings {
					m.peerings[i].Password = "secret"
				}
				// They have another one at first.
				m.theirs = append([]labPeering(nil), m.peerings...)
				for i := range m.theirs {
					m.theirs[i].Password = "guessed"
				}
			}, func(t *testing.T, m *meeting) {
				m.refused(t, map[bool]string{true: "ours", false: m.router}[m.peerings[0].A.Passive], "TCPMD5Failure")
				m.theirs = m.peerings
				if m.bird != nil {
					m.bird.configure(birdConfig(t, m.them, m.peerings...))
				} else {
					for _, p := range m.peerings {
						if err := m.frr.enter(fmt.Sprintf("router bgp %d", m.them.AS), fmt.Sprintf("neighbor %s password secret", p.A.Addr)); err != nil {
							t.Fatal(err)
						}
					}
				}
				m.converged(t)
			})
		})
	}
}

func TestInteropOnlyNeighboursOnTheLinkAreHeard(t *testing.T) {
	for _, d := range directions {
		t.Run(d.name, func(t *testing.T) {
			forRouters(t, func(m *meeting) {
				d.change(m)
				// At first they send as one does to a neighbour in another AS: with a TTL of 1 (RFC 5082 section 3 wants 255).
				m.theirs = append([]labPeering(nil), m.peerings...)
				for i := range m.peerings {
					m.peerings[i].TTLSecurity = true
				}
			}, func(t *testing.T, m *meeting) {
				m.refused(t, "ours", "TCPMinTTLDrop")
				m.theirs = m.peerings
				for _, p := range m.peerings {
					// The handshake may have had the right TTL. Such a connection hears nothing more, and waits four minutes for an
					// OPEN (RFC 4271 section 8.2.2, OpenSent).
					if err := m.ours.shutdown(p.B.Addr, ""); err != nil {
						t.Fatal(err)
					}
				}
				if m.bird != nil {
					m.bird.configure(birdConfig(t, m.them, m.peerings...))
				} else {
					for _, p := range m.peerings {
						if err := m.frr.enter(fmt.Sprintf("router bgp %d", m.them.AS), fmt.Sprintf("neighbor %s ttl-security hops 1", p.A.Addr)); err != nil {
							t.Fatal(err)
						}
					}
				}
				for _, p := range m.peerings {
					if err := m.ours.enable(p.B.Addr); err != nil {
						t.Fatal(err)
					}
				}
				m.converged(t)
			})
		})
	}
}
