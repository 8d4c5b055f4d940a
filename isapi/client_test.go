package isapi_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"10.0.0.5":                 "https://10.0.0.5",
		"10.0.0.5:8443":            "https://10.0.0.5:8443",
		"http://10.0.0.5":          "http://10.0.0.5",
		"HTTPS://cam.example:443/": "https://cam.example:443",
		"[fe80::1%eth0]:443":       "https://[fe80::1%eth0]:443",
		"http://[fe80::1%25eth0]/": "http://[fe80::1%eth0]",
		"fe80::1%eth0":             "https://[fe80::1%eth0]",
		"2001:db8::7":              "https://[2001:db8::7]",
		" 10.0.0.5 ":               "https://10.0.0.5",
	} {
		c, err := isapi.New(address, nil, nil)
		require.NoError(t, err, address)
		require.Equal(t, want, c.BaseURL(), address)
		require.NoError(t, c.Close())
	}
	for _, address := range []string{
		"", "ftp://10.0.0.5", "10.0.0.5:", "10.0.0.5:0", "10.0.0.5:70000", "10.0.0.5:x", "10.0.0.5/ISAPI", "cam?x", "a b",
		"[10.0.0.5]", "[fe80::1", "[fe80::1]x", "fe80::zz", "-x", "http://", "cam\nexample", "[fe80::1]:",
	} {
		_, err := isapi.New(address, nil, nil)
		require.Error(t, err, "%q", address)
	}
	_, err := isapi.New("https://admin:hunter2@10.0.0.5", nil, nil)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "hunter2")
}

func TestTrustWord(t *testing.T) {
	for address, want := range map[string]string{"10.0.0.5": "", "http://10.0.0.5": "plain-http"} {
		c, err := isapi.New(address, nil, nil)
		require.NoError(t, err)
		require.Equal(t, want, c.Trust())
	}
}

// Every read in the table is sent by the method of its name, once.
func TestReadsAreWhatIsSent(t *testing.T) {
	for _, op := range reads() {
		f := complete()
		m := reflect.ValueOf(client(t, f)).MethodByName(op.Name)
		out := m.Call([]reflect.Value{reflect.ValueOf(t.Context())})
		require.True(t, out[len(out)-1].IsNil(), "%s: %v", op.Name, out[len(out)-1])
		require.Equal(t, []string{op.String()}, f.sent, op.Name)
		require.Equal(t, op.Method != "GET", op.Writes, op.Name)
	}
}

// reads are the operations of methods that take nothing but a context and
// return what they read. Logins by session are another matter.
func reads() []isapi.Operation {
	var list []isapi.Operation
	for _, op := range isapi.Operations() {
		if m, ok := reflect.TypeFor[*isapi.Client]().MethodByName(op.Name); ok && m.Type.NumIn() == 2 && m.Type.NumOut() == 2 && !op.Writes {
			list = append(list, op)
		}
	}
	return list
}

func TestOperationCommentsAgreeWithTheTable(t *testing.T) {
	comment := regexp.MustCompile(`(?m)((?:^//isapi:op .*\n)+)func \(c \*Client\) (\w+)\(`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var found []string
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, m := range comment.FindAllStringSubmatch(string(b), -1) {
			for line := range strings.Lines(m[1]) {
				found = append(found, m[2]+" "+strings.TrimSpace(strings.TrimPrefix(line, "//isapi:op ")))
			}
		}
	}
	var want []string
	for _, op := range isapi.Operations() {
		want = append(want, op.Name+" "+op.String())
		require.Contains(t, []camsec.Evidence{camsec.Recorded, camsec.Documented}, op.Evidence, op.Name)
	}
	slices.Sort(found)
	slices.Sort(want)
	require.Equal(t, want, found)
}

