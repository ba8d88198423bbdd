package intent

import (
	"fmt"
	"math"
	"reflect"

	"github.com/goccy/go-yaml/ast"

	"onramp/catalog"
	"onramp/yamlfile"
)

// Where rules come from that are the file format's own.
const (
	sourceFormat = "docs/intent.md"
	sourceSchema = "onramp schema"
)

// A Finding is a mistake in the file, and its severities.
type Finding = yamlfile.Finding

// The severities of a Finding. An intent with an error is not used; one with warnings is.
const (
	Error   = yamlfile.Error
	Warning = yamlfile.Warning
)

// format is how an intent is read.
func format() *yamlfile.Format {
	return &yamlfile.Format{
		What: "an intent", Empty: "the file holds no intent", Start: "`onramp init` writes one to start from",
		Prefix: "intent", Doc: sourceFormat, Schema: sourceSchema, Nearest: catalog.Nearest,
		Forms: map[string]func(string) (message, fix string){
			"name": func(s string) (string, string) {
				if IsName(s) {
					return "", ""
				}
				return "this is not a name", "start with a lower-case letter and use at most 40 lower-case letters, digits and single hyphens between them"
			},
			"id": func(s string) (string, string) {
				if isID(s) {
					return "", ""
				}
				return "this cannot be an Azure name", "use at most 64 letters, digits, hyphens, dots and underscores, beginning and ending with a letter or digit"
			},
		},
		Types: map[reflect.Type]yamlfile.Words{
			reflect.TypeFor[Mbps]():    {Noun: "a bandwidth", Example: `a bandwidth such as "200 Mbps" or "1 Gbps"`},
			reflect.TypeFor[Latency](): {Noun: "a latency", Example: `a latency such as "20 ms"`},
			reflect.TypeFor[USD]():     {Noun: "an amount of money", Example: `an amount such as "6000 USD"`},
			reflect.TypeFor[Bits]():    {Noun: "a prefix length", Example: `a prefix length such as "/24"`},
			reflect.TypeFor[Place]():   {Noun: "a place", Example: examplePlace},
		},
	}
}

const examplePlace = `a city such as "Montreal, Canada", or {lat: 45.5, lon: -73.57}`

// ReadYAML reads a city's name, to be found in the catalogue later, or coordinates.
func (p *Place) ReadYAML(r *yamlfile.Reader, n, target ast.Node, path string) {
	if s, ok := yamlfile.String(target); ok {
		p.City = s
		if s == "" {
			r.Refuse(n, path, s, "this is no place", "write "+examplePlace, "place")
		}
		return
	}
	var form placeForm
	if !r.ReadMapping(n, target, path, &form, "write "+examplePlace) {
		return
	}
	p.City = form.City
	degrees := func(key string, f *float64, limit float64) float64 {
		q := r.Place(path + "." + key)
		switch {
		case q.Bad || f == nil:
			r.Spoil(path)
			return 0
		case math.Abs(*f) > limit:
			r.Report(q.Mark, Finding{At: path + "." + key, Value: q.Text, Message: "there is no such place on earth",
				Fix: fmt.Sprintf("give degrees from -%v to %v", limit, limit), Rule: "intent-place", Source: sourceSchema})
		}
		return *f
	}
	p.Latitude, p.Longitude = degrees("lat", form.Lat, 90), degrees("lon", form.Lon, 180)
}

const (
	namePattern = `^[a-z]([a-z0-9]|-[a-z0-9]){0,39}$`
	idPattern   = `^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$`
	nameLength  = 40
	idLength    = 64
)

// IsName tells whether s can begin the names of Azure resources and routers alike; it is namePattern and nameLength.
func IsName(s string) bool {
	for i := range len(s) {
		c := s[i]
		lower, digit := 'a' <= c && c <= 'z', '0' <= c && c <= '9'
		hyphen := c == '-' && i > 0 && i < len(s)-1 && s[i-1] != '-'
		if !lower && !(digit && i > 0) && !hyphen {
			return false
		}
	}
	return s != "" && len(s) <= nameLength
}

// isID is idPattern.
func isID(s string) bool {
	for i := range len(s) {
		c := s[i]
		alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		inner := (c == '-' || c == '.' || c == '_') && i > 0 && i < len(s)-1
		if !alphanumeric && !inner {
			return false
		}
	}
	return s != "" && len(s) <= idLength
}
