package arm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"onramp/catalog"
	"onramp/schema"
	"onramp/yamlfile"
)

// Bootstrap is the file with which an endpoint begins: its tenant, its subscriptions, who may sign in, and what they may do.
type Bootstrap struct {
	Tenant        string                  `json:"tenant,omitempty" form:"name" jsonschema_description:"The tenant: a GUID, or a name that one is derived from; onramp by default."`
	Subscriptions []BootstrapSubscription `json:"subscriptions" form:"nonempty" jsonschema_description:"The subscriptions."`
	Roles         []BootstrapRole         `json:"roles,omitempty" jsonschema_description:"Roles of your own, beside Azure's built-in ones."`
	Principals    []BootstrapPrincipal    `json:"principals" form:"nonempty" jsonschema_description:"Who signs in: service principals, as Azure calls them."`

	standard bool // nobody chose it
}

// BootstrapSubscription is a subscription in the file.
type BootstrapSubscription struct {
	Name string `json:"name" form:"name" jsonschema_description:"The subscription's name."`
	ID   string `json:"id,omitempty" form:"guid" jsonschema_description:"Its GUID; derived from the name by default, the same on every machine."`
}

// BootstrapRole is a custom role in the file.
type BootstrapRole struct {
	Name        string   `json:"name" form:"name" jsonschema_description:"The role's name."`
	Description string   `json:"description,omitempty" jsonschema_description:"What the role is for."`
	Actions     []string `json:"actions" form:"action" jsonschema_description:"Actions such as Microsoft.Network/virtualNetworks/read; * stands for anything."`
	NotActions  []string `json:"notActions,omitempty" form:"action" jsonschema_description:"Actions that are taken away from those."`
	Scopes      []string `json:"scopes,omitempty" jsonschema_description:"Where the role can be assigned: / (the default), a subscription's name, or a path below one."`
}

// BootstrapPrincipal is a service principal in the file. Without secret and secretEnv a secret is made, and shown once.
type BootstrapPrincipal struct {
	Name      string           `json:"name" form:"name" jsonschema_description:"The principal's name."`
	AppID     string           `json:"appId,omitempty" form:"guid" jsonschema_description:"The application's GUID, which clients call client id; derived from the name by default."`
	ObjectID  string           `json:"objectId,omitempty" form:"guid" jsonschema_description:"The object's GUID, which role assignments name; derived from the name by default."`
	Secret    Secret           `json:"secret,omitempty" jsonschema_description:"The secret: 16 to 256 printable characters. Better kept out of the file: secretEnv."`
	SecretEnv string           `json:"secretEnv,omitempty" form:"variable" jsonschema_description:"The environment variable that holds the secret."`
	Roles     []BootstrapGrant `json:"roles,omitempty" jsonschema_description:"What the principal may do; nothing by default."`
}

// BootstrapGrant is a role at a scope in the file.
type BootstrapGrant struct {
	Role  string `json:"role" jsonschema_description:"The role's name, or its GUID."`
	Scope string `json:"scope" jsonschema_description:"Where: / for everywhere, a subscription's name, or a path such as /subscriptions/NAME/resourceGroups/GROUP."`
}

// Secret is a text that is never printed.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(secret)"
}

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// ReadYAML reads the secret. No finding repeats it.
func (s *Secret) ReadYAML(r *yamlfile.Reader, n, target ast.Node, path string) {
	text, ok := yamlfile.String(target)
	if !ok {
		r.Refuse(n, path, "", "this is "+yamlfile.Kind(target)+" and a text is meant", "put it in quotes", "type")
		return
	}
	if problem := secretProblem(text); problem != "" {
		r.Refuse(n, path, "", problem, "leave the key out, and one is made", "secret")
		return
	}
	*s = Secret(text)
}

// Where the rules of the file come from.
const (
	bootstrapDoc    = "docs/twin.md"
	bootstrapSchema = "onramp schema bootstrap"

	guidPattern     = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
	variablePattern = `^[A-Za-z_][A-Za-z0-9_]*$`
	// actionPattern is isActionPattern's, but for its lengths.
	actionPattern = `^(\*|[A-Za-z0-9*._-]+(/[A-Za-z0-9*._-]+)+)$`
)

