package isapi

import (
	"regexp"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

var (
	versionText = regexp.MustCompile(`^[Vv]?\d+(\.\d+)+`)
	buildText   = regexp.MustCompile(`(?i)\bbuild\s*(\d+)`)
	dateText    = regexp.MustCompile(`\s-\s(\d{8})\b`)
)

// ParseFirmware splits a version as devices write it, in one of many forms:
// "V5.7.18 build 240826", "V5.5.6build 180326", "V5.0, build 191213",
// "V1.0.0014 - 20210517 15:00:00", "1.0.16 Build 260623 Rel.59092n". What it
// does not find is empty; Raw is always the text as given.
func ParseFirmware(raw string) camsec.Firmware {
	raw = strings.TrimSpace(raw)
	f := camsec.Firmware{Raw: raw, Version: versionText.FindString(raw)}
	rest := raw[len(f.Version):]
	if m := buildText.FindStringSubmatch(rest); m != nil {
		f.Build = m[1]
	} else if m := dateText.FindStringSubmatch(rest); m != nil {
		f.Build = m[1]
	}
	f.Released = buildDate(f.Build)
	return f
}

// buildDate reads YYMMDD or YYYYMMDD; anything else is no date.
func buildDate(build string) string {
	if len(build) == 6 {
		build = "20" + build
	}
	t, err := time.Parse("20060102", build)
	if err != nil || t.Year() < 2000 {
		return ""
	}
	return t.Format(time.DateOnly)
}

// Firmware returns the firmware of the device itself.
func (i DeviceInfo) Firmware() camsec.Firmware {
	f := ParseFirmware(i.FirmwareVersion + " " + i.FirmwareReleased)
	f.Platform = i.FirmwareInfo
	return f
}
