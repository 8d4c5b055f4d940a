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

// A LogConfig is what the device writes into its own log. The body is the
// guide's XML_LogConfig; no device's answer was recorded.
type LogConfig struct {
	Enabled camsec.State
	Levels  []string // none, debug, info, error, fault, all; empty is not told
}

// LogConfig reads whether the device keeps a log. A log of which the level is
// none is off.
//
//isapi:op GET /ISAPI/ContentMgmt/logConfig
func (c *Client) LogConfig(ctx context.Context) (LogConfig, error) {
	n, err := c.get(ctx, "LogConfig", wire.Small(), "LogConfig")
	if err != nil {
		return LogConfig{}, err
	}
	l := LogConfig{Enabled: state(n.Child("enabled")), Levels: lower(words(n.Child("level")))}
	if l.Enabled == camsec.StateUnknown {
		return LogConfig{}, malformed(operation("LogConfig"), "no readable enabled element")
	}
	if len(l.Levels) == 1 && l.Levels[0] == "none" {
		l.Enabled = camsec.StateOff
	}
	return l, nil
}
