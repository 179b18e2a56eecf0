// Command tailnet is the control server of a tailnet for the lab, and the relay that belongs to it: what hosts log in to instead of
// Tailscale's own. It speaks the protocol of real clients (tailscaled) and lives in memory only; tests/lab/tailnet starts it.
//
//	tailnet -address 10.213.77.1:8585 -network 100.64.0.0/24 -key tskey-auth-lab -tag tag:server -approve 10.9.0.0/16
//
// A node needs one of the keys, and may ask for the tags that are named; routes in the ranges to approve are approved, others wait for a
// request. The relay answers on the next port. See requests.go for what a test can ask for.
package main

import (
	"crypto/tls"
	"flag"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"

	"tailscale.com/derp/derpserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

// words is a flag that may be given several times.
type words []string

func (w *words) String() string { return strings.Join(*w, ",") }

func (w *words) Set(word string) error {
	*w = append(*w, word)
	return nil
}

func main() {
	address := flag.String("address", "127.0.0.1:8585", "where nodes log in; the relay is on the next port")
	network := flag.String("network", "100.64.0.0/24", "the range that nodes have their addresses from")
	var keys, tags, approve words
	flag.Var(&keys, "key", "a key that admits nodes")
	flag.Var(&tags, "tag", "a tag that nodes may ask for")
	flag.Var(&approve, "approve", "a range whose routes need nobody's approval")
	flag.Parse()

	listens, err := netip.ParseAddrPort(*address)
	if err != nil {
		log.Fatal(err)
	}
	tailnet := &tailnet{
		keys: keys, tags: tags, network: netip.MustParsePrefix(*network),
		relays: relays(netip.AddrPortFrom(listens.Addr(), listens.Port()+1)),
		nodes:  map[key.MachinePublic]*node{},
	}
	for _, prefix := range approve {
		tailnet.approve = append(tailnet.approve, netip.MustParsePrefix(prefix))
	}
	log.Fatal(http.ListenAndServe(*address, newControl(tailnet, "http://"+*address)))
}

// relays starts a relay (DERP) there and returns the map that leads nodes to it.
func relays(address netip.AddrPort) *tailcfg.DERPMap {
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		log.Fatal(err)
	}
	quiet := func(string, ...any) {}
	// The certificate is the test server's own: nodes are told not to look at it.
	server := httptest.NewUnstartedServer(derpserver.Handler(derpserver.New(key.NewNode(), quiet)))
	server.Listener.Close()
	server.Listener = listener
	server.Config.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // no HTTP/2: the relay takes the connection over
	server.StartTLS()
	return &tailcfg.DERPMap{Regions: map[int]*tailcfg.DERPRegion{1: {
		RegionID: 1, RegionCode: "lab", RegionName: "the lab",
		Nodes: []*tailcfg.DERPNode{{
			Name: "1a", RegionID: 1, HostName: "relay.lab.invalid", IPv4: address.Addr().String(), IPv6: "none",
			DERPPort: int(address.Port()), STUNPort: -1, InsecureForTests: true,
		}},
	}}}
}
