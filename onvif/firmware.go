package onvif

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
)

// StartFirmwareUpgrade asks where and when an image is to be sent; the device
// may restart for it already. Nothing in ONVIF tells whether an image is
// authentic: verify it before, with package firmware. [Client.UpgradeByUpload]
// goes on from here; [Client.Upgrade] does it all.
//
//onvif:op StartFirmwareUpgrade
func (c *Client) StartFirmwareUpgrade(ctx context.Context) (UploadTarget, camsec.Change, error) {
	return c.startUpload(ctx, "StartFirmwareUpgrade")
}

// StartSystemRestore asks where a backup is to be sent.
//
//onvif:op StartSystemRestore
func (c *Client) StartSystemRestore(ctx context.Context) (UploadTarget, camsec.Change, error) {
	return c.startUpload(ctx, "StartSystemRestore")
}

func (c *Client) startUpload(ctx context.Context, name string) (UploadTarget, camsec.Change, error) {
	r, change, err := c.start(ctx, name, nil)
	if err != nil {
		return UploadTarget{}, change, err
	}
	u, err := c.rewrite(r.Child("UploadUri").String())
	if err != nil {
		return UploadTarget{}, change, fmt.Errorf("onvif: %s: %w", operation(name).Action, err)
	}
	t := UploadTarget{
		Path: u.RequestURI(), Delay: seconds(r.Child("UploadDelay").String()), DownTime: seconds(r.Child("ExpectedDownTime").String()),
	}
	if t.Delay > maxDelay {
		return UploadTarget{}, change, malformed(operation(name), "delay of "+t.Delay.String())
	}
	return t, change, nil
}

// UpgradeByUpload has the device take an image: it asks where to send it,
// waits as long as the device wants, and sends it to the host that was dialled,
// over the scheme that was dialled. The device answers before it restarts, or
// not at all: an outcome that is unknown is to be resolved by reading the
// version afterwards. An image that the device refuses is NotApplied.
//
// The image is not verified here; [Client.Upgrade] does that before, and reads
// the version afterwards.
func (c *Client) UpgradeByUpload(ctx context.Context, image io.ReaderAt, size int64) (UploadTarget, camsec.Change, error) {
	t, change, err := c.StartFirmwareUpgrade(ctx)
	if err != nil {
		return t, change, err
	}
	change, err = c.Upload(ctx, t, image, size)
	return t, change, err
}

// Upload sends a file to where a device asked for it. With a UsernameToken
// login it goes without a credential, as that has no place in it.
func (c *Client) Upload(ctx context.Context, t UploadTarget, file io.ReaderAt, size int64) (camsec.Change, error) {
	if c.readOnly {
		return notApplied(fmt.Errorf("onvif: upload: %w", ErrReadOnly))
	}
	u, err := url.ParseRequestURI(t.Path)
	if err != nil || u.Host != "" || u.Scheme != "" {
		return notApplied(fmt.Errorf("onvif: upload: %w", ErrXAddr))
	}
	u.Scheme, u.Host = c.base.Scheme, c.base.Host
	timer := time.NewTimer(t.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return notApplied(fmt.Errorf("onvif: upload: %w", ctx.Err()))
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(file, 0, size)), nil }
	resp, err := c.send(ctx, u, "application/octet-stream", open, size)
	if err != nil {
		if !mayHaveDone(err) {
			return notApplied(err)
		}
		return camsec.Change{}, fmt.Errorf("onvif: upload: %w: %w", camsec.ErrUncertain, err)
	}
	switch {
	case resp.Status >= 200 && resp.Status < 300:
		return camsec.Change{Outcome: camsec.Applied, Proof: "accepted by the device", RebootRequired: true}, nil
	case resp.Status >= 500 && resp.Status != http.StatusNotImplemented:
		f := &Fault{Op: "upload", HTTPStatus: resp.Status, TriesLeft: -1}
		return camsec.Change{}, fmt.Errorf("onvif: upload: %w: %w", camsec.ErrUncertain, f)
	}
	return notApplied(&Fault{Op: "upload", HTTPStatus: resp.Status, TriesLeft: -1, anonymous: !c.hasCred})
}

// send posts a body that need not fit into memory.
func (c *Client) send(ctx context.Context, u *url.URL, kind string, open func() (io.ReadCloser, error), size int64) (*wire.Response, error) {
	body, err := open()
	if err != nil {
		return nil, &unsent{err}
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, ContentLength: size, Body: body, GetBody: open,
	}).WithContext(ctx)
	lim := wire.Small()
	lim.BodyIdle, lim.Total = c.timeouts.BodyIdle, -1 // a large file takes its time; ctx bounds it
	var rt http.RoundTripper = c.authed
	if c.token.inUse() {
		rt = c.plain
	}
	resp, err := wire.Do(rt, req, lim)
	if err != nil {
		return nil, fmt.Errorf("onvif: upload: %w", trust.Explain(err))
	}
	return resp, nil
}

