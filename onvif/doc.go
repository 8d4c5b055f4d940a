// Package onvif speaks the ONVIF device service (and the security service) to
// cameras and recorders of nearly every make, for security work: identity,
// accounts, password rules, what listens, discovery, certificates, logs,
// firmware upload.
//
//	client, err := onvif.New("192.168.1.64", auth.Static("admin", camsec.NewSecret(password)), nil)
//	info, err := client.DeviceInformation(ctx)
//
// # Which function for which need
//
//   - the neutral view for [camsec.Collect]: [Client.Device]
//   - what is it: [Client.DeviceInformation], [Client.Services]
//   - who can log in: [Client.Users]; change it: [Client.SetUser]; a password
//     with everything around it: [Device.SetPassword]
//   - what listens: [Client.NetworkProtocols], [Client.SwitchProtocol]
//   - what anybody may read: [Client.Exposure]
//   - a certificate of the owner's: [Client.InstallCertificate]; clients that
//     have to show one: [Client.CreateValidationPolicy]
//   - new firmware, verified before and read back after: [Client.Upgrade]
//   - what a device refused: [Fault]
//
// # Logging in
//
// The first request goes without a credential. A device that answers with a
// digest challenge gets the strongest digest it offers; one that has none gets
// a WS-UsernameToken, made in the device's own time where its clock is
// believable. The guard and the budget of package auth hold for both: a wrong
// credential is sent once.
//
// # Writing
//
// A device's success is no proof: devices are known to answer 200 and do
// nothing. Each write reads back what it set and returns a [camsec.Change];
// lists are read, changed and sent whole, as devices are known to replace the
// list by what was sent.
//
// # Trust
//
// Addresses that a device names (XAddrs, upload URIs) are forced to the host
// and scheme that the caller dialled. Replies are bounded; no redirect is
// followed.
//
// # Limits
//
// Through ONVIF one can switch HTTP, HTTPS, RTSP, discovery, zero
// configuration, dynamic DNS and an address filter. SSH, telnet, UPnP, SNMP
// and the maker's cloud need the maker's own protocol. On several makes the
// accounts of ONVIF are apart from those of the web page.
//
// Operations follow release 26.06 of the ONVIF specifications. [Operations]
// tells which of them rest on recorded answers. The package is before its
// first tag; names may still change.
package onvif
