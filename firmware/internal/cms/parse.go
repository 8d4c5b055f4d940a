package cms

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Tags of this syntax, which is full of implicit ones.
var (
	explicit0 = cbasn1.Tag(0).ContextSpecific().Constructed()
	explicit1 = cbasn1.Tag(1).ContextSpecific().Constructed()
	keyIDTag  = cbasn1.Tag(0).ContextSpecific()
)

// Parse reads a ContentInfo with SignedData, in DER or PEM, with nothing
// before or after it. The error is a *[sig.Error].
func Parse(b []byte) (*Message, error) {
	if len(b) > MaxSize {
		return nil, malformed("%d bytes, more than the limit of %d", len(b), MaxSize)
	}
	der, err := unwrap(b)
	if err != nil {
		return nil, err
	}
	in := cryptobyte.String(bytes.Clone(der)) // the message keeps pieces of it
	var info, content cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !in.ReadASN1(&info, cbasn1.SEQUENCE) {
		return nil, malformed("no DER sequence")
	}
	if !in.Empty() {
		return nil, malformed("%d bytes after the end of the message", len(in))
	}
	if !info.ReadASN1ObjectIdentifier(&kind) || !info.ReadASN1(&content, explicit0) || !info.Empty() {
		return nil, malformed("no ContentInfo")
	}
	switch {
	case kind.Equal(oidEnvelopedData):
		return nil, sig.Errorf(sig.Unsupported, Scheme, "the message is encrypted (EnvelopedData): only a recipient sees the signature")
	case !kind.Equal(oidSignedData):
		return nil, sig.Errorf(sig.Unsupported, Scheme, "the message is no SignedData but %s", kind)
	}
	return parseSignedData(content)
}

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

// unwrap takes off PEM, and tells what is neither PEM nor DER by its name.
func unwrap(b []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(b, []byte("-----BEGIN ")):
		block, rest := pem.Decode(b)
		switch {
		case block == nil:
			return nil, malformed("no complete PEM block")
		case block.Type != "CMS" && block.Type != "PKCS7" && block.Type != "PKCS #7 SIGNED DATA":
			return nil, malformed("PEM of type %q", block.Type)
		case len(bytes.TrimSpace(rest)) > 0:
			return nil, malformed("%d bytes after the PEM block", len(rest))
		}
		b = block.Bytes
	case bytes.HasPrefix(b, []byte("MIME-Version:")):
		return nil, sig.Errorf(sig.Unsupported, Scheme, "an S/MIME mail: write the signature with -outform DER")
	}
	if len(b) > 1 && b[1] == 0x80 {
		return nil, sig.Errorf(sig.Unsupported, Scheme,
			"BER of indefinite length, as OpenSSL writes it while streaming: openssl cms -cmsout turns it into DER")
	}
	return b, nil
}

func parseSignedData(content cryptobyte.String) (*Message, error) {
	var data, algorithms, encap, signers, raw cryptobyte.String
	var version int
	if !content.ReadASN1(&data, cbasn1.SEQUENCE) || !content.Empty() ||
		!data.ReadASN1Integer(&version) || !data.ReadASN1(&algorithms, cbasn1.SET) {
		return nil, malformed("no SignedData")
	}
	m := &Message{}
	hashes, err := parseDigests(algorithms)
	if err != nil {
		return nil, err
	}
	if !data.ReadASN1(&encap, cbasn1.SEQUENCE) {
		return nil, malformed("no content information")
	}
	if err := m.parseContent(encap); err != nil {
		return nil, err
	}
	var has bool
	if !data.ReadOptionalASN1(&raw, &has, explicit0) {
		return nil, malformed("the certificates cannot be read")
	}
	other, err := m.parseCertificates(raw)
	if err != nil {
		return nil, err
	}
	raw = nil
	if !data.ReadOptionalASN1(&raw, &has, explicit1) {
		return nil, malformed("the revocation lists cannot be read")
	}
	if err := m.parseCRLs(raw); err != nil {
		return nil, err
	}
	if !data.ReadASN1(&signers, cbasn1.SET) || !data.Empty() {
		return nil, malformed("no signers at the end of the message")
	}
	if m.signers, err = parseSigners(signers, hashes); err != nil {
		return nil, err
	}
	for _, s := range m.signers {
		if s.unsigned {
			m.ignored = append(m.ignored, "unsigned attributes were not looked at: nobody stands for them")
		}
	}
	if want := m.version(other); version != want {
		return nil, malformed("version %d, where RFC 5652 asks for %d", version, want)
	}
	return m, nil
}

