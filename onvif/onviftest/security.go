package onviftest

import "strings"

const securityCapabilities = `<tas:GetServiceCapabilitiesResponse><tas:Capabilities><tas:KeystoreCapabilities MaximumNumberOfKeys="16"/><tas:TLSServerCapabilities TLSServerSupported="1.2 1.3"/></tas:Capabilities></tas:GetServiceCapabilitiesResponse>`

// securityOperations are those of the security service.
func securityOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"GetEnabledTLSVersions": func(d *Device, _ *request) (string, error) {
			return in("tas:GetEnabledTLSVersionsResponse", el("tas:Versions", d.tlsVers)), nil
		},
		"SetEnabledTLSVersions": func(d *Device, q *request) (string, error) {
			v := text(q.el, "Versions")
			if v == "" {
				return "", sender("Empty list", "ter:InvalidArgVal", "ter:EmptyList")
			}
			for _, one := range strings.Fields(v) {
				if one != "1.2" && one != "1.3" {
					return "", sender("No such version", "ter:InvalidArgVal", "ter:TLSVersion")
				}
			}
			d.tlsVers = v
			return done(q)
		},
	}
}
