//go:build linux

package speaker_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// labProcess is a program that runs in a node's namespace. It has a process group of its own and dies with the test.
type labProcess struct {
	name           string
	cmd            *exec.Cmd
	output, errors string // files with what it printed
	done           chan struct{}
}

// start runs a program in the node's namespace; what it prints goes to NAME.out and NAME.err in the node's directory.
func (n *labNode) start(name string, argv ...string) *labProcess {
	n.lab.t.Helper()
	return n.startTalking(name, nil, nil, argv...)
}

// startTalking is start for a program that reads from in and prints to out, nil for none and for NAME.out.
func (n *labNode) startTalking(name string, in, out *os.File, argv ...string) *labProcess {
	n.lab.t.Helper()
	p := &labProcess{name: n.name + "/" + name, done: make(chan struct{})}
	p.output, p.errors = filepath.Join(n.dir, name+".out"), filepath.Join(n.dir, name+".err")
	// ip becomes the program (it does not fork), so the process is the program itself.
	p.cmd = exec.Command("ip", append([]string{"netns", "exec", n.ns}, argv...)...)
	for file, stream := range map[string]*io.Writer{p.output: &p.cmd.Stdout, p.errors: &p.cmd.Stderr} {
		printed, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			n.lab.t.Fatal(err)
		}
		defer printed.Close()
		*stream = printed
	}
	if in != nil {
		p.cmd.Stdin = in
	}
	if out != nil {
		p.cmd.Stdout = out
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		n.lab.t.Fatalf("%s: %v", p.name, err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in its output
		close(p.done)
	}()
	n.lab.processes = append(n.lab.processes, p)
	n.lab.t.Cleanup(func() {
		if n.lab.t.Failed() {
			n.lab.t.Logf("%s printed:\n%s", p.name, p.printed())
		}
	})
	return p
}

// running tells whether the program has not ended yet.
func (p *labProcess) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// signal sends a signal to the program's process group and waits until the program has ended.
func (p *labProcess) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if !p.running() {
		return
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, sig) // it may be ending
	p.wait(t, sig)
}

// wait waits until the program has ended.
func (p *labProcess) wait(t testing.TB, sig syscall.Signal) {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		t.Errorf("%s did not end within 10 s of signal %s", p.name, sig)
	}
}

// printed is the end of what the program printed.
func (p *labProcess) printed() string {
	return lastLines(p.output, 40) + "\n" + lastLines(p.errors, 40)
}

// lastLines is the end of a text file.
func lastLines(name string, n int) string {
	data, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// command runs a daemon's control program and returns what it printed.
func command(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.WaitDelay = time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
