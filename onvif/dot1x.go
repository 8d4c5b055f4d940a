package onvif

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Dot1X is how the device logs in to its switch (IEEE 802.1X). Methods are
// named by RFC: EAP-TLS, EAP-PEAP/MSCHAPv2 as Outer and Inner.
type Dot1X struct {
	ID, Alias string
	Outer     Dot1XStage
	Inner     *Dot1XStage // of tunnelled methods
}

// A Dot1XStage is one of the two.
type Dot1XStage struct {
	Method       string
	Identity     string
	PathID       string // of the client certificate
	PassphraseID string // in the keystore; see [Client.UploadPassphrase]
	PolicyID     string // by which the server's certificate is judged
}

func (s Dot1XStage) write(m *message, name string, inner *Dot1XStage) {
	m.raw("<", name, ` Method="`)
	m.escape(s.Method)
	m.raw(`"`)
	if s.PolicyID != "" {
		m.raw(` CertPathValidationPolicyID="`)
		m.escape(s.PolicyID)
		m.raw(`"`)
	}
	m.raw(">")
	m.textIf("tas:Identity", s.Identity)
	m.textIf("tas:CertificationPathID", s.PathID)
	m.textIf("tas:PassphraseID", s.PassphraseID)
	if inner != nil {
		inner.write(m, "tas:Inner", nil)
	}
	m.close(name)
}

func stage(n *wire.Node) Dot1XStage {
	return Dot1XStage{
		n.Attr("Method"), n.Child("Identity").String(), n.Child("CertificationPathID").String(), n.Child("PassphraseID").String(),
		n.Attr("CertPathValidationPolicyID"),
	}
}

// Dot1XConfigurations reads the ways of logging in to a switch that are set up.
//
//onvif:op tas:GetAllDot1XConfigurations
func (c *Client) Dot1XConfigurations(ctx context.Context) ([]Dot1X, error) {
	r, err := c.call(ctx, "Dot1XConfigurations", nil)
	if err != nil {
		return nil, err
	}
	list := []Dot1X{}
	for _, n := range r.All("Configuration") {
		list = append(list, dot1X(n))
	}
	return list, nil
}

// Dot1XConfiguration reads one of them. Only administrators may.
//
//onvif:op tas:GetDot1XConfiguration
func (c *Client) Dot1XConfiguration(ctx context.Context, id string) (Dot1X, error) {
	r, err := c.call(ctx, "Dot1XConfiguration", func(m *message) { m.text("tas:Dot1XID", id) })
	if err != nil {
		return Dot1X{}, err
	}
	n := r.Child("Dot1XConfiguration")
	if n == nil {
		return Dot1X{}, malformed(operation("Dot1XConfiguration"), "no Dot1XConfiguration")
	}
	d := dot1X(n)
	switch d.ID {
	case id:
	case "": // left out, as the schema allows: it was asked for
		d.ID = id
	default:
		return Dot1X{}, malformed(operation("Dot1XConfiguration"), "not the one that was asked for")
	}
	return d, nil
}

func dot1X(n *wire.Node) Dot1X {
	d := Dot1X{ID: n.Child("Dot1XID").String(), Alias: n.Child("Alias").String(), Outer: stage(n.Child("Outer"))}
	if in := n.At("Outer", "Inner"); in != nil {
		s := stage(in)
		d.Inner = &s
	}
	return d
}

// AddDot1X sets up a way of logging in to a switch; an interface uses it once
// [Client.SetInterfaceDot1X] says so.
//
//onvif:op tas:AddDot1XConfiguration
func (c *Client) AddDot1X(ctx context.Context, d Dot1X) (id string, change camsec.Change, err error) {
	r, change, err := c.made(ctx, "AddDot1X", func(m *message) {
		m.in("tas:Dot1XConfiguration", func() {
			m.textIf("tas:Alias", d.Alias)
			d.Outer.write(m, "tas:Outer", d.Inner)
		})
	}, "Dot1XID")
	if err != nil {
		return "", change, err
	}
	return r.Child("Dot1XID").String(), change, nil
}

