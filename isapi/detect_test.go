package isapi_test

import (
	"context"
	"net/http"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func TestDetect(t *testing.T) {
	const info, activate = "GET /ISAPI/System/deviceInfo", "GET /SDK/activateStatus"
	page := answer{status: http.StatusUnauthorized, body: "<html><body>Login</body></html>"}
	activated := answer{body: "<ActivateStatus><Activated>true</Activated></ActivateStatus>"}
	for name, tc := range map[string]struct {
		answers map[string]answer
		want    camsec.State
		err     error
		sent    int
	}{
		"a document without a login": {map[string]answer{info: {body: "<DeviceInfo><model>x</model></DeviceInfo>"}}, camsec.StateOn, nil, 1},
		"a refusal in its own words": {map[string]answer{info: {status: 401, body: "<userCheck><statusValue>401</statusValue></userCheck>"}}, camsec.StateOn, nil, 1},
		"a status":                   {map[string]answer{info: {status: 403, body: "<responsestatus/>"}}, camsec.StateOn, nil, 1},
		"a page":                     {map[string]answer{info: {body: "<html></html>"}}, camsec.StateOff, nil, 1},
		"no such path":               {map[string]answer{info: {status: 404, body: "<a/>"}}, camsec.StateOff, nil, 1},
		"elsewhere":                  {map[string]answer{info: {status: 302}}, camsec.StateOff, nil, 1},
		"no HTTP":                    {map[string]answer{info: {err: &wire.Error{Kind: wire.KindProtocol}}}, camsec.StateOff, nil, 1},
		"no answer":                  {map[string]answer{info: {err: syscall.ECONNREFUSED}}, camsec.StateUnknown, syscall.ECONNREFUSED, 1},
		"asks for a login, and is":   {map[string]answer{info: page, activate: activated}, camsec.StateOn, nil, 2},
		"forbidden, and is":          {map[string]answer{info: {status: 403}, activate: activated}, camsec.StateOn, nil, 2},
		"asks for any path":          {map[string]answer{info: page, activate: page}, camsec.StateUnknown, nil, 2},
		"knows no such path":         {map[string]answer{info: page}, camsec.StateUnknown, nil, 2},
		"another document":           {map[string]answer{info: page, activate: {body: "<Other/>"}}, camsec.StateUnknown, nil, 2},
		"is gone meanwhile":          {map[string]answer{info: page, activate: {err: syscall.ECONNREFUSED}}, camsec.StateUnknown, nil, 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answers: tc.answers}
			got, err := client(t, f).Detect(t.Context())
			require.Equal(t, tc.want, got)
			if tc.err == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.err)
			}
			require.Len(t, f.sent, tc.sent)
		})
	}
	t.Run("given up between the two", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := &fake{answers: map[string]answer{info: page, activate: {err: context.Canceled}}}
		f.heard = func(key string) {
			if key == activate {
				cancel()
			}
		}
		got, err := client(t, f).Detect(ctx)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, camsec.StateUnknown, got)
	})
}
