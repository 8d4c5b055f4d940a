package isapi

import (
	"context"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Which certificates a device holds and which function uses which: bodies of
// the vendor's guide (JSON_ServerCertificates, JSON_CertificateSelect); no
// device's answer was recorded.

// An InstalledCertificate is one of the server certificates that a device
// holds.
type InstalledCertificate struct {
	ID        string // customID; empty where the device has one only
	Issuer    string
	Subject   string
	NotBefore time.Time // to the day; zero is not readable
	NotAfter  time.Time // to the day; zero is not readable
	Functions []string  // HTTPS, WebSocketS, SDK_OVER_TLS, SRTP, securityLog, ieee802.1x
	Status    string    // normal, expired, exceptional; empty is not told
}

// Certificates reads the server certificates that the device holds.
//
//isapi:op GET /ISAPI/Security/serverCertificate/certificates?format=json
func (c *Client) Certificates(ctx context.Context) ([]InstalledCertificate, error) {
	n, err := c.get(ctx, "Certificates", wire.Small(), "ServerCertificates", "")
	if err != nil {
		return nil, err
	}
	if n.Name == "" && !n.Child("ServerCertificates").Has() {
		return nil, malformed(operation("Certificates"), "no ServerCertificates")
	}
	list := []InstalledCertificate{}
	for _, info := range n.FindAll("CertificateInfo") {
		if len(info.Children) == 0 {
			continue
		}
		list = append(list, InstalledCertificate{
			ID: info.Child("customID").String(), Issuer: info.Child("issuerDN").String(), Subject: info.Child("subjectDN").String(),
			NotBefore: day(info.Child("startDate")), NotAfter: day(info.Child("endDate")),
			Functions: words(info.Child("type")), Status: info.Child("status").String(),
		})
	}
	return list, nil
}

// day reads a date, of which a time may follow.
func day(n *wire.Node) time.Time {
	text := n.String()
	t, err := time.Parse(time.DateOnly, text[:min(len(text), len(time.DateOnly))])
	if err != nil {
		return time.Time{}
	}
	return t
}

// A CertificateSelection is which certificates a function uses, by their
// customID. A field that the function has no use for is empty; in a change an
// empty one stays as it is.
type CertificateSelection struct {
	Client        string
	Server        string
	CA            string
	SRTPAlgorithm string // AES128, AES256: of SRTP alone
}

// SelectedCertificate reads which certificates a function uses. The guide's
// functions are HTTPS, WebSocketS, SDK_OVER_TLS, SRTP, securityLog and
// ieee802.1x.
//
//isapi:op GET /ISAPI/Security/certificate/select/{id}?format=json
func (c *Client) SelectedCertificate(ctx context.Context, function string) (CertificateSelection, error) {
	op := operation("SelectedCertificate").with(function)
	n, _, err := c.fetch(ctx, op, wire.Small(), "CertificateSelect", "")
	if err != nil {
		return CertificateSelection{}, err
	}
	if n.Name == "" && !n.Child("CertificateSelect").Has() {
		return CertificateSelection{}, malformed(op, "no CertificateSelect")
	}
	text := func(name string) string { return strings.TrimSpace(n.Find(name).String()) }
	return CertificateSelection{
		Client: text("clientCertificate"), Server: text("serverCertificate"), CA: text("CACertificate"),
		SRTPAlgorithm: text("SRTPSecurityAlgorithm"),
	}, nil
}

// SelectCertificate chooses which certificates a function uses. A field that
// the device's document does not have matches [errors.ErrUnsupported]. Choosing
// another one for HTTPS changes what this client's trust is held against: a pin
// to the old one holds no more.
//
//isapi:op PUT /ISAPI/Security/certificate/select/{id}?format=json
func (c *Client) SelectCertificate(ctx context.Context, function string, choice CertificateSelection) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "SelectedCertificate", set: "SelectCertificate", id: function, roots: []string{"CertificateSelect", ""},
		edit: func(d *draft) {
			for _, f := range []struct{ name, want string }{
				{"clientCertificate", choice.Client},
				{"serverCertificate", choice.Server},
				{"CACertificate", choice.CA},
				{"SRTPSecurityAlgorithm", choice.SRTPAlgorithm},
			} {
				if f.want != "" {
					d.value(f.name, f.want)
				}
			}
		},
	})
}