func bootstrapFormat() *yamlfile.Format {
	form := func(ok func(string) bool, message, fix string) func(string) (string, string) {
		return func(s string) (string, string) {
			if ok(s) {
				return "", ""
			}
			return message, fix
		}
	}
	return &yamlfile.Format{
		What: "a bootstrap file", Empty: "the file names nobody", Start: bootstrapDoc + " shows one to start from",
		Prefix: "bootstrap", Doc: bootstrapDoc, Schema: bootstrapSchema, Nearest: catalog.Nearest,
		Forms: map[string]func(string) (message, fix string){
			"name":     form(isPlainName, "this is not a name", plainNameFix),
			"guid":     form(isGUID, "this is not a GUID", "write it as 00000000-0000-0000-0000-000000000000, or leave the key out, and it is derived from the name"),
			"action":   form(isActionPattern, "this is not an action", "write it as Microsoft.Network/virtualNetworks/read, where * stands for anything"),
			"variable": form(isVariable, "this is not the name of an environment variable", "use letters, digits and underscores, beginning with none of the digits"),
		},
		Types: map[reflect.Type]yamlfile.Words{reflect.TypeFor[Secret](): {Noun: "a secret", Example: "a text of 16 to 256 printable characters"}},
	}
}

// isVariable is variablePattern.
func isVariable(s string) bool {
	for i := range len(s) {
		c := s[i]
		if !(c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || i > 0 && '0' <= c && c <= '9') {
			return false
		}
	}
	return s != ""
}

// BootstrapSchema returns the JSON Schema of the bootstrap file. What only the whole file can show (a role or a subscription that is not
// there, two of one name) is found by ParseBootstrap alone.
func BootstrapSchema() ([]byte, error) {
	return schema.Of(Bootstrap{}, schema.Options{
		Title: "Onramp twin bootstrap", Description: "Who there is at an endpoint of Azure Resource Manager on this machine, and what they may do.",
		Forms:   map[string]string{"name": plainNamePattern, "guid": guidPattern, "action": actionPattern, "variable": variablePattern},
		Lengths: map[string]int{"name": plainNameLength, "action": maxAction},
		Types:   map[reflect.Type]string{reflect.TypeFor[Secret](): fmt.Sprintf(`{"type": "string", "pattern": "^[!-~]+$", "minLength": %d, "maxLength": %d}`, minSecret, maxSecret)},
	})
}

// ParseBootstrap reads a bootstrap file. file is the name that findings carry. env finds the secrets that the file keeps in environment
// variables; nil leaves them unread, for a check of the file alone. The bootstrap is nil if a finding is an error.
func ParseBootstrap(file string, src []byte, c *catalog.Catalog, env func(name string) (string, bool)) (*Bootstrap, []yamlfile.Finding) {
	var b Bootstrap
	findings := yamlfile.Read(bootstrapFormat(), file, src, &b, func(r *yamlfile.Reader) { (&bootstrapChecker{r, &b, c, env}).check() })
	if slices.ContainsFunc(findings, func(f yamlfile.Finding) bool { return f.Severity == yamlfile.Error }) {
		return nil, findings
	}
	return &b, findings
}

// StandardBootstrap is what an endpoint begins with where no file is given: a subscription, and a principal that owns it, whose secret is
// made. It serves this machine alone: Directory.CheckListen.
func StandardBootstrap() *Bootstrap {
	return &Bootstrap{
		Subscriptions: []BootstrapSubscription{{Name: "onramp"}},
		Principals:    []BootstrapPrincipal{{Name: "onramp", Roles: []BootstrapGrant{{Role: "Owner", Scope: "/"}}}},
		standard:      true,
	}
}

type bootstrapChecker struct {
	r   *yamlfile.Reader
	b   *Bootstrap
	c   *catalog.Catalog
	env func(string) (string, bool)
}

