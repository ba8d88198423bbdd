package twin

import (
	"net/url"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v9"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"
)

const (
	customRole = "0e1d2c3b-1111-4222-8333-444455556666"
	assignment = "9a8b7c6d-1111-4222-8333-444455556666"
)

func TestTheGoSDKGivesAndTakesRights(t *testing.T) {
	r := start(t, t.TempDir(), nil)
	ctx := t.Context()
	sub := r.subscription("sub-finance")
	owner := r.credential("owner", "the-owners-secret-1234")
	scope := "/subscriptions/" + sub
	factory, err := armauthorization.NewClientFactory(sub, owner, r.options())
	if err != nil {
		t.Fatal(err)
	}
	definitions, assignments := factory.NewRoleDefinitionsClient(), factory.NewRoleAssignmentsClient()
	groups, err := armresources.NewResourceGroupsClient(sub, owner, r.options())
	if err != nil {
		t.Fatal(err)
	}
	west := to.Ptr("westeurope")
	if _, err := groups.CreateOrUpdate(ctx, "net", armresources.ResourceGroup{Location: west}, nil); err != nil {
		t.Fatal(err)
	}

	// Until it has a role the reader may do nothing here: its role is at another subscription.
	reader, err := armnetwork.NewClientFactory(sub, r.credential("reader", "the-readers-secret-1234"), r.options())
	if err != nil {
		t.Fatal(err)
	}
	tables := reader.NewRouteTablesClient()
	table := armnetwork.RouteTable{Location: west, Properties: &armnetwork.RouteTablePropertiesFormat{}}
	_, err = tables.BeginCreateOrUpdate(ctx, "net", "rt", table, nil)
	refused(t, err, 403, "AuthorizationFailed")

	made, err := definitions.CreateOrUpdate(ctx, scope, customRole, armauthorization.RoleDefinition{Properties: &armauthorization.RoleDefinitionProperties{
		RoleName: to.Ptr("Route Table Writer"), Description: to.Ptr("Writes route tables and takes none away."), RoleType: to.Ptr("CustomRole"), AssignableScopes: []*string{to.Ptr(scope)},
		Permissions: []*armauthorization.Permission{{Actions: []*string{to.Ptr("Microsoft.Network/routeTables/*")}, NotActions: []*string{to.Ptr("Microsoft.Network/routeTables/delete")}}},
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := definitions.Get(ctx, scope, customRole, nil)
	if err != nil || *read.Properties.RoleName != "Route Table Writer" || len(read.Properties.Permissions) != 1 {
		t.Fatal(read.Properties, err)
	}
	var names []string
	for p := definitions.NewListPager(scope, &armauthorization.RoleDefinitionsClientListOptions{Filter: to.Ptr("roleName eq 'Route Table Writer'")}); p.More(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.Value {
			names = append(names, *d.Properties.RoleName)
		}
	}
	if len(names) != 1 || names[0] != "Route Table Writer" {
		t.Errorf("the role is listed as %q", names)
	}

	object := ""
	for _, p := range r.Status().Principals {
		if p.Name == "reader" {
			object = p.ObjectID
		}
	}
	give := armauthorization.RoleAssignmentCreateParameters{Properties: &armauthorization.RoleAssignmentProperties{
		RoleDefinitionID: made.ID, PrincipalID: to.Ptr(object), PrincipalType: to.Ptr(armauthorization.PrincipalTypeServicePrincipal),
	}}
	given, err := assignments.Create(ctx, scope+"/resourceGroups/net", assignment, give, nil)
	if err != nil || *given.Properties.PrincipalID != object {
		t.Fatal(given.Properties, err)
	}
	_, err = assignments.Create(ctx, scope+"/resourceGroups/net", "9a8b7c6d-2222-4222-8333-444455556666", give, nil)
	refused(t, err, 409, "RoleAssignmentExists")
	if byID, err := assignments.GetByID(ctx, *given.ID, nil); err != nil || *byID.Name != assignment {
		t.Error(byID, err)
	}
	for filter, want := range map[string]int{"atScope()": 1, "principalId eq '" + object + "'": 1, "assignedTo('" + object + "')": 1, "principalId eq '" + customRole + "'": 0} {
		n := 0
		// The SDK sends this filter as it is: whoever calls it escapes it.
		for p := assignments.NewListForScopePager(scope+"/resourceGroups/net", &armauthorization.RoleAssignmentsClientListForScopeOptions{Filter: to.Ptr(url.QueryEscape(filter))}); p.More(); {
			page, err := p.NextPage(ctx)
			if err != nil {
				t.Fatal(filter, err)
			}
			for _, a := range page.Value {
				if *a.Name == assignment {
					n++
				}
			}
		}
		if n != want {
			t.Errorf("with the filter %s the assignment is listed %d times, where %d is right", filter, n, want)
		}
	}

	// It may do what the role says, where it says so, and nothing else.
	done[armnetwork.RouteTablesClientCreateOrUpdateResponse](t)(tables.BeginCreateOrUpdate(ctx, "net", "rt", table, nil))
	_, err = tables.BeginDelete(ctx, "net", "rt", nil)
	refused(t, err, 403, "AuthorizationFailed")
	_, err = reader.NewVirtualNetworksClient().Get(ctx, "net", "v", nil)
	refused(t, err, 403, "AuthorizationFailed")

	_, err = definitions.Delete(ctx, scope, customRole, nil)
	refused(t, err, 400, "RoleDefinitionHasAssignments")
	if _, err := assignments.Delete(ctx, scope+"/resourceGroups/net", assignment, nil); err != nil {
		t.Fatal(err)
	}
	_, err = tables.Get(ctx, "net", "rt", nil)
	refused(t, err, 403, "AuthorizationFailed")
	if _, err := definitions.Delete(ctx, scope, customRole, nil); err != nil {
		t.Fatal(err)
	}
	_, err = definitions.Get(ctx, scope, customRole, nil)
	refused(t, err, 404, "RoleDefinitionDoesNotExist")
}
