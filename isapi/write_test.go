package isapi_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// A tap keeps what goes over the wire: the requests that passed with their
// bodies, and the last document read from each path.
type tap struct {
	base http.RoundTripper
	mu   sync.Mutex
	sent []tapped
	read map[string][]byte
	// after is called when a write has been answered.
	after func()
}

type tapped struct {
	method, uri string
	body        []byte
	status      int
}

func (p *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := p.base.RoundTrip(r)
	if p.after != nil && r.Method != http.MethodGet {
		p.after()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t := tapped{method: r.Method, uri: r.URL.RequestURI(), body: body}
	if err == nil {
		t.status = resp.StatusCode
		endless := strings.HasPrefix(resp.Header.Get("Content-Type"), "multipart/")
		if r.Method == http.MethodGet && resp.StatusCode == http.StatusOK && !endless {
			b, _ := io.ReadAll(resp.Body)
			resp.Body = io.NopCloser(bytes.NewReader(b))
			p.read[t.uri] = b
		}
	}
	p.sent = append(p.sent, t)
	return resp, err
}

// writes are the requests that change something, the challenged ones left out.
func (p *tap) writes() []tapped {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []tapped
	for _, t := range p.sent {
		if t.method != http.MethodGet && t.status != http.StatusUnauthorized {
			out = append(out, t)
		}
	}
	return out
}

// bench is a simulated device with its client.
type bench struct {
	*isapitest.Device
	tap    *tap
	scheme string
	client *isapi.Client
	hold   chan struct{} // of a scripted fault; closed at the end

	readOnly bool
}

func newBench(t *testing.T, p isapitest.Profile, opts *isapi.Options) *bench {
	t.Helper()
	return benchOver(t, "https", p, opts)
}

func benchOver(t *testing.T, scheme string, p isapitest.Profile, opts *isapi.Options) *bench {
	t.Helper()
	dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true})
	require.NoError(t, err)
	t.Cleanup(func() { _ = dev.Close() })
	b := &bench{Device: dev, scheme: scheme, tap: &tap{base: dev.Transport(), read: map[string][]byte{}}}
	b.client = b.another(t, opts)
	return b
}

// stop closes the device, and lets its connections end where time is simulated.
func (b *bench) stop() {
	if b.hold != nil {
		close(b.hold)
	}
	_ = b.Close()
	time.Sleep(time.Second)
}

// another is one more client of the same device.
func (b *bench) another(t *testing.T, opts *isapi.Options) *isapi.Client {
	t.Helper()
	var o isapi.Options
	if opts != nil {
		o = *opts
	}
	return b.via(t, b.tap, o)
}

