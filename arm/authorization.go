package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// The keys of role definitions and assignments in the store.
const (
	roleKey       = "access/roles/"
	assignmentsAt = "access/assignments/"
)

// loadAccess brings back the roles and assignments that the store has, and keeps those that it has not: what the endpoint began with.
func (s *Server) loadAccess() error {
	a, e := s.config.Gate.Access, s.engine
	kept := map[string]bool{}
	var roles, assignments []Record
	err := s.config.Store.Load(func(r Record) error {
		switch {
		case strings.HasPrefix(r.Key, roleKey):
			roles = append(roles, r)
		case strings.HasPrefix(r.Key, assignmentsAt):
			assignments = append(assignments, r)
		default:
			return nil
		}
		kept[r.Key] = true
		e.revisions[r.Key] = r.Revision
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range roles { // before what gives them
		var d RoleDefinition
		if err := json.Unmarshal(r.Value, &d); err != nil {
			return fmt.Errorf("the record of %s: %w", r.Key, err)
		}
		if refusal := a.Define(d); refusal != nil {
			return fmt.Errorf("the record of %s: %w", r.Key, refusal)
		}
	}
	for _, r := range assignments {
		var as RoleAssignment
		if err := json.Unmarshal(r.Value, &as); err != nil {
			return fmt.Errorf("the record of %s: %w", r.Key, err)
		}
		if _, refusal := a.Assign(as); refusal != nil {
			return fmt.Errorf("the record of %s: %w", r.Key, refusal)
		}
	}
	for _, d := range a.Definitions() {
		if key := roleKey + d.ID; !d.BuiltIn && !kept[key] {
			if refusal := e.keepAccess(key, d); refusal != nil {
				return refusal
			}
		}
	}
	for _, as := range a.Assignments("/", false) {
		if key := assignmentsAt + assignmentKey(as.Scope, as.Name); !kept[key] {
			if refusal := e.keepAccess(key, as); refusal != nil {
				return refusal
			}
		}
	}
	return nil
}

// keepAccess writes a role or an assignment; nil takes it away. It wants write.
func (e *engine) keepAccess(key string, v any) *Error {
	if v == nil {
		if _, err := e.store.Delete(key, e.revisions[key]); err != nil {
			return e.broken(err)
		}
		delete(e.revisions, key)
		return nil
	}
	b, err := json.Marshal(v)
	if err == nil {
		e.revisions[key], err = e.store.Put(key, b, e.revisions[key])
	}
	if err != nil {
		return e.broken(err)
	}
	return nil
}

// authScope is what a request on roles is about: what stands before the last /providers/Microsoft.Authorization.
func (x *exchange) authScope() string {
	p := x.r.URL.Path
	if i := strings.LastIndex(strings.ToLower(p), "/providers/microsoft.authorization"); i > 0 {
		return p[:i]
	}
	return "/"
}

// lastPart is the name at the end of the path.
func (x *exchange) lastPart() string {
	p := strings.TrimSuffix(x.r.URL.Path, "/")
	return p[strings.LastIndexByte(p, '/')+1:]
}

func (x *exchange) definitionBody(d RoleDefinition) object {
	kind := "CustomRole"
	if d.BuiltIn {
		kind = "BuiltInRole"
	}
	id := "/providers/Microsoft.Authorization/roleDefinitions/" + d.ID
	if s := x.authScope(); strings.HasPrefix(strings.ToLower(s), "/subscriptions/") {
		id = "/" + strings.Join(strings.Split(strings.Trim(s, "/"), "/")[:2], "/") + id
	}
	return object{
		"id": id, "name": d.ID, "type": "Microsoft.Authorization/roleDefinitions",
		"properties": object{
			"roleName": d.Name, "type": kind, "description": d.Description, "assignableScopes": d.Scopes,
			"permissions": []any{object{"actions": d.Actions, "notActions": nonNil(anys(d.NotActions)), "dataActions": []any{}, "notDataActions": []any{}}},
		},
	}
}

func (x *exchange) assignmentBody(as RoleAssignment) object {
	role := "/providers/Microsoft.Authorization/roleDefinitions/" + as.Role
	if sub := subscriptionOf(strings.ToLower(as.Scope)); sub != "" {
		role = "/subscriptions/" + sub + role
	}
	kind := as.Type
	if kind == "" {
		kind = "ServicePrincipal"
	}
	props := object{"roleDefinitionId": role, "principalId": as.Principal, "principalType": kind, "scope": as.Scope}
	if as.Description != "" {
		props["description"] = as.Description
	}
	return object{
		"id": strings.TrimSuffix(as.Scope, "/") + "/providers/Microsoft.Authorization/roleAssignments/" + as.Name, "name": as.Name, "type": "Microsoft.Authorization/roleAssignments",
		"properties": props,
	}
}

func (x *exchange) putAssignment() *Error {
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	role := text(sent, "properties", "roleDefinitionId")
	principal := text(sent, "properties", "principalId")
	if role == "" || principal == "" {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "A role assignment needs properties.roleDefinitionId and properties.principalId.").at("properties")
	}
	scope := x.authScope()
	if err := x.scopeThere(scope); err != nil {
		return err
	}
	e := x.engine
	e.write.Lock()
	defer e.write.Unlock()
	as := RoleAssignment{Name: strings.ToLower(x.lastPart()), Scope: scope, Role: strings.ToLower(role[strings.LastIndexByte(role, '/')+1:]), Principal: strings.ToLower(principal), Type: text(sent, "properties", "principalType"), Description: text(sent, "properties", "description")}
	made, err := x.config.Gate.Access.Assign(as)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if made {
		if err := e.keepAccess(assignmentsAt+assignmentKey(as.Scope, as.Name), as); err != nil {
			x.config.Gate.Access.Unassign(as.Scope, as.Name)
			return err
		}
		status = http.StatusCreated
	} else if was, ok := x.config.Gate.Access.Assignment(scope, as.Name); ok { // as it was made
		as = was
	}
	return x.reply(status, x.assignmentBody(as))
}

// scopeThere refuses a scope that does not exist.
func (x *exchange) scopeThere(scope string) *Error {
	parts := strings.Split(strings.Trim(scope, "/"), "/")
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		return nil
	}
	if len(parts) == 2 || x.there(scope) {
		return nil
	}
	if len(parts) == 4 {
		return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", parts[3])
	}
	return refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", scope)
}

