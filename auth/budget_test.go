package auth_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the digest that must not be found in the files
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
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
	"github.com/camsec/camsec/auth/internal/filelock"
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
	for name, together := range map[string]bool{"one after another": false, "at the same time": true} {
		t.Run("case 14: real processes share the budget, "+name, func(t *testing.T) {
			h, dir := newHost(t, nil), t.TempDir()
			addr, err := h.Listen("127.0.0.1:0", false)
			require.NoError(t, err)
			var started []*helper
			for range 5 {
				p := startHelper(t, dir, addr.String())
				if started = append(started, p); !together {
					p.finish(t)
				}
			}
			if together {
				for _, p := range started {
					p.letGo(t)
				}
				for _, p := range started {
					p.finish(t)
				}
			}
			require.Equal(t, 1, h.FailedLogins())
			require.Equal(t, 2, h.Requests())
		})
	}
}

// A helper is this test program once more, as a process that logs in once,
// wrongly, as soon as its standard input ends.
type helper struct {
	cmd *exec.Cmd
	in  io.Closer
	out bytes.Buffer
}

func startHelper(t *testing.T, dir, address string) *helper {
	t.Helper()
	p := &helper{cmd: exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$", "-test.v")}
	p.cmd.Env = append(os.Environ(), "CAMSEC_HELPER_DIR="+dir, "CAMSEC_HELPER_ADDRESS="+address)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	var err error
	p.in, err = p.cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	return p
}

func (p *helper) letGo(t *testing.T) {
	t.Helper()
	require.NoError(t, p.in.Close())
}

func (p *helper) finish(t *testing.T) {
	t.Helper()
	_ = p.in.Close()
	require.NoError(t, p.cmd.Wait(), "%s", p.out.String())
	require.Contains(t, p.out.String(), "--- PASS: TestHelperProcess")
}

// TestHelperProcess is the helper's side.
func TestHelperProcess(t *testing.T) {
	dir, address := os.Getenv("CAMSEC_HELPER_DIR"), os.Getenv("CAMSEC_HELPER_ADDRESS")
	if dir == "" {
		return // not asked to be the other process
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
	rt := transport(t, &http.Transport{}, wrong, func(o *auth.TransportOptions) {
		o.Budget, o.Target = openBudget(t, dir), camsec.Target{Address: address}
	})
	_, err = get(t.Context(), rt, "http://"+address+"/x")
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

// The lock that processes share stays open in each of them. If somebody removes
// it, and another process makes a new one, that is the lock.
func TestBudgetLockIsTheOneInTheFolder(t *testing.T) {
	dir := t.TempDir()
	b := openBudget(t, dir)
	login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}}
	r, err := b.Reserve(t.Context(), login)
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))

	require.NoError(t, os.Remove(filepath.Join(dir, "lock")))
	theirs, err := os.Create(filepath.Join(dir, "lock"))
	require.NoError(t, err)
	ok, err := filelock.TryLock(theirs)
	require.NoError(t, err)
	require.True(t, ok)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = b.Reserve(ctx, login)
	require.ErrorIs(t, err, context.DeadlineExceeded)

	require.NoError(t, filelock.Unlock(theirs))
	r, err = b.Reserve(t.Context(), login)
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
	ok, err = filelock.TryLock(theirs)
	require.NoError(t, err)
	require.True(t, ok, "it is let go in between")
	require.NoError(t, theirs.Close())
}

func TestBudgetLockBound(t *testing.T) {
	was := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now := was
	o := &auth.BudgetOptions{Now: func() time.Time { return now }}
	file, err := auth.OpenFileBudget(t.TempDir(), o)
	require.NoError(t, err)
	for name, b := range map[string]auth.Budget{"memory": auth.NewMemoryBudget(o), "file": file} {
		t.Run("case 147: a lock noted by a clock far ahead ends, "+name, func(t *testing.T) {
			login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}}
			now = was.AddDate(14, 0, 0)
			require.NoError(t, b.ReportForeign(t.Context(), login, auth.Outcome{Until: now.Add(30 * time.Minute)}))
			now = was
			_, err := b.Reserve(t.Context(), login)
			require.Equal(t, auth.KindLocked, kindOf(t, err))
			var e *auth.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, was.Add(24*time.Hour), e.Until)
			now = was.Add(24*time.Hour - time.Second)
			_, err = b.Reserve(t.Context(), login)
			require.Equal(t, auth.KindLocked, kindOf(t, err), "the bound does not move along")
			now = was.Add(24 * time.Hour)
			r, err := b.Reserve(t.Context(), login)
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	}
	t.Run("a device that says 68 years", func(t *testing.T) {
		h := newHost(t, func(o *authtest.Options) {
			o.RefusalBody = func(r authtest.Refusal) (string, []byte) {
				r.Locked, r.Unlock = true, (1<<31-1)*time.Second
				return authtest.UserCheckBody(r)
			}
		})
		now = was
		_, err := get(t.Context(), transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
			o.Now = func() time.Time { return now }
		}), deviceURL)
		var e *auth.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, auth.KindLocked, e.Kind)
		require.Equal(t, was.Add(24*time.Hour), e.Until)
	})
}
