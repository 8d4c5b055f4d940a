package isapi_test

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func entries(seq iter.Seq2[isapi.LogEntry, error]) (list []isapi.LogEntry, err error) {
	for e, fault := range seq {
		if fault != nil {
			return list, fault
		}
		list = append(list, e)
	}
	return list, nil
}

const searchPath = "POST /ISAPI/ContentMgmt/logSearch"

func TestLogSearch(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), &isapi.Options{ReadOnly: true})
	start := time.Date(2026, 5, 1, 8, 0, 0, 0, time.UTC)
	for i := range 130 {
		b.Log(isapitest.LogEntry{
			Time: start.Add(time.Duration(i) * time.Minute), Major: "Operation", Minor: "remoteUserLogin",
			User: "admin", Address: "192.0.2." + fmt.Sprint(i%200), Security: i%2 == 0,
		})
	}
	list, err := entries(b.client.SystemLog(t.Context(), isapi.LogQuery{}))
	require.NoError(t, err)
	require.Len(t, list, 130)
	assert.Equal(t, isapi.LogEntry{Time: start.Add(129 * time.Minute), Major: "Operation", Minor: "remoteUserLogin", User: "admin", Address: "192.0.2.129"}, list[129])
	assert.Len(t, b.tap.sent, 1+4, "the challenge and four pages of forty")

	list, err = entries(b.client.SecurityLog(t.Context(), isapi.LogQuery{}))
	require.NoError(t, err)
	assert.Len(t, list, 65)
	list, err = entries(b.client.SystemLog(t.Context(), isapi.LogQuery{From: start.Add(time.Hour), To: start.Add(time.Hour + 9*time.Minute)}))
	require.NoError(t, err)
	assert.Len(t, list, 10)
	list, err = entries(b.client.SystemLog(t.Context(), isapi.LogQuery{Most: 50}))
	require.NoError(t, err)
	assert.Len(t, list, 50)
	list, err = entries(b.client.SystemLog(t.Context(), isapi.LogQuery{Major: "Exception"}))
	require.NoError(t, err)
	assert.Empty(t, list)

	b.Log(isapitest.LogEntry{Time: start, Major: "Information", Minor: "runStatusInfo"})
	list, err = entries(b.client.SystemLog(t.Context(), isapi.LogQuery{Major: "Information"}))
	require.NoError(t, err)
	require.Len(t, list, 1, "filed under a name spelt otherwise")
	assert.Equal(t, "Information", list[0].Major)
	for range b.client.SystemLog(t.Context(), isapi.LogQuery{}) {
		break // who has enough goes
	}
	assert.Empty(t, b.Writes())

	sent := len(b.tap.sent)
	_, err = entries(b.client.SystemLog(t.Context(), isapi.LogQuery{Major: "Operation</metaId>"}))
	require.Error(t, err)
	assert.Len(t, b.tap.sent, sent, "nothing was sent")
}

// A refused login stands in the device's own log, with who and where.
func TestLogOfIllegalLogins(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	stranger, err := isapi.New("http://camera.test", auth.Static("admin", secret("not-the-one")), &isapi.Options{Base: b.Transport()})
	require.NoError(t, err)
	_, err = stranger.DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	list, err := entries(b.client.SecurityLog(t.Context(), isapi.LogQuery{}))
	require.NoError(t, err)
	require.Len(t, list, 1)
	assert.True(t, list[0].IllegalLogin())
	assert.Equal(t, "admin", list[0].User)
	assert.NotEmpty(t, list[0].Address)
	assert.WithinDuration(t, time.Now(), list[0].Time, time.Hour)
	assert.True(t, isapi.LogEntry{Minor: "illlegealAccess"}.IllegalLogin())
	assert.False(t, isapi.LogEntry{Minor: "remoteUserLogin"}.IllegalLogin())
}

