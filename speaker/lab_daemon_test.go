//go:build linux

package speaker_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// labDaemon is a router in the laboratory. Its methods ask or tell the running daemon and return what went wrong there, so
// that a test may also wait for a daemon that is just starting.
type labDaemon interface {
	start()                  // and returns when it answers
	restart()                // starts it again after kill, as a restarting speaker does (RFC 4724 section 4.1)
	stop()                   // ends it in order, with NOTIFICATIONs
	kill()                   // ends it at once, without a word to anybody (kill -9)
	name() string            // of its node
	configure(config string) // puts another configuration into the running daemon

	// table holds all routes of a family, "ipv4" or "ipv6"; received and advertised hold those of one session, as far as
	// the daemon tells their attributes.
	table(family string) ([]labRoute, error)
	received(peer netip.Addr) ([]labRoute, error)
	advertised(peer netip.Addr) ([]labRoute, error)
	session(peer netip.Addr) (labSession, error)
	bfd(peer netip.Addr) (labBFD, error)

	refreshIn(peer netip.Addr) error                // asks the neighbour for its routes again (RFC 2918)
	refreshOut(peer netip.Addr) error               // sends its own again
	reset(peer netip.Addr) error                    // Cease, Administrative Reset
	shutdown(peer netip.Addr, message string) error // Cease, Administrative Shutdown (RFC 9003), and stays down
	enable(peer netip.Addr) error                   // undoes shutdown
}

// labNotice is a NOTIFICATION message (RFC 4271 section 4.5).
type labNotice struct {
	Code, Subcode uint8
	Message       string // RFC 9003
}

func (n labNotice) String() string { return fmt.Sprintf("%d/%d %q", n.Code, n.Subcode, n.Message) }

// labSession is what a daemon says of one session.
type labSession struct {
	State           string // Idle, Connect, Active, OpenSent, OpenConfirm, Established
	Ours, Theirs    []string
	Hold, Keepalive time.Duration // as agreed; zero unless established
	Sent, Got       *labNotice    // the last NOTIFICATION each way, from the daemon's log; 6/7 when two connections collided
	Accepted        int           // routes from the neighbour
	Restart         labRestart
	Raw             string // the daemon's own words, for the reader of a failure
}

// labRestart is what a daemon says of graceful restart (RFC 4724, RFC 8538) with a neighbour.
type labRestart struct {
	Time        time.Duration // the neighbour's restart time
	Restarting  bool          // the neighbour's R bit
	Notice      bool          // the neighbour's N bit
	Preserved   []string      // families with the neighbour's F bit
	Helping     bool          // the neighbour is away and its routes are kept
	EndOfRIBGot []string      // families
}

// The capabilities in labSession.Ours and Theirs.
const (
	capMultiprotocol4    = "multiprotocol ipv4"
	capMultiprotocol6    = "multiprotocol ipv6"
	capRefresh           = "route refresh"
	capEnhancedRefresh   = "enhanced refresh"
	capExtendedMessage   = "extended message"
	capAS4               = "4-octet AS"
	capRestart           = "graceful restart"
	capLongLived         = "long-lived graceful restart"
	capAddPath           = "add-path"
	capHostname          = "hostname"
	capRole              = "role"
	bgpEstablished       = "Established"
	bfdUp                = "up"
	establishedWithin    = 30 * time.Second // a second or two on an idle machine
	convergedWithin      = 20 * time.Second
	labDetectMultiplier  = 3
	labRetry             = 1 // second: the shortest that both daemons have
	labDefaultHold       = 9 * time.Second
	labDefaultPreference = 100 // RFC 4271 leaves it open; both daemons take 100
)

// labBFD is what a daemon says of a BFD session.
type labBFD struct {
	State      string        // up, down, init, admin down
	Interval   time.Duration // between the packets it sends
	Detect     time.Duration // RFC 5880 6.8.4
	Diagnostic string        // the local one, if the daemon tells
	Raw        string
}

// waitEstablished waits until the daemon's session with a neighbour is established.
func waitEstablished(t testing.TB, d labDaemon, peers ...netip.Addr) {
	t.Helper()
	for _, peer := range peers {
		waitSession(t, d, peer, establishedWithin, "is established", func(s labSession) bool { return s.State == bgpEstablished })
	}
}

// waitSession waits until ok holds of the daemon's session with a neighbour.
func waitSession(t testing.TB, d labDaemon, peer netip.Addr, within time.Duration, what string, ok func(labSession) bool) labSession {
	t.Helper()
	var s labSession
	eventually(t, within, fmt.Sprintf("%s's session with %s %s", d.name(), peer, what), func() (bool, string) {
		var err error
		if s, err = d.session(peer); err != nil {
			return false, err.Error()
		}
		return ok(s), s.Raw
	})
	return s
}

// waitBFD waits until the daemon's BFD session with a neighbour is in a state.
func waitBFD(t testing.TB, d labDaemon, peer netip.Addr, state string, within time.Duration) labBFD {
	t.Helper()
	var b labBFD
	eventually(t, within, fmt.Sprintf("%s's BFD session with %s is %s", d.name(), peer, state), func() (bool, string) {
		var err error
		if b, err = d.bfd(peer); err != nil {
			return false, err.Error()
		}
		return b.State == state, b.Raw
	})
	return b
}

// waitLearnt waits until the daemon holds exactly the routes want from the neighbours that sent them, and tells the
// differences when it does not come to that. ignore names attributes that may differ.
func waitLearnt(t testing.TB, d labDaemon, family string, want []labRoute, ignore ...string) {
	t.Helper()
	var from []netip.Addr
	for _, r := range want {
		if !slices.Contains(from, r.From) {
			from = append(from, r.From)
		}
	}
	eventually(t, convergedWithin, d.name()+" holds what its neighbours announced", func() (bool, string) {
		all, err := d.table(family)
		if err != nil {
			return false, err.Error()
		}
		diff := diffTables(map[string][]labRoute{"want": want, d.name(): learnt(all, from...)}, ignore...)
		return diff == "", diff
	})
}

// familyOf is the family of an address.
func familyOf(a netip.Addr) string {
	if a.Is4() {
		return "ipv4"
	}
	return "ipv6"
}
