package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
)

const pinPrefix = "sha256/"

var errPin = errors.New(`trust: pin is not "sha256/" and the base64 of 32 bytes`)

// PinOf returns the pin of a certificate's key: "sha256/" and the standard
// base64 of the SHA-256 of its SubjectPublicKeyInfo, as RFC 7469 and curl's
// --pinnedpubkey have it. A certificate renewed with the same key keeps it.
func PinOf(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// SharedPins takes pins by device key and returns the pins that more than one
// device has, each with its devices in order. A key that several devices hold
// is the maker's, and anyone with one such device can pose as all of them.
func SharedPins(pins map[string]string) map[string][]string {
	shared := make(map[string][]string)
	for key, pin := range pins {
		shared[pin] = append(shared[pin], key)
	}
	for pin, keys := range shared {
		if len(keys) < 2 || pin == "" {
			delete(shared, pin)
			continue
		}
		slices.Sort(keys)
	}
	return shared
}

func checkPin(pin string) error {
	b64, ok := strings.CutPrefix(pin, pinPrefix)
	if !ok {
		return errPin
	}
	sum, err := base64.StdEncoding.Strict().DecodeString(b64)
	if err != nil || len(sum) != sha256.Size || strings.ContainsAny(b64, "\r\n") {
		return errPin
	}
	return nil
}
