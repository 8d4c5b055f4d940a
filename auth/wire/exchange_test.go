package wire_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A device answers each connection with script, after it has read a request.
type device struct {
	script func(c net.Conn, r *http.Request)
	dials  atomic.Int32
	wrap   func(net.Conn) net.Conn // the client's end
}

func (d *device) dial(context.Context, string, string) (net.Conn, error) {
	d.dials.Add(1)
	client, server := net.Pipe()
	gone, cancel := context.WithCancel(context.Background())
	client = letGo{client, cancel}
	go func() {
		defer server.Close()
		defer cancel()
		br := bufio.NewReader(server)
		for {
			req, err := http.ReadRequest(br)
			if err != nil {
				return
			}
			d.script(server, req.WithContext(gone))
			if req.Header.Get("X-Again") == "" {
				return
			}
		}
	}()
	if d.wrap != nil {
		return d.wrap(client), nil
	}
	return client, nil
}

// letGo tells the device that the client has closed its end.
type letGo struct {
	net.Conn
	tell func()
}

func (l letGo) Close() error {
	l.tell()
	return l.Conn.Close()
}

func says(raw string) func(net.Conn, *http.Request) {
	return func(c net.Conn, _ *http.Request) { _, _ = io.WriteString(c, raw) }
}

func (d *device) transport(t *testing.T) *http.Transport {
	rt := wire.NewHTTPTransport(wire.TransportOptions{DialContext: d.dial})
	t.Cleanup(rt.CloseIdleConnections)
	return rt
}

func get(t *testing.T) *http.Request {
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://camera.test/ISAPI/System/deviceInfo", nil)
	require.NoError(t, err)
	return req
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return b.String()
}

func answer(body string, headers ...string) string {
	h := ""
	for _, l := range headers {
		h += l + "\r\n"
	}
	return fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", h, len(body), body)
}

func repeat(c net.Conn, s string) {
	for {
		if _, err := io.WriteString(c, s); err != nil {
			return
		}
	}
}

