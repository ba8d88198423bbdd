package arm

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// slowMatches is matchesAction written from its definition: a `*` stands for any run of characters, all else for itself in any case.
func slowMatches(pattern, action string) bool {
	if pattern == "" {
		return action == ""
	}
	if pattern[0] == '*' {
		for i := 0; i <= len(action); i++ {
			if slowMatches(pattern[1:], action[i:]) {
				return true
			}
		}
		return false
	}
	return action != "" && strings.EqualFold(action[:1], pattern[:1]) && slowMatches(pattern[1:], action[1:])
}

func TestActionsMatchAsTheDefinitionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("abA/*")), 0, 9, -1).Draw(t, "pattern")
		action := rapid.StringOfN(rapid.RuneFrom([]rune("abAB/")), 0, 9, -1).Draw(t, "action")
		want := slowMatches(pattern, action)
		if got := matchesAction(strings.ToLower(pattern), action); got != want {
			t.Fatalf("%q and %q match: %t", pattern, action, got)
		}
		re := regexp.MustCompile(`(?is)^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`)
		if re.MatchString(action) != want {
			t.Fatalf("the slow matcher is wrong about %q and %q", pattern, action)
		}
	})
}

func TestNoPatternTakesLongToMatch(t *testing.T) {
	// What makes a matcher that backtracks everywhere need longer than anybody waits: the test ends at all.
	pattern, action := strings.Repeat("*a", 100)+"b", strings.Repeat("a", 256)
	if matchesAction(pattern, action) {
		t.Error("it matches")
	}
}

// slowAllowed is Access.Allowed written from its definition.
func slowAllowed(roles []RoleDefinition, assignments []RoleAssignment, principal, action, scope string) bool {
	for _, as := range assignments {
		here, at := strings.ToLower(scope), strings.ToLower(as.Scope)
		if as.Principal != principal || at != "/" && here != at && !strings.HasPrefix(here, at+"/") {
			continue
		}
		for _, r := range roles {
			if r.ID != as.Role {
				continue
			}
			allow, deny := false, false
			for _, p := range r.Actions {
				allow = allow || slowMatches(p, action)
			}
			for _, p := range r.NotActions {
				deny = deny || slowMatches(p, action)
			}
			if allow && !deny {
				return true
			}
		}
	}
	return false
}

