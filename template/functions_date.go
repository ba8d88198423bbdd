package template

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// dateFunctions work on points in time. What they give without a format is assumed to be 2023-04-05T06:07:08Z, as Azure's newer examples
// show; its older ones show other forms.
func dateFunctions() []function {
	const usual = "yyyy-MM-ddTHH:mm:ssZ"
	return []function{
		{name: "utcNow", high: 1, lazy: func(ev *eval, e *expr) (any, error) {
			if !ev.defaults {
				return nil, errors.New("it is not expected at this location: it can only be used in a parameter's default value")
			}
			format := "yyyyMMddTHHmmssZ"
			if len(e.args) == 1 {
				v, err := ev.expr(e.args[0])
				if err != nil {
					return nil, err
				}
				s, ok := v.(string)
				if !ok {
					return nil, fmt.Errorf("argument 1 is expected to be a String, but is of type %s", typeName(v))
				}
				format = s
			}
			return formatTime(ev.in.scope.Time.UTC(), format)
		}},
		{name: "dateTimeAdd", low: 2, high: 3, eager: func(c *call) any {
			base, err := parseTime(c.str(0))
			if err != nil {
				return c.fail("argument 1: %w", err)
			}
			d, err := parseDuration(c.str(1))
			if err != nil {
				return c.fail("argument 2: %w", err)
			}
			format := usual
			if c.has(2) {
				format = c.str(2)
			}
			sum := base.Add(d)
			if c.err == nil && (sum.Year() < 1 || sum.Year() > 9999) {
				return c.fail("the sum is out of the range of dates, the years 1 to 9999")
			}
			return c.time(sum, format)
		}},
		{name: "dateTimeFromEpoch", low: 1, high: 1, eager: func(c *call) any {
			n := c.int(0)
			if n < -62135596800 || n > 253402300799 {
				return c.fail("argument 1 (%d) is out of the range of dates, the years 1 to 9999", n)
			}
			return c.time(time.Unix(n, 0).UTC(), usual)
		}},
		{name: "dateTimeToEpoch", low: 1, high: 1, eager: func(c *call) any {
			t, err := parseTime(c.str(0))
			if err != nil {
				return c.fail("argument 1: %w", err)
			}
			return t.Unix()
		}},
	}
}

func (c *call) time(t time.Time, format string) any {
	if c.err != nil {
		return nil
	}
	s, err := formatTime(t, format)
	if err != nil {
		return c.fail("%w", err)
	}
	return c.text(s)
}

// parseTime reads a date and time of ISO 8601, also with a space for the T, without seconds' fractions, time or zone (then it is UTC).
func parseTime(s string) (time.Time, error) {
	for _, layout := range []string{
		"2006-01-02T15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02T15:04:05.999999999",
		"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02", "20060102T150405Z", "20060102T150405",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s is no date and time of ISO 8601, such as '2023-04-05T06:07:08Z'", quote(s))
}

// parseDuration reads a duration of ISO 8601, in which, as Azure documents, a year is 365 days and a month 30.
func parseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%s is no duration of ISO 8601, such as 'P3Y', '-P9D' or 'PT1H30M'", quote(s))
	rest, negative := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	if !ok || rest == "" {
		return 0, wrong
	}
	const day = 24 * time.Hour
	clock := false
	total := 0.0
	for rest != "" {
		if rest[0] == 'T' {
			if clock || len(rest) == 1 {
				return 0, wrong
			}
			clock, rest = true, rest[1:]
			continue
		}
		i := 0
		for i < len(rest) && (digit(rest[i]) || rest[i] == '.') {
			i++
		}
		if i == 0 || i == len(rest) {
			return 0, wrong
		}
		n, err := strconv.ParseFloat(rest[:i], 64)
		if err != nil {
			return 0, wrong
		}
		unit, ok := map[string]time.Duration{
			"Y": 365 * day, "M": 30 * day, "W": 7 * day, "D": day, "TH": time.Hour, "TM": time.Minute, "TS": time.Second,
		}[map[bool]string{true: "T"}[clock]+rest[i:i+1]]
		if !ok {
			return 0, wrong
		}
		total += n * float64(unit)
		rest = rest[i+1:]
	}
	if total > 9e18 {
		return 0, fmt.Errorf("%s is too long: at most 285 years", quote(s))
	}
	if negative {
		total = -total
	}
	return time.Duration(total), nil
}

