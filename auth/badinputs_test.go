package auth_test

import (
	"context"
	"crypto/md5" //nolint:gosec // the hash that must not be found in errors
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/wire"
)

// Logins and bounded exchanges together, as drivers use them, against devices
// that misbehave. The numbers are those of the project's list of bad inputs.

// exchange sends one request through login and limits and reads the reply.
func exchange(t *testing.T, rt http.RoundTripper, method, url, body string) (*wire.Response, error) {
	t.Helper()
	var b io.Reader
	if body != "" {
		b = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, b)
	require.NoError(t, err)
	resp, err := wire.Do(rt, req, wire.Limits{})
	harmless(t, err)
	return resp, err
}

// harmless looks for the passwords of these tests in an error, as they are and
// as they might be written.
func harmless(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	text := strings.ToLower(fmt.Sprintf("%v %+v %#v", err, err, err))
	for _, password := range []string{right, wrong} {
		a1 := md5.Sum([]byte("u:IP Camera(TEST):" + password)) //nolint:gosec // see the import
		for _, s := range []string{
			password, base64.StdEncoding.EncodeToString([]byte(password)), base64.StdEncoding.EncodeToString([]byte("u:" + password)),
			hex.EncodeToString([]byte(password)), hex.EncodeToString(a1[:]), "response=",
		} {
			require.NotContains(t, text, strings.ToLower(s))
		}
	}
}

// onWire is a transport as drivers make it, over the host's network.
func onWire(t *testing.T, dial authtest.DialFunc) *http.Transport {
	t.Helper()
	rt := wire.NewHTTPTransport(wire.TransportOptions{DialContext: dial, TLS: &tls.Config{InsecureSkipVerify: true}}) //nolint:gosec // trust has tests of its own
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

// bare is a device on loopback whose handler does all, the login included.
type bare struct {
	address               string
	connections, requests atomic.Int64
}

func newBare(t *testing.T, handler http.HandlerFunc) *bare {
	t.Helper()
	d := &bare{}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.requests.Add(1)
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			d.connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	d.address = s.Listener.Addr().String()
	return d
}

func (d *bare) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, d.address)
}

const md5Challenge = `Digest realm="IP Camera(TEST)", qop="auth", nonce="n1"`

