package isapi_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/firmware/advisory"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// Every control that ISAPI can answer reaches pass, fail and unknown from
// what simulated devices say over the wire: one kept as it should be, one
// neglected, and some that refuse, garble or cut their documents. What never
// does is listed by the test.

// The clock of these tests stands where the advisories' dataset is fresh.
var wireDay = advisory.Embedded().AsOf().Add(30 * 24 * time.Hour)

func wireControls() []camsec.Control {
	all := append(camsec.Controls(), advisory.Controls(advisory.Embedded())...)
	baseline := &camsec.Baseline{Accounts: []string{"admin", "vms"}}
	return baseline.Apply(all)
}

func illaccess(methods ...string) string {
	var notes strings.Builder
	for _, m := range methods {
		fmt.Fprintf(&notes, "<EventTriggerNotification><id>%s</id><notificationMethod>%s</notificationMethod></EventTriggerNotification>", m, m)
	}
	return "<EventTriggerList><EventTrigger><id>illaccess</id><eventType>illaccess</eventType><EventTriggerNotificationList>" +
		notes.String() + "</EventTriggerNotificationList></EventTrigger></EventTriggerList>"
}

// kept is a camera as it should be.
func kept() isapitest.Profile {
	p := isapitest.CurrentCamera()
	p.Access = append(p.Access,
		isapitest.Access{ID: 10, Protocol: "modbusTCP", Port: 502},
		isapitest.Access{ID: 11, Protocol: "IOT", Port: 30999})
	for i := range p.Access {
		if p.Access[i].Protocol == "HTTP" {
			p.Access[i].Enabled = false
		}
	}
	p.MoreUsers = []isapitest.User{{ID: 2, Name: "vms", Level: "Operator", Password: "Watch-And-Keep-2"}}
	maps.Copy(p.Services, map[string]bool{
		"gb28181": false, "telnet": false, "idle-logout": true, "ipfilter": true, "discovery": false,
	})
	p.Documents = map[string]string{
		"GET /ISAPI/System/Network/mailing": "<mailingList><mailing><id>1</id><sender><smtp><enableSSL>true</enableSSL>" +
			"<addressingFormatType>hostname</addressingFormatType><hostName>mail.example.org</hostName></smtp></sender></mailing></mailingList>",
		"GET /ISAPI/Event/notification/httpHosts": "<HttpHostNotificationList><HttpHostNotification><id>1</id><protocolType>HTTPS</protocolType>" +
			"<addressingFormatType>hostname</addressingFormatType><hostName>events.example.org</hostName><portNo>443</portNo>" +
			"<httpAuthenticationMethod>MD5digest</httpAuthenticationMethod></HttpHostNotification></HttpHostNotificationList>",
	}
	return p
}

// neglected is a camera that nobody looked after: everything is on, nothing
// is guarded, and its firmware is years old.
func neglected() isapitest.Profile {
	p := isapitest.CurrentCamera()
	p.Model, p.Serial, p.MAC = "DS-2CD2143G2-I", "123456", "02:00:5e:00:53:44"
	p.Firmware, p.Released, p.Platform = "V5.5.80", "build 190129", "B-R-G3-0"
	p.DefaultPassword, p.RiskPassword = true, true
	p.Algorithms, p.Basic = []string{authtest.MD5}, true
	p.WebCertificate, p.RTSP = "digest/basic", "digest/basic"
	p.LockAfter, p.LockFor = 20, time.Minute
	p.MoreUsers = []isapitest.User{{ID: 2, Name: "installer", Level: "Administrator", Password: "Left-Behind-22"}}
	for i := range p.Access {
		p.Access[i].Enabled = p.Access[i].Protocol != "HTTPS"
		p.Access[i].OldTLS = true
	}
	p.Access = append(p.Access,
		isapitest.Access{ID: 10, Protocol: "modbusTCP", Port: 502, Enabled: true},
		isapitest.Access{ID: 11, Protocol: "IOT", Port: 30999, Enabled: true})
	for name := range p.Services {
		p.Services[name] = true
	}
	maps.Copy(p.Services, map[string]bool{
		"gb28181": true, "telnet": true, "idle-logout": false, "ipfilter": false, "illegal-login-lock": false, "802.1x": false,
	})
	p.Documents = map[string]string{
		"GET /ISAPI/Event/triggers": illaccess(),
		"GET /ISAPI/System/Network/mailing": "<mailingList><mailing><id>1</id><sender><smtp><enableSSL>false</enableSSL>" +
			"<addressingFormatType>hostname</addressingFormatType><hostName>mail.example.org</hostName></smtp></sender></mailing></mailingList>",
		"GET /ISAPI/Event/notification/httpHosts": "<HttpHostNotificationList><HttpHostNotification><id>1</id><protocolType>HTTP</protocolType>" +
			"<addressingFormatType>ipaddress</addressingFormatType><ipAddress>192.0.2.9</ipAddress><portNo>80</portNo>" +
			"<httpAuthenticationMethod>none</httpAuthenticationMethod></HttpHostNotification></HttpHostNotificationList>",
		"GET /ISAPI/System/time": "<Time><timeMode>manual</timeMode><localTime>2001-01-01T00:00:00+00:00</localTime></Time>",
	}
	return p
}

