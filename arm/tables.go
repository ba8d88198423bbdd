package arm

import "net/netip"

// Tables are what the routers behind the endpoint know now. A live twin fills them from its routers; without one they are what package
// network converges to (Converged). Ids are as Azure writes them. An error that is no *Error is trouble of the endpoint's own.
type Tables interface {
	// ARP is the table of one of a circuit's two paths, primary or secondary, in one of its peerings.
	ARP(circuit, peering, path string) ([]ARPEntry, error)
	// CircuitRoutes are the routes of one path in one peering.
	CircuitRoutes(circuit, peering, path string) ([]CircuitRoute, error)
	// Learned are the routes of a gateway, Advertised what it tells a peer, Peers its sessions.
	Learned(gateway string) ([]GatewayRoute, error)
	Advertised(gateway string, peer netip.Addr) ([]GatewayRoute, error)
	Peers(gateway string) ([]PeerStatus, error)
	// Effective are the routes of a subnet.
	Effective(subnet string) ([]EffectiveRoute, error)
	// Traffic counts what a peering of a circuit carried; peering "" is all of them.
	Traffic(circuit, peering string) (Traffic, error)
	// Linked is how a connection of a gateway with a circuit stands. It is asked for each connection that is shown, so it should be quick.
	Linked(connection string) (LinkState, error)
}

// LinkState is how a connection stands, in Azure's words for connectionStatus.
type LinkState string

// The states of a connection.
const (
	// Linked is a connection one of whose BGP sessions is up.
	Linked LinkState = "Connected"
	// Linking is one whose sessions may come up at any time.
	Linking LinkState = "Connecting"
	// NotLinked is one without sessions, or whose sessions cannot come up as things are.
	NotLinked LinkState = "NotConnected"
)

// ARPEntry is one neighbour of an MSEE.
type ARPEntry struct {
	Age        int    `json:"age"` // minutes
	Interface  string `json:"interface"`
	IPAddress  string `json:"ipAddress"`
	MACAddress string `json:"macAddress"`
}

// CircuitRoute is a route of an MSEE in the table of a peering.
type CircuitRoute struct {
	Network string `json:"network"`
	NextHop string `json:"nextHop"`
	LocPrf  string `json:"locPrf"`
	Weight  int    `json:"weight"`
	Path    string `json:"path"`
}

// GatewayRoute is a route that a gateway has learned, or that it tells.
type GatewayRoute struct {
	LocalAddress string `json:"localAddress"`
	Network      string `json:"network"`
	NextHop      string `json:"nextHop"`
	SourcePeer   string `json:"sourcePeer"`
	Origin       string `json:"origin"` // Network, EBgp, IBgp
	ASPath       string `json:"asPath"` // AS numbers with "-" between them
	Weight       int    `json:"weight"`
}

// PeerStatus is a gateway's BGP session.
type PeerStatus struct {
	LocalAddress      string `json:"localAddress"`
	Neighbor          string `json:"neighbor"`
	ASN               uint32 `json:"asn"`
	State             string `json:"state"` // Unknown, Stopped, Idle, Connecting, Connected
	ConnectedDuration string `json:"connectedDuration"`
	RoutesReceived    int    `json:"routesReceived"`
	MessagesSent      int    `json:"messagesSent"`
	MessagesReceived  int    `json:"messagesReceived"`
}

// EffectiveRoute is a route of a network interface.
type EffectiveRoute struct {
	Name                       string   `json:"name,omitempty"`
	DisableBGPRoutePropagation bool     `json:"disableBgpRoutePropagation"`
	Source                     string   `json:"source"` // Default, User, VirtualNetworkGateway
	State                      string   `json:"state"`  // Active, Invalid
	AddressPrefix              []string `json:"addressPrefix"`
	NextHopIPAddress           []string `json:"nextHopIpAddress"`
	NextHopType                string   `json:"nextHopType"`
}

// Traffic is how many octets went through the primary and the secondary path.
type Traffic struct {
	PrimaryBytesIn    int64 `json:"primarybytesIn"`
	PrimaryBytesOut   int64 `json:"primarybytesOut"`
	SecondaryBytesIn  int64 `json:"secondarybytesIn"`
	SecondaryBytesOut int64 `json:"secondarybytesOut"`
}
