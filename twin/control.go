package twin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"onramp/arm"
	"onramp/design"
	"onramp/rehearse"
)

// Status is how a running twin is.
type Status struct {
	URL           string             `json:"url"`
	Address       string             `json:"address"`
	PID           int                `json:"pid"`
	Since         time.Time          `json:"since"`
	Tenant        string             `json:"tenant"`
	Authority     string             `json:"authority"`
	Resources     int                `json:"resources"`
	Subscriptions []arm.Subscription `json:"subscriptions"`
	Principals    []PrincipalStatus  `json:"principals"`
	Provider      arm.ProviderMode   `json:"provider"`
	Faults        []arm.Fault        `json:"faults"`
}

// PrincipalStatus is a principal without anything secret.
type PrincipalStatus struct {
	Name     string `json:"name"`
	AppID    string `json:"appId"`
	ObjectID string `json:"objectId"`
	Revoked  bool   `json:"revoked"`
}

// Command is something that the commands of this machine tell a running twin.
type Command struct {
	// Subscription adds one; Principal adds one, with a secret that is made where none is given; Revoke and Restore name one.
	Subscription string `json:"subscription,omitempty"`
	ID           string `json:"id,omitempty"`
	Principal    string `json:"principal,omitempty"`
	Secret       string `json:"secret,omitempty"`
	Role         string `json:"role,omitempty"`
	Scope        string `json:"scope,omitempty"`
	Revoke       string `json:"revoke,omitempty"`
	Restore      string `json:"restore,omitempty"`
	// Provider is who plays the provider, with what delay.
	Provider arm.ProviderMode `json:"provider,omitempty"`
	Delay    time.Duration    `json:"delay,omitempty"`
	// Faults, if not nil, replace those that are on; an empty list turns them off.
	Faults []arm.Fault `json:"faults,omitzero"`
	// Premises, if not nil, are at the other end of the circuits from now on.
	Premises *design.Premises `json:"premises,omitempty"`
	// Settle waits, for no longer than this, until every change has been taken over and every BGP session is up that can be.
	Settle time.Duration `json:"settle,omitempty"`
	// Net lets something go wrong in the network, or ends it.
	Net *Net `json:"net,omitempty"`
	// Snapshot is a file that the store is written to.
	Snapshot string `json:"snapshot,omitempty"`
	// SignIn asks for an access token of a principal, by its name or application id; "*" is the first that may sign in. Whoever reaches the
	// control socket may make principals anyway.
	SignIn string `json:"signIn,omitempty"`
}

// Done is what came of a command.
type Done struct {
	Message    string          `json:"message"`
	Credential *arm.Credential `json:"credential,omitempty"`
	// Token, until Expires, shows the endpoint who asks.
	Token   string    `json:"token,omitempty"`
	Expires time.Time `json:"expires,omitzero"`
	// ID is the GUID of the subscription that was added.
	ID string `json:"id,omitempty"`
	// Faults are those that a Net began or ended.
	Faults []FaultState `json:"faults,omitempty"`
}

// Net is what somebody lets go wrong in the network behind the endpoint, or what they repair.
type Net struct {
	// Fault is a step of a script of drills, without its time.
	Fault *rehearse.Step `json:"fault,omitempty"`
	// Restore ends the faults of these targets; All ends every one.
	Restore []string `json:"restore,omitempty"`
	All     bool     `json:"all,omitempty"`
}

// controls answers this machine's commands.
func (t *Twin) controls() http.Handler {
	mux := http.NewServeMux()
	send := func(w http.ResponseWriter, v any, err error) {
		w.Header().Set("Content-Type", "application/json")
		if err != nil {
			status := http.StatusInternalServerError
			var no Refusal
			if errors.As(err, &no) {
				status = http.StatusBadRequest
			}
			w.WriteHeader(status)
			v = map[string]string{"error": err.Error()}
		}
		_ = json.NewEncoder(w).Encode(v) // the command has gone
	}
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) { send(w, t.Status(), nil) })
	t.netControls(mux, send)
	mux.HandleFunc("POST /stop", func(w http.ResponseWriter, _ *http.Request) {
		send(w, Done{Message: "stopping"}, nil)
		t.stop()
	})
	mux.HandleFunc("POST /do", func(w http.ResponseWriter, r *http.Request) {
		var c Command
		d := json.NewDecoder(io.LimitReader(r.Body, mostCommand))
		d.DisallowUnknownFields()
		if err := d.Decode(&c); err != nil {
			send(w, nil, Refusal{err})
			return
		}
		done, err := t.DoIn(r.Context(), c)
		send(w, done, err)
	})
	return mux
}

// Status tells how the twin is.
func (t *Twin) Status() Status {
	s := Status{
		URL: t.URL(), Address: t.Address(), PID: os.Getpid(), Since: t.began, Tenant: t.Tenant(), Authority: t.Authority(), Resources: t.server.Len(),
		Subscriptions: t.directory.Subscriptions(), Provider: t.server.Provider(), Faults: t.server.Faults(), Principals: []PrincipalStatus{},
	}
	for _, p := range t.directory.Principals() {
		s.Principals = append(s.Principals, PrincipalStatus{p.Name, p.AppID, p.ObjectID, p.Revoked})
	}
	return s
}

