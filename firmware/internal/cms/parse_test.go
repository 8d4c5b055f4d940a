package cms_test

import (
	"bytes"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/cms"
	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

func TestEncodings(t *testing.T) {
	w := newWorld(t)
	image := sigtest.Image(100)
	der := w.mutate(image, nil).make(t)
	block := func(kind string) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	for name, c := range map[string]struct {
		message []byte
		kind    sig.Kind
		text    string
	}{
		"DER":          {der, 0, ""},
		"PEM":          {block("CMS"), 0, ""},
		"PEM of old":   {block("PKCS7"), 0, ""},
		"PEM of NSS":   {block("PKCS #7 SIGNED DATA"), 0, ""},
		"PEM of other": {block("CERTIFICATE"), sig.Malformed, `"CERTIFICATE"`},
		"PEM, more":    {append(block("CMS"), 'x'), sig.Malformed, "after the PEM block"},
		"PEM, cut":     {block("CMS")[:50], sig.Malformed, "no complete PEM block"},
		"S/MIME":       {[]byte("MIME-Version: 1.0\n"), sig.Unsupported, "S/MIME"},
		"BER":          {append([]byte{0x30, 0x80}, der[4:]...), sig.Unsupported, "indefinite length"},
		"empty":        {nil, sig.Malformed, "no DER sequence"},
		"zero after":   {append(bytes.Clone(der), 0), sig.Malformed, "1 bytes after the end"},
		"too long":     {make([]byte, cms.MaxSize+1), sig.Malformed, "more than the limit"},
		"no content":   {wrap(cbasn1.SEQUENCE, encode(t, idSignedData)), sig.Malformed, "no ContentInfo"},
	} {
		_, err := check(c.message, image, w.options())
		assert.Equal(t, c.kind, sig.KindOf(err), "%s: %v", name, err)
		if c.kind != 0 {
			assert.ErrorContains(t, err, c.text, name)
		}
	}
	// The caller's bytes may change after Parse.
	b := bytes.Clone(der)
	m, err := cms.Parse(b)
	require.NoError(t, err)
	clear(b)
	c, err := m.Open(w.options())
	require.NoError(t, err)
	_, err = c.Finish()
	assert.Equal(t, sig.Invalid, sig.KindOf(err), "a check that has seen nothing")
	_, err = sig.VerifyBytes(c, image)
	assert.NoError(t, err)
}
