package cms_test

import (
	"crypto/elliptic"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func TestRevocation(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(100)
	message := w.mutate(image, nil).make(t)
	other := issue(t, w.inter, "Another", ecKey(t, elliptic.P256()), nil)
	impostor := issue(t, nil, "Intermediate", ecKey(t, elliptic.P256()), authority)
	delta := func(l *x509.RevocationList) {
		l.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}
	}
	past := func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = now.AddDate(0, -2, 0), now.AddDate(0, -1, 0)
	}
	future := func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = now.AddDate(0, 1, 0), now.AddDate(0, 2, 0)
	}
	rootList, list := crl(t, w.root, nil), crl(t, w.inter, nil, other)
	for name, c := range map[string]struct {
		lists   []*x509.RevocationList
		require bool
		kind    sig.Kind
		text    string
	}{
		"none":                       {nil, false, 0, ""},
		"none, required":             {nil, true, sig.BelowPolicy, "there is no revocation list"},
		"clear":                      {[]*x509.RevocationList{list, rootList}, true, 0, ""},
		"root's missing":             {[]*x509.RevocationList{list}, true, sig.BelowPolicy, "no revocation list of CN=Root"},
		"root's missing, not needed": {[]*x509.RevocationList{list}, false, 0, "no revocation list of CN=Root"},
		"revoked":                    {[]*x509.RevocationList{crl(t, w.inter, nil, w.signer)}, false, sig.BelowPolicy, "was revoked on 2026-04-01"},
		"intermediate revoked":       {[]*x509.RevocationList{crl(t, w.root, nil, w.inter)}, false, sig.BelowPolicy, "CN=Intermediate,O=Camsec Tests was revoked"},
		"revoked in an old list":     {[]*x509.RevocationList{list, crl(t, w.inter, past, w.signer)}, false, sig.BelowPolicy, "was revoked"},
		"too old":                    {[]*x509.RevocationList{crl(t, w.inter, past)}, false, sig.BelowPolicy, "is of 2026-04-01"},
		"too new":                    {[]*x509.RevocationList{crl(t, w.inter, future)}, false, sig.BelowPolicy, "is of 2026-07-01"},
		"an old and a good one":      {[]*x509.RevocationList{crl(t, w.inter, past), list}, false, 0, ""},
		"a part":                     {[]*x509.RevocationList{crl(t, w.inter, delta)}, false, sig.Unsupported, "is a part of one"},
		"by somebody else":           {[]*x509.RevocationList{crl(t, impostor, nil, w.signer)}, false, 0, "no revocation list of CN=Intermediate"},
	} {
		o := w.options()
		o.Anchors.CRLs, o.RequireCRL = c.lists, c.require
		res, err := check(message, image, o)
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		if c.kind != 0 {
			assert.ErrorContains(t, err, c.text, name)
		} else if err == nil {
			assert.Contains(t, strings.Join(res.Notes, ";"), c.text, name)
		}
	}
	// The list may come in the message.
	m := w.mutate(image, func(m *maker) { m.crls = [][]byte{crl(t, w.inter, nil, w.signer).Raw} })
	_, err := check(m.make(t), image, w.options())
	assert.Equal(t, sig.BelowPolicy, sig.KindOf(err), err)
	m.crls = [][]byte{wrap(context(1), []byte{5, 0})}
	_, err = check(m.make(t), image, w.options())
	assert.Equal(t, sig.Unsupported, sig.KindOf(err), err)
	m.crls = [][]byte{{0x30, 0}}
	_, err = check(m.make(t), image, w.options())
	assert.Equal(t, sig.Malformed, sig.KindOf(err), err)
}

// So many lists, signers and digests may be in a message, and no more.
func TestLimitsOfAMessage(t *testing.T) {
	w := newWorld(t)
	image := []byte("image")
	list := crl(t, w.inter, nil).Raw
	for n, want := range map[int]sig.Kind{16: 0, 17: sig.Malformed} {
		m := w.mutate(image, func(m *maker) {
			for range n {
				m.crls = append(m.crls, list)
			}
		})
		_, err := check(m.make(t), image, w.options())
		assert.Equal(t, want, sig.KindOf(err), "%d lists: %v", n, err)
		m = w.mutate(image, func(m *maker) { m.by = slices.Repeat([]*entity{w.signer}, n) })
		_, err = check(m.make(t), image, w.options())
		assert.Equal(t, want, sig.KindOf(err), "%d signers: %v", n, err)
	}
}

// Of two ways to the anchors the shorter is told.
func TestTheShorterWayIsTold(t *testing.T) {
	w := newWorld(t)
	image := []byte("image")
	// The intermediate's key has a certificate of its own as a root, too.
	short := issue(t, nil, "Intermediate", w.inter.key, authority)
	o := w.options()
	for _, roots := range [][]*x509.Certificate{{w.root.cert, short.cert}, {short.cert, w.root.cert}} {
		o.Anchors.Roots = roots
		res, err := check(w.mutate(image, nil).make(t), image, o)
		require.NoError(t, err)
		assert.Contains(t, res.Anchor, "CN=Intermediate")
	}
}
