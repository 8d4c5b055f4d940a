package firmware_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// Of several signatures that all fail the worst is told, of two as bad the
// first, by name.
func TestTheWorstOfFailedSignaturesIsTold(t *testing.T) {
	k, priv := ed25519Key(t)
	_, stranger := ed25519Key(t)
	image := []byte("image")
	pgp := firmware.Signature{Name: "image.asc", Data: []byte("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n")}
	wrong := func(name string, k ed25519.PrivateKey) firmware.Signature {
		return firmware.Signature{Name: name, Scheme: "ed25519", Data: ed25519.Sign(k, []byte("not the image, "+name))}
	}
	one, two, nameless := wrong("one", priv), wrong("two", stranger), wrong("", priv)
	p := firmware.Policy{Keys: []firmware.Key{k}}
	for _, c := range []struct {
		all    []firmware.Signature
		want   firmware.AuthenticityStatus
		reason string
	}{
		{[]firmware.Signature{pgp, one}, firmware.AuthenticityInvalid, "one: "},
		{[]firmware.Signature{one, pgp}, firmware.AuthenticityInvalid, "one: "},
		{[]firmware.Signature{one, two}, firmware.AuthenticityInvalid, "one: "},
		{[]firmware.Signature{two, one}, firmware.AuthenticityInvalid, "two: "},
		{[]firmware.Signature{pgp, two, one}, firmware.AuthenticityInvalid, "two: "},
		{[]firmware.Signature{pgp}, firmware.AuthenticityNotVerifiable, "image.asc: "},
		{[]firmware.Signature{nameless}, firmware.AuthenticityInvalid, "the detached signature: "},
	} {
		r := verify(t, p, image, c.all...)
		assert.Equal(t, c.want, r.Authenticity.Status)
		assert.Contains(t, r.Authenticity.Reason, c.reason)
		assert.Empty(t, r.Authenticity.Signers)
	}
}

// One signer is listed once, two of one kind twice, and what does not count is
// told beside them.
func TestSignersAreListedOnce(t *testing.T) {
	k1, p1 := ed25519Key(t)
	k2, p2 := ed25519Key(t)
	image := []byte("image")
	sign := func(p ed25519.PrivateKey) firmware.Signature {
		return firmware.Signature{Name: "s", Scheme: "ed25519", Data: ed25519.Sign(p, image)}
	}
	p := firmware.Policy{Keys: []firmware.Key{k1, k2}}
	r := verify(t, p, image, sign(p1), sign(p1), sign(p2))
	require.Len(t, r.Authenticity.Signers, 2)
	assert.NotEqual(t, r.Authenticity.Signers[0].By, r.Authenticity.Signers[1].By)
	bad := sign(p1)
	bad.Name, bad.Data = "bad", bytes.Clone(bad.Data)
	bad.Data[0] ^= 1
	r = verify(t, p, image, bad, sign(p2))
	assert.Equal(t, firmware.Accepted, r.Verdict)
	assert.Contains(t, r.Because[0], "note: bad does not count: ")
}

// A pinned digest stands for the bytes unless a signature of a trusted key
// speaks against them.
func TestAPinBesideASignature(t *testing.T) {
	k, priv := ed25519Key(t)
	image := []byte("image")
	pin := []string{sha256Hex(image)}
	wrong := firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, []byte("another"))}
	r := verify(t, firmware.Policy{Digests: pin, Keys: []firmware.Key{k}}, image, wrong)
	assert.Equal(t, firmware.AuthenticityInvalid, r.Authenticity.Status)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	r = verify(t, firmware.Policy{Digests: pin}, image, wrong)
	assert.Equal(t, firmware.AuthenticityVerified, r.Authenticity.Status, "by no key that the policy has")
	assert.Equal(t, firmware.Accepted, r.Verdict)
	assert.Contains(t, r.Because[0], "note: the detached signature does not count: ")
}

