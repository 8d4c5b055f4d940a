package isapi_test

import (
	"errors"
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

// A mishap is what becomes of a write, and what must be told of it.
type mishap struct {
	name    string
	arrange func(b *bench, path string)
	outcome camsec.Outcome
	is      error // that the error matches; nil: no error
	reboot  bool
	holds   bool // the device holds the new value in the end
}

func misbehave(e isapitest.Effect, delay time.Duration) func(*bench, string) {
	return func(b *bench, path string) {
		b.Misbehave("PUT "+path, isapitest.Behaviour{Effect: e, Delay: delay})
	}
}

func refuse(status int, body string) func(*bench, string) {
	return func(b *bench, path string) { b.Fail("PUT "+path, status, body) }
}

func mishaps() []mishap {
	const said200 = `<ResponseStatus><requestURL></requestURL><statusCode>6</statusCode><statusString>Invalid XML Content</statusString>` +
		`<subStatusCode>badXmlContent</subStatusCode></ResponseStatus>`
	return []mishap{
		{name: "reply lost before effect", arrange: misbehave(isapitest.LostBefore, 0), outcome: camsec.NotApplied, is: errLost},
		{name: "reply lost after effect", arrange: misbehave(isapitest.LostAfter, 0), outcome: camsec.Applied, holds: true},
		{name: "effect after the reply was lost", arrange: misbehave(isapitest.LostLate, 10*time.Second), outcome: camsec.Applied, holds: true},
		{name: "device restarts", arrange: misbehave(isapitest.LostRestart, 0), outcome: camsec.Applied, holds: true},
		{name: "needs a restart", arrange: misbehave(isapitest.Rebooting, 0), outcome: camsec.Applied, reboot: true, holds: true},
		{
			name: "shows only after a restart", arrange: misbehave(isapitest.AtReboot, 0),
			outcome: camsec.OutcomeUnknown, is: camsec.ErrUncertain, reboot: true,
		},
		{name: "silent no-op", arrange: misbehave(isapitest.Ignored, 0), outcome: camsec.NotApplied, is: isapi.ErrIgnored},
		{name: "refused with 200", arrange: refuse(http.StatusOK, said200), outcome: camsec.NotApplied, is: errAny},
		{name: "refused with 400", arrange: refuse(http.StatusBadRequest, ""), outcome: camsec.NotApplied, is: errAny},
		{name: "refused with 403", arrange: refuse(http.StatusForbidden, ""), outcome: camsec.NotApplied, is: camsec.ErrForbidden},
		{name: "refused with 500", arrange: refuse(http.StatusInternalServerError, ""), outcome: camsec.NotApplied, is: errAny},
		{name: "busy", arrange: refuse(http.StatusServiceUnavailable, ""), outcome: camsec.NotApplied, is: camsec.ErrBusy},
		{
			name: "refused with 401", outcome: camsec.NotApplied, is: camsec.ErrUnauthorized,
			arrange: func(b *bench, path string) {
				b.Host().Script(authtest.Fault{
					On: "PUT " + path, AfterLogin: true, Status: http.StatusUnauthorized,
					Header: http.Header{"Www-Authenticate": {`Digest realm="x", nonce="y", qop="auth", algorithm=SHA-256, stale="FALSE"`}},
					Body:   []byte("<userCheck><statusValue>401</statusValue></userCheck>"),
				})
			},
		},
		{
			name: "reply cut", outcome: camsec.NotApplied, is: errLost,
			arrange: func(b *bench, path string) {
				b.Host().Script(authtest.Fault{On: "PUT " + path, AfterLogin: true, Body: []byte("<ResponseStatus>"), Cut: 5})
			},
		},
		{
			name: "gone after the write", outcome: camsec.OutcomeUnknown, is: camsec.ErrUncertain, holds: true,
			arrange: func(b *bench, path string) {
				b.Misbehave("PUT "+path, isapitest.Behaviour{Effect: isapitest.LostRestart})
			},
		},
	}
}

// errAny and errLost stand for an error of no value of package camsec.
var errAny, errLost = assert.AnError, assert.AnError

// everything is a device that has every setting.
func everything() isapitest.Profile {
	p := kept()
	p.RestartTime = 10 * time.Second
	p.RTSPDocument = true
	return p
}

// Every write meets every mishap: the outcome is right, one write was sent, and
// of all that the device holds nothing else changed.
func TestWriteMishaps(t *testing.T) {
	for _, id := range isapi.SettableSettings() {
		if id == "service.https" {
			continue // cannot be switched over https: see the guards
		}
		var good goodWrite
		t.Run(id, func(t *testing.T) { good = write(t, id) })
		for _, m := range mishaps() {
			t.Run(id+"/"+m.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { meet(t, id, m, good) })
			})
		}
	}
}

// A goodWrite is what a setting's write does to a device that is well.
type goodWrite struct {
	value camsec.Value
	paths []string
	state map[string]string
}

func write(t *testing.T, id string) (good goodWrite) {
	b := newBench(t, everything(), nil)
	odd(b.Device)
	settings, err := b.client.Device().Settings(t.Context())
	require.NoError(t, err)
	s := (&camsec.Snapshot{Settings: settings}).Setting(id)
	require.Nil(t, s.Err)
	good.value = otherValue(s)
	_, err = b.client.Device().SetSetting(t.Context(), id, good.value)
	require.NoError(t, err)
	for _, w := range b.tap.writes() {
		path, _, _ := strings.Cut(w.uri, "?")
		good.paths = append(good.paths, path)
	}
	good.state = b.State()
	return good
}

func meet(t *testing.T, id string, m mishap, good goodWrite) {
	p := everything()
	if m.name == "gone after the write" {
		p.RestartTime = time.Hour
	}
	scheme := "http" // handshakes take most of the time otherwise
	if id == "service.http" || id == "http.redirect" {
		scheme = "https"
	}
	b := benchOver(t, scheme, p, nil)
	defer b.Close()
	odd(b.Device)
	dev := b.client.Device()
	for _, path := range good.paths {
		m.arrange(b, path)
	}
	before := b.State()

	c, err := dev.SetSetting(t.Context(), id, good.value)
	assert.Equal(t, m.outcome, c.Outcome, "%v", err)
	assert.Equal(t, m.reboot, c.RebootRequired)
	switch {
	case m.is == nil:
		require.NoError(t, err)
		assert.NotEmpty(t, c.Proof)
	case errors.Is(m.is, errAny):
		require.Error(t, err)
		require.NotErrorIs(t, err, camsec.ErrUncertain)
	default:
		require.ErrorIs(t, err, m.is)
	}
	if err != nil {
		assert.Empty(t, c.Proof)
	}

	seen := map[string]int{}
	for _, w := range b.tap.writes() {
		path, _, _ := strings.Cut(w.uri, "?")
		assert.Contains(t, good.paths, path)
		seen[path]++
	}
	for path, n := range seen {
		assert.Equal(t, 1, n, "%s was written more than once", path)
	}
	if !errors.Is(m.is, camsec.ErrUnauthorized) {
		assert.NotEmpty(t, seen)
	}
	switch {
	case m.outcome == camsec.Applied:
		holdState(t, good.state, b.State(), "applied")
	case m.holds && len(good.paths) == 1:
		holdState(t, good.state, b.State(), "applied, not to be told")
	case m.holds:
	default:
		holdState(t, before, b.State(), "not applied")
	}
	most := 0
	if errors.Is(m.is, camsec.ErrUnauthorized) {
		most = 1
	}
	assert.LessOrEqual(t, b.Host().FailedLogins(), most)
}