// Refusal is an error of a command that cannot be carried out as it is.
type Refusal struct{ error }

// Unwrap returns the error itself.
func (r Refusal) Unwrap() error { return r.error }

// mostCommand is how long a command may be, in octets: premises have their sessions in it.
const mostCommand = 64 << 20

// Do carries out a command. What is wrong with the command is a Refusal.
func (t *Twin) Do(c Command) (Done, error) { return t.DoIn(context.Background(), c) }

// DoIn is Do for no longer than a context lasts.
func (t *Twin) DoIn(ctx context.Context, c Command) (Done, error) {
	switch {
	case c.Subscription != "":
		s, err := t.directory.AddSubscription(c.Subscription, c.ID)
		if err != nil {
			return Done{}, Refusal{err}
		}
		return Done{Message: fmt.Sprintf("subscription %s is %s", s.Name, s.ID), ID: s.ID}, t.keepDirectory()
	case c.Principal != "":
		made, err := t.server.AddPrincipal(c.Principal, c.Secret, c.Role, c.Scope)
		if err != nil {
			return Done{}, Refusal{err}
		}
		return Done{Message: fmt.Sprintf("principal %s has the application id %s", made.Principal, made.AppID), Credential: made}, t.keepDirectory()
	case c.Revoke != "" || c.Restore != "":
		p, err := t.directory.SetRevoked(c.Revoke+c.Restore, c.Revoke != "")
		if err != nil {
			return Done{}, Refusal{err}
		}
		what := "may sign in again"
		if p.Revoked {
			what = "is revoked"
		}
		return Done{Message: "principal " + p.Name + " " + what}, t.keepDirectory()
	case c.Provider != "":
		if err := t.server.SetProvider(c.Provider, c.Delay); err != nil {
			return Done{}, Refusal{err}
		}
		return Done{Message: fmt.Sprintf("the provider is %s", c.Provider)}, nil
	case c.Faults != nil:
		if err := t.server.SetFaults(c.Faults); err != nil {
			return Done{}, Refusal{err}
		}
		on := fmt.Sprintf("%d faults are on", len(c.Faults))
		if len(c.Faults) == 1 {
			on = "1 fault is on"
		}
		return Done{Message: on}, nil
	case c.Premises != nil:
		return Done{Message: sitesAre(c.Premises)}, t.SetPremises(*c.Premises)
	case c.Settle > 0:
		ctx, end := context.WithTimeout(ctx, c.Settle)
		defer end()
		if err := t.Settled(ctx); err != nil {
			return Done{}, fmt.Errorf("the network has not settled: %w", err)
		}
		return Done{Message: "the network has settled"}, nil
	case c.Net != nil:
		return t.net(ctx, *c.Net)
	case c.Snapshot != "":
		n, err := arm.SaveSnapshot(t.store, c.Snapshot)
		return Done{Message: fmt.Sprintf("%d records are in %s", n, c.Snapshot)}, err
	case c.SignIn != "":
		return t.signIn(c.SignIn)
	}
	return Done{}, Refusal{errors.New("the command says nothing")}
}

// ErrNotRunning tells that no twin runs in a state directory.
var ErrNotRunning = errors.New("no twin is running there")

// client reaches the twin of a state directory.
func client(dir string, timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(dir, controlFile))
		},
	}}
}

func ask(dir, verb, path string, body, answer any) error {
	return askFor(context.Background(), dir, stopTime, verb, path, body, func(d *json.Decoder) error { return d.Decode(answer) })
}

// askFor asks for no longer than a time, 0 for as long as the context lasts, and has what is answered read.
func askFor(ctx context.Context, dir string, timeout time.Duration, verb, path string, body any, read func(*json.Decoder) error) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, verb, "http://twin"+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	res, err := client(dir, timeout).Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" {
			return fmt.Errorf("%s: %w", dir, ErrNotRunning)
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		var e struct{ Error string }
		if err := json.NewDecoder(res.Body).Decode(&e); err != nil {
			return err
		}
		if res.StatusCode == http.StatusBadRequest {
			return Refusal{errors.New(e.Error)}
		}
		return errors.New(e.Error)
	}
	return read(json.NewDecoder(res.Body))
}

// Ask gets the status of the twin of a state directory; ErrNotRunning where there is none.
func Ask(dir string) (Status, error) {
	var s Status
	return s, ask(dir, http.MethodGet, "/status", nil, &s)
}

// Tell has the twin of a state directory carry out a command.
func Tell(dir string, c Command) (Done, error) {
	var d Done
	return d, askFor(context.Background(), dir, stopTime+tableTime+c.Settle, http.MethodPost, "/do", c, func(r *json.Decoder) error { return r.Decode(&d) })
}

// Stop ends the twin of a state directory and waits until it has, and its store is free.
func Stop(dir string) error {
	var d Done
	if err := ask(dir, http.MethodPost, "/stop", nil, &d); err != nil {
		return err
	}
	was, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return nil //nolint:nilerr // it has gone already
	}
	deadline := time.Now().Add(2 * stopTime)
	for time.Now().Before(deadline) {
		if is, err := os.ReadFile(filepath.Join(dir, addressFile)); err != nil || !bytes.Equal(is, was) {
			return nil //nolint:nilerr // the file is gone
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the twin does not end")
}
