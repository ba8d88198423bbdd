//go:build linux

// Package speaker_test holds the laboratory in which a speaker meets real routers: network namespaces joined by links that
// can be cut, FRR and BIRD running in them, and readers that put what each daemon holds into one spelling. The daemons, root
// and Linux are needed; without them a test of the laboratory fails and says what is missing, it is never skipped.
//
// Everything a lab makes carries the test's process ID in its name. It goes away with the test; what a killed test run left
// behind, the next run removes.
package speaker_test

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// labPrograms are what the laboratory runs, with the Debian package that has it.
var labPrograms = []struct{ path, pkg string }{
	{"/usr/sbin/ip", "iproute2"},
	{"/usr/sbin/bird", "bird2"},
	{"/usr/sbin/birdc", "bird2"},
	{"/usr/lib/frr/zebra", "frr"},
	{"/usr/lib/frr/bgpd", "frr"},
	{"/usr/lib/frr/bfdd", "frr"},
	{"/usr/bin/vtysh", "frr"},
}

// lab is one test's set of network namespaces: one per node, and one in the middle ("wire") with a bridge per link.
type lab struct {
	t      testing.TB
	prefix string // of every namespace's name
	dir    string // short: a Unix socket's path has at most 107 bytes
	nodes  map[string]*labNode
	links  []*labLink

	processes []*labProcess // all that were started
}

// labNode is a namespace in which one router lives.
type labNode struct {
	lab    *lab
	name   string
	ns     string
	dir    string
	ifaces int
}

// labPrefix begins the name of everything that the laboratory makes.
const labPrefix = "onramplab-"

var sweepOnce sync.Once

// newLab makes a lab with one node per name. It is removed when the test ends, also when it failed.
func newLab(t testing.TB, names ...string) *lab {
	t.Helper()
	needLab(t)
	sweepOnce.Do(func() { sweepLabs(t) })
	id := make([]byte, 3)
	if _, err := rand.Read(id); err != nil {
		t.Fatal(err)
	}
	l := &lab{t: t, prefix: fmt.Sprintf("%s%d-%s-", labPrefix, os.Getpid(), hex.EncodeToString(id)), nodes: map[string]*labNode{}}
	dir, err := os.MkdirTemp("/tmp", fmt.Sprintf("%s%d-", labPrefix, os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	l.dir = dir
	t.Cleanup(l.remove)
	l.namespace("wire")
	for _, name := range names {
		n := &labNode{lab: l, name: name, ns: l.namespace(name), dir: filepath.Join(dir, name)}
		if err := os.Mkdir(n.dir, 0o755); err != nil {
			t.Fatal(err)
		}
		// No address of these links is ever used twice, and a test should not wait a second for the proof (RFC 4862 5.4).
		l.run("ip", "netns", "exec", n.ns, "sh", "-c", "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad")
		l.run("ip", "-n", n.ns, "link", "set", "lo", "up")
		l.nodes[name] = n
	}
	return l
}

// needLab fails the test, with what to do, where the laboratory cannot run.
func needLab(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("the laboratory makes network namespaces: run this test as root")
	}
	missing := map[string]bool{}
	for _, p := range labPrograms {
		if _, err := os.Stat(p.path); err != nil && !missing[p.pkg] {
			missing[p.pkg] = true
			t.Errorf("the laboratory needs %s: install the Debian package %s (scripts/setup-test.sh does)", p.path, p.pkg)
		}
	}
	if len(missing) > 0 {
		t.FailNow()
	}
}

func (l *lab) namespace(name string) string {
	ns := l.prefix + name
	l.run("ip", "netns", "add", ns)
	return ns
}

// node is the node of that name.
func (l *lab) node(name string) *labNode {
	l.t.Helper()
	n := l.nodes[name]
	if n == nil {
		l.t.Fatalf("the lab has no node %s", name)
	}
	return n
}

// run runs a command that has to succeed.
func (l *lab) run(name string, args ...string) {
	l.t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		l.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// remove ends whatever still runs in the lab's namespaces and removes them and the files.
func (l *lab) remove() {
	for _, p := range l.processes {
		if p.running() {
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // all at once; it may be ending
		}
	}
	for _, p := range l.processes {
		p.wait(l.t, syscall.SIGKILL)
	}
	for _, ns := range labNamespaces(l.prefix) {
		removeNamespace(ns)
	}
	if err := os.RemoveAll(l.dir); err != nil {
		l.t.Errorf("removing the lab's files: %v", err)
	}
	if left := labNamespaces(l.prefix); len(left) > 0 {
		l.t.Errorf("these namespaces could not be removed: %s", strings.Join(left, ", "))
	}
}

// labNamespaces lists the namespaces with that prefix.
func labNamespaces(prefix string) []string {
	found, _ := filepath.Glob("/run/netns/" + prefix + "*") // the pattern is well formed
	for i := range found {
		found[i] = filepath.Base(found[i])
	}
	return found
}

// removeNamespace kills the processes in a namespace and removes it.
func removeNamespace(ns string) {
	out, _ := exec.Command("ip", "netns", "pids", ns).Output() // a namespace that is gone has none
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended by itself
		}
	}
	_ = exec.Command("ip", "netns", "del", ns).Run() // what remains is reported by the caller
}

