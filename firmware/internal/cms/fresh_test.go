package cms_test

import (
	"bytes"
	"crypto"
	"crypto/elliptic"
	"crypto/x509"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// uncovered tells whether a changed message differs from the signed one only
// where CMS leaves bytes to anybody: the identifier of the signature's
// algorithm may be spelled with its hash or without ("rsaEncryption",
// "sha256WithRSAEncryption"), and PEM's line ends are no part of the message.
func uncovered(signed, changed []byte, at int) bool {
	rsa := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1}
	withSHA256 := []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11}
	start := max(0, at-len(rsa)+1)
	return bytes.HasPrefix(signed[start:], rsa) && bytes.HasPrefix(changed[start:], withSHA256) ||
		signed[at] == '\n' && (changed[at] == '\r' || changed[at] == ' ')
}

// What OpenSSL signs verifies here, by whatever of its options; no change of a
// byte of message or image does, no cut, and no other root. (OpenSSL 3.0 makes
// no CMS signature with Ed25519: those in cms_test.go are our own.)
func TestFreshMaterial(t *testing.T) {
	openssl := sigtest.Stranger(t, "openssl")
	w, foreign := newWorld(t), newWorld(t)
	identified := func(c *x509.Certificate) { c.SubjectKeyId = []byte("an identifier 12345.") }
	signers := map[string]*entity{
		"ec":  w.signer,
		"ec3": issue(t, w.inter, "EC 3", ecKey(t, elliptic.P384()), nil),
		"rsa": issue(t, w.inter, "RSA", rsaKey(t, 2048), identified),
	}
	image := sigtest.Image(5_000)
	sigtest.Write(t, image, openssl.Dir, "fw.bin")
	sigtest.Write(t, certPEM(w.inter), openssl.Dir, "inter.crt")
	for name, e := range signers {
		sigtest.Write(t, certPEM(e), openssl.Dir, name+".crt")
		sigtest.Write(t, keyPEM(t, e), openssl.Dir, name+".key")
	}
	for _, c := range []struct {
		args   string
		rounds int
	}{
		{"-signer rsa.crt -inkey rsa.key -md sha256", 1000},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -noattr", 300},
		{"-signer rsa.crt -inkey rsa.key -md sha512 -nosmimecap", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -keyid", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -cades", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -nodetach", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -outform PEM", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -keyopt rsa_padding_mode:pss", 300},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:0", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -keyopt rsa_padding_mode:pss -keyopt rsa_pss_saltlen:max", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha512 -keyopt rsa_padding_mode:pss -keyopt rsa_mgf1_md:sha1", 50},
		{"-signer rsa.crt -inkey rsa.key -md sha256 -noattr -keyopt rsa_padding_mode:pss", 50},
		{"-signer ec.crt -inkey ec.key -md sha256", 1000},
		{"-signer ec.crt -inkey ec.key -md sha256 -noattr", 50},
		{"-signer ec3.crt -inkey ec3.key -md sha384", 50},
		{"-signer ec.crt -inkey ec.key -signer rsa.crt -inkey rsa.key -md sha256", 50},
	} {
		t.Run(c.args, func(t *testing.T) {
			args := append(strings.Fields("cms -sign -binary -in fw.bin -certfile inter.crt -out fw.p7s"), strings.Fields(c.args)...)
			if !strings.Contains(c.args, "-outform") {
				args = append(args, "-outform", "DER")
			}
			openssl.Run(args...)
			message := sigtest.Read(t, openssl.Dir+"/fw.p7s")
			o := w.options()
			res, err := check(message, image, o)
			require.NoError(t, err)
			assert.Equal(t, !strings.Contains(c.args, "-noattr"), !res.SigningTime.IsZero())
			assert.Equal(t, strings.Count(c.args, "-signer")-1, len(res.Others))
			_, err = check(message, image, foreign.options())
			assert.Equal(t, sig.Untrusted, sig.KindOf(err), err)
			o.Now = now.AddDate(2, 0, 0)
			_, err = check(message, image, o)
			assert.Equal(t, sig.BelowPolicy, sig.KindOf(err), err)

			sigtest.Changes(message, c.rounds, func(at int, changed []byte) {
				res, err := check(changed, image, w.options())
				if err == nil && len(res.Notes) > 0 && strings.Contains(strings.Join(res.Notes, ";"), "set aside") {
					// One of two signers is not to be found any more, and is told.
					require.Contains(t, c.args, "-signer ec.crt -inkey ec.key -signer", "byte %d", at)
					return
				}
				if err == nil {
					require.True(t, uncovered(message, changed, at), "byte %d of the message, %x for %x", at, changed[at], message[at])
				} else {
					require.NotZero(t, sig.KindOf(err), err)
				}
			})
			sigtest.Changes(image, c.rounds, func(at int, changed []byte) {
				_, err := check(message, changed, w.options())
				require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d of the image", at)
			})
			for n := 0; n < len(message)-1; n += 31 {
				_, err := check(message[:n], image, w.options())
				require.NotZero(t, sig.KindOf(err), "a message cut to %d bytes", n)
			}
			for _, n := range []int{0, 1, len(image) - 1} {
				_, err := check(message, image[:n], w.options())
				require.Equal(t, sig.Invalid, sig.KindOf(err), "an image cut to %d bytes", n)
			}
		})
	}
}

