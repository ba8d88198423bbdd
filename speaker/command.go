package speaker

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"onramp/bgp"
	"onramp/catalog"
)

// Command is a line that was given to a running speaker.
type Command struct{ Text string }

// Answer is what comes of a command: what it asked for, or what was wrong with it. An empty answer says that it was done.
type Answer struct {
	Error     string     `json:"error,omitempty"`
	Routes    []Route    `json:"routes,omitzero"`
	Neighbors []Standing `json:"neighbors,omitzero"`
	Help      []string   `json:"help,omitempty"`
}

// String is the answer for people: a word, or a line for each thing that was asked for, indented.
func (a *Answer) String() string {
	switch {
	case a.Error != "":
		return a.Error
	case a.Routes != nil:
		return lines(len(a.Routes), "route", func(i int) string { return a.Routes[i].String() })
	case a.Neighbors != nil:
		return lines(len(a.Neighbors), "neighbor", func(i int) string { return a.Neighbors[i].String() })
	case a.Help != nil:
		return lines(len(a.Help), "command", func(i int) string { return a.Help[i] })
	}
	return "done"
}

func lines(n int, what string, line func(int) string) string {
	var b strings.Builder
	if b.WriteString(strconv.Itoa(n) + " " + what); n != 1 {
		b.WriteByte('s')
	}
	for i := range n {
		b.WriteString("\n  " + line(i))
	}
	return b.String()
}

// Commands lists what a running speaker understands, each with what it does.
func Commands() []string {
	return []string{
		"show routes [PREFIX]: the routes that were chosen from, the best first",
		"show received NEIGHBOR: what a neighbour announced, before the import policy",
		"show advertised NEIGHBOR: what a neighbour was told",
		"show neighbors: how the sessions stand",
		"announce PREFIX [{ATTRIBUTES}]: originate a prefix; the attributes are those of networks in the file, as in {med: 5, communities: [64512:1]}",
		"withdraw PREFIX: originate it no more",
		"refresh NEIGHBOR [ipv4|ipv6]: ask a neighbour for its routes again (RFC 2918)",
		"stop NEIGHBOR [TEXT]: end a session with a shutdown, with a text for the neighbour's operator (RFC 9003)",
		"start NEIGHBOR: start it again",
		"notify NEIGHBOR CODE SUBCODE [HEX]: end a session with this NOTIFICATION; it starts again by itself",
		"help: this list",
		"exit: end the speaker",
	}
}

// command carries a command out and tells the answer.
func (l *loop) command(c Command) {
	words := strings.Fields(c.Text)
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return
	}
	a, err := l.answer(words, c.Text)
	if err != nil {
		a = Answer{Error: err.Error()}
	}
	l.o.Events(Event{Time: Seconds(l.now()), Kind: Answered, Command: strings.TrimSpace(c.Text), Answer: &a})
}

func (l *loop) answer(words []string, text string) (a Answer, err error) {
	verb := words[0]
	want := func(least, most int, form string) error {
		if n := len(words); n < least || most > 0 && n > most {
			return fmt.Errorf("want: %s", form)
		}
		return nil
	}
	switch verb {
	case "show":
		return l.show(words)
	case "announce":
		if err = want(2, 0, "announce PREFIX [{ATTRIBUTES}]"); err != nil {
			return a, err
		}
		p, err := prefixOf(words[1])
		if err != nil {
			return a, err
		}
		n, err := parseNetwork(words[1], after(text, 2))
		if err != nil {
			return a, err
		}
		l.apply(l.core.Originate(l.now(), p, n.attrs()))
	case "withdraw":
		if err = want(2, 2, "withdraw PREFIX"); err != nil {
			return a, err
		}
		p, err := prefixOf(words[1])
		if err != nil {
			return a, err
		}
		l.apply(l.core.Withdraw(l.now(), p))
	case "refresh", "stop", "start", "notify":
		if err = want(2, 0, verb+" NEIGHBOR ..."); err != nil {
			return a, err
		}
		p, err := l.neighborOf(words[1])
		if err != nil {
			return a, err
		}
		return a, l.session(verb, p, words[2:], text)
	case "help":
		return Answer{Help: Commands()}, nil
	case "exit":
		l.exit = true
	default:
		return a, unknown("command", verb, []string{"show", "announce", "withdraw", "refresh", "stop", "start", "notify", "help", "exit"})
	}
	return a, nil
}

