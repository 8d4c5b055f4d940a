package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/camsec/camsec/auth/trust"
)

// A trustJSON is a device's key in the document of camsec.trust.
type trustJSON struct {
	Address    string     `json:"address"`
	ID         *string    `json:"id"`
	Pin        *string    `json:"pin"`
	Subject    *string    `json:"subject"`
	Issuer     *string    `json:"issuer"`
	NotAfter   *time.Time `json:"notAfter"`
	TLS        *string    `json:"tls"`
	SharedWith []string   `json:"sharedWith"`
	Error      *errorJSON `json:"error"`
}

func runTrust(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("trust", "[address …]")
	var t targetFlags
	t.reach(f)
	asJSON := f.Bool("json", false, "print one JSON document")
	out := f.String("o", "", "write the keys to `FILE`, for -pins; check them first")
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	all, err := t.targets(addresses)
	if err != nil {
		return exit{}, err
	}
	dialers := make([]dialFunc, len(all))
	var errs []error
	for i, d := range all {
		dialers[i] = (&net.Dialer{}).DialContext
		if d.plain {
			errs = append(errs, fmt.Errorf("%s: plain http has no key", d.where(t.inventory)))
		}
		if d.proxy != "" {
			if dialers[i], err = proxyDialer(d.proxy); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", d.where(t.inventory), err))
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return exit{}, usageErr(err)
	}
	run := startRun("trust")
	devices := make([]trustJSON, len(all))
	for i, d := range all {
		devices[i] = trustJSON{Address: d.Address, ID: orNull(d.ID), Error: errorOf(context.Canceled)}
	}
	each(ctx, len(all), t.inFlight, func(i int) {
		devices[i].Error = errorOf(devices[i].look(ctx, all[i], t.timeout, dialers[i]))
	})
	x := ended(ctx, compare(devices))
	if *out != "" {
		if err := writeFile(*out, func(w io.Writer) error { return writePins(w, all, devices) }); err != nil {
			return x, err
		}
	}
	if *asJSON {
		return x, writeDocument(e.stdout, "camsec.trust/1", run, slices.Values(devices), x)
	}
	return x, writeTrustTable(e.stdout, devices)
}

// look makes one TLS handshake and sends nothing after it.
func (d *trustJSON) look(ctx context.Context, t *target, timeout time.Duration, dial dialFunc) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	raw, err := dial(ctx, "tcp", t.hostPort())
	if err != nil {
		return err
	}
	// Any key, and old TLS too: the handshake is all that is wanted.
	c := tls.Client(raw, trust.LegacyTLS(trust.InsecureAny()).TLSConfig(t.Key(), t.host))
	defer func() { _ = c.Close() }()
	if err := c.HandshakeContext(ctx); err != nil {
		return trust.Explain(err)
	}
	s := c.ConnectionState()
	if len(s.PeerCertificates) == 0 {
		return errors.New("the device showed no certificate")
	}
	cert := s.PeerCertificates[0]
	notAfter, version := cert.NotAfter.UTC(), tls.VersionName(s.Version)
	d.Pin, d.TLS, d.NotAfter = orNull(trust.PinOf(cert)), &version, &notAfter
	d.Subject, d.Issuer = orNull(cert.Subject.String()), orNull(cert.Issuer.String())
	return nil
}

// compare marks keys that several devices share: whoever opens one of these
// devices holds the key of all.
func compare(devices []trustJSON) exit {
	byPin := map[string][]int{}
	unknown := 0
	for i, d := range devices {
		if d.Pin == nil {
			unknown++
			continue
		}
		byPin[*d.Pin] = append(byPin[*d.Pin], i)
	}
	shared := 0
	for _, l := range byPin {
		if len(l) < 2 {
			continue
		}
		shared += len(l)
		for _, i := range l {
			for _, j := range l {
				if i != j {
					devices[i].SharedWith = append(devices[i].SharedWith, devices[j].Address)
				}
			}
		}
	}
	x := exit{exitOK, "all keys were read"}
	if shared > 0 {
		x = exit{exitFindings, fmt.Sprintf("%d devices share a key with another", shared)}
	}
	if unknown > 0 {
		x = x.worse(exit{exitUnknown, fmt.Sprintf("the keys of %d of %d devices could not be read", unknown, len(devices))})
	}
	return x
}

func writePins(w io.Writer, all []*target, devices []trustJSON) error {
	_, err := fmt.Fprintln(w, "# Keys as the devices showed them, unverified: compare them with the devices' own before use.")
	for i, d := range devices {
		if d.Pin != nil && err == nil {
			_, err = fmt.Fprintln(w, all[i].hostPort(), *d.Pin)
		}
	}
	return err
}

func writeTrustTable(w io.Writer, devices []trustJSON) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row(tw, "ADDRESS", "PIN", "TLS", "SUBJECT", "UNTIL", "NOTE")
	for _, d := range devices {
		note, until := "", "unknown"
		if d.NotAfter != nil {
			until = d.NotAfter.Format(time.DateOnly)
		}
		switch {
		case d.Error != nil:
			note = string(d.Error.Code) + ": " + clean(d.Error.Message)
		case len(d.SharedWith) > 0:
			note = "same key as " + clean(strings.Join(d.SharedWith, ", "))
		}
		row(tw, clean(d.Address), or(d.Pin, "unknown"), or(d.TLS, "unknown"), or(d.Subject, ""), until, note)
	}
	return tw.Flush()
}
