package trust_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
)

const (
	key  = "site/cam-1"
	host = "127.0.0.1"
)

func pins(t testing.TB, certs ...tls.Certificate) trust.Policy {
	t.Helper()
	var all []string
	for _, c := range certs {
		all = append(all, trust.PinOf(c.Leaf))
	}
	p, err := trust.Pins(all...)
	require.NoError(t, err)
	return p
}

func pool(certs ...tls.Certificate) *x509.CertPool {
	p := x509.NewCertPool()
	for _, c := range certs {
		p.AddCert(c.Leaf)
	}
	return p
}

func untrusted(t testing.TB, err error) *trust.UntrustedError {
	t.Helper()
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	e, ok := errors.AsType[*trust.UntrustedError](err)
	require.True(t, ok, "%T", err)
	return e
}

func serving(certs ...tls.Certificate) *tls.Config { return &tls.Config{Certificates: certs} }

func TestString(t *testing.T) {
	pinned := pins(t, selfSigned(t, ecKey(t)))
	for want, p := range map[string]trust.Policy{
		"verified":                {},
		"pinned":                  pinned,
		"first-use":               trust.FirstUse(trust.MemoryStore()),
		"insecure-tls":            trust.InsecureAny(),
		"verified+legacy-tls":     trust.LegacyTLS(trust.System()),
		"pinned+legacy-tls":       trust.LegacyTLS(pinned),
		"insecure-tls+legacy-tls": trust.LegacyTLS(trust.InsecureAny()),
	} {
		assert.Equal(t, want, p.String())
		assert.Equal(t, strings.HasSuffix(want, "legacy-tls"), p.Legacy())
		assert.Equal(t, strings.HasPrefix(want, "insecure"), p.Insecure())
	}
}

func TestHasCertificates(t *testing.T) {
	p := trust.System()
	assert.False(t, p.HasCertificates())
	assert.False(t, p.WithCertificates().HasCertificates())
	assert.True(t, p.WithCertificates(selfSigned(t, ecKey(t))).HasCertificates())
	assert.False(t, p.HasCertificates(), "it was not changed")
}

func TestPinsMalformed(t *testing.T) {
	good := trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	for _, bad := range [][]string{
		nil,
		{""},
		{good[:len(good)-1]},
		{strings.TrimPrefix(good, "sha256/")},
		{"sha1/" + strings.TrimPrefix(good, "sha256/")},
		{good + "\n"},
		{good, "sha256/AAAA"},
	} {
		p, err := trust.Pins(bad...)
		require.Error(t, err, "%q", bad)
		assert.Equal(t, "verified", p.String(), "what comes with an error must not be weak")
	}
}

func TestCase120SelfSigned(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	cam := newCamera(t, serving(cert))
	for name, p := range map[string]trust.Policy{
		"system":    trust.System(),
		"nil roots": trust.Roots(nil),
		"other CA":  trust.Roots(pool(selfSigned(t, ecKey(t)))),
	} {
		_, err := cam.hello(t, p.TLSConfig(key, host))
		e := untrusted(t, err)
		assert.Equal(t, trust.ReasonAuthority, e.Reason, name)
		assert.Equal(t, trust.PinOf(cert.Leaf), e.Pin, name)
		assert.Contains(t, err.Error(), e.Pin, name)
	}
	require.Empty(t, cam.received())

	// The pin in the error is the one that accepts the device.
	_, err := cam.hello(t, trust.System().TLSConfig(key, host))
	p, perr := trust.Pins(untrusted(t, err).Pin)
	require.NoError(t, perr)
	_, err = cam.hello(t, p.TLSConfig(key, host))
	require.NoError(t, err)
	require.Len(t, cam.received(), 1)
}

func TestRoots(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	cam := newCamera(t, serving(cert))
	p := trust.Roots(pool(cert))
	for _, h := range []string{"127.0.0.1", "cam.example"} {
		_, err := cam.hello(t, p.TLSConfig(key, h))
		require.NoError(t, err, h)
	}
	_, err := cam.hello(t, p.WithServerName("cam.example").TLSConfig(key, "10.0.0.5"))
	require.NoError(t, err)

	_, err = cam.hello(t, p.TLSConfig(key, "10.0.0.5"))
	assert.Equal(t, trust.ReasonName, untrusted(t, err).Reason)
	_, err = cam.hello(t, p.WithTime(func() time.Time { return time.Now().AddDate(1, 0, 0) }).TLSConfig(key, host))
	assert.Equal(t, trust.ReasonDates, untrusted(t, err).Reason)
}

