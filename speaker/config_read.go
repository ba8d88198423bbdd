package speaker

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"

	"onramp/bgp"
	"onramp/catalog"
	"onramp/yamlfile"
)

// Where rules come from that are the file format's own.
const (
	sourceFormat = "docs/speaker.md"
	sourceSchema = "onramp schema speaker"
)

// format is how a speaker's file is read.
func format() *yamlfile.Format {
	return &yamlfile.Format{
		What: "a speaker's file", Empty: "the file holds no speaker", Start: sourceFormat + " shows one to start from",
		Prefix: "speaker", Doc: sourceFormat, Schema: sourceSchema, Nearest: catalog.Nearest,
		Forms: map[string]func(string) (message, fix string){"word": func(s string) (string, string) {
			if s != "" && len(s) <= maxName && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				return "", ""
			}
			return "this is not a name", "use at most 64 characters of ASCII without blanks, so that commands can name the neighbour"
		}},
		Types: map[reflect.Type]yamlfile.Words{
			reflect.TypeFor[Duration]():           {Noun: "a duration", Example: `a duration such as "180s"`},
			reflect.TypeFor[netip.Addr]():         {Noun: "an address", Example: `an address such as "10.0.0.1" or "fd00::1"`},
			reflect.TypeFor[netip.AddrPort]():     {Noun: "an address with a port", Example: `an address and a port such as "10.0.0.1:179" or "[fd00::1]:179"`},
			reflect.TypeFor[bgp.Origin]():         {Noun: "an origin", Example: "igp, egp or incomplete"},
			reflect.TypeFor[bgp.Family]():         {Noun: "an address family", Example: "ipv4 or ipv6"},
			reflect.TypeFor[bgp.Verdict]():        {Noun: "a verdict", Example: "accept, reject or next"},
			reflect.TypeFor[bgp.PeerType]():       {Noun: "a kind of peer", Example: "local, ebgp or ibgp"},
			reflect.TypeFor[bgp.Community]():      {Noun: "a community", Example: `a community such as "64512:100" or no-export`},
			reflect.TypeFor[bgp.ExtCommunity]():   {Noun: "an extended community", Example: `an extended community such as "rt:64512:100"`},
			reflect.TypeFor[bgp.LargeCommunity](): {Noun: "a large community", Example: `a large community such as "64512:1:2"`},
		},
	}
}

const maxName = 64

// ParseConfig reads a speaker's file. file is the name that findings carry. It returns the configuration with what the file leaves
// out filled in, and all findings in the order of the file; the configuration is nil if one of them is an error.
func ParseConfig(file string, src []byte) (*Config, []yamlfile.Finding) {
	var c Config
	findings := yamlfile.Read(format(), file, src, &c, func(r *yamlfile.Reader) { (&checker{r, &c}).check() })
	if slices.ContainsFunc(findings, func(f yamlfile.Finding) bool { return f.Severity == yamlfile.Error }) {
		return nil, findings
	}
	return &c, findings
}

// parseNetwork reads a prefix and its attributes as a command has them: "10.0.0.0/8" and "{med: 5}".
func parseNetwork(prefix, attributes string) (Network, error) {
	var n Network
	text, ok := strings.CutPrefix(strings.TrimSpace(attributes), "{")
	switch {
	case ok && strings.TrimSpace(text) != "}":
		text = "{prefix: \"" + prefix + "\", " + text
	case ok || text == "":
		text = "{prefix: \"" + prefix + "\"}"
	}
	findings := yamlfile.Read(format(), "announce", []byte(text), &n, func(r *yamlfile.Reader) { (&checker{r: r}).network("", &n) })
	for _, f := range findings {
		return n, f
	}
	return n, nil
}
