package bench

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/osrg/gobgp/v4/pkg/packet/bgp"

	onrampbgp "onramp/bgp"
)

// codec reads the body of one UPDATE, and writes the whole message that it was given the first time.
type codec struct {
	name  string
	parse func(body []byte) error
	// writer reads the message and returns what writes it again; the bytes are valid until the next call.
	writer func(body []byte) (func() ([]byte, error), error)
}

func codecs() []codec {
	return []codec{{"gobgp", parseGoBGP, writeGoBGP}, {"onramp", parseOnramp(), writeOnramp}}
}

// parseOnramp reads into the same Update over and over, as a session does.
func parseOnramp() func(body []byte) error {
	var u onrampbgp.Update
	return func(body []byte) error {
		if err := u.Parse(body, onrampbgp.WireOptions{FourOctetAS: true}); err != nil {
			return err
		}
		return nil
	}
}

func writeOnramp(body []byte) (func() ([]byte, error), error) {
	var u onrampbgp.Update
	o := onrampbgp.WireOptions{FourOctetAS: true}
	if err := u.Parse(body, o); err != nil {
		return nil, err
	}
	var out []byte
	return func() ([]byte, error) {
		var n int
		if out, n = onrampbgp.AppendUpdate(out[:0], &u.Attrs, u.NLRI, o); n != len(u.NLRI) {
			return nil, fmt.Errorf("%d of %d prefixes fit", n, len(u.NLRI))
		}
		return out, nil
	}, nil
}

func parseGoBGP(body []byte) error {
	return new(bgp.BGPUpdate).DecodeFromBytes(body)
}

func writeGoBGP(body []byte) (func() ([]byte, error), error) {
	u := new(bgp.BGPUpdate)
	if err := u.DecodeFromBytes(body); err != nil {
		return nil, err
	}
	m := bgp.NewBGPUpdateMessage(u.WithdrawnRoutes, u.PathAttributes, u.NLRI)
	return func() ([]byte, error) { return m.Serialize() }, nil
}

// packedUpdate is a message with one set of attributes and n prefixes.
func packedUpdate(n int) ([]byte, error) {
	var prefixes []netip.Prefix
	for j := range n {
		prefixes = append(prefixes, neighbourPrefix(0, j))
	}
	return update(neighbour(0), 1, prefixes, uint32(64512<<16|101), 65000<<16|7)
}

// sizes are an UPDATE of one of BenchmarkConverge's neighbours, one that is nearly full, and one as a single change makes it.
var sizes = []int{1, prefixesEach / attributeSets, 1000}

const header = 19 // octets before the body (RFC 4271 section 4.1)

func TestEveryCodecWritesTheUpdateThatItRead(t *testing.T) {
	for _, n := range sizes {
		message, err := packedUpdate(n)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range codecs() {
			write, err := c.writer(message[header:])
			if err != nil {
				t.Fatalf("%s, %d prefixes: %v", c.name, n, err)
			}
			if got, err := write(); err != nil || !bytes.Equal(got, message) {
				t.Errorf("%s, %d prefixes: wrote % x (%v), want % x", c.name, n, got, err, message)
			}
		}
	}
}

// BenchmarkUpdate reads and writes the same bytes with each codec.
func BenchmarkUpdate(b *testing.B) {
	for _, n := range sizes {
		message, err := packedUpdate(n)
		if err != nil {
			b.Fatal(err)
		}
		parsed, written := map[string]float64{}, map[string]float64{}
		for _, c := range codecs() {
			b.Run(fmt.Sprintf("parse/%d/%s", n, c.name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(len(message)))
				for b.Loop() {
					if err := c.parse(message[header:]); err != nil {
						b.Fatal(err)
					}
				}
				compare(b, parsed, c.name)
			})
			b.Run(fmt.Sprintf("serialise/%d/%s", n, c.name), func(b *testing.B) {
				write, err := c.writer(message[header:])
				if err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetBytes(int64(len(message)))
				for b.Loop() {
					if _, err := write(); err != nil {
						b.Fatal(err)
					}
				}
				compare(b, written, c.name)
			})
		}
	}
}

// compare notes the time of one operation and reports how many times as long GoBGP's took.
func compare(b *testing.B, times map[string]float64, name string) {
	times[name] = b.Elapsed().Seconds() / float64(b.N)
	if gobgp := times["gobgp"]; name != "gobgp" && gobgp > 0 {
		b.ReportMetric(gobgp/times[name], "x_gobgp")
	}
}