func TestDoFraming(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	small := wire.Limits{Body: 4096}
	for _, tc := range []struct {
		name   string
		script func(net.Conn, *http.Request)
		lim    wire.Limits
		kind   wire.Kind // 0 with body: works
		body   string
		text   string // part of the error
	}{
		{name: "case 50 length too long", script: says(ok + "Content-Length: 10\r\n\r\n<a/>"), kind: wire.KindTruncated},
		{name: "case 51 length too short", script: says(ok + "Content-Length: 4\r\nConnection: close\r\n\r\n<a/>xxxx"), body: "<a/>"},
		{name: "case 52 two lengths", script: says(ok + "Content-Length: 4\r\nContent-Length: 5\r\n\r\n<a/>x"), kind: wire.KindProtocol},
		{name: "case 53 length and chunked", script: says(ok + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n0\r\n\r\n"), body: "<a/>"},
		{name: "case 54 negative length", script: says(ok + "Content-Length: -4\r\n\r\n<a/>"), kind: wire.KindProtocol},
		{name: "case 55 close-delimited", script: says(ok + "\r\n<a/>"), body: "<a/>"},
		{name: "case 56 bad chunk", script: says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\n<a/>\r\n0\r\n\r\n"), kind: wire.KindProtocol},
		{name: "case 57 one-byte chunks", script: says(ok + "Transfer-Encoding: chunked\r\n\r\n1\r\n<\r\n1\r\na\r\n1\r\n/\r\n1\r\n>\r\n0\r\n\r\n"), body: "<a/>"},
		{name: "case 58 10 GB promised", script: says(ok + "Content-Length: 10737418240\r\n\r\n<a>"), kind: wire.KindTooLarge},
		{name: "case 58 10 GB sent", script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, ok+"\r\n")
			repeat(c, strings.Repeat("a", 4096))
		}, kind: wire.KindTooLarge},
		{name: "case 59 endless chunked", script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, ok+"Transfer-Encoding: chunked\r\n\r\n")
			repeat(c, "100\r\n"+strings.Repeat("a", 256)+"\r\n")
		}, lim: small, kind: wire.KindTooLarge},
		{name: "case 66 HTTP/1.0", script: says("HTTP/1.0 200 OK\r\n\r\n<a/>"), body: "<a/>"},
		{name: "case 67 RTSP", script: says("RTSP/1.0 400 Bad Request\r\n\r\n"), kind: wire.KindProtocol, text: "RTSP port?"},
		{name: "case 68 headers without end", script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, ok)
			repeat(c, "X-Fill: "+strings.Repeat("a", 1000)+"\r\n")
		}, kind: wire.KindTooLarge},
		{name: "case 69 endless 100", script: func(c net.Conn, _ *http.Request) {
			repeat(c, "HTTP/1.1 100 Continue\r\nX: "+strings.Repeat("a", 100)+"\r\n\r\n")
		}, kind: wire.KindTooLarge},
		{name: "case 70 LF and folded header", script: says("HTTP/1.1 200 OK\nX-Long: a\n b\nContent-Length: 4\n\n<a/>"), body: "<a/>"},
		{name: "case 72 cut gzip", script: says(answer(gzipped("<a>" + strings.Repeat("x", 99) + "</a>")[:20], "Content-Encoding: gzip")), kind: wire.KindTruncated},
		{name: "case 72 whole gzip", script: says(answer(gzipped("<a/>"), "Content-Encoding: gzip")), body: "<a/>"},
		{name: "case 73 gzip bomb", script: says(answer(gzipped(strings.Repeat("a", 1<<20)), "Content-Encoding: gzip")), lim: small, kind: wire.KindTooLarge},
		{name: "case 74 says gzip, is XML", script: says(answer("\n<a/>", "Content-Encoding: gzip")), body: "\n<a/>"},
		{name: "case 74 says gzip, is something", script: says(answer("hello there, this is no gzip", "Content-Encoding: gzip")), kind: wire.KindEncoding},
		{name: "case 75 br", script: says(answer("<a/>", "Content-Encoding: br")), kind: wire.KindEncoding, text: "br"},
		{name: "case 74 says gzip, is white space", script: says(answer(strings.Repeat(" ", 100), "Content-Encoding: gzip")), kind: wire.KindEncoding},
		{name: "case 74 says gzip, is nothing", script: says(answer("", "Content-Encoding: gzip")), body: ""},
		{name: "case 75 br of nothing", script: says(answer("", "Content-Encoding: br")), body: ""},
		{name: "case 76 TLS bytes on http", script: says("\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"), kind: wire.KindProtocol, text: "https port?"},
		{name: "case 79 Date far off", script: says(answer("<a/>", "Date: Thu, 01 Jan 1970 00:00:00 GMT")), body: "<a/>"},
		{name: "case 80 empty", script: says(answer("")), body: ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dev := &device{script: tc.script}
			resp, err := wire.Do(dev.transport(t), get(t), tc.lim)
			if tc.kind == wire.KindUnknown {
				require.NoError(t, err)
				require.Equal(t, tc.body, string(resp.Body))
				return
			}
			require.Nil(t, resp)
			require.Equal(t, tc.kind, wire.KindOf(err), "%v", err)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.Contains(t, err.Error(), tc.text)
			require.Less(t, len(err.Error()), 600)
		})
	}
}

func TestDoBoundsMemory(t *testing.T) {
	bomb := answer(gzipped(strings.Repeat("a", 32<<20)), "Content-Encoding: gzip")
	for name, tc := range map[string]struct {
		script func(net.Conn, *http.Request)
		kind   wire.Kind
		most   uint64 // allocated in all, not at once
	}{
		"case 73 gzip bomb": {says(bomb), wire.KindTooLarge, 64 << 20},
		"case 58 body without end": {func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			repeat(c, strings.Repeat("a", 64<<10))
		}, wire.KindTooLarge, 64 << 20},
		"a small body of unknown length": {says("HTTP/1.1 200 OK\r\n\r\n" + strings.Repeat("a", 4000)), wire.KindUnknown, 1 << 20},
		"a small body, much promised":    {says("HTTP/1.1 200 OK\r\nContent-Length: 16000000\r\n\r\n<a/>"), wire.KindTruncated, 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			rt := (&device{script: tc.script}).transport(t)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := wire.Do(rt, get(t), wire.Limits{})
			runtime.ReadMemStats(&after)
			require.Equal(t, tc.kind, wire.KindOf(err))
			require.Less(t, after.TotalAlloc-before.TotalAlloc, tc.most)
		})
	}
}

func TestDoTimeouts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		script func(net.Conn, *http.Request)
		blind  bool // nobody takes the connection
		after  time.Duration
	}{
		{name: "case 60 slow header", after: 10 * time.Second, script: func(c net.Conn, _ *http.Request) {
			for range 100 {
				if _, err := io.WriteString(c, "H"); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		}},
		{name: "case 61 body stalls", after: 10 * time.Second, script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<a>")
			_, _ = io.Copy(io.Discard, c)
		}},
		{name: "case 61 body drips", after: 30 * time.Second, script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<a>")
			for range 100 {
				time.Sleep(4 * time.Second)
				if _, err := io.WriteString(c, "x"); err != nil {
					return
				}
			}
		}},
		{name: "case 62 silence", after: 10 * time.Second, script: func(c net.Conn, _ *http.Request) { _, _ = io.Copy(io.Discard, c) }},
		{name: "case 63 connect black hole", after: 5 * time.Second, blind: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dev := &device{script: tc.script}
				dial := dev.dial
				if tc.blind {
					dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
						<-ctx.Done()
						return nil, ctx.Err()
					}
				}
				rt := wire.NewHTTPTransport(wire.TransportOptions{DialContext: dial})
				start := time.Now()
				resp, err := wire.Do(rt, get(t), wire.Limits{})
				took := time.Since(start)
				rt.CloseIdleConnections()
				time.Sleep(time.Minute) // on the bubble's clock: the device notices
				require.Nil(t, resp)
				ne, ok := errors.AsType[net.Error](err)
				require.True(t, ok && ne.Timeout(), "%v", err)
				require.NotErrorIs(t, err, camsec.ErrMalformed)
				require.Equal(t, tc.after, took)
			})
		})
	}
}

func TestDoCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := &device{script: func(c net.Conn, _ *http.Request) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<a>")
			_, _ = io.Copy(io.Discard, c)
		}}
		rt := wire.NewHTTPTransport(wire.TransportOptions{DialContext: dev.dial})
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		_, err := wire.Do(rt, get(t).WithContext(ctx), wire.Limits{})
		require.ErrorIs(t, err, context.Canceled)
		require.NotErrorIs(t, err, camsec.ErrMalformed)
		require.Equal(t, 3*time.Second, time.Since(start))
	})
}

// resetConn ends as a reset connection does.
type resetConn struct{ net.Conn }

func (c resetConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if errors.Is(err, io.EOF) {
		err = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	}
	return n, err
}

func TestDoBrokenConnections(t *testing.T) {
	t.Run("case 64 close without answer", func(t *testing.T) {
		dev := &device{script: says("")}
		_, err := wire.Do(dev.transport(t), get(t), wire.Limits{})
		require.ErrorIs(t, err, io.EOF)
		require.NotErrorIs(t, err, camsec.ErrMalformed)
		require.Equal(t, camsec.ReasonUnreachable, camsec.ReasonOf(err))
		require.EqualValues(t, 1, dev.dials.Load())
	})
	t.Run("case 65 reset in the body", func(t *testing.T) {
		dev := &device{
			script: says("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n<a/>"),
			wrap:   func(c net.Conn) net.Conn { return resetConn{c} },
		}
		resp, err := wire.Do(dev.transport(t), get(t), wire.Limits{})
		require.Nil(t, resp)
		require.Equal(t, wire.KindTruncated, wire.KindOf(err))
		require.ErrorIs(t, err, syscall.ECONNRESET)
	})
	t.Run("case 71 204 with body", func(t *testing.T) {
		dev := &device{script: says("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\nConnection: close\r\n\r\n<a/>")}
		rt := dev.transport(t)
		for range 2 {
			resp, err := wire.Do(rt, get(t), wire.Limits{})
			require.NoError(t, err)
			require.Equal(t, http.StatusNoContent, resp.Status)
			require.Empty(t, resp.Body)
		}
	})
	t.Run("case 76 plain http on the https port", func(t *testing.T) {
		dial := func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			go func() {
				defer server.Close()
				_, _ = server.Read(make([]byte, 1))
				go func() { _, _ = io.Copy(io.Discard, server) }()
				_, _ = io.WriteString(server, "HTTP/1.1 400 Bad Request\r\n\r\n")
			}()
			return client, nil
		}
		rt := wire.NewHTTPTransport(wire.TransportOptions{DialContext: dial, TLS: &tls.Config{ServerName: "camera.test"}})
		defer rt.CloseIdleConnections()
		req := get(t)
		req.URL.Scheme = "https"
		_, err := wire.Do(rt, req, wire.Limits{})
		require.Equal(t, wire.KindProtocol, wire.KindOf(err), "%v", err)
		require.Contains(t, err.Error(), "http port?")
	})
	t.Run("case 77 keep-alive, then close", func(t *testing.T) {
		dev := &device{script: says(answer("<a/>", "Connection: keep-alive"))}
		rt := dev.transport(t)
		for range 3 {
			resp, err := wire.Do(rt, get(t), wire.Limits{})
			require.NoError(t, err)
			require.Equal(t, "<a/>", string(resp.Body))
		}
	})
	t.Run("case 78 early 413 during an upload", func(t *testing.T) {
		// The device reads no more of the upload and holds the connection open
		// until the client lets go of it. When it resets at once, net/http's
		// writer may lose the race against its reader, and the answer with it.
		dev := &device{script: func(c net.Conn, r *http.Request) {
			says("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\n<a/>")(c, r)
			<-r.Context().Done()
		}}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://camera.test/up", bytes.NewReader(make([]byte, 8<<20)))
		require.NoError(t, err)
		resp, err := wire.Do(dev.transport(t), req, wire.Limits{})
		require.NoError(t, err)
		require.Equal(t, http.StatusRequestEntityTooLarge, resp.Status)
	})
	t.Run("one connection serves many calls", func(t *testing.T) {
		dev := &device{script: says(answer("<a/>"))}
		rt := dev.transport(t)
		for range 5 {
			req := get(t)
			req.Header.Set("X-Again", "1")
			_, err := wire.Do(rt, req, wire.Limits{})
			require.NoError(t, err)
		}
		require.EqualValues(t, 1, dev.dials.Load())
	})
}

func TestDoRedirect(t *testing.T) {
	for _, tc := range []struct{ name, status, location, want string }{
		{"other origin", "302 Found", "http://evil.test/login?session=s3cret#x", "http://evil.test/login"},
		{"user in the target", "301 Moved", "http://admin:s3cret@evil.test/", "http://evil.test/"},
		{"307 keeps the body here", "307 Temporary Redirect", "/elsewhere", "/elsewhere"},
		{"file", "302 Found", "file:///etc/passwd", "file:///etc/passwd"},
		{"no target", "302 Found", "", ""},
		{"the first of them", "300 Multiple Choices", "/", "/"},
		{"the last of them", "399 Unknown", "/", "/"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dev := &device{script: says("HTTP/1.1 " + tc.status + "\r\nLocation: " + tc.location + "\r\nContent-Length: 0\r\n\r\n")}
			resp, err := wire.Do(dev.transport(t), get(t), wire.Limits{})
			e, ok := errors.AsType[*wire.Error](err)
			require.True(t, ok)
			require.Equal(t, wire.KindRedirect, e.Kind)
			require.Equal(t, tc.want, e.Location)
			require.NotContains(t, err.Error(), "s3cret")
			require.NotNil(t, resp)
			require.EqualValues(t, 1, dev.dials.Load())
		})
	}
}

func TestDoTakesOtherStatusesAsAnswers(t *testing.T) {
	for _, status := range []int{200, 299, 304, 400, 401, 500} {
		dev := &device{script: says(fmt.Sprintf("HTTP/1.1 %d Status\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", status))}
		resp, err := wire.Do(dev.transport(t), get(t), wire.Limits{})
		require.NoError(t, err, "%d", status)
		require.Equal(t, status, resp.Status)
	}
}

func TestDoBusy(t *testing.T) {
	for _, tc := range []struct {
		name, head string
		want       time.Duration
	}{
		{"seconds", "503 Busy\r\nRetry-After: 2", 2 * time.Second},
		{"too many", "429 Slow Down\r\nRetry-After: 7", 7 * time.Second},
		{"date, by the device's clock", "503 Busy\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 1970 00:01:00 GMT", time.Minute},
		{"nothing said", "503 Busy", 0},
		{"nonsense", "503 Busy\r\nRetry-After: -5", 0},
		{"absurd", "503 Busy\r\nRetry-After: 2000000000", 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dev := &device{script: says("HTTP/1.1 " + tc.head + "\r\nContent-Length: 4\r\n\r\n<a/>")}
			resp, err := wire.Do(dev.transport(t), get(t), wire.Limits{})
			require.ErrorIs(t, err, camsec.ErrBusy)
			require.NotErrorIs(t, err, camsec.ErrMalformed)
			e, _ := errors.AsType[*wire.Error](err)
			require.Equal(t, tc.want, e.RetryAfter)
			require.Equal(t, "<a/>", string(resp.Body))
		})
	}
}

func TestDoPassesFailures(t *testing.T) {
	fail := fmt.Errorf("refused: %w", camsec.ErrUnauthorized)
	rt := roundTripper(func(*http.Request) (*http.Response, error) { return nil, fail })
	_, err := wire.Do(rt, get(t), wire.Limits{})
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	require.NotErrorIs(t, err, camsec.ErrMalformed)
}

// A transport of another make may let pass what net/http does not.
func TestDoOverOtherTransports(t *testing.T) {
	over := func(length int64, body io.Reader) (*wire.Response, error) {
		return wire.Do(roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: length, Body: io.NopCloser(body)}, nil
		}), get(t), wire.Limits{})
	}
	resp, err := over(4, strings.NewReader("<a/>"))
	require.NoError(t, err)
	require.Equal(t, "<a/>", string(resp.Body))
	_, err = over(5, strings.NewReader("<a/>"))
	require.Equal(t, wire.KindTruncated, wire.KindOf(err))
	require.ErrorContains(t, err, "4 of 5 bytes")

	// A body that brings nothing, again and again, is not waited for.
	resp, err = over(-1, io.MultiReader(&nothing{times: 100}, strings.NewReader("<a/>")))
	require.NoError(t, err)
	require.Equal(t, "<a/>", string(resp.Body))
	resp, err = over(-1, io.MultiReader(&nothing{times: 100}, strings.NewReader("<a/>"), &nothing{times: 100}))
	require.NoError(t, err)
	require.Equal(t, "<a/>", string(resp.Body))
	_, err = over(-1, &nothing{times: 1000})
	require.ErrorIs(t, err, io.ErrNoProgress)
	require.Equal(t, wire.KindTruncated, wire.KindOf(err))
}

// Reads that bring nothing do not put off the end of a body that stalls.
func TestDoTimeoutOfABodyThatBringsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := wire.Do(roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Body: io.NopCloser(&nothing{times: 1000, wait: time.Second})}, nil
		}), get(t), wire.Limits{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.LessOrEqual(t, time.Since(start), 11*time.Second)
	})
}

// nothing reads no byte and no end, some times.
type nothing struct {
	times int
	wait  time.Duration
}

func (n *nothing) Read([]byte) (int, error) {
	time.Sleep(n.wait)
	if n.times == 0 {
		return 0, io.EOF
	}
	n.times--
	return 0, nil
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestErrorTextIsOneCleanLine(t *testing.T) {
	err := &wire.Error{Kind: wire.KindProtocol, Err: errors.New("a\r\nb\x1b[31m" + strings.Repeat("x", 1<<20))}
	require.Less(t, len(err.Error()), 400)
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, err.Error(), "\x1b")
}

func TestTransportIsPlain(t *testing.T) {
	rt := wire.NewHTTPTransport(wire.TransportOptions{})
	require.Nil(t, rt.Proxy)
	require.True(t, rt.DisableCompression)
	require.False(t, rt.Protocols.HTTP2())
	require.EqualValues(t, 64<<10, rt.MaxResponseHeaderBytes)
	got := wire.Timeouts{Dial: time.Second}.OrDefaults()
	require.Equal(t, wire.Timeouts{time.Second, 10 * time.Second, 10 * time.Second, 10 * time.Second, 30 * time.Second}, got)
}
