// Package isapi reads and changes the security state of Hikvision cameras and
// recorders over ISAPI, the vendor's HTTP protocol.
//
// A [Client] has one method a wire document; [Client.Device] is the
// vendor-neutral view that package camsec collects and judges. What a method
// rests on, recorded answers of real devices or documentation alone, stands
// in [Operations].
//
// # Tolerance
//
// Documents are read by local element name, whatever the namespace, since one
// device mixes several. What is absent is unknown, never off; a document of
// another shape than expected matches [camsec.ErrMalformed]. Devices answer
// 403 for "not supported", "not allowed" and "bad parameter" alike, and 200
// for some refusals: [Error] goes by the body.
//
// # Writes
//
// A write takes the device's own document, changes the values that it is asked
// to in place, sends it once and reads it back. What the document does not
// have is not made up, and secrets that the device does not show are left out,
// which keeps them. Nothing is written if nothing would change. A [camsec.Change]
// is Applied with a proof, NotApplied with the reason, or of unknown outcome
// with an error that matches [camsec.ErrUncertain]; [Client.SetSSH] says which
// errors come with which. A request whose answer was lost is not sent again:
// the device is watched for [Options.Settle]. What would close the client's own
// way in is refused ([ErrCutOff]), everything under [Options.ReadOnly] before a
// byte is sent.
//
// A client makes one write at a time. Two clients that change one document at
// once may undo each other, as the protocol has no way to tell.
//
// Firmware that wants the requester's own password with a change of accounts
// gets it over https, or hidden: [Client.EncryptFields] hides names and
// passwords inside requests, for devices that plain HTTP alone reaches.
//
// # Logs and events
//
// [Client.SystemLog] and [Client.SecurityLog] go through the device's log,
// [Client.Alerts] listens to what happens; both are iterators, and illegal
// logins are found by [LogEntry.IllegalLogin] and [Alert.IllegalLogin].
//
// # Limits
//
// A [Client] is safe for concurrent use, sends one HTTP request a call in
// steady state, and starts no goroutine of its own.
package isapi
