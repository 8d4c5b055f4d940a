package isapi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A sessionChallenge is what a device hands out for one session login.
// Recorded: AX Hub (version 1), DS-PHA20-P and DS-7608NXI-I2 (2), AX PRO (2.1).
type sessionChallenge struct {
	id, version  string
	challenge    string
	salt, salt2  string // text, case as given; not always hex
	iterations   int
	irreversible bool
	tag          bool // the device can give out session tags
}

// Limits of a challenge. A hundred iterations were recorded in every one; a
// device must not be able to make us count for ever.
const (
	maxIterations    = 10_000
	maxChallengeText = 256
)

func readChallenge(n *wire.Node) (sessionChallenge, error) {
	c := sessionChallenge{
		id: n.Child("sessionID").String(), version: n.Child("sessionIDVersion").String(),
		challenge: n.Child("challenge").String(), salt: n.Child("salt").String(), salt2: n.Child("salt2").String(),
	}
	iterations, ok := n.Child("iterations").Int()
	// A device that leaves isIrreversible out wants the reversible form.
	c.irreversible, _ = n.Child("isIrreversible").Bool()
	c.tag, _ = n.Child("isSupportSessionTag").Bool()
	switch {
	case c.challenge == "" || c.id == "":
		return c, malformed(logins[0], "no challenge or no session id")
	case !ok || iterations < 1 || iterations > maxIterations:
		return c, malformed(logins[0], fmt.Sprintf("iterations are not 1 to %d", maxIterations))
	case c.irreversible && c.salt == "":
		return c, malformed(logins[0], "no salt")
	}
	for _, s := range []string{c.id, c.challenge, c.salt, c.salt2, c.version} {
		if len(s) > maxChallengeText {
			return c, malformed(logins[0], "a value is too long")
		}
	}
	c.iterations = int(iterations)
	return c, nil
}

// answer is what stands for the password. The form with salt was checked
// against a device's own web page (DS-PHA20-P).
func (c sessionChallenge) answer(user string, password camsec.Secret) string {
	if !c.irreversible {
		p := hash(string(password.Reveal())) + c.challenge
		for range c.iterations - 1 {
			p = hash(p)
		}
		return p
	}
	p := hash(user + c.salt + string(password.Reveal()))
	if c.salt2 != "" {
		p = hash(user + c.salt2 + p)
	}
	p = hash(p + c.challenge)
	for range c.iterations - 2 {
		p = hash(p)
	}
	return p
}

// hash is the one that the whole scheme is built of: lower-case hex of SHA-256
// over text.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}
