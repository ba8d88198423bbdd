package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"onramp/azure"
	"onramp/catalog"
)

// deploymentHandlers are those of deployments, at a resource group and at a subscription.
func deploymentHandlers() map[string]func(*exchange) *Error {
	out := map[string]func(*exchange) *Error{
		"Deployments_ListByResourceGroup":     (*exchange).deployments,
		"Deployments_ListAtSubscriptionScope": (*exchange).deployments,
		"Deployments_CalculateTemplateHash":   (*exchange).templateHash,
		"Deployments_CheckExistence":          (*exchange).headDeployment,
		"Deployments_Get":                     (*exchange).getDeployment,
		"Deployments_CreateOrUpdate":          (*exchange).putDeployment,
		"Deployments_Delete":                  (*exchange).deleteDeployment,
		"Deployments_Cancel":                  (*exchange).cancelDeployment,
		"Deployments_Validate":                (*exchange).validateDeployment,
		"Deployments_WhatIf":                  (*exchange).whatIf,
		"Deployments_ExportTemplate":          (*exchange).exportTemplate,
		"Deployments_OperationStatus":         (*exchange).deploymentStatus,
		"DeploymentOperations_List":           (*exchange).deploymentOperations,
		"DeploymentOperations_Get":            (*exchange).deploymentOperation,
	}
	for name, h := range out {
		if !strings.HasPrefix(name, "Deployments_List") && name != "Deployments_CalculateTemplateHash" {
			out[name+"AtSubscriptionScope"] = h
		}
	}
	return out
}

// deploymentAction is the right that an operation of deployments needs; empty for all other operations.
func deploymentAction(op catalog.ARMOperation) string {
	first, verb, _ := strings.Cut(op.ID, "_")
	switch first {
	case "DeploymentOperations":
		return deploymentType + "/operations/read"
	case "Deployments":
	default:
		return ""
	}
	switch {
	case strings.HasPrefix(verb, "OperationStatus"):
		return deploymentType + "/operationstatuses/read"
	case op.Method == http.MethodPost && strings.HasSuffix(op.Path, "/calculateTemplateHash"):
		return "Microsoft.Resources/calculateTemplateHash/action"
	case op.Method == http.MethodPost:
		return ActionOf(op.Method, deploymentType, op.Path[strings.LastIndexByte(op.Path, '/')+1:])
	}
	return ActionOf(op.Method, deploymentType, "")
}

// deploymentID is the id of the deployment that the path is about, or of the list; empty where it is about none.
func (x *exchange) deploymentID() string {
	if x.route == nil || !strings.HasPrefix(x.op.ID, "Deployments_") && !strings.HasPrefix(x.op.ID, "DeploymentOperations_") || x.params["subscriptionId"] == "" {
		return ""
	}
	scope := "/subscriptions/" + strings.ToLower(x.params["subscriptionId"])
	if g := x.params["resourceGroupName"]; g != "" {
		if r := x.engine.get(scope + "/resourceGroups/" + g); r != nil {
			g = text(r.body, "name")
		}
		scope += "/resourceGroups/" + g
	}
	if name := x.params["deploymentName"]; name != "" {
		return scope + "/providers/" + deploymentType + "/" + name
	}
	return scope
}

// deployment is the one that the path names.
func (x *exchange) deployment() (*deployment, *Error) {
	id := x.deploymentID()
	if d := x.deploy.get(id); d != nil {
		return d, nil
	}
	if err := x.engine.inGroup(id, "get"); err != nil {
		return nil, err
	}
	return nil, refuse(http.StatusNotFound, "DeploymentNotFound", "Deployment '%s' could not be found.", azure.ID(id).Name())
}

// iso is a duration as Azure writes it.
func iso(d time.Duration) string {
	return "PT" + strconv.FormatFloat(max(0, d).Seconds(), 'f', -1, 64) + "S"
}