func TestBadChallenges(t *testing.T) {
	t.Run("case 3: an empty challenge", func(t *testing.T) {
		o := &odd{answer: func(_ int, r *http.Request) *http.Response { return says(r, 401, challenge, "") }}
		_, err := exchange(t, transport(t, o, right, nil), "GET", deviceURL, "")
		require.Equal(t, auth.KindNoChallenge, kindOf(t, err))
		require.ErrorIs(t, err, camsec.ErrUnauthorized)
		require.Len(t, o.seen, 1)
		require.Zero(t, o.credentials())
	})
	t.Run("case 6: a nonce of 4 KB", func(t *testing.T) {
		nonce := strings.Repeat("n", 4<<10)
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			if strings.Contains(r.Header.Get("Authorization"), `nonce="`+nonce+`"`) {
				return says(r, 200)
			}
			return says(r, 401, challenge, `Digest realm="r", qop="auth", nonce="`+nonce+`"`)
		}}
		_, err := exchange(t, transport(t, o, right, nil), "GET", deviceURL, "")
		require.NoError(t, err)
		require.Len(t, o.seen, 2)
	})
	t.Run("case 8: unknown first, MD5 second", func(t *testing.T) {
		h := newHost(t, nil)
		base := h.Transport()
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			resp, err := base.RoundTrip(r)
			require.NoError(t, err)
			if resp.StatusCode == http.StatusUnauthorized {
				resp.Header[challenge] = append([]string{`Digest realm="x", nonce="x", qop="auth", algorithm=SHA3-512`}, resp.Header[challenge]...)
			}
			return resp
		}}
		resp, err := exchange(t, transport(t, o, right, nil), "GET", deviceURL, "")
		require.NoError(t, err)
		require.Equal(t, "fine", string(resp.Body))
		require.Zero(t, h.FailedLogins())
	})
	t.Run("case 19: nextnonce with each answer", func(t *testing.T) {
		served := 0 // nonces serve once, n1 first
		o := &odd{answer: func(_ int, r *http.Request) *http.Response {
			next := fmt.Sprintf("n%d", served+1)
			if a := r.Header.Get("Authorization"); strings.Contains(a, `nonce="`+next+`"`) && strings.Contains(a, "nc=00000001") {
				served++
				return says(r, 200, "Authentication-Info", fmt.Sprintf(`nextnonce="n%d"`, served+1))
			}
			return says(r, 401, challenge, `Digest realm="r", qop="auth", nonce="`+next+`"`)
		}}
		rt := transport(t, o, right, nil)
		for range 10 {
			_, err := exchange(t, rt, "GET", deviceURL, "")
			require.NoError(t, err)
		}
		require.Len(t, o.seen, 11, "one request a call from the second on")
	})
	t.Run("case 21: auth-int only", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) {
			o.Qop = "auth-int"
			o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		})
		rt := transport(t, h.Transport(), right, nil)
		for _, body := range []string{"<v>1</v>", "<v>2</v>", ""} {
			resp, err := exchange(t, rt, "PUT", deviceURL, body)
			require.NoError(t, err)
			require.Equal(t, body, string(resp.Body))
		}
		require.Equal(t, 4, h.Requests())

		before := h.Requests()
		for _, rt := range []*auth.Transport{rt, transport(t, h.Transport(), right, nil)} { // proven, and not
			unseekable := io.MultiReader(strings.NewReader(strings.Repeat("x", 2<<20)))
			req, err := http.NewRequestWithContext(t.Context(), "PUT", deviceURL, unseekable)
			require.NoError(t, err)
			_, err = wire.Do(rt, req, wire.Limits{})
			require.Equal(t, auth.KindBody, kindOf(t, err))
			harmless(t, err)
		}
		require.Equal(t, before, h.Requests(), "refused before sending")
		require.Zero(t, h.FailedLogins())
	})
	for name, algorithm := range map[string]string{"MD5": authtest.MD5Sess, "SHA-256": authtest.SHA256Sess, "SHA-512-256": authtest.SHA512256Sess} {
		t.Run("case 22: "+name+"-sess", func(t *testing.T) {
			h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{algorithm} })
			rt := transport(t, h.Transport(), right, nil)
			for range 3 {
				_, err := exchange(t, rt, "GET", deviceURL, "")
				require.NoError(t, err)
			}
			require.Equal(t, 4, h.Requests())
			h.ExpireNonces()
			_, err := exchange(t, rt, "GET", deviceURL, "")
			require.NoError(t, err, "the session begins anew with the next nonce")
			require.Zero(t, h.FailedLogins())
		})
	}
	for name, algorithm := range map[string]string{"MD5": authtest.MD5, "SHA-256": authtest.SHA256} {
		t.Run("case 23: userhash with "+name, func(t *testing.T) {
			h := newHost(t, func(o *authtest.Options) { o.Algorithms, o.UserHash = []string{algorithm}, true })
			o := &odd{}
			base := h.Transport()
			o.answer = func(_ int, r *http.Request) *http.Response {
				resp, err := base.RoundTrip(r)
				require.NoError(t, err)
				return resp
			}
			_, err := exchange(t, transport(t, o, right, nil), "GET", deviceURL, "")
			require.NoError(t, err)
			sent := o.seen[len(o.seen)-1].Header.Get("Authorization")
			require.Contains(t, sent, "userhash=true")
			require.NotContains(t, sent, `username="u"`)
		})
	}
	t.Run("a name in UTF-8", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) { o.UTF8, o.Users = true, map[string]string{"Jäsøn": right} })
		rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
			o.Source = auth.Static("Jäsøn", camsec.NewSecret([]byte(right)))
		})
		_, err := exchange(t, rt, "GET", deviceURL, "")
		require.NoError(t, err)
	})
}

