package onvif

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
)

// EnabledTLSVersions reads the versions of TLS that the device serves, such as
// 1.2 and 1.3, from its security service. Every account may.
//
//onvif:op tas:GetEnabledTLSVersions
func (c *Client) EnabledTLSVersions(ctx context.Context) ([]string, error) {
	r, err := c.call(ctx, "EnabledTLSVersions", nil)
	if err != nil {
		return nil, err
	}
	v := words(r.Child("Versions").String())
	if len(v) == 0 {
		return nil, malformed(operation("EnabledTLSVersions"), "no version")
	}
	return v, nil
}

// SetEnabledTLSVersions sets the versions of TLS that the device serves, and
// reads them back. Clients that know none of them are cut off.
//
//onvif:op tas:SetEnabledTLSVersions
func (c *Client) SetEnabledTLSVersions(ctx context.Context, versions ...string) (camsec.Change, error) {
	return c.write(ctx, "SetEnabledTLSVersions", func(m *message) {
		m.text("tas:Versions", strings.Join(versions, " "))
	}, func(ctx context.Context) (bool, error) {
		now, err := c.EnabledTLSVersions(ctx)
		return sameSet(now, versions), err
	})
}
