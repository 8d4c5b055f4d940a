package firmware

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// Of a message that openssl made all is covered but its certificates, to the
// byte; where there are none, or what stands there is no message, all is.
func TestWhatOfAMessageItsSignatureCovers(t *testing.T) {
	openssl := sigtest.Stranger(t, "openssl")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), openssl.Dir, "key.pem")
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), openssl.Dir, "cert.pem")
	sigtest.Write(t, []byte("content"), openssl.Dir, "content")
	sign := func(more ...string) []byte {
		openssl.Run(append([]string{"cms", "-sign", "-binary", "-in", "content", "-signer", "cert.pem", "-inkey", "key.pem", "-outform", "DER", "-out", "p7"}, more...)...)
		return sigtest.Read(t, filepath.Join(openssl.Dir, "p7"))
	}
	const at = 1000
	b := sign()
	covers, open := cmsCovers(b, at)
	from, to := open.Offset-at, open.Offset-at+open.Length
	require.Positive(t, open.Length)
	assert.Equal(t, certificatesName, open.What)
	assert.Equal(t, byte(0xa0), b[from])
	assert.True(t, bytes.HasSuffix(b[from:to], cert))
	assert.Less(t, int(open.Length)-len(cert), 5, "a header and the certificate")
	assert.Equal(t, []pass.Span{{Off: at, Len: from}, {Off: at + to, Len: int64(len(b)) - to}}, covers)

	bare := sign("-nocerts")
	odd := bytes.Clone(b)
	odd[from] = 0xa1 // revocation lists where certificates were
	for name, m := range map[string][]byte{"no certificates": bare, "another tag": odd, "cut": b[:from+10], "cut before": b[:from], "nothing": nil, "words": []byte("-----BEGIN")} {
		covers, open := cmsCovers(m, at)
		assert.Equal(t, []pass.Span{{Off: at, Len: int64(len(m))}}, covers, name)
		assert.Zero(t, open.Length, name)
	}
}
