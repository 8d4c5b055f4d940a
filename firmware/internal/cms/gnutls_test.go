package cms_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// GnuTLS writes CMS by code of its own, and we agree both ways.
func TestGnuTLS(t *testing.T) {
	certtool := sigtest.Stranger(t, "certtool")
	// certtool verifies by the machine's clock.
	lasting := func(c *x509.Certificate) { c.NotAfter = now.AddDate(60, 0, 0) }
	w := &world{}
	w.root = issue(t, nil, "Root", ecKey(t, elliptic.P256()), func(c *x509.Certificate) { authority(c); lasting(c) })
	w.inter = issue(t, w.root, "Intermediate", ecKey(t, elliptic.P256()), func(c *x509.Certificate) { authority(c); lasting(c) })
	w.signer = issue(t, w.inter, "Signer", ecKey(t, elliptic.P256()), lasting)
	image := sigtest.Image(5_000)
	sigtest.Write(t, image, certtool.Dir, "fw.bin")
	sigtest.Write(t, certPEM(w.root), certtool.Dir, "root.crt")
	signers := map[string]*entity{"ec": w.signer, "rsa": issue(t, w.inter, "RSA", rsaKey(t, 2048), lasting)}
	o := w.options()
	for name, e := range signers {
		sigtest.Write(t, certPEM(e, w.inter), certtool.Dir, name+".crt")
		sigtest.Write(t, keyPEM(t, e), certtool.Dir, name+".key")
		o.Anchors.Certificates = append(o.Anchors.Certificates, e.cert, w.inter.cert)
	}
	for name := range signers {
		for _, how := range []string{"--p7-detached-sign", "--p7-detached-sign --p7-time", "--p7-sign", "--p7-sign --p7-time"} {
			certtool.Run(append(strings.Fields(how+" --outder --infile fw.bin --outfile m.p7"), "--load-certificate", name+".crt", "--load-privkey", name+".key")...)
			message := sigtest.Read(t, certtool.Dir+"/m.p7")
			res, err := check(message, image, o)
			require.NoError(t, err, "%s %s", name, how)
			assert.Equal(t, strings.Contains(how, "time"), !res.SigningTime.IsZero())
			sigtest.Changes(image, 50, func(at int, changed []byte) {
				_, err := check(message, changed, o)
				require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d", at)
			})
		}
	}
	for name, m := range map[string]maker{
		"ECDSA": {by: []*entity{signers["ec"]}}, "RSA": {by: []*entity{signers["rsa"]}},
		"no attributes": {by: []*entity{signers["rsa"]}, noAttr: true}, "two": {by: []*entity{signers["ec"], signers["rsa"]}},
	} {
		m.content, m.certs = image, []*entity{signers["ec"], signers["rsa"], w.inter}
		sigtest.Write(t, m.make(t), certtool.Dir, "ours.p7s")
		verify := strings.Fields("--p7-verify --inder --infile ours.p7s --load-data fw.bin --load-ca-certificate root.crt")
		out, err := certtool.Try(verify...)
		assert.NoError(t, err, "%s: %s", name, out)
	}
}
