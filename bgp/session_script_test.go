package bgp

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// TestSessionScripts runs testdata/session/*.txt: blocks of commands, a line of dashes, and all that the session did. The
// commands:
//
//	session hold=90s keepalive=0 retry=120s delay=0 large=240s idle=5s seed=1 restart damping passive   a new one, at 0s
//	ManualStop 6/3, BGPOpen hold=90s   any event by its name, with a NOTIFICATION or the neighbour's hold time
//	advance 30s   time passes, timers expire
//	sent          an UPDATE was sent
//	show          what is agreed, counted and due
func TestSessionScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "session", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runSessionScript(t, string(text))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o666); err != nil {
					t.Fatal(err)
				}
			} else if got != string(text) {
				t.Errorf("-update would write:\n%s", got)
			}
		})
	}
}

// runSessionScript gives the script back with the output that its commands have.
func runSessionScript(t *testing.T, text string) string {
	t.Helper()
	r := &sessionScript{t: t}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "----": // what follows, up to an empty line, is the output of before
			r.answering = true
			fmt.Fprintf(&r.script, "----\n%s", r.output.String())
			r.output.Reset()
		case line == "":
			r.answering = false
			r.script.WriteString("\n")
		case !r.answering:
			r.script.WriteString(line + "\n")
			if !strings.HasPrefix(line, "#") {
				r.run(strings.Fields(line))
			}
		}
	}
	if r.output.Len() > 0 {
		t.Fatal("the last block has no line of dashes")
	}
	return r.script.String()
}

type sessionScript struct {
	t              *testing.T
	session        *Session
	now            time.Duration
	script, output strings.Builder
	answering      bool
}

func (r *sessionScript) run(words []string) {
	r.t.Helper()
	switch words[0] {
	case "session":
		r.now = 0
		r.session = r.newSession(words[1:])
	case "advance":
		to := r.now + r.duration(words[1])
		for {
			at, ok := r.session.Deadline()
			if !ok || at > to {
				break
			}
			r.now = at
			r.say(r.session.Tick(at))
		}
		r.now = to
	case "sent":
		r.session.UpdateSent(r.now)
	case "show":
		r.show()
	default:
		r.say(r.session.Handle(r.now, r.event(words)))
	}
}

func (r *sessionScript) say(actions []Action) {
	for _, a := range actions {
		r.line(actionWords(a))
	}
}

func (r *sessionScript) line(text string) { fmt.Fprintf(&r.output, "%-10s %s\n", r.now, text) }

func (r *sessionScript) show() {
	s := r.session
	r.line(fmt.Sprintf("%s, hold time %s, keepalive time %s, counter %d", s.State(), s.HoldTime(), s.KeepaliveTime(), s.ConnectRetryCounter()))
	for i, name := range timerNames {
		if tm := s.timers[i]; tm.running {
			r.line(fmt.Sprintf("  %s timer at %s", name, tm.at))
		}
	}
}

func (r *sessionScript) newSession(words []string) *Session {
	r.t.Helper()
	cfg := SessionConfig{HoldTime: 90 * time.Second, IdleHold: 5 * time.Second}
	var seed uint64 = 1
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "hold":
			cfg.HoldTime = r.duration(value)
		case "keepalive":
			cfg.KeepaliveTime = r.duration(value)
		case "retry":
			cfg.ConnectRetry = r.duration(value)
		case "delay":
			cfg.DelayOpen = r.duration(value)
		case "large":
			cfg.LargeHold = r.duration(value)
		case "idle":
			cfg.IdleHold = r.duration(value)
		case "seed":
			seed = uint64(r.number(value))
		case "restart":
			cfg.AutomaticRestart = true
		case "damping":
			cfg.Damping = true
		case "passive":
			cfg.Passive = true
		default:
			r.t.Fatalf("no setting %q", word)
		}
	}
	return NewSession(cfg, seed)
}

func (r *sessionScript) event(words []string) Event {
	r.t.Helper()
	for e := ManualStart; e <= UpdateMsgErr; e++ {
		if e.String() != words[0] {
			continue
		}
		ev := Event{Type: e}
		for _, word := range words[1:] {
			if hold, ok := strings.CutPrefix(word, "hold="); ok {
				ev.HoldTime = r.duration(hold)
				continue
			}
			code, subcode, _ := strings.Cut(word, "/")
			ev.Notification = &Notification{Code: uint8(r.number(code)), Subcode: uint8(r.number(subcode))}
		}
		return ev
	}
	r.t.Fatalf("no command and no event %q", words[0])
	return Event{}
}

func (r *sessionScript) duration(word string) time.Duration {
	r.t.Helper()
	d, err := time.ParseDuration(word)
	if err != nil {
		r.t.Fatal(err)
	}
	return d
}

func (r *sessionScript) number(word string) int {
	r.t.Helper()
	var n int
	if _, err := fmt.Sscan(word, &n); err != nil {
		r.t.Fatalf("%q: %v", word, err)
	}
	return n
}
