package onvif

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A ValidationPolicy is how the device judges certification paths of others:
// of clients that show a certificate, of the switch it logs in to, of servers
// it asks. The revocation lists in the keystore are part of each; see [CRL].
type ValidationPolicy struct {
	ID, Alias string
	// TrustAnchors are the ids of the certificates in the keystore that a path
	// may end at; at least one.
	TrustAnchors []string
	// RequireClientAuthUsage asks for the extended key usage of TLS clients
	// (id-kp-clientAuth) in the leaf.
	RequireClientAuthUsage bool
	UseDeltaCRLs           bool

	parameters, extra *wire.Node // the maker's own, to be sent back
}

func (p ValidationPolicy) check() error {
	if len(p.TrustAnchors) == 0 || slices.Contains(p.TrustAnchors, "") {
		return errors.New("onvif: a validation policy without a trust anchor")
	}
	return nil
}

// write writes what a new policy and a changed one have in common.
func (p ValidationPolicy) write(m *message) {
	m.textIf("tas:Alias", p.Alias)
	m.in("tas:Parameters", func() {
		m.bool("tas:RequireTLSWWWClientAuthExtendedKeyUsage", p.RequireClientAuthUsage)
		m.bool("tas:UseDeltaCRLs", p.UseDeltaCRLs)
		m.node(p.parameters)
	})
	for _, a := range p.TrustAnchors {
		m.in("tas:TrustAnchor", func() { m.text("tas:CertificateID", a) })
	}
	m.node(p.extra)
}

func (p ValidationPolicy) same(q ValidationPolicy) bool {
	return p.Alias == q.Alias && p.RequireClientAuthUsage == q.RequireClientAuthUsage && p.UseDeltaCRLs == q.UseDeltaCRLs &&
		sameSet(p.TrustAnchors, q.TrustAnchors)
}

// ValidationPolicies reads the policies in the keystore. Only administrators
// may.
//
//onvif:op tas:GetAllCertPathValidationPolicies
func (c *Client) ValidationPolicies(ctx context.Context) ([]ValidationPolicy, error) {
	r, err := c.call(ctx, "ValidationPolicies", nil)
	if err != nil {
		return nil, err
	}
	list := []ValidationPolicy{}
	for _, n := range r.All("CertPathValidationPolicy") {
		list = append(list, validationPolicy(n))
	}
	return list, nil
}

// ValidationPolicy reads one of them. Only administrators may.
//
//onvif:op tas:GetCertPathValidationPolicy
func (c *Client) ValidationPolicy(ctx context.Context, id string) (ValidationPolicy, error) {
	r, err := c.call(ctx, "ValidationPolicy", func(m *message) { m.text("tas:CertPathValidationPolicyID", id) })
	if err != nil {
		return ValidationPolicy{}, err
	}
	n, err := r.one("ValidationPolicy", "CertPathValidationPolicy", "CertPathValidationPolicyID", id)
	if err != nil {
		return ValidationPolicy{}, err
	}
	return validationPolicy(n), nil
}

func validationPolicy(n *wire.Node) ValidationPolicy {
	params := n.Child("Parameters")
	p := ValidationPolicy{ID: n.Child("CertPathValidationPolicyID").String(), Alias: n.Child("Alias").String(), parameters: params.Child("anyParameters"), extra: n.Child("anyParameters")}
	// Left out means false, by the schema.
	p.RequireClientAuthUsage, _ = params.Child("RequireTLSWWWClientAuthExtendedKeyUsage").Bool()
	p.UseDeltaCRLs, _ = params.Child("UseDeltaCRLs").Bool()
	for _, a := range n.All("TrustAnchor") {
		p.TrustAnchors = append(p.TrustAnchors, a.Child("CertificateID").String())
	}
	return p
}

// CreateValidationPolicy makes a policy. Its ID is the device's to give.
//
//onvif:op tas:CreateCertPathValidationPolicy
func (c *Client) CreateValidationPolicy(ctx context.Context, p ValidationPolicy) (id string, change camsec.Change, err error) {
	if err := p.check(); err != nil {
		change, err := notApplied(err)
		return "", change, err
	}
	r, change, err := c.made(ctx, "CreateValidationPolicy", p.write, "CertPathValidationPolicyID")
	if err != nil {
		return "", change, err
	}
	return r.Child("CertPathValidationPolicyID").String(), change, nil
}

// SetValidationPolicy changes the policy of that ID; best one that was read, as
// then what the maker put beside it is kept. Where clients have to show a
// certificate and the policy judges them, this needs [AllowCutOff]. Devices
// before release 24.12 of ONVIF have no such operation.
//
//onvif:op tas:SetCertPathValidationPolicy
func (c *Client) SetValidationPolicy(ctx context.Context, p ValidationPolicy, consent ...Consent) (camsec.Change, error) {
	if err := p.check(); err != nil {
		return notApplied(err)
	}
	if err := c.mayJudge(ctx, p.ID, consent); err != nil {
		return notApplied(err)
	}
	return c.write(ctx, "SetValidationPolicy", func(m *message) {
		m.in("tas:CertPathValidationPolicy", func() {
			m.text("tas:CertPathValidationPolicyID", p.ID)
			p.write(m)
		})
	}, func(ctx context.Context) (bool, error) {
		list, err := c.ValidationPolicies(ctx)
		i := slices.IndexFunc(list, func(q ValidationPolicy) bool { return q.ID == p.ID })
		return i >= 0 && p.same(list[i]), err
	})
}

