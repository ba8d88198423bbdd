// Package twin is the local stand-in for Azure: package arm's endpoint on a socket, with its state in a directory. It decides nothing of
// Azure's semantics; it owns the sockets, the files and the goroutines, and ends them.
package twin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"time"

	"golang.org/x/net/netutil"

	"onramp/arm"
	"onramp/catalog"
	"onramp/design"
	"onramp/sim"
)

// The files of a state directory.
const (
	keysFile    = "keys.json"
	storeDir    = "store"
	controlFile = "control.sock"
	addressFile = "address"
	// premisesFile holds the premises that somebody told, faultsFile what they let go wrong in the network.
	premisesFile = "premises.json"
	faultsFile   = "faults.json"
)

// Bounds of what the endpoint takes at a time.
const (
	maxConnections = 1024
	maxHeader      = 64 << 10
	headerTime     = 10 * time.Second
	requestTime    = 60 * time.Second
	idleTime       = 120 * time.Second
	stopTime       = 10 * time.Second
)

// Options are what a twin may be told.
type Options struct {
	// Dir is where its state is; it is made. Two twins never share one.
	Dir string
	// Listen is the address of the endpoint; port 0 is one that is free.
	Listen string
	// Names are more names or addresses under which clients find it.
	Names []string
	// Bootstrap is with what it begins; nil is the standard one. A directory that has begun does not look at it again.
	Bootstrap     *arm.Bootstrap
	Pace          arm.Pace
	Throttle      arm.Throttle
	Provider      arm.ProviderMode
	ProviderDelay time.Duration
	// Premises are at the other end of the circuits; without sites they are those that it was told last.
	Premises design.Premises
	// Log is where it tells of requests; nil is nowhere.
	Log *slog.Logger

	bounds bounds // the zero value is the standard ones
}

// bounds are what the endpoint takes at a time.
type bounds struct {
	connections    int
	header         int           // octets
	headers, whole time.Duration // how long a request's headers and the whole of it may take
}

func (b bounds) filled() bounds {
	return bounds{cmp.Or(b.connections, maxConnections), cmp.Or(b.header, maxHeader), cmp.Or(b.headers, headerTime), cmp.Or(b.whole, requestTime)}
}

// Twin is an endpoint that is open.
type Twin struct {
	options   Options
	directory *arm.Directory
	keys      *arm.Keys
	store     arm.Store
	server    *arm.Server
	estate    *estate
	live      *sim.Live
	site      *arm.Site
	authority *arm.Authority
	trusted   string // the authority's file, from the root
	listener  net.Listener
	control   net.Listener
	login     *arm.Login
	metrics   *metrics
	began     time.Time
	stop      context.CancelFunc
	mu        sync.Mutex // of the directory's record
	revision  uint64
	// Made are the secrets that nobody gave, to be shown once.
	Made []arm.Credential
	// First tells that the directory was made now.
	First bool
}

// Open makes or opens the state and takes the address, so that whoever connects after it waits for Serve. What is wrong with the state is
// told, and nothing is served.
func Open(o Options, c *catalog.Catalog) (_ *Twin, err error) {
	t := &Twin{options: o, began: time.Now(), metrics: newMetrics()}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	store, err := arm.OpenJetStream(filepath.Join(o.Dir, storeDir))
	if err != nil {
		return nil, err
	}
	t.store = store
	access, err := t.found(c)
	if err != nil {
		return nil, err
	}
	if err := t.directory.CheckListen(o.Listen); err != nil {
		return nil, err
	}
	if t.listener, err = net.Listen("tcp", o.Listen); err != nil {
		return nil, err
	}
	address := t.listener.Addr().String()
	if t.site, err = arm.NewSite(address, o.Names...); err != nil {
		return nil, err
	}
	now := time.Now
	if t.authority, err = arm.OpenAuthority(o.Dir, now()); err != nil {
		return nil, err
	}
	if t.trusted, err = filepath.Abs(t.authority.File()); err != nil {
		return nil, err
	}
	if t.keys, err = arm.OpenKeys(filepath.Join(o.Dir, keysFile), now()); err != nil {
		return nil, err
	}
	tokens := arm.NewTokens(t.keys, t.directory.Tenant(), t.site, now)
	t.login = &arm.Login{Directory: t.directory, Keys: t.keys, Tokens: tokens, Site: t.site, Now: now}
	if err := t.establish(c); err != nil {
		return nil, err
	}
	t.server, err = arm.New(arm.Config{
		Tables: t.estate, Catalog: c, Store: store, Gate: &arm.Gate{Directory: t.directory, Tokens: tokens, Access: access}, Now: now, Random: rand.Reader,
		Pace: o.Pace, Throttle: o.Throttle, Provider: o.Provider, ProviderDelay: o.ProviderDelay, Log: o.Log,
	})
	if err != nil {
		return nil, err
	}
	t.estate.resources, t.estate.changes = t.server.Resources, t.server.Changes
	debug.FreeOSMemory() // reading the store takes several times what it leaves
	if t.control, err = listenControl(filepath.Join(o.Dir, controlFile)); err != nil {
		return nil, err
	}
	return t, writeFile(filepath.Join(o.Dir, addressFile), []byte(address+"\n"), 0o600)
}

