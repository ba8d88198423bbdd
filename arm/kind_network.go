package arm

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"onramp/azure"
)

// fillPlain is for resources of which the service adds nothing but an identity.
func fillPlain(c *change) *Error {
	props := inner(c.body, "properties")
	if slices.Contains(c.kind.owned, "resourceGuid") && props["resourceGuid"] == nil {
		props["resourceGuid"] = c.guid()
	}
	return nil
}

func fillRouteTable(c *change) *Error {
	props := inner(c.body, "properties")
	if props["disableBgpRoutePropagation"] == nil {
		props["disableBgpRoutePropagation"] = false
	}
	if props["routes"] == nil {
		props["routes"] = []any{}
	}
	return fillPlain(c)
}

// The rules that every security group has (virtual-network security groups overview, as all clients know them).
func defaultRules(id string) []any {
	rule := func(name, direction, access string, priority int, from, to string) any {
		return object{
			"id": id + "/defaultSecurityRules/" + name, "name": name, "type": netProvider + "networkSecurityGroups/defaultSecurityRules",
			"properties": object{
				"provisioningState": succeeded, "protocol": "*", "sourcePortRange": "*", "destinationPortRange": "*", "sourceAddressPrefix": from, "destinationAddressPrefix": to,
				"access": access, "priority": priority, "direction": direction, "sourcePortRanges": []any{}, "destinationPortRanges": []any{}, "sourceAddressPrefixes": []any{}, "destinationAddressPrefixes": []any{},
			},
		}
	}
	return []any{
		rule("AllowVnetInBound", "Inbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
		rule("AllowAzureLoadBalancerInBound", "Inbound", "Allow", 65001, "AzureLoadBalancer", "*"),
		rule("DenyAllInBound", "Inbound", "Deny", 65500, "*", "*"),
		rule("AllowVnetOutBound", "Outbound", "Allow", 65000, "VirtualNetwork", "VirtualNetwork"),
		rule("AllowInternetOutBound", "Outbound", "Allow", 65001, "*", "Internet"),
		rule("DenyAllOutBound", "Outbound", "Deny", 65500, "*", "*"),
	}
}

func fillSecurityGroup(c *change) *Error {
	props := inner(c.body, "properties")
	props["defaultSecurityRules"] = defaultRules(c.id)
	if props["securityRules"] == nil {
		props["securityRules"] = []any{}
	}
	return fillPlain(c)
}

func fillVNet(c *change) *Error {
	props := inner(c.body, "properties")
	for _, n := range []string{"subnets", "virtualNetworkPeerings"} {
		if props[n] == nil {
			props[n] = []any{}
		}
	}
	if props["enableDdosProtection"] == nil {
		props["enableDdosProtection"] = false
	}
	if len(words(c.body, "properties", "addressSpace", "addressPrefixes")) == 0 {
		return refuse(http.StatusBadRequest, "NetcfgInvalidVirtualNetworkSite", "The virtual network %s has no address space.", azure.ID(c.id).Name()).at("properties.addressSpace")
	}
	return fillPlain(c)
}

// checkPeeringRemote refuses a peering to another network than before, and one whose other half was Connected once and has not been
// written since this half went. To write a half whose other one is gone brings it back to Initiated.
func checkPeeringRemote(c *change) *Error {
	old, now := text(c.before, "properties", "remoteVirtualNetwork", "id"), text(c.body, "properties", "remoteVirtualNetwork", "id")
	if c.before != nil && !strings.EqualFold(old, now) {
		return refuse(http.StatusBadRequest, "ChangingRemoteVirtualNetworkNotAllowed", "The remote virtual network of peering %s cannot be changed from %s to %s.", c.id, old, now)
	}
	remote := c.get(now)
	if remote == nil {
		return nil // azure.Validate says so
	}
	for _, q := range list(remote.body, "properties", "virtualNetworkPeerings") {
		if !strings.EqualFold(text(q, "properties", "remoteVirtualNetwork", "id"), c.next.id) {
			continue
		}
		if c.before == nil && text(q, "properties", "peeringState") == "Connected" {
			return refuse(http.StatusBadRequest, "RemotePeeringIsDisconnected", "Cannot create or update peering %s because remote peering %s referencing parent virtual network %s is in Disconnected state. Update or re-create the remote peering to get it back to Initiated state.", c.id, text(q, "id"), c.next.id)
		}
		return nil
	}
	if find(c.sent, "properties", "remoteVirtualNetwork") != nil { // it is this half itself that is written
		inner(c.body, "properties")["peeringState"] = "Initiated"
	}
	return nil
}

// checkSubnet refuses to take the ground from under somebody.
func checkSubnet(c *change) *Error {
	if c.before == nil || slices.Equal(subnetPrefixes(c.before), subnetPrefixes(c.body)) {
		return nil
	}
	for _, u := range c.usersOf(c.id) {
		if u.key != c.was.key {
			return refuse(http.StatusBadRequest, "InUseSubnetCannotBeUpdated", "Subnet %s is in use by %s and cannot be updated.", text(c.body, "name"), u.id)
		}
	}
	return nil
}

func subnetPrefixes(s object) []string {
	out := words(s, "properties", "addressPrefixes")
	if p := text(s, "properties", "addressPrefix"); p != "" && !slices.Contains(out, p) {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}

// goes tells that a resource is deleted together with what the change is about.
func (c *change) goes(r *resource) bool { return c.whole != "" && strings.HasPrefix(r.key, c.whole) }

// leaveVNet refuses to delete a network whose subnets are in use.
func leaveVNet(c *change) *Error {
	for _, s := range list(c.body, "properties", "subnets") {
		for _, u := range c.usersOf(text(s, "id")) {
			if u.key != c.was.key && !strings.HasPrefix(u.key, strings.ToLower(c.id)+"/") && !c.goes(u) {
				if c.verb == "delete" && c.kind.typ != c.was.kind.typ {
					continue
				}
				return refuse(http.StatusBadRequest, "InUseSubnetCannotBeDeleted", "Subnet %s is in use by %s and cannot be deleted. In order to delete the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.", text(s, "name"), u.id)
			}
		}
	}
	return nil
}

// fillPublicAddress gives a static address, and a dynamic one when something uses it. The addresses are of a range for documentation:
// they belong to nobody.
func fillPublicAddress(c *change) *Error {
	props := inner(c.body, "properties")
	if props["publicIPAllocationMethod"] == nil {
		props["publicIPAllocationMethod"] = "Dynamic"
		if strings.EqualFold(text(c.body, "sku", "name"), "Standard") {
			props["publicIPAllocationMethod"] = "Static"
		}
	}
	if props["publicIPAddressVersion"] == nil {
		props["publicIPAddressVersion"] = "IPv4"
	}
	if props["idleTimeoutInMinutes"] == nil {
		props["idleTimeoutInMinutes"] = 4
	}
	sku := inner(c.body, "sku")
	if sku["name"] == nil {
		sku["name"] = "Basic"
	}
	if sku["tier"] == nil {
		sku["tier"] = "Regional"
	}
	if props["ipAddress"] == nil && strings.EqualFold(text(props, "publicIPAllocationMethod"), "Static") {
		props["ipAddress"] = c.publicAddress(strings.EqualFold(text(props, "publicIPAddressVersion"), "IPv6"))
	}
	return fillPlain(c)
}

// publicAddress is one that no other has, of 198.18.0.0/15 (RFC 2544) or 2001:db8::/32 (RFC 3849).
func (c *change) publicAddress(six bool) string {
	taken := map[string]bool{}
	for _, k := range []string{netProvider + "publicIPAddresses"} {
		c.list(c.kinds.of(k), "/", "", func(r *resource) bool { taken[text(r.body, "properties", "ipAddress")] = true; return true })
	}
	a := netip.MustParseAddr("198.18.0.4")
	if six {
		a = netip.MustParseAddr("2001:db8::4")
	}
	for taken[a.String()] {
		a = a.Next()
	}
	return a.String()
}

func fillPublicPrefix(c *change) *Error {
	props := inner(c.body, "properties")
	if props["publicIPAddressVersion"] == nil {
		props["publicIPAddressVersion"] = "IPv4"
	}
	n := number(c.body, "properties", "prefixLength")
	if n < 21 || n > 31 {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The prefix length %d of a public address prefix is not from 21 to 31.", n).at("properties.prefixLength")
	}
	if props["ipPrefix"] == nil {
		sum := derived(c.id)
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 19, sum[0], sum[1]}), int(n)).Masked()
		props["ipPrefix"] = p.String()
	}
	return fillPlain(c)
}

