package rehearse

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"onramp/catalog"
	"onramp/design"
	"onramp/network"
	"onramp/prove"
	"onramp/schema"
	"onramp/yamlfile"
)

// Script is a file of drills that people write: what fails when, and what they expect of it.
type Script struct {
	Drills []ScriptDrill `json:"drills" form:"nonempty" jsonschema_description:"The drills; each begins with an estate in which all is well."`
}

// ScriptDrill is one story of faults, which may overlap.
type ScriptDrill struct {
	Name   string        `json:"name" form:"name" jsonschema_description:"Name of the drill, for --drill."`
	About  string        `json:"about,omitempty" jsonschema_description:"What it is about, for people."`
	Steps  []Step        `json:"steps" form:"nonempty" jsonschema_description:"What happens, each at its time."`
	Lasts  *Duration     `json:"lasts,omitempty" jsonschema_description:"How long the drill goes on at least, from its start; until all is quiet by default."`
	Expect []Expectation `json:"expect,omitempty" jsonschema_description:"What has to be so, beside what the proof says."`

	actions []action
	// networks are those in force, by the steps of the misdeeds that are going on (deedKey).
	networks map[string]*network.Network
}

// Step is a fault, or the end of one. It has exactly one of the keys that name what happens; the others say how.
type Step struct {
	At Duration `json:"at" jsonschema_description:"When, from the start of the drill."`

	Cut                string `json:"cut,omitempty" jsonschema_description:"Out of service: an element such as link:toronto/equinix-toronto/1, or a session."`
	Repair             string `json:"repair,omitempty" jsonschema_description:"All that is wrong with this element, session, gateway or site ends."`
	Drain              string `json:"drain,omitempty" jsonschema_description:"Microsoft works on this edge router and announces its routes with a longer path."`
	Crash              string `json:"crash,omitempty" jsonschema_description:"This router, or instance of a gateway, stops without a word."`
	Impair             string `json:"impair,omitempty" jsonschema_description:"This link or session loses, delays, reorders or duplicates packets."`
	OneWay             string `json:"oneWay,omitempty" jsonschema_description:"On this link or session nothing gets through in one direction."`
	Flap               string `json:"flap,omitempty" jsonschema_description:"This link or session goes up and down."`
	Grey               string `json:"grey,omitempty" jsonschema_description:"This router, or instance of a gateway, keeps its sessions and loses packets of users."`
	Roll               string `json:"roll,omitempty" jsonschema_description:"The instances of this gateway restart one after another."`
	Restart            string `json:"restart,omitempty" jsonschema_description:"This router, or instance of a gateway, restarts."`
	OriginateDefault   string `json:"originateDefault,omitempty" jsonschema_description:"This site announces 0.0.0.0/0 and ::/0 to its circuits."`
	OriginateAggregate string `json:"originateAggregate,omitempty" jsonschema_description:"This site announces a prefix that covers those of others."`
	TooManyPrefixes    string `json:"tooManyPrefixes,omitempty" jsonschema_description:"This site announces more prefixes than its circuits take; when it ends, the sessions that went down are reset."`
	Echo               string `json:"echo,omitempty" jsonschema_description:"The premises tell another circuit what this one told them."`
	WrongFilter        string `json:"wrongFilter,omitempty" jsonschema_description:"The filter of this session, or this route filter, lets through what it should not, or does not what it should."`
	BFDOff             string `json:"bfdOff,omitempty" jsonschema_description:"BFD is switched off on this link or session."`
	Reset              string `json:"reset,omitempty" jsonschema_description:"This session, or every session of this connection of a gateway, is reset; one that passed a limit may come back."`

	For       *Duration `json:"for,omitempty" jsonschema_description:"The fault ends by itself after this time; by default with a repair, or with the drill."`
	How       string    `json:"how,omitempty" enum:"silent|carrier" jsonschema_description:"Of cut: silent (nobody is told, the default) or carrier (the neighbours see the link go down)."`
	Direction string    `json:"direction,omitempty" enum:"to-azure|from-azure|both" jsonschema_description:"Which packets of the link it meets; both by default."`
	From      string    `json:"from,omitempty" jsonschema_description:"Instead of direction: the packets that this router at an end of the link sends."`
	Loss      Share     `json:"loss,omitempty" jsonschema_description:"Part of the packets that is lost."`
	Delay     Duration  `json:"delay,omitempty" jsonschema_description:"What every packet takes longer."`
	Jitter    Duration  `json:"jitter,omitempty" jsonschema_description:"Up to which more, evenly drawn."`
	Reorder   Share     `json:"reorder,omitempty" jsonschema_description:"Part of the packets that come late."`
	Late      Duration  `json:"late,omitempty" jsonschema_description:"By how much those come late."`
	Duplicate Share     `json:"duplicate,omitempty" jsonschema_description:"Part of the packets that come twice."`
	Up        Duration  `json:"up,omitempty" jsonschema_description:"Of flap: how long it is up each time."`
	Down      Duration  `json:"down,omitempty" jsonschema_description:"Of flap and roll: how long it is down each time."`
	Seen      bool      `json:"seen,omitempty" jsonschema_description:"Of flap: both ends see the link go down each time."`
	Pause     Duration  `json:"pause,omitempty" jsonschema_description:"Of roll: between two instances."`
	Graceful  bool      `json:"graceful,omitempty" jsonschema_description:"Of restart: its neighbours keep its routes meanwhile (RFC 4724), and it forwards on."`
	Forwards  bool      `json:"forwards,omitempty" jsonschema_description:"Of restart: only what speaks BGP restarts, and packets are forwarded on."`

	Prefix  netip.Prefix `json:"prefix,omitzero" jsonschema_description:"Of originateAggregate: what it announces, by default the longest that covers every site's prefixes. Of tooManyPrefixes: of which it announces addresses."`
	Count   int          `json:"count,omitempty" jsonschema_description:"Of tooManyPrefixes: how many; by default one more than the limit."`
	To      string       `json:"to,omitempty" jsonschema_description:"Of echo: the circuit that is told."`
	Site    string       `json:"site,omitempty" jsonschema_description:"Of echo: at this site's routers alone."`
	With    string       `json:"with,omitempty" jsonschema_description:"Of wrongFilter: the prefix, or of a route filter the community, that it lets through too."`
	Without string       `json:"without,omitempty" jsonschema_description:"Of wrongFilter: what it does not let through any more."`
	Import  bool         `json:"import,omitempty" jsonschema_description:"Of wrongFilter: it is about what your end of the session takes, not what it announces."`

	fault *fault
}

