package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware"
)

func TestVerifyImage(t *testing.T) {
	dir := t.TempDir()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	owner, err := firmware.NewSigningKey(private)
	require.NoError(t, err)
	image := []byte("what the maker ships and nobody outside can verify")
	signature, err := owner.Countersign(t.Context(), bytes.NewReader(image), int64(len(image)), firmware.Statement{
		Vendor: firmware.Hikvision, Model: "DS-2CD21*", Version: "V5.7.13", Build: "230822", Expires: time.Now().AddDate(1, 0, 0),
	}, nil)
	require.NoError(t, err)
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, data, 0o600))
		return path
	}
	key := write("owner.pub", []byte(owner.MinisignPublicKey()))
	file := write("digicap.dav", image)
	call := func(args ...string) (int, string) {
		var out bytes.Buffer
		return run(t.Context(), args, &out, &out), out.String()
	}
	good := []string{"-key", key, "-model", "DS-2CD2143G2-I", "-running", "V5.5.82 build 190909", file}

	code, out := call(good...)
	assert.Equal(t, 1, code, "not signed yet")
	assert.Contains(t, out, "unsigned")

	write("digicap.dav.minisig", signature)
	code, out = call(good...)
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "verified")

	code, out = call("-key", key, "-model", "DS-7608NI", "-running", "V5.5.82 build 190909", file)
	assert.Equal(t, 1, code, out)
	code, out = call("-key", key, "-model", "DS-2CD2143G2-I", "-running", "V5.8.0 build 240101", file)
	assert.Equal(t, 1, code, out)
	write("digicap.dav", append(image, '!'))
	code, out = call(good...)
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, "invalid")

	code, _ = call()
	assert.Equal(t, 2, code)
	code, _ = call("-key", filepath.Join(dir, "none"), "-model", "M", "-running", "1", file)
	assert.Equal(t, 3, code)
}
