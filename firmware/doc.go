// Package firmware reads the version texts that camera makers write, says
// which of two is newer where that can be said at all, and looks into
// firmware images.
//
// # Versions
//
// Makers keep several branches alive at once, so a higher number is often the
// older software: in a public list of Hikvision packages one pair in six
// orders one way by version and the other way by build date. [Compare]
// therefore has a fourth answer beside older, same and newer, which is
// [Incomparable], and always says why. [Parse] reads version texts,
// [ParsePackage] the names of Hikvision's firmware packages, and package
// advisory holds versions against published vulnerabilities. No package name
// is proof of what is inside the file that bears it.
//
// # Images
//
// [Inspect] reads what is in an image and what it says of itself. Lengths and
// offsets are checked before they are used, and memory does not depend on the
// image's size.
//
// What the makers' own formats let anybody outside say:
//
//	Hikvision  HKWS blocks: structure and byte sums, which can be forged;
//	           HK20 and HK30 blocks: encrypted. Not verifiable.
//	Dahua      ZIP directory against headers, CRC32 of members and of the
//	           U-Boot images in them. sign.img: not verifiable.
//	Bosch      structure and byte sums; the signature's scheme is not
//	           published. Not verifiable.
//	Hanwha,    older ones and Foscam's: encrypted with a pass-phrase that
//	           devices share. Not verifiable.
//	TP-Link    verified, with the key that TP-Link ships in its unencrypted
//	           images and the caller gives.
//	uImage     CRC32 of header and data. Unsigned, by design.
//
// Signatures of OpenPGP, TUF, SUIT, Authenticode and UEFI capsules are
// recognised, named, and not verifiable here. For what nobody can verify an
// owner countersigns once what he looked at: see [SigningKey.Countersign].
//
// A [Verifier] holds an image against a [Policy] in one reading and gives a
// [Report] with four answers: integrity, authenticity, freshness and fitness,
// beside the byte ranges that nothing covers and the policy's verdict. It
// cannot be built to demand nothing. [CheckIntegrity] reports what can be
// told without a key.
//
// # Where tools and this package disagree
//
// Signatures are judged more strictly than by the programs that make them:
//
//   - `openssl dgst -verify` takes an RSA signature with bytes after it; here
//     a signature has one length, and an ECDSA signature one encoding (the
//     twin with n-s for s counts, as everywhere).
//   - `openssl cms -verify` takes bytes after the message, certificates for
//     any use unless told otherwise, certificates revoked unless asked, SHA-1
//     and RSA-1024. Here a message ends where it ends, the signer's
//     certificate must be for code or for mail (or name no use), a revocation
//     list that is given counts, and weak algorithms need a Legacy word.
//   - OpenSSL reads BER; here CMS is DER, which `openssl cms -cmsout` writes.
//   - `signify` and `usign` take a signature of minisign without its trusted
//     comment; here not, where the key is known as minisign's.
//
// In one thing this package asks for less: OpenSSL wants every signer of a CMS
// message to lead to a root. Here one is enough, the others are told, and only
// a trusted signer's wrong signature fails the message; [Policy.Signers] asks
// for more.
//
// # Formats that carry their own signatures
//
// FIT, SWUpdate, RAUC, Mender, OpenWrt's fwtool and TP-Link images are
// followed from the signature down to each payload: an image is authentic
// when the signature verifies and everything that it vouches for is as it
// says. What no signature reaches stands in [Report.Uncovered], by name:
//
//	FIT        header and reservations of the tree, where and how long data
//	           is, the default configuration, the signature nodes but for
//	           their values; with signatures of images alone, everything but
//	           the images' data
//	SWUpdate   cpio headers and padding, files that sw-description does not
//	           name, certificates in a CMS signature
//	RAUC       certificates in the signature
//	Mender     tar and gzip headers, manifest-augment and what only it lists
//	fwtool     the chunk of the signature
//	TP-Link    of the "fw-type:" kind, the first 20 bytes
//
// Some things the formats' own programs let pass, and this package does not,
// or not in silence:
//
//   - "rauc info" does not read the payload of verity and crypt bundles, which
//     the kernel checks when it is mounted; here every block is.
//   - "mender-artifact validate" without a key takes an artifact whose
//     signature was stripped; here a policy cannot be without an anchor.
//   - swupdate passes over members that sw-description does not name; here
//     they are reported. It needs no SHA-256 in an unsigned description,
//     and neither does this package, but nothing unsigned is accepted.
//   - mkimage writes, and U-Boot before 2026 trusted, a list of the nodes
//     that are signed, which no signature covers; here it is not read.
//   - fit_check_sign crashes on trees that are cut short, fwtool never ends on
//     a chunk of 4 GiB; here both are a [FormatError].
//
// The manifest of a plain RAUC bundle lies in its SquashFS, which is not read.
// Payloads of Mender artifacts that are compressed with xz or zstd cannot be
// held against the manifest: such an artifact is not verifiable here. A RAUC
// bundle whose message is encrypted to a recipient is neither.
//
// # Where things go
//
// A new image format is a parser in internal/NAME, which knows nothing of
// this package, and an adapter in format_NAME.go: a value of type format,
// listed in formats. The adapter returns a parsed value: the image, a layout
// that names every byte range, checks (sums and digests that the file lets
// anybody check), and signatures (value, and what was signed). Nothing is
// hashed while parsing: a check says which byte ranges it wants, and package
// internal/pass reads the file once and feeds them all.
//
// A new signature scheme is a package in internal/ over the seam internal/sig,
// and a case in schemes.go: schemeOf recognises its files, open reads one. A
// signature that stands in a file (embedded) and one that stands beside it are
// opened alike, with the policy's anchors, before the pass.
//
// The package opens no file and no connection. All of its functions are safe
// for concurrent use.
package firmware
