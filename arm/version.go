package arm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
)

// versioned refuses requests without an api-version, and with one that was never published.
func (x *exchange) versioned() *Error {
	v := queried(x.r.URL, "api-version")
	if v == "" {
		return refuse(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	x.version = v
	network := x.network
	day, ok := versionDate(v)
	if !ok || !network && (day.Before(firstVersion) || day.After(x.config.Now())) {
		return refuse(http.StatusBadRequest, "InvalidApiVersionParameter", "The api-version '%.40s' is invalid. The supported versions are '%s'.", v, strings.Join(x.published(), ","))
	}
	if !network {
		return nil
	}
	if slices.Contains(x.versions, v) {
		return nil
	}
	return refuse(http.StatusBadRequest, "NoRegisteredProviderFound", "No registered resource provider found for location '%s' and API version '%.40s' for type '%s'. The supported api-versions are '%s'.", x.params["location"], v, x.typeName(), strings.Join(x.versions, ", "))
}

// queried is the first value of a parameter of a URL's query.
func queried(u *url.URL, name string) string {
	if v, ok := strings.CutPrefix(u.RawQuery, name); ok && len(v) > 0 && v[0] == '=' && !strings.ContainsAny(v, "&;%+") {
		return v[1:] // it is alone, and stands for itself
	}
	return u.Query().Get(name)
}

// typeName is the type of Microsoft.Network that a path is about, without its provider: virtualNetworks/subnets.
func (r *route) typeName() string {
	if r.kind != nil {
		return strings.TrimPrefix(r.kind.typ, netProvider)
	}
	_, rest, _ := strings.Cut(r.op.Path, "/providers/"+netProvider)
	var out []string
	for _, p := range strings.Split(rest, "/") {
		if p != "" && !strings.HasPrefix(p, "{") {
			out = append(out, p)
		}
	}
	return strings.Join(out, "/")
}

// since are types of Microsoft.Network that are younger than its first version, with what they begin with.
func since() map[string]func(catalog.ARMVersion) bool {
	cross := func(v catalog.ARMVersion) bool { return v.CrossConnections }
	ports := func(v catalog.ARMVersion) bool { return v.Ports }
	return map[string]func(catalog.ARMVersion) bool{
		"virtualnetworks/virtualnetworkpeerings": func(v catalog.ARMVersion) bool { return v.Peerings },
		"expressroutecrossconnections":           cross,
		"expressrouteports":                      ports,
		"expressrouteportslocations":             ports, // without ports there is no place for them
	}
}

// versions are those in which a type of Microsoft.Network, or what it is below, is published.
func (e *engine) versions(typ string) []string {
	for key := strings.ToLower(typ); key != ""; {
		if of := e.younger[key]; of != nil {
			return of
		}
		i := strings.LastIndexByte(key, '/')
		key = key[:max(i, 0)]
	}
	return e.published
}

// firstVersion is the earliest that is taken of the interfaces whose versions are not listed (AssumeVersions).
var firstVersion = time.Date(2014, 1, 1, 0, 0, 0, 0, time.UTC)

// versionDate reads a version: a date, which may be of a preview.
func versionDate(v string) (time.Time, bool) {
	for _, stage := range []string{"-preview", "-privatepreview", "-beta", "-alpha"} {
		if day, ok := strings.CutSuffix(v, stage); ok {
			v = day
			break
		}
	}
	day, err := time.Parse(time.DateOnly, v)
	return day, err == nil
}

// oldest is the first version of Microsoft.Network that is answered.
const oldest = "2015-05-01-preview"

// publishedBy are the versions of Microsoft.Network that have what is served here, and those of the types that are younger.
func publishedBy(c *catalog.Catalog) (all []string, younger map[string][]string) {
	younger = map[string][]string{}
	for _, v := range c.ARMVersions() {
		if v.Version < oldest || !v.Networks {
			continue
		}
		all = append(all, v.Version)
		for typ, has := range since() {
			if has(v) {
				younger[typ] = append(younger[typ], v.Version)
			}
		}
	}
	return all, younger
}

func (x *exchange) published() []string { return x.engine.published }

// manyPrefixes is the first version in which a subnet lists its prefixes; in those before it, it has one (AssumeShapes).
const manyPrefixes = "2018-08-01"

// shaped writes an answer as the version that was asked for has it.
func (x *exchange) shaped(b []byte) ([]byte, error) {
	if x.version == "" || x.version >= manyPrefixes || !x.network || !bytes.Contains(b, []byte(`"addressPrefixes"`)) {
		return b, nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	onePrefix(v)
	return json.Marshal(v)
}

// onePrefix gives each subnet in an answer a single prefix, the first.
func onePrefix(v any) {
	switch y := v.(type) {
	case []any:
		for _, z := range y {
			onePrefix(z)
		}
	case object:
		if props := mapOf(y["properties"]); props != nil && strings.EqualFold(text(y, "type"), netProvider+"virtualNetworks/subnets") {
			if all := words(props, "addressPrefixes"); len(all) > 0 && text(props, "addressPrefix") == "" {
				props["addressPrefix"] = all[0]
			}
			delete(props, "addressPrefixes")
		}
		for _, z := range y {
			onePrefix(z)
		}
	}
}
