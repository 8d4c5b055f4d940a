package onvif

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec"
)

// A Signer makes certificates of requests: the owner's authority. It returns
// the leaf and the authorities above it, in DER, each signed by the next; the
// last may be left out.
type Signer func(ctx context.Context, request *x509.CertificateRequest) ([][]byte, error)

// InstallOptions are what [Client.InstallCertificate] makes; nil means all
// defaults.
type InstallOptions struct {
	// Subject of the certificate; empty means the device's address as common
	// name.
	Subject pkix.Name
	// Names are the DNS names and IP addresses to be asked for; nil means the
	// address that was dialled.
	Names []string
	// Alias of all that is made; empty means "camsec" and the time.
	Alias string
	// RSABits asks for an RSA key of that length; zero means P-256 where the
	// device has it, else 3072 bits, else the longest below that.
	RSABits int
	// HTTPS is the address of the TLS server, for the proof; empty means the
	// host that was dialled, at the port that the device lists.
	HTTPS string
	// Dial replaces net.Dialer for the proof when not nil.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// An Installed is what [Client.InstallCertificate] has made.
type Installed struct {
	KeyID, PathID  string
	CertificateIDs []string // the leaf first
	Leaf           *x509.Certificate
	Replaced       string // the path that was used before; empty: none
}

// InstallCertificate gives the device a certificate of the owner's authority:
// the device makes a key, which never leaves it, and a request; the signer
// signs; certificates and path are uploaded; the TLS server is pointed at
// them; HTTPS is switched on; and a fresh handshake proves that the very
// certificate is served. What fails is rolled back as far as the device lets
// us, and the error says so.
//
// A client that reaches the device over HTTPS with a pin has to be given the
// new key's afterwards: see [Installed.Leaf].
func (c *Client) InstallCertificate(ctx context.Context, sign Signer, o *InstallOptions) (Installed, camsec.Change, error) {
	if o == nil {
		o = &InstallOptions{}
	}
	in := &installation{c: c, o: *o}
	if in.o.Alias == "" {
		in.o.Alias = "camsec " + c.now().UTC().Format("2006-01-02 15:04:05")
	}
	err := in.run(ctx, sign)
	if err == nil {
		return in.Installed, camsec.Change{Outcome: camsec.Applied, Proof: "fresh handshake"}, nil
	}
	after, stop := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer stop()
	if back := in.rollBack(after); back != nil {
		return in.Installed, camsec.Change{}, fmt.Errorf("onvif: install certificate: %w: %w, and rolling back: %w", camsec.ErrUncertain, err, back)
	}
	change, err := notApplied(fmt.Errorf("onvif: install certificate: %w", err))
	return Installed{}, change, err
}

// An installation keeps what it has made, to take it back.
type installation struct {
	Installed
	c        *Client
	o        InstallOptions
	had      []Key    // that the device kept before
	others   []string // keys that came with certificates of authorities
	assigned bool
	switched bool // HTTPS was off
}

func (in *installation) run(ctx context.Context, sign Signer) error {
	c := in.c
	before, err := c.NetworkProtocols(ctx)
	if err != nil {
		return err
	}
	https, ok := protocol(before, "HTTPS")
	if !ok {
		return fmt.Errorf("the device lists no HTTPS: %w", errors.ErrUnsupported)
	}
	if in.had, err = c.Keys(ctx); err != nil {
		return err
	}
	algorithm, err := in.key(ctx)
	if err != nil {
		return err
	}
	request, err := in.request(ctx, algorithm)
	if err != nil {
		return err
	}
	chain, err := sign(ctx, request)
	if err != nil {
		return fmt.Errorf("the signer: %w", err)
	}
	if in.Leaf, err = checkChain(chain, request); err != nil {
		return err
	}
	if err := in.upload(ctx, chain); err != nil {
		return err
	}
	if err := in.assign(ctx); err != nil {
		return err
	}
	if https.Enabled != camsec.StateOn {
		in.switched = true
		if _, err := c.SwitchProtocol(ctx, "HTTPS", true); err != nil {
			return err
		}
	}
	return in.prove(ctx, https)
}

// key has a key made and waits for it.
func (in *installation) key(ctx context.Context) (algorithm string, err error) {
	caps, err := in.c.SecurityCapabilities(ctx)
	if err != nil {
		return "", err
	}
	bits := in.o.RSABits
	if bits == 0 && (caps.ECCKeyPairs != camsec.StateOn || !slices.Contains(caps.EllipticCurves, "P-256")) {
		bits = 2048
		if slices.Contains(caps.RSAKeyLengths, 3072) {
			bits = 3072
		} else if len(caps.RSAKeyLengths) > 0 {
			bits = slices.Max(caps.RSAKeyLengths)
		}
		if bits < 2048 {
			return "", fmt.Errorf("the device makes no key of 2048 bits or more: %w", errors.ErrUnsupported)
		}
	}
	var takes time.Duration
	if bits > 0 {
		algorithm = SHA256WithRSA
		in.KeyID, takes, _, err = in.c.CreateRSAKeyPair(ctx, bits, in.o.Alias)
	} else {
		algorithm = ECDSAWithSHA256
		in.KeyID, takes, _, err = in.c.CreateECCKeyPair(ctx, "P-256", in.o.Alias)
	}
	if err != nil {
		return "", err
	}
	return algorithm, in.c.AwaitKey(ctx, in.KeyID, takes)
}

// request has a request made, and checks that it is signed by its key.
func (in *installation) request(ctx context.Context, algorithm string) (*x509.CertificateRequest, error) {
	subject := in.o.Subject
	if subject.String() == "" {
		subject.CommonName = in.c.base.Hostname()
	}
	names := in.o.Names
	if names == nil {
		names = []string{in.c.base.Hostname()}
	}
	san, err := subjectNames(names)
	if err != nil {
		return nil, err
	}
	der, err := in.c.CreateCSR(ctx, subject, in.KeyID, algorithm, Extension{OID: "2.5.29.17", Value: san})
	if f, ok := errors.AsType[*Fault](err); ok && f.meaning() == nil {
		// A device may know no attributes; the signer then puts the names in.
		der, err = in.c.CreateCSR(ctx, subject, in.KeyID, algorithm)
	}
	if err != nil {
		return nil, err
	}
	request, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("the device's request: %w: %w", camsec.ErrMalformed, err)
	}
	if err := request.CheckSignature(); err != nil {
		return nil, fmt.Errorf("the device's request is not signed by its key: %w: %w", camsec.ErrMalformed, err)
	}
	return request, nil
}

