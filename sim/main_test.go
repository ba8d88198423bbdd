package sim

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain sees to it that nobody who drove an estate has left anything running.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
