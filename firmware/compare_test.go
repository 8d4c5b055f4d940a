package firmware_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

func TestCompare(t *testing.T) {
	const (
		older, same, newer, none = firmware.Older, firmware.Same, firmware.Newer, firmware.Incomparable
	)
	for _, tt := range []struct {
		vendor, a, b string
		want         firmware.Order
	}{
		{"hikvision", "V4.84.031", "V4.84.31 build 251210", same},
		{"hikvision", "V4.84.031 build 251210", "V4.84.31build251210", same},
		{"hikvision", "V5.10.0 build 240101", "V5.9.0 build 230101", newer},
		{"hikvision", "V5.5.6 build 180326", "V5.5.6build 180327", older},
		{"hikvision", "V5.5.42 build 181129", "V5.5.81 build 180910", none},
		{"hikvision", "V5.7.1", "V5.7.2 build 230101", none},
		{"hikvision", "V2.3.8-6", "V2.3.8-8", older},
		{"hikvision", "V2.3.8-6", "V2.3.8-10", older},
		{"hikvision", "", "V5.7.2", none},
		{"hikvision", "gibberish", "gibberish", same},
		{"dahua", "2.800.0000000.16.R.200605", "2.820.0000000.48.R.220614", older},
		{"dahua", "2.840.0000000.1.R.200605", "2.820.0000000.48.R.220614", none},
		{"dahua", "2.800.0000000.16.R, Build Date: 2020-06-05", "2.800.0000000.16.R.200605", same},
		{"axis", "10.12.114", "10.12.9", newer},
		{"axis", "9.80.60", "10.12.1", none},
		{"axis", "10.3.1", "10.12.1", older},
		{"axis", "11.5.53", "10.12.200", none},
		{"axis", "11.5.53", "12.1.0", older},
		{"axis", "10.12.200", "11.5.53", none},
		{"axis", "10.12.1", "10.3.1", newer},
		{"axis", "10.12.200", "10.12.200", same},
		{"uniview", "CIPC-B2303.2.8.230105", "CIPC-B2303.2.9.230601", older},
		{"uniview", "CIPC-B2303.2.8.230105", "DIPC-B1213.6.5.230215", none},
		{"uniview", "CIPC-B2303.2.8.230105", "2.8.230105", none},
		{"bosch", "7.81.0065", "7.81.0128", older},
		{"bosch", "CPP6_H.264_6.32.0111.fw", "CPP7_H.264_6.32.0111.fw", none},
		{"vivotek", "VVTK-0100d", "VVTK-0100e", older},
		{"avtech", "FullImg-1023-1007-1011-1009", "FullImg-1023-1008-1011-1009", older},
		{"avtech", "FullImg-1023-1007-1011-1009", "FullImg-1022-1008-1011-1009", none},
		{"xiongmai", "4.02.R11.24340142.10001.131900.00000", "4.02.R11.A8531149.10001.131900.00000", none},
		{"xiongmai", "4.02.R11.24340142.10001.131900.00000", "4.03.R11.24340142.10001.131900.00000", older},
		{"xiongmai", "4.02.R11.24340142.10001.131900.00000", "4.02", none},
		{"bosch", "CPP6_H.264_6.32.0111.fw", "6.33.0111", older},
		{"nobody", "1.2.3", "1.2.3.0", same},
		{"nobody", "1.41.02_20220101", "1.41.16", older},
	} {
		a, b := firmware.Parse(tt.vendor, tt.a), firmware.Parse(tt.vendor, tt.b)
		got, why := firmware.Compare(a, b)
		assert.Equal(t, tt.want, got, "%s: %s to %s: %s", tt.vendor, tt.a, tt.b, why)
		assert.NotEmpty(t, why)
	}

	o, why := firmware.Compare(firmware.Parse("axis", "1.2.3"), firmware.Parse("bosch", "1.2.3"))
	assert.Equal(t, none, o, why)
	o, _ = firmware.Compare(firmware.Version{}, firmware.Version{})
	assert.Equal(t, none, o, "nothing known is not the same")
	assert.Equal(t, none, firmware.Order(0))
}

// Where version and build disagree the build decides, but within one platform
// only.
func TestBuildDecidesWithinPlatform(t *testing.T) {
	for _, p := range [][2]string{
		{"IPCM_H3_EN_STD_5.5.42_181129", "IPCM_H3_EN_STD_5.5.81_180910"},
		{"IPC_R4_EN_STD_5.4.5_181109", "IPC_R4_EN_STD_5.4.41_170309"},
		{"IPC_G1_EN_STD_5.4.51_190122", "IPC_G1_EN_STD_5.5.82_181211"},
	} {
		a, err := firmware.ParsePackage(p[0])
		require.NoError(t, err)
		b, err := firmware.ParsePackage(p[1])
		require.NoError(t, err)
		o, why := firmware.Compare(a.Version, b.Version)
		assert.Equal(t, firmware.Newer, o, why)
		assert.Contains(t, why, a.Platform)
	}
}

func TestNothingIsOrderedAcrossPlatforms(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // seeded on purpose.
	platforms := []string{"G0", "G3", "G5", "H5", "E7", "K51"}
	for range 5000 {
		v := func() firmware.Version {
			v := firmware.Parse("hikvision", fmt.Sprintf("V%d.%d.%d build %02d%02d%02d",
				r.IntN(6), r.IntN(9), r.IntN(300), r.IntN(26), 1+r.IntN(12), 1+r.IntN(28)))
			v.Platform = platforms[r.IntN(len(platforms))]
			return v
		}
		a, b := v(), v()
		o, _ := firmware.Compare(a, b)
		if a.Platform != b.Platform {
			require.Equal(t, firmware.Incomparable, o)
			continue
		}
		require.NotEqual(t, firmware.Incomparable, o, "%v %v", a, b)
		if a.Released != b.Released {
			require.Equal(t, a.Released > b.Released, o == firmware.Newer)
		}
	}
}

func TestOrderText(t *testing.T) {
	for _, o := range []firmware.Order{firmware.Incomparable, firmware.Older, firmware.Same, firmware.Newer} {
		b, err := o.MarshalText()
		require.NoError(t, err)
		var back firmware.Order
		require.NoError(t, back.UnmarshalText(b))
		assert.Equal(t, o, back)
	}
	o := firmware.Newer
	require.NoError(t, o.UnmarshalText([]byte("sideways")))
	assert.Equal(t, firmware.Incomparable, o)
	assert.Equal(t, "incomparable", firmware.Order(99).String())
	assert.Equal(t, "incomparable", (firmware.Newer + 1).String())
}
