// Package firmware reads the version texts that camera makers write and says
// which of two is newer, where that can be said at all.
//
// Makers keep several branches alive at once, so a higher number is often the
// older software: in a public list of Hikvision packages one pair in six
// orders one way by version and the other way by build date. [Compare]
// therefore has a fourth answer beside older, same and newer, which is
// [Incomparable], and always says why.
//
// What is here: [Parse] for version texts, [ParsePackage] for the names of
// Hikvision's firmware packages, and, in package advisory, the published
// vulnerabilities that a version can be held against.
//
// What is not here yet: nothing in this package opens a firmware image. No
// container format is parsed, no signature is verified, and no package name is
// proof of what is inside the file that bears it.
//
// The package does no I/O. All of its functions are safe for concurrent use.
package firmware
