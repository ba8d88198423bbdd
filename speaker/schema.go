package speaker

import (
	"net/netip"
	"reflect"

	"onramp/bgp"
	"onramp/schema"
)

// Schema returns the JSON Schema of the file, for an editor that checks it while it is typed.
func Schema() ([]byte, error) {
	return schema.Of(Config{}, schema.Options{
		Title: "Onramp speaker", Description: "What a BGP speaker is, what it announces, and whom it talks to.",
		Forms: map[string]string{"word": `^[!-~]+$`}, Lengths: map[string]int{"word": maxName}, Types: texts(),
	})
}

// EventSchema returns the JSON Schema of an event, which is a line of what `onramp speaker --json` prints.
func EventSchema() ([]byte, error) {
	return schema.Of(Event{}, schema.Options{
		Title: "onramp speaker --json", Description: "A line of what onramp speaker prints for programs.", Types: texts(),
	})
}

// texts are the schemas of types that write their own JSON.
func texts() map[reflect.Type]string {
	text := func(example string) string { return `{"type": "string", "examples": ["` + example + `"]}` }
	return map[reflect.Type]string{
		reflect.TypeFor[Duration]():           `{"type": "string", "pattern": "^([0-9]*\\.?[0-9]+(ns|us|µs|ms|s|m|h))+$", "examples": ["180s"]}`,
		reflect.TypeFor[Seconds]():            `{"type": "number", "minimum": 0}`,
		reflect.TypeFor[netip.Addr]():         text("10.0.0.1"),
		reflect.TypeFor[netip.AddrPort]():     text("10.0.0.1:179"),
		reflect.TypeFor[netip.Prefix]():       text("10.1.0.0/16"),
		reflect.TypeFor[bgp.Community]():      text("64512:100"),
		reflect.TypeFor[bgp.ExtCommunity]():   text("rt:64512:100"),
		reflect.TypeFor[bgp.LargeCommunity](): text("64512:1:2"),
		reflect.TypeFor[bgp.Family]():         `{"type": "string", "enum": ["ipv4", "ipv6"]}`,
		reflect.TypeFor[bgp.Origin]():         `{"type": "string", "enum": ["i", "e", "?", "igp", "egp", "incomplete"]}`,
		reflect.TypeFor[bgp.Verdict]():        `{"type": "string", "enum": ["accept", "reject", "next"]}`,
		reflect.TypeFor[bgp.PeerType]():       `{"type": "string", "enum": ["local", "ebgp", "ibgp"]}`,
	}
}