func TestRootsNeedAName(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	err := trust.Roots(pool(cert)).Verify(key, "", tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}})
	assert.Equal(t, trust.ReasonName, untrusted(t, err).Reason)
}

func TestNoCertificate(t *testing.T) {
	for _, p := range []trust.Policy{{}, trust.InsecureAny(), trust.FirstUse(trust.MemoryStore())} {
		err := p.Verify(key, host, tls.ConnectionState{})
		assert.Equal(t, trust.ReasonNoCertificate, untrusted(t, err).Reason)
	}
}

func TestBareHost(t *testing.T) {
	for in, want := range map[string]string{
		"[fe80::1%eth0]": "fe80::1",
		"fe80::1%eth0":   "fe80::1",
		"[::1]":          "::1",
		"cam.example":    "cam.example",
		"10.0.0.5":       "10.0.0.5",
	} {
		assert.Equal(t, want, trust.System().TLSConfig(key, in).ServerName)
	}
}

func TestCase121PinChanged(t *testing.T) {
	old, now := selfSigned(t, ecKey(t)), selfSigned(t, ecKey(t))
	cam := newCamera(t, serving(now))
	_, err := cam.hello(t, pins(t, old).TLSConfig(key, host))
	e := untrusted(t, err)
	assert.Equal(t, trust.ReasonPin, e.Reason)
	assert.Equal(t, trust.PinOf(now.Leaf), e.Pin)
	assert.Equal(t, []string{trust.PinOf(old.Leaf)}, e.Expected)
	assert.Contains(t, err.Error(), e.Expected[0])
	assert.Empty(t, cam.received(), "nothing may be sent")

	_, err = cam.hello(t, pins(t, old, now).TLSConfig(key, host))
	require.NoError(t, err, "a second pin allows a planned change")
}

func TestCase121RenewedCertificateKeepsPin(t *testing.T) {
	k := ecKey(t)
	old := selfSigned(t, k)
	renewed := selfSigned(t, k, func(c *x509.Certificate) { c.NotAfter = time.Now().AddDate(9, 0, 0) })
	cam := newCamera(t, serving(renewed))
	_, err := cam.hello(t, pins(t, old).TLSConfig(key, host))
	require.NoError(t, err)
}

func TestCase122ResumedSessionIsChecked(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cert := selfSigned(t, ecKey(t))
			cfg := serving(cert)
			cfg.MaxVersion = version
			cam := newCamera(t, cfg)

			store := trust.MemoryStore()
			client := trust.FirstUse(store).TLSConfig(key, host)
			state, err := cam.hello(t, client)
			require.NoError(t, err)
			require.False(t, state.DidResume)
			state, err = cam.hello(t, client)
			require.NoError(t, err)
			require.True(t, state.DidResume, "else this test shows nothing")

			// Trust is withdrawn while the session could still be resumed.
			require.NoError(t, store.SetPin(key, trust.PinOf(selfSigned(t, ecKey(t)).Leaf)))
			_, err = cam.hello(t, client)
			assert.Equal(t, trust.ReasonPin, untrusted(t, err).Reason)
			require.Len(t, cam.received(), 2, "nothing may be sent")
		})
	}
}

func TestSessionsAreNotSharedBetweenPolicies(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	cam := newCamera(t, serving(cert))
	_, err := cam.hello(t, trust.InsecureAny().TLSConfig(key, host))
	require.NoError(t, err)
	state, err := cam.hello(t, pins(t, cert).TLSConfig(key, host))
	require.NoError(t, err)
	assert.False(t, state.DidResume)
}

