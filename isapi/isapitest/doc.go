// Package isapitest simulates Hikvision devices for tests: cameras and
// recorders whose security settings can be read and changed over ISAPI behind
// digest authentication and a lock-out. It shares no code with the client it
// tests. The shapes of its documents follow recorded answers of real devices;
// the documents themselves are written for this package, and names, numbers
// and addresses in them are made up.
//
// [Profiles] has nine kinds of device, which differ where recordings of real ones
// do; a Profile is data, to be changed before it is started. [Bodies] says what
// the shape of each document rests on. [ReadCapture] reads what camsec capture
// recorded of a real device, and [Capture.Start] plays it.
//
// Devices bite: [Device.Misbehave] loses the answer to a write before or after
// its effect, carries it out late, restarts, or does nothing and says that it
// did; [Device.Fail] refuses; profiles cut passwords, remember old ones, want
// whole documents, or ask for a restart. [Device.State] is all that a device
// holds, to compare before and after. [Device.Log] fills the log that is searched,
// [Device.Alert] and [Device.SendPart] the alert stream. [Device.Host] has the
// login's own faults.
// Others are at work on them, too: [Device.Consume] is a client with a password
// of its own, [Device.Attach] a camera behind a recorder. Services answer on
// their ports while they are on; see [Device.Port].
//
// Writes are taken as documentation and others' clients describe them, as few
// answers to writes were ever recorded: the certificate service, the
// configuration file and firmware images are of this package's own making.
package isapitest
