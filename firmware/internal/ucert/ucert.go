// Package ucert verifies the chains of usign signatures that OpenWrt puts
// behind its images: keys signed by keys, and last the image's signature.
//
// Source: ucert.c of openwrt/ucert, blob.h and blobmsg.h of libubox. No packaged
// program makes such chains, so that the tests write them as ucert does. In
// November 2026 they were held against ucert 00b921d, usign and fwtool, built by
// hand: the payload is the same byte for byte, both take chains of two and three
// keys and refuse a revoker in a chain, and of every chain with one other byte
// this package took none that ucert refused, but for a control character in a
// signature's comment, which nothing covers.
//
// ucert keeps the keys that are revoked in a folder; here a caller who no longer
// trusts a key in a chain gives the keys that he trusts, and not their root.
package ucert

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/signify"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "ucert"

const (
	// maxSize is what ucert itself reads: its buffer but one.
	maxSize  = 4095
	maxLinks = 8
)

// Attributes of a link.
const (
	attrSignature = 0
	attrPayload   = 1
)

// Types of values in a payload, as libubox numbers them.
const (
	typeTable  = 2
	typeString = 3
	typeInt64  = 4
	typeInt32  = 5
)

// certAuth is the kind of certificate that lets a key sign; the other one
// revokes.
const certAuth = 1

// A link is a signature, and what it signs: another key, or, where payload is
// nil, the image.
type link struct {
	signature, payload []byte
}

// A Chain was read and not verified.
type Chain struct{ links []link }

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

// Parse reads a chain. The error is a *[sig.Error].
func Parse(b []byte) (*Chain, error) {
	if len(b) > maxSize {
		return nil, malformed("a chain of %d bytes", len(b))
	}
	c := &Chain{}
	for len(b) > 0 {
		_, body, rest, ok := attribute(b)
		if !ok || len(c.links) >= maxLinks {
			return nil, malformed("no chain of signatures, or more than %d", maxLinks)
		}
		if n := len(c.links); n > 0 && c.links[n-1].payload == nil {
			return nil, malformed("something follows the image's signature")
		}
		l, err := readLink(body)
		if err != nil {
			return nil, err
		}
		c.links = append(c.links, l)
		b = rest
	}
	if n := len(c.links); n == 0 || c.links[n-1].payload != nil {
		return nil, malformed("the chain has no signature of the image")
	}
	return c, nil
}

// attribute reads libubox's blob_attr: id and length in a word, the value,
// padding to four.
func attribute(b []byte) (id int, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	word := binary.BigEndian.Uint32(b)
	n := int(word & 0xffffff)
	if n < 4 || n > len(b) {
		return 0, nil, nil, false
	}
	return int(word >> 24 & 0x7f), b[4:n], b[min(len(b), (n+3)&^3):], true
}

func readLink(b []byte) (link, error) {
	var l link
	for len(b) > 0 {
		id, value, rest, ok := attribute(b)
		switch {
		case ok && id == attrSignature && l.signature == nil:
			l.signature = value
		case ok && id == attrPayload && l.payload == nil && len(value) > 0:
			l.payload = value
		default:
			return link{}, malformed("a link that is no signature and payload")
		}
		b = rest
	}
	if len(l.signature) == 0 {
		return link{}, malformed("a link without a signature")
	}
	return l, nil
}

// A certificate is what a payload says of a key. What it does not say is nil.
type certificate struct {
	kind          *uint32
	from, expires *uint64
	key           []byte
}

