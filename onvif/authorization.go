package onvif

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Types of authorization servers, and how the device logs in to one.
const (
	OAuthAuthorizationCode = "OAuthAuthorizationCode"
	OAuthClientCredentials = "OAuthClientCredentials"
	OIDC2AuthorizationCode = "OIDC2AuthorizationCode"

	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	ClientSecretJWT   = "client_secret_jwt"
	PrivateKeyJWT     = "private_key_jwt"
	TLSClientAuth     = "tls_client_auth"
)

// An AuthorizationServer is one that the device asks for tokens (OAuth 2.0,
// OpenID Connect). The device's secret there is never read.
type AuthorizationServer struct {
	Token         string // the device's name for it
	Type          string // see the constants
	ClientAuth    string // how the device logs in there; empty: not told
	URI           string
	ClientID      string
	Scope         string
	KeyID         string // in the keystore, for PrivateKeyJWT
	CertificateID string // in the keystore, for TLSClientAuth
	PolicyID      string // by which the server's certificate is judged: [ValidationPolicy]

	extra []*wire.Node // the maker's own, to be sent back
}

func (s AuthorizationServer) same(t AuthorizationServer) bool {
	return s.Token == t.Token && s.Type == t.Type && s.ClientAuth == t.ClientAuth && s.URI == t.URI && s.ClientID == t.ClientID && s.Scope == t.Scope &&
		s.KeyID == t.KeyID && s.CertificateID == t.CertificateID && s.PolicyID == t.PolicyID
}

func (s AuthorizationServer) write(m *message, element string, secret camsec.Secret) {
	m.raw("<", element, ` Type="`)
	m.escape(s.Type)
	if s.ClientAuth != "" {
		m.raw(`" ClientAuth="`)
		m.escape(s.ClientAuth)
	}
	m.raw(`">`)
	m.text("tas:ServerUri", s.URI)
	m.textIf("tas:ClientID", s.ClientID)
	if !secret.Empty() {
		word := secret.Reveal()
		m.secret("tas:ClientSecret", word)
		clear(word)
	}
	m.textIf("tas:Scope", s.Scope)
	m.textIf("tas:KeyID", s.KeyID)
	m.textIf("tas:CertificateID", s.CertificateID)
	m.textIf("tas:CertPathValidationPolicyID", s.PolicyID)
	for _, n := range s.extra {
		m.node(n)
	}
	m.close(element)
}

// AuthorizationServers reads the servers that are set up. Only administrators
// may.
//
//onvif:op tas:GetAuthorizationServerConfigurations
func (c *Client) AuthorizationServers(ctx context.Context) ([]AuthorizationServer, error) {
	r, err := c.call(ctx, "AuthorizationServers", nil)
	if err != nil {
		return nil, err
	}
	list := []AuthorizationServer{}
	for _, n := range r.All("Configuration") {
		d := n.Child("Data")
		if d == nil {
			return nil, malformed(operation("AuthorizationServers"), "a list member without data")
		}
		s := AuthorizationServer{Token: n.Attr("token"), Type: d.Attr("Type"), ClientAuth: d.Attr("ClientAuth")}
		for _, x := range d.Children {
			switch x.Name {
			case "ServerUri":
				s.URI = x.Text
			case "ClientID":
				s.ClientID = x.Text
			case "ClientSecret": // some may tell it; we do not listen
			case "Scope":
				s.Scope = x.Text
			case "KeyID":
				s.KeyID = x.Text
			case "CertificateID":
				s.CertificateID = x.Text
			case "CertPathValidationPolicyID":
				s.PolicyID = x.Text
			default:
				s.extra = append(s.extra, x)
			}
		}
		list = append(list, s)
	}
	return list, nil
}

// secretOverTLS refuses a secret in the clear.
func (c *Client) secretOverTLS(name string, secret camsec.Secret) error {
	if secret.Empty() {
		return nil
	}
	return c.overTLS(name)
}

// CreateAuthorizationServer sets a server up. Its Token is the device's to
// give. With a secret it is refused over plain HTTP.
//
//onvif:op tas:CreateAuthorizationServerConfiguration
func (c *Client) CreateAuthorizationServer(ctx context.Context, s AuthorizationServer, secret camsec.Secret) (token string, change camsec.Change, err error) {
	if err := c.secretOverTLS("CreateAuthorizationServer", secret); err != nil {
		change, err := notApplied(err)
		return "", change, err
	}
	r, change, err := c.made(ctx, "CreateAuthorizationServer", func(m *message) { s.write(m, "tas:Configuration", secret) }, "Token")
	if err != nil {
		return "", change, err
	}
	return r.Child("Token").String(), change, nil
}

// SetAuthorizationServer changes the server of that Token. The standard does
// not say what becomes of a secret that is left out, so give it again. With a
// secret it is refused over plain HTTP, and that the secret took is the device's
// word alone: if the reply is lost, what became of it matches
// [camsec.ErrUncertain].
//
//onvif:op tas:SetAuthorizationServerConfiguration
func (c *Client) SetAuthorizationServer(ctx context.Context, s AuthorizationServer, secret camsec.Secret) (camsec.Change, error) {
	if err := c.secretOverTLS("SetAuthorizationServer", secret); err != nil {
		return notApplied(err)
	}
	if s.Token == "" {
		return notApplied(errNoID)
	}
	return c.writeSecret(ctx, "SetAuthorizationServer", secret, func(m *message) {
		m.raw(`<tas:Configuration token="`)
		m.escape(s.Token)
		m.raw(`">`)
		s.write(m, "tas:Data", secret)
		m.close("tas:Configuration")
	}, func(ctx context.Context) (bool, error) {
		list, err := c.AuthorizationServers(ctx)
		return slices.ContainsFunc(list, s.same), err
	})
}

