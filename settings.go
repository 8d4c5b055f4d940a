package camsec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// A State says whether something is on. Its zero value is not "off": a device
// that does not say must never read as safe.
type State uint8

// States.
const (
	StateUnknown State = iota
	StateOff
	StateOn
)

var stateNames = [...]string{"unknown", "off", "on"}

// StateOf returns StateOn for true and StateOff for false.
func StateOf(on bool) State {
	if on {
		return StateOn
	}
	return StateOff
}

// String returns "unknown", "off" or "on".
func (s State) String() string { return nameOf(stateNames[:], s) }

// MarshalText writes the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the state's name; one it does not know is unknown.
func (s *State) UnmarshalText(b []byte) error { *s = valueOf[State](stateNames[:], b); return nil }

// settingKinds are the setting ids and the kind of value of each. They are the
// vocabulary between drivers, which read settings, and controls, which judge
// them; [SettingKinds] hands them out.
var settingKinds = map[string]string{
	"device.activated":             kindBool,
	"account.default-password":     kindBool, // the device's own flag for the account in use
	"account.risk-password":        kindBool,
	"account.password.days-left":   kindInt,  // until the device calls the password too old
	"login.anonymous":              kindBool, // viewing without a login
	"login.lockout":                kindBool,
	"login.lockout.tries":          kindInt,
	"login.lockout.seconds":        kindInt,
	"login.alarm":                  kindStrings, // notification methods of the illegal-login event
	"login.idle-logout":            kindBool,
	"login.sessions.max":           kindInt,     // how many may be logged in at once
	"login.recovery.questions":     kindBool,    // answers that reset the password are set
	"login.recovery.mail":          kindBool,    // an address that codes for it are sent to is set
	"http.auth":                    kindStrings, // of digest, basic
	"http.auth.algorithms":         kindStrings, // of MD5, SHA256
	"rtsp.auth":                    kindStrings, // of digest, basic
	"onvif.auth":                   kindStrings, // vendor's words
	"service.http":                 kindBool,
	"service.https":                kindBool,
	"http.redirect":                kindBool,   // plain http only leads to https
	"tls.min":                      kindString, // "1.0" … "1.3"
	"tls.certificate.verified":     kindBool,   // against roots that we were given
	"tls.certificate.self-signed":  kindBool,
	"tls.certificate.days-left":    kindInt,    // negative: not valid
	"tls.certificate.name-matches": kindBool,   // it is for the address in use
	"tls.certificate.key":          kindString, // "RSA 2048", "ECDSA P-256", "Ed25519"
	"tls.certificate.signature":    kindString, // "SHA256-RSA"
	"http.public-info":             kindBool,   // model and firmware are told without a login
	"service.sdk":                  kindBool,   // the maker's own protocol, without TLS
	"service.srtp":                 kindBool,   // video can be had encrypted
	"service.upnp.ports":           kindInt,    // that a router is asked to open
	"streaming.multicast":          kindBool,
	"service.ssh":                  kindBool,
	"service.telnet":               kindBool,
	"service.upnp":                 kindBool,
	"service.snmp.v1":              kindBool, // v1 or v2c answers
	"service.snmp.v3":              kindBool,
	"service.ftp":                  kindBool, // upload to an FTP server
	"service.ddns":                 kindBool,
	"service.cloud":                kindBool, // the maker's cloud (EZVIZ)
	"service.ehome":                kindBool, // ISUP/EHome platform access
	"service.gb28181":              kindBool,
	"service.sadp":                 kindBool, // layer-2 discovery answers
	"service.bonjour":              kindBool,
	"service.websocket":            kindBool, // without TLS
	"service.modbus":               kindBool,
	"service.iot":                  kindBool, // IOT port 30999
	"mail.tls":                     kindBool, // unset when mail is unused
	"events.push.auth":             kindBool, // every receiver asks for a login
	"firmware.auto-download":       kindBool, // new firmware is fetched by itself
	"firmware.auto-upgrade":        kindBool, // and installed by itself
	"log.enabled":                  kindBool, // the device keeps a log of its own
	"log.server":                   kindBool, // the log is sent to another machine
	"log.server.tls":               kindBool,
	"events.push.tls":              kindBool, // every receiver over https
	"storage.encrypted":            kindBool, // everything that the device records to
	"network.ip-filter":            kindBool,
	"network.802.1x.method":        kindString, // the vendor's word: EAP-TLS, …
	"network.ip-version":           kindString, // v4, v6 or dual
	"network.dhcp":                 kindBool,
	"network.gateway":              kindString,
	"network.dns":                  kindStrings,
	"network.wifi":                 kindBool,
	"network.wifi.security":        kindString, // the vendor's word: WPA2-enterprise, …
	"network.802.1x":               kindBool,
	"integration.cgi":              kindBool,
	"integration.onvif":            kindBool,
	"time.ntp":                     kindBool,
	"time.ntp.server":              kindString,
	"time.offset-seconds":          kindInt, // device minus ours
}

// SettingKinds returns the ids that drivers and controls share, each with the
// [Value.Kind] of its value. A driver may report further ids under a prefix
// "x-" of its own. The map is the caller's.
func SettingKinds() map[string]string { return maps.Clone(settingKinds) }

