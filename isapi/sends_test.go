package isapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// arguments are what methods with more than a context are called with, so that
// they do change something on the device of talkative.
var arguments = map[string][]any{
	"CreateCertificateRequest":    {[]byte("<CertificateReq/>")},
	"CreateSelfSignedCertificate": {[]byte("<SelfSignCert/>")},
	"ExportConfiguration":         {secret("K-1")},
	"ImportCertificate": {func(b *bench) []byte {
		_, _ = b.client.CreateCertificateRequest(context.Background(), []byte("<CertificateReq/>"))
		der, _ := b.client.CertificateRequest(context.Background())
		return issue(der)
	}},
	"ImportConfiguration": {secret("K-1"), func(b *bench) []byte {
		file, _ := b.client.ExportConfiguration(context.Background(), secret("K-1"))
		return file
	}},
	"Reboot":               {},
	"SelectCertificate":    {"HTTPS", isapi.CertificateSelection{Server: "x"}},
	"SelectedCertificate":  {"HTTPS"},
	"Alerts":               {nil},
	"SecurityLog":          {isapi.LogQuery{}},
	"SystemLog":            {isapi.LogQuery{}},
	"UpdateFirmware":       {imageOf(300), nil},
	"CreateONVIFUser":      {isapi.NewUser{Name: "wall", Level: "mediaUser", Password: secret(newPassword)}},
	"CreateUser":           {isapi.NewUser{Name: "wall", Level: "Viewer", Password: secret(newPassword)}},
	"DeleteUser":           {"vms"},
	"SetChannelCredential": {"1", "", secret(newPassword)},
	"SetONVIFPassword":     {"vms", secret(newPassword)},
	"SetPassword":          {"vms", secret(newPassword)},
	"SetSNMPCommunities":   {secret("read-1"), secret("write-1")},
	"SetSNMPUser":          {"1", isapi.SNMPUserChange{AuthMethod: "SHA"}},
	"SetUserLevel":         {"vms", "Viewer"},
	"SetUserPermission":    {"vms", map[string]bool{"preview": false}},
	"SetAdminAccess":       {"WebSocket", isapi.AdminAccessChange{Enabled: camsec.StateOn}},
	"SetAdvanced":          {isapi.Advanced{IdleLogout: camsec.StateOff}},
	"SetAnonymousLogin":    {true},
	"SetChannelValidation": {"1", true},
	"SetClock":             {time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)},
	"SetIPFilterList":      {"allow", []netip.Addr{netip.MustParseAddr(authtest.DefaultClient)}},
	"SetDDNS":              {"1", true},
	"SetDiscoveryMode":     {isapi.DiscoveryMode{SADP: camsec.StateOn}},
	"SetEHome":             {true},
	"SetEZVIZ":             {true},
	"SetEventTrigger":      {"illaccess", []string{"email"}},
	"SetFTP":               {"1", true},
	"SetGB28181":           {true},
	"SetHTTPHost":          {"1", isapi.HTTPHostChange{Protocol: "HTTP"}},
	"SetIEEE8021X":         {false},

	"SetIEEE8021XCredential": {isapi.Credential8021X{Password: secret(newPassword)}},

	"SetIPFilter":          {false},
	"SetIllegalLoginLock":  {isapi.IllegalLoginLock{Enabled: camsec.StateOff}},
	"SetIntegrate":         {isapi.IntegrateChange{ONVIF: camsec.StateOff}},
	"SetLogServer":         {isapi.LogServerChange{Enabled: camsec.StateOff, Host: "192.0.2.31"}},
	"SetLoginLinkNum":      {8},
	"SetMACFilter":         {false},
	"SetMailEncryption":    {"1", false},
	"SetMulticast":         {"101", true},
	"SetNTPServer":         {"1", isapi.NTPServerChange{Host: "192.0.2.123"}},
	"SetRTSPCertificate":   {isapi.AuthMode{Types: []string{"digest", "basic"}}},
	"SetSNMP":              {isapi.SNMPChange{V3: camsec.StateOn}},
	"SetSSH":               {true},
	"SetStreamingSecurity": {"101", isapi.AuthMode{Types: []string{"digest", "basic"}}},
	"SetTelnet":            {true},
	"SetTimeMode":          {"manual"},
	"SetUPnP":              {true},
	"SetWebCertificate":    {isapi.AuthMode{Types: []string{"digest", "basic"}}},

	"Device.SetPassword": {camsec.Account{Name: "vms"}, secret(newPassword)},
	"Activate":           {first},
	"ActivateV3":         {first},

	"Device.SetSetting": {"service.ssh", camsec.ValueOf(true)},
}