// deploymentBody is a deployment as clients see it.
func (x *exchange) deploymentBody(d *deployment) object {
	props := object{
		"templateHash": d.Hash, "mode": d.Mode, "provisioningState": d.State, "timestamp": d.Changed.UTC(), "duration": iso(d.Changed.Sub(d.Started)), "correlationId": d.Correlate,
		"providers": nonNil(d.Providers), "dependencies": nonNil(d.Dependencies), "parameters": object{},
	}
	if d.active() {
		props["duration"] = iso(x.config.Now().Sub(d.Started))
	}
	if len(d.Values) > 0 {
		props["parameters"] = d.Values
	}
	if len(d.Outputs) > 0 {
		props["outputs"] = d.Outputs
	}
	if d.Error != nil {
		props["error"] = d.Error
	}
	if d.Debug != "" {
		props["debugSetting"] = object{"detailLevel": d.Debug}
	}
	if d.State == succeeded {
		props["outputResources"] = nonNil(x.deploy.written(d))
	}
	b := object{"id": d.ID, "name": azure.ID(d.ID).Name(), "type": deploymentType, "properties": props}
	if d.Location != "" {
		b["location"] = d.Location
	}
	if d.Tags != nil {
		b["tags"] = d.Tags
	}
	return b
}

// written are the resources that a deployment and those in it wrote.
func (d *deployer) written(x *deployment) []any {
	var out []any
	for _, s := range x.Steps {
		if s.Verb != "Create" || s.State != succeeded {
			continue
		}
		if child := d.get(s.Target); strings.EqualFold(s.Type, deploymentType) {
			if child != nil && child.Parent == x.key {
				out = append(out, d.written(child)...)
			}
			continue
		}
		out = append(out, object{"id": s.Target})
	}
	return out
}

// correlation is the id that ties together what one client does.
func (x *exchange) correlation() string { return x.w.Header().Get("x-ms-correlation-request-id") }

// drafted is the deployment that the body asks for, looked at.
func (x *exchange) drafted() (*deployment, *Error) {
	id := x.deploymentID()
	if err := x.engine.inGroup(id, "put"); err != nil {
		return nil, err
	}
	sent, err := readDeployment(x.body)
	if err != nil {
		return nil, err
	}
	return x.deploy.draft(x.caller, id, sent, x.correlation(), nil)
}

func (x *exchange) putDeployment() *Error {
	d, err := x.drafted()
	if err != nil {
		return err
	}
	status := http.StatusOK
	x.deploy.work.Lock()
	made, err := x.deploy.accept(d)
	if err == nil {
		x.deploy.some() // what takes no time is done when the client asks
	}
	x.deploy.work.Unlock()
	if err != nil {
		return err
	}
	if made {
		status = http.StatusCreated
	}
	x.w.Header().Set("Azure-AsyncOperation", x.base()+d.ID+"/operationStatuses/"+d.Operation+"?api-version="+x.version)
	x.later()
	return x.reply(status, x.deploymentBody(d))
}

// deploymentStatus is the state of a deployment's own operation.
func (x *exchange) deploymentStatus() *Error {
	if d := x.deploy.get(x.deploymentID()); d != nil && strings.EqualFold(d.Operation, x.params["operationId"]) {
		b := object{"status": d.State}
		if d.active() {
			x.later()
		}
		if d.Error != nil {
			b["error"] = d.Error
		}
		return x.reply(http.StatusOK, b)
	}
	// One that another followed under the same name, or that was deleted.
	if op := x.engine.operationOf(strings.ToLower(x.params["operationId"])); op != nil && strings.EqualFold(op.Target, x.deploymentID()) {
		b := object{"status": op.state(x.config.Now())}
		if op.Error != nil {
			b["error"] = op.Error
		}
		return x.reply(http.StatusOK, b)
	}
	if err := x.engine.inGroup(x.deploymentID(), "get"); err != nil {
		return err
	}
	return refuse(http.StatusNotFound, "NotFound", "Operation %.40s not found.", x.params["operationId"])
}

func (x *exchange) getDeployment() *Error {
	d, err := x.deployment()
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, x.deploymentBody(d))
}

func (x *exchange) headDeployment() *Error {
	if x.deploy.get(x.deploymentID()) == nil {
		return x.nothing(http.StatusNotFound)
	}
	return x.nothing(http.StatusNoContent)
}

