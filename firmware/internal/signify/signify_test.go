package signify_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func anchors(t testing.TB, files ...[]byte) sig.Anchors {
	t.Helper()
	var a sig.Anchors
	for _, f := range files {
		k, err := sig.ParseKeys("", f)
		require.NoError(t, err)
		a.Keys = append(a.Keys, k...)
	}
	return a
}

func verify(signature, image []byte, a sig.Anchors) (*sig.Result, error) {
	s, err := signify.Parse(signature)
	if err != nil {
		return nil, err
	}
	c, err := s.Open(a, sig.Floor{})
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

// signify and we agree on every sample.
func TestSamplesAreJudgedAsSignifyDoes(t *testing.T) {
	a := anchors(t, sigtest.Sample(t, "signify", "test.pub"))
	judged := 0
	for line := range strings.Lines(string(sigtest.Sample(t, "signify", "cases.tsv"))) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		require.GreaterOrEqual(t, len(f), 3)
		if strings.HasPrefix(f[0], "SHA256") {
			continue // a signed list: package sums
		}
		judged++
		res, err := verify(sigtest.Sample(t, "signify", f[0]), sigtest.Sample(t, "payload", f[1]), a)
		if f[2] == "OK" {
			require.NoError(t, err, f[0])
			assert.Equal(t, "Ed25519", res.Algorithm)
			assert.NotContains(t, f[0], ".BAD.")
		} else {
			assert.NotZero(t, sig.KindOf(err), "%s on %s: %v", f[0], f[1], err)
		}
	}
	assert.GreaterOrEqual(t, judged, 8)
}

// The signature that usign put into a sample of OpenWrt's trailer.
func TestSampleOfUsign(t *testing.T) {
	image := sigtest.Sample(t, "openwrt-fwtool", "meta-only.bin")
	signature := sigtest.Sample(t, "openwrt-fwtool", "img.sig")
	_, err := verify(signature, image, anchors(t, sigtest.Sample(t, "openwrt-fwtool", "build.pub")))
	require.NoError(t, err)
	_, err = verify(signature, image, anchors(t, sigtest.Sample(t, "openwrt-fwtool", "other.pub")))
	assert.Equal(t, sig.Untrusted, sig.KindOf(err))
}

func TestEmbeddedMessage(t *testing.T) {
	signed := sigtest.Sample(t, "signify", "SHA256.sig")
	list := sigtest.Sample(t, "signify", "SHA256")
	a := anchors(t, sigtest.Sample(t, "signify", "test.pub"))
	s, err := signify.Parse(signed)
	require.NoError(t, err)
	assert.Equal(t, list, s.Message)
	_, err = verify(signed, list, a)
	require.NoError(t, err)
	_, err = verify(signed, append(bytes.Clone(list), '\n'), a)
	assert.Equal(t, sig.Invalid, sig.KindOf(err))
	// The signature is right for the image, but carries something else.
	_, err = verify(append(bytes.Clone(signed), '\n'), list, a)
	assert.Equal(t, sig.Invalid, sig.KindOf(err))

	_, end, err := signify.Head(signed)
	require.NoError(t, err)
	assert.Equal(t, list, signed[end:])
}