func TestBadRefusals(t *testing.T) {
	t.Run("case 26: a 401 whose body never ends", func(t *testing.T) {
		h := newBare(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				okHandler(w, r)
				return
			}
			w.Header().Set(challenge, md5Challenge)
			w.WriteHeader(http.StatusUnauthorized)
			for { // until the client lets go
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		})
		var read atomic.Int64
		rt := transport(t, onWire(t, counted(h.dial, &read)), right, nil)
		resp, err := exchange(t, rt, "GET", deviceURL, "")
		require.NoError(t, err)
		require.Equal(t, "fine", string(resp.Body))
		require.LessOrEqual(t, read.Load(), int64(80<<10), "64 KiB, and what was in the buffers")
		require.EqualValues(t, 2, h.connections.Load(), "the first one is dropped")
	})
	t.Run("case 27: 401 with Connection: close", func(t *testing.T) {
		h := newBare(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				okHandler(w, r)
				return
			}
			w.Header().Set("Connection", "close")
			w.Header().Set(challenge, md5Challenge)
			w.WriteHeader(http.StatusUnauthorized)
		})
		rt := transport(t, onWire(t, h.dial), right, nil)
		for range 5 {
			_, err := exchange(t, rt, "GET", deviceURL, "")
			require.NoError(t, err)
		}
		require.EqualValues(t, 2, h.connections.Load())
		require.EqualValues(t, 6, h.requests.Load(), "the nonce is kept")
	})
	for method, works := range map[string]bool{"GET": true, "PUT": false} {
		t.Run("case 28: 401, then a reset, "+method, func(t *testing.T) {
			var logins atomic.Int64
			h := newBare(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Header.Get("Authorization") == "":
					w.Header().Set(challenge, md5Challenge)
					w.WriteHeader(http.StatusUnauthorized)
				case logins.Add(1) == 1:
					reset(t, w)
				default:
					okHandler(w, r)
				}
			})
			rt := transport(t, onWire(t, h.dial), right, nil)
			_, err := exchange(t, rt, method, deviceURL, map[string]string{"PUT": "<v/>"}[method])
			if works {
				require.NoError(t, err)
				require.EqualValues(t, 2, logins.Load(), "once more, on a new connection")
				require.EqualValues(t, 2, h.connections.Load())
				return
			}
			require.Error(t, err)
			require.Equal(t, camsec.ReasonUnreachable, camsec.ReasonOf(err))
			require.EqualValues(t, 1, logins.Load(), "a write is not sent twice")
		})
	}
	for status, text := range map[int]string{http.StatusServiceUnavailable: "case 42: 503", http.StatusTooManyRequests: "case 43: 429"} {
		t.Run(text+" with Retry-After", func(t *testing.T) {
			h := newHost(t, nil)
			h.Script(authtest.Fault{Status: status, Header: http.Header{"Retry-After": {"2"}}, AfterLogin: true, Nth: 2})
			rt := transport(t, h.Transport(), right, nil)
			_, err := exchange(t, rt, "GET", deviceURL, "")
			require.NoError(t, err)
			before := h.Requests()
			_, err = exchange(t, rt, "GET", deviceURL, "")
			e, ok := errors.AsType[*wire.Error](err)
			require.True(t, ok, "%v", err)
			require.ErrorIs(t, err, camsec.ErrBusy)
			require.Equal(t, 2*time.Second, e.RetryAfter)
			require.Equal(t, 1, h.Requests()-before, "the patience is the caller's")
			_, err = exchange(t, rt, "GET", deviceURL, "")
			require.NoError(t, err)
			require.Equal(t, 2, h.Requests()-before, "the login still holds")
		})
	}
}

