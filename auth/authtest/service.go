package authtest

import (
	"net"
	"strings"
	"syscall"
)

// dialService opens a connection to what answers beside HTTP; ok is false where
// HTTP does.
func (h *Host) dialService(network, port, from string) (conn net.Conn, ok bool, err error) {
	if h.opts.Service == nil || port == "80" || port == "443" {
		return nil, false, nil
	}
	network = strings.TrimRight(network, "46")
	serve, ok := h.opts.Service(network, port)
	if !ok {
		return nil, false, nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if serve == nil || h.down || h.closed {
		return nil, true, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	client, server := net.Pipe()
	end := &serviceConn{Conn: server, remote: pipeAddr(net.JoinHostPort(from, "40001"))}
	if h.served == nil {
		h.served = map[net.Conn]bool{}
	}
	h.served[end] = true
	go func() {
		serve(end)
		_ = end.Close()
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.served, end)
	}()
	return client, true, nil
}

type serviceConn struct {
	net.Conn
	remote net.Addr
}

func (c *serviceConn) RemoteAddr() net.Addr { return c.remote }
