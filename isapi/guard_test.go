package isapi_test

import (
	"context"
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// What would close the way that the client has in is refused before it is sent,
// and its counterpart over the other scheme is not.
func TestNobodySawsOffTheirBranch(t *testing.T) {
	p := everything()
	p.Documents["GET /ISAPI/System/Network/macFilter"] = "<MACFilter><enabled>false</enabled></MACFilter>"
	p.Documents["GET /ISAPI/System/Network/Integrate"] = "<Integrate><CGI><enable>false</enable></CGI><ISAPI><enable>true</enable></ISAPI></Integrate>"
	off, on, port := camsec.StateOff, camsec.StateOn, 8080
	for name, tt := range map[string]struct {
		over string // on which it is refused; empty: on both
		do   func(ctx context.Context, c *isapi.Client) (camsec.Change, error)
	}{
		"HTTPS off": {"https", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetAdminAccess(ctx, "HTTPS", isapi.AdminAccessChange{Enabled: off})
		}},
		"HTTPS elsewhere": {"https", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetAdminAccess(ctx, "https", isapi.AdminAccessChange{Port: &port})
		}},
		"HTTP elsewhere": {"http", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetAdminAccess(ctx, "HTTP", isapi.AdminAccessChange{Port: &port})
		}},
		"HTTP leads to HTTPS": {"http", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetAdminAccess(ctx, "HTTPS", isapi.AdminAccessChange{RedirectToHTTPS: on})
		}},
		"ISAPI off": {"", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetIntegrate(ctx, isapi.IntegrateChange{ISAPI: off})
		}},
		"MAC filter on": {"", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetMACFilter(ctx, true)
		}},
		"filter without us": {"", func(ctx context.Context, c *isapi.Client) (camsec.Change, error) {
			return c.SetIPFilterList(ctx, "deny", []netip.Addr{netip.MustParseAddr("192.0.2.10")})
		}},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(name+"/"+scheme, func(t *testing.T) {
				b := benchOver(t, scheme, p, nil)
				before := b.State()
				c, err := tt.do(t.Context(), b.client)
				if tt.over != "" && tt.over != scheme {
					require.NoError(t, err)
					assert.Equal(t, camsec.Applied, c.Outcome)
					return
				}
				require.ErrorIs(t, err, isapi.ErrCutOff)
				assert.Equal(t, camsec.NotApplied, c.Outcome)
				assert.Empty(t, b.tap.writes())
				holdState(t, before, b.State(), name)
			})
		}
	}
}

// A filter is not switched on by a client that does not know how the device
// sees it; over connections of its own it does.
func TestFilterWantsToKnowWhoWeAre(t *testing.T) {
	dev := isapitest.New(t, isapitest.CurrentCamera())
	source := auth.Static(dev.User(), secret(dev.Password()))
	blind, err := isapi.New("http://camera.test", source, &isapi.Options{Base: dev.Transport()})
	require.NoError(t, err)
	defer blind.Close()
	_, err = blind.SetIPFilter(t.Context(), true)
	require.ErrorIs(t, err, isapi.ErrCutOff)

	own, err := isapi.New(dev.Addr(), source, nil)
	require.NoError(t, err)
	defer own.Close()
	_, err = own.SetIPFilter(t.Context(), true)
	require.ErrorIs(t, err, isapi.ErrCutOff, "the list is empty")
	_, err = own.SetIPFilterList(t.Context(), "allow", []netip.Addr{netip.MustParseAddr("127.0.0.1")})
	require.NoError(t, err)
	c, err := own.SetIPFilter(t.Context(), true)
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, c.Outcome)
}

// A document that cannot go back as it came is not written at all.
func TestOddDocumentsAreNotWritten(t *testing.T) {
	for name, body := range map[string]string{
		"other charset": "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><SSH><name>Ger\xe4t</name><enabled>true</enabled></SSH>",
		"no switch":     "<SSH><port>22</port></SSH>",
		"other root":    "<Surprise><enabled>true</enabled></Surprise>",
		"HTML":          "<html><body>login</body></html>",
		"trailing":      "<SSH><enabled>true</enabled></SSH><SSH/>",
	} {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
			b.SetDocument("GET /ISAPI/System/Network/ssh", []byte(body))
			c, err := b.client.SetSSH(t.Context(), false)
			require.Error(t, err)
			assert.Equal(t, camsec.NotApplied, c.Outcome)
			assert.Empty(t, b.tap.writes())
		})
	}
}

// A device that keeps something else than it was sent is neither done nor not.
func TestSomethingElseIsUnknown(t *testing.T) {
	b := benchOver(t, "http", isapitest.CurrentCamera(), &isapi.Options{Settle: -1})
	key := "GET /ISAPI/Security/illegalLoginLock"
	doc := string(b.Document(key))
	b.Fail("PUT /ISAPI/Security/illegalLoginLock", http.StatusOK, "<ResponseStatus><statusCode>1</statusCode><subStatusCode>ok</subStatusCode></ResponseStatus>")
	tries, seven := 9, "<maxIllegalLoginTimes>7</maxIllegalLoginTimes>"
	b.tap.after = func() {
		b.SetDocument(key, []byte(replaceElement(doc, "maxIllegalLoginTimes", seven)))
	}
	c, err := b.client.SetIllegalLoginLock(t.Context(), isapi.IllegalLoginLock{Tries: &tries})
	require.ErrorIs(t, err, camsec.ErrUncertain)
	assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
}