// version is the number that RFC 5652 section 5.1 asks for, with data as
// content.
func (m *Message) version(other int) int {
	want := 1
	for _, s := range m.signers {
		if s.keyID != nil {
			want = 3
		}
	}
	return max(want, other)
}

func parseDigests(set cryptobyte.String) (out []asn1.ObjectIdentifier, err error) {
	for !set.Empty() {
		a, ok := readAlgorithm(&set)
		if !ok {
			return nil, malformed("a digest algorithm cannot be read")
		}
		if out = append(out, a.oid); len(out) > maxSigners {
			return nil, malformed("more than %d digest algorithms", maxSigners)
		}
	}
	return out, nil
}

func (m *Message) parseContent(encap cryptobyte.String) error {
	var kind asn1.ObjectIdentifier
	var explicit, octets cryptobyte.String
	var has bool
	if !encap.ReadASN1ObjectIdentifier(&kind) || !encap.ReadOptionalASN1(&explicit, &has, explicit0) || !encap.Empty() {
		return malformed("the content information cannot be read")
	}
	switch {
	case kind.Equal(oidAuthenticode):
		return sig.Errorf(sig.Unsupported, Scheme, "an Authenticode signature")
	case !kind.Equal(oidData):
		// Whoever signs a time stamp, say, does not mean to sign firmware.
		return sig.Errorf(sig.Unsupported, Scheme, "the content is no plain data but %s", kind)
	case !has:
		return nil
	case !explicit.ReadASN1(&octets, cbasn1.OCTET_STRING) || !explicit.Empty():
		return malformed("the content is no DER octet string")
	}
	m.Content = octets
	return nil
}

// parseCertificates keeps X.509 certificates. Attribute certificates and
// other kinds are passed over; other is the version that they ask of the
// message.
func (m *Message) parseCertificates(set cryptobyte.String) (other int, err error) {
	for n := 0; !set.Empty(); n++ {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if n >= maxCertificates {
			return 0, malformed("more than %d certificates", maxCertificates)
		}
		if !set.ReadAnyASN1Element(&element, &tag) {
			return 0, malformed("a certificate cannot be read")
		}
		if tag != cbasn1.SEQUENCE {
			other = max(other, map[byte]int{0xa1: 3, 0xa2: 4, 0xa3: 5}[byte(tag)])
			m.ignored = append(m.ignored, "a certificate that is not X.509")
			continue
		}
		c, err := x509.ParseCertificate(element)
		if err != nil {
			return 0, malformed("a certificate: %v", err)
		}
		if sig.Oversized(c.PublicKey) {
			return 0, sig.Errorf(sig.Unsupported, Scheme, "a certificate with a key that is too large")
		}
		m.Certificates = append(m.Certificates, c)
	}
	return other, nil
}

func (m *Message) parseCRLs(set cryptobyte.String) error {
	for n := 0; !set.Empty(); n++ {
		var element cryptobyte.String
		var tag cbasn1.Tag
		if n >= maxCRLs {
			return malformed("more than %d revocation lists", maxCRLs)
		}
		if !set.ReadAnyASN1Element(&element, &tag) {
			return malformed("a revocation list cannot be read")
		}
		if tag != cbasn1.SEQUENCE {
			return sig.Errorf(sig.Unsupported, Scheme, "revocation information that is no list (OCSP)")
		}
		l, err := x509.ParseRevocationList(element)
		if err != nil {
			return malformed("a revocation list: %v", err)
		}
		m.crls = append(m.crls, l)
	}
	return nil
}