// establish makes the estate behind the endpoint, as it was told last.
func (t *Twin) establish(c *catalog.Catalog) error {
	e, s, err := newEstate(c, time.Now, t.log())
	if err != nil {
		return err
	}
	t.estate, t.live = e, sim.NewLive(s, sim.NewCoarseWall(s.Now(), grain))
	e.call = t.live.Call
	e.subscription = func(name string) (string, bool) {
		x, ok := t.directory.Subscription(name)
		return x.ID, ok
	}
	e.save = func(list []*Fault) error {
		b, err := json.Marshal(list)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(t.options.Dir, faultsFile), b, 0o600)
	}
	if err := readState(filepath.Join(t.options.Dir, faultsFile), &e.faults); err != nil {
		return err
	}
	if len(t.options.Premises.Sites) > 0 {
		return t.SetPremises(t.options.Premises)
	}
	var p design.Premises
	if err := readState(filepath.Join(t.options.Dir, premisesFile), &p); err != nil {
		return err
	}
	e.setPremises(p)
	return nil
}

// readState reads a file of the state directory, if it is there.
func readState(path string, v any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// SetPremises puts what is at the other end of the circuits, as a design has it, in the place of what is there, and keeps it. Circuits may be
// named by ids with the names of subscriptions or with their GUIDs.
func (t *Twin) SetPremises(p design.Premises) error {
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(t.options.Dir, premisesFile), b, 0o600); err != nil {
		return err
	}
	t.estate.setPremises(p)
	return nil
}

// Settled waits until every change has been taken over by the network behind the endpoint, and every BGP session is up that can be. It is for
// a twin that serves. The error is why something cannot be taken over, or that of the context.
func (t *Twin) Settled(ctx context.Context) error { return t.estate.untilSettled(ctx) }

// directoryKey is the record of the directory in the store, so that a snapshot holds everything.
const directoryKey = "directory"

