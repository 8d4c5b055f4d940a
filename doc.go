// Package camsec is the vendor-neutral contract of an SDK that keeps network
// cameras and recorders secure, and the judging that stands on it.
//
// A driver (package isapi for Hikvision, or one of your own) turns a device
// into a [Device]. [Collect] reads what matters for security into a
// [Snapshot]; [Judge] holds a snapshot against [Control]s and makes a
// [Report]. Collecting does all of the I/O and judging none, so a report can
// be made again later, offline, with newer controls.
//
// # Which function for which need
//
//   - what is it, what does it run: [Device.Inventory]
//   - who can log in: [Users]
//   - what is set and what listens: [Settings]
//   - all of it at once: [Collect]
//   - is that good enough: [Judge] with [Controls], as a [Baseline] has them
//   - who shall be told, and how: [Reports]
//   - all of that for a fleet: [Run]
//   - does my driver keep the contract: [CheckDevice], [CheckDeviceWrites]
//
// # Unknown is a result
//
// A device that does not answer, refuses, or answers what we do not
// understand is neither safe nor empty. The zero value of [State], [Role],
// [Outcome] and [Status] is therefore the unknown one, and what is missing
// carries a [Reason].
//
// # Limits
//
// The package imports the standard library alone and opens no socket and no
// file: all I/O goes through the interfaces that a driver implements. It is
// before its first tag; names may still change.
package camsec
