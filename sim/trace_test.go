package sim

import (
	"bytes"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"pgregory.net/rapid"

	"onramp/catalog"
	"onramp/design"
	"onramp/examples"
	"onramp/intent"
	"onramp/intent/intenttest"
	"onramp/network"
	"onramp/pattern"
)

// built is a built-in example as a network; change changes its premises before.
func built(t testing.TB, name string, kind design.Pattern, change func(*design.Premises)) *network.Network {
	t.Helper()
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	text, err := examples.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	e, findings := intent.Parse(name, text, c)
	if e == nil {
		t.Fatal(findings)
	}
	d, why := pattern.Compile(kind, e, c, pattern.Options{})
	if d == nil {
		t.Fatal(why)
	}
	if change != nil {
		change(&d.Premises)
	}
	n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
	return n
}

// traced runs a script on a network and returns the trace of it.
func traced(t testing.TB, n *network.Network, seed uint64, script func(*Sim)) []byte {
	t.Helper()
	var out bytes.Buffer
	trace, err := NewTrace(&out, n)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(n, Options{Seed: seed, Capture: trace.Capture})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	script(s)
	if err := trace.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// pair is a site and a virtual machine that reach each other by one family, as the prover has it.
func pair(t testing.TB, n *network.Network, six bool) (site, vm network.Endpoint) {
	t.Helper()
	st := n.Converge(network.Scenario{ID: "healthy", Kind: network.Healthy})
	for _, a := range n.Endpoints() {
		for _, b := range n.Endpoints() {
			if a.Kind != network.SiteHost || b.Kind != network.VM || a.Addr.Is6() != six || b.Addr.Is6() != six {
				continue
			}
			if arrives(st.Trace(network.Flow{Src: a, Dst: b})) {
				return a, b
			}
		}
	}
	t.Fatal("no site reaches a virtual machine")
	return
}

func host(t rapid.TB, s *Sim, e network.Endpoint) Source {
	t.Helper()
	h, err := s.Host(e)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// drill is a life of an estate: it comes up, a link to the service is cut in silence while probes run, and is repaired; an
// instance of a gateway restarts; then somebody looks for the way.
func drill(t testing.TB, n *network.Network, six bool) func(*Sim) {
	return func(s *Sim) {
		site, vm := pair(t, n, six)
		s.Run(30 * time.Second)
		q, err := s.NewProbe("there and back", site, vm)
		if err != nil {
			t.Fatal(err)
		}
		q.Send(20*time.Millisecond, s.Now()+3*time.Second)
		s.Run(s.Now() + 500*time.Millisecond)
		i := slices.IndexFunc(s.wiring.Sessions, func(x network.WiredSession) bool { return x.Kind == "private" && (x.IPv6 == six || x.IPv4 != six) })
		cut := s.wiring.Sessions[i].Elements[0]
		if err := s.Fail(Silent, cut); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + 5*time.Second)
		if err := s.Repair(cut); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + 30*time.Second)
		i = slices.IndexFunc(s.wiring.Routers, func(r network.WiredRouter) bool { return r.Gateway != "" })
		restarted := s.wiring.Routers[i].Elements[0]
		if err := s.Fail(Silent, restarted); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + time.Second)
		if err := s.Repair(restarted); err != nil {
			t.Fatal(err)
		}
		s.Run(s.Now() + 80*time.Second)
		pinged(t, s, host(t, s, site), vm.Addr, PingOptions{})
		pinged(t, s, host(t, s, site), vm.Addr, PingOptions{Payload: 1400})
		tracerouted(t, s, host(t, s, site), vm.Addr, TracerouteOptions{})
		tracerouted(t, s, host(t, s, vm), site.Addr, TracerouteOptions{})
	}
}

