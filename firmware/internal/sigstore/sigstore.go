// Package sigstore verifies Sigstore bundles (version 0.3) that were signed
// with a key, as `cosign sign-blob --key` makes them: the signature over the
// image, and nothing else of the bundle. Bundles signed without a key need
// the certificates of a service, and are refused with a word.
//
// Source: the bundle's published schema (sigstore/protobuf-specs), and
// bundles that cosign made with ECDSA P-256 keys. RSA, the larger curves and
// Ed25519 are documented, not recorded.
package sigstore

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"slices"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names signatures of this package in results and errors.
const Scheme = "sigstore"

// MaxSize bounds a bundle.
const MaxSize = 1 << 20

var mediaTypes = []string{
	"application/vnd.dev.sigstore.bundle.v0.3+json",
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
}

var hashes = map[string]crypto.Hash{
	"SHA2_256": crypto.SHA256, "SHA2_384": crypto.SHA384, "SHA2_512": crypto.SHA512,
}

// A bundle is what counts of one.
type bundle struct {
	hint   string
	hash   crypto.Hash
	digest []byte
	value  []byte
	notes  []string
}

// Open reads a bundle and prepares its verification. The hint in it only
// says which key is tried first.
//
// The error is a *[sig.Error].
func Open(data []byte, anchors sig.Anchors, floor sig.Floor) (sig.Check, error) {
	b, err := parse(data)
	if err != nil {
		return nil, err
	}
	if len(anchors.Keys) == 0 {
		return nil, sig.Errorf(sig.NoAnchor, Scheme, "no key was given to verify it with")
	}
	if _, err := floor.Hash(Scheme, b.hash); err != nil {
		return nil, err
	}
	c := &check{bundle: b}
	err = sig.Errorf(sig.Untrusted, Scheme, "none of the %d keys is of a kind that signs bundles", len(anchors.Keys))
	for _, k := range anchors.Keys {
		a := sig.Algorithm{Hash: b.hash}
		switch pub := k.Public.(type) {
		case *ecdsa.PublicKey:
			a.Method = sig.ECDSA
		case *rsa.PublicKey:
			a.Method = sig.PKCS1v15
		case ed25519.PublicKey:
			// cosign signs files with the prehashed variant (its change 4414).
			if b.hash != crypto.SHA512 {
				err = unsupported("Ed25519 over %s", b.hash)
				continue
			}
			c.tries = append(c.tries, try{key: k, algorithm: "Ed25519ph", valid: func() bool {
				return ed25519.VerifyWithOptions(pub, b.digest, b.value, &ed25519.Options{Hash: b.hash}) == nil
			}})
			continue
		default:
			continue
		}
		t := try{key: k, algorithm: a.With(k.Public), valid: func() bool { return a.Verify(k.Public, b.digest, b.value) }}
		var why error
		if t.note, why = floor.Key(Scheme, k.Public); why != nil {
			err = why
			continue
		}
		if wrong := a.Shape(k.Public, b.value); wrong != "" {
			err = malformed("%s", wrong)
			continue
		}
		if b.hint == hint(k.Public) {
			c.tries = slices.Insert(c.tries, 0, t)
		} else {
			c.tries = append(c.tries, t)
		}
	}
	if len(c.tries) == 0 {
		return nil, err
	}
	return c, nil
}

