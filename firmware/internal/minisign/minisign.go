// Package minisign verifies signatures of minisign: those over the image, and
// the prehashed ones over its BLAKE2b-512.
//
// Four lines: an untrusted comment; "Ed" or "ED", the key's ID and the
// signature, in base64; a trusted comment; a signature over signature and
// trusted comment. Source: minisign's description of its formats, and
// signatures that minisign 0.11 made.
package minisign

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "minisign"

// MaxSize bounds a signature; minisign itself takes comments of 1,024 and
// 8,192 bytes.
const MaxSize = 16 << 10

const (
	untrustedComment = "untrusted comment: "
	trustedComment   = "trusted comment: "
)

// A signature is one that was read.
type signature struct {
	prehashed bool
	id        sig.KeyID
	value     []byte
	trusted   string
	global    []byte
}

// Open reads a signature and prepares its verification by the key that it
// names. That the trusted comment belongs to it is verified here. The
// untrusted comment is what it is called. Lines may end as on Windows.
//
// The error is a *[sig.Error].
func Open(data []byte, anchors sig.Anchors, floor sig.Floor) (sig.Check, error) {
	if !slices.ContainsFunc(anchors.Keys, func(k sig.Key) bool { return k.ID != nil }) {
		if len(anchors.Keys) > 0 {
			return nil, sig.Errorf(sig.Untrusted, Scheme, "none of the keys is one of minisign")
		}
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no key was given to verify it with")
	}
	s, err := parse(data)
	if err != nil {
		return nil, err
	}
	err = sig.Errorf(sig.Untrusted, Scheme, "it is by key %s, which is none of those given", s.id)
	for _, k := range anchors.Keys {
		if k.ID == nil || *k.ID != s.id {
			continue
		}
		pub, ok := k.Public.(ed25519.PublicKey)
		if !ok {
			continue
		}
		if _, err := floor.Key(Scheme, pub); err != nil {
			return nil, err
		}
		if !ed25519.Verify(pub, slices.Concat(s.value, []byte(s.trusted)), s.global) {
			err = sig.Errorf(sig.Invalid, Scheme, "signature and trusted comment are not by %s", k)
			continue
		}
		return &check{signature: s, key: k, public: pub}, nil
	}
	return nil, err
}

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

func parse(data []byte) (*signature, error) {
	if len(data) > MaxSize {
		return nil, malformed("a signature of %d bytes", len(data))
	}
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	if len(lines) != 4 {
		return nil, malformed("%d lines, where a signature has four", len(lines))
	}
	for i := range lines {
		lines[i] = bytes.TrimSuffix(lines[i], []byte("\r"))
	}
	if !bytes.HasPrefix(lines[0], []byte(untrustedComment)) {
		return nil, malformed("no untrusted comment")
	}
	b, ok := decode(lines[1], 2+8+ed25519.SignatureSize)
	if !ok {
		return nil, malformed("the signature cannot be read")
	}
	s := &signature{id: sig.KeyID(b[2:10]), value: b[10:]}
	switch string(b[:2]) {
	case "Ed":
	case "ED":
		s.prehashed = true
	default:
		return nil, sig.Errorf(sig.Unsupported, Scheme, "the signature algorithm %q", b[:2])
	}
	text, ok := strings.CutPrefix(string(lines[2]), trustedComment)
	if !ok || !printable(text) {
		return nil, malformed("the trusted comment is missing, or no printable text")
	}
	s.trusted = text
	if s.global, ok = decode(lines[3], ed25519.SignatureSize); !ok {
		return nil, malformed("the signature over the trusted comment cannot be read")
	}
	return s, nil
}

func decode(line []byte, n int) ([]byte, bool) {
	b, err := base64.StdEncoding.Strict().DecodeString(string(line))
	return b, err == nil && len(b) == n
}

// printable lets a tab pass, which stands in minisign's own comments.
func printable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && r != '\t' {
			return false
		}
	}
	return true
}

type check struct {
	*signature
	key    sig.Key
	public ed25519.PublicKey
	valid  func() bool
}

// Attach asks for BLAKE2b-512, or for the stream of Ed25519.
func (c *check) Attach(content *sig.Content) {
	if !c.prehashed {
		c.valid = content.Ed25519(c.public, c.value)
		return
	}
	digest := content.Digest(crypto.BLAKE2b_512)
	c.valid = func() bool { return ed25519.Verify(c.public, digest(), c.value) }
}

// Finish verifies.
func (c *check) Finish() (*sig.Result, error) {
	if c.valid == nil || !c.valid() {
		return nil, sig.Errorf(sig.Invalid, Scheme, "the image is not what %s signed", c.key)
	}
	algorithm := "Ed25519"
	if c.prehashed {
		algorithm = "Ed25519 over BLAKE2b-512"
	}
	return &sig.Result{
		Scheme: Scheme, By: c.key.String(), Anchor: c.key.String(),
		Algorithm: algorithm, TrustedComment: c.trusted,
	}, nil
}