// Expectation is what has to be so of some flows.
type Expectation struct {
	Flows          string    `json:"flows,omitempty" jsonschema_description:"Flows by name, with * for anything: \"finance: *\"; all of them by default."`
	LineOfBusiness string    `json:"lineOfBusiness,omitempty" jsonschema_description:"The flows of this line of business."`
	At             *Duration `json:"at,omitempty" jsonschema_description:"When fate, through and avoids are looked at, from the start of the drill; when all is quiet after the last step by default."`
	Fate           string    `json:"fate,omitempty" enum:"delivered|part|lost" jsonschema_description:"All packets arrive, some, or none."`
	Through        string    `json:"through,omitempty" jsonschema_description:"Every way, there and back, passes this router, gateway, firewall or subnet."`
	Avoids         string    `json:"avoids,omitempty" jsonschema_description:"No way passes it."`
	Outage         *Duration `json:"outage,omitempty" jsonschema_description:"No outage is longer."`
	Downtime       *Duration `json:"downtime,omitempty" jsonschema_description:"All outages of a flow together are no longer."`
	Lost           *int      `json:"lost,omitempty" jsonschema_description:"No flow loses more packets."`

	flows []int // that it is about
	nodes []string
}

// Duration is a time that is written "180s", "1m30s" or "300 ms".
type Duration time.Duration

