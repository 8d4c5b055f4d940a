// Package sadp finds Hikvision devices, and their relabelled kin, on the
// local network by the maker's Search Active Device Protocol, before any
// login and also where a device has no usable address yet.
//
// It reads, and cannot do anything else: the one message that it can send is
// the inquiry. SADP also has messages that set addresses and reset passwords;
// nothing here builds them.
//
// What a device answers is unauthenticated: anybody on the network can answer
// in its name. Use it to know where to look, and never send a credential to
// an address because it was found here.
//
// The protocol is not published. Request, answer and field names come from
// recorded exchanges (DS-2CD2320D-I V5.5.6 among them); fields that were not
// recorded are not read.
package sadp
