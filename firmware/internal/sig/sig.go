// Package sig is the seam between images and signature schemes.
//
// A scheme's package reads a signature and holds it against the caller's
// anchors before anything of the image is read. What comes out is a [Check]:
// it says which digests it needs ([Check.Attach]), the image's bytes go by
// once, and [Check.Finish] says who stands for them, or why nobody does. A
// check cannot be made without an anchor, so none can be configured into
// demanding nothing.
//
//	content := new(sig.Content)
//	check.Attach(content)                  // any number of checks over the same bytes
//	_, err := io.Copy(content, image)      // or Writers, side by side
//	result, err := check.Finish()
//
// Schemes: package raw (RSA, ECDSA, Ed25519 over the bytes themselves), cms,
// minisign, signify (usign's, too), sigstore, and sums for lists of digests
// that one of these signs.
package sig

import "time"

// A Check is a signature that was read and found worth checking: its scheme
// is known, it is not below the floor, and an anchor may fit. It serves one
// pass over one content and is not safe for concurrent use.
type Check interface {
	// Attach asks for what the check wants of the content. It is called once,
	// before the first byte.
	Attach(c *Content)
	// Finish judges, once, after the last byte. Its error is an *[Error];
	// with one there is no Result.
	Finish() (*Result, error)
}

// A Result is who stands for the content, and how that was seen.
type Result struct {
	// Scheme is "minisign", "cms" and so on, as the packages name themselves.
	Scheme string
	// By is the signer as the anchor or his certificate names him: a
	// distinguished name, or a key with its ID or fingerprint.
	By string
	// Algorithm is key and hash: "RSA-2048 PKCS#1 v1.5 SHA-256".
	Algorithm string
	// Anchor is what the trust comes from, one of those that the caller gave.
	Anchor string
	// SigningTime is when the signer says that he signed; zero when he does
	// not. Nobody else vouches for it.
	SigningTime time.Time
	// TrustedComment is text that the signature covers: minisign's comment,
	// the description in the content hints of a CMS signature.
	TrustedComment string
	// Others are the further signers of a signature that has several, in the
	// order in which they stand there. Each was verified like the first.
	Others []Signer
	// Notes tell a person what was set aside: signers that lead to no anchor,
	// a weakness that the caller allowed, a key that is short for its time.
	Notes []string
}

// A Signer is one of several.
type Signer struct {
	By, Algorithm, Anchor string
	SigningTime           time.Time
}

// VerifyBytes runs a check over content that is in memory.
func VerifyBytes(check Check, content []byte) (*Result, error) {
	var c Content
	check.Attach(&c)
	_, _ = c.Write(content)
	return check.Finish()
}
