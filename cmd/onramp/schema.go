package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onramp/adopt"
	"onramp/arm"
	"onramp/azure"
	"onramp/choose"
	"onramp/conform"
	"onramp/deploy"
	"onramp/design"
	"onramp/intent"
	"onramp/prove"
	"onramp/rehearse"
	"onramp/schema"
	"onramp/speaker"
	"onramp/twin"
)

// results are the values that commands print with --json, by command.
func results() map[string]any {
	return map[string]any{"choose": choose.Choice{}, "design": design.Design{}, "prove": prove.Result{}, "check": checked{}, "prerequisites": prerequisites{}, "cost": priced{}, "rehearse": rehearse.Result{}, "rehearse-traffic": rehearse.Traffic{}, "rehearse-script": rehearse.Scripted{},
		"import": adopt.Result{}, "conform": conform.Result{}, "deploy-plan": deploy.Plan{}, "deploy-apply": deploy.Result{}, "deploy-destroy": deploy.Result{}, "deploy-status": deploy.Status{},
		"twin-start": started{}, "twin-status": twin.Status{}, "twin-env": clientEnv{}, "twin-admin": twin.Done{}, "twin-repair": arm.RepairReport{}, "twin-operations": operations{}, "twin-assumptions": assumptions{},
		"twin-net-status": twin.NetStatus{}, "twin-net-names": twin.NetNames{}, "twin-net-routes": twin.Routes{}, "twin-net-ping": pinged{}, "twin-net-traceroute": twin.Trace{}, "twin-net-events": twin.News{}}
}

func resultNames() []string {
	return []string{"intent", "choose", "design", "prove", "check", "prerequisites", "cost", "rehearse", "rehearse-traffic", "rehearse-script", "script", "speaker", "speaker-events", "bootstrap", "import",
		"conform", "deploy-plan", "deploy-apply", "deploy-destroy", "deploy-status",
		"twin-start", "twin-status", "twin-env", "twin-admin", "twin-repair", "twin-operations", "twin-assumptions",
		"twin-net-status", "twin-net-names", "twin-net-routes", "twin-net-ping", "twin-net-traceroute", "twin-net-events"}
}

// schemaOf is the JSON Schema of a file that people write, or of a command's result.
func schemaOf(name string) ([]byte, error) {
	switch name {
	case "intent":
		return intent.Schema()
	case "speaker":
		return speaker.Schema()
	case "script":
		return rehearse.ScriptSchema()
	case "speaker-events":
		return speaker.EventSchema()
	case "bootstrap":
		return arm.BootstrapSchema()
	}
	command := name
	switch name {
	case "prerequisites":
		command = "check --prerequisites"
	case "rehearse-traffic":
		command = "rehearse --drill voice"
	case "rehearse-script":
		command = "rehearse --script"
	default:
		if verb, ok := strings.CutPrefix(name, "twin-"); ok {
			command = "twin " + strings.Replace(verb, "net-", "net ", 1)
		}
		if verb, ok := strings.CutPrefix(name, "deploy-"); ok {
			command = "deploy " + verb
		}
	}
	return schema.Of(results()[name], schema.Options{
		Title: "onramp " + command + " --json", Description: "What onramp " + command + " prints for programs.",
		Types: map[reflect.Type]string{
			reflect.TypeFor[azure.Resources](): `{"type": "array", "description": "Resources in Azure's own shape; properties that a type does not know are kept.", "items": {"type": "object",
				"properties": {"id": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"}, "location": {"type": "string"}, "tags": {"type": "object"}, "sku": {"anyOf": [{"type": "object"}, {"type": "string"}]}, "properties": {"type": "object"}}, "required": ["id", "name", "type"]}}`,
			reflect.TypeFor[intent.Place](): `{"type": "object", "properties": {"city": {"type": "string"}, "lat": {"type": "number"}, "lon": {"type": "number"}}, "required": ["lat", "lon"], "additionalProperties": false}`,
		},
	})
}

func newSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema [" + strings.Join(resultNames(), "|") + "]",
		Short: "Print the JSON Schema of a file that you write, or of a command's --json",
		Long: `Schema prints the JSON Schema (draft 2020-12) of the intent, for an editor that checks it while you type; with speaker that of a
speaker's file; with bootstrap that of the file with which a twin begins; with another name that of what the command of this name prints
with --json.`,
		Example: `  onramp schema > onramp.schema.json
  onramp schema choose`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: resultNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			name := "intent"
			if len(args) == 1 {
				name = args[0]
			}
			if !slices.Contains(resultNames(), name) {
				return usageError(fmt.Errorf("there is no schema %q; there are %s", name, strings.Join(resultNames(), ", ")))
			}
			b, err := schemaOf(name)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(b)
			return err
		},
	}
}
