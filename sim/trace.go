package sim

import (
	"encoding/binary"
	"errors"
	"io"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"onramp/network"
)

// Trace writes what a Sim captures as a pcapng file (draft-ietf-opsawg-pcapng), which tshark and Wireshark read: an interface for each
// link, named for its session, and each frame at the time at which it is put on the link. What is lost on the way is there, too: as on
// a port that is mirrored at the sender. Virtual time 0 is the first moment of the year 2000.
type Trace struct {
	// Keep is how many octets of a UDP datagram's frame are written, 0 for all; its length is told whole. What loads a link says nothing after
	// its headers. It is set before the first frame.
	Keep int
	w    *pcapgo.NgWriter
	err  error
}

// NewTrace begins a file for a network. The caller closes what it writes to, after Close.
func NewTrace(w io.Writer, n *network.Network) (*Trace, error) { return NewPlainTrace(w, n.Wiring()) }

// NewPlainTrace is NewTrace for a wiring that nobody designed.
func NewPlainTrace(w io.Writer, wiring network.Wiring) (*Trace, error) {
	if len(wiring.Sessions) == 0 {
		return nil, errors.New("nothing can be traced in an estate without links")
	}
	t := &Trace{}
	for i := range wiring.Sessions {
		spec := &wiring.Sessions[i]
		face := facing(spec.Name, wiring.Routers[spec.A].Name, wiring.Routers[spec.B].Name)
		if i == 0 { // what wrote the file depends on no machine
			options := pcapgo.NgWriterOptions{SectionInfo: pcapgo.NgSectionInfo{Application: "onramp"}}
			t.w, t.err = pcapgo.NewNgWriterInterface(w, face, options)
		} else {
			_, t.err = t.w.AddInterface(face)
		}
		if t.err != nil {
			return nil, t.err
		}
	}
	return t, nil
}

func facing(session, a, b string) pcapgo.NgInterface {
	return pcapgo.NgInterface{Name: session, Description: a + " -- " + b, LinkType: layers.LinkTypeEthernet}
}

// Linked takes in a link that an estate has since it became another: it is what Options.Linked wants.
func (t *Trace) Linked(session, a, b string) {
	if t.err == nil {
		_, t.err = t.w.AddInterface(facing(session, a, b))
	}
}

// Capture writes a frame: it is what Options.Capture wants. After an error it writes nothing more.
func (t *Trace) Capture(at time.Duration, link, _ int, frame []byte) {
	if t.err == nil {
		length := len(frame)
		if t.Keep > 0 && length > t.Keep && isUDP(frame) {
			frame = frame[:t.Keep]
		}
		t.err = t.w.WritePacket(gopacket.CaptureInfo{Timestamp: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(at),
			CaptureLength: len(frame), Length: length, InterfaceIndex: link}, frame)
	}
}

// isUDP tells whether a frame, with its tags if it has any, carries UDP.
func isUDP(frame []byte) bool {
	at := 12 // of the type, behind two addresses
	for at+4 < len(frame) {
		switch kind := layers.EthernetType(binary.BigEndian.Uint16(frame[at:])); kind {
		case layers.EthernetTypeQinQ, layers.EthernetTypeDot1Q:
			at += 4
		case layers.EthernetTypeIPv4:
			return at+2+9 < len(frame) && layers.IPProtocol(frame[at+2+9]) == layers.IPProtocolUDP
		case layers.EthernetTypeIPv6:
			return at+2+6 < len(frame) && layers.IPProtocol(frame[at+2+6]) == layers.IPProtocolUDP
		default:
			return false
		}
	}
	return false
}

// Close ends the file and returns the first error of all that was written.
func (t *Trace) Close() error {
	return errors.Join(t.err, t.w.Flush())
}
