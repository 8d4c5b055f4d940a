package onvif_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
)

// canned answers every request with the same bytes.
type canned struct {
	status int
	kind   string
	body   []byte
	header http.Header
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		_ = r.Body.Close()
	}
	h := http.Header{"Content-Type": {c.kind}}
	for k, v := range c.header {
		h[k] = v
	}
	status := c.status
	if status == 0 {
		status = 200
	}
	return &http.Response{
		StatusCode: status, Header: h, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Body: io.NopCloser(bytes.NewReader(c.body)), ContentLength: int64(len(c.body)),
	}, nil
}

// answering makes a client without credentials of a device that answers so.
func answering(t *testing.T, c canned) *onvif.Client {
	t.Helper()
	if c.kind == "" {
		c.kind = "application/soap+xml; charset=utf-8"
	}
	cl, err := onvif.New("http://192.0.2.1", nil, &onvif.Options{Base: c})
	require.NoError(t, err)
	return cl
}

// mangled are recordings that are no XML, for reasons of those who wrote them
// down: a page of text with line breaks inside of names, and typographic quotes.
var mangled = map[string]bool{
	"unknown_GetCapabilities-only/GetCapabilities.xml": true,
}

// Every recorded answer is read, or is the fault that it is.
func TestRecordedAnswers(t *testing.T) {
	root := recordings(t, "onvif/dumps")
	read, faults := 0, 0
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".xml" {
			return err
		}
		rel, err := filepath.Rel(root, path)
		require.NoError(t, err)
		body, err := os.ReadFile(path)
		require.NoError(t, err)
		name := filepath.Base(path)
		if mangled[rel] {
			require.ErrorIs(t, onvif.ReadAnswer("GetCapabilities", 200, "", body), camsec.ErrMalformed, rel)
			return nil
		}
		isFault := strings.Contains(name, ".error.") || strings.HasPrefix(name, "Invalid") || name == "Error.xml"
		action := strings.TrimSuffix(onvif.BodyElement(body), "Response")
		if name == "Probe.xml" {
			assert.Equal(t, "ProbeMatches", action, rel)
			read++
			return nil
		}
		for _, status := range []int{200, 400, 500, 501} {
			err = onvif.ReadAnswer(action, status, "text/html", body)
			f, ok := errors.AsType[*onvif.Fault](err)
			switch {
			case isFault:
				if assert.True(t, ok, "%s at %d: %v", rel, status, err) {
					assert.NotEmpty(t, f.Code, rel)
					assert.Equal(t, status, f.HTTPStatus)
				}
			case rel == "unknown_IPD-H4K8M05-BS/DeleteUsers.xml": // the request, sent back
				assert.Error(t, err)
				assert.True(t, ok || errors.Is(err, camsec.ErrMalformed), rel)
			case status == 200:
				assert.NoError(t, err, rel)
			default:
				assert.True(t, ok, "an answer with HTTP %d is none: %s", status, rel)
			}
		}
		if isFault {
			faults++
		} else {
			read++
		}
		// One that is read by a method of ours decodes.
		for _, o := range onvif.Operations() {
			if o.Action != action || o.Writes || isFault || o.Service != onvif.DeviceService {
				continue
			}
			err := calls[o.Name](t.Context(), answering(t, canned{kind: "application/xml", body: body}))
			switch rel {
			case "sunba_Performance-Series/GetSystemLog.xml", "sunba_Performance-Series/GetSystemSupportInformation.xml", // attachments were cut off
				"unknown_IPD-H4K8M05-BS/GetSystemSupportInformation.xml", "unknown_IPD-H4K8M05-BS/GetEndpointReference.xml": // empty answers
				assert.ErrorIs(t, err, camsec.ErrMalformed, rel)
			case "ex_onvif_fixtures/GetEventServiceCapabilities.xml": // of another service
			default:
				assert.NoError(t, err, rel)
			}
		}
		return nil
	}))
	t.Logf("%d answers read, %d faults", read, faults)
	assert.Equal(t, 278, read+faults+len(mangled))
}

