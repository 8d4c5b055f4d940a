package firmware_test

import (
	"crypto/ed25519"
	"crypto/x509"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/blake2b"

	"github.com/camsec/camsec/firmware"
	minisigned "github.com/camsec/camsec/firmware/internal/countersign"
)

// commented signs as a maker does who writes version and build into minisign's
// trusted comment.
func commented(priv ed25519.PrivateKey, image []byte, comment string) firmware.Signature {
	sum := blake2b.Sum512(image)
	return firmware.Signature{Data: minisigned.NewMinisign(priv).Sign(sum[:], comment)}
}

// A version in a trusted comment is a proven one, whichever of the signatures
// has it.
func TestVersionsInTrustedComments(t *testing.T) {
	k, priv := ed25519Key(t)
	other, otherPriv := ed25519Key(t)
	image := []byte("image")
	running := firmware.Parse("acme", "5.7.0")
	p := firmware.Policy{Keys: []firmware.Key{k, other}, Running: &running, Now: at(issued)}

	r := verify(t, p, image, commented(priv, image, "file:x version:5.7.13 build:230822"))
	assert.Equal(t, "5.7.13 build 230822", r.Freshness.Version)
	assert.True(t, r.Freshness.Proven)
	assert.Equal(t, firmware.FreshnessNewer, r.Freshness.Status)
	assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)

	r = verify(t, p, image, commented(otherPriv, image, "build:1"), commented(priv, image, "version:5.6.1"))
	assert.Equal(t, "5.6.1", r.Freshness.Version)
	assert.Equal(t, firmware.FreshnessOlder, r.Freshness.Status)

	r = verify(t, p, image, commented(priv, image, "nothing of the kind"))
	assert.Empty(t, r.Freshness.Version)
	assert.False(t, r.Freshness.Proven)
	assert.Equal(t, "the image tells no version", r.Freshness.Reason)
	assert.Equal(t, firmware.NotVerifiable, r.Verdict)

	// The file's own version is not put aside by a comment that has none.
	image = goodHKWS()
	signer, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	v := firmware.Parse(firmware.Hikvision, "V5.0.0")
	p.Running = &v
	st := statement()
	st.Version, st.Build, st.From = "", "", nil
	signed := verify(t, p, image, firmware.Signature{Data: countersign(t, signer, image, st)})
	assert.Equal(t, verify(t, p, image, commented(priv, image, "x")).Freshness.Version, signed.Freshness.Version)
}

// Why freshness is unknown, or not enough, stands in the report.
func TestWhyFreshnessIsNotKnown(t *testing.T) {
	k, priv := ed25519Key(t)
	image := []byte("image")
	p := firmware.Policy{Keys: []firmware.Key{k}, Now: at(issued)}
	assert.Equal(t, "the image tells no version, and none was given to compare it with", verify(t, p, image, commented(priv, image, "x")).Freshness.Reason)
	assert.Equal(t, "no running version was given to compare it with", verify(t, p, image, commented(priv, image, "version:1.0")).Freshness.Reason)
	v := firmware.Parse("", "1.0")
	p.Running = &v
	r := verify(t, p, image, commented(priv, image, "x"))
	assert.Equal(t, "the image tells no version", r.Freshness.Reason)
	assert.Equal(t, "1.0", r.Freshness.Running)
}

