package bench

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"
)

// outcome is one convergence: how long it took, what it cost the device (cpu) and the drivers beside it, and the device's
// memory: before the first connection, at the most, and in the end when it has given back what it can.
type outcome struct {
	wall, cpu, drivers time.Duration
	idle, peak, held   int64
}

// stopwatch is what testing.B has of one.
type stopwatch interface {
	StartTimer()
	StopTimer()
}

// unwatched is the stopwatch of a test.
type unwatched struct{}

func (unwatched) StartTimer() {}
func (unwatched) StopTimer()  {}

// converge starts a device with n neighbours and takes the time from the first connect until it holds every route and every
// neighbour has all of its own. It says so to the watch.
func converge(c contender, all []*driver, n int, watch stopwatch) (out outcome, err error) {
	listen, err := freePort()
	if err != nil {
		return out, err
	}
	r := rig{Listen: listen, Neighbours: n}
	d, err := c.start(r)
	if err != nil {
		return out, err
	}
	defer func() {
		err = errors.Join(err, d.stop())
	}()
	if err := d.collect(); err != nil {
		return out, err
	}
	if out.idle, err = resident(d.pid()); err != nil {
		return out, err
	}
	deviceBefore, err := cpu(d.pid())
	if err != nil {
		return out, err
	}
	oursBefore, err := cpu(os.Getpid())
	if err != nil {
		return out, err
	}

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	arrived, failed := make(chan struct{}, len(all)), make(chan error, len(all))
	gate := make(chan struct{}, connecting)
	begin := time.Now()
	watch.StartTimer()
	for _, one := range all {
		running.Go(func() {
			if err := one.run(ctx, listen, gate, func() { arrived <- struct{}{} }); err != nil {
				failed <- err
			}
		})
	}
	for i := range all {
		select {
		case <-arrived:
		case err := <-failed:
			return out, fmt.Errorf("%s with %d sessions: %w", c.name, n, err)
		case <-ctx.Done():
			return out, fmt.Errorf("%s with %d sessions: %d are not done after 5 minutes", c.name, n, len(all)-i)
		}
	}
	watch.StopTimer()
	out.wall = time.Since(begin)

	deviceAfter, err := cpu(d.pid())
	if err != nil {
		return out, err
	}
	oursAfter, err := cpu(os.Getpid())
	if err != nil {
		return out, err
	}
	out.cpu, out.drivers = deviceAfter-deviceBefore, oursAfter-oursBefore
	// Counted after the clock stopped; it must not have stopped too early.
	if held, err := d.routes(); err != nil || held != r.routes() {
		return out, errors.Join(err, fmt.Errorf("%s with %d sessions holds %d routes when all should have come, want %d", c.name, n, held, r.routes()))
	}
	if out.peak, err = peak(d.pid()); err != nil {
		return out, err
	}
	if err := d.collect(); err != nil {
		return out, err
	}
	if out.held, err = resident(d.pid()); err != nil {
		return out, err
	}
	select {
	case err := <-failed:
		return out, fmt.Errorf("%s with %d sessions lost one: %w", c.name, n, err)
	default:
		return out, nil
	}
}

// freePort asks the kernel for one.
func freePort() (netip.AddrPort, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort(), nil
}

func TestEveryContenderHoldsAllRoutesAndTellsEverybodyItsOwn(t *testing.T) {
	for _, c := range contenders() {
		t.Run(c.name, func(t *testing.T) {
			const n = 2
			all, err := drivers(rig{Neighbours: n})
			if err != nil {
				t.Fatal(err)
			}
			out, err := converge(c, all, n, unwatched{})
			if err != nil {
				t.Fatal(err)
			}
			if out.wall <= 0 || out.cpu <= 0 || out.peak < out.idle || out.idle <= 0 || out.held <= 0 {
				t.Errorf("measured %+v", out)
			}
		})
	}
}

// BenchmarkConverge takes all contenders in turn, so that the ratios are of one run: x_bird and x_gobgp say how many times as
// long BIRD and GoBGP took, x_bird_cpu and x_gobgp_cpu how many times as much of the processors.
func BenchmarkConverge(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			all, err := drivers(rig{Neighbours: n})
			if err != nil {
				b.Fatal(err)
			}
			seconds, cpu := map[string]float64{}, map[string]float64{}
			for _, c := range contenders() {
				if n > c.most {
					continue
				}
				b.Run(c.name, func(b *testing.B) {
					var sum outcome
					b.StopTimer()
					for range b.N {
						out, err := converge(c, all, n, b)
						if err != nil {
							b.Fatal(err)
						}
						sum.wall += out.wall
						sum.cpu += out.cpu
						sum.drivers += out.drivers
						sum.idle += out.idle
						sum.peak += out.peak
						sum.held += out.held
					}
					each := 1 / float64(b.N)
					seconds[c.name], cpu[c.name] = sum.wall.Seconds()*each, sum.cpu.Seconds()*each
					b.ReportMetric(0, "ns/op") // s says it
					b.ReportMetric(seconds[c.name], "s")
					b.ReportMetric(cpu[c.name], "cpu-s")
					b.ReportMetric(sum.drivers.Seconds()*each, "driver-cpu-s")
					b.ReportMetric(float64(sum.held-sum.idle)*each/float64(n), "B/session")
					b.ReportMetric(float64(sum.idle)*each/(1<<20), "MiB-idle")
					b.ReportMetric(float64(sum.peak)*each/(1<<20), "MiB-peak")
					for _, other := range []string{"bird", "gobgp"} {
						if s := seconds[other]; s > 0 && other != c.name {
							b.ReportMetric(s/seconds[c.name], "x_"+other)
							b.ReportMetric(cpu[other]/cpu[c.name], "x_"+other+"_cpu")
						}
					}
				})
			}
		})
	}
}
