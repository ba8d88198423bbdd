package bgp

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// A sessionStart is how a case's session got to where it is. The delayed ones have a connection and wait with their OPEN.
type sessionStart struct {
	name   string
	state  State
	events []EventType
	cfg    SessionConfig
}

var (
	fromIdle           = sessionStart{"Idle", Idle, nil, SessionConfig{}}
	fromConnect        = sessionStart{"Connect", Connect, []EventType{ManualStart}, SessionConfig{}}
	fromConnectDelayed = sessionStart{"Connect, OPEN delayed", Connect, []EventType{ManualStart, TCPRequestAcked}, SessionConfig{DelayOpen: 10 * time.Second}}
	fromActive         = sessionStart{"Active", Active, []EventType{ManualStart, TCPRequestAcked, TCPConnectionFails}, SessionConfig{}}
	fromActivePassive  = sessionStart{"Active, passive", Active, []EventType{ManualStartPassive}, SessionConfig{}}
	fromActiveDelayed  = sessionStart{"Active, OPEN delayed", Active, []EventType{ManualStart, TCPRequestAcked, TCPConnectionFails, TCPConnectionConfirmed}, SessionConfig{DelayOpen: 10 * time.Second}}
	fromOpenSent       = sessionStart{"OpenSent", OpenSent, []EventType{ManualStart, TCPRequestAcked}, SessionConfig{}}
	fromOpenConfirm    = sessionStart{"OpenConfirm", OpenConfirm, []EventType{ManualStart, TCPRequestAcked, BGPOpen}, SessionConfig{}}
	fromEstablished    = sessionStart{"Established", Established, []EventType{ManualStart, TCPRequestAcked, BGPOpen, KeepAliveMsg}, SessionConfig{}}
	fromNoHoldTime     = sessionStart{"Established without a hold time", Established, []EventType{ManualStart, TCPRequestAcked, BGPOpen, KeepAliveMsg},
		SessionConfig{HoldTime: -1}}
)

// A sessionCase is one event in one state. It was written from the text of RFC 4271 section 8.2.2, of which the name is a
// paraphrase: the next state, what is done on the way, ConnectRetryCounter after it was 2, the timers that run then.
type sessionCase struct {
	name    string
	from    sessionStart
	event   EventType
	to      State
	does    string
	counter int
	timers  string
	option  string // what is configured or given besides
}

var sessionCases = slices.Concat(idleCases, connectCases, activeCases, openSentCases, openConfirmCases, establishedCases)

// idleCases: "refuses all incoming BGP connections", waits for a start, ignores the rest.
var idleCases = []sessionCase{
	{"a manual start dials and counts from zero", fromIdle, ManualStart, Connect, "dial", 0, "retry", ""},
	{"a manual stop is ignored", fromIdle, ManualStop, Idle, "", 2, "", ""},
	{"an automatic start dials and counts from zero", fromIdle, AutomaticStart, Connect, "dial", 0, "retry", ""},
	{"a passive manual start listens and counts from zero", fromIdle, ManualStartPassive, Active, "", 0, "retry", ""},
	{"a passive automatic start listens and counts from zero", fromIdle, AutomaticStartPassive, Active, "", 0, "retry", ""},
	{"a damped start does not occur without damping", fromIdle, AutomaticStartDamped, Idle, "", 2, "", ""},
	{"a damped start dials and goes on counting", fromIdle, AutomaticStartDamped, Connect, "dial", 2, "retry", "damping"},
	{"a damped passive start does not occur without damping", fromIdle, AutomaticStartDampedPassive, Idle, "", 2, "", ""},
	{"a damped passive start listens and goes on counting", fromIdle, AutomaticStartDampedPassive, Active, "", 2, "retry", "damping"},
	{"an automatic stop is ignored", fromIdle, AutomaticStop, Idle, "", 2, "", ""},
	{"the ConnectRetryTimer changes nothing", fromIdle, ConnectRetryTimerExpires, Idle, "", 2, "", ""},
	{"the HoldTimer changes nothing", fromIdle, HoldTimerExpires, Idle, "", 2, "", ""},
	{"the KeepaliveTimer changes nothing", fromIdle, KeepaliveTimerExpires, Idle, "", 2, "", ""},
	{"the DelayOpenTimer changes nothing", fromIdle, DelayOpenTimerExpires, Idle, "", 2, "", ""},
	{"the IdleHoldTimer does not occur without automatic restart", fromIdle, IdleHoldTimerExpires, Idle, "", 2, "", ""},
	{"the IdleHoldTimer restarts the session, which goes on counting", fromIdle, IdleHoldTimerExpires, Connect, "dial", 2, "retry", "restart"},
	{"the IdleHoldTimer restarts a passive session listening", fromIdle, IdleHoldTimerExpires, Active, "", 2, "retry", "restart passive"},
	{"a connection request changes nothing", fromIdle, TCPConnectionValid, Idle, "", 2, "", ""},
	{"an invalid connection request changes nothing", fromIdle, TCPRequestInvalid, Idle, "", 2, "", ""},
	{"a connection that the session no longer wants is refused", fromIdle, TCPRequestAcked, Idle, "drop", 2, "", ""},
	{"the neighbour's connection is refused", fromIdle, TCPConnectionConfirmed, Idle, "drop", 2, "", ""},
	{"a connection that fails changes nothing", fromIdle, TCPConnectionFails, Idle, "", 2, "", ""},
	{"an OPEN changes nothing", fromIdle, BGPOpen, Idle, "", 2, "", ""},
	{"an OPEN with the own delayed changes nothing", fromIdle, BGPOpenDelayed, Idle, "", 2, "", ""},
	{"a wrong header changes nothing", fromIdle, BGPHeaderErr, Idle, "", 2, "", "early notification"},
	{"a wrong OPEN changes nothing", fromIdle, BGPOpenMsgErr, Idle, "", 2, "", "early notification"},
	{"a collision changes nothing", fromIdle, OpenCollisionDump, Idle, "", 2, "", ""},
	{"a NOTIFICATION of another version changes nothing", fromIdle, NotifMsgVerErr, Idle, "", 2, "", ""},
	{"a NOTIFICATION changes nothing", fromIdle, NotifMsg, Idle, "", 2, "", ""},
	{"a KEEPALIVE changes nothing", fromIdle, KeepAliveMsg, Idle, "", 2, "", ""},
	{"an UPDATE changes nothing", fromIdle, UpdateMsg, Idle, "", 2, "", ""},
	{"a wrong UPDATE changes nothing", fromIdle, UpdateMsgErr, Idle, "", 2, "", ""},
}

