package sigstore_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigstore"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func verify(bundle, image []byte, floor sig.Floor, keys ...crypto.PublicKey) (*sig.Result, error) {
	var a sig.Anchors
	for _, k := range keys {
		a.Keys = append(a.Keys, sig.Key{Public: k})
	}
	c, err := sigstore.Open(bundle, a, floor)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

func sampleKey(t testing.TB, name string) crypto.PublicKey {
	t.Helper()
	k, err := sig.ParseKeys(name, sigtest.Sample(t, "sigstore", name))
	require.NoError(t, err)
	return k[0].Public
}

// cosign and we agree on every sample.
func TestSamplesAreJudgedAsCosignDoes(t *testing.T) {
	key := sampleKey(t, "cosign.pub")
	judged := 0
	for line := range strings.Lines(string(sigtest.Sample(t, "sigstore", "cases.tsv"))) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		require.GreaterOrEqual(t, len(f), 3)
		image, _, tlog := strings.Cut(f[1], " ")
		if tlog {
			continue // with a log, which a key alone does not need
		}
		judged++
		res, err := verify(sigtest.Sample(t, "sigstore", f[0]), sigtest.Sample(t, "payload", image), sig.Floor{}, key)
		if f[2] == "OK" {
			require.NoError(t, err, f[0])
			assert.Equal(t, "ECDSA P-256 SHA-256", res.Algorithm)
		} else {
			assert.Equal(t, sig.Invalid, sig.KindOf(err), "%s on %s: %v", f[0], image, err)
		}
	}
	assert.GreaterOrEqual(t, judged, 5)
	_, err := verify(sigtest.Sample(t, "sigstore", "fw.bundle.sigstore.json"), sigtest.Sample(t, "payload", "fw.bin"), sig.Floor{}, sampleKey(t, "other.pub"))
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	// The key that the bundle means, among others.
	res, err := verify(sigtest.Sample(t, "sigstore", "fw.bundle.sigstore.json"), sigtest.Sample(t, "payload", "fw.bin"), sig.Floor{}, sampleKey(t, "other.pub"), key)
	require.NoError(t, err)
	assert.Equal(t, "ECDSA P-256 key "+sig.Fingerprint(key), res.Anchor)
}

const form = `{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"x"}},` +
	`"messageSignature":{"messageDigest":{"algorithm":"%s","digest":"%s"},"signature":"%s"}}`

func bundle(algorithm string, digest, signature []byte) string {
	return fmt.Sprintf(form, algorithm, base64.StdEncoding.EncodeToString(digest), base64.StdEncoding.EncodeToString(signature))
}

func TestKindsOfKeys(t *testing.T) {
	image := sigtest.Image(1000)
	d256, d384, d512 := sha256.Sum256(image), sha512.Sum384(image), sha512.Sum512(image)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	require.NoError(t, err)
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	sign := func(k crypto.Signer, h crypto.Hash, digest []byte) []byte {
		s, err := k.Sign(rand.Reader, digest, h)
		require.NoError(t, err)
		return s
	}
	b384 := bundle("SHA2_384", d384[:], sign(p384, crypto.SHA384, d384[:]))
	b512 := bundle("SHA2_512", d512[:], sign(r, crypto.SHA512, d512[:]))
	b1024 := bundle("SHA2_256", d256[:], sign(weak, crypto.SHA256, d256[:]))
	edBundle := bundle("SHA2_256", d256[:], ed25519.Sign(ed, image))
	ph, err := ed.Sign(nil, d512[:], &ed25519.Options{Hash: crypto.SHA512})
	require.NoError(t, err)

	res, err := verify([]byte(b384), image, sig.Floor{}, edPub, r.Public(), p384.Public())
	require.NoError(t, err)
	assert.Equal(t, "ECDSA P-384 SHA-384", res.Algorithm)
	res, err = verify([]byte(b512), image, sig.Floor{}, p384.Public(), r.Public())
	require.NoError(t, err)
	assert.Equal(t, "RSA-2048 PKCS#1 v1.5 SHA-512", res.Algorithm)
	assert.Len(t, res.Notes, 1, "RSA-2048 is told")
	_, err = verify([]byte(b1024), image, sig.Floor{}, weak.Public())
	assert.Equal(t, sig.BelowPolicy, sig.KindOf(err))
	_, err = verify([]byte(b1024), image, sig.Floor{LegacyRSA1024: true}, weak.Public())
	assert.NoError(t, err)
	_, err = verify([]byte(edBundle), image, sig.Floor{}, edPub)
	assert.Equal(t, sig.Unsupported, sig.KindOf(err))
	res, err = verify([]byte(bundle("SHA2_512", d512[:], ph)), image, sig.Floor{}, edPub)
	require.NoError(t, err)
	assert.Equal(t, "Ed25519ph", res.Algorithm)
	_, err = verify([]byte(bundle("SHA2_512", d512[:], ed25519.Sign(ed, image))), image, sig.Floor{}, edPub)
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	_, err = verify([]byte(bundle("SHA2_512", d512[:], ph[:63])), image, sig.Floor{}, edPub)
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	_, err = verify([]byte(b384), image, sig.Floor{})
	assert.Equal(t, sig.NoAnchor, sig.KindOf(err))
	_, err = verify([]byte(b384), image, sig.Floor{}, "no key")
	assert.Equal(t, sig.Untrusted, sig.KindOf(err))
}

