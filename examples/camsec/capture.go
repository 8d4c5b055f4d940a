package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// runCapture records what one device answers to reads, for a simulated device
// that answers the same: to try things without the real one, or to show others
// what it does.
func runCapture(ctx context.Context, e *env, args []string) (exit, error) {
	f := newFlags("capture", "[address …]")
	var t targetFlags
	t.reach(f)
	t.login(f)
	out := f.String("o", "", "write the capture to `FILE`, a zip archive")
	keep := f.Bool("keep-identifiers", false, "keep serials, MACs, addresses and names as they are; secrets are removed whatever")
	addresses, err := f.parse(args)
	if err != nil {
		return exit{}, err
	}
	if *out == "" {
		return exit{}, usageErr(errors.New("-o FILE is needed"))
	}
	fl, err := t.prepare(e, addresses)
	if err != nil {
		return exit{}, err
	}
	if len(fl.members) != 1 {
		return exit{}, usageErr(errors.New("one device at a time"))
	}
	m, rec := fl.members[0], newWireRecord()
	if m.driver.name != "isapi" {
		return exit{}, usageErr(errors.New("a capture is of ISAPI"))
	}
	sure := m.given // somebody says that it is ISAPI
	m.given, m.connection.tap = true, rec.over
	var x exit
	var what string
	fl.visit(ctx, readAll(sure), func(_ int, v visit) {
		explainTrust(e, v)
		var total tally
		total.visited(v)
		x = total.exit()
		if v.err != nil {
			err = v.err
			return
		}
		inv := v.snap.Inventory
		what = clean(inv.Model + " " + inv.Firmware.Raw)
	})
	if x = ended(ctx, x); x.code != exitOK || err != nil {
		return x, err
	}
	c := rec.capture(time.Now())
	var password string
	if l := m.logins[m.driver.store]; l != nil {
		c.User, password = l.user, string(l.secret.Reveal())
	}
	redactCapture(c, password, *keep)
	if err := writeFile(*out, c.Write); err != nil {
		return exit{}, err
	}
	_, err = fmt.Fprintf(e.stdout, "%s: %s, %s\n", *out, what, summary(c))
	return exit{exitOK, "captured"}, err
}

// readAll reads what an audit does, and then what else is read of a device. The
// client is read-only. Unless it is sure that the device speaks ISAPI it is
// asked before the login, which another device would take for a wrong one.
func readAll(sure bool) reading {
	return func(ctx context.Context, dev camsec.Device, o *camsec.CollectOptions) (*camsec.Snapshot, error) {
		d, ok := camsec.As[interface{ Client() *isapi.Client }](dev)
		if !ok {
			return nil, fmt.Errorf("capture: no ISAPI client: %w", errors.ErrUnsupported)
		}
		if !sure {
			switch state, err := d.Client().Detect(ctx); {
			case err != nil:
				return nil, err
			case state == camsec.StateOff:
				return nil, fmt.Errorf("it does not speak ISAPI, of which captures are: %w", errors.ErrUnsupported)
			case state == camsec.StateUnknown:
				return nil, fmt.Errorf("it does not say whether it speaks ISAPI, so no login was sent; -protocol isapi sends one: %w", errors.ErrUnsupported)
			}
		}
		s, err := camsec.Collect(ctx, dev, o)
		if err != nil {
			return s, err
		}
		for _, read := range moreReads(d.Client()) {
			_ = read(ctx) // what comes of it is what is recorded
			if ctx.Err() != nil {
				return s, ctx.Err()
			}
		}
		return s, nil
	}
}

// moreReads are the reads that an audit does without. Those of single members
// of lists are not among them: the lists hold the same. Nor are the
// configuration file, which is full of secrets, the challenge of a session, and
// a certificate request.
func moreReads(c *isapi.Client) []func(context.Context) error {
	return []func(context.Context) error{
		reads(c.Activation), reads(c.Capabilities), reads(c.OnlineUsers), reads(c.UpgradeStatus), reads(c.ChannelStatus), reads(c.Channels),
		reads(c.RTSPCertificate), reads(c.UPnPPorts), reads(c.UPnPPortStatus), reads(c.Certificates), reads(c.DoubleVerification),
		reads(c.LogConfig), reads(c.LoginLinkNum), reads(c.OnlineUpgrade), reads(c.RecoveryMail), reads(c.SecurityQuestions), reads(c.Storage),
	}
}

func reads[T any](f func(context.Context) (T, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := f(ctx)
		return err
	}
}

// readCapture reads a capture's file.
func readCapture(name string) (*isapitest.Capture, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	return isapitest.ReadCapture(f, size)
}