// connectCases: "waiting for the TCP connection to be completed".
var connectCases = []sessionCase{
	{"start events are ignored", fromConnect, ManualStart, Connect, "", 2, "retry", ""},
	{"a manual stop drops the attempt and sets the counter to zero", fromConnect, ManualStop, Idle, "cancel dial", 0, "", "restart"},
	{"a manual stop drops the connection, without a NOTIFICATION", fromConnectDelayed, ManualStop, Idle, "drop", 0, "", "early notification restart"},
	{"start events are ignored", fromConnect, AutomaticStart, Connect, "", 2, "retry", ""},
	{"start events are ignored", fromConnect, ManualStartPassive, Connect, "", 2, "retry", ""},
	{"start events are ignored", fromConnect, AutomaticStartPassive, Connect, "", 2, "retry", ""},
	{"start events are ignored", fromConnect, AutomaticStartDamped, Connect, "", 2, "retry", "damping"},
	{"start events are ignored", fromConnect, AutomaticStartDampedPassive, Connect, "", 2, "retry", "damping"},
	{"an automatic stop is any other event: Idle, and it counts", fromConnect, AutomaticStop, Idle, "cancel dial", 3, "", ""},
	{"an automatic stop with the OPEN delayed sends no NOTIFICATION", fromConnectDelayed, AutomaticStop, Idle, "drop", 3, "", "early notification"},
	{"the ConnectRetryTimer drops the attempt and dials anew", fromConnect, ConnectRetryTimerExpires, Connect, "cancel dial, dial", 2, "retry", ""},
	{"the ConnectRetryTimer drops the connection, stops the DelayOpenTimer and dials anew", fromConnectDelayed, ConnectRetryTimerExpires, Connect, "drop, dial", 2, "retry", ""},
	{"the HoldTimer is any other event", fromConnect, HoldTimerExpires, Idle, "cancel dial", 3, "", ""},
	{"the KeepaliveTimer is any other event", fromConnect, KeepaliveTimerExpires, Idle, "cancel dial", 3, "", ""},
	{"the DelayOpenTimer lets the OPEN go", fromConnectDelayed, DelayOpenTimerExpires, OpenSent, "send OPEN", 2, "hold", ""},
	{"the DelayOpenTimer without a connection has nothing to send on", fromConnect, DelayOpenTimerExpires, Connect, "", 2, "retry", ""},
	{"the IdleHoldTimer is any other event", fromConnect, IdleHoldTimerExpires, Idle, "cancel dial", 3, "", ""},
	{"a connection request is processed by its owner", fromConnect, TCPConnectionValid, Connect, "", 2, "retry", ""},
	{"an invalid connection request is rejected by its owner", fromConnect, TCPRequestInvalid, Connect, "", 2, "retry", ""},
	{"the connection succeeds: the OPEN goes", fromConnect, TCPRequestAcked, OpenSent, "send OPEN", 2, "hold", ""},
	{"the connection succeeds: the OPEN is delayed", fromConnect, TCPRequestAcked, Connect, "", 2, "delay", "delay"},
	{"the neighbour's connection succeeds: the OPEN goes, the own attempt is given up", fromConnect, TCPConnectionConfirmed, OpenSent, "cancel dial, send OPEN", 2, "hold", ""},
	{"the neighbour's connection succeeds: the OPEN is delayed", fromConnect, TCPConnectionConfirmed, Connect, "cancel dial", 2, "delay", "delay"},
	{"the connection fails: Idle, and it does not count", fromConnect, TCPConnectionFails, Idle, "", 2, "", ""},
	{"the connection fails: Idle, to be restarted", fromConnect, TCPConnectionFails, Idle, "", 2, "idle hold", "restart"},
	{"the connection fails with the OPEN delayed: the neighbour's is waited for", fromConnectDelayed, TCPConnectionFails, Active, "drop", 2, "retry", ""},
	{"an OPEN is any other event", fromConnect, BGPOpen, Idle, "cancel dial", 3, "", ""},
	{"an OPEN while the own is delayed is answered with OPEN and KEEPALIVE", fromConnectDelayed, BGPOpenDelayed, OpenConfirm, "send OPEN, send KEEPALIVE", 2, "hold, keepalive", ""},
	{"an OPEN while the own is delayed, without a hold time, starts no timer", fromConnectDelayed, BGPOpenDelayed, OpenConfirm, "send OPEN, send KEEPALIVE", 2, "", "no hold time"},
	{"an OPEN while nothing is delayed is any other event", fromConnect, BGPOpenDelayed, Idle, "cancel dial", 3, "", ""},
	{"a wrong header ends it without a NOTIFICATION before the OPEN", fromConnectDelayed, BGPHeaderErr, Idle, "drop", 3, "", ""},
	{"a wrong header is answered before the OPEN on request", fromConnectDelayed, BGPHeaderErr, Idle, "send NOTIFICATION 1/0, drop", 3, "", "early notification"},
	{"a wrong OPEN ends it without a NOTIFICATION before the OPEN", fromConnectDelayed, BGPOpenMsgErr, Idle, "drop", 3, "", ""},
	{"a wrong OPEN is answered before the OPEN on request", fromConnectDelayed, BGPOpenMsgErr, Idle, "send NOTIFICATION 2/2, drop", 3, "", "early notification given 2/2"},
	{"nothing is sent without a connection", fromConnect, BGPOpenMsgErr, Idle, "cancel dial", 3, "", "early notification"},
	{"a collision is any other event", fromConnect, OpenCollisionDump, Idle, "cancel dial", 3, "", ""},
	{"a NOTIFICATION of another version, with the OPEN delayed, does not count", fromConnectDelayed, NotifMsgVerErr, Idle, "drop", 2, "", ""},
	{"a NOTIFICATION of another version counts otherwise", fromConnect, NotifMsgVerErr, Idle, "cancel dial", 3, "", ""},
	{"a NOTIFICATION is any other event", fromConnectDelayed, NotifMsg, Idle, "drop", 3, "", "early notification"},
	{"a KEEPALIVE is any other event", fromConnectDelayed, KeepAliveMsg, Idle, "drop", 3, "", "early notification"},
	{"an UPDATE is any other event", fromConnectDelayed, UpdateMsg, Idle, "drop", 3, "", "early notification"},
	{"a wrong UPDATE is any other event", fromConnectDelayed, UpdateMsgErr, Idle, "drop", 3, "", "early notification"},
}

