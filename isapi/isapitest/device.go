package isapitest

import (
	"crypto/ecdsa"
	"crypto/tls"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// Options say how a device is reached. The zero value, and a nil pointer,
// listen on a free loopback port without TLS.
type Options struct {
	// TLS speaks HTTPS with a certificate of the device's own.
	TLS bool
	// TLSConfig changes the server side of TLS; see authtest.Options.TLS.
	TLSConfig *tls.Config
	// InProcess opens no port: the device is reached by its Transport only.
	InProcess bool
	// Address to listen on; empty means "127.0.0.1:0".
	Address string
	// Ports has services answer on loopback ports of their own while they are
	// on; see Device.Port.
	Ports bool
	// Now is the device's clock; nil means time.Now.
	Now func() time.Time
}

// TB is the part of testing.TB that New uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// A User is an account of the device.
type User struct {
	ID       int
	Name     string
	Level    string // Administrator, Operator or Viewer
	Password string
}

type failure struct {
	status int
	body   string
	exact  bool // an empty body is one
}

// A Device is a running simulated device. Its methods may be called from
// several goroutines.
type Device struct {
	host    *authtest.Host
	addr    string
	profile Profile

	mu        sync.Mutex
	docs      map[string]string // "GET /ISAPI/…" -> body
	fails     map[string]failure
	users     []User
	activated bool
	replay    bool
	clock     time.Time // of a capture; zero: not one
	writes    []Write
	random    string // of an activation under way
	sadpSeen  []string
	sessions  map[string]*session // by the value of the cookie, or of the challenge's id until then

	behaviours map[string]*behaviour
	waiting    []func() // changes that take hold at the next restart
	restarts   int
	timers     []*time.Timer
	secrets    map[string]string   // what is taken and not shown
	history    map[string][]string // passwords that an account had
	timeMode   string
	skew       time.Duration // of a clock that was set by hand
	ports      map[string]*port
	cameras    map[int]attached // behind a recorder's channels
	closed     bool
	upgrade    *upgrade
	pending    *ecdsa.PrivateKey // of the last certificate request
	served     *tls.Certificate  // that the device was given

	log       []LogEntry
	listeners map[chan string]bool // to the alert stream
	silent    bool                 // sends no heartbeats
}

// A Write is one change the device carried out. It holds no secrets.
type Write struct {
	Method, Path, User string
}

// New starts a device on a loopback port and closes it when the test ends.
func New(tb TB, profile Profile) *Device {
	tb.Helper()
	d, err := Start(profile, nil)
	if err != nil {
		tb.Fatalf("isapitest: %v", err)
		return nil
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

// Start starts a device. The caller closes it.
func Start(profile Profile, opts *Options) (*Device, error) {
	d := &Device{
		profile:   profile.clone(),
		docs:      documents(profile),
		users:     []User{{ID: 1, Name: profile.User, Level: "Administrator", Password: profile.Password}},
		activated: !profile.NotActivated,
	}
	d.users = append(d.users, profile.MoreUsers...)
	return d, d.start(opts)
}

func (d *Device) start(opts *Options) error {
	if opts == nil {
		opts = &Options{}
	}
	d.fails = make(map[string]failure)
	d.sessions = make(map[string]*session)
	d.behaviours = make(map[string]*behaviour)
	d.secrets = make(map[string]string)
	d.history = make(map[string][]string)
	d.timeMode = "NTP"
	users := make(map[string]string)
	for _, u := range d.users {
		users[u.Name] = u.Password
	}
	conf := opts.TLSConfig
	if conf == nil {
		conf = d.tlsConfig()
	}
	d.host = authtest.New(authtest.Options{
		Realm:       d.profile.Realm,
		Users:       users,
		Algorithms:  d.profile.Algorithms,
		Basic:       d.profile.Basic,
		Folded:      d.profile.Folded,
		LockAfter:   d.profile.LockAfter,
		LockFor:     d.profile.LockFor,
		Server:      d.profile.Server,
		Public:      d.public,
		RefusalBody: d.refused,
		Handler:     d,
		Service:     d.answering,
		Now:         opts.Now,
		TLS:         conf,
		AlwaysTLS:   opts.TLS,
	})
	scheme := "http://"
	if opts.TLS {
		scheme = "https://"
	}
	if opts.InProcess {
		d.addr = scheme + "camera.test"
		return nil
	}
	address := opts.Address
	if address == "" {
		address = "127.0.0.1:0"
	}
	at, err := d.host.Listen(address, opts.TLS)
	if err != nil {
		return fmt.Errorf("isapitest: %w", err)
	}
	d.addr = scheme + at.String()
	if opts.Ports {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.ports = map[string]*port{}
		d.followPorts()
	}
	return nil
}

// refused notes a refused login, and says what comes with the 401.
func (d *Device) refused(r authtest.Refusal) (contentType string, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.illegal(r)
	return d.refusalBody(r)
}

// refusalBody is what comes with a 401.
func (d *Device) refusalBody(r authtest.Refusal) (contentType string, body []byte) {
	switch {
	case d.profile.PlainRefusal:
		return authtest.HTMLBody(r)
	case d.profile.FullRefusal:
		return d.terminalRefusal(r)
	}
	return authtest.UserCheckBody(r)
}

// public tells what is answered without a login by header.
func (d *Device) public(r *http.Request) bool {
	open := r.URL.Path == activatePath || d.profile.PublicInfo && r.URL.Path == infoPath
	return open && r.Method == http.MethodGet || isActivation(r.URL.Path) || d.sessionPublic(r)
}

// Addr is the device's base URL.
func (d *Device) Addr() string { return d.addr }

// User is the administrator's name.
func (d *Device) User() string { return d.profile.User }

// Password is the administrator's password as it is now.
func (d *Device) Password() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.users {
		if u.ID == 1 {
			return u.Password
		}
	}
	return ""
}

// Transport reaches the device in process, without ports, whatever the host in
// the URL. It trusts the device's certificate and no other.
func (d *Device) Transport() http.RoundTripper { return d.host.Transport() }

// Host is the login side: counters, locks, nonces and the fault script.
func (d *Device) Host() *authtest.Host { return d.host }

// Close stops the device and breaks its connections.
func (d *Device) Close() error {
	d.mu.Lock()
	d.closed = true
	for _, t := range d.timers {
		t.Stop()
	}
	d.closePorts()
	d.mu.Unlock()
	return d.host.Close()
}

// SetDocument serves body for a request such as "GET /ISAPI/System/time". A nil
// body takes the document away, so that the device says notSupport.
func (d *Device) SetDocument(methodAndPath string, body []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if body == nil {
		delete(d.docs, methodAndPath)
		d.docs["-"+methodAndPath] = ""
		return
	}
	delete(d.docs, "-"+methodAndPath)
	d.docs[methodAndPath] = string(body)
}

// Document returns what the device would answer to a request such as
// "GET /ISAPI/System/time", or nil.
func (d *Device) Document(methodAndPath string) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	method, path, _ := strings.Cut(methodAndPath, " ")
	body, ok := d.find(method, path)
	if !ok {
		return nil
	}
	return []byte(body)
}

// Fail answers a request such as "GET /ISAPI/System/time" with the status and
// body, once the login has passed. An empty body is a ResponseStatus that fits
// the status; status zero ends the failure.
func (d *Device) Fail(methodAndPath string, status int, body string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if status == 0 {
		delete(d.fails, methodAndPath)
		return
	}
	d.fails[methodAndPath] = failure{status: status, body: body}
}

// SetService switches a service: "ssh", "telnet", "upnp", "snmp", "ddns",
// "ftp", "ezviz", "ehome", "sip", "gb28181", "ipfilter", "802.1x", "onvif",
// "cgi", "anonymous", "discovery", "illegal-login-lock", "idle-logout",
// "wifi", "upnp-ports", "log-server", "security-questions", "recovery-mail",
// "double-verification", "log", "auto-download", "auto-upgrade",
// "storage-encryption", or a protocol of adminAccesses ("HTTP", "RTSP", …). A
// service the profile lacks is added. It panics on a name it does not know.
func (d *Device) SetService(name string, on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setService(name, on)
}

// Service tells whether a service is on; false for one the device lacks.
func (d *Device) Service(name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.service(name)
}

// SetActivated says whether the device has an administrator password. Until it
// has, everything but the activation state is refused with notActivated.
func (d *Device) SetActivated(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.activated = on
}

// SetUser adds an account or changes the one with the same number.
func (d *Device) SetUser(u User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setUser(u)
}

func (d *Device) setUser(u User) {
	d.host.SetUser(u.Name, u.Password)
	for i := range d.users {
		if d.users[i].ID == u.ID {
			if d.users[i].Name != u.Name {
				d.host.RemoveUser(d.users[i].Name)
			}
			d.users[i] = u
			return
		}
	}
	d.users = append(d.users, u)
}

// RemoveUser takes an account away.
func (d *Device) RemoveUser(id int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.users = slices.DeleteFunc(d.users, func(u User) bool {
		if u.ID == id {
			d.host.RemoveUser(u.Name)
		}
		return u.ID == id
	})
}

// Writes returns the changes carried out so far, oldest first.
func (d *Device) Writes() []Write {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.writes)
}
