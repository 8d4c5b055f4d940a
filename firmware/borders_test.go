package firmware_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// Version texts are read as long as they may be, and no longer.
func TestBordersOfVersions(t *testing.T) {
	spaced := func(n int) string { return "1.2" + strings.Repeat(" ", n-4) + "x" }
	assert.True(t, firmware.Parse("acme", spaced(256)).Known())
	assert.False(t, firmware.Parse("acme", spaced(257)).Known())
	assert.Len(t, firmware.Parse("acme", spaced(257)).Raw, 257, "the text itself is kept")
	assert.True(t, firmware.Parse("acme", "1"+strings.Repeat(".1", 11)).Known())
	assert.False(t, firmware.Parse("acme", "1"+strings.Repeat(".1", 12)).Known())
	assert.Equal(t, "G5", firmware.PlatformCode("G5"+strings.Repeat(" ", 254)))
	assert.Empty(t, firmware.PlatformCode("G5"+strings.Repeat(" ", 255)))
	assert.Equal(t, "G5", firmware.PlatformCode("G5-G5"), "the same twice is one")

	// Years as makers write them in two digits.
	for text, want := range map[string]string{
		"V1.0 build 000101": "2000-01-01", "V1.0 build 681231": "2068-12-31", "V1.0 build 690101": "",
		"V1.0 build 20000101": "2000-01-01", "V1.0 build 19991231": "", "V1.0 build 20690101": "",
		"V1.0 build 2024-1-2": "2024-01-02", "V1.0 build 2024/01/02": "2024-01-02",
	} {
		assert.Equal(t, want, firmware.Parse("hikvision", text).Released, text)
	}

	// A track has two numbers.
	assert.Empty(t, firmware.Parse("axis", "9").Track)
	assert.Equal(t, "9.80", firmware.Parse("axis", "9.80").Track)
	assert.Equal(t, "9.80", firmware.Parse("axis", "9.80.3.12").Track)
	assert.Equal(t, "FD8166A", firmware.Parse("vivotek", "FD8166A-VVTK-0204j").Product)
	assert.Empty(t, firmware.Parse("vivotek", "-VVTK-0204j").Product)

	// What a report leaves open the raw text fills, and the other way round.
	v := firmware.FromReport("hikvision", camsec.Firmware{Raw: "V5.0.0 build 200101", Version: "V5.1.0"})
	assert.Equal(t, "5.1.0 2020-01-01", v.Number()+" "+v.Released)
	v = firmware.FromReport("hikvision", camsec.Firmware{Raw: "V5.0.0 build 200101", Version: "V5.1.0 build 210101"})
	assert.Equal(t, "5.1.0 2021-01-01", v.Number()+" "+v.Released, "the field's own date stays")
	v = firmware.FromReport("hikvision", camsec.Firmware{Version: "V5.1.0", Released: "2022-01-01"})
	assert.Equal(t, "2022-01-01", v.Released)
	v = firmware.FromReport("hikvision", camsec.Firmware{Version: "V5.1.0", Build: "Build 230101", Released: "2022-01-01"})
	assert.Equal(t, "2023-01-01", v.Released)
	v = firmware.FromReport("hikvision", camsec.Firmware{Version: "V5.1.0", Build: "build", Released: "2022-01-01"})
	assert.Equal(t, "2022-01-01", v.Released)
	assert.Empty(t, firmware.FromReport("axis", camsec.Firmware{Version: "10.1", Platform: "B-R-G5-0"}).Platform, "Hikvision's words are Hikvision's")
}

