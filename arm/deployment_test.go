package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	deployments    = group + "/providers/Microsoft.Resources/deployments/"
	aDeployedTable = `{"type":"Microsoft.Network/routeTables","apiVersion":"2025-05-01","name":"deployed","location":"westeurope","properties":{"routes":[]}}`
	aDeployedGroup = `{"type":"Microsoft.Resources/resourceGroups","apiVersion":"2021-04-01","name":"made","location":"westeurope","properties":{}}`
)

// templateOf is a template of resources; what has a colon before its first brace or bracket is another member of it.
func templateOf(parts ...string) string {
	var resources []string
	out := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","contentVersion":"1.0.0.0"`
	for _, p := range parts {
		if strings.HasPrefix(p, `"`) {
			out += "," + p
			continue
		}
		resources = append(resources, p)
	}
	return out + `,"resources":[` + strings.Join(resources, ",") + `]}`
}

// deploymentOf is the body of a deployment of a template, with more properties.
func deploymentOf(template string, more ...string) string {
	return `{"properties":{"mode":"Incremental","template":` + template + strings.Join(append([]string{""}, more...), ",") + `}}`
}

func nestedIn(group, template string, more ...string) string {
	return `{"type":"Microsoft.Resources/deployments","apiVersion":"2021-04-01","name":"inner","resourceGroup":"` + group + `",` + strings.Join(append(more, `"properties":{"mode":"Incremental","expressionEvaluationOptions":{"scope":"inner"},"template":`+template+`}`), ",") + `}`
}

// deployed sends a deployment, which has to begin, and returns it as it is when nothing more happens at this time.
func (r *rig) deployed(name, body string) object {
	r.t.Helper()
	status, o, _ := r.call("PUT", deployments+name, body)
	if status != 200 && status != 201 {
		b, _ := json.MarshalIndent(o, "", " ")
		r.t.Fatalf("PUT %s: %d %s", name, status, b)
	}
	if s := text(o, "properties", "provisioningState"); s != accepted {
		r.t.Fatalf("%s begins as %s", name, s)
	}
	return r.must(200, "GET", deployments+name, "")
}

// ends tells that a deployment has a state, and of a failure has these codes, with those of the details after it.
func (r *rig) ends(o object, state string, codes ...string) {
	r.t.Helper()
	var got []string
	var walk func(e object)
	walk = func(e object) {
		got = append(got, text(e, "code"))
		for _, d := range list(e, "details") {
			walk(d)
		}
	}
	if e := mapOf(find(o, "properties", "error")); e != nil {
		walk(e)
	}
	if s := text(o, "properties", "provisioningState"); s != state || !slices.Equal(got, codes) {
		b, _ := json.MarshalIndent(find(o, "properties", "error"), "", " ")
		r.t.Fatalf("%s is %s %v, not %s %v: %s", text(o, "id"), s, got, state, codes, b)
	}
}

// steps are the operations of a deployment: verb, name and state.
func (r *rig) steps(name string) []string {
	r.t.Helper()
	var out []string
	for _, o := range list(r.must(200, "GET", group+"/deployments/"+name+"/operations", ""), "value") {
		out = append(out, text(o, "properties", "provisioningOperation")+" "+text(o, "properties", "targetResource", "resourceName")+" "+text(o, "properties", "provisioningState"))
	}
	return out
}

func deployedVNet(name, space string, more ...string) string {
	return `{"type":"Microsoft.Network/virtualNetworks","apiVersion":"2025-05-01","name":"` + name + `","location":"[resourceGroup().location]",` + strings.Join(append(more, `"properties":{"addressSpace":{"addressPrefixes":["`+space+`"]}}`), ",") + `}`
}

func deployedSubnet(of, name, prefix string, more ...string) string {
	return `{"type":"Microsoft.Network/virtualNetworks/subnets","apiVersion":"2025-05-01","name":"` + of + "/" + name + `",` + strings.Join(append(more, `"dependsOn":["[resourceId('Microsoft.Network/virtualNetworks','`+of+`')]"]`, `"properties":{"addressPrefix":"`+prefix+`"}`), ",") + `}`
}

func TestADeploymentDeploysItsTemplateInTheOrderOfItsGraph(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	tpl := templateOf(
		`"parameters":{"vnet":{"type":"string"},"key":{"type":"securestring"}}`,
		deployedSubnet("hub", "app", "10.0.1.0/24"), // before what it needs
		`{"type":"Microsoft.Network/routeTables","apiVersion":"2025-05-01","name":"[concat('rt', copyIndex())]","location":"westeurope","copy":{"name":"tables","count":3},"properties":{"routes":[]}}`,
		deployedVNet("[parameters('vnet')]", "10.0.0.0/16"),
		`{"type":"Microsoft.Network/networkSecurityGroups","apiVersion":"2025-05-01","name":"off","location":"westeurope","condition":false,"properties":{}}`,
		`"outputs":{"id":{"type":"string","value":"[resourceId('Microsoft.Network/virtualNetworks', parameters('vnet'))]"},"space":{"type":"array","value":"[reference(parameters('vnet')).addressSpace.addressPrefixes]"}}`,
	)
	o := r.deployed("one", deploymentOf(tpl, `"parameters":{"vnet":{"value":"hub"},"key":{"value":"the-secret-of-somebody"}}`))
	r.ends(o, succeeded)
	if got := text(o, "properties", "outputs", "id", "value"); !strings.HasSuffix(got, "/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/hub") {
		t.Errorf("the output id is %q", got)
	}
	if got := fmt.Sprint(find(o, "properties", "outputs", "space", "value")); got != "[10.0.0.0/16]" {
		t.Errorf("the output space is %s", got)
	}
	if n := len(list(o, "properties", "outputResources")); n != 5 {
		t.Errorf("%d resources were written, not 5", n)
	}
	b, _ := json.Marshal(o)
	if strings.Contains(string(b), "the-secret-of-somebody") {
		t.Error("the deployment shows a secure parameter")
	}
	_ = r.config.Store.Load(func(x Record) error {
		if strings.Contains(string(x.Value), "the-secret-of-somebody") {
			t.Errorf("%s keeps a secure parameter that nobody needs", x.Key)
		}
		return nil
	})
	for _, n := range []string{"virtualNetworks/hub/subnets/app", "routeTables/rt0", "routeTables/rt2"} {
		r.must(200, "GET", nets+"/"+n, "")
	}
	r.must(404, "GET", nets+"/networkSecurityGroups/off", "")
	got := r.steps("one")
	if i, j := slices.Index(got, "Create hub Succeeded"), slices.Index(got, "Create hub/app Succeeded"); i < 0 || j < i || len(got) != 6 || got[5] != "EvaluateDeploymentOutput  Succeeded" {
		t.Errorf("steps: %v", got)
	}
	// The record goes, the resources stay.
	r.must(202, "DELETE", deployments+"one", "")
	r.must(404, "GET", deployments+"one", "")
	r.must(200, "GET", nets+"/virtualNetworks/hub", "")
	if exported := r.deployed("again", deploymentOf(tpl, `"parameters":{"vnet":{"value":"hub"},"key":{"value":"x"}}`)); text(exported, "properties", "templateHash") != text(o, "properties", "templateHash") {
		t.Error("the same template has another hash")
	}
	if e := r.must(200, "POST", deployments+"again/exportTemplate", ""); len(list(e, "template", "resources")) != 4 {
		t.Errorf("exported: %v", e)
	}
	// The resources of a list are not deployments, and the group takes its deployments with it.
	for _, x := range list(r.must(200, "GET", group+"/resources", ""), "value") {
		if text(x, "type") == deploymentType {
			t.Error("a deployment is listed among the resources")
		}
	}
	r.must(202, "DELETE", group, "")
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	if n := len(list(r.must(200, "GET", deployments, ""), "value")); n != 0 {
		t.Errorf("%d deployments outlived their group", n)
	}
}

