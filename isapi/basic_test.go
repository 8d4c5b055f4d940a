package isapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
)

// Basic hands the password to whoever holds the other end, so one word is
// enough only where the other end is known.
func TestBasicWantsAKnownDevice(t *testing.T) {
	var shown atomic.Int64
	device := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="r"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		shown.Add(1)
		_, _ = io.WriteString(w, "<DeviceInfo><model>M</model></DeviceInfo>")
	}))
	defer device.Close()
	pinned, err := trust.Pins(trust.PinOf(device.Certificate()))
	require.NoError(t, err)

	for name, tt := range map[string]struct {
		opts isapi.Options
		want int64
	}{
		"no word":              {isapi.Options{Trust: pinned}, 0},
		"one word, pinned":     {isapi.Options{Trust: pinned, InsecureBasic: true}, 1},
		"one word, any device": {isapi.Options{Trust: trust.InsecureAny(), InsecureBasic: true}, 0},
		"two words":            {isapi.Options{Trust: trust.InsecureAny(), InsecureBasic: true, InsecureBasicOverHTTP: true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			shown.Store(0)
			c, err := isapi.New(device.URL, auth.Static("admin", camsec.NewSecret([]byte("secret-1"))), &tt.opts)
			require.NoError(t, err)
			defer c.Close()
			_, err = c.DeviceInfo(t.Context())
			assert.Equal(t, tt.want, shown.Load())
			if tt.want == 0 {
				require.ErrorIs(t, err, camsec.ErrUntrusted)
			} else {
				require.NoError(t, err)
			}
		})
	}
}
