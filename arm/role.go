package arm

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"onramp/catalog"
	"onramp/design"
)

// RoleDefinition says what a role may do: the actions that match one of Actions and none of NotActions. A `*` stands for any run of
// characters, slashes too.
type RoleDefinition struct {
	ID          string   `json:"id"` // a GUID in lower case
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	BuiltIn     bool     `json:"builtIn,omitempty"`
	Actions     []string `json:"actions"`
	NotActions  []string `json:"notActions,omitempty"`
	// Scopes are where the role can be assigned, there and below: "/" for everywhere.
	Scopes []string `json:"assignableScopes"`
}

// RoleAssignment gives a principal a role at a scope and at everything below it.
type RoleAssignment struct {
	Name      string `json:"name"`  // a GUID, chosen by who assigns
	Scope     string `json:"scope"` // "/", a subscription, a resource group, a resource or a child of one
	Role      string `json:"role"`  // the definition's GUID
	Principal string `json:"principal"`
	// Type is what kind of principal it is, where the client says so: then, as in Azure, it need not be in the directory yet.
	Type string `json:"type,omitempty"`
	// Description is what its maker says of it.
	Description string `json:"description,omitempty"`
}

// Codes that errors.csv has not: AssumeRoleCodes.
const (
	codeAssignmentUpdate = "RoleAssignmentUpdateNotPermitted"
	codeRoleAssigned     = "RoleDefinitionHasAssignments"
	codeRoleNameTaken    = "RoleDefinitionWithSameNameExists"
	codeRoleAction       = "InvalidActionOrNotAction"
	codeRoleScope        = "InvalidScope"
	codeRoleBuiltIn      = "RoleDefinitionUpdateNotPermitted"
)

const (
	// AssumeRoleCodes is the assumption that roles are refused with the codes above.
	AssumeRoleCodes = "role-codes"
	// AssumeRoleLimits is the assumption that assignments and custom roles are as many as maxAssignments and maxRoles say.
	AssumeRoleLimits = "role-limits"

	maxAssignments = 4000 // of one subscription, or above all of them
	maxRoles       = 5000
	maxRoleName    = 512
	maxRoleActions = 1000 // of one definition, so that a request is judged in bounded time
	maxAction      = 256  // characters
)

// identityAssumptions is what the endpoint has to decide about roles that is published nowhere in the facts.
func identityAssumptions() []design.Assumption {
	return []design.Assumption{
		{Name: AssumeRoleCodes, Text: "A role or an assignment that cannot be so is refused with " + strings.Join([]string{codeAssignmentUpdate, codeRoleAssigned, codeRoleNameTaken, codeRoleAction, codeRoleScope, codeRoleBuiltIn}, ", ") + ".",
			Reason: "The facts have no code for these refusals."},
		{Name: AssumeRoleLimits, Text: "A subscription has at most 4000 role assignments, a tenant at most 5000 custom roles with at most 1000 actions each; above, RoleAssignmentLimitExceeded and RoleDefinitionLimitExceeded.",
			Reason: "The facts have the code of one of them and no numbers; something must bound them."},
	}
}

// role is a definition made ready to be matched: its patterns in lower case.
type role struct {
	RoleDefinition
	allow, deny []string
}

func (r *role) allows(action string) bool {
	return anyMatches(r.allow, action) && !anyMatches(r.deny, action)
}

func anyMatches(patterns []string, action string) bool {
	for _, p := range patterns {
		if matchesAction(p, action) {
			return true
		}
	}
	return false
}