func TestWhatFailsInADeploymentStopsOnlyWhatNeedsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	o := r.deployed("partly", deploymentOf(templateOf(
		deployedVNet("good", "10.0.0.0/16"), deployedVNet("bad", "10.1.0.0/16"),
		deployedSubnet("bad", "outside", "10.9.0.0/24"),
		deployedSubnet("good", "inside", "10.0.1.0/24"),
		`{"type":"Microsoft.Network/networkInterfaces","apiVersion":"2025-05-01","name":"nic","location":"westeurope","dependsOn":["[resourceId('Microsoft.Network/virtualNetworks/subnets','bad','outside')]"],"properties":{"ipConfigurations":[{"name":"ip","properties":{"subnet":{"id":"[resourceId('Microsoft.Network/virtualNetworks/subnets','bad','outside')]"}}}]}}`,
	)))
	r.ends(o, failed, "DeploymentFailed", "NetcfgSubnetRangeOutsideVnet")
	if target := text(list(o, "properties", "error", "details")[0], "target"); !strings.HasSuffix(target, "/virtualNetworks/bad/subnets/outside") {
		t.Errorf("the cause is about %q", target)
	}
	r.must(200, "GET", nets+"/virtualNetworks/good/subnets/inside", "")
	r.must(200, "GET", nets+"/virtualNetworks/bad", "")
	r.must(404, "GET", nets+"/networkInterfaces/nic", "")
	if got := r.steps("partly"); slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "nic") }) || !slices.Contains(got, "Create bad/outside Failed") {
		t.Errorf("steps: %v", got)
	}
	// Its operation says the same, and so do those who asked for it.
	_, _, h := r.call("PUT", deployments+"partly", deploymentOf(templateOf(deployedVNet("bad", "10.1.0.0/16"), deployedSubnet("bad", "outside", "10.9.0.0/24"))))
	st := r.must(200, "GET", local(t, h.Get("Azure-AsyncOperation")), "")
	if text(st, "status") != failed || text(st, "error", "code") != "DeploymentFailed" {
		t.Errorf("status: %v", st)
	}
	// A resource whose operation fails later.
	if err := r.SetFaults([]Fault{{What: FaultFail, Operation: "RouteTables_CreateOrUpdate"}}); err != nil {
		t.Fatal(err)
	}
	r.ends(r.deployed("late", deploymentOf(templateOf(aDeployedTable))), failed, "DeploymentFailed", "ResourceDeploymentFailure", "InternalServerError")
	// The deployment's own operation can be made to fail, or to take long, too.
	if err := r.SetFaults([]Fault{{What: FaultFail, Operation: "Deployments_CreateOrUpdate"}}); err != nil {
		t.Fatal(err)
	}
	r.ends(r.deployed("not", deploymentOf(templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"not"`, 1)))), failed, "InternalServerError")
	r.must(404, "GET", nets+"/routeTables/not", "")
	if err := r.SetFaults([]Fault{{What: FaultSlow, Operation: "Deployments_CreateOrUpdate", Delay: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	r.ends(r.deployed("slow", deploymentOf(templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"not"`, 1)))), accepted)
	r.must(404, "GET", nets+"/routeTables/not", "")
	r.clock.add(time.Hour)
	r.engine.settle()
	r.ends(r.must(200, "GET", deployments+"slow", ""), succeeded)
}