func TestCase123And124PinIgnoresNamesAndDates(t *testing.T) {
	for name, tc := range map[string]struct {
		edit  func(*x509.Certificate)
		flaws []trust.Flaw
	}{
		"123 expired": {
			func(c *x509.Certificate) { c.NotBefore, c.NotAfter = time.Unix(0, 0), time.Unix(86400, 0) },
			[]trust.Flaw{trust.FlawExpired, trust.FlawSelfSigned},
		},
		"123 not yet valid": {
			func(c *x509.Certificate) {
				c.NotBefore, c.NotAfter = time.Now().AddDate(1, 0, 0), time.Now().AddDate(2, 0, 0)
			},
			[]trust.Flaw{trust.FlawNotYetValid, trust.FlawSelfSigned},
		},
		"124 CN only": {
			func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = nil, nil },
			[]trust.Flaw{trust.FlawSelfSigned, trust.FlawNoNames},
		},
		"124 old address": {
			func(c *x509.Certificate) { c.IPAddresses = nil },
			[]trust.Flaw{trust.FlawSelfSigned, trust.FlawName},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cert := selfSigned(t, ecKey(t), tc.edit)
			cam := newCamera(t, serving(cert))
			state, err := cam.hello(t, pins(t, cert).TLSConfig(key, host))
			require.NoError(t, err)
			assert.Equal(t, tc.flaws, trust.Flaws(state.PeerCertificates[0], host, time.Now()))

			_, err = cam.hello(t, trust.Roots(pool(cert)).TLSConfig(key, host))
			untrusted(t, err)
		})
	}
}

func TestFlawsWeakKey(t *testing.T) {
	weak := selfSigned(t, rsaKey(t, 1024))
	assert.Contains(t, trust.Flaws(weak.Leaf, host, time.Now()), trust.FlawWeakKey)
	assert.NotContains(t, trust.Flaws(selfSigned(t, ecKey(t)).Leaf, host, time.Now()), trust.FlawWeakKey)
}

func TestCase125And126LegacyDevices(t *testing.T) {
	weak := selfSigned(t, rsaKey(t, 1024))
	for name, cfg := range map[string]*tls.Config{
		"125 TLS 1.0": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"125 TLS 1.1": {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
		"126 RSA key exchange": {
			MaxVersion:   tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA},
		},
		"125+126": {
			MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10,
			CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA},
		},
		"3DES": {
			MaxVersion:   tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg.Certificates = []tls.Certificate{weak}
			cam := newCamera(t, cfg)
			p := pins(t, weak)

			_, err := cam.hello(t, p.TLSConfig(key, host))
			require.Error(t, err)
			require.NotErrorIs(t, err, camsec.ErrUntrusted)
			err = trust.Explain(err)
			require.ErrorIs(t, err, camsec.ErrUntrusted)
			e, ok := errors.AsType[*trust.LegacyError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, trust.ProfileLegacy, e.Profile)
			assert.Contains(t, err.Error(), "legacy-tls")

			_, err = cam.hello(t, trust.LegacyTLS(p).TLSConfig(key, host))
			require.NoError(t, err)
			require.Len(t, cam.received(), 1)

			// The profile is about TLS, not about whom to trust.
			_, err = cam.hello(t, trust.LegacyTLS(pins(t, selfSigned(t, ecKey(t)))).TLSConfig(key, host))
			assert.Equal(t, trust.ReasonPin, untrusted(t, err).Reason)
			require.Len(t, cam.received(), 1)
		})
	}
}

func TestLegacyKeepsRC4Off(t *testing.T) {
	ids := trust.LegacyTLS(trust.System()).TLSConfig(key, host).CipherSuites
	assert.NotContains(t, ids, tls.TLS_RSA_WITH_RC4_128_SHA)
	assert.Contains(t, ids, tls.TLS_RSA_WITH_AES_128_CBC_SHA)
	assert.Nil(t, trust.System().TLSConfig(key, host).CipherSuites)
}

func TestCase128RenegotiationRefused(t *testing.T) {
	for _, p := range []trust.Policy{trust.System(), trust.LegacyTLS(trust.InsecureAny())} {
		cfg := p.TLSConfig(key, host)
		assert.Equal(t, tls.RenegotiateNever, cfg.Renegotiation)
		assert.Empty(t, cfg.NextProtos)
	}
}

func TestCase130HugeChain(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	big := selfSigned(t, ecKey(t), func(c *x509.Certificate) { c.Subject.Organization = []string{strings.Repeat("x", 60_000)} })
	for range 17 {
		cert.Certificate = append(cert.Certificate, big.Certificate[0])
	}
	cam := newCamera(t, serving(cert))
	_, err := cam.hello(t, trust.InsecureAny().TLSConfig(key, host))
	require.ErrorContains(t, err, "exceeds maximum")
	require.Empty(t, cam.received())
}

func TestCase131ClientCertificate(t *testing.T) {
	cert, mine := selfSigned(t, ecKey(t)), selfSigned(t, ecKey(t))
	cfg := serving(cert)
	cfg.ClientAuth = tls.RequestClientCert
	cam := newCamera(t, cfg)
	for _, tc := range []struct {
		policy trust.Policy
		want   int
	}{
		{pins(t, cert), 0},
		{pins(t, cert).WithCertificates(mine), 1},
	} {
		_, err := cam.hello(t, tc.policy.TLSConfig(key, host))
		require.NoError(t, err)
		cam.mu.Lock()
		assert.Equal(t, tc.want, cam.certs)
		cam.mu.Unlock()
	}
}

