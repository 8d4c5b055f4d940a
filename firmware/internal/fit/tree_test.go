package fit_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/fit"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A node is a node of a tree that a test writes: its properties, then its
// children. A value is a string, a list of strings, bytes or a number.
type node struct {
	name  string
	props []any // name, value, name, value …
	kids  []node
}

// flatten writes a tree by the Devicetree Specification, chapter 5.
func flatten(root node) []byte {
	var b, names bytes.Buffer
	at := map[string]uint32{}
	word := func(v uint32) { _ = binary.Write(&b, binary.BigEndian, v) }
	pad := func() { b.Write(make([]byte, (4-b.Len()%4)%4)) }
	var write func(n node)
	write = func(n node) {
		word(1)
		b.WriteString(n.name + "\x00")
		pad()
		for i := 0; i < len(n.props); i += 2 {
			name := n.props[i].(string)
			if _, ok := at[name]; !ok {
				at[name] = uint32(names.Len())
				names.WriteString(name + "\x00")
			}
			var v []byte
			switch x := n.props[i+1].(type) {
			case string:
				v = []byte(x + "\x00")
			case []string:
				v = []byte(strings.Join(x, "\x00") + "\x00")
			case []byte:
				v = x
			case int:
				v = binary.BigEndian.AppendUint32(nil, uint32(x))
			}
			word(3)
			word(uint32(len(v)))
			word(at[name])
			b.Write(v)
			pad()
		}
		for _, k := range n.kids {
			write(k)
		}
		word(2)
	}
	write(root)
	word(9)
	return dtb(b.Bytes(), names.Bytes())
}

// dtb puts header, reservation block, structure and names together.
func dtb(structure, names []byte) []byte {
	const off = 40 + 16
	total := off + len(structure) + len(names)
	var out []byte
	for _, v := range []int{0xd00dfeed, total, off, off + len(structure), 40, 17, 16, 0, len(names), len(structure)} {
		out = binary.BigEndian.AppendUint32(out, uint32(v))
	}
	out = append(out, make([]byte, 16)...)
	return append(append(out, structure...), names...)
}

func tokens(v ...uint32) []byte {
	var out []byte
	for _, x := range v {
		out = binary.BigEndian.AppendUint32(out, x)
	}
	return out
}

func digest(algo string, n int) node {
	return node{name: "hash-1", props: []any{"algo", algo, "value", bytes.Repeat([]byte{7}, n)}}
}

// sample is a FIT with two images, two configurations and signatures of both
// kinds. mkimage writes alike.
func sample() node {
	signature := node{name: "signature-1", props: []any{
		"hashed-strings", tokens(0, 400), "hashed-nodes",
		[]string{"/"},
		"algo", "sha256,rsa2048", "padding", "pss",
		"key-name-hint", "dev", "value", bytes.Repeat([]byte{9}, 256),
	}}
	return node{props: []any{"timestamp", 1692662400, "description", "a sample"}, kids: []node{
		{name: "images", kids: []node{
			{name: "kernel", props: []any{"description", "k", "data", make([]byte, 9001), "type", "kernel", "arch", "arm", "os", "linux", "compression", "none"}, kids: []node{
				digest("sha256", 32), {name: "cipher", props: []any{"algo", "aes256"}}, {name: "other", props: []any{"x", 1}},
			}},
			{name: "fdt", props: []any{"data", []byte("dtb")}, kids: []node{digest("sha1", 20), {name: "signature-1", props: []any{"algo", "sha384,ecdsa256"}}}},
		}},
		{name: "configurations", props: []any{"default", "a"}, kids: []node{
			{name: "a", props: []any{"description", "fdt", "compatible", []string{"acme,cam", "acme,dome"}, "kernel", "kernel", "loadables", []string{"kernel", "fdt"}}, kids: []node{signature}},
			{name: "b", props: []any{"kernel", "kernel", "fdt", "missing"}},
		}},
	}}
}

