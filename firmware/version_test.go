package firmware_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		vendor, raw                              string
		number, suffix, released, product, track string
	}{
		{"HIKVISION", "V5.7.18 build 240826", "5.7.18", "", "2024-08-26", "", ""},
		{"Hikvision", "V5.5.6build 180326", "5.5.6", "", "2018-03-26", "", ""},
		{"Hikvision", "V4.84.031", "4.84.31", "", "", "", ""},
		{"Hikvision", "V4.84.31 build 251210", "4.84.31", "", "2025-12-10", "", ""},
		{"Hikvision", "V4.30.210 Build201224", "4.30.210", "", "2020-12-24", "", ""},
		{"Hikvision", "V5.7.13_230822", "5.7.13", "", "2023-08-22", "", ""},
		{"Hikvision", "V3.2.30_build221223", "3.2.30", "", "2022-12-23", "", ""},
		{"Hikvision", "V1.1.5402 build241014（E2254P02）", "1.1.5402", "", "2024-10-14", "", ""},
		{"Hikvision", "V5.4.5 bulid180810", "5.4.5", "", "2018-08-10", "", ""},
		{"Hikvision", "V2.3.8-6", "2.3.8", "6", "", "", ""},
		{"Hikvision", "3.0.3_20201113_RELEASE(HIK)", "3.0.3", "", "2020-11-13", "", ""},
		{"Hikvision", "build 190909", "", "", "2019-09-09", "", ""},
		{"Dahua", "2.800.0000000.16.R, Build Date: 2020-06-05", "2.800.0.16", "R", "2020-06-05", "", ""},
		{"Dahua", "2.820.0000000.48.R.220614", "2.820.0.48", "R", "2022-06-14", "", ""},
		{"Axis", "9.80.3.12", "9.80.3.12", "", "", "", "9.80"},
		{"AXIS", "11.5.53", "11.5.53", "", "", "", ""},
		{"Uniview", "CIPC-B2303.2.8.230105", "2.8", "", "2023-01-05", "CIPC-B2303", ""},
		{"Hanwha Techwin", "SRN4000_v2.16_170401", "2.16", "", "2017-04-01", "", ""},
		{"Bosch", "CPP6_H.264_6.32.0111.fw", "6.32.111", "", "", "CPP6", ""},
		{"TP-Link", "1.0.16 Build 260623 Rel.59092n", "1.0.16", "", "2026-06-23", "", ""},
		{"Vivotek", "FD8166A-VVTK-0204j", "204", "j", "", "FD8166A", ""},
		{"AVTech", "FullImg-1023-1007-1011-1009", "1023.1007.1011.1009", "", "", "", ""},
		{"Xiongmai", "4.02.R11.24340142.10001.131900.00000", "4.2.11.10001.131900.0", "", "", "24340142", ""},
		{"Nobody", "V1.0.0014 - 20210517 15:00:00", "1.0.14", "", "2021-05-17", "", ""},
		{"", "7", "7", "", "", "", ""},
		{"Hikvision", "", "", "", "", "", ""},
		{"Hikvision", "V99999999999999999999.1", "", "", "", "", ""},
		{"Hikvision", "V5.5.6 build 181399", "5.5.6", "", "", "", ""},
		{"Hikvision", strings.Repeat("1.", 400), "", "", "", "", ""},
	} {
		t.Run(tt.vendor+" "+tt.raw[:min(len(tt.raw), 40)], func(t *testing.T) {
			v := firmware.Parse(tt.vendor, tt.raw)
			assert.Equal(t, tt.raw, v.Raw)
			assert.Equal(t, tt.raw, v.String())
			assert.Equal(t, tt.number, v.Number())
			assert.Equal(t, tt.number != "", v.Known())
			assert.Equal(t, tt.suffix, v.Suffix)
			assert.Equal(t, tt.released, v.Released)
			assert.Equal(t, tt.product, v.Product)
			assert.Equal(t, tt.track, v.Track)
		})
	}
}

