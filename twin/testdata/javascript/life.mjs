// The whole life of a circuit and its networks, with Microsoft's SDK as it is. What goes wrong ends the process with the reason.
import assert from "node:assert/strict";
import { NetworkManagementClient } from "@azure/arm-network";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ClientSecretCredential } from "@azure/identity";

const { TWIN_URL: url, TWIN_TENANT: tenant, TWIN_CLIENT: client, TWIN_SECRET: secret, TWIN_SUBSCRIPTION: subscription } = process.env;
const credential = new ClientSecretCredential(tenant, client, secret, { authorityHost: url, disableInstanceDiscovery: true });
const options = { endpoint: url, credentialScopes: ["https://management.azure.com/.default"] };
const network = new NetworkManagementClient(credential, subscription, options);
const resources = new ResourceManagementClient(credential, subscription, options);
const quick = { updateIntervalInMs: 20 };
const location = "westeurope";

async function refused(promise, status, code) {
  await assert.rejects(promise, (e) => {
    assert.equal(e.statusCode, status, e.message);
    assert.equal(e.code, code, e.message);
    return true;
  });
}

await resources.resourceGroups.createOrUpdate("js", { location });
const table = await network.routeTables.beginCreateOrUpdateAndWait("js", "rt", { location }, quick);
await network.routes.beginCreateOrUpdateAndWait("js", "rt", "all", { addressPrefix: "0.0.0.0/0", nextHopType: "VirtualAppliance", nextHopIpAddress: "10.1.0.4" }, quick);
for (const [name, prefix] of [["hub", "10.1.0.0/16"], ["spoke", "10.2.0.0/16"]]) {
  await network.virtualNetworks.beginCreateOrUpdateAndWait("js", name, { location, addressSpace: { addressPrefixes: [prefix] } }, quick);
}
const gatewaySubnet = await network.subnets.beginCreateOrUpdateAndWait("js", "hub", "GatewaySubnet", { addressPrefix: "10.1.255.0/26" }, quick);
await network.subnets.beginCreateOrUpdateAndWait("js", "spoke", "app", { addressPrefix: "10.2.0.0/24", routeTable: { id: table.id } }, quick);
await refused(network.subnets.beginCreateOrUpdateAndWait("js", "spoke", "again", { addressPrefix: "10.2.0.0/25" }, quick), 400, "NetcfgSubnetRangesOverlap");

const circuit = await network.expressRouteCircuits.beginCreateOrUpdateAndWait("js", "er", {
  location,
  sku: { name: "Standard_MeteredData", tier: "Standard", family: "MeteredData" },
  serviceProviderProperties: { serviceProviderName: "Equinix", peeringLocation: "Amsterdam", bandwidthInMbps: 200 },
}, quick);
assert.equal(circuit.serviceProviderProvisioningState, "Provisioned");
assert.match(circuit.serviceKey, /^[0-9a-f-]{36}$/);
const filter = await network.routeFilters.beginCreateOrUpdateAndWait("js", "rf", { location }, quick);
await network.routeFilterRules.beginCreateOrUpdateAndWait("js", "rf", "exchange", { access: "Allow", routeFilterRuleType: "Community", communities: ["12076:5010"] }, quick);
const peering = await network.expressRouteCircuitPeerings.beginCreateOrUpdateAndWait("js", "er", "AzurePrivatePeering", {
  peeringType: "AzurePrivatePeering", peerASN: 65001, vlanId: 100, primaryPeerAddressPrefix: "192.168.10.0/30", secondaryPeerAddressPrefix: "192.168.10.4/30",
}, quick);
assert.equal(peering.azureASN, 12076);
const authorization = await network.expressRouteCircuitAuthorizations.beginCreateOrUpdateAndWait("js", "er", "finance", {}, quick);
assert.ok(authorization.authorizationKey);