// deployments lists those of a scope.
func (x *exchange) deployments() *Error {
	scope := x.deploymentID()
	if err := x.engine.inGroup(scope, "get"); err != nil {
		return err
	}
	size, after, err := x.page()
	if err != nil {
		return err
	}
	f := x.r.URL.Query().Get("$filter")
	state, filtered := quoted(f, "provisioningState eq '")
	if f != "" && !filtered {
		return refuse(http.StatusBadRequest, "InvalidFilterInQueryString", "Invalid $filter '%.100s' specified in the query string: this list knows provisioningState eq 'STATE'.", f)
	}
	out, next := []any{}, ""
	for _, d := range x.deploy.below(scope) {
		if d.key <= after || filtered && !strings.EqualFold(d.State, state) {
			continue
		}
		if len(out) == size {
			next = x.next(after)
			break
		}
		out, after = append(out, x.deploymentBody(d)), d.key
	}
	b := object{"value": out}
	if next != "" {
		b["nextLink"] = next
	}
	return x.reply(http.StatusOK, b)
}

// deleteDeployment takes a deployment out of the history. What it deployed stays.
func (x *exchange) deleteDeployment() *Error {
	x.deploy.work.Lock()
	defer x.deploy.work.Unlock()
	d, err := x.deployment()
	if err != nil {
		if err.Code != "DeploymentNotFound" {
			return err
		}
		return x.nothing(http.StatusNoContent)
	}
	if d.active() {
		return refuse(http.StatusConflict, "DeploymentActiveAndUneditable", "The deployment '%s' is running: it can be cancelled, but not deleted.", azure.ID(d.ID).Name())
	}
	e := x.engine
	now := e.now()
	op := &operation{ID: e.guid(), Verb: "delete", Target: d.ID, By: x.caller.ObjectID, Starts: now, Ends: now.Add(x.takes()), Status: succeeded}
	e.write.Lock()
	if err = x.deploy.forget(d); err == nil {
		err = e.keep(op)
	}
	e.write.Unlock()
	if err != nil {
		return err
	}
	x.follow(op, false, true)
	return x.nothing(http.StatusAccepted)
}

// takes is how long it takes to look at a template, or to take away a deployment (AssumePace).
func (x *exchange) takes() time.Duration {
	return x.config.Pace.of(&kind{typ: deploymentType}, "action", false)
}

// soon answers with a result, at once or when its operation has ended.
func (x *exchange) soon(result any) *Error {
	d := x.takes()
	if d == 0 {
		return x.reply(http.StatusOK, result)
	}
	now := x.config.Now()
	op := &operation{ID: x.engine.guid(), Verb: x.op.ID, Target: x.deploymentID(), By: x.caller.ObjectID, Starts: now, Ends: now.Add(d), Status: succeeded, Result: result}
	x.engine.mu.Lock()
	x.engine.note(op)
	x.engine.mu.Unlock()
	x.follow(op, false, true)
	return x.nothing(http.StatusAccepted)
}

func (x *exchange) cancelDeployment() *Error {
	x.deploy.work.Lock()
	defer x.deploy.work.Unlock()
	d, err := x.deployment()
	if err != nil {
		return err
	}
	if !d.active() {
		return refuse(http.StatusConflict, "Conflict", "The deployment '%s' cannot be cancelled: its provisioningState is %s.", azure.ID(d.ID).Name(), d.State)
	}
	x.deploy.cancelled(d)
	return x.nothing(http.StatusNoContent)
}

// validateDeployment tells what a deployment would be refused for, without beginning it.
func (x *exchange) validateDeployment() *Error {
	d, err := x.drafted()
	if err != nil {
		return err
	}
	d.State = succeeded
	b := x.deploymentBody(d)
	props := b["properties"].(object)
	delete(props, "outputResources")
	var all []any
	for _, id := range d.Validated {
		all = append(all, object{"id": id})
	}
	props["validatedResources"] = nonNil(all)
	delete(b, "location")
	delete(b, "tags")
	return x.soon(b)
}

