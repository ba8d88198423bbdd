package bgp

import "encoding/binary"

// The types of path segments (RFC 4271 section 4.3, RFC 5065 section 3).
const (
	segmentSet            = 1
	segmentSequence       = 2
	segmentConfedSequence = 3
	segmentConfedSet      = 4

	longestSegment = 255
)

// pathFault is what is wrong with an AS_PATH or AS4_PATH; the higher prevails.
type pathFault uint8

const (
	pathFine   pathFault = iota
	pathConfed           // a confederation's segment from outside of one
	pathZero             // AS 0
	pathSet              // AS_SET or AS_CONFED_SET
	pathBroken           // a segment of an unknown type, without numbers, or longer or shorter than the attribute
)

var pathFaults = [...]string{
	pathConfed: "AS_PATH: a confederation's segment (RFC 5065 section 5)",
	pathZero:   "AS_PATH: AS 0 (RFC 7607 section 2)",
	pathSet:    "AS_PATH: an AS_SET or AS_CONFED_SET (RFC 9774 section 3)",
	pathBroken: "AS_PATH: its segments do not fit (RFC 7606 section 7.2)",
}

// parsePath appends the numbers of all sequences, of two or four octets each.
func parsePath(dst Path, b []byte, width int) (Path, pathFault) {
	fault := pathFine
	for len(b) > 0 {
		if len(b) < 2 {
			return dst, pathBroken
		}
		kind, count := b[0], int(b[1])
		b = b[2:]
		if kind < segmentSet || kind > segmentConfedSet || count == 0 || count*width > len(b) {
			return dst, pathBroken
		}
		numbers := b[:count*width]
		b = b[count*width:]
		switch kind {
		case segmentSet, segmentConfedSet:
			fault = max(fault, pathSet)
			continue
		case segmentConfedSequence:
			fault = max(fault, pathConfed)
			continue
		}
		for ; len(numbers) >= width; numbers = numbers[width:] {
			var as ASN
			if width == 4 {
				as = ASN(binary.BigEndian.Uint32(numbers))
			} else {
				as = ASN(binary.BigEndian.Uint16(numbers))
			}
			if as == 0 {
				fault = max(fault, pathZero)
			}
			dst = append(dst, as)
		}
	}
	return dst, fault
}

// mergePath puts the four-octet numbers of AS4_PATH in the place of the last ones of AS_PATH (RFC 6793 section 4.2.3): path is
// changed. An AS4_PATH that is longer than AS_PATH is ignored.
func mergePath(path, path4 Path) {
	if len(path4) <= len(path) {
		copy(path[len(path)-len(path4):], path4)
	}
}

// mappable tells whether two octets hold every number (RFC 6793 section 4.2.2).
func (p Path) mappable() bool {
	for _, as := range p {
		if as > 0xFFFF {
			return false
		}
	}
	return true
}

// append writes the path as sequences of at most 255 numbers (RFC 4271 section 5.1.2).
func (p Path) append(dst []byte, width int) []byte {
	for len(p) > 0 {
		part := p[:min(len(p), longestSegment)]
		p = p[len(part):]
		dst = append(dst, segmentSequence, byte(len(part)))
		for _, as := range part {
			if width == 4 {
				dst = binary.BigEndian.AppendUint32(dst, uint32(as))
			} else {
				dst = binary.BigEndian.AppendUint16(dst, as.twoOctets())
			}
		}
	}
	return dst
}

// wireLen is how many octets append writes.
func (p Path) wireLen(width int) int {
	return width*len(p) + 2*((len(p)+longestSegment-1)/longestSegment)
}

// twoOctets is the number as a speaker of two octets sees it (RFC 6793 section 4.2.2).
func (a ASN) twoOctets() uint16 {
	if a > 0xFFFF {
		return uint16(ASTrans)
	}
	return uint16(a)
}
