package isapi_test

import (
	"errors"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// How a write is proven.
type proven uint8

const (
	byReading   proven = iota // the device shows all of it
	byName                    // it shows that something is there, and not the secret
	byNothing                 // it shows nothing of it
	byHandshake               // it shows it in the next handshake
	byClock                   // by reading, but a time that is set late is another time
)

// A secretWrite is a write of something that is not read back, or that is no
// setting.
type secretWrite struct {
	name    string
	path    string
	proven  proven
	prepare func(t *testing.T, b *bench) []byte
	do      func(c *isapi.Client, file []byte, t *testing.T) (camsec.Change, error)
	changes []string // of the state, by prefix
}

func secretWrites() []secretWrite {
	const (
		onvif, snmp = "/ISAPI/Security/ONVIF/users/", "/ISAPI/System/Network/SNMP"
		channel     = "/ISAPI/ContentMgmt/InputProxy/channels/1"
		port        = "/ISAPI/System/Network/interfaces/1/ieee802.1x"
		server      = "/ISAPI/Security/serverCertificate/"
		selection   = "/ISAPI/Security/certificate/select/HTTPS"
	)
	request := func(t *testing.T, b *bench) []byte {
		_, err := b.client.CreateCertificateRequest(t.Context(), []byte("<CertificateReq/>"))
		require.NoError(t, err)
		der, err := b.client.CertificateRequest(t.Context())
		require.NoError(t, err)
		return issue(der)
	}
	return []secretWrite{
		{
			name: "ONVIF user", path: onvif + "2", proven: byName, changes: []string{"GET /ISAPI/Security/ONVIF/users", "secret " + onvif + "2"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.CreateONVIFUser(t.Context(), isapi.NewUser{Name: "wall", Level: "mediaUser", Password: secret(newPassword)})
			},
		},
		{
			name: "ONVIF password", path: onvif + "1", proven: byNothing, changes: []string{"GET /ISAPI/Security/ONVIF/users", "secret " + onvif + "1"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetONVIFPassword(t.Context(), "vms", secret(newPassword))
			},
		},
		{
			name: "channel credential", path: channel, proven: byNothing,
			changes: []string{"GET /ISAPI/ContentMgmt/InputProxy/", "secret " + channel},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetChannelCredential(t.Context(), "1", "", secret(newPassword))
			},
		},
		{
			name: "SNMP secrets", path: snmp, proven: byNothing, changes: []string{"GET " + snmp, "secret " + snmp},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetSNMPUser(t.Context(), "1", isapi.SNMPUserChange{AuthPassword: secret("Snmp-Auth-6"), PrivacyPassword: secret("Snmp-Priv-7")})
			},
		},
		{
			name: "802.1X credential", path: port, proven: byNothing, changes: []string{"GET " + port, "secret " + port},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetIEEE8021XCredential(t.Context(), isapi.Credential8021X{Password: secret(newPassword)})
			},
		},
		{
			name: "configuration", path: "/ISAPI/System/configurationData", proven: byNothing, changes: []string{"GET /ISAPI/System/Network/ssh"},
			prepare: func(t *testing.T, b *bench) []byte {
				file, err := b.client.ExportConfiguration(t.Context(), secret("K-1"))
				require.NoError(t, err)
				b.SetService("ssh", true)
				return file
			},
			do: func(c *isapi.Client, file []byte, t *testing.T) (camsec.Change, error) {
				return c.ImportConfiguration(t.Context(), secret("K-1"), file)
			},
		},
		{
			name: "certificate request", path: server + "certSignReq", proven: byReading, changes: []string{requestKey},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.CreateCertificateRequest(t.Context(), []byte("<CertificateReq/>"))
			},
		},
		{
			name: "certificate", path: server + "certificate", proven: byHandshake, changes: []string{"certificate shown"}, prepare: request,
			do: func(c *isapi.Client, file []byte, t *testing.T) (camsec.Change, error) {
				return c.ImportCertificate(t.Context(), file)
			},
		},
		{
			name: "self-signed certificate", path: server + "selfSignCert", proven: byHandshake, changes: []string{"certificate shown"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.CreateSelfSignedCertificate(t.Context(), []byte("<SelfSignCert/>"))
			},
		},
		{
			name: "certificate of a function", path: selection, proven: byReading, changes: []string{"GET " + selection},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SelectCertificate(t.Context(), "HTTPS", isapi.CertificateSelection{Server: "owner-1"})
			},
		},
		{
			name: "user level", path: "/ISAPI/Security/users/2", proven: byReading, changes: []string{"GET /ISAPI/Security/users", "user vms"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetUserLevel(t.Context(), "vms", "Viewer")
			},
		},
		{
			name: "address list", path: "/ISAPI/System/Network/ipFilter", proven: byReading, changes: []string{"GET /ISAPI/System/Network/ipFilter"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetIPFilterList(t.Context(), "deny", []netip.Addr{netip.MustParseAddr("192.0.2.77")})
			},
		},
		{
			name: "filter of hardware addresses", path: "/ISAPI/System/Network/macFilter", proven: byReading, changes: []string{"GET /ISAPI/System/Network/macFilter"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetMACFilter(t.Context(), false)
			},
		},
		{
			name: "communities", path: snmp, proven: byReading, changes: []string{"GET " + snmp, "secret " + snmp},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetSNMPCommunities(t.Context(), secret("Snmp-Read-6"), secret("Snmp-Write-7"))
			},
		},
		{
			name: "logins at once", path: "/ISAPI/Security/loginLinkNum", proven: byReading, changes: []string{"GET /ISAPI/Security/loginLinkNum"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetLoginLinkNum(t.Context(), 2)
			},
		},
		{
			name: "permission", path: "/ISAPI/Security/UserPermission/5", proven: byReading, changes: []string{"GET /ISAPI/Security/UserPermission"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetUserPermission(t.Context(), "vms", map[string]bool{"preview": false})
			},
		},
		{
			name: "clock", path: "/ISAPI/System/time", proven: byClock, changes: []string{"GET /ISAPI/System/time", "clock"},
			do: func(c *isapi.Client, _ []byte, t *testing.T) (camsec.Change, error) {
				return c.SetClock(t.Context(), time.Now().Add(-time.Hour))
			},
		},
	}
}

