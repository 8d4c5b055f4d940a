package isapi_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

const uploads = "/ISAPI/System/updateFirmware"

func upgradable() isapitest.Profile {
	p := isapitest.CurrentCamera()
	p.UpgradeTime, p.RestartTime = 90*time.Second, 40*time.Second
	return p
}

// An imageOf is what the device of upgradable takes in; it is over the size
// that a login may be repeated for.
func imageOf(size int) isapi.Image {
	b := isapitest.FirmwareImage("DS-2CD2T47G2-TEST", "V5.8.0", "250101", size)
	return isapi.Image{Data: bytes.NewReader(b), Size: int64(len(b)), Firmware: camsec.Firmware{Version: "V5.8.0", Build: "250101"}}
}

func TestUpdateFirmware(t *testing.T) {
	for name, post := range map[string]bool{"PUT": false, "POST": true} {
		for size, label := range map[int]string{2 << 20: "large", 300: "small"} {
			t.Run(name+"/"+label, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := upgradable()
					p.UploadByPost = post
					b := benchOver(t, "http", p, nil)
					defer b.stop()
					var seen []isapi.UploadProgress
					c, err := b.client.UpdateFirmware(t.Context(), imageOf(size), &isapi.UploadOptions{
						Progress: func(p isapi.UploadProgress) { seen = append(seen, p) },
					})
					require.NoError(t, err)
					assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "runs V5.8.0 build 250101"}, c)
					assert.Equal(t, 1, b.Restarts())
					assert.Len(t, b.Writes(), 1)
					last := seen[len(seen)-1]
					assert.Equal(t, last.Size, last.Sent)
					require.NotNil(t, last.Percent)
					assert.Positive(t, *last.Percent)
					for i := range seen[1:] {
						if post {
							break // a refused PUT comes before
						}
						assert.LessOrEqual(t, seen[i].Sent, seen[i+1].Sent)
					}
					assert.Zero(t, b.Host().FailedLogins())

					c, err = b.client.UpdateFirmware(t.Context(), imageOf(size), nil)
					require.NoError(t, err)
					assert.Equal(t, "unchanged: was so already", c.Proof)
					assert.Len(t, b.Writes(), 1)
				})
			})
		}
	}
}

// failingAt is an image on a disk that breaks.
type failingAt struct {
	io.ReaderAt
	at int64
}

