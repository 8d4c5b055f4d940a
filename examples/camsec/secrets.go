package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/camsec/camsec"
)

// logins reads the secrets that the targets need.
func (t *targetFlags) logins(all []*target) error {
	if t.passwordFile != "" && t.passwordEnv != "" {
		return usageErr(errors.New("-password-file and -password-env exclude each other"))
	}
	ref := ""
	switch {
	case t.passwordFile != "":
		ref = "file:" + t.passwordFile
	case t.passwordEnv != "":
		ref = "env:" + t.passwordEnv
	}
	known := newLogins()
	secrets := map[string]camsec.Secret{}
	var errs []error
	read := 0
	for _, d := range all {
		user, secret := d.user, d.secret
		if user == "" && (secret != "" || ref != "") {
			user = t.user
		}
		if secret == "" {
			secret = ref
		}
		switch {
		case user == "" && secret == "":
			if t.user != "" {
				return usageErr(errors.New("-user needs -password-file or -password-env"))
			}
			continue
		case user == "":
			if d.line == 0 {
				return usageErr(errors.New("a password needs -user"))
			}
			errs = append(errs, fmt.Errorf("%s: a secret needs a user, in the column or by -user", d.where(t.inventory)))
			continue
		case secret == "":
			errs = append(errs, fmt.Errorf("%s: a user needs a secret, in the column or by -password-file or -password-env", d.where(t.inventory)))
			continue
		}
		s, ok := secrets[secret]
		if !ok {
			var err error
			if s, err = readSecret(secret); err != nil {
				where := d.where(t.inventory)
				if secret == ref {
					where = "password"
				}
				errs = append(errs, fmt.Errorf("%s: %w", where, err))
				if secret == ref {
					break
				}
				continue
			}
			secrets[secret] = s
		}
		d.logins = map[camsec.Store]*login{}
		for _, drv := range drivers() {
			d.logins[drv.store] = known.get(drv.store, user, s)
		}
		read++
	}
	return usageErr(errors.Join(errs...))
}

// beyondASCII counts the devices whose login has characters that Hikvision's
// and Axis' own pages refuse, and that others write in more than one way.
func beyondASCII(all []*target) (n int) {
	beyond := func(r rune) bool { return r >= utf8.RuneSelf }
	for _, d := range all {
		for _, l := range d.logins {
			secret := l.secret.Reveal()
			if strings.ContainsFunc(l.user, beyond) || bytes.ContainsFunc(secret, beyond) {
				n++
				clear(secret)
				break // the same for each protocol
			}
			clear(secret)
		}
	}
	return n
}

// readSecret takes what a reference names: env:NAME or file:PATH.
func readSecret(ref string) (camsec.Secret, error) {
	kind, name, ok := strings.Cut(ref, ":")
	var b []byte
	switch {
	case ok && kind == "env" && name != "":
		v, set := os.LookupEnv(name)
		if !set {
			return camsec.Secret{}, fmt.Errorf("the environment has no %s", clean(name))
		}
		b = []byte(v)
	case ok && kind == "file" && name != "":
		var err error
		if b, err = readSmall(name); err != nil {
			return camsec.Secret{}, err
		}
		b = fileText(b)
	case ok && kind == "vault":
		return camsec.Secret{}, errors.New("this version has no vault yet: use env:NAME or file:PATH")
	default:
		// Not repeated: it is likely to be the password itself.
		return camsec.Secret{}, errors.New("a secret is a reference, env:NAME or file:PATH, never the password itself")
	}
	if len(b) == 0 {
		return camsec.Secret{}, errors.New("the password is empty")
	}
	if bytes.ContainsAny(b, "\r\n\x00") {
		return camsec.Secret{}, errors.New("the password has more than one line")
	}
	return camsec.NewSecret(b), nil
}

func readSmall(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	const limit = 1 << 20
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && len(b) > limit {
		err = fmt.Errorf("%s is over 1 MiB", name)
	}
	return b, err
}

// fileText removes what editors add to a one-line file: a byte order mark
// (and UTF-16 with it) and the final line end.
func fileText(b []byte) []byte {
	b = fromUTF16(b)
	b = bytes.TrimPrefix(b, []byte("\uFEFF"))
	b = bytes.TrimSuffix(b, []byte("\n"))
	return bytes.TrimSuffix(b, []byte("\r"))
}

// fromUTF16 returns text that starts with a UTF-16 byte order mark in UTF-8,
// and anything else as it is.
func fromUTF16(b []byte) []byte {
	if len(b) < 2 {
		return b
	}
	var big bool
	switch {
	case b[0] == 0xFF && b[1] == 0xFE:
	case b[0] == 0xFE && b[1] == 0xFF:
		big = true
	default:
		return b
	}
	u := make([]uint16, 0, len(b)/2)
	for i := 2; i+1 < len(b); i += 2 {
		lo, hi := b[i], b[i+1]
		if big {
			lo, hi = hi, lo
		}
		u = append(u, uint16(lo)|uint16(hi)<<8)
	}
	return []byte(string(utf16.Decode(u)))
}
