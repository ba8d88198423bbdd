package catalog

import (
	"slices"
	"strings"
)

// ARMOperation is one operation of Azure's interface: what it is called, where, and which answers it may give.
type ARMOperation struct {
	ID     string `json:"operation"` // GROUP_OPERATION, as the SDKs are generated from it
	Method string `json:"method"`
	Path   string `json:"path"` // with {parameters}
	// Success are the status codes that clients take for a success; any other makes the SDKs fail.
	Success     []int    `json:"success"`
	LongRunning bool     `json:"longRunning,omitempty"`
	FinalState  string   `json:"finalState,omitempty"` // where the SDKs look for a long-running operation's result
	Pageable    bool     `json:"pageable,omitempty"`
	HasBody     bool     `json:"hasBody,omitempty"`
	Query       []string `json:"query,omitempty"` // parameters beside api-version
	APIVersion  string   `json:"apiVersion"`
	Source      Source   `json:"-"`
}

// ARMVersion is a published version of Microsoft.Network's interface.
type ARMVersion struct {
	Version string
	Preview bool
	// Networks tells that it has virtual networks, as some previews of other teams' types have not; true where the source does not say.
	Networks bool
	// Peerings (of virtual networks), CrossConnections and Ports tell the same of virtualNetworkPeerings, expressRouteCrossConnections and
	// expressRoutePorts; where the source does not say, what the version before has. Circuits are older than all that is listed.
	Peerings, CrossConnections, Ports bool
	Source                            Source
}

func (c *Catalog) readOperations(t *table) error {
	return t.each(func() {
		o := ARMOperation{ID: t.get("operationId"), Method: t.get("method"), Path: t.get("path"), LongRunning: t.yes("lro"), FinalState: t.get("lro_final_state"),
			Pageable: t.yes("pageable"), HasBody: t.yes("has_body"), Query: strings.Fields(t.get("extra_query")), APIVersion: t.get("api_version"), Source: t.source}
		for _, s := range strings.Split(t.get("success_codes"), "|") {
			code := 0
			for _, d := range s {
				code = 10*code + int(d-'0')
			}
			o.Success = append(o.Success, code)
		}
		c.operations = append(c.operations, o)
	})
}

func (c *Catalog) readVersions(t *table) error {
	var last ARMVersion // that has virtual networks
	return t.each(func() {
		v := ARMVersion{Version: t.get("api_version"), Preview: t.get("kind") == "preview", Networks: t.get("virtual_networks") != "no", Source: Source{Text: t.get("source"), Date: t.get("source_date")}}
		for _, x := range []struct {
			column      string
			has, before *bool
		}{{"vnet_peering", &v.Peerings, &last.Peerings}, {"cross_connections", &v.CrossConnections, &last.CrossConnections}, {"er_ports", &v.Ports, &last.Ports}} {
			switch t.get(x.column) {
			case "":
				*x.has = *x.before
			default:
				*x.has = t.yes(x.column)
			}
		}
		if v.Networks {
			last = v
		}
		c.versions = append(c.versions, v)
	})
}

// ARMOperations returns the operations of Azure's interface, in the order of the files.
func (c *Catalog) ARMOperations() []ARMOperation { return slices.Clone(c.operations) }

// ARMVersions returns the published versions of Microsoft.Network, oldest first.
func (c *Catalog) ARMVersions() []ARMVersion { return slices.Clone(c.versions) }
