// Package digest is the client's side of HTTP Digest authentication (RFC
// 7616, with RFC 2617 and RFC 2069) as cameras speak it: it parses challenges,
// chooses one, answers it and checks the server's own proof. It does no I/O,
// keeps no credential store and decides nothing about retries; package auth
// does.
//
// Realms, nonces and opaques are bytes, not text: a realm in GBK is hashed and
// echoed byte for byte. User names and passwords are hashed as they are given;
// a caller whose names need Unicode normalisation (NFC) does it before.
//
// The module in the folder differential holds it beside two clients that
// others wrote: the same answers, and who refuses what.
package digest
