package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"golang.org/x/net/http2"
	"tailscale.com/control/controlhttp/controlhttpserver"
	"tailscale.com/tailcfg"
	"tailscale.com/types/key"
	"tailscale.com/util/zstdframe"
)

const largestMessage = 1 << 20

// control answers nodes: in the clear they get its key, and everything else over a connection encrypted with that.
type control struct {
	tailnet *tailnet
	private key.MachinePrivate
	inner   *http.ServeMux
}

type machineOf struct{} // the key of a request's context that holds the machine which sent it

func newControl(tailnet *tailnet, base string) http.Handler {
	c := &control{tailnet: tailnet, private: key.NewMachine(), inner: http.NewServeMux()}
	c.inner.HandleFunc("POST /machine/register", c.register)
	c.inner.HandleFunc("POST /machine/map", c.mapping)
	c.inner.HandleFunc("POST /machine/update-health", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	outer := http.NewServeMux()
	outer.HandleFunc("GET /key", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(tailcfg.OverTLSPublicKeyResponse{LegacyPublicKey: c.private.Public(), PublicKey: c.private.Public()})
	})
	outer.HandleFunc("POST /ts2021", c.upgrade)
	outer.HandleFunc("GET /generate_204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	tailnet.requests(outer)
	return outer
}

func (c *control) upgrade(w http.ResponseWriter, r *http.Request) {
	connection, err := controlhttpserver.AcceptHTTP(r.Context(), w, r, c.private, nil)
	if err != nil {
		return
	}
	defer connection.Close()
	var server http2.Server
	server.ServeConn(connection, &http2.ServeConnOpts{
		Context:    context.WithValue(r.Context(), machineOf{}, connection.Peer()),
		BaseConfig: &http.Server{Handler: c.inner},
	})
}

// read decodes a node's message; where it cannot, it has answered already.
func read(w http.ResponseWriter, r *http.Request, into any) (key.MachinePublic, bool) {
	machine, known := r.Context().Value(machineOf{}).(key.MachinePublic)
	message, err := io.ReadAll(io.LimitReader(r.Body, largestMessage))
	if err == nil {
		err = json.Unmarshal(message, into)
	}
	if err != nil || !known {
		http.Error(w, "not a message of a node", http.StatusBadRequest)
		return machine, false
	}
	return machine, true
}

func (c *control) register(w http.ResponseWriter, r *http.Request) {
	request := &tailcfg.RegisterRequest{Hostinfo: &tailcfg.Hostinfo{}}
	if machine, ok := read(w, r, request); ok {
		json.NewEncoder(w).Encode(c.tailnet.register(machine, request))
	}
}

// mapping takes what a node says about itself, or tells it of all others, now and whenever something changes.
func (c *control) mapping(w http.ResponseWriter, r *http.Request) {
	request := &tailcfg.MapRequest{}
	machine, ok := read(w, r, request)
	if !ok {
		return
	}
	wake := make(chan struct{}, 1)
	leave, known := c.tailnet.poll(machine, request, wake)
	if !known {
		http.Error(w, "node not found", http.StatusNotFound)
		return
	}
	defer leave()
	for {
		response := c.tailnet.response(machine)
		if response == nil || send(w, request.Compress, response) != nil || !request.Stream {
			return
		}
		for asleep := true; asleep; {
			select {
			case <-r.Context().Done():
				return
			case <-wake:
				asleep = false
			case <-time.After(50 * time.Second):
				if send(w, request.Compress, &tailcfg.MapResponse{KeepAlive: true}) != nil {
					return
				}
			}
		}
	}
}

// send writes one message: its length, then itself.
func send(w http.ResponseWriter, compress string, response *tailcfg.MapResponse) error {
	message, err := json.Marshal(response)
	if err != nil {
		return err
	}
	if compress == "zstd" {
		message = zstdframe.AppendEncode(nil, message, zstdframe.FastestCompression)
	}
	if _, err = w.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(message)))); err == nil {
		_, err = w.Write(message)
	}
	w.(http.Flusher).Flush()
	return err
}

// poll takes note of a node that asks: what it says about itself, and, if it stays to listen, that it is online until leave is called.
func (t *tailnet) poll(machine key.MachinePublic, request *tailcfg.MapRequest, wake chan struct{}) (leave func(), known bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.nodes[machine]
	if n == nil || n.Key != request.NodeKey {
		return nil, false
	}
	if !request.Stream && !request.ReadOnly {
		n.Endpoints = request.Endpoints
		n.DiscoKey = request.DiscoKey
		n.Cap = request.Version
		t.describe(n, request.Hostinfo)
		t.changed()
	}
	if !request.Stream || request.ReadOnly {
		return func() {}, true
	}
	n.streams[wake] = true
	t.changed()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(n.streams, wake)
		t.changed()
	}, true
}

// response is all that a machine is told; nil if it is no node any more.
func (t *tailnet) response(machine key.MachinePublic) *tailcfg.MapResponse {
	t.mu.Lock()
	defer t.mu.Unlock()
	self := t.nodes[machine]
	if self == nil {
		return nil
	}
	now := time.Now()
	response := &tailcfg.MapResponse{
		Node: t.seen(self), DERPMap: t.relays, Domain: domain, ControlTime: &now, PacketFilter: tailcfg.FilterAllowAll,
		UserProfiles: []tailcfg.UserProfile{owner()}, DNSConfig: &tailcfg.DNSConfig{Domains: []string{domain}, Proxied: true},
		SSHPolicy: &tailcfg.SSHPolicy{Rules: []*tailcfg.SSHRule{{
			Principals: []*tailcfg.SSHPrincipal{{Any: true}}, SSHUsers: map[string]string{"*": "="}, Action: &tailcfg.SSHAction{Accept: true},
		}}},
	}
	for _, n := range t.sorted() {
		if n != self {
			response.Peers = append(response.Peers, t.seen(n))
		}
	}
	return response
}
