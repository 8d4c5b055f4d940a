package onviftest

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"strings"
	"time"

	"github.com/beevik/etree"
	"github.com/camsec/camsec/auth/authtest"
)

// tokens is the memory of UsernameTokens.
type tokens struct {
	seen         map[string]bool
	failed, good int
	row          map[string]int // failures in a row, by account
}

// tokenUser checks the UsernameToken of a request: the account, or the reason
// why there is none. Both are empty if there is no token.
func (d *Device) tokenUser(root *etree.Element) (user, why string) {
	sec := root.FindElement("./Header/Security/UsernameToken")
	if sec == nil {
		return "", ""
	}
	text := func(tag string) string {
		if e := sec.SelectElement(tag); e != nil {
			return strings.TrimSpace(e.Text())
		}
		return ""
	}
	name := text("Username")
	fail := func(why string) (string, string) {
		d.tokens.failed++
		if d.tokens.row == nil {
			d.tokens.row = map[string]int{}
		}
		d.tokens.row[name]++
		return "", why
	}
	if d.p.LockAfter > 0 && d.tokens.row[name] >= d.p.LockAfter {
		return fail("The account is locked")
	}
	nonce, err := base64.StdEncoding.DecodeString(text("Nonce"))
	if err != nil || len(nonce) == 0 {
		return fail("The token has no nonce")
	}
	created := text("Created")
	at, err := time.Parse(time.RFC3339, created)
	if err != nil {
		return fail("The token has no time")
	}
	i := d.userAt(name)
	if i < 0 {
		return fail(d.sorry(name))
	}
	h := sha1.New() //nolint:gosec // the profile's own
	_, _ = h.Write(nonce)
	_, _ = io.WriteString(h, created+d.users[i].Password)
	want := base64.StdEncoding.EncodeToString(h.Sum(nil))
	if subtle.ConstantTimeCompare([]byte(want), []byte(text("Password"))) != 1 {
		return fail(d.sorry(name))
	}
	if off := at.Sub(d.clock()); d.p.Window > 0 && (off > d.p.Window || off < -d.p.Window) {
		return fail("Wsse authorized time check failed")
	}
	key := name + created + text("Nonce")
	if d.tokens.seen[key] && !d.p.Faults.TakesReplays {
		return fail("The token was used before")
	}
	if d.tokens.seen == nil {
		d.tokens.seen = map[string]bool{}
	}
	d.tokens.seen[key] = true
	d.tokens.good++
	delete(d.tokens.row, name)
	return name, ""
}

func (d *Device) sorry(name string) string {
	if d.p.Faults.CountsAttempts {
		return fmt.Sprintf("Sender not Authorized. Invalid username or password! You still have %d attempt(s)", d.p.LockAfter-1-d.tokens.row[name])
	}
	return "Sender not authorized"
}

// clock is the device's own.
func (d *Device) clock() time.Time { return d.truth().Add(d.skew) }

// refusalBody is the body of a 401.
func (d *Device) refusalBody(r authtest.Refusal) (string, []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.p.Faults.HTML401 {
		return authtest.HTMLBody(r)
	}
	why := "Sender not authorized"
	if r.Locked {
		why = "The account is locked"
	} else if d.p.Faults.CountsAttempts && r.Left >= 0 {
		why += fmt.Sprintf(". You still have %d attempt(s)", r.Left)
	}
	return soapType, []byte(d.envelope(d.faultBody("Sender", why, "ter:NotAuthorized")))
}

func quiet() *log.Logger { //nolint:forbidigo // what net/http wants, to keep it from printing
	return log.New(io.Discard, "", 0) //nolint:forbidigo // as above
}
