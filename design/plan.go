package design

import "fmt"

// First and last VLAN id that a plan gives out. 802.1Q allows 1 to 4094; the low ones are left to the organisation's own
// use of the port.
const (
	firstVLAN = 100
	lastVLAN  = 4094
)

// VLANPlan gives out VLAN ids that are unique on each trunk: a pair of attachments that carries several circuits and
// peerings. Both links of a peering use the same id (expressroute-howto-routing-portal-resource-manager.md), so a trunk is the
// access, not one of its halves.
type VLANPlan struct {
	byTrunk map[string]map[int]string
	held    map[string]int
}

// NewVLANPlan returns a plan that has given out nothing.
func NewVLANPlan() *VLANPlan {
	return &VLANPlan{byTrunk: map[string]map[int]string{}, held: map[string]int{}}
}

// Keep gives a name on a trunk the id that an earlier design gave it; false when another name has it or it is no VLAN id.
func (v *VLANPlan) Keep(trunk, name string, id int) bool {
	if id < 1 || id > lastVLAN {
		return false
	}
	if v.byTrunk[trunk] == nil {
		v.byTrunk[trunk] = map[int]string{}
	}
	if owner, ok := v.byTrunk[trunk][id]; ok && owner != name {
		return false
	}
	v.byTrunk[trunk][id] = name
	v.held[trunk+"\x00"+name] = id
	return true
}

// Take returns the id that a name has on a trunk, or gives it the lowest free one.
func (v *VLANPlan) Take(trunk, name string) (int, error) {
	if id, ok := v.held[trunk+"\x00"+name]; ok {
		return id, nil
	}
	for id := firstVLAN; id <= lastVLAN; id++ {
		if _, used := v.byTrunk[trunk][id]; !used {
			v.Keep(trunk, name, id)
			return id, nil
		}
	}
	return 0, fmt.Errorf("no free VLAN id from %d to %d on %s for %s", firstVLAN, lastVLAN, trunk, name)
}