// fillInterface gives each configuration an address of its subnet.
func fillInterface(c *change) *Error {
	props := inner(c.body, "properties")
	if props["macAddress"] == nil {
		g := derived(c.id)
		props["macAddress"] = strings.ToUpper("00-0D-3A-" + g[0:2] + "-" + g[2:4] + "-" + g[4:6])
	}
	for i, x := range list(c.body, "properties", "ipConfigurations") {
		p := inner(x, "properties")
		p["provisioningState"] = succeeded
		if i == 0 && p["primary"] == nil {
			p["primary"] = true
		}
		if p["privateIPAddressVersion"] == nil {
			p["privateIPAddressVersion"] = "IPv4"
		}
		if subnet := text(p, "subnet", "id"); strings.EqualFold(azure.ID(subnet).Name(), "GatewaySubnet") {
			return refuse(http.StatusBadRequest, "GatewaySubnet", "IP configuration %s of network interface %s cannot be in subnet %s: it is reserved for gateways.", text(x, "name"), azure.ID(c.id).Name(), subnet).at("properties.ipConfigurations")
		}
		x["id"], x["type"], x["etag"] = c.id+"/ipConfigurations/"+text(x, "name"), netProvider+"networkInterfaces/ipConfigurations", c.body["etag"]
	}
	if err := c.addresses("ipConfigurations"); err != nil {
		return err
	}
	return fillPlain(c)
}

