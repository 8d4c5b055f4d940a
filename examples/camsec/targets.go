package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/camsec/camsec"
)

// A target is one device of a run: who it is to the caller and how it is to
// be reached.
type target struct {
	camsec.Target
	line  int    // of the CSV file; 0 for the command line
	host  string // without brackets
	port  string
	plain bool // http

	protocol     string // a driver's name; empty is auto
	user, secret string // secret is a reference
	proxy        string
	pin          string
	legacy       bool
	login        *login // nil: without credentials
}

// hostPort returns the canonical network address.
func (t *target) hostPort() string { return net.JoinHostPort(t.host, t.port) }

// where names the place that the target came from, for errors.
func (t *target) where(file string) string {
	if t.line > 0 {
		return fmt.Sprintf("%s:%d", file, t.line)
	}
	return clean(t.Address)
}

// parseAddress fills in host, port and scheme. Its errors do not repeat an
// address that may hold a password.
func (t *target) parseAddress() error {
	s := t.Address
	scheme := "https"
	if before, after, ok := strings.Cut(s, "://"); ok {
		scheme, s = strings.ToLower(before), after
	}
	switch scheme {
	case "https":
		t.port = "443"
	case "http":
		t.port, t.plain = "80", true
	default:
		return errors.New("an address is a host, https://… or http://…")
	}
	if strings.Contains(s, "@") {
		return errors.New("an address holds no user and no password: use -user with -password-file or -password-env")
	}
	s = strings.TrimSuffix(s, "/")
	if s == "" || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/?#\"<>`, r) }) {
		return fmt.Errorf("address %q is not understood", clean(t.Address))
	}
	switch a, err := netip.ParseAddr(s); {
	case err == nil:
		t.host = a.String()
		if a.Is6() && !strings.Contains(t.Address, "://") {
			t.Address = "[" + s + "]" // the form that every client takes
		}
	case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
		t.host = s[1 : len(s)-1]
	case strings.Contains(s, ":"):
		h, p, err := net.SplitHostPort(s)
		if n, e := strconv.ParseUint(p, 10, 16); err != nil || e != nil || n == 0 || h == "" {
			return fmt.Errorf("address %q is not understood", clean(t.Address))
		}
		t.host, t.port = h, p
	default:
		t.host = s
	}
	if strings.Contains(t.host, ":") {
		if _, err := netip.ParseAddr(t.host); err != nil {
			return fmt.Errorf("address %q is not understood", clean(t.Address))
		}
	}
	t.host = strings.ToLower(t.host)
	return nil
}

// targets reads and checks everything about the devices of a run; all errors
// come together, and before the first packet.
func (t *targetFlags) targets(addresses []string) ([]*target, error) {
	var all []*target
	var errs []error
	for _, a := range addresses {
		all = append(all, &target{Target: camsec.Target{Address: a}})
	}
	if t.inventory != "" {
		f, err := os.Open(t.inventory)
		if err != nil {
			return nil, usageErr(err)
		}
		defer func() { _ = f.Close() }()
		rows, err := readInventory(f, t.inventory)
		if err != nil {
			errs = append(errs, err)
		}
		all = append(all, rows...)
	}
	if len(all) == 0 && len(errs) == 0 {
		return nil, usageErr(errors.New("no device: give addresses or -inventory FILE"))
	}
	seen, ids := map[string]*target{}, map[string]*target{}
	for _, d := range all {
		where := d.where(t.inventory)
		if err := d.parseAddress(); err != nil {
			if d.line == 0 {
				where = "an address"
			}
			errs = append(errs, fmt.Errorf("%s: %w", where, err))
			continue
		}
		for m, key := range map[*map[string]*target]string{&seen: d.Scope + "\x00" + d.hostPort() + "\x00" + d.proxy, &ids: d.Key()} {
			if first := (*m)[key]; first != nil {
				errs = append(errs, fmt.Errorf("%s: the same device as %s; a scope tells sites apart", where, first.where(t.inventory)))
				break
			}
			(*m)[key] = d
		}
		if d.proxy != "" {
			if u, err := url.Parse(d.proxy); err != nil || u.Scheme != "socks5" || u.Host == "" || u.User != nil {
				errs = append(errs, fmt.Errorf("%s: a proxy is socks5://host:port", where))
			}
		}
	}
	return all, usageErr(errors.Join(errs...))
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
