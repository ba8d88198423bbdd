package bgp

// ExtCommunity is one value of the EXTENDED COMMUNITIES attribute: eight octets, type first (RFC 4360 section 2).
type ExtCommunity uint64