// OpenSSL writes BER when it streams: that is refused with a word, and
// OpenSSL's own conversion helps.
func TestStreamedByOpenSSL(t *testing.T) {
	openssl := sigtest.Stranger(t, "openssl")
	w := newWorld(t)
	image := sigtest.Image(5_000)
	sigtest.Write(t, image, openssl.Dir, "fw.bin")
	sigtest.Write(t, certPEM(w.inter), openssl.Dir, "inter.crt")
	sigtest.Write(t, certPEM(w.signer), openssl.Dir, "ec.crt")
	sigtest.Write(t, keyPEM(t, w.signer), openssl.Dir, "ec.key")
	openssl.Run(strings.Fields("cms -sign -binary -stream -nodetach -in fw.bin -certfile inter.crt -signer ec.crt -inkey ec.key -outform DER -out fw.p7m")...)
	_, err := cms.Parse(sigtest.Read(t, openssl.Dir+"/fw.p7m"))
	assert.Equal(t, sig.Unsupported, sig.KindOf(err), err)
	assert.ErrorContains(t, err, "BER")
	openssl.Run(strings.Fields("cms -cmsout -inform DER -in fw.p7m -outform DER -out der.p7m")...)
	m, err := cms.Parse(sigtest.Read(t, openssl.Dir+"/der.p7m"))
	require.NoError(t, err)
	assert.Equal(t, image, m.Content)
	_, err = m.Verify(w.options())
	assert.NoError(t, err)
}

// What OpenSSL verifies we do, and what it refuses we do, for messages that
// it did not make.
func TestOpenSSLAgreesOnOurMessages(t *testing.T) {
	openssl := sigtest.Stranger(t, "openssl")
	w := newWorld(t)
	image := sigtest.Image(500)
	sigtest.Write(t, image, openssl.Dir, "fw.bin")
	sigtest.Write(t, certPEM(w.root), openssl.Dir, "root.crt")
	rsaSigner := issue(t, w.inter, "RSA", rsaKey(t, 2048), nil)
	for name, c := range map[string]struct {
		m    maker
		good bool
	}{
		"ECDSA":         {maker{by: []*entity{w.signer}}, true},
		"RSA":           {maker{by: []*entity{rsaSigner}}, true},
		"embedded":      {maker{by: []*entity{w.signer}, embed: true}, true},
		"no attributes": {maker{by: []*entity{w.signer}, noAttr: true}, true},
		"both":          {maker{by: []*entity{w.signer, rsaSigner}}, true},
		"liar":          {maker{by: []*entity{{key: rsaSigner.key, cert: rsaSigner.cert}, {key: ecKey(t, elliptic.P256()), cert: w.signer.cert}}}, false},
		"nobody":        {maker{}, false},
	} {
		c.m.content, c.m.certs = image, []*entity{w.signer, rsaSigner, w.inter}
		message := c.m.make(t)
		sigtest.Write(t, message, openssl.Dir, "m.p7s")
		_, theirs := openssl.Try(strings.Fields("cms -verify -binary -inform DER -in m.p7s -content fw.bin -CAfile root.crt -purpose any -attime 1780315200 -out out")...)
		_, ours := check(message, image, w.options())
		assert.Equal(t, c.good, theirs == nil, "OpenSSL on %s", name)
		assert.Equal(t, c.good, ours == nil, "%s: %v", name, ours)
	}
}

// A changed image never verifies, whatever else is changed. All keys are
// Ed25519 of fixed seeds: the fuzzer's processes share inputs, so that what is
// signed must be the same in each.
func FuzzCheck(f *testing.F) {
	serial = big.NewInt(1)
	w := &world{}
	w.root = issue(f, nil, "Root", fixedKey(1), authority)
	w.inter = issue(f, w.root, "Intermediate", fixedKey(2), authority)
	w.signer = issue(f, w.inter, "Signer", fixedKey(3), nil)
	second := issue(f, w.inter, "Second", fixedKey(4), nil)
	image := []byte("an image")
	for _, m := range []maker{
		{by: []*entity{w.signer}},
		{by: []*entity{w.signer}, noAttr: true},
		{by: []*entity{w.signer}, embed: true},
		{by: []*entity{w.signer, second}},
		{by: []*entity{second}, crls: [][]byte{crl(f, w.inter, nil, w.signer).Raw}},
		{by: []*entity{second}, unsigned: many(f, 2)},
	} {
		m.hash, m.content, m.certs = crypto.SHA512, image, []*entity{w.signer, second, w.inter}
		message := m.make(f)
		_, err := check(message, image, w.options())
		require.NoError(f, err)
		f.Add(message, image)
	}
	f.Fuzz(func(t *testing.T, message, content []byte) {
		if _, err := check(message, content, w.options()); err == nil {
			require.Equal(t, image, content)
		} else {
			require.NotZero(t, sig.KindOf(err), err)
		}
	})
}
