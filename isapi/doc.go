// Package isapi reads the security state of Hikvision cameras and recorders
// over ISAPI, the vendor's HTTP protocol.
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
// # Limits
//
// This package reads; it has no operation yet that changes a device. A
// [Client] is safe for concurrent use, sends one HTTP request a call in
// steady state, and starts no goroutine of its own.
package isapi
