package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/camsec/camsec/firmware"
)

// A verifyJSON is what verify -json prints.
type verifyJSON struct {
	Schema string `json:"schema"`
	File   string `json:"file"`
	*firmware.Report
	Exit exitJSON `json:"exit"`
}

// anchorFlags are the flags that say what is trusted, and what stands beside
// the file.
type anchorFlags struct {
	signatures, keys, cas, certs, crls, digests listFlag

	scheme        string
	signers       int
	countersigned bool
	requireCRL    bool
	legacyOlder   bool
	legacySHA1    bool
	legacyMD5     bool
	legacyRSA1024 bool
}

func (a *anchorFlags) add(f *flagSet) {
	f.Var(&a.keys, "key", "trust the public keys or certificates in `FILE` (PEM, DER, minisign, signify, usign, TP-Link's blob); may be repeated")
	f.Var(&a.cas, "ca", "trust signers whose certificates lead to those in `FILE`; may be repeated")
	f.Var(&a.certs, "cert", "certificates in `FILE` that help to find the way to a -ca; may be repeated")
	f.Var(&a.crls, "crl", "certificate revocation lists in `FILE`; may be repeated")
	f.Var(&a.digests, "digest", "the image must have this SHA-256, `sha256:…`; may be repeated, one must fit")
	f.IntVar(&a.signers, "signers", 0, "demand so many different signers (default 1)")
	f.BoolVar(&a.countersigned, "countersigned", false, "demand an owner's countersignature")
	f.BoolVar(&a.requireCRL, "require-crl", false, "refuse certificates for which no -crl is given")
	f.BoolVar(&a.legacyOlder, "legacy-older", false, "let an image pass that is older than what runs")
	f.BoolVar(&a.legacySHA1, "legacy-sha1", false, "let signatures over SHA-1 count")
	f.BoolVar(&a.legacyMD5, "legacy-md5", false, "let signatures over MD5 count")
	f.BoolVar(&a.legacyRSA1024, "legacy-rsa1024", false, "let RSA keys below 2048 bits count")
}

// policy reads the files that the flags name.
func (a *anchorFlags) policy() (firmware.Policy, error) {
	p := firmware.Policy{
		Digests: a.digests, Signers: a.signers, Countersigned: a.countersigned, RequireCRL: a.requireCRL,
		LegacyOlder: a.legacyOlder, LegacySHA1: a.legacySHA1, LegacyMD5: a.legacyMD5, LegacyRSA1024: a.legacyRSA1024,
	}
	var errs []error
	each := func(files []string, use func(name string, data []byte) error) {
		for _, name := range files {
			data, err := smallFile(name)
			if err == nil {
				err = use(name, data)
			}
			errs = append(errs, err)
		}
	}
	each(a.keys, func(name string, data []byte) error {
		keys, err := firmware.ParseKeys(name, data)
		p.Keys = append(p.Keys, keys...)
		return err
	})
	each(a.cas, func(name string, data []byte) error {
		data, lists := splitCRLs(data)
		certs, err := firmware.ParseCertificates(name, data)
		p.Roots = append(p.Roots, certs...)
		if err != nil || len(lists) == 0 {
			return err
		}
		crls, err := firmware.ParseCRLs(name, lists)
		p.CRLs = append(p.CRLs, crls...)
		return err
	})
	each(a.certs, func(name string, data []byte) error {
		certs, err := firmware.ParseCertificates(name, data)
		p.Certificates = append(p.Certificates, certs...)
		return err
	})
	each(a.crls, func(name string, data []byte) error {
		crls, err := firmware.ParseCRLs(name, data)
		p.CRLs = append(p.CRLs, crls...)
		return err
	})
	return p, usageErr(errors.Join(errs...))
}

// splitCRLs parts the revocation lists from a PEM file that holds them beside
// certificates, as openssl's -CAfile does.
func splitCRLs(data []byte) (certs, lists []byte) {
	if !bytes.Contains(data, []byte("-----BEGIN X509 CRL-----")) {
		return data, nil
	}
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return certs, lists
		}
		if block.Type == "X509 CRL" {
			lists = append(lists, pem.EncodeToMemory(block)...)
		} else {
			certs = append(certs, pem.EncodeToMemory(block)...)
		}
	}
}

// evidence reads the signatures, and the list that they are over if there is
// one.
func (a *anchorFlags) evidence(list string) (*firmware.Evidence, error) {
	ev := &firmware.Evidence{}
	if list != "" {
		if len(a.signatures) == 0 {
			return nil, usageErr(errors.New("-sums needs a -signature over the list; to trust a digest as it is, use -digest"))
		}
		var err error
		if ev.Sums, err = smallFile(list); err != nil {
			return nil, err
		}
	}
	for _, name := range a.signatures {
		data, err := smallFile(name)
		if err != nil {
			return nil, err
		}
		ev.Signatures = append(ev.Signatures, firmware.Signature{Name: name, Data: data, Scheme: a.scheme})
	}
	return ev, nil
}

