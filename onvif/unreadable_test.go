package onvif_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// losing carries requests out and, for one action, loses the reply.
type losing struct {
	http.RoundTripper
	action string
	before bool // loses the request instead
}

func (l *losing) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.action == "" || r.Body == nil {
		return l.RoundTripper.RoundTrip(r)
	}
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(b))
	lose := bytes.Contains(b, []byte(":"+l.action+">"))
	if lose && l.before {
		return nil, io.ErrUnexpectedEOF
	}
	resp, err := l.RoundTripper.RoundTrip(r)
	if lose && err == nil && resp.StatusCode == http.StatusOK {
		_ = resp.Body.Close()
		return nil, io.ErrUnexpectedEOF
	}
	return resp, err
}

// A secret cannot be read: where the reply is lost, that the rest reads back as
// wished does not make it set; without a secret it is proof.
func TestUnreadableIsNotTakenForSet(t *testing.T) {
	server := onvif.AuthorizationServer{Type: onvif.OAuthClientCredentials, ClientAuth: onvif.ClientSecretBasic, URI: "https://login.example/token", ClientID: "cam"}
	for action, set := range map[string]func(context.Context, *onvif.Client, camsec.Secret) (camsec.Change, error){
		"SetRemoteUser": func(ctx context.Context, c *onvif.Client, s camsec.Secret) (camsec.Change, error) {
			return c.SetRemoteUser(ctx, onvif.RemoteUser{Name: "far", UseDerived: true}, s)
		},
		"SetAuthorizationServerConfiguration": func(ctx context.Context, c *onvif.Client, s camsec.Secret) (camsec.Change, error) {
			return c.SetAuthorizationServer(ctx, server, s)
		},
	} {
		d := start(t, onviftest.Current(), &onviftest.Options{InProcess: true, TLS: true})
		way := &losing{RoundTripper: d.Transport()}
		c := client(t, d, func(o *onvif.Options) { o.Base = way })
		var err error
		server.Token, _, err = c.CreateAuthorizationServer(t.Context(), server, secret("Far-Word-1"))
		require.NoError(t, err)
		change, err := set(t.Context(), c, secret("Far-Word-1"))
		require.NoError(t, err, action)
		assert.Contains(t, change.Proof, "cannot be read", action)

		way.action, way.before = action, true
		change, err = set(t.Context(), c, secret("Far-Word-2"))
		require.ErrorIs(t, err, camsec.ErrUncertain, action)
		assert.NotContains(t, err.Error(), "Far-Word", action)
		assert.Equal(t, camsec.OutcomeUnknown, change.Outcome, action)
		assert.NotContains(t, d.LastRequest(action), "Far-Word-2", "and indeed")
	}
}
