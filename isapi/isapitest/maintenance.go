package isapitest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"time"
)

const (
	configPath  = "/ISAPI/System/configurationData"
	requestPath = "/ISAPI/Security/serverCertificate/certSignReq"
	csrPath     = "/ISAPI/Security/serverCertificate/downloadCertSignReq"
	selfPath    = "/ISAPI/Security/serverCertificate/selfSignCert"
	certPath    = "/ISAPI/Security/serverCertificate/certificate"
	selectPath  = "/ISAPI/Security/certificate/select/"
)

var (
	answerFileKey  = answer{403, 4, "Invalid Operation", "importCfgFilePasswordErr", 0x40008034}
	answerNoMatch  = answer{403, 3, "Device Error", "certificateNotmatch", 0x30006002}
	answerBadCert  = answer{400, 6, "Invalid XML Content", "certificateFormatIllegal", 0x60002029}
	answerNoSecret = answer{400, 6, "Invalid XML Content", "badParameters", 0x60000001}
)

// A configuration file of a simulated device: a mark, a hash of the key, and
// the documents, hidden by it. Real ones are another matter.
var configMark = []byte("\x00simulated configuration\n")

func (d *Device) exportConfiguration(key string) (string, answer) {
	if key == "" {
		return "", answerNoSecret
	}
	body, err := json.Marshal(d.docs)
	if err != nil {
		return "", answerDeviceError
	}
	sum := sha256.Sum256([]byte(key))
	return string(append(append(bytes.Clone(configMark), sum[:]...), hide(body, sum)...)), answerOK
}

func (d *Device) planImport(key, file string) (func(), answer) {
	rest, ok := bytes.CutPrefix([]byte(file), configMark)
	sum := sha256.Sum256([]byte(key))
	if !ok || len(rest) < len(sum) {
		return nil, answerContent
	}
	if !bytes.Equal(rest[:len(sum)], sum[:]) {
		return nil, answerFileKey
	}
	var docs map[string]string
	if json.Unmarshal(hide(rest[len(sum):], sum), &docs) != nil {
		return nil, answerContent
	}
	return func() {
		d.docs = docs
		d.restart()
	}, answerOK
}

func hide(b []byte, sum [sha256.Size]byte) []byte {
	out := make([]byte, len(b))
	for i := range b {
		out[i] = b[i] ^ sum[i%len(sum)] ^ byte(i/len(sum))
	}
	return out
}

// planCertificate is the certificate service: documented, and no body of it was
// ever seen, so whatever comes is taken.
func (d *Device) planCertificate(path, sent string) (func(), answer) {
	switch path {
	case requestPath:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, answerDeviceError
		}
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: d.profile.Serial}}, key)
		if err != nil {
			return nil, answerDeviceError
		}
		return func() {
			d.pending = key
			d.docs["GET "+csrPath] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr}))
		}, answerOK
	case selfPath:
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, answerDeviceError
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: d.profile.Serial},
			NotBefore: d.host.Now().Add(-time.Hour), NotAfter: d.host.Now().Add(365 * 24 * time.Hour),
		}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			return nil, answerDeviceError
		}
		return func() { d.served = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key} }, answerOK
	}
	der := []byte(sent)
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	leaf, err := x509.ParseCertificate(der)
	switch {
	case err != nil:
		return nil, answerBadCert
	case d.pending == nil || !d.pending.PublicKey.Equal(leaf.PublicKey):
		return nil, answerNoMatch
	}
	key := d.pending
	return func() { d.served = &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key} }, answerOK
}

// tlsConfig serves the certificate that the device was given, once it was.
func (d *Device) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if d.served == nil {
				return nil, nil //nolint:nilnil // the way to say: the usual one
			}
			return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{*d.served}}, nil
		},
	}
}

func isCertificate(r *http.Request) bool {
	return r.Method == http.MethodPut && (r.URL.Path == requestPath || r.URL.Path == selfPath || r.URL.Path == certPath)
}