// Redirects are reported and never followed, whatever they point at.
func TestBadRedirects(t *testing.T) {
	for _, tc := range []struct {
		name, method, from, location, want string
		status                             int
	}{
		{"case 31: another origin", "GET", deviceURL, "http://192.0.2.9/login?x=1", "http://192.0.2.9/login", 302},
		{"case 32: the other origin is not met", "GET", deviceURL, "//192.0.2.9/", "//192.0.2.9/", 301},
		{"case 33: a loop", "GET", deviceURL, "/x", "/x", 302},
		{"case 34: a file", "GET", deviceURL, "file:///etc/passwd", "file:///etc/passwd", 302},
		{"case 35: 307 with a body", "PUT", deviceURL, "http://192.0.2.9/x", "http://192.0.2.9/x", 307},
		{"case 35: 308 to the same origin", "PUT", deviceURL, "/elsewhere", "/elsewhere", 308},
		{"case 132: https to http", "GET", "https://192.0.2.1/x", "http://192.0.2.1/x", "http://192.0.2.1/x", 302},
	} {
		for _, before := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, login first: %t", tc.name, !before), func(t *testing.T) {
				other := newHost(t, nil)
				var bodies []string
				moved := func(w http.ResponseWriter, r *http.Request) {
					b, _ := io.ReadAll(r.Body)
					bodies = append(bodies, string(b))
					w.Header().Set("Location", tc.location)
					w.WriteHeader(tc.status)
				}
				h := newHost(t, func(o *authtest.Options) {
					o.Handler = http.HandlerFunc(moved)
					if before {
						o.Public = func(*http.Request) bool { return true }
					}
				})
				secure, plain := 0, 0
				rt := transport(t, onWire(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
					if !strings.HasPrefix(addr, "192.0.2.1:") {
						return other.DialContext(ctx, network, addr)
					}
					if strings.HasSuffix(addr, ":443") {
						secure++
					} else {
						plain++
					}
					return h.DialContext(ctx, network, addr)
				}), right, nil)
				body := map[string]string{"PUT": "<v>secret</v>"}[tc.method]
				resp, err := exchange(t, rt, tc.method, tc.from, body)
				e, ok := errors.AsType[*wire.Error](err)
				require.True(t, ok, "%v", err)
				require.Equal(t, wire.KindRedirect, e.Kind)
				require.Equal(t, tc.want, e.Location)
				require.Contains(t, err.Error(), tc.want)
				require.Equal(t, tc.status, resp.Status)
				require.Zero(t, other.Requests(), "nothing at all goes there")
				require.Equal(t, []string{body}, bodies, "one request")
				if strings.HasPrefix(tc.from, "https:") {
					require.Zero(t, plain)
				} else {
					require.Zero(t, secure)
				}
			})
		}
	}
}

func TestCase48TwoCamerasBehindOneAddress(t *testing.T) {
	hosts := map[string]*authtest.Host{"8001": newHost(t, nil), "8002": newHost(t, nil)}
	hosts["8002"].SetUser("u", wrong) // right for this one
	budget, base := auth.NewMemoryBudget(nil), onWire(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		require.NoError(t, err)
		return hosts[port].DialContext(ctx, network, addr)
	})
	clients := map[string]*auth.Transport{}
	for port, password := range map[string]string{"8001": right, "8002": wrong} {
		clients[port] = transport(t, base, password, func(o *auth.TransportOptions) {
			o.Target, o.Budget = camsec.Target{Address: "192.0.2.1:" + port}, budget
		})
	}
	for range 10 {
		for port, rt := range clients {
			resp, err := exchange(t, rt, "GET", "http://192.0.2.1:"+port+"/x", "")
			require.NoError(t, err)
			require.Equal(t, "fine", string(resp.Body))
		}
	}
	for _, h := range hosts {
		require.Equal(t, 11, h.Requests(), "22 for 20 calls")
		require.Zero(t, h.FailedLogins())
	}
}

