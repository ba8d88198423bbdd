package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// The exit codes, which scripts may rely on.
const (
	exitOK      = 0
	exitFailed  = 1 // an error finding, a property that fails, or nothing that fits
	exitUsage   = 2 // a wrong flag, argument or input file
	exitOutside = 3 // trouble outside: disk, network, an endpoint
	exitWaiting = 4 // what can be done is done, and somebody else has to do something first
)

// exitError is an error with the exit code it ends the process with. A nil err means that the command has already
// printed everything there is to say.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is an error in what the user typed or in a file they gave: exit code 2.
func usageError(err error) error { return &exitError{exitUsage, err} }

// failed is the answer "no": an error finding, a failed property, no fit. Exit code 1; err may be nil when the output has
// said it all.
func failed(err error) error { return &exitError{exitFailed, err} }

// outside is trouble that neither the input nor the answer is to blame for: exit code 3.
func outside(err error) error { return &exitError{exitOutside, err} }

// unfinished is the end of a command that goes on when somebody else, such as a connectivity provider, has done their part: exit code 4.
func unfinished(err error) error { return &exitError{exitWaiting, err} }

// report prints err once, as `onramp: ...`, and returns the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	code, silent := exitUsage, false
	var e *exitError
	if errors.As(err, &e) {
		code, silent = e.code, e.err == nil
	}
	if !silent {
		fmt.Fprintf(stderr, "%s %v\n", newPaint(stderr).Bad("onramp:"), err)
	}
	return code
}

// classify makes every error of cmd and its children carry an exit code: what a command's own RunE returns without a code is
// trouble outside; all else that cobra returns (flags, arguments, unknown commands) stays plain, which report takes as
// wrong usage.
func classify(cmd *cobra.Command) {
	if runE := cmd.RunE; runE != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := runE(cmd, args)
			var e *exitError
			if err == nil || errors.As(err, &e) {
				return err
			}
			return outside(err)
		}
	}
	for _, child := range cmd.Commands() {
		classify(child)
	}
}
