package onvif_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pkcs12 has openssl write a key and its certificate into a file, with the
// ciphers that cameras read.
func pkcs12(passphrase string, more ...string) (camsec.Secret, error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return camsec.Secret{}, err
	}
	defer os.RemoveAll(dir)
	key, cert := filepath.Join(dir, "key.pem"), filepath.Join(dir, "cert.pem")
	if err := openssl(nil, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=theirs", "-keyout", key, "-out", cert); err != nil {
		return camsec.Secret{}, err
	}
	var out bytes.Buffer
	args := []string{"pkcs12", "-export", "-inkey", key, "-in", cert, "-passout", "pass:" + passphrase}
	if len(more) == 0 {
		more = []string{"-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1"}
	}
	err = openssl(&out, slices.Concat(args, more)...)
	return camsec.NewSecret(out.Bytes()), err
}

func openssl(out *bytes.Buffer, args ...string) error {
	var said bytes.Buffer
	cmd := exec.Command("openssl", args...)
	cmd.Stderr = &said
	if out != nil {
		cmd.Stdout = out
	}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("openssl %s: %w: %s", args[0], err, said.String())
	}
	return nil
}

func asFault(err error) (*onvif.Fault, bool) { return errors.AsType[*onvif.Fault](err) }

// secure is a client of a device over TLS, where secrets may go.
func secure(t *testing.T) (*onviftest.Device, *onvif.Client) {
	t.Helper()
	d := start(t, onviftest.Current(), &onviftest.Options{InProcess: true, TLS: true})
	return d, client(t, d, nil)
}

// What is in a file that openssl wrote is served; and what cannot be read is
// told in the standard's words, with nothing of it kept.
func TestUploadPKCS12(t *testing.T) {
	if _, err := exec.LookPath("openssl"); err != nil {
		skip(t, "openssl is not installed")
	}
	d, c := secure(t)
	file, err := pkcs12("The Owner's Word")
	require.NoError(t, err)
	modern, err := pkcs12("The Owner's Word", "-keypbe", "AES-256-CBC", "-certpbe", "AES-256-CBC", "-macalg", "sha256")
	require.NoError(t, err)
	keys, certs, paths, _ := d.Keystore()
	for name, bad := range map[string]struct {
		file, word camsec.Secret
		code       string
	}{
		"another passphrase": {file, secret("The Owner's word"), "DecryptionFailed"},
		"none":               {file, camsec.Secret{}, "DecryptionFailed"},
		"newer ciphers":      {modern, secret("The Owner's Word"), "BadPKCS12File"},
		"junk":               {camsec.NewSecret([]byte{0x30, 0}), secret("The Owner's Word"), "BadPKCS12File"},
	} {
		_, _, change, err := c.UploadPKCS12(t.Context(), bad.file, bad.word, "")
		f, ok := asFault(err)
		require.True(t, ok, "%s: %v", name, err)
		assert.Equal(t, []string{"InvalidArgVal", bad.code}, f.Subcodes, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome, name)
	}
	k, x, p, _ := d.Keystore()
	assert.Equal(t, []int{keys, certs, paths}, []int{k, x, p})

	path, key, change, err := c.UploadPKCS12(t.Context(), file, secret("The Owner's Word"), "theirs")
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	list, err := c.Keys(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(list, func(have onvif.Key) bool { return have.ID == key })
	require.GreaterOrEqual(t, i, 0)
	assert.Equal(t, []camsec.State{camsec.StateOn, camsec.StateOn}, []camsec.State{list[i].Private, list[i].External})
	_, err = c.ReplaceServerCertificate(t.Context(), "factory-path", path)
	require.NoError(t, err)
	served, err := d.Certificate()
	require.NoError(t, err)
	assert.Equal(t, "theirs", served.Subject.CommonName)
}

// Nothing that is used can be taken away, whatever uses it.
func TestReferencesForbidDeletion(t *testing.T) {
	_, c := secure(t)
	ctx := t.Context()
	id, _, _, err := c.CreateECCKeyPair(ctx, "P-256", "jwt")
	require.NoError(t, err)
	require.NoError(t, c.AwaitKey(ctx, id, 0))
	policy, _, err := c.CreateValidationPolicy(ctx, onvif.ValidationPolicy{TrustAnchors: []string{"factory-cert"}})
	require.NoError(t, err)
	_, err = c.SetJWT(ctx, onvif.JWTConfiguration{Audiences: []string{"cam"}, KeyIDs: []string{id}, PolicyID: policy})
	require.NoError(t, err)
	_, err = c.DeleteKey(ctx, id)
	require.ErrorIs(t, err, onvif.ErrInUse, "bearer tokens are judged by it")
	_, err = c.DeleteValidationPolicy(ctx, policy)
	require.ErrorIs(t, err, onvif.ErrInUse)
	_, err = c.SetJWT(ctx, onvif.JWTConfiguration{})
	require.NoError(t, err)
	server := onvif.AuthorizationServer{Type: onvif.OAuthClientCredentials, ClientAuth: onvif.PrivateKeyJWT, URI: "https://login.example/", KeyID: id, PolicyID: policy}
	token, _, err := c.CreateAuthorizationServer(ctx, server, camsec.Secret{})
	require.NoError(t, err)
	_, err = c.DeleteKey(ctx, id)
	require.ErrorIs(t, err, onvif.ErrInUse, "the device logs in with it")
	_, err = c.DeleteValidationPolicy(ctx, policy)
	require.ErrorIs(t, err, onvif.ErrInUse)
	_, err = c.DeleteAuthorizationServer(ctx, token)
	require.NoError(t, err)

	phrase, _, err := c.UploadPassphrase(ctx, secret("Switch-Word-1"), "")
	require.NoError(t, err)
	path, _, err := c.CreateCertificationPath(ctx, "", "factory-cert")
	require.NoError(t, err)
	lan, _, err := c.AddDot1X(ctx, onvif.Dot1X{Outer: onvif.Dot1XStage{Method: "EAP-TLS", PathID: path, PassphraseID: phrase, PolicyID: policy}})
	require.NoError(t, err)
	for _, do := range []func() (camsec.Change, error){
		func() (camsec.Change, error) { return c.DeletePassphrase(ctx, phrase) },
		func() (camsec.Change, error) { return c.DeleteCertificationPath(ctx, path) },
		func() (camsec.Change, error) { return c.DeleteValidationPolicy(ctx, policy) },
	} {
		change, err := do()
		require.ErrorIs(t, err, onvif.ErrInUse)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
	}
	_, err = c.SetInterfaceDot1X(ctx, "eth0", lan, onvif.AllowCutOff)
	require.NoError(t, err)
	_, err = c.DeleteDot1X(ctx, lan)
	require.ErrorIs(t, err, onvif.ErrInUse)
	_, err = c.ClearInterfaceDot1X(ctx, "eth0")
	require.ErrorIs(t, err, onvif.ErrCutOff)
	_, err = c.ClearInterfaceDot1X(ctx, "eth0", onvif.AllowCutOff)
	require.NoError(t, err)
	_, err = c.DeleteDot1X(ctx, lan)
	require.NoError(t, err)

	_, err = c.AddMediaSigningCertificate(ctx, path)
	require.NoError(t, err)
	_, err = c.DeleteCertificationPath(ctx, path)
	require.ErrorIs(t, err, onvif.ErrInUse, "media are signed with it")
	_, err = c.RemoveMediaSigningCertificate(ctx, "factory-path")
	require.ErrorIs(t, err, camsec.ErrNotFound, "the factory's stays")
	_, err = c.RemoveMediaSigningCertificate(ctx, path)
	require.NoError(t, err)
	for _, do := range []func() (camsec.Change, error){
		func() (camsec.Change, error) { return c.DeleteCertificationPath(ctx, path) },
		func() (camsec.Change, error) { return c.DeletePassphrase(ctx, phrase) },
		func() (camsec.Change, error) { return c.DeleteValidationPolicy(ctx, policy) },
		func() (camsec.Change, error) { return c.DeleteKey(ctx, id) },
	} {
		change, err := do()
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, change.Outcome)
	}
}