func runVerify(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("firmware verify", "FILE")
	var a anchorFlags
	var d deviceFlags
	f.Var(&a.signatures, "signature", "a signature beside the file, in `FILE`; may be repeated")
	f.StringVar(&a.scheme, "scheme", "", "how a bare signature was made: a `name` as rsa-pkcs1v15-sha256, rsa-pss-sha256, ecdsa-sha256, ed25519")
	a.add(f)
	d.add(f, "the image must be for")
	f.StringVar(&d.running, "running", "", "the `version` that the device runs; the image must not be older")
	f.StringVar(&d.build, "running-build", "", "the `build` that the device runs")
	list := f.String("sums", "", "a list of digests in `FILE`, as SHA256SUMS; the signatures are over it")
	asJSON := f.Bool("json", false, "print one JSON document")
	name, err := f.oneFile(args)
	if err != nil {
		return exit{}, err
	}
	p, err := a.policy()
	if err != nil {
		return exit{}, err
	}
	p.Running = d.version()
	if d.device != (firmware.Device{}) {
		p.Device = &d.device
	}
	ev, err := a.evidence(*list)
	if err != nil {
		return exit{}, err
	}
	ev.Name = filepath.Base(name)
	in, err := openImage(name)
	if err != nil {
		return exit{}, err
	}
	defer func() { _ = in.Close() }()
	r, err := in.verify(ctx, e, p, ev)
	if err != nil {
		return exit{}, err
	}
	x := verdictExit(r)
	if *asJSON {
		return x, printJSON(e.stdout, verifyJSON{"camsec.firmware.verify/1", name, r, exitJSON{x.code, x.because}})
	}
	return x, writeReport(e.stdout, name, r)
}

// verify verifies one file. Without keys and digests nothing can be verified;
// what can be told without them still is.
func (in *imageFile) verify(ctx context.Context, e *env, p firmware.Policy, ev *firmware.Evidence) (*firmware.Report, error) {
	v, err := firmware.NewVerifier(p)
	if err != nil && !errors.Is(err, firmware.ErrNoDemand) {
		return nil, usageErr(err)
	}
	tell, end := e.bar(in.name, in.size)
	defer end()
	ev.Progress = tell
	var r *firmware.Report
	if v == nil {
		r, err = firmware.CheckIntegrity(ctx, in, in.size, ev)
	} else {
		r, err = v.Verify(ctx, in, in.size, ev)
	}
	switch {
	case errors.Is(err, firmware.ErrSchemeNeeded), errors.Is(err, firmware.ErrNoScheme):
		return nil, usageErr(fmt.Errorf("%w: -scheme is one of %s", err, strings.Join(firmware.Schemes(), ", ")))
	case err != nil:
		return nil, err
	}
	return r, nil
}

// verdictExit is the exit status that a verdict asks for.
func verdictExit(r *firmware.Report) exit {
	because := strings.Join(r.Because, "; ")
	switch r.Verdict {
	case firmware.Accepted:
		return exit{exitOK, because}
	case firmware.Rejected:
		return exit{exitFindings, "rejected: " + because}
	}
	return exit{exitUnknown, "not verifiable: " + because}
}

func writeReport(w io.Writer, name string, r *firmware.Report) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	line := func(what, status string, more ...string) {
		for _, m := range more {
			if m != "" {
				status += ": " + m
				break
			}
		}
		row(tw, what, clean(status))
	}
	line("file", name)
	line("sha256", r.SHA256)
	line("format", r.Format)
	line("integrity", string(r.Integrity.Status), r.Integrity.Reason)
	a := r.Authenticity
	if a.Status == firmware.AuthenticityVerified && len(a.Signers) > 0 {
		for _, s := range a.Signers {
			line("authenticity", fmt.Sprintf("verified: signed by %s, %s, trusted by %s", s.By, s.Algorithm, s.Anchor))
		}
	} else if a.Status == firmware.AuthenticityVerified {
		line("authenticity", "verified: the digest is pinned")
	} else {
		line("authenticity", string(a.Status), a.Reason)
	}
	line("freshness", string(r.Freshness.Status), r.Freshness.Reason)
	line("fitness", string(r.Fitness.Status), r.Fitness.Reason)
	for _, u := range r.Uncovered {
		line("uncovered", fmt.Sprintf("%d bytes at %d", u.Length, u.Offset), u.What)
	}
	line("verdict", r.Verdict.String())
	return tw.Flush()
}