// subjectNames writes the extension of that name.
func subjectNames(names []string) ([]byte, error) {
	var raw []asn1.RawValue
	for _, n := range names {
		if ip := net.ParseIP(strings.Trim(n, "[]")); ip != nil {
			if v4 := ip.To4(); v4 != nil {
				ip = v4
			}
			raw = append(raw, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 7, Bytes: ip})
			continue
		}
		raw = append(raw, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 2, Bytes: []byte(n)})
	}
	return asn1.Marshal(raw)
}

// checkChain tells whether the signer answered the request: the leaf is for the
// device's key, and each certificate is signed by the next.
func checkChain(chain [][]byte, request *x509.CertificateRequest) (*x509.Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("the signer gave no certificate")
	}
	var all []*x509.Certificate
	for _, der := range chain {
		x, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("the signer's certificate: %w", err)
		}
		all = append(all, x)
	}
	if !bytes.Equal(all[0].RawSubjectPublicKeyInfo, request.RawSubjectPublicKeyInfo) {
		return nil, errors.New("the signer's certificate is not for the device's key")
	}
	for i := range all[:len(all)-1] {
		if err := all[i].CheckSignatureFrom(all[i+1]); err != nil {
			return nil, fmt.Errorf("the signer's certificate %d is not signed by the next: %w", i+1, err)
		}
	}
	return all[0], nil
}