func (x *exchange) exportTemplate() *Error {
	d, err := x.deployment()
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"template": d.Template})
}

// templateHash is the number that stands for a template.
func (x *exchange) templateHash() *Error {
	if _, err := readObject(x.body); err != nil {
		return err
	}
	small, hash, err := templateHash(x.body)
	if err != nil {
		return err
	}
	return x.reply(http.StatusOK, object{"minifiedTemplate": string(small), "templateHash": hash})
}

// operationBody is a step of a deployment as clients see it.
func (x *exchange) stepBody(d *deployment, s *deploymentStep) object {
	ends := s.Ends
	if s.State == running {
		ends = x.config.Now()
	}
	props := object{
		"provisioningOperation": s.Verb, "provisioningState": s.State, "timestamp": ends.UTC(), "duration": iso(ends.Sub(s.Starts)),
		"serviceRequestId": derived("request", d.Operation, s.ID),
	}
	if s.Waits {
		props["provisioningOperation"] = "Waiting"
	}
	if s.Status != 0 {
		props["statusCode"] = strings.ReplaceAll(http.StatusText(s.Status), " ", "")
	}
	if s.Error != nil && s.State == failed {
		props["statusMessage"] = object{"status": failed, "error": s.Error}
	}
	if s.Target != "" {
		target := object{"id": s.Target, "resourceType": s.Type, "resourceName": s.Name}
		if s.Symbol != "" {
			target["symbolicName"] = s.Symbol
		}
		if s.Version != "" {
			target["apiVersion"] = s.Version
		}
		props["targetResource"] = target
	}
	return object{"id": d.ID + "/operations/" + s.ID, "operationId": s.ID, "properties": props}
}

func (x *exchange) deploymentOperations() *Error {
	d, err := x.deployment()
	if err != nil {
		return err
	}
	size, after, err := x.page()
	if err != nil {
		return err
	}
	from := 0
	if after != "" {
		from, _ = strconv.Atoi(strings.TrimPrefix(after, "/"))
	}
	from = max(0, min(from, len(d.Steps)))
	out := []any{}
	for i := range d.Steps[from:min(from+size, len(d.Steps))] {
		out = append(out, x.stepBody(d, &d.Steps[from+i]))
	}
	b := object{"value": out}
	if from+size < len(d.Steps) {
		b["nextLink"] = x.next(fmt.Sprintf("/%d", from+size))
	}
	return x.reply(http.StatusOK, b)
}

func (x *exchange) deploymentOperation() *Error {
	d, err := x.deployment()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(d.Steps, func(s deploymentStep) bool { return strings.EqualFold(s.ID, x.params["operationId"]) })
	if i < 0 {
		return refuse(http.StatusNotFound, "DeploymentOperationNotFound", "Deployment operation '%.60s' could not be found.", x.params["operationId"])
	}
	return x.reply(http.StatusOK, x.stepBody(d, &d.Steps[i]))
}

// whatIf tells what a deployment would change, by carrying it out in a fork of the endpoint.
func (x *exchange) whatIf() *Error {
	id := x.deploymentID()
	if err := x.engine.inGroup(id, "put"); err != nil {
		return err
	}
	sent, err := readDeployment(x.body)
	if err != nil {
		return err
	}
	format := "FullResourcePayloads"
	if s := sent.Properties.WhatIfSettings; s != nil && s.ResultFormat != "" {
		format = s.ResultFormat
	}
	if format != "FullResourcePayloads" && format != "ResourceIdOnly" {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "The resultFormat '%.40s' is not FullResourcePayloads or ResourceIdOnly.", format).at("properties.whatIfSettings.resultFormat")
	}
	changes, err := x.deploy.foresee(x.caller, id, sent, x.correlation(), format == "ResourceIdOnly")
	if err != nil { // as Azure does: the operation succeeds in telling that the deployment would not
		b, merr := json.Marshal(err)
		if merr != nil {
			return x.engine.broken(merr)
		}
		return x.soon(object{"status": failed, "error": json.RawMessage(b)})
	}
	return x.soon(object{"status": succeeded, "properties": object{"changes": changes}})
}
