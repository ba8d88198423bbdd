package intent

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Mbps is a bandwidth in megabits (10^6 bits) per second. Its text form is "200 Mbps" or "1.5 Gbps".
type Mbps int

// ParseMbps reads "200 Mbps", "1 Gbps" or "1.5 Gbps"; the value must come out as whole megabits.
func ParseMbps(s string) (Mbps, error) {
	number, unit := splitUnit(s)
	var shift int
	switch unit {
	case "Mbps":
	case "Gbps":
		shift = 3
	default:
		return 0, errors.New(`write a number and Mbps or Gbps, such as "200 Mbps" or "1 Gbps"`)
	}
	n, err := scaled(number, shift)
	if err != nil {
		return 0, fmt.Errorf("%w, such as \"200 Mbps\" or \"1.5 Gbps\"", err)
	}
	return Mbps(n), nil
}

// String prints Gbps from 1 Gbps on, where one decimal suffices.
func (m Mbps) String() string {
	if m >= 1000 && m%100 == 0 {
		return strconv.FormatFloat(float64(m)/1000, 'f', -1, 64) + " Gbps"
	}
	return strconv.Itoa(int(m)) + " Mbps"
}

// MarshalText implements encoding.TextMarshaler.
func (m Mbps) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (m *Mbps) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMbps(string(b))
	return err
}

// Latency is a delay. Wherever an intent names one it is a round trip. Its text form is "9 ms", to the microsecond.
type Latency time.Duration

// ParseLatency reads "9 ms" or "2.5 ms".
func ParseLatency(s string) (Latency, error) {
	number, unit := splitUnit(s)
	if unit != "ms" {
		return 0, errors.New(`write a number and ms, such as "20 ms"`)
	}
	n, err := scaled(number, 3)
	if err != nil {
		return 0, fmt.Errorf("%w, such as \"20 ms\" or \"2.5 ms\"", err)
	}
	return Latency(time.Duration(n) * time.Microsecond), nil
}

// Duration is the delay as a time.Duration.
func (l Latency) Duration() time.Duration { return time.Duration(l) }

// Milliseconds is the delay in milliseconds.
func (l Latency) Milliseconds() float64 { return float64(l) / float64(time.Millisecond) }

// String prints milliseconds, rounded to the microsecond.
func (l Latency) String() string {
	us := time.Duration(l).Round(time.Microsecond).Microseconds()
	return strconv.FormatFloat(float64(us)/1000, 'f', -1, 64) + " ms"
}

// MarshalText implements encoding.TextMarshaler.
func (l Latency) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Latency) UnmarshalText(b []byte) (err error) {
	*l, err = ParseLatency(string(b))
	return err
}

// USD is an amount of US dollars. Its text form is "6000 USD", to the cent.
type USD float64

// ParseUSD reads "6000 USD" or "99.50 USD".
func ParseUSD(s string) (USD, error) {
	number, unit := splitUnit(s)
	if unit != "USD" {
		return 0, errors.New(`write a number and USD, such as "6000 USD"; prices are in US dollars only`)
	}
	n, err := scaled(number, 2)
	if err != nil {
		return 0, fmt.Errorf("%w, such as \"6000 USD\"", err)
	}
	return USD(float64(n) / 100), nil
}

// String prints dollars, with cents where there are any.
func (u USD) String() string {
	cents := math.Round(float64(u) * 100)
	return strconv.FormatFloat(cents/100, 'f', -1, 64) + " USD"
}

// MarshalText implements encoding.TextMarshaler.
func (u USD) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (u *USD) UnmarshalText(b []byte) (err error) {
	*u, err = ParseUSD(string(b))
	return err
}

// Bits is the length of an IPv4 prefix. Its text form is "/24".
type Bits int

// ParseBits reads "/24", from /1 to /32.
func ParseBits(s string) (Bits, error) {
	digits, ok := strings.CutPrefix(s, "/")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 32 || strconv.Itoa(n) != digits {
		return 0, errors.New(`write a slash and an IPv4 prefix length, such as "/24"`)
	}
	return Bits(n), nil
}

// String prints "/24".
func (b Bits) String() string { return "/" + strconv.Itoa(int(b)) }

// MarshalText implements encoding.TextMarshaler.
func (b Bits) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bits) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBits(string(text))
	return err
}

// placeForm is the JSON of a Place. A city in a file stands for its coordinates; written out, both are there, so that whoever
// reads them back needs no catalogue.
type placeForm struct {
	City string   `json:"city,omitempty" jsonschema_description:"Name of the place."`
	Lat  *float64 `json:"lat" jsonschema:"minimum=-90,maximum=90" jsonschema_description:"Degrees north."`
	Lon  *float64 `json:"lon" jsonschema:"minimum=-180,maximum=180" jsonschema_description:"Degrees east."`
}

// String is the city, or the coordinates where there is none.
func (p Place) String() string {
	if p.City != "" {
		return p.City
	}
	deg := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	return "{lat: " + deg(p.Latitude) + ", lon: " + deg(p.Longitude) + "}"
}

// MarshalJSON writes {"city": ..., "lat": ..., "lon": ...}.
func (p Place) MarshalJSON() ([]byte, error) {
	return json.Marshal(placeForm{p.City, &p.Latitude, &p.Longitude})
}

// UnmarshalJSON reads what MarshalJSON writes. A bare city needs a catalogue: Parse reads that.
func (p *Place) UnmarshalJSON(b []byte) error {
	var f placeForm
	if err := json.Unmarshal(b, &f); err != nil {
		return fmt.Errorf("a place is {city, lat, lon}: %w", err)
	}
	if f.Lat == nil || f.Lon == nil {
		return errors.New("a place is {city, lat, lon}: lat or lon is missing")
	}
	*p = Place{f.City, *f.Lat, *f.Lon}
	return nil
}

// splitUnit splits "1.5 Gbps" into "1.5" and "Gbps". At most one space may stand between them.
func splitUnit(s string) (number, unit string) {
	end := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimPrefix(s[end:], " ")
}

// scaled reads a decimal number times 10^shift as an integer, exactly.
func scaled(number string, shift int) (int64, error) {
	whole, fraction, point := strings.Cut(number, ".")
	if whole == "" || point && fraction == "" || strings.Contains(fraction, ".") {
		return 0, errors.New("write a decimal number")
	}
	if len(strings.TrimRight(fraction, "0")) > shift {
		return 0, fmt.Errorf("write at most %d decimals", shift)
	}
	digits := whole + fraction
	if len(fraction) < shift {
		digits += strings.Repeat("0", shift-len(fraction))
	} else {
		digits = digits[:len(whole)+shift]
	}
	if len(strings.TrimLeft(whole, "0")) > 9 {
		return 0, errors.New("write a smaller number")
	}
	n, err := strconv.ParseInt(strings.TrimLeft(digits, "0")+"0", 10, 64) // a zero at the end, so that there is a digit
	return n / 10, err
}
