package arm

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// TestAnswersAreRightWhileWritesAreUnderWay reads networks, their children and live tables, all of which keep what they were read as, while
// others write beside them.
func TestAnswersAreRightWhileWritesAreUnderWay(t *testing.T) {
	t.Parallel()
	r := reaching(t)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	r.must(201, "PUT", nets+"/virtualNetworkGateways/gw", aGateway)
	r.must(201, "PUT", nets+"/connections/cn", aLink)
	const each = 12
	var wait sync.WaitGroup
	work := func(do func(i int)) {
		wait.Go(func() {
			for i := range each {
				do(i)
			}
		})
	}
	is := func(what string, want int, method, path, body string) object {
		status, o, _ := r.call(method, path, body)
		if status != want {
			t.Errorf("%s: %d %v", what, status, o)
		}
		return o
	}
	for w := range 2 {
		work(func(i int) {
			is("a network", 201, "PUT", fmt.Sprintf("%s/virtualNetworks/w%d-%d", nets, w, i), fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.%d.%d.0/24"]}}}`, 20+w, i))
		})
	}
	work(func(i int) {
		is("a subnet", 201, "PUT", fmt.Sprintf("%s/virtualNetworks/v/subnets/s%d", nets, i), fmt.Sprintf(`{"properties":{"addressPrefix":"10.1.%d.0/24"}}`, 100+i))
		o := is("it", 200, "GET", fmt.Sprintf("%s/virtualNetworks/v/subnets/s%d", nets, i), "")
		if text(o, "properties", "addressPrefix") != fmt.Sprintf("10.1.%d.0/24", 100+i) {
			t.Errorf("subnet %d is %v", i, o)
		}
		is("its network", 200, "PUT", fmt.Sprintf("%s/virtualNetworks/v/subnets/app", nets), fmt.Sprintf(`{"properties":{"addressPrefix":"10.1.%d.0/26"}}`, i%2))
		if o := is("the changed subnet", 200, "GET", nets+"/virtualNetworks/v/subnets/app", ""); text(o, "properties", "addressPrefix") != fmt.Sprintf("10.1.%d.0/26", i%2) {
			t.Errorf("the subnet that was changed is shown as %v", o["properties"])
		}
	})
	work(func(int) {
		o := is("the network", 200, "GET", nets+"/virtualNetworks/v", "")
		if own := list(o, "properties", "subnets"); len(own) < 4 || !strings.HasSuffix(text(own[0], "id"), "/subnets/GatewaySubnet") {
			t.Errorf("the network is %v", o)
		}
	})
	work(func(int) {
		is("the gateway's routes", 200, "POST", nets+"/virtualNetworkGateways/gw/getLearnedRoutes", "")
		is("the far side", 200, "GET", nets+"/expressRouteCircuits/er2/peerings/AzurePrivatePeering", "")
	})
	wait.Wait()
}

func TestAChildIsShownAnewWhenWhatItShowsOfOthersChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	r.must(201, "PUT", nets+"/networkSecurityGroups/nsg", plain)
	app := nets + "/virtualNetworks/v/subnets/app"
	uses := func() int {
		return len(list(r.must(200, "GET", app, ""), "properties", "ipConfigurations"))
	}
	for range 2 { // the second answer is the first, kept
		if n := uses(); n != 0 {
			t.Fatalf("%d use the subnet", n)
		}
	}
	r.must(201, "PUT", nets+"/networkInterfaces/nic", anNIC)
	for range 2 {
		if n := uses(); n != 1 {
			t.Fatalf("%d use the subnet", n)
		}
	}
	r.must(202, "DELETE", nets+"/networkInterfaces/nic", "")
	if n := uses(); n != 0 {
		t.Fatalf("%d use the subnet", n)
	}
}