func TestFromReport(t *testing.T) {
	v := firmware.FromReport("HIKVISION", camsec.Firmware{
		Raw: "V5.7.18 build 240826", Version: "V5.7.18", Build: "240826", Released: "2024-08-26", Platform: "B-R-G5-0",
	})
	assert.Equal(t, "5.7.18", v.Number())
	assert.Equal(t, "2024-08-26", v.Released)
	assert.Equal(t, "240826", v.Build)
	assert.Equal(t, "G5", v.Platform)
	assert.Equal(t, "V5.7.18 build 240826", v.Raw)

	v = firmware.FromReport("HIKVISION", camsec.Firmware{Version: "V4.84.031", Build: "build 251210"})
	assert.Equal(t, "2025-12-10", v.Released)
	assert.False(t, firmware.FromReport("HIKVISION", camsec.Firmware{}).Known())
	assert.Empty(t, firmware.PlatformCode("B-R-G5-H8"), "two codes decide nothing")
}

func TestVendorKey(t *testing.T) {
	for name, want := range map[string]string{
		"HIKVISION": "hikvision", "Hangzhou Hikvision Digital Technology": "hikvision", "AXIS": "axis",
		"Praxis": "praxis", "TP-Link": "tp-link", "": "", "  Some   One ": "some one",
	} {
		assert.Equal(t, want, firmware.VendorKey(name), name)
	}
}

func TestParsePackage(t *testing.T) {
	for _, tt := range []struct{ name, family, platform, variant, language, brand, number, released string }{
		{"IPC_G5_EN_STD_5.5.113_210317", "IPC", "G5", "", "EN", "STD", "5.5.113", "2021-03-17"},
		{"IPC_E2_BV_EN_STD_5.4.71_180803.zip", "IPC", "E2", "BV", "EN", "STD", "5.4.71", "2018-08-03"},
		{"NVR_K51_BL_ML_STD_V4.21.005_190509", "NVR", "K51", "BL", "ML", "STD", "4.21.5", "2019-05-09"},
		{"in/a/folder/DVR-K71_ML_STD_V3.5.51_Build_181108.ZIP", "DVR", "K71", "", "ML", "STD", "3.5.51", "2018-11-08"},
		{"IPC_R2_EN_STD_V5.4.81_180203", "IPC", "R2", "", "EN", "STD", "5.4.81", "2018-02-03"},
		{"IPC_H1_5.4.61_181204", "IPC", "H1", "", "", "", "5.4.61", "2018-12-04"},
	} {
		p, err := firmware.ParsePackage(tt.name)
		require.NoError(t, err, tt.name)
		assert.Equal(t, tt.name, p.Raw)
		assert.Equal(t,
			[]string{tt.family, tt.platform, tt.variant, tt.language, tt.brand, tt.number, tt.released},
			[]string{p.Family, p.Platform, p.Variant, p.Language, p.Brand, p.Version.Number(), p.Version.Released}, tt.name)
		assert.Equal(t, tt.platform, p.Version.Platform)
	}
	for _, name := range []string{"", "digicap.dav", "Up to 5.4.x", "IPC_G5_EN_STD_5.5.113_219917", "5.5.113_210317", strings.Repeat("A", 1000)} {
		_, err := firmware.ParsePackage(name)
		var pe *firmware.PackageError
		require.ErrorAs(t, err, &pe, name)
		assert.ErrorIs(t, err, camsec.ErrMalformed)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"V5.7.18 build 240826", "2.800.0000000.16.R, Build Date: 2020-06-05", "CIPC-B2303.2.8.230105", "FullImg-1023-1007-1011-1009", "（", "V5.5.6build 180326"} {
		for _, vendor := range []string{"hikvision", "dahua", "axis", "uniview", "xiongmai", "x"} {
			f.Add(vendor, s, "V5.7.1 build 230101")
		}
	}
	reverse := map[firmware.Order]firmware.Order{
		firmware.Incomparable: firmware.Incomparable, firmware.Same: firmware.Same,
		firmware.Older: firmware.Newer, firmware.Newer: firmware.Older,
	}
	f.Fuzz(func(t *testing.T, vendor, x, y string) {
		a, b := firmware.Parse(vendor, x), firmware.Parse(vendor, y)
		if a.Raw != x {
			t.Fatalf("raw text %q became %q", x, a.Raw)
		}
		ab, why := firmware.Compare(a, b)
		ba, _ := firmware.Compare(b, a)
		if reverse[ab] != ba {
			t.Fatalf("%q to %q is %v, the reverse is %v", x, y, ab, ba)
		}
		if why == "" {
			t.Fatal("no reason")
		}
		if o, _ := firmware.Compare(a, a); a.Known() && o != firmware.Same {
			t.Fatalf("%q is %v to itself", x, o)
		}
		_, _ = firmware.ParsePackage(x)
	})
}