// unique refuses the second of two values that name one thing, without regard to case.
func (k *bootstrapChecker) unique(what string, seen map[string]string, path, value string) {
	if value == "" || k.r.Bad(path) {
		return
	}
	key := strings.ToLower(value)
	if first, taken := seen[key]; taken {
		k.r.RefuseAt(path, value, "this is "+first+" already", "give each "+what+" a name and ids of its own", "bootstrap-unique", bootstrapDoc)
		return
	}
	seen[key] = path
}

func (k *bootstrapChecker) check() {
	seen := map[string]string{}
	for i, s := range k.b.Subscriptions {
		path := yamlfile.Index("subscriptions", i)
		k.unique("subscription", seen, path+".name", s.Name)
		if s.ID != "" {
			k.unique("subscription", seen, path+".id", s.ID)
		} else {
			k.derived(seen, path, subscriptionID(s.Name))
		}
	}
	roles := map[string]string{}
	for _, r := range k.c.Roles() {
		if len(r.Actions) > 0 {
			roles[strings.ToLower(r.Name)] = "the name of a built-in role"
		}
	}
	for i, role := range k.b.Roles {
		path := yamlfile.Index("roles", i)
		k.unique("role", roles, path+".name", role.Name)
		if len(role.Actions) == 0 && !k.r.Faulty(path+".actions") && k.r.Given(path+".actions") {
			k.r.RefuseAt(path+".actions", "[]", "this list is empty", "name at least one action", "bootstrap-required", bootstrapSchema)
		}
		if n := len(role.Actions) + len(role.NotActions); n > maxRoleActions {
			k.r.RefuseAt(path+".actions", fmt.Sprint(n), "these are too many actions", fmt.Sprintf("a role has at most %d", maxRoleActions), "bootstrap-size", bootstrapDoc)
		}
		for j, s := range role.Scopes {
			k.scope(yamlfile.Index(path+".scopes", j), s)
		}
	}
	seen = map[string]string{}
	for i := range k.b.Principals {
		k.principal(yamlfile.Index("principals", i), &k.b.Principals[i], seen)
	}
}

// derived notes the id of what has none in the file, so that no other is given the same.
func (k *bootstrapChecker) derived(seen map[string]string, path, id string) {
	if first, taken := seen[id]; taken && !k.r.Bad(path+".name") {
		k.r.RefuseAt(path+".name", id, "the id that is derived from this name is "+first+" already", "give it another name, or an id of its own", "bootstrap-unique", bootstrapDoc)
		return
	}
	seen[id] = path
}

func (k *bootstrapChecker) principal(path string, p *BootstrapPrincipal, seen map[string]string) {
	k.unique("principal", seen, path+".name", p.Name)
	ids := newPrincipal(p.Name, p.AppID, p.ObjectID)
	for _, id := range []struct{ key, given, all string }{{"appId", p.AppID, ids.AppID}, {"objectId", p.ObjectID, ids.ObjectID}} {
		if id.given != "" {
			k.unique("principal", seen, path+"."+id.key, id.given)
		} else {
			k.derived(seen, path, id.all)
		}
	}
	switch {
	case p.Secret != "" && p.SecretEnv != "":
		k.r.RefuseAt(path+".secretEnv", p.SecretEnv, "the secret is given twice", "leave out secret, which keeps it out of the file", "bootstrap-secret", bootstrapDoc)
	case p.SecretEnv != "" && k.env != nil && !k.r.Bad(path+".secretEnv"):
		secret, ok := k.env(p.SecretEnv)
		if !ok {
			k.r.RefuseAt(path+".secretEnv", p.SecretEnv, "the environment has no such variable", "set it before the twin starts", "bootstrap-secret", bootstrapDoc)
		} else if problem := secretProblem(secret); problem != "" {
			k.r.RefuseAt(path+".secretEnv", p.SecretEnv, problem, "put a longer or a simpler one into the variable", "bootstrap-secret", bootstrapDoc)
		} else {
			p.Secret = Secret(secret)
		}
	}
	given := map[string]bool{}
	for i, g := range p.Roles {
		at := yamlfile.Index(path+".roles", i)
		role, ok := k.role(at+".role", g.Role)
		scope, found := k.scope(at+".scope", g.Scope)
		if !ok || !found {
			continue
		}
		if key := strings.ToLower(role.Name + "|" + scope); given[key] {
			k.r.RefuseAt(at+".role", g.Role, "the principal has this role at this scope already", "leave one of the two out", "bootstrap-unique", bootstrapDoc)
		} else {
			given[key] = true
		}
		if !slices.ContainsFunc(role.Scopes, func(s string) bool { return covers(strings.ToLower(s), scope) }) {
			k.r.RefuseAt(at+".scope", g.Scope, "the role cannot be assigned here", "assign it at or below "+yamlfile.OneOf(role.Scopes)+", or widen its scopes", "bootstrap-scope", bootstrapDoc)
		}
	}
}

