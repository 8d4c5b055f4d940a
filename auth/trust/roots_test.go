package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/trust"
)

// A process whose system roots hold the device's certificate: the zero policy
// accepts it, and nil roots must not stand for the system's. The system's
// roots are read once a process, hence the second one.
func TestSystemRoots(t *testing.T) {
	const env = "TRUST_TEST_CERTIFICATE"
	if file := os.Getenv(env); file != "" {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		block, _ := pem.Decode(raw)
		cert, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert}}
		require.NoError(t, trust.System().Verify(key, host, state))
		require.NoError(t, trust.Policy{}.Verify(key, host, state))
		assert.Equal(t, trust.ReasonAuthority, untrusted(t, trust.Roots(nil).Verify(key, host, state)).Reason)
		return
	}
	if runtime.GOOS != "linux" {
		t.Skip("SSL_CERT_FILE is not read here")
	}
	file := filepath.Join(t.TempDir(), "root.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: selfSigned(t, ecKey(t)).Certificate[0]}
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
	exe, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestSystemRoots$")
	cmd.Env = append(os.Environ(), env+"="+file, "SSL_CERT_FILE="+file)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
