package isapi_test

import (
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/trust"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// hidden are the kinds of login and device whose keys and paddings differ.
func hidden() map[string]struct {
	profile isapitest.Profile
	session bool
} {
	type kind = struct {
		profile isapitest.Profile
		session bool
	}
	p := everything()
	p.MoreUsers = []isapitest.User{{ID: 2, Name: "vms", Level: "Operator", Password: "Watch-And-Keep-2"}}
	other := everything()
	other.Namespace = isapitest.NamespaceISAPI // pads otherwise
	return map[string]kind{"digest": {p, false}, "session": {p, true}, "padded by PKCS #7": {other, false}}
}

// Names and passwords go over plain HTTP hidden, in both directions, and the
// device holds what was meant.
func TestEncryptFields(t *testing.T) {
	nvr := benchOver(t, "http", recorder("errorUserNameOrPasswd", "false", "cameras"), nil)
	for name, k := range hidden() {
		t.Run(name, func(t *testing.T) {
			p := k.profile
			p.LoginPassword = true
			p.Documents = maps.Clone(p.Documents)
			for _, path := range []string{"channels", "channels/status"} {
				key := "GET /ISAPI/ContentMgmt/InputProxy/" + path
				p.Documents[key] = string(nvr.Document(key))
			}
			b := benchOver(t, "http", p, &isapi.Options{SessionLogin: k.session, Settle: -1})
			before := b.Password()
			require.NoError(t, b.client.EncryptFields(t.Context()))
			b.tap.sent, b.tap.read = nil, map[string][]byte{}

			users, err := b.client.Users(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "admin", users[0].Name)
			onvif, err := b.client.ONVIFUsers(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "vms", onvif[0].Name)

			c, err := b.client.SetPassword(t.Context(), "vms", secret(newPassword))
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			c, err = b.client.CreateUser(t.Context(), isapi.NewUser{Name: "wall", Level: "Viewer", Password: secret("Made-For-W4ll")})
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			c, err = b.client.SetUserLevel(t.Context(), "wall", "Operator")
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			c, err = b.client.DeleteUser(t.Context(), "wall")
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			_, err = b.client.SetONVIFPassword(t.Context(), "vms", secret("Onvif-Only-55"))
			require.ErrorIs(t, err, isapi.ErrUnproven)
			_, err = b.client.SetSNMPUser(t.Context(), "1", isapi.SNMPUserChange{Name: "poller", AuthPassword: secret("Snmp-Auth-6")})
			require.ErrorIs(t, err, isapi.ErrUnproven)
			_, err = b.client.SetChannelCredential(t.Context(), "1", "cameras-2", secret("Channel-Pw-7"))
			if err != nil {
				require.ErrorIs(t, err, isapi.ErrUnproven)
			}

			state := b.State()
			assert.Contains(t, state["user vms"], newPassword)
			assert.Equal(t, "Onvif-Only-55", b.Secret("/ISAPI/Security/ONVIF/users/1 password"))
			assert.Equal(t, "Snmp-Auth-6", b.Secret("/ISAPI/System/Network/SNMP SNMPAdvanced/SNMPUserList/SNMPUser/snmpAuthenticationPassword"))
			assert.Contains(t, state["GET /ISAPI/System/Network/SNMP"], "<userName>poller</userName>")
			assert.Equal(t, "Channel-Pw-7", b.Secret("/ISAPI/ContentMgmt/InputProxy/channels/1 sourceInputPortDescriptor/password"))

			secrets := []string{newPassword, "Made-For-W4ll", "Onvif-Only-55", "Snmp-Auth-6", "Channel-Pw-7", before, "poller", "cameras-2", "wall"}
			for _, s := range b.tap.sent {
				for _, word := range secrets {
					for _, form := range []string{word, base64.StdEncoding.EncodeToString([]byte(word))} {
						assert.NotContains(t, s.uri+string(s.body), form, "%s %s", s.method, s.uri)
					}
				}
			}
			for uri, body := range b.tap.read {
				if strings.Contains(uri, "security=1") {
					assert.NotRegexp(t, "<userName>(admin|vms|wall)<", string(body), uri)
				}
			}

			c, err = b.client.SetPassword(t.Context(), "admin", secret("Another-Own-8"))
			require.NoError(t, err)
			assert.Equal(t, camsec.Applied, c.Outcome)
			c, err = b.client.SetPassword(t.Context(), "vms", secret("And-Once-More-9"))
			require.NoError(t, err, "the key follows the account's password")
			assert.Equal(t, camsec.Applied, c.Outcome)
			assert.LessOrEqual(t, b.Host().FailedLogins(), 1)
		})
	}
}

// Nothing is written hidden before the key is proven, and nothing that a device
// would store as it stands.
func TestEncryptFieldsUnproven(t *testing.T) {
	const caps, users = "GET /ISAPI/Security/capabilities", "GET /ISAPI/Security/users"
	for name, tt := range map[string]struct {
		profile isapitest.Profile
		arrange func(b *bench)
		is      error
	}{
		"device of before 2015": {isapitest.OldCamera(), nil, errors.ErrUnsupported},
		"answers in the clear": {isapitest.CurrentCamera(), func(b *bench) {
			b.Fail(users, http.StatusOK, "<UserList><User><id>1</id><userName>admin</userName></User></UserList>")
		}, errors.ErrUnsupported},
		"another key": {isapitest.CurrentCamera(), func(b *bench) {
			b.Fail(users, http.StatusOK, "<UserList><User><id>1</id><userName>742495974a11de876eb99e86a8611eb6</userName></User></UserList>")
		}, camsec.ErrMalformed},
		"garbage": {isapitest.CurrentCamera(), func(b *bench) {
			b.Fail(users, http.StatusOK, "<UserList><User><id>1</id><userName>zz</userName></User></UserList>")
		}, camsec.ErrMalformed},
		"nobody": {isapitest.CurrentCamera(), func(b *bench) { b.Fail(users, http.StatusOK, "<UserList/>") }, camsec.ErrMalformed},
		"too many rounds": {isapitest.CurrentCamera(), func(b *bench) {
			b.Fail(caps, http.StatusOK, `<SecurityCap><securityVersion opt="1,2"/><keyIterateNum>2000000000</keyIterateNum></SecurityCap>`)
		}, camsec.ErrMalformed},
		"another version": {isapitest.CurrentCamera(), func(b *bench) {
			b.Fail(caps, http.StatusOK, `<SecurityCap><securityVersion opt="2"/></SecurityCap>`)
		}, errors.ErrUnsupported},
		"forbidden": {isapitest.CurrentCamera(), func(b *bench) { b.Fail(users, http.StatusForbidden, "") }, camsec.ErrForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", tt.profile, nil)
			if tt.arrange != nil {
				tt.arrange(b)
			}
			err := b.client.EncryptFields(t.Context())
			require.ErrorIs(t, err, tt.is)
			assert.NotContains(t, err.Error(), b.Password())
			assert.Empty(t, b.tap.writes())
			assert.Zero(t, b.Host().FailedLogins())
		})
	}

	p := everything()
	b := benchOver(t, "http", p, nil)
	require.NoError(t, b.client.EncryptFields(t.Context()))
	b.Fail("GET /ISAPI/System/Network/SNMP", http.StatusOK, string(b.Document("GET /ISAPI/System/Network/SNMP")))
	state := b.State()
	_, err := b.client.SetSNMPUser(t.Context(), "1", isapi.SNMPUserChange{AuthPassword: secret("Snmp-Auth-6")})
	require.ErrorIs(t, err, camsec.ErrMalformed, "a document in the clear although asked for hidden")
	assert.Empty(t, b.tap.writes())
	assert.Equal(t, state, b.State())
}

