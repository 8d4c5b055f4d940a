package isapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// An Image is a firmware file to be sent. Nothing here looks into it: package
// firmware tells whether it is the maker's, and whether it fits.
type Image struct {
	Data io.ReaderAt
	Size int64 // all of it: a file that is shorter or longer is not sent
	// Firmware is what the device should run afterwards. An empty version
	// leaves it at "another one than before".
	Firmware camsec.Firmware
}

// UploadOptions are the optional settings of [Client.UpdateFirmware]; nil
// means all defaults.
type UploadOptions struct {
	// Progress is called now and then, one call at a time. A panic in it is
	// logged and ends the calls, not the upload.
	Progress func(UploadProgress)
	// Stall is how long the device may take no byte before the upload is
	// given up; default 60 s.
	Stall time.Duration
	// Wait is how long the device may work and restart after the upload;
	// default 10 minutes.
	Wait time.Duration
}

// UploadProgress is how far an upload is.
type UploadProgress struct {
	Sent, Size int64
	// Percent is how far the device itself is, once all was sent; nil is
	// unknown.
	Percent *int
}

// UpgradeStatus is what a device says while it takes an image in.
type UpgradeStatus struct {
	Upgrading camsec.State
	Percent   *int // nil is unknown
}

// UpgradeStatus reads how far an upgrade is. Old firmware has no such
// document, and a device that restarts does not answer.
//
//isapi:op GET /ISAPI/System/upgradeStatus
func (c *Client) UpgradeStatus(ctx context.Context) (UpgradeStatus, error) {
	n, err := c.get(ctx, "UpgradeStatus", wire.Small(), "upgradeStatus", "")
	if err != nil {
		return UpgradeStatus{}, err
	}
	s := UpgradeStatus{Upgrading: state(n.Child("upgrading")), Percent: number(n.Child("percent"))}
	if s.Upgrading == camsec.StateUnknown && s.Percent == nil {
		return UpgradeStatus{}, malformed(operation("UpgradeStatus"), "neither a state nor a percentage")
	}
	return s, nil
}

// UpdateFirmware sends an image and waits until the device runs it. The device
// restarts by itself; recordings have a gap, sessions end, and some firmware
// comes back with services switched otherwise.
//
// The image goes out as PUT; a device that says that it does not take that gets
// it as POST of a form. A login is established beforehand, and an image of more
// than 1 MiB is not sent a second time whatever the device answers.
//
// The outcome is Applied only if the device runs the wanted version afterwards
// (Image.Firmware; or another than before). It is NotApplied if the device
// refuses the image, if it could not be sent whole for reasons on this side, or
// if the device is back with the old version. A connection that breaks during
// the transfer leaves the outcome open, and the device is watched: it is
// unknown ([camsec.ErrUncertain]) if it does not show itself within
// [UploadOptions.Wait].
//
//isapi:op PUT /ISAPI/System/updateFirmware
//isapi:op POST /ISAPI/System/updateFirmware
func (c *Client) UpdateFirmware(ctx context.Context, image Image, opts *UploadOptions) (camsec.Change, error) {
	var o UploadOptions
	if opts != nil {
		o = *opts
	}
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Wait <= 0 {
		o.Wait = 10 * time.Minute
	}
	put := writeOf("UpdateFirmware")
	release, err := c.beginWrite(ctx, put)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if err := whole(put, image); err != nil {
		return notApplied(err)
	}
	// What runs now; and so that the image goes out with a login.
	before, err := c.DeviceInfo(ctx)
	if err != nil {
		return notApplied(err)
	}
	if runs(before, image.Firmware) && image.Firmware.Version != "" {
		return camsec.Change{Outcome: camsec.Applied, Proof: proofUnchanged}, nil
	}
	u := &upload{c: c, image: image, o: o}
	a, partial := u.send(ctx, put, "application/octet-stream", "", "")
	if a.refused != nil && errors.Is(a.refused, errors.ErrUnsupported) {
		post := put
		post.Method = http.MethodPost
		a, partial = u.send(ctx, post, "multipart/form-data; boundary="+formBoundary, formHead, formTail)
	}
	switch {
	case a.refused != nil:
		return notApplied(a.refused)
	case u.own != nil:
		return notApplied(fmt.Errorf("isapi: %s: %w", put, u.own))
	case a.lost == nil && partial:
		a.lost = errors.New("the device says done before it has the whole image")
	}
	return u.watch(ctx, put, a, before)
}

const (
	formBoundary = "camsec-1f6b0d4e9a7c"
	formHead     = "--" + formBoundary + "\r\nContent-Disposition: form-data; name=\"updateFile\"; filename=\"digicap.dav\"\r\n" +
		"Content-Type: application/octet-stream\r\n\r\n"
	formTail = "\r\n--" + formBoundary + "--\r\n"
)

// whole holds a file against its size before anything is sent.
func whole(op Operation, image Image) error {
	var b [1]byte
	if image.Data == nil || image.Size <= 0 {
		return fmt.Errorf("isapi: %s: no image", op)
	}
	if n, err := image.Data.ReadAt(b[:], image.Size-1); n != 1 {
		return fmt.Errorf("isapi: %s: the image is shorter than %d bytes: %w", op, image.Size, err)
	}
	if n, _ := image.Data.ReadAt(b[:], image.Size); n != 0 {
		return fmt.Errorf("isapi: %s: the image is longer than %d bytes", op, image.Size)
	}
	return nil
}

