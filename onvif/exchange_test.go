package onvif_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/auth"
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
