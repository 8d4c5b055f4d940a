// Package wire does the bounded exchanges of a driver: one request, one whole
// reply, and the reply's document read with limits and with tolerance for what
// devices really send.
//
// It is for authors of drivers (isapi and onvif stand on it); who only talks
// to a device needs neither.
//
//   - send and read a whole reply: [Do], over [NewHTTPTransport]
//   - read the reply's document: [ParseXML], [ParseJSON], both giving a [Node]
//   - understand what a person writes for an address: [ParseAddress]
//   - collect settings, each with its source or the reason why it is unknown:
//     [Settings], [ReadDocument]
//   - find devices by datagrams: [Inquiry]
//   - what went wrong: [Error] and its [Kind]
//
// # Trust
//
// Nothing that a device sends is trusted. Redirects are reported, never
// followed; bodies are bounded before and after decompression; a document type
// declaration is refused, so no entity is ever expanded; depth, tokens,
// attributes and text are bounded. A reply that was cut is an error, never a
// partial result.
//
// # Limits
//
// The package keeps no state: all functions may be called concurrently. A
// [Settings] serves one goroutine.
// net/http writes a line to the standard logger when a device sends bytes that
// nobody asked for on an idle connection; there is no way to turn that off
// from here. The package is before its first tag; names may still change.
package wire
