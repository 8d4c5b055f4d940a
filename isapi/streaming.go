package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A StreamingChannel is how one stream of a device is guarded.
type StreamingChannel struct {
	ID string
	// Security is the switch of the guarding; unknown if the device has no
	// such block, as most recorders.
	Security camsec.State
	Auth     AuthMode
	// Multicast is whether the stream may be had by multicast, which goes to
	// whoever listens.
	Multicast camsec.State
}

// StreamingChannels reads how streams are guarded.
//
//isapi:op GET /ISAPI/Streaming/channels
func (c *Client) StreamingChannels(ctx context.Context) ([]StreamingChannel, error) {
	n, err := c.get(ctx, "StreamingChannels", wire.Limits{}, "StreamingChannelList")
	if err != nil {
		return nil, err
	}
	list := []StreamingChannel{}
	for _, ch := range n.All("StreamingChannel") {
		security := ch.At("Transport", "Security")
		list = append(list, StreamingChannel{
			ID: ch.Child("id").String(), Security: state(security.Child("enabled")), Auth: authMode(security),
			Multicast: state(ch.At("Transport", "Multicast", "enabled")),
		})
	}
	return list, nil
}
