package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Logging in to a switch by the device service is of the legacy kind, like its
// certificates: deprecated since 16.12 for what the security service has
// ([Client.AddDot1X]). What is here is after the schema of 26.06; of real
// devices only refusals were seen.

// An EAPMethod is a method of EAP, by its number in IANA's registry.
type EAPMethod int

// The methods that cameras have.
const (
	EAPMD5  EAPMethod = 4
	EAPTLS  EAPMethod = 13
	EAPTTLS EAPMethod = 21
	EAPPEAP EAPMethod = 25
)

// A LegacyDot1X is how the device logs in to its switch (IEEE 802.1X), by the
// device service. Its password can be set and never read.
type LegacyDot1X struct {
	Token       string // the owner's choice
	Identity    string
	AnonymousID string // told outside of the tunnel
	Method      EAPMethod
	// CACertificateIDs are of the authorities that may vouch for the switch's
	// server ([Client.CACertificates]). Without one the device may believe
	// whoever answers.
	CACertificateIDs []string
	CertificateID    string // the device's own, for EAP-TLS: [Client.Certificates]

	tls, method, extra []*wire.Node // the maker's own, to be sent back
}

func (d LegacyDot1X) check() error {
	switch {
	case d.Token == "":
		return errNoID
	case d.Method <= 0:
		return errors.New("onvif: a way of logging in without an EAP method")
	}
	return nil
}

func (d LegacyDot1X) same(e LegacyDot1X) bool {
	return d.Token == e.Token && d.Identity == e.Identity && d.AnonymousID == e.AnonymousID && d.Method == e.Method &&
		d.CertificateID == e.CertificateID && sameSet(d.CACertificateIDs, e.CACertificateIDs)
}

// write leaves out a password that is not given: an empty one would be set.
func (d LegacyDot1X) write(m *message, password camsec.Secret) {
	m.in("tds:Dot1XConfiguration", func() {
		m.text("tt:Dot1XConfigurationToken", d.Token)
		m.text("tt:Identity", d.Identity)
		m.textIf("tt:AnonymousID", d.AnonymousID)
		m.int("tt:EAPMethod", int(d.Method))
		for _, id := range d.CACertificateIDs {
			m.text("tt:CACertificateID", id)
		}
		if d.CertificateID != "" || len(d.method) > 0 || !password.Empty() {
			m.in("tt:EAPMethodConfiguration", func() { d.writeMethod(m, password) })
		}
		m.nodes(d.extra)
	})
}

func (d LegacyDot1X) writeMethod(m *message, password camsec.Secret) {
	if d.CertificateID != "" {
		m.in("tt:TLSConfiguration", func() {
			m.text("tt:CertificateID", d.CertificateID)
			m.nodes(d.tls)
		})
	}
	if !password.Empty() {
		word := password.Reveal()
		m.secret("tt:Password", word)
		clear(word)
	}
	m.nodes(d.method)
}

// legacyDot1X reads one; a password, which no device should tell, is not
// listened to.
func legacyDot1X(op Operation, n *wire.Node) (LegacyDot1X, error) {
	method := number(n.Child("EAPMethod"))
	d := LegacyDot1X{
		Token: n.Child("Dot1XConfigurationToken").String(), Identity: n.Child("Identity").String(), AnonymousID: n.Child("AnonymousID").String(),
		extra: n.All("Extension"),
	}
	if d.Token == "" || method == nil {
		return LegacyDot1X{}, malformed(op, "no readable token or EAP method")
	}
	d.Method = EAPMethod(*method)
	for _, id := range n.All("CACertificateID") {
		d.CACertificateIDs = append(d.CACertificateIDs, id.String())
	}
	how := n.Child("EAPMethodConfiguration")
	d.method = how.All("Extension")
	if t := how.Child("TLSConfiguration"); t != nil {
		d.CertificateID = t.Child("CertificateID").String()
		for _, x := range t.Children {
			if x.Name != "CertificateID" {
				d.tls = append(d.tls, x)
			}
		}
	}
	return d, nil
}

