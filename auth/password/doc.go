// Package password makes passwords that devices accept, and judges passwords
// that the caller already holds. It does no I/O: no password is ever tried at
// a device.
//
// A [Policy] is data. What a maker documents is here as values ([Hikvision],
// [Dahua], …); what a device itself reports, such as ONVIF's password
// complexity, can be put into a Policy by its driver.
package password
