package firmware_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// A detachedBench is an image on disk with one signature beside it.
type detachedBench struct {
	name      string
	policy    firmware.Policy
	signature firmware.Signature
	hashes    []crypto.Hash // what must be hashed: the report's digest and the scheme's own
	// tool verifies the same with a program of others; nil: none here.
	tool func(b *testing.B, dir, image string)
}

// BenchmarkDetached reports, of each scheme, what it takes to verify an image
// of CAMSEC_BENCH_MIB mebibytes (16 where it is not set), as a multiple of what
// Go's same hashes take over the same file, one after the other, in the same
// run: ratio is of the clock, on which hashes run side by side, and cpu-ratio
// of the processor's time, which other work on the machine does not change.
// The best of all rounds counts for both sides. MiB is all that was ever
// allocated for one image. Beside it stand the schemes' own programs.
func BenchmarkDetached(b *testing.B) {
	mib, _ := strconv.Atoi(os.Getenv("CAMSEC_BENCH_MIB"))
	dir := b.TempDir()
	image := bigFile(b, dir, int64(max(mib, 16))<<20)
	for _, c := range detachedBenches(b, dir, image) {
		b.Run(c.name, func(b *testing.B) { c.run(b, image) })
		if c.tool != nil {
			b.Run(c.name+", own program", func(b *testing.B) {
				for b.Loop() {
					c.tool(b, dir, image)
				}
			})
		}
	}
}

func (c *detachedBench) run(b *testing.B, image string) {
	f, err := os.Open(image)
	require.NoError(b, err)
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	require.NoError(b, err)
	v, err := firmware.NewVerifier(c.policy)
	require.NoError(b, err)
	b.SetBytes(st.Size())
	ours, hash := spent{time.Hour, time.Hour}, spent{time.Hour, time.Hour}
	memory := uint64(0)
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := now(b)
		r, err := v.Verify(b.Context(), f, st.Size(), &firmware.Evidence{Signatures: []firmware.Signature{c.signature}})
		ours.least(start.since(b))
		runtime.ReadMemStats(&after)
		memory = max(memory, after.TotalAlloc-before.TotalAlloc)
		if err != nil || r.Verdict != firmware.Accepted {
			b.Fatal(err, r)
		}
		b.StopTimer()
		hash.least(hashFile(b, f, st.Size(), c.hashes))
		b.StartTimer()
	}
	b.ReportMetric(float64(ours.clock)/float64(hash.clock), "ratio")
	b.ReportMetric(float64(ours.cpu)/float64(hash.cpu), "cpu-ratio")
	b.ReportMetric(float64(memory)/(1<<20), "MiB")
	if memory > 4<<20 {
		b.Errorf("%d bytes were allocated", memory)
	}
}

// spent is time by the clock and by the processor.
type spent struct{ clock, cpu time.Duration }

func now(b *testing.B) spent {
	var u syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return spent{time.Since(began), time.Duration(u.Utime.Nano() + u.Stime.Nano())}
}

var began = time.Now()

func (s spent) since(b *testing.B) spent {
	n := now(b)
	return spent{n.clock - s.clock, n.cpu - s.cpu}
}

func (s *spent) least(t spent) { s.clock, s.cpu = min(s.clock, t.clock), min(s.cpu, t.cpu) }

func hashFile(b *testing.B, f *os.File, size int64, hashes []crypto.Hash) spent {
	start := now(b)
	for _, h := range hashes {
		_, err := io.CopyBuffer(plainWriter{h.New()}, io.NewSectionReader(f, 0, size), make([]byte, 256<<10))
		require.NoError(b, err)
	}
	return start.since(b)
}

func bigFile(b *testing.B, dir string, size int64) string {
	path := filepath.Join(dir, "image.bin")
	f, err := os.Create(path)
	require.NoError(b, err)
	block := sigtest.Image(1 << 20)
	for at := int64(0); at < size; at += int64(len(block)) {
		_, err = f.Write(block)
		require.NoError(b, err)
	}
	require.NoError(b, f.Close())
	return path
}

