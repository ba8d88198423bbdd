package arm

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// storeID tells one store from another, so that a record or a mark of another store is not taken for one of ours.
type storeID [16]byte

// checksum is the SHA-256 of an envelope: with a key's revision it says exactly which bytes were acknowledged.
type checksum [sha256.Size]byte

// envelope is a record as it lies in the stream. It is whole in itself: with its checksum it can be found and trusted in the bare bytes of
// a damaged file, which is what Repair does.
type envelope struct {
	store   storeID
	deleted bool // the record says that its key is gone
	// after is the greatest revision that had been acknowledged when the write began: less than its own revision, and not less than
	// that of the record it replaces. So of two versions of a key the later has the greater one, wherever they are found.
	after uint64
	key   string
	value []byte
}

const (
	envelopeMagic = "\x00onramp\x01" // its last octet is the layout's version
	envelopeHead  = len(envelopeMagic) + len(storeID{}) + 1 + 8 + 4 + 4
	envelopeKept  = 'k'
	envelopeGone  = 'd'
)

var errNoEnvelope = errors.New("not a record of this program")

// encode lays the envelope out: magic, store, kind, after, the lengths of key and value, key, value, and the checksum of all that.
func (e envelope) encode() ([]byte, checksum) {
	out := make([]byte, 0, envelopeHead+len(e.key)+len(e.value)+sha256.Size)
	out = append(out, envelopeMagic...)
	out = append(out, e.store[:]...)
	if e.deleted {
		out = append(out, envelopeGone)
	} else {
		out = append(out, envelopeKept)
	}
	out = binary.BigEndian.AppendUint64(out, e.after)
	out = binary.BigEndian.AppendUint32(out, uint32(len(e.key)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(e.value)))
	out = append(out, e.key...)
	out = append(out, e.value...)
	sum := checksum(sha256.Sum256(out))
	return append(out, sum[:]...), sum
}

// decodeEnvelope reads the envelope at the start of data and tells how long it is. Key and value are parts of data.
func decodeEnvelope(data []byte) (e envelope, sum checksum, size int, err error) {
	if len(data) < envelopeHead+sha256.Size || !bytes.HasPrefix(data, []byte(envelopeMagic)) {
		return e, sum, 0, errNoEnvelope
	}
	p := data[len(envelopeMagic):]
	p = p[copy(e.store[:], p):]
	switch p[0] {
	case envelopeKept:
	case envelopeGone:
		e.deleted = true
	default:
		return e, sum, 0, fmt.Errorf("the record's kind is %#x", p[0])
	}
	e.after = binary.BigEndian.Uint64(p[1:])
	key, value := binary.BigEndian.Uint32(p[9:]), binary.BigEndian.Uint32(p[13:])
	if key == 0 || key > MaxKey || value > MaxValue || e.deleted && value != 0 {
		return e, sum, 0, fmt.Errorf("the record says that its key has %d octets and its value %d", key, value)
	}
	body := envelopeHead + int(key) + int(value)
	if len(data) < body+sha256.Size {
		return e, sum, 0, fmt.Errorf("the record ends after %d octets of %d", len(data), body+sha256.Size)
	}
	sum = sha256.Sum256(data[:body])
	if !bytes.Equal(sum[:], data[body:body+sha256.Size]) {
		return e, sum, 0, errors.New("the record's checksum is wrong")
	}
	e.key = string(data[envelopeHead : envelopeHead+int(key)])
	e.value = data[envelopeHead+int(key) : body : body]
	return e, sum, body + sha256.Size, nil
}

// subjectPrefix is where the key-value bucket's records have their subjects.
const subjectPrefix = "$KV." + bucket + "."

// subjectOf writes a key as the subject of its record. A segment of a resource's id becomes a token of the subject, so that all below a
// resource can be watched with one wildcard. What a token cannot hold is written as = and two hexadecimal digits, and an empty segment as =.
func subjectOf(key string) string {
	var out strings.Builder
	out.Grow(len(subjectPrefix) + len(key) + 8)
	out.WriteString(subjectPrefix)
	for i, segment := range strings.Split(key, "/") {
		if i > 0 {
			out.WriteByte('.')
		}
		if segment == "" {
			out.WriteByte('=')
		}
		for j := range len(segment) {
			if c := segment[j]; plainInToken(c) {
				out.WriteByte(c)
			} else {
				fmt.Fprintf(&out, "=%02X", c)
			}
		}
	}
	return out.String()
}

// keyOf is the inverse of subjectOf. It refuses what subjectOf does not write.
func keyOf(subject string) (string, error) {
	coded, ok := strings.CutPrefix(subject, subjectPrefix)
	if !ok || coded == "" {
		return "", fmt.Errorf("subject %q is not in the bucket %s", subject, bucket)
	}
	var out strings.Builder
	for i, token := range strings.Split(coded, ".") {
		if i > 0 {
			out.WriteByte('/')
		}
		if token == "=" {
			continue
		}
		if token == "" {
			return "", fmt.Errorf("subject %q has an empty token", subject)
		}
		for j := 0; j < len(token); j++ {
			c := token[j]
			if c == '=' {
				var coded byte
				if j+2 >= len(token) {
					return "", fmt.Errorf("subject %q ends within an escaped octet", subject)
				}
				if n, err := fmt.Sscanf(token[j+1:j+3], "%02X", &coded); n != 1 || err != nil || fmt.Sprintf("%02X", coded) != token[j+1:j+3] {
					return "", fmt.Errorf("subject %q: %q is not an escaped octet", subject, token[j:j+3])
				}
				if c, j = coded, j+2; plainInToken(c) || c == '/' {
					return "", fmt.Errorf("subject %q escapes %q, which needs no escape", subject, c)
				}
			} else if !plainInToken(c) {
				return "", fmt.Errorf("subject %q has %q in a token", subject, c)
			}
			out.WriteByte(c)
		}
	}
	return out.String(), nil
}

func plainInToken(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
