package raw_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/sig"
	"github.com/camsec/camsec/firmware/internal/sigtest"
)

// What OpenSSL signs verifies here; no change of a byte of signature or image
// does, no cut, and no other key.
func TestFreshMaterial(t *testing.T) {
	openssl := sigtest.Stranger(t, "openssl")
	image := sigtest.Image(5_000)
	sigtest.Write(t, image, openssl.Dir, "fw.bin")
	for _, name := range []string{"a", "b"} {
		for kind, args := range map[string]string{
			"rsa": "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
			"ec":  "-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
			"ec3": "-algorithm EC -pkeyopt ec_paramgen_curve:P-384",
			"ec5": "-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
			"ed":  "-algorithm ED25519",
		} {
			openssl.Run(append(strings.Fields("genpkey -out "+kind+name+".key"), strings.Fields(args)...)...)
			openssl.Run(strings.Fields("pkey -in " + kind + name + ".key -pubout -out " + kind + name + ".pub")...)
		}
	}
	pss := " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:"
	for _, c := range []struct {
		scheme, key, command string
		rounds               int
	}{
		{"rsa-pkcs1v15-sha256", "rsa", "dgst -sha256", 1000},
		{"rsa-pkcs1v15-sha384", "rsa", "dgst -sha384", 50},
		{"rsa-pkcs1v15-sha512", "rsa", "dgst -sha512", 50},
		{"rsa-pss-sha256", "rsa", "dgst -sha256" + pss + "digest", 1000},
		{"rsa-pss-sha256", "rsa", "dgst -sha256" + pss + "max", 50},
		{"rsa-pss-sha256", "rsa", "dgst -sha256" + pss + "0", 50},
		{"rsa-pss-sha512", "rsa", "dgst -sha512" + pss + "digest", 50},
		{"rsa-pss-sha256-mgf1-sha1", "rsa", "dgst -sha256" + pss + "digest -sigopt rsa_mgf1_md:sha1", 300},
		{"rsa-pss-sha256-mgf1-sha1", "rsa", "dgst -sha256" + pss + "max -sigopt rsa_mgf1_md:sha1", 50},
		{"ecdsa-sha256", "ec", "dgst -sha256", 1000},
		{"ecdsa-sha384", "ec3", "dgst -sha384", 50},
		{"ecdsa-sha512", "ec5", "dgst -sha512", 50},
		{"ed25519", "ed", "pkeyutl -rawin -inkey", 1000},
	} {
		t.Run(c.command, func(t *testing.T) {
			if c.key == "ed" {
				openssl.Run("pkeyutl", "-sign", "-rawin", "-inkey", "eda.key", "-in", "fw.bin", "-out", "fw.sig")
			} else {
				openssl.Run(append(strings.Fields(c.command), "-sign", c.key+"a.key", "-out", "fw.sig", "fw.bin")...)
			}
			signature := sigtest.Read(t, openssl.Dir+"/fw.sig")
			a := keys(t, sigtest.Read(t, openssl.Dir+"/"+c.key+"a.pub"))
			_, err := open(c.scheme, signature, image, a, sig.Floor{})
			require.NoError(t, err)
			_, err = open(c.scheme, signature, image, keys(t, sigtest.Read(t, openssl.Dir+"/"+c.key+"b.pub")), sig.Floor{})
			assert.Equal(t, sig.Invalid, sig.KindOf(err))

			sigtest.Changes(signature, c.rounds, func(at int, changed []byte) {
				_, err := open(c.scheme, changed, image, a, sig.Floor{})
				require.NotZero(t, sig.KindOf(err), "byte %d of the signature", at)
			})
			sigtest.Changes(image, c.rounds, func(at int, changed []byte) {
				_, err := open(c.scheme, signature, changed, a, sig.Floor{})
				require.Equal(t, sig.Invalid, sig.KindOf(err), "byte %d of the image", at)
			})
			for n := 0; n < len(signature); n += 1 + len(signature)/64 {
				_, err := open(c.scheme, signature[:n], image, a, sig.Floor{})
				require.Equal(t, sig.Malformed, sig.KindOf(err), "a signature cut to %d bytes", n)
			}
			for _, more := range []string{"\x00", "\n", "x"} {
				_, err := open(c.scheme, []byte(string(signature)+more), image, a, sig.Floor{})
				require.Equal(t, sig.Malformed, sig.KindOf(err), "a longer signature")
			}
			for _, n := range []int{0, 1, len(image) / 2, len(image) - 1} {
				_, err := open(c.scheme, signature, image[:n], a, sig.Floor{})
				require.Equal(t, sig.Invalid, sig.KindOf(err))
			}
			// No other scheme accepts it.
			for name, other := range sig.Names() {
				if name == c.scheme || other.Method == sig.ECDSAP1363 {
					continue
				}
				_, err := open(name, signature, image, a, sig.Floor{LegacySHA1: true, LegacyMD5: true})
				require.NotZero(t, sig.KindOf(err), name)
			}
		})
	}
}
