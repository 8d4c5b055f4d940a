package firmware_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

// newc writes an archive by cpio(5).
func newc(files ...tarFile) []byte {
	var b bytes.Buffer
	pad := func() { b.Write(make([]byte, (4-b.Len()%4)%4)) }
	for _, f := range append(files, tarFile{name: "TRAILER!!!"}) {
		fmt.Fprintf(&b, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\x00", 1, 0o100644, 0, 0, 1, 0, len(f.data), 0, 0, 0, 0, len(f.name)+1, 0, f.name)
		pad()
		b.WriteString(f.data)
		pad()
	}
	return b.Bytes()
}

// A signed description vouches for a file by its SHA-256: one that it names
// without is not vouched for, and the image is refused. Unsigned, it may do
// without, and is accepted by nobody.
func TestSignedDescriptionsNeedDigests(t *testing.T) {
	app := tarFile{"app", "an application"}
	sum := fmt.Sprintf("sha256 = %q; ", sha256Hex([]byte(app.data)))
	policy := keys(t, rsaKey.Public())
	for _, c := range []struct {
		digest string
		signed bool
		want   firmware.Verdict
		intact firmware.IntegrityStatus
	}{
		{sum, true, firmware.Accepted, firmware.IntegrityDigest},
		{"", true, firmware.Rejected, firmware.IntegrityBroken},
		{sum, false, firmware.Rejected, firmware.IntegrityDigest},
		{"", false, firmware.Rejected, firmware.IntegrityNone},
	} {
		description := `software = { version = "1"; files: ( { filename = "app"; ` + c.digest + `path = "/app"; } ); }`
		files := []tarFile{{"sw-description", description}}
		if c.signed {
			d := sha256.Sum256([]byte(description))
			value, err := rsa.SignPKCS1v15(nil, rsaKey, crypto.SHA256, d[:])
			require.NoError(t, err)
			files = append(files, tarFile{"sw-description.sig", string(value)})
		}
		r := verify(t, policy, newc(append(files, app)...))
		assert.Equal(t, c.want, r.Verdict, "%+v: %v", c, r.Because)
		assert.Equal(t, c.intact, r.Integrity.Status, "%+v: %s", c, r.Integrity.Reason)
	}
}