// DeleteAuthorizationServer takes a server away.
//
//onvif:op tas:DeleteAuthorizationServerConfiguration
func (c *Client) DeleteAuthorizationServer(ctx context.Context, token string) (camsec.Change, error) {
	return c.write(ctx, "DeleteAuthorizationServer", func(m *message) { m.text("tas:Token", token) }, func(ctx context.Context) (bool, error) {
		list, err := c.AuthorizationServers(ctx)
		var tokens []string
		for _, s := range list {
			tokens = append(tokens, s.Token)
		}
		return gone(tokens, token, err)
	})
}

// A JWTConfiguration is which bearer tokens the device takes as a login (JSON
// Web Token, RFC 7519). It takes none without a key or an issuer.
type JWTConfiguration struct {
	Audiences      []string // one of which a token has to name
	TrustedIssuers []string // URIs
	KeyIDs         []string // of the issuers' public keys in the keystore
	PolicyID       string   // by which issuers' certificates are judged: [ValidationPolicy]
	CustomClaims   []CustomClaim

	extra []*wire.Node // the maker's own, to be sent back
}

// A CustomClaim is one more that a token has to make.
type CustomClaim struct {
	Name   string
	Values []string // one of which it has to have
}

// Enabled tells whether the device takes bearer tokens.
func (j JWTConfiguration) Enabled() bool { return len(j.KeyIDs)+len(j.TrustedIssuers) > 0 }

// JWT reads which bearer tokens the device takes. Only administrators may.
//
//onvif:op tas:GetJWTConfiguration
func (c *Client) JWT(ctx context.Context) (JWTConfiguration, error) {
	r, err := c.call(ctx, "JWT", nil)
	if err != nil {
		return JWTConfiguration{}, err
	}
	n := r.Child("Configuration")
	if n == nil {
		return JWTConfiguration{}, malformed(operation("JWT"), "no Configuration")
	}
	j := JWTConfiguration{
		Audiences: words(n.Child("Audiences").String()), TrustedIssuers: texts(n.All("TrustedIssuers")), KeyIDs: texts(n.All("KeyID")),
		PolicyID: n.Child("ValidationPolicy").String(),
	}
	for _, x := range n.Children {
		switch x.Name {
		case "Audiences", "TrustedIssuers", "KeyID", "ValidationPolicy":
		case "CustomClaims":
			j.CustomClaims = append(j.CustomClaims, CustomClaim{x.Child("Name").String(), words(x.Child("SupportedValues").String())})
		default:
			j.extra = append(j.extra, x)
		}
	}
	return j, nil
}

// SetJWT sets which bearer tokens the device takes, and reads them back. Best
// change what [Client.JWT] has read, as then what the maker put beside it is
// kept. Only administrators may (WRITE_SYSTEM_SECRET, a class that the standard
// names at this one operation).
//
//onvif:op tas:SetJWTConfiguration
func (c *Client) SetJWT(ctx context.Context, j JWTConfiguration) (camsec.Change, error) {
	for _, list := range append([][]string{j.Audiences}, values(j.CustomClaims)...) {
		if slices.ContainsFunc(list, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n") }) {
			return notApplied(errors.New("onvif: SetJWTConfiguration: a word that is empty or has spaces cannot be told in a list"))
		}
	}
	return c.write(ctx, "SetJWT", func(m *message) {
		m.in("tas:Configuration", func() {
			m.text("tas:Audiences", strings.Join(j.Audiences, " "))
			for _, s := range j.TrustedIssuers {
				m.text("tas:TrustedIssuers", s)
			}
			for _, s := range j.KeyIDs {
				m.text("tas:KeyID", s)
			}
			m.textIf("tas:ValidationPolicy", j.PolicyID)
			for _, x := range j.CustomClaims {
				m.in("tas:CustomClaims", func() {
					m.text("tas:Name", x.Name)
					m.text("tas:SupportedValues", strings.Join(x.Values, " "))
				})
			}
			for _, n := range j.extra {
				m.node(n)
			}
		})
	}, func(ctx context.Context) (bool, error) {
		now, err := c.JWT(ctx)
		return sameSet(now.Audiences, j.Audiences) && sameSet(now.TrustedIssuers, j.TrustedIssuers) && sameSet(now.KeyIDs, j.KeyIDs) &&
			now.PolicyID == j.PolicyID && slices.EqualFunc(now.CustomClaims, j.CustomClaims, func(a, b CustomClaim) bool {
			return a.Name == b.Name && sameSet(a.Values, b.Values)
		}), err
	})
}

func values(claims []CustomClaim) [][]string {
	var out [][]string
	for _, c := range claims {
		out = append(out, c.Values)
	}
	return out
}
