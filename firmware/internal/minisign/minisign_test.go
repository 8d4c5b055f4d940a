package minisign_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/minisign"
	"github.com/camsec/camsec/firmware/internal/sig"
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
	c, err := minisign.Open(signature, a, sig.Floor{})
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, image)
}

// minisign and we agree on every sample.
func TestSamplesAreJudgedAsMinisignDoes(t *testing.T) {
	a := anchors(t, sigtest.Sample(t, "minisign", "test.pub"))
	judged := 0
	for line := range strings.Lines(string(sigtest.Sample(t, "minisign", "cases.tsv"))) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		require.GreaterOrEqual(t, len(f), 3)
		judged++
		res, err := verify(sigtest.Sample(t, "minisign", f[0]), sigtest.Sample(t, "payload", f[1]), a)
		if f[2] == "OK" {
			if assert.NoError(t, err, f[0]) {
				assert.Equal(t, "file:fw.bin version:5.7.13 build:230822", res.TrustedComment)
				assert.Equal(t, "key 9E2251AB63B3F11A", res.By)
			}
			assert.NotContains(t, f[0], ".BAD.")
		} else {
			assert.NotZero(t, sig.KindOf(err), "%s on %s: %v", f[0], f[1], err)
			assert.True(t, strings.Contains(f[0], ".BAD.") || f[1] != "fw.bin", f[0])
		}
	}
	assert.GreaterOrEqual(t, judged, 9)
}

func TestKinds(t *testing.T) {
	m := sigtest.NewMaker(t, "12345678")
	image := sigtest.Image(100_000)
	for kind, algorithm := range map[string]string{"Ed": "Ed25519", "ED": "Ed25519 over BLAKE2b-512"} {
		res, err := verify(m.Minisign(kind, image, "version:1\tbuild:2"), image, anchors(t, m.Public("minisign public key")))
		require.NoError(t, err)
		assert.Equal(t, &sig.Result{
			Scheme: "minisign", By: "key 3837363534333231", Anchor: "key 3837363534333231",
			Algorithm: algorithm, TrustedComment: "version:1\tbuild:2",
		}, res)
	}
}

func TestRefusals(t *testing.T) {
	m, other := sigtest.NewMaker(t, "12345678"), sigtest.NewMaker(t, "87654321")
	twin := sigtest.NewMaker(t, "12345678") // another key of the same ID
	image := sigtest.Image(1000)
	good := m.Minisign("ED", image, "a comment")
	lines := func(f func([]string) []string) []byte {
		return []byte(strings.Join(f(strings.Split(string(good), "\n")), "\n"))
	}
	rsa := "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEpy+4mNA8BsS5yV//8rvyMsjMoVaF\niKf5hd8+OiRy0LeSd+UQRu6yV+gKULqYlvFcK9Kg3IIE5+6+7oVlqyxbCw==\n-----END PUBLIC KEY-----\n"
	for name, c := range map[string]struct {
		signature []byte
		anchors   sig.Anchors
		kind      sig.Kind
		text      string
	}{
		"no key":             {good, sig.Anchors{}, sig.NoAnchor, "no key was given"},
		"a key of no ID":     {good, anchors(t, []byte(rsa)), sig.Untrusted, "none of the keys is one of minisign"},
		"another key":        {good, anchors(t, other.Public("minisign public key")), sig.Untrusted, "it is by key 3837363534333231"},
		"same ID":            {good, anchors(t, twin.Public("minisign public key")), sig.Invalid, "not by key 3837363534333231"},
		"another's":          {other.Minisign("ED", image, "x"), anchors(t, m.Public("minisign public key")), sig.Untrusted, "it is by key"},
		"two lines":          {lines(func(l []string) []string { return l[:2] }), anchors(t, m.Public("minisign public key")), sig.Malformed, "2 lines"},
		"a line more":        {append(bytes.Clone(good), "x\n"...), anchors(t, m.Public("minisign public key")), sig.Malformed, "5 lines"},
		"an empty line more": {append(bytes.Clone(good), '\n'), anchors(t, m.Public("minisign public key")), sig.Malformed, "5 lines"},
		"no comment":         {lines(func(l []string) []string { l[0] = "comment: x"; return l }), anchors(t, m.Public("minisign public key")), sig.Malformed, "no untrusted comment"},
		"no trusted comment": {lines(func(l []string) []string { l[2] = "comment: x"; return l }), anchors(t, m.Public("minisign public key")), sig.Malformed, "the trusted comment"},
		"control characters": {m.Minisign("ED", image, "a\x1b[2Jb"), anchors(t, m.Public("minisign public key")), sig.Malformed, "the trusted comment"},
		"no UTF-8":           {m.Minisign("ED", image, "a\xff"), anchors(t, m.Public("minisign public key")), sig.Malformed, "the trusted comment"},
		"short signature":    {lines(func(l []string) []string { l[1] = l[1][:96]; return l }), anchors(t, m.Public("minisign public key")), sig.Malformed, "the signature cannot be read"},
		"short global":       {lines(func(l []string) []string { l[3] = l[3][:84]; return l }), anchors(t, m.Public("minisign public key")), sig.Malformed, "over the trusted comment"},
		"other algorithm":    {m.Minisign("Ex", image, "x"), anchors(t, m.Public("minisign public key")), sig.Unsupported, `"Ex"`},
		"other kind":         {bytes.Replace(m.Minisign("Ed", image, "x"), []byte("\nRWQ"), []byte("\nRUQ"), 1), anchors(t, m.Public("minisign public key")), sig.Invalid, "not what key"},
		"comment swapped":    {bytes.Replace(good, []byte("a comment"), []byte("b comment"), 1), anchors(t, m.Public("minisign public key")), sig.Invalid, "trusted comment are not by"},
		"too long":           {m.Minisign("ED", image, strings.Repeat("x", minisign.MaxSize)), anchors(t, m.Public("minisign public key")), sig.Malformed, "bytes"},
	} {
		_, err := verify(c.signature, image, c.anchors)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		assert.ErrorContains(t, err, c.text, name)
	}
	// A signature may be as long as the limit.
	empty := len(m.Minisign("ED", image, ""))
	_, err := verify(m.Minisign("ED", image, strings.Repeat("x", minisign.MaxSize-empty)), image, anchors(t, m.Public("minisign public key")))
	assert.NoError(t, err)
	// With both keys of one ID given, the right one is found.
	res, err := verify(good, image, anchors(t, twin.Public("minisign public key"), m.Public("minisign public key")))
	require.NoError(t, err)
	assert.Equal(t, "a comment", res.TrustedComment)

	c, err := minisign.Open(good, anchors(t, m.Public("minisign public key")), sig.Floor{})
	require.NoError(t, err)
	_, err = c.Finish()
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "a check that has seen nothing")
}

