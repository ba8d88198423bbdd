package arm

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// heldStore is a store whose writes end when the test says so.
type heldStore struct {
	*MemoryStore
	begun chan Write    // each write that was begun, while holding
	end   chan error    // how the next of them ends
	hold  chan struct{} // closed when writes are held
}

func newHeldStore() *heldStore {
	return &heldStore{NewMemoryStore(), make(chan Write, 100), make(chan error), make(chan struct{})}
}

func (s *heldStore) Begin(w Write) *Writing {
	done := s.MemoryStore.Begin(w)
	select {
	case <-s.hold:
	default:
		return done
	}
	out := newWriting()
	s.begun <- w
	go func() {
		if err := <-s.end; err != nil {
			out.end(0, err)
			return
		}
		out.end(done.Wait())
	}()
	return out
}

func smallNetwork(third int) string {
	return fmt.Sprintf(`{"location":"westeurope","properties":{"addressSpace":{"addressPrefixes":["10.0.%d.0/24"]},"subnets":[]}}`, third)
}

func TestChangesDoNotWaitForTheDiskButTheirAnswersDo(t *testing.T) {
	s := newHeldStore()
	r := newRig(t, func(c *Config) { c.Store = s })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	close(s.hold)
	type told struct {
		what   string
		status int
	}
	answers := make(chan told, 10)
	var wait sync.WaitGroup
	ask := func(what, method, path, body string) {
		wait.Go(func() {
			status, _, _ := r.call(method, path, body)
			answers <- told{what, status}
		})
	}
	// Two networks are on their way at the same time, though neither is durable.
	ask("a", "PUT", nets+"/virtualNetworks/a", smallNetwork(1))
	<-s.begun
	ask("b", "PUT", nets+"/virtualNetworks/b", smallNetwork(2))
	<-s.begun
	// What is not durable is shown to nobody: neither that it is there, nor a refusal that rests on it.
	ask("read", "GET", nets+"/virtualNetworks/a", "")
	ask("again", "PUT", nets+"/virtualNetworks/a", smallNetwork(1))
	select {
	case a := <-answers:
		t.Fatalf("%s was answered %d before the write was durable", a.what, a.status)
	case <-time.After(100 * time.Millisecond): // long enough for an answer that is wrong
	}
	s.end <- nil
	s.end <- nil
	<-s.begun // the second write of a comes when the first has ended
	s.end <- nil
	wait.Wait()
	close(answers)
	got := map[string]int{}
	for a := range answers {
		got[a.what] = a.status
	}
	if got["a"] != 201 || got["b"] != 201 || got["read"] != 200 || got["again"] != 200 {
		t.Errorf("the answers are %v", got)
	}
}

func TestAfterAWriteThatFailedNothingIsAcknowledgedAndNothingThatRestsOnItIsShown(t *testing.T) {
	s := newHeldStore()
	r := newRig(t, func(c *Config) { c.Store = s })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	close(s.hold)
	status := make(chan int, 2)
	var wait sync.WaitGroup
	for i := range 2 {
		wait.Go(func() {
			got, _, _ := r.call("PUT", nets+"/virtualNetworks/"+strconv.Itoa(i), smallNetwork(i))
			status <- got
		})
	}
	<-s.begun
	<-s.begun
	s.end <- errors.New("the disk is gone")
	s.end <- nil // the other one is there, but what was before it is not known to be: one of the two hears so
	wait.Wait()
	if a, b := <-status, <-status; a != 500 && b != 500 {
		t.Errorf("the writes are answered %d and %d", a, b)
	}
	r.refused(500, "InternalServerError", "GET", nets+"/virtualNetworks/0", "")
}