// LegacyDot1XConfigurations reads the ways of logging in to a switch that the
// device service has (legacy). Only administrators may. Which of them an
// interface uses is not told; see [Client.InterfaceDot1X].
//
//onvif:op GetDot1XConfigurations
func (c *Client) LegacyDot1XConfigurations(ctx context.Context) ([]LegacyDot1X, error) {
	r, err := c.call(ctx, "LegacyDot1XConfigurations", nil)
	if err != nil {
		return nil, err
	}
	list := []LegacyDot1X{}
	for _, n := range r.All("Dot1XConfiguration") {
		d, err := legacyDot1X(operation("LegacyDot1XConfigurations"), n)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

// LegacyDot1XConfiguration reads one of them (legacy). Only administrators may.
//
//onvif:op GetDot1XConfiguration
func (c *Client) LegacyDot1XConfiguration(ctx context.Context, token string) (LegacyDot1X, error) {
	op := operation("LegacyDot1XConfiguration")
	r, err := c.call(ctx, op.Name, func(m *message) { m.text("tds:Dot1XConfigurationToken", token) })
	if err != nil {
		return LegacyDot1X{}, err
	}
	n, err := r.one(op.Name, "Dot1XConfiguration", "Dot1XConfigurationToken", token)
	if err != nil {
		return LegacyDot1X{}, err
	}
	return legacyDot1X(op, n)
}

// CreateLegacyDot1X sets up a way of logging in to a switch (legacy). A token
// that is there already matches [ErrExists]. With a password it is refused over
// plain HTTP.
//
// The password cannot be read back: if the reply is lost, what became of it
// matches [camsec.ErrUncertain]; [Client.SetLegacyDot1X] settles it.
//
//onvif:op CreateDot1XConfiguration
func (c *Client) CreateLegacyDot1X(ctx context.Context, d LegacyDot1X, password camsec.Secret) (camsec.Change, error) {
	return c.putLegacyDot1X(ctx, "CreateLegacyDot1X", d, password)
}

// SetLegacyDot1X changes the way of logging in of that Token (legacy); best one
// that was read, as then what the maker put beside it is kept. Without a
// password none is sent, so that the device keeps the one it has; the standard
// does not say that it must. With a password it is refused over plain HTTP, and
// that the password took is the device's word alone.
//
// An interface may be using it, and if switch and device then disagree, the
// device is off the network: it needs [AllowCutOff].
//
//onvif:op SetDot1XConfiguration
func (c *Client) SetLegacyDot1X(ctx context.Context, d LegacyDot1X, password camsec.Secret, consent ...Consent) (camsec.Change, error) {
	if !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: SetDot1XConfiguration: %w", ErrCutOff))
	}
	return c.putLegacyDot1X(ctx, "SetLegacyDot1X", d, password)
}

func (c *Client) putLegacyDot1X(ctx context.Context, name string, d LegacyDot1X, password camsec.Secret) (camsec.Change, error) {
	if err := d.check(); err != nil {
		return notApplied(err)
	}
	if err := c.secretOverTLS(name, password); err != nil {
		return notApplied(err)
	}
	return c.writeSecret(ctx, name, password, func(m *message) { d.write(m, password) }, func(ctx context.Context) (bool, error) {
		list, err := c.LegacyDot1XConfigurations(ctx)
		return slices.ContainsFunc(list, d.same), err
	})
}

// DeleteLegacyDot1X takes a way of logging in away (legacy). An interface may
// be using it, and a switch that asks for a login then lets the device off the
// network: it needs [AllowCutOff].
//
//onvif:op DeleteDot1XConfiguration
func (c *Client) DeleteLegacyDot1X(ctx context.Context, token string, consent ...Consent) (camsec.Change, error) {
	switch {
	case token == "":
		return notApplied(errNoID) // no token at all is valid, and might mean each
	case !consents(consent, AllowCutOff):
		return notApplied(fmt.Errorf("onvif: DeleteDot1XConfiguration: %w", ErrCutOff))
	}
	return c.write(ctx, "DeleteLegacyDot1X", func(m *message) { m.text("tds:Dot1XConfigurationToken", token) },
		func(ctx context.Context) (bool, error) {
			list, err := c.LegacyDot1XConfigurations(ctx)
			return !slices.ContainsFunc(list, func(d LegacyDot1X) bool { return d.Token == token }), err
		})
}