func (f failingAt) ReadAt(p []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(p)) {
		return 0, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

var errDisk = errors.New("the disk is broken")

// What may go wrong with an upload: the image goes out once, and what became of
// it is told by what the device runs.
func TestUploadMishaps(t *testing.T) {
	type upload struct {
		name    string
		profile func(p *isapitest.Profile)
		arrange func(b *bench)
		image   func(i *isapi.Image)
		opts    isapi.UploadOptions
		outcome camsec.Outcome
		is      error
		text    string
		puts    int // requests with the image that reached the device
	}
	behave := func(bh isapitest.Behaviour) func(*bench) {
		return func(b *bench) { b.Misbehave("PUT "+uploads, bh) }
	}
	fault := func(f authtest.Fault) func(*bench) {
		f.On = "PUT " + uploads
		return func(b *bench) { b.Host().Script(f) }
	}
	for _, u := range []upload{
		{name: "case 161: a login wanted again", arrange: fault(authtest.Fault{
			Status: http.StatusUnauthorized, Nth: 1, Body: []byte("<userCheck/>"),
			Header: http.Header{"Www-Authenticate": {`Digest realm="x", nonce="y", qop="auth", algorithm=SHA-256, stale="TRUE"`}},
		}), outcome: camsec.NotApplied, is: errAny, puts: 1},
		{name: "case 162: cut at 99 %", arrange: behave(isapitest.Behaviour{CutAt: 2 << 20 * 99 / 100}), outcome: camsec.NotApplied, is: errAny, puts: 1},
		{name: "answer lost before effect", arrange: behave(isapitest.Behaviour{Effect: isapitest.LostBefore}), outcome: camsec.NotApplied, is: errAny, puts: 1},
		{name: "answer lost after effect", arrange: behave(isapitest.Behaviour{Effect: isapitest.LostAfter}), outcome: camsec.Applied, puts: 1},
		{
			name: "case 163: restart before the answer", arrange: behave(isapitest.Behaviour{Effect: isapitest.LostAfter}),
			profile: func(p *isapitest.Profile) { p.UpgradeTime = 0 }, outcome: camsec.Applied, puts: 1,
		},
		{name: "case 164: shorter", image: func(i *isapi.Image) { i.Size++ }, outcome: camsec.NotApplied, is: errAny},
		{name: "case 164: longer", image: func(i *isapi.Image) { i.Size-- }, outcome: camsec.NotApplied, is: errAny},
		{name: "none", image: func(i *isapi.Image) { i.Data = nil }, outcome: camsec.NotApplied, is: errAny},
		{name: "disk breaks", image: func(i *isapi.Image) { i.Data = failingAt{i.Data, 3 << 19} }, outcome: camsec.NotApplied, is: errDisk, puts: 1},
		{name: "case 165: progress panics", opts: isapi.UploadOptions{Progress: func(isapi.UploadProgress) { panic("boom") }}, outcome: camsec.Applied, puts: 1},
		{name: "case 166: stall", arrange: func(b *bench) {
			b.hold = make(chan struct{})
			b.Host().Script(authtest.Fault{On: "PUT " + uploads, Hold: b.hold, AfterLogin: true})
		}, outcome: camsec.NotApplied, is: errAny, text: "stopped taking the image", puts: 1},
		{name: "case 167: busy", arrange: func(b *bench) { b.Fail("PUT "+uploads, http.StatusServiceUnavailable, "") }, outcome: camsec.NotApplied, is: camsec.ErrBusy, puts: 1},
		{name: "case 167: too many", arrange: func(b *bench) { b.Fail("PUT "+uploads, http.StatusTooManyRequests, "<x/>") }, outcome: camsec.NotApplied, is: errAny, puts: 1},
		{name: "case 168: answer before the end", arrange: fault(authtest.Fault{
			AfterLogin: true, Body: []byte("<ResponseStatus><statusCode>1</statusCode><subStatusCode>ok</subStatusCode></ResponseStatus>"),
		}), outcome: camsec.NotApplied, is: errAny, text: "before it has the whole image", puts: 1},
		{name: "wrong model", profile: func(p *isapitest.Profile) { p.Model = "DS-2CD9999-TEST" }, outcome: camsec.NotApplied, is: errAny, puts: 1},
		{name: "comes back with the old version", arrange: behave(isapitest.Behaviour{Effect: isapitest.Ignored}), outcome: camsec.NotApplied, is: isapi.ErrIgnored, puts: 1},
		{name: "does not come back", profile: func(p *isapitest.Profile) { p.RestartTime = time.Hour }, outcome: camsec.OutcomeUnknown, is: camsec.ErrUncertain, puts: 1},
		{name: "forbidden", arrange: func(b *bench) { b.Fail("PUT "+uploads, http.StatusForbidden, "") }, outcome: camsec.NotApplied, is: camsec.ErrForbidden, puts: 1},
	} {
		t.Run(u.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := upgradable()
				if u.profile != nil {
					u.profile(&p)
				}
				b := benchOver(t, "http", p, nil)
				defer b.stop()
				// The tap would read the image whole; the host's own log counts.
				client := b.via(t, b.tap.base, isapi.Options{})
				if u.arrange != nil {
					u.arrange(b)
				}
				image := imageOf(2 << 20)
				if u.image != nil {
					u.image(&image)
				}
				c, err := client.UpdateFirmware(t.Context(), image, &u.opts)
				assert.Equal(t, u.outcome, c.Outcome, "%v", err)
				switch {
				case u.is == nil:
					require.NoError(t, err)
				case errors.Is(u.is, errAny):
					require.Error(t, err)
					require.NotErrorIs(t, err, camsec.ErrUncertain)
				default:
					require.ErrorIs(t, err, u.is)
				}
				if u.text != "" {
					require.ErrorContains(t, err, u.text)
				}
				n := 0
				for _, e := range b.Host().Log() {
					if e.Method != http.MethodGet {
						n++
					}
				}
				assert.Equal(t, u.puts, n)
			})
		})
	}
}

// slowly is an image on a disk that takes its time.
type slowly struct{ io.ReaderAt }

func (s slowly) ReadAt(p []byte, off int64) (int, error) {
	time.Sleep(2 * time.Second)
	return s.ReaderAt.ReadAt(p, off)
}

// An upload lasts as long as it moves.
func TestUploadHasNoLimitOfTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", upgradable(), nil)
		defer b.stop()
		client := b.via(t, b.tap.base, isapi.Options{})
		image := imageOf(4 << 20)
		image.Data = slowly{image.Data}
		start := time.Now()
		c, err := client.UpdateFirmware(t.Context(), image, nil)
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, c.Outcome)
		assert.Greater(t, time.Since(start), 2*time.Minute)
	})
}