// UpgradeFirmware has the device fetch a version from its maker's cloud; empty
// means the newest (release 25.12 and later). It returns how long the device
// expects to be away.
//
//onvif:op UpgradeFirmware
func (c *Client) UpgradeFirmware(ctx context.Context, version string) (time.Duration, camsec.Change, error) {
	r, change, err := c.start(ctx, "UpgradeFirmware", func(m *message) { m.textIf("tds:Version", version) })
	if err != nil {
		return 0, change, err
	}
	return seconds(r.Child("ExpectedDownTime").String()), change, nil
}

// UpgradeSystemFirmware sends an image inside the message (MTOM), to devices
// before StartFirmwareUpgrade; withdrawn in release 25.06. It needs a device
// with HTTP digest, or an image of less than 1 MiB. The message is the
// device's own.
//
//onvif:op UpgradeSystemFirmware
func (c *Client) UpgradeSystemFirmware(ctx context.Context, image io.ReaderAt, size int64) (said string, change camsec.Change, err error) {
	r, change, err := c.sendFile(ctx, "UpgradeSystemFirmware", image, size, func(m *message) {
		m.in("tds:Firmware", func() { m.include(cidFile) })
	})
	if err != nil {
		return "", change, err
	}
	return r.Child("Message").String(), change, nil
}

// RestoreSystem sends a backup inside the message (MTOM), to devices before
// [Client.StartSystemRestore].
//
//onvif:op RestoreSystem
func (c *Client) RestoreSystem(ctx context.Context, file BackupFile) (camsec.Change, error) {
	_, change, err := c.sendFile(ctx, "RestoreSystem", bytes.NewReader(file.data), int64(len(file.data)), func(m *message) {
		m.in("tds:BackupFiles", func() {
			m.text("tt:Name", file.Name)
			m.in("tt:Data", func() { m.include(cidFile) })
		})
	})
	return change, err
}

const cidFile = "file@camsec"

// include refers to an attachment.
func (m *message) include(cid string) {
	m.raw(`<xop:Include xmlns:xop="http://www.w3.org/2004/08/xop/include" href="cid:`, url.PathEscape(cid), `"/>`)
}

// sendFile sends a message with one attachment.
func (c *Client) sendFile(ctx context.Context, name string, file io.ReaderAt, size int64, fill func(*message)) (*reply, camsec.Change, error) {
	op := operation(name)
	fail := func(err error) (*reply, camsec.Change, error) {
		ch, err := notApplied(fmt.Errorf("onvif: %s: %w", op.Action, err))
		return nil, ch, err
	}
	if c.readOnly {
		return fail(ErrReadOnly)
	}
	m := newMessage(op)
	fill(m)
	envelope, err := m.end(op)
	if err != nil {
		return fail(err)
	}
	if c.hasCred {
		if err := c.prove(ctx); err != nil {
			return fail(err)
		}
	}
	boundary := "camsec-" + rand.Text()
	head := "--" + boundary + "\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\n" +
		"Content-Transfer-Encoding: binary\r\nContent-ID: <root@camsec>\r\n\r\n" + string(envelope) +
		"\r\n--" + boundary + "\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <" + cidFile + ">\r\n\r\n"
	tail := "\r\n--" + boundary + "--\r\n"
	open := func() (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader([]byte(head)), io.NewSectionReader(file, 0, size), bytes.NewReader([]byte(tail)))), nil
	}
	kind := `multipart/related; type="application/xop+xml"; start="<root@camsec>"; start-info="application/soap+xml"; boundary=` + strconv.Quote(boundary)
	u := c.base
	body, err := open()
	if err != nil {
		return fail(err)
	}
	req := (&http.Request{
		Method: http.MethodPost, URL: &u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {kind}}, ContentLength: int64(len(head)) + size + int64(len(tail)), Body: body, GetBody: open,
	}).WithContext(ctx)
	lim := wire.Small()
	lim.BodyIdle, lim.Total = c.timeouts.BodyIdle, -1
	resp, err := wire.Do(c.authed, req, lim)
	if err == nil {
		var r *reply
		if r, err = readReply(op, resp, lim, c.hasCred); err == nil {
			return r, camsec.Change{Outcome: camsec.Applied, Proof: "accepted by the device", RebootRequired: true}, nil
		}
	}
	if !mayHaveDone(err) {
		return fail(trust.Explain(err))
	}
	return nil, camsec.Change{}, fmt.Errorf("onvif: %s: %w: %w", op.Action, camsec.ErrUncertain, err)
}
