package sim

import (
	"fmt"
	"net/netip"
	"time"
)

// Inquiry says what one packet asks; zero values are as said.
type Inquiry struct {
	TTL     uint8         // 64
	Payload int           // octets of an echo request, 56
	Wait    time.Duration // for an answer, 2 s
	// Datagram asks as Traceroute does, by a datagram to a port where nobody listens, and not by an echo request.
	Datagram bool
	// Flow chooses among ways of equal cost: packets of one flow take one way.
	Flow uint16
}

// Inquire sends one packet, as Ping and Traceroute do, and lets no time pass: told is called, in the loop, when its answer has come or the
// wait is over. It may be called by whoever visits a Live estate. The errors are those of Ping.
func (s *Sim) Inquire(from Source, to netip.Addr, o Inquiry, told func(Answer)) error {
	if err := from.reaches(to); err != nil {
		return fmt.Errorf("asking: %w", err)
	}
	o.TTL, o.Payload, o.Wait = orElse(o.TTL, mostHops), max(orElse(o.Payload, 56), 4), orElse(o.Wait, 2*time.Second)
	sport, dport := firstEphemeral+o.Flow%manyEphemeral, uint16(33434) // where traceroute begins
	var m *icmp
	payload := 32
	if !o.Datagram {
		sport, dport, payload, m = 1+o.Flow%manyEphemeral, 1+o.Flow%manyEphemeral, o.Payload, &icmp{kind: echoRequest}
	}
	q := s.ask(from, to, o.TTL, payload, false, sport, dport, m)
	seq := s.asked.seq
	end := func() {
		if told == nil {
			return
		}
		a := q.answer
		if q.done {
			a.Loss = Loss{}
		}
		delete(s.asked.open, seq)
		tell := told
		told = nil
		tell(a)
	}
	q.told = end
	if q.done {
		s.At(s.now, end)
	}
	s.At(s.now+o.Wait, end)
	return nil
}