// activeCases: "trying to acquire a peer by listening for, and accepting, a TCP connection".
var activeCases = []sessionCase{
	{"start events are ignored", fromActive, ManualStart, Active, "", 2, "retry", ""},
	{"a manual stop sets the counter to zero", fromActive, ManualStop, Idle, "", 0, "", "restart"},
	{"a manual stop with the OPEN delayed drops the connection", fromActiveDelayed, ManualStop, Idle, "drop", 0, "", ""},
	{"a manual stop with the OPEN delayed sends a Cease on request", fromActiveDelayed, ManualStop, Idle, "send NOTIFICATION 6/2, drop", 0, "", "early notification"},
	{"start events are ignored", fromActive, AutomaticStart, Active, "", 2, "retry", ""},
	{"start events are ignored", fromActive, ManualStartPassive, Active, "", 2, "retry", ""},
	{"start events are ignored", fromActive, AutomaticStartPassive, Active, "", 2, "retry", ""},
	{"start events are ignored", fromActive, AutomaticStartDamped, Active, "", 2, "retry", "damping"},
	{"start events are ignored", fromActive, AutomaticStartDampedPassive, Active, "", 2, "retry", "damping"},
	{"an automatic stop is any other event: Idle, and it counts", fromActive, AutomaticStop, Idle, "", 3, "", ""},
	{"the ConnectRetryTimer dials", fromActive, ConnectRetryTimerExpires, Connect, "dial", 2, "retry", ""},
	{"the ConnectRetryTimer with the OPEN delayed drops the connection and dials", fromActiveDelayed, ConnectRetryTimerExpires, Connect, "drop, dial", 2, "retry", ""},
	{"the ConnectRetryTimer does not dial where the neighbour has to (section 8.1.1)", fromActivePassive, ConnectRetryTimerExpires, Active, "", 2, "retry", ""},
	{"the HoldTimer is any other event", fromActive, HoldTimerExpires, Idle, "", 3, "", ""},
	{"the KeepaliveTimer is any other event", fromActive, KeepaliveTimerExpires, Idle, "", 3, "", ""},
	{"the DelayOpenTimer lets the OPEN go", fromActiveDelayed, DelayOpenTimerExpires, OpenSent, "send OPEN", 2, "hold", ""},
	{"the DelayOpenTimer without a connection has nothing to send on", fromActive, DelayOpenTimerExpires, Active, "", 2, "retry", ""},
	{"the IdleHoldTimer is any other event", fromActive, IdleHoldTimerExpires, Idle, "", 3, "", ""},
	{"a connection request is processed by its owner", fromActive, TCPConnectionValid, Active, "", 2, "retry", ""},
	{"an invalid connection request is rejected by its owner", fromActive, TCPRequestInvalid, Active, "", 2, "retry", ""},
	{"a connection succeeds: the OPEN goes", fromActive, TCPRequestAcked, OpenSent, "send OPEN", 2, "hold", ""},
	{"a connection succeeds: the OPEN is delayed", fromActive, TCPRequestAcked, Active, "", 2, "delay", "delay"},
	{"the neighbour's connection succeeds: the OPEN goes", fromActivePassive, TCPConnectionConfirmed, OpenSent, "send OPEN", 2, "hold", ""},
	{"the neighbour's connection succeeds: the OPEN is delayed", fromActivePassive, TCPConnectionConfirmed, Active, "", 2, "delay", "delay"},
	{"the connection fails: Idle, and it counts", fromActiveDelayed, TCPConnectionFails, Idle, "drop", 3, "", ""},
	{"a failure without a connection counts as well", fromActive, TCPConnectionFails, Idle, "", 3, "", ""},
	{"an OPEN is any other event", fromActive, BGPOpen, Idle, "", 3, "", ""},
	{"an OPEN while the own is delayed is answered with OPEN and KEEPALIVE", fromActiveDelayed, BGPOpenDelayed, OpenConfirm, "send OPEN, send KEEPALIVE", 2, "hold, keepalive", ""},
	{"an OPEN while the own is delayed, without a hold time, starts no timer", fromActiveDelayed, BGPOpenDelayed, OpenConfirm, "send OPEN, send KEEPALIVE", 2, "", "no hold time"},
	{"an OPEN while nothing is delayed is any other event", fromActive, BGPOpenDelayed, Idle, "", 3, "", ""},
	{"a wrong header ends it without a NOTIFICATION before the OPEN", fromActiveDelayed, BGPHeaderErr, Idle, "drop", 3, "", ""},
	{"a wrong header is answered before the OPEN on request", fromActiveDelayed, BGPHeaderErr, Idle, "send NOTIFICATION 1/2, drop", 3, "", "early notification given 1/2"},
	{"a wrong OPEN ends it without a NOTIFICATION before the OPEN", fromActiveDelayed, BGPOpenMsgErr, Idle, "drop", 3, "", ""},
	{"a wrong OPEN is answered before the OPEN on request", fromActiveDelayed, BGPOpenMsgErr, Idle, "send NOTIFICATION 2/0, drop", 3, "", "early notification"},
	{"a collision is any other event", fromActive, OpenCollisionDump, Idle, "", 3, "", ""},
	{"a collision with the OPEN delayed drops the connection without a NOTIFICATION", fromActiveDelayed, OpenCollisionDump, Idle, "drop", 3, "", "early notification"},
	{"a NOTIFICATION of another version, with the OPEN delayed, does not count", fromActiveDelayed, NotifMsgVerErr, Idle, "drop", 2, "", ""},
	{"a NOTIFICATION of another version counts otherwise", fromActive, NotifMsgVerErr, Idle, "", 3, "", ""},
	{"a NOTIFICATION is any other event", fromActiveDelayed, NotifMsg, Idle, "drop", 3, "", ""},
	{"a KEEPALIVE is any other event", fromActiveDelayed, KeepAliveMsg, Idle, "drop", 3, "", "early notification"},
	{"an UPDATE is any other event", fromActiveDelayed, UpdateMsg, Idle, "drop", 3, "", "early notification"},
	{"a wrong UPDATE is any other event", fromActiveDelayed, UpdateMsgErr, Idle, "drop", 3, "", "early notification"},
}

