package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// A signJSON is what sign -json prints.
type signJSON struct {
	Schema    string `json:"schema"`
	File      string `json:"file"`
	Signature string `json:"signature"`
	Scheme    string `json:"scheme"`
	// PublicKey is what minisign's -P takes; null for CMS.
	PublicKey *string `json:"publicKey"`
}

func runSign(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("firmware sign", "FILE")
	var d deviceFlags
	var from listFlag
	d.add(f, "the image is for")
	keyFile := f.String("key", "", "the private key in `FILE`: minisign's, or PEM (Ed25519; with -cert RSA or ECDSA)")
	passwordFile := f.String("password-file", "", "read the password of a minisign key from a `FILE`")
	passwordEnv := f.String("password-env", "", "read it from the environment variable `NAME`")
	certFile := f.String("cert", "", "sign CMS: the signer's certificate, then the way to the root, in `FILE`")
	version := f.String("version", "", "the `version` that the image is")
	build := f.String("build", "", "the `build` that the image is")
	f.Var(&from, "from", "a `version` from which devices may come, or a range A..B; may be repeated (default: any)")
	expires := f.String("expires", "", "the last `day` on which the signature counts, YYYY-MM-DD")
	out := f.String("o", "", "write the signature to `FILE` (default: the image's name with .minisig or .p7s)")
	force := f.Bool("force", false, "replace a signature that is there, and sign a file that is broken")
	asJSON := f.Bool("json", false, "print one JSON document")
	name, err := f.oneFile(args)
	if err != nil {
		return exit{}, err
	}
	st := firmware.Statement{
		Vendor: firmware.VendorKey(d.device.Vendor), Model: d.device.Model, Platform: d.device.Platform, Language: d.device.Language,
		DeviceClass: d.device.DeviceClass, Hardware: d.device.Hardware,
		Version: *version, Build: *build, From: from, Issued: time.Now(),
	}
	if *expires != "" {
		if st.Expires, err = parseDay(*expires); err != nil {
			return exit{}, usageErr(fmt.Errorf("-expires: %w", err))
		}
	}
	key, err := signingKey(*keyFile, *certFile, *passwordFile, *passwordEnv)
	if err != nil {
		return exit{}, err
	}
	if *out == "" {
		*out = name + map[string]string{"minisign": ".minisig", "cms": ".p7s"}[key.Scheme()]
	}
	if _, err := os.Lstat(*out); err == nil && !*force {
		return exit{}, usageErr(fmt.Errorf("%s is there already: -force replaces it", *out))
	}
	s, err := signFile(ctx, e, name, key, st, *force)
	if err != nil {
		return exit{}, err
	}
	if err := writeFile(*out, func(w io.Writer) error { _, err := w.Write(s); return err }); err != nil {
		return exit{}, err
	}
	doc := signJSON{"camsec.firmware.sign/1", name, *out, key.Scheme(), orNull(key.MinisignPublicKey())}
	if *asJSON {
		return exit{exitOK, "signed"}, printJSON(e.stdout, doc)
	}
	_, _ = fmt.Fprintf(e.stdout, "signed: %s\n", clean(*out))
	if doc.PublicKey != nil {
		_, _ = fmt.Fprintf(e.stdout, "public key: %s\nminisign -V -m FILE -x SIGNATURE -P KEY, and camsec firmware verify, check it\n", *doc.PublicKey)
	}
	return exit{exitOK, "signed"}, nil
}

func signingKey(keyFile, certFile, passwordFile, passwordEnv string) (*firmware.SigningKey, error) {
	if keyFile == "" {
		return nil, usageErr(errors.New("-key is needed"))
	}
	var password camsec.Secret
	var err error
	switch {
	case passwordFile != "" && passwordEnv != "":
		return nil, usageErr(errors.New("-password-file and -password-env exclude each other"))
	case passwordFile != "":
		password, err = readSecret("file:" + passwordFile)
	case passwordEnv != "":
		password, err = readSecret("env:" + passwordEnv)
	}
	if err != nil {
		return nil, usageErr(err)
	}
	data, err := smallFile(keyFile)
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	if certFile != "" {
		pem, err := smallFile(certFile)
		if err != nil {
			return nil, err
		}
		if certs, err = firmware.ParseCertificates(certFile, pem); err != nil {
			return nil, usageErr(err)
		}
	}
	key, err := firmware.ParseSigningKey(data, password, certs...)
	if err != nil {
		return nil, usageErr(fmt.Errorf("%s: %w", keyFile, err))
	}
	return key, nil
}

// signFile looks at the file before it signs: nobody should vouch for one
// that is cut short.
func signFile(ctx context.Context, e *env, name string, key *firmware.SigningKey, st firmware.Statement, force bool) ([]byte, error) {
	in, err := openImage(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	r, err := in.verify(ctx, e, firmware.Policy{}, &firmware.Evidence{})
	if err != nil {
		return nil, err
	}
	if r.Integrity.Status == firmware.IntegrityBroken && !force {
		return nil, usageErr(fmt.Errorf("not signed, the file is broken: %s", r.Integrity.Reason))
	}
	tell, end := e.bar(name, in.size)
	defer end()
	s, err := key.Countersign(ctx, in, in.size, st, tell)
	if _, ok := errors.AsType[*firmware.StatementError](err); ok {
		return nil, usageErr(err)
	}
	return s, err
}
