package isapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// heard collects what a client hears until it ends or has heard n.
func heard(ctx context.Context, c *isapi.Client, o *isapi.AlertOptions, n int) (alerts []isapi.Alert, faults []error) {
	for a, err := range c.Alerts(ctx, o) {
		if err != nil {
			faults = append(faults, err)
		} else {
			alerts = append(alerts, a)
		}
		if n > 0 && len(alerts)+len(faults) >= n {
			break
		}
	}
	return alerts, faults
}

// An illegal login is told to who listens, between heartbeats, in XML by
// cameras and in JSON by others.
func TestAlertStream(t *testing.T) {
	for name, p := range map[string]isapitest.Profile{"XML": isapitest.CurrentCamera(), "JSON": isapitest.ThermalCamera()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benchOver(t, "http", p, &isapi.Options{ReadOnly: true})
				defer b.stop()
				go func() {
					time.Sleep(25 * time.Second) // three heartbeats
					b.Alert("VMD", "active", 1)
					stranger, err := isapi.New("http://camera.test", auth.Static("admin", secret("not-the-one")), &isapi.Options{Base: b.Transport()})
					if err == nil {
						_, _ = stranger.DeviceInfo(context.Background())
					}
				}()
				alerts, faults := heard(t.Context(), b.client, nil, 5)
				require.Empty(t, faults)
				for _, a := range alerts[:3] {
					assert.True(t, a.Heartbeat(), "%+v", a)
					assert.False(t, a.IllegalLogin())
				}
				assert.Equal(t, "VMD", alerts[3].Type)
				assert.Equal(t, "1", alerts[3].Channel)
				assert.False(t, alerts[3].Heartbeat())
				assert.True(t, alerts[4].IllegalLogin(), "%+v", alerts[4])
				assert.Equal(t, camsec.StateOn, alerts[4].Active)
				assert.Empty(t, alerts[4].Channel)
				assert.WithinDuration(t, time.Now(), alerts[4].Time, time.Second)
				time.Sleep(time.Minute)
				b.Alert("VMD", "inactive", 1)
				time.Sleep(time.Second)
				assert.Zero(t, b.Listeners(), "who stops listening is gone")
			})
		})
	}
}

// A stream ends by the caller, by silence or by the device, and says which.
func TestAlertStreamEnds(t *testing.T) {
	type end struct {
		do func(b *bench, cancel context.CancelFunc)
		is error
	}
	for name, e := range map[string]end{
		"cancelled":  {func(_ *bench, cancel context.CancelFunc) { cancel() }, context.Canceled},
		"silent":     {func(b *bench, _ context.CancelFunc) { b.Silence(true) }, context.DeadlineExceeded},
		"hung up":    {func(b *bench, _ context.CancelFunc) { b.HangUp(true) }, io.ErrUnexpectedEOF},
		"broken off": {func(b *bench, _ context.CancelFunc) { b.HangUp(false) }, io.ErrUnexpectedEOF},
		"restarted":  {func(b *bench, _ context.CancelFunc) { b.Restart() }, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := isapitest.CurrentCamera()
				p.RestartTime = time.Minute
				b := benchOver(t, "http", p, nil)
				defer b.stop()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					time.Sleep(15 * time.Second)
					e.do(b, cancel)
				}()
				start := time.Now()
				alerts, faults := heard(ctx, b.client, nil, 0)
				assert.Len(t, alerts, 2)
				require.Len(t, faults, 1)
				require.ErrorIs(t, faults[0], e.is)
				limit := 20 * time.Second
				if name == "silent" {
					limit = 10*time.Second + time.Minute // after the last heartbeat
				}
				assert.LessOrEqual(t, time.Since(start), limit)
			})
		})
	}
}

// A caller who takes long is no silent device.
func TestAlertStreamSlowCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
		defer b.stop()
		n := 0
		for _, err := range b.client.Alerts(t.Context(), &isapi.AlertOptions{Idle: 11 * time.Second}) {
			require.NoError(t, err)
			time.Sleep(time.Minute)
			if n++; n == 4 {
				break
			}
		}
		assert.Equal(t, 4, n)
	})
}

