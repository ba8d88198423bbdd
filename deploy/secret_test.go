package deploy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"onramp/azure"
	"onramp/design"
)

// secretive is a design of a circuit whose peering has a key that two routers share.
func secretive(t *testing.T, key string) *design.Design {
	t.Helper()
	r, err := azure.Unmarshal([]byte(`{"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/expressRouteCircuits/er","name":"er","type":"Microsoft.Network/expressRouteCircuits",
"location":"westeurope","properties":{"peerings":[{"name":"AzurePrivatePeering","properties":{"peeringType":"AzurePrivatePeering","peerASN":65010,"vlanId":100,"sharedKey":"` + key + `"}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	return &design.Design{Name: "x", Resources: azure.Resources{r}}
}

func TestASecretThatADesignOnlyNamesIsNeverSentAsItsName(t *testing.T) {
	d := secretive(t, "<sharedKey of er>")
	if names, err := Secrets(d); err != nil || !slices.Equal(names, []string{"sharedKey of er"}) {
		t.Error(names, err)
	}
	if _, err := Prepare(d, Names{}); !errors.Is(err, ErrUnnamed) || !strings.Contains(err.Error(), "sharedKey of er") {
		t.Error(err)
	}
	target, err := Prepare(d, Names{Secrets: map[string]string{"sharedkey of er": "s3cret"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range target.items {
		if !x.is("expressRouteCircuits/peerings") {
			continue
		}
		if got := text(x.body, "properties", "sharedKey"); got != "s3cret" {
			t.Errorf("the key is %q", got)
		}
	}
}

func TestNoSecretIsInAPlan(t *testing.T) {
	prepared := func(key string) *item {
		target, err := Prepare(secretive(t, key), Names{})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range target.items {
			if x.is("expressRouteCircuits/peerings") {
				return x
			}
		}
		t.Fatal("there is no peering")
		return nil
	}
	if b, err := prepared("one1").bare(); err != nil || strings.Contains(string(b), "one1") {
		t.Errorf("the journal says %s (%v)", b, err)
	}
	changes, err := differences(prepared("one1"), prepared("two2"))
	if err != nil || len(changes) != 1 || strings.Contains(string(changes[0].From)+string(changes[0].To), "1") || strings.Contains(string(changes[0].To), "two2") {
		t.Errorf("%s %v", changes, err)
	}
	for _, pair := range [][2]string{{"", "two2"}, {"one1", ""}} {
		if changes, err = differences(prepared(pair[0]), prepared(pair[1])); err != nil || len(changes) > 0 {
			t.Errorf("%v: %s %v", pair, changes, err)
		}
	}
}
