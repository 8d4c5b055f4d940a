package isapi

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/camsec/camsec"
)

// SetChannelCredential changes what a recorder logs in to one of its cameras
// with; channels are numbered as in [Client.Channels]. An empty user stays as
// it is. The recorder shows no password: the proof is that a camera that it did
// not call online before is online within [Options.Settle]. Otherwise, and for
// a camera that was online all the time, the outcome is unknown, with
// [ErrUnproven]. A recorder goes on trying what it has, which may lock the
// camera.
//
//isapi:op GET /ISAPI/ContentMgmt/InputProxy/channels/{id}
//isapi:op PUT /ISAPI/ContentMgmt/InputProxy/channels/{id}
func (c *Client) SetChannelCredential(ctx context.Context, id, user string, password camsec.Secret) (camsec.Change, error) {
	if err := c.mayWrite(writeOf("SetChannelCredential")); err != nil {
		return notApplied(err)
	}
	online, err := c.isOnline(ctx, id)
	if err != nil {
		return notApplied(err)
	}
	r := revision{
		set: "SetChannelCredential", id: id, roots: []string{"InputProxyChannel"}, hidden: channelFields,
		edit: func(d *draft) {
			source := d.at(d.root, "sourceInputPortDescriptor")
			if source == nil {
				return
			}
			if user != "" {
				d.text(source, "userName", user)
			}
			d.secret(source, "password", "userName", password)
		},
	}
	if !online {
		r.prove = func(ctx context.Context) (string, error) { return c.channelOnline(ctx, id) }
	}
	return c.revise(ctx, r)
}

// SetChannelValidation switches whether a recorder checks the certificate of one
// of its cameras. On cuts the recorder off from a camera whose certificate it
// cannot check. Recorders with documents of version 1.0 have no such switch
// ([errors.ErrUnsupported]).
//
//isapi:op GET /ISAPI/ContentMgmt/InputProxy/channels/{id}
//isapi:op PUT /ISAPI/ContentMgmt/InputProxy/channels/{id}
func (c *Client) SetChannelValidation(ctx context.Context, id string, on bool) (camsec.Change, error) {
	return c.revise(ctx, revision{
		set: "SetChannelValidation", id: id, roots: []string{"InputProxyChannel"},
		edit: func(d *draft) { d.flag(d.root, "certificateValidationEnabled", on) },
	})
}

// isOnline tells whether a recorder says that it has a channel's camera.
func (c *Client) isOnline(ctx context.Context, id string) (bool, error) {
	all, err := c.ChannelStatus(ctx)
	if err != nil {
		return false, err
	}
	for _, s := range all {
		if s.ID == id {
			return s.Online == camsec.StateOn && strings.EqualFold(s.Detect, "connect"), nil
		}
	}
	return false, fmt.Errorf("isapi: %s: no channel %s: %w", operation("ChannelStatus"), clean(id), camsec.ErrNotFound)
}

func (c *Client) channelOnline(ctx context.Context, id string) (string, error) {
	_, err := c.watch(ctx, c.settle, func(ctx context.Context) (likeness, error) {
		switch online, err := c.isOnline(ctx, id); {
		case err != nil:
			return likeNeither, err
		case online:
			return likeWanted, nil
		}
		return likeNeither, errNotOnline
	})
	return "channel online", err
}

var errNotOnline = errors.New("the recorder does not call the camera online")