// role finds a role by its name or its GUID.
func (k *bootstrapChecker) role(path, text string) (RoleDefinition, bool) {
	if k.r.Bad(path) || text == "" {
		return RoleDefinition{}, false
	}
	var names []string
	for _, d := range k.b.definitions(k.c) {
		if strings.EqualFold(d.Name, text) || strings.EqualFold(d.ID, text) {
			return d, true
		}
		names = append(names, d.Name)
	}
	for _, r := range k.c.Roles() {
		if strings.EqualFold(r.Name, text) {
			k.r.RefuseAt(path, text, "what this built-in role may do is not in the catalogue", "list its actions under roles, with a name of your own", "bootstrap-role", "builtin-roles.csv")
			return RoleDefinition{}, false
		}
	}
	fix := "use " + yamlfile.OneOf(names)
	if near := catalog.Nearest(text, names); near != "" {
		fix = "did you mean " + near + "? There are " + strings.Join(names, ", ")
	}
	k.r.RefuseAt(path, text, "there is no such role", fix, "bootstrap-role", "builtin-roles.csv")
	return RoleDefinition{}, false
}

// scope checks a scope of the file.
func (k *bootstrapChecker) scope(path, text string) (string, bool) {
	if k.r.Bad(path) || text == "" {
		return "", false
	}
	scope, message, fix := k.b.scope(text)
	if message != "" {
		k.r.RefuseAt(path, text, message, fix, "bootstrap-scope", bootstrapDoc)
		return "", false
	}
	return strings.ToLower(scope), true
}

// id is the subscription's GUID.
func (s *BootstrapSubscription) id() string {
	if s.ID != "" {
		return strings.ToLower(s.ID)
	}
	return subscriptionID(s.Name)
}

// scope is the scope that a text of the file means; the message is empty for one that is right.
func (b *Bootstrap) scope(text string) (scope, message, fix string) {
	if text == "/" {
		return "/", "", ""
	}
	rest, path := strings.CutPrefix(text, "/")
	subscription, below := text, ""
	if path {
		first, after, _ := strings.Cut(rest, "/")
		if !strings.EqualFold(first, "subscriptions") {
			return "", "this is not a scope", `write /, a subscription's name, or a path such as "/subscriptions/NAME/resourceGroups/GROUP"`
		}
		if subscription, below, path = strings.Cut(after, "/"); path {
			below = "/" + below
		}
	}
	var names []string
	for _, s := range b.Subscriptions {
		if strings.EqualFold(s.Name, subscription) || strings.EqualFold(s.id(), subscription) {
			scope = "/subscriptions/" + s.id() + below
			if !isScope(scope) {
				return "", "this is not a scope", "leave out empty segments, dots, slashes at the end, and signs that paths do not have"
			}
			return scope, "", ""
		}
		names = append(names, s.Name)
	}
	fix = "use " + yamlfile.OneOf(append([]string{"/"}, names...))
	if near := catalog.Nearest(subscription, names); near != "" {
		fix = "did you mean " + near + "? " + strings.ToUpper(fix[:1]) + fix[1:]
	}
	return "", "there is no such subscription in the file", fix
}

