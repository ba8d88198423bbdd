package bgp

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// typical are attributes as a provider's routes have them.
func typical(hop string) *Attrs {
	return &Attrs{Path: Path{12076, 65515, 64500}, NextHop: addr(hop), MED: 100, HasMED: true,
		Communities: []Community{NewCommunity(12076, 50020), NewCommunity(12076, 51004)}}
}

// slash24s and slash48s are prefixes of the most common lengths.
func slash24s(n int) []netip.Prefix {
	list := make([]netip.Prefix, n)
	for i := range list {
		var a [4]byte
		binary.BigEndian.PutUint32(a[:], 10<<24|uint32(i)<<8)
		list[i] = netip.PrefixFrom(netip.AddrFrom4(a), 24)
	}
	return list
}

func slash48s(n int) []netip.Prefix {
	list := make([]netip.Prefix, n)
	for i := range list {
		a := [16]byte{0x20, 0x01, 0x0d, 0xb8}
		binary.BigEndian.PutUint16(a[4:], uint16(i))
		list[i] = netip.PrefixFrom(netip.AddrFrom16(a), 48)
	}
	return list
}

var benchOptions = WireOptions{FourOctetAS: true, Families: []Family{{1, 1}, {2, 1}}}

func wireBenches(run func(name string, a *Attrs, prefixes []netip.Prefix)) {
	run("ipv4", typical("192.0.2.1"), slash24s(1000))
	run("ipv6", typical("2001:db8::1"), slash48s(600))
}

func BenchmarkParseUpdate(b *testing.B) {
	wireBenches(func(name string, a *Attrs, prefixes []netip.Prefix) {
		message, n := AppendUpdate(nil, a, prefixes, benchOptions)
		b.Run(name, func(b *testing.B) {
			var u Update
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			for b.Loop() {
				if err := u.Parse(message[HeaderLen:], benchOptions); err != nil || len(u.NLRI)+len(u.MPNLRI) != n {
					b.Fatal(err)
				}
			}
		})
	})
}

func BenchmarkAppendUpdate(b *testing.B) {
	wireBenches(func(name string, a *Attrs, prefixes []netip.Prefix) {
		buf, _ := AppendUpdate(nil, a, prefixes, benchOptions)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = AppendUpdate(buf[:0], a, prefixes, benchOptions)
			}
		})
	})
}

func TestAReusedUpdateParsesAndABufferIsFilledWithoutAllocation(t *testing.T) {
	wireBenches(func(name string, a *Attrs, prefixes []netip.Prefix) {
		a.ExtCommunities, a.LargeCommunities = []ExtCommunity{1, 2}, []LargeCommunity{{1, 2, 3}}
		a.Rest = &Rest{AtomicAggregate: true, AggregatorAS: 64500, Aggregator: addr("192.0.2.9")}
		buf, _ := AppendUpdate(nil, a, prefixes, benchOptions)
		var u Update
		if n := testing.AllocsPerRun(100, func() {
			buf, _ = AppendUpdate(buf[:0], a, prefixes, benchOptions)
			if err := u.Parse(buf[HeaderLen:], benchOptions); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	})
}
