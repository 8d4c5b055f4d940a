package ucert_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
	"github.com/camsec/camsec/firmware/internal/ucert"
)

// newPair makes a key of usign's, of an ID of its own.
func newPair(t testing.TB) sigtest.Maker {
	t.Helper()
	return sigtest.NewMaker(t, rand.Text()[:8])
}

func public(m sigtest.Maker) string { return string(m.Public("x")) }

func sign(m sigtest.Maker, message []byte) []byte { return m.Signify("Ed", message) }

func trusting(t testing.TB, m sigtest.Maker) (a sig.Anchors) {
	t.Helper()
	k, err := sig.ParseKeys("k", m.Public("x"))
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

func certificate(by sigtest.Maker, body []byte) []byte {
	return attr(0, attr(0, sign(by, body)), attr(1, body))
}

func good(key sigtest.Maker) []byte {
	return payload(1, now.AddDate(0, -1, 0), now.AddDate(0, 1, 0), public(key))
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
	final := attr(0, attr(0, sign(build, image)))
	long := append(append(certificate(root, good(middle)), certificate(middle, good(build))...), final...)
	short := append(certificate(root, good(build)), final...)
	for name, c := range map[string]struct {
		chain  []byte
		anchor sigtest.Maker
	}{"two keys": {long, root}, "one key": {short, root}, "the last key itself": {long, build}, "no certificate": {final, build}} {
		r, err := verify(c.chain, trusting(t, c.anchor))
		require.NoError(t, err, name)
		assert.Contains(t, r.Anchor, trusting(t, c.anchor).Keys[0].ID.String(), name)
		assert.Contains(t, r.By, trusting(t, build).Keys[0].ID.String(), name)
	}
	for _, chain := range [][]byte{long, short, final} {
		_, err := verify(chain, trusting(t, other))
		assert.Equal(t, sig.Untrusted, sig.KindOf(err))
	}
	_, err := verify(long, trusting(t, middle))
	assert.Equal(t, sig.Untrusted, sig.KindOf(err), "a key amid the chain is not asked for")
	// Of what a key signs, no byte can change. Comments are not signed.
	body := good(middle)
	at := bytes.Index(long, body)
	for i := range body {
		b := bytes.Clone(long)
		b[at+i] ^= 0x04
		_, err := verify(b, trusting(t, root))
		require.Error(t, err, i)
	}
}

// As many keys as may be, and one more; as long as ucert itself reads, and
// longer; fields that nobody knows.
func TestBordersOfAChain(t *testing.T) {
	keys := []sigtest.Maker{newPair(t)}
	chain := func(n int, more ...[]byte) []byte {
		for len(keys) <= n {
			keys = append(keys, newPair(t))
		}
		var out []byte
		for i := range n {
			body := bytes.Join(append([][]byte{
				msg(5, "certtype", u32(1)), msg(4, "validfrom", u64(0)), msg(4, "expiresat", u64(1<<60)), msg(3, "pubkey", []byte(public(keys[i+1])+"\x00")),
			}, more...), nil)
			out = append(out, certificate(keys[i], msg(2, "ucert", body))...)
		}
		return append(out, attr(0, attr(0, sign(keys[n], image)))...)
	}
	for n, want := range map[int]sig.Kind{0: 0, 1: 0, 7: 0, 8: sig.Malformed} {
		_, err := verify(chain(n), trusting(t, keys[0]))
		assert.Equal(t, want, sig.KindOf(err), "%d keys: %v", n, err)
	}
	_, err := verify(chain(1, msg(1, "note", nil)), trusting(t, keys[0]))
	require.NoError(t, err, "an empty field is no harm")

	room := 4092 - len(chain(1, msg(1, "note", nil)))
	require.Zero(t, room%4)
	full := chain(1, msg(1, "note", make([]byte, room)))
	require.Len(t, full, 4092)
	_, err = verify(full, trusting(t, keys[0]))
	require.NoError(t, err)
	_, err = verify(chain(1, msg(1, "note", make([]byte, room+4))), trusting(t, keys[0]))
	assert.ErrorContains(t, err, "a chain of 4096 bytes", "ucert's buffer has room for 4095")

	start := payload(1, time.Unix(1<<60, 0), time.Unix(1<<60, 0), public(keys[1]))
	_, err = verify(append(certificate(keys[0], start), attr(0, attr(0, sign(keys[1], image)))...), trusting(t, keys[0]))
	assert.Equal(t, sig.BelowPolicy, sig.KindOf(err), "not valid for a long time: %v", err)
}

func TestChainsThatProveNothing(t *testing.T) {
	root, build := newPair(t), newPair(t)
	final := attr(0, attr(0, sign(build, image)))
	with := func(body []byte) []byte { return append(certificate(root, body), final...) }
	month := now.AddDate(0, 1, 0)
	wrong := attr(0, attr(0, sign(build, []byte("another"))))
	var many []byte
	for range 9 {
		many = append(many, attr(0, attr(0, []byte("s")), attr(1, []byte("p")))...)
	}
	for name, c := range map[string]struct {
		chain []byte
		kind  sig.Kind
	}{
		"revocation":           {with(payload(2, now.AddDate(0, -1, 0), month, public(build))), sig.Invalid},
		"expired":              {with(payload(1, now.AddDate(0, -1, 0), now, public(build))), sig.BelowPolicy},
		"not yet":              {with(payload(1, now.Add(time.Second), month, public(build))), sig.BelowPolicy},
		"no end":               {with(payload(1, now, time.Unix(1<<61, 0), public(build))), sig.Malformed},
		"no beginning":         {with(msg(2, "ucert", bytes.Join([][]byte{msg(5, "certtype", u32(1)), msg(4, "expiresat", u64(month.Unix())), msg(3, "pubkey", []byte(public(build)))}, nil))), sig.Malformed},
		"no expiry":            {with(msg(2, "ucert", bytes.Join([][]byte{msg(5, "certtype", u32(1)), msg(4, "validfrom", u64(0)), msg(3, "pubkey", []byte(public(build)))}, nil))), sig.Malformed},
		"another kind of day":  {with(msg(2, "ucert", bytes.Join([][]byte{msg(5, "certtype", u32(1)), msg(5, "validfrom", u32(0)), msg(4, "expiresat", u64(month.Unix())), msg(3, "pubkey", []byte(public(build)))}, nil))), sig.Malformed},
		"no key told":          {with(msg(2, "ucert", bytes.Join([][]byte{msg(5, "certtype", u32(1)), msg(4, "validfrom", u64(0)), msg(4, "expiresat", u64(month.Unix()))}, nil))), sig.Malformed},
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
		_, err := verify(c.chain, trusting(t, root))
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
	}
}

func FuzzParse(f *testing.F) {
	root, build := newPair(f), newPair(f)
	f.Add(append(certificate(root, good(build)), attr(0, attr(0, sign(build, image)))...))
	anchors := trusting(f, root)
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ucert.Parse(b); err == nil {
			_, _ = c.Open(anchors, sig.Floor{}, now)
		}
	})
}
