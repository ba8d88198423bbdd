//go:build !unix

package arm

import (
	"fmt"
	"os"
)

// lockFile takes a lock by holding the file open, which keeps others from removing it.
func lockFile(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, fmt.Errorf("%s: another process has the store open: %w", path, err)
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
}
