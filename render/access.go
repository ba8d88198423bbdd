package render

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onramp/azure"
)

// Who may do what is a table that a person can read: a variable with a row for each assignment, and one resource that is copied for each
// row. A resource for each would say the same a thousand times in a large estate.

// row is one assignment.
type row struct {
	who, may, why, name string
	on                  any // the id of what it is on; nil where that is the place of the deployment itself
	rest                map[string]any
	waits               bool
}

// shape is what the rows of one table have in common, for comparisons.
func (w *row) shape() string {
	return fmt.Sprint(w.waits, w.on == nil, w.why == "", string(compact(w.rest)))
}

// assignments writes the assignments of a deployment: a table of roles, tables of assignments, and a resource for each of these.
func (r *renderer) assignments(x *deployment) (variables, resources object) {
	roles := map[string]any{}
	var tables [][]*row
	for _, p := range x.pieces {
		w := r.row(x, p, roles)
		i := slices.IndexFunc(tables, func(t []*row) bool { return t[0].shape() == w.shape() })
		if i < 0 {
			i, tables = len(tables), append(tables, nil)
		}
		tables[i] = append(tables[i], w)
	}
	variables = object{{"roles", roles}}
	slices.SortFunc(tables, func(a, b []*row) int { return cmp.Compare(a[0].shape(), b[0].shape()) })
	taken := map[string]bool{}
	for _, t := range tables {
		key := "assignments"
		if t[0].waits {
			key = "assignmentsWhenProvisioned"
		}
		key = symbol(key, taken)
		slices.SortFunc(t, func(a, b *row) int {
			return cmp.Or(cmp.Compare(a.who, b.who), cmp.Compare(a.may, b.may), cmp.Compare(fmt.Sprint(a.on), fmt.Sprint(b.on)), cmp.Compare(a.name, b.name))
		})
		var rows []any
		for _, w := range t {
			rows = append(rows, object{{"who", w.who}, {"may", w.may}}.with("on", w.on).with("why", w.why).with("name", w.name))
		}
		variables = append(variables, member{key, rows})
		resources = append(resources, member{key, r.copied(x, key, t[0])})
	}
	return variables, resources
}

// copied is the resource of a table. The first row stands for all in what they have in common.
func (r *renderer) copied(x *deployment, table string, first *row) object {
	list := call("variables", quoted(table))
	this := list + "[copyIndex()]"
	principal := string(call("parameters", quoted(paramPrincipals))) + "[" + string(this.member("who")) + "]"
	condition := call("not", string(call("empty", principal)))
	comment := "One for each row of the variable " + table + " whose principal has an id."
	if first.waits {
		condition = call("and", string(r.provisioned(x)), string(condition))
		comment = "One for each row of the variable " + table + " whose principal has an id, on what is there when the providers have provisioned."
	}
	o := object{{"type", "Microsoft.Authorization/roleAssignments"}, {"apiVersion", versionAuthorization}, {"name", this.member("name")}, {"comments", comment},
		{"copy", object{{"name", table}, {"count", call("length", string(list))}}}, {"condition", condition}}
	if first.on != nil {
		o = append(o, member{"scope", this.member("on")})
	}
	props := object{{"roleDefinitionId", call("variables", "'roles'") + "[" + this.member("may") + "]"}, {"principalId", expression(principal)}}
	if first.why != "" {
		props = append(props, member{"description", this.member("why")})
	}
	for _, k := range slices.Sorted(maps.Keys(first.rest)) {
		props = append(props, member{k, r.value(x, first.rest[k])})
	}
	return append(o, member{"properties", props})
}

// row reads an assignment, and notes its role.
func (r *renderer) row(x *deployment, p *piece, roles map[string]any) *row {
	w := &row{name: p.parsed.Name(), rest: map[string]any{}, waits: r.waits(p)}
	props, _ := p.body["properties"].(map[string]any)
	for k, v := range props {
		switch k {
		case "principalId", "roleDefinitionId", "description", "scope": // the scope is where the assignment stands
		default:
			w.rest[k] = v
		}
	}
	w.why = textAt(props, "description")
	id := textAt(props, "principalId")
	who, value := id, id
	if s, ok := strings.CutPrefix(id, "<object id of "); ok {
		who, value = strings.TrimSuffix(s, ">"), ""
	} else if !guid.MatchString(id) {
		value = ""
	}
	w.who = who
	r.parameter(x, value, paramPrincipals, who)
	role := azure.ID(textAt(props, "roleDefinitionId"))
	w.may = r.role(role)
	roles[w.may] = r.id(x, role)
	if scope, err := azure.ParseID(string(p.parsed.Scope)); err == nil && scope.Provider != "" {
		w.on = r.id(x, p.parsed.Scope)
	}
	return w
}

// role is the name of a role: that of the catalogue, or the design's own; its identifier where nobody names it.
func (r *renderer) role(id azure.ID) string {
	if p := r.byID[id.Key()]; p != nil {
		if n := textAt(p.body, "properties", "roleName"); n != "" {
			return n
		}
	}
	for _, role := range r.catalog.Roles() {
		if strings.EqualFold(role.ID, id.Name()) {
			return role.Name
		}
	}
	return id.Name()
}
