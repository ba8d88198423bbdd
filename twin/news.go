package twin

import (
	"context"
	"time"
)

// Event is something that happened in the network behind the endpoint.
type Event struct {
	// Number counts the events from 1 on.
	Number uint64    `json:"number"`
	At     time.Time `json:"at"`
	// What is session, bfd, limit, error, up, down, restart or config of the routers, network and premises of what they were made of, fault and
	// restored of what somebody lets go wrong.
	What    string `json:"what"`
	Node    string `json:"node,omitempty"`
	Session string `json:"session,omitempty"`
	From    string `json:"from,omitempty"`
	To      string `json:"to,omitempty"`
	Why     string `json:"why,omitempty"`
}

// mostNews is how many events are kept.
const mostNews = 20_000

// news are the last events. It is guarded by the estate's mu.
type news struct {
	list []Event // a ring once it is full
	next uint64  // the number of the next one
	more chan struct{}
}

func newNews() news { return news{next: 1, more: make(chan struct{})} }

func (n *news) add(x Event) {
	x.Number = n.next
	n.next++
	if len(n.list) < mostNews {
		n.list = append(n.list, x)
	} else {
		n.list[(x.Number-1)%mostNews] = x
	}
	close(n.more)
	n.more = make(chan struct{})
}

// after are the events with greater numbers than one, in order; those that are not kept any more are left out.
func (n *news) after(number uint64) []Event {
	first := max(number+1, n.next-uint64(len(n.list)))
	out := []Event{}
	for i := first; i < n.next; i++ {
		out = append(out, n.list[(i-1)%mostNews])
	}
	return out
}

// Events are those after a number, 0 for all that are kept. Where there are none it waits for some, until the context ends.
func (e *estate) Events(ctx context.Context, after uint64) []Event {
	for {
		e.mu.Lock()
		list, more := e.news.after(after), e.news.more
		e.mu.Unlock()
		if len(list) > 0 {
			return list
		}
		select {
		case <-more:
		case <-ctx.Done():
			return list
		}
	}
}