// What the owner's statement says is proven, field by field, and is held
// against the device.
func TestEveryFieldOfAStatementCounts(t *testing.T) {
	_, priv := ed25519Key(t)
	owner, err := firmware.NewSigningKey(priv)
	require.NoError(t, err)
	k, err := firmware.ParseKeys("owner", []byte(owner.MinisignPublicKey()))
	require.NoError(t, err)
	image := []byte("image")
	st := firmware.Statement{
		Issued: issued, Vendor: "Acme", Model: "CAM-1", Platform: "P1", Language: "EN", DeviceClass: "0x2c", Hardware: "rev-2", Version: "1.0",
	}
	right := firmware.Device{Vendor: "acme", Model: "CAM-1", Platform: "p1", Language: "en", DeviceClass: "0x2C", Hardware: "REV-2"}
	wrong := map[string]func(*firmware.Device){
		"":            func(*firmware.Device) {},
		"vendor":      func(d *firmware.Device) { d.Vendor = "nobody" },
		"model":       func(d *firmware.Device) { d.Model = "CAM-2" },
		"platform":    func(d *firmware.Device) { d.Platform = "P2" },
		"language":    func(d *firmware.Device) { d.Language = "CN" },
		"deviceClass": func(d *firmware.Device) { d.DeviceClass = "0x30" },
		"hardware":    func(d *firmware.Device) { d.Hardware = "rev-1" },
	}
	for name, change := range wrong {
		d := right
		change(&d)
		r := verify(t, firmware.Policy{Keys: k, Device: &d, Now: at(issued)}, image, firmware.Signature{Data: countersign(t, owner, image, st)})
		require.Len(t, r.Fitness.Aspects, 6)
		for _, a := range r.Fitness.Aspects {
			want := firmware.FitnessFits
			if a.Name == name {
				want = firmware.FitnessDiffers
			}
			assert.Equal(t, want, a.Status, "%s: %s", name, a.Name)
			assert.True(t, a.Proven, a.Name)
		}
		if name == "" {
			assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
			assert.Equal(t, "all that was asked for agrees", r.Fitness.Reason)
		} else {
			assert.Equal(t, firmware.Rejected, r.Verdict, name)
		}
	}

	// What it leaves out is unknown, whatever else it says.
	for name, leave := range map[string]func(*firmware.Statement){
		"model": func(s *firmware.Statement) { s.Model = "" }, "platform": func(s *firmware.Statement) { s.Platform = "" },
		"hardware": func(s *firmware.Statement) { s.Hardware = "" }, "language": func(s *firmware.Statement) { s.Language = "" },
	} {
		less := st
		leave(&less)
		r := verify(t, firmware.Policy{Keys: k, Device: &right, Now: at(issued)}, image, firmware.Signature{Data: countersign(t, owner, image, less)})
		assert.Equal(t, firmware.FitnessUnknown, r.Fitness.Status, name)
		assert.Equal(t, "the image does not tell its "+name, r.Fitness.Reason)
		assert.Equal(t, firmware.NotVerifiable, r.Verdict)
	}
	r := verify(t, firmware.Policy{Keys: k, Device: &firmware.Device{}, Now: at(issued)}, image, firmware.Signature{Data: countersign(t, owner, image, st)})
	assert.Equal(t, "nothing was asked of the device", r.Fitness.Reason)
	assert.Equal(t, firmware.FitnessUnknown, r.Fitness.Status)
}

// The file's own words are repeated only where they contradict the owner's:
// that an image for English and other languages is for English does not.
func TestAStatementThatAgreesWithTheFile(t *testing.T) {
	o := owners(t)["minisign"]
	image := goodHKWS() // EN/ML
	for language, told := range map[string]bool{"EN": false, "en": false, "ML": false, "EN/ML": false, "CN": true} {
		st := statement()
		st.Language = language
		r := verify(t, o.policy, image, firmware.Signature{Data: countersign(t, o.key, image, st)})
		assert.Equal(t, told, strings.Contains(strings.Join(r.Because, "\n"), "note: the file says"), "%s: %v", language, r.Because)
	}
	// A list of languages is one thing, a list of anything else is not.
	st := statement()
	st.DeviceClass = strings.Split(inspect(t, image).Claims.DeviceClass, "/")[0] + "/x"
	r := verify(t, o.policy, image, firmware.Signature{Data: countersign(t, o.key, image, st)})
	assert.Contains(t, strings.Join(r.Because, "\n"), "note: the file says that its deviceClass is")
}

// What an image says of itself outside what its signatures cover is proven by
// a signature beside it, or by a pinned digest, and by nothing less.
func TestLooseClaims(t *testing.T) {
	fit := pick(t, gather(t, freshFIT), "FIT images")
	k, priv := ed25519Key(t)
	proven := func(p firmware.Policy, s ...firmware.Signature) bool {
		p.Device, p.Now = &firmware.Device{Model: "acme,cam"}, at(issued)
		r := verify(t, p, fit.image, s...)
		require.Equal(t, firmware.AuthenticityVerified, r.Authenticity.Status, r.Authenticity.Reason)
		require.Len(t, r.Fitness.Aspects, 1)
		require.Equal(t, firmware.FitnessFits, r.Fitness.Aspects[0].Status)
		return r.Fitness.Aspects[0].Proven
	}
	beside := firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, fit.image)}
	wrong := firmware.Signature{Scheme: "ed25519", Data: ed25519.Sign(priv, []byte("another"))}
	both := firmware.Policy{Keys: append([]firmware.Key{k}, fit.trust.Keys...)}
	assert.False(t, proven(fit.trust))
	assert.True(t, proven(both, beside))
	assert.False(t, proven(both, wrong))
	assert.True(t, proven(firmware.Policy{Digests: []string{sha256Hex(fit.image)}}))
}

// The certificates in a CMS signature are named where they are, to the byte.
func TestWhereCertificatesAre(t *testing.T) {
	const what = "certificates in the signature"
	f := pick(t, gather(t, freshRAUC), "RAUC plain")
	r := verify(t, f.trust, f.image)
	require.Len(t, r.Uncovered, 1)
	u := r.Uncovered[0]
	assert.Equal(t, what, u.What)
	field := f.image[u.Offset : u.Offset+u.Length]
	require.Equal(t, []byte{0xa0, 0x82}, field[:2], "[0] IMPLICIT, of more than 255 bytes")
	require.Equal(t, len(field)-4, int(field[2])<<8|int(field[3]))
	_, err := x509.ParseCertificate(field[4:])
	require.NoError(t, err)
}
