package advisory_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

func TestControls(t *testing.T) {
	day := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	withChannel := hik("DS-7732NXI-I4", "V5.10.0", "260101", "")
	withChannel.Channels = []camsec.Channel{{ID: "7", Protocol: "HIKVISION", Model: "DS-2CD2143G2-I", Firmware: camsec.Firmware{Raw: "V5.5.80 build 200101"}}}
	strange := hik("DS-7732NXI-I4", "V5.10.0", "260101", "")
	strange.Channels = []camsec.Channel{{ID: "7", Protocol: "ONVIF", Model: "C1", Address: "10.0.0.7"}}
	unread := hik("DS-7732NXI-I4", "V5.10.0", "260101", "")
	unread.ChannelsErr = &camsec.Problem{Code: camsec.ReasonForbidden}
	for _, tt := range []struct {
		name     string
		inv      camsec.Inventory
		now      time.Time
		fw1, fw2 camsec.Status
	}{
		{"current", hik("DS-2CD2143G2-I", "V5.8.10", "260301", "G5"), day, camsec.Pass, camsec.Pass},
		{"exploited", hik("DS-2CD2143G2-I", "V5.5.80", "200101", ""), day, camsec.Fail, camsec.Fail},
		{"affected, none exploited", other("Axis", "P3245", "11.5.1"), day, camsec.Fail, camsec.Pass},
		{"perhaps", hik("IPC-T221H", "V5.5.80", "200101", ""), day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"nothing known", camsec.Inventory{}, day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"maker without data", other("Nobody", "C1", "1.0"), day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"no version", hik("DS-9999", "", "", ""), day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"camera behind it", withChannel, day, camsec.Fail, camsec.Fail},
		{"strange camera behind it", strange, day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"channels unread", unread, day, camsec.StatusUnknown, camsec.StatusUnknown},
		{"data too old", hik("DS-2CD2143G2-I", "V5.8.10", "260301", "G5"), day.AddDate(2, 0, 0), camsec.StatusUnknown, camsec.StatusUnknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cs := advisory.Controls(nil)
			require.Len(t, cs, 2)
			for i, want := range []camsec.Status{tt.fw1, tt.fw2} {
				v := cs[i].Judge(&camsec.Snapshot{Inventory: tt.inv}, tt.now)
				assert.Equal(t, want, v.Status, "%s: %s", cs[i].ID(), v.Reason)
				assert.NotEmpty(t, v.Reason)
				assert.Equal(t, camsec.Critical, cs[i].Severity())
			}
		})
	}
	cs := advisory.Controls(advisory.Embedded())
	assert.Equal(t, "FW-01", cs[0].ID())
	assert.Equal(t, "FW-02", cs[1].ID())
	v := cs[0].Judge(&camsec.Snapshot{Inventory: withChannel}, day)
	assert.Contains(t, v.Reason, "CVE-2021-36260 on channel 7")
	assert.Equal(t, camsec.StatusUnknown, cs[0].Judge(nil, day).Status)

	// An inventory that failed cannot pass.
	v = cs[1].Judge(&camsec.Snapshot{
		Inventory: hik("DS-2CD2143G2-I", "V5.8.10", "260301", "G5"),
		Errors:    map[string]*camsec.Problem{"inventory": {Code: camsec.ReasonUnparsable}},
	}, day)
	assert.Equal(t, camsec.StatusUnknown, v.Status)
}

// What a device writes into its model must not reach a report as control
// characters or without a bound.
func TestHostileNames(t *testing.T) {
	inv := hik("DS-\x1b[31m"+strings.Repeat("9", 400), "V5.5.80", "200101", "")
	for _, f := range advisory.Embedded().Match(inv) {
		assert.NotContains(t, f.Reason, "\x1b")
		assert.Less(t, len(f.Reason), 600)
	}
}
