// Package sums reads lists of digests (SHA256SUMS and their like) and lets a
// signature over the list stand for the files that it names.
//
// Lines are those of sha256sum, of its --tag form (BSD's), and of openssl
// dgst.
package sums

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/camsec/camsec/firmware/internal/sig"
)

// Scheme names this package in errors.
const Scheme = "digest list"

// Limits of a list.
const (
	MaxSize    = 1 << 20
	maxEntries = 16384
)

// An Entry is one line of a list.
type Entry struct {
	Hash   crypto.Hash
	Digest []byte
	Name   string // as it stands there, with its path
}

var (
	plainLine  = regexp.MustCompile(`^([0-9a-fA-F]+) [ *](.+)$`)
	taggedLine = regexp.MustCompile(`^([A-Za-z0-9-]+) ?\((.+)\) ?= ([0-9a-fA-F]+)$`)
)

var tags = map[string]crypto.Hash{
	"MD5": crypto.MD5, "SHA1": crypto.SHA1,
	"SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512,
	"SHA2-256": crypto.SHA256, "SHA2-384": crypto.SHA384, "SHA2-512": crypto.SHA512, // OpenSSL 3
	"BLAKE2b": crypto.BLAKE2b_512, // b2sum --tag
}

// Parse reads a list. Every line must be understood, since one that is not
// may be about the very file in question.
func Parse(list []byte) ([]Entry, error) {
	if len(list) > MaxSize {
		return nil, malformed("a list of %d bytes", len(list))
	}
	if !utf8.Valid(list) {
		return nil, malformed("the list is no text")
	}
	var out []Entry
	for line := range strings.Lines(string(list)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			continue
		}
		e, err := parseLine(line)
		if err != nil {
			return nil, err
		}
		if out = append(out, e); len(out) > maxEntries {
			return nil, malformed("more than %d lines", maxEntries)
		}
	}
	if len(out) == 0 {
		return nil, malformed("the list is empty")
	}
	return out, nil
}

func parseLine(line string) (e Entry, err error) {
	var digest string
	if m := plainLine.FindStringSubmatch(line); m != nil {
		digest, e.Name = m[1], m[2]
		e.Hash = map[int]crypto.Hash{
			32: crypto.MD5, 40: crypto.SHA1, 64: crypto.SHA256, 96: crypto.SHA384, 128: crypto.SHA512,
		}[len(digest)]
	} else if m := taggedLine.FindStringSubmatch(line); m != nil {
		e.Hash, e.Name, digest = tags[m[1]], m[2], m[3]
	}
	if e.Digest, err = hex.DecodeString(digest); err != nil || e.Hash == 0 || len(e.Digest) != e.Hash.Size() {
		return e, malformed("a line that is no digest of a file")
	}
	return e, nil
}

func malformed(format string, args ...any) error {
	return sig.Errorf(sig.Malformed, Scheme, format, args...)
}

// Open verifies a signature over a list, and prepares the check of the file
// of the given name, of which the last element counts, by what the list says
// of it. signature is a check that was opened for the list; its result is
// that of the file, whose digest is the list's.
//
// The error is a *[sig.Error]; Invalid, too, when the list does not name the
// file.
func Open(signature sig.Check, list []byte, name string, floor sig.Floor) (sig.Check, error) {
	result, err := sig.VerifyBytes(signature, list)
	if err != nil {
		return nil, err
	}
	entries, err := Parse(list)
	if err != nil {
		return nil, err
	}
	c := &check{result: result, name: base(name)}
	for _, e := range entries {
		if base(e.Name) != c.name || c.name == "" {
			continue
		}
		note, why := floor.Hash(Scheme, e.Hash)
		if why != nil {
			err = why
			continue
		}
		if note != "" {
			result.Notes = append(result.Notes, note)
		}
		c.entries = append(c.entries, e)
	}
	switch {
	case len(c.entries) > 0:
		return c, nil
	case err != nil:
		return nil, err
	}
	return nil, sig.Errorf(sig.Invalid, Scheme, "the signed list does not name this file")
}

// base is the last element of a path in either system's spelling.
func base(name string) string {
	return path.Base(strings.ReplaceAll(name, `\`, "/"))
}

type check struct {
	result  *sig.Result
	name    string
	entries []Entry
	valid   []func() bool
}

// Attach asks for the digests that the list has of the file.
func (c *check) Attach(content *sig.Content) {
	for _, e := range c.entries {
		digest := content.Digest(e.Hash)
		c.valid = append(c.valid, func() bool { return bytes.Equal(digest(), e.Digest) })
	}
}

// Finish asks that all of them be right: a list that names a file twice with
// different digests stands for none.
func (c *check) Finish() (*sig.Result, error) {
	for _, valid := range c.valid {
		if !valid() {
			return nil, sig.Errorf(sig.Invalid, Scheme, "the file is not the one of that name in the signed list")
		}
	}
	if len(c.valid) == 0 {
		return nil, sig.Errorf(sig.Invalid, Scheme, "no content was read")
	}
	c.result.Notes = append(c.result.Notes, "the signature is over a list of digests that names the file "+c.name)
	return c.result, nil
}
