// Package differential holds the digest client of this project beside two
// that others wrote, github.com/icholy/digest and
// github.com/mongodb-forks/digest. It has tests only, and is a module of its
// own so that what it compares with is nobody else's dependency.
//
// Where the three agree, three readings of the RFCs agree. Where they do not,
// the tests say who does what, against a device that judges by the letter of
// RFC 7616 and was written apart from all three.
package differential
