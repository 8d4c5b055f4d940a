package onviftest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/beevik/etree"
)

// withFile writes an answer with an attachment.
func (d *Device) withFile(body string, file string) string {
	return "--sim\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <root>\r\n\r\n" +
		d.envelope(body) + "\r\n--sim\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nContent-ID: <http://tempuri.org/0/log.tgz>\r\n\r\n" +
		file + "\r\n--sim--\r\n"
}

const include = `<xop:Include href="cid:http%3A%2F%2Ftempuri.org%2F0%2Flog.tgz"/>`

func (d *Device) systemLog(q *request) (string, error) {
	kind := text(q.el, "LogType")
	if kind != "System" && kind != "Access" {
		return "", sender("No such log", "ter:InvalidArgs", "ter:SystemlogUnavailable")
	}
	if d.p.Style == StyleGSOAP {
		return d.withFile(in("tds:GetSystemLogResponse", in("tds:SystemLog", in("tt:Binary", include))), kind+" log"), nil
	}
	return in("tds:GetSystemLogResponse", in("tds:SystemLog", el("tt:String", kind+" log"))), nil
}

func (d *Device) support(*request) (string, error) {
	return in("tds:GetSystemSupportInformationResponse", in("tds:SupportInformation", el("tt:String", "nothing to report"))), nil
}

func (d *Device) uris(q *request) (string, error) {
	base := "http://" + q.host
	return in("tds:GetSystemUrisResponse", in("tds:SystemLogUris", in("tt:SystemLog", el("tt:Type", "System"), el("tt:Uri", base+"/onvif/log"))),
		el("tds:SupportInfoUri", ""), el("tds:SystemBackupUri", base+"/onvif/backup")), nil
}

func (d *Device) backup(*request) (string, error) {
	return d.withFile(in("tds:GetSystemBackupResponse", in("tds:BackupFiles", el("tt:Name", "config.bin"), in("tt:Data", include))), "a backup"), nil
}

func (d *Device) restore(q *request) (string, error) {
	if len(q.file) == 0 {
		return "", sender("No file", "ter:InvalidArgVal", "ter:InvalidBackupFile")
	}
	d.restored++
	return done(q)
}

// Restored counts the backups that the device took.
func (d *Device) Restored() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.restored
}

func (d *Device) newUpload(q *request, what string) string {
	path := fmt.Sprintf("/onvif/upload/%s?n=%d", what, len(d.uploads)+1)
	d.uploads[path] = what
	host := q.host
	if d.p.Faults.ForeignXAddr {
		host = "198.51.100.7:8080"
	}
	return "http://" + host + path
}

func (d *Device) startUpgrade(q *request) (string, error) {
	return in("tds:StartFirmwareUpgradeResponse", el("tds:UploadUri", d.newUpload(q, "firmware")), el("tds:UploadDelay", "PT0.01S"), el("tds:ExpectedDownTime", "PT1M30S")), nil
}

func (d *Device) startRestore(q *request) (string, error) {
	return in("tds:StartSystemRestoreResponse", el("tds:UploadUri", d.newUpload(q, "restore")), el("tds:ExpectedDownTime", "PT30S")), nil
}

func (d *Device) upgradeInside(q *request) (string, error) {
	if q.el.FindElement("./Firmware/Include") == nil || !d.takeImage(q.file) {
		return "", sender("Bad image", "ter:InvalidArgs", "ter:InvalidFirmware")
	}
	return in("tds:UpgradeSystemFirmwareResponse", el("tds:Message", "upgrading")), nil
}

// A certificate is one of the legacy kind.
type certificate struct {
	id  string
	der []byte
	key *ecdsa.PrivateKey
	on  bool
}

func writeCertificate(name string, c certificate) string {
	return in(name, el("tt:CertificateID", c.id), in("tt:Certificate", el("tt:Data", base64.StdEncoding.EncodeToString(c.der))))
}

func (d *Device) getCertificates(*request) (string, error) {
	var list []string
	for _, c := range d.certs {
		list = append(list, writeCertificate("tds:NvtCertificate", c))
	}
	return in("tds:GetCertificatesResponse", list...), nil
}

func (d *Device) getCAs(*request) (string, error) {
	var list []string
	for _, c := range d.cas {
		list = append(list, writeCertificate("tds:CACertificate", c))
	}
	return in("tds:GetCACertificatesResponse", list...), nil
}

