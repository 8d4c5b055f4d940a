package onvif_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

var peap = onvif.LegacyDot1X{Token: "lan", Identity: "cam-1", AnonymousID: "cam", Method: onvif.EAPPEAP}

// A configuration is written whole, and what is not named in a change stays:
// the password, and what the maker put beside it.
func TestLegacyDot1X(t *testing.T) {
	d, c := secure(t)
	ctx := t.Context()
	change, err := c.CreateLegacyDot1X(ctx, peap, secret("Switch <&> Word 1 "))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Contains(t, change.Proof, "but for the secret")
	assert.Equal(t, "Switch <&> Word 1 ", d.Dot1XPassword("lan"))

	_, err = c.CreateLegacyDot1X(ctx, peap, secret("Other-Word-2"))
	require.ErrorIs(t, err, onvif.ErrExists)
	assert.NotErrorIs(t, err, camsec.ErrNotFound)
	assert.Equal(t, "Switch <&> Word 1 ", d.Dot1XPassword("lan"))

	now, err := c.LegacyDot1XConfiguration(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, peap.Method, now.Method)
	assert.Equal(t, peap.AnonymousID, now.AnonymousID)
	assert.NotContains(t, d.LastReply("GetDot1XConfiguration"), "Password")

	now.Identity, now.AnonymousID = "cam-2", ""
	change, err = c.SetLegacyDot1X(ctx, now, camsec.Secret{}, onvif.AllowCutOff)
	require.NoError(t, err)
	assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "read back"}, change)
	assert.NotContains(t, d.LastRequest("SetDot1XConfiguration"), "Password")
	assert.Equal(t, "Switch <&> Word 1 ", d.Dot1XPassword("lan"), "no new one was named")
	again, err := c.LegacyDot1XConfiguration(ctx, "lan")
	require.NoError(t, err)
	assert.Equal(t, now, again)
	assert.Contains(t, d.LastReply("GetDot1XConfiguration"), `urn:camsec:sim">2<`, "the maker's own is kept")

	change, err = c.DeleteLegacyDot1X(ctx, "lan", onvif.AllowCutOff)
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	list, err := c.LegacyDot1XConfigurations(ctx)
	require.NoError(t, err)
	assert.Empty(t, list)
	_, err = c.LegacyDot1XConfiguration(ctx, "lan")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.SetLegacyDot1X(ctx, now, camsec.Secret{}, onvif.AllowCutOff)
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.DeleteLegacyDot1X(ctx, "lan", onvif.AllowCutOff)
	require.ErrorIs(t, err, camsec.ErrNotFound)
}

// With EAP-TLS the certificates have to be there.
func TestLegacyDot1XNeedsItsCertificates(t *testing.T) {
	_, c := secure(t)
	for name, d := range map[string]onvif.LegacyDot1X{
		"no such certificate": {Token: "lan", Method: onvif.EAPTLS, CertificateID: "none"},
		"no such authority":   {Token: "lan", Method: onvif.EAPTLS, CertificateID: "factory", CACertificateIDs: []string{"none"}},
	} {
		change, err := c.CreateLegacyDot1X(t.Context(), d, camsec.Secret{})
		require.ErrorIs(t, err, camsec.ErrNotFound, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome, name)
	}
	made, err := createLegacyDot1X(t.Context(), c)
	require.NoError(t, err)
	now, err := c.LegacyDot1XConfiguration(t.Context(), made.Token)
	require.NoError(t, err)
	assert.Equal(t, []string{"ca"}, now.CACertificateIDs)
	assert.Equal(t, "factory", now.CertificateID)
	list, err := c.Dot1XConfigurations(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list, "those of the security service are others")
}

// What is refused sends nothing.
func TestLegacyDot1XRefusals(t *testing.T) {
	d := start(t, onviftest.Current(), nil)
	plain := client(t, d, nil)
	_, err := plain.CreateLegacyDot1X(t.Context(), peap, secret("Switch-Word-1"))
	require.ErrorIs(t, err, camsec.ErrUntrusted, "not in the clear")
	assert.NotContains(t, err.Error(), "Switch-Word")
	_, err = plain.SetLegacyDot1X(t.Context(), peap, secret("Switch-Word-1"), onvif.AllowCutOff)
	require.ErrorIs(t, err, camsec.ErrUntrusted)
	_, err = plain.SetLegacyDot1X(t.Context(), peap, camsec.Secret{})
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = plain.DeleteLegacyDot1X(t.Context(), "lan")
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = plain.DeleteLegacyDot1X(t.Context(), "", onvif.AllowCutOff)
	require.Error(t, err, "none might mean each")
	for _, bad := range []onvif.LegacyDot1X{{Method: onvif.EAPPEAP}, {Token: "lan"}} {
		change, err := plain.CreateLegacyDot1X(t.Context(), bad, camsec.Secret{})
		require.Error(t, err)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
	}
	reader := client(t, d, func(o *onvif.Options) { o.ReadOnly = true })
	_, err = reader.CreateLegacyDot1X(t.Context(), peap, camsec.Secret{})
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	_, err = reader.SetLegacyDot1X(t.Context(), peap, camsec.Secret{}, onvif.AllowCutOff)
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	_, err = reader.DeleteLegacyDot1X(t.Context(), "lan", onvif.AllowCutOff)
	require.ErrorIs(t, err, onvif.ErrReadOnly)
	assert.Empty(t, d.Writes())
	guard := clientAs(t, d, "guard", "Night-Watch-4", nil)
	_, err = guard.LegacyDot1XConfigurations(t.Context())
	require.ErrorIs(t, err, camsec.ErrForbidden)

	_, err = client(t, start(t, onviftest.Hikvision(), nil), nil).LegacyDot1XConfigurations(t.Context())
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

// A password cannot be read: where the reply is lost, that the rest reads back
// as wished does not make it set.
func TestLegacyDot1XPasswordIsNotTakenForSet(t *testing.T) {
	d := start(t, onviftest.Current(), &onviftest.Options{InProcess: true, TLS: true})
	way := &losing{RoundTripper: d.Transport()}
	c := client(t, d, func(o *onvif.Options) { o.Base = way })
	_, err := c.CreateLegacyDot1X(t.Context(), peap, secret("Switch-Word-1"))
	require.NoError(t, err)
	now, err := c.LegacyDot1XConfiguration(t.Context(), peap.Token)
	require.NoError(t, err)
	for _, before := range []bool{true, false} {
		way.action, way.before = "SetDot1XConfiguration", before
		change, err := c.SetLegacyDot1X(t.Context(), now, secret("Switch-Word-2"), onvif.AllowCutOff)
		require.ErrorIs(t, err, camsec.ErrUncertain, fmt.Sprint(before))
		assert.NotContains(t, err.Error(), "Switch-Word")
		assert.Equal(t, camsec.OutcomeUnknown, change.Outcome)
		assert.Equal(t, !before, d.Dot1XPassword("lan") == "Switch-Word-2", "and indeed")

		now.Identity = fmt.Sprint("cam-", before)
		way.before = false
		change, err = c.SetLegacyDot1X(t.Context(), now, camsec.Secret{}, onvif.AllowCutOff)
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome, "what can be read back is proof")
	}
}

