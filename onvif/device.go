package onvif

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/firmware"
)

// A Device is the vendor-neutral view of a [Client]. It is safe for
// concurrent use.
//
// Its accounts are those that ONVIF manages, of [camsec.StoreONVIF]. On some
// makes they are the device's own, on others (Hikvision, Dahua) they are apart
// from those of the web page; ONVIF does not tell which.
type Device struct{ c *Client }

var (
	_ camsec.Device         = (*Device)(nil)
	_ camsec.UserLister     = (*Device)(nil)
	_ camsec.SettingsReader = (*Device)(nil)
	_ camsec.PasswordSetter = (*Device)(nil)
	_ camsec.SettingWriter  = (*Device)(nil)
)

// Device returns the vendor-neutral view of the client.
func (c *Client) Device() *Device { return &Device{c} }

// Client returns the client behind the view.
func (d *Device) Client() *Client { return d.c }

// Inventory reads what the device says it is, and the MAC of its first
// interface, by which it is known over other protocols too. A device that does
// not tell the latter has an inventory all the same.
func (d *Device) Inventory(ctx context.Context) (camsec.Inventory, error) {
	info, err := d.c.DeviceInformation(ctx)
	if err != nil {
		return camsec.Inventory{}, err
	}
	inv := camsec.Inventory{
		Vendor: info.Manufacturer, Model: info.Model, Serial: info.Serial,
		Firmware: ParseFirmware(info.Manufacturer, info.Firmware),
	}
	list, err := d.c.NetworkInterfaces(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return inv, err
		}
		return inv, nil // the rest is told
	}
	for _, n := range list {
		if n.MAC != "" && !camsec.IsPlaceholder(n.MAC) {
			inv.MAC = n.MAC
			break
		}
	}
	return inv, nil
}

// versionText is a dotted version that stands by itself.
var versionText = regexp.MustCompile(`(?:^|[\s,_-])([Vv]?\d+(?:\.[0-9A-Za-z]+)+)`)

// ParseFirmware takes a version apart as its maker writes it; what is not
// understood is in Raw alone.
func ParseFirmware(vendor, raw string) camsec.Firmware {
	v := firmware.Parse(vendor, raw)
	f := camsec.Firmware{Raw: raw, Build: v.Build, Released: v.Released}
	if m := versionText.FindStringSubmatch(raw); m != nil {
		f.Version = m[1]
	} else if v.Known() {
		f.Version = v.Number()
	}
	return f
}

// Users reads the accounts that ONVIF manages.
func (d *Device) Users(ctx context.Context) ([]camsec.User, error) {
	users, err := d.c.Users(ctx)
	if err != nil {
		return nil, err
	}
	list := []camsec.User{}
	seen := map[string]bool{}
	for _, u := range users {
		if seen[u.Name] {
			continue
		}
		seen[u.Name] = true
		native := u.Level
		if native == "" {
			native = "not told"
		}
		list = append(list, camsec.User{
			Account: camsec.Account{Store: camsec.StoreONVIF, Name: u.Name}, Role: u.Role(), Native: native, Enabled: camsec.StateOn,
		})
	}
	return list, nil
}

// SetPassword sets the password of an account and changes nothing else: the
// level, and what else the device keeps of the account, are read before and
// sent back. The password is held against the device's own rules before it is
// sent, and a fresh login proves it afterwards; a device that says yes and
// keeps the old one gives [ErrNotVerified].
//
// After the password of the account in use was changed, the next call asks the
// source anew: it must know the new one by then. Whether a refusal of the new
// password means that the old one still holds is not tried out.
func (d *Device) SetPassword(ctx context.Context, account camsec.Account, password camsec.Secret) (camsec.Change, error) {
	users, err := d.c.Users(ctx)
	if err != nil {
		return notApplied(err)
	}
	u, ok := find(users, account.Name)
	if !ok {
		return notApplied(fmt.Errorf("onvif: set password: user %s: %w", clean(account.Name), camsec.ErrNotFound))
	}
	if err := d.c.CheckPassword(ctx, u.Name, password); err != nil {
		return notApplied(err)
	}
	return d.c.setUser(ctx, NewUser{User: u, Password: password})
}

// refused tells that the device refused the very credential.
func refused(err error) bool {
	e, ok := errors.AsType[*auth.Error](err)
	return ok && e.Kind == auth.KindRefused
}
