package isapitest_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/isapi/isapitest"
)

func aCapture() *isapitest.Capture {
	return &isapitest.Capture{
		TakenAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Redacted: true, User: "user-1", Server: "Webs", RefusalForm: "page",
		Challenges: []isapitest.CaptureChallenge{{Scheme: "digest", Algorithm: "SHA-256"}, {Scheme: "digest", Algorithm: "MD5", Folded: true}},
		Answers: []isapitest.CaptureAnswer{
			{Path: "/ISAPI/System/deviceInfo", Status: 200, Public: true, Body: []byte(
				`<DeviceInfo version="1.0" xmlns="urn:x"><model>M</model><firmwareVersion>V5.6.0</firmwareVersion></DeviceInfo>`)},
			{Path: "/ISAPI/System/time", Status: 200, Body: []byte("<Time><localTime>2026-03-01T20:00:00+08:00</localTime></Time>")},
			{Path: "/ISAPI/Security/advanced?format=json", Status: 200, ContentType: "application/xml", Body: []byte(`{"SecurityAdvanced":{}}`)},
			{Path: "/ISAPI/System/Network/ssh", Status: 404, Body: []byte("<ResponseStatus><subStatusCode>notSupport</subStatusCode></ResponseStatus>")},
			{Path: "/ISAPI/System/Network/telnetd", Status: 404},
			{Path: "/ISAPI/System/Network/UPnP", Status: 200, LeftOut: "too large"},
			{Path: "/ISAPI/System/Network/EZVIZ", LeftOut: "it was not answered"},
		},
	}
}

func written(t *testing.T, c *isapitest.Capture) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, c.Write(&b))
	return b.Bytes()
}

func readBack(b []byte) (*isapitest.Capture, error) {
	return isapitest.ReadCapture(bytes.NewReader(b), int64(len(b)))
}

func TestCaptureIsPlayed(t *testing.T) {
	t.Parallel()
	file := written(t, aCapture())
	assert.Equal(t, file, written(t, aCapture()), "the same capture is the same file")
	c, err := readBack(file)
	require.NoError(t, err)
	later := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	d, err := c.Start(&isapitest.Options{InProcess: true, Now: func() time.Time { return later }})
	require.NoError(t, err)
	defer d.Close()
	cl := clientOf(t, d)
	assert.Equal(t, "user-1", d.User())
	resp, body := cl.send(http.MethodGet, "/ISAPI/System/time", "", "")
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	require.Len(t, resp.Header.Values("WWW-Authenticate"), 1)
	assert.Regexp(t, "Digest .*SHA-256.*Digest .*MD5", resp.Header.Get("WWW-Authenticate"))
	assert.Contains(t, body, "<html", "the refusal was a page")
	assert.Equal(t, "Webs", resp.Header.Get("Server"))
	_, body = cl.send(http.MethodGet, "/ISAPI/System/deviceInfo", "", "")
	assert.Contains(t, body, "V5.6.0", "it needs no login")
	assert.Equal(t, "2026-03-01T20:30:00+08:00", cl.get("/ISAPI/System/time").SelectElement("localTime").Text(), "the clock goes on")
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/ISAPI/System/Network/ssh":            {404, "notSupport"},
		"/ISAPI/System/Network/telnetd":        {404, ""},
		"/ISAPI/System/Network/UPnP":           {200, "left out"},
		"/ISAPI/No/such":                       {404, "notSupport"},
		"/ISAPI/Security/advanced?format=json": {200, "SecurityAdvanced"},
	} {
		status, body := cl.do(http.MethodGet, path, "")
		assert.Equal(t, want.status, status, path)
		assert.Contains(t, body, want.body, path)
		assert.Equal(t, want.body == "", body == "", path)
	}
	resp, _, err = cl.try(http.MethodGet, "/ISAPI/System/Network/EZVIZ", "")
	if err == nil { // the connection broke, and the transport asked again
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	}
	status, _ := cl.do(http.MethodPut, "/ISAPI/System/time", "<Time><timeMode>manual</timeMode></Time>")
	assert.Equal(t, 404, status)
	assert.Empty(t, d.Writes())
	resp, _, err = cl.try(http.MethodGet, "/ISAPI/Security/advanced?format=json", "")
	require.NoError(t, err)
	assert.Contains(t, resp.Header.Get("Content-Type"), "xml")
}