// before are what has to be so that a method has something to send.
var before = map[string]func(*bench, context.Context) error{
	"SessionHeartbeat": func(b *bench, ctx context.Context) error { return b.client.SessionLogin(ctx) },
	"SessionLogout":    func(b *bench, ctx context.Context) error { return b.client.SessionLogin(ctx) },
}

// profiles are what methods need that the device of talkative is too far on
// for.
var profiles = map[string]isapitest.Profile{"Activate": fresh(0), "ActivateV3": fresh(3)}

// talkative is a device on which every method has something to do.
func talkative(t *testing.T, readOnly bool) *bench {
	p := everything()
	p.RestartTime, p.UpgradeTime = 10*time.Second, 5*time.Second
	p.Services["double-verification"] = true
	p.Documents["GET /ISAPI/System/Network/macFilter"] = "<MACFilter><enabled>true</enabled></MACFilter>"
	nvr := benchOver(t, "http", recorder("connect", "false", "admin"), nil)
	defer nvr.stop()
	for _, path := range []string{"channels", "channels/status"} {
		key := "GET /ISAPI/ContentMgmt/InputProxy/" + path
		p.Documents[key] = string(nvr.Document(key))
	}
	b := benchOver(t, "http", p, &isapi.Options{ReadOnly: readOnly})
	b.readOnly = readOnly
	b.SetDocument(requestKey, request())
	return b
}

// benchFor is a device on which one method has something to do.
func benchFor(t *testing.T, name string, readOnly bool) *bench {
	if p, ok := profiles[name]; ok {
		return newBench(t, p, &isapi.Options{ReadOnly: readOnly})
	}
	return talkative(t, readOnly)
}

// methods are the exported methods that may send something.
func methods() map[string]func(*bench) reflect.Value {
	ctx := reflect.TypeFor[context.Context]()
	all := map[string]func(*bench) reflect.Value{}
	for m := range reflect.TypeFor[*isapi.Client]().Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == ctx && m.Name != "AcceptWeaker" { // which sends nothing
			all[m.Name] = func(b *bench) reflect.Value { return reflect.ValueOf(b.client).MethodByName(m.Name) }
		}
	}
	for m := range reflect.TypeFor[*isapi.Device]().Methods() {
		if m.Type.NumIn() > 1 && m.Type.In(1) == ctx {
			all["Device."+m.Name] = func(b *bench) reflect.Value { return reflect.ValueOf(b.client.Device()).MethodByName(m.Name) }
		}
	}
	return all
}

func call(t *testing.T, b *bench, name string, m reflect.Value) (change *camsec.Change, err error) {
	t.Helper()
	in := []reflect.Value{reflect.ValueOf(t.Context())}
	for _, a := range arguments[name] {
		if f, ok := a.(func(*bench) []byte); ok {
			if a = []byte("x"); !b.readOnly {
				a = f(b)
			}
			b.tap.sent = nil
		}
		in = append(in, reflect.ValueOf(a))
	}
	require.Equal(t, m.Type().NumIn(), len(in), "%s: what it is called with must stand in arguments", name)
	for i := range in {
		if !in[i].IsValid() {
			in[i] = reflect.Zero(m.Type().In(i))
		}
	}
	out := m.Call(in)
	if out[0].Type().CanSeq2() {
		for _, e := range out[0].Seq2() { // the first is enough of what never ends
			err, _ = e.Interface().(error)
			break
		}
		return nil, err
	}
	if c, ok := out[0].Interface().(camsec.Change); ok {
		change = &c
	}
	err, _ = out[len(out)-1].Interface().(error)
	return change, err
}

