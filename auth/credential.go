package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/camsec/camsec"
)

// A Credential is a user name with its password. Both are sent as they are
// given, in UTF-8. RFC 7616 asks for Unicode's composed form (NFC): "ä" as one
// character and not as "a" and a mark, as some systems write it. Few devices
// take anything but ASCII, so that nothing is converted here, and the log of a
// transport warns of the rest.
type Credential struct {
	User   string
	Secret camsec.Secret
	// Version changes whenever the secret does; a refused version is not sent
	// again. Empty means that it is derived from user and secret.
	Version string
}

// processKey keys the versions derived in memory, which never leave it.
var processKey = sync.OnceValue(func() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b)
	return b
})

// version returns a value that is equal for credentials that are the same.
func (c Credential) version() string {
	if c.Version != "" {
		return "v:" + c.User + "\x00" + c.Version
	}
	secret := c.Secret.Reveal()
	b := make([]byte, 0, 128)
	b = append(append(append(append(b, processKey()...), c.User...), 0), secret...)
	h := sha256.Sum256(b)
	clear(b)
	clear(secret)
	return "h:" + hex.EncodeToString(h[:])
}

// ascii tells whether the credential is of the characters that every device
// knows.
func (c Credential) ascii() bool {
	secret := c.Secret.Reveal()
	defer clear(secret)
	return !slices.ContainsFunc([]byte(c.User), func(b byte) bool { return b >= utf8.RuneSelf }) &&
		!slices.ContainsFunc(secret, func(b byte) bool { return b >= utf8.RuneSelf })
}

// A Source knows credentials. Implementations are safe for concurrent use.
type Source interface {
	// Credential returns what target and account are logged in with. It is
	// asked once for each handshake, before any packet, so it should cache
	// what is slow. If it fails no packet is sent and its error is wrapped.
	// It must answer for target alone: never the credential of another device
	// as a guess.
	Credential(ctx context.Context, target camsec.Target, account camsec.Account) (Credential, error)
}

// SourceFunc is a function that is a [Source].
type SourceFunc func(ctx context.Context, target camsec.Target, account camsec.Account) (Credential, error)

// Credential calls f.
func (f SourceFunc) Credential(ctx context.Context, target camsec.Target, account camsec.Account) (Credential, error) {
	return f(ctx, target, account)
}

// Static returns a Source that knows one credential, for whatever target and
// account. It suits a client of one device; for a fleet a Source should look
// at the target.
func Static(user string, secret camsec.Secret) Source {
	return SourceFunc(func(context.Context, camsec.Target, camsec.Account) (Credential, error) {
		return Credential{User: user, Secret: secret}, nil
	})
}
