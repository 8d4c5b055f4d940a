package firmware_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// A freshImage is one that other people's programs made for this run, signed
// by keys that exist for this run.
type freshImage struct {
	name  string
	image []byte
	// trust verifies it; another does not.
	trust, another firmware.Policy
	// open are the names of what no signature covers in the format, as the
	// report calls it: the only places where a change may go unnoticed.
	open []string
	// hashes are those that its bytes must go through once each: the report's
	// digest of the whole file, and what its signature hangs on. Nil means
	// SHA-256 for both.
	hashes []func() hash.Hash
	// put and judge have the format's own program look at an image, where
	// there is one.
	put   func(image []byte)
	judge func() error
}

func (f *freshImage) agrees(image []byte) error {
	f.put(image)
	return f.judge()
}

// The keys of a run, and those of somebody else.
var (
	freshRSA, otherRSA = sync.OnceValue(newRSA), sync.OnceValue(newRSA)
	freshEC, otherEC   = sync.OnceValue(newEC), sync.OnceValue(newEC)
)

func newRSA() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func newEC() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

func keys(t testing.TB, public ...crypto.PublicKey) (p firmware.Policy) {
	t.Helper()
	for _, k := range public {
		p.Keys = append(p.Keys, newKey(t, "fresh", k))
	}
	return p
}

func pemKey(t testing.TB, k crypto.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// freshSize is how large a payload is; benchmarks make larger ones.
var freshSize = 5000

// freshImages makes images of all forms, one at a time: benchmarks make large
// ones, of which memory has no room for all.
func freshImages(t testing.TB) iter.Seq[freshImage] {
	return func(yield func(freshImage) bool) {
		going := true
		give := func(f freshImage) { going = going && yield(f) }
		for _, m := range []func(testing.TB, func(freshImage)){freshFIT, freshSWU, freshRAUC, freshMender, freshFwtool, freshTPLink} {
			if going {
				m(t, give)
			}
		}
	}
}

// gather keeps what one of them makes.
func gather(t testing.TB, of func(testing.TB, func(freshImage))) (out []freshImage) {
	of(t, func(f freshImage) { out = append(out, f) })
	return out
}

const fitSource = `/dts-v1/;
/ {
	description = "fresh";
	#address-cells = <1>;
	images {
		kernel { description = "k"; data = /incbin/("kernel"); type = "kernel"; arch = "arm"; os = "linux"; compression = "none";
			load = <0x80008000>; entry = <0x80008000>; hash-1 { algo = "sha256"; }; IMAGE };
		ramdisk { description = "r"; data = /incbin/("ramdisk"); type = "ramdisk"; arch = "arm"; os = "linux"; compression = "none";
			hash-1 { algo = "sha256"; }; hash-2 { algo = "crc32"; }; IMAGE };
	};
	configurations {
		default = "a";
		a { description = "a"; compatible = "acme,cam"; kernel = "kernel"; ramdisk = "ramdisk"; CONF };
		b { description = "b"; kernel = "kernel"; CONF2 };
	};
};`

// freshFIT has mkimage make FITs of every form that it signs.
func freshFIT(t testing.TB, give func(freshImage)) {
	mkimage := sigtest.Stranger(t, "mkimage")
	sigtest.Stranger(t, "dtc") // mkimage runs it
	dir := mkimage.Dir
	sigtest.Write(t, pemKey(t, freshRSA()), dir, "dev.key")
	_, leaf := authority(t, freshRSA().Public())
	sigtest.Write(t, pemCert(leaf), dir, "dev.crt")
	ec, err := x509.MarshalECPrivateKey(freshEC())
	require.NoError(t, err)
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec}), dir, "ec.pem")
	sigtest.Write(t, sigtest.Image(freshSize+1001), dir, "kernel")
	sigtest.Write(t, sigtest.Image(1500), dir, "ramdisk")
	tree := []string{"header of the tree", "device tree", "names of properties", "between image data", "node "}
	for _, f := range []struct {
		name, algo, key, more string
		images                bool
		args                  []string
	}{
		{name: "rsa", algo: "sha256,rsa2048", key: "dev"},
		{name: "pss", algo: "sha256,rsa2048", key: "dev", more: `padding = "pss";`},
		{name: "ecdsa", algo: "sha256,ecdsa256", key: "ec"},
		{name: "external", algo: "sha256,rsa2048", key: "dev", args: []string{"-E"}},
		{name: "position", algo: "sha256,rsa2048", key: "dev", args: []string{"-E", "-p", "0x1000"}},
		{name: "images", algo: "sha256,rsa2048", key: "dev", images: true},
	} {
		node := func(sign string) string {
			return fmt.Sprintf(`signature-1 { algo = %q; key-name-hint = %q; %s %s }`, f.algo, f.key, f.more, sign) + ";"
		}
		source := strings.NewReplacer("IMAGE", "", "CONF2", node(`sign-images = "kernel";`), "CONF", node(`sign-images = "kernel", "ramdisk";`))
		if f.images {
			source = strings.NewReplacer("IMAGE", node(""), "CONF2", "", "CONF", "")
		}
		its, itb := f.name+".its", f.name+".itb"
		sigtest.Write(t, []byte(source.Replace(fitSource)), dir, its)
		mkimage.Run(append(f.args, "-f", its, "-k", ".", "-r", itb)...)
		trust, another := keys(t, freshRSA().Public()), keys(t, otherRSA().Public(), otherEC().Public())
		if f.key == "ec" {
			trust = keys(t, freshEC().Public())
		}
		i := freshImage{name: "FIT " + f.name, image: sigtest.Read(t, filepath.Join(dir, itb)), trust: trust, another: another, open: tree}
		if f.images { // each has a hash, and a signature of its own
			i.hashes = []func() hash.Hash{sha256.New, sha256.New, sha256.New}
		}
		give(i)
	}
}