func TestCase148ZonesAndBrackets(t *testing.T) {
	for url, want := range map[string][2]string{ // what is dialed, and the Host field
		"http://[fe80::1%25eth0]/x":         {"[fe80::1%eth0]:80", "[fe80::1]"},
		"http://[fe80::1%25eth0]:8080/x":    {"[fe80::1%eth0]:8080", "[fe80::1]:8080"},
		"https://[fe80::1%25eth0]/x":        {"[fe80::1%eth0]:443", "[fe80::1]"},
		"http://[2001:db8::5]:80/x":         {"[2001:db8::5]:80", "[2001:db8::5]:80"},
		"http://[::ffff:192.0.2.1]:8000/x":  {"[::ffff:192.0.2.1]:8000", "[::ffff:192.0.2.1]:8000"},
		"https://[2001:DB8:0:0:0:0:0:5]/x":  {"[2001:DB8:0:0:0:0:0:5]:443", "[2001:DB8:0:0:0:0:0:5]"},
		"http://192.0.2.1:80/ISAPI/x?y=%25": {"192.0.2.1:80", "192.0.2.1:80"},
	} {
		t.Run(url, func(t *testing.T) {
			var dialed, host atomic.Value
			h := newHost(t, func(o *authtest.Options) {
				o.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { host.Store(r.Host); okHandler(w, r) })
			})
			rt := transport(t, onWire(t, func(ctx context.Context, network, addr string) (net.Conn, error) {
				dialed.Store(addr)
				return h.DialContext(ctx, network, addr)
			}), right, nil)
			for range 2 {
				_, err := exchange(t, rt, "GET", url, "")
				require.NoError(t, err)
			}
			require.Equal(t, want[0], dialed.Load())
			require.Equal(t, want[1], host.Load())
			require.Equal(t, 3, h.Requests(), "one origin, one login")
		})
	}
}

// counted counts what is read of a host's connections.
func counted(dial authtest.DialFunc, n *atomic.Int64) authtest.DialFunc {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return countedConn{c, n}, nil
	}
}

type countedConn struct {
	net.Conn
	n *atomic.Int64
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// reset ends a TCP connection as a device does that falls over.
func reset(t *testing.T, w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		return
	}
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
}

// What callers give may hold anything, too: it is escaped, or refused before
// a byte is sent.
func TestCase115OwnInputs(t *testing.T) {
	for _, user := range []string{`a"b`, `a\b`, `a\`, `]]>`, `a&b<c>'d'`, `a, uri="/x"`, `a=b`, "ä", " a ", "%41", ""} {
		for _, utf8 := range []bool{false, true} {
			t.Run(fmt.Sprintf("case 115: user %q, charset %t", user, utf8), func(t *testing.T) {
				password := `p"\` + user + `]]>&` + right
				h := newHost(t, func(o *authtest.Options) { o.UTF8, o.Users = utf8, map[string]string{user: password} })
				rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
					o.Source = auth.Static(user, camsec.NewSecret([]byte(password)))
				})
				_, err := exchange(t, rt, "GET", `http://192.0.2.1/x?a="b"&c=%22%0d`, "")
				require.NoError(t, err)
				log := h.Log()
				require.Equal(t, user, log[len(log)-1].User)
			})
		}
	}
	for _, user := range []string{"a:b", "a\x00b", "a\r\nX-Y: z", "a\tb", "a\x7f"} {
		t.Run(fmt.Sprintf("case 115: user %q", user), func(t *testing.T) {
			h := newHost(t, nil)
			rt := transport(t, h.Transport(), "", func(o *auth.TransportOptions) {
				o.Source = auth.Static(user, camsec.NewSecret([]byte(right)))
			})
			_, err := exchange(t, rt, "GET", deviceURL, "")
			require.Equal(t, auth.KindUser, kindOf(t, err))
			require.NotContains(t, err.Error(), user)
			require.Zero(t, h.Requests())
		})
	}
}
