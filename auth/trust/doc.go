// Package trust decides whether the far end of a TLS connection is the device
// that the caller means, before any credential is sent to it.
//
// A [Policy] is a value that says how: by the system's roots (the zero value),
// by the caller's own roots, by pins of the device's key, or by the key seen
// at first contact. [Policy.TLSConfig] turns it into a configuration for one
// device. The decision is made in VerifyConnection, which crypto/tls calls on
// resumed sessions too, and inside the handshake: a refused device has seen no
// byte of a request.
//
// Cameras come with self-signed certificates, an old address as their name and
// dates of 1970. A pin therefore covers the key alone (SHA-256 of the
// SubjectPublicKeyInfo) and ignores names and dates; [Flaws] lists what was
// ignored. A factory key may be shared by a whole model and then proves
// nothing: [SharedPins] finds such keys in a fleet.
//
// Nothing here falls back to weaker TLS by itself, since anyone on the path
// could force that: [Explain] says which profile a device would need, and
// [LegacyTLS] grants it to that device.
package trust