// A device that says yes and does nothing is found out.
func TestLegacyDot1XSilentWrites(t *testing.T) {
	p := onviftest.Current()
	p.Faults.SilentWrites = true
	c := client(t, start(t, p, &onviftest.Options{InProcess: true, TLS: true}), nil)
	_, err := c.CreateLegacyDot1X(t.Context(), peap, secret("Switch-Word-1"))
	require.ErrorIs(t, err, onvif.ErrNotVerified)
	_, err = c.SetLegacyDot1X(t.Context(), peap, secret("Switch-Word-1"), onvif.AllowCutOff)
	require.ErrorIs(t, err, onvif.ErrNotVerified)
}

// A device's own password in an answer, which no device should give, is
// neither kept nor sent back; and an answer that is not understood is none.
func TestLegacyDot1XReadings(t *testing.T) {
	const head = `<tds:GetDot1XConfigurationResponse xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema"><tds:Dot1XConfiguration>`
	const tail = `</tds:Dot1XConfiguration></tds:GetDot1XConfigurationResponse>`
	read := func(inner string) (onvif.LegacyDot1X, error) {
		return answering(t, canned{body: envelope(head + inner + tail)}).LegacyDot1XConfiguration(t.Context(), "lan")
	}
	d, err := read(`<tt:Dot1XConfigurationToken>lan</tt:Dot1XConfigurationToken><tt:Identity>cam</tt:Identity><tt:EAPMethod>25</tt:EAPMethod>` +
		`<tt:EAPMethodConfiguration><tt:Password>Told-Word-1</tt:Password></tt:EAPMethodConfiguration>`)
	require.NoError(t, err)
	assert.Equal(t, onvif.EAPPEAP, d.Method)
	assert.NotContains(t, fmt.Sprintf("%+v %#v", d, d), "Told-Word")
	for name, inner := range map[string]string{
		"another":     `<tt:Dot1XConfigurationToken>wan</tt:Dot1XConfigurationToken><tt:Identity/><tt:EAPMethod>25</tt:EAPMethod>`,
		"no method":   `<tt:Dot1XConfigurationToken>lan</tt:Dot1XConfigurationToken><tt:Identity/>`,
		"words in it": `<tt:Dot1XConfigurationToken>lan</tt:Dot1XConfigurationToken><tt:Identity/><tt:EAPMethod>PEAP</tt:EAPMethod>`,
		"nothing":     ``,
	} {
		_, err := read(inner)
		require.ErrorIs(t, err, camsec.ErrMalformed, name)
	}
}

// A path that is in use gets other certificates, and the device shows them; a
// chain that does not hold leaves it as it was.
func TestSetCertificationPath(t *testing.T) {
	d, c := secure(t)
	was, err := c.CertificationPath(t.Context(), "factory-path")
	require.NoError(t, err)
	for name, ids := range map[string][]string{"no such": {"none"}, "none": nil} {
		change, err := c.SetCertificationPath(t.Context(), "factory-path", "", ids...)
		require.Error(t, err, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome, name)
	}
	_, err = c.SetCertificationPath(t.Context(), "none", "", was...)
	require.ErrorIs(t, err, camsec.ErrNotFound)
	now, err := c.CertificationPath(t.Context(), "factory-path")
	require.NoError(t, err)
	assert.Equal(t, was, now)

	require.NoError(t, calls["SetCertificationPath"](t.Context(), c))
	served, err := d.Certificate()
	require.NoError(t, err)
	assert.Equal(t, "renewed", served.Subject.CommonName)
	can, err := c.SecurityCapabilities(t.Context())
	require.NoError(t, err)
	assert.Equal(t, camsec.StateOn, can.SetPath)
}

// The single reads tell what is not there from what is.
func TestSingleReadsOfNothing(t *testing.T) {
	_, c := secure(t)
	_, err := c.StoredCertificate(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.CRL(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.ValidationPolicy(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
	_, err = c.Dot1XConfiguration(t.Context(), "none")
	require.ErrorIs(t, err, camsec.ErrNotFound)
}
