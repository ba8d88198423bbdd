package template

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

type errLambda string

func (e errLambda) Error() string { return string(e) }

func wrongLambda(want string, got any) error {
	return fmt.Errorf("its lambda function is expected to give %s, but gives type %s", want, typeName(got))
}

func equalFold(a, b string) bool { return strings.EqualFold(a, b) }

func parseInt(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func parseFloat(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	return f, err == nil && f-f == 0
}

// Strings of Azure are .NET's: lengths and places count UTF-16 units.

// units is a string's length.
func units(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xffff {
			n++
		}
	}
	return n
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// slice is the part of a string between two places; half of a pair becomes U+FFFD.
func slice(s string, from, to int) string {
	if ascii(s) {
		return s[from:to]
	}
	return string(utf16.Decode(utf16.Encode([]rune(s))[from:to]))
}

// indexOf is where a string first holds another, -1 for nowhere.
func indexOf(s, part string, fold bool) int {
	if fold {
		s, part = lower(s), lower(part)
	}
	i := strings.Index(s, part)
	if i < 0 {
		return -1
	}
	return units(s[:i])
}

// lower makes the cases alike, rune by rune, so that places stay.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if l := unicode.ToLower(r); l > 0xffff == (r > 0xffff) {
			return l
		}
		return r
	}, s)
}

// asText is how a plain value stands in a string: a Boolean is True or False, as .NET writes it.
func (c *call) asText(i int) string {
	s, err := c.ev.budget().text(c.args[i])
	c.over(err)
	return s
}

// text is a value as a string: what string() answers. Objects and arrays are JSON without spaces.
func (b *budget) text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return v, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	out, err := b.append(nil, v)
	return string(out), err
}

