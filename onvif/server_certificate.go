package onvif

import (
	"context"
	"fmt"
	"slices"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// limitsOfCertificates are those of answers with certificates: 74 kB of
// authorities were seen on an Axis.
var limitsOfCertificates = wire.Limits{Body: 4 << 20}

// CreateCertificationPath makes a path of certificates, the leaf first, each
// signed by the next.
//
//onvif:op tas:CreateCertificationPath
func (c *Client) CreateCertificationPath(ctx context.Context, alias string, ids ...string) (id string, change camsec.Change, err error) {
	if len(ids) == 0 {
		change, err := notApplied(errNoID)
		return "", change, err
	}
	r, change, err := c.made(ctx, "CreateCertificationPath", func(m *message) {
		m.in("tas:CertificateIDs", func() {
			for _, id := range ids {
				m.text("tas:CertificateID", id)
			}
		})
		m.textIf("tas:Alias", alias)
	}, "CertificationPathID")
	if err != nil {
		return "", change, err
	}
	return r.Child("CertificationPathID").String(), change, nil
}

// CertificationPath reads the ids of a path's certificates, the leaf first.
//
//onvif:op tas:GetCertificationPath
func (c *Client) CertificationPath(ctx context.Context, id string) ([]string, error) {
	r, err := c.call(ctx, "CertificationPath", func(m *message) { m.text("tas:CertificationPathID", id) })
	if err != nil {
		return nil, err
	}
	return texts(r.Child("CertificationPath").All("CertificateID")), nil
}

// SetCertificationPath gives a path other certificates, the leaf first, each
// signed by the next: an authority between that was renewed, say, without the
// path being assigned anew. What uses the path, such as the TLS server, shows
// them from then on. An empty alias is left out. Devices that do not have it
// say so ([KeystoreCapabilities.SetPath]).
//
//onvif:op tas:SetCertificationPath
func (c *Client) SetCertificationPath(ctx context.Context, path, alias string, ids ...string) (camsec.Change, error) {
	if path == "" || len(ids) == 0 {
		return notApplied(errNoID)
	}
	return c.write(ctx, "SetCertificationPath", func(m *message) {
		m.text("tas:CertificationPathID", path)
		m.in("tas:CertificationPath", func() {
			for _, id := range ids {
				m.text("tas:CertificateID", id)
			}
			m.textIf("tas:Alias", alias)
		})
	}, func(ctx context.Context) (bool, error) {
		now, err := c.CertificationPath(ctx, path)
		return slices.Equal(now, ids), err
	})
}

// CertificationPaths reads the ids of all paths.
//
//onvif:op tas:GetAllCertificationPaths
func (c *Client) CertificationPaths(ctx context.Context) ([]string, error) {
	return c.pathIDs(ctx, "CertificationPaths")
}

// ServerCertificates reads the ids of the paths that the device's TLS server
// uses.
//
//onvif:op tas:GetAssignedServerCertificates
func (c *Client) ServerCertificates(ctx context.Context) ([]string, error) {
	return c.pathIDs(ctx, "ServerCertificates")
}

func (c *Client) pathIDs(ctx context.Context, name string) ([]string, error) {
	r, err := c.call(ctx, name, nil)
	if err != nil {
		return nil, err
	}
	return texts(r.All("CertificationPathID")), nil
}

func texts(nodes []*wire.Node) []string {
	out := []string{}
	for _, n := range nodes {
		out = append(out, n.Text)
	}
	return out
}

// DeleteCertificationPath takes a path away. One that is assigned matches
// [ErrInUse].
//
//onvif:op tas:DeleteCertificationPath
func (c *Client) DeleteCertificationPath(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteCertificationPath", func(m *message) { m.text("tas:CertificationPathID", id) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.CertificationPaths(ctx)
			return gone(ids, id, err)
		})
}

// AddServerCertificate has the TLS server use a path.
//
//onvif:op tas:AddServerCertificateAssignment
func (c *Client) AddServerCertificate(ctx context.Context, path string) (camsec.Change, error) {
	return c.write(ctx, "AddServerCertificate", func(m *message) { m.text("tas:CertificationPathID", path) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.ServerCertificates(ctx)
			return slices.Contains(ids, path), err
		})
}

// RemoveServerCertificate has the TLS server no longer use a path; while HTTPS
// is on, the last one matches [ErrInUse].
//
//onvif:op tas:RemoveServerCertificateAssignment
func (c *Client) RemoveServerCertificate(ctx context.Context, path string) (camsec.Change, error) {
	return c.write(ctx, "RemoveServerCertificate", func(m *message) { m.text("tas:CertificationPathID", path) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.ServerCertificates(ctx)
			return gone(ids, path, err)
		})
}

// ReplaceServerCertificate has the TLS server use one path instead of another.
//
//onvif:op tas:ReplaceServerCertificateAssignment
func (c *Client) ReplaceServerCertificate(ctx context.Context, old, path string) (camsec.Change, error) {
	return c.write(ctx, "ReplaceServerCertificate", func(m *message) {
		m.text("tas:OldCertificationPathID", old)
		m.text("tas:NewCertificationPathID", path)
	}, func(ctx context.Context) (bool, error) {
		ids, err := c.ServerCertificates(ctx)
		return slices.Contains(ids, path) && !slices.Contains(ids, old), err
	})
}

// ClientAuthentication reads whether the TLS server asks clients for a
// certificate. Every account may.
//
//onvif:op tas:GetClientAuthenticationRequired
func (c *Client) ClientAuthentication(ctx context.Context) (camsec.State, error) {
	r, err := c.call(ctx, "ClientAuthentication", nil)
	if err != nil {
		return camsec.StateUnknown, err
	}
	s := state(r.Child("clientAuthenticationRequired"))
	if s == camsec.StateUnknown {
		return s, malformed(operation("ClientAuthentication"), "not readable")
	}
	return s, nil
}

// SetClientAuthentication sets whether the TLS server asks clients for a
// certificate. On needs [AllowCutOff]: who has none is out. It takes a policy to
// judge them by ([Client.AddServerPolicy]); else the refusal matches
// [ErrNoPolicy].
//
//onvif:op tas:SetClientAuthenticationRequired
func (c *Client) SetClientAuthentication(ctx context.Context, on bool, consent ...Consent) (camsec.Change, error) {
	if on && !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: SetClientAuthenticationRequired: %w", ErrCutOff))
	}
	return c.write(ctx, "SetClientAuthentication", func(m *message) { m.bool("tas:clientAuthenticationRequired", on) },
		func(ctx context.Context) (bool, error) {
			now, err := c.ClientAuthentication(ctx)
			return now == camsec.StateOf(on), err
		})
}