// after is what follows the first n words of a text.
func after(text string, n int) string {
	for range n {
		text = strings.TrimSpace(text)
		i := strings.IndexFunc(text, unicode.IsSpace)
		if i < 0 {
			return ""
		}
		text = text[i:]
	}
	return strings.TrimSpace(text)
}

// session carries out a command about a neighbour's session; rest are the words after its name.
func (l *loop) session(verb string, p *peer, rest []string, text string) error {
	now := l.now()
	switch verb {
	case "start":
		p.stopped = false
		l.watching(p, true)
		l.apply(l.core.Start(now, p.id))
	case "stop":
		message := after(text, 2)
		if len(message) > mostShutdown {
			return fmt.Errorf("the text has %d bytes: want at most %d (RFC 9003 section 2)", len(message), mostShutdown)
		}
		l.stop(p, message)
	case "refresh":
		families := p.cfg.Families
		if len(rest) > 0 {
			var f bgp.Family
			if err := f.UnmarshalText([]byte(rest[0])); err != nil {
				return err
			}
			families = []bgp.Family{f}
		}
		for _, f := range families {
			l.apply(l.core.Refresh(now, p.id, f))
		}
	case "notify":
		n, err := notification(rest)
		if err != nil {
			return err
		}
		l.apply(l.core.Reset(now, p.id, n))
	}
	return nil
}

// mostShutdown is the longest text of a shutdown in bytes (RFC 9003 section 2).
const mostShutdown = 255

// notification reads CODE SUBCODE [HEX].
func notification(words []string) (*bgp.Notification, error) {
	if len(words) < 2 || len(words) > 3 {
		return nil, errors.New("want: notify NEIGHBOR CODE SUBCODE [HEX]")
	}
	code, err1 := strconv.ParseUint(words[0], 10, 8)
	subcode, err2 := strconv.ParseUint(words[1], 10, 8)
	if err1 != nil || err2 != nil {
		return nil, errors.New("code and subcode are numbers from 0 to 255")
	}
	n := &bgp.Notification{Code: uint8(code), Subcode: uint8(subcode)}
	if len(words) == 3 {
		data, err := hex.DecodeString(words[2])
		if err != nil || len(data) > mostData {
			return nil, fmt.Errorf("%q: want at most %d bytes as pairs of hexadecimal digits", words[2], mostData)
		}
		n.Data = data
	}
	return n, nil
}

// mostData is what a NOTIFICATION of 4096 octets has room for (RFC 4271 section 4.5).
const mostData = 4096 - 21

func (l *loop) show(words []string) (a Answer, err error) {
	forms := errors.New("want: show routes [PREFIX], show received NEIGHBOR, show advertised NEIGHBOR or show neighbors")
	if len(words) < 2 || len(words) > 3 {
		return a, forms
	}
	switch what := words[1]; what {
	case "routes":
		var only netip.Prefix
		if len(words) == 3 {
			if only, err = prefixOf(words[2]); err != nil {
				return a, err
			}
		}
		a.Routes = l.routes(only)
	case "received", "advertised":
		if len(words) != 3 {
			return a, forms
		}
		p, err := l.neighborOf(words[2])
		if err != nil {
			return a, err
		}
		if what == "received" {
			a.Routes = l.received(p)
		} else {
			a.Routes = l.advertised(p)
		}
	case "neighbors":
		a.Neighbors = []Standing{}
		for _, p := range l.order {
			a.Neighbors = append(a.Neighbors, l.standing(p))
		}
	default:
		return a, unknown("thing to show", what, []string{"routes", "received", "advertised", "neighbors"})
	}
	return a, nil
}

// neighborOf finds a neighbour by its name or address.
func (l *loop) neighborOf(s string) (*peer, error) {
	if p := l.byName[s]; p != nil {
		return p, nil
	}
	if a, err := netip.ParseAddr(s); err == nil && l.byAddr[a] != nil {
		return l.byAddr[a], nil
	}
	var names []string
	for _, p := range l.order {
		names = append(names, p.cfg.Name)
	}
	return nil, unknown("neighbour", s, names)
}

// mostNamed is how many names an error lists.
const mostNamed = 20

func unknown(what, word string, known []string) error {
	hint := ""
	if near := catalog.Nearest(word, known); near != "" {
		hint = "did you mean " + near + "? "
	}
	return fmt.Errorf("there is no %s %q; %sthere are %s", what, word, hint, strings.Join(slices.Clone(known)[:min(len(known), mostNamed)], ", "))
}
