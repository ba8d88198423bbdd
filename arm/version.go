package arm

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"onramp/catalog"
)

// versioned refuses requests without an api-version, and with one that was never published.
func (x *exchange) versioned() *Error {
	v := x.r.URL.Query().Get("api-version")
	if v == "" {
		return refuse(http.StatusBadRequest, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.")
	}
	x.version = v
	network := x.network()
	day, ok := versionDate(v)
	if !ok || !network && (day.Before(firstVersion) || day.After(x.config.Now())) {
		return refuse(http.StatusBadRequest, "InvalidApiVersionParameter", "The api-version '%.40s' is invalid. The supported versions are '%s'.", v, strings.Join(x.published(), ","))
	}
	if !network || slices.Contains(x.published(), v) {
		return nil
	}
	return refuse(http.StatusBadRequest, "NoRegisteredProviderFound", "No registered resource provider found for location '%s' and API version '%.40s' for type '%s'. The supported api-versions are '%s'.", x.params["location"], v, x.typeName(), strings.Join(x.published(), ", "))
}

// network tells whether the request is Microsoft.Network's to answer.
func (x *exchange) network() bool {
	return strings.Contains(strings.ToLower(x.op.Path), "/providers/microsoft.network/")
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

// publishedBy are the versions of Microsoft.Network that have what is served here.
func publishedBy(c *catalog.Catalog) []string {
	var out []string
	for _, v := range c.ARMVersions() {
		if v.Version >= oldest && v.Networks {
			out = append(out, v.Version)
		}
	}
	return out
}

func (x *exchange) published() []string { return x.engine.published }

// manyPrefixes is the first version in which a subnet lists its prefixes; in those before it, it has one (AssumeShapes).
const manyPrefixes = "2018-08-01"

// shaped writes an answer as the version that was asked for has it.
func (x *exchange) shaped(b []byte) ([]byte, error) {
	if x.version == "" || x.version >= manyPrefixes || !x.network() || !bytes.Contains(b, []byte(`"addressPrefixes"`)) {
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
