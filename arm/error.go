package arm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Error is a refusal in Azure's words: a code from errors.csv, or a named assumption where none is published (assumptions.go), with the
// HTTP status that it goes with. It is what an endpoint answers and what a failed operation holds.
type Error struct {
	Status  int      `json:"-"`
	Code    string   `json:"code"`
	Message string   `json:"message"`
	Target  string   `json:"target,omitempty"` // the property, or the resource
	Details []*Error `json:"details,omitempty"`
	// More is what the error's code has beside: for a mistake in a template, its place.
	More []ErrorInfo `json:"additionalInfo,omitempty"`
	// Headers go with the answer: Retry-After, WWW-Authenticate.
	Headers map[string]string `json:"-"`

	until time.Time // when what stands in the way will have ended; zero where that is not known
}

// ErrorInfo is something that an error tells beside its message.
type ErrorInfo struct {
	Type string `json:"type"`
	Info any    `json:"info"`
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// refuse makes an error.
func refuse(status int, code, format string, args ...any) *Error {
	return &Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// at names what the error is about.
func (e *Error) at(target string) *Error { e.Target = target; return e }

// with adds a header.
func (e *Error) with(name, value string) *Error {
	if e.Headers == nil {
		e.Headers = map[string]string{}
	}
	e.Headers[name] = value
	return e
}

// write answers with the error, in the form that the SDKs read ({"error": {...}}).
func (e *Error) write(w http.ResponseWriter) {
	for k, v := range e.Headers {
		w.Header().Set(k, v)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if e.Status == http.StatusNotFound {
		w.Header().Set("x-ms-failure-cause", "gateway")
	}
	w.WriteHeader(e.Status)
	_ = json.NewEncoder(w).Encode(map[string]*Error{"error": e}) // the client is gone
}
