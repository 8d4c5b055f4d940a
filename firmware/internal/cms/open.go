package cms

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// Open prepares the verification of the message over content that goes by;
// where the message carries content, the two must be the same.
//
// Each signer is judged by himself. One good signer is enough; a signer who
// leads to no anchor, or is below the floor, is set aside and named in the
// result's notes. But a signature that a trusted signer did not make fails
// the message, since somebody changed it.
//
// All that does not depend on the content is verified here: the signatures
// over signed attributes, certificates, revocation lists. The error is a
// *[sig.Error].
func (m *Message) Open(o Options) (sig.Check, error) {
	t, err := o.trust(m)
	if err != nil {
		return nil, err
	}
	c := &check{content: m.Content, embedded: m.Content != nil, notes: slices.Clone(m.ignored)}
	var worst error
	for i := range m.signers {
		s := &m.signers[i]
		g, err := t.judge(s)
		switch {
		case err == nil:
			c.good = append(c.good, g)
		case sig.KindOf(err) == sig.Invalid:
			return nil, err
		default:
			c.notes = append(c.notes, fmt.Sprintf("a signer was set aside: %v", err))
			if worst == nil || sig.KindOf(err) < sig.KindOf(worst) {
				worst = err
			}
		}
	}
	if len(c.good) == 0 {
		return nil, worst
	}
	return c, nil
}

// A good signer is one whose certificate is trusted and whose signature over
// his attributes is right.
type good struct {
	*signer
	by, anchor string
	public     crypto.PublicKey
	notes      []string
	valid      func() error
}

type check struct {
	good     []*good
	content  []byte
	embedded bool
	notes    []string
	same     func() bool
	start    *beginning
}

// Attach asks for each signer's digest.
func (c *check) Attach(content *sig.Content) {
	if c.embedded {
		digest := content.Digest(crypto.SHA256)
		c.same = func() bool {
			h := crypto.SHA256.New()
			h.Write(c.content)
			return bytes.Equal(digest(), h.Sum(nil))
		}
	}
	for _, g := range c.good {
		switch {
		case g.signed != nil:
			digest := content.Digest(g.digest)
			g.valid = func() error {
				if !bytes.Equal(digest(), g.messageDigest) {
					return sig.Errorf(sig.Invalid, Scheme, "the content is not what %s signed", g.by)
				}
				return nil
			}
		case g.algorithm.Method == sig.PureEd25519:
			ok := content.Ed25519(g.public.(ed25519.PublicKey), g.value)
			g.valid = c.direct(g, content, ok)
		default:
			digest := content.Digest(g.digest)
			g.valid = c.direct(g, content, func() bool { return g.algorithm.Verify(g.public, digest(), g.value) })
		}
	}
}

// direct judges a signature over the content itself. Signed attributes are
// signed in the same way, so a signature over attributes can be passed off as
// one over content that looks like them; such content is refused.
func (c *check) direct(g *good, content *sig.Content, ok func() bool) func() error {
	if c.start == nil {
		c.start = &beginning{}
		content.Stream(c.start)
	}
	return func() error {
		switch {
		case !ok():
			return sig.Errorf(sig.Invalid, Scheme, "the content is not what %s signed", g.by)
		case c.start.attributes():
			return sig.Errorf(sig.Invalid, Scheme, "the content is the attributes of another signature")
		}
		return nil
	}
}

// Finish holds the content against every good signer.
func (c *check) Finish() (*sig.Result, error) {
	if c.same != nil && !c.same() {
		return nil, sig.Errorf(sig.Invalid, Scheme, "the content is not what the message carries")
	}
	var out *sig.Result
	for _, g := range c.good {
		if g.valid == nil {
			return nil, sig.Errorf(sig.Invalid, Scheme, "no content was read")
		}
		if err := g.valid(); err != nil {
			return nil, err
		}
		c.notes = append(c.notes, g.notes...)
		algorithm := g.algorithm.With(g.public)
		if out == nil {
			out = &sig.Result{
				Scheme: Scheme, By: g.by, Algorithm: algorithm, Anchor: g.anchor,
				SigningTime: g.signingTime, TrustedComment: g.description,
			}
			continue
		}
		out.Others = append(out.Others, sig.Signer{By: g.by, Algorithm: algorithm, Anchor: g.anchor, SigningTime: g.signingTime})
	}
	slices.Sort(c.notes)
	out.Notes = slices.Compact(c.notes)
	return out, nil
}

// beginning keeps the first bytes of the content.
type beginning struct {
	b    []byte
	more bool
}

const maxBeginning = 16 << 10

func (s *beginning) Write(p []byte) (int, error) {
	n := min(len(p), maxBeginning-len(s.b))
	s.b = append(s.b, p[:n]...)
	s.more = s.more || n < len(p)
	return len(p), nil
}

// attributes tells whether the content is a SET OF attributes with a digest.
func (s *beginning) attributes() bool {
	return !s.more && looksSigned(s.b)
}

// name returns what the signer is called: in the message's words, so made
// safe to print.
func (s *signer) name(c *x509.Certificate) string {
	switch {
	case c != nil:
		return untrusted.Text([]byte(c.Subject.String()))
	case s.keyID != nil:
		return fmt.Sprintf("the holder of key %x", s.keyID)
	}
	return fmt.Sprintf("the holder of certificate number %x", s.serial[2:])
}
