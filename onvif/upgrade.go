package onvif

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// ErrNotAccepted is returned, before the device hears of it, for an image that
// the policy of [Upgrade.Verifier] does not accept.
var ErrNotAccepted = errors.New("onvif: image is not accepted by the policy")

// An Upgrade is an image, who stands for it, and what is expected of it.
type Upgrade struct {
	Image io.ReaderAt
	Size  int64
	// Verifier judges the image. It is required: nothing in ONVIF tells
	// whether an image is authentic.
	Verifier *firmware.Verifier
	// Evidence is what stands beside the image, such as a countersignature.
	Evidence *firmware.Evidence
	// Version that the device tells afterwards, as it writes it; empty means
	// another one than before.
	Version string
	// Wait is how long the device may work and restart beyond what it says
	// itself; zero means 10 minutes.
	Wait time.Duration
}

// An Upgraded is what [Client.Upgrade] has found out, as far as it came.
type Upgraded struct {
	Report        *firmware.Report
	Before, After DeviceInfo
	// LostUsers are the accounts that are gone or have another level since;
	// nil also where the list could not be read before and after.
	LostUsers []string
}

// Upgrade verifies an image, and only then has the device take it: it asks
// where to send it, waits as long as the device wants, sends the very bytes
// that were verified to the host and over the scheme that was dialled, and
// waits until the device tells a new version over ONVIF. Then it reads the
// accounts again, which an upgrade must keep (Core, StartFirmwareUpgrade) and
// some do not.
//
// The outcome is Applied only if the device tells the version. It is NotApplied
// where the policy or the device refuses the image, or where the device goes on
// with the old version; the latter matches [ErrNotVerified]. A device that does
// not come back over ONVIF leaves the outcome open ([camsec.ErrUncertain]):
// some makes switch ONVIF off with an upgrade.
func (c *Client) Upgrade(ctx context.Context, u Upgrade) (Upgraded, camsec.Change, error) {
	var out Upgraded
	fail := func(err error) (Upgraded, camsec.Change, error) {
		change, err := notApplied(fmt.Errorf("onvif: upgrade: %w", err))
		return out, change, err
	}
	if c.readOnly {
		return fail(ErrReadOnly)
	}
	if u.Verifier == nil || u.Image == nil || u.Size <= 0 {
		return fail(errors.New("no image, or nothing that verifies it"))
	}
	var err error
	if out.Report, err = u.Verifier.Verify(ctx, u.Image, u.Size, u.Evidence); err != nil {
		return fail(err)
	}
	if out.Report.Verdict != firmware.Accepted {
		return fail(fmt.Errorf("%w: %s: %s", ErrNotAccepted, out.Report.Verdict, strings.Join(out.Report.Because, " ")))
	}
	if out.Before, err = c.DeviceInformation(ctx); err != nil {
		return fail(err)
	}
	users, usersErr := c.Users(ctx) // not every account may; then they are not compared
	image := &sameBytes{r: u.Image, size: u.Size, want: out.Report.SHA256}
	target, change, err := c.UpgradeByUpload(ctx, image, u.Size)
	if image.changed {
		return fail(firmware.ErrChanged) // The device has not got all of it.
	}
	if err != nil && change.Outcome != camsec.OutcomeUnknown {
		return out, change, err
	}
	change, err = c.awaitVersion(ctx, u, target, &out, err)
	if change.Outcome == camsec.Applied && usersErr == nil {
		if after, err := c.Users(ctx); err == nil {
			for _, was := range users {
				if is, ok := find(after, was.Name); !ok || is.Level != was.Level {
					out.LostUsers = append(out.LostUsers, was.Name)
				}
			}
		}
	}
	return out, change, err
}

// awaitVersion waits until the device tells what it runs now; lost is what
// broke while the image was sent.
func (c *Client) awaitVersion(ctx context.Context, u Upgrade, t UploadTarget, out *Upgraded, lost error) (camsec.Change, error) {
	wait := u.Wait
	if wait <= 0 {
		wait = 10 * time.Minute
	}
	end := c.now().Add(t.DownTime + wait)
	unknown := func(why error) (camsec.Change, error) {
		return camsec.Change{RebootRequired: true}, fmt.Errorf("onvif: upgrade: %w: %w", camsec.ErrUncertain, errors.Join(lost, why))
	}
	var last error
	away := false
	for pace := time.Second; ; pace = min(2*pace, 5*time.Second) {
		timer := time.NewTimer(pace)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return unknown(ctx.Err())
		}
		info, err := c.DeviceInformation(ctx)
		switch {
		case err != nil:
			last = err
			away = true
			if errors.Is(err, camsec.ErrUnauthorized) || errors.Is(err, camsec.ErrLocked) || errors.Is(err, camsec.ErrUntrusted) {
				return unknown(err) // to ask on is pointless, or harmful
			}
		case info.Firmware == u.Version, u.Version == "" && info.Firmware != out.Before.Firmware:
			out.After = info
			return camsec.Change{Outcome: camsec.Applied, Proof: "runs " + clean(info.Firmware)}, nil
		default:
			out.After, last = info, nil
		}
		if c.now().Before(end) {
			continue
		}
		switch {
		case last != nil:
			return unknown(fmt.Errorf("the device does not come back over ONVIF: %w", last))
		case away || lost == nil:
			return notApplied(fmt.Errorf("onvif: upgrade: the device still runs %s: %w", clean(out.After.Firmware), ErrNotVerified))
		}
		return unknown(errors.New("the device has not restarted"))
	}
}

// sameBytes reads a file from beginning to end and keeps back its last bytes
// if it is not the file that was verified.
type sameBytes struct {
	r    io.ReaderAt
	size int64
	want string // SHA-256 in hexadecimal
	next int64
	h    hash.Hash

	changed bool
}

func (s *sameBytes) ReadAt(p []byte, off int64) (int, error) {
	if off == 0 {
		s.h, s.next = sha256.New(), 0
	}
	if off != s.next {
		return 0, errors.New("onvif: image is not read in order")
	}
	n, err := s.r.ReadAt(p, off)
	s.h.Write(p[:n])
	if s.next += int64(n); s.next >= s.size && hex.EncodeToString(s.h.Sum(nil)) != s.want {
		s.changed = true
		return 0, firmware.ErrChanged
	}
	return n, err
}
