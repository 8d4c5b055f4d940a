// Package onviftest simulates ONVIF devices for tests: stateful, spoken to over
// the wire only, with digest and UsernameToken logins, accounts with levels,
// network protocols that open and close, and the faults of real devices to be
// switched on. It shares no code with package onvif: it reads requests with
// etree and writes its answers as text.
//
// A [Device] stands on an authtest.Host, which has the counters of logins, the
// fault script and the network.
package onviftest