// A Setting is one thing a device has set, or why it could not be told.
type Setting struct {
	ID    string `json:"id"`
	Value Value  `json:"value"`
	// State is Value for switches, and unknown for everything else.
	State  State  `json:"state"`
	Source Source `json:"source"`
	// Err says why Value is missing; nil when it is not.
	Err *Problem `json:"error,omitempty"`
}

// Known tells whether the setting has a value.
func (s Setting) Known() bool { return s.Err == nil && !s.Value.IsZero() }

// A Source is the evidence for a setting: which document said so and how we
// know what the document means.
type Source struct {
	Operation string   `json:"operation,omitempty"` // GET /ISAPI/System/Network/ssh
	Path      string   `json:"path,omitempty"`      // SSH/enabled
	Kind      Evidence `json:"kind,omitempty"`
}

// Evidence says what our reading of a wire operation rests on.
type Evidence string

// Evidence kinds.
const (
	Recorded   Evidence = "recorded"   // answers of real devices were seen
	Documented Evidence = "documented" // documentation or others' code alone
)

// The kinds of value. The set is closed.
const (
	kindBool    = "bool"
	kindInt     = "int"
	kindString  = "string"
	kindStrings = "strings"
)

// A Value is a bool, an integer, a string or a list of strings. The zero
// Value holds nothing, which is JSON null.
type Value struct {
	kind string
	b    bool
	i    int64
	s    string
	l    []string
}

// ValueOf returns v as a value. A list is copied; an empty one is a value,
// too.
func ValueOf[T bool | int | int64 | string | []string](v T) Value {
	switch v := any(v).(type) {
	case bool:
		return Value{kind: kindBool, b: v}
	case int:
		return Value{kind: kindInt, i: int64(v)}
	case int64:
		return Value{kind: kindInt, i: v}
	case string:
		return Value{kind: kindString, s: v}
	case []string:
		return Value{kind: kindStrings, l: append([]string{}, v...)}
	}
	return Value{}
}

// Kind returns what v holds: "bool", "int", "string" or "strings", and "" if
// nothing.
func (v Value) Kind() string { return v.kind }

// IsZero tells whether v holds nothing.
func (v Value) IsZero() bool { return v.kind == "" }

// Bool returns the boolean, false if v holds none.
func (v Value) Bool() bool { return v.b }

// Int returns the integer, 0 if v holds none.
func (v Value) Int() int64 { return v.i }

// Text returns the string, "" if v holds none.
func (v Value) Text() string { return v.s }

// Strings returns a copy of the list, nil if v holds none.
func (v Value) Strings() []string { return slices.Clone(v.l) }

// String renders the value for people.
func (v Value) String() string {
	switch v.kind {
	case kindBool:
		return fmt.Sprint(v.b)
	case kindInt:
		return fmt.Sprint(v.i)
	case kindString:
		return v.s
	case kindStrings:
		return fmt.Sprint(v.l)
	}
	return "unknown"
}

// MarshalJSON writes null, true, 12, "text" or ["a","b"].
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case kindBool:
		return json.Marshal(v.b)
	case kindInt:
		return json.Marshal(v.i)
	case kindString:
		return json.Marshal(v.s)
	case kindStrings:
		return json.Marshal(v.l)
	}
	return []byte("null"), nil
}

// UnmarshalJSON reads what MarshalJSON writes and refuses anything else.
func (v *Value) UnmarshalJSON(b []byte) error {
	var b1 bool
	var i int64
	var s string
	var l []string
	switch {
	case string(b) == "null":
		*v = Value{}
	case json.Unmarshal(b, &b1) == nil:
		*v = ValueOf(b1)
	case json.Unmarshal(b, &i) == nil:
		*v = ValueOf(i)
	case json.Unmarshal(b, &s) == nil:
		*v = ValueOf(s)
	case json.Unmarshal(b, &l) == nil:
		*v = ValueOf(l)
	default:
		return errors.New("camsec: a value is null, a bool, an integer, a string or a list of strings")
	}
	return nil
}

// SettingsReader is implemented by devices whose settings can be read.
type SettingsReader interface {
	// Settings reads all that the driver knows of. When one document fails,
	// its settings carry Err and the others are still returned; the error is
	// for when nothing could be read at all.
	Settings(ctx context.Context) ([]Setting, error)
}

// SettingWriter is implemented by devices whose settings can be changed.
type SettingWriter interface {
	// SetSetting changes one setting in one attempt and reads it back. An id
	// that cannot be set matches [errors.ErrUnsupported].
	SetSetting(ctx context.Context, id string, value Value) (Change, error)
}

// Settings reads the settings of dev; [errors.ErrUnsupported] if it is no
// [SettingsReader].
func Settings(ctx context.Context, dev Device) ([]Setting, error) {
	r, ok := As[SettingsReader](dev)
	if !ok {
		return nil, unsupported(dev, "settings")
	}
	return r.Settings(ctx)
}

// SetSetting changes one setting of dev; [errors.ErrUnsupported] if dev is no
// [SettingWriter].
func SetSetting(ctx context.Context, dev Device, id string, value Value) (Change, error) {
	w, ok := As[SettingWriter](dev)
	if !ok {
		return Change{Outcome: NotApplied}, unsupported(dev, "set setting")
	}
	return w.SetSetting(ctx, id, value)
}
