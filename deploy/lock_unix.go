//go:build unix

package deploy

import (
	"errors"
	"os"
	"syscall"
)

// lock takes a file for this program; it is free when the program ends, however it does.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return ErrJournalInUse
	}
	return err
}