// What is promised to the device, and what is told of progress, is the image
// alone: the form around it is not.
func TestUploadCounts(t *testing.T) {
	for _, post := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := upgradable()
			p.UploadByPost = post
			b := benchOver(t, "http", p, nil)
			defer b.stop()
			var promised []int64
			client := b.via(t, stub(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/updateFirmware") && r.Header.Get("Authorization") != "" {
					promised = append(promised, r.ContentLength)
				}
				return b.tap.base.RoundTrip(r)
			}), isapi.Options{})
			image := imageOf(300)
			var first *isapi.UploadProgress
			_, err := client.UpdateFirmware(t.Context(), image, &isapi.UploadOptions{Progress: func(p isapi.UploadProgress) {
				if first == nil || p.Sent < first.Sent {
					first = &p
				}
				assert.Equal(t, image.Size, p.Size)
				assert.LessOrEqual(t, p.Sent, p.Size)
			}})
			require.NoError(t, err)
			require.NotEmpty(t, promised)
			assert.Equal(t, image.Size, promised[0], "the PUT")
			if post {
				require.Len(t, promised, 2)
				assert.Greater(t, promised[1], image.Size, "the form")
				assert.Less(t, promised[1], image.Size+400)
				assert.Zero(t, first.Sent, "its head is none of the image")
			}
		})
	}
}

// Without a build any of the version will do; with one no other will.
func TestUploadHoldsTheBuild(t *testing.T) {
	for build, outcome := range map[string]camsec.Outcome{"": camsec.Applied, "250101": camsec.Applied, "250102": camsec.NotApplied} {
		synctest.Test(t, func(t *testing.T) {
			b := benchOver(t, "http", upgradable(), nil)
			defer b.stop()
			image := imageOf(300)
			image.Firmware.Build = build
			c, err := b.client.UpdateFirmware(t.Context(), image, nil)
			assert.Equal(t, outcome, c.Outcome, "%q: %v", build, err)
			if outcome != camsec.Applied {
				require.ErrorIs(t, err, isapi.ErrIgnored)
			}
		})
	}
	// With no version at all another one than before is what is wanted.
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", upgradable(), nil)
		defer b.stop()
		image := imageOf(300)
		image.Firmware = camsec.Firmware{}
		c, err := b.client.UpdateFirmware(t.Context(), image, nil)
		require.NoError(t, err)
		assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "runs V5.8.0 build 250101"}, c)
		assert.Len(t, b.Writes(), 1)
	})
}

// An upload that finds no way to the device has changed nothing, and nobody
// waits for what becomes of it.
func TestUploadThatFindsNoWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noRoute := errors.New("no route")
		dials := 0
		c, err := isapi.New("http://192.0.2.7", nil, &isapi.Options{DialContext: func(context.Context, string, string) (net.Conn, error) {
			if dials++; dials > 1 {
				return nil, noRoute
			}
			client, device := net.Pipe()
			go func() {
				defer device.Close()
				if _, err := http.ReadRequest(bufio.NewReader(device)); err != nil {
					return
				}
				const body = "<DeviceInfo><model>x</model><firmwareVersion>V5.7.18</firmwareVersion></DeviceInfo>"
				_, _ = fmt.Fprintf(device, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			}()
			return client, nil
		}})
		require.NoError(t, err)
		start := time.Now()
		change, err := c.UpdateFirmware(t.Context(), imageOf(300), nil)
		require.ErrorIs(t, err, noRoute)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Zero(t, time.Since(start))
		require.NoError(t, c.Close())
	})
}

func TestUploadOfNothing(t *testing.T) {
	b := benchOver(t, "http", upgradable(), nil)
	for _, size := range []int64{0, -1} {
		_, err := b.client.UpdateFirmware(t.Context(), isapi.Image{Data: bytes.NewReader(nil), Size: size}, nil)
		require.ErrorContains(t, err, "no image")
	}
	assert.Empty(t, b.tap.sent)
}

// Case 160 is a device that ignores "Expect: 100-continue": nothing is asked of
// it, so that nobody waits for what does not come.
func TestCase160NothingIsExpected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", upgradable(), nil)
		defer b.stop()
		image := 0
		client := b.via(t, stub(func(r *http.Request) (*http.Response, error) {
			assert.Empty(t, r.Header.Values("Expect"))
			if r.URL.Path != uploads {
				return b.tap.base.RoundTrip(r)
			}
			image++
			start := time.Now()
			resp, err := b.tap.base.RoundTrip(r)
			assert.Less(t, time.Since(start), time.Second, "it waited for a word to go on")
			return resp, err
		}), isapi.Options{})
		c, err := client.UpdateFirmware(t.Context(), imageOf(2<<20), nil)
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, c.Outcome)
		assert.Equal(t, 1, image)
	})
}

func TestUploadEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", upgradable(), nil)
		defer b.stop()
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		c, err := b.client.UpdateFirmware(ctx, imageOf(2<<20), nil)
		require.ErrorIs(t, err, camsec.ErrUncertain)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
	})
}

func TestReboot(t *testing.T) {
	for _, tt := range []struct {
		name    string
		effect  isapitest.Effect
		away    time.Duration
		status  int
		outcome camsec.Outcome
		is      error
	}{
		{name: "good", away: 40 * time.Second, outcome: camsec.Applied},
		{name: "answer lost", effect: isapitest.LostAfter, away: 40 * time.Second, outcome: camsec.Applied},
		{name: "lost before", effect: isapitest.LostBefore, away: 40 * time.Second, outcome: camsec.NotApplied, is: errAny},
		{name: "ignored", effect: isapitest.Ignored, away: 40 * time.Second, outcome: camsec.NotApplied, is: isapi.ErrIgnored},
		{name: "does not come back", away: time.Hour, is: camsec.ErrUncertain},
		{name: "forbidden", status: 403, outcome: camsec.NotApplied, is: camsec.ErrForbidden},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := isapitest.CurrentCamera()
				p.RestartTime = tt.away
				b := benchOver(t, "http", p, nil)
				defer b.stop()
				b.Misbehave("PUT /ISAPI/System/reboot", isapitest.Behaviour{Effect: tt.effect})
				if tt.status != 0 {
					b.Fail("PUT /ISAPI/System/reboot", tt.status, "")
				}
				c, err := b.client.Reboot(t.Context())
				assert.Equal(t, tt.outcome, c.Outcome, "%v", err)
				if tt.is != nil && !errors.Is(tt.is, errAny) {
					require.ErrorIs(t, err, tt.is)
				}
				assert.Equal(t, tt.is == nil, err == nil)
				assert.Len(t, b.tap.writes(), 1)
			})
		})
	}
}

// A device that tells no limit judges for itself, as does one that tells none
// that is one.
func TestConfigurationKeyWithoutALimit(t *testing.T) {
	for _, caps := range []string{"", `<cfgFileSecretKeyLenLimit/>`, `<cfgFileSecretKeyLenLimit max="0"/>`, `<cfgFileSecretKeyLenLimit max="x"/>`} {
		f := &fake{answers: map[string]answer{
			"GET /ISAPI/Security/capabilities":                     {body: "<SecurityCap>" + caps + "</SecurityCap>"},
			"GET /ISAPI/System/configurationData?secretkey=a-key+": {body: "\x01file"},
		}}
		file, err := client(t, f).ExportConfiguration(t.Context(), secret("a-key "))
		require.NoError(t, err, caps)
		assert.Equal(t, "\x01file", string(file))
	}
}

func TestConfiguration(t *testing.T) {
	for name, post := range map[string]bool{"PUT": false, "POST": true} {
		t.Run(name, func(t *testing.T) {
			p := isapitest.CurrentCamera()
			p.ImportByPost = post
			b := benchOver(t, "http", p, nil)
			before := b.State()
			key := secret("K-export-1")
			file, err := b.client.ExportConfiguration(t.Context(), key)
			require.NoError(t, err)
			assert.NotContains(t, string(file), "deviceName")
			_, err = b.client.SetSSH(t.Context(), true)
			require.NoError(t, err)

			c, err := b.client.ImportConfiguration(t.Context(), secret("Wrong-key-1"), file)
			require.ErrorContains(t, err, "importCfgFilePasswordErr")
			assert.Equal(t, camsec.NotApplied, c.Outcome)
			assert.NotContains(t, err.Error(), "Wrong-key-1")

			c, err = b.client.ImportConfiguration(t.Context(), key, file)
			require.ErrorIs(t, err, isapi.ErrUnproven)
			assert.True(t, c.RebootRequired)
			holdState(t, before, b.State(), "imported")

			_, err = b.client.ImportConfiguration(t.Context(), key, nil)
			require.Error(t, err)
			_, err = b.client.ExportConfiguration(t.Context(), camsec.Secret{})
			require.Error(t, err)
			_, err = b.client.ExportConfiguration(t.Context(), secret(strings.Repeat("long", 9)))
			require.ErrorContains(t, err, "takes 16")
			_, err = b.client.ExportConfiguration(t.Context(), secret("sixteen-letters!"))
			require.NoError(t, err)
			b.Fail("GET /ISAPI/System/configurationData", http.StatusForbidden, "")
			_, err = b.client.ExportConfiguration(t.Context(), key)
			require.ErrorIs(t, err, camsec.ErrForbidden)
			assert.NotContains(t, err.Error(), "K-export-1")
		})
	}
}
