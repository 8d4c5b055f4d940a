package isapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
)

// A document counts as soon as it tells of one of its switches; what it does
// not tell is unknown. One that tells of none is malformed.

func TestSNMPVersions(t *testing.T) {
	const on, off, unknown = camsec.StateOn, camsec.StateOff, camsec.StateUnknown
	port := 161
	for body, want := range map[string]isapi.SNMP{
		"<SNMPv1c><enabled>true</enabled></SNMPv1c>":                                     {V1: on},
		"<SNMPv2c><enabled>false</enabled></SNMPv2c>":                                    {V2c: off},
		"<SNMPAdvanced><enabled>true</enabled></SNMPAdvanced>":                           {V3: on},
		"<SNMPv2c><enabled>true</enabled></SNMPv2c><listenPort>161</listenPort>":         {V2c: on, Port: &port},
		"<SNMPv1c><enabled>0</enabled></SNMPv1c><SNMPv2c><enabled>?</enabled></SNMPv2c>": {V1: off, V2c: unknown},
	} {
		got, err := client(t, &fake{other: answer{body: "<SNMP>" + body + "</SNMP>"}}).SNMP(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	for _, body := range []string{"", "<listenPort>161</listenPort>", "<SNMPv2c/>", "<SNMPv2c><enabled/></SNMPv2c>"} {
		_, err := client(t, &fake{other: answer{body: "<SNMP>" + body + "</SNMP>"}}).SNMP(t.Context())
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}

func TestIntegrateInterfaces(t *testing.T) {
	for body, want := range map[string]isapi.Integrate{
		"<CGI><enable>true</enable></CGI>":                                                        {CGI: camsec.StateOn},
		"<ONVIF><enable>false</enable></ONVIF>":                                                   {ONVIF: camsec.StateOff},
		"<ISAPI><enable>true</enable></ISAPI>":                                                    {ISAPI: camsec.StateOn},
		"<ONVIF><enable>true</enable><certificateType>Digest/WSSE</certificateType></ONVIF>":      {ONVIF: camsec.StateOn, ONVIFAuth: []string{"digest", "wsse"}},
		"<CGI><enable>true</enable><certificateType>digest/basic</certificateType></CGI><ONVIF/>": {CGI: camsec.StateOn, CGIAuth: []string{"digest", "basic"}},
	} {
		got, err := client(t, &fake{other: answer{body: "<Integrate>" + body + "</Integrate>"}}).Integrate(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, want.CGI, got.CGI, body)
		require.Equal(t, want.ONVIF, got.ONVIF, body)
		require.Equal(t, want.ISAPI, got.ISAPI, body)
		require.ElementsMatch(t, want.CGIAuth, got.CGIAuth, body)
		require.ElementsMatch(t, want.ONVIFAuth, got.ONVIFAuth, body)
	}
	for _, body := range []string{"", "<CGI/>", "<ONVIF><certificateType>digest</certificateType></ONVIF>"} {
		_, err := client(t, &fake{other: answer{body: "<Integrate>" + body + "</Integrate>"}}).Integrate(t.Context())
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}

func TestDiscoveryModes(t *testing.T) {
	const on, off = camsec.StateOn, camsec.StateOff
	for body, want := range map[string]isapi.DiscoveryMode{
		"<SADP>discoverable</SADP>":                               {SADP: on},
		"<SADP>nonDiscoverable</SADP>":                            {SADP: off},
		"<PcapMode>enable</PcapMode>":                             {Pcap: on},
		"<PcapMode>disable</PcapMode><SADP>true</SADP>":           {SADP: on, Pcap: off},
		"<PcapMode>discoverable</PcapMode><SADP>something</SADP>": {Pcap: on},
	} {
		got, err := client(t, &fake{other: answer{body: "<DiscoveryMode>" + body + "</DiscoveryMode>"}}).DiscoveryMode(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	for _, body := range []string{"", "<SADP/>", "<SADP>something</SADP>"} {
		_, err := client(t, &fake{other: answer{body: "<DiscoveryMode>" + body + "</DiscoveryMode>"}}).DiscoveryMode(t.Context())
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
	}
}

func TestMailAccounts(t *testing.T) {
	const smtp, end = "<mailing><id>1</id><sender><smtp>", "</smtp></sender></mailing>"
	for body, want := range map[string][]isapi.Mail{
		smtp + "<hostName>mail.example</hostName>" + end:                                                                   {{ID: "1", Server: "mail.example"}},
		smtp + "<hostName>mail.example</hostName><enableSSL>false</enableSSL>" + end:                                       {{ID: "1", Server: "mail.example", Encrypted: camsec.StateOff}},
		smtp + "<ipAddress>192.0.2.1</ipAddress><enableSSL>false</enableSSL><startTLS>true</startTLS>" + end:               {{ID: "1", Server: "192.0.2.1", Encrypted: camsec.StateOn}},
		smtp + "<hostName>mail.example</hostName><enableTLS>perhaps</enableTLS><enableSSL>false</enableSSL>" + end:         {{ID: "1", Server: "mail.example"}},
		smtp + "<hostName/><ipAddress>0.0.0.0</ipAddress>" + end:                                                           nil,
		"<mailingList>" + smtp + end + smtp + "<hostName>b</hostName><enableTLS>true</enableTLS>" + end + "</mailingList>": {{ID: "1", Server: "b", Encrypted: camsec.StateOn}},
	} {
		got, err := client(t, &fake{other: answer{body: body}}).Mailing(t.Context())
		require.NoError(t, err, body)
		require.Equal(t, want, got, body)
	}
	_, err := client(t, &fake{other: answer{body: "<mailing><sender/></mailing>"}}).Mailing(t.Context())
	require.ErrorIs(t, err, camsec.ErrMalformed)
}
