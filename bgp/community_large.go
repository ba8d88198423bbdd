package bgp

// LargeCommunity is one value of the LARGE_COMMUNITY attribute (RFC 8092 section 3).
type LargeCommunity struct{ Global, Local1, Local2 uint32 }