// openSentCases: "waits for an OPEN message from its peer". Unexpected messages are 5/1 with the message's type (RFC 6608).
var openSentCases = []sessionCase{
	{"start events are ignored", fromOpenSent, ManualStart, OpenSent, "", 2, "hold", ""},
	{"a manual stop sends a Cease and sets the counter to zero", fromOpenSent, ManualStop, Idle, "send NOTIFICATION 6/2, drop", 0, "", "restart"},
	{"start events are ignored", fromOpenSent, AutomaticStart, OpenSent, "", 2, "hold", ""},
	{"start events are ignored", fromOpenSent, ManualStartPassive, OpenSent, "", 2, "hold", ""},
	{"start events are ignored", fromOpenSent, AutomaticStartPassive, OpenSent, "", 2, "hold", ""},
	{"start events are ignored", fromOpenSent, AutomaticStartDamped, OpenSent, "", 2, "hold", "damping"},
	{"start events are ignored", fromOpenSent, AutomaticStartDampedPassive, OpenSent, "", 2, "hold", "damping"},
	{"an automatic stop sends a Cease and counts", fromOpenSent, AutomaticStop, Idle, "send NOTIFICATION 6/0, drop", 3, "", ""},
	{"the ConnectRetryTimer is an error of the state machine", fromOpenSent, ConnectRetryTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"the HoldTimer sends Hold Timer Expired", fromOpenSent, HoldTimerExpires, Idle, "send NOTIFICATION 4/0, drop", 3, "", ""},
	{"the KeepaliveTimer is an error of the state machine", fromOpenSent, KeepaliveTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"the DelayOpenTimer is an error of the state machine", fromOpenSent, DelayOpenTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"the IdleHoldTimer is an error of the state machine", fromOpenSent, IdleHoldTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"a second connection's request is tracked by its owner", fromOpenSent, TCPConnectionValid, OpenSent, "", 2, "hold", ""},
	{"an invalid connection request is ignored", fromOpenSent, TCPRequestInvalid, OpenSent, "", 2, "hold", ""},
	{"a second connection is tracked by its owner", fromOpenSent, TCPRequestAcked, OpenSent, "", 2, "hold", ""},
	{"the neighbour's second connection is tracked by its owner", fromOpenSent, TCPConnectionConfirmed, OpenSent, "", 2, "hold", ""},
	{"the connection fails: the neighbour's is waited for", fromOpenSent, TCPConnectionFails, Active, "drop", 2, "retry", ""},
	{"an OPEN is answered with a KEEPALIVE", fromOpenSent, BGPOpen, OpenConfirm, "send KEEPALIVE", 2, "hold, keepalive", ""},
	{"an OPEN without a hold time starts no timer", fromOpenSent, BGPOpen, OpenConfirm, "send KEEPALIVE", 2, "", "no hold time"},
	{"an OPEN with the own delayed is an error of the state machine", fromOpenSent, BGPOpenDelayed, Idle, "send NOTIFICATION 5/1 data 01, drop", 3, "", ""},
	{"a wrong header sends the header's error", fromOpenSent, BGPHeaderErr, Idle, "send NOTIFICATION 1/0, drop", 3, "", ""},
	{"a wrong OPEN sends the OPEN's error", fromOpenSent, BGPOpenMsgErr, Idle, "send NOTIFICATION 2/6, drop", 3, "", "given 2/6"},
	{"a collision sends a Cease", fromOpenSent, OpenCollisionDump, Idle, "send NOTIFICATION 6/7, drop", 3, "", ""},
	{"a NOTIFICATION of another version does not count", fromOpenSent, NotifMsgVerErr, Idle, "drop", 2, "", ""},
	{"a NOTIFICATION of another version is followed by a restart", fromOpenSent, NotifMsgVerErr, Idle, "drop", 2, "idle hold", "restart"},
	{"a NOTIFICATION is an error of the state machine", fromOpenSent, NotifMsg, Idle, "send NOTIFICATION 5/1 data 03, drop", 3, "", ""},
	{"a KEEPALIVE is an error of the state machine", fromOpenSent, KeepAliveMsg, Idle, "send NOTIFICATION 5/1 data 04, drop", 3, "", ""},
	{"an UPDATE is an error of the state machine", fromOpenSent, UpdateMsg, Idle, "send NOTIFICATION 5/1 data 02, drop", 3, "", ""},
	{"a wrong UPDATE is an error of the state machine", fromOpenSent, UpdateMsgErr, Idle, "send NOTIFICATION 5/1 data 02, drop", 3, "", ""},
}

