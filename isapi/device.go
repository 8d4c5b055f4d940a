package isapi

import (
	"context"
	"errors"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Device is the vendor-neutral view of a [Client]. It is safe for
// concurrent use.
type Device struct{ c *Client }

var (
	_ camsec.Device           = (*Device)(nil)
	_ camsec.UserLister       = (*Device)(nil)
	_ camsec.SettingsReader   = (*Device)(nil)
	_ camsec.LoginStateReader = (*Device)(nil)
)

// Device returns the vendor-neutral view of the client.
func (c *Client) Device() *Device { return &Device{c} }

// Client returns the client behind the view.
func (d *Device) Client() *Client { return d.c }

// Inventory reads what the device says it is and, from anything that is not a
// camera, which cameras are behind it. A failure of the latter is in
// ChannelsErr, as is an empty list: recorders answer one that have cameras.
func (d *Device) Inventory(ctx context.Context) (camsec.Inventory, error) {
	info, err := d.c.DeviceInfo(ctx)
	if err != nil {
		return camsec.Inventory{}, err
	}
	inv := camsec.Inventory{
		Vendor: info.Manufacturer, Model: info.Model, Serial: info.Serial, MAC: info.MAC,
		Type: info.Type, Firmware: info.Firmware(),
	}
	if isCamera(info.Type) {
		return inv, nil
	}
	channels, err := d.c.Channels(ctx)
	switch {
	case ctx.Err() != nil:
		return inv, ctx.Err()
	case err != nil:
		inv.ChannelsErr = camsec.ProblemOf(err)
		return inv, nil
	case len(channels) == 0:
		inv.ChannelsErr = &camsec.Problem{Code: camsec.ReasonNotReadable, Message: "the recorder lists no channels"}
		return inv, nil
	}
	online := map[string]ChannelStatus{}
	if status, err := d.c.ChannelStatus(ctx); err == nil {
		for _, s := range status {
			online[s.ID] = s
		}
	}
	for _, ch := range channels {
		inv.Channels = append(inv.Channels, camsec.Channel{
			ID: ch.ID, Via: info.Serial, Name: ch.Name, Address: ch.Address, Protocol: ch.Protocol,
			Model: ch.Model, Serial: ch.Serial, Firmware: ParseFirmware(ch.Firmware),
			Online: online[ch.ID].Online, Login: online[ch.ID].login(), User: ch.UserName,
			ValidatesCertificate: ch.ValidateTLS, Group: ch.Group(),
		})
	}
	return inv, nil
}

// isCamera tells the device types that have no cameras behind them; of types
// that are not known it is asked.
func isCamera(typ string) bool {
	switch strings.ToLower(typ) {
	case "ipcamera", "ipdome", "ipzoom":
		return true
	}
	return false
}

// Users reads the device's own accounts and those for ONVIF where they are
// kept apart. When only one of the two can be read, its accounts come with
// the other's error; no separate ONVIF accounts are no error.
func (d *Device) Users(ctx context.Context) ([]camsec.User, error) {
	own, err := d.c.Users(ctx)
	users := neutral(camsec.StoreDevice, own)
	if err != nil && wire.Stops(ctx, err) {
		return nil, err
	}
	onvif, oerr := d.c.ONVIFUsers(ctx)
	if errors.Is(oerr, errors.ErrUnsupported) {
		oerr = nil
	}
	return append(users, neutral(camsec.StoreONVIF, onvif)...), errors.Join(err, oerr)
}

func neutral(store camsec.Store, users []User) []camsec.User {
	list := []camsec.User{}
	for _, u := range users {
		list = append(list, camsec.User{
			Account: camsec.Account{Store: store, Name: u.Name},
			ID:      u.ID, Role: u.Role(), Native: u.Level, Enabled: u.Enabled,
		})
	}
	return list
}

// LoginState tells the lock-out and password state. It logs in only when the
// device has already accepted our credential over this client; before that it
// asks without one, and what the device does not tell then is unknown.
func (d *Device) LoginState(ctx context.Context) (camsec.LoginState, error) {
	ask := d.c.peekUserCheck
	if d.c.loggedIn.Load() {
		ask = d.c.UserCheck
	}
	u, err := ask(ctx)
	if err != nil {
		return camsec.LoginState{}, err
	}
	return camsec.LoginState{
		Activated: u.Activated, Locked: u.Locked, UnlockSeconds: u.UnlockSeconds, TriesLeft: u.TriesLeft,
		DefaultPassword: u.DefaultPassword, RiskPassword: u.RiskPassword,
	}, nil
}
