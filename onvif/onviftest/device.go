package onviftest

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// Options say how a device is reached. The zero value, and a nil pointer,
// listen on a free loopback port without TLS.
type Options struct {
	// TLS speaks HTTPS with a certificate of the device's own.
	TLS bool
	// InProcess opens no port: the device is reached by its Transport only.
	InProcess bool
	// Address to listen on; empty means "127.0.0.1:0".
	Address string
	// Now is the true time; nil means time.Now. The device's clock is that
	// and the profile's Skew.
	Now func() time.Time
	// Other serves what is not ONVIF's, such as another protocol of the same
	// device; nil answers 404.
	Other http.Handler
	// OtherPublic tells which requests to Other need no login.
	OtherPublic func(*http.Request) bool
	// OtherUsers are the accounts of Other, apart from ONVIF's, with their
	// passwords; nil means that they are the same.
	OtherUsers map[string]string
}

// TB is the part of testing.TB that New uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// A Device is a running simulated device. Its methods may be called from
// several goroutines.
type Device struct {
	host  *authtest.Host
	addr  string
	other http.Handler
	open  func(*http.Request) bool
	truth func() time.Time
	tls   bool

	mu        sync.Mutex
	p         Profile
	users     []User
	protocols []Protocol
	discover  bool
	remote    bool // remote discovery
	zeroConf  bool
	dns       [2]string // type, name
	ntp       []string  // set by hand; nil: by DHCP
	useNTP    bool
	daylight  bool
	zone      string
	skew      time.Duration
	filter    filter
	scopes    []string // configurable
	rules     rules
	history   [2]int
	warning   [3]int
	roles     map[string]string
	remoteUsr [3]string
	policy    []byte
	certs     []certificate
	cas       []certificate
	certMode  bool
	dot1x     []legacyDot1x
	off       bool // ONVIF is
	reboots   int
	resets    []string
	uploads   map[string]string // path -> what for
	images    []Image
	restored  int
	ports     map[string]*port
	servers   []*http.Server // of ports that are open, and that have been
	tokens    tokens
	writes    []Write
	requests  map[string]int
	last      map[string]string // requests by action, as they came
	replies   map[string]string
	closed    bool
	store     *keystore
}

type filter struct {
	kind     string
	prefixes [][2]string
}

type rules struct {
	min, upper, number, special int
	block, locked               bool
}

// A Write is one change the device carried out. It holds no secrets.
type Write struct{ Operation, User string }

// An Image is a firmware file that the device took.
type Image struct {
	Size   int64
	SHA256 string // hex
}

// New starts a device on a loopback port and closes it when the test ends.
func New(tb TB, profile Profile) *Device {
	tb.Helper()
	d, err := Start(profile, nil)
	if err != nil {
		tb.Fatalf("onviftest: %v", err)
		return nil
	}
	tb.Cleanup(func() { _ = d.Close() })
	return d
}

// Start starts a device. The caller closes it.
func Start(profile Profile, opts *Options) (*Device, error) {
	if opts == nil {
		opts = &Options{}
	}
	p := profile.clone()
	d := &Device{
		p: p, other: opts.Other, open: opts.OtherPublic, truth: opts.Now, tls: opts.TLS,
		users:     append([]User{{Name: p.User, Password: p.Password, Level: "Administrator"}}, p.MoreUsers...),
		protocols: p.Protocols, discover: true, zeroConf: true, dns: [2]string{"NoUpdate", ""}, useNTP: false,
		zone: p.TimeZone, skew: p.Skew, filter: filter{kind: "Deny"},
		scopes: []string{"onvif://www.onvif.org/location/test"}, rules: rules{min: p.MinLength}, warning: [3]int{0, 60, 5},
		roles:   map[string]string{"onvif:Streaming": "trt:GetStreamUri", "site:Export": "trc:ExportRecordedData"},
		policy:  []byte{0x78, 0x56, 0x34, 0x12, 0x01, 0xef, 0xcd, 0xab},
		uploads: map[string]string{}, ports: map[string]*port{}, requests: map[string]int{},
		last: map[string]string{}, replies: map[string]string{},
	}
	if d.truth == nil {
		d.truth = time.Now
	}
	d.certs, d.cas = []certificate{{id: "factory", der: []byte{0x30, 0x03, 0x02, 0x01, 0x01}, on: true}}, nil
	users := map[string]string{}
	for _, u := range d.users {
		users[u.Name] = u.Password
	}
	algorithms := p.Digest
	if algorithms == nil {
		algorithms = []string{}
	}
	var err error
	if d.store, err = newKeystore(d.truth); err != nil {
		return nil, fmt.Errorf("onviftest: %w", err)
	}
	var store func(*http.Request) string
	if opts.OtherUsers != nil {
		store = func(r *http.Request) string {
			if isONVIF(r) {
				return ""
			}
			return "other"
		}
	}
	d.host = authtest.New(authtest.Options{
		Realm: p.Realm, Users: users, Algorithms: algorithms, LockAfter: p.LockAfter,
		Public: d.public, RefusalBody: d.refusalBody, Handler: d, Now: d.truth,
		Store: store,
		TLS:   d.store.server(), AlwaysTLS: opts.TLS,
	})
	for name, password := range opts.OtherUsers {
		d.host.SetUserIn("other", name, password)
	}
	if opts.InProcess {
		d.addr = d.scheme() + "camera.test"
		return d, nil
	}
	if err := d.listen(opts.Address); err != nil {
		_ = d.Close()
		return nil, fmt.Errorf("onviftest: %w", err)
	}
	return d, nil
}

func (d *Device) scheme() string {
	if d.tls {
		return "https://"
	}
	return "http://"
}