func parse(b []byte) (*fit.FIT, error) { return fit.Parse(bytes.NewReader(b), int64(len(b))) }

func TestParse(t *testing.T) {
	b := flatten(sample())
	f, err := parse(append(b, "behind"...))
	require.NoError(t, err)
	assert.Equal(t, "a sample", f.Description)
	assert.Equal(t, int64(1692662400), f.Timestamp.Unix())
	assert.Equal(t, "a", f.Default)
	assert.Equal(t, int64(len(b)), f.End)
	require.Len(t, f.Images, 2)
	k := f.Images[0]
	assert.Equal(t, []string{"kernel", "k", "kernel", "arm", "linux", "none"}, []string{k.Name, k.Description, k.Type, k.Arch, k.OS, k.Compression})
	assert.True(t, k.Encrypted)
	assert.False(t, f.Images[1].Encrypted)
	assert.Equal(t, int64(9001), k.Length)
	assert.Equal(t, make([]byte, 9001), b[k.Offset:k.Offset+k.Length])
	assert.Equal(t, "dtb", string(b[f.Images[1].Offset:][:3]))
	require.Len(t, k.Hashes, 1)
	assert.Equal(t, "sha256", k.Hashes[0].Algo)
	assert.Equal(t, k.Hashes[0].Value, b[k.Hashes[0].ValueOff:][:32])
	require.Len(t, f.Configs, 2)
	a := f.Configs[0]
	assert.Equal(t, []string{"acme,cam", "acme,dome"}, a.Compatible)
	assert.Equal(t, []*fit.Image{k, f.Images[1]}, a.Images, "each once, and not what the description says")
	require.Len(t, a.Signatures, 1)
	s := a.Signatures[0]
	assert.Equal(t, []string{"sha256", "rsa2048", "dev"}, []string{s.Hash, s.Key, s.KeyHint})
	assert.True(t, s.PSS)
	assert.Equal(t, s.Value, b[s.ValueOff:][:256])
	assert.Equal(t, []*fit.Image{k}, f.Configs[1].Images)
	assert.Equal(t, "sha384", f.Images[1].Signatures[0].Hash)
	assert.Equal(t, "ecdsa256", f.Images[1].Signatures[0].Key)
}

func external(size, offset int, name string, more ...any) []byte {
	return flatten(node{kids: []node{{name: "images", kids: []node{
		{name: "kernel", props: append([]any{"data-size", size, name, offset}, more...)},
	}}}})
}

func TestDataOutsideTheTree(t *testing.T) {
	b := external(5, 4, "data-offset")
	base := (len(b) + 3) &^ 3
	b = append(append(b, make([]byte, base-len(b)+4)...), "hello"...)
	f, err := parse(b)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b[f.Images[0].Offset:][:f.Images[0].Length]))
	assert.Equal(t, int64(len(b)), f.End)

	b = append(external(5, 1000, "data-position"), make([]byte, 1000)...)
	copy(b[1000:], "hello")
	f, err = parse(b)
	require.NoError(t, err)
	assert.Equal(t, int64(1000), f.Images[0].Offset)

	room := make([]byte, 2000)
	for name, b := range map[string][]byte{
		"beyond the end":        external(5000, 0, "data-offset"),
		"in the tree":           append(external(5, 40, "data-position"), room...),
		"in two places":         append(external(5, 0, "data-offset", "data-position", 1000), room...),
		"in the tree and after": append(external(5, 0, "data-offset", "data", []byte("x")), room...),
		"without a size":        append(flatten(node{kids: []node{{name: "images", kids: []node{{name: "kernel", props: []any{"data-offset", 0}}}}}}), room...),
		"without a place":       flatten(node{kids: []node{{name: "images", kids: []node{{name: "kernel"}}}}}),
	} {
		_, err := parse(b)
		malformed(t, err, name)
	}
}

