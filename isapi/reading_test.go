package isapi_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// What recorded devices say of their storage: cameras tell whether it is
// encrypted, recorders do not.
func TestStorageOfRecordedDevices(t *testing.T) {
	unknown, off := camsec.StateUnknown, camsec.StateOff
	for dir, want := range map[string][]camsec.State{
		"DS-2CD2146G2-ISU": {off}, "DS-2CD2386G2-IU": {off, off}, "DS-2CD2443G0-IW": {unknown},
		"DS-7616NI-K2": {unknown}, "DS-7732NI-M4": {unknown},
	} {
		body, err := os.ReadFile(filepath.Join(recordings(t), "hikvision_next", dir, "ContentMgmt.Storage.xml"))
		require.NoError(t, err)
		c := client(t, &fake{answers: map[string]answer{"GET /ISAPI/ContentMgmt/Storage": {body: string(body)}}})
		media, err := c.Storage(t.Context())
		require.NoError(t, err, dir)
		var got []camsec.State
		for _, m := range media {
			assert.NotEmpty(t, m.Kind)
			assert.NotEmpty(t, m.Status)
			got = append(got, m.Encrypted)
		}
		assert.Equal(t, want, got, dir)
	}
}

// One medium that does not tell is not hidden by others that do.
func TestStorageSetting(t *testing.T) {
	disk := func(status string) string {
		return "<hdd><id>1</id>" + status + "</hdd>"
	}
	const encrypted, open = "<Encryption><encryptionStatus>encrypted</encryptionStatus></Encryption>", "<encryptionStatus>unencrypted</encryptionStatus>"
	for name, tt := range map[string]struct {
		disks string
		want  camsec.State
		code  camsec.Reason
	}{
		"all":         {disk(encrypted) + disk(encrypted), camsec.StateOn, ""},
		"one open":    {disk(encrypted) + disk(open), camsec.StateOff, ""},
		"one silent":  {disk(encrypted) + disk(""), camsec.StateUnknown, camsec.ReasonNotReadable},
		"wrong key":   {disk("<encryptionStatus>verfyFailed</encryptionStatus>"), camsec.StateUnknown, camsec.ReasonNotReadable},
		"no disk":     {"", camsec.StateUnknown, camsec.ReasonNotOffered},
		"open, other": {disk("") + disk(open), camsec.StateOff, ""},
	} {
		t.Run(name, func(t *testing.T) {
			f := complete()
			f.answers["GET /ISAPI/ContentMgmt/Storage"] = answer{body: "<storage><hddList>" + tt.disks + "</hddList></storage>"}
			list, err := client(t, f).Device().Settings(t.Context())
			require.NoError(t, err)
			s := setting(t, list, "storage.encrypted")
			assert.Equal(t, tt.want, s.State)
			if tt.code != "" {
				assert.Equal(t, tt.code, s.Err.Code)
			}
		})
	}
}

