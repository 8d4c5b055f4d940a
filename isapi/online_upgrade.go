package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// OnlineUpgrade is what a device does by itself about new firmware. The body is
// the guide's JSON_OnlineUpgradeParameter; no device's answer was recorded.
type OnlineUpgrade struct {
	Download camsec.State // new firmware is fetched by itself
	Upgrade  camsec.State // and installed at a set time, with a restart
}

// OnlineUpgrade reads whether the device fetches and installs firmware by
// itself.
//
//isapi:op GET /ISAPI/System/onlineUpgrade/deviceParameter?format=json
func (c *Client) OnlineUpgrade(ctx context.Context) (OnlineUpgrade, error) {
	n, err := c.get(ctx, "OnlineUpgrade", wire.Small(), "OnlineUpgradeParameter", "")
	if err != nil {
		return OnlineUpgrade{}, err
	}
	u := OnlineUpgrade{Download: state(n.Find("autoDownloadPackage")), Upgrade: state(n.Find("timingUpgrade"))}
	if u.Download == camsec.StateUnknown {
		return OnlineUpgrade{}, malformed(operation("OnlineUpgrade"), "no readable autoDownloadPackage")
	}
	return u, nil
}