// Newer firmware wants the requester's own password with a change of accounts:
// over https it goes along, over plain HTTP only hidden.
func TestLoginPassword(t *testing.T) {
	p := kept()
	p.LoginPassword = true
	for scheme, want := range map[string]camsec.Outcome{"https": camsec.Applied, "http": camsec.NotApplied} {
		t.Run(scheme, func(t *testing.T) {
			b := benchOver(t, scheme, p, nil)
			for what, change := range map[string]func() (camsec.Change, error){
				"password": func() (camsec.Change, error) { return b.client.SetPassword(t.Context(), "vms", secret(newPassword)) },
				"create": func() (camsec.Change, error) {
					return b.client.CreateUser(t.Context(), isapi.NewUser{Name: "wall", Level: "Viewer", Password: secret(newPassword)})
				},
				"level": func() (camsec.Change, error) { return b.client.SetUserLevel(t.Context(), "vms", "Viewer") },
			} {
				c, err := change()
				assert.Equal(t, want, c.Outcome, "%s: %v", what, err)
				if want == camsec.NotApplied {
					require.ErrorContains(t, err, "passError")
				}
			}
			if scheme == "https" {
				c, err := b.client.DeleteUser(t.Context(), "wall")
				require.NoError(t, err)
				assert.Equal(t, camsec.Applied, c.Outcome)
			} else {
				_, err := b.client.DeleteUser(t.Context(), "vms")
				require.ErrorContains(t, err, "passError")
				for _, s := range b.tap.sent {
					assert.NotContains(t, s.uri+string(s.body), b.Password(), "the own password is not sent in the clear")
				}
			}
			assert.Zero(t, b.Host().FailedLogins())
		})
	}
	any, err := isapi.New("https://camera.test", auth.Static("admin", secret(p.Password)), &isapi.Options{
		DialContext: newBench(t, p, nil).Host().DialContext, Trust: trust.InsecureAny(), Settle: -1,
	})
	require.NoError(t, err)
	defer any.Close()
	_, err = any.SetUserLevel(t.Context(), "vms", "Viewer")
	require.ErrorContains(t, err, "passError", "nor is it told to whoever answers")

	b := newBench(t, p, nil)
	b.Fail("DELETE /ISAPI/Security/users/2", http.StatusInternalServerError, "")
	_, err = b.client.DeleteUser(t.Context(), "vms")
	require.Error(t, err)
	assert.NotContains(t, err.Error(), b.Password(), "nor does it stand in an error")
}
