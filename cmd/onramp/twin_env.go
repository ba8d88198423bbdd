package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"onramp/twin"
)

// clientEnv is what a client needs to talk to a twin.
type clientEnv struct {
	URL           string `json:"url"`
	Authority     string `json:"authority"`
	Tenant        string `json:"tenant"`
	ClientID      string `json:"clientId"`
	Subscription  string `json:"subscription"`
	MetadataHost  string `json:"metadataHost"`
	SSLCertFile   string `json:"SSL_CERT_FILE"`
	NodeExtraCert string `json:"NODE_EXTRA_CA_CERTS"`
}

func newTwinEnv() *cobra.Command {
	var who, sub string
	cmd := &cobra.Command{
		Use:   "env [shell|go|javascript|terraform|azapi|az]",
		Short: "Print what a client needs to talk to the twin",
		Long: `Env prints, for a shell, the variables that the clients of Azure read; or a snippet for Go, JavaScript, the Terraform providers azurerm
and azapi, or the Azure CLI. The secret is not in it: the twin does not know it.`,
		Example:   "  onramp twin env\n  onramp twin env terraform",
		Args:      cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"shell", "go", "javascript", "terraform", "azapi", "az"},
	}
	state := stateFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print the values as JSON")
	cmd.Flags().StringVar(&who, "principal", "", "the principal to sign in as; the first one without it")
	cmd.Flags().StringVar(&sub, "subscription", "", "the subscription to work in; the first one without it")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := twin.Ask(*state)
		if err != nil {
			return twinError(err)
		}
		e, err := envOf(s, who, sub)
		if err != nil {
			return usageError(err)
		}
		if *asJSON {
			return printJSON(cmd.OutOrStdout(), e)
		}
		kind := "shell"
		if len(args) == 1 {
			kind = args[0]
		}
		printEnv(cmd.OutOrStdout(), kind, e)
		return nil
	}
	return cmd
}

func envOf(s twin.Status, who, sub string) (clientEnv, error) {
	e := clientEnv{URL: s.URL, Authority: s.Authority, Tenant: s.Tenant, MetadataHost: strings.TrimPrefix(s.URL, "https://"), SSLCertFile: s.Authority, NodeExtraCert: s.Authority}
	var names []string
	for _, p := range s.Principals {
		names = append(names, p.Name)
		if e.ClientID == "" && (who == "" || who == p.Name || who == p.AppID) && !p.Revoked {
			e.ClientID = p.AppID
		}
	}
	if e.ClientID == "" {
		return e, fmt.Errorf("there is no principal %q; there are %s", who, strings.Join(names, ", "))
	}
	names = nil
	for _, x := range s.Subscriptions {
		names = append(names, x.Name)
		if e.Subscription == "" && (sub == "" || sub == x.Name || sub == x.ID) {
			e.Subscription = x.ID
		}
	}
	if e.Subscription == "" && (sub != "" || len(names) > 0) {
		return e, fmt.Errorf("there is no subscription %q; there are %s", sub, strings.Join(names, ", "))
	}
	return e, nil
}

func printEnv(w io.Writer, kind string, e clientEnv) {
	switch kind {
	case "shell":
		fmt.Fprintf(w, `export SSL_CERT_FILE=%q
export NODE_EXTRA_CA_CERTS=%q
export AZURE_AUTHORITY_HOST=%s
export AZURE_TENANT_ID=%s
export AZURE_CLIENT_ID=%s
export AZURE_SUBSCRIPTION_ID=%s
# and the secret that was shown when the principal was made:
# export AZURE_CLIENT_SECRET=...
`, e.SSLCertFile, e.NodeExtraCert, e.URL, e.Tenant, e.ClientID, e.Subscription)
	case "go":
		fmt.Fprintf(w, `// SSL_CERT_FILE=%s
conf := cloud.Configuration{
	ActiveDirectoryAuthorityHost: "%s",
	Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
		cloud.ResourceManager: {Endpoint: "%s", Audience: "https://management.azure.com"},
	},
}
cred, err := azidentity.NewClientSecretCredential("%s", "%s", os.Getenv("AZURE_CLIENT_SECRET"), &azidentity.ClientSecretCredentialOptions{
	ClientOptions: azcore.ClientOptions{Cloud: conf}, DisableInstanceDiscovery: true,
})
client, err := armnetwork.NewExpressRouteCircuitsClient("%s", cred, &arm.ClientOptions{ClientOptions: azcore.ClientOptions{Cloud: conf}})
`, e.SSLCertFile, e.URL, e.URL, e.Tenant, e.ClientID, e.Subscription)
	case "javascript":
		fmt.Fprintf(w, `// NODE_EXTRA_CA_CERTS=%s
const credential = new ClientSecretCredential("%s", "%s", process.env.AZURE_CLIENT_SECRET,
  { authorityHost: "%s", disableInstanceDiscovery: true });
const client = new NetworkManagementClient(credential, "%s",
  { endpoint: "%s", credentialScopes: ["https://management.azure.com/.default"] });
`, e.NodeExtraCert, e.Tenant, e.ClientID, e.URL, e.Subscription, e.URL)
	case "terraform":
		fmt.Fprintf(w, `# SSL_CERT_FILE=%s
provider "azurerm" {
  features {}
  metadata_host                   = "%s"
  tenant_id                       = "%s"
  client_id                       = "%s"
  subscription_id                 = "%s"
  resource_provider_registrations = "none"
  # client_secret: ARM_CLIENT_SECRET
}
`, e.SSLCertFile, e.MetadataHost, e.Tenant, e.ClientID, e.Subscription)
	case "azapi":
		fmt.Fprintf(w, `# SSL_CERT_FILE=%s
provider "azapi" {
  endpoint = [{
    resource_manager_endpoint       = "%s"
    active_directory_authority_host = "%s"
    resource_manager_audience       = "https://management.azure.com"
  }]
  environment                = "custom"
  tenant_id                  = "%s"
  client_id                  = "%s"
  subscription_id            = "%s"
  disable_instance_discovery = true
  # client_secret: ARM_CLIENT_SECRET
}
`, e.SSLCertFile, e.URL, e.URL, e.Tenant, e.ClientID, e.Subscription)
	case "az":
		fmt.Fprintf(w, `export REQUESTS_CA_BUNDLE=%q
az cloud register --name onramp-twin --endpoint-resource-manager %s --endpoint-active-directory %s/adfs --endpoint-management %s \
  --endpoint-active-directory-resource-id https://management.azure.com --endpoint-active-directory-graph-resource-id %s
az cloud set --name onramp-twin
az login --service-principal --tenant %s --username %s --password "$AZURE_CLIENT_SECRET"
az account set --subscription %s
`, e.SSLCertFile, e.URL, e.URL, e.URL, e.URL, e.Tenant, e.ClientID, e.Subscription)
	}
}
