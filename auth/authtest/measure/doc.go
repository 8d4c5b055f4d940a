// Package measure has what benchmarks of clients share: a part of the test
// program in a process of its own ([Main], [Start]), so that what a device
// uses is not counted as its client's; what a call allocates ([Calls]); and a
// [Site] of very many devices in one process, which cost next to nothing, so
// that what is measured is the client.
//
// It simulates no device. Whether a client behaves is what package authtest
// and the kits on it tell.
package measure