// outcome is what must be told of a mishap. What nothing shows is unknown as soon
// as the device may have taken it, and what no handshake shows in five seconds.
func (w secretWrite) outcome(m mishap) camsec.Outcome {
	best := camsec.Applied
	if w.proven == byNothing || w.proven == byName {
		best = camsec.OutcomeUnknown
	}
	worst := camsec.NotApplied
	if w.proven == byNothing || w.proven == byHandshake {
		worst = camsec.OutcomeUnknown
	}
	switch m.name {
	case "reply lost before effect", "reply cut", "silent no-op", "refused with 500":
		return worst
	case "effect after the reply was lost":
		if w.proven == byHandshake || w.proven == byClock {
			return camsec.OutcomeUnknown
		}
		return best
	case "reply lost after effect", "needs a restart", "device restarts":
		return best
	case "gone after the write":
		if w.proven == byHandshake {
			return best // a device that is gone for HTTP still shakes hands
		}
		return camsec.OutcomeUnknown
	case "shows only after a restart":
		return camsec.OutcomeUnknown
	}
	return camsec.NotApplied // refused, or busy
}

// Writes of secrets meet every mishap: the outcome is right, one write was sent,
// and of all that the device holds nothing else changed.
func TestSecretWriteMishaps(t *testing.T) {
	for _, w := range secretWrites() {
		for _, m := range mishaps() {
			t.Run(w.name+"/"+m.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { w.meet(t, m) })
			})
		}
	}
}

