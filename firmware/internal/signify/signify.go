// Package signify verifies signatures of OpenBSD's signify, which are those
// of OpenWrt's usign, too: one line of comment, and "Ed", the key's ID and an
// Ed25519 signature over the image, in base64. What was signed may follow in
// the same file.
//
// Source: signify(1), and files that signify-openbsd 31 and usign made. The
// signature covers neither its comment nor the key's ID.
package signify

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"slices"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "signify"

// MaxSize bounds a signature together with the message that it carries.
const MaxSize = 1 << 20

// maxComment is what signify itself takes.
const maxComment = 1024

const comment = "untrusted comment: "

// A Signature was read, and not verified.
type Signature struct {
	ID sig.KeyID
	// Message is what stands after the signature, which then is what was
	// signed; nil when the signature is detached.
	Message []byte
	value   []byte
}

// Parse reads a signature, alone or with its message.
func Parse(data []byte) (*Signature, error) {
	if len(data) > MaxSize {
		return nil, malformed("a signature of %d bytes", len(data))
	}
	s, n, err := Head(data)
	if err != nil {
		return nil, err
	}
	if n < len(data) {
		s.Message = data[n:]
	}
	return s, nil
}

// Head reads the signature at the beginning of data and says where it ends:
// there the message begins, if there is one.
func Head(data []byte) (s *Signature, end int, err error) {
	first, rest, ok := bytes.Cut(data, []byte("\n"))
	if !ok || !bytes.HasPrefix(first, []byte(comment)) || len(first) > maxComment {
		return nil, 0, malformed("no untrusted comment")
	}
	line, _, whole := bytes.Cut(rest, []byte("\n"))
	end = len(first) + 1 + len(line)
	if whole {
		end++
	}
	b, e := base64.StdEncoding.Strict().DecodeString(string(bytes.TrimSuffix(line, []byte("\r"))))
	if e != nil || len(b) < 2 {
		return nil, 0, malformed("the signature cannot be read")
	}
	switch {
	case string(b[:2]) == "ED":
		return nil, 0, malformed("a signature of minisign without its trusted comment")
	case string(b[:2]) != "Ed":
		return nil, 0, sig.Errorf(sig.Unsupported, Scheme, "the signature algorithm %q", b[:2])
	case len(b) != 2+8+ed25519.SignatureSize:
		return nil, 0, malformed("a signature of %d bytes", len(b))
	}
	return &Signature{ID: sig.KeyID(b[2:10]), value: b[10:]}, end, nil
}

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

// Open prepares the verification of the image by the key that the signature
// names. A message in the signature must be the image itself. A key that is
// known as minisign's does not count: its signatures have a trusted comment,
// and somebody has taken it away.
//
// The error is a *[sig.Error].
func (s *Signature) Open(anchors sig.Anchors, floor sig.Floor) (sig.Check, error) {
	if !slices.ContainsFunc(anchors.Keys, func(k sig.Key) bool { return k.ID != nil }) {
		if len(anchors.Keys) > 0 {
			return nil, sig.Errorf(sig.Untrusted, Scheme, "none of the keys is one of signify or usign")
		}
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no key was given to verify it with")
	}
	c := &check{message: s.Message}
	for _, k := range anchors.Keys {
		if k.ID == nil || *k.ID != s.ID {
			continue
		}
		pub, ok := k.Public.(ed25519.PublicKey)
		if !ok {
			continue
		}
		if k.Minisign {
			return nil, sig.Errorf(sig.Untrusted, Scheme, "%s is a key of minisign, whose signatures have a trusted comment", k)
		}
		if _, err := floor.Key(Scheme, pub); err != nil {
			return nil, err
		}
		c.tries = append(c.tries, try{key: k, public: pub, value: s.value})
	}
	if len(c.tries) == 0 {
		return nil, sig.Errorf(sig.Untrusted, Scheme, "it is by key %x, which is none of those given", s.ID[:])
	}
	return c, nil
}

type try struct {
	key    sig.Key
	public ed25519.PublicKey
	value  []byte
	valid  func() bool
}

type check struct {
	tries   []try
	message []byte
	same    func() bool
}

// Attach asks for the stream of Ed25519.
func (c *check) Attach(content *sig.Content) {
	for i := range c.tries {
		c.tries[i].valid = content.Ed25519(c.tries[i].public, c.tries[i].value)
	}
	if c.message != nil {
		h := sha256.New()
		content.Stream(h)
		want := sha256.Sum256(c.message)
		c.same = func() bool { return bytes.Equal(h.Sum(nil), want[:]) }
	}
}

// Finish verifies.
func (c *check) Finish() (*sig.Result, error) {
	if c.same != nil && !c.same() {
		return nil, sig.Errorf(sig.Invalid, Scheme, "the image is not what the signature carries")
	}
	for _, t := range c.tries {
		if t.valid != nil && t.valid() {
			return &sig.Result{Scheme: Scheme, By: t.key.String(), Anchor: t.key.String(), Algorithm: "Ed25519"}, nil
		}
	}
	return nil, sig.Errorf(sig.Invalid, Scheme, "the image is not what %s signed", c.tries[0].key)
}
