// Package authtest is a device's login side for tests: accounts, digest and
// Basic challenges, lock-out counters, scripted faults and a network that
// needs no ports. It is written against the RFCs (2617, 7616, 7617) and against
// what devices are known to send; it shares no code with the clients it tests,
// so that one misreading cannot hide in both.
//
// A [Host] serves one device. Requests that pass the login reach its handler,
// which learns the account with [UserOf].
package authtest