// A statement holds so much, and no more, and what is not understood is
// refused.
func TestBordersOfStatements(t *testing.T) {
	_, priv := ed25519Key(t)
	k, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	sign := func(st firmware.Statement) error {
		st.Issued = issued
		_, err := k.Countersign(t.Context(), bytes.NewReader(nil), 0, st, nil)
		return err
	}
	from := func(n int) (out []string) {
		for range n {
			out = append(out, "1")
		}
		return out
	}
	require.NoError(t, sign(firmware.Statement{Model: strings.Repeat("x", 256)}))
	require.Error(t, sign(firmware.Statement{Model: strings.Repeat("x", 257)}))
	require.NoError(t, sign(firmware.Statement{From: from(64)}))
	require.Error(t, sign(firmware.Statement{From: from(65)}))
	require.NoError(t, sign(firmware.Statement{Model: " ~"}))
	require.Error(t, sign(firmware.Statement{Model: "\x1f"}))
	require.Error(t, sign(firmware.Statement{Model: "\x7f"}))
	require.NoError(t, sign(firmware.Statement{Expires: issued.Add(time.Second)}))
	require.Error(t, sign(firmware.Statement{Expires: issued}))
	long := func(n int) (out []string) {
		for range n {
			out = append(out, strings.Repeat("9", 250))
		}
		return out
	}
	require.NoError(t, sign(firmware.Statement{From: long(30)}))
	require.Error(t, sign(firmware.Statement{From: long(31)}), "longer than minisign reads")

	// As signed by hand: the mark, then JSON, in one line, and nothing more.
	image := []byte("image")
	body := func(change func(map[string]any)) string {
		m := map[string]any{"sha256": sha256Hex(image), "size": len(image), "issued": issued.Format(time.RFC3339)}
		change(m)
		b, err := json.Marshal(m)
		require.NoError(t, err)
		return string(b)
	}
	plain := body(func(map[string]any) {})
	for name, c := range map[string]struct {
		comment string
		want    firmware.AuthenticityStatus
	}{
		"plain":         {"camsec-countersignature/1 " + plain, firmware.AuthenticityVerified},
		"no statement":  {plain, firmware.AuthenticityVerified},
		"later form":    {"camsec-countersignature/2 " + plain, firmware.AuthenticityInvalid},
		"a new field":   {"camsec-countersignature/1 " + body(func(m map[string]any) { m["onlyOnSunday"] = true }), firmware.AuthenticityInvalid},
		"two of them":   {"camsec-countersignature/1 " + plain + plain, firmware.AuthenticityInvalid},
		"negative size": {"camsec-countersignature/1 " + body(func(m map[string]any) { m["size"] = -1 }), firmware.AuthenticityInvalid},
		"another size":  {"camsec-countersignature/1 " + body(func(m map[string]any) { m["size"] = 4 }), firmware.AuthenticityInvalid},
		"no digest":     {"camsec-countersignature/1 " + body(func(m map[string]any) { m["sha256"] = "" }), firmware.AuthenticityInvalid},
		"another image": {"camsec-countersignature/1 " + body(func(m map[string]any) { m["sha256"] = sha256Hex(nil) }), firmware.AuthenticityInvalid},
		"too long":      {"camsec-countersignature/1 " + plain + strings.Repeat(" ", 8192), firmware.AuthenticityInvalid},
	} {
		pub := newKey(t, "k", priv.Public())
		r := verify(t, firmware.Policy{Keys: []firmware.Key{pub}, Now: at(issued)}, image, commented(priv, image, c.comment))
		assert.Equal(t, c.want, r.Authenticity.Status, "%s: %s", name, r.Authenticity.Reason)
		assert.Equal(t, name == "plain", r.Authenticity.Statement != nil, name)
	}
}

// A statement holds from when it is issued, give or take what clocks are
// apart, until it ends.
func TestWhenAStatementHolds(t *testing.T) {
	o := owners(t)["minisign"]
	image := goodHKWS()
	st := statement()
	for now, want := range map[time.Time]firmware.Verdict{
		st.Issued.Add(-5*time.Minute - time.Second): firmware.Rejected,
		st.Issued.Add(-5 * time.Minute):             firmware.Accepted,
		st.Issued:                                   firmware.Accepted,
		st.Expires.Add(-time.Second):                firmware.Accepted,
		st.Expires:                                  firmware.Rejected,
	} {
		p := o.policy
		p.Now = at(now)
		assert.Equal(t, want, verify(t, p, image, firmware.Signature{Data: countersign(t, o.key, image, st)}).Verdict, now)
	}
}