const swDescription = `software = {
	version = "5.7.13";
	description = "fresh";
	hardware-compatibility: [ "1.0" ];
	images: ( { filename = "root.img"; device = "/dev/null"; type = "raw"; sha256 = "%x"; version = "1.2.3"; name = "root"; } );
	files: ( { filename = "app"; path = "/app"; sha256 = "%x"; } );
}
`

// freshSWU has cpio and openssl make .swu files.
func freshSWU(t testing.TB, give func(freshImage)) {
	openssl := sigtest.Stranger(t, "openssl")
	cpio := sigtest.Stranger(t, "cpio")
	sigtest.Stranger(t, "swupdate")
	env := sigtest.Stranger(t, "env")
	dir := cpio.Dir
	openssl.Dir, env.Dir = dir, dir
	root, app := sigtest.Image(freshSize), []byte("an application")
	sigtest.Write(t, root, dir, "root.img")
	sigtest.Write(t, app, dir, "app")
	sigtest.Write(t, fmt.Appendf(nil, swDescription, sha256.Sum256(root), sha256.Sum256(app)), dir, "sw-description")
	sigtest.Write(t, pemKey(t, freshRSA()), dir, "key.pem")
	ca, leaf := authority(t, freshRSA().Public())
	sigtest.Write(t, pemCert(leaf), dir, "leaf.pem")
	sigtest.Write(t, pemCert(ca), dir, "root.pem")
	sigtest.Write(t, []byte("globals:\n{\n};\n"), dir, "swupdate.cfg")
	otherCA, _ := authority(t, otherRSA().Public())
	open := []string{"cpio header of ", "padding ", "certificates in the signature"}
	bare := keys(t, freshRSA().Public())
	for _, f := range []struct {
		name, form string
		trust      firmware.Policy
		sign       []string
	}{
		{"cms", "crc", firmware.Policy{Roots: []*x509.Certificate{ca}}, []string{"cms", "-sign", "-in", "sw-description", "-out", "sw-description.sig", "-signer", "leaf.pem", "-inkey", "key.pem", "-outform", "DER", "-nosmimecap", "-binary"}},
		{"rsa", "crc", bare, []string{"dgst", "-sha256", "-sign", "key.pem", "-out", "sw-description.sig", "sw-description"}},
		{"pss", "newc", bare, []string{"dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:-2", "-sign", "key.pem", "-out", "sw-description.sig", "sw-description"}},
	} {
		openssl.Run(f.sign...)
		sigtest.Write(t, []byte("#!/bin/sh\nprintf '%s\\n' sw-description sw-description.sig root.img app | cpio -o -H "+f.form+" --quiet > out.swu\n"), dir, "pack.sh")
		sh := sigtest.Stranger(t, "sh")
		sh.Dir = dir
		sh.Run("pack.sh")
		i := freshImage{
			name: "SWUpdate " + f.name, image: sigtest.Read(t, filepath.Join(dir, "out.swu")),
			trust: f.trust, another: firmware.Policy{Roots: []*x509.Certificate{otherCA}, Keys: keys(t, otherRSA().Public()).Keys}, open: open,
		}
		if f.name == "cms" { // the one that Debian's is built for
			i.put = func(image []byte) { sigtest.Write(t, image, dir, "judge.swu") }
			// Its temporary files have fixed names, and go when it ends: they
			// get a folder of their own.
			tmp := t.TempDir()
			// Its exit status is at times 1 after success, and at times it does
			// not end at all then, so its words count.
			i.judge = func() error {
				said, err := env.Try("TMPDIR="+tmp, "timeout", "15", "swupdate", "-f", "swupdate.cfg", "-c", "-H", "acme:1.0", "-k", "root.pem", "--cert-purpose", "codeSigning", "-i", "judge.swu")
				if bytes.Contains(said, []byte("SWUPDATE successful")) && !bytes.Contains(said, []byte("SWUPDATE failed")) {
					return nil
				}
				return errors.Join(fmt.Errorf("swupdate: %s", said), err)
			}
		}
		give(i)
	}
}

