// Package wsse makes WS-Security UsernameTokens with a password digest, the
// login that SOAP devices without HTTP digest take (OASIS UsernameToken
// Profile 1.0, ONVIF Core 5.9.5).
//
// The digest is one SHA-1 over nonce, time and password: who reads a token can
// try passwords against it offline, and replay it until the device's memory of
// nonces ends. It is for devices that offer nothing better.
package wsse
