package auth_test

import (
	"crypto/md5" //nolint:gosec // the digest that must not be found in the files
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
)

func openBudget(t *testing.T, dir string) auth.Budget {
	t.Helper()
	b, err := auth.OpenFileBudget(dir, nil)
	require.NoError(t, err)
	return b
}

func withBudget(b auth.Budget) func(*auth.TransportOptions) {
	return func(o *auth.TransportOptions) { o.Budget = b }
}

func TestFileBudget(t *testing.T) {
	t.Run("case 14: five reruns are one failed login", func(t *testing.T) {
		h, dir := newHost(t, nil), t.TempDir()
		for range 5 {
			rt := transport(t, h.Transport(), wrong, withBudget(openBudget(t, dir)))
			_, err := get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		require.Equal(t, 1, h.FailedLogins())
		require.Equal(t, 2, h.Requests(), "later runs send no packet")
		rt := transport(t, h.Transport(), right, withBudget(openBudget(t, dir)))
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err, "a new secret is allowed")
	})
	t.Run("case 14: guesses run out before the device locks", func(t *testing.T) {
		h, dir := newHost(t, func(o *authtest.Options) { o.RefusalBody = authtest.HTMLBody }), t.TempDir()
		for i := range 10 {
			rt := transport(t, h.Transport(), fmt.Sprint("guess-", i), withBudget(openBudget(t, dir)))
			_, err := get(t.Context(), rt, deviceURL)
			require.Error(t, err)
			if i >= 3 {
				require.ErrorIs(t, err, camsec.ErrLocked)
			}
		}
		require.Equal(t, 3, h.FailedLogins(), "two tries of five are left to people")
	})
	t.Run("files hold no secret", func(t *testing.T) {
		h, dir := newHost(t, nil), t.TempDir()
		rt := transport(t, h.Transport(), wrong, withBudget(openBudget(t, dir)))
		_, err := get(t.Context(), rt, deviceURL)
		require.Error(t, err)
		a1 := []byte("u:IP Camera(TEST):" + wrong)
		h1, h2 := md5.Sum(a1), sha256.Sum256(a1) //nolint:gosec // as above
		p := sha256.Sum256([]byte(wrong))
		secrets := []string{
			wrong, hex.EncodeToString([]byte(wrong)), base64.StdEncoding.EncodeToString([]byte(wrong)),
			base64.StdEncoding.EncodeToString([]byte("u:" + wrong)),
			hex.EncodeToString(h1[:]), hex.EncodeToString(h2[:]), hex.EncodeToString(p[:]),
		}
		files := 0
		require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files++
			data, err := os.ReadFile(path)
			for _, s := range secrets {
				require.NotContains(t, strings.ToLower(path+string(data)), strings.ToLower(s))
			}
			return err
		}))
		require.NotZero(t, files)
	})
	for name, damage := range map[string]string{"cut": `{"tries":["20`, "empty": "", "noise": "\x00\xff"} {
		t.Run("a torn file is no login: "+name, func(t *testing.T) {
			h, dir := newHost(t, nil), t.TempDir()
			rt := transport(t, h.Transport(), wrong, withBudget(openBudget(t, dir)))
			_, err := get(t.Context(), rt, deviceURL)
			require.Error(t, err)
			require.FileExists(t, filepath.Join(dir, "log"))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "log"), []byte(damage), 0o600))

			before := h.Requests()
			rt = transport(t, h.Transport(), right, withBudget(openBudget(t, dir)))
			_, err = get(t.Context(), rt, deviceURL)
			require.Equal(t, auth.KindBudgetStore, kindOf(t, err))
			require.Equal(t, before, h.Requests(), "nothing was sent")
			require.NoError(t, rt.Reset(t.Context()))
			_, err = get(t.Context(), rt, deviceURL)
			require.NoError(t, err, "a person may begin anew")
		})
	}
	t.Run("case 14: real processes share the budget", func(t *testing.T) {
		h, dir := newHost(t, nil), t.TempDir()
		addr, err := h.Listen("127.0.0.1:0", false)
		require.NoError(t, err)
		for range 5 {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$", "-test.v")
			cmd.Env = append(os.Environ(), "CAMSEC_HELPER_DIR="+dir, "CAMSEC_HELPER_ADDRESS="+addr.String())
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "--- PASS: TestHelperProcess")
		}
		require.Equal(t, 1, h.FailedLogins())
		require.Equal(t, 2, h.Requests())
	})
}

// TestHelperProcess is a process of its own that logs in once, wrongly.
func TestHelperProcess(t *testing.T) {
	dir, address := os.Getenv("CAMSEC_HELPER_DIR"), os.Getenv("CAMSEC_HELPER_ADDRESS")
	if dir == "" {
		return // not asked to be the other process
	}
	rt := transport(t, &http.Transport{}, wrong, func(o *auth.TransportOptions) {
		o.Budget, o.Target = openBudget(t, dir), camsec.Target{Address: address}
	})
	_, err := get(t.Context(), rt, "http://"+address+"/x")
	require.ErrorIs(t, err, camsec.ErrUnauthorized)
}

func TestBudgetWindow(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	o := &auth.BudgetOptions{Now: func() time.Time { return now }}
	file, err := auth.OpenFileBudget(t.TempDir(), o)
	require.NoError(t, err)
	for name, b := range map[string]auth.Budget{"memory": auth.NewMemoryBudget(o), "file": file} {
		t.Run(name, func(t *testing.T) {
			login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}}
			for range 3 { // a process that dies reports nothing
				r, err := b.Reserve(t.Context(), login)
				require.NoError(t, err)
				require.NoError(t, r.Report(auth.Outcome{}))
			}
			_, err := b.Reserve(t.Context(), login)
			require.ErrorIs(t, err, camsec.ErrLocked)
			require.Equal(t, auth.KindBudget, kindOf(t, err))
			was := now
			defer func() { now = was }()
			now = was.Add(-time.Hour)
			_, err = b.Reserve(t.Context(), login)
			require.ErrorIs(t, err, camsec.ErrLocked, "a clock set back gives no try back")
			now = was.Add(31 * time.Minute)
			r, err := b.Reserve(t.Context(), login)
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	}
}

func TestBudgetClockAhead(t *testing.T) {
	was := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := was
	o := &auth.BudgetOptions{Now: func() time.Time { return now }}
	file, err := auth.OpenFileBudget(t.TempDir(), o)
	require.NoError(t, err)
	for name, b := range map[string]auth.Budget{"memory": auth.NewMemoryBudget(o), "file": file} {
		t.Run("case 147: tries from a clock far ahead end, "+name, func(t *testing.T) {
			login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}}
			now = was.AddDate(14, 0, 0)
			for range 3 {
				r, err := b.Reserve(t.Context(), login)
				require.NoError(t, err)
				require.NoError(t, r.Report(auth.Outcome{}))
			}
			now = was
			_, err := b.Reserve(t.Context(), login)
			require.ErrorIs(t, err, camsec.ErrLocked)
			now = was.Add(31 * time.Minute)
			r, err := b.Reserve(t.Context(), login)
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	}
}
