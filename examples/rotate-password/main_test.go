package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi/isapitest"
)

func Example() {
	dir, err := os.MkdirTemp("", "rotate-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := run(context.Background(), os.Stdout, dir); err != nil {
		fmt.Println(err)
	}
	// Output:
	// new value: kept, not yet sent
	// password of admin: applied, fresh login
	// new value: current
	// DS-2CD2T47G2-TEST answers to it
}

// Whatever becomes of the write, the value that the camera has is in a file,
// and none is printed.
func TestNoValueIsLost(t *testing.T) {
	for name, arrange := range map[string]func(*isapitest.Device){
		"silent no-op": func(d *isapitest.Device) {
			d.Misbehave("PUT /ISAPI/Security/users/1", isapitest.Behaviour{Effect: isapitest.Ignored})
		},
		"refused": func(d *isapitest.Device) { d.Fail("PUT /ISAPI/Security/users/1", 400, "") },
		"good":    func(*isapitest.Device) {},
	} {
		t.Run(name, func(t *testing.T) {
			camera := isapitest.New(t, isapitest.CurrentCamera())
			arrange(camera)
			dir := t.TempDir()
			current, pending := filepath.Join(dir, "current"), filepath.Join(dir, "pending")
			require.NoError(t, keep(current, camsec.NewSecret([]byte(camera.Password()))))
			var out bytes.Buffer
			err := rotate(t.Context(), &out, camera.Addr(), camera.User(), current, pending)
			assert.Equal(t, name == "good", err == nil, "%v", err)
			var held []string
			for _, f := range []string{current, pending} {
				if v, err := os.ReadFile(f); err == nil {
					held = append(held, string(v))
				}
			}
			assert.Contains(t, held, camera.Password())
			for _, v := range held {
				assert.NotContains(t, out.String()+fmt.Sprint(err), v)
			}
		})
	}
}