// matchesAction holds an action of any case against a pattern in lower case. Each request is held against every pattern of each of its
// principal's roles: no allocation here (BenchmarkAllowed).
func matchesAction(pattern, action string) bool {
	p, a := 0, 0
	star, from := -1, 0 // the last `*`, and where in action what follows it is tried
	for a < len(action) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, a
			p++
		case p < len(pattern) && pattern[p] == lowerByte(action[a]):
			p++
			a++
		case star >= 0:
			from++
			p, a = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// grant is what one assignment gives a principal.
type grant struct {
	scope string // in lower case
	role  *role
}

// covers tells whether a scope, in lower case, is another or above it.
func covers(scope, other string) bool {
	if scope == "/" {
		return true
	}
	if len(other) < len(scope) || len(other) > len(scope) && other[len(scope)] != '/' {
		return false
	}
	for i := range len(scope) {
		if scope[i] != lowerByte(other[i]) {
			return false
		}
	}
	return true
}

// isScope tells whether a path can be a scope: whole segments that mean what they say. Whatever a client wrote to get round a scope, by
// an encoded slash, a step up, an empty segment, is not one, and nobody has a right to it.
func isScope(s string) bool {
	if s == "/" {
		return true
	}
	if s == "" || s[0] != '/' {
		return false
	}
	segment := 1 // where it began
	for i := 1; i <= len(s); i++ {
		if i < len(s) && s[i] != '/' {
			if c := s[i]; c < ' ' || c == 0x7f || c == '%' || c == '\\' || c == '?' || c == '#' {
				return false
			}
			continue
		}
		if part := s[segment:i]; part == "" || part == "." || part == ".." {
			return false
		}
		segment = i + 1
	}
	return true
}

// Access is who may do what: the role definitions, and the assignments of roles to principals. It is safe for any number of goroutines.
type Access struct {
	directory *Directory

	mu          sync.RWMutex
	roles       map[string]*role           // by id
	assignments map[string]*RoleAssignment // by assignmentKey
	grants      map[string][]grant         // by principal
	counts      map[string]int             // assignments, by subscription
}

// NewAccess has the built-in roles of Azure whose actions are published, and no assignment.
func NewAccess(c *catalog.Catalog, d *Directory) *Access {
	a := &Access{directory: d, roles: map[string]*role{}, assignments: map[string]*RoleAssignment{}, grants: map[string][]grant{}, counts: map[string]int{}}
	for _, r := range c.Roles() {
		if len(r.Actions) > 0 {
			d := RoleDefinition{ID: strings.ToLower(r.ID), Name: r.Name, BuiltIn: true, Actions: r.Actions, NotActions: r.NotActions, Scopes: []string{"/"}}
			a.roles[d.ID] = ready(d)
		}
	}
	return a
}

func ready(d RoleDefinition) *role {
	r := &role{RoleDefinition: d}
	for _, p := range d.Actions {
		r.allow = append(r.allow, strings.ToLower(p))
	}
	for _, p := range d.NotActions {
		r.deny = append(r.deny, strings.ToLower(p))
	}
	return r
}

// Allowed tells whether a principal (an object id) may do something at a scope: whether one of its roles there or above allows it. What
// one role's notActions take away, another role may give. A scope that is none is nobody's.
func (a *Access) Allowed(principal, action, scope string) bool {
	if !isScope(scope) || action == "" || len(action) > maxAction {
		return false
	}
	a.mu.RLock()
	defer a.mu.RUnlock()
	for i := range a.grants[principal] {
		if g := &a.grants[principal][i]; covers(g.scope, scope) && g.role.allows(action) {
			return true
		}
	}
	return false
}

// Reaches tells whether a principal has a role at a scope, above it or anywhere below it: whether Azure shows it that the scope is there.
func (a *Access) Reaches(principal, scope string) bool {
	if !isScope(scope) {
		return false
	}
	scope = strings.ToLower(scope)
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.ContainsFunc(a.grants[principal], func(g grant) bool { return covers(g.scope, scope) || covers(scope, g.scope) })
}

// Permissions are the definitions of the roles that a principal has at a scope.
func (a *Access) Permissions(principal, scope string) []RoleDefinition {
	a.mu.RLock()
	defer a.mu.RUnlock()
	out := []RoleDefinition{}
	if isScope(scope) {
		for _, g := range a.grants[principal] {
			if covers(g.scope, scope) && !slices.ContainsFunc(out, func(d RoleDefinition) bool { return d.ID == g.role.ID }) {
				out = append(out, g.role.RoleDefinition)
			}
		}
	}
	return out
}

// Definitions lists the role definitions in the order of their names.
func (a *Access) Definitions() []RoleDefinition {
	a.mu.RLock()
	defer a.mu.RUnlock()
	out := make([]RoleDefinition, 0, len(a.roles))
	for _, r := range a.roles {
		out = append(out, r.RoleDefinition)
	}
	slices.SortFunc(out, func(x, y RoleDefinition) int { return strings.Compare(x.Name+x.ID, y.Name+y.ID) })
	return out
}

// Definition finds a role definition by its GUID, by a path that ends with it, or by its name.
func (a *Access) Definition(s string) (RoleDefinition, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	id := strings.ToLower(s[strings.LastIndexByte(s, '/')+1:])
	if r, ok := a.roles[id]; ok {
		return r.RoleDefinition, true
	}
	for _, r := range a.roles {
		if strings.EqualFold(r.Name, s) {
			return r.RoleDefinition, true
		}
	}
	return RoleDefinition{}, false
}

// Define adds a custom role or changes one. A running assignment has the changed role at once.
func (a *Access) Define(d RoleDefinition) *Error {
	d.ID = strings.ToLower(d.ID)
	if !isGUID(d.ID) {
		return refuse(http.StatusBadRequest, codeRoleScope, "The role definition ID '%s' is not valid: it must be a GUID.", d.ID)
	}
	if d.BuiltIn {
		return refuse(http.StatusBadRequest, codeRoleBuiltIn, "A role definition of the type 'BuiltInRole' cannot be made.")
	}
	if problem := roleProblem(&d); problem != nil {
		return problem
	}
	d.Actions, d.NotActions, d.Scopes = slices.Clone(d.Actions), slices.Clone(d.NotActions), slices.Clone(d.Scopes)
	a.mu.Lock()
	defer a.mu.Unlock()
	custom := 0
	for _, r := range a.roles {
		if r.ID != d.ID && strings.EqualFold(r.Name, d.Name) {
			return refuse(http.StatusConflict, codeRoleNameTaken, "A role definition with the name '%s' is there already: '%s'.", r.Name, r.ID)
		}
		if !r.BuiltIn {
			custom++
		}
	}
	old, changes := a.roles[d.ID]
	switch {
	case changes && old.BuiltIn:
		return refuse(http.StatusBadRequest, codeRoleBuiltIn, "The role definition '%s' is built in and cannot be changed.", old.Name)
	case !changes && custom >= maxRoles:
		return refuse(http.StatusBadRequest, "RoleDefinitionLimitExceeded", "The tenant has %d custom roles, and can have no more.", maxRoles)
	}
	next := ready(d)
	a.roles[d.ID] = next
	if changes {
		for principal := range a.grants {
			for i := range a.grants[principal] {
				if a.grants[principal][i].role == old {
					a.grants[principal][i].role = next
				}
			}
		}
	}
	return nil
}

// roleProblem refuses a definition that cannot be.
func roleProblem(d *RoleDefinition) *Error {
	if !isRoleName(d.Name) {
		return refuse(http.StatusBadRequest, codeRoleAction, "The role name '%.60s' is not valid: it has from 1 to %d characters, blanks neither first nor last, and nothing that does not print.", d.Name, maxRoleName).at("roleName")
	}
	if len(d.Actions) == 0 {
		return refuse(http.StatusBadRequest, codeRoleAction, "The role '%s' allows no action.", d.Name).at("permissions.actions")
	}
	if n := len(d.Actions) + len(d.NotActions); n > maxRoleActions {
		return refuse(http.StatusBadRequest, "RoleDefinitionLimitExceeded", "The role '%s' has %d actions and can have at most %d.", d.Name, n, maxRoleActions)
	}
	for _, p := range append(slices.Clone(d.Actions), d.NotActions...) {
		if !isActionPattern(p) {
			return refuse(http.StatusBadRequest, codeRoleAction, "'%s' does not match any of the actions supported by the providers: write it as Microsoft.Network/virtualNetworks/read, where * stands for anything.", p)
		}
	}
	if len(d.Scopes) == 0 {
		return refuse(http.StatusBadRequest, codeRoleScope, "The role '%s' can be assigned nowhere.", d.Name).at("assignableScopes")
	}
	for _, s := range d.Scopes {
		if !isScope(s) {
			return refuse(http.StatusBadRequest, codeRoleScope, "The assignable scope '%s' is not valid.", s).at("assignableScopes")
		}
	}
	return nil
}

// isRoleName tells whether a custom role can be called so: letters, digits, blanks and special characters, as Azure's own names have them.
func isRoleName(s string) bool {
	return s != "" && len(s) <= maxRoleName && utf8.ValidString(s) && strings.TrimSpace(s) == s && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// isActionPattern tells whether p can be an action, or stand for some.
func isActionPattern(p string) bool {
	if p == "" || len(p) > maxAction || p[0] == '/' || p[len(p)-1] == '/' || strings.Contains(p, "//") || p != "*" && !strings.Contains(p, "/") {
		return false
	}
	for i := range len(p) {
		if c := p[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("*/._-", c) >= 0) {
			return false
		}
	}
	return true
}

// Undefine removes a custom role; found tells whether it was there. One that is assigned stays.
func (a *Access) Undefine(id string) (found bool, refusal *Error) {
	id = strings.ToLower(id)
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.roles[id]
	if !ok {
		return false, nil
	}
	if r.BuiltIn {
		return true, refuse(http.StatusBadRequest, codeRoleBuiltIn, "The role definition '%s' is built in and cannot be deleted.", r.Name)
	}
	for _, as := range a.assignments {
		if as.Role == id {
			return true, refuse(http.StatusBadRequest, codeRoleAssigned, "There are existing role assignments referencing role '%s': '%s' at '%s' is one.", r.Name, as.Name, as.Scope)
		}
	}
	delete(a.roles, id)
	return true, nil
}

func assignmentKey(scope, name string) string { return strings.ToLower(scope + "|" + name) }

// subscriptionOf is the subscription that a scope in lower case is in, "" above all of them.
func subscriptionOf(scope string) string {
	rest, ok := strings.CutPrefix(scope, "/subscriptions/")
	if !ok {
		return ""
	}
	id, _, _ := strings.Cut(rest, "/")
	return id
}

// Assign gives a role; made tells whether the assignment is new, and not there already just so.
func (a *Access) Assign(as RoleAssignment) (made bool, refusal *Error) {
	as.Name, as.Role, as.Principal = strings.ToLower(as.Name), strings.ToLower(as.Role), strings.ToLower(as.Principal)
	scope := strings.ToLower(as.Scope)
	switch {
	case !isGUID(as.Name):
		return false, refuse(http.StatusBadRequest, codeRoleScope, "The role assignment ID '%s' is not valid. The role assignment ID must be a GUID.", as.Name)
	case !isScope(scope):
		return false, refuse(http.StatusBadRequest, codeRoleScope, "The scope '%s' of the role assignment is not valid.", as.Scope)
	}
	if _, ok := a.directory.Principal(as.Principal); !ok && (as.Type == "" || !isGUID(as.Principal)) {
		return false, refuse(http.StatusBadRequest, "PrincipalNotFound", "Principal %s does not exist in the directory %s.", as.Principal, a.directory.Tenant())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.roles[as.Role]
	if !ok || !slices.ContainsFunc(r.Scopes, func(s string) bool { return covers(strings.ToLower(s), scope) }) {
		return false, refuse(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", as.Role)
	}
	key := assignmentKey(scope, as.Name)
	for k, old := range a.assignments {
		same := old.Principal == as.Principal && old.Role == as.Role && strings.EqualFold(old.Scope, as.Scope)
		switch {
		case k == key && same:
			return false, nil
		case k == key:
			return false, refuse(http.StatusBadRequest, codeAssignmentUpdate, "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.")
		case same:
			return false, refuse(http.StatusConflict, "RoleAssignmentExists", "The role assignment already exists. The ID of the conflicting role assignment is %s.", strings.ReplaceAll(old.Name, "-", ""))
		}
	}
	subscription := subscriptionOf(scope)
	if a.counts[subscription] >= maxAssignments {
		return false, refuse(http.StatusBadRequest, "RoleAssignmentLimitExceeded", "No more role assignments can be created: there are %d.", maxAssignments)
	}
	a.assignments[key] = &as
	a.counts[subscription]++
	a.grants[as.Principal] = append(a.grants[as.Principal], grant{scope, r})
	return true, nil
}

// Unassign takes an assignment away; the answer is what it was, and whether it was there.
func (a *Access) Unassign(scope, name string) (RoleAssignment, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := assignmentKey(scope, name)
	as, ok := a.assignments[key]
	if !ok {
		return RoleAssignment{}, false
	}
	delete(a.assignments, key)
	a.counts[subscriptionOf(strings.ToLower(scope))]--
	scope = strings.ToLower(scope)
	left := slices.DeleteFunc(slices.Clone(a.grants[as.Principal]), func(g grant) bool { return g.scope == scope && g.role.ID == as.Role })
	if a.grants[as.Principal] = left; len(left) == 0 {
		delete(a.grants, as.Principal)
	}
	return *as, true
}

// Assignment finds an assignment.
func (a *Access) Assignment(scope, name string) (RoleAssignment, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	as, ok := a.assignments[assignmentKey(scope, name)]
	if !ok {
		return RoleAssignment{}, false
	}
	return *as, true
}

// Assignments lists the assignments at a scope and below it, and with above those too that it inherits, in the order of their scopes and
// names.
func (a *Access) Assignments(scope string, above bool) []RoleAssignment {
	scope = strings.ToLower(scope)
	a.mu.RLock()
	defer a.mu.RUnlock()
	out := []RoleAssignment{}
	for _, as := range a.assignments {
		if at := strings.ToLower(as.Scope); covers(scope, at) || above && covers(at, scope) {
			out = append(out, *as)
		}
	}
	slices.SortFunc(out, func(x, y RoleAssignment) int {
		return strings.Compare(assignmentKey(x.Scope, x.Name), assignmentKey(y.Scope, y.Name))
	})
	return out
}

// ActionOf is the action that a request asks for: what is to be done with which type of resource, such as
// "Microsoft.Network/virtualNetworks/write". verb is the name of a POST's action ("start", "arpTables"), "" of other requests.
func ActionOf(method, resourceType, verb string) string {
	switch method {
	case http.MethodGet, http.MethodHead:
		return resourceType + "/read"
	case http.MethodPut, http.MethodPatch:
		return resourceType + "/write"
	case http.MethodDelete:
		return resourceType + "/delete"
	case http.MethodPost:
		if verb != "" {
			resourceType += "/" + verb
		}
		return resourceType + "/action"
	}
	return "" // which nobody may do
}
