package azure

import (
	"fmt"
	"strings"
)

// ID is an ARM resource id as it was written. Ids compare without case: use Equal or Key.
type ID string

// ParsedID is an id taken apart.
type ParsedID struct {
	Subscription  string
	ResourceGroup string   // empty for resources of a subscription
	Provider      string   // "Microsoft.Network"; empty for a resource group or subscription
	Types         []string // "virtualNetworks", "subnets"
	Names         []string // one for each type
	// Scope is the resource that an extension resource (such as a role assignment) belongs to, empty otherwise.
	Scope ID
}

// NewID makes the id of a resource in a resource group. typ is the full type ("Microsoft.Network/virtualNetworks/subnets")
// and names has one name for each part of it after the provider. It panics when they do not fit, which is a mistake in code.
func NewID(subscription, resourceGroup, typ string, names ...string) ID {
	parts := strings.Split(typ, "/")
	if len(parts)-1 != len(names) {
		panic(fmt.Sprintf("azure.NewID: type %q takes %d names, given %q", typ, len(parts)-1, names))
	}
	var b strings.Builder
	b.WriteString("/subscriptions/" + subscription)
	if resourceGroup != "" {
		b.WriteString("/resourceGroups/" + resourceGroup)
	}
	b.WriteString("/providers/" + parts[0])
	for i, n := range names {
		b.WriteString("/" + parts[i+1] + "/" + n)
	}
	return ID(b.String())
}

// Key is the id in lower case, for maps and comparisons.
func (id ID) Key() string { return strings.ToLower(string(id)) }

// Equal compares without case.
func (id ID) Equal(other ID) bool { return strings.EqualFold(string(id), string(other)) }

// String is the id as written.
func (id ID) String() string { return string(id) }

// Name is the last part of the id, the resource's own name.
func (id ID) Name() string { return string(id[strings.LastIndexByte(string(id), '/')+1:]) }

// Parent is the id of the resource that this is a child of; for a top-level resource its resource group or subscription.
func (id ID) Parent() ID {
	parts := strings.Split(string(id), "/")
	if len(parts) < 3 {
		return ""
	}
	parts = parts[:len(parts)-2]
	if n := len(parts); n >= 2 && strings.EqualFold(parts[n-2], "providers") {
		parts = parts[:n-2]
	}
	return ID(strings.Join(parts, "/"))
}

// ParseID takes an id apart. It accepts any case of the fixed words.
func ParseID(s string) (ParsedID, error) {
	var p ParsedID
	bad := func(why string) (ParsedID, error) {
		return ParsedID{}, fmt.Errorf("resource id %q: %s; it has the form /subscriptions/SUB/resourceGroups/GROUP/providers/PROVIDER/TYPE/NAME", s, why)
	}
	if !strings.HasPrefix(s, "/") {
		return bad("it does not begin with /")
	}
	parts := strings.Split(s[1:], "/")
	for _, x := range parts {
		if x == "" {
			return bad("a part is empty")
		}
	}
	if len(parts) < 2 || !strings.EqualFold(parts[0], "subscriptions") {
		if len(parts) >= 2 && strings.EqualFold(parts[0], "providers") {
			return p.provider(s, parts)
		}
		return bad("it does not begin with /subscriptions/")
	}
	p.Subscription, parts = parts[1], parts[2:]
	if len(parts) == 0 {
		return p, nil
	}
	if strings.EqualFold(parts[0], "resourceGroups") {
		if len(parts) < 2 {
			return bad("the resource group has no name")
		}
		p.ResourceGroup, parts = parts[1], parts[2:]
	}
	if len(parts) == 0 {
		return p, nil
	}
	return p.provider(s, parts)
}

// provider reads /providers/NAME/TYPE/NAME..., the last such group being the resource and what stands before its scope.
func (p ParsedID) provider(s string, parts []string) (ParsedID, error) {
	bad := func(why string) (ParsedID, error) { return ParsedID{}, fmt.Errorf("resource id %q: %s", s, why) }
	if !strings.EqualFold(parts[0], "providers") || len(parts) < 2 {
		return bad("/providers/PROVIDER is missing")
	}
	last := 0
	for i := 2; i < len(parts)-1; i += 2 {
		if strings.EqualFold(parts[i], "providers") {
			last = i
		}
	}
	if last > 0 {
		n := len(parts) - last
		all := strings.Split(s, "/")
		p.Scope = ID(strings.Join(all[:len(all)-n], "/"))
		parts = parts[last:]
	}
	p.Provider = parts[1]
	rest := parts[2:]
	if len(rest) == 0 || len(rest)%2 != 0 {
		return bad("types and names do not come in pairs")
	}
	for i := 0; i < len(rest); i += 2 {
		p.Types, p.Names = append(p.Types, rest[i]), append(p.Names, rest[i+1])
	}
	return p, nil
}

// Type is the full resource type, "Microsoft.Network/virtualNetworks/subnets".
func (p ParsedID) Type() string {
	if p.Provider == "" {
		return "Microsoft.Resources/resourceGroups"
	}
	return p.Provider + "/" + strings.Join(p.Types, "/")
}

// Name is the resource's own name.
func (p ParsedID) Name() string {
	if len(p.Names) == 0 {
		return p.ResourceGroup
	}
	return p.Names[len(p.Names)-1]
}

// String writes the id with the fixed words in Azure's case.
func (p ParsedID) String() string {
	var b strings.Builder
	switch {
	case p.Scope != "":
		b.WriteString(string(p.Scope))
	case p.Subscription != "":
		b.WriteString("/subscriptions/" + p.Subscription)
		if p.ResourceGroup != "" {
			b.WriteString("/resourceGroups/" + p.ResourceGroup)
		}
	}
	if p.Provider != "" {
		b.WriteString("/providers/" + p.Provider)
		for i := range p.Types {
			b.WriteString("/" + p.Types[i] + "/" + p.Names[i])
		}
	}
	return b.String()
}
