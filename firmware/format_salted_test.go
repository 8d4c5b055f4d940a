package firmware_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

// Hanwha's older images and Foscam's are of one form: the report names both,
// and takes no side that the caller or the owner has not taken.
func TestSaltedImagesNameBothMakers(t *testing.T) {
	image := append([]byte("Salted__saltsalt"), make([]byte, 64)...)
	m := inspect(t, image)
	assert.Equal(t, firmware.FormatSalted, m.Format)
	assert.Empty(t, m.Claims.Vendor, "the file does not tell")
	notes := strings.Join(m.Notes, "\n")
	for _, word := range []string{"Hanwha", "Foscam", "does not tell which", "can be forged", "not verifiable"} {
		assert.Contains(t, notes, word)
	}
	assert.Equal(t, []firmware.Part{{Name: "payload", Kind: "AES-CBC by pass-phrase", Offset: 16, Length: 64, Opaque: true}}, m.Parts)
	assert.Equal(t, []firmware.Range{{Offset: 0, Length: 16, What: "magic and salt"}, {Offset: 16, Length: 64, What: "encrypted payload"}}, m.Uncovered)

	owner := owners(t)["minisign"]
	for _, maker := range []string{firmware.Hanwha, "foscam"} {
		p := owner.policy
		p.Device = &firmware.Device{Vendor: maker}
		r := verify(t, p, image)
		assert.Equal(t, firmware.NotVerifiable, r.Verdict)
		assert.Equal(t, firmware.AuthenticityNotVerifiable, r.Authenticity.Status)
		assert.Equal(t, firmware.FitnessUnknown, r.Fitness.Status, "the caller's word for the device is not the file's for itself")

		said := firmware.Signature{Data: countersign(t, owner.key, image, firmware.Statement{Vendor: maker, Issued: issued})}
		r = verify(t, p, image, said)
		assert.Equal(t, firmware.Accepted, r.Verdict, r.Because)
		assert.Equal(t, firmware.FitnessFits, r.Fitness.Status, "the owner says whose it is")
		p.Device = &firmware.Device{Vendor: firmware.Dahua}
		assert.Equal(t, firmware.Rejected, verify(t, p, image, said).Verdict)
	}
}

func TestSaltedImagesAreWholeBlocks(t *testing.T) {
	for n, want := range map[int]bool{8: false, 16: false, 31: false, 32: true, 33: false, 47: false, 48: true} {
		b := append([]byte("Salted__"), make([]byte, n-8)...)
		m, err := firmware.Inspect(bytes.NewReader(b), int64(n))
		assert.True(t, m.Parts != nil && m.Signatures != nil && m.Uncovered != nil && m.Notes != nil, "no list is null")
		if want {
			require.NoError(t, err, n)
			continue
		}
		var e *firmware.FormatError
		require.ErrorAs(t, err, &e, n)
		assert.ErrorIs(t, err, camsec.ErrMalformed)
		assert.Equal(t, int64(n), e.Offset)
	}
}
