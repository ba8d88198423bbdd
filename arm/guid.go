package arm

import (
	"crypto/sha1"
	"fmt"
	"strings"
)

// namespace is what the GUIDs are derived in that nobody chose; it is itself derived from the name "onramp" among DNS names.
const namespace = "\x9c\x08\xc0\xe7\xf1\xc0\x56\x10\x84\x5e\xda\x3a\x86\xec\x14\x0c"

// guidOf is the GUID that belongs to a name: the same on every machine (RFC 9562 5.5, version 5). kind tells names of different things
// apart.
func guidOf(kind, name string) string {
	h := sha1.New()
	h.Write([]byte(namespace + kind + "/" + name))
	b := h.Sum(nil)[:16]
	b[6] = b[6]&0x0f | 5<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SubscriptionID is the GUID that a subscription of this name has here where nobody chooses another.
func SubscriptionID(name string) string { return subscriptionID(name) }

// PrincipalID is the object id that stands here for a principal of this name which is in no directory, such as a group of people.
func PrincipalID(name string) string { return guidOf("principal of people", strings.ToLower(name)) }

// isGUID tells whether s is a GUID as Azure writes them: 8-4-4-4-12 hexadecimal digits.
func isGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if hyphen := i == 8 || i == 13 || i == 18 || i == 23; hyphen != (c == '-') {
			return false
		} else if !hyphen && !('0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F') {
			return false
		}
	}
	return true
}
