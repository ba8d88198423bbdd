package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"onramp/azure"
	"onramp/conform"
	"onramp/design"
)

// writeConformJUnit writes a test case for each resource of a design, which fails where it, or a table of it, is not what was proven, and is
// skipped where something of it could not be read and nothing differs; one for each finding about nothing in the design; and one for each
// property that no longer holds.
func writeConformJUnit(name string, d *design.Design, r *conform.Result) error {
	suite := junit.Testsuite{Name: r.Design, Time: "0"}
	found := map[string][]*conform.Finding{}
	for i := range r.Findings {
		k := r.Findings[i].Resource.Key()
		found[k] = append(found[k], &r.Findings[i])
	}
	unread := map[string][]string{}
	for _, u := range r.NotObserved {
		unread[u.Resource.Key()] = append(unread[u.Resource.Key()], u.What+": "+u.Why)
	}
	for _, x := range d.Resources {
		h := x.Head()
		k := h.ID.Key()
		for _, s := range partsOf(x) {
			unread[k] = append(unread[k], unread[s]...)
		}
		t := junit.Testcase{Name: h.Name, Classname: "onramp.conform." + h.Type[strings.LastIndexByte(h.Type, '/')+1:], Failure: conformFailure(found[k])}
		if len(unread[k]) > 0 {
			if text := strings.Join(unread[k], "\n"); t.Failure == nil {
				t.Skipped = &junit.Result{Message: "not observed", Data: text}
			} else {
				t.SystemOut = &junit.Output{Data: "not observed: " + text}
			}
		}
		delete(found, k)
		suite.AddTestcase(t)
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if list := found[f.Resource.Key()]; len(list) > 0 {
			suite.AddTestcase(junit.Testcase{Name: f.What, Classname: "onramp.conform." + f.In, Failure: conformFailure(list)})
			delete(found, f.Resource.Key())
		}
	}
	for i := range r.Fallen {
		x := &r.Fallen[i]
		suite.AddTestcase(junit.Testcase{Name: strings.TrimSpace(strings.Join([]string{x.Name, x.LineOfBusiness, x.Need}, " ")), Classname: "onramp.conform.proof",
			Failure: &junit.Result{Message: x.Reason, Type: x.Name, Data: x.Flow + "\n" + x.Scenario}})
	}
	var all junit.Testsuites
	all.Name = "onramp conform"
	all.AddSuite(suite)
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := all.WriteXML(file); err != nil {
		_ = file.Close() // the error that stopped us is the one to tell
		return err
	}
	return file.Close()
}

// partsOf are the keys of what in a resource has tables of its own.
func partsOf(x azure.Resource) []string {
	v, ok := x.(*azure.VirtualNetwork)
	if !ok {
		return nil
	}
	var out []string
	for i := range v.Properties.Subnets {
		out = append(out, strings.ToLower(string(v.ID)+"/subnets/"+v.Properties.Subnets[i].Name))
	}
	return out
}

func conformFailure(list []*conform.Finding) *junit.Result {
	if len(list) == 0 {
		return nil
	}
	var text []string
	for _, f := range list {
		text = append(text, f.What+"\n  likely cause: "+f.Cause)
		for k := range f.Symptoms {
			text = append(text, "  seen: "+f.Symptoms[k].Words())
		}
	}
	return &junit.Result{Message: list[0].What, Type: string(list[0].Kind), Data: strings.Join(text, "\n")}
}

// printLine writes a value as one line of JSON.
func printLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
