package isapitest

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"time"
)

// What audits read beside services: ways around the password, the log, the
// storage, updates by itself, certificates and what a router made of the ports
// it was asked for. Bodies are the vendor's guide's, but for the storage, which
// is modelled on recordings.

const (
	questionsPath    = "/ISAPI/Security/questionConfiguration"
	mailPath         = "/ISAPI/Security/email/parameter"
	twoPersonsPath   = "/ISAPI/Security/doubleVerification"
	linksPath        = "/ISAPI/Security/loginLinkNum"
	logConfigPath    = "/ISAPI/ContentMgmt/logConfig"
	storagePath      = "/ISAPI/ContentMgmt/Storage"
	selfUpdatePath   = "/ISAPI/System/onlineUpgrade/deviceParameter"
	portsPath        = network + "UPnP/ports"
	portStatusPath   = network + "UPnP/ports/status"
	certificatesPath = "/ISAPI/Security/serverCertificate/certificates"
)

// readingDocument writes the document of a switch that Device.SetService has.
func (p *Profile) readingDocument(name string) string {
	on := p.Services[name]
	switch name {
	case "security-questions":
		var questions []string
		for id := range 3 {
			questions = append(questions, in("Question", el("id", id+1), el("mark", on)))
		}
		return p.doc("SecurityQuestion", in("QuestionList", questions...))
	case "recovery-mail":
		address := ""
		if on {
			address = "o***r@example.org" // as devices mask it
		}
		return fmt.Sprintf(`{"SecurityEmail":{"SecurityInformation":[{"emailAddress":%q}]}}`, address)
	case "double-verification":
		return fmt.Sprintf(`{"DoubleVerification":{"enable":%t}}`, on)
	case "log":
		return p.doc("LogConfig", el("enabled", on), el("level", "error,fault,info"))
	case "storage-encryption":
		status := "unencrypted"
		if on {
			status = "encrypted"
		}
		return p.doc("storage", in("hddList", in("hdd", el("id", 1), el("hddName", "hdde"), el("hddType", "SATA"),
			el("status", "ok"), el("capacity", 121942), el("freeSpace", 0), el("property", "RW"), el("formatType", "EXT4"),
			in("Encryption", opt("encryptionStatus", "unencrypted,encrypted,verfyFailed", status)))),
			in("nasList"), el("workMode", "quota"))
	case "auto-download", "auto-upgrade": // two switches of one document
		return fmt.Sprintf(`{"OnlineUpgradeParameter":{"autoDownloadPackage":%t,"timingUpgrade":%t,"upgradeTime":"03:00:00"}}`,
			p.Services["auto-download"], p.Services["auto-upgrade"])
	}
	return ""
}

// portStatus tells what a router makes of the ports that it is asked for: it
// opens them all.
func (d *Device) portStatus() (string, bool) {
	asked := parse(d.docs["GET "+portsPath])
	if asked == nil {
		return "", false
	}
	on := word(asked, "enabled") == "true"
	var ports []string
	for _, p := range asked.FindElements("./portList/port") {
		state := "inactive"
		if on && word(p, "enabled") == "true" {
			state = "active"
		}
		ports = append(ports, in("portStatus", el("id", word(p, "id")), el("enabled", word(p, "enabled")),
			el("internalPort", word(p, "internalPort")), el("externalPort", word(p, "externalPort")), el("status", state)))
	}
	address := func(name, ip string) string { return in(name, el("ipVersion", "v4"), el("ipAddress", ip)) }
	return d.profile.doc("portsStatus", el("enabled", on), address("natRouterLanAddr", "192.0.2.1"),
		address("natRouterWanAddr", "203.0.113.5"), in("portStatusList", ports...)), true
}

// certificateList describes the certificate that the device shows.
func (d *Device) certificateList() (string, bool) {
	leaf, id := (*x509.Certificate)(nil), "factory"
	if d.served != nil {
		id = "owner"
		leaf, _ = x509.ParseCertificate(d.served.Certificate[0])
	} else {
		leaf, _ = d.host.Certificate()
	}
	if leaf == nil {
		return "", false
	}
	now, status := d.host.Now(), "normal"
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		status = "expired"
	}
	type entry struct {
		Issuer  string `json:"issuerDN"`
		Subject string `json:"subjectDN"`
		Start   string `json:"startDate"`
		End     string `json:"endDate"`
		Type    string `json:"type"`
		Status  string `json:"status"`
		ID      string `json:"customID"`
	}
	b, err := json.Marshal(map[string]any{"ServerCertificates": map[string]any{"CertificateInfo": []entry{{
		leaf.Issuer.String(), leaf.Subject.String(), leaf.NotBefore.Format(time.DateOnly), leaf.NotAfter.Format(time.DateOnly),
		"HTTPS,WebSocketS", status, id,
	}}}})
	return string(b), err == nil
}

// functions are what a certificate can be chosen for.
var functions = []string{"HTTPS", "WebSocketS", "SDK_OVER_TLS", "SRTP", "securityLog", "ieee802.1x"}

// selections are which certificate each function uses.
func selections(set func(path, body string)) {
	for _, function := range functions {
		set(selectPath+function, `{"CertificateSelect":{"clientCertificate":"","serverCertificate":"factory","CACertificate":""}}`)
	}
}