// A port is where a protocol listens.
type port struct {
	addr   string // once it has listened
	closer func() error
}

// listen opens the ports of the protocols that are on.
func (d *Device) listen(address string) error {
	if address == "" {
		address = "127.0.0.1:0"
	}
	own := "HTTP"
	if d.tls {
		own = "HTTPS"
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.openPort(own, address); err != nil {
		return err
	}
	d.addr = d.scheme() + d.ports[own].addr
	return d.settlePorts()
}

// settlePorts opens and closes ports as the protocols say.
func (d *Device) settlePorts() error {
	if d.addr == "" || len(d.ports) == 0 || d.closed {
		return nil // in process
	}
	for _, p := range d.protocols {
		at := d.ports[p.Name]
		switch {
		case p.Enabled && (at == nil || at.closer == nil):
			address := "127.0.0.1:0"
			if at != nil {
				address = at.addr
			}
			if err := d.openPort(p.Name, address); err != nil {
				return err
			}
		case !p.Enabled && at != nil && at.closer != nil:
			_ = at.closer()
			at.closer = nil
		}
	}
	return nil
}

func (d *Device) openPort(name, address string) error {
	l, err := net.Listen("tcp", address) //nolint:noctx // returns at once
	if err != nil {
		return err
	}
	at := &port{addr: l.Addr().String()}
	switch name {
	case "RTSP":
		go serveRTSP(l)
		at.closer = l.Close
	default:
		if name == "HTTPS" {
			l = tls.NewListener(l, d.store.server())
		}
		s := &http.Server{Handler: d.host, ReadHeaderTimeout: time.Minute, ErrorLog: quiet()}
		go func() { _ = s.Serve(l) }()
		// What is under way is answered, among it the request to close.
		at.closer = func() error { return l.Close() }
		d.servers = append(d.servers, s)
	}
	d.ports[name] = at
	return nil
}

// serveRTSP answers every connection with a challenge.
func serveRTSP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = c.Write([]byte("RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nWWW-Authenticate: Digest realm=\"rtsp\", nonce=\"0\"\r\n\r\n"))
		_ = c.Close()
	}
}

// PortOf returns the address at which a protocol (HTTP, HTTPS, RTSP) listens,
// or listened last; empty if it never has.
func (d *Device) PortOf(protocol string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.ports[protocol]; p != nil {
		return p.addr
	}
	return ""
}

// Addr is the device's base URL.
func (d *Device) Addr() string { return d.addr }

// User is the administrator's name.
func (d *Device) User() string { return d.p.User }

// Password is the administrator's password as it is now.
func (d *Device) Password() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range d.users {
		if u.Name == d.p.User {
			return u.Password
		}
	}
	return ""
}

// Transport reaches the device in process, without ports, whatever the host in
// the URL.
func (d *Device) Transport() http.RoundTripper {
	t := d.host.Transport()
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // in process; the certificate is replaced at times
	return t
}

// Host is the login side: counters, nonces and the fault script. Logins by
// UsernameToken are counted apart, in [Device.FailedTokens].
func (d *Device) Host() *authtest.Host { return d.host }

// Close stops the device and breaks its connections.
func (d *Device) Close() error {
	d.mu.Lock()
	d.closed = true
	for _, p := range d.ports {
		if p.closer != nil {
			_ = p.closer()
		}
	}
	for _, s := range d.servers {
		_ = s.Close()
	}
	d.mu.Unlock()
	return d.host.Close()
}

// SetFaults changes the misbehaviours.
func (d *Device) SetFaults(f Faults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.p.Faults = f
}

// SetSkew changes how far the device's clock is off.
func (d *Device) SetSkew(skew time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.skew = skew
}

// SetUser adds an account or changes the one of that name.
func (d *Device) SetUser(u User) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.setUser(u)
}

func (d *Device) setUser(u User) {
	d.host.SetUser(u.Name, u.Password)
	if i := d.userAt(u.Name); i >= 0 {
		d.users[i] = u
		return
	}
	d.users = append(d.users, u)
}

func (d *Device) userAt(name string) int {
	return slices.IndexFunc(d.users, func(u User) bool { return u.Name == name })
}

// Users returns the accounts as they are now.
func (d *Device) Users() []User {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.users)
}

// Protocols returns the network protocols as they are now.
func (d *Device) Protocols() []Protocol {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.p.clone().with(d.protocols)
}

func (p Profile) with(list []Protocol) []Protocol {
	p.Protocols = list
	return p.clone().Protocols
}

// Writes returns the changes carried out so far, oldest first.
func (d *Device) Writes() []Write {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.writes)
}

// Requests counts the requests for an operation that got past the login, or
// needed none.
func (d *Device) Requests(action string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.requests[action]
}

// LastRequest returns the newest request for an operation as it came, with
// its login, and LastReply what it was answered with; empty if there was none.
func (d *Device) LastRequest(action string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last[action]
}

// LastReply returns what the newest request for an operation was answered with.
func (d *Device) LastReply(action string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.replies[action]
}

// Reboots counts the restarts so far.
func (d *Device) Reboots() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reboots
}

// Resets returns the factory resets so far: Soft or Hard.
func (d *Device) Resets() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.resets)
}

// Images returns the firmware files that the device took.
func (d *Device) Images() []Image {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.images)
}

// FailedTokens counts the UsernameTokens that were wrong, too old or used
// before.
func (d *Device) FailedTokens() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokens.failed
}

// GoodTokens counts the UsernameTokens that were right.
func (d *Device) GoodTokens() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.tokens.good
}

// String names the device by its model, never its secrets.
func (d *Device) String() string { return d.p.Model + " " + d.p.Firmware }
