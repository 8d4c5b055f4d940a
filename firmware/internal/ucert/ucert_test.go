package ucert_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/ucert"
)

// A pair is a key of usign.
type pair struct {
	id   [8]byte
	priv ed25519.PrivateKey
}

func newPair(t testing.TB) pair {
	t.Helper()
	var p pair
	_, err := rand.Read(p.id[:])
	require.NoError(t, err)
	_, p.priv, err = ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return p
}

func (p pair) text(b []byte) string {
	return "untrusted comment: x\n" + base64.StdEncoding.EncodeToString(append(append([]byte("Ed"), p.id[:]...), b...)) + "\n"
}

func (p pair) public() string         { return p.text(p.priv.Public().(ed25519.PublicKey)) }
func (p pair) sign(msg []byte) []byte { return []byte(p.text(ed25519.Sign(p.priv, msg))) }
func (p pair) anchors(t testing.TB) (a sig.Anchors) {
	t.Helper()
	k, err := sig.ParseKeys("k", []byte(p.public()))
	require.NoError(t, err)
	return sig.Anchors{Keys: k}
}

func attr(id uint32, value ...[]byte) []byte {
	v := bytes.Join(value, nil)
	out := append(binary.BigEndian.AppendUint32(nil, id<<24|uint32(len(v)+4)), v...)
	return append(out, make([]byte, (4-len(out)%4)%4)...)
}

func msg(kind uint32, name string, value []byte) []byte {
	head := append(binary.BigEndian.AppendUint16(nil, uint16(len(name))), name...)
	head = append(head, 0)
	head = append(head, make([]byte, (4-len(head)%4)%4)...)
	return attr(0x80|kind, head, value)
}

func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func u64(v int64) []byte  { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func payload(kind uint32, from, until time.Time, key string) []byte {
	return msg(2, "ucert", bytes.Join([][]byte{
		msg(5, "certtype", u32(kind)), msg(4, "validfrom", u64(from.Unix())), msg(4, "expiresat", u64(until.Unix())), msg(3, "pubkey", []byte(key+"\x00")),
	}, nil))
}

func certificate(by pair, body []byte) []byte {
	return attr(0, attr(0, by.sign(body)), attr(1, body))
}

func good(key pair) []byte {
	return payload(1, now.AddDate(0, -1, 0), now.AddDate(0, 1, 0), key.public())
}

var image = []byte("the image")

func verify(chain []byte, a sig.Anchors) (*sig.Result, error) {
	c, err := ucert.Parse(chain)
	if err != nil {
		return nil, err
	}
	check, err := c.Open(a, sig.Floor{}, now)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(check, image)
}

func TestChains(t *testing.T) {
	root, middle, build, other := newPair(t), newPair(t), newPair(t), newPair(t)
	final := attr(0, attr(0, build.sign(image)))
	long := append(append(certificate(root, good(middle)), certificate(middle, good(build))...), final...)
	short := append(certificate(root, good(build)), final...)
	for name, c := range map[string]struct {
		chain  []byte
		anchor pair
	}{"two keys": {long, root}, "one key": {short, root}, "the last key itself": {long, build}, "no certificate": {final, build}} {
		r, err := verify(c.chain, c.anchor.anchors(t))
		require.NoError(t, err, name)
		assert.Contains(t, r.Anchor, c.anchor.anchors(t).Keys[0].ID.String(), name)
		assert.Contains(t, r.By, build.anchors(t).Keys[0].ID.String(), name)
	}
	for _, chain := range [][]byte{long, short, final} {
		_, err := verify(chain, other.anchors(t))
		assert.Equal(t, sig.Untrusted, sig.KindOf(err))
	}
	_, err := verify(long, middle.anchors(t))
	assert.Equal(t, sig.Untrusted, sig.KindOf(err), "a key amid the chain is not asked for")
	// Of what a key signs, no byte can change. Comments are not signed.
	body := good(middle)
	at := bytes.Index(long, body)
	for i := range body {
		b := bytes.Clone(long)
		b[at+i] ^= 0x04
		_, err := verify(b, root.anchors(t))
		require.Error(t, err, i)
	}
}

func TestChainsThatProveNothing(t *testing.T) {
	root, build := newPair(t), newPair(t)
	final := attr(0, attr(0, build.sign(image)))
	with := func(body []byte) []byte { return append(certificate(root, body), final...) }
	month := now.AddDate(0, 1, 0)
	wrong := attr(0, attr(0, build.sign([]byte("another"))))
	var many []byte
	for range 9 {
		many = append(many, attr(0, attr(0, []byte("s")), attr(1, []byte("p")))...)
	}
	for name, c := range map[string]struct {
		chain []byte
		kind  sig.Kind
	}{
		"revocation":           {with(payload(2, now.AddDate(0, -1, 0), month, build.public())), sig.Invalid},
		"expired":              {with(payload(1, now.AddDate(0, -1, 0), now, build.public())), sig.BelowPolicy},
		"not yet":              {with(payload(1, now.Add(time.Second), month, build.public())), sig.BelowPolicy},
		"no end":               {with(payload(1, now, time.Unix(1<<61, 0), build.public())), sig.Malformed},
		"no key":               {with(payload(1, now, month, "x")), sig.Malformed},
		"another image":        {append(certificate(root, good(build)), wrong...), sig.Invalid},
		"empty":                {nil, sig.Malformed},
		"no final signature":   {certificate(root, good(build)), sig.Malformed},
		"something behind it":  {append(bytes.Clone(final), final...), sig.Malformed},
		"too long":             {make([]byte, 5000), sig.Malformed},
		"too many":             {many, sig.Malformed},
		"cut":                  {final[:len(final)-8], sig.Malformed},
		"no signature in it":   {attr(0, attr(1, []byte("p"))), sig.Malformed},
		"empty link":           {attr(0), sig.Malformed},
		"two signatures in it": {attr(0, attr(0, []byte("s")), attr(0, []byte("s"))), sig.Malformed},
		"odd attribute":        {attr(0, attr(7, []byte("s"))), sig.Malformed},
		"short attribute":      {[]byte{0, 0, 0, 3}, sig.Malformed},
		"no text":              {attr(0, attr(0, []byte("s"))), sig.Malformed},
		"no table":             {with(msg(3, "ucert", []byte("x\x00"))), sig.Malformed},
		"another table":        {with(msg(2, "cert", nil)), sig.Malformed},
		"empty table":          {with(msg(2, "ucert", nil)), sig.Malformed},
		"twice in the table":   {with(msg(2, "ucert", append(msg(5, "certtype", u32(1)), msg(5, "certtype", u32(1))...))), sig.Malformed},
		"name beyond":          {with(attr(0x82, []byte{0xff, 0xff, 0, 0})), sig.Malformed},
		"behind the table":     {with(append(good(build), good(build)...)), sig.Malformed},
	} {
		_, err := verify(c.chain, root.anchors(t))
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
	}
}

func FuzzParse(f *testing.F) {
	root, build := newPair(f), newPair(f)
	f.Add(append(certificate(root, good(build)), attr(0, attr(0, build.sign(image)))...))
	anchors := root.anchors(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ucert.Parse(b); err == nil {
			_, _ = c.Open(anchors, sig.Floor{}, now)
		}
	})
}
