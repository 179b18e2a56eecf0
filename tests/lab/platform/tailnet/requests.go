package main

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"time"
)

// requests adds what a test may ask for, as an administrator would with a real tailnet:
//
//	GET  /lab/nodes                            the nodes, with tags, routes and the end of their key
//	POST /lab/expire?name=kp1&in=-1s           the end of a node's key, from now on
//	POST /lab/approve?name=kp1&route=10.9.0.0/24
//	POST /lab/remove?name=kp1                  the node is forgotten
func (t *tailnet) requests(mux *http.ServeMux) {
	mux.HandleFunc("GET /lab/nodes", func(w http.ResponseWriter, _ *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		listed := []listedNode{}
		for _, n := range t.sorted() {
			one := listedNode{Name: n.Name, Addresses: n.Addresses, Tags: n.Tags, Routes: t.routes(n), Online: len(n.streams) > 0, Expired: n.expired()}
			if n.Hostinfo.Valid() {
				one.Advertised = n.Hostinfo.RoutableIPs().AsSlice()
			}
			listed = append(listed, one)
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(listed)
	})
	t.about(mux, "POST /lab/expire", func(n *node, r *http.Request) error {
		in, err := time.ParseDuration(r.FormValue("in"))
		if err == nil {
			n.KeyExpiry = time.Now().Add(in)
		}
		return err
	})
	t.about(mux, "POST /lab/approve", func(n *node, r *http.Request) error {
		route, err := netip.ParsePrefix(r.FormValue("route"))
		if err == nil {
			n.approved = append(n.approved, route)
		}
		return err
	})
	t.about(mux, "POST /lab/remove", func(n *node, _ *http.Request) error {
		delete(t.nodes, n.Machine)
		return nil
	})
}

type listedNode struct {
	Name       string
	Addresses  []netip.Prefix
	Tags       []string
	Advertised []netip.Prefix
	Routes     []netip.Prefix
	Online     bool
	Expired    bool
}

// about adds a request about the node that it names; a node whose key has expired gives way to one that has not.
func (t *tailnet) about(mux *http.ServeMux, pattern string, do func(*node, *http.Request) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		t.mu.Lock()
		defer t.mu.Unlock()
		var named *node
		for _, n := range t.sorted() {
			if n.Name == r.FormValue("name")+"."+domain+"." && (named == nil || named.expired()) {
				named = n
			}
		}
		if named == nil {
			http.Error(w, "no such node", http.StatusNotFound)
			return
		}
		if err := do(named, r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		t.changed()
	})
}