// notFrom are the controls whose answer needs another device than the two
// above, with that device.
var notFrom = map[camsec.Status]map[string]isapitest.Profile{
	camsec.Pass: {},
	camsec.Fail: {
		// Only a device without a password is not activated, and it answers
		// nothing else; TLS and the lock's length have no meaning where HTTPS
		// and the lock are off.
		"ACC-01": with(neglected(), func(p *isapitest.Profile) {
			p.Documents["GET /ISAPI/Security/userCheck"] = "<userCheck><statusValue>200</statusValue><isActivated>false</isActivated></userCheck>"
		}),
		"ACC-13": with(neglected(), func(p *isapitest.Profile) { p.Services["illegal-login-lock"] = true }),
		"TLS-03": with(neglected(), func(p *isapitest.Profile) { p.Access[1].Enabled = true }),
	},
}

func with(p isapitest.Profile, change func(*isapitest.Profile)) isapitest.Profile {
	change(&p)
	return p
}

// audit collects and judges one simulated device, all over the wire.
func audit(t *testing.T, p isapitest.Profile, spoil func(*isapitest.Device)) map[string]camsec.Result {
	t.Helper()
	now := func() time.Time { return wireDay }
	dev, err := isapitest.Start(p, &isapitest.Options{InProcess: true, Now: now})
	require.NoError(t, err)
	defer dev.Close()
	if spoil != nil {
		spoil(dev)
	}
	c, err := isapi.New("http://camera.test", auth.Static(dev.User(), camsec.NewSecret([]byte(dev.Password()))),
		&isapi.Options{Base: dev.Transport(), Now: now, ReadOnly: true})
	require.NoError(t, err)
	defer c.Close()
	s, _ := camsec.Collect(t.Context(), c.Device(), &camsec.CollectOptions{Now: now})
	results := map[string]camsec.Result{}
	for _, r := range camsec.Judge(s, wireControls(), wireDay).Results {
		results[r.Control] = r
	}
	return results
}

// A trouble is a way in which a device does not answer a question.
type trouble struct {
	name string
	do   func(d *isapitest.Device, path string)
}

func troubles() []trouble {
	fail := func(status int, body string) func(*isapitest.Device, string) {
		return func(d *isapitest.Device, path string) { d.Fail("GET "+path, status, body) }
	}
	return []trouble{
		{"forbidden", fail(http.StatusForbidden, "")},
		{"not supported", fail(http.StatusNotFound, "")},
		{"busy", fail(http.StatusServiceUnavailable, "")},
		{"garbled", fail(http.StatusOK, "<html><p>Your session \x00 has ended")},
		{"another document", fail(http.StatusOK, "<Surprise><enabled>true</enabled></Surprise>")},
		{"cut", func(d *isapitest.Device, path string) {
			d.Host().Script(authtest.Fault{On: "GET " + path, AfterLogin: true, Body: []byte("<SSH><enabled>false</enabled></SSH>"), Cut: 9})
		}},
	}
}

// paths are what the reading operations ask for, without queries.
func paths() []string {
	var out []string
	for _, o := range isapi.Operations() {
		if !o.Writes {
			path, _, _ := strings.Cut(o.Path, "?")
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestControlsReachPassFailUnknownOverTheWire(t *testing.T) {
	reached := map[string]map[camsec.Status]bool{}
	note := func(id string, s camsec.Status) {
		if reached[id] == nil {
			reached[id] = map[camsec.Status]bool{}
		}
		reached[id][s] = true
	}
	states := map[camsec.Status]map[string]camsec.Result{
		camsec.Pass: audit(t, kept(), nil),
		camsec.Fail: audit(t, neglected(), nil),
	}
	for want, results := range states {
		for id, r := range results {
			if p, ok := notFrom[want][id]; ok {
				r = audit(t, p, nil)[id]
			}
			note(id, r.Status)
			assert.Equal(t, want, r.Status, "%s: %s", id, r.Reason)
		}
	}
	for _, tr := range troubles() {
		if tr.name == "cut" {
			continue // a device that cuts everything is left after two; below it cuts one document at a time
		}
		results := audit(t, kept(), func(d *isapitest.Device) {
			for _, path := range paths() {
				tr.do(d, path)
			}
		})
		for id, r := range results {
			note(id, r.Status)
			assert.Equal(t, camsec.StatusUnknown, r.Status, "%s, %s: %s", tr.name, id, r.Reason)
			assert.NotEmpty(t, r.Reason)
		}
	}
	var never []string
	for _, c := range wireControls() {
		for _, s := range []camsec.Status{camsec.Pass, camsec.Fail, camsec.StatusUnknown} {
			if !reached[c.ID()][s] {
				never = append(never, c.ID()+" never "+s.String())
			}
		}
	}
	slices.Sort(never)
	assert.Empty(t, slices.Compact(never))
}

// A pass rests on documents: when one of those that it names is refused,
// garbled or cut, the control passes no more.
func TestNoPassWithoutItsDocument(t *testing.T) {
	good := audit(t, kept(), nil)
	kinds := troubles()
	for i, path := range paths() {
		tr := kinds[i%len(kinds)]
		results := audit(t, kept(), func(d *isapitest.Device) { tr.do(d, path) })
		for id, r := range results {
			rests := slices.ContainsFunc(good[id].Evidence, func(s camsec.Source) bool {
				at, _, _ := strings.Cut(strings.TrimPrefix(s.Operation, "GET "), "?")
				return at == path
			})
			if rests && good[id].Status == camsec.Pass {
				assert.NotEqual(t, camsec.Pass, r.Status, "%s is %s and %s passes", path, tr.name, id)
			}
		}
	}
}
