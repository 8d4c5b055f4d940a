package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

// A socks is a SOCKS5 proxy (RFC 1928) without authentication, which knows the
// hosts of one site and reaches nothing else.
type socks struct {
	addr  string
	hosts map[string]string // host:port as asked for -> where it is

	mu    sync.Mutex
	asked []string
}

func newSocks(t *testing.T, hosts map[string]string) *socks {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	s := &socks{addr: l.Addr().String(), hosts: hosts}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = s.serve(c)
			}()
		}
	}()
	return s
}

func (s *socks) serve(c net.Conn) error {
	head := make([]byte, 2)
	if _, err := io.ReadFull(c, head); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, c, int64(head[1])); err != nil {
		return err
	}
	if _, err := c.Write([]byte{5, 0}); err != nil {
		return err
	}
	req := make([]byte, 4)
	if _, err := io.ReadFull(c, req); err != nil {
		return err
	}
	var host string
	switch req[3] {
	case 1:
		b := make([]byte, 4)
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		host = net.IP(b).String()
	case 3:
		n := make([]byte, 1)
		if _, err := io.ReadFull(c, n); err != nil {
			return err
		}
		b := make([]byte, n[0])
		if _, err := io.ReadFull(c, b); err != nil {
			return err
		}
		host = string(b)
	default:
		return fmt.Errorf("address type %d", req[3])
	}
	port := make([]byte, 2)
	if _, err := io.ReadFull(c, port); err != nil {
		return err
	}
	name := net.JoinHostPort(host, fmt.Sprint(binary.BigEndian.Uint16(port)))
	s.mu.Lock()
	s.asked = append(s.asked, name)
	s.mu.Unlock()
	to, err := net.Dial("tcp", s.hosts[name])
	if s.hosts[name] == "" || err != nil {
		_, err := c.Write([]byte{5, 4, 0, 1, 0, 0, 0, 0, 0, 0}) // host unreachable
		return err
	}
	defer to.Close()
	if _, err := c.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}); err != nil {
		return err
	}
	go func() { _, _ = io.Copy(to, c); _ = to.Close() }()
	_, err = io.Copy(c, to)
	return err
}

func (s *socks) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

func hostOf(t *testing.T, address string) string {
	u, err := url.Parse(address)
	require.NoError(t, err)
	return u.Host
}

func TestProxyFlag(t *testing.T) {
	// Nobody would see that cameras were reached by way of these.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	cam, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{TLS: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = cam.Close() })
	const name = "gate.site.invalid" // only the proxy can resolve it
	s := newSocks(t, map[string]string{name + ":443": hostOf(t, cam.Addr())})
	code, out, errs := camsecRun(t, "trust", name, "-proxy", "socks5h://"+s.addr, "-json")
	require.Zero(t, code, errs)
	pin, _ := parse(t, out)["devices"].([]any)[0].(map[string]any)["pin"].(string)
	require.NotEmpty(t, pin)
	for _, scheme := range []string{"socks5h://", "socks5://"} {
		code, out, errs = camsecRun(t, "inventory", name, "-proxy", scheme+s.addr, "-json", "-pin", pin,
			"-user", cam.User(), "-password-file", passwordFile(t, cam.Password()), "-state", t.TempDir())
		require.Zero(t, code, errs)
		assert.NotNil(t, parse(t, out)["devices"].([]any)[0].(map[string]any)["model"])
	}
	assert.Equal(t, []string{name + ":443", name + ":443", name + ":443"}, s.all(), "every dial, and names are the proxy's to resolve")

	code, out, errs = camsecRun(t, "inventory", "nobody.site.invalid", "-proxy", "socks5h://"+s.addr, "-json", "-state", t.TempDir())
	assert.Equal(t, exitUnknown, code, errs)
	dev := parse(t, out)["devices"].([]any)[0].(map[string]any)
	assert.Equal(t, "unreachable", dev["error"].(map[string]any)["code"])
}

// The same address at two sites, each behind a proxy of its own and with its
// own password.
func TestProxyOfARow(t *testing.T) {
	dir := t.TempDir()
	var list strings.Builder
	list.WriteString("address,id,scope,user,secret,proxy\n")
	models := map[string]string{}
	var cams []*isapitest.Device
	var proxies []*socks
	for _, scope := range []string{"north", "south"} {
		p := isapitest.CurrentCamera()
		p.Password, p.Model = "Pass-Of-"+scope+"-1", "DS-TEST-"+scope
		cam := isapitest.New(t, p)
		s := newSocks(t, map[string]string{"192.168.1.64:80": hostOf(t, cam.Addr())})
		pw := filepath.Join(dir, scope)
		require.NoError(t, os.WriteFile(pw, []byte(p.Password), 0o600))
		fmt.Fprintf(&list, "http://192.168.1.64,gate,%s,%s,file:%s,socks5h://%s\n", scope, p.User, pw, s.addr)
		models[scope] = p.Model
		cams, proxies = append(cams, cam), append(proxies, s)
	}
	file := filepath.Join(dir, "all.csv")
	require.NoError(t, os.WriteFile(file, []byte(list.String()), 0o600))
	for range 2 {
		code, out, errs := camsecRun(t, "inventory", "-inventory", file, "-json", "-state", dir)
		require.Zero(t, code, errs)
		for _, d := range parse(t, out)["devices"].([]any) {
			m := d.(map[string]any)
			assert.Equal(t, models[m["scope"].(string)], m["model"])
		}
	}
	for i, cam := range cams {
		assert.Zero(t, cam.Host().FailedLogins())
		assert.Len(t, proxies[i].all(), 2)
	}
}

func TestProxyErrors(t *testing.T) {
	for _, p := range []string{"http://127.0.0.1:3128", "socks5h://127.0.0.1", "socks5h://user:hunter2@127.0.0.1:1080", "socks4://127.0.0.1:1", "hunter2", "socks5h://127.0.0.1:1080/x"} {
		code, _, errs := camsecRun(t, "inventory", "192.0.2.1", "-proxy", p, "-state", t.TempDir())
		assert.Equal(t, exitUsage, code, p)
		assert.Contains(t, errs, "-proxy")
		assert.NotContains(t, errs, "hunter2")
	}
}

func TestProxyDialEndsWithTheContext(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // accepts and says nothing
	require.NoError(t, err)
	defer l.Close()
	dial, err := proxyDialer("socks5h://" + l.Addr().String())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan struct{})
	go func() {
		if c, err := l.Accept(); err == nil {
			close(accepted)
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		}
	}()
	go func() { <-accepted; cancel() }()
	_, err = dial(ctx, "tcp", "192.0.2.1:80")
	require.Error(t, err)
}