// Whether there are ways around a password is told, never what they hold.
func TestRecovery(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	for _, on := range []bool{false, true} {
		b.SetService("security-questions", on)
		b.SetService("recovery-mail", on)
		b.SetService("double-verification", on)
		q, err := b.client.SecurityQuestions(t.Context())
		require.NoError(t, err)
		want := isapi.SecurityQuestions{Set: camsec.StateOff}
		if on {
			want = isapi.SecurityQuestions{Set: camsec.StateOn, Marked: 3}
		}
		assert.Equal(t, want, q)
		mail, err := b.client.RecoveryMail(t.Context())
		require.NoError(t, err)
		assert.Equal(t, camsec.StateOf(on), mail)
		two, err := b.client.DoubleVerification(t.Context())
		require.NoError(t, err)
		assert.Equal(t, camsec.StateOf(on), two)
	}
	s, err := camsec.Collect(t.Context(), b.client.Device(), nil)
	require.NoError(t, err)
	text, err := s.MarshalJSON()
	require.NoError(t, err)
	assert.NotContains(t, string(text), "o***r@", "the address is nobody's business")

	for path, bodies := range map[string][]string{
		"/ISAPI/Security/questionConfiguration": {"<SecurityQuestion/>", "<Other/>", "<SecurityQuestion><QuestionList>"},
		"/ISAPI/Security/email/parameter":       {`{"statusCode":1}`, `{"SecurityEmail":`, "<html/>"},
		"/ISAPI/Security/doubleVerification":    {`{"DoubleVerification":{"enable":"perhaps"}}`, `{"enabled":true}`},
		"/ISAPI/Security/loginLinkNum":          {`{"LoginLinkNum":{"maxLinkNum":0}}`, `{"LoginLinkNum":{"maxLinkNum":"many"}}`, `{}`},
		"/ISAPI/ContentMgmt/logConfig":          {"<LogConfig/>", "<LogConfig><enabled>x</enabled></LogConfig>"},
		"/ISAPI/ContentMgmt/Storage":            {"<storage/>", "<Storages/>"},
		"/ISAPI/System/Network/UPnP/ports":      {"<ports/>"},
	} {
		for _, body := range bodies {
			b.SetDocument("GET "+path, []byte(body))
			for _, read := range []func() error{
				func() error { _, err := b.client.SecurityQuestions(t.Context()); return err },
				func() error { _, err := b.client.RecoveryMail(t.Context()); return err },
				func() error { _, err := b.client.DoubleVerification(t.Context()); return err },
				func() error { _, err := b.client.LoginLinkNum(t.Context()); return err },
				func() error { _, err := b.client.LogConfig(t.Context()); return err },
				func() error { _, err := b.client.Storage(t.Context()); return err },
				func() error { _, err := b.client.UPnPPorts(t.Context()); return err },
			} {
				before := len(b.tap.sent)
				err := read()
				if strings.HasPrefix(b.tap.sent[before].uri, path) && !strings.HasPrefix(b.tap.sent[before].uri, path+"/") {
					require.ErrorIs(t, err, camsec.ErrMalformed, "%s %s", path, body)
				}
			}
		}
	}
}

// What a router forwards follows what the device asks for.
func TestUPnPPortStatus(t *testing.T) {
	p := isapitest.CurrentCamera()
	p.Services["upnp-ports"] = true
	b := benchOver(t, "http", p, nil)
	s, err := b.client.UPnPPortStatus(t.Context())
	require.NoError(t, err)
	assert.Equal(t, camsec.StateOn, s.Enabled)
	assert.Equal(t, "203.0.113.5", s.Outside)
	require.Len(t, s.Ports, 2)
	assert.Equal(t, "http", s.Ports[0].Internal)
	assert.Equal(t, 8083, *s.Ports[0].External)
	assert.Equal(t, camsec.StateOn, s.Ports[0].Active)
	b.SetService("upnp-ports", false)
	s, err = b.client.UPnPPortStatus(t.Context())
	require.NoError(t, err)
	assert.Equal(t, camsec.StateOff, s.Enabled)
	assert.Equal(t, camsec.StateOff, s.Ports[0].Active)
	for body, want := range map[string]camsec.State{
		"conflict": camsec.StateOff, "resting": camsec.StateUnknown,
	} {
		b.SetDocument("GET /ISAPI/System/Network/UPnP/ports/status", []byte("<portsStatus><enabled>true</enabled><portStatusList><portStatus><status>"+
			body+"</status></portStatus></portStatusList></portsStatus>"))
		s, err = b.client.UPnPPortStatus(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, s.Ports[0].Active)
	}
	b.SetDocument("GET /ISAPI/System/Network/UPnP/ports/status", []byte("<portsStatus><enabled>true</enabled></portsStatus>"))
	_, err = b.client.UPnPPortStatus(t.Context())
	require.ErrorIs(t, err, camsec.ErrMalformed)
	b.Fail("GET /ISAPI/System/Network/UPnP/ports/status", http.StatusForbidden, "")
	_, err = b.client.UPnPPortStatus(t.Context())
	require.ErrorIs(t, err, camsec.ErrForbidden)
}