func TestATemplateThatCannotBeIsRefusedWithItsPlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	before := r.records()
	for _, c := range []struct{ what, template, code, inner, says string }{
		{"no function of that name", templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"[nofunction('x')]"`, 1)), "InvalidTemplate", "", "nofunction"},
		{"an unknown parameter", templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"[parameters('x')]"`, 1)), "InvalidTemplate", "", "x"},
		{"an unknown provider", templateOf(strings.Replace(aDeployedTable, "Microsoft.Network", "Microsoft.Moon", 1)), "InvalidTemplateDeployment", "InvalidResourceNamespace", ""},
		{"an unknown type", templateOf(strings.Replace(aDeployedTable, "routeTables", "roadTables", 1)), "InvalidTemplateDeployment", "InvalidResourceType", ""},
		{"an unknown version", templateOf(strings.Replace(aDeployedTable, "2025-05-01", "2019-01-31", 1)), "InvalidTemplateDeployment", "NoRegisteredProviderFound", ""},
		{"a place that is none", templateOf(strings.Replace(aDeployedTable, "westeurope", "atlantis", 1)), "InvalidTemplateDeployment", "LocationNotAvailableForResourceType", ""},
		{"no place", templateOf(strings.Replace(aDeployedTable, `"location":"westeurope",`, "", 1)), "InvalidTemplateDeployment", "LocationRequired", ""},
		{"a body of wrong types", templateOf(strings.Replace(aDeployedTable, `"routes":[]`, `"routes":7`, 1)), "InvalidTemplateDeployment", "InvalidRequestFormat", ""},
		{"a group that is not there", templateOf(nestedIn("none", templateOf(aDeployedTable))), "InvalidTemplateDeployment", "ResourceGroupNotFound", ""},
		{"something wrong inside", templateOf(nestedIn("net", templateOf(strings.Replace(aDeployedTable, "routeTables", "roadTables", 1)))), "InvalidTemplateDeployment", "InvalidTemplateDeployment", ""},
		{"nested and complete", templateOf(strings.Replace(nestedIn("net", templateOf(aDeployedTable)), "Incremental", "Complete", 1)), "InvalidTemplateDeployment", "InvalidTemplate", "Incremental"},
		{"nested behind a link", templateOf(`{"type":"Microsoft.Resources/deployments","apiVersion":"2021-04-01","name":"inner","properties":{"mode":"Incremental","templateLink":{"uri":"https://example.com/t.json"}}}`), "InvalidTemplateDeployment", "InvalidContentLink", "fetches nothing"},
		{"a circle", templateOf(
			strings.Replace(aDeployedTable, `"name":"deployed"`, `"name":"a","dependsOn":["[resourceId('Microsoft.Network/routeTables','b')]"]`, 1),
			strings.Replace(aDeployedTable, `"name":"deployed"`, `"name":"b","dependsOn":["[resourceId('Microsoft.Network/routeTables','a')]"]`, 1)), "", "", "ircular"},
	} {
		for _, how := range []string{"", "/validate"} {
			method := map[string]string{"": "PUT", "/validate": "POST"}[how]
			status, o, _ := r.call(method, deployments+"wrong"+how, deploymentOf(c.template))
			e := mapOf(o["error"])
			inner := object{}
			if d := list(e, "details"); len(d) > 0 {
				inner = d[0]
			}
			if status != 400 || c.code != "" && text(e, "code") != c.code || text(inner, "code") != c.inner || !strings.Contains(text(e, "message")+text(inner, "message"), c.says) {
				t.Errorf("%s%s: %d %v", c.what, how, status, o)
			}
			if c.code == "InvalidTemplate" && number(list(e, "additionalInfo")[0], "info", "linePosition") == 0 {
				t.Errorf("%s%s has no place: %v", c.what, how, e)
			}
		}
	}
	r.refused(400, "InvalidContentLink", "PUT", deployments+"wrong", `{"properties":{"mode":"Incremental","templateLink":{"uri":"https://example.com/t.json"}}}`)
	if after := r.records(); len(after) != len(before) {
		t.Errorf("something was written: %d records, not %d", len(after), len(before))
	}
}

