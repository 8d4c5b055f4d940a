package onviftest

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"

	"golang.org/x/crypto/pkcs12"
)

var (
	errNoPhrase     = sender("No such passphrase", "ter:InvalidArgVal", "ter:PassphraseID")
	errBadPKCS12    = sender("No file that can be read", "ter:InvalidArgVal", "ter:BadPKCS12File")
	errNotDecrypted = sender("Not the passphrase", "ter:InvalidArgVal", "ter:DecryptionFailed")
	errOtherKey     = sender("Not the certificate's key", "ter:InvalidArgVal", "ter:PublicPrivateKeyMismatch")
)

// uploadPKCS12 takes the certificates and the key out of a file. It reads what
// cameras of the time read: files encrypted with triple DES or RC2 and
// authenticated with SHA-1 (openssl pkcs12 -export -keypbe PBE-SHA1-3DES
// -certpbe PBE-SHA1-3DES -macalg sha1), with the key shrouded. PBES2 and other
// digests, which openssl writes by default since version 3, are refused as
// files that cannot be processed.
func uploadPKCS12(_ *Device, k *keystore, q *request) (string, error) {
	der, err := base64.StdEncoding.DecodeString(text(q.el, "CertWithPrivateKey"))
	if err != nil || len(der) == 0 {
		return "", errBadPKCS12
	}
	word := verbatim(q.el, "Passphrase")
	for _, name := range []string{"EncryptionPassphraseID", "IntegrityPassphraseID"} { // one word for both
		id := text(q.el, name)
		if id == "" {
			continue
		}
		i := k.phraseAt(id)
		if i < 0 {
			return "", errNoPhrase
		}
		word = k.phrases[i].text
	}
	blocks, err := pkcs12.ToPEM(der, word)
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return "", errNotDecrypted
	case err != nil:
		return "", errBadPKCS12
	}
	var key crypto.Signer
	var certs []*x509.Certificate
	for _, b := range blocks {
		switch b.Type {
		case "PRIVATE KEY":
			if key != nil { // exactly one
				return "", errBadPKCS12
			}
			if key, err = parseKey(b.Bytes); err != nil {
				return "", errBadPKCS12
			}
		case "CERTIFICATE":
			x, err := x509.ParseCertificate(b.Bytes)
			if err != nil {
				return "", sender("No certificate", "ter:InvalidArgVal", "ter:BadCertificate")
			}
			certs = append(certs, x)
		}
	}
	if key == nil || len(certs) == 0 {
		return "", errBadPKCS12
	}
	if truth(q, "IgnoreAdditionalCertificates") == 1 {
		certs = certs[:1]
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return "", err
	}
	if !bytes.Equal(public, certs[0].RawSubjectPublicKeyInfo) {
		return "", errOtherKey
	}
	for i := range certs[:len(certs)-1] {
		if certs[i].CheckSignatureFrom(certs[i+1]) != nil {
			return "", errNoChain
		}
	}
	return storePKCS12(k, q, key, certs)
}

// parseKey reads a key in any of the forms that the library gives.
func parseKey(der []byte) (crypto.Signer, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errBadPKCS12
	}
	return signer, nil
}

func storePKCS12(k *keystore, q *request, key crypto.Signer, certs []*x509.Certificate) (string, error) {
	switch {
	case len(k.keys) >= maxKeys:
		return "", full("ter:MaximumNumberOfKeysReached")
	case len(k.certs)+len(certs) > maxCertificates:
		return "", full("ter:MaximumNumberOfCertificatesReached")
	case len(k.paths) >= maxPaths:
		return "", full("ter:MaximumNumberOfCertificationPathsReached")
	}
	keyID, err := k.make(key, text(q.el, "KeyAlias"), 0, true)
	if err != nil {
		return "", err
	}
	p := storedPath{id: k.id("path"), alias: text(q.el, "CertificationPathAlias")}
	for i, x := range certs {
		id, of, err := k.add(x.Raw, p.alias, false)
		if err != nil {
			return "", err
		}
		if i == 0 {
			keyID = of // which may have been here before
		}
		p.certs = append(p.certs, id)
	}
	k.paths = append(k.paths, p)
	return in("tas:UploadCertificateWithPrivateKeyInPKCS12Response", el("tas:CertificationPathID", p.id), el("tas:KeyID", keyID)), nil
}
