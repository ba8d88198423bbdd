package main

import (
	"os"
	"strings"
	"testing"

	"onramp/rehearse"
)

func TestTheJUnitFileOfTrafficDrillsFailsTheThroughputsThatAreNotAsExpected(t *testing.T) {
	name := t.TempDir() + "/traffic.xml"
	r := &rehearse.Traffic{
		Voice: []rehearse.SaturatedCall{{From: "montreal", To: "vnet/app", LineOfBusiness: "finance", Saturated: "gateway", Mbps: 500, FirstCome: rehearse.Call{LostPercent: 5, MOS: 1.6}}},
		ProviderBandwidth: []rehearse.SlowProvider{{From: "montreal", To: "vnet/app", Provider: 250, Circuit: 500, Least: 250, Measured: 231.04},
			{From: "toronto", To: "vnet/app", Provider: 250, Circuit: 500, Least: 250, Measured: 249.9, AsExpected: true}},
		InternetVPN: []rehearse.SideBySide{{From: "vnet/app", To: "montreal"}},
	}
	if err := writeTrafficJUnit(name, r); err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`tests="4" failures="1"`, "finance: montreal to vnet/app", "gateway of 500 Mbps saturated: 5 % lost", "231.04 Mbps measured, the least of the rates is 250 Mbps", "onramp.rehearse.internet-vpn"} {
		if !strings.Contains(string(src), want) {
			t.Errorf("it does not say %q:\n%s", want, src)
		}
	}
	if writeTrafficJUnit(t.TempDir()+"/no/such.xml", r) == nil {
		t.Error("a file that cannot be written is no error")
	}
}
