//go:build linux

package arm

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// lossy is a file system on a loop device that can lose its power: all that was not written through is gone.
type lossy struct {
	image, mount string
}

// goingDown is XFS_IOC_GOINGDOWN, which is EXT4_IOC_SHUTDOWN too: the file system stops at once. Without a flush of its log (noLogFlush),
// what is on the disk is what fsync put there.
const (
	goingDown  = 0x8004587d
	noLogFlush = 2
)

// newLossy makes a file system. Where there is no XFS it is ext4; where there can be neither the test says why and ends.
func newLossy(t *testing.T) *lossy {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a power loss needs a file system of its own, and only root can mount one: NOT TESTED HERE")
	}
	if _, err := os.Stat("/dev/loop-control"); err != nil {
		t.Skipf("a power loss needs a loop device, and this kernel has none: NOT TESTED HERE (%v)", err)
	}
	var why []string
	for _, kind := range []struct {
		name string
		mkfs []string
	}{
		{"xfs", []string{"mkfs.xfs", "-q", "-f"}},
		{"ext4", []string{"mkfs.ext4", "-q", "-F"}},
	} {
		dir := t.TempDir()
		l := &lossy{image: filepath.Join(dir, "disk"), mount: filepath.Join(dir, "mounted")}
		if err := l.make(kind.mkfs); err != nil {
			why = append(why, fmt.Sprintf("%s: %v", kind.name, err))
			continue
		}
		t.Logf("the file system is %s", kind.name)
		t.Cleanup(func() {
			if err := l.unmount(); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	filesystems, err := os.ReadFile("/proc/filesystems")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(filesystems), "\txfs\n") {
		t.Fatalf("this kernel has XFS, but it cannot be mounted: %s", strings.Join(why, "; "))
	}
	t.Skipf("a power loss needs XFS or ext4 on a loop device: NOT TESTED HERE: %s", strings.Join(why, "; "))
	return nil
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

func (l *lossy) make(mkfs []string) error {
	if err := os.Mkdir(l.mount, 0o700); err != nil {
		return err
	}
	f, err := os.Create(l.image)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(400<<20), f.Close()); err != nil {
		return err
	}
	if err := run(mkfs[0], append(mkfs[1:], l.image)...); err != nil {
		return err
	}
	return l.remount()
}

func (l *lossy) remount() error { return run("mount", "-o", "loop", l.image, l.mount) }

// unmount waits until the last file is closed.
func (l *lossy) unmount() error {
	var err error
	for range 100 {
		if err = unix.Unmount(l.mount, 0); !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		return fmt.Errorf("unmounting %s: %w", l.mount, err)
	}
	return nil
}

// losePower stops the file system.
func (l *lossy) losePower() error {
	d, err := os.Open(l.mount)
	if err != nil {
		return err
	}
	defer d.Close()
	how := uint32(noLogFlush)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, d.Fd(), goingDown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		return fmt.Errorf("shutting %s down: %w", l.mount, errno)
	}
	return nil
}

// round is a round of writes that a power loss ends.
func (l *lossy) round(c *crashed, round, after int, later time.Duration) error {
	if err := c.round(round, after, func(cmd *exec.Cmd) error {
		time.Sleep(later) // the moment is what is tested
		return errors.Join(l.losePower(), cmd.Process.Kill())
	}); err != nil {
		return err
	}
	return errors.Join(l.unmount(), l.remount())
}

func TestNoAcknowledgedWriteIsLostAndNoneHalfAppliedWhenThePowerFails(t *testing.T) {
	l := newLossy(t)
	r := rand.New(rand.NewPCG(1, 20))
	c := newCrashed(filepath.Join(l.mount, "store"))
	for round := range 20 {
		after, later := moments(r)
		if err := l.round(c, round+1, after, later); err != nil {
			t.Fatal(err)
		}
	}
	c.wantAll(t)
	if c.acknowledged < 400 {
		t.Errorf("only %d writes were acknowledged", c.acknowledged)
	}
}

// The same test must see the loss when the stream is not written through to the disk, or it would prove nothing.
func TestThePowerLossTestSeesAStoreThatIsNotWrittenThrough(t *testing.T) {
	l := newLossy(t)
	r := rand.New(rand.NewPCG(2, 20))
	c := newCrashed(filepath.Join(l.mount, "store"))
	mustClose(t, mustOpen(t, c.dir)) // a new store, whose files and names are all on the disk
	unix.Sync()
	c.unsynced = true
	for round := range 5 {
		err := l.round(c, round+1, 100+r.IntN(300), 0)
		if err != nil {
			if !strings.Contains(err.Error(), "the store is damaged") {
				t.Fatalf("the test fails otherwise: %v", err)
			}
			t.Logf("lost, and said: %v", err)
			return
		}
	}
	t.Fatalf("five power losses, %d writes acknowledged, none lost", c.acknowledged)
}
