package main

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"tailscale.com/net/tsaddr"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
)

const (
	domain      = "lab.ts.net"
	keyLifetime = 180 * 24 * time.Hour // Tailscale's own default
)

// tailnet is everything that the control server knows.
type tailnet struct {
	keys, tags []string
	network    netip.Prefix
	approve    []netip.Prefix
	relays     *tailcfg.DERPMap

	mu       sync.Mutex
	nodes    map[key.MachinePublic]*node
	admitted int // addresses are never given twice
}

// node is a machine that was admitted once.
type node struct {
	tailcfg.Node
	approved []netip.Prefix
	streams  map[chan struct{}]bool // one for each open poll; a message wakes it
}

// register answers a machine that wants to log in, to renew its key, or to log out.
func (t *tailnet) register(machine key.MachinePublic, request *tailcfg.RegisterRequest) tailcfg.RegisterResponse {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.nodes[machine]
	if known != nil && !request.Expiry.IsZero() && request.Expiry.Before(time.Now()) {
		known.KeyExpiry = time.Now()
		t.changed()
		return tailcfg.RegisterResponse{NodeKeyExpired: true}
	}
	switch {
	case request.Auth != nil && request.Auth.AuthKey != "":
		if !slices.Contains(t.keys, request.Auth.AuthKey) {
			return tailcfg.RegisterResponse{Error: "invalid key: API key does not exist"}
		}
		asked := request.Hostinfo.RequestTags
		if refused := slices.DeleteFunc(slices.Clone(asked), func(tag string) bool { return slices.Contains(t.tags, tag) }); len(refused) > 0 {
			return tailcfg.RegisterResponse{Error: fmt.Sprintf("requested tags [%s] are invalid or not permitted", strings.Join(refused, " "))}
		}
		if known == nil {
			known = t.admit(machine)
		}
		known.Key = request.NodeKey
		known.Tags = slices.Clone(asked)
		known.KeyExpiry = time.Time{} // the key of a node with tags does not expire
		if len(asked) == 0 {
			known.KeyExpiry = time.Now().Add(keyLifetime)
		}
		t.describe(known, request.Hostinfo)
	case known != nil && known.Key == request.NodeKey && !known.expired():
		t.describe(known, request.Hostinfo)
	default:
		return tailcfg.RegisterResponse{AuthURL: "http://login.invalid/" + machine.ShortString()}
	}
	t.changed()
	user := owner()
	return tailcfg.RegisterResponse{
		User:              tailcfg.User{ID: user.ID, DisplayName: user.DisplayName},
		Login:             tailcfg.Login{ID: 1, Provider: "lab", LoginName: user.LoginName, DisplayName: user.DisplayName},
		MachineAuthorized: true,
	}
}

func owner() tailcfg.UserProfile {
	return tailcfg.UserProfile{ID: 1, LoginName: "lab@example.invalid", DisplayName: "the lab"}
}

func (n *node) expired() bool { return !n.KeyExpiry.IsZero() && n.KeyExpiry.Before(time.Now()) }

// admit makes a node of a machine. The tailnet is locked.
func (t *tailnet) admit(machine key.MachinePublic) *node {
	t.admitted++
	address := t.network.Addr()
	for range t.admitted {
		address = address.Next()
	}
	admitted := &node{streams: map[chan struct{}]bool{}}
	admitted.ID = tailcfg.NodeID(t.admitted)
	admitted.StableID = tailcfg.StableNodeID(fmt.Sprintf("lab%d", t.admitted))
	admitted.User = owner().ID
	admitted.Machine = machine
	admitted.MachineAuthorized = true
	admitted.Created = time.Now()
	admitted.Addresses = []netip.Prefix{netip.PrefixFrom(address, 32), netip.PrefixFrom(tsaddr.Tailscale4To6(address), 128)}
	admitted.CapMap = tailcfg.NodeCapMap{tailcfg.CapabilitySSH: nil}
	t.nodes[machine] = admitted
	return admitted
}

// describe takes what a node says about itself. The tailnet is locked.
func (t *tailnet) describe(n *node, about *tailcfg.Hostinfo) {
	if about == nil {
		return
	}
	n.Hostinfo = about.View()
	n.Name = t.name(n, about.Hostname)
	if information := about.NetInfo; information != nil && information.PreferredDERP != 0 {
		n.HomeDERP = information.PreferredDERP
	}
}

// name is what a node is called; a second one of the same name gets a number.
func (t *tailnet) name(n *node, wanted string) string {
	wanted, _, _ = strings.Cut(strings.ToLower(wanted), ".")
	name := fmt.Sprintf("%s.%s.", wanted, domain)
	for number := 1; ; number++ {
		taken := false
		for _, other := range t.nodes {
			taken = taken || other != n && other.Name == name && !other.expired()
		}
		if !taken {
			return name
		}
		name = fmt.Sprintf("%s-%d.%s.", wanted, number, domain)
	}
}

// routes are what a node advertises and somebody approved.
func (t *tailnet) routes(n *node) (routes []netip.Prefix) {
	if !n.Hostinfo.Valid() {
		return nil
	}
	for _, route := range n.Hostinfo.RoutableIPs().All() {
		within := slices.ContainsFunc(t.approve, func(allowed netip.Prefix) bool {
			return allowed.Bits() <= route.Bits() && allowed.Contains(route.Addr())
		})
		if within || slices.Contains(n.approved, route) {
			routes = append(routes, route)
		}
	}
	return routes
}

// seen is the node as it is told to itself and to others. The tailnet is locked.
func (t *tailnet) seen(n *node) *tailcfg.Node {
	seen := n.Node.Clone()
	routes := t.routes(n)
	online := len(n.streams) > 0
	seen.AllowedIPs = slices.Concat(seen.Addresses, routes)
	seen.PrimaryRoutes = routes
	seen.Online = &online
	seen.Expired = n.expired()
	return seen
}

// changed tells every node that something is new. The tailnet is locked.
func (t *tailnet) changed() {
	for _, n := range t.nodes {
		for stream := range n.streams {
			select {
			case stream <- struct{}{}:
			default: // it will wake anyway
			}
		}
	}
}

// sorted are the nodes in the order in which they came. The tailnet is locked.
func (t *tailnet) sorted() []*node {
	var nodes []*node
	for _, n := range t.nodes {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *node) int { return int(a.ID - b.ID) })
	return nodes
}
