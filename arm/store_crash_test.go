package arm

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The writer of the crash tests is this test program, run again with these in its environment.
const (
	writerDirectory = "ARM_STORE_WRITER"
	writerRound     = "ARM_STORE_ROUND"    // a number greater than that of any round before, which is its seed too
	writerUnsynced  = "ARM_STORE_UNSYNCED" // the stream is not written through to the disk
)

const (
	crashWriters = 16
	crashKeys    = 6 // of each writer
)

// crashValue is the value of a key's nth write: nobody takes half of it, or another's, for whole.
func crashValue(key string, n uint64) []byte {
	var seed [32]byte
	copy(seed[:], key)
	r := rand.New(rand.NewChaCha8([32]byte(fmt.Appendf(seed[:0:0], "%-16s%016x", key, n)[:32])))
	size := r.IntN(3000)
	if r.IntN(50) == 0 {
		size = r.IntN(100_000)
	}
	out := fmt.Appendf(make([]byte, 0, size+32), "%d ", n)
	for range size / 8 {
		out = fmt.Appendf(out, "%08x", r.Uint32())
	}
	return out
}

// writeUntilKilled is the writer: it says what it finds, then what it is about to write and what was acknowledged, until it is killed.
func writeUntilKilled(dir string) int {
	var mu sync.Mutex
	say := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		os.Stdout.Write(fmt.Appendf(nil, format+"\n", args...))
	}
	round, err := strconv.ParseUint(os.Getenv(writerRound), 10, 32)
	if err != nil {
		say("error %v", err)
		return 1
	}
	say("opening")
	s, err := openJetStream(dir, options{unsynced: os.Getenv(writerUnsynced) != "", deleted: 10})
	if err != nil {
		say("error %v", err)
		return 1
	}
	revisions := map[string]uint64{}
	if err := s.Load(func(r Record) error {
		said, _, _ := strings.Cut(string(r.Value[:min(len(r.Value), 24)]), " ")
		n, err := strconv.ParseUint(said, 10, 64)
		if err != nil || !bytes.Equal(r.Value, crashValue(r.Key, n)) {
			return fmt.Errorf("%s at revision %d is not whole: %.40q", r.Key, r.Revision, r.Value)
		}
		revisions[r.Key] = r.Revision
		say("have %s %d", r.Key, n)
		return nil
	}); err != nil {
		say("error %v", err)
		return 1
	}
	say("ready")
	var count atomic.Uint64
	var wg sync.WaitGroup
	for w := range crashWriters {
		own := map[string]uint64{}
		for k := range crashKeys {
			key := fmt.Sprintf("/%d/%d", w, k)
			own[key] = revisions[key]
		}
		wg.Go(func() {
			r := rand.New(rand.NewPCG(round, uint64(w)))
			for {
				key := fmt.Sprintf("/%d/%d", w, r.IntN(crashKeys))
				n := round<<32 | count.Add(1)
				var err error
				if own[key] > 0 && r.IntN(4) == 0 {
					say("deleting %s %d", key, n)
					if _, err = s.Delete(key, own[key]); err == nil {
						own[key] = 0
						say("deleted %s %d", key, n)
					}
				} else {
					say("putting %s %d", key, n)
					if own[key], err = s.Put(key, crashValue(key, n), own[key]); err == nil {
						say("put %s %d", key, n)
					}
				}
				if err != nil {
					say("error %v", err)
					return
				}
			}
		})
	}
	wg.Wait()
	return 1
}

// crashed is what the test knows of the store from what its writers said.
type crashed struct {
	dir          string
	unsynced     bool
	has          map[string]uint64 // the last acknowledged write of a key, 0 if it was deleted
	tried        map[string]uint64 // the write that was begun after it and not acknowledged
	acknowledged int
	survived     int // writes that were kept though nobody was told
}

