package firmware_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/camsec/camsec/firmware"
)

// A maker's image that nobody outside can verify is countersigned once, by
// whoever looked at it, and verified before every use.
func ExampleSigningKey_Countersign() {
	ctx := context.Background()
	key, _ := firmware.NewSigningKey(ed25519.NewKeyFromSeed(make([]byte, 32))) // of a secret file, in truth
	image := []byte("digicap.dav")
	signature, err := key.Countersign(ctx, bytes.NewReader(image), int64(len(image)), firmware.Statement{
		Vendor: firmware.Hikvision, Model: "DS-2CD2143*", Version: "V5.7.13", Build: "230822",
		Issued: time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC),
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}

	keys, err := firmware.ParseKeys("owner.pub", []byte(key.MinisignPublicKey()))
	if err != nil {
		fmt.Println(err)
		return
	}
	running := firmware.Parse("Hikvision", "V5.5.82 build 190909")
	verifier, err := firmware.NewVerifier(firmware.Policy{
		Keys:    keys,
		Running: &running,
		Device:  &firmware.Device{Vendor: "Hikvision", Model: "DS-2CD2143G2-I"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := verifier.Verify(ctx, bytes.NewReader(image), int64(len(image)), &firmware.Evidence{
		Signatures: []firmware.Signature{{Data: signature}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verdict)
	fmt.Println("authenticity:", report.Authenticity.Status)
	fmt.Println("freshness:", report.Freshness.Status)
	fmt.Println("fitness:", report.Fitness.Status)
	// Output:
	// verified
	// authenticity: verified
	// freshness: newer
	// fitness: fits
}

// The smallest form of trust: a digest from a source that is believed.
func ExampleNewVerifier() {
	_, err := firmware.NewVerifier(firmware.Policy{})
	fmt.Println(err)
	verifier, err := firmware.NewVerifier(firmware.Policy{
		Digests: []string{"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := verifier.Verify(context.Background(), bytes.NewReader([]byte("abc")), 3, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Verdict, "by", report.Authenticity.Anchor)
	// Output:
	// firmware: the policy demands nothing: it names no anchor and no digest
	// verified by sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad
}

// Inspect shows what is in a file. It proves nothing.
func ExampleInspect() {
	image := append([]byte("Salted__"), make([]byte, 40)...)
	m, err := firmware.Inspect(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Format)
	for _, u := range m.Uncovered {
		fmt.Println(u.Offset, u.Length, u.What)
	}
	// Output:
	// openssl-enc
	// 0 16 magic and salt
	// 16 32 encrypted payload
}
