package othervendor_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"example.com/othervendor"

	"github.com/camsec/camsec"
)

const token = "a-token-for-tests"

// camera is a device of the invented make; replies are by path.
func camera(t *testing.T, replies map[string]string) *othervendor.Device {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			t.Errorf("the driver sent %s %s", r.Method, r.URL.Path)
		}
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body, ok := replies[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	dev, err := othervendor.New(s.URL, camsec.NewSecret([]byte(token)), nil)
	if err != nil {
		t.Fatal(err)
	}
	return dev
}

func whole() map[string]string {
	return map[string]string{
		"/api/about":    `{"model":"OV-1","serial":"S-77","mac":"02:00:00:00:00:01","version":"3.2.1"}`,
		"/api/users":    `[{"name":"root","role":"owner","active":true},{"name":"eve","role":"janitor"}]`,
		"/api/services": `{"telnet":true,"ssh":false}`,
	}
}

func TestKeepsTheContract(t *testing.T) {
	if err := camsec.CheckDevice(t.Context(), camera(t, whole())); err != nil {
		t.Fatal(err)
	}
}

func TestCollectAndJudge(t *testing.T) {
	snap, err := camsec.Collect(t.Context(), camera(t, whole()), &camsec.CollectOptions{Protocol: "othervendor"})
	if err != nil {
		t.Fatal(err)
	}
	if snap.Inventory.Model != "OV-1" || snap.Inventory.Firmware.Version != "3.2.1" {
		t.Errorf("inventory: %+v", snap.Inventory)
	}
	if snap.Users[1].Role != camsec.RoleUnknown || snap.Users[1].Native != "janitor" || snap.Users[1].Enabled != camsec.StateUnknown {
		t.Errorf("a role we do not know: %+v", snap.Users[1])
	}
	if s := snap.Setting("service.upnp"); s.Known() || s.State != camsec.StateUnknown {
		t.Errorf("a service that is not named must be unknown: %+v", s)
	}
	report := camsec.Judge(snap, camsec.Controls(), time.Now())
	failed := 0
	for _, r := range report.Results {
		if r.Status == camsec.Fail {
			failed++
		}
	}
	if failed == 0 {
		t.Error("telnet is on, and no control minds")
	}
}

func TestMissingIsNotEmpty(t *testing.T) {
	dev := camera(t, map[string]string{"/api/about": whole()["/api/about"], "/api/services": `null`, "/api/users": `null`})
	if _, err := camsec.Users(t.Context(), dev); !errors.Is(err, camsec.ErrMalformed) {
		t.Errorf("users: %v", err)
	}
	empty := camera(t, nil)
	if _, err := empty.Inventory(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("404: %v", err)
	}
}

func TestRefusedToken(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer s.Close()
	dev, err := othervendor.New(s.URL, camsec.NewSecret([]byte("wrong")), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dev.Inventory(t.Context()); !errors.Is(err, camsec.ErrUnauthorized) {
		t.Errorf("got %v", err)
	}
}
