package main

import (
	"fmt"
	"os"

	"github.com/jstemmer/go-junit-report/v2/junit"

	"onramp/rehearse"
)

// writeTrafficJUnit writes a test case for each way of each traffic drill, with what was measured as its output. A throughput that is not
// what it must be fails; of the other drills nobody knows beforehand what they have to come to.
func writeTrafficJUnit(name string, t *rehearse.Traffic) error {
	suite := junit.Testsuite{Name: "rehearse", Time: "0"}
	add := func(drill, lob, from, to, measured string, failure *junit.Result) {
		way := from + " to " + to
		if lob != "" {
			way = lob + ": " + way
		}
		suite.AddTestcase(junit.Testcase{Name: way, Classname: "onramp.rehearse." + drill, Failure: failure, SystemOut: &junit.Output{Data: measured}})
	}
	for i := range t.Voice {
		x := &t.Voice[i]
		add(rehearse.VoiceDrill, x.LineOfBusiness, x.From, x.To, fmt.Sprintf("%s of %g Mbps saturated: %s; with classes: %s", x.Saturated, x.Mbps, callWords(&x.FirstCome), callWords(&x.Classes)), nil)
	}
	for i := range t.ProviderBandwidth {
		x := &t.ProviderBandwidth[i]
		words := fmt.Sprintf("%g Mbps measured, the least of the rates is %g Mbps: access %s, provider %s, circuit %s, gateway %s", x.Measured, x.Least, rate(x.Access), rate(x.Provider), rate(x.Circuit), rate(x.Gateway))
		var failure *junit.Result
		if !x.AsExpected {
			failure = &junit.Result{Message: "the throughput is not the least of the rates", Type: "throughput", Data: words}
		}
		add(rehearse.ProviderBandwidthDrill, x.LineOfBusiness, x.From, x.To, words, failure)
	}
	for i := range t.InternetVPN {
		x := &t.InternetVPN[i]
		add(rehearse.InternetVPNDrill, x.LineOfBusiness, x.From, x.To, fmt.Sprintf("ExpressRoute: %s; VPN: %s", callWords(&x.ExpressRoute), callWords(&x.VPN)), nil)
	}
	return saveSuite(name, suite)
}

// callWords are how a call fares, in a line.
func callWords(c *rehearse.Call) string {
	return fmt.Sprintf("%g %% lost, %g ms one way, %g ms jitter, MOS %g", c.LostPercent, c.OneWayMs, c.JitterMs, c.MOS)
}

// saveSuite writes a suite of a rehearsal as JUnit XML.
func saveSuite(name string, suite junit.Testsuite) error {
	var all junit.Testsuites
	all.Name = "onramp rehearse"
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