// said is what a writer writes to its standard error, which is read while it may still write.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// round runs a writer: first what it finds must be what was acknowledged, or what was begun after it. Then crash is called after so many
// acknowledgements, 0 for while the store is being opened, and must have ended the writer when it returns.
func (c *crashed) round(round int, after int, crash func(*exec.Cmd) error) error {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), writerDirectory+"="+c.dir, fmt.Sprintf("%s=%d", writerRound, round))
	if c.unsynced {
		cmd.Env = append(cmd.Env, writerUnsynced+"=1")
	}
	var stderr said
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	dead := false
	defer func() {
		if !dead {
			cmd.Process.Kill()
		}
		io.Copy(io.Discard, out)
		cmd.Wait()
	}()
	found := map[string]uint64{}
	acknowledged := 0
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 {
			continue
		}
		if words[0] == "error" && !dead {
			return fmt.Errorf("round %d: %s %s", round, lines.Text(), stderr.String())
		}
		var n uint64
		if len(words) == 3 && words[0] != "error" {
			if n, err = strconv.ParseUint(words[2], 10, 64); err != nil {
				return fmt.Errorf("round %d: the writer says %q", round, lines.Text())
			}
		}
		switch words[0] {
		case "have":
			found[words[1]] = n
		case "ready":
			if err := c.compare(found); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		case "putting":
			c.tried[words[1]] = n
		case "deleting":
			c.tried[words[1]] = 0
		case "put", "deleted":
			c.has[words[1]] = c.tried[words[1]]
			delete(c.tried, words[1])
			c.acknowledged++
			acknowledged++
		}
		if !dead && (words[0] == "opening" && after == 0 || after > 0 && acknowledged == after) {
			dead = true
			if err := crash(cmd); err != nil {
				return fmt.Errorf("round %d: %w", round, err)
			}
		}
	}
	if !dead {
		return fmt.Errorf("round %d: the writer ended by itself: %s", round, stderr.String())
	}
	return lines.Err()
}

// compare checks what a writer found, and goes on from there.
func (c *crashed) compare(found map[string]uint64) error {
	for w := range crashWriters {
		for k := range crashKeys {
			key := fmt.Sprintf("/%d/%d", w, k)
			tried, begun := c.tried[key]
			switch got := found[key]; {
			case begun && got == tried && got != c.has[key]:
				c.has[key] = got
				c.survived++
			case got != c.has[key]:
				return fmt.Errorf("%s: write %x was acknowledged, the store has %x (0 is none; begun after it: %x, %v)", key, c.has[key], got, tried, begun)
			}
			delete(found, key)
		}
	}
	clear(c.tried)
	for key := range found {
		return fmt.Errorf("%s was written by nobody", key)
	}
	return nil
}

func newCrashed(dir string) *crashed {
	return &crashed{dir: dir, has: map[string]uint64{}, tried: map[string]uint64{}}
}

// wantAll opens the store at the end and compares.
func (c *crashed) wantAll(t *testing.T) {
	t.Helper()
	s := mustOpen(t, c.dir)
	found := map[string]uint64{}
	values, _ := loaded(t, s)
	for key, value := range values {
		said, _, _ := strings.Cut(value, " ")
		n, _ := strconv.ParseUint(said, 10, 64)
		if value != string(crashValue(key, n)) {
			t.Errorf("%s is not whole", key)
		}
		found[key] = n
	}
	if err := c.compare(found); err != nil {
		t.Error(err)
	}
	mustClose(t, s)
	t.Logf("%d writes were acknowledged; %d more were kept though the crash came before their acknowledgement", c.acknowledged, c.survived)
}

// moments draws when the crashes come: some while the store is opened, most after some writes, and then a little later.
func moments(r *rand.Rand) (after int, later time.Duration) {
	later = time.Duration(r.IntN(3000)) * time.Microsecond
	if r.IntN(8) == 0 {
		return 0, 20 * later
	}
	return 1 + r.IntN(400), later
}

func TestNoAcknowledgedWriteIsLostAndNoneHalfAppliedWhenTheProcessIsKilled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 50))
	c := newCrashed(t.TempDir())
	for round := range 50 {
		after, later := moments(r)
		if err := c.round(round+1, after, func(cmd *exec.Cmd) error {
			time.Sleep(later) // the moment is what is tested
			return cmd.Process.Kill()
		}); err != nil {
			t.Fatal(err)
		}
	}
	c.wantAll(t)
	if c.acknowledged < 1000 {
		t.Errorf("only %d writes were acknowledged", c.acknowledged)
	}
}