// definitions are the roles that the file can name.
func (b *Bootstrap) definitions(c *catalog.Catalog) []RoleDefinition {
	var out []RoleDefinition
	for _, r := range c.Roles() {
		if len(r.Actions) > 0 {
			out = append(out, RoleDefinition{ID: r.ID, Name: r.Name, BuiltIn: true, Actions: r.Actions, NotActions: r.NotActions, Scopes: []string{"/"}})
		}
	}
	for _, r := range b.Roles {
		d := RoleDefinition{ID: guidOf("role", strings.ToLower(r.Name)), Name: r.Name, Description: r.Description, Actions: r.Actions, NotActions: r.NotActions}
		for _, s := range r.Scopes {
			if scope, message, _ := b.scope(s); message == "" {
				d.Scopes = append(d.Scopes, scope)
			}
		}
		if len(r.Scopes) == 0 {
			d.Scopes = []string{"/"}
		}
		out = append(out, d)
	}
	return out
}

// Credential is what a client signs in with.
type Credential struct {
	Principal string `json:"principal"`
	AppID     string `json:"appId"`
	Secret    string `json:"secret"`
}

// Found makes the directory and the access that the file describes. made are the secrets that nobody gave, which whoever starts the
// endpoint must be shown now: they are kept nowhere.
func (b *Bootstrap) Found(c *catalog.Catalog) (d *Directory, a *Access, made []Credential, err error) {
	return b.found(c, hashRounds)
}

// found is Found with another number of rounds for the hashes of secrets, which is for tests alone.
func (b *Bootstrap) found(c *catalog.Catalog, rounds int) (d *Directory, a *Access, made []Credential, err error) {
	tenant := b.Tenant
	if tenant == "" {
		tenant = "onramp"
	}
	d = NewDirectory(tenant)
	d.rounds = rounds
	for _, s := range b.Subscriptions {
		if _, err := d.AddSubscription(s.Name, s.ID); err != nil {
			return nil, nil, nil, err
		}
	}
	a = NewAccess(c, d)
	roles := b.definitions(c)
	for _, r := range roles {
		if !r.BuiltIn {
			if refusal := a.Define(r); refusal != nil {
				return nil, nil, nil, refusal
			}
		}
	}
	for _, bp := range b.Principals {
		secret := string(bp.Secret)
		if secret == "" && bp.SecretEnv != "" {
			return nil, nil, nil, fmt.Errorf("the secret of principal %s is in the environment variable %s, which was not read", bp.Name, bp.SecretEnv)
		}
		given := secret != ""
		if !given {
			if secret, err = newSecret(); err != nil {
				return nil, nil, nil, err
			}
		}
		p, err := d.AddPrincipal(bp.Name, bp.AppID, bp.ObjectID, secret)
		if err != nil {
			return nil, nil, nil, err
		}
		if b.standard {
			if p, err = d.change(p.ObjectID, func(p *Principal) { p.Standard = true }); err != nil {
				return nil, nil, nil, err
			}
		}
		if !given {
			made = append(made, Credential{p.Name, p.AppID, secret})
		}
		for _, g := range bp.Roles {
			i := slices.IndexFunc(roles, func(r RoleDefinition) bool {
				return strings.EqualFold(r.Name, g.Role) || strings.EqualFold(r.ID, g.Role)
			})
			scope, message, _ := b.scope(g.Scope)
			if i < 0 || message != "" {
				return nil, nil, nil, fmt.Errorf("principal %s: there is no role %q at %q", p.Name, g.Role, g.Scope)
			}
			as := RoleAssignment{Name: guidOf("assignment", strings.ToLower(p.ObjectID+"/"+roles[i].ID+"/"+scope)), Scope: scope, Role: roles[i].ID, Principal: p.ObjectID, Type: "ServicePrincipal"}
			if _, refusal := a.Assign(as); refusal != nil {
				return nil, nil, nil, refusal
			}
		}
	}
	return d, a, made, nil
}
