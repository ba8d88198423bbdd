package speaker

import (
	"errors"
	"strings"
	"time"
)

// Duration is a time.Duration that is written "180s", "1m30s" or "300ms".
type Duration time.Duration

// longest is more than any timer needs, and far from where sums of times would overflow.
const longest = 365 * 24 * time.Hour

// MarshalText gives what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a number with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	v, err := time.ParseDuration(s)
	switch {
	case strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-"):
		return errors.New(`write a duration without a sign, such as "180s"`)
	case err != nil || s == "0":
		return errors.New(`write a number and its unit (ms, s, m, h), such as "180s" or "300ms"`)
	case v > longest:
		return errors.New("write at most a year, 8760h")
	}
	*d = Duration(v)
	return nil
}