// An event that cannot be read does not end the stream; what bounds are for
// does.
func TestAlertStreamBadParts(t *testing.T) {
	const xml = "Content-Type: application/xml\r\n\r\n"
	event := func(kind string) string {
		return "<EventNotificationAlert><eventType>" + kind + "</eventType><eventState>active</eventState></EventNotificationAlert>\r\n"
	}
	for name, tt := range map[string]struct {
		parts  []string
		types  []string
		faults []wire.Kind // KindUnknown: any that matches ErrMalformed
		ends   bool
	}{
		"no length":      {parts: []string{xml + event("a"), xml + event("b")}, types: []string{"a", "b"}},
		"no type at all": {parts: []string{"\r\n" + event("a"), xml + event("b")}, types: []string{"a", "b"}},
		"length too short": {
			parts: []string{"Content-Length: 20\r\n\r\n" + event("a"), xml + event("b")}, types: []string{"b"},
			faults: []wire.Kind{wire.KindTruncated},
		},
		"length of no use": {parts: []string{"Content-Length: many\r\n\r\n" + event("a"), xml + event("b")}, types: []string{"a", "b"}},
		"a picture":        {parts: []string{"Content-Type: image/jpeg\r\nContent-Length: 6\r\n\r\n\xff\xd8--\r\n\r\n", xml + event("b")}, types: []string{"b"}},
		"a picture without length": {
			parts: []string{"Content-Type: image/pjpeg\r\n\r\n\xff\xd8\n" + strings.Repeat("x", 400<<10) + "\r\n", xml + event("b")}, types: []string{"b"},
		},
		"garbage":        {parts: []string{xml + "<<<<\r\n", xml + event("b")}, types: []string{"b"}, faults: []wire.Kind{wire.KindUnknown}},
		"another":        {parts: []string{xml + "<SubscribeEventResponse/>\r\n", xml + event("b")}, types: []string{"b"}, faults: []wire.Kind{wire.KindUnknown}},
		"a DTD":          {parts: []string{xml + "<!DOCTYPE x [<!ENTITY a 'b'>]>" + event("&a;"), xml + event("b")}, types: []string{"b"}, faults: []wire.Kind{wire.KindDTD}},
		"empty":          {parts: []string{xml, "Content-Length: 0\r\n\r\n", xml + event("b")}, types: []string{"b"}, faults: []wire.Kind{wire.KindUnknown, wire.KindUnknown}},
		"no type":        {parts: []string{xml + event(""), xml + event("b")}, types: []string{"b"}, faults: []wire.Kind{wire.KindUnknown}},
		"JSON":           {parts: []string{"Content-Type: application/json\r\n\r\n{\"EventNotificationAlert\":{\"eventType\":\"a\"}}\r\n"}, types: []string{"a"}},
		"too long":       {parts: []string{"Content-Length: 2000000000\r\n\r\n", xml + event("b")}, faults: []wire.Kind{wire.KindTooLarge}, ends: true},
		"long, untold":   {parts: []string{xml + strings.Repeat("<a>\n", 100<<10), xml + event("b")}, faults: []wire.Kind{wire.KindTooLarge}, ends: true},
		"long header":    {parts: []string{"X: " + strings.Repeat("y", 64<<10) + "\r\n" + xml + event("a")}, faults: []wire.Kind{wire.KindTooLarge}, ends: true},
		"many headers":   {parts: []string{strings.Repeat("X: y\r\n", 99) + xml + event("a")}, faults: []wire.Kind{wire.KindTooLarge}, ends: true},
		"nothing but it": {parts: strings.Split(strings.Repeat(xml+"<x/>\r\n|", 20), "|"), faults: make([]wire.Kind, 16), ends: true},
	} {
		t.Run(name, func(t *testing.T) {
			body := "preamble\r\n"
			for _, p := range tt.parts {
				body += "--MIME_boundary\r\n" + p
			}
			body += "--MIME_boundary--\r\n"
			f := &fake{answers: map[string]answer{"GET /ISAPI/Event/notification/alertStream": {body: body, ctype: `multipart/mixed; boundary="MIME_boundary"`}}}
			alerts, faults := heard(t.Context(), client(t, f), nil, 0)
			var types []string
			for _, a := range alerts {
				types = append(types, a.Type)
			}
			assert.Equal(t, tt.types, types)
			if !tt.ends {
				require.NotEmpty(t, faults)
				require.ErrorIs(t, faults[len(faults)-1], io.ErrUnexpectedEOF)
				faults = faults[:len(faults)-1]
			}
			require.Len(t, faults, len(tt.faults), "%v", faults)
			for i, kind := range tt.faults {
				require.ErrorIs(t, faults[i], camsec.ErrMalformed)
				if kind != wire.KindUnknown {
					assert.Equal(t, kind, wire.KindOf(faults[i]), "%v", faults[i])
				}
			}
		})
	}
}

