package onvif

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// Kinds of logs.
const (
	LogSystem = "System"
	LogAccess = "Access"
)

// A Log is a log, or support information: as text, or as a file (often a
// packed one). It may hold names and addresses; treat it as confidential.
type Log struct {
	Text string
	File []byte
}

// String tells sizes, not contents.
func (l Log) String() string {
	return fmt.Sprintf("log of %d characters and %d bytes", len(l.Text), len(l.File))
}

// SystemLog reads a log. Only administrators may. Errors match
// [camsec.ErrNotFound] or [errors.ErrUnsupported] where there is none.
//
//onvif:op GetSystemLog
func (c *Client) SystemLog(ctx context.Context, kind string) (Log, error) {
	return c.log(ctx, "SystemLog", "SystemLog", func(m *message) { m.text("tds:LogType", kind) })
}

// SystemSupportInformation reads what the maker's support asks for. Only
// administrators may.
//
//onvif:op GetSystemSupportInformation
func (c *Client) SystemSupportInformation(ctx context.Context) (Log, error) {
	return c.log(ctx, "SystemSupportInformation", "SupportInformation", nil)
}

func (c *Client) log(ctx context.Context, name, element string, fill func(*message)) (Log, error) {
	r, err := c.callWithin(ctx, name, wire.Limits{Text: 8 << 20}, fill)
	if err != nil {
		return Log{}, err
	}
	n := r.Child(element)
	l := Log{Text: n.Child("String").String()}
	if b := n.Child("Binary"); b != nil {
		if l.File, err = r.attachment(b); err != nil {
			return Log{}, fmt.Errorf("onvif: %s: %w", operation(name).Action, err)
		}
	}
	if n.Child("String") == nil && n.Child("Binary") == nil {
		return Log{}, malformed(operation(name), "neither text nor a file")
	}
	return l, nil
}

// attachment returns what a tt:AttachmentData refers to, or holds.
func (r *reply) attachment(n *wire.Node) ([]byte, error) {
	if inc := n.Child("Include"); inc != nil {
		b, ok := r.parts[contentID(inc.Attr("href"))]
		if !ok {
			return nil, fmt.Errorf("attachment missing: %w", camsec.ErrMalformed)
		}
		return b, nil
	}
	return binary(n)
}

// binary reads base64 in an element or in its Data, with white space or not.
func binary(n *wire.Node) ([]byte, error) {
	text := n.String()
	if d := n.Child("Data"); d != nil {
		text = d.Text
	}
	var packed []byte
	for i := range len(text) {
		switch text[i] {
		case ' ', '\t', '\r', '\n':
		default:
			packed = append(packed, text[i])
		}
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(packed)))
	k, err := base64.StdEncoding.Decode(out, packed)
	if err != nil {
		return nil, fmt.Errorf("no base64: %w", camsec.ErrMalformed)
	}
	return out[:k], nil
}

// A BackupFile is a part of a configuration backup. It holds secrets: keep it
// sealed. It does not print.
type BackupFile struct {
	Name string
	data []byte
}

// NewBackupFile returns a file for [Client.RestoreSystem].
func NewBackupFile(name string, data []byte) BackupFile { return BackupFile{name, data} }

// Data returns the content, which holds secrets.
func (b BackupFile) Data() []byte { return b.data }

// String names the file alone.
func (b BackupFile) String() string { return fmt.Sprintf("%s (%d bytes)", clean(b.Name), len(b.data)) }

// GoString names the file alone.
func (b BackupFile) GoString() string { return b.String() }

// SystemBackup reads a backup of the configuration, from devices before its
// withdrawal; later ones have it at an address of [Client.SystemURIs]. Only
// administrators may.
//
//onvif:op GetSystemBackup
func (c *Client) SystemBackup(ctx context.Context) ([]BackupFile, error) {
	r, err := c.callWithin(ctx, "SystemBackup", wire.Limits{Body: 64 << 20, Text: 32 << 20}, nil)
	if err != nil {
		return nil, err
	}
	files := []BackupFile{}
	for _, n := range r.All("BackupFiles") {
		b, err := r.attachment(n.Child("Data"))
		if err != nil {
			return nil, fmt.Errorf("onvif: GetSystemBackup: %w", err)
		}
		files = append(files, BackupFile{n.Child("Name").String(), b})
	}
	if len(files) == 0 {
		return nil, malformed(operation("SystemBackup"), "no file")
	}
	return files, nil
}