// addresses gives every configuration without an address the first free one of its subnet; a static one must be free.
func (c *change) addresses(property string) *Error {
	var before []object
	if c.before != nil {
		before = list(c.before, "properties", property)
	}
	for _, x := range list(c.body, "properties", property) {
		p := inner(x, "properties")
		subnet := text(p, "subnet", "id")
		if subnet == "" {
			continue
		}
		s, ok := c.find(subnet)
		if !ok {
			continue // azure.Validate says so
		}
		static := strings.EqualFold(text(p, "privateIPAllocationMethod"), "Static")
		if p["privateIPAllocationMethod"] == nil {
			p["privateIPAllocationMethod"] = "Dynamic"
		}
		taken := c.taken(s.id)
		if a := text(p, "privateIPAddress"); a != "" && static {
			if err := c.stands(a, s); err != nil {
				return err
			}
			if ip, err := netip.ParseAddr(a); err == nil && taken[ip] {
				return refuse(http.StatusBadRequest, "PrivateIPAddressIsAllocated", "IP configuration %s is using the private IP address %s which is already allocated in subnet %s.", text(x, "name"), a, s.id)
			}
			continue
		}
		kept := false
		for _, y := range before {
			if strings.EqualFold(text(y, "name"), text(x, "name")) && strings.EqualFold(text(y, "properties", "subnet", "id"), subnet) && text(y, "properties", "privateIPAddress") != "" {
				p["privateIPAddress"] = text(y, "properties", "privateIPAddress")
				kept = true
			}
		}
		if kept {
			continue
		}
		a, ok := firstFree(s.body, strings.EqualFold(text(p, "privateIPAddressVersion"), "IPv6"), taken)
		if !ok {
			return refuse(http.StatusBadRequest, "SubnetIsFull", "Subnet %s does not have enough capacity for 1 IP address.", s.id)
		}
		p["privateIPAddress"] = a.String()
	}
	return nil
}

// stands refuses an address that is not one of a subnet's, or that Azure keeps for itself.
func (c *change) stands(address string, subnet child) *Error {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidParameter", "The private IP address '%.60s' is none.", address).at("properties.privateIPAddress")
	}
	for _, s := range subnetPrefixes(subnet.body) {
		if p, err := netip.ParsePrefix(s); err == nil && p.Contains(a) {
			if !usable(p, a) {
				return refuse(http.StatusBadRequest, "PrivateIPAddressInReservedRange", "Private IP address %s falls within reserved IP range of subnet %s.", a, subnet.id).at("properties.privateIPAddress")
			}
			return nil
		}
	}
	return refuse(http.StatusBadRequest, "PrivateIPAddressNotInSubnet", "Private IP address %s does not belong to the range of subnet %s.", a, subnet.id).at("properties.privateIPAddress")
}

