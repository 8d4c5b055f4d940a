package firmware_test

import (
	"archive/zip"
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"testing"

	"github.com/camsec/camsec/firmware"
	"github.com/camsec/camsec/firmware/internal/imagetest"
)

// seeds are small files of every format that tests here write themselves.
func seeds(f *testing.F) {
	f.Helper()
	for _, b := range [][]byte{
		nil, []byte("plain"),
		imagetest.HKWS(1, imagetest.File{Name: "a", Data: []byte("data")}, imagetest.File{Name: "b", Data: []byte("more")}),
		append(imagetest.HKWS(2, imagetest.File{Name: "a", Data: []byte("data")}), imagetest.OpaqueBlock("03KH")[:64]...),
		imagetest.UImage(2, "kernel", []byte("data")),
		imagetest.UImage(4, "multi", []byte{0, 0, 0, 5, 0, 0, 0, 0, 'a', 'a', 'a', 'a', 'a'}),
		imagetest.SLP([]byte("payload")), imagetest.FwType([]byte("payload")),
		imagetest.Bosch(false, []byte("payload")),
		append([]byte("Salted__"), make([]byte, 24)...),
		imagetest.DHZip(imagetest.Member{Name: "Install", Data: []byte("HWID:A:1\n"), Method: zip.Deflate}, imagetest.Member{Name: "k.img", Data: imagetest.UImage(2, "k", nil), Raw: true}),
	} {
		f.Add(b)
	}
}

// Nothing that a file holds may stop the reader, and what it says must fit
// the file: parts and ranges lie within, and JSON is valid.
func FuzzInspect(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := firmware.Inspect(bytes.NewReader(b), int64(len(b)))
		if m == nil {
			t.Fatal("no image")
		}
		if _, jerr := json.Marshal(m); jerr != nil {
			t.Fatal(jerr)
		}
		if err != nil {
			return
		}
		placed(t, m)
	})
}

// No file is verified that nobody signed, whatever it holds; and a report
// can always be written.
func FuzzVerify(f *testing.F) {
	seeds(f)
	pub, _, err := ed25519.GenerateKey(zeros{})
	if err != nil {
		f.Fatal(err)
	}
	ed, err := firmware.NewKey("a", pub)
	if err != nil {
		f.Fatal(err)
	}
	r, err := firmware.NewKey("b", rsaKey.Public())
	if err != nil {
		f.Fatal(err)
	}
	v, err := firmware.NewVerifier(firmware.Policy{Keys: []firmware.Key{ed, r}, Now: at(issued)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, err := v.Verify(t.Context(), bytes.NewReader(b), int64(len(b)), nil)
		if err != nil {
			t.Fatal(err) // every byte could be read
		}
		if rep.Verdict == firmware.Accepted || rep.Authenticity.Status == firmware.AuthenticityVerified {
			t.Fatalf("verified: %v", rep.Because)
		}
		if _, err := json.Marshal(rep); err != nil {
			t.Fatal(err)
		}
	})
}

// No text is a signature by a key that did not sign, and none stops the
// reader.
func FuzzDetachedSignature(f *testing.F) {
	_, priv, err := ed25519.GenerateKey(zeros{})
	if err != nil {
		f.Fatal(err)
	}
	k, err := firmware.NewSigningKey(priv)
	if err != nil {
		f.Fatal(err)
	}
	s, err := k.Countersign(f.Context(), bytes.NewReader(nil), 0, firmware.Statement{Issued: issued}, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, b := range [][]byte{s, nil, {0x30, 0x80}, []byte("{}"), []byte("untrusted comment: x\nAAAA\n"), []byte("-----BEGIN CMS-----\n")} {
		f.Add(b)
	}
	key, err := firmware.ParseKeys("k", []byte(k.MinisignPublicKey()))
	if err != nil {
		f.Fatal(err)
	}
	v, err := firmware.NewVerifier(firmware.Policy{Keys: key, Now: at(issued)})
	if err != nil {
		f.Fatal(err)
	}
	image := []byte("an image that nobody signed")
	f.Fuzz(func(t *testing.T, b []byte) {
		rep, err := v.Verify(t.Context(), bytes.NewReader(image), int64(len(image)), &firmware.Evidence{Signatures: []firmware.Signature{{Data: b}}})
		if err == nil && rep.Verdict == firmware.Accepted {
			t.Fatalf("verified by %q", b)
		}
	})
}

// What is read as a key or a certificate can be printed and used.
func FuzzParseKeys(f *testing.F) {
	_, priv, err := ed25519.GenerateKey(zeros{})
	if err != nil {
		f.Fatal(err)
	}
	k, err := firmware.NewSigningKey(priv)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(k.MinisignPublicKey()))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte{6, 2, 0, 0, 0, 36, 0, 0, 'R', 'S', 'A', '1', 8, 0, 0, 0, 3, 0, 0, 0, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := firmware.ParseKeys("k", b)
		if err == nil && len(keys) == 0 {
			t.Fatal("neither key nor error")
		}
		for _, k := range keys {
			_ = k.String()
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }
