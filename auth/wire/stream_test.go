package wire_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wire"
)

// A stream is handed out as it comes, and bounded in nothing but the waits for
// its header and for each read.
func TestStream(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
	say := func(c net.Conn, s string) { _, _ = io.WriteString(c, s) }
	for name, tt := range map[string]struct {
		script func(c net.Conn, r *http.Request)
		status int
		kind   wire.Kind
		is     error  // of the call
		text   string // of the stream
		ends   error  // of the stream, beside EOF
		after  time.Duration
	}{
		"as it comes": {script: func(c net.Conn, _ *http.Request) {
			say(c, head)
			for range 10 {
				time.Sleep(8 * time.Second)
				say(c, "x")
			}
		}, status: 200, text: "xxxxxxxxxx", after: 80 * time.Second},
		"falls silent": {script: func(c net.Conn, r *http.Request) {
			say(c, head+"x")
			<-r.Context().Done()
		}, status: 200, text: "x", ends: context.DeadlineExceeded, after: 10 * time.Second},
		"no header": {
			script: func(_ net.Conn, r *http.Request) { <-r.Context().Done() },
			is:     context.DeadlineExceeded, after: 30 * time.Second,
		},
		"refused": {script: func(c net.Conn, _ *http.Request) {
			say(c, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nnot")
		}, status: 403},
		"refused without end": {script: func(c net.Conn, r *http.Request) {
			say(c, "HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nn")
			<-r.Context().Done()
		}, is: context.DeadlineExceeded, after: 10 * time.Second},
		"redirect": {script: func(c net.Conn, _ *http.Request) {
			say(c, "HTTP/1.1 302 Go\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n")
		}, status: 302, kind: wire.KindRedirect},
		"busy": {script: func(c net.Conn, _ *http.Request) {
			say(c, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
		}, status: 503, kind: wire.KindBusy},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &device{script: tt.script}
				tr := wire.NewHTTPTransport(wire.TransportOptions{DialContext: d.dial, Timeouts: wire.Timeouts{Header: time.Hour}})
				defer tr.CloseIdleConnections()
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://192.0.2.1/", nil)
				require.NoError(t, err)
				start := time.Now()
				resp, body, err := wire.Stream(tr, req, wire.Limits{})
				if tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				}
				require.Equal(t, tt.kind, wire.KindOf(err))
				if tt.status != 0 {
					require.Equal(t, tt.status, resp.Status)
				}
				require.Equal(t, tt.status == 200, body != nil)
				if body != nil {
					text, err := io.ReadAll(body)
					require.Equal(t, tt.text, string(text))
					require.ErrorIs(t, err, tt.ends)
					require.NoError(t, body.Close())
				}
				require.Equal(t, tt.after, time.Since(start))
			})
		})
	}
}

// Closing, or the caller's context, ends a read that waits.
func TestStreamClosed(t *testing.T) {
	for name, end := range map[string]func(io.Closer, context.CancelFunc){
		"closed":    func(body io.Closer, _ context.CancelFunc) { _ = body.Close() },
		"cancelled": func(_ io.Closer, cancel context.CancelFunc) { cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &device{script: func(c net.Conn, r *http.Request) {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
					<-r.Context().Done()
				}}
				tr := wire.NewHTTPTransport(wire.TransportOptions{DialContext: d.dial})
				defer tr.CloseIdleConnections()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://192.0.2.1/", nil)
				require.NoError(t, err)
				_, body, err := wire.Stream(tr, req, wire.Limits{BodyIdle: -1})
				require.NoError(t, err)
				defer body.Close()
				go func() {
					time.Sleep(time.Hour)
					end(body, cancel)
				}()
				start := time.Now()
				_, err = body.Read(make([]byte, 1))
				require.ErrorIs(t, err, context.Canceled)
				require.Equal(t, time.Hour, time.Since(start))
			})
		})
	}
}
