package firmware_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

// An owner is a key that signs, and the policy that trusts it.
type owner struct {
	key    *firmware.SigningKey
	policy firmware.Policy
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

// owners are of both kinds: minisign's and X.509.
func owners(t *testing.T) map[string]owner {
	t.Helper()
	pub, priv := ed25519Key(t)
	ed, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	mini, err := firmware.ParseKeys("owner.pub", []byte(ed.MinisignPublicKey()))
	require.NoError(t, err)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	root, leaf := authority(t, ec.Public())
	x, err := firmware.NewSigningKey(ec, leaf)
	require.NoError(t, err)
	return map[string]owner{
		"minisign":              {ed, firmware.Policy{Keys: mini, Now: at(issued)}},
		"minisign, key by PEM":  {ed, firmware.Policy{Keys: []firmware.Key{pub}, Now: at(issued)}},
		"X.509 by root":         {x, firmware.Policy{Roots: []*x509.Certificate{root}, Now: at(issued)}},
		"X.509 by public key":   {x, firmware.Policy{Keys: []firmware.Key{newKey(t, "owner", ec.Public())}, Now: at(issued)}},
		"X.509 by certificate":  {x, firmware.Policy{Roots: []*x509.Certificate{leaf}, Now: at(issued)}},
		"X.509 by key and root": {x, firmware.Policy{Keys: []firmware.Key{newKey(t, "another", rsaKey.Public())}, Roots: []*x509.Certificate{root}, Now: at(issued)}},
	}
}

func statement() firmware.Statement {
	return firmware.Statement{
		Vendor: firmware.Hikvision, Model: "DS-2CD2?43G2*", Platform: "G5", Language: "EN",
		Version: "V5.7.13", Build: "230822", From: []string{"V5.5.0 build 190101..V5.7.12 build 230101"},
		Issued: issued, Expires: issued.AddDate(1, 0, 0),
	}
}

func device() *firmware.Device {
	return &firmware.Device{Vendor: "HIKVISION", Model: "DS-2CD2143G2-I", Platform: "G5", Language: "EN"}
}

func runs(text string) *firmware.Version {
	v := firmware.Parse(firmware.Hikvision, text)
	v.Platform = "G5"
	return &v
}

// A maker's image that nobody outside can verify is verified by its owner's
// word: bytes, device and version.
func TestCountersignature(t *testing.T) {
	for name, o := range owners(t) {
		t.Run(name, func(t *testing.T) {
			image := goodHKWS()
			s := firmware.Signature{Name: "owner's", Data: countersign(t, o.key, image, statement())}
			p := o.policy
			p.Countersigned, p.Device, p.Running = true, device(), runs("V5.5.82 build 190909")

			r := verify(t, p, image, s)
			require.Equal(t, firmware.Accepted, r.Verdict, "%v", r.Because)
			require.NotNil(t, r.Authenticity.Statement)
			assert.Equal(t, sha256Hex(image), r.Authenticity.Statement.SHA256)
			assert.Equal(t, firmware.IntegrityChecksum, r.Integrity.Status)
			assert.Equal(t, firmware.FreshnessNewer, r.Freshness.Status)
			assert.True(t, r.Freshness.Proven)
			assert.Equal(t, firmware.FitnessFits, r.Fitness.Status)
			for _, a := range r.Fitness.Aspects {
				assert.True(t, a.Proven, a.Name)
			}
			assert.Empty(t, r.Uncovered)

			other := bytes.Clone(image)
			other[1000]++
			other[1001]-- // the maker's sums are still right
			r = verify(t, p, other, s)
			assert.Equal(t, firmware.Rejected, r.Verdict)
			assert.Equal(t, firmware.AuthenticityInvalid, r.Authenticity.Status)
		})
	}
}

func TestWhatAStatementRefuses(t *testing.T) {
	o := owners(t)["minisign"]
	image := goodHKWS()
	for name, c := range map[string]struct {
		want   firmware.Verdict
		change func(*firmware.Statement, *firmware.Policy)
	}{
		"nothing":                {firmware.Accepted, func(*firmware.Statement, *firmware.Policy) {}},
		"another model":          {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Device.Model = "DS-2CD2347G2-LU" }},
		"another platform":       {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Device.Platform = "E2" }},
		"another language":       {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Device.Language = "CN" }},
		"another maker":          {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Device.Vendor = "dahua" }},
		"the file's class":       {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Device.DeviceClass = "0x30" }},
		"older than what runs":   {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Running = runs("V5.7.20 build 240101") }},
		"from too old a version": {firmware.Rejected, func(_ *firmware.Statement, p *firmware.Policy) { p.Running = runs("V5.4.1 build 180101") }},
		"from a branch beside":   {firmware.NotVerifiable, func(_ *firmware.Statement, p *firmware.Policy) { p.Running.Platform = "E2"; p.Device.Platform = "" }},
		"no version":             {firmware.NotVerifiable, func(s *firmware.Statement, _ *firmware.Policy) { s.Version, s.Build = "", "" }},
		"no model":               {firmware.NotVerifiable, func(s *firmware.Statement, _ *firmware.Policy) { s.Model = "" }},
		"expired": {firmware.Rejected, func(s *firmware.Statement, p *firmware.Policy) {
			p.Now = at(s.Expires)
		}},
		"not yet expired": {firmware.Accepted, func(s *firmware.Statement, p *firmware.Policy) {
			p.Now = at(s.Expires.Add(-time.Second))
		}},
		"from the future": {firmware.Rejected, func(s *firmware.Statement, p *firmware.Policy) {
			p.Now = at(s.Issued.Add(-time.Hour))
		}},
		"no maker told": {firmware.Accepted, func(s *firmware.Statement, p *firmware.Policy) {
			v := firmware.Parse("", "V5.5.82 build 190909")
			s.Vendor, p.Running, p.Device.Vendor = "", &v, ""
		}},
		"no maker told, and too old": {firmware.Rejected, func(s *firmware.Statement, p *firmware.Policy) {
			v := firmware.Parse("", "V5.4.1 build 180101")
			s.Vendor, p.Running, p.Device.Vendor = "", &v, ""
		}},
		"an older one, allowed": {firmware.Accepted, func(s *firmware.Statement, p *firmware.Policy) {
			s.From = nil
			p.Running, p.LegacyOlder = runs("V5.7.20 build 240101"), true
		}},
	} {
		st, p := statement(), o.policy
		p.Device, p.Running = device(), runs("V5.5.82 build 190909")
		c.change(&st, &p)
		r := verify(t, p, image, firmware.Signature{Data: countersign(t, o.key, image, st)})
		assert.Equal(t, c.want, r.Verdict, "%s: %v", name, r.Because)
	}
}

