package network

import (
	"slices"

	"onramp/design"
)

// Names of the assumptions of a resiliency index (IndexAssumptions).
const (
	AssumeDrillIsTest   = "drill-as-validation"
	AssumeNeverTested   = "never-tested-as-oldest"
	AssumeAdvisorPoints = "advisor-points-unknown"
)

// IndexAssumptions are those on which a resiliency index of rehearsed drills rests.
func IndexAssumptions() []design.Assumption {
	all := assumptions()
	zones := all[slices.IndexFunc(all, func(a design.Assumption) bool { return a.Name == AssumeZoneUnknown })]
	return []design.Assumption{zones,
		{Name: AssumeDrillIsTest, Text: "A drill that takes a location out, agrees with the proof and loses no flow of the gateway for good counts as a failover test of today.",
			Reason: "The portal counts tests of the gateway that runs; before there is one, this is what the same test would give."},
		{Name: AssumeNeverTested, Text: "A gateway without a test has the multiplier of the oldest, 1.",
			Reason: "Multipliers are published by the age of the last test, and none for a gateway that had no test."},
		{Name: AssumeAdvisorPoints, Text: "Advisor's recommendations give from 0 to 10 points.",
			Reason: "Published is the most; which recommendation counts for how much is not."},
	}
}
