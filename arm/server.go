package arm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onramp/azure"
	"onramp/catalog"
	"onramp/design"
)

// Config is what an endpoint is made of.
type Config struct {
	Catalog *catalog.Catalog
	Store   Store
	// Gate knows who asks and what they may do, and which subscriptions there are.
	Gate *Gate
	// Tables are the live tables; nil is Converged, with these premises.
	Tables        Tables
	Premises      design.Premises
	Now           func() time.Time
	Random        io.Reader
	Pace          Pace
	Provider      ProviderMode
	ProviderDelay time.Duration
	Log           *slog.Logger // nil: none
	Throttle      Throttle
	// Concurrent is how many requests are carried out at a time; 0 is 256. The others wait.
	Concurrent int
	// PageSize is how many elements a page of a list has at most; 0 is 1,000.
	PageSize int
}

// Server answers Azure's interface.
type Server struct {
	config  Config
	engine  *engine
	router  *router
	tables  Tables
	rules   *faults
	counted *buckets
	changed chan struct{} // holds one value at most: a resource has changed
	slots   chan struct{} // held by who carries out a request
}

// New makes an endpoint of what its store holds. Run must be running for deletions and providers that take their time.
func New(c Config) (*Server, error) {
	if c.Now == nil || c.Random == nil || c.Store == nil || c.Catalog == nil || c.Gate == nil {
		return nil, errors.New("arm: an endpoint needs a catalogue, a store, a gate, a clock and randomness")
	}
	if c.PageSize == 0 {
		c.PageSize = 1000
	}
	if c.Concurrent == 0 {
		c.Concurrent = 256
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	e, err := newEngine(c.Catalog, c.Store, c.Now, c.Random, c.Pace)
	if err != nil {
		return nil, err
	}
	if c.Provider != "" {
		e.prefs.provider = c.Provider
	}
	e.prefs.delay = c.ProviderDelay
	s := &Server{config: c, engine: e, tables: c.Tables, rules: &faults{}, counted: &buckets{}, changed: make(chan struct{}, 1), slots: make(chan struct{}, c.Concurrent)}
	if s.tables == nil {
		s.tables = &Converged{Catalog: c.Catalog, Resources: e.resources, Premises: c.Premises}
	}
	e.linked = s.tables.Linked
	e.watch = func(string) {
		select {
		case s.changed <- struct{}{}:
		default: // somebody is to look already
		}
	}
	s.router = newRouter(c.Catalog.ARMOperations(), e.kinds, s.handlers())
	return s, s.loadAccess()
}

// Run does what has to happen without anybody asking, until the context ends.
func (s *Server) Run(ctx context.Context) { s.engine.run(ctx) }

// Resources are those that the endpoint has now, sorted, with a number that is another one whenever they are. They are nobody's to change.
func (s *Server) Resources() (azure.Resources, uint64) { return s.engine.resources() }

// Changes is the number that Resources would give, without them.
func (s *Server) Changes() uint64 {
	s.engine.mu.RLock()
	defer s.engine.mu.RUnlock()
	return s.engine.changes
}

// Changed holds a value when a resource has changed since it was last taken out. There is one reader.
func (s *Server) Changed() <-chan struct{} { return s.changed }

// exchange is one request and its answer.
type exchange struct {
	*Server
	matched
	w       http.ResponseWriter
	r       *http.Request
	caller  *Principal
	version string
	body    []byte
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.config.Now()
	id := s.engine.guid()
	h := w.Header()
	h.Set("x-ms-request-id", id)
	correlation := r.Header.Get("x-ms-correlation-request-id")
	if len(correlation) != 36 {
		correlation = id
	}
	h.Set("x-ms-correlation-request-id", correlation)
	h.Set("x-ms-routing-request-id", "TWIN:"+began.UTC().Format("20060102T150405Z")+":"+id)
	if c := r.Header.Get("x-ms-client-request-id"); c != "" && len(c) < 200 && strings.EqualFold(r.Header.Get("x-ms-return-client-request-id"), "true") {
		h.Set("x-ms-client-request-id", c)
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("Pragma", "no-cache")
	h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	x := &exchange{Server: s, w: w, r: r}
	err := x.handle()
	if err != nil {
		if x.route != nil { // the refusal may rest on what is not durable yet
			if late := s.engine.durable(); late != nil {
				err = late
			}
		}
		err.write(w)
	}
	attrs := []any{"method", r.Method, "path", r.URL.Path, "request", id, "correlation", correlation}
	if x.caller != nil {
		attrs = append(attrs, "caller", x.caller.Name)
	}
	if x.route != nil {
		attrs = append(attrs, "operation", x.op.ID)
	}
	if err != nil {
		attrs = append(attrs, "status", err.Status, "code", err.Code, "message", err.Message)
	}
	s.config.Log.Info("request", attrs...)
}

// clean refuses paths that could be read in two ways.
func clean(u *url.URL) *Error {
	raw := strings.ToLower(u.EscapedPath())
	bad := strings.Contains(raw, "%2f") || strings.Contains(raw, "%5c") || strings.Contains(raw, "%00") || strings.Contains(u.Path, "\\")
	for _, p := range strings.Split(u.Path, "/") {
		bad = bad || p == "." || p == ".."
	}
	if bad || len(u.Path) > 2048 {
		return refuse(http.StatusBadRequest, "InvalidRequestUri", "The request URI '%.200s' is not valid.", u.EscapedPath())
	}
	return nil
}

// withoutEmpty is a request whose path has no empty segments: the Azure CLI writes /providers/Microsoft.Network//virtualNetworks/hub, and
// Azure reads it as if there were one slash. All that follows, rights too, sees the path that is meant.
func withoutEmpty(r *http.Request) *http.Request {
	if !strings.Contains(r.URL.Path, "//") {
		return r
	}
	out, u := *r, *r.URL
	segments := slices.DeleteFunc(strings.Split(u.Path, "/"), func(s string) bool { return s == "" })
	u.Path, u.RawPath = "/"+strings.Join(segments, "/"), ""
	out.URL = &u
	return &out
}

func (x *exchange) handle() *Error {
	if err := clean(x.r.URL); err != nil {
		return err
	}
	x.r = withoutEmpty(x.r)
	var err *Error
	if x.caller, err = x.config.Gate.Who(x.r); err != nil {
		return err
	}
	f, known := x.router.match(x.r.Method, x.r.URL.Path)
	if f.route == nil {
		return x.nowhere(known)
	}
	x.matched = f
	if err := x.versioned(); err != nil {
		return err
	}
	sub := x.params["subscriptionId"]
	if rest, ok := strings.CutPrefix(strings.ToLower(x.scope), "/subscriptions/"); ok && sub == "" {
		sub, _, _ = strings.Cut(rest, "/")
	}
	if sub != "" {
		if err := x.subscribed(sub); err != nil {
			return err
		}
	}
	if err := x.count(strings.ToLower(sub)); err != nil {
		return err
	}
	if err := x.allowed(); err != nil {
		return err
	}
	if x.serve == nil {
		return refuse(http.StatusNotImplemented, "NotImplemented", "This endpoint does not serve %s (%s %s): nothing was done. `onramp twin operations` lists what it serves.", x.op.ID, x.op.Method, x.op.Path)
	}
	if err := x.read(); err != nil {
		return err
	}
	if err := x.rules.apply(x); err != nil {
		return err
	}
	select {
	case x.slots <- struct{}{}:
		defer func() { <-x.slots }()
	case <-x.r.Context().Done(): // the client is gone
		return refuse(http.StatusServiceUnavailable, "ServiceUnavailable", "The endpoint has too much to do.")
	}
	return x.serve(x)
}

// nowhere is the refusal of a path that no operation has.
func (x *exchange) nowhere(known bool) *Error {
	if known {
		return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The resource does not support the HTTP method '%s'.", x.r.Method)
	}
	p, err := azure.ParseID(strings.TrimSuffix(x.r.URL.Path, "/"))
	switch {
	case err != nil || p.Provider == "":
		return refuse(http.StatusNotFound, "NotFound", "No operation of Azure Resource Manager has the path '%.300s'.", x.r.URL.Path)
	case !strings.EqualFold(p.Provider, "Microsoft.Network") && !strings.EqualFold(p.Provider, "Microsoft.Resources") && !strings.EqualFold(p.Provider, "Microsoft.Authorization"):
		return refuse(http.StatusNotFound, "InvalidResourceNamespace", "The resource namespace '%s' is invalid.", p.Provider)
	}
	return refuse(http.StatusNotFound, "InvalidResourceType", "The resource type '%s' could not be found in the namespace '%s' for api version '%s'.", strings.Join(p.Types, "/"), p.Provider, x.r.URL.Query().Get("api-version"))
}

func (x *exchange) typeName() string {
	if x.kind == nil {
		return ""
	}
	return strings.TrimPrefix(x.kind.typ, netProvider)
}

func (x *exchange) subscribed(id string) *Error {
	if s, ok := x.config.Gate.Directory.Subscription(id); ok && strings.EqualFold(s.ID, id) {
		return nil
	}
	return refuse(http.StatusNotFound, "SubscriptionNotFound", "The subscription '%s' could not be found.", id)
}

// allowed refuses what the caller may not do there.
func (x *exchange) allowed() *Error {
	if x.action == "" {
		return nil
	}
	scope := x.target()
	if x.op.Method == http.MethodPost || !strings.Contains(x.op.Path, "{") {
		scope = strings.TrimSuffix(x.r.URL.Path, "/")
		if x.op.Method == http.MethodPost { // the right is on what the action is done to
			for n := strings.Count(x.op.Path, "/"); n > 0; n-- {
				if x.kindAt(scope) {
					break
				}
				scope = scope[:max(0, strings.LastIndexByte(scope, '/'))]
			}
			if scope == "" { // nothing but the tenant
				scope = "/"
			}
		}
	}
	switch x.op.ID { // everybody may see which there are: the lists hold only what they may read
	case "Subscriptions_List", "Subscription_CheckResourceName", "Tenants_List", "Providers_ListAtTenantScope", "Providers_GetAtTenantScope", "Operations_List":
		return nil
	}
	return x.config.Gate.May(x.caller, x.action, scope)
}

func (x *exchange) kindAt(id string) bool {
	p, err := azure.ParseID(id)
	return err == nil && (p.Provider == "" || x.engine.kinds.of(p.Type()) != nil)
}

// target is the id that the path names: a resource, or what a list is of.
func (x *exchange) target() string {
	path := strings.TrimSuffix(x.r.URL.Path, "/")
	if x.kind == nil || strings.HasSuffix(strings.TrimSuffix(x.op.Path, "/"), "}") || x.op.Method == http.MethodPost {
		return path
	}
	path = path[:strings.LastIndexByte(path, '/')] // the list's own word
	if i := strings.LastIndex(strings.ToLower(path), "/providers/"); i >= 0 && strings.Count(path[i+1:], "/") == 1 {
		path = path[:i]
	}
	return path
}

// read takes the body, no longer than it may be.
func (x *exchange) read() *Error {
	b, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "The request content is longer than %d bytes.", maxBody)
		}
		return refuse(http.StatusBadRequest, "InvalidRequestContent", "The request content could not be read: %v.", err)
	}
	x.body = b
	return nil
}