// What the file says otherwise is told.
func TestAStatementThatContradictsTheFile(t *testing.T) {
	o := owners(t)["minisign"]
	image := imagetest.HKWS(2, imagetest.File{Name: "a", Data: []byte("a")})
	r := verify(t, o.policy, image, firmware.Signature{Data: countersign(t, o.key, image, statement())})
	assert.Equal(t, firmware.Accepted, r.Verdict)
	assert.Contains(t, r.Because, "note: the file says that its language is CN, and the countersignature EN")
}

// Two owners who say different things say nothing.
func TestStatementsThatDisagree(t *testing.T) {
	image := goodHKWS()
	var keys []firmware.Key
	var signers []*firmware.SigningKey
	for range 2 {
		pub, priv := ed25519Key(t)
		k, err := firmware.NewSigningKey(priv)
		require.NoError(t, err)
		keys, signers = append(keys, pub), append(signers, k)
	}
	p := firmware.Policy{Keys: keys, Signers: 2, Now: at(issued)}
	one, other := statement(), statement()
	sign := func(k *firmware.SigningKey, st firmware.Statement) firmware.Signature {
		return firmware.Signature{Data: countersign(t, k, image, st)}
	}
	r := verify(t, p, image, sign(signers[0], one), sign(signers[1], other))
	assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
	other.Expires = issued.AddDate(0, 1, 0)
	r = verify(t, p, image, sign(signers[0], one), sign(signers[1], other))
	assert.Equal(t, other.Expires, r.Authenticity.Statement.Expires, "the earlier end counts")
	for i, change := range []func(*firmware.Statement){
		func(s *firmware.Statement) { s.Vendor = "" }, func(s *firmware.Statement) { s.Model = "*" },
		func(s *firmware.Statement) { s.Platform = "E2" }, func(s *firmware.Statement) { s.Language = "CN" },
		func(s *firmware.Statement) { s.DeviceClass = "0x2c" }, func(s *firmware.Statement) { s.Hardware = "1" },
		func(s *firmware.Statement) { s.Version = "V5.7.14" }, func(s *firmware.Statement) { s.Build = "230823" },
		func(s *firmware.Statement) { s.From = nil },
	} {
		other = statement()
		change(&other)
		r = verify(t, p, image, sign(signers[0], one), sign(signers[1], other))
		assert.Equal(t, firmware.Rejected, r.Verdict, i)
		assert.Contains(t, r.Authenticity.Reason, "different things")
	}
}

