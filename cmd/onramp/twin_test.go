package main

import (
	"path/filepath"

	"onramp/twin"
)

// stopTwins ends the twins that a test left running in the directories below one.
func stopTwins(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, "*", "control.sock"))
	for _, socket := range left {
		_ = twin.Stop(filepath.Dir(socket)) // it may be the socket of one that was killed
	}
}
