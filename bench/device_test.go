package bench

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// device is what is measured: a speaker in a process of its own, so that its memory and its processor time are its own.
type device interface {
	// pid is its process.
	pid() int
	// routes counts what it holds.
	routes() (int, error)
	// collect makes it give back the memory that it no longer needs, where it can.
	collect() error
	stop() error
}

// contender is a kind of device. Its devices listen when start returns.
type contender struct {
	name  string
	most  int // as many sessions as it can be measured with in bearable time
	start func(rig) (device, error)
}

// contenders are all kinds, those that others made first: their times are what ours is divided into.
func contenders() []contender {
	return []contender{
		{"bird", 100, startBIRD},
		{"gobgp", 100, startChild("gobgp")},
		{"onramp", 1000, startChild("onramp")},
	}
}

// server is a speaker written in Go, in the child process that serves it.
type server interface {
	routes() (int, error)
}

// servers start them. They return when connections are welcome.
func servers() map[string]func(rig) (server, error) {
	return map[string]func(rig) (server, error){
		"gobgp":  serveGoBGP,
		"onramp": serveOnramp,
	}
}

// childName and childRig make the test binary a child: the server's name, and the rig in JSON.
const (
	childName = "ONRAMP_BENCH_SERVER"
	childRig  = "ONRAMP_BENCH_RIG"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childName); name != "" {
		if err := serve(name, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, name+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serve is a child's life: it says "ready", answers a line with a line, and ends with its input.
func serve(name string, in io.Reader, out io.Writer) error {
	start := servers()[name]
	if start == nil {
		return errors.New("no such server")
	}
	var r rig
	if err := json.Unmarshal([]byte(os.Getenv(childRig)), &r); err != nil {
		return err
	}
	s, err := start(r)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "ready")
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		switch lines.Text() {
		case "routes":
			n, err := s.routes()
			if err != nil {
				return err
			}
			fmt.Fprintln(out, n)
		case "collect":
			runtime.GC()
			debug.FreeOSMemory()
			fmt.Fprintln(out, "collected")
		}
	}
	runtime.KeepAlive(s)
	return lines.Err()
}

// child is the device that a server is in.
type child struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Scanner
}

func startChild(name string) func(rig) (device, error) {
	return func(r rig) (device, error) {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		text, err := json.Marshal(r)
		if err != nil {
			return nil, err
		}
		c := &child{cmd: exec.Command(self)}
		c.cmd.Env = append(os.Environ(), childName+"="+name, childRig+"="+string(text))
		c.cmd.Stderr = os.Stderr
		if c.in, err = c.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := c.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		c.answers = bufio.NewScanner(out)
		if err := c.cmd.Start(); err != nil {
			return nil, err
		}
		if answer, err := c.answer(); answer != "ready" {
			return nil, errors.Join(fmt.Errorf("%s said %q instead of ready", name, answer), err, c.stop())
		}
		return c, nil
	}
}

func (c *child) answer() (string, error) {
	if !c.answers.Scan() {
		return "", errors.Join(io.ErrUnexpectedEOF, c.answers.Err())
	}
	return c.answers.Text(), nil
}

func (c *child) ask(question string) (string, error) {
	if _, err := fmt.Fprintln(c.in, question); err != nil {
		return "", err
	}
	return c.answer()
}

func (c *child) pid() int { return c.cmd.Process.Pid }

func (c *child) routes() (int, error) {
	answer, err := c.ask("routes")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(answer)
}

func (c *child) collect() error {
	_, err := c.ask("collect")
	return err
}

func (c *child) stop() error {
	c.in.Close()
	return c.cmd.Wait()
}

// cpu is what a process has used of the processors so far, user and system, to the nanosecond.
func cpu(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the process's clock for what its threads ran, CPUCLOCK_SCHED.
	clock := int32(^pid)<<3 | 2
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// resident is the memory of a process that is in RAM, and peak the most that ever was, in bytes.
func resident(pid int) (int64, error) { return procField(pid, "smaps_rollup", "Rss:") }
func peak(pid int) (int64, error)     { return procField(pid, "status", "VmHWM:") }

func procField(pid int, file, field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			kB, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kB << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/%s has no %s", pid, file, field)
}