// Each check that was made is told with what came of it.
func TestChecksTellWhatCameOfThem(t *testing.T) {
	b := goodHKWS()
	b[len(b)-1]++
	r, err := firmware.CheckIntegrity(t.Context(), bytes.NewReader(b), int64(len(b)), nil)
	require.NoError(t, err)
	bad := 0
	for _, c := range r.Integrity.Checks {
		if !c.OK {
			bad++
		}
		assert.Equal(t, c.OK, c.Reason == "", c.What)
	}
	assert.Equal(t, 1, bad, r.Integrity.Checks)
	assert.Greater(t, len(r.Integrity.Checks), 2)
}

// Makers are known by whole words.
func TestVendorsAreWholeWords(t *testing.T) {
	for name, want := range map[string]string{
		"Axis Communications AB": "axis", "Hanwha Vision": "hanwha", "Zhejiang Dahua Vision": "dahua", "TP-LINK Technologies": "tp-link", "(Uniview)": "uniview",
		"dahua9 cams": "dahua9 cams", "dahua0 cams": "dahua0 cams", "zdahua cams": "zdahua cams", "dahuaz cams": "dahuaz cams", "adahua cams": "adahua cams",
		"my-axis cams": "my-axis cams", "axis/dahua": "dahua",
	} {
		assert.Equal(t, want, firmware.VendorKey(name), name)
	}
}

func TestMinisignKeysTakeNoCertificates(t *testing.T) {
	_, leaf := authority(t, rsaKey.Public())
	_, priv := ed25519Key(t)
	secret := append([]byte("Ed\x00\x00B2"), make([]byte, 48+8)...)
	secret = append(append(secret, priv...), make([]byte, 32)...)
	file := []byte("untrusted comment: x\n" + base64.StdEncoding.EncodeToString(secret) + "\n")
	k, err := firmware.ParseSigningKey(file, camsec.Secret{})
	require.NoError(t, err)
	assert.Equal(t, "minisign", k.Scheme())
	_, err = firmware.ParseSigningKey(file, camsec.Secret{}, leaf)
	require.ErrorContains(t, err, "signs without certificates")
}

// Text that says what it is, is read as that, whatever the caller calls it.
func TestTextHasTheWordAboutItsScheme(t *testing.T) {
	k, priv := ed25519Key(t)
	owner, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	image := []byte("image")
	s := firmware.Signature{Scheme: "rsa-pss-sha256", Data: countersign(t, owner, image, firmware.Statement{Issued: issued})}
	r := verify(t, firmware.Policy{Keys: []firmware.Key{k}, Now: at(issued)}, image, s)
	assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
	assert.NotNil(t, r.Authenticity.Statement)
}

// Of a boot loader's keys those count that it requires, or all where it
// requires none; several that it requires each are given one by one.
func TestKeysThatABootLoaderRequires(t *testing.T) {
	dtc := sigtest.Stranger(t, "dtc")
	control := func(mode, a, b string) ([]firmware.Key, error) {
		node := func(name string, k *rsa.PrivateKey, required string) string {
			return fmt.Sprintf("key-%s { %s key-name-hint = %q; algo = \"sha256,rsa2048\"; rsa,modulus = [%x]; rsa,exponent = [%016x]; };", name, required, name, k.N.Bytes(), k.E)
		}
		source := "/dts-v1/; / { signature { " + mode + node("a", freshRSA(), a) + node("b", otherRSA(), b) + " }; };"
		sigtest.Write(t, []byte(source), dtc.Dir, "control.dts")
		dtc.Run("-q", "-O", "dtb", "-o", "control.dtb", "control.dts")
		return firmware.ParseKeys("control", sigtest.Read(t, dtc.Dir+"/control.dtb"))
	}
	const conf = `required = "conf";`
	for _, c := range []struct {
		mode, a, b string
		want       []string
	}{
		{"", conf, "", []string{"key-a"}},
		{"", "", conf, []string{"key-b"}},
		{"", "", "", []string{"key-a", "key-b"}},
		{`required-mode = "any";`, conf, conf, []string{"key-a", "key-b"}},
	} {
		keys, err := control(c.mode, c.a, c.b)
		require.NoError(t, err)
		require.Len(t, keys, len(c.want), "%+v", c)
		for i, k := range keys {
			assert.Contains(t, k.String(), c.want[i])
		}
	}
	_, err := control("", conf, conf)
	require.ErrorIs(t, err, errors.ErrUnsupported)
}
