package onvif_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// vouched makes an image that an owner's key stands for.
func vouched(t *testing.T, image []byte) onvif.Upgrade {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	key, err := firmware.NewSigningKey(private)
	require.NoError(t, err)
	signature, err := key.Countersign(t.Context(), bytes.NewReader(image), int64(len(image)), firmware.Statement{
		Vendor: "CAMSEC", Model: "SIM-2600", Version: "V2.7.0", Issued: time.Now(),
	}, nil)
	require.NoError(t, err)
	keys, err := firmware.ParseKeys("owner.pub", []byte(key.MinisignPublicKey()))
	require.NoError(t, err)
	verifier, err := firmware.NewVerifier(firmware.Policy{Keys: keys, Countersigned: true})
	require.NoError(t, err)
	return onvif.Upgrade{
		Image: bytes.NewReader(image), Size: int64(len(image)), Verifier: verifier,
		Evidence: &firmware.Evidence{Signatures: []firmware.Signature{{Name: "image.minisig", Data: signature}}},
	}
}

// turned is a file that is another one once the device has been asked where it
// wants it.
type turned struct {
	first, then []byte
	d           *onviftest.Device
}

func (f *turned) ReadAt(p []byte, off int64) (int, error) {
	b := f.first
	if f.d.Requests("StartFirmwareUpgrade") > 0 {
		b = f.then
	}
	return bytes.NewReader(b).ReadAt(p, off)
}

// breaking loses the answer to the upload, and with it whether it arrived.
type breaking struct{ rt http.RoundTripper }

func (b breaking) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.rt.RoundTrip(r)
	if err == nil && r.Header.Get("Content-Type") == "application/octet-stream" && resp.StatusCode == http.StatusOK {
		_ = resp.Body.Close()
		return nil, errors.New("connection reset")
	}
	return resp, err
}

// What a device does with an image is told by what it runs afterwards; and an
// image that nobody stands for never gets near it.
func TestUpgrade(t *testing.T) {
	image := bytes.Repeat(onviftest.ImageFor("V2.7.0 build 261101"), 40)
	other := bytes.Clone(image)
	other[len(other)-1] ^= 1
	for name, tt := range map[string]struct {
		faults  onviftest.Faults
		change  func(*onvif.Upgrade, *onviftest.Device)
		broken  bool
		outcome camsec.Outcome
		err     error
		started int // of StartFirmwareUpgrade
		images  int
		lost    []string
		after   time.Duration // that it takes at least
	}{
		"taken":                       {outcome: camsec.Applied, started: 1, images: 1},
		"as the version that it has":  {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Version = "V2.7.0 build 261101" }, outcome: camsec.Applied, started: 1, images: 1},
		"another version than wanted": {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Version = "V2.8.0" }, outcome: camsec.NotApplied, err: onvif.ErrNotVerified, started: 1, images: 1, after: 11 * time.Minute},
		"one byte differs":            {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Image = bytes.NewReader(other) }, outcome: camsec.NotApplied, err: onvif.ErrNotAccepted},
		"no signature":                {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Evidence = nil }, outcome: camsec.NotApplied, err: onvif.ErrNotAccepted},
		"nothing that verifies":       {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Verifier = nil }, outcome: camsec.NotApplied},
		"changed on the way":          {change: func(u *onvif.Upgrade, d *onviftest.Device) { u.Image = &turned{image, other, d} }, outcome: camsec.NotApplied, err: firmware.ErrChanged, started: 1},
		"shorter than it says":        {change: func(u *onvif.Upgrade, _ *onviftest.Device) { u.Size++ }, outcome: camsec.NotApplied, err: io.ErrUnexpectedEOF},
		"silently ignored":            {faults: onviftest.Faults{SilentWrites: true}, outcome: camsec.NotApplied, err: onvif.ErrNotVerified, started: 1, images: 1, after: 11 * time.Minute},
		"accounts are gone":           {faults: onviftest.Faults{DropsUsers: true}, outcome: camsec.Applied, started: 1, images: 1, lost: []string{"guard", "vms"}},
		"ONVIF is off afterwards":     {faults: onviftest.Faults{OffAfterUpgrade: true}, outcome: camsec.OutcomeUnknown, err: camsec.ErrUncertain, started: 1, images: 1, after: 11 * time.Minute},
		"the answer is lost":          {broken: true, outcome: camsec.Applied, started: 1, images: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := onviftest.Current()
				p.Faults = tt.faults
				d := start(t, p, nil)
				c := client(t, d, func(o *onvif.Options) {
					if tt.broken {
						o.Base = breaking{o.Base}
					}
				})
				u := vouched(t, image)
				if tt.change != nil {
					tt.change(&u, d)
				}
				began := time.Now()
				got, change, err := c.Upgrade(t.Context(), u)
				assert.Equal(t, tt.outcome, change.Outcome)
				if tt.outcome == camsec.Applied {
					require.NoError(t, err)
					assert.Equal(t, "V2.6.0 build 260630", got.Before.Firmware)
					assert.Equal(t, "V2.7.0 build 261101", got.After.Firmware)
					assert.Equal(t, firmware.Accepted, got.Report.Verdict)
				} else {
					require.Error(t, err)
				}
				if tt.err != nil {
					require.ErrorIs(t, err, tt.err)
				}
				assert.Equal(t, tt.lost, got.LostUsers)
				assert.Equal(t, tt.started, d.Requests("StartFirmwareUpgrade"))
				assert.Len(t, d.Images(), tt.images)
				assert.GreaterOrEqual(t, time.Since(began), tt.after)
				assert.Less(t, time.Since(began), 15*time.Minute)
			})
		})
	}
}