func TestAlertStreamRefused(t *testing.T) {
	const path = "GET /ISAPI/Event/notification/alertStream"
	for name, tt := range map[string]struct {
		answer answer
		is     error
	}{
		"forbidden":    {answer{status: 403, body: "<ResponseStatus><statusCode>4</statusCode><subStatusCode>lowPrivilege</subStatusCode></ResponseStatus>"}, camsec.ErrForbidden},
		"unknown":      {answer{status: 404}, errors.ErrUnsupported},
		"busy":         {answer{status: 503}, camsec.ErrBusy},
		"login page":   {answer{body: "<html>", ctype: "text/html"}, camsec.ErrMalformed},
		"no boundary":  {answer{body: "x", ctype: "multipart/mixed"}, camsec.ErrMalformed},
		"only dashes":  {answer{body: "x", ctype: "multipart/mixed; boundary=----"}, camsec.ErrMalformed},
		"redirect":     {answer{status: 302}, camsec.ErrMalformed},
		"unreachable":  {answer{err: errors.New("connection reset")}, nil},
		"status, 200":  {answer{body: "<ResponseStatus><statusCode>4</statusCode></ResponseStatus>", ctype: "application/xml"}, camsec.ErrMalformed},
		"not finished": {answer{body: "--x\r\nContent-Type: app", ctype: "multipart/mixed; boundary=x"}, io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			alerts, faults := heard(t.Context(), client(t, &fake{answers: map[string]answer{path: tt.answer}}), nil, 0)
			assert.Empty(t, alerts)
			require.Len(t, faults, 1)
			if tt.is != nil {
				require.ErrorIs(t, faults[0], tt.is)
			}
		})
	}
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	stranger, err := isapi.New("http://camera.test", auth.Static("admin", secret("not-the-one")), &isapi.Options{Base: b.Transport()})
	require.NoError(t, err)
	for range 3 {
		_, faults := heard(t.Context(), stranger, nil, 0)
		require.Len(t, faults, 1)
		require.ErrorIs(t, faults[0], camsec.ErrUnauthorized)
	}
	assert.Equal(t, 1, b.Host().FailedLogins(), "a refused login is not sent again")
}

// What recorded devices sent, framed as their streams are.
func TestRecordedAlerts(t *testing.T) {
	for file, boundary := range map[string]string{"alertStream_cam.jsonl": "boundary", "alertStream_nvr.jsonl": "<frontier>"} {
		f, err := os.Open(filepath.Join(recordings(t), "hiksink", file))
		require.NoError(t, err)
		defer f.Close()
		var body strings.Builder
		n := 0
		for lines := bufio.NewScanner(f); lines.Scan(); n++ {
			var line struct{ Content string }
			require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
			fmt.Fprintf(&body, "--%s\r\nContent-Type: application/xml; charset=\"UTF-8\"\r\nContent-Length: %d\r\n\r\n%s\r\n", boundary, len(line.Content), line.Content)
		}
		c := client(t, &fake{answers: map[string]answer{
			"GET /ISAPI/Event/notification/alertStream": {body: body.String(), ctype: "multipart/mixed; boundary=" + boundary},
		}})
		alerts, faults := heard(t.Context(), c, nil, 0)
		require.Len(t, faults, 1, "its end")
		require.Len(t, alerts, n)
		beats := 0
		for _, a := range alerts {
			assert.NotEmpty(t, a.Type)
			assert.NotEmpty(t, a.Channel)
			assert.NotEqual(t, camsec.StateUnknown, a.Active)
			assert.Equal(t, 2021, a.Time.Year())
			assert.False(t, a.IllegalLogin(), "none was recorded")
			if a.Heartbeat() {
				beats++
			}
		}
		assert.Equal(t, file == "alertStream_cam.jsonl", beats > 0, "recorders send none")
	}
}

// Whatever a device sends, it is read within bounds and without panic.
func FuzzAlerts(f *testing.F) {
	f.Add("b", "--b\r\nContent-Type: application/xml\r\nContent-Length: 9\r\n\r\n<a>1</a>\n--b--")
	f.Add("b", "x\n--b\n\n{\"eventType\":\"illaccess\",\"eventState\":\"active\"}\n--b\nContent-Type: image/jpeg\n\n\xff\xd8\n--b--\n")
	f.Add("--b", "----b\r\nContent-Length: 99999999999999999999\r\n\r\n")
	f.Fuzz(func(t *testing.T, boundary, body string) {
		c, err := isapi.New("192.0.2.7", nil, &isapi.Options{Base: &fake{answers: map[string]answer{
			"GET /ISAPI/Event/notification/alertStream": {body: body, ctype: "multipart/mixed; boundary=" + boundary},
		}}})
		require.NoError(t, err)
		alerts, faults := heard(t.Context(), c, nil, 0)
		require.NotEmpty(t, faults, "it ends, and says why")
		require.LessOrEqual(t, len(alerts), strings.Count(body, "\n")+1)
		for _, a := range alerts {
			require.NotEmpty(t, a.Type)
		}
	})
}

// Whatever a device says of its log ends, within bounds.
func FuzzLogSearch(f *testing.F) {
	f.Add("<CMSearchResult><responseStatusStrg>MORE</responseStatusStrg><matchList><searchMatchItem><metaId>a/b/c</metaId></searchMatchItem></matchList></CMSearchResult>")
	f.Add("<CMSearchResult><responseStatusStrg>NO MATCHES</responseStatusStrg></CMSearchResult>")
	f.Fuzz(func(t *testing.T, body string) {
		tr := &fake{answers: map[string]answer{searchPath: {body: body}}}
		c, err := isapi.New("192.0.2.7", nil, &isapi.Options{Base: tr})
		require.NoError(t, err)
		list, err := entries(c.SystemLog(t.Context(), isapi.LogQuery{Most: 300}))
		require.LessOrEqual(t, len(list), 300)
		require.LessOrEqual(t, len(tr.sent), 201)
		if err != nil {
			require.NotContains(t, err.Error(), "\x1b")
		}
	})
}