func stringFunctions() []function {
	cases := func(f func(string) string) func(c *call) any {
		return func(c *call) any { return c.text(f(c.str(0))) }
	}
	return []function{
		{name: "concat", low: 1, high: many, eager: concat},
		{name: "format", low: 1, high: many, eager: func(c *call) any {
			s, err := composite(c)
			if err != nil {
				return c.fail("%w", err)
			}
			return c.text(s)
		}},
		{name: "string", low: 1, high: 1, eager: func(c *call) any {
			s := c.asText(0)
			if c.err != nil {
				return nil
			}
			return c.text(s)
		}},
		{name: "toLower", low: 1, high: 1, eager: cases(strings.ToLower)},
		{name: "toUpper", low: 1, high: 1, eager: cases(strings.ToUpper)},
		{name: "trim", low: 1, high: 1, eager: cases(strings.TrimSpace)},
		{name: "replace", low: 3, high: 3, eager: func(c *call) any {
			s, old, with := c.str(0), c.str(1), c.str(2)
			if c.err != nil {
				return nil
			}
			if old == "" {
				return c.fail("argument 2, what is replaced, is empty")
			}
			if n := strings.Count(s, old); c.over(c.ev.budget().chargeText(len(s) + n*len(with))) {
				return nil
			}
			return strings.ReplaceAll(s, old, with)
		}},
		{name: "split", low: 2, high: 2, eager: split},
		{name: "join", low: 2, high: 2, eager: func(c *call) any {
			list, with := c.array(0), c.str(1)
			if c.err != nil {
				return nil
			}
			var b strings.Builder
			for i, e := range list {
				switch e.(type) {
				case []any, *object:
					return c.fail("argument 1 is expected to be an array of strings, but its element %d is of type %s", i, typeName(e))
				}
				s, err := c.ev.budget().text(e)
				if c.over(err) || c.over(c.ev.budget().charge(1+(len(s)+len(with))/16)) || b.Len() > c.ev.budget().size {
					break
				}
				if i > 0 {
					b.WriteString(with)
				}
				b.WriteString(s)
			}
			return c.text(b.String())
		}},
		{name: "substring", low: 2, high: 3, eager: func(c *call) any {
			s, from := c.str(0), c.int(1)
			size := int64(units(s))
			length := size - from
			if c.has(2) {
				length = c.int(2)
			}
			if c.err != nil {
				return nil
			}
			if from < 0 || length < 0 || from > size || length > size-from {
				return c.fail("the index (%d) and length (%d) must refer to a location within the string, which has %d characters", from, length, size)
			}
			return c.text(slice(s, int(from), int(from+length)))
		}},
		{name: "startsWith", low: 2, high: 2, eager: func(c *call) any { return strings.HasPrefix(lower(c.str(0)), lower(c.str(1))) }},
		{name: "endsWith", low: 2, high: 2, eager: func(c *call) any { return strings.HasSuffix(lower(c.str(0)), lower(c.str(1))) }},
		{name: "indexOf", low: 2, high: 2, eager: func(c *call) any {
			if a, ok := c.args[0].([]any); ok {
				return place(c, a, false)
			}
			return int64(indexOf(c.str(0), c.str(1), true))
		}},
		{name: "lastIndexOf", low: 2, high: 2, eager: func(c *call) any {
			if a, ok := c.args[0].([]any); ok {
				return place(c, a, true)
			}
			s, part := lower(c.str(0)), lower(c.str(1))
			i := strings.LastIndex(s, part)
			if i < 0 {
				return int64(-1)
			}
			return int64(units(s[:i]))
		}},
		{name: "padLeft", low: 2, high: 3, eager: func(c *call) any {
			switch c.args[0].(type) {
			case string, int64:
			default:
				c.wrong(0, "a String or an Integer")
				return nil
			}
			s, total, pad := c.asText(0), c.int(1), " "
			if c.has(2) {
				if pad = c.str(2); c.err == nil && units(pad) != 1 {
					return c.fail("argument 3, the padding, is one character, not %s", quote(pad))
				}
			}
			missing := total - int64(units(s))
			if c.err != nil || missing <= 0 {
				return s
			}
			if missing > int64(c.ev.budget().size) {
				missing = int64(c.ev.budget().size) + 1
			}
			if c.over(c.ev.budget().chargeText(len(s) + int(missing)*len(pad))) {
				return nil
			}
			return strings.Repeat(pad, int(missing)) + s
		}},
		{name: "base64", low: 1, high: 1, eager: func(c *call) any { return c.text(base64.StdEncoding.EncodeToString([]byte(c.str(0)))) }},
		{name: "base64ToString", low: 1, high: 1, eager: func(c *call) any { return c.text(decodeBase64(c, c.str(0))) }},
		{name: "base64ToJson", low: 1, high: 1, eager: func(c *call) any { return fromJSON(c, decodeBase64(c, c.str(0))) }},
		{name: "json", low: 1, high: 1, eager: func(c *call) any { return fromJSON(c, c.str(0)) }},
		{name: "dataUri", low: 1, high: 1, eager: func(c *call) any {
			return c.text("data:text/plain;charset=utf8;base64," + base64.StdEncoding.EncodeToString([]byte(c.str(0))))
		}},
		{name: "dataUriToString", low: 1, high: 1, eager: func(c *call) any {
			head, body, ok := strings.Cut(c.str(0), ",")
			if c.err == nil && (!ok || len(head) < 5 || !strings.EqualFold(head[:5], "data:")) {
				return c.fail("argument 1 is expected to be a data URI: data:[type][;base64],data")
			}
			if !strings.HasSuffix(strings.ToLower(head), ";base64") {
				return c.text(unescape(body))
			}
			return c.text(decodeBase64(c, body))
		}},
		{name: "uriComponent", low: 1, high: 1, eager: func(c *call) any { return c.text(escape(c.str(0))) }},
		{name: "uriComponentToString", low: 1, high: 1, eager: func(c *call) any { return c.text(unescape(c.str(0))) }},
		{name: "uri", low: 2, high: 2, eager: func(c *call) any {
			s, err := resolve(c.str(0), c.str(1))
			if err != nil {
				return c.fail("%w", err)
			}
			return c.text(s)
		}},
		{name: "uniqueString", low: 1, high: many, eager: func(c *call) any { return uniqueString(strings.Join(c.strings(), "-")) }},
		{name: "guid", low: 1, high: many, eager: func(c *call) any { return guid(strings.Join(c.strings(), "-")) }},
		{name: "newGuid", lazy: func(ev *eval, e *expr) (any, error) {
			if !ev.defaults {
				return nil, errors.New("it is not expected at this location: it can only be used in a parameter's default value")
			}
			if ev.in.scope.NewGUID == nil {
				return nil, errors.New("there are no new GUIDs here")
			}
			return ev.in.scope.NewGUID(), nil
		}},
	}
}

// strings is all arguments, which have to be strings.
func (c *call) strings() []string {
	list := make([]string, len(c.args))
	for i := range c.args {
		list[i] = c.str(i)
	}
	return list
}

func concat(c *call) any {
	if _, ok := c.args[0].([]any); ok {
		n := 0
		for i := range c.args {
			n += len(c.array(i))
		}
		if c.err != nil || !c.elements(n) {
			return nil
		}
		out := make([]any, 0, n)
		for i := range c.args {
			out = append(out, c.array(i)...)
		}
		return out
	}
	n := 0
	for i, a := range c.args {
		switch a := a.(type) {
		case string:
			n += len(a)
		case int64, bool:
			n += 20
		default:
			c.wrong(i, "a String (or all arguments are arrays)")
			return nil
		}
	}
	if c.over(c.ev.budget().chargeText(n)) {
		return nil
	}
	var b strings.Builder
	b.Grow(n)
	for i := range c.args {
		b.WriteString(c.asText(i))
	}
	return b.String()
}