const raucSystem = `[system]
compatible=acme-cam
bootloader=noop
bundle-formats=plain verity crypt
[keyring]
path=root.pem
check-purpose=codesign
`

// freshRAUC has rauc make bundles.
func freshRAUC(t testing.TB, give func(freshImage)) {
	rauc := sigtest.Stranger(t, "rauc")
	sigtest.Stranger(t, "mksquashfs") // rauc runs it
	dir := rauc.Dir
	ca, leaf := authority(t, freshRSA().Public())
	otherCA, _ := authority(t, otherRSA().Public())
	sigtest.Write(t, pemKey(t, freshRSA()), dir, "key.pem")
	sigtest.Write(t, pemCert(leaf), dir, "leaf.pem")
	sigtest.Write(t, pemCert(ca), dir, "root.pem")
	sigtest.Write(t, []byte(raucSystem), dir, "system.conf")
	for _, format := range []string{"plain", "verity", "crypt"} {
		in := filepath.Join(dir, format)
		require.NoError(t, os.Mkdir(in, 0o700))
		manifest := "[update]\ncompatible=acme-cam\nversion=2023.08-1\nbuild=230822\n"
		if format != "plain" {
			manifest += "[bundle]\nformat=" + format + "\n"
		}
		sigtest.Write(t, []byte(manifest+"[image.rootfs]\nfilename=rootfs.img\n"), in, "manifest.raucm")
		sigtest.Write(t, sigtest.Image(freshSize+4000), in, "rootfs.img")
		rauc.Run("--conf=system.conf", "--cert=leaf.pem", "--key=key.pem", "bundle", format, format+".raucb")
		give(freshImage{
			name: "RAUC " + format, image: sigtest.Read(t, filepath.Join(dir, format+".raucb")),
			trust: firmware.Policy{Roots: []*x509.Certificate{ca}}, another: firmware.Policy{Roots: []*x509.Certificate{otherCA}},
			open: []string{"certificates in the signature"},
			put:  func(image []byte) { sigtest.Write(t, image, dir, "judge.raucb") },
			judge: func() error {
				_, err := rauc.Try("--conf=system.conf", "info", "judge.raucb")
				return err
			},
		})
	}
}

