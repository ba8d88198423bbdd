package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"onramp/catalog"
	"onramp/network"
	"onramp/rehearse"
)

// trafficWords say what each traffic drill measures.
func trafficWords() map[string]string {
	return map[string]string{
		rehearse.VoiceDrill:             "a call's loss, delay and MOS while its way is saturated, without and with classes",
		rehearse.ProviderBandwidthDrill: "the throughput where the provider carries half of what was bought",
		rehearse.InternetVPNDrill:       "a call over ExpressRoute beside one through a VPN over the internet",
	}
}

// onlyTraffic tells whether the drills asked for are traffic drills. They have a result of their own, so that they go with nothing else.
func (f *rehearseFlags) onlyTraffic() (bool, error) {
	named := 0
	for _, name := range f.drills {
		if slices.Contains(rehearse.TrafficDrills(), name) {
			named++
		}
	}
	switch {
	case named == 0:
		return false, nil
	case named < len(f.drills):
		return false, usageError(errors.New("--drill: drills of traffic have another result than drills of elements; run them apart"))
	case f.trace != "" && len(f.drills) == 1 && !slices.Contains(rehearse.Recordable(), f.drills[0]):
		return false, usageError(fmt.Errorf("--trace: %s is not recorded, as its tunnel is on no link of the estate; %s are", f.drills[0], strings.Join(rehearse.Recordable(), " and ")))
	}
	return true, nil
}

// recordTraffic runs one traffic drill and writes what the links carry meanwhile to a file, whole or not at all.
func (pl *plan) recordTraffic(c *catalog.Catalog, p *progress, name string, seed uint64, file string) (*rehearse.Traffic, error) {
	return recorded(p, file, func(r *rehearse.Recording) (*rehearse.Traffic, error) {
		return pl.playTraffic(c, p, []string{name}, func(n *network.Network, step func()) (*rehearse.Traffic, error) {
			return rehearse.RecordTraffic(n, name, seed, r, step)
		})
	})
}

// traffic runs the traffic drills on the plan's design.
func (pl *plan) traffic(c *catalog.Catalog, p *progress, names []string, seed uint64) (*rehearse.Traffic, error) {
	return pl.playTraffic(c, p, names, func(n *network.Network, step func()) (*rehearse.Traffic, error) {
		return rehearse.RunTraffic(n, names, seed, step)
	})
}

func (pl *plan) playTraffic(c *catalog.Catalog, p *progress, names []string, play func(n *network.Network, step func()) (*rehearse.Traffic, error)) (*rehearse.Traffic, error) {
	n, _ := network.Build(pl.design.Resources, pl.design.Premises, c, network.Options{})
	st := p.Stage("rehearse", len(names))
	t, err := play(n, func() { st.Step(1, "") })
	if err != nil {
		st.Fail("the estate cannot be run")
		return nil, outside(err)
	}
	words := count(len(t.Drills), "traffic drill")
	if slices.Contains(t.Drills, rehearse.ProviderBandwidthDrill) {
		as := 0
		for i := range t.ProviderBandwidth {
			if t.ProviderBandwidth[i].AsExpected {
				as++
			}
		}
		words += fmt.Sprintf(", %d of %s as expected", as, count(len(t.ProviderBandwidth), "throughput"))
	}
	if t.AsExpected {
		st.Done(words)
	} else {
		st.Fail(words)
	}
	return t, nil
}

// tellTraffic prints a result and says no where a throughput is not what it must be.
func (f *rehearseFlags) tellTraffic(w io.Writer, t *rehearse.Traffic) error {
	if f.junit != "" {
		if err := writeTrafficJUnit(f.junit, t); err != nil {
			return outside(err)
		}
	}
	var err error
	if f.asJSON {
		err = printJSON(w, t)
	} else {
		err = printTraffic(w, t)
	}
	if err != nil {
		return outside(err)
	}
	if !t.AsExpected {
		return failed(nil)
	}
	return nil
}

// printTraffic writes a table for each drill, then what the results rest on.
func printTraffic(w io.Writer, t *rehearse.Traffic) error {
	for i, name := range t.Drills {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s: %s\n", name, trafficWords()[name])
		if err := trafficTable(t, name).Print(w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w, "\nThe results rest on assumptions:")
	for _, a := range t.Assumptions {
		fmt.Fprintf(w, "  %s: %s\n", a.Name, a.Text)
	}
	return nil
}

func trafficTable(t *rehearse.Traffic, name string) *listing {
	switch name {
	case rehearse.VoiceDrill:
		return voiceTable(t.Voice)
	case rehearse.ProviderBandwidthDrill:
		return bandwidthTable(t.ProviderBandwidth)
	}
	return vpnTable(t.InternetVPN)
}

func voiceTable(list []rehearse.SaturatedCall) *listing {
	l := newListing("Line of business", "From", "To", "Peering", "Saturated", "Mbps", "Lost", "95 % within", "MOS", "With classes: lost", "95 % within", "MOS").Right(5, 6, 7, 8, 9, 10, 11)
	for i := range list {
		x := &list[i]
		l.Row(or(x.LineOfBusiness, "-"), x.From, x.To, x.Peering, x.Saturated, x.Mbps, percent(x.FirstCome.LostPercent), milliseconds(x.FirstCome.P95Ms), mos(&x.FirstCome),
			percent(x.Classes.LostPercent), milliseconds(x.Classes.P95Ms), mos(&x.Classes))
	}
	return l
}

func bandwidthTable(list []rehearse.SlowProvider) *listing {
	l := newListing("Line of business", "From", "To", "Access", "Provider", "Circuit", "Gateway", "Least", "Measured", "As expected").Right(3, 4, 5, 6, 7, 8)
	for i := range list {
		x := &list[i]
		as := "yes"
		if !x.AsExpected {
			as = "NO"
		}
		l.Row(or(x.LineOfBusiness, "-"), x.From, x.To, rate(x.Access), rate(x.Provider), rate(x.Circuit), rate(x.Gateway), rate(x.Least), fmt.Sprintf("%.2f Mbps", x.Measured), as)
	}
	return l
}

func vpnTable(list []rehearse.SideBySide) *listing {
	l := newListing("Line of business", "From", "To", "ExpressRoute: one way", "Jitter", "Lost", "MOS", "Rate", "VPN: one way", "Jitter", "Lost", "MOS", "Rate").Right(3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	for i := range list {
		x := &list[i]
		cells := []any{or(x.LineOfBusiness, "-"), x.From, x.To}
		for i, call := range []*rehearse.Call{&x.ExpressRoute, &x.VPN} {
			mbps := [...]float64{x.ExpressRouteMbps, math.Round(x.VPNMbps)}[i]
			cells = append(cells, milliseconds(call.OneWayMs), milliseconds(call.JitterMs), percent(call.LostPercent), mos(call), rate(mbps))
		}
		l.Row(cells...)
	}
	return l
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", x) }

func milliseconds(x float64) string { return fmt.Sprintf("%.1f ms", x) }

func mos(c *rehearse.Call) string { return fmt.Sprintf("%.2f", c.MOS) }

// rate is one for people; 0 is none.
func rate(mbps float64) string {
	if mbps == 0 {
		return "-"
	}
	return fmt.Sprintf("%g Mbps", mbps)
}
