package intent

import (
	"net/netip"
	"reflect"

	"onramp/schema"
)

// Patterns of the texts in an intent. They accept exactly what the parsers in units.go and unmarshal do; a property test
// compares them.
const (
	numberPattern = `0*[0-9]{1,9}`
	ipv4Pattern   = `((25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\.){3}(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])/(3[0-2]|[12]?[0-9])`
	hexPattern    = `[0-9a-fA-F]{1,4}`
	ipv6Pattern   = `(` +
		`(` + hexPattern + `:){7}` + hexPattern + `|` +
		`(` + hexPattern + `:){1,7}:|` +
		`(` + hexPattern + `:){1,6}:` + hexPattern + `|` +
		`(` + hexPattern + `:){1,5}(:` + hexPattern + `){1,2}|` +
		`(` + hexPattern + `:){1,4}(:` + hexPattern + `){1,3}|` +
		`(` + hexPattern + `:){1,3}(:` + hexPattern + `){1,4}|` +
		`(` + hexPattern + `:){1,2}(:` + hexPattern + `){1,5}|` +
		hexPattern + `:(:` + hexPattern + `){1,6}|` +
		`:((:` + hexPattern + `){1,7}|:)` +
		`)/(12[0-8]|1[01][0-9]|[1-9]?[0-9])`
)

// pattern is the schema of a text that matches it.
func pattern(p, description, example string) string {
	escaped := ""
	for _, r := range p {
		if r == '\\' {
			escaped += `\`
		}
		escaped += string(r)
	}
	return `{"type": "string", "pattern": "` + escaped + `", "description": "` + description + `", "examples": ["` + example + `"]}`
}

// Schema returns the JSON Schema of the intent. What it refuses Parse refuses too, with findings whose source is
// `onramp schema`; what only the whole file can show (names, places, ranges, overlaps) is found by Parse alone.
func Schema() ([]byte, error) {
	prefix := pattern(`^(`+ipv4Pattern+`|`+ipv6Pattern+`)$`, "An IPv4 or IPv6 prefix.", "10.1.0.0/16")
	return schema.Of(Estate{}, schema.Options{
		Title: "Onramp intent", Description: "What an organisation has and what its lines of business need of their private connection to the Microsoft cloud.",
		Forms:   map[string]string{"name": namePattern, "id": idPattern},
		Lengths: map[string]int{"name": nameLength, "id": idLength},
		Types: map[reflect.Type]string{
			reflect.TypeFor[Mbps]():         pattern(`^(`+numberPattern+`(\.0+)? ?Mbps|`+numberPattern+`(\.[0-9]{1,3}0*)? ?Gbps)$`, "A bandwidth.", "200 Mbps"),
			reflect.TypeFor[Latency]():      pattern(`^`+numberPattern+`(\.[0-9]{1,3}0*)? ?ms$`, "A delay.", "20 ms"),
			reflect.TypeFor[USD]():          pattern(`^`+numberPattern+`(\.[0-9]{1,2}0*)? ?USD$`, "An amount of US dollars.", "6000 USD"),
			reflect.TypeFor[Bits]():         pattern(`^/([1-9]|[12][0-9]|3[0-2])$`, "The length of an IPv4 prefix.", "/24"),
			reflect.TypeFor[netip.Prefix](): prefix,
			reflect.TypeFor[Place](): `{"description": "A city of the catalogue, or coordinates in degrees.", "anyOf": [
				{"type": "string", "minLength": 1},
				{"type": "object", "properties": {"city": {"type": "string", "minLength": 1}, "lat": {"type": "number", "minimum": -90, "maximum": 90}, "lon": {"type": "number", "minimum": -180, "maximum": 180}}, "required": ["lat", "lon"], "additionalProperties": false}]}`,
		},
	})
}
