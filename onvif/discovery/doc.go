// Package discovery finds ONVIF devices on the local network by WS-Discovery
// (April 2005), before any login.
//
// It only asks: on every interface, over IPv4 and IPv6, with two probes, since
// older devices answer to dn:NetworkVideoTransmitter alone and newer ones to
// tds:Device (and types in one probe would have to match both). A device with
// discovery switched off does not answer; a router does not pass the probes
// on. [ProbeHost] asks one host directly.
//
// What a device answers is unauthenticated: anybody on the network can answer
// in its name. Use it to know where to look, and never send a credential to
// an address because it was found here.
package discovery