// Of several ends the earliest counts, and one that has none gives way.
func TestTheEarliestEndCounts(t *testing.T) {
	image := goodHKWS()
	var keys []firmware.Key
	var signers []*firmware.SigningKey
	for range 3 {
		pub, priv := ed25519Key(t)
		k, err := firmware.NewSigningKey(priv)
		require.NoError(t, err)
		keys, signers = append(keys, pub), append(signers, k)
	}
	early, late, never := issued.AddDate(0, 1, 0), issued.AddDate(0, 2, 0), time.Time{}
	for _, ends := range [][]time.Time{{early, late, never}, {late, early, never}, {never, late, early}, {late, never, early}, {early, never, never}} {
		var s []firmware.Signature
		for i, end := range ends {
			st := statement()
			st.Expires = end
			s = append(s, firmware.Signature{Data: countersign(t, signers[i], image, st)})
		}
		r := verify(t, firmware.Policy{Keys: keys, Signers: 3, Now: at(issued)}, image, s...)
		require.Equal(t, firmware.Accepted, r.Verdict, r.Because)
		assert.Equal(t, early, r.Authenticity.Statement.Expires, ends)
	}
}

// One key that signs in two ways is one signer.
func TestOneKeyIsOneSigner(t *testing.T) {
	pub, priv := ed25519Key(t)
	second, _ := ed25519Key(t)
	k, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	image := []byte("image")
	r := verify(
		t, firmware.Policy{Keys: []firmware.Key{pub, second}, Signers: 2, Now: at(issued)}, image,
		firmware.Signature{Data: countersign(t, k, image, firmware.Statement{Issued: issued})},
		firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, image)},
	)
	assert.Equal(t, firmware.Rejected, r.Verdict)
	assert.Contains(t, r.Because, "1 of 2 signers stand for the image")
}

func TestMatchModel(t *testing.T) {
	for _, c := range []struct {
		pattern, model string
		want           bool
	}{
		{"DS-2CD2143G2-I", "ds-2cd2143g2-i", true},
		{"DS-2CD2143G2-I", "DS-2CD2143G2-IS", false},
		{"DS-2CD2?43G2*", "DS-2CD2143G2-I", true},
		{"DS-2CD2?43G2*", "DS-2CD243G2-I", false},
		{"*", "", true},
		{"*", "anything/with slash", true},
		{"", "x", false},
		{"a*b*c", "axxbxxbyyc", true},
		{"a*b*c", "axxbxxbyy", false},
		{"?", "", false},
		{"DS-A71024/48*", "DS-A71024/48R", true},
	} {
		assert.Equal(t, c.want, firmware.MatchModel(c.pattern, c.model), "%q %q", c.pattern, c.model)
	}
}
