package onvif_test

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/onvif"
)

// A web server that nobody of us wrote, with SHA-256 digest alone, stands in
// front of a SOAP answer.
func TestStrangerLighttpd(t *testing.T) {
	program, err := exec.LookPath("lighttpd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/lighttpd"); err != nil {
			skip(t, "lighttpd is not installed: this stranger does not judge us here")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	require.NoError(t, l.Close())

	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), mode))
		return file
	}
	users := write("users", fmt.Sprintf("u:r:%x\n", sha256.Sum256([]byte("u:r:correct-horse"))), 0o600)
	write("www/onvif/device_service", "#!/bin/sh\ncat >/dev/null\nprintf 'Content-Type: application/soap+xml\\r\\n\\r\\n'\ncat <<'X'\n"+
		string(envelope(`<t:GetDeviceInformationResponse xmlns:t="http://www.onvif.org/ver10/device/wsdl"><t:Manufacturer>M</t:Manufacturer><t:Model>L-1</t:Model>`+
			`<t:FirmwareVersion>1.2</t:FirmwareVersion><t:SerialNumber>S</t:SerialNumber><t:HardwareId>H</t:HardwareId></t:GetDeviceInformationResponse>`))+"\nX\n", 0o700)
	conf := write("lighttpd.conf", fmt.Sprintf(`server.port = %s
server.bind = "127.0.0.1"
server.document-root = %q
server.modules = ("mod_auth", "mod_authn_file", "mod_cgi")
cgi.assign = ("device_service" => "/bin/sh")
auth.backend = "htdigest"
auth.backend.htdigest.userfile = %q
auth.require = ("/onvif" => ("method" => "digest", "realm" => "r", "require" => "valid-user", "algorithm" => "SHA-256"))
`, port, filepath.Join(dir, "www"), users), 0o600)
	cmd := exec.Command(program, "-D", "-f", conf)
	said := filepath.Join(dir, "lighttpd.log")
	out, err := os.Create(said) //nolint:gosec // in a folder of the test's
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	require.NoError(t, out.Close())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	}, 20*time.Second, 5*time.Millisecond, "lighttpd does not listen")

	n := &counted{rt: &http.Transport{DisableCompression: true}}
	c, err := onvif.New("http://"+address, auth.Static("u", secret("correct-horse")), &onvif.Options{Base: n})
	require.NoError(t, err)
	for range 5 {
		info, err := c.DeviceInformation(t.Context())
		if err != nil {
			words, _ := os.ReadFile(said) //nolint:gosec // as above
			require.NoError(t, err, string(words))
		}
		assert.Equal(t, "L-1", info.Model)
	}
	assert.Equal(t, 6, n.n, "one challenge, then one request a call")
	assert.Contains(t, n.last, "algorithm=SHA-256")
	ch, err := c.Challenge(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"SHA-256"}, ch.Algorithms)

	w, err := onvif.New("http://"+address, auth.Static("u", secret("wrong")), nil)
	require.NoError(t, err)
	_, err = w.DeviceInformation(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
}

// counted counts requests.
type counted struct {
	rt   http.RoundTripper
	mu   sync.Mutex
	n    int
	last string
}

func (c *counted) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.n++
	if a := r.Header.Get("Authorization"); a != "" {
		c.last = a
	}
	c.mu.Unlock()
	return c.rt.RoundTrip(r)
}
