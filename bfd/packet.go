// Package bfd is Bidirectional Forwarding Detection in asynchronous mode (RFC 5880), without authentication: the control packet and
// the state machine of one session. It is pure: packets and the time go in; packets to send, changes of state and the next
// deadline come out. It owns no socket, clock or goroutine, and finds no session for a packet: the caller does (RFC 5881).
package bfd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// State is the state of a session (RFC 5880 section 4.1).
type State uint8

// The states, as on the wire.
const (
	AdminDown State = iota
	Down
	Init
	Up
)

func (s State) String() string { return [...]string{"AdminDown", "Down", "Init", "Up"}[s&3] }

// Diag says why the sender's session last changed (RFC 5880 section 4.1).
type Diag uint8

// The diagnostics (RFC 5880 section 4.1). The package itself gives 0, 1, 3 and 7; the others are its owner's to give.
const (
	NoDiagnostic Diag = iota
	DetectionTimeExpired
	EchoFailed
	NeighborSignaledDown
	ForwardingPlaneReset
	PathDown
	ConcatenatedPathDown
	AdministrativelyDown
	ReverseConcatenatedPathDown

	longestDiagnosticCode = 31
)

func (d Diag) String() string {
	names := [...]string{"no diagnostic", "detection time expired", "echo function failed", "neighbour signaled down", "forwarding plane reset",
		"path down", "concatenated path down", "administratively down", "reverse concatenated path down"}
	if int(d) < len(names) {
		return names[d]
	}
	return "diagnostic " + strconv.Itoa(int(d))
}

// Packet is the mandatory section of a control packet (RFC 5880 section 4.1). Intervals are in microseconds.
type Packet struct {
	Diag                      Diag
	State                     State
	Poll, Final               bool
	ControlPlaneIndependent   bool
	Demand                    bool
	DetectMult                uint8
	MyDiscriminator           uint32
	YourDiscriminator         uint32
	DesiredMinTxInterval      uint32
	RequiredMinRxInterval     uint32
	RequiredMinEchoRxInterval uint32
}

const (
	version       = 1
	mandatory     = 24 // octets
	bitPoll       = 1 << 5
	bitFinal      = 1 << 4
	bitControl    = 1 << 3
	bitAuth       = 1 << 2
	bitDemand     = 1 << 1
	bitMultipoint = 1
)

// Append writes the packet behind b.
func (p *Packet) Append(b []byte) []byte {
	flags := byte(p.State) << 6
	for _, x := range [...]struct {
		on  bool
		bit byte
	}{{p.Poll, bitPoll}, {p.Final, bitFinal}, {p.ControlPlaneIndependent, bitControl}, {p.Demand, bitDemand}} {
		if x.on {
			flags |= x.bit
		}
	}
	b = append(b, version<<5|byte(p.Diag)&longestDiagnosticCode, flags, p.DetectMult, mandatory)
	for _, v := range [...]uint32{p.MyDiscriminator, p.YourDiscriminator, p.DesiredMinTxInterval, p.RequiredMinRxInterval, p.RequiredMinEchoRxInterval} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

// Reasons for which a packet must be discarded before its session is looked for (RFC 5880 section 6.8.6).
var (
	ErrShort         = errors.New("the packet is shorter than its length field or than a control packet")
	ErrVersion       = errors.New("the version is not 1")
	ErrDetectMult    = errors.New("the detect multiplier is zero")
	ErrMultipoint    = errors.New("the multipoint bit is set")
	ErrDiscriminator = errors.New("the sender's discriminator is zero")
	ErrState         = errors.New("the packet names no session and its state is neither Down nor AdminDown")
	ErrAuth          = errors.New("the packet is authenticated and the session is not")
)

// Parse reads a control packet with the checks of RFC 5880 section 6.8.6 that need no session, in their order.
func Parse(b []byte) (Packet, error) {
	if len(b) < mandatory {
		return Packet{}, fmt.Errorf("%w: %d octets", ErrShort, len(b))
	}
	if v := b[0] >> 5; v != version {
		return Packet{}, fmt.Errorf("%w: %d", ErrVersion, v)
	}
	least := byte(mandatory)
	if b[1]&bitAuth != 0 {
		least += 2
	}
	if b[3] < least || int(b[3]) > len(b) {
		return Packet{}, fmt.Errorf("%w: length %d in %d octets", ErrShort, b[3], len(b))
	}
	p := Packet{Diag: Diag(b[0] & longestDiagnosticCode), State: State(b[1] >> 6), Poll: b[1]&bitPoll != 0, Final: b[1]&bitFinal != 0, ControlPlaneIndependent: b[1]&bitControl != 0,
		Demand: b[1]&bitDemand != 0, DetectMult: b[2], MyDiscriminator: binary.BigEndian.Uint32(b[4:]), YourDiscriminator: binary.BigEndian.Uint32(b[8:]),
		DesiredMinTxInterval: binary.BigEndian.Uint32(b[12:]), RequiredMinRxInterval: binary.BigEndian.Uint32(b[16:]), RequiredMinEchoRxInterval: binary.BigEndian.Uint32(b[20:])}
	// The multipoint bit is no field of Packet, and its place is before the sender's discriminator.
	if p.DetectMult != 0 && b[1]&bitMultipoint != 0 {
		return Packet{}, ErrMultipoint
	}
	if err := p.wrong(); err != nil {
		return Packet{}, err
	}
	if b[1]&bitAuth != 0 {
		return Packet{}, ErrAuth
	}
	return p, nil
}

// wrong tells why a packet that was read must be discarded all the same, in the order of RFC 5880 section 6.8.6.
func (p *Packet) wrong() error {
	switch {
	case p.DetectMult == 0:
		return ErrDetectMult
	case p.MyDiscriminator == 0:
		return ErrDiscriminator
	case p.YourDiscriminator == 0 && p.State != Down && p.State != AdminDown:
		return ErrState
	}
	return nil
}
