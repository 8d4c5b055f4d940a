package isapi

import (
	"context"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A Medium is a disk, a card or a network share that a device records to.
type Medium struct {
	ID     string
	Kind   string // SATA, NFS, …: the vendor's word
	Status string // ok, offline, unformatted, …
	// Encrypted is unknown where the device does not tell, as recorders, and
	// where it says that the key is not right.
	Encrypted camsec.State
}

// Storage reads what the device records to, and whether that is encrypted.
//
//isapi:op GET /ISAPI/ContentMgmt/Storage
func (c *Client) Storage(ctx context.Context) ([]Medium, error) {
	n, err := c.get(ctx, "Storage", wire.Small(), "storage")
	if err != nil {
		return nil, err
	}
	if !n.Child("hddList").Has() && !n.Child("nasList").Has() {
		return nil, malformed(operation("Storage"), "no list of disks")
	}
	list := []Medium{}
	for _, kind := range []struct{ list, member, kind string }{
		{"hddList", "hdd", "hddType"},
		{"nasList", "nas", "nasType"},
		{"ssdList", "ssd", "ssdType"},
	} {
		for _, m := range n.Child(kind.list).All(kind.member) {
			// Recorded inside Encryption; the guide has it one level up.
			status := m.At("Encryption", "encryptionStatus")
			if !status.Has() {
				status = m.Child("encryptionStatus")
			}
			medium := Medium{ID: m.Child("id").String(), Kind: m.Child(kind.kind).String(), Status: m.Child("status").String()}
			switch strings.ToLower(status.String()) {
			case "encrypted":
				medium.Encrypted = camsec.StateOn
			case "unencrypted":
				medium.Encrypted = camsec.StateOff
			}
			list = append(list, medium)
		}
	}
	return list, nil
}
