package auth_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the htdigest file format of the servers wants it
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// Servers that nobody of us wrote judge our digest client. The files here
// start them on loopback, on a port that was free a moment before, and stop
// them with the test.

// stranger finds a program, or skips the test saying so.
func stranger(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	missing(t, strings.Join(names, " or "))
	return ""
}

// missing ends a test whose stranger is not installed.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CAMSEC_REQUIRE") == "1" {
		t.Fatalf("%s is not installed, and CAMSEC_REQUIRE=1 wants it", what)
	}
	t.Skipf("%s is not installed: this stranger does not judge us here", what)
}

// freeAddress returns one that nobody listens on, below the ports that systems
// hand out by themselves: those are taken again before a server starts.
func freeAddress(t *testing.T) string {
	t.Helper()
	for range 100 {
		address := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000))
		if l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address); err == nil {
			require.NoError(t, l.Close())
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// serve runs a server program until the test ends and waits until it answers.
func serve(t *testing.T, address, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, args...)
	// A server ends its own children when asked; killed, it leaves them.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	gone := make(chan struct{})
	go func() { _ = cmd.Wait(); close(gone) }()
	t.Cleanup(func() { cancel(); <-gone })
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1500 {
		if c, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			c.Close()
			return
		}
		select {
		case <-gone:
			t.Fatalf("%s ended: %s", program, out.String())
		case <-tick.C:
		}
	}
	t.Fatalf("%s does not listen on %s", program, address)
}

// counting counts the requests and the refusals that cross the wire.
type counting struct {
	requests, refused atomic.Int64
	authorization     atomic.Value // of the last request that had one
}

// last returns the last Authorization field sent.
func (c *counting) last() string {
	s, _ := c.authorization.Load().(string)
	return s
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.requests.Add(1)
	if a := r.Header.Get("Authorization"); a != "" {
		c.authorization.Store(a)
	}
	resp, err := plain.RoundTrip(r)
	if err == nil && resp.StatusCode == http.StatusUnauthorized {
		c.refused.Add(1)
	}
	return resp, err
}

var plain = &http.Transport{DisableCompression: true}

// fetch reads url once and returns its body.
func fetch(t *testing.T, rt http.RoundTripper, url string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return string(b), err
}

func newClient(t *testing.T, address, password string) (*auth.Transport, *counting) {
	t.Helper()
	n := &counting{}
	rt, err := auth.NewTransport(auth.TransportOptions{
		Base:   n,
		Target: camsec.Target{Address: address},
		Source: auth.Static("u", camsec.NewSecret([]byte(password))),
	})
	require.NoError(t, err)
	return rt, n
}

func TestStrangerLighttpd(t *testing.T) {
	t.Parallel()
	program := stranger(t, "lighttpd", "/usr/sbin/lighttpd")
	dir, address := t.TempDir(), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)

	password := "correct-horse"
	a1 := "u:r:" + password
	users := fmt.Sprintf("u:r:%x\nu:r:%x:%x\n", md5.Sum([]byte(a1)), //nolint:gosec // as above
		sha256.Sum256([]byte(a1)), sha256.Sum256([]byte("u:r")))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"), []byte(users), 0o600))
	conf := fmt.Sprintf(`server.port = %s
server.bind = "127.0.0.1"
server.document-root = %q
server.modules = ("mod_auth", "mod_authn_file")
auth.backend = "htdigest"
auth.backend.htdigest.userfile = %q
auth.require = (
  "/md5"  => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "MD5"),
  "/sha"  => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "SHA-256"),
  "/both" => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "MD5|SHA-256"),
  "/hash" => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "SHA-256", "userhash" => "enable")
)
`, port, dir, filepath.Join(dir, "users"))
	for _, name := range []string{"md5", "sha", "both", "hash"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "f"), []byte("it is "+name), 0o600))
	}
	file := filepath.Join(dir, "lighttpd.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	serve(t, address, program, "-D", "-f", file)

	for _, name := range []string{"md5", "sha", "both", "hash"} {
		t.Run(name, func(t *testing.T) {
			rt, n := newClient(t, address, password)
			for range 5 {
				body, err := fetch(t, rt, "http://"+address+"/"+name+"/f")
				require.NoError(t, err)
				require.Equal(t, "it is "+name, body)
			}
			require.EqualValues(t, 6, n.requests.Load(), "one challenge, then one request a call")
			require.EqualValues(t, 1, n.refused.Load())

			rt, n = newClient(t, address, "wrong")
			for range 5 {
				_, err := fetch(t, rt, "http://"+address+"/"+name+"/f")
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
			}
			require.EqualValues(t, 2, n.requests.Load(), "the challenge and one failed login; then no packet")
		})
	}
}

func TestStrangerApache(t *testing.T) {
	t.Parallel()
	program := stranger(t, "apache2", "/usr/sbin/apache2")
	dir, address := t.TempDir(), freeAddress(t)
	password := "correct-horse"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "users"),
		fmt.Appendf(nil, "u:r:%x\n", md5.Sum([]byte("u:r:"+password))), 0o600)) //nolint:gosec // as above
	modules := "/usr/lib/apache2/modules"
	conf := fmt.Sprintf(`ServerRoot %[1]q
ServerName localhost
Listen %[2]s
PidFile %[1]s/pid
ErrorLog %[1]s/log
DocumentRoot %[1]s
Mutex file:%[1]s default
LoadModule mpm_event_module %[3]s/mod_mpm_event.so
LoadModule authn_core_module %[3]s/mod_authn_core.so
LoadModule authz_core_module %[3]s/mod_authz_core.so
LoadModule authz_user_module %[3]s/mod_authz_user.so
LoadModule authn_file_module %[3]s/mod_authn_file.so
LoadModule auth_digest_module %[3]s/mod_auth_digest.so
<Location /steady>
  AuthType Digest
  AuthName r
  AuthUserFile %[1]s/users
  Require valid-user
</Location>
<Location /once>
  AuthType Digest
  AuthName r
  AuthUserFile %[1]s/users
  AuthDigestNonceLifetime 0
  Require valid-user
</Location>
`, dir, address, modules)
	if os.Geteuid() == 0 {
		// Started by root, Apache serves as a user that must reach the files.
		conf += "User www-data\nGroup www-data\n"
		for d := dir; d != "/" && d != os.TempDir(); d = filepath.Dir(d) {
			require.NoError(t, os.Chmod(d, 0o755)) //nolint:gosec // a test's own folder
		}
		require.NoError(t, os.Chmod(filepath.Join(dir, "users"), 0o644)) //nolint:gosec // a test's own file
	}
	for _, name := range []string{"steady", "once"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, name), 0o755))                                 //nolint:gosec // as above
		require.NoError(t, os.WriteFile(filepath.Join(dir, name, "f"), []byte("it is "+name), 0o644)) //nolint:gosec // as above
	}
	file := filepath.Join(dir, "apache.conf")
	require.NoError(t, os.WriteFile(file, []byte(conf), 0o600))
	serve(t, address, program, "-D", "FOREGROUND", "-f", file)

	// "once" hands out a nextnonce with each answer: a client that uses it needs
	// one request a call, and one that does not needs two.
	for test, name := range map[string]string{"steady": "steady", "case 19: nextnonce with each answer": "once"} {
		t.Run(test, func(t *testing.T) {
			rt, n := newClient(t, address, password)
			for range 5 {
				body, err := fetch(t, rt, "http://"+address+"/"+name+"/f")
				require.NoError(t, err)
				require.Equal(t, "it is "+name, body)
			}
			require.EqualValues(t, 6, n.requests.Load())
		})
	}
}
