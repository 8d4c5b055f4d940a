package trust_test

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/trust"
)

// A device that asks for another handshake in the middle of a connection, as
// openssl's server does on command, since Go's has no way to.
func TestCase128RenegotiationAskedFor(t *testing.T) {
	openssl, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CAMSEC_REQUIRE") == "1" {
			t.Fatal("openssl is not installed, and CAMSEC_REQUIRE=1 wants it")
		}
		t.Skip("openssl is not installed: nobody asks for a renegotiation here")
	}
	dir := t.TempDir()
	key := rsaKey(t, 2048)
	cert := selfSigned(t, key)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(dir, "server.pem")
	require.NoError(t, os.WriteFile(file, append(
		pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})...), 0o600))
	for name, p := range map[string]trust.Policy{"pinned": pins(t, cert), "legacy": trust.LegacyTLS(pins(t, cert))} {
		t.Run(name, func(t *testing.T) {
			// Below the ports that systems hand out by themselves.
			address := fmt.Sprint("127.0.0.1:", 10_000+rand.IntN(20_000))
			cmd := exec.CommandContext(t.Context(), openssl, "s_server", "-accept", address, "-cert", file, "-tls1_2")
			in, err := cmd.StdinPipe()
			require.NoError(t, err)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
			lines := bufio.NewScanner(out)
			await := func(text string) {
				t.Helper()
				for lines.Scan() {
					if strings.Contains(lines.Text(), text) {
						return
					}
				}
				t.Fatalf("the server did not say %q", text)
			}
			await("ACCEPT")
			conn, err := tls.Dial("tcp", address, p.TLSConfig("site/cam-1", host))
			require.NoError(t, err)
			defer conn.Close()
			_, err = conn.Write([]byte("GET / HTTP/1.1\n"))
			require.NoError(t, err)
			await("GET /")
			_, err = in.Write([]byte("R\n"))
			require.NoError(t, err)
			require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
			n, err := conn.Read(make([]byte, 100))
			require.ErrorContains(t, err, "no renegotiation")
			require.Zero(t, n)
		})
	}
}