func archive(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := z.Create(files[i])
		require.NoError(t, err)
		_, err = io.WriteString(f, files[i+1])
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func manifest(answers string) string {
	return `{"schema":"camsec.capture/1","takenAt":"2026-03-01T12:00:00Z","user":"admin","challenges":[],"answers":[` + answers + `]}`
}

// What is no capture, or made to do harm, is refused, typed and in little
// memory.
func TestBadCapturesAreRefused(t *testing.T) {
	const one = `{"path":"/ISAPI/System/time","status":200,"file":"answers/000.xml"}`
	many := make([]string, 0, 2*600)
	for i := range 600 {
		many = append(many, fmt.Sprintf("answers/%03d.xml", i), "x")
	}
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	f, err := z.Create("capture.json")
	require.NoError(t, err)
	_, err = io.WriteString(f, manifest(one))
	require.NoError(t, err)
	f, err = z.Create("answers/000.xml")
	require.NoError(t, err)
	zeros := make([]byte, 1<<20)
	for range 32 { // 32 MiB in as many KiB
		_, err = f.Write(zeros)
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	good := archive(t, "capture.json", manifest(one), "answers/000.xml", "<Time/>")
	_, err = readBack(good)
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		file []byte
		want string
	}{
		"nothing":           {nil, "no zip"},
		"no archive":        {[]byte("hello"), "no zip"},
		"cut":               {good[:len(good)-10], "no zip"},
		"bomb":              {bomb.Bytes(), "too large"},
		"big manifest":      {archive(t, "capture.json", manifest(one)+strings.Repeat(" ", 2<<20)), "too large"},
		"no manifest":       {archive(t, "answers/000.xml", "x"), "no capture.json"},
		"manifest of what?": {archive(t, "capture.json", "[]"), "not understood"},
		"other schema":      {archive(t, "capture.json", `{"schema":"camsec.capture/2"}`), "schema"},
		"no answers":        {archive(t, "capture.json", manifest("")), "no answers"},
		"up and away":       {archive(t, "capture.json", manifest(one), "answers/../../../etc/passwd", "x"), "a name"},
		"absolute":          {archive(t, "capture.json", manifest(one), "/etc/passwd", "x"), "a name"},
		"backslashes":       {archive(t, "capture.json", manifest(one), `answers\000.xml`, "x"), "a name"},
		"twice":             {archive(t, "capture.json", manifest(one), "answers/000.xml", "x", "answers/000.xml", "y"), "twice"},
		"missing":           {archive(t, "capture.json", manifest(one)), "missing"},
		"too many":          {archive(t, append([]string{"capture.json", manifest(one)}, many...)...), "over 512"},
		"no path of a read": {archive(t, "capture.json", manifest(`{"path":"/etc/passwd","status":200}`)), "no read"},
		"injection":         {archive(t, "capture.json", manifest(`{"path":"/ISAPI/a\r\nX: y","status":200}`)), "no read"},
		"one path twice":    {archive(t, "capture.json", manifest(`{"path":"/ISAPI/a","status":200},{"path":"/ISAPI/a","status":403}`)), "two answers"},
		"one file twice": {archive(t, "capture.json", manifest(`{"path":"/ISAPI/a","status":200,"file":"answers/000.xml"},`+
			`{"path":"/ISAPI/b","status":200,"file":"answers/000.xml"}`), "answers/000.xml", "x"), "file of its own"},
		"a status of none": {archive(t, "capture.json", manifest(`{"path":"/ISAPI/a","status":99}`)), "status"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			c, err := readBack(tt.file)
			runtime.ReadMemStats(&after)
			require.ErrorIs(t, err, isapitest.ErrCapture)
			assert.ErrorContains(t, err, tt.want)
			assert.Nil(t, c)
			assert.NotContains(t, err.Error(), "etc")
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
		})
	}
	_, err = isapitest.ReadCapture(bytes.NewReader(good), 1<<40)
	require.ErrorIs(t, err, isapitest.ErrCapture)
	_, err = (&isapitest.Capture{}).Start(nil)
	require.ErrorIs(t, err, isapitest.ErrCapture)
	require.ErrorIs(t, (&isapitest.Capture{}).Write(io.Discard), isapitest.ErrCapture)
}

// Whatever a capture says of itself, it is refused as what it is or can be
// served.
func FuzzReadCapture(f *testing.F) {
	f.Add([]byte(manifest(`{"path":"/ISAPI/System/time","status":200,"file":"answers/000.xml"}`)), []byte("<Time><localTime>2026-03-01T20:00:00Z</localTime></Time>"))
	f.Add([]byte(manifest(`{"path":"/ISAPI/System/deviceInfo","status":0,"public":true,"leftOut":"x","file":"answers/000.json"}`)), []byte("<DeviceInfo/>"))
	f.Fuzz(func(t *testing.T, manifest, body []byte) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for name, text := range map[string][]byte{"capture.json": manifest, "answers/000.xml": body} {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			require.NoError(t, err)
			_, err = w.Write(text)
			require.NoError(t, err)
		}
		require.NoError(t, z.Close())
		c, err := readBack(b.Bytes())
		if err != nil {
			require.ErrorIs(t, err, isapitest.ErrCapture)
			return
		}
		d, err := c.Start(&isapitest.Options{InProcess: true})
		require.NoError(t, err)
		for _, a := range c.Answers {
			_ = d.Document("GET " + a.Path)
		}
		require.NoError(t, d.Close())
	})
}
