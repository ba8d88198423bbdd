package azure

// AzureFirewall is Microsoft.Network/azureFirewalls.
type AzureFirewall struct {
	Header
	Properties AzureFirewallProperties `json:"properties"`
}

// AzureFirewallProperties are a firewall's properties.
type AzureFirewallProperties struct {
	SKU               SKU                      `json:"sku"`
	ThreatIntelMode   string                   `json:"threatIntelMode,omitempty"`
	IPConfigurations  []GatewayIPConfiguration `json:"ipConfigurations,omitempty"`
	FirewallPolicy    *Ref                     `json:"firewallPolicy,omitempty"`
	ProvisioningState string                   `json:"provisioningState,omitempty"`
	Extra             Extra                    `json:"-"`
}

// FirewallPolicy is Microsoft.Network/firewallPolicies.
type FirewallPolicy struct {
	Header
	Properties FirewallPolicyProperties `json:"properties"`
}

// FirewallPolicyProperties are a policy's properties.
type FirewallPolicyProperties struct {
	SKU               SKU    `json:"sku"`
	ThreatIntelMode   string `json:"threatIntelMode,omitempty"`
	BasePolicy        *Ref   `json:"basePolicy,omitempty"`
	ProvisioningState string `json:"provisioningState,omitempty"`
	Extra             Extra  `json:"-"`
}

// FirewallPolicyRuleCollectionGroup is Microsoft.Network/firewallPolicies/ruleCollectionGroups.
type FirewallPolicyRuleCollectionGroup struct {
	Header
	Properties FirewallPolicyRuleCollectionGroupProperties `json:"properties"`
}

// FirewallPolicyRuleCollectionGroupProperties are a group's collections; the lower the priority, the earlier.
type FirewallPolicyRuleCollectionGroupProperties struct {
	Priority          int                            `json:"priority"`
	RuleCollections   []FirewallPolicyRuleCollection `json:"ruleCollections,omitempty"`
	ProvisioningState string                         `json:"provisioningState,omitempty"`
	Extra             Extra                          `json:"-"`
}

// FirewallPolicyRuleCollection is a list of rules with one action.
type FirewallPolicyRuleCollection struct {
	RuleCollectionType string               `json:"ruleCollectionType"`
	Name               string               `json:"name"`
	Priority           int                  `json:"priority"`
	Action             FirewallAction       `json:"action"`
	Rules              []FirewallPolicyRule `json:"rules,omitempty"`
	Extra              Extra                `json:"-"`
}

// FirewallAction is Allow or Deny.
type FirewallAction struct {
	Type  string `json:"type"`
	Extra Extra  `json:"-"`
}

// FirewallPolicyRule is one rule; RuleType NetworkRule is the one that decides on addresses and ports.
type FirewallPolicyRule struct {
	RuleType             string   `json:"ruleType"`
	Name                 string   `json:"name"`
	Description          string   `json:"description,omitempty"`
	IPProtocols          []string `json:"ipProtocols,omitempty"`
	SourceAddresses      []string `json:"sourceAddresses,omitempty"`
	DestinationAddresses []string `json:"destinationAddresses,omitempty"`
	DestinationPorts     []string `json:"destinationPorts,omitempty"`
	Extra                Extra    `json:"-"`
}

// RoleAssignment is Microsoft.Authorization/roleAssignments.
type RoleAssignment struct {
	Header
	Properties RoleAssignmentProperties `json:"properties"`
}

// RoleAssignmentProperties give a principal a role at a scope.
type RoleAssignmentProperties struct {
	RoleDefinitionID ID     `json:"roleDefinitionId"`
	PrincipalID      string `json:"principalId"`
	PrincipalType    string `json:"principalType,omitempty"`
	Scope            ID     `json:"scope,omitempty"`
	Description      string `json:"description,omitempty"`
	Extra            Extra  `json:"-"`
}

// RoleDefinition is Microsoft.Authorization/roleDefinitions.
type RoleDefinition struct {
	Header
	Properties RoleDefinitionProperties `json:"properties"`
}

// RoleDefinitionProperties are a role's name and permissions.
type RoleDefinitionProperties struct {
	RoleName         string       `json:"roleName"`
	Description      string       `json:"description,omitempty"`
	RoleType         string       `json:"type,omitempty"`
	AssignableScopes []string     `json:"assignableScopes,omitempty"`
	Permissions      []Permission `json:"permissions,omitempty"`
	Extra            Extra        `json:"-"`
}

// Permission is a role's list of allowed and excepted operations.
type Permission struct {
	Actions        []string `json:"actions"`
	NotActions     []string `json:"notActions,omitempty"`
	DataActions    []string `json:"dataActions,omitempty"`
	NotDataActions []string `json:"notDataActions,omitempty"`
	Extra          Extra    `json:"-"`
}
