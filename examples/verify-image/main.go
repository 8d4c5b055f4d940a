// Command verify-image lets a firmware file near a camera only when its owner
// stands for it: it must be countersigned for the camera's model, and be newer
// than what the camera runs.
//
//	verify-image -key owner.pub -model DS-2CD2143G2-I -running "V5.5.82 build 190909" digicap.dav
//
// The countersignature is digicap.dav.minisig, which `camsec firmware sign`
// makes. The program ends with 0 when the file may be used, 1 when it must
// not, 2 when it was called wrongly and 3 when that cannot be told.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/camsec/camsec/firmware"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("verify-image", flag.ContinueOnError)
	flags.SetOutput(stderr)
	key := flags.String("key", "", "the owner's public key, in `FILE`")
	vendor := flags.String("vendor", firmware.Hikvision, "the camera's `maker`")
	model := flags.String("model", "", "the camera's `model`")
	running := flags.String("running", "", "the `version` that the camera runs")
	if flags.Parse(args) != nil || flags.NArg() != 1 || *key == "" || *model == "" || *running == "" {
		_, _ = fmt.Fprintln(stderr, "usage: verify-image -key FILE -model MODEL -running VERSION IMAGE")
		return 2
	}
	version := firmware.Parse(*vendor, *running)
	policy := firmware.Policy{
		Countersigned: true,
		Device:        &firmware.Device{Vendor: *vendor, Model: *model},
		Running:       &version,
	}
	report, err := verify(ctx, flags.Arg(0), *key, policy)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, err)
		return 3
	}
	_, _ = fmt.Fprintf(stdout, "%s: %s\n", flags.Arg(0), report.Verdict)
	for _, sentence := range report.Because {
		_, _ = fmt.Fprintf(stdout, "  %s\n", sentence)
	}
	return map[firmware.Verdict]int{firmware.Accepted: 0, firmware.Rejected: 1, firmware.NotVerifiable: 3}[report.Verdict]
}

// verify holds the open file against the policy. Whoever sends it to a camera
// afterwards must send the bytes of this same open file.
func verify(ctx context.Context, image, keyFile string, policy firmware.Policy) (*firmware.Report, error) {
	pem, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, err
	}
	if policy.Keys, err = firmware.ParseKeys(keyFile, pem); err != nil {
		return nil, err
	}
	verifier, err := firmware.NewVerifier(policy)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(image)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	evidence := &firmware.Evidence{}
	if signature, err := os.ReadFile(image + ".minisig"); err == nil {
		evidence.Signatures = []firmware.Signature{{Name: image + ".minisig", Data: signature}}
	}
	return verifier.Verify(ctx, file, info.Size(), evidence)
}