// From which versions a device may come: single ones, ranges with and without
// ends, and what cannot be put in order with them.
func TestVersionsToComeFrom(t *testing.T) {
	for _, c := range []struct {
		from, running string
		ok            bool
	}{
		{"V5.5.0", "V5.5.0", true},
		{"V5.5.0", "V5.5.1", false},
		{"V5.5.0", "V5.4.9", false},
		{"V5.5.0..V5.6.0", "V5.5.0", true},
		{"V5.5.0..V5.6.0", "V5.6.0", true},
		{"V5.5.0..V5.6.0", "V5.5.5", true},
		{"V5.5.0..V5.6.0", "V5.6.1", false},
		{"V5.5.0..V5.6.0", "V5.4.9", false},
		{"V5.5.0..", "V9.0.0", true},
		{"V5.5.0..", "V5.4.9", false},
		{"..V5.6.0", "V1.0.0", true},
		{"..V5.6.0", "V5.6.1", false},
		{"..", "V5.6.1", true},
		{"V5.5.0", "gibberish", false},
	} {
		st := firmware.Statement{Vendor: firmware.Hikvision, From: []string{c.from}}
		ok, reason := st.Allows(firmware.Parse(firmware.Hikvision, c.running))
		assert.Equal(t, c.ok, ok, "%s %s: %s", c.from, c.running, reason)
		assert.Equal(t, c.ok, reason == "")
	}
	st := firmware.Statement{Vendor: firmware.Hikvision, From: []string{"V5.0.0 build 180101", "V5.5.0"}}
	ok, _ := st.Allows(firmware.Parse(firmware.Hikvision, "V5.5.0"))
	assert.True(t, ok, "one of several is enough")
	ok, reason := st.Allows(firmware.Parse(firmware.Hikvision, "V5.6.0"))
	assert.False(t, ok)
	assert.Contains(t, reason, "cannot be put in order")
	ok, reason = (&firmware.Statement{From: []string{"1.0"}}).Allows(firmware.Parse("acme", "2.0"))
	assert.False(t, ok)
	assert.NotContains(t, reason, "cannot be put in order")
}

// So many signers can be demanded, and so many signatures are looked at.
func TestBordersOfPolicies(t *testing.T) {
	var keys []firmware.Key
	var privs []ed25519.PrivateKey
	for range 17 {
		k, p := ed25519Key(t)
		keys, privs = append(keys, k), append(privs, p)
	}
	_, err := firmware.NewVerifier(firmware.Policy{Keys: keys, Signers: 17})
	require.ErrorContains(t, err, "17 signers cannot be demanded")
	image := []byte("image")
	var all []firmware.Signature
	for _, p := range privs {
		all = append(all, firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(p, image)})
	}
	p := firmware.Policy{Keys: keys, Signers: 16}
	assert.Equal(t, firmware.Accepted, verify(t, p, image, all[:16]...).Verdict)
	assert.Equal(t, firmware.Rejected, verify(t, p, image, all[:15]...).Verdict)
	_, err = firmware.NewVerifier(firmware.Policy{Keys: keys[:2], Signers: 2})
	require.NoError(t, err, "as many as there are keys")

	root, leaf := authority(t, rsaKey.Public())
	_, err = firmware.NewVerifier(firmware.Policy{Keys: keys[:1], Roots: []*x509.Certificate{root}, Signers: 2})
	require.NoError(t, err, "one of them by a certificate")
	for name, p := range map[string]firmware.Policy{
		"a root of nothing":      {Roots: []*x509.Certificate{nil}},
		"a key that is a root's": {Keys: []firmware.Key{newKey(t, "k", rsaKey.Public())}, Roots: []*x509.Certificate{leaf}},
		"signers of no anchor":   {Digests: []string{sha256Hex(image)}, Signers: 1},
	} {
		_, err := firmware.NewVerifier(p)
		require.Error(t, err, name)
	}
	for _, d := range []string{strings.Repeat("a", 63), strings.Repeat("a", 65), strings.Repeat("g", 64), "sha256:" + strings.Repeat("a", 63)} {
		_, err := firmware.NewVerifier(firmware.Policy{Digests: []string{d}})
		require.Error(t, err, d)
	}
	_, err = firmware.NewVerifier(firmware.Policy{Digests: []string{" SHA256:" + strings.Repeat("A", 64)}})
	require.NoError(t, err)
}

