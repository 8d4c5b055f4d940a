package isapi_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// asked counts requests by what they ask for.
type asked struct {
	http.RoundTripper
	mu sync.Mutex
	by map[string]int
}

func (a *asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.by[r.Method+" "+r.URL.Path]++
	a.mu.Unlock()
	return a.RoundTripper.RoundTrip(r)
}

// An audit asks for each document once, whether the device has it or says that
// it has not, and logs in once.
func TestAuditAsksForEachDocumentOnce(t *testing.T) {
	for name, p := range map[string]isapitest.Profile{
		"old camera": isapitest.OldCamera(), "current camera": isapitest.CurrentCamera(), "recorder": isapitest.Recorder(),
	} {
		t.Run(name, func(t *testing.T) {
			d, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
			require.NoError(t, err)
			defer d.Close()
			a := &asked{RoundTripper: d.Host().Transport(), by: map[string]int{}}
			c, err := isapi.New("http://camera.test", auth.Static(d.User(), camsec.NewSecret([]byte(d.Password()))), &isapi.Options{Base: a})
			require.NoError(t, err)
			_, err = camsec.Collect(t.Context(), c.Device(), nil)
			require.NoError(t, err)
			total := 0
			for what, n := range a.by {
				want := 1
				switch what {
				case "GET /ISAPI/System/deviceInfo":
					want = 3 // for the challenge, with its answer, and without a login to see whether that is asked for
				case "GET /ISAPI/Security/userCheck":
					want = 2 // for the state of the login, and for the settings
				}
				assert.LessOrEqual(t, n, want, what)
				total += n
			}
			t.Logf("%d requests for %d documents", total, len(a.by))
		})
	}
}
