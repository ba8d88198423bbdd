package arm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// maxSecretFile is more than any file of keys has.
const maxSecretFile = 1 << 20 // bytes

// readSecret reads a file that only its owner may have access to: one that others could have read or changed proves nothing any more.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened, which nobody can swap now
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" { // whose permissions are not these bits
		return nil, fmt.Errorf("%s has the mode %#o, so that others than its owner have had access to the key in it; chmod 600 it if they are trusted, else remove it so that a new one is made", path, mode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err == nil && len(b) > maxSecretFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxSecretFile)
	}
	return b, err
}

// writeWhole replaces a file in one step: whoever reads it, or finds it after a power loss, has the old or the new content and never a
// part. perm is in force from the first byte on.
func writeWhole(path string, content []byte, perm fs.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(content)
	if err == nil && perm != 0o600 {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return nil // the file is in place; a directory that cannot be opened cannot be synchronised
	}
	_ = d.Sync() // not every file system can
	return d.Close()
}