func (b *bench) via(t *testing.T, base http.RoundTripper, o isapi.Options) *isapi.Client {
	t.Helper()
	o.Base = base
	o.Seen = []netip.Addr{netip.MustParseAddr(authtest.DefaultClient)}
	c, err := isapi.New(b.scheme+"://camera.test", auth.Static(b.User(), camsec.NewSecret([]byte(b.Password()))), &o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// writableProfiles are the kinds of device that writes are tried on, each with
// everything that it can have, and with elements that nobody knows.
func writableProfiles() map[string]isapitest.Profile {
	all := map[string]isapitest.Profile{}
	for _, p := range isapitest.Profiles() {
		if !p.NotActivated { // see TestInactiveDevicesRefuse
			all[p.Kind] = p
		}
	}
	full := kept()
	full.WholeDocuments = true
	all["kept, whole documents only"] = full
	oem := isapitest.CurrentCamera()
	oem.Namespace, oem.WholeDocuments, oem.Reboots = isapitest.NamespaceStdCGI, true, []string{"/ISAPI/Security/adminAccesses"}
	all["OEM"] = oem
	return all
}

// odd puts elements that nobody knows into every document of a device, and an
// allow list that holds the client into the address filter.
func odd(d *isapitest.Device) {
	for key := range d.State() {
		body := string(d.Document(key))
		if !strings.HasPrefix(key, "GET ") || body == "" || body[0] == '{' {
			continue
		}
		body = strings.Replace(body, `<IPFilterAddressList size="32">`, `<IPFilterAddressList size="32"><IPFilterAddress><id>1</id>`+
			`<addressFilterType>mask</addressFilterType><AddressMask><ipAddress>192.0.2.10</ipAddress></AddressMask></IPFilterAddress>`, 1)
		at := strings.LastIndex(body, "</")
		d.SetDocument(key, []byte(body[:at]+"<oddVendorThing mode=\"x &amp; y\">\t<deeper></deeper> <flat>it's</flat></oddVendorThing>\n"+body[at:]))
	}
}

// another value than the one a setting has.
func otherValue(s camsec.Setting) camsec.Value {
	v := s.Value
	switch v.Kind() {
	case "bool":
		return camsec.ValueOf(!v.Bool())
	case "int":
		if s.ID == "login.lockout.seconds" {
			return camsec.ValueOf(v.Int() + 600)
		}
		return camsec.ValueOf(v.Int() + 1)
	case "strings":
		switch {
		case s.ID == "login.alarm" && slices.Contains(v.Strings(), "email"):
			return camsec.ValueOf([]string{"center"})
		case s.ID == "login.alarm":
			return camsec.ValueOf([]string{"center", "email"})
		case s.ID == "http.auth.algorithms":
			return camsec.ValueOf([]string{"SHA256"})
		case len(v.Strings()) == 1:
			return camsec.ValueOf([]string{"digest", "basic"})
		}
		return camsec.ValueOf([]string{"digest"})
	}
	if s.ID == "tls.min" {
		return camsec.ValueOf("1.3")
	}
	return camsec.ValueOf("time.example.net")
}

// otherValueOn minds that some devices know no TLS 1.3.
func otherValueOn(p isapitest.Profile, s camsec.Setting) camsec.Value {
	old := slices.ContainsFunc(p.Access, func(a isapitest.Access) bool { return a.NoTLS13 })
	switch {
	case s.ID == "tls.min" && old && s.Value.Text() == "1.2":
		return camsec.ValueOf("1.1")
	case s.ID == "tls.min" && old:
		return camsec.ValueOf("1.2")
	}
	return otherValue(s)
}

// Everything settable, on every kind of device: it is set, reads back over the
// wire and in the device's own state, a second time writes nothing, and it goes
// back to what it was. Nothing else changes, and what is sent differs from what
// was read in the value alone.
func TestSetReadBackRestore(t *testing.T) {
	reached := map[string]bool{}
	for name, profile := range writableProfiles() {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, profile, nil)
			odd(b.Device)
			dev := b.client.Device()
			settings, err := dev.Settings(t.Context())
			require.NoError(t, err)
			for _, s := range settings {
				if !slices.Contains(isapi.SettableSettings(), s.ID) {
					continue
				}
				before, count := b.State(), len(b.tap.writes())
				if s.Err != nil {
					c, err := dev.SetSetting(t.Context(), s.ID, someValue(s.ID))
					require.Error(t, err, "%s is not told, and was set", s.ID)
					assert.Equal(t, camsec.NotApplied, c.Outcome, s.ID)
					assert.Len(t, b.tap.writes(), count, s.ID)
					continue
				}
				want := otherValueOn(profile, s)
				c, err := dev.SetSetting(t.Context(), s.ID, want)
				if cuts(s.ID, want) {
					require.ErrorIs(t, err, isapi.ErrCutOff, s.ID)
					holdState(t, before, b.State(), s.ID)
					continue
				}
				if why := refuses(profile, s.ID); why != "" {
					e, ok := errors.AsType[*isapi.Error](err)
					require.True(t, ok, "%s: %v", s.ID, err)
					assert.Equal(t, why, e.SubStatusCode)
					assert.Equal(t, camsec.NotApplied, c.Outcome, s.ID)
					holdState(t, before, b.State(), s.ID)
					continue
				}
				require.NoError(t, err, "%s to %s", s.ID, want)
				reached[s.ID] = true
				assert.Equal(t, camsec.Applied, c.Outcome, s.ID)
				assert.Equal(t, "read back", c.Proof, s.ID)
				wrote := b.tap.writes()[count:]
				holdValue(t, b, s.ID, want)
				holdSent(t, b, s.ID, wrote)
				holdChanges(t, before, b.State(), wrote)

				c, err = dev.SetSetting(t.Context(), s.ID, want)
				require.NoError(t, err, s.ID)
				assert.Equal(t, camsec.Applied, c.Outcome, s.ID)
				assert.NotEmpty(t, c.Proof)
				assert.Len(t, b.tap.writes(), count+len(wrote), "%s: a second set writes nothing", s.ID)

				_, err = dev.SetSetting(t.Context(), s.ID, s.Value)
				if cuts(s.ID, s.Value) {
					require.ErrorIs(t, err, isapi.ErrCutOff, s.ID)
					continue
				}
				require.NoError(t, err, "%s back to %s", s.ID, s.Value)
				holdValue(t, b, s.ID, s.Value)
				holdState(t, before, b.State(), s.ID+" restored")
			}
			assert.Zero(t, b.Host().FailedLogins())
		})
	}
	for _, id := range isapi.SettableSettings() {
		assert.True(t, reached[id], "no kind of device has %s", id)
	}
}

