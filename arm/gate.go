package arm

import (
	"net/http"
	"strings"
)

// Gate decides who sends a request and whether they may do what they ask for.
type Gate struct {
	Directory *Directory
	Tokens    *Tokens
	Access    *Access
}

// Who is the principal that a request's token shows: known to the directory, and in service.
func (g *Gate) Who(r *http.Request) (*Principal, *Error) {
	c, refusal := g.Tokens.Verify(r)
	if refusal != nil {
		return nil, refusal
	}
	p, ok := g.Directory.Principal(c.ObjectID)
	if !ok || p.AppID != c.AppID {
		return nil, g.Tokens.challenge(r, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: the directory does not know its principal."))
	}
	if p.Revoked {
		return nil, g.Tokens.challenge(r, refuse(http.StatusUnauthorized, "InvalidAuthenticationToken", "The access token is invalid: its principal is revoked."))
	}
	return p, nil
}

// May tells whether a principal may do something at a scope, which is the canonical id of what is asked for.
func (g *Gate) May(p *Principal, action, scope string) *Error {
	if g.Access.Allowed(p.ObjectID, action, scope) {
		return nil
	}
	return refuse(http.StatusForbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. If access was recently granted, please refresh your credentials.",
		p.AppID, p.ObjectID, action, scope)
}

// Link is something that a request does to another resource by naming it: the action on it and its id.
type Link struct{ Action, Scope string }

// MayLink tells whether a principal, which may perform an action at a scope, may also do what that does to the resources that the body
// names: to put an interface into a subnet is to join the subnet.
func (g *Gate) MayLink(p *Principal, action, scope string, links []Link) *Error {
	var actions, scopes []string
	for _, l := range links {
		if !g.Access.Allowed(p.ObjectID, l.Action, l.Scope) {
			actions, scopes = append(actions, l.Action), append(scopes, l.Scope)
		}
	}
	if actions == nil {
		return nil
	}
	return linkRefused(p.AppID, p.ObjectID, action, scope, strings.Join(actions, ","), strings.Join(scopes, ","))
}

// linkRefused is Azure's sentence for a client that may do something, but not what that does to other resources.
func linkRefused(client, objectID, action, scope, actions, scopes string) *Error {
	return refuse(http.StatusForbidden, "LinkedAuthorizationFailed",
		"The client '%s' with object id '%s' has permission to perform action '%s' on scope '%s'; however, it does not have permission to perform action(s) '%s' on the linked scope(s) '%s' (respectively) or the linked scope(s) are invalid.",
		client, objectID, action, scope, actions, scopes)
}
