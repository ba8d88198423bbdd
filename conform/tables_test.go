package conform

import (
	"encoding/json"
	"testing"
)

func TestTablesAreReadAsAzureWritesThem(t *testing.T) {
	e := &estate{customers: map[string]bool{"172.16.0.1": true}}
	for _, x := range []struct {
		name string
		read func(json.RawMessage) ([]row, error)
		in   string
		want []row
	}{
		{"an address that does not answer is none", e.readARP, `{"value":[{"age":0,"interface":"On-Prem","ipAddress":"172.16.0.1","macAddress":"Incomplete"},{"age":0,"interface":"Microsoft","ipAddress":"172.16.0.2","macAddress":"aaaa.bbbb.cccc"}]}`, nil},
		{"one that answers is one", e.readARP, `{"value":[{"age":10,"interface":"On-Prem","ipAddress":"172.16.0.1","macAddress":"ffff.eeee.dddd"}]}`, []row{{key: "172.16.0.1", value: "answers"}}},
		{"a path's origin is no AS", e.readRoutes, `{"value":[{"network":"10.0.0.0/16","nextHop":"172.16.0.1","locPrf":"","weight":0,"path":"65010 65020 i"},{"network":"10.2.0.0/16","nextHop":"10.2.0.12","path":"65515"}]}`,
			[]row{{key: "10.0.0.0/16", value: "via 172.16.0.1, AS path 65010 65020"}, {key: "10.2.0.0/16", value: "AS path 65515", at: "via 10.2.0.12"}}},
		{"a neighbour's state stands where its prefixes would", e.readSummary, `{"value":[{"neighbor":"172.16.0.1","v":4,"as":65010,"upDown":"1w2d","statePfxRcd":"Active"},{"neighbor":"10.2.0.12","as":65515,"statePfxRcd":"1"}]}`,
			[]row{{key: "172.16.0.1", value: "Active"}}},
		{"what instances tell each other is not learned", readLearned, `{"value":[{"localAddress":"10.2.0.12","network":"10.0.0.0/16","nextHop":"10.2.0.4","sourcePeer":"10.2.0.4","origin":"EBgp","asPath":"12076-65010","weight":32769},{"localAddress":"10.2.0.12","network":"10.0.0.0/16","nextHop":"10.2.0.4","sourcePeer":"10.2.0.13","origin":"IBgp","asPath":"12076-65010","weight":32768}]}`,
			[]row{{key: "10.0.0.0/16", value: "AS path 12076 65010, weight 32769", at: "at 10.2.0.12 via 10.2.0.4"}}},
		{"only sessions with Microsoft's edge count", readPeers, `{"value":[{"localAddress":"10.2.0.12","neighbor":"10.2.0.4","asn":12076,"state":"Connected"},{"localAddress":"10.2.0.12","neighbor":"10.2.0.5","asn":12076,"state":"Idle"},{"localAddress":"10.2.0.12","neighbor":"10.2.0.13","asn":65515,"state":"Connected"}]}`,
			[]row{{key: "10.2.0.12 with 10.2.0.4", value: connected}, {key: "10.2.0.12 with 10.2.0.5", value: notConnected}}},
		{"each prefix and next hop of an effective route is a row", readEffective, `{"value":[{"source":"VirtualNetworkGateway","state":"Active","addressPrefix":["10.0.0.0/16","10.1.0.0/16"],"nextHopIpAddress":["10.2.0.4"],"nextHopType":"VirtualNetworkGateway"},{"source":"User","state":"Active","addressPrefix":["0.0.0.0/0"],"nextHopIpAddress":["10.9.0.4"],"nextHopType":"VirtualAppliance"},{"source":"Default","state":"Invalid","addressPrefix":["0.0.0.0/0"],"nextHopIpAddress":[],"nextHopType":"Internet"}]}`,
			[]row{{key: "10.0.0.0/16", value: "VirtualNetworkGateway (VirtualNetworkGateway, Active)", at: "10.2.0.4"}, {key: "10.1.0.0/16", value: "VirtualNetworkGateway (VirtualNetworkGateway, Active)", at: "10.2.0.4"},
				{key: "0.0.0.0/0", value: "VirtualAppliance 10.9.0.4 (User, Active)"}, {key: "0.0.0.0/0", value: "Internet (Default, Invalid)"}}},
	} {
		t.Run(x.name, func(t *testing.T) {
			got, err := x.read(json.RawMessage(x.in))
			if err != nil || !sameRows(got, x.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	for _, bad := range []string{"", "null x", `{"value":{}}`, `[`} {
		if _, err := readLearned(json.RawMessage(bad)); err == nil {
			t.Errorf("%q is a table", bad)
		}
	}
}

func FuzzTables(f *testing.F) {
	f.Add([]byte(`{"value":[{"network":"10.0.0.0/16","nextHop":"172.16.0.1","path":"65010","ipAddress":"172.16.0.1","macAddress":"m","neighbor":"172.16.0.1","statePfxRcd":"3","asn":12076,"state":"Connected","addressPrefix":["::/0"],"weight":-1}]}`))
	f.Add([]byte(`{"value":null}`))
	e := &estate{customers: map[string]bool{"172.16.0.1": true}}
	f.Fuzz(func(t *testing.T, b []byte) {
		k := tableKey{kind: peersTable}
		for _, read := range []func(json.RawMessage) ([]row, error){e.readARP, e.readRoutes, e.readSummary, readLearned, readAdvertised, readPeers, readEffective} {
			rows, err := read(b)
			if err != nil {
				continue
			}
			ts := tables{k: rows}
			if d := differences(ts, ts); len(d) != 0 {
				t.Errorf("a table differs from itself: %+v", d)
			}
			if d := differences(ts.blind(), ts.blind()); len(d) != 0 {
				t.Errorf("without addresses a table differs from itself: %+v", d)
			}
		}
	})
}