func (x *exchange) getAssignment() *Error {
	as, ok := x.config.Gate.Access.Assignment(x.authScope(), x.lastPart())
	if !ok {
		return refuse(http.StatusNotFound, "RoleAssignmentNotFound", "The role assignment '%s' is not found.", x.lastPart())
	}
	return x.reply(http.StatusOK, x.assignmentBody(as))
}

func (x *exchange) deleteAssignment() *Error {
	e := x.engine
	e.write.Lock()
	defer e.write.Unlock()
	as, ok := x.config.Gate.Access.Assignment(x.authScope(), x.lastPart())
	if !ok {
		return x.nothing(http.StatusNoContent)
	}
	if err := e.keepAccess(assignmentsAt+assignmentKey(as.Scope, as.Name), nil); err != nil {
		return err
	}
	x.config.Gate.Access.Unassign(as.Scope, as.Name)
	return x.reply(http.StatusOK, x.assignmentBody(as))
}

// assignments lists those at a scope and below it and, as Azure does, those that it inherits; atScope() leaves out what is below.
func (x *exchange) assignments() *Error {
	scope := x.authScope()
	if err := x.scopeThere(scope); err != nil {
		return err
	}
	f, err := readRoleFilter(x.r.URL.Query().Get("$filter"), "principalId", "assignedTo()", "atScope()")
	if err != nil {
		return err
	}
	out := []any{}
	for _, as := range x.config.Gate.Access.Assignments(scope, true) {
		below := len(as.Scope) > len(scope) && scope != "/" || scope == "/" && as.Scope != "/"
		if _, only := f["atscope()"]; only && below {
			continue
		}
		if !f.takes("principalId", as.Principal) || !f.takes("assignedTo()", as.Principal) { // there are no groups that somebody is in
			continue
		}
		out = append(out, x.assignmentBody(as))
	}
	return x.reply(http.StatusOK, object{"value": out})
}

