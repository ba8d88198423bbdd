package bfd

import (
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func drawn(t *rapid.T) Packet {
	b := rapid.Bool()
	u := rapid.Uint32()
	p := Packet{Diag: Diag(rapid.IntRange(0, 31).Draw(t, "diag")), State: State(rapid.IntRange(0, 3).Draw(t, "state")), Poll: b.Draw(t, "poll"), Final: b.Draw(t, "final"),
		ControlPlaneIndependent: b.Draw(t, "control"), Demand: b.Draw(t, "demand"), DetectMult: uint8(rapid.IntRange(1, 255).Draw(t, "mult")), MyDiscriminator: rapid.Uint32Min(1).Draw(t, "mine"),
		YourDiscriminator: u.Draw(t, "yours"), DesiredMinTxInterval: u.Draw(t, "tx"), RequiredMinRxInterval: u.Draw(t, "rx"), RequiredMinEchoRxInterval: u.Draw(t, "echo")}
	if p.YourDiscriminator == 0 {
		p.State = State(rapid.IntRange(0, 1).Draw(t, "state of a stranger"))
	}
	return p
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		b := p.Append(nil)
		if len(b) != 24 || b[3] != 24 {
			t.Fatalf("% x", b)
		}
		got, err := Parse(append(b, 1, 2, 3)) // what follows in the datagram is none of it
		if err != nil || got != p {
			t.Fatalf("%v\n%+v\n%+v", err, p, got)
		}
	})
}

// RFC 5880 section 6.8.6, the checks before a session is looked for.
func TestPacketsThatAreDiscarded(t *testing.T) {
	good := (&Packet{State: Up, DetectMult: 3, MyDiscriminator: 7, YourDiscriminator: 9}).Append(nil)
	for _, x := range []struct {
		name  string
		spoil func(b []byte) []byte
		want  error
	}{
		{"cut off", func(b []byte) []byte { return b[:23] }, ErrShort},
		{"another version", func(b []byte) []byte { b[0] = 2 << 5; return b }, ErrVersion},
		{"a length below the mandatory section", func(b []byte) []byte { b[3] = 23; return b }, ErrShort},
		{"a length beyond the datagram", func(b []byte) []byte { b[3] = 25; return b }, ErrShort},
		{"an authenticated packet without room for it", func(b []byte) []byte { b[1] |= 4; return b }, ErrShort},
		{"no detect multiplier", func(b []byte) []byte { b[2] = 0; return b }, ErrDetectMult},
		{"multipoint", func(b []byte) []byte { b[1] |= 1; return b }, ErrMultipoint},
		{"no sender", func(b []byte) []byte { copy(b[4:8], []byte{0, 0, 0, 0}); return b }, ErrDiscriminator},
		{"up, and to nobody", func(b []byte) []byte { copy(b[8:12], []byte{0, 0, 0, 0}); return b }, ErrState},
		{"authenticated", func(b []byte) []byte { b[1] |= 4; b[3] = 26; return append(b, 0, 0) }, ErrAuth},
	} {
		t.Run(x.name, func(t *testing.T) {
			if _, err := Parse(x.spoil(append([]byte(nil), good...))); !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add((&Packet{State: Init, DetectMult: 3, MyDiscriminator: 7, YourDiscriminator: 9}).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(p.Append(nil))
		if err != nil || again != p {
			t.Fatalf("%v\n%+v\n%+v", err, p, again)
		}
	})
}
