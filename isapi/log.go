package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A LogServer is where a device sends its log.
type LogServer struct {
	Enabled   camsec.State
	Host      string       // empty if none is set
	Encrypted camsec.State // unknown on firmware that cannot
}

// LogServer reads where the device sends its log. Recorders answer the path
// in another spelling, /ISAPI/System/LogServer, which is not asked for.
//
//isapi:op GET /ISAPI/System/logServer
func (c *Client) LogServer(ctx context.Context) (LogServer, error) {
	n, err := c.get(ctx, "LogServer", wire.Small(), "LogServer")
	if err != nil {
		return LogServer{}, err
	}
	s := LogServer{
		Enabled: state(n.Child("enabled")), Host: hostOf(n), Encrypted: state(n.Child("transmissionEncryption")),
	}
	if s.Enabled == camsec.StateUnknown {
		return LogServer{}, malformed(operation("LogServer"), "no readable enabled element")
	}
	if unset(s.Host) {
		s.Host = ""
	}
	return s, nil
}
