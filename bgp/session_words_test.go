package bgp

import (
	"fmt"
	"strings"
	"time"
)

// actionWords says what an action is, a change of state with its reason.
func actionWords(a Action) string {
	switch a.Kind {
	case ActSendNotification:
		return a.Kind.String() + " " + notificationWords(a.Notification)
	case ActState:
		why := a.Cause.String()
		if a.Notification != nil {
			how := "sent"
			if a.Received {
				how = "received"
			}
			why += fmt.Sprintf(", %s %s", how, notificationWords(a.Notification))
		}
		return fmt.Sprintf("%s -> %s (%s)", a.From, a.To, why)
	}
	return a.Kind.String()
}

// notificationWords gives code and subcode, and the data where there is any.
func notificationWords(n *Notification) string {
	if len(n.Data) == 0 {
		return fmt.Sprintf("%d/%d", n.Code, n.Subcode)
	}
	return fmt.Sprintf("%d/%d data %x", n.Code, n.Subcode, n.Data)
}

var timerNames = [sessionTimers]string{"retry", "hold", "keepalive", "delay", "idle hold"}

// timerWords names the timers that run.
func timerWords(s *Session) string {
	var names []string
	for i, name := range timerNames {
		if s.running(ConnectRetryTimerExpires + EventType(i)) {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// establishedSession is a session that has come up at time 0, with the hold times of both ends.
func establishedSession(cfg SessionConfig, neighbour time.Duration) *Session {
	s := NewSession(cfg, 1)
	for _, ev := range []Event{{Type: ManualStart}, {Type: TCPRequestAcked}, {Type: BGPOpen, HoldTime: neighbour}, {Type: KeepAliveMsg}} {
		s.Handle(0, ev)
	}
	return s
}
