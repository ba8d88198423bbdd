package adopt

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrOtherFile is a file that is neither a template nor Terraform's state; the error says what it looks like.
var ErrOtherFile = errors.New("this is neither an ARM template nor Terraform's state")

// FromFile reads a file of either kind, told by what is in it.
func FromFile(name string, src []byte, d Deployment) (*Found, error) {
	if len(src) > mostBytes {
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, len(src), mostBytes)
	}
	var top map[string]json.RawMessage
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf")))
	err := json.Unmarshal(trimmed, &top)
	has := func(keys ...string) bool {
		for _, k := range keys {
			if top[k] == nil {
				return false
			}
		}
		return true
	}
	schema := strings.ToLower(string(top["$schema"]))
	var version string
	if b := top["apiVersion"]; b != nil && json.Unmarshal(b, &version) != nil {
		version = ""
	}
	switch head := strings.ToLower(string(trimmed[:min(len(trimmed), 4096)])); {
	case strings.Contains(schema, "deploymentparameters"):
		return nil, other(name, "the parameters of a template; give the template, and this file with --parameters")
	case strings.Contains(schema, "deploymenttemplate"), has("contentVersion", "resources"):
		return FromTemplate(name, trimmed, d)
	case has("format_version"), has("version", "resources"), has("version", "lineage"), has("version", "terraform_version"):
		return FromTerraform(name, trimmed)
	case strings.HasPrefix(version, "onramp/"):
		return nil, other(name, "a design of Onramp; check, prove and the others take it as it is")
	case has("encrypted_data"):
		return nil, other(name, "an encrypted state; `tofu show -json` prints it in the clear")
	case len(trimmed) == 0:
		return nil, other(name, "nothing: it is empty")
	case err != nil && strings.Contains(head, "deploymenttemplate.json"): // it has comments, which JSON has not
		return FromTemplate(name, trimmed, d)
	case trimmed[0] == '[':
		return nil, other(name, "a list in JSON; `az group export` writes a template")
	case top != nil:
		return nil, other(name, "an object of JSON with the keys "+strings.Join(first(sortedKeys(top), 6), ", "))
	case bytes.HasPrefix(trimmed, []byte("PK")):
		return nil, other(name, "an archive; unpack it")
	case strings.Contains(head, "resource \"") || strings.Contains(head, "provider \"") || strings.Contains(head, "terraform {"):
		return nil, other(name, "Terraform's configuration; its state tells what there is: `terraform show -json`")
	case strings.Contains(head, "targetscope") || strings.Contains(head, "resource ") && strings.Contains(head, "@20"):
		return nil, other(name, "Bicep; `az bicep build` makes a template of it")
	case strings.Contains(head, "linesofbusiness:") || strings.Contains(head, "premises:"):
		return nil, other(name, "an intent of Onramp; `onramp design` makes a design of it")
	case trimmed[0] == '{':
		return nil, readJSON(name, src, &top)
	}
	return nil, other(name, "some other text")
}

func first(list []string, n int) []string { return list[:min(len(list), n)] }

// other is an ErrOtherFile.
func other(name, looks string) error {
	return fmt.Errorf("%s: %w; it looks like %s", name, ErrOtherFile, looks)
}