// openConfirmCases: "waits for a KEEPALIVE or NOTIFICATION message". Unexpected messages are 5/2 (RFC 6608).
var openConfirmCases = []sessionCase{
	{"start events are ignored", fromOpenConfirm, ManualStart, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"a manual stop sends a Cease and sets the counter to zero", fromOpenConfirm, ManualStop, Idle, "send NOTIFICATION 6/3, drop", 0, "", "restart given 6/3"},
	{"start events are ignored", fromOpenConfirm, AutomaticStart, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromOpenConfirm, ManualStartPassive, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromOpenConfirm, AutomaticStartPassive, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromOpenConfirm, AutomaticStartDamped, OpenConfirm, "", 2, "hold, keepalive", "damping"},
	{"start events are ignored", fromOpenConfirm, AutomaticStartDampedPassive, OpenConfirm, "", 2, "hold, keepalive", "damping"},
	{"an automatic stop sends a Cease and counts", fromOpenConfirm, AutomaticStop, Idle, "send NOTIFICATION 6/0, drop", 3, "", ""},
	{"the ConnectRetryTimer is an error of the state machine", fromOpenConfirm, ConnectRetryTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"the HoldTimer sends Hold Timer Expired", fromOpenConfirm, HoldTimerExpires, Idle, "send NOTIFICATION 4/0, drop", 3, "", ""},
	{"the KeepaliveTimer sends a KEEPALIVE", fromOpenConfirm, KeepaliveTimerExpires, OpenConfirm, "send KEEPALIVE", 2, "hold, keepalive", ""},
	{"the DelayOpenTimer is an error of the state machine", fromOpenConfirm, DelayOpenTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"the IdleHoldTimer is an error of the state machine", fromOpenConfirm, IdleHoldTimerExpires, Idle, "send NOTIFICATION 5/0, drop", 3, "", ""},
	{"a second connection's request is tracked by its owner", fromOpenConfirm, TCPConnectionValid, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"an invalid connection request is ignored", fromOpenConfirm, TCPRequestInvalid, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"a second connection is tracked by its owner", fromOpenConfirm, TCPRequestAcked, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"the neighbour's second connection is tracked by its owner", fromOpenConfirm, TCPConnectionConfirmed, OpenConfirm, "", 2, "hold, keepalive", ""},
	{"the connection fails: Idle, and it counts", fromOpenConfirm, TCPConnectionFails, Idle, "drop", 3, "", ""},
	{"a second OPEN on the connection is an unexpected message (RFC 6608 section 4)", fromOpenConfirm, BGPOpen, Idle, "send NOTIFICATION 5/2 data 01, drop", 3, "", ""},
	{"an OPEN with the own delayed is an error of the state machine", fromOpenConfirm, BGPOpenDelayed, Idle, "send NOTIFICATION 5/2 data 01, drop", 3, "", ""},
	{"a wrong header sends the header's error", fromOpenConfirm, BGPHeaderErr, Idle, "send NOTIFICATION 1/3, drop", 3, "", "given 1/3"},
	{"a wrong OPEN sends the OPEN's error", fromOpenConfirm, BGPOpenMsgErr, Idle, "send NOTIFICATION 2/0, drop", 3, "", ""},
	{"a collision sends a Cease", fromOpenConfirm, OpenCollisionDump, Idle, "send NOTIFICATION 6/7, drop", 3, "", ""},
	{"a NOTIFICATION of another version does not count", fromOpenConfirm, NotifMsgVerErr, Idle, "drop", 2, "", ""},
	{"a NOTIFICATION ends it and counts", fromOpenConfirm, NotifMsg, Idle, "drop", 3, "", ""},
	{"a KEEPALIVE establishes the session", fromOpenConfirm, KeepAliveMsg, Established, "", 2, "hold, keepalive", ""},
	{"an UPDATE is an error of the state machine", fromOpenConfirm, UpdateMsg, Idle, "send NOTIFICATION 5/2 data 02, drop", 3, "", ""},
	{"a ROUTE-REFRESH comes as an UPDATE with its own NOTIFICATION", fromOpenConfirm, UpdateMsg, Idle, "send NOTIFICATION 5/2 data 05, drop", 3, "", "given 5/2/5"},
	{"a wrong UPDATE is an error of the state machine", fromOpenConfirm, UpdateMsgErr, Idle, "send NOTIFICATION 5/2 data 02, drop", 3, "", ""},
}