// reply answers with JSON.
func (x *exchange) reply(status int, v any) *Error {
	if err := x.engine.durable(); err != nil {
		return err
	}
	x.rules.after(x)
	b, ok := v.([]byte)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil {
			return x.engine.broken(err)
		}
	}
	b, err := x.shaped(b)
	if err != nil {
		return x.engine.broken(err)
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(b)))
	x.w.WriteHeader(status)
	_, _ = x.w.Write(b) // the client is gone
	return nil
}

// nothing answers without a body.
func (x *exchange) nothing(status int) *Error {
	if err := x.engine.durable(); err != nil {
		return err
	}
	x.rules.after(x)
	if status != http.StatusNoContent {
		x.w.Header().Set("Content-Length", "0")
	}
	x.w.WriteHeader(status)
	return nil
}

// base is the endpoint's URL as the client knows it. A Host header with another name than the endpoint's does not get into answers.
func (x *exchange) base() string { return x.config.Gate.Tokens.site.URLFor(x.r) }

// follow adds where an operation's state can be asked for.
func (x *exchange) follow(op *operation, async, location bool) {
	p, _ := azure.ParseID(op.Target)
	base := x.base()
	query := "?api-version=" + url.QueryEscape(x.version)
	h := x.w.Header()
	if p.Provider == "" {
		h.Set("Location", base+"/subscriptions/"+p.Subscription+"/operationresults/"+op.ID+query)
	} else {
		place := "global"
		if r := x.engine.get(op.Target); r != nil && text(r.body, "location") != "" {
			place = text(r.body, "location")
		}
		at := base + "/subscriptions/" + p.Subscription + "/providers/" + p.Provider + "/locations/" + place
		if async {
			h.Set("Azure-AsyncOperation", at+"/operations/"+op.ID+query)
		}
		if location {
			h.Set("Location", at+"/operationResults/"+op.ID+query)
		}
	}
	x.later()
}

