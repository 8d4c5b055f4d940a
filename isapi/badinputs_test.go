package isapi_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
)

// Replies with 200 that are no answer. The numbers are those of the project's
// list of bad inputs.
func TestBadAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"case 37: a login page":            "<!DOCTYPE html>\n<html><head><title>Login</title></head><body><form></form></body></html>",
		"case 37: a login page, no prolog": "<html><body>login<br></body></html>",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, &fake{other: answer{status: 200, body: body}}).DeviceInfo(t.Context())
			require.Equal(t, wire.KindContent, wire.KindOf(err), "%v", err)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.Contains(t, err.Error(), "html")
			require.NotContains(t, err.Error(), "form")
		})
	}
	t.Run("case 38: a ResponseStatus that says no", func(t *testing.T) {
		info, err := client(t, &fake{other: answer{status: 200, body: `<?xml version="1.0" encoding="UTF-8"?>
<ResponseStatus version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema">
<requestURL>/ISAPI/System/deviceInfo</requestURL><statusCode>4</statusCode>
<statusString>Invalid Operation</statusString><subStatusCode>notSupport</subStatusCode>
</ResponseStatus>`}}).DeviceInfo(t.Context())
		var e *isapi.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, 200, e.HTTPStatus)
		require.Equal(t, 4, e.StatusCode)
		require.Equal(t, "notSupport", e.SubStatusCode)
		require.ErrorIs(t, err, errors.ErrUnsupported)
		require.Zero(t, info)
	})
}

func TestBadDates(t *testing.T) {
	now := time.Date(2026, 3, 26, 12, 0, 0, 0, time.UTC)
	for local, want := range map[string]string{ // what it is in UTC; empty: it does not tell
		"1970-01-01T00:00:12+00:00":      "1970-01-01T00:00:12Z",
		"2038-01-19T03:14:08Z":           "2038-01-19T03:14:08Z",
		"2106-02-07T06:28:16+08:00":      "2106-02-06T22:28:16Z",
		"9999-12-31T23:59:59Z":           "9999-12-31T23:59:59Z",
		"2026-03-26T12:50:48+08:00":      "2026-03-26T04:50:48Z",
		"2026-03-26T12:50:48":            "", // no zone
		"2026-03-26T24:00:00Z":           "", // an hour that is none
		"2026-02-30T12:00:00Z":           "",
		"2026-03-26 12:50:48Z":           "",
		"99999-01-01T00:00:00Z":          "",
		"-0001-01-01T00:00:00Z":          "",
		"2026-03-26T12:50:48+99:99":      "",
		"1774500648":                     "",
		"":                               "",
		"2026-03-26T12:50:48.123+08:00 ": "",
	} {
		t.Run("case 100: "+local, func(t *testing.T) {
			at := isapi.Time{Mode: "manual", Local: local}
			v, ok := at.Instant()
			_, told := at.Offset(now)
			require.Equal(t, ok, told)
			if want == "" {
				require.False(t, ok, "%v", v)
				return
			}
			require.True(t, ok)
			require.Equal(t, want, v.UTC().Format(time.RFC3339))
		})
	}
}