func TestRefusals(t *testing.T) {
	image := sigtest.Image(1000)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	digest := sha256.Sum256(image)
	s, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	require.NoError(t, err)
	good := bundle("SHA2_256", digest[:], s)
	_, err = verify([]byte(good), image, sig.Floor{}, key.Public())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		old, new string
		kind     sig.Kind
		text     string
	}{
		"keyless":           {`"publicKey":{"hint":"x"}`, `"certificate":{"rawBytes":"AA=="}`, sig.Unsupported, "keyless"},
		"keyless, chain":    {`"publicKey":{"hint":"x"}`, `"x509CertificateChain":{}`, sig.Unsupported, "keyless"},
		"both":              {`"publicKey":`, `"certificate":{},"publicKey":`, sig.Unsupported, "keyless"},
		"attestation":       {`"messageSignature"`, `"dsseEnvelope"`, sig.Unsupported, "DSSE"},
		"older version":     {`v0.3`, `v0.2`, sig.Unsupported, "media type"},
		"no media type":     {`"mediaType"`, `"mediatype"`, sig.Unsupported, "media type"},
		"no signature":      {`"messageSignature"`, `"messagesignature"`, sig.Malformed, "without signature"},
		"no key":            {`"publicKey"`, `"publickey"`, sig.Malformed, "without signature or key"},
		"key is no object":  {`{"hint":"x"}`, `"x"`, sig.Malformed, "no JSON object"},
		"hint is no text":   {`"hint":"x"`, `"hint":1`, sig.Malformed, "no JSON text"},
		"hint is null":      {`"hint":"x"`, `"hint":null`, sig.Malformed, "no JSON text"},
		"digest missing":    {`"messageDigest"`, `"messagedigest"`, sig.Malformed, "no JSON object"},
		"weak digest":       {`SHA2_256`, `SHA1`, sig.Unsupported, "SHA1"},
		"other digest":      {`SHA2_256`, `SHA2_512`, sig.Malformed, "the digest cannot be read"},
		"algorithm missing": {`"algorithm"`, `"Algorithm"`, sig.Malformed, "no JSON text"},
		"twice":             {`"hint":"x"`, `"hint":"x","hint":"y"`, sig.Malformed, "twice"},
		"signature no text": {`"signature":"`, `"signature":1,"x":"`, sig.Malformed, "the signature cannot be read"},
		"signature base64":  {`"signature":"`, `"signature":"!`, sig.Malformed, "the signature cannot be read"},
		"signature empty":   {`"signature":"`, `"signature":"","x":"`, sig.Malformed, "an empty signature"},
		"cut":               {`"}}`, `"}`, sig.Malformed, "cannot be read"},
		"an array":          {`{"mediaType"`, `[{"mediaType"`, sig.Malformed, "no JSON object"},
	} {
		changed := strings.Replace(good, c.old, c.new, 1)
		require.NotEqual(t, good, changed, name)
		_, err := verify([]byte(changed), image, sig.Floor{}, key.Public())
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
	}
	_, err = verify([]byte(good+" x"), image, sig.Floor{}, key.Public())
	assert.ErrorContains(t, err, "bytes after")
	_, err = verify(append([]byte(good), bytes.Repeat([]byte(" "), sigstore.MaxSize)...), image, sig.Floor{}, key.Public())
	assert.Equal(t, sig.Malformed, sig.KindOf(err))

	logged := strings.Replace(good, `"publicKey"`, `"tlogEntries":[],"publicKey"`, 1)
	res, err := verify([]byte(logged), image, sig.Floor{}, key.Public())
	require.NoError(t, err)
	assert.Contains(t, strings.Join(res.Notes, ""), "tlogEntries")

	a := sig.Anchors{Keys: []sig.Key{{Public: key.Public()}}}
	c, err := sigstore.Open([]byte(good), a, sig.Floor{})
	require.NoError(t, err)
	_, err = c.Finish()
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "a check that has seen nothing")
}

// No change of a byte of the image verifies, and of the bundle only one in
// the hint: it says which key is meant and is covered by nothing.
func TestChanges(t *testing.T) {
	image := sigtest.Sample(t, "payload", "fw.bin")[:]
	b := sigtest.Sample(t, "sigstore", "fw.bundle.sigstore.json")
	key := sampleKey(t, "cosign.pub")
	from := bytes.Index(b, []byte(`{"hint":`)) // the name of the field may change, too
	to := from + bytes.IndexByte(b[from:], '}')
	hint := 0
	for at := range b {
		for _, x := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(b)
			changed[at] ^= x
			if _, err := verify(changed, image, sig.Floor{}, key); err == nil {
				require.True(t, at > from && at < to, "byte %d of the bundle: %s", at, changed)
				hint++
			}
		}
	}
	assert.NotZero(t, hint)
	for n := range b {
		_, err := verify(b[:n], image, sig.Floor{}, key)
		require.NotZero(t, sig.KindOf(err), "a bundle cut to %d bytes", n)
	}
	sigtest.Changes(image, 1000, func(at int, changed []byte) {
		_, err := verify(b, changed, sig.Floor{}, key)
		require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d of the image", at)
	})
}

func FuzzOpen(f *testing.F) {
	image := []byte("an image")
	// The key is always the same, since the fuzzer's processes share inputs.
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{1}, 32))
	require.NoError(f, err)
	digest := sha256.Sum256(image)
	s, err := key.Sign(nil, digest[:], crypto.SHA256)
	require.NoError(f, err)
	f.Add([]byte(bundle("SHA2_256", digest[:], s)), image)
	f.Fuzz(func(t *testing.T, b, content []byte) {
		if _, err := verify(b, content, sig.Floor{}, key.Public()); err == nil {
			require.Equal(t, image, content)
		} else {
			require.NotZero(t, sig.KindOf(err))
		}
	})
}