// later says when to ask again: as soon as makes sense here.
func (x *exchange) later() {
	h := x.w.Header()
	if x.config.Pace == PaceAzure {
		h.Set("Retry-After", "10")
		return
	}
	h.Set("Retry-After", "1")
	h.Set("x-ms-retry-after-ms", "20")
}

func (x *exchange) may(status int) bool { return slices.Contains(x.op.Success, status) }

// put makes or replaces what the path names.
func (x *exchange) put() *Error {
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	c, err := x.engine.putResource(x.caller, x.config.Gate.Access, x.kind, x.target(), sent, x.rules.works(x))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if c.before == nil && x.may(http.StatusCreated) {
		status = http.StatusCreated
	}
	body, _ := c.next.below(c.id) // this write, whatever came after it
	shown := x.engine.shown(body)
	if x.op.LongRunning {
		x.follow(c.next.op, true, false)
		shown = copied(shown)
		inner(shown, "properties")["provisioningState"] = updating
	}
	return x.reply(status, shown)
}

func (x *exchange) get() *Error {
	id := x.target()
	c, ok := x.engine.find(id)
	if !ok {
		return x.missing(id)
	}
	b, err := x.engine.answerOf(c)
	if err != nil {
		return x.engine.broken(err)
	}
	return x.reply(http.StatusOK, b)
}

