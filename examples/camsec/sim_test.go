package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every kind of simulated device is served by its name, and inventoried as a
// real one would be.
func TestSimProfilesAreInventoried(t *testing.T) {
	for _, p := range simProfiles() {
		t.Run(p.name, func(t *testing.T) {
			devices, stop, err := startSim(1, []simProfile{p}, simOptions{})
			require.NoError(t, err)
			defer stop()
			d := devices[0]
			assert.Equal(t, p.name, d.Profile)
			if !p.login {
				assert.Empty(t, d.Password)
				code, out, _ := camsecRun(t, "inventory", d.Address, "-state", t.TempDir())
				assert.Equal(t, exitUnknown, code, out)
				return
			}
			code, out, errs := camsecRun(t, "inventory", d.Address, "-user", d.User, "-password-file", passwordFile(t, d.Password), "-state", t.TempDir())
			assert.Equal(t, exitOK, code, errs)
			assert.Contains(t, out, "build ")
		})
	}
	code, out, errs := camsecRun(t, "sim", "-profile", "toaster")
	assert.Equal(t, exitUsage, code)
	assert.Empty(t, out)
	for _, p := range append(simProfiles(), onvifProfiles()...) {
		assert.Contains(t, errs, p.name)
	}
}
