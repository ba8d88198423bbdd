package bench

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"onramp/bgp"
	"onramp/speaker"
)

// onramp is `onramp speaker` without its command line: bgp.Speaker on the sockets of package speaker.
type onramp struct {
	commands chan speaker.Command
	events   chan speaker.Event // what matters here: listening, answers and errors
	ended    chan error
}

func serveOnramp(r rig) (server, error) {
	own := bgp.Term{Name: "own", Match: bgp.Match{From: []bgp.PeerType{bgp.Local}}, Action: bgp.Accept}
	markers := bgp.Term{Name: "markers", Match: bgp.Match{CommunitiesAny: []bgp.Community{markerTag}}, Action: bgp.Accept}
	cfg := &speaker.Config{
		AS: deviceAS, RouterID: netip.MustParseAddr("192.0.2.1"), Listen: []netip.AddrPort{r.Listen},
		Policies: []*bgp.Policy{
			{Name: "own", Terms: []bgp.Term{own}, Default: bgp.Reject},
			{Name: "markers", Terms: []bgp.Term{markers}, Default: bgp.Reject},
			{Name: "everything", Default: bgp.Accept},
		},
	}
	for i := range ownPrefixes {
		cfg.Networks = append(cfg.Networks, speaker.Network{Prefix: ownPrefix(i)})
	}
	hold := speaker.Duration(holdTime * 1e9)
	for i, p := range r.peers() {
		n := speaker.Neighbor{Name: p.addr.String(), Address: p.addr, AS: bgp.ASN(p.as), LocalAddress: r.Listen.Addr(), Passive: true,
			HoldTime: &hold, Import: "everything", Export: "own"}
		if i == 0 {
			n.Export = "markers"
		}
		cfg.Neighbors = append(cfg.Neighbors, n)
	}
	o := &onramp{commands: make(chan speaker.Command), events: make(chan speaker.Event, 16), ended: make(chan error, 1)}
	go func() { // ends with the process
		o.ended <- speaker.Run(context.Background(), cfg, speaker.Options{Commands: o.commands, Events: func(e speaker.Event) {
			switch e.Kind {
			case speaker.Listening, speaker.Answered, speaker.UpdateMended:
				o.events <- e
			}
		}})
	}()
	_, err := o.next(speaker.Listening)
	return o, err
}

// next waits for an event of a kind.
func (o *onramp) next(kind string) (speaker.Event, error) {
	select {
	case e := <-o.events:
		if e.Kind != kind {
			return e, fmt.Errorf("%s: %s", e.Kind, e.Reason)
		}
		return e, nil
	case err := <-o.ended:
		return speaker.Event{}, errors.Join(errors.New("the speaker ended"), err)
	}
}

func (o *onramp) routes() (int, error) {
	o.commands <- speaker.Command{Text: "show neighbors"}
	e, err := o.next(speaker.Answered)
	if err != nil {
		return 0, err
	}
	count := ownPrefixes
	for _, n := range e.Answer.Neighbors {
		count += n.Prefixes
	}
	return count, nil
}