// missing is the refusal of what is not there: its group, its parent, or itself.
func (x *exchange) missing(id string) *Error {
	p, err := azure.ParseID(id)
	if err != nil {
		return refuse(http.StatusBadRequest, "InvalidRequestUri", "%v.", err)
	}
	if p.ResourceGroup != "" && p.Provider != "" && x.engine.get("/subscriptions/"+p.Subscription+"/resourceGroups/"+p.ResourceGroup) == nil {
		return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", p.ResourceGroup)
	}
	if x.kind.parent != nil {
		if parent := string(azure.ID(id).Parent()); !x.there(parent) {
			return refuse(http.StatusNotFound, "ResourceNotFound", "The Resource '%s' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix", strings.TrimPrefix(parent, "/"))
		}
	}
	return notFound(x.kind, id)
}

func (x *exchange) there(id string) bool { _, ok := x.engine.find(id); return ok }

func (x *exchange) head() *Error {
	if !x.there(x.target()) {
		return x.nothing(http.StatusNotFound)
	}
	return x.nothing(http.StatusNoContent)
}

func (x *exchange) delete() *Error {
	c, err := x.engine.deleteResource(x.caller, x.kind, x.target(), x.rules.works(x))
	if err != nil {
		return err
	}
	if c == nil {
		if !x.may(http.StatusNoContent) {
			return notFound(x.kind, x.target())
		}
		return x.nothing(http.StatusNoContent)
	}
	if !x.op.LongRunning {
		return x.nothing(http.StatusOK)
	}
	x.follow(c.next.op, true, true)
	return x.nothing(http.StatusAccepted)
}