// runs tells whether a device runs a firmware.
func runs(info DeviceInfo, want camsec.Firmware) bool {
	have := info.Firmware()
	return strings.EqualFold(have.Version, want.Version) && (want.Build == "" || have.Build == want.Build)
}

// An upload is one image on its way.
type upload struct {
	c     *Client
	image Image
	o     UploadOptions
	mute  atomic.Bool
	own   error // why the sending ended on this side
}

// send sends the image once. partial tells that not all of it had gone out when
// the device answered.
func (u *upload) send(ctx context.Context, op Operation, contentType, head, tail string) (a attempt, partial bool) {
	ctx, stop := context.WithCancelCause(auth.WithoutRetry(ctx))
	defer stop(nil)
	watchdog := time.AfterFunc(u.o.Stall, func() { stop(errStalled) })
	defer watchdog.Stop()
	body := &uploadBody{
		r:    io.MultiReader(strings.NewReader(head), io.NewSectionReader(u.image.Data, 0, u.image.Size), strings.NewReader(tail)),
		size: int64(len(head)) + u.image.Size + int64(len(tail)),
	}
	body.moved = func(sent int64) {
		watchdog.Reset(u.o.Stall)
		u.report(UploadProgress{Sent: min(max(0, sent-int64(len(head))), u.image.Size), Size: u.image.Size})
	}
	req := u.c.request(ctx, op)
	req.Body, req.ContentLength = body, body.size
	req.Header.Set("Content-Type", contentType)
	lim := wire.Small()
	lim.Total = -1 // the watchdog bounds it
	resp, err := u.c.exchangeWithin(u.c.transport(), op, req, lim)
	sent := body.sent.Load()
	if e := body.failed.Load(); e != nil {
		u.own = fmt.Errorf("reading the image: %w", *e)
	}
	return u.c.judge(op, resp, err, sent > 0), sent < body.size
}

var errStalled = errors.New("the device has stopped taking the image")

// report tells of progress, unless that has panicked before.
func (u *upload) report(p UploadProgress) {
	if u.o.Progress == nil || u.mute.Load() {
		return
	}
	defer func() {
		if recover() != nil {
			u.mute.Store(true)
			if l := u.c.logins.Logger; l != nil {
				l.Warn("isapi: progress callback panicked", "target", u.c.target.Key())
			}
		}
	}()
	u.o.Progress(p)
}

// An uploadBody counts what is taken from it.
type uploadBody struct {
	r      io.Reader
	size   int64
	moved  func(sent int64)
	mu     sync.Mutex
	sent   atomic.Int64
	failed atomic.Pointer[error]
}

func (b *uploadBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.r.Read(p[:min(len(p), 64<<10)])
	if n > 0 {
		b.moved(b.sent.Add(int64(n)))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.Store(&err)
	}
	return n, err
}

func (*uploadBody) Close() error { return nil }

// watch waits for the device to come back and tells by what it runs.
func (u *upload) watch(ctx context.Context, op Operation, a attempt, before DeviceInfo) (camsec.Change, error) {
	end := time.Now().Add(u.o.Wait)
	away, quiet := false, 0
	for wait := time.Second; ; wait = min(2*wait, longestWait) {
		if err := sleep(ctx, wait); err != nil {
			return uncertain(op, a.reboot, errors.Join(a.lost, err))
		}
		info, err := u.c.DeviceInfo(ctx)
		switch {
		case err != nil && hopeless(ctx, err):
			return uncertain(op, a.reboot, errors.Join(a.lost, err))
		case err != nil:
			away, quiet = true, 0
		case u.changed(before, info):
			return camsec.Change{Outcome: camsec.Applied, Proof: "runs " + info.FirmwareVersion + " " + info.FirmwareReleased}, nil
		default:
			busy := false
			if s, err := u.c.UpgradeStatus(ctx); err == nil {
				u.report(UploadProgress{Sent: u.image.Size, Size: u.image.Size, Percent: s.Percent})
				busy = s.Upgrading == camsec.StateOn
			}
			if quiet++; busy {
				quiet = 0
			}
			// Back, or never gone, and at rest with the old version.
			switch {
			case quiet <= restLooks:
			case a.reboot && !away:
				return uncertain(op, true, errors.New("the device waits for a restart"))
			case a.lost != nil:
				return notApplied(a.lost)
			default:
				return notApplied(fmt.Errorf("isapi: %s: %w", op, ErrIgnored))
			}
		}
		if !time.Now().Before(end) {
			return uncertain(op, a.reboot, errors.Join(a.lost, err, errors.New("the device does not show what became of it")))
		}
	}
}

// restLooks is how often, five seconds apart, a device must be seen at rest
// with its old version before nothing more is expected: a minute and more.
const restLooks = 15

func (u *upload) changed(before, now DeviceInfo) bool {
	if u.image.Firmware.Version != "" {
		return runs(now, u.image.Firmware)
	}
	return now.FirmwareVersion != before.FirmwareVersion || now.FirmwareReleased != before.FirmwareReleased
}