func TestAccessIsWhatTheRolesAtAScopeAndAboveItAllow(t *testing.T) {
	c := openFacts(t)
	scopes := []string{"/", "/subscriptions/a", "/subscriptions/ab", "/subscriptions/a/resourceGroups/g", "/subscriptions/a/resourceGroups/G2", "/subscriptions/a/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v",
		"/subscriptions/a/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s", "/SUBSCRIPTIONS/A/RESOURCEGROUPS/G"}
	patterns := []string{"*", "*/read", "Microsoft.Network/*", "Microsoft.Network/*/read", "microsoft.network/VIRTUALNETWORKS/write", "Microsoft.Network/virtualNetworks/subnets/join/action", "*/action", "Microsoft.Authorization/*"}
	actions := []string{"Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/write", "MICROSOFT.NETWORK/virtualNetworks/delete", "Microsoft.Network/virtualNetworks/subnets/join/action", "Microsoft.Authorization/roleAssignments/write", "Microsoft.Resources/subscriptions/resourceGroups/read"}
	allowed := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		d := NewDirectory("t")
		a := NewAccess(c, d)
		var roles []RoleDefinition
		for i := range rapid.IntRange(1, 4).Draw(t, "roles") {
			r := RoleDefinition{ID: guidOf("role", fmt.Sprint(i)), Name: fmt.Sprint("role ", i), Scopes: []string{"/"},
				Actions:    rapid.SliceOfN(rapid.SampledFrom(patterns), 1, 3).Draw(t, "actions"),
				NotActions: rapid.SliceOfN(rapid.SampledFrom(patterns), 0, 2).Draw(t, "notActions")}
			if refusal := a.Define(r); refusal != nil {
				t.Fatal(refusal)
			}
			roles = append(roles, r)
		}
		var principals []string
		for i := range 2 {
			principals = append(principals, guidOf("principal", fmt.Sprint(i)))
		}
		present := map[string]RoleAssignment{}
		for i := range rapid.IntRange(0, 8).Draw(t, "changes") {
			as := RoleAssignment{Name: guidOf("assignment", fmt.Sprint(i)), Scope: rapid.SampledFrom(scopes).Draw(t, "scope"), Role: rapid.SampledFrom(roles).Draw(t, "role").ID,
				Principal: rapid.SampledFrom(principals).Draw(t, "principal"), Type: "User"}
			if made, refusal := a.Assign(as); refusal == nil && made {
				present[as.Name] = as
			} else if refusal == nil || refusal.Code != "RoleAssignmentExists" {
				t.Fatal(refusal)
			}
			if len(present) > 0 && rapid.IntRange(0, 3).Draw(t, "take one away") == 0 {
				var names []string
				for i := range 8 {
					if name := guidOf("assignment", fmt.Sprint(i)); present[name].Name != "" {
						names = append(names, name)
					}
				}
				gone := present[rapid.SampledFrom(names).Draw(t, "which")]
				if _, ok := a.Unassign(strings.ToUpper(gone.Scope), strings.ToUpper(gone.Name)); !ok {
					t.Fatalf("%v is not there", gone)
				}
				delete(present, gone.Name)
			}
			if rapid.IntRange(0, 3).Draw(t, "change a role") == 0 {
				r := &roles[rapid.IntRange(0, len(roles)-1).Draw(t, "which")]
				r.Actions = rapid.SliceOfN(rapid.SampledFrom(patterns), 1, 3).Draw(t, "actions")
				if refusal := a.Define(*r); refusal != nil {
					t.Fatal(refusal)
				}
			}
		}
		var assignments []RoleAssignment
		for _, as := range present {
			assignments = append(assignments, as)
		}
		for _, p := range principals {
			for _, s := range scopes {
				reached := false
				for _, action := range actions {
					want := slowAllowed(roles, assignments, p, action, s)
					if got := a.Allowed(p, action, s); got != want {
						t.Fatalf("%s at %s: %t, want %t, of %v and %v", action, s, got, want, roles, assignments)
					}
					allowed[want]++
					reached = reached || want
				}
				if reached && !a.Reaches(p, s) {
					t.Fatalf("something is allowed at %s, and it is out of reach", s)
				}
			}
		}
	})
	if allowed[true] == 0 || allowed[false] == 0 {
		t.Errorf("only one kind of answer was compared: %v", allowed)
	}
}

func TestTheBuiltInRolesAllowWhatTheyAreFor(t *testing.T) {
	const (
		read, write, remove = "Microsoft.Network/virtualNetworks/read", "Microsoft.Network/virtualNetworks/write", "Microsoft.Network/virtualNetworks/delete"
		join                = "Microsoft.Network/virtualNetworks/subnets/join/action"
		assign              = "Microsoft.Authorization/roleAssignments/write"
		groups, groupWrite  = "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Resources/subscriptions/resourceGroups/write"
	)
	all := []string{read, write, remove, join, assign, groups, groupWrite}
	for role, may := range map[string][]string{
		"Owner": all, "Contributor": {read, write, remove, join, groups, groupWrite}, "Reader": {read, groups}, "Network Contributor": {read, write, remove, join, groups},
		"User Access Administrator": {read, assign, groups},
	} {
		d := NewDirectory("t")
		a := NewAccess(openFacts(t), d)
		r, ok := a.Definition(role)
		if !ok {
			t.Fatalf("there is no %s", role)
		}
		p := guidOf("principal", "p")
		if _, refusal := a.Assign(RoleAssignment{Name: guidOf("x", "y"), Scope: "/subscriptions/s", Role: r.ID, Principal: p, Type: "User"}); refusal != nil {
			t.Fatal(refusal)
		}
		for _, action := range all {
			want := strings.Contains(strings.Join(may, " ")+" ", action+" ")
			if got := a.Allowed(p, action, "/subscriptions/s/resourceGroups/g"); got != want {
				t.Errorf("%s: %s is allowed: %t", role, action, got)
			}
			if a.Allowed(p, action, "/subscriptions/other/resourceGroups/g") || a.Allowed(p, action, "/") {
				t.Errorf("%s: %s is allowed elsewhere", role, action)
			}
		}
	}
}