// split cuts at each delimiter, the first of several that fits. An empty one cuts nowhere.
func split(c *call) any {
	s := c.str(0)
	var marks []string
	switch d := c.args[1].(type) {
	case string:
		marks = []string{d}
	case []any:
		for _, e := range d {
			m, ok := e.(string)
			if !ok {
				c.wrong(1, "a String or an array of strings")
				return nil
			}
			marks = append(marks, m)
		}
	default:
		c.wrong(1, "a String or an array of strings")
		return nil
	}
	if c.err != nil || !c.elements(1+len(s)*(1+len(marks))/16) {
		return nil
	}
	out := []any{}
	start := 0
	for i := 0; i < len(s); {
		cut := 0
		for _, m := range marks {
			if m != "" && strings.HasPrefix(s[i:], m) {
				cut = len(m)
				break
			}
		}
		if cut == 0 {
			i++
			continue
		}
		out = append(out, s[start:i])
		i += cut
		start = i
	}
	out = append(out, s[start:])
	if !c.elements(len(out)) {
		return nil
	}
	return out
}

// place is where an array holds a value, -1 for nowhere.
func place(c *call, a []any, last bool) any {
	found := int64(-1)
	for i, e := range a {
		same, err := c.ev.budget().equal(e, c.args[1])
		if c.over(err) {
			return nil
		}
		if same {
			found = int64(i)
			if !last {
				break
			}
		}
	}
	return found
}

func decodeBase64(c *call, s string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		c.fail("argument 1 is not in base64: %s", err)
	}
	return valid(string(b))
}

func fromJSON(c *call, s string) any {
	if c.err != nil || c.over(c.ev.budget().charge(1+len(s)/4)) {
		return nil
	}
	v, err := decode([]byte(s))
	if err != nil {
		return c.fail("the string is not JSON: %s", err)
	}
	return v
}

// escape writes what may not stand in a component of a URI as %XX, as .NET's Uri.EscapeDataString does.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if letter(c) || digit(c) || c == '-' || c == '.' || c == '~' {
			b.WriteByte(c)
			continue
		}
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

func unescape(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if x, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, x[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return valid(string(b))
}

// resolve puts a relative URI on a base one: to the base's end when that ends with a slash, else in place of its last segment; a relative
// one that starts with a slash in place of the whole path.
func resolve(base, relative string) (string, error) {
	scheme, rest, ok := strings.Cut(base, "://")
	if !ok || scheme == "" || rest == "" {
		return "", fmt.Errorf("argument 1 is expected to be an absolute URI, not %s", quote(base))
	}
	if strings.Contains(relative, "://") {
		return relative, nil
	}
	rest, _, _ = strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	if strings.HasPrefix(relative, "/") {
		return scheme + "://" + host + relative, nil
	}
	for {
		i := strings.LastIndex(path, "/")
		path = path[:i+1]
		up, ok := strings.CutPrefix(relative, "../")
		if !ok {
			break
		}
		relative = up
		path = strings.TrimSuffix(path, "/")
	}
	return scheme + "://" + host + "/" + path + strings.TrimPrefix(relative, "./"), nil
}

// uniqueString is 13 characters that follow from a string: a 64-bit hash of its UTF-8 bytes, a variant of MurmurHash, written five bits a
// character in the alphabet a-z2-7, the high bits first. Microsoft documents the length and that the arguments decide alone; the
// algorithm was published by people who read its libraries, and is held here against values that they and Azure gave.
func uniqueString(s string) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	h := murmur([]byte(s))
	out := make([]byte, 13)
	for i := range out {
		out[i] = alphabet[h>>59]
		h <<= 5
	}
	return string(out)
}

// murmur is the hash of uniqueString: two 32-bit lanes over eight bytes at a time.
func murmur(data []byte) uint64 {
	const c1, c2 = 0x239b961b, 0xab0e9789
	word := func(b []byte) uint32 {
		var w uint32
		for i := range min(4, len(b)) {
			w |= uint32(b[i]) << (8 * i)
		}
		return w
	}
	var h1, h2 uint32
	rest := data
	for ; len(rest) >= 8; rest = rest[8:] {
		h1 ^= bits.RotateLeft32(word(rest)*c1, 15) * c2
		h1 = (bits.RotateLeft32(h1, 19)+h2)*5 + 0x561ccd1b
		h2 ^= bits.RotateLeft32(word(rest[4:])*c2, 17) * c1
		h2 = (bits.RotateLeft32(h2, 13)+h1)*5 + 0x0bcaa747
	}
	if len(rest) > 0 {
		h1 ^= bits.RotateLeft32(word(rest)*c1, 15) * c2
	}
	if len(rest) > 4 {
		h2 ^= bits.RotateLeft32(word(rest[4:])*c2, 17) * c1
	}
	mix := func(h uint32) uint32 {
		h = (h ^ h>>16) * 0x85ebca6b
		h = (h ^ h>>13) * 0xc2b2ae35
		return h ^ h>>16
	}
	h1 ^= uint32(len(data))
	h2 ^= uint32(len(data))
	h1 += h2
	h2 += h1
	h1, h2 = mix(h1), mix(h2)
	h1 += h2
	h2 += h1
	return uint64(h2)<<32 | uint64(h1)
}

// guid is a UUID of version 5 (RFC 4122 section 4.3) of a string in the namespace that Azure uses.
func guid(s string) string {
	namespace := []byte{0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd, 0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30}
	sum := sha1.Sum(append(namespace, s...))
	u := sum[:16]
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}
