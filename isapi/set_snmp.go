package isapi

import (
	"context"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
)

// SetSNMPCommunities changes the communities of versions 1 and 2c, which are
// passwords sent in the clear; an empty one stays as it is. Devices show them,
// so that reading back proves them.
//
//isapi:op PUT /ISAPI/System/Network/SNMP
func (c *Client) SetSNMPCommunities(ctx context.Context, read, write camsec.Secret) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "SNMP", set: "SetSNMPCommunities", roots: []string{"SNMP"},
		edit: func(d *draft) {
			any := false
			for _, v := range []string{"SNMPv1c", "SNMPv2c"} {
				block := child(d.root, v)
				if block == nil {
					continue
				}
				any = true
				// In one order: reading back compares what the edit meets.
				if !read.Empty() {
					d.text(block, "readCommunity", string(read.Reveal()))
				}
				if !write.Empty() {
					d.text(block, "writeCommunity", string(write.Reveal()))
				}
			}
			if !any {
				d.lacks("SNMPv2c")
			}
		},
	})
}

// An SNMPUserChange is what [Client.SetSNMPUser] changes. What is empty stays
// as it is.
type SNMPUserChange struct {
	Name            string
	AuthMethod      string // none, MD5, SHA, …: the vendor's words
	PrivacyMethod   string // none, DES, AES, …
	AuthPassword    camsec.Secret
	PrivacyPassword camsec.Secret
}

// SetSNMPUser changes one of the users of SNMPv3; DS cameras have two, number 1
// reading and number 2 writing. The device shows no passwords: with one, the
// outcome of a write that the device took is unknown, with [ErrUnproven].
//
//isapi:op PUT /ISAPI/System/Network/SNMP
func (c *Client) SetSNMPUser(ctx context.Context, id string, change SNMPUserChange) (camsec.Change, error) {
	return c.revise(ctx, revision{
		get: "SNMP", set: "SetSNMPUser", roots: []string{"SNMP"}, hidden: snmpFields,
		edit: func(d *draft) {
			var user *etree.Element
			for _, u := range d.root.FindElements(".//SNMPUser") {
				if childText(u, "id") == id {
					user = u
				}
			}
			if user == nil {
				d.lacks("SNMP user " + clean(id))
				return
			}
			for _, t := range []struct{ name, want string }{
				{"userName", change.Name},
				{"snmpAuthenticationMethod", change.AuthMethod},
				{"snmpPrivacyMethod", change.PrivacyMethod},
			} {
				if t.want != "" {
					d.text(user, t.name, t.want)
				}
			}
			if !change.AuthPassword.Empty() {
				d.secret(user, "snmpAuthenticationPassword", "snmpAuthenticationMethod", change.AuthPassword)
			}
			if !change.PrivacyPassword.Empty() {
				d.secret(user, "snmpPrivacyPassword", "snmpPrivacyMethod", change.PrivacyPassword)
			}
		},
	})
}