func TestNobodyHasARightToWhatIsNoScope(t *testing.T) {
	k := newDesk(t)
	reader := k.principal(t, "reader").ObjectID // which may read everything
	const read = "Microsoft.Network/virtualNetworks/read"
	for _, s := range []string{"/", "/subscriptions/x", "/subscriptions/x/resourceGroups/a.b_c-(d)", "/subscriptions/x/resourceGroups/große"} {
		if !k.Access.Allowed(reader, read, s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", "subscriptions/x", "//", "/subscriptions/", "/subscriptions//x", "/subscriptions/x/../y", "/subscriptions/x/.", "/..", "/subscriptions/x%2fy", "/subscriptions/x%2Fy", "/subscriptions/x\\y", "/subscriptions/x?y", "/subscriptions/x#y", "/subscriptions/x\x00", "/subscriptions/x\n"} {
		if k.Access.Allowed(reader, read, s) || k.Access.Reaches(reader, s) || len(k.Access.Permissions(reader, s)) > 0 {
			t.Errorf("%q is allowed", s)
		}
	}
	for _, action := range []string{"", strings.Repeat("a", maxAction) + "/read"} {
		if k.Access.Allowed(reader, action, "/") {
			t.Errorf("the action %.20q is allowed", action)
		}
	}
	for _, nobody := range []string{"", "nobody", k.principal(t, "reader").AppID} {
		if k.Access.Allowed(nobody, read, "/") {
			t.Errorf("%q may read", nobody)
		}
	}
}

func TestARightReachesDownToChildrenAndNotToNeighbours(t *testing.T) {
	k := newDesk(t)
	operator, _ := k.Directory.Subscription("connectivity")
	p := k.principal(t, "operator").ObjectID
	base := "/subscriptions/" + operator.ID + "/resourceGroups/rg-er"
	const write, remove = "Microsoft.Network/expressRouteCircuits/write", "Microsoft.Network/expressRouteCircuits/delete"
	for scope, want := range map[string]bool{base: true, strings.ToUpper(base): true, base + "/providers/Microsoft.Network/expressRouteCircuits/c": true, base + "/providers/Microsoft.Network/expressRouteCircuits/c/peerings/p": true,
		base + "2": false, base[:len(base)-1]: false, "/subscriptions/" + operator.ID: false, "/": false} {
		if got := k.Access.Allowed(p, write, scope); got != want {
			t.Errorf("%s: %t", scope, got)
		}
		if k.Access.Allowed(p, remove, scope) {
			t.Errorf("%s: what notActions take away is allowed", scope)
		}
	}
	if !k.Access.Reaches(p, "/subscriptions/"+operator.ID) || k.Access.Reaches(p, "/subscriptions/11111111-2222-3333-4444-555555555555") {
		t.Error("the operator sees the wrong subscriptions")
	}
	if got := k.Access.Permissions(p, base); len(got) != 1 || got[0].Name != "Circuit Operator" {
		t.Errorf("its permissions are %v", got)
	}
}

func TestWhatOneRoleTakesAwayAnotherMayGive(t *testing.T) {
	k := newDesk(t)
	p := k.principal(t, "operator").ObjectID
	owner, _ := k.Access.Definition("Owner")
	s, _ := k.Directory.Subscription("connectivity")
	circuit := "/subscriptions/" + s.ID + "/resourceGroups/rg-er/providers/Microsoft.Network/expressRouteCircuits/c"
	if _, refusal := k.Access.Assign(RoleAssignment{Name: guidOf("x", "1"), Scope: circuit, Role: owner.ID, Principal: p}); refusal != nil {
		t.Fatal(refusal)
	}
	if !k.Access.Allowed(p, "Microsoft.Network/expressRouteCircuits/delete", circuit) {
		t.Error("it is not given")
	}
}

func TestRolesAndAssignmentsThatCannotBeAreRefused(t *testing.T) {
	k := newDesk(t)
	s, _ := k.Directory.Subscription("connectivity")
	scope, p := "/subscriptions/"+s.ID, k.principal(t, "writer").ObjectID
	contributor, _ := k.Access.Definition("Contributor")
	operator, _ := k.Access.Definition("Circuit Operator")
	assigned := k.Access.Assignments(scope, false)
	var mine RoleAssignment
	for _, as := range assigned {
		if as.Principal == p {
			mine = as
		}
	}
	assign := func(change func(*RoleAssignment)) *Error {
		as := RoleAssignment{Name: guidOf("x", "new"), Scope: scope + "/resourceGroups/g", Role: contributor.ID, Principal: p}
		change(&as)
		made, refusal := k.Access.Assign(as)
		if refusal == nil && made {
			k.Access.Unassign(as.Scope, as.Name)
		}
		return refusal
	}
	define := func(change func(*RoleDefinition)) *Error {
		d := RoleDefinition{ID: guidOf("role", "new"), Name: "New", Actions: []string{"*/read"}, Scopes: []string{"/"}}
		change(&d)
		return k.Access.Define(d)
	}
	undefine := func(id string) *Error { _, refusal := k.Access.Undefine(id); return refusal }
	same := func(as *RoleAssignment) { as.Scope, as.Role, as.Principal = mine.Scope, mine.Role, mine.Principal }
	for _, c := range []struct {
		name   string
		got    *Error
		status int
		code   string
	}{
		{"an assignment", assign(func(*RoleAssignment) {}), 0, ""},
		{"one of somebody who is not there yet", assign(func(as *RoleAssignment) { as.Principal, as.Type = guidOf("x", "later"), "User" }), 0, ""},
		{"the same again", assign(func(as *RoleAssignment) { *as = mine; as.Scope = strings.ToUpper(as.Scope) }), 0, ""},
		{"the same under another name", assign(same), 409, "RoleAssignmentExists"},
		{"another under the same name", assign(func(as *RoleAssignment) {
			same(as)
			as.Name, as.Role = mine.Name, contributor.ID
			as.Principal = k.principal(t, "reader").ObjectID
		}), 400, codeAssignmentUpdate},
		{"a name that is no GUID", assign(func(as *RoleAssignment) { as.Name = "x" }), 400, codeRoleScope},
		{"a scope that is none", assign(func(as *RoleAssignment) { as.Scope = scope + "/../x" }), 400, codeRoleScope},
		{"nobody", assign(func(as *RoleAssignment) { as.Principal = guidOf("x", "nobody") }), 400, "PrincipalNotFound"},
		{"a principal that is no GUID", assign(func(as *RoleAssignment) { as.Principal, as.Type = "x", "User" }), 400, "PrincipalNotFound"},
		{"an application's id for an object's", assign(func(as *RoleAssignment) { as.Principal = k.principal(t, "writer").AppID }), 400, "PrincipalNotFound"},
		{"no such role", assign(func(as *RoleAssignment) { as.Role = guidOf("x", "no role") }), 404, "RoleDefinitionDoesNotExist"},
		{"a role elsewhere", assign(func(as *RoleAssignment) {
			as.Role, as.Scope = operator.ID, "/subscriptions/11111111-2222-3333-4444-555555555555"
		}), 404, "RoleDefinitionDoesNotExist"},
		{"a role above where it can be", assign(func(as *RoleAssignment) { as.Role, as.Scope = operator.ID, "/" }), 404, "RoleDefinitionDoesNotExist"},

		{"a role", define(func(*RoleDefinition) {}), 0, ""},
		{"the same role again", define(func(d *RoleDefinition) { d.Description = "changed" }), 0, ""},
		{"a built-in one", define(func(d *RoleDefinition) { d.ID, d.Name = contributor.ID, "x" }), 400, codeRoleBuiltIn},
		{"one that says it is built in", define(func(d *RoleDefinition) { d.BuiltIn = true }), 400, codeRoleBuiltIn},
		{"the name of a built-in one", define(func(d *RoleDefinition) { d.ID, d.Name = guidOf("x", "z"), "contributor" }), 409, codeRoleNameTaken},
		{"no name", define(func(d *RoleDefinition) { d.Name = "" }), 400, codeRoleAction},
		{"no actions", define(func(d *RoleDefinition) { d.Actions = nil }), 400, codeRoleAction},
		{"no action", define(func(d *RoleDefinition) { d.Actions = []string{"read"} }), 400, codeRoleAction},
		{"a strange action", define(func(d *RoleDefinition) { d.NotActions = []string{"Microsoft.Network/ä"} }), 400, codeRoleAction},
		{"a thousand and one actions", define(func(d *RoleDefinition) { d.Actions = strings.Split(strings.Repeat("a/b ", 1000)+"a/b", " ") }), 400, "RoleDefinitionLimitExceeded"},
		{"no scope", define(func(d *RoleDefinition) { d.Scopes = nil }), 400, codeRoleScope},
		{"a strange scope", define(func(d *RoleDefinition) { d.Scopes = []string{"x"} }), 400, codeRoleScope},
		{"an id that is no GUID", define(func(d *RoleDefinition) { d.ID = "x" }), 400, codeRoleScope},
		{"removing a built-in one", undefine(contributor.ID), 400, codeRoleBuiltIn},
		{"removing one that is assigned", undefine(operator.ID), 400, codeRoleAssigned},
		{"removing one", undefine(strings.ToUpper(guidOf("role", "new"))), 0, ""},
		{"removing one that is not there", undefine(guidOf("role", "new")), 0, ""},
	} {
		switch {
		case c.code == "" && c.got != nil:
			t.Errorf("%s: %v", c.name, c.got)
		case c.code != "" && (c.got == nil || c.got.Code != c.code || c.got.Status != c.status):
			t.Errorf("%s: %v, want %d %s", c.name, c.got, c.status, c.code)
		}
	}
	if after := k.Access.Assignments(scope, false); len(after) != len(assigned) {
		t.Errorf("%d assignments became %d", len(assigned), len(after))
	}
}

// TestACodeThatIsNotPublishedIsANamedAssumption: every other code is in errors.csv.
func TestACodeThatIsNotPublishedIsANamedAssumption(t *testing.T) {
	published := map[string]bool{}
	for _, e := range openFacts(t).ARMErrors() {
		published[e.Code] = true
	}
	var text strings.Builder
	for _, as := range identityAssumptions() {
		text.WriteString(as.Text)
	}
	for _, code := range []string{"AuthenticationFailed", "InvalidAuthenticationToken", "ExpiredAuthenticationToken", "InvalidAuthenticationTokenTenant", "InvalidAuthenticationTokenAudience", "AuthorizationFailed", "LinkedAuthorizationFailed",
		"RoleAssignmentExists", "PrincipalNotFound", "RoleDefinitionDoesNotExist", "RoleAssignmentLimitExceeded", "RoleDefinitionLimitExceeded", codeAssignmentUpdate, codeRoleAssigned, codeRoleNameTaken, codeRoleAction, codeRoleScope, codeRoleBuiltIn} {
		if !published[code] && !strings.Contains(text.String(), code) {
			t.Errorf("%s is neither published nor assumed", code)
		}
	}
}

func TestASubscriptionHasABoundedNumberOfAssignments(t *testing.T) {
	a := NewAccess(openFacts(t), NewDirectory("t"))
	a.counts["s"] = maxAssignments // as if there were so many
	reader, _ := a.Definition("Reader")
	as := RoleAssignment{Name: guidOf("x", "y"), Scope: "/Subscriptions/S/resourceGroups/g", Role: reader.ID, Principal: guidOf("x", "p"), Type: "User"}
	if _, refusal := a.Assign(as); refusal == nil || refusal.Code != "RoleAssignmentLimitExceeded" {
		t.Errorf("got %v", refusal)
	}
	as.Scope = "/subscriptions/t"
	if made, refusal := a.Assign(as); !made {
		t.Error(refusal)
	}
}

func TestARefusalSaysWhoMayNotDoWhatWhere(t *testing.T) {
	k := newDesk(t)
	reader := k.principal(t, "reader")
	s, _ := k.Directory.Subscription("connectivity")
	vnet := "/subscriptions/" + s.ID + "/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v"
	if refusal := k.May(reader, ActionOf("GET", "Microsoft.Network/virtualNetworks", ""), vnet); refusal != nil {
		t.Error(refusal)
	}
	refusal := k.May(reader, ActionOf("PUT", "Microsoft.Network/virtualNetworks", ""), vnet)
	want := "AuthorizationFailed: The client '" + reader.AppID + "' with object id '" + reader.ObjectID + "' does not have authorization to perform action 'Microsoft.Network/virtualNetworks/write' over scope '" + vnet +
		"' or the scope is invalid. If access was recently granted, please refresh your credentials."
	if refusal == nil || refusal.Error() != want || refusal.Status != http.StatusForbidden {
		t.Errorf("got %v", refusal)
	}
	writer := k.principal(t, "writer")
	const write, join = "Microsoft.Network/networkInterfaces/write", "Microsoft.Network/virtualNetworks/subnets/join/action"
	far := "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/s"
	nic := "/subscriptions/" + s.ID + "/resourceGroups/g/providers/Microsoft.Network/networkInterfaces/n"
	if refusal := k.MayLink(writer, write, nic, []Link{{join, vnet + "/subnets/s"}}); refusal != nil {
		t.Error(refusal)
	}
	refusal = k.MayLink(writer, write, nic, []Link{{join, vnet + "/subnets/s"}, {join, far}})
	if refusal == nil || refusal.Code != "LinkedAuthorizationFailed" || refusal.Status != http.StatusForbidden || !strings.Contains(refusal.Message, "perform action(s) '"+join+"' on the linked scope(s) '"+far+"'") {
		t.Errorf("got %v", refusal)
	}
}

func TestEachRequestHasItsAction(t *testing.T) {
	for _, c := range []struct{ method, kind, verb, want string }{
		{"GET", "Microsoft.Network/virtualNetworks", "", "Microsoft.Network/virtualNetworks/read"},
		{"HEAD", "Microsoft.Resources/subscriptions/resourceGroups", "", "Microsoft.Resources/subscriptions/resourceGroups/read"},
		{"PUT", "Microsoft.Network/virtualNetworks/subnets", "", "Microsoft.Network/virtualNetworks/subnets/write"},
		{"PATCH", "Microsoft.Network/virtualNetworks", "", "Microsoft.Network/virtualNetworks/write"},
		{"DELETE", "Microsoft.Network/virtualNetworks", "", "Microsoft.Network/virtualNetworks/delete"},
		{"POST", "Microsoft.Network/expressRouteCircuits/peerings", "arpTables", "Microsoft.Network/expressRouteCircuits/peerings/arpTables/action"},
		{"POST", "Microsoft.Network/virtualNetworks", "", "Microsoft.Network/virtualNetworks/action"},
		{"TRACE", "Microsoft.Network/virtualNetworks", "", ""},
	} {
		if got := ActionOf(c.method, c.kind, c.verb); got != c.want {
			t.Errorf("%s %s: %s", c.method, c.kind, got)
		}
	}
}

// TestRightsCanBeAskedForWhileTheyChange is for the race detector.
func TestRightsCanBeAskedForWhileTheyChange(t *testing.T) {
	k := newDesk(t)
	p := k.principal(t, "writer").ObjectID
	reader, _ := k.Access.Definition("Reader")
	token := bearer(k.token(t, "writer", armAudience))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				name := guidOf("x", fmt.Sprint(i))
				scope := fmt.Sprintf("/subscriptions/s%d", i)
				_, _ = k.Access.Assign(RoleAssignment{Name: name, Scope: scope, Role: reader.ID, Principal: p})
				k.Access.Allowed(p, "a/read", scope)
				k.Access.Reaches(p, "/")
				k.Access.Unassign(scope, name)
				_ = k.Access.Define(RoleDefinition{ID: guidOf("role", fmt.Sprint(i)), Name: fmt.Sprint("r", i), Actions: []string{"*"}, Scopes: []string{"/"}})
				_, _ = k.Directory.SetRevoked("writer", j%2 == 0)
				_, _ = k.Who(token)
				k.Directory.Principals()
			}
		})
	}
	wg.Wait()
	if k.Access.Allowed(p, "a/read", "/subscriptions/s1") {
		t.Error("a right is left")
	}
}

