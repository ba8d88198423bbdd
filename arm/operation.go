package arm

import (
	"net/http"
	"time"
)

// operation is a long-running operation: what it does to which resource, and when it ends. Its state follows from the clock alone, so it
// ends on time whether anybody asks or not, and goes on after a restart.
type operation struct {
	ID     string    `json:"id"`
	Verb   string    `json:"verb"`   // put, delete, patch, or an action's name
	Target string    `json:"target"` // the id of what it is about, which may be a child
	By     string    `json:"by"`     // the principal
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends"`
	// Status is how it ends: Succeeded, Failed or Canceled.
	Status string `json:"status"`
	Error  *Error `json:"error,omitempty"`
	// Result is what an action answers.
	Result any `json:"result,omitempty"`
	// Creates tells that the target was not there before.
	Creates bool `json:"creates,omitempty"`

	flight *flight // the write of its own record; nil while it is part of a resource's
}

// The states of an operation and of a resource.
const (
	inProgress = "InProgress"
	succeeded  = "Succeeded"
	failed     = "Failed"
	canceled   = "Canceled"
	updating   = "Updating"
	deleting   = "Deleting"
)

// state is what the operation is in at a time.
func (o *operation) state(now time.Time) string {
	if now.Before(o.Ends) {
		return inProgress
	}
	return o.Status
}

// provisioning is the provisioningState of the operation's target at a time.
func (o *operation) provisioning(now time.Time) string {
	if o == nil {
		return succeeded
	}
	switch s := o.state(now); {
	case s != inProgress:
		if o.Verb == "delete" && s == succeeded {
			return deleting
		}
		return s
	case o.Verb == "delete":
		return deleting
	}
	return updating
}

// pending tells that the operation has not ended.
func (o *operation) pending(now time.Time) bool { return o != nil && now.Before(o.Ends) }

// busy is the refusal of a write while another one runs (errors.csv: AnotherOperationInProgress).
func busy(o *operation) *Error {
	err := refuse(http.StatusTooManyRequests, "AnotherOperationInProgress", "Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: %s.", o.ID).
		at(o.Target).with("Retry-After", "1")
	err.until = o.Ends
	return err
}