// tshark reads a trace with Debian's package of that name.
func tshark(t testing.TB, trace []byte, args ...string) []string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace.pcapng")
	if err := os.WriteFile(name, trace, 0o600); err != nil {
		t.Fatal(err)
	}
	args = append([]string{"-n", "-r", name, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"}, args...)
	c := exec.CommandContext(t.Context(), "tshark", args...)
	c.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir()) // nobody's own preferences
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("tshark (Debian's package of that name): %v\n%s", err, &stderr)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// shown are the first packets that a filter lets through.
func shown(t testing.TB, trace []byte, filter string) string {
	t.Helper()
	list := tshark(t, trace, "-Y", filter)
	return strings.Join(list[:min(len(list), 10)], "\n")
}

// counted counts the packets that each of some filters lets through.
func counted(t testing.TB, trace []byte, filters []string) []int {
	t.Helper()
	out := tshark(t, trace, "-q", "-z", "io,stat,0,FRAMES()"+strings.Join(filters, ",FRAMES()"))
	i := slices.IndexFunc(out, func(line string) bool { return strings.Contains(line, "<>") })
	if i < 0 {
		t.Fatalf("tshark says\n%s", strings.Join(out, "\n"))
	}
	var counts []int
	for _, cell := range strings.Split(strings.Trim(out[i], "| "), "|")[1:] {
		n, err := strconv.Atoi(strings.TrimSpace(cell))
		if err != nil {
			t.Fatal(err)
		}
		counts = append(counts, n)
	}
	if len(counts) != len(filters) {
		t.Fatalf("%d counts for %d filters", len(counts), len(filters))
	}
	return counts
}

// wrong is what no packet may be; the severity is that of an error.
const wrong = "_ws.malformed || _ws.short || ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || " +
	"_ws.expert.severity >= 8388608"

func TestTsharkReadsATraceOfADrill(t *testing.T) {
	for _, c := range []struct {
		name, example string
		kind          design.Pattern
		six           bool
		change        func(*design.Premises)
		want          []string
	}{
		{"one tag", "northwind", design.Isolated, false, nil, []string{"icmp.type == 3 && icmp.code == 4 && icmp.mtu == 1400", "vlan && !ieee8021ad"}},
		{"two tags", "fabrikam-isolated", design.Isolated, false, func(p *design.Premises) {
			for _, site := range p.Sites {
				for i := range site.Routers {
					for j := range site.Routers[i].Sessions {
						if x := &site.Routers[i].Sessions[j]; x.VLAN != 0 {
							x.STag = 2000 + x.VLAN
						}
					}
				}
			}
		}, []string{"ieee8021ad.id == 2100 && vlan.id == 100 && bgp", "ieee8021ad && icmp"}},
		{"both families", "litware-dual-stack", design.Isolated, true, nil, []string{"ipv6 && bgp", "ipv6 && bfd", "icmpv6.type == 3", "icmpv6.type == 1", "icmpv6.type == 128", "icmpv6.type == 129", "icmp || ipv6 && udp.port == 7"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := built(t, c.example, c.kind, c.change)
			trace := traced(t, n, 7, drill(t, n, c.six))
			if got := shown(t, trace, wrong); got != "" {
				t.Errorf("packets are wrong:\n%s", got)
			}
			want := append([]string{"bgp.type == 1", "bgp.type == 2", "bgp.type == 3", "bgp.type == 4", "bfd", "vlan || ieee8021ad", "udp.port == 7", "tcp.flags.syn == 1 && tcp.flags.ack == 1",
				"tcp.flags.fin == 1", "tcp.flags.reset == 1", "tcp.analysis.retransmission", "bfd.sta == 3"}, c.want...)
			if !c.six {
				want = append(want, "icmp.type == 0", "icmp.type == 8", "icmp.type == 11", "icmp.type == 3 && icmp.code == 3")
			}
			for i, n := range counted(t, trace, want) {
				if n == 0 {
					t.Errorf("no packet with %s", want[i])
				}
			}
		})
	}
}

func TestTsharkNoticesAWrongOctet(t *testing.T) {
	trace := traced(t, built(t, "northwind", design.Isolated, nil), 7, func(s *Sim) { s.Run(5 * time.Second) })
	marker := bytes.Repeat([]byte{255}, 16) // RFC 4271 section 4.1
	trace[bytes.Index(trace, marker)+len(marker)+10]++
	if shown(t, trace, wrong) == "" {
		t.Error("an octet was changed and nothing is wrong")
	}
}

func TestNothingIsMissingFromATraceOfAnUndisturbedEstate(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	trace := traced(t, n, 7, func(s *Sim) { s.Run(200 * time.Second) })
	// Connections that lose to another one of the same session (RFC 4271 section 6.8) end with a FIN.
	if got := shown(t, trace, "tcp.analysis.flags || tcp.flags.reset == 1 || bgp.type == 3 && !(bgp.notify.major_error == 6 && bgp.notify.minor_error_cease == 7)"); got != "" {
		t.Errorf("packets that an undisturbed connection does not have:\n%s", got)
	}
}

func TestOneSeedMakesOneTrace(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	first, again, other := traced(t, n, 7, drill(t, n, false)), traced(t, n, 7, drill(t, n, false)), traced(t, n, 8, drill(t, n, false))
	if !bytes.Equal(first, again) {
		t.Error("two runs with one seed differ")
	}
	if bytes.Equal(first, other) {
		t.Error("two seeds make one trace")
	}
}

func TestEveryFrameOfARandomEstateIsWhole(t *testing.T) {
	c, err := catalog.Open()
	if err != nil {
		t.Fatal(err)
	}
	drawer := intenttest.NewDrawer(c)
	rapid.Check(t, func(t *rapid.T) {
		e := drawer.Estate(t)
		d, _ := pattern.Compile(rapid.SampledFrom(design.Patterns()).Draw(t, "pattern"), e, c, pattern.Options{})
		if d == nil {
			return
		}
		n, _ := network.Build(d.Resources, d.Premises, c, network.Options{})
		var s *Sim
		options := Options{Seed: rapid.Uint64().Draw(t, "seed"), Capture: func(_ time.Duration, link, direction int, frame []byte) {
			whole(t, s.links[link].ends[direction], frame)
		}}
		if s, err = New(n, options); err != nil {
			t.Fatal(err)
		}
		s.Start()
		s.Run(30 * time.Second)
		for i, f := range asking(n) {
			if i%3 != 0 {
				continue
			}
			q, err := s.NewProbe("", f.Src, f.Dst)
			if err != nil {
				t.Fatal(err)
			}
			q.Send(100*time.Millisecond, s.Now()+time.Second)
			tracerouted(t, s, host(t, s, f.Src), f.Dst.Addr, TracerouteOptions{Most: 4, Wait: 100 * time.Millisecond})
			pinged(t, s, host(t, s, f.Src), f.Dst.Addr, PingOptions{Payload: 1401 - 28, Count: 1, Wait: 100 * time.Millisecond})
			pinged(t, s, host(t, s, f.Src), f.Dst.Addr, PingOptions{Payload: 3000, Splits: true, TTL: 3, Count: 1, Wait: 100 * time.Millisecond})
		}
	})
}

// whole reads a frame with somebody else's decoder.
func whole(t rapid.TB, from *port, frame []byte) {
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if l := p.ErrorLayer(); l != nil {
		t.Fatalf("%v: %x", l.Error(), frame)
	}
	for _, l := range p.Layers() {
		if c, ok := l.(interface {
			SetNetworkLayerForChecksum(gopacket.NetworkLayer) error
		}); ok {
			if err := c.SetNetworkLayerForChecksum(p.NetworkLayer()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err, wrong := p.VerifyChecksums(); err != nil || len(wrong) > 0 {
		t.Fatalf("%v %v: %v", err, wrong, p)
	}
	eth := p.LinkLayer().(*layers.Ethernet)
	if !bytes.Equal(eth.SrcMAC, mac(from.node)) || !bytes.Equal(eth.DstMAC, mac(from.far().node)) {
		t.Fatalf("from %v to %v", eth.SrcMAC, eth.DstMAC)
	}
	length := 14
	for _, l := range p.Layers() {
		if l.LayerType() == layers.LayerTypeDot1Q {
			length += 4
		}
	}
	switch l := p.NetworkLayer().(type) {
	case *layers.IPv4:
		length += int(l.Length)
	case *layers.IPv6:
		length += headerIPv6 + int(l.Length)
	}
	if max(length, 60) != len(frame) || length > headerTagged+1500 { // the least that Ethernet carries
		t.Fatalf("%d octets of %d: %v", length, len(frame), p)
	}
}

func TestAFrameIsAsLongAsItsPacket(t *testing.T) {
	four, six := netip.MustParseAddr("10.0.0.4"), netip.MustParseAddr("2001:db8::4")
	a, b := &node{s: &Sim{}, index: 1}, &node{index: 2}
	l := &link{spec: &network.WiredSession{VLAN: 100}}
	for i, x := range []*node{a, b} {
		l.ends[i] = &port{node: x, link: l, end: i}
	}
	e := l.ends[0]
	p4 := packet{kind: data, src: four, dst: four, ttl: 64, size: overhead(four) + headerUDP + 32}
	p6 := packet{kind: data, src: six, dst: six, ttl: 64, size: overhead(six) + headerUDP + 1400}
	for _, c := range []struct {
		name string
		addr netip.Addr
		p    packet
		want int
	}{
		{"a probe", four, p4, 18 + 20 + 8 + 32},
		{"a probe of IPv6", six, p6, 18 + 40 + 8 + 1400},
		{"a keepalive", four, packet{kind: segment, size: overhead(four) + headerTCP + 19, flags: flagACK, payload: make([]byte, 19)}, 18 + 20 + 20 + 19},
		{"a full segment", four, packet{kind: segment, size: overhead(four) + headerTCP + mss, flags: flagACK, payload: make([]byte, mss)}, 18 + 1500},
		{"a full segment of IPv6", six, packet{kind: segment, size: overhead(six) + headerTCP + mss - 20, flags: flagACK, payload: make([]byte, mss-20)}, 18 + 1500},
		{"a BFD control packet", four, packet{kind: bfdControl, size: overhead(four) + headerUDP + 24}, 18 + 20 + 8 + 24},
		{"an echo request", four, packet{kind: data, src: four, dst: four, ttl: 64, size: overhead(four) + headerICMP + 56, icmp: &icmp{kind: echoRequest}}, 18 + 20 + 8 + 56},
		{"an error", four, *a.s.errorAbout(&p4, timeExceeded, 0, four), 18 + 20 + 8 + 28},
		{"an error of IPv6", six, *a.s.errorAbout(&p6, tooBig, 1400, six), 18 + 1280},
	} {
		t.Run(c.name, func(t *testing.T) {
			l.ends[0].addr, l.ends[1].addr = c.addr, c.addr
			frame, err := newFramer().frame(e, &c.p)
			if err != nil {
				t.Fatal(err)
			}
			if len(frame) != c.want || c.p.size != c.want {
				t.Errorf("the frame has %d octets, the packet %d, want %d", len(frame), c.p.size, c.want)
			}
			whole(t, e, frame)
		})
	}
}

func TestAFrameThatWaitsIsSeenWhenItGoes(t *testing.T) {
	n := built(t, "northwind", design.Isolated, nil)
	var at []time.Duration
	s, err := New(n, Options{Capture: func(t time.Duration, _, _ int, _ []byte) { at = append(at, t) }})
	if err != nil {
		t.Fatal(err)
	}
	e := s.links[0].ends[0]
	p := &packet{kind: bfdControl, size: overhead(e.addr) + headerUDP + 24}
	for _, ms := range []time.Duration{5, 0, 3} {
		e.show(p, ms*time.Millisecond)
	}
	e.link.unplugged = true
	e.show(p, 0)
	s.Run(time.Second)
	if want := []time.Duration{0, 3 * time.Millisecond, 5 * time.Millisecond}; !slices.Equal(at, want) {
		t.Errorf("seen at %v, want %v", at, want)
	}
}

func TestATraceChangesNothingAndItsFramesAreAsLongAsThePacketsSay(t *testing.T) {
	n := built(t, "litware-dual-stack", design.Isolated, nil)
	with := traced(t, n, 7, drill(t, n, true))
	r, err := pcapgo.NewNgReader(bytes.NewReader(with), pcapgo.DefaultNgReaderOptions)
	if err != nil {
		t.Fatal(err)
	}
	var last time.Time
	frames := 0
	for {
		b, ci, err := r.ReadPacketData()
		if err != nil {
			break
		}
		frames++
		if ci.Timestamp.Before(last) {
			t.Fatal("time runs backwards")
		}
		last = ci.Timestamp
		p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
		if p.ErrorLayer() != nil {
			t.Fatalf("frame %d: %v", frames, p.ErrorLayer().Error())
		}
		if l := p.NetworkLayer(); l == nil || len(b) > 18+1500 {
			t.Fatalf("frame %d of %d octets: %v", frames, len(b), p)
		}
	}
	var happened [2][]Happening
	for i := range happened {
		o := Options{Seed: 7, Observe: func(h Happening) { happened[i] = append(happened[i], h) }}
		sizes := 0
		if i == 1 {
			o.Capture = func(time.Duration, int, int, []byte) { sizes++ }
		}
		s, err := New(n, o)
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		drill(t, n, true)(s)
		if i == 1 && sizes != frames {
			t.Errorf("%d frames were captured, %d are in the trace", sizes, frames)
		}
	}
	if !slices.Equal(happened[0], happened[1]) {
		t.Error("capturing changes what happens")
	}
}

func TestATraceCutsDatagramsAndNothingElse(t *testing.T) {
	n := built(t, "litware-dual-stack", design.Isolated, nil)
	read := func(keep int) (out []gopacket.CaptureInfo, kept [][]byte) {
		var file bytes.Buffer
		trace, err := NewTrace(&file, n)
		if err != nil {
			t.Fatal(err)
		}
		trace.Keep = keep
		s, err := New(n, Options{Seed: 7, Capture: trace.Capture})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		s.Settle(time.Hour)
		for _, six := range []bool{false, true} {
			site, vm := pair(t, n, six)
			f, err := s.NewFlow(FlowSpec{Kind: Constant, Src: site, Dst: vm, Mbps: 1})
			if err != nil {
				t.Fatal(err)
			}
			f.Start(s.Now() + time.Second)
		}
		s.Run(s.Now() + 2*time.Second)
		if err := trace.Close(); err != nil {
			t.Fatal(err)
		}
		r, err := pcapgo.NewNgReader(&file, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		for {
			b, ci, err := r.ReadPacketData()
			if err != nil {
				return out, kept
			}
			out, kept = append(out, ci), append(kept, b)
		}
	}
	whole, frames := read(0)
	short, cut := read(96)
	if len(whole) != len(short) {
		t.Fatalf("%d frames and %d", len(whole), len(short))
	}
	datagrams := map[bool]int{}
	for i := range short {
		p := gopacket.NewPacket(frames[i], layers.LayerTypeEthernet, gopacket.Default)
		want := len(frames[i])
		if p.Layer(layers.LayerTypeUDP) != nil {
			if want > 96 {
				datagrams[p.Layer(layers.LayerTypeIPv6) != nil]++
			}
			want = min(want, 96)
		}
		if short[i].Length != len(frames[i]) || !bytes.Equal(cut[i], frames[i][:want]) {
			t.Fatalf("frame %d: %d of %d octets, want %d", i, len(cut[i]), short[i].Length, want)
		}
	}
	if datagrams[false] == 0 || datagrams[true] == 0 {
		t.Errorf("%v datagrams were cut", datagrams)
	}
}