func (w secretWrite) meet(t *testing.T, m mishap) {
	p := everything()
	p.Documents = maps.Clone(p.Documents)
	delete(p.Documents, "GET /ISAPI/System/Network/interfaces/1/ieee802.1x")
	p.Documents["GET /ISAPI/System/Network/macFilter"] = "<MACFilter><enabled>true</enabled><permissionType>allow</permissionType></MACFilter>"
	permission := "<UserPermission><id>5</id><userID>2</userID><userType>operator</userType><remotePermission><preview>true</preview></remotePermission></UserPermission>"
	p.Documents["GET /ISAPI/Security/UserPermission"] = "<UserPermissionList>" + permission + "</UserPermissionList>"
	nvr := benchOver(t, "http", recorder("connect", "false", "admin"), nil)
	for _, path := range []string{"channels", "channels/status"} {
		key := "GET /ISAPI/ContentMgmt/InputProxy/" + path
		p.Documents[key] = string(nvr.Document(key))
	}
	nvr.stop()
	if m.name == "gone after the write" {
		p.RestartTime = time.Hour
	}
	b := benchOver(t, "http", p, nil)
	defer b.stop()
	if w.proven == byHandshake {
		c, err := isapi.New("https://camera.test", auth.Static(b.User(), secret(b.Password())), &isapi.Options{
			DialContext: b.Host().DialContext, Trust: trust.InsecureAny(),
		})
		require.NoError(t, err)
		defer c.Close()
		b.client = c
	}
	var file []byte
	if w.prepare != nil {
		file = w.prepare(t, b)
	}
	m.arrange(b, w.path)
	before, from := b.State(), len(b.Host().Log())

	c, err := w.do(b.client, file, t)
	want := w.outcome(m)
	assert.Equal(t, want, c.Outcome, "%v", err)
	if want == camsec.Applied {
		require.NoError(t, err)
		assert.NotEmpty(t, c.Proof)
	} else {
		require.Error(t, err)
		assert.Equal(t, want == camsec.OutcomeUnknown, errors.Is(err, camsec.ErrUncertain), "%v", err)
		assert.NotContains(t, err.Error(), newPassword)
		assert.NotContains(t, err.Error(), "K-1")
	}

	sent := 0
	for _, e := range b.Host().Log()[from:] {
		if e.Method != "GET" && e.Outcome != authtest.Challenged && e.Outcome != authtest.Stale {
			assert.True(t, strings.HasPrefix(e.URI, w.path), e.URI)
			sent++
		}
	}
	once := 1
	if errors.Is(m.is, camsec.ErrUnauthorized) {
		once = 2 // a device that asks for a login has not looked at the body
	}
	assert.Equal(t, once, sent, "one write")
	time.Sleep(15 * time.Second) // for an effect that comes late
	changed := changedKeys(before, b.State())
	for _, key := range changed {
		assert.True(t, slices.ContainsFunc(w.changes, func(p string) bool { return strings.HasPrefix(key, p) }), "%s changed, too", key)
	}
	assert.Equal(t, m.holds, len(changed) > 0, "%v", changed)
	most := 0
	if errors.Is(m.is, camsec.ErrUnauthorized) {
		most = 1
	}
	assert.LessOrEqual(t, b.Host().FailedLogins(), most)
}

// changedKeys are the parts of a device's state that differ.
func changedKeys(before, after map[string]string) []string {
	var keys []string
	for _, m := range []map[string]string{before, after} {
		for k := range m {
			if before[k] != after[k] && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// No other write wipes the password of 802.1X, whatever the device shows in its
// place, and the credential that is set is the one that is held.
func TestCredential8021XIsKept(t *testing.T) {
	const path, name = "/ISAPI/System/Network/interfaces/1/ieee802.1x", "/ISAPI/System/Network/interfaces/1/ieee802.1x password"
	for what, shown := range map[string]string{"nothing": "", "an empty one": "<password></password>", "stars": "<password>******</password>"} {
		t.Run(what, func(t *testing.T) {
			p := isapitest.CurrentCamera()
			p.Services["802.1x"] = true
			b := newBench(t, p, nil)
			body := strings.Replace(string(b.Document("GET "+path)), "<anonymousID>", shown+"<anonymousID>", 1)
			b.SetDocument("GET "+path, []byte(body))
			c, err := b.client.SetIEEE8021XCredential(t.Context(), isapi.Credential8021X{
				Method: "EAP-PEAP", Identity: "cam-17", Anonymous: "nobody", Password: secret(newPassword),
			})
			require.ErrorIs(t, err, isapi.ErrUnproven)
			assert.Equal(t, camsec.OutcomeUnknown, c.Outcome)
			assert.Equal(t, newPassword, b.Secret(name))
			now, err := b.client.IEEE8021X(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "EAP-PEAP", now.Method)
			b.SetDocument("GET "+path, []byte(body))

			for _, on := range []bool{false, true} {
				c, err = b.client.SetIEEE8021X(t.Context(), on)
				require.NoError(t, err)
				assert.Equal(t, camsec.Applied, c.Outcome)
			}
			c, err = b.client.SetIEEE8021XCredential(t.Context(), isapi.Credential8021X{Identity: "cam-18"})
			require.NoError(t, err, "without a password all is read back")
			assert.Equal(t, camsec.Applied, c.Outcome)
			assert.Equal(t, newPassword, b.Secret(name), "and stays")
			c, err = b.client.SetIEEE8021XCredential(t.Context(), isapi.Credential8021X{Identity: "a\x00b", Password: secret("x\x00y")})
			require.Error(t, err)
			assert.Equal(t, camsec.NotApplied, c.Outcome)
			assert.NotContains(t, err.Error(), "x\x00y")
		})
	}
}
