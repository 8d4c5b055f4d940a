package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec/firmware"
)

// matchDevice finds the one file for a device. What cannot be told is a
// refusal: flashing the wrong file is how cameras die.
func matchDevice(t *target, images []*matchImage) matchJSON {
	d := deviceLabels(t)
	running := d.version()
	m := matchJSON{
		Address: t.Address, ID: orNull(t.ID), Vendor: orNull(d.device.Vendor), Model: orNull(d.device.Model),
		Candidates: []candidateJSON{},
	}
	if running != nil {
		m.Version = orNull(running.Raw)
	}
	var fit, named []string
	for _, img := range images {
		if v := img.claims.Vendor; v != "" && d.device.Vendor != "" && firmware.VendorKey(v) != firmware.VendorKey(d.device.Vendor) {
			continue
		}
		ok, reason := img.fits(d.device, running)
		m.Candidates = append(m.Candidates, candidateJSON{img.name, ok, reason})
		if ok {
			fit = append(fit, img.name)
			if img.names(d.device.Model) {
				named = append(named, img.name)
			}
		}
	}
	// Files whose countersignature names the model go before those that are
	// only believed to fit.
	if len(named) > 0 {
		fit = named
	}
	switch len(fit) {
	case 0:
		m.Reason = "no file is known to be for it"
		if len(m.Candidates) == 0 {
			m.Reason = "no file is of its maker"
		}
	case 1:
		m.File = &fit[0]
		i := slices.IndexFunc(m.Candidates, func(c candidateJSON) bool { return c.File == fit[0] })
		m.Reason = m.Candidates[i].Reason
	default:
		m.Reason = fmt.Sprintf("%d files would do: %s", len(fit), strings.Join(fit, ", "))
	}
	return m
}

// deviceLabels takes what an inventory says of a device out of its columns.
func deviceLabels(t *target) *deviceFlags {
	label := func(names ...string) string {
		for _, n := range names {
			for k, v := range t.Labels {
				if strings.EqualFold(k, n) && strings.TrimSpace(v) != "" {
					return strings.TrimSpace(v)
				}
			}
		}
		return ""
	}
	d := &deviceFlags{running: label("version", "firmware"), build: label("build")}
	d.device = firmware.Device{
		Vendor: label("vendor"), Model: label("model"), Platform: label("platform"),
		Language: label("language"), DeviceClass: label("class", "deviceClass"), Hardware: label("hardware"),
	}
	if strings.Contains(strings.ToLower(d.running), "build") {
		d.build = ""
	}
	return d
}

// names tells whether the owner signed the image for the model by name.
func (m *matchImage) names(model string) bool {
	return m.statement != nil && m.statement.Model != "" && model != "" && firmware.MatchModel(m.statement.Model, model)
}

// fits tells whether an image is for a device, and why, or why not.
func (m *matchImage) fits(d firmware.Device, running *firmware.Version) (bool, string) {
	c := m.claims
	named := m.names(d.Model)
	switch {
	case m.broken != "":
		return false, m.broken
	case d.Vendor == "" || d.Model == "":
		return false, "maker or model of the device is not known"
	case c.Vendor == "":
		return false, "the file does not tell its maker"
	case m.statement != nil && m.statement.Model != "" && !named:
		return false, "the countersignature is for " + m.statement.Model
	}
	if ok, reason := m.fitsHardware(d, named); !ok {
		return false, reason
	}
	if running == nil || !running.Known() {
		return false, "the version that the device runs is not known"
	}
	return m.fresher(d, *running, named)
}

// fitsHardware looks at platform, language, class and revision.
func (m *matchImage) fitsHardware(d firmware.Device, named bool) (bool, string) {
	c := m.claims
	listed := slices.ContainsFunc(c.Models, func(s string) bool { return firmware.MatchModel(s, d.Model) })
	switch {
	case !named && len(c.Models) > 0 && !listed:
		return false, "the file is for " + strings.Join(c.Models, ", ")
	case c.Platform != "" && d.Platform != "" && !strings.EqualFold(c.Platform, d.Platform):
		return false, fmt.Sprintf("the file is for platform %s, the device is %s", c.Platform, d.Platform)
	case !named && !listed && (c.Platform == "" || d.Platform == ""):
		return false, "the platform of file or device is not known, and no countersignature names the model"
	case c.Language != "" && d.Language != "" && !firmware.SameLanguage(c.Language, d.Language):
		return false, fmt.Sprintf("the file is of language %s, the device %s", c.Language, d.Language)
	case !named && c.Language != "" && d.Language == "":
		return false, fmt.Sprintf("the file is of language %s, that of the device is not known, and no countersignature names the model", c.Language)
	case c.DeviceClass != "" && d.DeviceClass != "" && !strings.EqualFold(c.DeviceClass, d.DeviceClass):
		return false, fmt.Sprintf("the file is for device class %s, the device is %s", c.DeviceClass, d.DeviceClass)
	case len(c.Hardware) > 0 && d.Hardware != "" && !slices.ContainsFunc(c.Hardware, func(s string) bool { return strings.EqualFold(s, d.Hardware) }):
		return false, fmt.Sprintf("the file is for hardware %s, the device is %s", strings.Join(c.Hardware, ", "), d.Hardware)
	}
	return true, ""
}

// fresher tells whether the image is newer than what runs.
func (m *matchImage) fresher(d firmware.Device, running firmware.Version, named bool) (bool, string) {
	if m.claims.Version == "" {
		return false, "the file does not tell its version"
	}
	image := deviceFlags{device: d, running: m.claims.Version, build: m.claims.Build}
	if m.claims.Platform != "" {
		image.device.Platform = m.claims.Platform
	}
	own := image.version()
	if running.Platform == "" {
		running.Platform = own.Platform // held to agree, or vouched for, above
	}
	order, why := firmware.Compare(*own, running)
	switch order {
	case firmware.Newer:
	case firmware.Same:
		return false, "the device runs this version"
	case firmware.Older:
		return false, fmt.Sprintf("the file is older than what runs: %s", why)
	default:
		return false, fmt.Sprintf("whether the file is newer cannot be told: %s", why)
	}
	if m.statement != nil {
		if ok, reason := m.statement.Allows(running); !ok {
			return false, reason
		}
	}
	by := "its platform, language and version fit"
	if named {
		by = fmt.Sprintf("the countersignature by %s names %s", m.report.Authenticity.By, m.statement.Model)
	}
	return true, fmt.Sprintf("%s, and it is newer: %s", by, why)
}