func malformed(t *testing.T, err error, name string) {
	t.Helper()
	var e *untrusted.Error
	require.ErrorAs(t, err, &e, name)
}

func TestHostileTrees(t *testing.T) {
	good := flatten(sample())
	set := func(word int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.BigEndian.PutUint32(b[4*word:], v)
		return b
	}
	deep := node{name: "x"}
	for range 40 {
		deep = node{name: "x", kids: []node{deep}}
	}
	var many, properties []node
	for i := range 3000 {
		many = append(many, node{name: strings.Repeat("n", 1+i%200) + string(rune('a'+i/200))})
	}
	for i := range 200 {
		properties = append(properties, node{name: strings.Repeat("n", 1+i)})
	}
	props := []any{}
	for i := range properties {
		props = append(props, strings.Repeat("p", 1+i), 1)
	}
	var manyHashes []node
	for i := range 9 {
		manyHashes = append(manyHashes, node{name: "hash-" + string(rune('a'+i)), props: []any{"algo", "crc32"}})
	}
	images := func(k ...node) node { return node{kids: []node{{name: "images", kids: k}}} }
	overlap := node{name: "images"}
	for i := range 20 {
		overlap.kids = append(overlap.kids, node{name: string(rune('a' + i)), props: []any{"data-size", 1 << 20, "data-offset", 0}, kids: []node{digest("sha256", 32)}})
	}
	for name, b := range map[string][]byte{
		"empty": nil, "cut header": good[:39], "no magic": set(0, 0xd00dfeef), "total too long": set(1, uint32(len(good)+1)),
		"structure unaligned": set(2, 57), "structure beyond": set(2, 0xfffffff0), "structure in the header": set(2, 36),
		"structure too long": set(9, 0xffffffff), "names beyond": set(3, 0xffffff00), "names too long": set(8, 0x7fffffff),
		"names before the structure": set(3, 40), "reservation beyond": set(4, 0xffffff00), "reservation unaligned": set(4, 41),
		"old": set(5, 16), "too new": set(6, 18), "reservation at the end": set(4, uint32(len(good))&^7-8),
		"names behind the tree": append(set(8, binary.BigEndian.Uint32(good[32:])+1), make([]byte, 4096)...),
		"structure behind it":   append(set(9, uint32(len(good))), make([]byte, 4096)...),
		"structure cut":         set(9, 100), "no end token": dtb(tokens(1, 0, 2), nil), "nothing": dtb(nil, nil), "end at once": dtb(tokens(9), nil),
		"data behind the end": dtb(tokens(1, 0, 2, 9, 4), nil), "unknown token": dtb(tokens(1, 0, 5), nil), "end twice": dtb(tokens(1, 0, 2, 2, 9), nil),
		"two roots": dtb(tokens(1, 0, 2, 1, 0, 2, 9), nil), "named root": dtb(tokens(1, 0x61000000, 2, 9), nil),
		"property outside": dtb(tokens(3, 0, 0, 9), []byte("a\x00")), "nop outside": dtb(tokens(4, 1, 0, 2, 9), nil),
		"unnamed child": dtb(tokens(1, 0, 1, 0, 2, 2, 9), nil), "name too long": dtb(append(tokens(1), bytes.Repeat([]byte("a"), 600)...), nil),
		"property too long":              dtb(tokens(1, 0, 3, 0xfffffff0, 0, 2, 9), []byte("a\x00")),
		"name of a property beyond":      dtb(tokens(1, 0, 3, 0, 7, 2, 9), []byte("a\x00")),
		"name of a property without end": dtb(tokens(1, 0, 3, 0, 0, 2, 9), []byte("a")),
		"property without a name":        dtb(tokens(1, 0, 3, 0, 1, 2, 9), []byte("a\x00")),
		"property twice":                 dtb(tokens(1, 0, 3, 0, 0, 3, 0, 0, 2, 9), []byte("a\x00")),
		"property after a node":          dtb(tokens(1, 0, 1, 0x61000000, 2, 3, 0, 0, 2, 9), []byte("a\x00")),
		"too deep":                       flatten(node{kids: []node{deep}}),
		"too many nodes":                 flatten(node{kids: many}),
		"too many properties":            flatten(node{props: props}),
		"too many tokens":                dtb(append(tokens(1, 0), bytes.Repeat(tokens(4), 1<<16)...), nil),
		"too many hashes":                flatten(images(node{name: "k", props: []any{"data", "d"}, kids: manyHashes})),
		"two nodes of one name":          flatten(images(node{name: "k", props: []any{"data", "d"}}, node{name: "k", props: []any{"data", "e"}})),
		"a name with a slash":            flatten(images(node{name: "a/b", props: []any{"data", "d"}})),
		"no images":                      flatten(node{}),
		"images that overlap":            append(flatten(node{kids: []node{overlap}}), make([]byte, 2<<20)...),
	} {
		_, err := parse(b)
		malformed(t, err, name)
	}
}

