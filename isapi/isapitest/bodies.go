package isapitest

import "strings"

// Evidence says what the shape of a simulated document rests on.
type Evidence string

// Kinds of evidence.
const (
	Recorded   Evidence = "recorded"   // an answer of a real device
	Documented Evidence = "documented" // documentation, or what others' clients read and send
)

// A Body is a document of the simulated devices with what its shape rests on.
// The answers to writes rest on documentation, but for those of SSH, EHome and
// the HTTP hosts.
type Body struct {
	Path     string // members of a list are as their list; {id} is any number
	Evidence Evidence
	After    string // the devices whose answer it follows, or where it is told
}

// Bodies returns every document that the profiles serve.
func Bodies() []Body {
	const (
		many  = "cameras V5.2 to V5.8 and recorders of several series"
		guide = "the maker's guide"
		peers = "others' clients"
	)
	all := []Body{
		{activatePath, Recorded, "a recorder NXI V5.05"},
		{infoPath, Recorded, many},
		{"/ISAPI/System/capabilities", Recorded, many},
		{"/ISAPI/Security/capabilities", Recorded, "DS-K1A340FWX, DS-2SC3Q140MY-TE"},
		{"/ISAPI/Security/adminAccesses", Recorded, many},
		{usersPath, Recorded, "DS-K1A340FWX, an OEM's camera"},
		{checkPath, Recorded, "DS-K1A340FWX, DS-C66S"},
		{onlinePath, Recorded, "DS-K1A340FWX"},
		{lockPath, Recorded, "DS-K1A340FWX"},
		{timePath, Recorded, "DS-7608NI-K2, DS-KV9503"},
		{"/ISAPI/System/time/ntpServers", Recorded, "recorders I and M"},
		{triggersPath, Recorded, many},
		{"/ISAPI/Event/notification/httpHosts", Recorded, "DS-K1A340FWX, DS-7608NI-I2, iDS-7204HUHI-M1"},
		{mailingPath, Recorded, "recorders I and M"},
		{network + "interfaces", Recorded, "DS-K1A340FWX, DS-7716NI-I4, DS-KV9503"},
		{network + "interfaces/2/wireless", Recorded, "DS-K1A340FWX"},
		{network + "interfaces/1/ieee802.1x", Documented, "the maker's web pages of old firmware"},
		{"/ISAPI/Streaming/channels", Recorded, many},
		{channelsPath, Recorded, "recorders K, Q, I, M and a DVR"},
		{channelsPath + "/status", Recorded, "DS-7708N-I4"},
		{channelsPath + "/{id}/status", Recorded, "DS-7708N-I4"},
		{network + "ssh", Recorded, "DS-K1A340FWX"},
		{network + "EZVIZ", Recorded, "DS-K1A340FWX, a HiLook DVR"},
		{network + "Ehome", Recorded, "DS-K1A340FWX"},
		{network + "SIP", Recorded, "DS-KV9503"},
		{network + "ipFilter", Recorded, "DS-7716NI-I4, DS-9632NI-M8"},
		{"/ISAPI/System/discoveryMode", Documented, guide},
		{network + "telnetd", Documented, peers},
		{network + "UPnP", Documented, peers},
		{network + "UPnP/ports", Documented, peers},
		{network + "SNMP", Documented, "a client's copy of a device's document"},
		{network + "DDNS", Documented, peers},
		{network + "ftp", Documented, peers},
		{network + "Integrate", Documented, "an emulator modelled on DS-2CD2543G2-IS"},
		{network + "SIP/1/SIPInfo", Documented, guide},
		{"/ISAPI/System/logServer", Documented, "a client for DS-7616NXI-K2"},
		{certificatePath, Documented, "the maker's web pages"},
		{"/ISAPI/Security/RTSPCertificate", Documented, "a client for DS-7632NXI-K2"},
		{rightsPath, Documented, peers},
		{"/ISAPI/Security/UserPermission/anonymouslogin", Documented, guide},
		{onvifPath, Documented, peers},
		{"/ISAPI/Security/advanced", Documented, guide},
		{linksPath, Documented, guide},
		{questionsPath, Documented, guide},
		{mailPath, Documented, guide},
		{twoPersonsPath, Documented, guide},
		{logConfigPath, Documented, guide},
		{storagePath, Recorded, "cameras V5.7"},
		{selfUpdatePath, Documented, guide},
		{portStatusPath, Documented, guide},
		{certificatesPath, Documented, guide},
		{upgradePath, Documented, guide},
	}
	for _, function := range functions {
		all = append(all, Body{selectPath + function, Documented, guide})
	}
	return all
}

// EvidenceOf returns what the document at a path rests on; empty for one that
// no profile serves.
func EvidenceOf(path string) Evidence {
	path, _, _ = strings.Cut(path, "?")
	list := path
	if i := strings.LastIndexByte(path, '/'); i >= 0 {
		list = path[:i]
	}
	for _, b := range Bodies() {
		head, tail, any := strings.Cut(b.Path, "{id}")
		switch {
		case b.Path == path:
			return b.Evidence
		case any && strings.HasPrefix(path, head) && strings.HasSuffix(path, tail) && !strings.Contains(path[len(head):max(len(head), len(path)-len(tail))], "/"):
			return b.Evidence
		}
	}
	if list == usersPath || lists[list] != "" {
		return EvidenceOf(list)
	}
	return ""
}