// What recorded devices say, as we read it.
func TestRecordedDevices(t *testing.T) {
	root := recordings(t, "onvif/dumps")
	for _, tt := range []struct {
		folder, vendor, model, firmware, version string
		users, protocols                         string
	}{
		{"axis_Q6045-E", "AXIS", "AXIS Q6045-E", "5.55.1.2", "5.55.1.2", "admin Administrator, root Administrator", "HTTP on [80 0], HTTPS off [443], RTSP on [554]"},
		{"bosch_FLEXIDOME-indoor-5100i-IR", "Bosch", "FLEXIDOME indoor 5100i IR", "8.71.0066", "8.71.0066", "", ""},
		{"dahua_DH-2H3400-ADP", "Dahua", "DH-2H3400-ADP", "2.811.0000013.0.R, Build Date 2023-12-20", "2.811.0000013.0.R", "", ""},
		{"dlink_DCS-6511", "D-Link Corporation", "DCS-6511", "1.16.00", "1.16.00", "admin Administrator", "HTTP on [80], RTSP on [554], HTTPS off [443]"},
		{"ex_onvif_fixtures", "Milesight Technology Co.,Ltd.", "MS-C8165-PE", "61.8.0.3-r8", "61.8.0.3", "", "HTTP on [80 0], HTTPS off [443], RTSP on [554]"},
		{"happytimesoft_IPCamera-software", "Happytimesoft", "IPCamera", "2.4", "2.4", "admin Administrator, user User", "HTTP on [10000], HTTPS off [1443], RTSP on [554]"},
		{"hikvision_DS-2CD2012-I", "HIKVISION", "DS-2CD2012-I", "V5.2.0 build 140721", "V5.2.0", "admin Administrator", "HTTP on [80], RTSP on [554]"},
		{"hikvision_DS-2DF7276-AEL", "HIKVISION", "DS-2DF7276-AEL", "V5.1.6 build 140401", "V5.1.6", "admin Administrator", "HTTP on [80], RTSP on [554]"},
		{"onvif-ipnc_ENP1A14-IR_25X", "ONVIF", "ENP1A14-IR/25X", "V5.5.3 build 180822", "V5.5.3", "admin Administrator, ssci Administrator", "HTTP on [80], HTTPS off [443], RTSP on [554]"},
		{"pelco_IMP3211-1ES", "pelco", "IMP321-1ES", "01.16.42-20180912", "01.16.42", "", "HTTP on [80], HTTPS off [443], RTSP on [554]"},
		{"sunba_Performance-Series", "SUNBA", "Performance-Series", "QIPC-B2202.3.73.C06290.NB.230628", "2202.3.73", "admin Administrator", "HTTP on [80], HTTPS off [443], RTSP on [554]"},
		{"unknown_IPD-H4K8M05-BS", "", "", "", "", "admin Administrator", "HTTP on [80], RTSP on [554]"},
		{"unknown_IPG-8150PSS", "ONVIF_IPNC", "IPG-8150PSS", "1.3.0-20210203CN-PT", "1.3.0", "admin Administrator", "HTTP on [80], RTSP on [554]"},
		{"agsh-mockup_mixed", "", "", "", "", "admin Administrator, operator Operator", ""},
		{"hammeraj_fixtures", "", "", "", "", "", "HTTP on [80 0], HTTPS off [443], RTSP on [554]"},
	} {
		t.Run(tt.folder, func(t *testing.T) {
			from := func(action string) *onvif.Client {
				body, err := os.ReadFile(filepath.Join(root, tt.folder, action+".xml"))
				if err != nil {
					return nil
				}
				return answering(t, canned{body: body})
			}
			if c := from("GetDeviceInformation"); c != nil {
				info, err := c.DeviceInformation(t.Context())
				require.NoError(t, err)
				t.Logf("%+v", info)
				if tt.model != "" {
					assert.Equal(t, tt.vendor, info.Manufacturer)
					assert.Equal(t, tt.model, info.Model)
					assert.Equal(t, tt.firmware, info.Firmware)
					f := onvif.ParseFirmware(info.Manufacturer, info.Firmware)
					assert.Equal(t, tt.firmware, f.Raw)
					assert.Equal(t, tt.version, f.Version)
				}
			}
			if c := from("GetUsers"); c != nil {
				users, err := c.Users(t.Context())
				require.NoError(t, err)
				var said []string
				for _, u := range users {
					said = append(said, u.Name+" "+u.Level)
				}
				assert.Equal(t, tt.users, strings.Join(said, ", "))
			} else {
				assert.Empty(t, tt.users)
			}
			if c := from("GetNetworkProtocols"); c != nil {
				list, err := c.NetworkProtocols(t.Context())
				require.NoError(t, err)
				assert.Equal(t, tt.protocols, protocolsText(list))
			} else {
				assert.Empty(t, tt.protocols)
			}
		})
	}
}
