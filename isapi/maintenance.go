package isapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// restartTime is how long a device may be away; recorders with many disks take
// minutes.
const restartTime = 5 * time.Minute

// Reboot restarts the device and waits until it is back. The proof is that it
// went away and answers again; a device that stays is not restarted
// ([ErrIgnored]). A deadline of ctx shortens the wait, and leaves the outcome
// unknown.
//
//isapi:op PUT /ISAPI/System/reboot
func (c *Client) Reboot(ctx context.Context) (camsec.Change, error) {
	op := writeOf("Reboot")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if _, err := c.DeviceInfo(ctx); err != nil { // with a login, before the write
		return notApplied(err)
	}
	a := c.attempt(ctx, op, nil, "")
	if a.refused != nil {
		return notApplied(a.refused)
	}
	away := false
	end := time.Now().Add(restartTime)
	stays := time.Now().Add(c.settle)
	for wait := firstWait; ; wait = min(2*wait, time.Second) {
		_, err := c.DeviceInfo(ctx)
		switch {
		case err != nil && hopeless(ctx, err):
			return uncertain(op, false, errors.Join(a.lost, err))
		case err != nil:
			away = true
		case away:
			return camsec.Change{Outcome: camsec.Applied, Proof: "went away and is back"}, nil
		case !time.Now().Before(stays) && a.lost != nil:
			return notApplied(a.lost)
		case !time.Now().Before(stays):
			return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrIgnored))
		}
		if !time.Now().Before(end) {
			return uncertain(op, false, errors.Join(a.lost, errors.New("the device has not come back"), err))
		}
		if e := sleep(ctx, wait); e != nil {
			return uncertain(op, false, errors.Join(a.lost, e))
		}
	}
}

// ExportConfiguration reads the device's configuration, encrypted by the device
// with the key given, of as many characters as the device takes (often 1 to
// 16; what is too long is refused before it is sent). The file holds every
// secret of the device: old firmware's encryption of it is weak
// (CVE-2017-7923), so keep it as you keep passwords. The key stands in the
// request's query: use https.
//
//isapi:op GET /ISAPI/System/configurationData
func (c *Client) ExportConfiguration(ctx context.Context, key camsec.Secret) ([]byte, error) {
	op := operation("ExportConfiguration")
	if err := c.keyFits(ctx, op, key); err != nil {
		return nil, err
	}
	req := c.request(ctx, op)
	req.URL.RawQuery = query("secretkey", key)
	resp, err := c.exchange(c.transport(), op, req, wire.Limits{})
	if err != nil {
		return nil, err
	}
	doc, perr := parse(resp, wire.Limits{})
	if err := refusal(op, resp.Status, doc); err != nil {
		return nil, err
	}
	if perr == nil || len(resp.Body) == 0 {
		return nil, malformed(op, "a document, or nothing, in place of a file")
	}
	return resp.Body, nil
}

// ImportConfiguration replaces the device's configuration by one that was
// exported: addresses, accounts and passwords included, so that it may cut off
// whoever is connected. The device restarts. Nothing tells afterwards that it
// was this file, so a device that took it leaves the outcome unknown, with
// [ErrUnproven]: read the settings that matter. A device that says that it does
// not take a PUT gets a POST.
//
//isapi:op PUT /ISAPI/System/configurationData
//isapi:op POST /ISAPI/System/configurationData
func (c *Client) ImportConfiguration(ctx context.Context, key camsec.Secret, file []byte) (camsec.Change, error) {
	op := writeOf("ImportConfiguration")
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if len(file) == 0 {
		return notApplied(fmt.Errorf("isapi: %s: an empty file", op))
	}
	if err := c.keyFits(ctx, op, key); err != nil {
		return notApplied(err)
	}
	if _, err := c.DeviceInfo(ctx); err != nil { // with a login, before the write
		return notApplied(err)
	}
	q := query("secretkey", key)
	a := c.attemptQuery(ctx, c.transport(), op, q, file, "application/octet-stream")
	if a.refused != nil && errors.Is(a.refused, errors.ErrUnsupported) {
		op.Method = http.MethodPost
		a = c.attemptQuery(ctx, c.transport(), op, q, file, "application/octet-stream")
	}
	switch {
	case a.refused != nil:
		return notApplied(a.refused)
	case a.lost != nil:
		return uncertain(op, true, a.lost)
	}
	return uncertain(op, true, ErrUnproven)
}

// keyFits refuses a key that is empty, or longer than the device takes.
func (c *Client) keyFits(ctx context.Context, op Operation, key camsec.Secret) error {
	n := len(key.Reveal())
	if n == 0 {
		return fmt.Errorf("isapi: %s: an empty key", op)
	}
	caps, err := c.SecurityCapabilities(ctx)
	if err != nil {
		if hopeless(ctx, err) {
			return err
		}
		return nil // the device itself will judge
	}
	if most, err := strconv.Atoi(caps.Attr("max", "cfgFileSecretKeyLenLimit")); err == nil && most > 0 && n > most {
		return fmt.Errorf("isapi: %s: a key of %d bytes, and the device takes %d", op, n, most)
	}
	return nil
}

func query(name string, s camsec.Secret) string {
	return url.Values{name: {string(s.Reveal())}}.Encode()
}
