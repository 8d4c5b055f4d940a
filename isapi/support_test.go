package isapi_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// The support table in the README is written from the operations, so that it
// cannot promise what is not sent. CAMSEC_UPDATE=1 writes it anew.
func TestSupportTable(t *testing.T) {
	var want strings.Builder
	want.WriteString("| `isapi.Client` | sends | rests on |\n|---|---|---|\n")
	for _, o := range isapi.Operations() {
		fmt.Fprintf(&want, "| `%s` | `%s` | %s |\n", o.Name, o, o.Evidence)
	}
	inREADME(t, "operations: isapi", want.String())
}

// inREADME holds one table of the README to what it should be.
func inREADME(t *testing.T, name, want string) {
	t.Helper()
	const file = "../README.md"
	begin := "<!-- " + name + " -->\n"
	word, _, _ := strings.Cut(name, ":")
	end := "<!-- /" + word + " -->\n"
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(b), begin)
	require.True(t, ok, "README has no place for the table")
	have, tail, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if os.Getenv("CAMSEC_UPDATE") == "1" {
		require.NoError(t, os.WriteFile(file, []byte(head+begin+want+end+tail), 0o644)) //nolint:gosec // a public file
		return
	}
	assert.Equal(t, want, have, "run this test with CAMSEC_UPDATE=1")
}

// Every operation is answered by one of the simulated devices.
func TestSimulatedDevicesAnswerOperations(t *testing.T) {
	answered := map[string]bool{}
	for _, profile := range []isapitest.Profile{isapitest.OldCamera(), isapitest.CurrentCamera(), isapitest.Recorder(), isapitest.RecorderNXI()} {
		dev, err := isapitest.Start(profile, &isapitest.Options{InProcess: true})
		require.NoError(t, err)
		defer dev.Close()
		rt, err := auth.NewTransport(auth.TransportOptions{
			Base: dev.Transport(), Target: camsec.Target{Address: "camera.test"},
			Source: auth.Static(dev.User(), camsec.NewSecret([]byte(dev.Password()))),
		})
		require.NoError(t, err)
		for _, o := range isapi.Operations() {
			if o.Writes {
				continue // see TestMethodsSendWhatTheTableSays
			}
			for _, id := range []string{"1", "101", "illaccess", "HTTPS"} {
				path := strings.ReplaceAll(o.Path, "{id}", id)
				req, err := http.NewRequestWithContext(t.Context(), o.Method, "http://camera.test"+path, nil)
				require.NoError(t, err)
				resp, err := rt.RoundTrip(req)
				require.NoError(t, err, o)
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					answered[o.Name] = true
				}
				if path == o.Path {
					break
				}
			}
		}
		assert.Zero(t, dev.Host().FailedLogins())
	}
	var missing []string
	for _, o := range isapi.Operations() {
		if !o.Writes && !answered[o.Name] {
			missing = append(missing, o.Name)
		}
	}
	// A request has to be made first, a file needs a key, a search a question;
	// and no body of a MACFilter was ever seen.
	assert.Equal(t, []string{"CertificateRequest", "ExportConfiguration", "SystemLog", "SecurityLog", "SetMACFilter"}, missing)
}

// A stream that anybody may watch, or whose guarding is not told, is not
// hidden by others that want a digest login.
func TestStreamsThatDiffer(t *testing.T) {
	stream := func(id, security string) string {
		return "<StreamingChannel><id>" + id + "</id><Transport>" + security + "</Transport></StreamingChannel>"
	}
	digest := stream("101", "<Security><enabled>true</enabled><certificateType>digest</certificateType></Security>")
	for name, tt := range map[string]struct {
		second string
		want   camsec.Status
	}{
		"same":     {digest, camsec.Pass},
		"open":     {stream("102", "<Security><enabled>false</enabled><certificateType>digest</certificateType></Security>"), camsec.Fail},
		"not told": {stream("102", "<Security><enabled>perhaps</enabled><certificateType>digest</certificateType></Security>"), camsec.StatusUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			dev := isapitest.New(t, isapitest.CurrentCamera())
			dev.SetDocument("GET /ISAPI/Streaming/channels", []byte("<StreamingChannelList>"+digest+tt.second+"</StreamingChannelList>"))
			c, err := isapi.New(dev.Addr(), auth.Static(dev.User(), camsec.NewSecret([]byte(dev.Password()))), nil)
			require.NoError(t, err)
			defer c.Close()
			s, err := camsec.Collect(t.Context(), c.Device(), nil)
			require.NoError(t, err)
			for _, r := range camsec.Judge(s, camsec.Controls(), s.TakenAt).Results {
				if r.Control == "AUT-03" {
					assert.Equal(t, tt.want, r.Status, r.Reason)
				}
			}
		})
	}
}

func TestMissingCredentialIsNotRefused(t *testing.T) {
	dev := isapitest.New(t, isapitest.CurrentCamera())
	c, err := isapi.New(dev.Addr(), nil, nil)
	require.NoError(t, err)
	defer c.Close()
	_, err = c.DeviceInfo(t.Context())
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
	assert.Equal(t, camsec.ReasonNoCredential, camsec.ReasonOf(err))
}