func (x *exchange) patch() *Error {
	sent, err := readObject(x.body)
	if err != nil {
		return err
	}
	w := x.rules.works(x)
	w.atOnce = !x.op.LongRunning
	if w.atOnce && w.fail != nil {
		return w.fail
	}
	c, err := x.engine.patchTags(x.caller, x.kind, x.target(), sent, w)
	if err != nil {
		return err
	}
	body, _ := c.next.below(c.id) // this write, whatever came after it
	shown := x.engine.shown(body)
	if x.op.LongRunning && c.next.op.pending(x.config.Now()) {
		x.follow(c.next.op, true, true)
		return x.reply(http.StatusAccepted, shown)
	}
	return x.reply(http.StatusOK, shown)
}

// listing answers with the resources of a kind below the path, page by page.
func (x *exchange) listing() *Error {
	scope := x.target()
	if x.kind.inside != "" {
		c, ok := x.engine.find(scope)
		if !ok {
			return x.missing(scope)
		}
		full := x.engine.shown(c)
		return x.reply(http.StatusOK, object{"value": anys(list(full, "properties", x.kind.inside))})
	}
	if p, err := azure.ParseID(scope); err == nil && p.ResourceGroup != "" && !x.there("/subscriptions/"+p.Subscription+"/resourceGroups/"+p.ResourceGroup) {
		return refuse(http.StatusNotFound, "ResourceGroupNotFound", "Resource group '%s' could not be found.", p.ResourceGroup)
	}
	if x.kind.parent != nil && !x.there(scope) {
		return x.missing(scope)
	}
	return x.pages(strings.ToLower(scope)+"/", []*kind{x.kind}, func(*resource) bool { return true })
}

// pages answers with the resources of some kinds whose keys begin with a prefix.
func (x *exchange) pages(prefix string, ks []*kind, wanted func(*resource) bool) *Error {
	return x.paged(prefix, ks, wanted, func(r *resource) ([]byte, error) {
		return x.engine.answerOf(child{of: r, kind: r.kind, body: r.body, id: r.id})
	})
}

