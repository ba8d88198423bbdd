package render

import "fmt"

// What Azure takes as a template, and as one resource of it, which a nested deployment is. Source: ARM template best practices,
// template limits (learn.microsoft.com/azure/azure-resource-manager/templates/best-practices, 2023-09-22): they count after parameters
// and variables have got their values.
const (
	mostTemplateBytes    = 4 << 20
	mostResourceBytes    = 1 << 20
	mostParameters       = 256
	mostVariables        = 256
	mostResources        = 800
	mostOutputs          = 64
	mostExpressionLength = 24576
)

// LimitError says that a design is too large for a template that Azure takes.
type LimitError struct {
	// Where is the template or nested deployment, What is counted there ("resources", "bytes", ...).
	Where, What string
	Have, Most  int
}

// Error tells the limit and what would help.
func (e *LimitError) Error() string {
	return fmt.Sprintf("%s has %d %s, and a template of Azure Resource Manager may have %d: render the estate in parts, with fewer lines of business each", e.Where, e.Have, e.What, e.Most)
}

func within(where, what string, have, most int) error {
	if have > most {
		return &LimitError{Where: where, What: what, Have: have, Most: most}
	}
	return nil
}
