// Package arm serves Azure Resource Manager's interface for networking: the paths, the long-running operations, who may do what, a store,
// and above all Azure's semantics: it refuses what Azure refuses and answers what Azure answers. How packets go it does not know: live
// tables come through an interface (Tables). What a template means is package template's; deployments (deployer) carry out what it says, as
// requests of who sent it.
//
// Sources: operations.csv for every operation with its exact status codes, errors.csv for the codes, wire.md for what clients send and
// need, api-versions.csv, builtin-roles.csv; what is published nowhere is a named assumption in assumptions.go.
package arm