// quoted is what stands between a beginning and the next quotation mark.
func quoted(s, begins string) (string, bool) {
	_, rest, ok := strings.Cut(s, begins)
	if !ok {
		return "", false
	}
	v, _, ok := strings.Cut(rest, "'")
	return v, ok
}

func (x *exchange) definitions() *Error {
	f, err := readRoleFilter(x.r.URL.Query().Get("$filter"), "roleName", "type", "atScopeAndBelow()", "atScope()")
	if err != nil {
		return err
	}
	scope := strings.ToLower(x.authScope())
	out := []any{}
	for _, d := range x.config.Gate.Access.Definitions() {
		kind := "CustomRole"
		if d.BuiltIn {
			kind = "BuiltInRole"
		}
		if !f.takes("roleName", d.Name) || !f.takes("type", kind) {
			continue
		}
		usable := d.BuiltIn || scope == "/"
		for _, s := range d.Scopes {
			usable = usable || covers(strings.ToLower(s), scope)
		}
		if usable {
			out = append(out, x.definitionBody(d))
		}
	}
	return x.reply(http.StatusOK, object{"value": out})
}

func (x *exchange) getDefinition() *Error {
	d, ok := x.config.Gate.Access.Definition(x.lastPart())
	if !ok {
		return refuse(http.StatusNotFound, "RoleDefinitionDoesNotExist", "The specified role definition with ID '%s' does not exist.", x.lastPart())
	}
	return x.reply(http.StatusOK, x.definitionBody(d))
}

func (x *exchange) putDefinition() *Error {
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	d := RoleDefinition{ID: strings.ToLower(x.lastPart()), Name: text(sent, "properties", "roleName"), Description: text(sent, "properties", "description"), Scopes: words(sent, "properties", "assignableScopes")}
	for _, p := range list(sent, "properties", "permissions") {
		d.Actions = append(d.Actions, words(p, "actions")...)
		d.NotActions = append(d.NotActions, words(p, "notActions")...)
	}
	for _, s := range d.Scopes {
		if !x.config.Gate.Access.Allowed(x.caller.ObjectID, x.action, s) {
			return refuse(http.StatusForbidden, "LinkedAuthorizationFailed", "The client '%s' with object id '%s' does not have permission to perform action '%s' on the assignable scope '%s'.", x.caller.AppID, x.caller.ObjectID, x.action, s)
		}
	}
	e := x.engine
	e.write.Lock()
	defer e.write.Unlock()
	old, had := x.config.Gate.Access.Definition(d.ID)
	if err := x.config.Gate.Access.Define(d); err != nil {
		return err
	}
	if err := e.keepAccess(roleKey+d.ID, d); err != nil {
		if had {
			_ = x.config.Gate.Access.Define(old)
		} else {
			_, _ = x.config.Gate.Access.Undefine(d.ID)
		}
		return err
	}
	return x.reply(http.StatusCreated, x.definitionBody(d))
}

func (x *exchange) deleteDefinition() *Error {
	e := x.engine
	e.write.Lock()
	defer e.write.Unlock()
	d, ok := x.config.Gate.Access.Definition(x.lastPart())
	if !ok {
		return x.nothing(http.StatusNoContent)
	}
	if _, err := x.config.Gate.Access.Undefine(d.ID); err != nil {
		return err
	}
	if err := e.keepAccess(roleKey+d.ID, nil); err != nil {
		_ = x.config.Gate.Access.Define(d)
		return err
	}
	return x.reply(http.StatusOK, x.definitionBody(d))
}

// permissions are what the caller may do at a scope.
func (x *exchange) permissions() *Error {
	out := []any{}
	for _, d := range x.config.Gate.Access.Permissions(x.caller.ObjectID, x.authScope()) {
		out = append(out, object{"actions": d.Actions, "notActions": nonNil(anys(d.NotActions))})
	}
	return x.reply(http.StatusOK, object{"value": out})
}