func detachedBenches(b *testing.B, dir, image string) []*detachedBench {
	f, err := os.Open(image)
	require.NoError(b, err)
	defer func() { _ = f.Close() }()
	h := sha256.New()
	_, err = io.Copy(h, f)
	require.NoError(b, err)
	digest := h.Sum(nil)
	key := func(p crypto.PublicKey) firmware.Policy {
		k, err := firmware.NewKey("bench", p)
		require.NoError(b, err)
		return firmware.Policy{Keys: []firmware.Key{k}, Now: at(issued)}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(b, err)
	edPub, ed, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(b, err)

	pkcs1, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, digest)
	require.NoError(b, err)
	pss, err := rsa.SignPSS(rand.Reader, rsaKey, crypto.SHA256, digest, nil)
	require.NoError(b, err)
	ecdsaSig, err := ecdsa.SignASN1(rand.Reader, ec, digest)
	require.NoError(b, err)
	openssl := func(name string, pub crypto.PublicKey, sig []byte, options ...string) func(*testing.B, string, string) {
		der, err := x509.MarshalPKIXPublicKey(pub)
		require.NoError(b, err)
		sigtest.Write(b, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), dir, name+".pub")
		sigtest.Write(b, sig, dir, name+".sig")
		return func(b *testing.B, dir, image string) {
			args := append([]string{"dgst", "-sha256", "-verify", filepath.Join(dir, name+".pub")}, options...)
			sigtest.Stranger(b, "openssl").Run(append(args, "-signature", filepath.Join(dir, name+".sig"), image)...)
		}
	}
	sha := []crypto.Hash{crypto.SHA256}
	out := []*detachedBench{
		{"rsa-pkcs1v15-sha256", key(rsaKey.Public()), firmware.Signature{Scheme: "rsa-pkcs1v15-sha256", Data: pkcs1}, sha, openssl("pkcs1", rsaKey.Public(), pkcs1)},
		{"rsa-pss-sha256", key(rsaKey.Public()), firmware.Signature{Scheme: "rsa-pss-sha256", Data: pss}, sha, openssl("pss", rsaKey.Public(), pss, "-sigopt", "rsa_padding_mode:pss")},
		{"ecdsa-sha256", key(ec.Public()), firmware.Signature{Scheme: "ecdsa-sha256", Data: ecdsaSig}, sha, openssl("ec", ec.Public(), ecdsaSig)},
	}

	pure := signPure(b, ed, image)
	two := []crypto.Hash{crypto.SHA256, crypto.SHA512}
	id := append([]byte("Ed"), "bench-id"...)
	usign := "untrusted comment: x\n" + base64.StdEncoding.EncodeToString(append(id[:10:10], pure...)) + "\n"
	usignKey, err := firmware.ParseKeys("usign", []byte("untrusted comment: x\n"+base64.StdEncoding.EncodeToString(append(id[:10:10], edPub...))+"\n"))
	require.NoError(b, err)
	out = append(
		out,
		&detachedBench{"ed25519", key(edPub), firmware.Signature{Scheme: "ed25519", Data: pure}, two, nil},
		&detachedBench{"signify", firmware.Policy{Keys: usignKey}, firmware.Signature{Data: []byte(usign)}, two, nil},
	)

	st, err := f.Stat()
	require.NoError(b, err)
	mini, err := firmware.NewSigningKey(ed)
	require.NoError(b, err)
	minisig, err := mini.Countersign(b.Context(), f, st.Size(), firmware.Statement{Issued: issued}, nil)
	require.NoError(b, err)
	sigtest.Write(b, minisig, dir, "image.minisig")
	out = append(out, &detachedBench{
		"minisign", key(edPub),
		firmware.Signature{Data: minisig},
		[]crypto.Hash{crypto.SHA256, crypto.BLAKE2b_512},
		func(b *testing.B, dir, image string) {
			sigtest.Stranger(b, "minisign").Run("-V", "-q", "-m", image, "-x", filepath.Join(dir, "image.minisig"), "-P", mini.MinisignPublicKey())
		},
	})
	return append(out, cmsBench(b, dir, f, st.Size(), ec))
}

// signPure holds the image in memory, since Ed25519 reads it twice to sign it.
func signPure(b *testing.B, key ed25519.PrivateKey, image string) []byte {
	message, err := os.ReadFile(image)
	require.NoError(b, err)
	defer runtime.GC()
	return ed25519.Sign(key, message)
}

func cmsBench(b *testing.B, dir string, f io.ReaderAt, size int64, ec *ecdsa.PrivateKey) *detachedBench {
	root, leaf := authority(b, ec.Public())
	k, err := firmware.NewSigningKey(ec, leaf)
	require.NoError(b, err)
	p7, err := k.Countersign(b.Context(), f, size, firmware.Statement{Issued: issued}, nil)
	require.NoError(b, err)
	sigtest.Write(b, p7, dir, "image.p7s")
	sigtest.Write(b, pemCert(root), dir, "root.pem")
	return &detachedBench{
		"cms",
		firmware.Policy{Roots: []*x509.Certificate{root}, Now: at(issued)},
		firmware.Signature{Data: p7},
		[]crypto.Hash{crypto.SHA256},
		func(b *testing.B, dir, image string) {
			sigtest.Stranger(b, "openssl").Run("cms", "-verify", "-binary", "-inform", "DER", "-in", filepath.Join(dir, "image.p7s"),
				"-content", image, "-CAfile", filepath.Join(dir, "root.pem"), "-purpose", "any", "-attime", fmt.Sprint(issued.Unix()), "-out", os.DevNull)
		},
	}
}

// plainWriter hides that a hash could do more than write.
type plainWriter struct{ io.Writer }