// The right to look into the log is enough, and without it there is an error.
func TestLogSearchPrivilege(t *testing.T) {
	for right, want := range map[bool]error{true: nil, false: camsec.ErrForbidden} {
		p := isapitest.CurrentCamera()
		p.MoreUsers = []isapitest.User{{ID: 2, Name: "watch", Level: "Operator", Password: "Only-Reads-33"}}
		b := benchOver(t, "http", p, nil)
		if right {
			_, err := b.client.SetUserPermission(t.Context(), "watch", map[string]bool{"logOrStateCheck": true})
			require.NoError(t, err)
		}
		c, err := isapi.New("http://camera.test", auth.Static("watch", secret("Only-Reads-33")), &isapi.Options{Base: b.Transport()})
		require.NoError(t, err)
		_, err = entries(c.SystemLog(t.Context(), isapi.LogQuery{}))
		require.ErrorIs(t, err, want)
	}
}

func TestLogSearchOfDevicesWithout(t *testing.T) {
	b := benchOver(t, "http", isapitest.OldCamera(), nil)
	_, err := entries(b.client.SecurityLog(t.Context(), isapi.LogQuery{}))
	require.ErrorIs(t, err, errors.ErrUnsupported)
}

func TestLogSearchBadAnswers(t *testing.T) {
	page := func(status string, items ...string) string {
		return "<CMSearchResult><responseStatusStrg>" + status + "</responseStatusStrg><matchList>" + strings.Join(items, "") + "</matchList></CMSearchResult>"
	}
	const item = "<searchMatchItem><logDescriptor><metaId>log.hikvision.com/Operation/x</metaId><StartDateTime>2023-05-01T12:50:38Z</StartDateTime></logDescriptor></searchMatchItem>"
	for name, tt := range map[string]struct {
		body string
		n    int
		bad  bool
	}{
		"more without end":  {page("MORE", item), 200, true},
		"more, and nothing": {page("MORE"), 0, true},
		"no status":         {page("", item), 0, true},
		"failed":            {page("FAILED"), 0, true},
		"no type":           {page("OK", "<searchMatchItem><logDescriptor/></searchMatchItem>"), 0, true},
		"bare items":        {page("OK", "<matchElement><metaId>log.hikvision.com/Exception</metaId><time>2023-05-01 12:50</time><remoteHost>10.0.0.9</remoteHost></matchElement>"), 1, false},
		"no list":           {"<CMSearchResult><responseStatusStrg>OK</responseStatusStrg></CMSearchResult>", 0, false},
		"another document":  {"<Log/>", 0, true},
		"cut":               {page("OK", item)[:80], 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := &fake{answers: map[string]answer{searchPath: {body: tt.body}}}
			list, err := entries(client(t, f).SystemLog(t.Context(), isapi.LogQuery{}))
			assert.Equal(t, tt.bad, err != nil, "%v", err)
			if tt.bad {
				require.ErrorIs(t, err, camsec.ErrMalformed)
			}
			assert.Len(t, list, tt.n)
			assert.LessOrEqual(t, len(f.sent), 200)
			if name == "bare items" {
				assert.Equal(t, isapi.LogEntry{Major: "Exception", Address: "10.0.0.9"}, list[0])
			}
		})
	}
	b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
	b.Fail(searchPath, http.StatusServiceUnavailable, "")
	_, err := entries(b.client.SystemLog(t.Context(), isapi.LogQuery{}))
	require.ErrorIs(t, err, camsec.ErrBusy)
}

// A page that a device sent, read as it stands.
func TestRecordedLog(t *testing.T) {
	body, err := os.ReadFile(filepath.Join(recordings(t), "bodies", "logSearch_answer_Operation_v1.0__public.xml"))
	require.NoError(t, err)
	f := &fake{answers: map[string]answer{searchPath: {body: string(body)}}}
	list, err := entries(client(t, f).SystemLog(t.Context(), isapi.LogQuery{Most: 2}))
	require.NoError(t, err)
	want := isapi.LogEntry{
		Time: time.Date(2023, 5, 1, 12, 50, 38, 0, time.UTC), Major: "Operation", Minor: "remoteDisArm", User: "admin", Address: "172.16.0.1",
	}
	assert.Equal(t, []isapi.LogEntry{want, want}, list)
}
