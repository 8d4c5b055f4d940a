// Package raw verifies signatures that are nothing but the signature: what
// `openssl dgst -sign` and `openssl pkeyutl -sign` write, and what stands in
// images that bring no certificate. They do not say how they were made, so
// the caller must.
package raw

import (
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "raw"

// MaxSize bounds a signature, in whatever encoding.
const MaxSize = 16 << 10

// Open prepares a signature made by the given algorithm. Each key of the
// algorithm's kind is tried. A signature in hexadecimal or base64 is taken,
// too, where it has no other meaning.
//
// The error is a *[sig.Error]: no anchor, none of the algorithm's kind
// (untrusted), all of them below the floor, or a signature that none of them
// can have made (malformed).
func Open(a sig.Algorithm, signature []byte, anchors sig.Anchors, floor sig.Floor) (sig.Check, error) {
	if len(anchors.Keys) == 0 {
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no key was given to verify it with")
	}
	if len(signature) > MaxSize {
		return nil, sig.Errorf(sig.Malformed, Scheme, "a signature of %d bytes", len(signature))
	}
	c := &check{algorithm: a}
	note, err := floor.Algorithm(Scheme, a)
	if err != nil {
		return nil, err
	}
	c.note(note)
	err = sig.Errorf(sig.Untrusted, Scheme, "none of the %d keys is one for %s", len(anchors.Keys), a)
	for _, k := range anchors.Keys {
		if !a.Fits(k.Public) {
			continue
		}
		note, why := floor.Key(Scheme, k.Public)
		if why != nil {
			err = why
			continue
		}
		value, wrong := decode(a, k.Public, signature)
		if wrong != "" {
			err = sig.Errorf(sig.Malformed, Scheme, "%s", wrong)
			continue
		}
		c.tries = append(c.tries, try{key: k, value: value, note: note})
	}
	if len(c.tries) == 0 {
		return nil, err
	}
	return c, nil
}

// decode returns the signature in the one encoding that the key makes.
func decode(a sig.Algorithm, pub crypto.PublicKey, signature []byte) (value []byte, wrong string) {
	if wrong = a.Shape(pub, signature); wrong == "" {
		return signature, ""
	}
	text := strings.TrimRight(string(signature), "\r\n")
	if b, e := hex.DecodeString(text); e == nil && a.Shape(pub, b) == "" {
		return b, ""
	}
	if b, e := base64.StdEncoding.Strict().DecodeString(text); e == nil && a.Shape(pub, b) == "" {
		return b, ""
	}
	return nil, wrong
}

// A try is a key that may have made the signature.
type try struct {
	key   sig.Key
	value []byte
	note  string
	valid func() bool
}

type check struct {
	algorithm sig.Algorithm
	tries     []try
	notes     []string
}

func (c *check) note(s string) {
	if s != "" {
		c.notes = append(c.notes, s)
	}
}

// Attach asks for the digest, or for one stream a key with Ed25519.
func (c *check) Attach(content *sig.Content) {
	for i := range c.tries {
		t := &c.tries[i]
		if k, ok := t.key.Public.(ed25519.PublicKey); ok {
			t.valid = content.Ed25519(k, t.value)
			continue
		}
		digest := content.Digest(c.algorithm.Hash)
		t.valid = func() bool { return c.algorithm.Verify(t.key.Public, digest(), t.value) }
	}
}

// Finish tries the keys.
func (c *check) Finish() (*sig.Result, error) {
	for _, t := range c.tries {
		if t.valid == nil || !t.valid() {
			continue
		}
		c.note(t.note)
		return &sig.Result{
			Scheme: Scheme, By: t.key.String(), Anchor: t.key.String(),
			Algorithm: c.algorithm.With(t.key.Public), Notes: c.notes,
		}, nil
	}
	keys := fmt.Sprintf("by %s", c.tries[0].key)
	if n := len(c.tries); n > 1 {
		keys = fmt.Sprintf("by any of %d keys", n)
	}
	return nil, sig.Errorf(sig.Invalid, Scheme, "no %s signature of these bytes %s", c.algorithm, keys)
}