func (d *Device) certStatus(*request) (string, error) {
	var list []string
	for _, c := range d.certs {
		list = append(list, in("tds:CertificateStatus", el("tt:CertificateID", c.id), el("tt:Status", c.on)))
	}
	return in("tds:GetCertificatesStatusResponse", list...), nil
}

func (d *Device) certAt(id string) int {
	return slices.IndexFunc(d.certs, func(c certificate) bool { return c.id == id })
}

var errNoCertificate = sender("No such certificate", "ter:InvalidArgVal", "ter:CertificateID")

func (d *Device) setCertStatus(q *request) (string, error) {
	for _, e := range q.el.SelectElements("CertificateStatus") {
		i := d.certAt(text(e, "CertificateID"))
		if i < 0 {
			return "", errNoCertificate
		}
		d.certs[i].on = text(e, "Status") == "true"
	}
	return done(q)
}

func (d *Device) createCertificate(q *request) (string, error) {
	id := text(q.el, "CertificateID")
	if id == "" {
		id = fmt.Sprintf("cert%d", len(d.certs)+1)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := selfSigned(text(q.el, "Subject"), d.truth(), key)
	if err != nil {
		return "", err
	}
	c := certificate{id: id, der: der, key: key}
	d.certs = append(d.certs, c)
	return in("tds:CreateCertificateResponse", writeCertificate("tds:NvtCertificate", c)), nil
}

func (d *Device) deleteCertificates(q *request) (string, error) {
	for _, e := range q.el.SelectElements("CertificateID") {
		i := d.certAt(e.Text())
		if i < 0 {
			return "", errNoCertificate
		}
		d.certs = slices.Delete(d.certs, i, i+1)
	}
	return done(q)
}

func (d *Device) pkcs10(q *request) (string, error) {
	i := d.certAt(text(q.el, "CertificateID"))
	if i < 0 || d.certs[i].key == nil {
		return "", errNoCertificate
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: text(q.el, "Subject")}}, d.certs[i].key)
	if err != nil {
		return "", err
	}
	return in("tds:GetPkcs10RequestResponse", in("tds:Pkcs10Request", el("tt:Data", base64.StdEncoding.EncodeToString(der)))), nil
}

func readCertificate(e *etree.Element) (certificate, error) {
	der, err := base64.StdEncoding.DecodeString(text(e, "Certificate/Data"))
	if err != nil || len(der) == 0 {
		return certificate{}, sender("No certificate", "ter:InvalidArgVal", "ter:CertificateFormat")
	}
	return certificate{id: text(e, "CertificateID"), der: der}, nil
}

func (d *Device) loadCertificates(q *request) (string, error) {
	for _, e := range q.el.SelectElements("NVTCertificate") {
		c, err := readCertificate(e)
		if err != nil {
			return "", err
		}
		if i := d.certAt(c.id); i >= 0 {
			d.certs[i].der = c.der
		} else {
			d.certs = append(d.certs, c)
		}
	}
	return done(q)
}

func (d *Device) loadCAs(q *request) (string, error) {
	for _, e := range q.el.SelectElements("CACertificate") {
		c, err := readCertificate(e)
		if err != nil {
			return "", err
		}
		d.cas = append(d.cas, c)
	}
	return done(q)
}

func (d *Device) loadWithKey(q *request) (string, error) {
	e := q.el.SelectElement("CertificateWithPrivateKey")
	if e == nil || text(e, "PrivateKey/Data") == "" {
		return "", sender("No key", "ter:InvalidArgVal", "ter:KeysNotMatching")
	}
	c, err := readCertificate(e)
	if err != nil {
		return "", err
	}
	d.certs = append(d.certs, c)
	return done(q)
}

func (d *Device) certInfo(q *request) (string, error) {
	i := d.certAt(text(q.el, "CertificateID"))
	if i < 0 {
		return "", errNoCertificate
	}
	return in("tds:GetCertificateInformationResponse", in("tds:CertificateInformation", el("tt:CertificateID", d.certs[i].id), el("tt:IssuerDN", "CN=sim"), el("tt:SubjectDN", "CN=sim"), el("tt:KeyLength", 256))), nil
}