// found reads the directory, or begins with the bootstrap.
func (t *Twin) found(c *catalog.Catalog) (*arm.Access, error) {
	err := t.store.Load(func(r arm.Record) (err error) {
		if r.Key != directoryKey {
			return nil
		}
		t.revision = r.Revision
		if t.directory, err = arm.ReadDirectory(r.Value); err != nil {
			return fmt.Errorf("the record of the directory: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if t.directory != nil {
		return arm.NewAccess(c, t.directory), nil
	}
	boot := t.options.Bootstrap
	if boot == nil {
		boot = arm.StandardBootstrap()
	}
	d, a, made, err := boot.Found(c)
	if err != nil {
		return nil, err
	}
	t.directory, t.Made, t.First = d, made, true
	return a, nil
}

// keepDirectory writes the directory down.
func (t *Twin) keepDirectory() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := json.Marshal(t.directory)
	if err != nil {
		return err
	}
	t.revision, err = t.store.Put(directoryKey, b, t.revision)
	return err
}

// writeFile replaces a file whole, so that a reader, or the machine's end, finds the old or the new.
func writeFile(path string, b []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(b)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// URL is where the endpoint is.
func (t *Twin) URL() string { return t.site.URL() }

// Address is what it listens on.
func (t *Twin) Address() string { return t.listener.Addr().String() }

// Authority is the file with the certificate that clients have to trust, wherever they run.
func (t *Twin) Authority() string { return t.trusted }

// Tenant is the GUID of the tenant.
func (t *Twin) Tenant() string { return t.directory.Tenant() }

// Server is the endpoint itself.
func (t *Twin) Server() *arm.Server { return t.server }

// Serve answers until the context ends, or somebody tells it to stop; then it finishes what is under way and closes everything.
func (t *Twin) Serve(ctx context.Context) error {
	defer t.close()
	if t.First { // from now on it has begun
		if err := t.keepDirectory(); err != nil {
			return err
		}
	}
	ctx, t.stop = context.WithCancel(ctx)
	defer t.stop()
	config, err := t.authority.TLS(time.Now, t.site.Hosts())
	if err != nil {
		return err
	}
	quiet := slog.NewLogLogger(t.log().Handler(), slog.LevelDebug)
	most := t.options.bounds.filled()
	public := &http.Server{
		Handler: t.handler(), TLSConfig: config, ReadHeaderTimeout: most.headers, ReadTimeout: most.whole, WriteTimeout: most.whole, IdleTimeout: idleTime, MaxHeaderBytes: most.header, ErrorLog: quiet,
	}
	control := &http.Server{Handler: t.controls(), ReadHeaderTimeout: headerTime, ErrorLog: quiet, BaseContext: func(net.Listener) context.Context { return ctx }}
	var work sync.WaitGroup
	// The estate goes on until the last request has been answered.
	running, rest := context.WithCancel(context.WithoutCancel(ctx))
	defer rest()
	work.Go(func() { _ = t.live.Drive(running, sim.Forever) }) // it ends because it is told to
	work.Go(func() { t.estate.follow(running, t.server.Changed()) })
	work.Go(func() { t.server.Run(ctx) })
	work.Go(func() { t.rotate(ctx) })
	failed := make(chan error, 2)
	work.Go(func() {
		failed <- public.Serve(tls.NewListener(netutil.LimitListener(t.listener, most.connections), config))
	})
	work.Go(func() { failed <- control.Serve(t.control) })
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	t.stop() // who listens to the network hears no more
	end, done := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer done()
	err = errors.Join(err, public.Shutdown(end), control.Shutdown(end))
	rest()
	work.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

func (t *Twin) log() *slog.Logger {
	if t.options.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return t.options.Log
}

// rotate changes the key that signs tokens when it is due.
func (t *Twin) rotate(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if t.keys.Due(time.Now()) {
				if err := t.keys.Rotate(time.Now()); err != nil {
					t.log().Error("the key that signs tokens was not changed", "error", err)
				}
			}
		}
	}
}

// close gives back whatever is open. The address goes last: who stops a twin waits for that, and then finds the store free.
func (t *Twin) close() {
	if t.listener != nil {
		_ = t.listener.Close()
	}
	if t.store != nil { // before the files go whose absence says that the state is free
		_ = t.store.Close()
	}
	if t.control != nil {
		_ = t.control.Close()
		_ = os.Remove(filepath.Join(t.options.Dir, controlFile))
	}
	if t.control != nil {
		path := filepath.Join(t.options.Dir, addressFile)
		if b, err := os.ReadFile(path); err == nil && string(b) == t.Address()+"\n" { // not that of one which has begun meanwhile
			_ = os.Remove(path)
		}
	}
}

// handler is everything that clients reach over TLS.
func (t *Twin) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", t.metrics.handler())
	return t.metrics.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/healthz" || r.URL.Path == "/metrics":
			mux.ServeHTTP(w, r)
		case t.login.Serves(r):
			t.login.ServeHTTP(w, r)
		default:
			t.server.ServeHTTP(w, r)
		}
	}))
}

// listenControl takes the socket by which this machine's commands reach the twin. Only its owner may use it.
func listenControl(path string) (net.Listener, error) {
	if c, err := net.Dial("unix", path); err == nil {
		_ = c.Close()
		return nil, fmt.Errorf("a twin is running in %s already; stop it with `onramp twin stop --state %s`", filepath.Dir(path), filepath.Dir(path))
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was killed
		return nil, err
	}
	if len(path) > 100 { // sun_path has 108 octets
		return nil, fmt.Errorf("the path of the state directory is too long for a socket: %s", path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // the file stays until everything else is closed: Stop waits for that
	return l, os.Chmod(path, 0o600)
}
