package arm

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// chainDirectory is the variable that makes a process of the test one that begins writes until it is killed.
const chainDirectory = "ONRAMP_TEST_CHAIN"

// beginUntilKilled begins writes, many at a time, of keys that count up from what there is.
func beginUntilKilled(dir string) int {
	s, err := OpenJetStream(dir)
	if err != nil {
		fmt.Println("error", err)
		return 1
	}
	n := 0
	if err := s.Load(func(Record) error { n++; return nil }); err != nil {
		fmt.Println("error", err)
		return 1
	}
	var under []*Writing
	for {
		under = append(under, s.Begin(Write{Key: fmt.Sprintf("/chain/%d", n), Value: crashValue("/chain", uint64(n))}))
		n++
		if len(under) < 64 {
			continue
		}
		if _, err := under[0].Wait(); err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println("durable", n-len(under))
		under = under[1:]
	}
}

func TestOfWritesThatWereBegunAllUpToOneAreThereWhenTheProcessIsKilled(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(2, 5))
	durable := -1
	for range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), chainDirectory+"="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines, said := bufio.NewScanner(out), 0
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "error") {
				t.Error(lines.Text())
				break
			}
			if _, err := fmt.Sscanf(lines.Text(), "durable %d", &durable); err != nil {
				continue
			}
			if said++; said == 20+r.IntN(100) || said == 120 {
				time.Sleep(time.Duration(r.IntN(2000)) * time.Microsecond) // the moment is what is tested
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it said before it died
			_, _ = fmt.Sscanf(lines.Text(), "durable %d", &durable) // a line that is cut off says nothing
		}
		_ = cmd.Wait() // it was killed
		s := mustOpen(t, dir)
		has, _ := loaded(t, s)
		mustClose(t, s)
		for i := range len(has) {
			if _, ok := has[fmt.Sprintf("/chain/%d", i)]; !ok {
				t.Fatalf("of %d records number %d is missing", len(has), i)
			}
		}
		if len(has) <= durable {
			t.Fatalf("write %d was acknowledged, and there are %d", durable, len(has))
		}
	}
	if durable < 50 {
		t.Errorf("only %d writes were acknowledged", durable)
	}
}
