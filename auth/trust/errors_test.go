package trust_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
)

func TestCase127NamesTheGODEBUG(t *testing.T) {
	// The texts are those that the standard library gives now.
	_, short := rsa.GenerateKey(rand.Reader, 512)
	require.Error(t, short)
	der := bytes.Clone(selfSigned(t, ecKey(t)).Certificate[0])
	at := bytes.Index(der, []byte{2, 4, 0x7a, 0x7a, 0x7a, 0x7a})
	require.Positive(t, at)
	der[at+2] = 0xfa
	_, negative := x509.ParseCertificate(der)
	require.Error(t, negative)
	sha1 := errors.New("tls: certificate used with invalid signature algorithm")

	for want, err := range map[string]error{
		"rsa1024min=0":         short,
		"x509negativeserial=1": fmt.Errorf("tls: failed to parse certificate from server: %w", negative),
		"tlssha1=1":            sha1,
	} {
		got := trust.Explain(fmt.Errorf("dial: %w", err))
		e, ok := errors.AsType[*trust.LegacyError](got)
		require.True(t, ok, "%v", err)
		assert.Equal(t, want, e.GODEBUG)
		assert.Empty(t, e.Profile)
		assert.Contains(t, got.Error(), want)
		require.ErrorIs(t, got, camsec.ErrUntrusted)
		require.ErrorIs(t, got, err)
	}
}

func TestExplainLeavesOthersAlone(t *testing.T) {
	require.NoError(t, trust.Explain(nil))
	for _, err := range []error{
		io.ErrUnexpectedEOF,
		errors.New("remote error: tls: internal error"),
		&trust.UntrustedError{Reason: trust.ReasonPin, Err: errors.New("remote error: tls: handshake failure")},
	} {
		assert.Equal(t, err, trust.Explain(err))
	}
	once := trust.Explain(errors.New("remote error: tls: handshake failure"))
	assert.Equal(t, once, trust.Explain(once))
}

func TestErrorNamesThePins(t *testing.T) {
	e := &trust.UntrustedError{Reason: trust.ReasonAuthority, Pin: "sha256/a"}
	assert.EqualError(t, e, "trust: unknown authority: device has sha256/a")
	e = &trust.UntrustedError{Reason: trust.ReasonPin, Pin: "sha256/a", Expected: []string{"sha256/b", "sha256/c"}}
	assert.EqualError(t, e, "trust: key does not match the pin: device has sha256/a, expected sha256/b or sha256/c")
	assert.EqualError(t, &trust.UntrustedError{Reason: trust.ReasonNoCertificate}, "trust: no certificate")
}

func TestWeakKeysBegin(t *testing.T) {
	for bits, weak := range map[uint]bool{1024: true, 2047: true, 2048: false, 4096: false} {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		flaws := trust.Flaws(&x509.Certificate{PublicKey: &rsa.PublicKey{N: n, E: 65537}}, host, time.Now())
		assert.Equal(t, weak, slices.Contains(flaws, trust.FlawWeakKey), "%d", bits)
	}
}

func TestErrorTextIsHarmless(t *testing.T) {
	hostile := errors.New("x509: name \x1b[2J\r\n" + string(bytes.Repeat([]byte("A"), 5000)))
	for _, err := range []error{
		&trust.UntrustedError{Reason: trust.ReasonInvalid, Err: hostile},
		&trust.LegacyError{Profile: trust.ProfileLegacy, Err: hostile},
	} {
		text := err.Error()
		assert.Less(t, len(text), 600)
		assert.NotContains(t, text, "\x1b")
		assert.NotContains(t, text, "\n")
		assert.ErrorIs(t, err, hostile)
	}
}
