package twin

import (
	"os"
	"path/filepath"

	"onramp/arm"
)

// Repair says what can be had of the store in a state directory and, if asked to, makes a whole one of it; the old one stays beside it.
func Repair(dir string, write bool) (*arm.RepairReport, error) {
	return arm.Repair(filepath.Join(dir, storeDir), arm.RepairOptions{InPlace: write, Older: write})
}

// Load begins a state directory with a snapshot and returns how many records it has. A store that holds something already is an error.
func Load(dir, snapshot string) (n int, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	s, err := arm.OpenJetStream(filepath.Join(dir, storeDir))
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := s.Close(); err == nil {
			err = e
		}
	}()
	return arm.LoadSnapshot(snapshot, s)
}