// freshMender has mender-artifact make artifacts.
func freshMender(t testing.TB, give func(freshImage)) {
	mender := sigtest.Stranger(t, "mender-artifact")
	dir := mender.Dir
	sigtest.Write(t, sigtest.Image(freshSize), dir, "fw.bin")
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(freshRSA())}), dir, "rsa.key")
	ec, err := x509.MarshalECPrivateKey(freshEC())
	require.NoError(t, err)
	sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: ec}), dir, "ec.key")
	for _, f := range []struct {
		key, compression string
		public           crypto.PublicKey
	}{{"rsa", "none", freshRSA().Public()}, {"rsa", "gzip", freshRSA().Public()}, {"ec", "none", freshEC().Public()}} {
		der, err := x509.MarshalPKIXPublicKey(f.public)
		require.NoError(t, err)
		sigtest.Write(t, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), dir, f.key+".pub")
		mender.Run("write", "module-image", "-T", "acme-fw", "-n", "acme-5.7.13", "-t", "acme-cam", "--software-version", "5.7.13",
			"-f", "fw.bin", "-o", "out.mender", "-k", f.key+".key", "--compression", f.compression)
		give(freshImage{
			name: "Mender " + f.key + " " + f.compression, image: sigtest.Read(t, filepath.Join(dir, "out.mender")),
			trust: keys(t, f.public), another: keys(t, otherRSA().Public(), otherEC().Public()),
			open: []string{"tar headers", "behind the archive", "gzip header of "},
			put:  func(image []byte) { sigtest.Write(t, image, dir, "judge.mender") },
			judge: func() error {
				_, err := mender.Try("validate", "-k", f.key+".pub", "judge.mender")
				return err
			},
		})
	}
}

// fwtoolChunk appends a chunk as OpenWrt's fwtool does, which Debian lacks.
func fwtoolChunk(file []byte, kind byte, body []byte) []byte {
	file = append(bytes.Clone(file), body...)
	sum := ^crc32.ChecksumIEEE(file)
	file = binary.BigEndian.AppendUint32(append(file, "FWx0"...), sum)
	return binary.BigEndian.AppendUint32(append(file, kind, 0, 0, 0), uint32(len(body)+16))
}

const fwtoolMetadata = `{"metadata_version":"1.1","compat_version":"1.0","supported_devices":["acme,cam"],"version":{"dist":"AcmeWrt","version":"5.7.13","revision":"r1","target":"cam/generic","board":"cam"}}`

// freshFwtool has signify sign what fwtool would append; its signatures are
// usign's, too.
func freshFwtool(t testing.TB, give func(freshImage)) {
	signify := sigtest.Stranger(t, "signify-openbsd")
	dir := signify.Dir
	policy := func(name string) firmware.Policy {
		signify.Run("-G", "-n", "-p", name+".pub", "-s", name+".sec")
		k, err := firmware.ParseKeys(name, sigtest.Read(t, filepath.Join(dir, name+".pub")))
		require.NoError(t, err)
		return firmware.Policy{Keys: k}
	}
	trust, another := policy("build"), policy("other")
	image := fwtoolChunk(sigtest.Image(freshSize), 1, append(make([]byte, 8), fwtoolMetadata...))
	sigtest.Write(t, image, dir, "image")
	signify.Run("-S", "-s", "build.sec", "-m", "image", "-x", "image.sig")
	give(freshImage{name: "fwtool", image: fwtoolChunk(image, 0, sigtest.Read(t, filepath.Join(dir, "image.sig"))), trust: trust, another: another, open: []string{"signature"}, hashes: ed25519Hashes})
	// The same key, vouched for by another: ucert's chain, which OpenWrt's own
	// images bring.
	root := policy("root")
	sigtest.Write(t, ucertPayload(sigtest.Read(t, filepath.Join(dir, "build.pub"))), dir, "payload")
	signify.Run("-S", "-s", "root.sec", "-m", "payload", "-x", "payload.sig")
	chain := blobAttr(0, blobAttr(0, sigtest.Read(t, filepath.Join(dir, "payload.sig"))), blobAttr(1, sigtest.Read(t, filepath.Join(dir, "payload"))))
	chain = append(chain, blobAttr(0, blobAttr(0, sigtest.Read(t, filepath.Join(dir, "image.sig"))))...)
	give(freshImage{name: "fwtool ucert", image: fwtoolChunk(image, 0, chain), trust: root, another: another, open: []string{"signature"}, hashes: ed25519Hashes})
}