func TestCase133SharedKeys(t *testing.T) {
	factory, own := trust.PinOf(selfSigned(t, ecKey(t)).Leaf), trust.PinOf(selfSigned(t, ecKey(t)).Leaf)
	store := trust.MemoryStore()
	for k, pin := range map[string]string{"a/3": factory, "a/1": factory, "a/2": own} {
		require.NoError(t, store.SetPin(k, pin))
	}
	assert.Equal(t, map[string][]string{factory: {"a/1", "a/3"}}, trust.SharedPins(store.Pins()))
}

func TestFirstUse(t *testing.T) {
	first, second := selfSigned(t, ecKey(t)), selfSigned(t, ecKey(t))
	store := trust.MemoryStore()
	p := trust.FirstUse(store)

	_, err := newCamera(t, serving(first)).hello(t, p.TLSConfig(key, host))
	require.NoError(t, err)
	got, _ := store.Pin(key)
	assert.Equal(t, trust.PinOf(first.Leaf), got)

	swapped := newCamera(t, serving(second))
	_, err = swapped.hello(t, p.TLSConfig(key, host))
	e := untrusted(t, err)
	assert.Equal(t, []string{trust.PinOf(first.Leaf)}, e.Expected)
	assert.Empty(t, swapped.received())
	got, _ = store.Pin(key)
	assert.Equal(t, trust.PinOf(first.Leaf), got, "a refusal must not change the store")

	_, err = swapped.hello(t, p.TLSConfig("site/cam-2", host))
	require.NoError(t, err, "another device has a pin of its own")

	require.NoError(t, store.SetPin(key, trust.PinOf(second.Leaf)))
	_, err = swapped.hello(t, p.TLSConfig(key, host))
	require.NoError(t, err, "re-trusted by hand")
}

// plainStore hides PinOnce and can fail.
type plainStore struct {
	trust.Store
	err error
}

func (s plainStore) Pin(key string) (string, error) {
	if s.err != nil {
		return "", s.err
	}
	return s.Store.Pin(key)
}

func TestFirstUseFailsClosed(t *testing.T) {
	cert := selfSigned(t, ecKey(t))
	state := tls.ConnectionState{PeerCertificates: []*x509.Certificate{cert.Leaf}}
	broken := errors.New("disk gone")
	for name, err := range map[string]error{
		"nil store": trust.FirstUse(nil).Verify(key, host, state),
		"no key":    trust.FirstUse(trust.MemoryStore()).Verify("", host, state),
		"broken":    trust.FirstUse(plainStore{err: broken}).Verify(key, host, state),
	} {
		assert.Equal(t, trust.ReasonStore, untrusted(t, err).Reason, name)
	}
	require.ErrorIs(t, trust.FirstUse(plainStore{err: broken}).Verify(key, host, state), broken)

	path := filepath.Join(t.TempDir(), "pins.json")
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	err := trust.FirstUse(trust.FileStore(path)).Verify(key, host, state)
	_, ok := errors.AsType[*trust.StoreError](err)
	require.True(t, ok)
	require.ErrorIs(t, err, camsec.ErrUntrusted)
}

func TestFirstUseConcurrentFirstContacts(t *testing.T) {
	const n = 8
	for name, store := range map[string]trust.Store{
		"memory": trust.MemoryStore(),
		"plain":  plainStore{Store: trust.MemoryStore()},
		"file":   trust.FileStore(filepath.Join(t.TempDir(), "pins.json")),
	} {
		t.Run(name, func(t *testing.T) {
			p := trust.FirstUse(store)
			states := make([]tls.ConnectionState, n)
			for i := range states {
				states[i].PeerCertificates = []*x509.Certificate{selfSigned(t, ecKey(t)).Leaf}
			}
			errs := make([]error, n)
			var wg sync.WaitGroup
			for i := range n {
				wg.Go(func() { errs[i] = p.Verify(key, host, states[i]) })
			}
			wg.Wait()
			accepted := 0
			for _, err := range errs {
				if err == nil {
					accepted++
				}
			}
			assert.Equal(t, 1, accepted, "%v", errs)
		})
	}
}
