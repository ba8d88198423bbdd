package catalog

import "testing"

func TestAGatewayOverZonesScoresByTheZonesThatItIsIn(t *testing.T) {
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	r := c.Limits().Resiliency
	for _, x := range []struct {
		zones        int
		points, upTo float64
	}{{1, 8, 8}, {3, 10, 10}, {0, 8, 10}} {
		if points, upTo := r.GatewayPoints("ergw1az", x.zones, [2]int{1, 1}); points != x.points || upTo != x.upTo {
			t.Errorf("%d zones: %g to %g, want %g to %g", x.zones, points, upTo, x.points, x.upTo)
		}
	}
}
