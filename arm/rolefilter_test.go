package arm

import (
	"maps"
	"net/url"
	"strings"
	"testing"
)

func TestRolesAreListedAsClientsFilterThem(t *testing.T) {
	t.Parallel()
	const id = "11111111-1111-4111-8111-111111111111"
	for filter, want := range map[string]roleFilter{
		"":          {},
		"atScope()": {"atscope()": ""},
		"atScope() and principalId eq '" + id + "'":                   {"atscope()": "", "principalid": id},
		"principalId eq " + id:                                        {"principalid": id},
		"PRINCIPALID EQ '" + id + "' AND ATSCOPE()":                   {"atscope()": "", "principalid": id},
		"assignedTo('" + id + "')":                                    {"assignedto()": id},
		"principalId eq '" + id + "' and principalId eq '" + id + "'": {"principalid": id},
	} {
		got, err := readRoleFilter(filter, "principalId", "assignedTo()", "atScope()")
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("%s is read as %v (%v)", filter, got, err)
		}
	}
	if got, err := readRoleFilter("roleName eq 'Research and Development''s' and type eq 'CustomRole'", "roleName", "type"); err != nil || got["rolename"] != "Research and Development's" || got["type"] != "CustomRole" {
		t.Errorf("a name with and in it is read as %v (%v)", got, err)
	}
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	for _, bad := range []string{"asTarget()", "principalId ne 'x'", "principalId eq", "principalId eq 'x' or atScope()", "atScope() and", "and atScope()", "principalId eq 'x", "principalId eq 'x' principalId eq 'x'", "principalId eq 'x' and principalId eq 'y'", strings.Repeat("(", maxFilter+1)} {
		r.refused(400, "InvalidFilterInQueryString", "GET", group+"/providers/Microsoft.Authorization/roleAssignments?$filter="+url.QueryEscape(bad), "")
	}
	r.refused(400, "InvalidFilterInQueryString", "GET", group+"/providers/Microsoft.Authorization/roleDefinitions?$filter="+url.QueryEscape("principalId eq 'x'"), "")
	list := func(filter string) int {
		return len(list(r.must(200, "GET", group+"/providers/Microsoft.Authorization/roleAssignments?$filter="+url.QueryEscape(filter), ""), "value"))
	}
	if n := list("principalId eq " + r.owner.ObjectID); n != 1 {
		t.Errorf("the owner has %d assignments", n)
	}
	if n := list("principalId eq '" + id + "'"); n != 0 {
		t.Errorf("nobody has %d assignments", n)
	}
}

// FuzzRoleFilter reads any filter; what it takes asks only for what there is.
func FuzzRoleFilter(f *testing.F) {
	for _, s := range []string{"", "atScope()", "principalId eq 'x' and atScope()", "assignedTo('x')", "roleName eq 'a''b'", "a eq b and", "(", "'", "a ( b ) and c eq d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, refusal := readRoleFilter(s, "principalId", "assignedTo()", "atScope()")
		if refusal != nil {
			if refusal.Status != 400 || refusal.Code != "InvalidFilterInQueryString" {
				t.Fatalf("%q: %v", s, refusal)
			}
			return
		}
		for name := range got {
			if name != "principalid" && name != "assignedto()" && name != "atscope()" {
				t.Fatalf("%q asks for %s", s, name)
			}
		}
	})
}