// cuts tells the changes that would end the client's own way in, over https.
func cuts(id string, v camsec.Value) bool { return id == "service.https" && !v.Bool() }

// refuses is the word by which a kind of device refuses a setting that it
// tells: the factory's port of a terminal's EHome is none that can be written.
func refuses(p isapitest.Profile, id string) string {
	if p.Kind == "access-terminal" && id == "service.ehome" {
		return "portError"
	}
	return ""
}

func someValue(id string) camsec.Value {
	switch camsec.SettingKinds()[id] {
	case "bool":
		return camsec.ValueOf(true)
	case "int":
		return camsec.ValueOf(5)
	case "strings":
		return camsec.ValueOf([]string{"digest"})
	}
	return camsec.ValueOf("1.2")
}

// holdValue asks another client, whose knowledge is fresh.
func holdValue(t *testing.T, b *bench, id string, want camsec.Value) {
	t.Helper()
	settings, err := b.another(t, nil).Device().Settings(t.Context())
	require.NoError(t, err)
	s := (&camsec.Snapshot{Settings: settings}).Setting(id)
	require.Nil(t, s.Err, id)
	have := s.Value
	if have.Kind() == "strings" {
		assert.ElementsMatch(t, want.Strings(), have.Strings(), id)
		return
	}
	assert.Equal(t, want, have, id)
}

var value = regexp.MustCompile(`>[^<>]*<`)

// holdSent: but for the values, a document goes back byte by byte as it came.
// Those of which a part is sent, and lists that grow, are held by tests of
// their own.
func holdSent(t *testing.T, b *bench, id string, wrote []tapped) {
	t.Helper()
	require.NotEmpty(t, wrote, id)
	for _, w := range wrote {
		if id == "service.cloud" || id == "login.alarm" || id == "time.ntp.server" || w.body[0] == '{' {
			continue
		}
		read := b.tap.read[w.uri]
		assert.Equal(t, value.ReplaceAllString(string(read), "><"), value.ReplaceAllString(string(w.body), "><"), id)
		assert.LessOrEqual(t, differences(read, w.body), 3, id)
	}
}

func differences(a, b []byte) int {
	x, y := value.FindAll(a, -1), value.FindAll(b, -1)
	n := 0
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			n++
		}
	}
	return n
}

// holdChanges: of all that the device holds, only what was written to differs.
func holdChanges(t *testing.T, before, after map[string]string, wrote []tapped) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(after)) {
		if before[key] == after[key] {
			continue
		}
		path := strings.TrimPrefix(key, "GET ")
		assert.True(t, slices.ContainsFunc(wrote, func(w tapped) bool {
			at, _, _ := strings.Cut(w.uri, "?")
			return at == path || strings.HasPrefix(at, path+"/")
		}), "%s changed", key)
		assert.Contains(t, after[key], oddPart(before[key]), key)
	}
}

var between = regexp.MustCompile(`>\s+<`)

// holdState: the device holds what it held, white space between elements apart.
func holdState(t *testing.T, want, have map[string]string, why string) {
	t.Helper()
	for _, key := range slices.Sorted(maps.Keys(maps.Collect(func(yield func(string, bool) bool) {
		for _, m := range []map[string]string{want, have} {
			for k := range m {
				yield(k, true)
			}
		}
	}))) {
		assert.Equal(t, between.ReplaceAllString(want[key], "><"), between.ReplaceAllString(have[key], "><"), "%s: %s", why, key)
	}
}

func oddPart(body string) string {
	i, j := strings.Index(body, "<oddVendorThing"), strings.LastIndex(body, "</oddVendorThing>")
	if i < 0 {
		return ""
	}
	return body[i:j]
}

// replaceElement puts another element in the place of one of a document.
func replaceElement(doc, name, with string) string {
	return regexp.MustCompile("<"+name+">[^<]*</"+name+">").ReplaceAllString(doc, with)
}