// DeleteDot1X takes a way of logging in away.
//
//onvif:op tas:DeleteDot1XConfiguration
func (c *Client) DeleteDot1X(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteDot1X", func(m *message) { m.text("tas:Dot1XID", id) }, func(ctx context.Context) (bool, error) {
		list, err := c.Dot1XConfigurations(ctx)
		var ids []string
		for _, d := range list {
			ids = append(ids, d.ID)
		}
		return gone(ids, id, err)
	})
}

// InterfaceDot1X reads which way of logging in an interface uses; empty is
// none.
//
//onvif:op tas:GetNetworkInterfaceDot1XConfiguration
func (c *Client) InterfaceDot1X(ctx context.Context, token string) (string, error) {
	r, err := c.call(ctx, "InterfaceDot1X", func(m *message) { m.text("tas:token", token) })
	if err != nil {
		return "", err
	}
	return r.Child("Dot1XID").String(), nil
}

// SetInterfaceDot1X has an interface log in to its switch. If switch and
// device do not agree the device is off the network until somebody goes there:
// it needs [AllowCutOff].
//
//onvif:op tas:SetNetworkInterfaceDot1XConfiguration
func (c *Client) SetInterfaceDot1X(ctx context.Context, token, id string, consent ...Consent) (camsec.Change, error) {
	return c.interfaceDot1X(ctx, "SetInterfaceDot1X", token, id, consent)
}

// ClearInterfaceDot1X has an interface no longer log in to its switch. A switch
// that asks for a login lets the device off the network: it needs
// [AllowCutOff].
//
//onvif:op tas:DeleteNetworkInterfaceDot1XConfiguration
func (c *Client) ClearInterfaceDot1X(ctx context.Context, token string, consent ...Consent) (camsec.Change, error) {
	return c.interfaceDot1X(ctx, "ClearInterfaceDot1X", token, "", consent)
}

func (c *Client) interfaceDot1X(ctx context.Context, name, token, id string, consent []Consent) (camsec.Change, error) {
	if !consents(consent, AllowCutOff) {
		return notApplied(ErrCutOff)
	}
	reboot := false
	r, err := c.call(ctx, name, func(m *message) {
		m.text("tas:token", token)
		m.textIf("tas:Dot1XID", id)
	})
	if err == nil {
		reboot, _ = r.Child("RebootNeeded").Bool()
	}
	change, err := c.verify(ctx, operation(name), err, func(ctx context.Context) (bool, error) {
		now, err := c.InterfaceDot1X(ctx, token)
		return now == id, err
	})
	change.RebootRequired = reboot
	return change, err
}

// A Passphrase is one in the keystore; its text never leaves the device.
type Passphrase struct{ ID, Alias string }

// Passphrases reads which passphrases the keystore has.
//
//onvif:op tas:GetAllPassphrases
func (c *Client) Passphrases(ctx context.Context) ([]Passphrase, error) {
	r, err := c.call(ctx, "Passphrases", nil)
	if err != nil {
		return nil, err
	}
	list := []Passphrase{}
	for _, n := range r.All("PassphraseAttribute") {
		list = append(list, Passphrase{n.Child("PassphraseID").String(), n.Child("Alias").String()})
	}
	return list, nil
}

// UploadPassphrase puts a passphrase into the keystore. It is refused over
// plain HTTP.
//
//onvif:op tas:UploadPassphrase
func (c *Client) UploadPassphrase(ctx context.Context, passphrase camsec.Secret, alias string) (id string, change camsec.Change, err error) {
	if err := c.overTLS("UploadPassphrase"); err != nil {
		change, err := notApplied(err)
		return "", change, err
	}
	r, change, err := c.made(ctx, "UploadPassphrase", func(m *message) {
		secret := passphrase.Reveal()
		m.secret("tas:Passphrase", secret)
		clear(secret)
		m.textIf("tas:PassphraseAlias", alias)
	}, "PassphraseID")
	if err != nil {
		return "", change, err
	}
	return r.Child("PassphraseID").String(), change, nil
}

// DeletePassphrase takes a passphrase out of the keystore.
//
//onvif:op tas:DeletePassphrase
func (c *Client) DeletePassphrase(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeletePassphrase", func(m *message) { m.text("tas:PassphraseID", id) }, func(ctx context.Context) (bool, error) {
		list, err := c.Passphrases(ctx)
		var ids []string
		for _, p := range list {
			ids = append(ids, p.ID)
		}
		return gone(ids, id, err)
	})
}
