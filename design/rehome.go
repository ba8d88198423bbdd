package design

import (
	"slices"
	"strings"

	"onramp/azure"
)

// Rehome returns the premises with other subscriptions in the ids of circuits: what subscription says of the one that is there, where it
// knows it. The premises themselves stay as they are.
func (p Premises) Rehome(subscription func(name string) (id string, ok bool)) Premises {
	edges := func(list []Router) []Router {
		list = slices.Clone(list)
		for i := range list {
			list[i].Sessions = slices.Clone(list[i].Sessions)
			for k := range list[i].Sessions {
				x := &list[i].Sessions[k]
				id, err := azure.ParseID(string(x.Circuit))
				if err != nil || id.Subscription == "" {
					continue
				}
				if to, ok := subscription(id.Subscription); ok {
					const begin = "/subscriptions/"
					x.Circuit = azure.ID(begin + to + strings.TrimPrefix(string(x.Circuit)[len(begin):], id.Subscription))
				}
			}
		}
		return list
	}
	p.Sites = slices.Clone(p.Sites)
	for i := range p.Sites {
		p.Sites[i].Routers = edges(p.Sites[i].Routers)
	}
	p.ProviderEdges = edges(p.ProviderEdges)
	return p
}