// establishedCases: "can exchange UPDATE, NOTIFICATION, and KEEPALIVE messages". Unexpected messages are 5/3 (RFC 6608).
var establishedCases = []sessionCase{
	{"start events are ignored", fromEstablished, ManualStart, Established, "", 2, "hold, keepalive", ""},
	{"a manual stop sends a Cease, deletes the routes and sets the counter to zero", fromEstablished, ManualStop, Idle, "send NOTIFICATION 6/2, release, drop", 0, "", "restart"},
	{"start events are ignored", fromEstablished, AutomaticStart, Established, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromEstablished, ManualStartPassive, Established, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromEstablished, AutomaticStartPassive, Established, "", 2, "hold, keepalive", ""},
	{"start events are ignored", fromEstablished, AutomaticStartDamped, Established, "", 2, "hold, keepalive", "damping"},
	{"start events are ignored", fromEstablished, AutomaticStartDampedPassive, Established, "", 2, "hold, keepalive", "damping"},
	{"an automatic stop sends a Cease, deletes the routes and counts", fromEstablished, AutomaticStop, Idle, "send NOTIFICATION 6/1, release, drop", 3, "", "given 6/1"},
	{"an automatic stop is followed by a restart", fromEstablished, AutomaticStop, Idle, "send NOTIFICATION 6/0, release, drop", 3, "idle hold", "restart"},
	{"the ConnectRetryTimer is an error of the state machine", fromEstablished, ConnectRetryTimerExpires, Idle, "send NOTIFICATION 5/0, release, drop", 3, "", ""},
	{"the HoldTimer sends Hold Timer Expired and deletes the routes (erratum 2838)", fromEstablished, HoldTimerExpires, Idle, "send NOTIFICATION 4/0, release, drop", 3, "", ""},
	{"the KeepaliveTimer sends a KEEPALIVE", fromEstablished, KeepaliveTimerExpires, Established, "send KEEPALIVE", 2, "hold, keepalive", ""},
	{"the KeepaliveTimer does not run again without a hold time", fromNoHoldTime, KeepaliveTimerExpires, Established, "send KEEPALIVE", 2, "", ""},
	{"the DelayOpenTimer is an error of the state machine", fromEstablished, DelayOpenTimerExpires, Idle, "send NOTIFICATION 5/0, release, drop", 3, "", ""},
	{"the IdleHoldTimer is an error of the state machine", fromEstablished, IdleHoldTimerExpires, Idle, "send NOTIFICATION 5/0, release, drop", 3, "", ""},
	{"a second connection's request is tracked by its owner", fromEstablished, TCPConnectionValid, Established, "", 2, "hold, keepalive", ""},
	{"an invalid connection request is ignored", fromEstablished, TCPRequestInvalid, Established, "", 2, "hold, keepalive", ""},
	{"a second connection is tracked by its owner", fromEstablished, TCPRequestAcked, Established, "", 2, "hold, keepalive", ""},
	{"the neighbour's second connection is tracked by its owner", fromEstablished, TCPConnectionConfirmed, Established, "", 2, "hold, keepalive", ""},
	{"the connection fails: the routes are deleted, and it counts", fromEstablished, TCPConnectionFails, Idle, "release, drop", 3, "", ""},
	{"a second OPEN on the connection is an unexpected message (RFC 6608 section 4)", fromEstablished, BGPOpen, Idle, "send NOTIFICATION 5/3 data 01, release, drop", 3, "", ""},
	{"an OPEN with the own delayed is an error of the state machine", fromEstablished, BGPOpenDelayed, Idle, "send NOTIFICATION 5/3 data 01, release, drop", 3, "", ""},
	{"a wrong header is an error of the state machine", fromEstablished, BGPHeaderErr, Idle, "send NOTIFICATION 5/0, release, drop", 3, "", ""},
	{"a wrong header sends the header's error where its owner knows it (section 6.1)", fromEstablished, BGPHeaderErr, Idle, "send NOTIFICATION 1/2, release, drop", 3, "", "given 1/2"},
	{"a wrong OPEN is an error of the state machine", fromEstablished, BGPOpenMsgErr, Idle, "send NOTIFICATION 5/3 data 01, release, drop", 3, "", ""},
	{"a collision is ignored", fromEstablished, OpenCollisionDump, Established, "", 2, "hold, keepalive", ""},
	{"a collision sends a Cease and deletes the routes on request", fromEstablished, OpenCollisionDump, Idle, "send NOTIFICATION 6/7, release, drop", 3, "", "collision"},
	{"a NOTIFICATION of another version deletes the routes and counts", fromEstablished, NotifMsgVerErr, Idle, "release, drop", 3, "", ""},
	{"a NOTIFICATION deletes the routes and counts", fromEstablished, NotifMsg, Idle, "release, drop", 3, "", ""},
	{"a KEEPALIVE restarts the HoldTimer", fromEstablished, KeepAliveMsg, Established, "", 2, "hold, keepalive", ""},
	{"a KEEPALIVE starts no HoldTimer without a hold time", fromNoHoldTime, KeepAliveMsg, Established, "", 2, "", ""},
	{"an UPDATE restarts the HoldTimer", fromEstablished, UpdateMsg, Established, "", 2, "hold, keepalive", ""},
	{"an UPDATE starts no HoldTimer without a hold time", fromNoHoldTime, UpdateMsg, Established, "", 2, "", ""},
	{"a wrong UPDATE sends the UPDATE's error and deletes the routes", fromEstablished, UpdateMsgErr, Idle, "send NOTIFICATION 3/0, release, drop", 3, "", ""},
}

