package camsec

import "strings"

// A Target names a device to the caller. An address alone does not: the same
// 192.168.1.64 exists at three hundred sites. Scope and ID together do, and
// nonces, pins, budgets and journals are keyed by them.
type Target struct {
	ID      string            `json:"id,omitempty"`      // unique within Scope; empty means Address
	Scope   string            `json:"scope,omitempty"`   // site or customer; may be empty
	Address string            `json:"address,omitempty"` // as the caller wrote it
	Labels  map[string]string `json:"labels,omitempty"`  // carried through, never interpreted
}

// Key returns what durable state about the target is filed under. Two targets
// with the same scope and ID share a key; no two others do.
func (t Target) Key() string {
	id := t.ID
	if id == "" {
		id = t.Address
	}
	return keyEscaper.Replace(t.Scope) + "/" + keyEscaper.Replace(id)
}

var keyEscaper = strings.NewReplacer(`\`, `\\`, "/", `\/`)

// A Store is one of the account stores that a device may have. They hold
// separate users with separate passwords, even under the same name.
type Store string

// Stores seen so far; a driver may name others.
const (
	StoreDevice  Store = "device"  // the device's own users (web, ISAPI, SDK)
	StoreONVIF   Store = "onvif"   // ONVIF users, where they are separate
	StoreSNMP    Store = "snmp"    // communities and SNMPv3 users
	StoreChannel Store = "channel" // a recorder's logins to its cameras
)

// An Account is one login of one store.
type Account struct {
	Store Store  `json:"store"` // empty means StoreDevice
	Name  string `json:"name"`
}
