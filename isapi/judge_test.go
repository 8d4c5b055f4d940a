package isapi

import (
	"errors"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// How the one request of a write ended: refused, done, or nobody knows; and, of
// the last, whether the device did answer.
func TestJudge(t *testing.T) {
	status := func(code, sub string) string {
		return "<ResponseStatus><statusCode>" + code + "</statusCode><subStatusCode>" + sub + "</subStatusCode></ResponseStatus>"
	}
	busy, elsewhere := &wire.Error{Kind: wire.KindBusy}, &wire.Error{Kind: wire.KindRedirect}
	broken := errors.New("connection reset")
	const done, refused, lost, failed = "done", "refused", "lost", "failed"
	for name, tc := range map[string]struct {
		status  int
		body    string
		err     error
		sent    bool
		ownBase bool
		want    string
	}{
		"done":                         {200, status("1", "ok"), nil, true, true, done},
		"nothing said":                 {200, "", nil, true, true, done},
		"refused with 200":             {200, status("6", "riskPassword"), nil, true, true, refused},
		"refused with 400":             {400, status("6", "badParameters"), nil, true, true, refused},
		"an error of the device":       {500, status("3", "deviceError"), nil, true, true, failed},
		"an error without words":       {500, "", nil, true, true, failed},
		"a refusal with 500":           {500, status("4", "whatever"), nil, true, true, refused},
		"a known word with 500":        {500, status("3", "notSupport"), nil, true, true, refused},
		"just below":                   {499, status("3", "deviceError"), nil, true, true, refused},
		"busy":                         {503, "", busy, true, true, failed},
		"busy, in a known word":        {503, status("4", "notSupport"), busy, true, true, refused},
		"busy, by number":              {503, status("2", "whatever"), busy, true, true, refused},
		"busy, in an unknown word":     {503, status("4", "whatever"), busy, true, true, failed},
		"too many":                     {429, "", busy, true, true, refused},
		"elsewhere":                    {302, "", elsewhere, true, true, refused},
		"broken off":                   {0, "", broken, true, true, lost},
		"broken before it went out":    {0, "", broken, false, true, refused},
		"broken, over another's base":  {0, "", broken, false, false, lost},
		"no connection":                {0, "", &net.OpError{Op: "dial", Err: broken}, false, false, refused},
		"a connection that broke":      {0, "", &net.OpError{Op: "read", Err: broken}, true, true, lost},
		"a refused login":              {0, "", &auth.Error{Kind: auth.KindRefused}, true, true, refused},
		"a device that proves nothing": {0, "", &auth.Error{Kind: auth.KindServer}, true, true, lost},
	} {
		t.Run(name, func(t *testing.T) {
			var resp *wire.Response
			if tc.status != 0 {
				resp = &wire.Response{Status: tc.status, Header: http.Header{}, Body: []byte(tc.body)}
			}
			a := (&Client{ownBase: tc.ownBase}).judge(writeOf("SetSSH"), resp, tc.err, tc.sent)
			assert.Equal(t, tc.want == refused, a.refused != nil, "%+v", a)
			assert.Equal(t, tc.want == lost || tc.want == failed, a.lost != nil, "%+v", a)
			assert.Equal(t, tc.want == failed, a.failed)
			assert.Equal(t, tc.want == done, a.reply != nil)
		})
	}
}

func TestLockMax(t *testing.T) {
	for attr, want := range map[string]int{`max="120"`: 120, `max=" 7200 "`: 7200, `max="0"`: 0, `max="-5"`: 0, `max="long"`: 0, "": 0} {
		doc, err := wire.ParseXML([]byte("<SecurityCap><maxIllegalLoginLockTime "+attr+"/></SecurityCap>"), "", wire.Small())
		assert.NoError(t, err)
		assert.Equal(t, want, lockMax(Capabilities{doc}), attr)
	}
}