func TestAskingForARightAllocatesNothing(t *testing.T) {
	k := newDesk(t)
	p, scope, action := rightsToAsk(t, k)
	if n := testing.AllocsPerRun(100, func() {
		if !k.Access.Allowed(p, action, scope) {
			t.Fatal("refused")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// rightsToAsk is a principal with a few dozen assignments, of which the last allows what is asked for.
func rightsToAsk(t testing.TB, k *desk) (principal, scope, action string) {
	p := k.principal(t, "operator").ObjectID
	contributor, _ := k.Access.Definition("Contributor")
	for i := range 30 {
		scope = fmt.Sprintf("/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-%d", i)
		if _, refusal := k.Access.Assign(RoleAssignment{Name: guidOf("x", fmt.Sprint(i)), Scope: scope, Role: contributor.ID, Principal: p}); refusal != nil {
			t.Fatal(refusal)
		}
	}
	return p, strings.ToUpper(scope) + "/providers/Microsoft.Network/virtualNetworks/v", "Microsoft.Network/virtualNetworks/write"
}

func BenchmarkAllowed(b *testing.B) {
	k := newDesk(b)
	p, scope, action := rightsToAsk(b, k)
	b.ReportAllocs()
	for b.Loop() {
		if !k.Access.Allowed(p, action, scope) {
			b.Fatal("refused")
		}
	}
}
