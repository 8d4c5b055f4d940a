package isapi

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Channel is a camera behind a recorder, as the recorder tells it. Empty is
// unknown.
type Channel struct {
	ID          string
	Name        string
	Protocol    string // HIKVISION, ONVIF, …
	Address     string
	Port        *int
	SourceInput string // the input of a camera that has several
	UserName    string // that the recorder logs in with
	Model       string
	Serial      string
	Firmware    string
	DeviceIndex string
	ValidateTLS camsec.State // whether the recorder checks the camera's certificate
}

// Channels reads the cameras behind a recorder. Cameras refuse it. An empty
// list is what some recorders answer although they have cameras.
//
//isapi:op GET /ISAPI/ContentMgmt/InputProxy/channels
func (c *Client) Channels(ctx context.Context) ([]Channel, error) {
	n, err := c.get(ctx, "Channels", wire.Limits{}, "InputProxyChannelList")
	if err != nil {
		return nil, err
	}
	list := []Channel{}
	for _, ch := range n.All("InputProxyChannel") {
		src := ch.Child("sourceInputPortDescriptor")
		list = append(list, Channel{
			ID: ch.Child("id").String(), Name: ch.Child("name").String(),
			Protocol: src.Child("proxyProtocol").String(), Address: hostOf(src), Port: number(src.Child("managePortNo")),
			SourceInput: src.Child("srcInputPort").String(), UserName: src.Child("userName").String(),
			Model: src.Child("model").String(), Serial: src.Child("serialNumber").String(),
			Firmware: src.Child("firmwareVersion").String(), DeviceIndex: ch.Child("devIndex").String(),
			ValidateTLS: state(ch.Child("certificateValidationEnabled")),
		})
	}
	return list, nil
}

// Group returns what is equal for channels of one physical camera: its serial
// and index. It is empty, unknown, if the recorder tells neither; serials
// that many devices share do not count.
func (c Channel) Group() string {
	serial := c.Serial
	if camsec.IsPlaceholder(serial) {
		serial = ""
	}
	if serial == "" && c.DeviceIndex == "" {
		return ""
	}
	return strings.Trim(serial+"/"+c.DeviceIndex, "/")
}

// A ChannelStatus is whether a recorder reaches a camera.
type ChannelStatus struct {
	ID     string
	Online camsec.State
	Detect string // connect, netUnreachable, errorUserNameOrPasswd, …
}

// login tells whether the camera takes the recorder's login, of what is
// recorded to be said of it.
func (s ChannelStatus) login() camsec.State {
	switch s.Detect {
	case "connect":
		return camsec.StateOn
	case "errorUserNameOrPasswd":
		return camsec.StateOff
	}
	return camsec.StateUnknown
}

// ChannelStatus reads which cameras a recorder reaches.
//
//isapi:op GET /ISAPI/ContentMgmt/InputProxy/channels/status
func (c *Client) ChannelStatus(ctx context.Context) ([]ChannelStatus, error) {
	n, err := c.get(ctx, "ChannelStatus", wire.Limits{}, "InputProxyChannelStatusList", "InputProxyChannelStatus")
	if err != nil {
		return nil, err
	}
	list := []ChannelStatus{}
	for _, s := range members(n, "InputProxyChannelStatus") {
		list = append(list, ChannelStatus{
			ID: s.Child("id").String(), Online: state(s.Child("online")), Detect: s.Child("chanDetectResult").String(),
		})
	}
	return list, nil
}
