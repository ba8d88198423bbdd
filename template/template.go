// Package template decides what an Azure Resource Manager template means: it parses templates and their expression language,
// checks parameters, and expands copies, conditions, symbolic names and nested resources into the resources that would be deployed,
// with their identifiers and the order between them. It never asks an endpoint or a clock: what only a running deployment knows
// (reference, list*) is asked of a Runtime that the caller gives, and the time and new GUIDs come with the Scope.
package template

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Error is a mistake in a template or its parameters, with its place.
type Error struct {
	// Code is Azure's: InvalidTemplate.
	Code string
	// Name is the template's name, Path the JSON path in it, such as resources[2].properties.subnets[0].name; both may be empty.
	Name, Path string
	// Line and Column count from 1, in characters; 0 when the place is not in the template's text (a parameter's value).
	Line, Column int
	// Message says what is wrong and what would be right.
	Message string

	cause error
}

// Unwrap is what a Runtime returned, when that is the cause.
func (e *Error) Unwrap() error { return e.cause }

// Error is name:line:column: path: message, as much of it as there is.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Name)
	if e.Line > 0 {
		if e.Name == "" {
			fmt.Fprintf(&b, "line %d, column %d", e.Line, e.Column)
		} else {
			fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
		}
	}
	for _, part := range []string{e.Path, e.Message} {
		if part != "" && b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// codeInvalid is the code of all errors here: Azure has one for what is wrong with a template and its parameters.
const codeInvalid = "InvalidTemplate"

// Level is what a template is deployed to.
type Level int

const (
	// ResourceGroup is a deployment to a resource group, the usual one.
	ResourceGroup Level = iota
	// Subscription is a deployment to a subscription.
	Subscription
	// ManagementGroup is a deployment to a management group.
	ManagementGroup
	// Tenant is a deployment to the tenant.
	Tenant
)

// Scope is where and as what a template is deployed: what the functions of deployments and scopes answer. Objects are anything that
// encodes to a JSON object (a map, a struct, a json.RawMessage); nil where the level has none.
type Scope struct {
	Level Level
	// Tenant is what tenant() answers: tenantId, displayName, countryCode.
	Tenant any
	// ManagementGroup is what managementGroup() answers: id, name, type, properties.
	ManagementGroup any
	// Subscription is what subscription() answers: id (/subscriptions/GUID), subscriptionId, tenantId, displayName. The id is
	// needed at the levels Subscription and ResourceGroup.
	Subscription any
	// ResourceGroup is what resourceGroup() answers: id, name, type, location, tags, properties. Needed at the level ResourceGroup.
	ResourceGroup any
	// Deployment is what deployment() answers: name, location (not at a resource group), properties.
	Deployment any
	// Deployer is what deployer() answers: objectId, tenantId, userPrincipalName.
	Deployer any
	// Environment is what environment() answers.
	Environment any
	// Providers is what providers() answers for a namespace and a type: {resourceType, locations, apiVersions}; with an empty type the
	// whole namespace's. Nil, or a nil answer, makes the function an error that says so.
	Providers func(namespace, typ string) any
	// Time is what utcNow() answers.
	Time time.Time
	// NewGUID answers newGuid(); nil makes the function an error.
	NewGUID func() string
}

// Limits bounds what a template may become. A zero field has the default that its comment names.
type Limits struct {
	// Resources is how many resources a template may have after copies are expanded: 800, Azure's published limit.
	Resources int
	// Copies is how many iterations one copy may have: 800, Azure's published limit.
	Copies int
	// Parameters, Variables and Outputs: 256, 256 and 64, Azure's published limits.
	Parameters, Variables, Outputs int
	// Expression is the length of an expression in characters: 24,576, Azure's published limit.
	Expression int
	// Depth is how deep calls, variables and values may nest: 256 (assumed: Azure publishes none).
	Depth int
	// Steps is how many steps of evaluation an instance may take, each a call, an element or a few bytes: 5 million (assumed).
	Steps int
	// Size is how many bytes one resource's body, or all outputs together, may take: 4 MiB, the published size of a template (assumed
	// for what comes out of it).
	Size int
}

// Instance is a template expanded with a scope and parameters.
type Instance struct {
	// Resources are all resources in the order of the template, copies expanded, children after their parent; also those whose
	// condition is false and, with symbolic names, the existing ones.
	Resources []*Resource
	// Parameters are the parameters' values as a deployment answers them: {"name": {"type": "String", "value": ...}}; secure ones
	// have no value.
	Parameters json.RawMessage

	in *instance
}

// Resource is one resource of an expanded template.
type Resource struct {
	// Symbol is the symbolic name, with the index of a copy: "hub", "spoke[2]". Empty without symbolic names.
	Symbol string
	// Path is where in the template it stands, e.g. resources[3], or resources.hub; Line and Column likewise.
	Path         string
	Line, Column int
	// Type and Name are whole, also of a child: Microsoft.Network/virtualNetworks/subnets, hub/GatewaySubnet.
	Type, Name, APIVersion string
	// ID is the resource's identifier; Scope the identifier of what it is in or an extension of: a resource group, a subscription,
	// a resource; "/" for the tenant.
	ID, Scope string
	// Location is as written, evaluated; empty when there is none.
	Location string
	// Existing marks a resource that is only referred to. Condition is false when the resource is not to be deployed.
	Existing, Condition bool
	// DependsOn are the identifiers of the resources of this instance that have to be there first, sorted, without those whose
	// condition is false: explicit ones, those that follow from reference() and list*() by name or symbol, and those between the
	// batches of a serial copy.
	DependsOn []string
	// Copy is the loop that it is of; nil without.
	Copy *Copy

	in      *instance
	node    *node
	path    []string
	loops   []loop
	body    any // evaluated, when nothing in it has to be asked
	needs   bool
	waits   map[*Resource]bool
	group   *node // the node of its copy: what tells two loops of one name apart
	waitsOn []*Resource
}

// Copy is a resource's place in a copy loop.
type Copy struct {
	Name      string
	Index     int
	Serial    bool
	BatchSize int // 0 unless Serial
}

// Runtime answers what only a running deployment knows. Errors come out of Body and Outputs with the place of the call.
type Runtime interface {
	// Reference is the state of a resource: its properties, or with full the whole resource. The API version is the call's own, else
	// that of the resource in the template.
	Reference(id, apiVersion string, full bool) (json.RawMessage, error)
	// List calls a list operation of a resource: function is its name as written (listKeys), body is nil without one.
	List(function, id, apiVersion string, body json.RawMessage) (json.RawMessage, error)
}
