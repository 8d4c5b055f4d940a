package fit_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/fit"
)

// signed returns what the first signature of the first configuration covers.
func signed(t *testing.T, b []byte) ([]byte, error) {
	t.Helper()
	f, err := parse(b)
	require.NoError(t, err)
	sections, err := f.Signed(f.Configs[0], f.Configs[0].Signatures[0])
	var out []byte
	for _, s := range sections {
		out = append(out, b[s.Off:s.Off+s.Len]...)
	}
	return out, err
}

// small is a FIT of which the signed bytes can be written down.
func small(strings uint32) node {
	return node{props: []any{"d", "r"}, kids: []node{
		{name: "images", props: []any{"u", 1}, kids: []node{
			{name: "k", props: []any{"data", []byte("DATA"), "d", "k"}, kids: []node{
				{name: "hash-1", props: []any{"algo", "sha256", "value", make([]byte, 32)}},
				{name: "signature-1", props: []any{"s", 1}},
			}},
			{name: "x", props: []any{"data", []byte("DATA")}},
		}},
		{name: "configurations", props: []any{"default", "c"}, kids: []node{
			{name: "c", props: []any{"kernel", "k"}, kids: []node{{name: "signature-1", props: []any{"hashed-strings", tokens(0, strings), "value", []byte{1}}}}},
			{name: "e", props: []any{"kernel", "k"}},
		}},
	}}
}

func TestSignedBytes(t *testing.T) {
	// Names in the order in which flatten meets them; those up to kernel are
	// needed by what is signed.
	names := "d\x00u\x00data\x00algo\x00value\x00s\x00default\x00kernel\x00"
	want := bytes.Join([][]byte{
		tokens(1, 0, 3, 2, 0), []byte("r\x00\x00\x00"), // the root and its property
		tokens(1), []byte("images\x00\x00"), // the node alone: it is right below the root
		tokens(1), []byte("k\x00\x00\x00"), tokens(3, 2, 0), []byte("k\x00\x00\x00"), // all but data
		tokens(1), []byte("hash-1\x00\x00"), tokens(3, 7, 9), []byte("sha256\x00\x00"), tokens(3, 32, 14), make([]byte, 32), tokens(2),
		tokens(1), []byte("signature-1\x00"), tokens(2), tokens(2),
		tokens(2), // images; of x nothing
		tokens(1), []byte("configurations\x00\x00"),
		tokens(1), []byte("c\x00\x00\x00"), tokens(3, 2, 30), []byte("k\x00\x00\x00"), tokens(1), []byte("signature-1\x00"), tokens(2), tokens(2),
		tokens(2, 2, 9), []byte(names),
	}, nil)
	got, err := signed(t, flatten(small(uint32(len(names)))))
	require.NoError(t, err)
	assert.Equal(t, want, got)
}

// insert puts a NOP token where the bytes begin, and says where.
func insert(t *testing.T, b []byte, before []byte) []byte {
	t.Helper()
	at := bytes.Index(b, before)
	require.Positive(t, at)
	out := append(append(bytes.Clone(b[:at]), tokens(4)...), b[at:]...)
	for _, word := range []int{1, 3, 9} { // total, the names' place, the structure's size
		binary.BigEndian.PutUint32(out[4*word:], binary.BigEndian.Uint32(out[4*word:])+4)
	}
	return out
}

// A token that means nothing is signed where all of its node is, and nowhere
// else; what is signed and lies side by side is one piece.
func TestSignedTokensWithoutMeaning(t *testing.T) {
	const all = 45
	plain := flatten(small(all))
	want, err := signed(t, plain)
	require.NoError(t, err)
	data := append(tokens(3, 4), tokens(4)...) // the property data, of both images
	listed, err := signed(t, insert(t, plain, data))
	require.NoError(t, err)
	assert.Len(t, listed, len(want)+4, "in the image that is signed")
	at := bytes.Index(want, []byte("k\x00\x00\x00")) + 4
	assert.Equal(t, tokens(4), listed[at:at+4])
	below, err := signed(t, insert(t, plain, append(tokens(1), "k\x00\x00\x00"...)))
	require.NoError(t, err)
	assert.Equal(t, want, below, "in the node of all images, which is not")

	f, err := parse(plain)
	require.NoError(t, err)
	sections, err := f.Signed(f.Configs[0], f.Configs[0].Signatures[0])
	require.NoError(t, err)
	assert.Len(t, sections, 9)
	assert.Equal(t, int64(56), sections[0].Off)
	for i, s := range sections[1:] {
		if i < len(sections)-2 {
			assert.Greater(t, s.Off, sections[i].Off+sections[i].Len, "there is a gap between pieces")
		}
	}
}

func TestSignaturesThatProveNothing(t *testing.T) {
	const all = 37
	edit := func(f func(*node)) []byte {
		n := small(all)
		f(&n)
		return flatten(n)
	}
	configuration := func(n *node) *node { return &n.kids[1].kids[0] }
	image := func(n *node) *node { return &n.kids[0].kids[0] }
	for reason, b := range map[string][]byte{
		"is not covered": edit(func(n *node) { configuration(n).kids[0].props[1] = tokens(0, all-1) }),
		"reaches beyond": edit(func(n *node) { configuration(n).kids[0].props[1] = tokens(0, 4000) }),
		"strings block":  edit(func(n *node) { configuration(n).kids[0].props[1] = tokens(4, all) }),
		"name of property": edit(func(n *node) {
			configuration(n).kids[0].props = []any{"value", []byte{1}} // no hashed-strings at all
		}),
		"names no image": edit(func(n *node) { configuration(n).props = []any{"kernel", "q"} }),
		"no digest":      edit(func(n *node) { image(n).kids = nil }),
		"has no digest":  edit(func(n *node) { image(n).kids[0].props = []any{"algo", "crc32", "value", make([]byte, 4)} }),
		"data is not":    edit(func(n *node) { image(n).kids[0].props = []any{"algo", "sha256", "value", make([]byte, 31)} }),
		"digest:":        edit(func(n *node) { image(n).kids[0].props = append(image(n).kids[0].props, "uboot-ignore", 1) }),
		"holds an @":     edit(func(n *node) { n.kids[0].kids[1].name = "k@1" }),
		"more than 1024": edit(func(n *node) {
			// Each node below the image is a piece of its own when something
			// unsigned stands before it.
			for i := range 600 {
				k := node{name: strings.Repeat("z", 1+i%200) + string(rune('a'+i/200)), props: []any{"d", 1}}
				image(n).kids = append(image(n).kids, k, node{name: "y" + k.name, props: []any{"d", 1}})
			}
		}),
	} {
		_, err := signed(t, b)
		assert.ErrorContains(t, err, reason)
	}
}