func TestDetect(t *testing.T) {
	good := flatten(sample())
	for n, want := range map[int]bool{0: false, 3: false, 4: true, 40: true, len(good): true} {
		assert.Equal(t, want, fit.Detect(good[:n]), n)
	}
	assert.False(t, fit.Detect([]byte{0xd0, 0x0d, 0xfe, 0xee}))
	b := bytes.Clone(good)
	binary.BigEndian.PutUint32(b[24:], 17)
	_, err := parse(b)
	require.NoError(t, err, "of the version that is the newest")
}

// Every cut of a good file is an error, and no byte of it makes parsing
// panic, hang or read what is not there.
func TestDamagedTrees(t *testing.T) {
	good := flatten(sample())
	for n := range good {
		_, err := parse(good[:n])
		require.Error(t, err, n)
	}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x81
		f, err := parse(b)
		if err == nil {
			for _, c := range f.Configs {
				for _, s := range c.Signatures {
					_, _ = f.Signed(c, s)
				}
			}
			f.Layout()
		}
	}
}

func TestReadErrorsAreNoFormatErrors(t *testing.T) {
	b := flatten(sample())
	_, err := fit.Parse(bytes.NewReader(b[:100]), int64(len(b)))
	require.Error(t, err)
	var e *untrusted.Error
	assert.NotErrorAs(t, err, &e)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	_, err = fit.Parse(broken{bytes.NewReader(b), 100}, int64(len(b)))
	require.ErrorIs(t, err, errBroken)
	assert.NotErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.ErrorContains(t, err, "reading at 100")
}

var errBroken = errors.New("the disk is broken")

// broken reads all but one byte.
type broken struct {
	r  *bytes.Reader
	at int64
}

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off > b.at || off+int64(len(p)) <= b.at {
		return b.r.ReadAt(p, off)
	}
	n, _ := b.r.ReadAt(p[:b.at-off], off)
	return n, errBroken
}

func FuzzParse(f *testing.F) {
	f.Add(flatten(sample()))
	f.Add(append(external(5, 4, "data-offset"), make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := parse(b)
		if err != nil {
			return
		}
		for _, i := range m.Images {
			require.LessOrEqual(t, i.Offset+i.Length, int64(len(b)))
		}
		for _, c := range m.Configs {
			for _, s := range c.Signatures {
				sections, err := m.Signed(c, s)
				if err != nil {
					continue
				}
				var at int64
				for _, x := range sections {
					require.GreaterOrEqual(t, x.Off, at)
					at = x.Off + x.Len
				}
				require.LessOrEqual(t, at, int64(len(b)))
			}
		}
		for _, p := range m.Layout() {
			require.GreaterOrEqual(t, p.Len, int64(0))
		}
		_, _ = fit.ReadControl(bytes.NewReader(b), int64(len(b)))
	})
}
