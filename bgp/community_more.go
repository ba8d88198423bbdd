package bgp

// ExtCommunity is one value of the EXTENDED COMMUNITIES attribute: eight octets, type first (RFC 4360 section 2).
type ExtCommunity uint64

// LargeCommunity is one value of the LARGE_COMMUNITY attribute (RFC 8092 section 3).
type LargeCommunity struct{ Global, Local1, Local2 uint32 }
