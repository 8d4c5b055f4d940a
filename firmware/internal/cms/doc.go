// Package cms verifies CMS signatures (RFC 5652; PKCS#7 1.5 signed data is
// read, too): detached, over content of any size in one pass, or over content
// that they carry.
//
// It reads DER and nothing else. A signature that OpenSSL wrote while
// streaming is BER, and is refused with words that say how to convert it.
// Certificates that a signature brings are a help to find a way to the
// caller's anchors; a root among them is worth nothing.
package cms
