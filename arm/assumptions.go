package arm

// Assumption names something that clients see and that is published nowhere.
type Assumption struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// The names of the assumptions.
const (
	AssumeChildrenStay    = "children-stay"
	AssumePeeringCode     = "peering-refusal-code"
	AssumeCircuitInUse    = "circuit-in-use-code"
	AssumeDowngradeCode   = "downgrade-refusal-code"
	AssumeAuthorization   = "authorization-refusal-code"
	AssumeAutoDeprovision = "auto-provider-deprovisions"
	AssumePace            = "azure-pace"
	AssumeUnlisted        = "operations-not-listed"
	AssumeUnknownCodes    = "statuses-not-listed"
	AssumeAddresses       = "addresses-given-in-order"
	AssumeCrossConnection = "cross-connection-names"
	AssumeVersions        = "versions-not-listed"
	AssumeShapes          = "shapes-of-versions"
	AssumeFilter          = "filter-refusal-code"
	AssumeServiceTags     = "service-tags-without-prefixes"
	AssumeLinkedRead      = "linked-access-by-reading"
	AssumeThrottling      = "throttling"
	AssumeDeployments     = "deployments"
	AssumePreflight       = "deployment-preflight"
	AssumeComplete        = "deployment-complete-mode"
	AssumeWhatIf          = "deployment-what-if"
	AssumeDeploymentCodes = "deployment-codes"
	AssumeFarSide         = "global-reach-far-side"
	AssumeNoGroup         = "deletion-without-group"
)

// Assumptions are those on which the endpoint's answers rest beside what is published.
func Assumptions() []Assumption {
	out := []Assumption{
		{AssumeChildrenStay, "A PUT of a parent that does not mention a list of children (subnets, peerings, routes, rules) leaves them; one that has the list replaces them."},
		{AssumePeeringCode, "A peering on a circuit that its provider has not provisioned is refused with 400 BadRequest; VLANs and prefixes used twice on a circuit too."},
		{AssumeCircuitInUse, "A circuit with connections, or one that its provider has not given back, is not deleted: 409 Conflict."},
		{AssumeDowngradeCode, "A circuit's bandwidth that goes down, a plan that goes from unlimited to metered and a SKU beyond its limits are refused with 400 BadRequest."},
		{AssumeAuthorization, "An authorization key that is wrong or used already is refused with 400 BadRequest."},
		{AssumeAutoDeprovision, "Where the endpoint plays the provider, it gives a circuit back when it is deleted."},
		{AssumePace, "With Azure's pace a gateway takes 30 minutes to make and 10 to change or delete, a circuit or a firewall 3 minutes, a connection 2, all else 5 seconds."},
		{AssumeUnlisted, "Operations of subscriptions, generic resource lists and firewall policies, and the state of a deployment's operation, answer as their SDKs expect, though the list of operations does not have them."},
		{AssumeUnknownCodes, "A code without a published status is answered with 400."},
		{AssumeAddresses, "Addresses and keys that the service allocates follow from the resource's id or are random; a gateway's instances take the first free addresses of GatewaySubnet."},
		{AssumeCrossConnection, "A cross connection is shown in the subscription of the circuit, in the group CrossConnection-LOCATION, named by the service key."},
		{AssumeVersions, "Of Microsoft.Resources and Microsoft.Authorization, whose versions are not listed, any date from 2014 to today is taken."},
		{AssumeShapes, "Versions before 2018-08-01 show a subnet's first prefix as addressPrefix and have no addressPrefixes; all else is shown alike, and a type whose first version is not listed is served at each version that has virtual networks."},
		{AssumeFilter, "A $filter of a list of resources, roles or role assignments that cannot be read, or that asks for what is not served, is refused with 400 InvalidFilterInQueryString."},
		{AssumeServiceTags, "The list of service tags has AzureCloud and AzureCloud.REGION, without prefixes: Microsoft's addresses are not among the facts."},
		{AssumeLinkedRead, "A reference for which no join right is known needs the right to read its target: 403 LinkedAuthorizationFailed without it, whether the target is there or not."},
		{AssumeThrottling, throttleText},
		{AssumeDeployments, "When a resource of a deployment fails, what does not need it goes on. A write that meets another operation on its resource waits for that to end. Cancelling lets what was begun come to its end. Deployments are nested at most 10 deep. A template's hash is of its content without spaces."},
		{AssumePreflight, "A deployment is refused before it begins, with 400 InvalidTemplateDeployment, for types, versions, locations and resource groups that are not there, bodies that cannot be read, and what its sender may not do; all else fails when it is its turn. Nested deployments are looked at too, unless they depend on what is deployed."},
		{AssumeComplete, "The mode Complete deletes resources of the group that are not children of others, when all of the template is deployed: those whose condition is false too, but not existing ones that the template names. It is for resource groups only, and refused for nested deployments."},
		{AssumeWhatIf, "What-if carries the deployment out in a copy of the endpoint and compares without what only the service sets. A resource that could not be deployed is Unsupported, with the reason."},
		{AssumeDeploymentCodes, "A deployment's outputs that cannot be evaluated are DeploymentOutputEvaluationFailed; a deployment's operation that is not there is DeploymentOperationNotFound; cancelling one that has ended is 409 Conflict; one in the mode Complete that is not of a resource group, and one with onErrorDeployment, is 400 InvalidRequestContent."},
		{AssumeFarSide, "The far side of a Global Reach connection has a GUID for its name, which follows from the connection's id, and is found by the connection's own name too."},
		{AssumeNoGroup, "A DELETE in a resource group, or below a parent, that is not there is answered as one of what is not there: 204."},
	}
	for _, a := range identityAssumptions() {
		out = append(out, Assumption{a.Name, a.Text})
	}
	return out
}
