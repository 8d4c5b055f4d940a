package firmware

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/internal/fit"
	"github.com/camsec/camsec/firmware/internal/sig"
)

// A Key is a public key that a policy trusts. Its zero value is no key.
type Key struct {
	key sig.Key
	// foreign names a kind of key whose signatures are not verified here;
	// such a key is kept, so that the report can say so.
	foreign string
	name    string
	// configurations tells that the key came with the demand that a FIT's
	// configurations are signed.
	configurations bool
}

// NewKey makes a Key of an *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey. name is what reports call it; it may be empty.
func NewKey(name string, public crypto.PublicKey) (Key, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return Key{}, &KeyError{Name: name, Reason: "a key of a kind that is not supported"}
	}
	keys, err := sig.ParseKeys(name, der)
	if err != nil {
		return Key{}, keyError(name, err)
	}
	return Key{key: keys[0], name: name}, nil
}

// ParseKeys reads the public keys in a file: PEM or DER public keys and
// certificates, keys of minisign, signify and usign, and the PUBLICKEYBLOB
// that TP-Link ships in its images, as it is or in base64, and the control
// device tree of U-Boot, whose demand for signed configurations becomes one of
// the policy that the keys stand in. A certificate
// given as a key is trusted as the very signer. name is what reports call
// the keys. The error is a *[KeyError].
//
// An OpenPGP key is read as a key that verifies nothing: reports then say that
// such signatures are not verifiable here.
func ParseKeys(name string, data []byte) ([]Key, error) {
	if isOpenPGPKey(data) {
		return []Key{{foreign: schemeOpenPGP, name: name}}, nil
	}
	if fit.Detect(data) {
		return controlKeys(name, data)
	}
	keys, err := sig.ParseKeys(name, data)
	if err != nil {
		return nil, keyError(name, err)
	}
	out := make([]Key, len(keys))
	for i, k := range keys {
		out[i] = Key{key: k, name: name}
	}
	return out, nil
}

// controlKeys reads the keys of a control device tree: those that are required,
// or all of them where none is.
func controlKeys(name string, data []byte) ([]Key, error) {
	control, err := fit.ReadControl(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, &KeyError{Name: name, Reason: "control device tree: " + err.Error()}
	}
	var required, all []Key
	for _, c := range control.Keys {
		k, err := NewKey(name+": "+c.Name, c.Key)
		if err != nil {
			return nil, err
		}
		k.configurations = c.Required == "conf"
		all = append(all, k)
		if c.Required != "" {
			required = append(required, k)
		}
	}
	switch {
	case len(required) == 0:
		return all, nil
	case len(required) > 1 && !control.Any:
		return nil, &KeyError{
			Name: name, kind: sig.Unsupported,
			Reason: "the control device tree demands a signature of each of several keys; give the keys one by one, and how many must sign",
		}
	}
	return required, nil
}

// ParseCertificates reads certificates, PEM or DER. The error is a
// *[KeyError].
func ParseCertificates(name string, data []byte) ([]*x509.Certificate, error) {
	out, err := sig.ParseCertificates(data)
	if err != nil {
		return nil, keyError(name, err)
	}
	return out, nil
}

// ParseCRLs reads certificate revocation lists, PEM or DER. The error is a
// *[KeyError].
func ParseCRLs(name string, data []byte) ([]*x509.RevocationList, error) {
	out, err := sig.ParseCRLs(data)
	if err != nil {
		return nil, keyError(name, err)
	}
	return out, nil
}

// String names the key for people.
func (k Key) String() string {
	if k.foreign != "" {
		return k.foreign + " key (" + k.name + ")"
	}
	return k.key.String()
}

// A KeyError says why a file of keys or certificates is of no use. It matches
// [camsec.ErrMalformed], or [errors.ErrUnsupported] for a kind that is not
// read here.
type KeyError struct {
	Name   string
	Reason string
	kind   sig.Kind
}

// Error returns name and reason.
func (e *KeyError) Error() string { return "firmware: " + e.Name + ": " + e.Reason }

// Is tells that the error matches one of the two values.
func (e *KeyError) Is(target error) bool {
	if e.kind == sig.Unsupported {
		return target == errors.ErrUnsupported
	}
	return target == camsec.ErrMalformed
}

func keyError(name string, err error) error {
	if e, ok := errors.AsType[*sig.Error](err); ok {
		return &KeyError{Name: name, Reason: e.Reason, kind: e.Kind}
	}
	return &KeyError{Name: name, Reason: err.Error()}
}

// isOpenPGPKey tells a transferable public key (RFC 9580, packet type 6),
// armoured or not.
func isOpenPGPKey(data []byte) bool {
	if bytes.Contains(data, []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----")) {
		return true
	}
	if len(data) < 4 {
		return false
	}
	const versions = "\x03\x04\x05\x06"
	switch data[0] {
	case 0x98: // old form, one byte of length
		return bytes.IndexByte([]byte(versions), data[2]) >= 0
	case 0x99: // two bytes
		return bytes.IndexByte([]byte(versions), data[3]) >= 0
	case 0xC6: // new form
		return bytes.IndexByte([]byte(versions), data[2]) >= 0 || bytes.IndexByte([]byte(versions), data[3]) >= 0
	}
	return false
}