// The log tells each exchange, and of a failed one why.
func TestLogOfExchanges(t *testing.T) {
	var log bytes.Buffer
	f := &fake{answers: map[string]answer{
		"GET /ISAPI/System/deviceInfo":  {body: "<DeviceInfo><model>x</model></DeviceInfo>"},
		"GET /ISAPI/System/Network/ssh": {err: errors.New("connection reset")},
		"GET /ISAPI/System/time":        {status: 503, body: "<x/>"},
	}}
	c, err := isapi.New("192.0.2.7", nil, &isapi.Options{
		Base: f, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	line := func() string {
		defer log.Reset()
		return log.String()
	}
	_, err = c.DeviceInfo(t.Context())
	require.NoError(t, err)
	got := line()
	require.Contains(t, got, `operation="GET /ISAPI/System/deviceInfo"`)
	require.Contains(t, got, "status=200 bytes=41\n")
	_, err = c.SSH(t.Context())
	require.Error(t, err)
	got = line()
	require.Contains(t, got, "connection reset")
	require.NotContains(t, got, "status=")
	_, err = c.Time(t.Context())
	require.ErrorIs(t, err, camsec.ErrBusy)
	got = line()
	require.Contains(t, got, "status=503 bytes=4 error=")
}

func TestParseFirmware(t *testing.T) {
	for raw, want := range map[string]camsec.Firmware{
		"V4.84.31 build 251210":          {Version: "V4.84.31", Build: "251210", Released: "2025-12-10"},
		"V5.5.6build 180326":             {Version: "V5.5.6", Build: "180326", Released: "2018-03-26"},
		"V5.0, build 191213":             {Version: "V5.0", Build: "191213", Released: "2019-12-13"},
		"V1.0.0014 - 20210517 15:00:00":  {Version: "V1.0.0014", Build: "20210517", Released: "2021-05-17"},
		"1.0.16 Build 260623 Rel.59092n": {Version: "1.0.16", Build: "260623", Released: "2026-06-23"},
		"V6.26 build 150513":             {Version: "V6.26", Build: "150513", Released: "2015-05-13"},
		"V5.7.18":                        {Version: "V5.7.18"},
		"V1.0 build 000101":              {Version: "V1.0", Build: "000101", Released: "2000-01-01"},
		"V1.0 build 19991231":            {Version: "V1.0", Build: "19991231"},
		"V1.0 build 12345":               {Version: "V1.0", Build: "12345"},
		"V5.7.18 build 999999":           {Version: "V5.7.18", Build: "999999"},
		"unknown":                        {},
		"":                               {},
	} {
		want.Raw = raw
		require.Equal(t, want, isapi.ParseFirmware(raw), raw)
	}
}

func TestLoginLinkNum(t *testing.T) {
	for value, want := range map[string]int{"1": 1, "128": 128, "0": 0, "-1": 0, `"many"`: 0} {
		got, err := client(t, &fake{other: answer{body: `{"LoginLinkNum":{"maxLinkNum":` + value + `}}`}}).LoginLinkNum(t.Context())
		require.Equal(t, want == 0, errors.Is(err, camsec.ErrMalformed), "%s: %v", value, err)
		require.Equal(t, want, got)
	}
}

func TestLockTimeUnits(t *testing.T) {
	for _, tc := range []struct{ value, capMax, want int }{
		{30, 0, 1800}, {30, 120, 1800}, {1800, 120, 1800}, {1800, 0, 1800}, {120, 120, 7200}, {90, 60, 90}, {60, 7200, 60},
	} {
		got := isapi.IllegalLoginLock{LockTime: &tc.value}.Seconds(tc.capMax)
		require.NotNil(t, got)
		require.Equal(t, tc.want, *got, "%+v", tc)
	}
	require.Nil(t, isapi.IllegalLoginLock{}.Seconds(120))
}

func TestClockOffset(t *testing.T) {
	now := time.Date(2026, 9, 9, 11, 24, 29, 0, time.UTC)
	const zone = "CST+5:00:00DST01:00:00,M3.2.0/02:00:00,M11.1.0/02:00:00"
	_, ok := isapi.Time{Local: "2026-09-09T07:24:29-05:00", Zone: zone}.Offset(now)
	require.False(t, ok, "winter's zone in summer")
	d, ok := isapi.Time{Local: "2026-09-09T07:24:31-04:00", Zone: zone}.Offset(now)
	require.True(t, ok)
	require.Equal(t, 2*time.Second, d)
	_, ok = isapi.Time{Local: "2026-09-09T07:24:31"}.Offset(now)
	require.False(t, ok)
}

// Whatever document comes where another was asked for, the answer is an error
// or a value, never a panic, and a switch is only known from its own document.
func TestForeignDocuments(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordings(t), "bodies", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		b, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, op := range reads() {
			c := client(t, &fake{other: answer{body: string(b)}})
			out := reflect.ValueOf(c).MethodByName(op.Name).Call([]reflect.Value{reflect.ValueOf(t.Context())})
			s, ok := out[0].Interface().(isapi.Service)
			require.False(t, ok && out[1].IsNil() && s.Enabled == camsec.StateUnknown, "%s from %s", op.Name, name)
		}
	}
}
