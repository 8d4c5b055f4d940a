// Rotate-password gives a camera a new password, in the order that cannot lose
// one: the new value is in a synced file before the camera can have it, the
// camera proves it by a fresh login, and only then is it the current one. It
// changes nothing but a simulated camera that it starts itself.
//
//	go run ./examples/rotate-password
//
// A loop over real devices needs more than this: what to do when the outcome is
// unknown, when the process dies in between, and who else logs in.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/password"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

func main() {
	dir, err := os.MkdirTemp("", "camsec-rotate-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = run(context.Background(), os.Stdout, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "rotate-password:", err)
		os.Exit(1) //nolint:gocritic // nothing of value is left behind
	}
}

func run(ctx context.Context, out io.Writer, dir string) error {
	camera, err := isapitest.Start(isapitest.CurrentCamera(), nil)
	if err != nil {
		return err
	}
	defer camera.Close()
	current, pending := filepath.Join(dir, "current"), filepath.Join(dir, "pending")
	if err := keep(current, camsec.NewSecret([]byte(camera.Password()))); err != nil {
		return err
	}
	return rotate(ctx, out, camera.Addr(), camera.User(), current, pending)
}

func rotate(ctx context.Context, out io.Writer, address, user, current, pending string) error {
	client, err := isapi.New(address, fileSource{user, current}, nil)
	if err != nil {
		return err
	}
	defer client.Close()

	fresh, err := password.Generate(nil, password.Hikvision, user)
	if err != nil {
		return err
	}
	if err := keep(pending, fresh); err != nil {
		return err // nothing was sent
	}
	_, _ = fmt.Fprintln(out, "new value: kept, not yet sent")

	change, err := client.SetPassword(ctx, user, fresh)
	switch {
	case change.Outcome == camsec.Applied:
		_, _ = fmt.Fprintf(out, "password of %s: %s, %s\n", user, change.Outcome, change.Proof)
	case change.Outcome == camsec.NotApplied:
		return fmt.Errorf("the old value holds: %w", err)
	case errors.Is(err, camsec.ErrUncertain):
		return fmt.Errorf("either value may hold, both are kept: %w", err)
	default:
		return err
	}
	if err := os.Rename(pending, current); err != nil {
		return err // the pending value is the right one
	}
	_, _ = fmt.Fprintln(out, "new value: current")

	info, err := client.DeviceInfo(ctx)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s answers to it\n", info.Model)
	return nil
}

// keep writes a secret so that it is there after a crash.
func keep(name string, secret camsec.Secret) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(secret.Reveal())
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, os.ErrInvalid) && !errors.Is(err, os.ErrPermission) {
		return err
	}
	return nil
}

// A fileSource logs in with what a file holds at the time.
type fileSource struct{ user, name string }

func (s fileSource) Credential(context.Context, camsec.Target, camsec.Account) (auth.Credential, error) {
	b, err := os.ReadFile(s.name)
	if err != nil {
		return auth.Credential{}, err
	}
	return auth.Credential{User: s.user, Secret: camsec.NewSecret(b)}, nil
}