func TestCompleteModeDeletesWhatTheTemplateDoesNotHave(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", group+"-other", `{"location":"westeurope"}`)
	r.must(201, "PUT", strings.Replace(nets, "/net/", "/net-other/", 1)+"/routeTables/rt", aTable)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	r.must(201, "PUT", nets+"/networkSecurityGroups/nsg", plain)
	r.must(201, "PUT", nets+"/networkInterfaces/nic", anNIC) // uses both, and goes before them
	r.must(201, "PUT", nets+"/routeTables/kept", aTable)
	body := strings.Replace(deploymentOf(templateOf(
		aDeployedTable, nestedIn("net", templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"kept"`, 1))),
		strings.Replace(aDeployedTable, `"name":"deployed"`, `"name":"off","condition":false`, 1),
	)), "Incremental", "Complete", 1)
	r.must(201, "PUT", nets+"/routeTables/off", aTable)
	changes := map[string]string{}
	for _, c := range list(r.must(200, "POST", deployments+"all/whatIf", body), "properties", "changes") {
		id := text(c, "resourceId")
		changes[id[strings.LastIndexByte(id, '/')+1:]] = text(c, "changeType")
	}
	if want := map[string]string{"deployed": "Create", "kept": "NoChange", "v": "Delete", "nsg": "Delete", "nic": "Delete", "off": "Delete"}; fmt.Sprint(changes) != fmt.Sprint(want) {
		t.Errorf("what-if: %v, not %v", changes, want)
	}
	r.must(200, "GET", nets+"/virtualNetworks/v", "") // it only said so
	r.ends(r.deployed("all", body), succeeded)
	for n, status := range map[string]int{"virtualNetworks/v": 404, "networkSecurityGroups/nsg": 404, "networkInterfaces/nic": 404, "routeTables/off": 404, "routeTables/kept": 200, "routeTables/deployed": 200} {
		r.must(status, "GET", nets+"/"+n, "")
	}
	r.must(200, "GET", strings.Replace(nets, "/net/", "/net-other/", 1)+"/routeTables/rt", "")
	if got := r.steps("all"); !slices.Contains(got, "Delete nic Succeeded") {
		t.Errorf("steps: %v", got)
	}
	// What somebody else uses cannot go.
	r.must(201, "PUT", nets+"/routeTables/used", aTable)
	r.must(201, "PUT", strings.Replace(nets, "/net/", "/net-other/", 1)+"/virtualNetworks/w", `{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.2.0.0/16"]},"subnets":[{"name":"app","properties":{"addressPrefix":"10.2.0.0/24","routeTable":{"id":"`+nets+`/routeTables/used"}}}]}}`)
	r.ends(r.deployed("all", body), failed, "DeploymentFailedCleanUp", "InUseRouteTableCannotBeDeleted")
	r.must(200, "GET", nets+"/routeTables/used", "")
}

func TestADeploymentTakesItsTimeAndCanBeCancelled(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	bodyOf := func(vnet, nested string) string {
		return deploymentOf(templateOf(deployedVNet(vnet, "10.0.0.0/16"), deployedSubnet(vnet, "one", "10.0.1.0/24"), deployedSubnet(vnet, "two", "10.0.2.0/24"),
			strings.Replace(nestedIn("net", templateOf(deployedVNet(nested, "10.1.0.0/16"))), `"inner"`, `"in-`+vnet+`"`, 1), `"outputs":{"n":{"type":"int","value":7}}`))
	}
	body := bodyOf("a", "b")
	if o := r.deployed("slow", body); text(o, "properties", "provisioningState") != running || find(o, "properties", "outputs") != nil {
		t.Fatalf("%v", o)
	}
	r.refused(409, "DeploymentActive", "PUT", deployments+"slow", body)
	r.refused(409, "DeploymentActiveAndUneditable", "DELETE", deployments+"slow", "")
	if got := r.steps("slow"); !slices.Equal(got, []string{"Create a Running", "Create in-a Running"}) {
		t.Errorf("steps: %v", got)
	}
	r.clock.add(6 * time.Second)
	r.engine.settle()
	// Both subnets are due, and a network takes one write at a time.
	if got := r.steps("slow"); !slices.Contains(got, "Create in-a Succeeded") || !slices.Contains(got, "Create a/one Running") || !slices.Contains(got, "Waiting a/two Running") {
		t.Errorf("steps: %v", got)
	}
	for range 2 {
		r.clock.add(6 * time.Second)
		r.engine.settle()
	}
	o := r.must(200, "GET", deployments+"slow", "")
	r.ends(o, succeeded)
	if d := text(o, "properties", "duration"); d != "PT18S" {
		t.Errorf("it took %s", d)
	}
	// Cancelled: what was begun comes to its end, and nothing more begins.
	r.deployed("stopped", bodyOf("c", "d"))
	r.must(204, "POST", deployments+"stopped/cancel", "")
	r.refused(409, "Conflict", "POST", deployments+"stopped/cancel", "")
	r.clock.add(time.Minute)
	r.engine.settle()
	r.ends(r.must(200, "GET", deployments+"stopped", ""), canceled)
	r.ends(r.must(200, "GET", deployments+"in-c", ""), canceled)
	if got := r.steps("stopped"); !slices.Equal(got, []string{"Create c Canceled", "Create in-c Canceled"}) {
		t.Errorf("steps: %v", got)
	}
}

func TestADeploymentGoesOnAfterARestart(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	body := deploymentOf(templateOf(deployedVNet("a", "10.0.0.0/16"), deployedSubnet("a", "one", "10.0.1.0/24"),
		nestedIn("net", templateOf(deployedVNet("b", "10.1.0.0/16"), deployedSubnet("b", "one", "10.1.1.0/24"), `"outputs":{"n":{"type":"int","value":7}}`)),
		`"parameters":{"id":{"type":"string","defaultValue":"[newGuid()]"}}`,
		`"outputs":{"n":{"type":"int","value":"[reference('inner').outputs.n.value]"},"id":{"type":"string","value":"[parameters('id')]"}}`))
	begun := r.deployed("long", body)
	again := func() {
		t.Helper()
		r.clock.add(6 * time.Second)
		s, err := New(r.config)
		if err != nil {
			t.Fatal(err)
		}
		r.Server, r.http.Config.Handler = s, s
		if _, ok := s.engine.due(); !ok {
			t.Fatal("nothing goes on after a restart")
		}
		r.engine.settle()
	}
	again()
	if o := r.must(200, "GET", deployments+"long", ""); text(o, "properties", "provisioningState") != running {
		t.Fatalf("%v", o)
	}
	again()
	r.engine.settle()
	o := r.must(200, "GET", deployments+"long", "")
	r.ends(o, succeeded)
	if n := fmt.Sprint(find(o, "properties", "outputs", "n", "value")); n != "7" {
		t.Errorf("the output is %s", n)
	}
	if was, is := text(begun, "properties", "parameters", "id", "value"), text(o, "properties", "outputs", "id", "value"); was == "" || was != is {
		t.Errorf("a new GUID is %q before and %q after a restart", was, is)
	}
	r.must(200, "GET", nets+"/virtualNetworks/b/subnets/one", "")
}

// dyingStore is a store that keeps so many writes, and then nothing.
type dyingStore struct {
	*MemoryStore
	left int
}

func (s *dyingStore) Begin(w Write) *Writing {
	if s.left--; s.left < 0 {
		return newWriting().end(0, ErrClosed)
	}
	return s.MemoryStore.Begin(w)
}

// TestADeploymentSurvivesADeathAtEachOfItsWrites lets the store die at each write of a deployment in turn. Either nobody was told of the
// deployment and it is not there, or after a restart it ends as it would have.
func TestADeploymentSurvivesADeathAtEachOfItsWrites(t *testing.T) {
	t.Parallel()
	body := deploymentOf(templateOf(deployedVNet("a", "10.0.0.0/16"), deployedSubnet("a", "one", "10.0.1.0/24"), nestedIn("net", templateOf(deployedVNet("b", "10.1.0.0/16"))), `"outputs":{"n":{"type":"int","value":7}}`))
	for i := 0; ; i++ {
		store := &dyingStore{NewMemoryStore(), 1 << 30}
		r := newRig(t, func(c *Config) { c.Store = store })
		r.must(201, "PUT", group, `{"location":"westeurope"}`)
		store.left = i
		status, _, _ := r.call("PUT", deployments+"d", body)
		died := store.left < 0
		store.left = 1 << 30
		s, err := New(r.config)
		if err != nil {
			t.Fatal(err)
		}
		r.Server, r.http.Config.Handler = s, s
		for range 5 {
			r.engine.settle()
		}
		got, o, _ := r.call("GET", deployments+"d", "")
		switch {
		case got == 404 && status < 300:
			t.Fatalf("write %d: a deployment that was accepted is not there", i)
		case got == 404:
			r.must(404, "GET", nets+"/virtualNetworks/a", "")
		default:
			// What the client was not told of may go on; it never stays half done.
			r.ends(o, succeeded)
			r.must(200, "GET", nets+"/virtualNetworks/a/subnets/one", "")
			r.must(200, "GET", nets+"/virtualNetworks/b", "")
			if n := fmt.Sprint(find(o, "properties", "outputs", "n", "value")); n != "7" {
				t.Errorf("write %d: the output is %s", i, n)
			}
		}
		if !died {
			if i < 6 {
				t.Errorf("the deployment made only %d writes", i)
			}
			return
		}
	}
}

func TestADeploymentDoesNotMoreThanItsSenderMay(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", group+"-other", `{"location":"westeurope"}`)
	other := strings.Replace(nets, "/net/", "/net-other/", 1)
	r.must(201, "PUT", other+"/routeTables/theirs", aTable)
	weak, err := r.config.Gate.Directory.AddPrincipal("weak", "", "", "a-secret-that-is-long-enough-3")
	if err != nil {
		t.Fatal(err)
	}
	give := func(role, scope string) {
		t.Helper()
		d, ok := r.config.Gate.Access.Definition(role)
		if !ok {
			t.Fatal(role)
		}
		if _, refusal := r.config.Gate.Access.Assign(RoleAssignment{Name: guidOf("assignment", role+scope), Scope: strings.ReplaceAll(scope, "SUB", testSub), Role: d.ID, Principal: weak.ObjectID}); refusal != nil {
			t.Fatal(refusal)
		}
	}
	give("Network Contributor", group)
	strong := r.owner
	as := func(p *Principal) { r.owner = p; r.held = "" }
	as(weak)
	denied := func(template, code string) {
		t.Helper()
		status, o, _ := r.call("PUT", deployments+"mine", deploymentOf(template))
		d := list(o, "error", "details")
		if status != 400 || text(o, "error", "code") != "InvalidTemplateDeployment" || len(d) != 1 || text(d[0], "code") != code {
			t.Errorf("%d %v", status, o)
		}
	}
	denied(templateOf(strings.Replace(nestedIn("net-other", templateOf(aDeployedTable)), `"inner"`, `"there"`, 1)), "AuthorizationFailed")
	denied(templateOf(`{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"11111111-1111-4111-8111-111111111111","properties":{"roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','8e3af657-a8ff-443c-a75c-2fe8c4bcb635')]","principalId":"`+weak.ObjectID+`"}}`), "AuthorizationFailed")
	// Joining what is somebody else's is seen when it is its turn; so is reading it.
	joins := deployedVNet("v", "10.0.0.0/16")
	joins = strings.Replace(joins, `"addressSpace"`, `"subnets":[{"name":"app","properties":{"addressPrefix":"10.0.0.0/24","routeTable":{"id":"`+other+`/routeTables/theirs"}}}],"addressSpace"`, 1)
	r.ends(r.deployed("mine", deploymentOf(templateOf(joins))), failed, "DeploymentFailed", "LinkedAuthorizationFailed")
	o := r.deployed("mine", deploymentOf(templateOf(aDeployedTable, `"outputs":{"x":{"type":"object","value":"[reference('`+other+`/routeTables/theirs','2025-05-01')]"}}`)))
	r.ends(o, failed, "DeploymentOutputEvaluationFailed", "AuthorizationFailed")
	r.must(200, "GET", nets+"/routeTables/deployed", "")
	// Nobody deploys without the right to, nor after they are revoked.
	as(strong)
	reader, err := r.config.Gate.Directory.AddPrincipal("reader", "", "", "a-secret-that-is-long-enough-4")
	if err != nil {
		t.Fatal(err)
	}
	weak = reader
	give("Reader", group)
	as(reader)
	for call, status := range map[string]int{"PUT ": 403, "POST /validate": 403, "POST /whatIf": 403, "POST /cancel": 403, "DELETE ": 403, "GET ": 200} {
		method, rest, _ := strings.Cut(call, " ")
		r.must(status, method, deployments+"mine"+rest, deploymentOf(templateOf(aDeployedTable)))
	}
}

func TestADeploymentOfASubscriptionMakesGroupsRolesAndWhatIsInThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	reader, err := r.config.Gate.Directory.AddPrincipal("reader", "", "", "a-secret-that-is-long-enough-4")
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.config.Gate.Directory.AddSubscription("second", "")
	if err != nil {
		t.Fatal(err)
	}
	role, _ := r.config.Gate.Access.Definition("Owner")
	if _, refusal := r.config.Gate.Access.Assign(RoleAssignment{Name: guidOf("assignment", "second"), Scope: "/subscriptions/" + second.ID, Role: role.ID, Principal: r.owner.ObjectID}); refusal != nil {
		t.Fatal(refusal)
	}
	const at = "/subscriptions/SUB/providers/Microsoft.Resources/deployments/landing"
	inMade := strings.Replace(nestedIn("made", templateOf(
		`"parameters":{"space":{"type":"string"}}`, deployedVNet("hub", "[parameters('space')]"),
		`"outputs":{"hub":{"type":"string","value":"[resourceId('Microsoft.Network/virtualNetworks','hub')]"}}`,
	), `"dependsOn":["[resourceId('Microsoft.Resources/resourceGroups','made')]"]`), `"template"`, `"parameters":{"space":{"value":"[variables('space')]"}},"template"`, 1)
	elsewhere := strings.Replace(nestedIn("far", templateOf(deployedVNet("spoke", "10.8.0.0/16")), `"subscriptionId":"`+second.ID+`"`, `"dependsOn":["makefar"]`), `"inner"`, `"faraway"`, 1)
	// The template of this one is evaluated in the outer scope.
	makeFar := `{"type":"Microsoft.Resources/deployments","apiVersion":"2021-04-01","name":"makefar","subscriptionId":"` + second.ID + `","location":"westeurope","properties":{"mode":"Incremental","template":` + templateOf(strings.Replace(aDeployedGroup, `"made"`, `"[variables('far')]"`, 1)) + `}}`
	tpl := templateOf(`"variables":{"space":"10.7.0.0/16","far":"far"}`, aDeployedGroup, inMade, makeFar, strings.Replace(elsewhere, `"dependsOn":["makefar"]`, `"dependsOn":["[subscriptionResourceId('`+second.ID+`','Microsoft.Resources/deployments','makefar')]"]`, 1),
		`{"type":"Microsoft.Authorization/roleDefinitions","apiVersion":"2022-04-01","name":"22222222-2222-4222-8222-222222222222","properties":{"roleName":"Looks at circuits","type":"CustomRole","assignableScopes":["[subscription().id]"],"permissions":[{"actions":["Microsoft.Network/expressRouteCircuits/read"],"notActions":[]}]}}`,
		`{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"[guid(subscription().id, 'reader')]","dependsOn":["[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','22222222-2222-4222-8222-222222222222')]"],"properties":{"roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','22222222-2222-4222-8222-222222222222')]","principalId":"`+reader.ObjectID+`","principalType":"ServicePrincipal"}}`,
		`"outputs":{"hub":{"type":"string","value":"[reference('inner').outputs.hub.value]"}}`)
	body := `{"location":"westeurope",` + deploymentOf(tpl)[1:]
	// Nothing of it is there while it is only looked at.
	foreseen := list(r.must(200, "POST", at+"/whatIf", body), "properties", "changes")
	for _, c := range foreseen {
		if text(c, "changeType") != "Create" {
			t.Errorf("what-if: %v", c)
		}
	}
	if len(foreseen) != 6 {
		t.Errorf("what-if tells of %d resources", len(foreseen))
	}
	r.must(200, "POST", at+"/validate", body)
	r.must(404, "GET", "/subscriptions/SUB/resourceGroups/made", "")
	if r.config.Gate.Access.Allowed(reader.ObjectID, "Microsoft.Network/expressRouteCircuits/read", "/subscriptions/"+testSub) {
		t.Error("what-if gave a role")
	}
	r.must(201, "PUT", at, body)
	o := r.must(200, "GET", at, "")
	r.ends(o, succeeded)
	if got := text(o, "properties", "outputs", "hub", "value"); !strings.HasSuffix(got, "/resourceGroups/made/providers/Microsoft.Network/virtualNetworks/hub") {
		t.Errorf("the output is %q", got)
	}
	hub := r.must(200, "GET", "/subscriptions/SUB/resourceGroups/made/providers/Microsoft.Network/virtualNetworks/hub", "")
	if got := words(hub, "properties", "addressSpace", "addressPrefixes"); !slices.Equal(got, []string{"10.7.0.0/16"}) {
		t.Errorf("the hub has %v", got)
	}
	r.must(200, "GET", "/subscriptions/"+second.ID+"/resourceGroups/far/providers/Microsoft.Network/virtualNetworks/spoke", "")
	if !r.config.Gate.Access.Allowed(reader.ObjectID, "Microsoft.Network/expressRouteCircuits/read", "/subscriptions/"+testSub) {
		t.Error("the role was not given")
	}
	// The nested ones are there too, with the same correlation.
	inner := r.must(200, "GET", "/subscriptions/SUB/resourceGroups/made/providers/Microsoft.Resources/deployments/inner", "")
	if c := text(inner, "properties", "correlationId"); c == "" || c != text(o, "properties", "correlationId") {
		t.Errorf("the nested deployment's correlation is %q", c)
	}
	r.must(200, "PUT", at, body) // again: nothing changes
	r.ends(r.must(200, "GET", at, ""), succeeded)
}

func TestWhatIfTellsEachPropertyThatChanges(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	r.must(201, "PUT", nets+"/routeTables/deployed", aTable)
	r.must(201, "PUT", nets+"/routeTables/other", aTable)
	vnet := `{"type":"Microsoft.Network/virtualNetworks","apiVersion":"2025-05-01","name":"v","location":"westeurope","tags":{"cost":"network"},"properties":{"addressSpace":{"addressPrefixes":["10.1.0.0/16","10.4.0.0/16"]},"subnets":[{"name":"GatewaySubnet","properties":{"addressPrefix":"10.1.255.0/26"}},{"name":"app","properties":{"addressPrefix":"10.1.2.0/24"}}]}}`
	body := deploymentOf(templateOf(vnet, aDeployedTable, strings.Replace(aDeployedTable, `"deployed"`, `"new"`, 1), deployedSubnet("v", "wrong", "10.99.0.0/24")))
	before := r.records()
	of := func(body string) map[string]object {
		t.Helper()
		o := r.must(200, "POST", deployments+"d/whatIf", body)
		if text(o, "status") != succeeded {
			t.Fatalf("%v", o)
		}
		out := map[string]object{}
		for _, c := range list(o, "properties", "changes") {
			id := text(c, "resourceId")
			out[id[strings.LastIndexByte(id, '/')+1:]] = c
		}
		return out
	}
	got := of(body)
	for n, want := range map[string]string{"v": "Modify", "deployed": "NoChange", "new": "Create", "other": "Ignore", "wrong": "Unsupported"} {
		if s := text(got[n], "changeType"); s != want {
			t.Errorf("%s: %s, not %s", n, s, want)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d changes", len(got))
	}
	var paths []string
	var walk func(all []object, at string)
	walk = func(all []object, at string) {
		for _, d := range all {
			paths = append(paths, text(d, "propertyChangeType")+" "+at+text(d, "path"))
			walk(list(d, "children"), at+text(d, "path")+"/")
		}
	}
	walk(list(got["v"], "delta"), "")
	want := []string{
		"Array properties.addressSpace.addressPrefixes", "Create properties.addressSpace.addressPrefixes/1",
		"Array properties.subnets",
		"Delete properties.subnets/1", "Delete properties.subnets/2", // by their places before
		"Modify properties.subnets/1", "Modify properties.subnets/1/properties.addressPrefix",
		"Create tags",
	}
	if !slices.Equal(paths, want) {
		t.Errorf("the VNet's delta is\n%s", strings.Join(paths, "\n"))
	}
	if !strings.Contains(text(got["wrong"], "unsupportedReason"), "NetcfgSubnetRangeOutsideVnet") {
		t.Errorf("%v", got["wrong"])
	}
	brief := of(strings.Replace(body, `"mode"`, `"whatIfSettings":{"resultFormat":"ResourceIdOnly"},"mode"`, 1))
	for n, want := range map[string]string{"v": "Deploy", "deployed": "Deploy", "new": "Create", "other": "Ignore"} {
		if s := text(brief[n], "changeType"); s != want || brief[n]["before"] != nil || brief[n]["after"] != nil || brief[n]["delta"] != nil {
			t.Errorf("ids only, %s: %v", n, brief[n])
		}
	}
	if o := r.must(200, "POST", deployments+"d/whatIf", deploymentOf(templateOf(strings.Replace(aDeployedTable, "routeTables", "roadTables", 1)))); text(o, "status") != failed || text(o, "error", "code") != "InvalidTemplateDeployment" {
		t.Errorf("%v", o)
	}
	after := r.records()
	if len(after) != len(before) {
		t.Error("what-if wrote something")
	}
	// What it said comes true.
	r.deployed("d", deploymentOf(templateOf(vnet, aDeployedTable)))
	if s := text(of(deploymentOf(templateOf(vnet, aDeployedTable)))["v"], "changeType"); s != "NoChange" {
		t.Errorf("after it was deployed, it is %s", s)
	}
}

func TestSymbolicNamesAndExistingResources(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(201, "PUT", nets+"/virtualNetworks/v", theVNet)
	tpl := `{"$schema":"https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#","languageVersion":"2.0","contentVersion":"1.0.0.0","resources":{
		"hub":{"existing":true,"type":"Microsoft.Network/virtualNetworks","apiVersion":"2025-05-01","name":"v"},
		"table":{"type":"Microsoft.Network/routeTables","apiVersion":"2025-05-01","name":"rt","location":"westeurope","properties":{"routes":[{"name":"all","properties":{"addressPrefix":"[reference('hub').addressSpace.addressPrefixes[0]]","nextHopType":"VirtualAppliance","nextHopIpAddress":"10.1.0.4"}}]}}},
		"outputs":{"routes":{"type":"int","value":"[length(reference('table').routes)]"}}}`
	o := r.deployed("symbols", deploymentOf(tpl))
	r.ends(o, succeeded)
	if n := fmt.Sprint(find(o, "properties", "outputs", "routes", "value")); n != "1" {
		t.Errorf("the output is %s", n)
	}
	table := r.must(200, "GET", nets+"/routeTables/rt", "")
	if got := text(list(table, "properties", "routes")[0], "properties", "addressPrefix"); got != "10.1.0.0/16" {
		t.Errorf("the route is to %q", got)
	}
	ops := list(r.must(200, "GET", group+"/deployments/symbols/operations", ""), "value")
	if len(ops) != 2 || text(ops[0], "properties", "targetResource", "symbolicName") != "table" {
		t.Errorf("operations: %v", ops)
	}
}

func TestAManyTimesLargerDeploymentIsDoneInPieces(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	tables := `{"type":"Microsoft.Network/routeTables","apiVersion":"2025-05-01","name":"[concat('rt', copyIndex())]","location":"westeurope","copy":{"name":"tables","count":` + fmt.Sprint(2*deploymentBatch+10) + `},"properties":{"routes":[]}}`
	o := r.deployed("large", deploymentOf(templateOf(tables)))
	if text(o, "properties", "provisioningState") != running || len(r.steps("large")) != deploymentBatch {
		t.Fatalf("%d steps at first", len(r.steps("large")))
	}
	for range 3 {
		r.engine.settle()
	}
	r.ends(r.must(200, "GET", deployments+"large", ""), succeeded)
	first := r.must(200, "GET", group+"/deployments/large/operations?$top=100", "")
	next := r.must(200, "GET", local(t, text(first, "nextLink")), "")
	if len(list(first, "value")) != 100 || len(list(next, "value")) != 38 || text(next, "nextLink") != "" {
		t.Errorf("%d and %d operations", len(list(first, "value")), len(list(next, "value")))
	}
	if status, _, _ := r.call(http.MethodHead, nets+"/routeTables/rt137", ""); status == 404 {
		t.Error("the last table is not there")
	}
}

func TestADeploymentGoesWithItsGroup(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(c *Config) { c.Pace = PaceAzure })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.deployed("late", deploymentOf(templateOf(deployedVNet("a", "10.0.0.0/16"), deployedSubnet("a", "one", "10.0.1.0/24"))))
	r.must(202, "DELETE", group, "")
	r.refused(409, "ResourceGroupBeingDeleted", "PUT", deployments+"more", deploymentOf(templateOf(aDeployedTable)))
	for range 4 {
		r.clock.add(time.Minute)
		r.engine.settle()
	}
	r.must(404, "GET", group, "")
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	r.must(404, "GET", deployments+"late", "")
	for key := range r.records() {
		if strings.HasPrefix(key, requestsAt) || strings.HasPrefix(key, progressAt) {
			t.Errorf("the store still has %s", key)
		}
	}
	if at, ok := r.Server.deploy.due(); ok {
		t.Errorf("something goes on at %s", at)
	}
}

func TestNestedDeploymentsTakeWhatIsDeployedAroundThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	// In the inner scope, with a parameter that is known only when the VNet is there.
	inside := strings.Replace(nestedIn("net", templateOf(`"parameters":{"prefix":{"type":"string"}}`,
		strings.Replace(aDeployedTable, `"routes":[]`, `"routes":[{"name":"all","properties":{"addressPrefix":"[parameters('prefix')]","nextHopType":"VnetLocal"}}]`, 1))),
		`"template"`, `"parameters":{"prefix":{"value":"[reference('v').addressSpace.addressPrefixes[0]]"}},"template"`, 1)
	// In the outer scope, which is the usual one: the variable is of the template around it. Text that looks like an expression is none.
	outside := `{"type":"Microsoft.Resources/deployments","apiVersion":"2021-04-01","name":"outside","properties":{"mode":"Incremental","template":` + templateOf(`"variables":{"which":"inner"}`,
		strings.Replace(strings.Replace(aDeployedTable, `"deployed"`, `"[concat(variables('which'), '-table')]"`, 1), `"properties"`, `"tags":{"odd":"[concat('[', variables('which'))]","even":"[[x]"},"properties"`, 1)) + `}}`
	o := r.deployed("around", deploymentOf(templateOf(`"variables":{"which":"outer"}`, inside, outside, deployedVNet("v", "10.3.0.0/16"))))
	r.ends(o, succeeded)
	table := r.must(200, "GET", nets+"/routeTables/deployed", "")
	if got := text(list(table, "properties", "routes")[0], "properties", "addressPrefix"); got != "10.3.0.0/16" {
		t.Errorf("the route is to %q", got)
	}
	if got := r.must(200, "GET", nets+"/routeTables/outer-table", ""); text(got, "tags", "odd") != "[outer" || text(got, "tags", "even") != "[x]" {
		t.Errorf("the tags are %v", got["tags"])
	}
	if got := r.steps("around"); !slices.Equal(got[:1], []string{"Create v Succeeded"}) && !slices.Contains(got, "Create inner Succeeded") {
		t.Errorf("steps: %v", got)
	}
	// What is wrong with it then, its parent tells.
	bad := strings.Replace(inside, "addressPrefixes[0]", "addressPrefixes[7]", 1)
	r.ends(r.deployed("around", deploymentOf(templateOf(bad, deployedVNet("v", "10.3.0.0/16")))), failed, "DeploymentFailed", "InvalidTemplate")
	worse := strings.Replace(inside, `"VnetLocal"`, `"Nowhere"`, 1)
	r.ends(r.deployed("around", deploymentOf(templateOf(worse, deployedVNet("v", "10.3.0.0/16")))), failed, "DeploymentFailed", "DeploymentFailed", "BadRequest")
	// A list of keys that nobody has.
	r.ends(r.deployed("keys", deploymentOf(templateOf(deployedVNet("v", "10.3.0.0/16"), `"outputs":{"k":{"type":"object","value":"[listKeys('v','2025-05-01')]"}}`))), failed, "DeploymentOutputEvaluationFailed", "NotFound")
	// One within another without end is stopped.
	deep := templateOf(aDeployedTable)
	for range maxNested + 1 {
		deep = templateOf(nestedIn("net", deep))
	}
	if status, _, _ := r.call("PUT", deployments+"deep", deploymentOf(deep)); status != 400 {
		t.Errorf("%d deployments deep: %d", maxNested+1, status)
	}
}

func TestARoleInATemplateIsGivenOnAResourceOfIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	reader, err := r.config.Gate.Directory.AddPrincipal("reader", "", "", "a-secret-that-is-long-enough-4")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(deploymentOf(templateOf(
		`{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","scope":"Microsoft.Network/virtualNetworks/v","name":"[guid('v')]","dependsOn":["v"],"properties":{"roleDefinitionId":"[subscriptionResourceId('Microsoft.Authorization/roleDefinitions','acdd72a7-3385-48ef-bd42-f606fba81ae7')]","principalId":"`+reader.ObjectID+`"}}`,
		deployedVNet("v", "10.0.0.0/16"),
	)), "Incremental", "Complete", 1)
	r.ends(r.deployed("role", body), succeeded)
	at := strings.ReplaceAll(nets, "SUB", testSub) + "/virtualNetworks/"
	if a := r.config.Gate.Access; !a.Allowed(reader.ObjectID, "Microsoft.Network/virtualNetworks/read", at+"v") || a.Allowed(reader.ObjectID, "Microsoft.Network/virtualNetworks/read", at+"w") {
		t.Error("the role is not given on the VNet alone")
	}
	for _, c := range list(r.must(200, "POST", deployments+"role/whatIf", body), "properties", "changes") {
		if text(c, "changeType") != "NoChange" {
			t.Errorf("deployed again: %v", c)
		}
	}
}

func TestDeploymentsAtTheSameTimeDoNotDisturbEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	var wait sync.WaitGroup
	for i := range 6 {
		wait.Go(func() {
			name := fmt.Sprintf("d%d", i)
			body := deploymentOf(templateOf(deployedVNet("shared", "10.0.0.0/16"), deployedSubnet("shared", name, fmt.Sprintf("10.0.%d.0/24", i)), `"outputs":{"n":{"type":"int","value":"[length(reference('shared').subnets)]"}}`))
			for range 3 {
				r.call("PUT", deployments+name, body)
				r.call("GET", group+"/deployments/"+name+"/operations", "")
				r.call("POST", deployments+name+"/whatIf", body)
			}
			r.ends(r.must(200, "GET", deployments+name, ""), succeeded)
		})
	}
	wait.Wait()
	if n := len(list(r.must(200, "GET", nets+"/virtualNetworks/shared", ""), "properties", "subnets")); n != 6 {
		t.Errorf("%d subnets", n)
	}
}

func TestDeploymentsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	before := len(r.records())
	long := strings.Repeat("x", 4_000_000)
	r.refused(400, "DeploymentJobSizeExceeded", "PUT", deployments+"large", deploymentOf(templateOf(`"parameters":{"long":{"type":"string","defaultValue":"`+long+`"}}`)))
	r.refused(413, "RequestEntityTooLarge", "PUT", deployments+"larger", deploymentOf(templateOf(`"parameters":{"long":{"type":"string","defaultValue":"`+long+long+`"}}`)))
	r.refused(400, "InvalidTemplate", "PUT", deployments+"many", deploymentOf(templateOf(strings.Replace(aDeployedTable, `"deployed"`, `"[concat('rt', copyIndex())]","copy":{"name":"tables","count":801}`, 1))))
	if after := len(r.records()); after != before {
		t.Errorf("%d records were written", after-before)
	}
	// The history of a scope has an end, too.
	r.deployed("first", deploymentOf(templateOf(aDeployedTable)))
	d := r.Server.deploy
	d.mu.Lock()
	first := d.all[strings.ToLower(strings.ReplaceAll(deployments, "SUB", testSub))+"first"]
	for i := range maxDeployments - 1 {
		d.all[fmt.Sprintf("%s%d", first.key, i)] = first
	}
	d.mu.Unlock()
	r.refused(409, "DeploymentQuotaExceeded", "PUT", deployments+"more", deploymentOf(templateOf(aDeployedTable)))
	r.ends(r.deployed("first", deploymentOf(templateOf(aDeployedTable))), succeeded) // no more than there were
}