func TestThrottlingIsAsAzuresAndEndsWithTime(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Throttle = ThrottleAzure })
	left := func(h http.Header, kind string) int {
		t.Helper()
		n, err := strconv.Atoi(h.Get("x-ms-ratelimit-remaining-subscription-" + kind))
		if err != nil {
			t.Fatalf("no header of %s: %v", kind, h)
		}
		return n
	}
	status, _, h := r.call("PUT", group, `{"location":"westeurope"}`)
	if status != 201 || left(h, "writes") != 199 {
		t.Fatal(status, h)
	}
	for i := range 250 {
		status, _, h := r.call("GET", group, "")
		if status != 200 || left(h, "reads") != 249-i {
			t.Fatalf("read %d: %d, %v", i, status, h)
		}
	}
	status, o, h := r.call("GET", group, "")
	if status != 429 || text(o, "error", "code") != "SubscriptionRequestsThrottled" || h.Get("Retry-After") != "1" || left(h, "reads") != 0 {
		t.Fatal(status, o, h)
	}
	// Writes and deletes have buckets of their own, and so has the tenant.
	if status, _, h := r.call("PUT", group, `{"location":"westeurope"}`); status != 200 || left(h, "writes") != 198 {
		t.Error(status, h)
	}
	if status, _, h := r.call("DELETE", nets+"/virtualNetworks/none", ""); status != 204 || left(h, "deletes") != 199 {
		t.Error(status, h)
	}
	if status, _, h := r.call("GET", "/subscriptions", ""); status != 200 || h.Get("x-ms-ratelimit-remaining-tenant-reads") != "249" {
		t.Error(status, h)
	}
	r.clock.add(40 * time.Millisecond) // one read comes back
	r.must(200, "GET", group, "")
	r.must(429, "GET", group, "")
	r.clock.add(time.Hour)
	if _, _, h := r.call("GET", group, ""); left(h, "reads") != 249 {
		t.Error("a bucket holds more, or less, than it is large:", h)
	}
	r.clock.add(-time.Hour) // a clock that is set back gives nothing
	if _, _, h := r.call("GET", group, ""); left(h, "reads") != 248 {
		t.Error(h)
	}
}

func TestWithoutThrottlingNothingIsCounted(t *testing.T) {
	r := newRig(t, nil)
	_, _, h := r.call("PUT", group, `{"location":"westeurope"}`)
	for name := range h {
		if strings.Contains(strings.ToLower(name), "ratelimit") {
			t.Error(name)
		}
	}
}

func TestListsHavePages(t *testing.T) {
	r := newRig(t, func(c *Config) { c.PageSize = 4 })
	r.must(201, "PUT", group, `{"location":"westeurope"}`)
	for i := range 7 {
		r.must(201, "PUT", fmt.Sprintf("%s/virtualNetworks/v%d", nets, i), smallNetwork(i))
		r.must(201, "PUT", fmt.Sprintf("%s/routeTables/r%d", nets, i), `{"location":"westeurope","properties":{}}`)
	}
	for path, want := range map[string]int{nets + "/virtualNetworks": 7, "/subscriptions/SUB/resources": 14, group + "/resources": 14, group + "/resources?$top=3": 14, "/subscriptions/SUB/providers/Microsoft.Network/routeTables": 7} {
		seen := map[string]bool{}
		next := path
		for pages := 0; next != ""; pages++ {
			if pages > 10 {
				t.Fatalf("%s does not end", path)
			}
			o := r.must(200, "GET", next, "")
			l := list(o, "value")
			if len(l) == 0 || len(l) > 4 || strings.Contains(path, "top=3") && len(l) > 3 {
				t.Errorf("%s has a page of %d", path, len(l))
			}
			for _, x := range l {
				if seen[text(x, "id")] {
					t.Errorf("%s shows %s twice", path, text(x, "id"))
				}
				seen[text(x, "id")] = true
			}
			next = strings.TrimPrefix(text(o, "nextLink"), r.http.URL)
		}
		if len(seen) != want {
			t.Errorf("%s has %d elements, want %d", path, len(seen), want)
		}
	}
	r.refused(400, "InvalidParameter", "GET", nets+"/virtualNetworks?$skiptoken=nonsense", "")
}

func TestOfTooManyOperationsTheOldestThatEndedAreForgotten(t *testing.T) {
	r := newRig(t, nil)
	e := r.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	now := e.now()
	e.note(&operation{ID: "pending", Ends: now.Add(time.Hour)})
	for i := range maxOperations + 10 {
		e.note(&operation{ID: strconv.Itoa(i), Ends: now})
	}
	if len(e.ops) > maxOperations+1 || len(e.recent) > maxOperations+1 || e.ops["pending"] == nil || e.ops["0"] != nil || e.ops[strconv.Itoa(maxOperations+9)] == nil {
		t.Errorf("%d operations, %d in order", len(e.ops), len(e.recent))
	}
}
