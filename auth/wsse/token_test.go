package wsse_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth/wsse"
)

// The example of the ONVIF Application Programmer's Guide.
func TestDigestOfThePublishedExample(t *testing.T) {
	nonce, err := base64.StdEncoding.DecodeString("LKqI6G/AikKCQrN0zqZFlg==")
	require.NoError(t, err)
	assert.Equal(t, "tuOSpGlFlIXsozq4HFNeeGeFLEI=", wsse.Digest(nonce, "2010-09-16T07:50:45Z", []byte("userpassword")))

	tok, err := wsse.New("user", []byte("userpassword"), time.Date(2010, 9, 16, 7, 50, 45, 0, time.UTC), bytes.NewReader(nonce))
	require.NoError(t, err)
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(tok.AppendXML(nil)))
	assert.Equal(t, "tuOSpGlFlIXsozq4HFNeeGeFLEI=", doc.FindElement("//Password").Text())
	assert.Equal(t, "LKqI6G/AikKCQrN0zqZFlg==", doc.FindElement("//Nonce").Text())
	assert.Equal(t, "2010-09-16T07:50:45Z", doc.FindElement("//Created").Text())
}

func TestTokensDifferAndDoNotPrint(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("x", 3600))
	a, err := wsse.New(`a<&>"`, []byte("p"), at, nil)
	require.NoError(t, err)
	b, err := wsse.New(`a<&>"`, []byte("p"), at, nil)
	require.NoError(t, err)
	assert.NotEqual(t, string(a.AppendXML(nil)), string(b.AppendXML(nil)))
	doc := etree.NewDocument()
	require.NoError(t, doc.ReadFromBytes(a.AppendXML(nil)))
	assert.Equal(t, `a<&>"`, doc.FindElement("//Username").Text())
	assert.Equal(t, "2026-01-02T02:04:05Z", doc.FindElement("//Created").Text())
	for _, verb := range []string{"%v", "%s", "%#v"} {
		assert.NotContains(t, fmt.Sprintf(verb, a), doc.FindElement("//Password").Text())
	}
}

func TestWhatCannotBeSent(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, user := range []string{"", "a\x00", "a\nb"} {
		_, err := wsse.New(user, nil, now, nil)
		require.ErrorIs(t, err, wsse.ErrUser)
	}
	for _, user := range []string{"a b", " ", "\u00fc"} { // what XML can hold goes
		_, err := wsse.New(user, nil, now, nil)
		require.NoError(t, err, "%q", user)
	}
	for _, year := range []int{1, 9999} {
		_, err := wsse.New("u", nil, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), nil)
		require.NoError(t, err, "%d", year)
	}
	for _, year := range []int{-1, 0, 10000} {
		_, err := wsse.New("u", nil, time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), nil)
		require.ErrorIs(t, err, wsse.ErrTime)
	}
	_, err := wsse.New("u", nil, now, bytes.NewReader([]byte("short")))
	require.Error(t, err)
}
