package arm

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is something that the endpoint does wrong on request, so that a client's patience can be tried.
type Fault struct {
	// What is throttle (429), error (500), timeout (no answer: the connection is cut before anything is done), cut (the connection is cut
	// after the write), slow (operations take Delay longer) or fail (operations fail).
	What FaultKind `json:"what"`
	// Operation is the name of the operation that it is about, as in operations.csv; empty is every one that writes.
	Operation string `json:"operation,omitempty"`
	// Every lets it happen at each so-manieth request; 0 and 1 are every one. Times ends it after so often; 0 is never.
	Every int           `json:"every,omitempty"`
	Times int           `json:"times,omitempty"`
	Delay time.Duration `json:"delay,omitempty"`
}

// FaultKind is what goes wrong.
type FaultKind string

// The kinds of fault.
const (
	FaultThrottle FaultKind = "throttle"
	FaultError    FaultKind = "error"
	FaultTimeout  FaultKind = "timeout"
	FaultCut      FaultKind = "cut"
	FaultSlow     FaultKind = "slow"
	FaultFail     FaultKind = "fail"
)

// faults are those that are on.
type faults struct {
	some atomic.Bool // whether there are any: nearly always there are none
	mu   sync.Mutex
	list []*activeFault
}

type activeFault struct {
	Fault
	seen, done int
}

// SetFaults replaces the faults that are on; none turns them off.
func (s *Server) SetFaults(list []Fault) error {
	var active []*activeFault
	for i, f := range list {
		switch f.What {
		case FaultThrottle, FaultError, FaultTimeout, FaultCut, FaultSlow, FaultFail:
		default:
			return fmt.Errorf("fault %d is %q: it is throttle, error, timeout, cut, slow or fail", i+1, f.What)
		}
		if f.Every < 0 || f.Times < 0 || f.Delay < 0 {
			return fmt.Errorf("fault %d has a negative number", i+1)
		}
		active = append(active, &activeFault{Fault: f})
	}
	s.rules.mu.Lock()
	s.rules.list = active
	s.rules.some.Store(len(active) > 0)
	s.rules.mu.Unlock()
	return nil
}

// Faults are those that are on.
func (s *Server) Faults() []Fault {
	s.rules.mu.Lock()
	defer s.rules.mu.Unlock()
	out := make([]Fault, 0, len(s.rules.list))
	for _, f := range s.rules.list {
		out = append(out, f.Fault)
	}
	return out
}

// strikes tells which of some kinds of fault happens to a request now, nil when none does.
func (fs *faults) strikes(x *exchange, kinds ...FaultKind) *Fault {
	if !fs.some.Load() {
		return nil
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, f := range fs.list {
		for _, k := range kinds {
			if f.What != k || f.Operation != "" && f.Operation != x.op.ID || f.Operation == "" && (x.op.Method == http.MethodGet || x.op.Method == http.MethodHead) {
				continue
			}
			if f.Times > 0 && f.done >= f.Times {
				continue
			}
			f.seen++
			if f.Every > 1 && f.seen%f.Every != 0 {
				continue
			}
			f.done++
			return &f.Fault
		}
	}
	return nil
}

// apply refuses a request, or cuts its connection, before anything is done.
func (fs *faults) apply(x *exchange) *Error {
	f := fs.strikes(x, FaultThrottle, FaultError, FaultTimeout)
	if f == nil {
		return nil
	}
	switch f.What {
	case FaultThrottle:
		return throttled(max(1, int(f.Delay/time.Second)))
	case FaultTimeout:
		panic(http.ErrAbortHandler)
	}
	return refuse(http.StatusInternalServerError, "InternalServerError", "The server encountered an internal error. Please retry the request.")
}

func throttled(seconds int) *Error {
	return refuse(http.StatusTooManyRequests, "SubscriptionRequestsThrottled", "Number of requests for the subscription exceeded the limit. Please try again after '%d' seconds after additional tokens are available.", seconds).
		with("Retry-After", strconv.Itoa(seconds))
}

// works is what goes wrong with the operation of a request; a connection that is cut after the write is cut by done.
func (fs *faults) works(x *exchange) works {
	var w works
	if f := fs.strikes(x, FaultSlow); f != nil {
		w.slow = f.Delay
	}
	if f := fs.strikes(x, FaultFail); f != nil {
		w.fail = refuse(http.StatusInternalServerError, "InternalServerError", "An error occurred.")
	}
	return w
}

// after cuts the connection when the write has been made.
func (fs *faults) after(x *exchange) {
	if fs.strikes(x, FaultCut) != nil {
		panic(http.ErrAbortHandler)
	}
}