func TestWeakImages(t *testing.T) {
	image := func(h ...node) *fit.Image {
		f, err := parse(flatten(node{kids: []node{{name: "images", kids: []node{{name: "k", props: []any{"data", "d"}, kids: h}}}}}))
		require.NoError(t, err)
		return f.Images[0]
	}
	second := func(n node) node { n.name = "hash-2"; return n }
	assert.True(t, image(digest("sha1", 20)).Weak())
	assert.True(t, image().Weak())
	assert.False(t, image(digest("sha512", 64)).Weak())
	assert.False(t, image(digest("sha1", 20), second(digest("sha256", 32))).Weak())
	assert.True(t, image(digest("sha1", 20), second(digest("sha256", 20))).Weak(), "a digest that is no SHA-256")
}

func TestLayoutNamesEveryByte(t *testing.T) {
	b := flatten(sample())
	f, err := parse(b)
	require.NoError(t, err)
	name := func(at int64) string {
		for _, p := range f.Layout() {
			if p.Off <= at && at < p.Off+p.Len {
				return p.What
			}
		}
		return ""
	}
	for i := range b {
		require.NotEmpty(t, name(int64(i)), i)
	}
	assert.Equal(t, "header of the tree", name(0))
	assert.Equal(t, "device tree", name(45))
	assert.Equal(t, "data of image kernel", name(f.Images[0].Offset))
	assert.Equal(t, "node /images/kernel/hash-1", name(f.Images[0].Hashes[0].ValueOff))
	s := f.Configs[0].Signatures[0]
	assert.Equal(t, "signature /configurations/a/signature-1", name(s.ValueOff))
	assert.Equal(t, "node /configurations/a/signature-1", name(s.ValueOff-1))
	assert.Equal(t, "names of properties", name(int64(len(b)-1)))
}

func TestReadControl(t *testing.T) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	point, err := e.PublicKey.Bytes()
	require.NoError(t, err)
	exponent := binary.BigEndian.AppendUint64(nil, uint64(r.E))
	rsaNode := node{name: "key-dev", props: []any{"required", "conf", "algo", "sha256,rsa2048", "rsa,modulus", r.N.Bytes(), "rsa,exponent", exponent, "key-name-hint", "dev"}}
	ecNode := node{name: "key-ec", props: []any{"required", "image", "ecdsa,curve", "prime256v1", "ecdsa,x-point", point[1:33], "ecdsa,y-point", point[33:]}}
	control := func(n ...node) (*fit.Control, error) {
		b := flatten(node{kids: []node{{name: "signature", props: []any{"required-mode", "any"}, kids: n}}})
		return fit.ReadControl(bytes.NewReader(b), int64(len(b)))
	}
	c, err := control(rsaNode, ecNode)
	require.NoError(t, err)
	assert.True(t, c.Any)
	require.Len(t, c.Keys, 2)
	assert.True(t, r.PublicKey.Equal(c.Keys[0].Key))
	assert.Equal(t, []string{"key-dev", "dev", "conf"}, []string{c.Keys[0].Name, c.Keys[0].Hint, c.Keys[0].Required})
	assert.True(t, e.PublicKey.Equal(c.Keys[1].Key))
	assert.Equal(t, "image", c.Keys[1].Required)

	without := func(n node, name string) node {
		var out []any
		for i := 0; i < len(n.props); i += 2 {
			if n.props[i] != name {
				out = append(out, n.props[i], n.props[i+1])
			}
		}
		return node{name: n.name, props: out}
	}
	off := bytes.Clone(point[1:33])
	off[3] ^= 1
	for name, n := range map[string]node{
		"no exponent":     without(rsaNode, "rsa,exponent"),
		"no point":        without(ecNode, "ecdsa,y-point"),
		"no curve":        without(ecNode, "ecdsa,curve"),
		"off the curve":   {name: "k", props: append(without(ecNode, "ecdsa,x-point").props, "ecdsa,x-point", off)},
		"long point":      {name: "k", props: append(without(ecNode, "ecdsa,x-point").props, "ecdsa,x-point", make([]byte, 33))},
		"huge exponent":   {name: "k", props: append(without(rsaNode, "rsa,exponent").props, "rsa,exponent", bytes.Repeat([]byte{0xff}, 8))},
		"short exponent":  {name: "k", props: append(without(rsaNode, "rsa,exponent").props, "rsa,exponent", []byte{1})},
		"another's words": {name: "k", props: []any{"algo", "sha256,rsa2048"}},
	} {
		_, err := control(n)
		malformed(t, err, name)
	}
	_, err = control()
	malformed(t, err, "no key")
	b := flatten(node{})
	_, err = fit.ReadControl(bytes.NewReader(b), int64(len(b)))
	malformed(t, err, "no signature node")
}