// sessionOptions applies the words of a case's option to the configuration or the event.
func sessionOptions(t *testing.T, option string, cfg *SessionConfig, ev *Event) {
	t.Helper()
	for option != "" {
		option = strings.TrimSpace(option)
		found := false
		for _, o := range []struct {
			words string
			apply func()
		}{
			{"damping", func() { cfg.Damping = true }},
			{"restart", func() { cfg.AutomaticRestart = true }},
			{"passive", func() { cfg.Passive = true }},
			{"delay", func() { cfg.DelayOpen = 10 * time.Second }},
			{"early notification", func() { cfg.NotificationWithoutOpen = true }},
			{"collision", func() { cfg.CollisionDetectEstablished = true }},
			{"no hold time", func() { ev.HoldTime = 0 }},
			{"given 5/2/5", func() { ev.Notification = &Notification{5, 2, []byte{5}} }},
			{"given 1/2", func() { ev.Notification = &Notification{Code: 1, Subcode: 2} }},
			{"given 1/3", func() { ev.Notification = &Notification{Code: 1, Subcode: 3} }},
			{"given 2/2", func() { ev.Notification = &Notification{Code: 2, Subcode: 2} }},
			{"given 2/6", func() { ev.Notification = &Notification{Code: 2, Subcode: 6} }},
			{"given 6/1", func() { ev.Notification = &Notification{Code: 6, Subcode: 1} }},
			{"given 6/3", func() { ev.Notification = &Notification{Code: 6, Subcode: 3} }},
		} {
			if rest, ok := strings.CutPrefix(option, o.words); ok && !found {
				option, found = rest, true
				o.apply()
			}
		}
		if !found {
			t.Fatalf("no option %q", option)
		}
	}
}

