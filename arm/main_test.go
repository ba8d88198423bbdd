package arm

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain runs the tests, after which no goroutine may be left. As the writer of a crash test it runs that instead.
func TestMain(m *testing.M) {
	if dir := os.Getenv(writerDirectory); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	if dir := os.Getenv(chainDirectory); dir != "" {
		os.Exit(beginUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}