// DeleteValidationPolicy takes a policy away, for good. One that judges
// somebody matches [ErrInUse].
//
//onvif:op tas:DeleteCertPathValidationPolicy
func (c *Client) DeleteValidationPolicy(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "DeleteValidationPolicy", func(m *message) { m.text("tas:CertPathValidationPolicyID", id) },
		func(ctx context.Context) (bool, error) {
			list, err := c.ValidationPolicies(ctx)
			var ids []string
			for _, p := range list {
				ids = append(ids, p.ID)
			}
			return gone(ids, id, err)
		})
}

// ServerPolicies reads the ids of the policies by which the device's TLS server
// judges clients; one that lets a client in is enough.
//
//onvif:op tas:GetAssignedCertPathValidationPolicies
func (c *Client) ServerPolicies(ctx context.Context) ([]string, error) {
	r, err := c.call(ctx, "ServerPolicies", nil)
	if err != nil {
		return nil, err
	}
	return texts(r.All("CertPathValidationPolicyID")), nil
}

// AddServerPolicy has the TLS server judge clients by one more policy. They are
// asked for a certificate once [Client.SetClientAuthentication] says so.
//
//onvif:op tas:AddCertPathValidationPolicyAssignment
func (c *Client) AddServerPolicy(ctx context.Context, id string) (camsec.Change, error) {
	return c.write(ctx, "AddServerPolicy", func(m *message) { m.text("tas:CertPathValidationPolicyID", id) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.ServerPolicies(ctx)
			return slices.Contains(ids, id), err
		})
}

// RemoveServerPolicy has the TLS server no longer judge by a policy. Where
// clients have to show a certificate it needs [AllowCutOff].
//
//onvif:op tas:RemoveCertPathValidationPolicyAssignment
func (c *Client) RemoveServerPolicy(ctx context.Context, id string, consent ...Consent) (camsec.Change, error) {
	if err := c.mayJudge(ctx, id, consent); err != nil {
		return notApplied(err)
	}
	return c.write(ctx, "RemoveServerPolicy", func(m *message) { m.text("tas:CertPathValidationPolicyID", id) },
		func(ctx context.Context) (bool, error) {
			ids, err := c.ServerPolicies(ctx)
			return gone(ids, id, err)
		})
}

// ReplaceServerPolicy has the TLS server judge by one policy instead of
// another. Where clients have to show a certificate it needs [AllowCutOff].
//
//onvif:op tas:ReplaceCertPathValidationPolicyAssignment
func (c *Client) ReplaceServerPolicy(ctx context.Context, old, id string, consent ...Consent) (camsec.Change, error) {
	if err := c.mayJudge(ctx, old, consent); err != nil {
		return notApplied(err)
	}
	return c.write(ctx, "ReplaceServerPolicy", func(m *message) {
		m.text("tas:OldCertPathValidationPolicyID", old)
		m.text("tas:NewCertPathValidationPolicyID", id)
	}, func(ctx context.Context) (bool, error) {
		ids, err := c.ServerPolicies(ctx)
		return slices.Contains(ids, id) && !slices.Contains(ids, old), err
	})
}

// mayJudge tells whether a policy may change without cutting off clients.
func (c *Client) mayJudge(ctx context.Context, id string, consent []Consent) error {
	if consents(consent, AllowCutOff) {
		return nil
	}
	judging, err := c.ServerPolicies(ctx)
	if err != nil {
		return fmt.Errorf("onvif: whether a policy judges clients: %w", err)
	}
	if !slices.Contains(judging, id) {
		return nil
	}
	on, err := c.ClientAuthentication(ctx)
	if err != nil {
		return fmt.Errorf("onvif: whether clients need a certificate: %w", err)
	}
	if on == camsec.StateOff {
		return nil
	}
	return fmt.Errorf("onvif: the policy decides whom the device lets in: %w", ErrCutOff)
}

// CnMapsToUser reads whether the common name of a client's certificate tells
// the account, so that no other login is needed. Every account may.
//
//onvif:op tas:GetCnMapsToUser
func (c *Client) CnMapsToUser(ctx context.Context) (camsec.State, error) {
	r, err := c.call(ctx, "CnMapsToUser", nil)
	if err != nil {
		return camsec.StateUnknown, err
	}
	s := state(r.Child("cnMapsToUser"))
	if s == camsec.StateUnknown {
		return s, malformed(operation("CnMapsToUser"), "not readable")
	}
	return s, nil
}

// SetCnMapsToUser sets whether the common name of a client's certificate tells
// the account. It holds while clients have to show one; before a policy judges
// them the refusal matches [ErrNoPolicy].
//
//onvif:op tas:SetCnMapsToUser
func (c *Client) SetCnMapsToUser(ctx context.Context, on bool) (camsec.Change, error) {
	return c.write(ctx, "SetCnMapsToUser", func(m *message) { m.bool("tas:cnMapsToUser", on) },
		func(ctx context.Context) (bool, error) {
			now, err := c.CnMapsToUser(ctx)
			return now == camsec.StateOf(on), err
		})
}