// sweepLabs removes what test runs left behind that were killed before they could clean up.
func sweepLabs(t testing.TB) {
	t.Helper()
	alive := func(name string) bool {
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, labPrefix), "-")
		_, err := os.Stat("/proc/" + pid)
		return err == nil
	}
	for _, ns := range labNamespaces(labPrefix) {
		if !alive(ns) {
			removeNamespace(ns)
		}
	}
	dirs, _ := filepath.Glob("/tmp/" + labPrefix + "*") // the pattern is well formed
	for _, dir := range dirs {
		if !alive(filepath.Base(dir)) {
			if err := os.RemoveAll(dir); err != nil {
				t.Logf("sweeping %s: %v", dir, err)
			}
		}
	}
}

// labLink joins two nodes over a bridge in the middle, so that it can fail in more than one way.
type labLink struct {
	lab    *lab
	bridge string
	ends   [2]labPort
}

// labPort is one end of a link: a node's interface with its addresses, and the bridge's port that it is plugged into.
type labPort struct {
	node         *labNode
	iface, port  string
	addr4, addr6 netip.Addr
	linkLocal    netip.Addr
}

// link joins a and b. Both get an IPv4 address of a /30 and an IPv6 address of a /126.
func (l *lab) link(a, b string) *labLink {
	l.t.Helper()
	i := len(l.links)
	if i > 62 {
		l.t.Fatal("the lab's addresses are used up")
	}
	link := &labLink{lab: l, bridge: fmt.Sprintf("br%d", i)}
	wire := l.prefix + "wire"
	l.run("ip", "-n", wire, "link", "add", "name", link.bridge, "type", "bridge", "mcast_snooping", "0")
	l.run("ip", "-n", wire, "link", "set", link.bridge, "up")
	for side, name := range []string{a, b} {
		n := l.node(name)
		p := labPort{
			node: n, iface: fmt.Sprintf("e%d", n.ifaces), port: fmt.Sprintf("p%d%c", i, 'a'+side),
			addr4: netip.AddrFrom4([4]byte{192, 0, 2, byte(4*i + 1 + side)}),
			addr6: netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0xff, 0, byte(i), 15: byte(1 + side)}),
			// Known beforehand, so that a test can tell whether it goes beside the next hop (RFC 2545 section 3).
			linkLocal: netip.AddrFrom16([16]byte{0xfe, 0x80, 13: 1, 14: byte(i), 15: byte(1 + side)}),
		}
		n.ifaces++
		link.ends[side] = p
		l.run("ip", "link", "add", "name", p.port, "netns", wire, "type", "veth", "peer", "name", p.iface, "netns", n.ns)
		l.run("ip", "-n", n.ns, "address", "add", p.addr4.String()+"/30", "dev", p.iface)
		l.run("ip", "-n", n.ns, "address", "add", p.addr6.String()+"/126", "dev", p.iface, "nodad")
		l.run("ip", "-n", n.ns, "link", "set", p.iface, "addrgenmode", "none")
		l.run("ip", "-n", n.ns, "address", "add", p.linkLocal.String()+"/64", "dev", p.iface, "nodad")
		l.run("ip", "-n", n.ns, "link", "set", p.iface, "up")
	}
	l.links = append(l.links, link)
	link.restore()
	return link
}

// end is the end of the link at that node.
func (k *labLink) end(node string) labPort {
	k.lab.t.Helper()
	for _, p := range k.ends {
		if p.node.name == node {
			return p
		}
	}
	k.lab.t.Fatalf("the link does not end at %s", node)
	return labPort{}
}

// cut takes the link away so that both ends notice: their interfaces lose the carrier.
func (k *labLink) cut() {
	k.lab.t.Helper()
	for _, p := range k.ends {
		k.lab.run("ip", "-n", k.lab.prefix+"wire", "link", "set", p.port, "down")
	}
}

// silence takes the link away so that neither end notices: the carrier stays, nothing arrives any more. This is how a
// provider's network between two routers fails.
func (k *labLink) silence() {
	k.lab.t.Helper()
	for _, p := range k.ends {
		k.lab.run("ip", "-n", k.lab.prefix+"wire", "link", "set", p.port, "nomaster")
	}
}

// restore undoes cut and silence.
func (k *labLink) restore() {
	k.lab.t.Helper()
	for _, p := range k.ends {
		k.lab.run("ip", "-n", k.lab.prefix+"wire", "link", "set", p.port, "master", k.bridge, "up")
	}
}
