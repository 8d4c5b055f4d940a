package isapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
)

// anything answers every request with the same body.
type anything struct{ body string }

func (a anything) RoundTrip(r *http.Request) (*http.Response, error) {
	f := &fake{other: answer{body: a.body}}
	return f.RoundTrip(r)
}

// Whatever a device answers, readings end in something or in an error that is
// understood, without panic and without a secret.
func FuzzReadings(f *testing.F) {
	for _, body := range documents {
		f.Add(body)
	}
	f.Add(`<SecurityCap><securityVersion opt="1"/><keyIterateNum>3</keyIterateNum><isIrreversible>true</isIrreversible><salt>x</salt></SecurityCap>`)
	f.Add("<UserList><User><id>1</id><userName>742495974a11de876eb99e86a8611eb6</userName></User></UserList>")
	f.Fuzz(func(t *testing.T, body string) {
		c, err := isapi.New("https://192.0.2.7", auth.Static("admin", secret("Fuzz-Secret-1")), &isapi.Options{Base: anything{body}})
		require.NoError(t, err)
		ctx := t.Context()
		for name, read := range map[string]func(context.Context) error{
			"questions": func(ctx context.Context) error { _, err := c.SecurityQuestions(ctx); return err },
			"mail":      func(ctx context.Context) error { _, err := c.RecoveryMail(ctx); return err },
			"double":    func(ctx context.Context) error { _, err := c.DoubleVerification(ctx); return err },
			"links":     func(ctx context.Context) error { _, err := c.LoginLinkNum(ctx); return err },
			"log":       func(ctx context.Context) error { _, err := c.LogConfig(ctx); return err },
			"storage":   func(ctx context.Context) error { _, err := c.Storage(ctx); return err },
			"upgrade":   func(ctx context.Context) error { _, err := c.OnlineUpgrade(ctx); return err },
			"ports":     func(ctx context.Context) error { _, err := c.UPnPPortStatus(ctx); return err },
			"certs":     func(ctx context.Context) error { _, err := c.Certificates(ctx); return err },
			"selected":  func(ctx context.Context) error { _, err := c.SelectedCertificate(ctx, "HTTPS"); return err },
			"fields":    c.EncryptFields,
		} {
			err := read(ctx)
			var refused *isapi.Error
			if err != nil && !errors.Is(err, camsec.ErrMalformed) && !errors.As(err, &refused) {
				require.ErrorIs(t, err, errors.ErrUnsupported, name)
			}
			if err != nil {
				require.NotContains(t, err.Error(), "Fuzz-Secret-1")
			}
		}
	})
}