func TestBearerTokens(t *testing.T) {
	_, c := secure(t)
	change, err := c.SetJWT(t.Context(), bearer)
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	now, err := c.JWT(t.Context())
	require.NoError(t, err)
	assert.Equal(t, bearer, now)
	assert.True(t, now.Enabled())
	assert.False(t, onvif.JWTConfiguration{Audiences: []string{"x"}}.Enabled())
	for name, bad := range map[string]onvif.JWTConfiguration{
		"two words in one": {Audiences: []string{"a b"}},
		"an empty word":    {CustomClaims: []onvif.CustomClaim{{Name: "site", Values: []string{""}}}},
		"no such key":      {Audiences: []string{"a"}, KeyIDs: []string{"none"}},
		"no such policy":   {Audiences: []string{"a"}, PolicyID: "none"},
		"too many":         {Audiences: []string{"a"}, TrustedIssuers: []string{"https://1", "https://2", "https://3"}},
	} {
		change, err := c.SetJWT(t.Context(), bad)
		require.Error(t, err, name)
		assert.Equal(t, camsec.NotApplied, change.Outcome, name)
	}
	now, err = c.JWT(t.Context())
	require.NoError(t, err)
	assert.Equal(t, bearer, now)
}

func TestAuthorizationServers(t *testing.T) {
	d, c := secure(t)
	s := onvif.AuthorizationServer{Type: onvif.OAuthClientCredentials, ClientAuth: onvif.ClientSecretBasic, URI: "https://login.example/token", ClientID: "cam"}
	_, change, err := c.CreateAuthorizationServer(t.Context(), s, camsec.Secret{})
	require.Error(t, err, "a secret is needed")
	assert.Equal(t, camsec.NotApplied, change.Outcome)
	s.Token, _, err = c.CreateAuthorizationServer(t.Context(), s, secret("Shared-Word-1"))
	require.NoError(t, err)
	assert.Contains(t, d.LastRequest("CreateAuthorizationServerConfiguration"), "Shared-Word-1")
	list, err := c.AuthorizationServers(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []onvif.AuthorizationServer{s}, list)
	s.Token = "none"
	_, err = c.SetAuthorizationServer(t.Context(), s, secret("Shared-Word-1"))
	require.ErrorIs(t, err, camsec.ErrNotFound)

	plain := client(t, start(t, onviftest.Current(), nil), nil)
	_, _, err = plain.CreateAuthorizationServer(t.Context(), s, secret("Shared-Word-1"))
	require.ErrorIs(t, err, camsec.ErrUntrusted, "not in the clear")
	_, err = plain.SetAuthorizationServer(t.Context(), s, secret("Shared-Word-1"))
	require.ErrorIs(t, err, camsec.ErrUntrusted)
}