// formatTime writes a time of UTC in a format of .NET: one of its standard letters, or a custom format.
func formatTime(t time.Time, format string) (string, error) {
	if len(format) == 1 {
		custom, ok := map[string]string{
			"d": "MM/dd/yyyy", "D": "dddd, dd MMMM yyyy", "f": "dddd, dd MMMM yyyy HH:mm", "F": "dddd, dd MMMM yyyy HH:mm:ss",
			"g": "MM/dd/yyyy HH:mm", "G": "MM/dd/yyyy HH:mm:ss", "m": "MMMM dd", "M": "MMMM dd", "y": "yyyy MMMM", "Y": "yyyy MMMM",
			"t": "HH:mm", "T": "HH:mm:ss", "s": "yyyy'-'MM'-'dd'T'HH':'mm':'ss", "u": "yyyy'-'MM'-'dd HH':'mm':'ss'Z'",
			"o": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff'Z'", "O": "yyyy'-'MM'-'dd'T'HH':'mm':'ss'.'fffffff'Z'",
			"r": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'", "R": "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
		}[format]
		if !ok {
			return "", fmt.Errorf("%s is no standard format of a date", quote(format))
		}
		format = custom
	}
	var b strings.Builder
	for i := 0; i < len(format); {
		c := format[i]
		n := 1
		for i+n < len(format) && format[i+n] == c {
			n++
		}
		switch c {
		case '\'', '"':
			end := strings.IndexByte(format[i+1:], c)
			if end < 0 {
				return "", fmt.Errorf("the quote in the format of a date %s is not closed", quote(format))
			}
			b.WriteString(format[i+1 : i+1+end])
			i += end + 2
			continue
		case '\\', '%':
			if i+1 >= len(format) {
				return "", fmt.Errorf("the format of a date %s ends with %q", quote(format), c)
			}
			if c == '\\' {
				b.WriteByte(format[i+1])
				i++
			}
			i++
			continue
		case 'y':
			if n <= 2 {
				fmt.Fprintf(&b, "%0*d", n, t.Year()%100)
			} else {
				fmt.Fprintf(&b, "%0*d", n, t.Year())
			}
		case 'M':
			b.WriteString(named(n, int(t.Month()), t.Month().String()))
		case 'd':
			b.WriteString(named(n, t.Day(), t.Weekday().String()))
		case 'H':
			b.WriteString(padded(n, t.Hour()))
		case 'h':
			b.WriteString(padded(n, (t.Hour()+11)%12+1))
		case 'm':
			b.WriteString(padded(n, t.Minute()))
		case 's':
			b.WriteString(padded(n, t.Second()))
		case 'f', 'F':
			if n > 7 {
				return "", fmt.Errorf("the format of a date %s has more than seven digits of a fraction", quote(format))
			}
			s := fmt.Sprintf("%09d", t.Nanosecond())[:n]
			if c == 'F' {
				s = strings.TrimRight(s, "0")
			}
			b.WriteString(s)
		case 't':
			half := "AM"
			if t.Hour() >= 12 {
				half = "PM"
			}
			b.WriteString(half[:min(n, 2)])
		case 'K':
			b.WriteString(strings.Repeat("Z", n))
		case 'z':
			b.WriteString([]string{"+0", "+00", "+00:00"}[min(n, 3)-1])
		default:
			b.WriteString(format[i : i+n])
		}
		i += n
	}
	return b.String(), nil
}

// padded is a number with one digit at least, or two.
func padded(n, v int) string { return fmt.Sprintf("%0*d", min(n, 2), v) }

// named is a number, the short name, or the whole.
func named(n, v int, name string) string {
	switch {
	case n <= 2:
		return padded(n, v)
	case n == 3:
		return name[:3]
	}
	return name
}
