package arm

import (
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Throttle says how many requests a client may send.
type Throttle string

// The ways to throttle.
const (
	ThrottleNone  Throttle = "none"
	ThrottleAzure Throttle = "azure" // AssumeThrottling
)

const throttleText = "With Azure's throttling a principal has for each subscription a bucket of 250 reads, which fills by 25 a second, and of 200 writes and 200 deletes, which fill by 10; an empty one is 429 SubscriptionRequestsThrottled with Retry-After. Actions (POST) are writes. Requests beside subscriptions have buckets of the tenant of the same sizes."

// The kinds of request that are counted apart.
type request int

const (
	reads request = iota
	writes
	deletes
)

func (r request) String() string { return [...]string{"reads", "writes", "deletes"}[r] }

// size is how many requests a bucket holds, and how many come back each second.
func (r request) size() (most, perSecond float64) {
	if r == reads {
		return 250, 25
	}
	return 200, 10
}

func requestOf(method string) request {
	switch method {
	case http.MethodGet, http.MethodHead:
		return reads
	case http.MethodDelete:
		return deletes
	}
	return writes
}

// buckets are those of all principals. There are no more than principals, subscriptions and kinds of request allow: who asks is known
// before anything is counted, and so is the subscription.
type buckets struct {
	mu  sync.Mutex
	all map[bucketKey]*tokenBucket
}

type bucketKey struct {
	principal, subscription string
	kind                    request
}

type tokenBucket struct {
	left float64
	at   time.Time
}

// take takes a request out of its bucket. It returns how many are left, and of an empty bucket how long it takes until there is one again.
func (b *buckets) take(k bucketKey, now time.Time) (left int, wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	most, perSecond := k.kind.size()
	x := b.all[k]
	if x == nil {
		if b.all == nil {
			b.all = map[bucketKey]*tokenBucket{}
		}
		x = &tokenBucket{most, now}
		b.all[k] = x
	}
	if d := now.Sub(x.at); d > 0 { // a clock that is set back fills nothing
		x.left = math.Min(most, x.left+d.Seconds()*perSecond)
	}
	x.at = now
	if x.left < 1 {
		return 0, time.Duration((1 - x.left) / perSecond * float64(time.Second))
	}
	x.left--
	return int(x.left), 0
}

// count counts a request, tells how many more the caller may send, and refuses it when there are none.
func (x *exchange) count(subscription string) *Error {
	if x.config.Throttle != ThrottleAzure {
		return nil
	}
	kind := requestOf(x.r.Method)
	left, wait := x.counted.take(bucketKey{x.caller.ObjectID, subscription, kind}, x.config.Now())
	of := "subscription"
	if subscription == "" {
		of = "tenant"
	}
	x.w.Header().Set("x-ms-ratelimit-remaining-"+of+"-"+kind.String(), strconv.Itoa(left))
	if wait == 0 {
		return nil
	}
	return throttled(int(math.Ceil(wait.Seconds())))
}
