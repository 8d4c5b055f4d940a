// Package isapitest simulates Hikvision devices for tests: cameras and a
// recorder whose security settings can be read and changed over ISAPI behind
// digest authentication and a lock-out. It shares no code with the client it
// tests. The shapes of its documents follow recorded answers of real devices;
// the documents themselves are written for this package, and names, numbers
// and addresses in them are made up.
package isapitest
