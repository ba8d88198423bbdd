package bgp

import (
	"bytes"
	"testing"
	"time"
)

// hearing is a speaker whose only neighbour's messages the test writes itself; it sent them all on connection 1.
func hearing(t *testing.T, cfg NeighborConfig, open *Open) (s *Speaker, hear func(...[]byte) []Output) {
	t.Helper()
	s, err := NewSpeaker(SpeakerConfig{AS: 65001, RouterID: ip("10.0.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	cfg.Addr, cfg.LocalAddr, cfg.AS, cfg.Passive, cfg.PolicyOptional = ip("192.0.2.2"), ip("192.0.2.1"), 65002, true, true
	id, err := s.AddNeighbor(0, cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Start(0, id)
	s.Accepted(0, id, 1)
	open.Version, open.AS, open.HoldTime, open.RouterID = 4, 65002, 90, ip("10.0.0.2")
	return s, func(list ...[]byte) []Output { return s.Received(time.Second, 1, bytes.Join(list, nil)) }
}

// notified is the last NOTIFICATION among outputs.
func notified(list []Output) *Notification {
	for _, o := range list {
		if o.Kind == OutSend {
			if t, body, _, _ := NextMessage(o.Bytes); t == NotificationMessage {
				return ParseNotification(body)
			}
		}
	}
	return nil
}

// RFC 6608 section 4: a ROUTE-REFRESH is as unexpected before Established as any other message.
func TestARefreshBeforeTheSessionIsEstablishedIsAnError(t *testing.T) {
	refresh := AppendRefresh(nil, IPv4Unicast(), RefreshRequest)
	for _, c := range []struct {
		name    string
		before  func(*Open) []byte
		subcode uint8
	}{
		{"in OpenSent", func(*Open) []byte { return nil }, FSMInOpenSent},
		{"in OpenConfirm", func(o *Open) []byte { return AppendOpen(nil, o) }, FSMInOpenConfirm},
	} {
		t.Run(c.name, func(t *testing.T) {
			var open Open
			s, hear := hearing(t, NeighborConfig{}, &open)
			got := notified(hear(c.before(&open), refresh))
			if got == nil || got.Code != CodeFSM || got.Subcode != c.subcode || !bytes.Equal(got.Data, []byte{5}) {
				t.Errorf("got %v", got)
			}
			if st, _ := s.Neighbor(0); st.State != Idle {
				t.Errorf("the session is %s", st.State)
			}
		})
	}
}

// RFC 7313 section 4: the routes that came before an ill-timed BoRR are not stale at the End-of-RIB.
func TestABeginOfRefreshBeforeTheEndOfRIBIsIgnored(t *testing.T) {
	open := Open{Capabilities: Capabilities{Families: []Family{IPv4Unicast()}, RouteRefresh: true, EnhancedRefresh: true, FourOctetAS: 65002,
		GracefulRestart: &GracefulRestart{Time: 120, Families: []RestartFamily{{Family: IPv4Unicast()}}}}}
	s, hear := hearing(t, NeighborConfig{RestartTime: 120 * time.Second}, &open)
	attrs := three // AS 64512
	attrs = bytes.Replace(attrs, []byte{0, 0, 0xFC, 0}, []byte{0, 0, 0xFD, 0xEA}, 1)
	body := updateBody(nil, attrs, aPrefix)
	update := append(appendHeader(nil, HeaderLen+len(body), UpdateMessage), body...)
	hear(AppendOpen(nil, &open), AppendKeepalive(nil), update, AppendRefresh(nil, IPv4Unicast(), RefreshBegin), AppendEndOfRIB(nil, IPv4Unicast()))
	if st, _ := s.Neighbor(0); st.State != Established || st.Received != 1 || st.Stale != 0 {
		t.Errorf("%s, %d routes, %d stale", st.State, st.Received, st.Stale)
	}
	hear(AppendRefresh(nil, IPv4Unicast(), RefreshBegin), AppendRefresh(nil, IPv4Unicast(), RefreshEnd))
	if st, _ := s.Neighbor(0); st.Received != 0 {
		t.Errorf("%d routes are left that were not told again", st.Received)
	}
}