// operationsOf finds what was sent in the table.
func operationsOf(t *testing.T, sent []tapped) []isapi.Operation {
	t.Helper()
	var list []isapi.Operation
	for _, s := range sent {
		at := slices.IndexFunc(isapi.Operations(), func(o isapi.Operation) bool { return o.Method == s.method && samePath(o.Path, s.uri) })
		require.GreaterOrEqual(t, at, 0, "%s %s is not in the table", s.method, s.uri)
		list = append(list, isapi.Operations()[at])
	}
	return list
}

// samePath: an {id} of the table stands for any one part.
func samePath(pattern, uri string) bool {
	path, _, _ := strings.Cut(uri, "?")
	if pattern == uri || pattern == path {
		return true
	}
	a, b := strings.Split(pattern, "/"), strings.Split(uri, "/")
	if !strings.Contains(pattern, "{") || len(a) != len(b) {
		return false
	}
	for i := range a {
		left, _, has := strings.Cut(a[i], "{")
		if !has && a[i] != b[i] || has && !strings.HasPrefix(b[i], left) {
			return false
		}
	}
	return true
}

// Every method sends what the table says, and nothing that is not in it. On a
// read-only client those that were seen to write are refused before a byte is
// sent, and the others are not.
func TestMethodsSendWhatTheTableSays(t *testing.T) {
	wrote := 0
	for name, method := range methods() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if methodSends(t, name, method) {
					wrote++
				}
			})
		})
	}
	reads := 5 // Alerts, ExportConfiguration, SecurityLog, SelectedCertificate and SystemLog, which take arguments
	assert.Equal(t, len(arguments)-reads, wrote)
	named := map[string]bool{}
	for name := range methods() {
		named[name] = true
	}
	for _, o := range isapi.Operations() {
		assert.True(t, named[o.Name], "%s is no method", o.Name)
	}
}

// methodSends holds one method against the table and tells whether it writes.
func methodSends(t *testing.T, name string, method func(*bench) reflect.Value) (writes bool) {
	b := benchFor(t, name, false)
	defer b.stop()
	if first := before[name]; first != nil {
		require.NoError(t, first(b, t.Context()))
	}
	change, err := call(t, b, name, method(b))
	if !errors.Is(err, isapi.ErrUnproven) {
		require.NoError(t, err)
	}
	require.NotEmpty(t, b.tap.sent, "it sends nothing, so nothing is known of it")
	sent := operationsOf(t, b.tap.sent)
	for _, o := range isapi.Operations() {
		second := o.Method == http.MethodPost && (name == "UpdateFirmware" || name == "ImportConfiguration") // if the first is refused
		if o.Name == name && !second {
			assert.True(t, slices.ContainsFunc(sent, func(s isapi.Operation) bool { return s.String() == o.String() }), "%s was not sent", o)
		}
	}
	writes = slices.ContainsFunc(sent, func(o isapi.Operation) bool { return o.Writes })
	assert.Equal(t, writes, change != nil, "a write returns a Change, and nothing else does")
	if change != nil {
		assert.Equal(t, err == nil, change.Outcome == camsec.Applied)
	}

	quiet := benchFor(t, name, true)
	defer quiet.stop()
	if first := before[name]; first != nil {
		require.NoError(t, first(quiet, t.Context()))
	}
	change, err = call(t, quiet, name, method(quiet))
	if !writes {
		require.NoError(t, err)
		return false
	}
	require.ErrorIs(t, err, isapi.ErrReadOnly)
	assert.Equal(t, camsec.NotApplied, change.Outcome)
	assert.Empty(t, quiet.tap.sent)
	assert.Zero(t, quiet.Host().Connections())
	return true
}

// The neutral view refuses every setting alike.
func TestReadOnlySettings(t *testing.T) {
	b := talkative(t, true)
	for _, id := range isapi.SettableSettings() {
		c, err := b.client.Device().SetSetting(t.Context(), id, someValue(id))
		require.ErrorIs(t, err, isapi.ErrReadOnly, id)
		assert.Equal(t, camsec.NotApplied, c.Outcome)
	}
	assert.Empty(t, b.tap.sent)
}
