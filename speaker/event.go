package speaker

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"onramp/bgp"
)

// Event is one thing that happened to a speaker, or its answer to a command. Its JSON form is stable: a key may be added, none is
// renamed or removed. Which keys are there depends on the kind.
type Event struct {
	Time     Seconds `json:"time" jsonschema_description:"Since the speaker started."`
	Kind     string  `json:"kind" enum:"listening|state|notification|route|endOfRib|limit|error|stale|refresh|bfd|refused|answer|stopped"`
	Neighbor string  `json:"neighbor,omitempty" jsonschema_description:"Name of the neighbour."`
	// Address is where connections are accepted (listening), or whose connection was refused (refused).
	Address string `json:"address,omitempty"`
	// From and To are the states of a session (state), or of the BFD session (bfd).
	From   string `json:"from,omitempty"`
	To     string `json:"to,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Notification ended the session (notification).
	Notification *Notification `json:"notification,omitempty"`
	// Prefix has another route now (route): Route, or none.
	Prefix    string `json:"prefix,omitempty"`
	Route     *Route `json:"route,omitempty"`
	Withdrawn bool   `json:"withdrawn,omitempty"`
	Family    string `json:"family,omitempty"`
	// Limit is how many prefixes the neighbour may announce, Prefixes how many it did (limit).
	Limit    int     `json:"limit,omitempty"`
	Prefixes int     `json:"prefixes,omitempty"`
	Command  string  `json:"command,omitempty"`
	Answer   *Answer `json:"answer,omitempty"`
}

// The kinds of event.
const (
	Listening         = "listening"    // connections are accepted at Address
	StateChanged      = "state"        // a session went from From to To, for Reason
	Notified          = "notification" // a NOTIFICATION was sent or received
	RouteChanged      = "route"        // the route in use for Prefix changed
	EndOfRIB          = "endOfRib"     // the neighbour sent all it has of Family
	LimitPassed       = "limit"        // the neighbour announced more than it may
	UpdateMended      = "error"        // an UPDATE was wrong, and mended as RFC 7606 says: Reason
	Stale             = "stale"        // a neighbour's routes are kept stale, or the last stale ones went: Reason
	Refreshed         = "refresh"      // the neighbour asked for Family again
	LinkChanged       = "bfd"          // the BFD session of a neighbour went from From to To
	ConnectionRefused = "refused"      // a connection from Address was closed: Reason
	Answered          = "answer"       // Answer to Command
	Stopped           = "stopped"      // the speaker ended
)

// Seconds is a time since the start, in JSON as seconds to the microsecond.
type Seconds time.Duration

// String gives "12.345678".
func (s Seconds) String() string { return string(s.append(nil)) }

func (s Seconds) append(b []byte) []byte {
	return strconv.AppendFloat(b, time.Duration(s).Seconds(), 'f', 6, 64)
}

// MarshalJSON gives a number.
func (s Seconds) MarshalJSON() ([]byte, error) { return s.append(nil), nil }

// UnmarshalJSON reads a number.
func (s *Seconds) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	*s = Seconds(f * float64(time.Second))
	return err
}

// Notification is a NOTIFICATION message (RFC 4271 section 4.5).
type Notification struct {
	Sent    bool   `json:"sent" jsonschema_description:"The speaker sent it; the neighbour did otherwise."`
	Code    uint8  `json:"code"`
	Subcode uint8  `json:"subcode"`
	Name    string `json:"name" jsonschema_description:"What the codes mean."`
	Text    string `json:"text,omitempty" jsonschema_description:"What the operator says (RFC 9003)."`
	Data    string `json:"data,omitempty" jsonschema_description:"The data in hexadecimal digits."`
}

func newNotification(n *bgp.Notification, sent bool) *Notification {
	v := &Notification{Sent: sent, Code: n.Code, Subcode: n.Subcode, Name: n.Error(), Data: fmt.Sprintf("%x", n.Data)}
	if inner, ok := n.Inner(); ok { // RFC 8538 section 3.1: a Hard Reset says what it is for within
		n = inner
	}
	v.Text, _ = n.Communication()
	return v
}

func (n *Notification) String() string {
	way := "received"
	if n.Sent {
		way = "sent"
	}
	s := fmt.Sprintf("NOTIFICATION %d/%d %s: %s", n.Code, n.Subcode, way, n.Name)
	if n.Text != "" {
		s += fmt.Sprintf(" %q", n.Text)
	}
	return s
}

// String is the event as a line for people; an answer has as many lines as it needs.
func (e *Event) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s ", e.Time)
	if e.Neighbor != "" {
		b.WriteString(e.Neighbor + " ")
	}
	switch e.Kind {
	case Listening:
		b.WriteString("listening at " + e.Address)
	case StateChanged:
		fmt.Fprintf(&b, "%s -> %s", e.From, e.To)
	case Notified:
		b.WriteString(e.Notification.String())
	case RouteChanged:
		if e.Withdrawn {
			b.WriteString("route " + e.Prefix + " withdrawn")
		} else {
			b.WriteString("route " + e.Route.String())
		}
	case EndOfRIB:
		b.WriteString("sent all it has of " + e.Family)
	case LimitPassed:
		fmt.Fprintf(&b, "announced %d prefixes of %s and may announce %d", e.Prefixes, e.Family, e.Limit)
	case UpdateMended:
		b.WriteString("sent an UPDATE with an error")
	case Stale:
		b.WriteString("stale routes")
	case Refreshed:
		b.WriteString("asked for " + e.Family + " again")
	case LinkChanged:
		fmt.Fprintf(&b, "BFD %s -> %s", e.From, e.To)
	case ConnectionRefused:
		b.WriteString("connection from " + e.Address + " refused")
	case Answered:
		b.WriteString(e.Command + ": " + e.Answer.String())
	default:
		b.WriteString(e.Kind)
	}
	if e.Reason != "" {
		b.WriteString(" (" + e.Reason + ")")
	}
	return b.String()
}

// news is the event of an output that needs no doing; ok is false for the outputs that do.
func (l *loop) news(now time.Duration, o *bgp.Output) (e Event, ok bool) {
	e = Event{Time: Seconds(now), Reason: o.Reason}
	if o.Kind != bgp.OutRoute {
		e.Neighbor = l.name(o.Neighbor)
	}
	switch o.Kind {
	case bgp.OutState:
		e.Kind, e.From, e.To = StateChanged, o.From.String(), o.To.String()
	case bgp.OutRoute:
		e.Kind, e.Prefix = RouteChanged, o.Prefix.String()
		e.Route = l.best(o.Prefix)
		e.Withdrawn = e.Route == nil
	case bgp.OutEndOfRIB:
		e.Kind, e.Family = EndOfRIB, o.Family.String()
	case bgp.OutLimit:
		e.Kind, e.Family, e.Prefix = LimitPassed, o.Family.String(), o.Prefix.String()
		if x := o.Exceeded; x != nil {
			e.Limit, e.Prefixes = x.Limit, x.Prefixes
		}
	case bgp.OutError:
		e.Kind = UpdateMended
		if o.Family != (bgp.Family{}) {
			e.Family = o.Family.String()
		}
	case bgp.OutStale:
		e.Kind = Stale
	case bgp.OutRefresh:
		e.Kind, e.Family = Refreshed, o.Family.String()
	default:
		return e, false
	}
	return e, true
}

// prefixOf reads a prefix of a command.
func prefixOf(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil || p != p.Masked() || p.Addr().Is4In6() {
		return p, fmt.Errorf("%q is no prefix such as 10.1.0.0/16", s)
	}
	return p, nil
}
