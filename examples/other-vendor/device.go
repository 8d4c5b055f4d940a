// Package othervendor is a driver for cameras of a make that camsec does not
// know, written from outside: it imports nothing of camsec but the root
// package. The make is invented: its cameras answer GET /api/about, /api/users
// and /api/services with JSON, and know bearer tokens.
//
// A driver needs [Device.Inventory] alone; users, settings and login state
// are abilities that it adds when the device has them.
package othervendor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/camsec/camsec"
)

// maxReply bounds what is read of a reply.
const maxReply = 1 << 20

// A Device is one camera. It is safe for concurrent use.
type Device struct {
	base  url.URL
	token camsec.Secret
	http  *http.Client
}

var (
	_ camsec.Device         = (*Device)(nil)
	_ camsec.UserLister     = (*Device)(nil)
	_ camsec.SettingsReader = (*Device)(nil)
)

// New returns the device at base, an http or https URL without a path. It
// does no I/O. The transport is the caller's, and with it the question whom
// to trust; nil is one with Go's defaults of its own.
func New(base string, token camsec.Secret, transport http.RoundTripper) (*Device, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, errors.New("othervendor: the address is http://host or https://host")
	}
	if transport == nil {
		transport = &http.Transport{}
	}
	return &Device{
		base: url.URL{Scheme: u.Scheme, Host: u.Host}, token: token,
		http: &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // the token is for this device alone
		}},
	}, nil
}

// A StatusError is a reply other than 200.
type StatusError struct {
	Path   string
	Status int
}

func (e *StatusError) Error() string {
	return "othervendor: " + e.Path + ": the device answered " + strconv.Itoa(e.Status)
}

// Is tells camsec's callers what the status means.
func (e *StatusError) Is(target error) bool {
	switch e.Status {
	case http.StatusUnauthorized:
		return target == camsec.ErrUnauthorized
	case http.StatusForbidden:
		return target == camsec.ErrForbidden
	case http.StatusNotFound, http.StatusNotImplemented:
		return target == errors.ErrUnsupported
	case http.StatusTooManyRequests:
		return target == camsec.ErrLocked
	case http.StatusServiceUnavailable:
		return target == camsec.ErrBusy
	}
	return target == camsec.ErrMalformed
}

// get reads a JSON document into v.
func (d *Device) get(ctx context.Context, path string, v any) error {
	u := d.base
	u.Path = path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("othervendor: %s: %w", path, err)
	}
	if !d.token.Empty() {
		req.Header.Set("Authorization", "Bearer "+string(d.token.Reveal()))
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return fmt.Errorf("othervendor: %s: %w", path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return &StatusError{path, resp.StatusCode}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return fmt.Errorf("othervendor: %s: %w", path, err)
	case len(body) > maxReply:
		return fmt.Errorf("othervendor: %s: over 1 MiB: %w", path, camsec.ErrMalformed)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("othervendor: %s: %w: %w", path, camsec.ErrMalformed, err)
	}
	return nil
}

// Inventory reads GET /api/about.
func (d *Device) Inventory(ctx context.Context) (camsec.Inventory, error) {
	var about *struct{ Model, Serial, MAC, Version string }
	if err := d.get(ctx, "/api/about", &about); err != nil {
		return camsec.Inventory{}, err
	}
	if about == nil {
		return camsec.Inventory{}, fmt.Errorf("othervendor: /api/about: nothing in it: %w", camsec.ErrMalformed)
	}
	return camsec.Inventory{
		Vendor: "Other Vendor", Model: about.Model, Serial: about.Serial, MAC: about.MAC,
		Firmware: camsec.Firmware{Raw: about.Version, Version: about.Version},
		ChannelsErr: &camsec.Problem{
			Code: camsec.ReasonNotOffered, Message: "cameras of this make have no channels behind them",
		},
	}, nil
}

var roles = map[string]camsec.Role{"owner": camsec.RoleAdmin, "guard": camsec.RoleOperator, "guest": camsec.RoleViewer}

// Users reads GET /api/users.
func (d *Device) Users(ctx context.Context) ([]camsec.User, error) {
	var list []struct {
		Name, Role string
		Active     *bool
	}
	if err := d.get(ctx, "/api/users", &list); err != nil {
		return nil, err
	}
	if list == nil {
		return nil, fmt.Errorf("othervendor: /api/users: no list: %w", camsec.ErrMalformed)
	}
	users := make([]camsec.User, 0, len(list))
	for _, u := range list {
		v := camsec.User{
			Account: camsec.Account{Store: camsec.StoreDevice, Name: u.Name},
			ID:      u.Name, Role: roles[u.Role], Native: u.Role,
		}
		if u.Active != nil {
			v.Enabled = camsec.StateOf(*u.Active)
		}
		users = append(users, v)
	}
	return users, nil
}

// switches are the names that the make gives to what camsec has an id for.
var switches = []struct{ id, name string }{
	{"service.telnet", "telnet"},
	{"service.ssh", "ssh"},
	{"service.upnp", "upnp"},
}

// Settings reads GET /api/services. A service that the document leaves out
// is unknown, not off.
func (d *Device) Settings(ctx context.Context) ([]camsec.Setting, error) {
	const path = "/api/services"
	var on map[string]bool
	if err := d.get(ctx, path, &on); err != nil {
		return nil, err
	}
	out := make([]camsec.Setting, 0, len(switches))
	for _, s := range switches {
		v := camsec.Setting{ID: s.id, Source: camsec.Source{Operation: "GET " + path, Path: s.name, Kind: camsec.Documented}}
		if b, ok := on[s.name]; ok {
			v.Value, v.State = camsec.ValueOf(b), camsec.StateOf(b)
		} else {
			v.Err = &camsec.Problem{Code: camsec.ReasonNotOffered, Message: "the device does not name this service"}
		}
		out = append(out, v)
	}
	return out, nil
}