func TestEveryEventInEveryState(t *testing.T) {
	t.Parallel()
	type pair struct {
		state State
		event EventType
	}
	seen := map[pair]bool{}
	for _, c := range sessionCases {
		seen[pair{c.from.state, c.event}] = true
		t.Run(c.from.name+"/"+c.event.String()+"/"+c.name, func(t *testing.T) {
			t.Parallel()
			testSessionCase(t, c)
		})
	}
	for state := Idle; state <= Established; state++ {
		for event := ManualStart; event <= UpdateMsgErr; event++ {
			if !seen[pair{state, event}] {
				t.Errorf("nothing says what %s does in %s", event, state)
			}
		}
	}
}

func testSessionCase(t *testing.T, c sessionCase) {
	t.Helper()
	const hold = 90 * time.Second
	cfg, ev := c.from.cfg, Event{Type: c.event, HoldTime: hold}
	if cfg.HoldTime == 0 {
		cfg.HoldTime = hold
	}
	cfg.IdleHold = 5 * time.Second
	received := c.event == NotifMsg || c.event == NotifMsgVerErr
	if received {
		ev.Notification = &Notification{Code: 6, Subcode: 4}
	}
	sessionOptions(t, c.option, &cfg, &ev)
	s := NewSession(cfg, 1)
	// Options of the configuration that would lead the start elsewhere count from the case's event on.
	s.cfg.DelayOpen = c.from.cfg.DelayOpen
	for _, e := range c.from.events {
		s.Handle(0, Event{Type: e, HoldTime: hold})
	}
	s.cfg.DelayOpen = cfg.DelayOpen
	if s.State() != c.from.state {
		t.Fatalf("starts in %s", s.State())
	}
	s.retries = 2

	var does []string
	var sent *Notification
	actions := s.Handle(time.Second, ev)
	for i, a := range actions {
		if a.Kind == ActSendNotification {
			sent = a.Notification
		}
		if a.Kind != ActState {
			does = append(does, actionWords(a))
			continue
		}
		if i != len(actions)-1 || a.From != c.from.state || a.To != c.to || a.Cause != c.event || a.From == a.To {
			t.Errorf("says %q at %d of %d", actionWords(a), i+1, len(actions))
		}
		want := sent
		if received {
			want = ev.Notification
		}
		if a.Received != received || a.Notification != want {
			t.Errorf("gives %v (received: %v) as the reason", a.Notification, a.Received)
		}
	}
	changed := len(actions) > 0 && actions[len(actions)-1].Kind == ActState
	if s.State() != c.to || changed != (c.from.state != c.to) {
		t.Errorf("state %s, want %s; announced: %v", s.State(), c.to, changed)
	}
	if got := strings.Join(does, ", "); got != c.does {
		t.Errorf("does %q, want %q", got, c.does)
	}
	if s.ConnectRetryCounter() != c.counter {
		t.Errorf("counter %d, want %d", s.ConnectRetryCounter(), c.counter)
	}
	if got := timerWords(s); got != c.timers {
		t.Errorf("timers %q, want %q", got, c.timers)
	}
	if s.DelayOpenRunning() != strings.Contains(c.timers, "delay") {
		t.Errorf("DelayOpenRunning: %v", s.DelayOpenRunning())
	}
}