// A SystemURIs is where logs and backups can be had over HTTP: addresses as
// the device writes them, not to be trusted; empty where it has none.
type SystemURIs struct {
	Logs    map[string]string // by kind
	Support string
	Backup  string
}

// SystemURIs reads where logs and backups can be had. Every account may.
//
//onvif:op GetSystemUris
func (c *Client) SystemURIs(ctx context.Context) (SystemURIs, error) {
	r, err := c.call(ctx, "SystemURIs", nil)
	if err != nil {
		return SystemURIs{}, err
	}
	u := SystemURIs{Logs: map[string]string{}, Support: r.Child("SupportInfoUri").String(), Backup: r.Child("SystemBackupUri").String()}
	for _, n := range r.Child("SystemLogUris").All("SystemLog") {
		if s := n.Child("Uri").String(); s != "" {
			u.Logs[n.Child("Type").String()] = s
		}
	}
	return u, nil
}

// A started is what is known after an operation after which a device goes
// away: that it was asked to.
func (c *Client) start(ctx context.Context, name string, fill func(*message)) (*reply, camsec.Change, error) {
	r, err := c.call(ctx, name, fill)
	switch {
	case err == nil:
		// The device says that it will; only its coming back shows that it did.
		return r, camsec.Change{Outcome: camsec.Applied, Proof: "accepted by the device"}, nil
	case mayHaveDone(err):
		return nil, camsec.Change{}, fmt.Errorf("onvif: %s: %w: %w", operation(name).Action, camsec.ErrUncertain, err)
	}
	ch, err := notApplied(err)
	return nil, ch, err
}

// Reboot restarts the device. The message is the device's own. That it was
// accepted is all that is known; wait for the device to come back.
//
//onvif:op SystemReboot
func (c *Client) Reboot(ctx context.Context) (said string, change camsec.Change, err error) {
	r, change, err := c.start(ctx, "Reboot", nil)
	if err != nil {
		return "", change, err
	}
	return r.Child("Message").String(), change, nil
}

// A Reset is how much of the configuration goes.
type Reset string

// Resets.
const (
	SoftReset Reset = "Soft" // keeps the network settings
	HardReset Reset = "Hard" // everything; the device may be lost to the network
)

// SetFactoryDefault throws the configuration away, accounts included. It
// cannot be undone, and a hard reset needs [AllowCutOff].
//
//onvif:op SetSystemFactoryDefault
func (c *Client) SetFactoryDefault(ctx context.Context, how Reset, consent ...Consent) (camsec.Change, error) {
	if how != SoftReset && how != HardReset {
		return notApplied(errors.New("onvif: SetSystemFactoryDefault: neither soft nor hard"))
	}
	if how == HardReset && !consents(consent, AllowCutOff) {
		return notApplied(fmt.Errorf("onvif: SetSystemFactoryDefault: hard: %w", ErrCutOff))
	}
	_, change, err := c.start(ctx, "SetFactoryDefault", func(m *message) { m.text("tds:FactoryDefault", string(how)) })
	return change, err
}

// AccessPolicy reads who may do what, in a form of the maker's own. Some
// devices answer junk (Hikvision: 8 bytes). Only administrators may.
//
//onvif:op GetAccessPolicy
func (c *Client) AccessPolicy(ctx context.Context) ([]byte, error) {
	r, err := c.call(ctx, "AccessPolicy", nil)
	if err != nil {
		return nil, err
	}
	b, err := binary(r.Child("PolicyFile"))
	if err != nil {
		return nil, fmt.Errorf("onvif: GetAccessPolicy: %w", err)
	}
	if len(b) == 0 {
		return nil, malformed(operation("AccessPolicy"), "empty policy")
	}
	return b, nil
}

// SetAccessPolicy sets who may do what, and reads it back.
//
//onvif:op SetAccessPolicy
func (c *Client) SetAccessPolicy(ctx context.Context, policy []byte) (camsec.Change, error) {
	return c.write(ctx, "SetAccessPolicy", func(m *message) {
		m.in("tds:PolicyFile", func() { m.text("tt:Data", base64.StdEncoding.EncodeToString(policy)) })
	}, func(ctx context.Context) (bool, error) {
		now, err := c.AccessPolicy(ctx)
		return string(now) == string(policy), err
	})
}

// An UploadTarget is where and when a file is to be sent.
type UploadTarget struct {
	Path     string // on the device that was dialled, with a query if any
	Delay    time.Duration
	DownTime time.Duration // that the device expects to be away
}

// maxDelay bounds what a device may have us wait.
const maxDelay = 5 * time.Minute
