package isapi

import (
	"context"
	"net/http"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Detect asks, without a credential and in at most two requests, whether the
// device speaks ISAPI. On and off are what its answers say; unknown is a
// device that asks for a login and says nothing else. The error is for a
// device that did not answer.
func (c *Client) Detect(ctx context.Context) (camsec.State, error) {
	resp, err := c.send(ctx, c.plain, operation("DeviceInfo"), wire.Small())
	if resp == nil {
		if wire.KindOf(err) == wire.KindUnknown {
			return camsec.StateUnknown, err
		}
		return camsec.StateOff, nil // an answer, and not of this protocol
	}
	doc, _ := parse(resp, wire.Small())
	for _, root := range []string{"DeviceInfo", "ResponseStatus", "userCheck"} {
		if doc != nil && strings.EqualFold(doc.Name, root) {
			return camsec.StateOn, nil
		}
	}
	if resp.Status != http.StatusUnauthorized && resp.Status != http.StatusForbidden {
		return camsec.StateOff, nil
	}
	// Cameras say no more than a page with a 401, as other makes do for any
	// path; this one is theirs and open to everybody.
	resp, err = c.send(ctx, c.plain, operation("Activation"), wire.Small())
	if resp == nil {
		if ctx.Err() != nil {
			return camsec.StateUnknown, err
		}
		return camsec.StateUnknown, nil
	}
	if doc, err := parse(resp, wire.Small()); err == nil && strings.EqualFold(doc.Name, "ActivateStatus") {
		return camsec.StateOn, nil
	}
	return camsec.StateUnknown, nil
}