const gateway = await network.virtualNetworkGateways.beginCreateOrUpdateAndWait("js", "gw", {
  location, gatewayType: "ExpressRoute", sku: { name: "ErGw1AZ", tier: "ErGw1AZ" },
  ipConfigurations: [{ name: "default", subnet: { id: gatewaySubnet.id } }],
}, quick);
for (const [from, to] of [["hub", "spoke"], ["spoke", "hub"]]) {
  const remote = await network.virtualNetworks.get("js", to);
  await network.virtualNetworkPeerings.beginCreateOrUpdateAndWait("js", from, "to-" + to, {
    remoteVirtualNetwork: { id: remote.id }, allowVirtualNetworkAccess: true, allowForwardedTraffic: true, allowGatewayTransit: from === "hub", useRemoteGateways: from === "spoke",
  }, quick);
}
let connection = await network.virtualNetworkGatewayConnections.beginCreateOrUpdateAndWait("js", "cn", {
  location, connectionType: "ExpressRoute", virtualNetworkGateway1: { id: gateway.id }, peer: { id: circuit.id }, routingWeight: 10, authorizationKey: authorization.authorizationKey,
}, quick);
while (connection.connectionStatus !== "Connected") { // its sessions have to come up
  connection = await network.virtualNetworkGatewayConnections.get("js", "cn");
}
const routes = await network.expressRouteCircuits.beginListRoutesTableAndWait("js", "er", "AzurePrivatePeering", "primary", quick);
assert.ok(routes.value.some((r) => r.network === "10.1.0.0/16"), JSON.stringify(routes.value));
const learned = await network.virtualNetworkGateways.beginGetLearnedRoutesAndWait("js", "gw", quick);
assert.ok(learned.value.length > 0);
await refused(network.virtualNetworkGateways.beginDeleteAndWait("js", "gw", quick), 400, "VirtualNetworkGatewayCannotBeDeleted");

// The other peering lets in what a route filter says, and says so on both.
const microsoft = await network.expressRouteCircuitPeerings.beginCreateOrUpdateAndWait("js", "er", "MicrosoftPeering", {
  peeringType: "MicrosoftPeering", peerASN: 64500, vlanId: 300, routeFilter: { id: filter.id }, primaryPeerAddressPrefix: "203.0.113.0/30", secondaryPeerAddressPrefix: "203.0.113.4/30",
  microsoftPeeringConfig: { advertisedPublicPrefixes: ["203.0.113.128/25"], customerASN: 0, routingRegistryName: "NONE" },
}, quick);
const filtered = await network.routeFilters.get("js", "rf");
assert.deepEqual(filtered.peerings.map((p) => p.id), [microsoft.id]);
assert.equal(filtered.rules.length, 1);
await refused(network.routeFilters.beginDeleteAndWait("js", "rf", quick), 409, "Conflict");
const kinds = [];
for await (const p of network.expressRouteCircuitPeerings.list("js", "er")) kinds.push(p.name);
for await (const a of network.expressRouteCircuitAuthorizations.list("js", "er")) kinds.push(a.name);
assert.deepEqual(kinds.sort(), ["AzurePrivatePeering", "MicrosoftPeering", "finance"]);
const tagged = await network.expressRouteCircuits.updateTags("js", "er", { tags: { cost: "network" } });
assert.equal(tagged.tags.cost, "network");
assert.equal(tagged.peerings.length, 2);
await network.virtualNetworkGateways.beginUpdateTagsAndWait("js", "gw", { tags: { cost: "network" } }, quick);

const names = [];
for await (const n of network.virtualNetworks.listAll()) names.push(n.name);
assert.deepEqual(names.sort(), ["hub", "spoke"]);

await network.expressRouteCircuitPeerings.beginDeleteAndWait("js", "er", "MicrosoftPeering", quick);
await network.routeFilterRules.beginDeleteAndWait("js", "rf", "exchange", quick);
await network.routes.beginDeleteAndWait("js", "rt", "all", quick);
await network.virtualNetworkGatewayConnections.beginDeleteAndWait("js", "cn", quick);
await network.expressRouteCircuitAuthorizations.beginDeleteAndWait("js", "er", "finance", quick);
await network.expressRouteCircuitPeerings.beginDeleteAndWait("js", "er", "AzurePrivatePeering", quick);
await network.virtualNetworkPeerings.beginDeleteAndWait("js", "spoke", "to-hub", quick);
await network.virtualNetworkGateways.beginDeleteAndWait("js", "gw", quick);
await network.expressRouteCircuits.beginDeleteAndWait("js", "er", quick);
await network.routeFilters.beginDeleteAndWait("js", filter.name, quick);
await network.subnets.beginDeleteAndWait("js", "spoke", "app", quick);
await network.routeTables.beginDeleteAndWait("js", "rt", quick);
await network.virtualNetworks.beginDeleteAndWait("js", "spoke", quick);
await resources.resourceGroups.beginDeleteAndWait("js", quick);
assert.equal((await resources.resourceGroups.checkExistence("js")).body, false);
console.log("done");