// upload gives the device the certificates, authorities first, and makes the
// path.
func (in *installation) upload(ctx context.Context, chain [][]byte) error {
	for i, der := range slices.Backward(chain) {
		id, key, _, err := in.c.UploadCertificate(ctx, der, in.o.Alias, i == 0)
		if err != nil {
			return err
		}
		if key != "" && key != in.KeyID && !slices.ContainsFunc(in.had, func(k Key) bool { return k.ID == key }) {
			in.others = append(in.others, key)
		}
		in.CertificateIDs = slices.Insert(in.CertificateIDs, 0, id)
	}
	var err error
	in.PathID, _, err = in.c.CreateCertificationPath(ctx, in.o.Alias, in.CertificateIDs...)
	return err
}

// assign points the TLS server at the path.
func (in *installation) assign(ctx context.Context) error {
	used, err := in.c.ServerCertificates(ctx)
	if err != nil {
		return err
	}
	in.assigned = true
	if len(used) > 0 {
		in.Replaced = used[0]
		_, err = in.c.ReplaceServerCertificate(ctx, in.Replaced, in.PathID)
		return err
	}
	_, err = in.c.AddServerCertificate(ctx, in.PathID)
	return err
}

// prove shakes hands anew and looks at the certificate that is served. Servers
// take a moment to change over.
func (in *installation) prove(ctx context.Context, https NetworkProtocol) error {
	address := in.o.HTTPS
	if address == "" {
		port := 443
		for _, p := range https.Ports {
			if p > 0 {
				port = p
				break
			}
		}
		address = net.JoinHostPort(in.c.base.Hostname(), strconv.Itoa(port))
		if in.c.base.Scheme == "https" && in.c.base.Port() != "" {
			address = in.c.base.Host
		}
	}
	dial := in.o.Dial
	if dial == nil {
		dial = (&net.Dialer{Timeout: in.c.timeouts.Dial}).DialContext
	}
	var last error
	for range 10 {
		served, err := servedLeaf(ctx, dial, address)
		switch {
		case err != nil:
			last = err
		case bytes.Equal(served, in.Leaf.Raw):
			return nil
		default:
			last = fmt.Errorf("another certificate than the one installed is served: %w", ErrNotVerified)
		}
		timer := time.NewTimer(100 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return last
}

// servedLeaf returns the certificate that a server shows. Nothing is sent to
// it, so whom it belongs to is not asked.
func servedLeaf(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), address string) ([]byte, error) {
	conn, err := dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	var leaf []byte
	wanted := false // a certificate of ours
	t := tls.Client(conn, &tls.Config{
		InsecureSkipVerify: true, MinVersion: tls.VersionTLS12, //nolint:gosec // the certificate itself is compared
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf = s.PeerCertificates[0].Raw
			return nil
		},
		// By the time that we are asked, the server has proven its key.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			wanted = true
			return &tls.Certificate{}, nil
		},
	})
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := t.HandshakeContext(ctx); err != nil && !wanted {
		return nil, err
	}
	return leaf, nil
}

// rollBack takes back what was made, in reverse.
func (in *installation) rollBack(ctx context.Context) error {
	c := in.c
	var errs []error
	do := func(_ camsec.Change, err error) {
		if err != nil && !errors.Is(err, camsec.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	if in.switched {
		do(c.SwitchProtocol(ctx, "HTTPS", false))
	}
	if in.assigned {
		used, err := c.ServerCertificates(ctx)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !slices.Contains(used, in.PathID):
		case in.Replaced != "":
			do(c.ReplaceServerCertificate(ctx, in.PathID, in.Replaced))
		default:
			do(c.RemoveServerCertificate(ctx, in.PathID))
		}
	}
	if in.PathID != "" {
		do(c.DeleteCertificationPath(ctx, in.PathID))
	}
	for _, id := range in.CertificateIDs {
		do(c.DeleteCertificate(ctx, id))
	}
	for _, id := range append(in.others, in.KeyID) {
		if id != "" {
			do(c.DeleteKey(ctx, id))
		}
	}
	return errors.Join(errs...)
}
