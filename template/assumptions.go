package template

// Assumption names something of how Azure reads templates that is published nowhere, or not among the facts that Onramp keeps.
type Assumption struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// The names of the assumptions.
const (
	AssumeLimits       = "template-limits"
	AssumeUniqueString = "template-unique-string"
	AssumeGUID         = "template-guid"
	AssumeStringOrder  = "template-string-order"
	AssumeLazy         = "template-lazy-evaluation"
	AssumeDates        = "template-dates"
	AssumeAllowed      = "template-allowed-values-case"
	AssumeEmpty        = "template-first-of-nothing"
	AssumeCIDR         = "template-cidr-small-ranges"
	AssumeGroups       = "template-group-identifiers"
)

// Assumptions are those on which an expansion rests.
func Assumptions() []Assumption {
	return []Assumption{
		{AssumeLimits, "The limits of templates are those of Microsoft's page on template limits: 256 parameters, 256 variables, 800 resources with copies, 64 outputs, 24,576 characters an expression, 4 MB a template. How deep and how long an evaluation may be is Onramp's own bound."},
		{AssumeUniqueString, "uniqueString() is the variant of MurmurHash that people found in Microsoft's published libraries; Microsoft documents the length of its result only."},
		{AssumeGUID, "guid() is a UUID of version 5 of its arguments joined by hyphens, in the namespace 11fb06fb-712d-4ddd-98c7-e71bbd588830."},
		{AssumeStringOrder, "less() and greater() order strings like .NET's invariant culture: punctuation, digits, letters; of two that differ in case only, the lower one first."},
		{AssumeLazy, "and(), or() and coalesce() end at the argument that decides, and a variable that nothing uses is not evaluated."},
		{AssumeDates, "dateTimeAdd() without a format answers as 2023-04-05T06:07:08Z."},
		{AssumeAllowed, "A string that differs from an allowed value in case only is allowed."},
		{AssumeEmpty, "first() and last() of an empty array are null, of an empty string the empty string."},
		{AssumeCIDR, "parseCidr() of a /31 or /32 has the network as first and last usable address, and cidrHost() finds none in a /31."},
		{AssumeGroups, "resourceId() of a resource group is /subscriptions/ID/resourceGroups/NAME."},
	}
}