// taken are the addresses of a subnet that others have: interfaces, firewalls and gateways' instances.
func (c *change) taken(subnet string) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, u := range c.usersOf(subnet) {
		if u.key == strings.ToLower(c.id) {
			continue
		}
		for _, x := range list(u.body, "properties", "ipConfigurations") {
			if !strings.EqualFold(text(x, "properties", "subnet", "id"), subnet) {
				continue
			}
			if a, err := netip.ParseAddr(text(x, "properties", "privateIPAddress")); err == nil {
				out[a] = true
			}
		}
	}
	return out
}

// firstFree is the first address of a subnet that can be given: Azure keeps the first four and, of IPv4, the last.
func firstFree(subnet object, six bool, taken map[netip.Addr]bool) (netip.Addr, bool) {
	for _, s := range subnetPrefixes(subnet) {
		p, err := netip.ParsePrefix(s)
		if err != nil || p.Addr().Is4() == six {
			continue
		}
		a := p.Masked().Addr()
		for range 4 {
			a = a.Next()
		}
		for ; p.Contains(a); a = a.Next() {
			if p.Addr().Is4() && !p.Contains(a.Next()) {
				break
			}
			if !taken[a] {
				return a, true
			}
		}
	}
	return netip.Addr{}, false
}

func fillFirewall(c *change) *Error {
	for _, x := range list(c.body, "properties", "ipConfigurations") {
		x["id"] = c.id + "/azureFirewallIpConfigurations/" + text(x, "name")
		inner(x, "properties")["provisioningState"] = succeeded
	}
	props := inner(c.body, "properties")
	if props["threatIntelMode"] == nil {
		props["threatIntelMode"] = "Alert"
	}
	err := c.addresses("ipConfigurations")
	for _, x := range list(c.body, "properties", "ipConfigurations") {
		delete(inner(x, "properties"), "privateIPAllocationMethod") // a firewall's configuration has none
	}
	return err
}

// fillGateway gives a gateway its AS number and its addresses.
func fillGateway(c *change) *Error {
	props := inner(c.body, "properties")
	for _, x := range list(c.body, "properties", "ipConfigurations") {
		x["id"] = c.id + "/ipConfigurations/" + text(x, "name")
		inner(x, "properties")["provisioningState"] = succeeded
	}
	for name, v := range map[string]any{"activeActive": false, "enableBgp": false, "vpnType": "RouteBased", "allowRemoteVnetTraffic": false, "allowVirtualWanTraffic": false, "enablePrivateIpAddress": false, "vpnGatewayGeneration": "None"} {
		if props[name] == nil {
			props[name] = v
		}
	}
	sku := inner(props, "sku")
	if sku["tier"] == nil {
		sku["tier"] = sku["name"]
	}
	if sku["capacity"] == nil {
		sku["capacity"] = 2
	}
	bgp := inner(props, "bgpSettings")
	if number(bgp, "asn") == 0 {
		bgp["asn"] = c.catalog.Limits().GatewayASN
	}
	if bgp["peerWeight"] == nil {
		bgp["peerWeight"] = 0
	}
	if err := c.addresses("ipConfigurations"); err != nil {
		return err
	}
	var own []string
	for _, x := range list(c.body, "properties", "ipConfigurations") {
		p := inner(x, "properties")
		s, ok := c.find(text(p, "subnet", "id"))
		if !ok {
			continue
		}
		taken := c.taken(s.id)
		for range 2 { // two instances
			if a, ok := firstFree(s.body, false, taken); ok {
				own = append(own, a.String())
				taken[a] = true
			}
		}
		break
	}
	if text(bgp, "bgpPeeringAddress") == "" {
		bgp["bgpPeeringAddress"] = strings.Join(own, ",")
	}
	return fillPlain(c)
}