// read reads a payload: one table named ucert.
func (c *certificate) read(payload []byte) bool {
	name, kind, table, rest, ok := field(payload)
	if !ok || name != "ucert" || kind != typeTable || len(rest) > 0 {
		return false
	}
	seen := map[string]bool{}
	for len(table) > 0 {
		name, kind, value, rest, ok := field(table)
		if !ok || seen[name] {
			return false
		}
		seen[name] = true
		switch {
		case name == "certtype" && kind == typeInt32 && len(value) == 4:
			c.kind = new(binary.BigEndian.Uint32(value))
		case name == "validfrom" && kind == typeInt64 && len(value) == 8:
			c.from = new(binary.BigEndian.Uint64(value))
		case name == "expiresat" && kind == typeInt64 && len(value) == 8:
			c.expires = new(binary.BigEndian.Uint64(value))
		case name == "pubkey" && kind == typeString:
			c.key = bytes.TrimRight(value, "\x00")
		}
		table = rest
	}
	return c.kind != nil
}

// field reads libubox's blobmsg: an attribute whose value begins with a name.
func field(b []byte) (name string, kind int, value, rest []byte, ok bool) {
	kind, body, rest, ok := attribute(b)
	if !ok || len(body) < 2 {
		return "", 0, nil, nil, false
	}
	n := int(binary.BigEndian.Uint16(body))
	head := (2 + n + 1 + 3) &^ 3
	if head > len(body) || body[2+n] != 0 {
		return "", 0, nil, nil, false
	}
	return string(body[2 : 2+n]), kind, body[head:], rest, true
}

// Open follows the chain from the caller's keys and prepares the verification
// of the image's signature. A caller who trusts the last key itself needs no
// chain. now is when the keys in it must be valid.
func (c *Chain) Open(anchors sig.Anchors, floor sig.Floor, now time.Time) (sig.Check, error) {
	last := c.links[len(c.links)-1]
	trusted, root := anchors, ""
	for _, l := range c.links[:len(c.links)-1] {
		check, err := open(l.signature, trusted, floor)
		var result *sig.Result
		if err == nil {
			result, err = sig.VerifyBytes(check, l.payload)
		}
		if err != nil {
			// Without the chain the caller's own keys may do.
			if check, direct := open(last.signature, anchors, floor); direct == nil {
				return check, nil
			}
			return nil, err
		}
		key, err := delegate(l.payload, now)
		if err != nil {
			return nil, err
		}
		if root == "" {
			root = result.Anchor
		}
		trusted = sig.Anchors{Keys: key}
	}
	check, err := open(last.signature, trusted, floor)
	if err != nil || root == "" {
		return check, err
	}
	return &delegated{check, root}, nil
}

func open(signature []byte, anchors sig.Anchors, floor sig.Floor) (sig.Check, error) {
	s, err := signify.Parse(signature)
	if err != nil {
		return nil, err
	}
	return s.Open(anchors, floor)
}

// delegate returns the key that a payload lets sign.
func delegate(payload []byte, now time.Time) ([]sig.Key, error) {
	var c certificate
	if !c.read(payload) {
		return nil, malformed("a payload that is no certificate")
	}
	if *c.kind != certAuth {
		return nil, sig.Errorf(sig.Invalid, Scheme, "a certificate that lets no key sign")
	}
	if c.from == nil || c.expires == nil || *c.from > 1<<60 || *c.expires > 1<<60 {
		return nil, malformed("a certificate that does not say from when and until when it counts")
	}
	from, until := time.Unix(int64(*c.from), 0).UTC(), time.Unix(int64(*c.expires), 0).UTC() //nolint:gosec // bounded above.
	if now.Before(from) || !now.Before(until) {
		return nil, sig.Errorf(sig.BelowPolicy, Scheme, "the key is valid from %s to %s, not at %s",
			from.Format(time.RFC3339), until.Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	keys, err := sig.ParseKeys("", c.key)
	if err != nil || len(keys) != 1 || keys[0].ID == nil {
		return nil, malformed("a certificate without a key of usign")
	}
	return keys, nil
}

// delegated is a check by a key that a chain leads to.
type delegated struct {
	sig.Check
	root string
}

func (d *delegated) Finish() (*sig.Result, error) {
	r, err := d.Check.Finish()
	if err != nil {
		return nil, err
	}
	r.Scheme, r.Anchor = Scheme, d.root
	return r, nil
}
