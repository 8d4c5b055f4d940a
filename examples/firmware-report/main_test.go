package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReportOnSimulatedRecorder(t *testing.T) {
	t.Setenv("CAMSEC_USER", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), nil, &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.GreaterOrEqual(t, len(lines), 11, "a header, the recorder and nine cameras:\n%s", out.String())
	assert.Contains(t, lines[1], "V", "the recorder's version")
}

func TestNoCredentialIsAnError(t *testing.T) {
	t.Setenv("CAMSEC_USER", "admin")
	t.Setenv("CAMSEC_PASSWORD_FILE", t.TempDir()+"/none")
	assert.ErrorContains(t, run(t.Context(), []string{"192.0.2.1"}, &bytes.Buffer{}), "CAMSEC_PASSWORD_FILE")
}

func TestHostileTextIsHarmless(t *testing.T) {
	assert.Equal(t, `\x1b[2J`, plain("\x1b[2J"))
	assert.Equal(t, "unknown", plain(""))
}