func TestRefusals(t *testing.T) {
	m, other, twin := sigtest.NewMaker(t, "12345678"), sigtest.NewMaker(t, "87654321"), sigtest.NewMaker(t, "12345678")
	image := sigtest.Image(1000)
	good := m.Signify("Ed", image)
	pem := []byte("-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpy+4mNA8BsS5yV//8rvyMsjMoVaF\niKf5hd8+OiRy0LeSd+UQRu6yV+gKULqYlvFcK9Kg3IIE5+6+7oVlqyxbCw==\n-----END PUBLIC KEY-----\n")
	for name, c := range map[string]struct {
		signature []byte
		anchors   sig.Anchors
		kind      sig.Kind
		text      string
	}{
		"no key":               {good, sig.Anchors{}, sig.NoAnchor, "no key was given"},
		"a key of no ID":       {good, anchors(t, pem), sig.Untrusted, "none of the keys is one of signify"},
		"another key":          {good, anchors(t, other.Public("o")), sig.Untrusted, "it is by key 3132333435363738"},
		"same ID":              {good, anchors(t, twin.Public("t")), sig.Invalid, "not what key"},
		"a key of minisign":    {good, anchors(t, m.Public("minisign public key 1")), sig.Untrusted, "have a trusted comment"},
		"minisign, cut":        {m.Signify("ED", image), anchors(t, m.Public("m")), sig.Malformed, "without its trusted comment"},
		"other algorithm":      {m.Signify("XX", image), anchors(t, m.Public("m")), sig.Unsupported, `"XX"`},
		"no comment":           {good[1:], anchors(t, m.Public("m")), sig.Malformed, "no untrusted comment"},
		"one line":             {[]byte("untrusted comment: x"), anchors(t, m.Public("m")), sig.Malformed, "no untrusted comment"},
		"empty":                {nil, anchors(t, m.Public("m")), sig.Malformed, "no untrusted comment"},
		"no base64":            {[]byte("untrusted comment: x\n!!!\n"), anchors(t, m.Public("m")), sig.Malformed, "cannot be read"},
		"short":                {[]byte("untrusted comment: x\nRWQx\n"), anchors(t, m.Public("m")), sig.Malformed, "a signature of 3 bytes"},
		"long comment":         {append([]byte("untrusted comment: "+strings.Repeat("x", 1024)), good[20:]...), anchors(t, m.Public("m")), sig.Malformed, "no untrusted comment"},
		"something follows":    {append(bytes.Clone(good), 'x'), anchors(t, m.Public("m")), sig.Invalid, "not what the signature carries"},
		"too long":             {append(bytes.Clone(good), make([]byte, signify.MaxSize)...), anchors(t, m.Public("m")), sig.Malformed, "bytes"},
		"unusual base64":       {bytes.Replace(good, []byte("RWQx"), []byte("RW\rQx"), 1), anchors(t, m.Public("m")), 0, ""},
		"lines as on Windows":  {bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), anchors(t, m.Public("m")), 0, ""},
		"without the last end": {good[:len(good)-1], anchors(t, m.Public("m")), 0, ""},
		"both of one ID":       {good, anchors(t, twin.Public("t"), m.Public("m")), 0, ""},
	} {
		_, err := verify(c.signature, image, c.anchors)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		if c.kind != 0 {
			assert.ErrorContains(t, err, c.text, name)
		}
	}
	s, err := signify.Parse(good)
	require.NoError(t, err)
	c, err := s.Open(anchors(t, m.Public("m")), sig.Floor{})
	require.NoError(t, err)
	_, err = c.Finish()
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "a check that has seen nothing")
}

// What signify signs verifies here; no change of a byte of signature or image
// does, but in the untrusted comment, and no other key.
func TestFreshMaterial(t *testing.T) {
	tool := sigtest.Stranger(t, "signify-openbsd")
	image := sigtest.Image(20_000)
	sigtest.Write(t, image, tool.Dir, "fw.bin")
	tool.Run("-G", "-n", "-p", "k.pub", "-s", "k.sec")
	tool.Run("-G", "-n", "-p", "o.pub", "-s", "o.sec")
	tool.Run("-S", "-s", "k.sec", "-m", "fw.bin", "-x", "fw.sig")
	signature := sigtest.Read(t, tool.Dir+"/fw.sig")
	a := anchors(t, sigtest.Read(t, tool.Dir+"/k.pub"))
	_, err := verify(signature, image, a)
	require.NoError(t, err)
	_, err = verify(signature, image, anchors(t, sigtest.Read(t, tool.Dir+"/o.pub")))
	assert.Equal(t, sig.Untrusted, sig.KindOf(err))

	comment, passed := bytes.IndexByte(signature, '\n'), 0
	sigtest.Changes(signature, 1000, func(at int, changed []byte) {
		if _, err := verify(changed, image, a); err == nil {
			require.True(t, at >= len("untrusted comment: ") && at < comment, "byte %d of the signature", at)
			passed++
		} else {
			require.NotZero(t, sig.KindOf(err), err)
		}
	})
	assert.NotZero(t, passed, "changes of the comment pass")
	sigtest.Changes(image, 1000, func(at int, changed []byte) {
		_, err := verify(signature, changed, a)
		require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d of the image", at)
	})
	for n := range len(signature) - 1 {
		_, err := verify(signature[:n], image, a)
		require.NotZero(t, sig.KindOf(err), "a signature cut to %d bytes", n)
	}
}

func FuzzParse(f *testing.F) {
	// The key is always the same, since the fuzzer's processes share inputs.
	m := sigtest.SeededMaker("12345678")
	image := []byte("an image")
	f.Add(m.Signify("Ed", image), image)
	f.Add(append(m.Signify("Ed", image), image...), image)
	a := anchors(f, m.Public("m"))
	f.Fuzz(func(t *testing.T, signature, content []byte) {
		if _, err := verify(signature, content, a); err == nil {
			require.Equal(t, image, content)
		} else {
			require.NotZero(t, sig.KindOf(err))
		}
	})
}
