package onvif_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// writes counts what goes out, by the calls that it takes.
type writes struct {
	net.Conn
	n *atomic.Int32
}

func (w writes) Write(b []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(b)
}

// A message goes out along with its header, in one packet if it fits into one.
func TestMessageGoesOutInOneWrite(t *testing.T) {
	for name, p := range map[string]onviftest.Profile{"digest": onviftest.Axis(), "token": onviftest.Sunba()} {
		t.Run(name, func(t *testing.T) {
			d := start(t, p, nil)
			var n atomic.Int32
			c, err := onvif.New(d.Addr(), auth.Static(d.User(), secret(d.Password())), &onvif.Options{
				DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := d.Host().DialContext(ctx, network, address)
					return writes{conn, &n}, err
				},
			})
			require.NoError(t, err)
			defer c.Close()
			_, err = c.DeviceInformation(t.Context())
			require.NoError(t, err)
			n.Store(0)
			for range 5 {
				_, err = c.DeviceInformation(t.Context())
				require.NoError(t, err)
			}
			require.EqualValues(t, 5, n.Load())
		})
	}
}

// Two devices of one address, at two sites, over one pool: each is reached its
// own way, with its own password.
func TestPoolKeepsSitesApart(t *testing.T) {
	pool := wire.NewPool(nil)
	var clients []*onvif.Client
	var devices []*onviftest.Device
	for i, scope := range []string{"north", "south"} {
		p := []onviftest.Profile{onviftest.Axis(), onviftest.Sunba()}[i]
		p.Password += scope
		d := start(t, p, nil)
		c, err := onvif.New("http://192.168.1.64", auth.Static(d.User(), secret(p.Password)), &onvif.Options{
			Target: camsec.Target{Scope: scope, ID: "gate", Address: "192.168.1.64"}, DialContext: d.Host().DialContext, Pool: pool,
		})
		require.NoError(t, err)
		clients, devices = append(clients, c), append(devices, d)
	}
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			info, err := clients[i%2].DeviceInformation(t.Context())
			if assert.NoError(t, err) {
				assert.Equal(t, []string{onviftest.Axis().Model, onviftest.Sunba().Model}[i%2], info.Model)
			}
		})
	}
	calls.Wait()
	for i, c := range clients {
		require.NoError(t, c.Close())
		require.Zero(t, devices[i].Host().FailedLogins()+devices[i].FailedTokens())
	}
}