// paged is pages with a say in how each resource is shown.
func (x *exchange) paged(prefix string, ks []*kind, wanted func(*resource) bool, show func(*resource) ([]byte, error)) *Error {
	size, after, err := x.page()
	if err != nil {
		return err
	}
	var page []*resource
	more := false
	for _, k := range ks {
		most := len(page) + size + 1 // one more than can be shown, of each kind: that tells whether there is more
		x.engine.list(k, prefix, after, func(r *resource) bool {
			if !wanted(r) {
				return true
			}
			page = append(page, r)
			return len(page) < most
		})
	}
	slices.SortFunc(page, func(a, b *resource) int { return strings.Compare(a.key, b.key) })
	if len(page) > size {
		page, more = page[:size], true
	}
	var out bytes.Buffer // by hand: json.Marshal would look at each element again
	out.WriteString(`{"value":[`)
	for i, r := range page {
		b, err := show(r)
		if err != nil {
			return x.engine.broken(err)
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(b)
	}
	out.WriteByte(']')
	if more {
		next, err := json.Marshal(x.next(page[len(page)-1].key))
		if err != nil {
			return x.engine.broken(err)
		}
		out.WriteString(`,"nextLink":`)
		out.Write(next)
	}
	out.WriteByte('}')
	return x.reply(http.StatusOK, out.Bytes())
}

// page is how many elements a page of the answer may have, and after which key it begins.
func (x *exchange) page() (size int, after string, _ *Error) {
	q := x.r.URL.Query()
	size = x.config.PageSize
	if n, err := strconv.Atoi(q.Get("$top")); err == nil && n > 0 {
		size = min(n, size)
	}
	after = q.Get("$skiptoken")
	if after != "" && !strings.HasPrefix(after, "/") {
		return 0, "", refuse(http.StatusBadRequest, "InvalidParameter", "The value of $skiptoken is not one that this endpoint gave.").at("$skiptoken")
	}
	return size, after, nil
}

// next is the URL of the page after the one that ends with a key.
func (x *exchange) next(key string) string {
	q := x.r.URL.Query()
	q.Set("$skiptoken", key)
	return x.base() + x.r.URL.EscapedPath() + "?" + q.Encode()
}

// Served is an operation of Azure's interface and whether this endpoint serves it.
type Served struct {
	catalog.ARMOperation
	Served bool `json:"served"`
}

// Operations are all operations of Azure's interface, by name.
func Operations(c *catalog.Catalog) []Served {
	rt := newRouter(c.ARMOperations(), newKinds(), (&Server{}).handlers())
	out := make([]Served, 0, len(rt.all))
	for _, r := range rt.all {
		out = append(out, Served{r.op, r.serve != nil})
	}
	return out
}

// Len is how many resources there are.
func (s *Server) Len() int {
	s.engine.mu.RLock()
	defer s.engine.mu.RUnlock()
	return len(s.engine.all)
}

// Provider is who plays the connectivity provider.
func (s *Server) Provider() ProviderMode {
	s.engine.write.Lock()
	defer s.engine.write.Unlock()
	return s.engine.prefs.provider
}

// SetProvider changes who plays the connectivity provider, and how long it takes. Circuits that wait for one get theirs.
func (s *Server) SetProvider(m ProviderMode, delay time.Duration) error {
	if m != ProviderAuto && m != ProviderManual {
		return fmt.Errorf("the provider is %q: it is auto or manual", m)
	}
	if delay < 0 {
		return fmt.Errorf("the provider's delay is %s", delay)
	}
	e := s.engine
	e.write.Lock()
	e.prefs = preferences{provider: m, delay: delay}
	e.mu.Lock()
	for _, r := range e.all {
		if t, waits := e.provisionedAt(r); waits {
			e.timed[r.key] = t
		} else if r.op == nil || r.op.Verb != "delete" {
			delete(e.timed, r.key)
		}
	}
	e.mu.Unlock()
	e.write.Unlock()
	e.told("")
	return nil
}

// AddPrincipal makes a service principal, with a role where one is named. Without a secret one is made, which the answer shows this once.
func (s *Server) AddPrincipal(name, secret, role, scope string) (*Credential, error) {
	g := s.config.Gate
	var r RoleDefinition
	if role != "" {
		var ok bool
		if r, ok = g.Access.Definition(role); !ok {
			return nil, fmt.Errorf("there is no role %q", role)
		}
	}
	made := ""
	if secret == "" {
		var err error
		if made, err = newSecret(); err != nil {
			return nil, err
		}
		secret = made
	}
	p, err := g.Directory.AddPrincipal(name, "", "", secret)
	if err != nil {
		return nil, err
	}
	if role != "" {
		if sub, ok := g.Directory.Subscription(scope); ok {
			scope = "/subscriptions/" + sub.ID
		}
		if scope == "" {
			scope = "/"
		}
		as := RoleAssignment{Name: s.engine.guid(), Scope: scope, Role: r.ID, Principal: p.ObjectID}
		s.engine.write.Lock()
		defer s.engine.write.Unlock()
		if _, refusal := g.Access.Assign(as); refusal != nil {
			return nil, refusal
		}
		if refusal := s.engine.keepAccess(assignmentsAt+assignmentKey(as.Scope, as.Name), as); refusal != nil {
			return nil, refusal
		}
	}
	return &Credential{p.Name, p.AppID, made}, nil
}