// uncovered tells whether minisign's format leaves the byte to anybody: the
// untrusted comment, and line ends.
func uncovered(signature []byte, at int) bool {
	end := bytes.IndexByte(signature, '\n')
	return at >= len("untrusted comment: ") && at < end
}

// What minisign signs verifies here; no change of a byte of signature or
// image does, but in the untrusted comment, and no other key.
func TestFreshMaterial(t *testing.T) {
	tool := sigtest.Stranger(t, "minisign")
	image := sigtest.Image(20_000)
	sigtest.Write(t, image, tool.Dir, "fw.bin")
	tool.Run("-G", "-f", "-W", "-p", "k.pub", "-s", "k.key")
	tool.Run("-G", "-f", "-W", "-p", "o.pub", "-s", "o.key")
	a := anchors(t, sigtest.Read(t, tool.Dir+"/k.pub"))
	o := anchors(t, sigtest.Read(t, tool.Dir+"/o.pub"))
	for _, kind := range []string{"-l", "-H"} {
		tool.Run("-S", kind, "-s", "k.key", "-m", "fw.bin", "-x", "fw.minisig", "-t", "version:5.7.13", "-c", "a comment")
		signature := sigtest.Read(t, tool.Dir+"/fw.minisig")
		res, err := verify(signature, image, a)
		require.NoError(t, err)
		assert.Equal(t, "version:5.7.13", res.TrustedComment)
		_, err = verify(signature, image, o)
		assert.Equal(t, sig.Untrusted, sig.KindOf(err))

		passed := 0
		sigtest.Changes(signature, 1000, func(at int, changed []byte) {
			if _, err := verify(changed, image, a); err == nil {
				require.True(t, uncovered(signature, at), "%s: byte %d of the signature: %q", kind, at, changed)
				passed++
			} else {
				require.NotZero(t, sig.KindOf(err), err)
			}
		})
		assert.NotZero(t, passed, "changes of the untrusted comment pass")
		sigtest.Changes(image, 1000, func(at int, changed []byte) {
			_, err := verify(signature, changed, a)
			require.Equal(t, sig.Invalid, sig.KindOf(err), "%s: byte %d of the image", kind, at)
		})
		for n := range signature {
			if _, err := verify(signature[:n], image, a); err == nil {
				require.Equal(t, len(signature)-1, n, "a signature cut to %d bytes", n) // the last line's end
			}
		}
		for _, n := range []int{0, 1, 10_000, len(image) - 1} {
			_, err := verify(signature, image[:n], a)
			require.Equal(t, sig.Invalid, sig.KindOf(err))
		}
	}
}

func FuzzOpen(f *testing.F) {
	// The key is always the same, since the fuzzer's processes share inputs.
	m := sigtest.SeededMaker("12345678")
	image := []byte("an image")
	for _, kind := range []string{"Ed", "ED"} {
		f.Add(m.Minisign(kind, image, "c"), image)
	}
	a := anchors(f, m.Public("minisign public key"))
	f.Fuzz(func(t *testing.T, signature, content []byte) {
		if _, err := verify(signature, content, a); err == nil {
			require.Equal(t, image, content)
		} else {
			require.NotZero(t, sig.KindOf(err))
		}
	})
}
