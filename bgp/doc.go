// Package bgp decides which path a BGP speaker prefers and what it passes on: path attributes and communities, routing
// policies, the decision process of RFC 4271 section 9.1, the three RIBs, and the rules that a session applies to what
// it imports and exports. It reads and writes the messages that routers speak: wire_frame.go finds one in a stream,
// wire_open.go, wire_update.go and notification.go take it apart, with the error handling of RFC 7606.
//
// It never opens a socket, reads a clock, draws a random number or keeps anything between calls: everything is a function
// of its arguments, and what must be remembered lives in a value that the caller owns (Pool, AdjRIBIn, LocRIB,
// AdjRIBOut). It does not resolve next hops either: the caller leaves out candidates that it cannot reach and states the
// IGP cost of the rest.
//
// What comes from an RFC is cited by section. What routers do although no RFC says so (weight, preferring the oldest
// route, a local preference of 100 where none is set) is called a vendor step and is marked as such, in Step.Source too.
// docs/rfcs.md lists the sections that are met and those that are left out.
package bgp