// hint is what cosign calls a key: its SHA-256, in base64.
func hint(pub crypto.PublicKey) string {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(der)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

func unsupported(format string, args ...any) error {
	return sig.Errorf(sig.Unsupported, Scheme, format, args...)
}

func parse(data []byte) (*bundle, error) {
	if len(data) > MaxSize {
		return nil, malformed("a bundle of %d bytes", len(data))
	}
	top, err := object(data)
	if err != nil {
		return nil, err
	}
	var media string
	if err := text(top["mediaType"], &media); err != nil || !slices.Contains(mediaTypes, media) {
		return nil, unsupported("the media type is not that of a bundle of version 0.3")
	}
	material, err := object(top["verificationMaterial"])
	if err != nil {
		return nil, err
	}
	switch {
	case material["certificate"] != nil || material["x509CertificateChain"] != nil:
		return nil, unsupported("the bundle is signed without a key (keyless): that rests on the certificates and logs of a service")
	case top["dsseEnvelope"] != nil:
		return nil, unsupported("the bundle holds an attestation (DSSE), not a signature over the file")
	case top["messageSignature"] == nil || material["publicKey"] == nil:
		return nil, malformed("a bundle without signature or key")
	}
	b := &bundle{}
	for _, k := range []string{"tlogEntries", "timestampVerificationData"} {
		if material[k] != nil {
			b.notes = append(b.notes, k+" in the bundle were not looked at: the key alone stands for the image")
		}
	}
	key, err := object(material["publicKey"])
	if err != nil {
		return nil, err
	}
	if key["hint"] != nil {
		if err := text(key["hint"], &b.hint); err != nil {
			return nil, err
		}
	}
	return b, b.message(top["messageSignature"])
}

func (b *bundle) message(raw json.RawMessage) error {
	message, err := object(raw)
	if err != nil {
		return err
	}
	digest, err := object(message["messageDigest"])
	if err != nil {
		return err
	}
	var name string
	if err := text(digest["algorithm"], &name); err != nil {
		return err
	}
	h, ok := hashes[name]
	if !ok {
		return unsupported("the digest algorithm %.40q", name)
	}
	b.hash = h
	if b.digest, err = octets(digest["digest"]); err != nil || len(b.digest) != h.Size() {
		return malformed("the digest cannot be read")
	}
	if b.value, err = octets(message["signature"]); err != nil {
		return malformed("the signature cannot be read")
	}
	return nil
}

// object reads a JSON object, to its last byte. Unlike encoding/json alone it
// refuses a name that stands there twice, and takes names as they are
// written: two readers must not see two bundles.
func object(raw []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, malformed("no JSON object where one is expected")
	}
	out := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, malformed("the JSON cannot be read")
		}
		if _, twice := out[name]; twice {
			return nil, malformed("a name twice in the JSON")
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, malformed("the JSON cannot be read")
		}
		out[name] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, malformed("the JSON cannot be read")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, malformed("bytes after the JSON")
	}
	return out, nil
}

func text(raw json.RawMessage, out *string) error {
	if err := json.Unmarshal(raw, out); err != nil || raw[0] != '"' {
		return malformed("no JSON text where one is expected")
	}
	return nil
}

func octets(raw json.RawMessage) ([]byte, error) {
	var s string
	if err := text(raw, &s); err != nil {
		return nil, err
	}
	return base64.StdEncoding.Strict().DecodeString(s)
}

type try struct {
	key       sig.Key
	algorithm string
	note      string
	valid     func() bool // whether it signed the bundle's digest
}

type check struct {
	*bundle
	tries []try
	sum   func() []byte
}

// Attach asks for the digest.
func (c *check) Attach(content *sig.Content) { c.sum = content.Digest(c.hash) }

// Finish verifies.
func (c *check) Finish() (*sig.Result, error) {
	if c.sum == nil || !bytes.Equal(c.sum(), c.digest) {
		return nil, sig.Errorf(sig.Invalid, Scheme, "the image is not the one of the bundle's digest")
	}
	for _, t := range c.tries {
		if !t.valid() {
			continue
		}
		notes := c.notes
		if t.note != "" {
			notes = append(notes, t.note)
		}
		return &sig.Result{
			Scheme: Scheme, By: t.key.String(), Anchor: t.key.String(),
			Algorithm: t.algorithm, Notes: notes,
		}, nil
	}
	return nil, sig.Errorf(sig.Invalid, Scheme, "the signature is by none of the keys given")
}