// An OpenPGP key is known for what it is, and everything else is not taken for
// one.
func TestOpenPGPKeysVerifyNothing(t *testing.T) {
	for _, c := range []struct {
		data []byte
		want bool
	}{
		{[]byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n"), true},
		{[]byte{0x98, 51, 4, 0, 0}, true},
		{[]byte{0x98, 51, 3, 0}, true},
		{[]byte{0x98, 51, 6, 0}, true},
		{[]byte{0x98, 51, 2, 4}, false},
		{[]byte{0x98, 51, 7, 4}, false},
		{[]byte{0x99, 1, 13, 4}, true},
		{[]byte{0x99, 1, 13, 3}, true},
		{[]byte{0xc6, 51, 3, 0}, true},
		{[]byte{0xc6, 0xc1, 13, 3}, true},
		{[]byte{0x99, 1, 4, 13}, false},
		{[]byte{0xc6, 51, 4, 0}, true},
		{[]byte{0xc6, 0xc1, 13, 4}, true},
		{[]byte{0xc6, 0xc1, 13, 7}, false},
		{[]byte{0x98, 51, 4}, false},
		{[]byte{0x97, 51, 4, 4}, false},
		{nil, false},
	} {
		k, err := firmware.ParseKeys("k", c.data)
		if !c.want {
			require.Error(t, err, "%x", c.data)
			continue
		}
		require.NoError(t, err, "%x", c.data)
		assert.Equal(t, "openpgp key (k)", k[0].String())
	}
}

// What is wrong with a file of keys is told in the two words that callers ask
// for.
func TestKeyErrors(t *testing.T) {
	for _, c := range []struct {
		data      []byte
		want, not error
	}{
		{[]byte("words"), camsec.ErrMalformed, errors.ErrUnsupported},
		{[]byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"), errors.ErrUnsupported, camsec.ErrMalformed},
	} {
		_, err := firmware.ParseKeys("a file", c.data)
		require.ErrorIs(t, err, c.want)
		require.ErrorContains(t, err, "a file: ")
		assert.NotErrorIs(t, err, c.not)
	}
	_, err := firmware.ParseCertificates("a file", []byte("words"))
	require.ErrorIs(t, err, camsec.ErrMalformed)
	_, err = firmware.ParseCRLs("a file", []byte("words"))
	require.ErrorIs(t, err, camsec.ErrMalformed)
	_, err = firmware.NewKey("a key", "words")
	require.ErrorIs(t, err, camsec.ErrMalformed)
}

// Where keys and roots are named beside a digest, the digest alone is not
// enough.
func TestAPinIsNoSigner(t *testing.T) {
	image := []byte("image")
	k, _ := ed25519Key(t)
	root, _ := authority(t, rsaKey.Public())
	for _, p := range []firmware.Policy{
		{Keys: []firmware.Key{k}, Roots: []*x509.Certificate{root}}, {Keys: []firmware.Key{k}}, {Roots: []*x509.Certificate{root}},
	} {
		p.Digests, p.Now = []string{sha256Hex(image)}, at(issued)
		r := verify(t, p, image)
		assert.Equal(t, firmware.Rejected, r.Verdict)
		assert.Contains(t, r.Because, "0 of 1 signers stand for the image")
	}
}

func TestPackageNamesAreBounded(t *testing.T) {
	name := func(n int) string {
		const tail = "/IPC_G5_EN_STD_5.5.113_210317"
		return strings.Repeat("d", n-len(tail)) + tail
	}
	_, err := firmware.ParsePackage(name(256))
	require.NoError(t, err)
	_, err = firmware.ParsePackage(name(257))
	require.ErrorContains(t, err, "too long")
}

// How a signature was made is told from its own words.
func TestSignatureScheme(t *testing.T) {
	oid := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	cms := func(head ...byte) []byte { return append(append(head, oid...), make([]byte, 40)...) }
	for want, all := range map[string][][]byte{
		"minisign": {[]byte("untrusted comment: x\nAAAA\ntrusted comment: y\nAAAA\n"), []byte("\r\n untrusted comment: x\nAAAA\ntrusted comment: y\n")},
		"signify":  {[]byte("untrusted comment: x\nAAAA\n")},
		"openpgp":  {[]byte("-----BEGIN PGP SIGNATURE-----\n")},
		"cms": {
			[]byte("-----BEGIN CMS-----\n"), []byte("-----BEGIN PKCS7-----\n"), []byte("-----BEGIN PKCS #7 SIGNED DATA-----\n"),
			cms(0x30, 0x30), cms(0x30, 0x80), cms(0x30, 0x84, 0, 0, 1, 0),
		},
		"sigstore": {[]byte(`{"mediaType":"x"}`)},
		"tuf":      {[]byte(`{"signed":{"_type":"root"}}`)},
		"suit":     {{0xd8, 0x6b}, {0xd2, 0x84}},
		"":         {nil, []byte("words"), make([]byte, 64), cms(0x30), cms(0x30, 0x84, 0, 0, 1, 0, 0), cms(0x31, 0x30), oid, {'{', 0x9c, 0x01, 0xff, 0x7d}},
	} {
		for _, data := range all {
			assert.Equal(t, want, firmware.SignatureScheme(data), fmt.Sprintf("%.20q", data))
		}
	}
}
