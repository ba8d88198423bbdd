// Package bgp is a BGP speaker without its sockets and its clock: path attributes and communities, routing policies, the
// decision process of RFC 4271 section 9.1, the three RIBs, the messages that routers speak with the error handling of RFC 7606,
// the state machine of a session (RFC 4271 section 8), and Speaker, which puts them together for one router. What decides in a
// Speaker, Multipath and Policy, is also what proofs ask.
//
// It never opens a socket, reads a clock, draws a random number that the caller did not seed, or keeps anything between calls:
// everything is a function of its arguments, and what must be remembered lives in a value that the caller owns (Pool, Session,
// Speaker). It does not resolve next hops either: the caller leaves out candidates that it cannot reach and states the IGP cost
// of the rest.
//
// What comes from an RFC is cited by section. What routers do although no RFC says so (weight, preferring the oldest
// route, a local preference of 100 where none is set) is called a vendor step and is marked as such, in Step.Source too.
// docs/rfcs.md lists the sections that are met and those that are left out.
package bgp
