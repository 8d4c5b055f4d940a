package isapi_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
)

var sentinels = []error{
	camsec.ErrUnauthorized, camsec.ErrForbidden, camsec.ErrLocked, camsec.ErrNotActivated, camsec.ErrWeakPassword,
	camsec.ErrNotFound, camsec.ErrUntrusted, camsec.ErrMalformed, camsec.ErrUncertain, camsec.ErrBusy, errors.ErrUnsupported,
}

func TestRefusals(t *testing.T) {
	status := func(code, sub string) string {
		return `<ResponseStatus version="2.0" xmlns="http://www.isapi.com/ver20/XMLSchema"><requestURL></requestURL><statusCode>` + code +
			`</statusCode><statusString>Words</statusString><subStatusCode>` + sub + `</subStatusCode></ResponseStatus>`
	}
	for _, tc := range []struct {
		name string
		http int
		body string
		want error // nil: matches none of the root's
	}{
		{"403 not supported", 403, status("4", "notSupport"), errors.ErrUnsupported},
		{"403 low privilege", 403, status("4", "lowPrivilege"), camsec.ErrForbidden},
		{"403 locked", 403, `<userCheck><statusValue>401</statusValue><lockStatus>locked</lockStatus><unlockTime>60</unlockTime></userCheck>`, camsec.ErrLocked},
		{"403 locked by code", 403, status("4", "deviceIsLocked"), camsec.ErrLocked},
		{"403 bad parameters", 403, status("6", "badParameters"), nil},
		{"403 not activated", 403, status("4", "notActivated"), camsec.ErrNotActivated},
		{"403 without a word", 403, "", nil},
		{"403 with a page", 403, "<html></html>", nil},
		{"400 method", 400, status("4", "methodNotAllowed"), errors.ErrUnsupported},
		{"404 of old firmware", 404, "<html></html>", errors.ErrUnsupported},
		{"200 weak password", 200, status("6", "riskPassword"), camsec.ErrWeakPassword},
		{"200 weak password with status 1", 200, status("1", "riskPassword"), camsec.ErrWeakPassword},
		{"200 busy", 200, status("2", "deviceBusy"), camsec.ErrBusy},
		{"200 busy, unknown word", 200, status("2", "whatever"), camsec.ErrBusy},
		{"200 without a code", 200, `<ResponseStatus/>`, nil},
		{"500 device error", 500, status("3", "deviceError"), nil},
		{"no such user", 200, status("4", "userInexistence"), camsec.ErrNotFound},
		{"503 not supported", 503, status("4", "notSupport"), errors.ErrUnsupported},
		{"JSON not supported", 403, `{"requestURL":"","statusCode":4,"statusString":"Invalid Operation","subStatusCode":"notSupport","errorCode":1073741825,"errorMsg":"notSupport"}`, errors.ErrUnsupported},
		{"JSON weak password", 200, `{"statusCode":6,"subStatusCode":"riskPassword","errorMsg":"bad"}`, camsec.ErrWeakPassword},
		{"wrong shape", 200, `<SSH/>`, camsec.ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := &fake{other: answer{status: tc.http, body: tc.body}}
			_, err := client(t, f).DeviceInfo(t.Context())
			require.Error(t, err)
			for _, s := range sentinels {
				require.Equal(t, s == tc.want, errors.Is(err, s), "%v: %v", s, err) //nolint:errorlint // identity of the table
			}
			if tc.want != camsec.ErrMalformed { //nolint:errorlint // identity of the table
				var e *isapi.Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, "GET /ISAPI/System/deviceInfo", e.Op)
				require.Equal(t, tc.http, e.HTTPStatus)
			}
			require.NotContains(t, err.Error(), "bad\n")
		})
	}
}

func TestErrorTextHoldsNoFreeText(t *testing.T) {
	f := &fake{other: answer{status: 400, body: `{"statusCode":6,"subStatusCode":"bad\u001b[2J","errorMsg":"you sent hunter2"}`}}
	_, err := client(t, f).SSH(t.Context())
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
	require.NotContains(t, err.Error(), "\x1b")
	var e *isapi.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "you sent hunter2", e.ErrorMsg)
}

func TestErrorText(t *testing.T) {
	for text, e := range map[string]*isapi.Error{
		"isapi: GET /x: HTTP 403":                          {Op: "GET /x", HTTPStatus: 403},
		"isapi: GET /x: HTTP 403, Invalid Operation":       {Op: "GET /x", HTTPStatus: 403, StatusString: "Invalid Operation"},
		"isapi: GET /x: HTTP 403, status 4, notSupport":    {Op: "GET /x", HTTPStatus: 403, StatusCode: 4, StatusString: "Words", SubStatusCode: "notSupport", ErrorMsg: "free"},
		"isapi: GET /x: HTTP 200, status 6, \uFFFDstrange": {Op: "GET /x", HTTPStatus: 200, StatusCode: 6, SubStatusCode: "\x1bstrange"},
	} {
		require.EqualError(t, e, text)
	}
}

// The edges of what is a success, and of what is a number.
func TestRefusalEdges(t *testing.T) {
	const fine = `<ResponseStatus><statusCode>1</statusCode></ResponseStatus>`
	for status, refused := range map[int]bool{199: true, 200: false, 201: false, 299: false, 400: true} {
		_, err := isapi.CheckStatus(isapi.Operation{}, &wire.Response{Status: status, Header: http.Header{}, Body: []byte(fine)})
		require.Equal(t, refused, err != nil, "%d", status)
	}
	for code, want := range map[string]int{"65535": 65535, "65536": 0, "-1": 0, "x": 0, "0": 0} {
		body := `<ResponseStatus><statusCode>` + code + `</statusCode></ResponseStatus>`
		_, err := isapi.CheckStatus(isapi.Operation{}, &wire.Response{Status: 400, Header: http.Header{}, Body: []byte(body)})
		var e *isapi.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, want, e.StatusCode, code)
	}
}

func TestCheckStatus(t *testing.T) {
	op := isapi.Operation{Method: "PUT", Path: "/ISAPI/System/Network/ssh"}
	check := func(body string) (bool, error) {
		return isapi.CheckStatus(op, &wire.Response{Status: 200, Header: http.Header{}, Body: []byte(body)})
	}
	for code, reboot := range map[string]bool{"0": false, "1": false, "7": true} {
		got, err := check(`<ResponseStatus><statusCode>` + code + `</statusCode></ResponseStatus>`)
		require.NoError(t, err, code)
		require.Equal(t, reboot, got, code)
	}
	_, err := check(`<ResponseStatus><statusCode>7</statusCode><subStatusCode>rebootRequired</subStatusCode></ResponseStatus>`)
	require.NoError(t, err)
	_, err = check(`<ResponseStatus><statusCode>6</statusCode></ResponseStatus>`)
	var e *isapi.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 6, e.StatusCode)
	for _, body := range []string{"", "<html></html>", "<SSH><enabled>true</enabled></SSH>"} {
		_, err = check(body)
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}
