package onvif_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
)

// Whatever a device answers is its response, a fault or malformed, and never
// none of them.
func FuzzEnvelope(f *testing.F) {
	f.Add(200, "application/soap+xml", envelope("<t:GetUsersResponse><t:User><t:Username>a</t:Username></t:User></t:GetUsersResponse>"))
	f.Add(400, "", envelope(fault("env:Sender", "You still have 22 attempt(s)", "ter:NotAuthorized")))
	f.Add(500, "text/html", envelope(fault("env:Reveiver", "x", "ter:InvalidDot11", "ter:ActionNotSupported")))
	f.Add(200, `multipart/related; boundary="b"`, []byte("--b\r\n\r\n"+string(envelope("<GetUsersResponse/>"))+"\r\n--b--\r\n"))
	f.Add(501, "", []byte("<html>"))
	f.Add(200, "", []byte("<e:Fault/>"))
	f.Fuzz(func(t *testing.T, status int, kind string, body []byte) {
		if status < 200 || status > 599 || len(body) > 1<<16 {
			return
		}
		err := onvif.ReadAnswer("GetUsers", status, kind, body)
		if err == nil {
			require.Less(t, status, 300)
			return
		}
		require.Less(t, len(err.Error()), 2000)
		if fault, ok := errors.AsType[*onvif.Fault](err); ok {
			require.Equal(t, status, fault.HTTPStatus)
			require.GreaterOrEqual(t, fault.TriesLeft, -1)
			camsec.ReasonOf(err)
			return
		}
		require.ErrorIs(t, err, camsec.ErrMalformed)
	})
}

// However a fault is written, and at whatever status and depth, it is a typed
// error; the device's sentences stay out of its text.
func FuzzFault(f *testing.F) {
	f.Add(200, "env:Sender", "ter:NotAuthorized", "", "You still have 22 attempt(s)", "", uint8(0))
	f.Add(500, "env:Reveiver", "ter:InvalidDot11", "ter:ActionNotSupported", "x", "Password rejected: hunter2", uint8(3))
	f.Add(501, "", "", "", "", "", uint8(40))
	f.Fuzz(func(t *testing.T, status int, code, sub, subsub, reason, detail string, depth uint8) {
		if status < 200 || status > 599 || len(code)+len(sub)+len(subsub)+len(reason)+len(detail) > 4000 || depth > 50 {
			return
		}
		esc := func(s string) string {
			var b strings.Builder
			_ = xml.EscapeText(&b, []byte(s)) // a Builder takes it all
			return b.String()
		}
		value := func(s string) string { return "<e:Value>" + esc(s) + "</e:Value>" }
		body := "<e:Fault><e:Code>" + value(code) + "<e:Subcode>" + value(sub) + "<e:Subcode>" + value(subsub) + "</e:Subcode></e:Subcode></e:Code>" +
			"<e:Reason><e:Text>" + esc(reason) + "</e:Text></e:Reason><e:Detail>" + esc(detail) + "</e:Detail></e:Fault>"
		err := onvif.ReadAnswer("GetUsers", status, "application/soap+xml", envelope(strings.Repeat("<x>", int(depth))+body+strings.Repeat("</x>", int(depth))))
		fault, ok := errors.AsType[*onvif.Fault](err)
		require.True(t, ok, "%v", err)
		require.Equal(t, status, fault.HTTPStatus)
		require.Len(t, fault.Subcodes, 2)
		require.Less(t, len(err.Error()), 500)
		if words := strings.TrimSpace(detail); len(words) > 12 && !strings.Contains(code+sub+subsub, words) {
			require.NotContains(t, err.Error(), words)
		}
		meanings := 0
		for _, e := range []error{
			camsec.ErrUnauthorized, camsec.ErrForbidden, camsec.ErrLocked, camsec.ErrWeakPassword, camsec.ErrNotFound, camsec.ErrBusy, errors.ErrUnsupported,
			onvif.ErrFull, onvif.ErrInUse, onvif.ErrNoTLS, onvif.ErrNoPolicy, onvif.ErrPortInUse, onvif.ErrUserExists, onvif.ErrFixedUser,
		} {
			if errors.Is(err, e) {
				meanings++
			}
		}
		require.LessOrEqual(t, meanings, 1, "it means one thing")
		camsec.ReasonOf(err)
	})
}

// No clock of a device makes a time that is out of range, or an offset that
// overflows.
func FuzzClock(f *testing.F) {
	f.Add("126", "11", "24", "20", "15", "0")
	f.Add("2026", "2", "31", "24", "60", "61")
	f.Add("1979", "1", "1", "0", "0", "0")
	f.Add("-9223372036854775808", "13", "", "x", "1e9", "00")
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	f.Fuzz(func(t *testing.T, year, month, day, hour, minute, second string) {
		for _, s := range []string{year, month, day, hour, minute, second} {
			if len(s) > 40 {
				return
			}
		}
		clock := fmt.Sprintf("<Time><Hour>%s</Hour><Minute>%s</Minute><Second>%s</Second></Time><Date><Year>%s</Year><Month>%s</Month><Day>%s</Day></Date>", hour, minute, second, year, month, day)
		body := envelope("<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime>" + clock + "</UTCDateTime><LocalDateTime>" + clock + "</LocalDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>")
		c, err := onvif.New("http://192.0.2.1", nil, &onvif.Options{Base: canned{kind: "application/soap+xml", body: body}, Now: func() time.Time { return now }})
		require.NoError(t, err)
		d, err := c.SystemDateAndTime(t.Context())
		if err != nil {
			return
		}
		off, ok := d.Offset(now)
		if !ok {
			require.True(t, d.UTC.IsZero())
			return
		}
		require.GreaterOrEqual(t, d.UTC.Year(), 2015)
		require.LessOrEqual(t, d.UTC.Year(), 2101)
		require.Less(t, off.Abs(), 100*365*24*time.Hour)
		require.True(t, now.Add(off).Equal(d.UTC))
	})
}

func FuzzDuration(f *testing.F) {
	f.Add("P1DT2H3M4.5S")
	f.Add("PT999999999999999H")
	f.Fuzz(func(t *testing.T, s string) {
		d := onvif.Seconds(s)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.LessOrEqual(t, d, 2*366*24*time.Hour)
	})
}