// MarshalText gives what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads a number with its unit.
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.ReplaceAll(string(text), " ", "")
	v, err := time.ParseDuration(s)
	switch {
	case strings.HasPrefix(s, "+") || strings.HasPrefix(s, "-"):
		return errors.New(`write a time without a sign, such as "30s"`)
	case err != nil:
		return errors.New(`write a number and its unit (ms, s, m, h), such as "30s" or "300ms"`)
	case v > longestScript:
		return errors.New("write at most " + longestScript.String())
	}
	*d = Duration(v)
	return nil
}

// longestScript is how long a drill of a script may be.
const longestScript = 6 * time.Hour

// Share is a part of all packets, from 0 to 1, that is written "2%".
type Share float64

// MarshalText gives what UnmarshalText reads.
func (p Share) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(p)*100, 'g', -1, 64) + "%"), nil
}

// UnmarshalText reads a percentage.
func (p *Share) UnmarshalText(text []byte) error {
	s, percent := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if !percent || err != nil || !(v >= 0 && v <= 100) || strings.ContainsAny(s, "_xXpP+-") {
		return errors.New(`write a percentage from 0% to 100%, such as "2%"`)
	}
	*p = Share(v / 100)
	return nil
}

// Where rules come from that are the file format's own.
const (
	sourceScript       = "docs/rehearse.md"
	sourceScriptSchema = "onramp schema script"
)

const (
	scriptName     = `^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`
	mostScriptName = 64
)

func scriptFormat() *yamlfile.Format {
	return &yamlfile.Format{
		What: "a script of drills", Empty: "the file holds no drills", Start: sourceScript + " shows one to start from",
		Prefix: "script", Doc: sourceScript, Schema: sourceScriptSchema, Nearest: catalog.Nearest,
		Forms: map[string]func(string) (message, fix string){"name": func(s string) (string, string) {
			letter := func(c rune) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }
			if s != "" && len(s) <= mostScriptName && !strings.ContainsFunc(s, func(c rune) bool { return !letter(c) && c != '-' }) && letter(rune(s[0])) && letter(rune(s[len(s)-1])) {
				return "", ""
			}
			return "this is not a name", "use at most 64 of a-z, 0-9 and -, a letter or digit first and last"
		}},
		Types: map[reflect.Type]yamlfile.Words{
			reflect.TypeFor[Duration](): {Noun: "a time", Example: `a time such as "30s"`},
			reflect.TypeFor[Share]():    {Noun: "a percentage", Example: `a percentage such as "2%"`},
		},
	}
}

// ScriptSchema returns the JSON Schema of a script, for an editor that checks it while it is typed.
func ScriptSchema() ([]byte, error) {
	return schema.Of(Script{}, schema.Options{
		Title: "Onramp script of drills", Description: "What fails when, and what is expected of it.",
		Forms: map[string]string{"name": scriptName}, Lengths: map[string]int{"name": mostScriptName},
		Types: map[reflect.Type]string{
			reflect.TypeFor[Duration]():     `{"type": "string", "pattern": "^([0-9]*\\.?[0-9]+ ?(ns|us|µs|ms|s|m|h) ?)+$", "examples": ["30s"]}`,
			reflect.TypeFor[netip.Prefix](): `{"type": "string", "examples": ["10.0.0.0/8"]}`,
			reflect.TypeFor[Share]():        `{"type": "string", "pattern": "^[0-9]*\\.?[0-9]+ ?%$", "examples": ["2%"]}`,
		},
	})
}

// ParseScript reads a script for a design whose network was built from its resources and premises. file is the name that findings carry. It returns all findings in the
// order of the file; the script is nil if one of them is an error.
func ParseScript(file string, src []byte, d *design.Design, n *network.Network, c *catalog.Catalog) (*Script, []yamlfile.Finding) {
	var s Script
	findings := yamlfile.Read(scriptFormat(), file, src, &s, func(r *yamlfile.Reader) {
		(&scriptChecker{r: r, s: &s, d: d, n: n, c: c, wiring: n.Wiring(), flows: prove.Flows(d, n, c)}).check()
	})
	if slices.ContainsFunc(findings, func(f yamlfile.Finding) bool { return f.Severity == yamlfile.Error }) {
		return nil, findings
	}
	return &s, findings
}
