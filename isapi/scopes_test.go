package isapi_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// 192.168.1.64 exists at every site. Two cameras there, with passwords, keys
// and ways to them of their own, share budget and pin store and are called in
// turns: each is sent its own login only.
func TestScopes(t *testing.T) {
	for name, scheme := range map[string]string{"http": "http", "https": "https", "http, one pool": "http", "https, one pool": "https"} {
		t.Run(name, func(t *testing.T) {
			var pool *wire.Pool
			if name != scheme {
				pool = wire.NewPool(nil)
			}
			dir := t.TempDir()
			budget, err := auth.OpenFileBudget(filepath.Join(dir, "budget"), nil)
			require.NoError(t, err)
			known := trust.FileStore(filepath.Join(dir, "keys"))
			type place struct {
				dev    *isapitest.Device
				client *isapi.Client
				serial string
			}
			var places []place
			for i, scope := range []string{"north", "south"} {
				p := isapitest.CurrentCamera()
				p.Password = fmt.Sprintf("Of-The-%s-Site-%d", scope, i)
				p.Serial += scope
				dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true, TLS: scheme == "https"})
				require.NoError(t, err)
				t.Cleanup(func() { _ = dev.Close() })
				c, err := isapi.New(scheme+"://192.168.1.64", auth.Static(p.User, camsec.NewSecret([]byte(p.Password))), &isapi.Options{
					Target:      camsec.Target{Scope: scope, ID: "gate", Address: "192.168.1.64"},
					DialContext: dev.Host().DialContext, Budget: budget, Trust: trust.FirstUse(known), ReadOnly: true, Pool: pool,
				})
				require.NoError(t, err)
				t.Cleanup(func() { _ = c.Close() })
				places = append(places, place{dev, c, p.Serial})
			}
			const calls = 200
			var wg sync.WaitGroup
			turns := make(chan int)
			for range 8 {
				wg.Go(func() {
					for i := range turns {
						p := places[i%2]
						info, err := p.client.DeviceInfo(t.Context())
						if assert.NoError(t, err) {
							assert.Equal(t, p.serial, info.Serial)
						}
					}
				})
			}
			for i := range calls {
				turns <- i
			}
			close(turns)
			wg.Wait()
			for _, p := range places {
				assert.Zero(t, p.dev.Host().FailedLogins())
				assert.Equal(t, calls/2+1, p.dev.Host().Requests(), "one to ask, then one a call")
			}
		})
	}
}