// ed25519Hashes are those of an image that Ed25519 signs.
var ed25519Hashes = []func() hash.Hash{sha256.New, sha512.New}

// blobAttr writes an attribute as libubox's blob.h has it.
func blobAttr(id uint32, value ...[]byte) []byte {
	v := bytes.Join(value, nil)
	out := append(binary.BigEndian.AppendUint32(nil, id<<24|uint32(len(v)+4)), v...)
	return append(out, make([]byte, (4-len(out)%4)%4)...)
}

// ucertPayload writes what ucert signs of a key, as ucert.c has it.
func ucertPayload(key []byte) []byte {
	field := func(kind uint32, name string, value []byte) []byte {
		head := append(binary.BigEndian.AppendUint16(nil, uint16(len(name))), name...)
		head = append(head, make([]byte, 1+(4-(len(head)+1)%4)%4)...)
		return blobAttr(0x80|kind, head, value)
	}
	at := func(t time.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t.Unix())) }
	return field(2, "ucert", bytes.Join([][]byte{
		field(5, "certtype", []byte{0, 0, 0, 1}), field(4, "validfrom", at(time.Now().AddDate(0, -1, 0))), field(4, "expiresat", at(time.Now().AddDate(1, 0, 0))),
		field(3, "pubkey", append(bytes.Clone(key), 0)),
	}, nil))
}

// freshTPLink has openssl sign both layouts; the makers' tool is not public.
func freshTPLink(t testing.TB, give func(freshImage)) {
	openssl := sigtest.Stranger(t, "openssl")
	sigtest.Write(t, pemKey(t, freshRSA()), openssl.Dir, "key.pem")
	// The key as TP-Link ships it: a PUBLICKEYBLOB in base64.
	blob := append([]byte{6, 2, 0, 0, 0, 0x24, 0, 0}, "RSA1"...)
	blob = binary.LittleEndian.AppendUint32(blob, 2048)
	blob = binary.LittleEndian.AppendUint32(blob, uint32(freshRSA().E))
	modulus := freshRSA().N.FillBytes(make([]byte, 256))
	slices.Reverse(modulus)
	trust, err := firmware.ParseKeys("blob", []byte(base64.StdEncoding.EncodeToString(append(blob, modulus...))))
	require.NoError(t, err)
	make := func(name string, image []byte, from, at int, open ...string) {
		sigtest.Write(t, image[from:], openssl.Dir, "image")
		openssl.Run("dgst", "-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:64", "-sign", "key.pem", "-out", "sig", "image")
		value := sigtest.Read(t, filepath.Join(openssl.Dir, "sig"))
		slices.Reverse(value)
		copy(image[at:], value)
		give(freshImage{name: "TP-Link " + name, image: image, trust: firmware.Policy{Keys: trust}, another: keys(t, otherRSA().Public()), open: open})
	}
	make("slp", slp(sigtest.Image(freshSize)), 0, 0x20)
	make("fw-type", fwType(sigtest.Image(freshSize)), 0x14, 0x130, "before the signed bytes")
}
