package auth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

func login(address, version string) auth.Login {
	return auth.Login{Target: camsec.Target{Address: address}, Credential: auth.Credential{User: "u", Version: version}}
}

func refuse(t *testing.T, b auth.Budget, l auth.Login) {
	t.Helper()
	r, err := b.Reserve(t.Context(), l)
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
}

func requireRefused(t *testing.T, b auth.Budget, l auth.Login) {
	t.Helper()
	_, err := b.Reserve(t.Context(), l)
	require.Equal(t, auth.KindRefused, kindOf(t, err))
}

func TestBudgetLog(t *testing.T) {
	t.Run("what a power failure cut off is left out", func(t *testing.T) {
		dir := t.TempDir()
		refuse(t, openBudget(t, dir), login("10.0.0.5", "1"))
		f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_WRONLY|os.O_APPEND, 0)
		require.NoError(t, err)
		_, err = f.WriteString("0badc0de 1234 {\"tri")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		requireRefused(t, openBudget(t, dir), login("10.0.0.5", "1"))
		refuse(t, openBudget(t, dir), login("10.0.0.5", "2"))
		b := openBudget(t, dir)
		requireRefused(t, b, login("10.0.0.5", "1"))
		requireRefused(t, b, login("10.0.0.5", "2"))
	})
	t.Run("a flipped bit is no login, and Reset keeps what can be read", func(t *testing.T) {
		dir := t.TempDir()
		b := openBudget(t, dir)
		refuse(t, b, login("10.0.0.5", "1"))
		text, err := os.ReadFile(filepath.Join(dir, "log"))
		require.NoError(t, err)
		refuse(t, b, login("10.0.0.6", "1"))
		whole, err := os.ReadFile(filepath.Join(dir, "log"))
		require.NoError(t, err)
		whole[len(text)-10] ^= 1 // in the last line about .5
		require.NoError(t, os.WriteFile(filepath.Join(dir, "log"), whole, 0o600))
		b = openBudget(t, dir)
		for _, a := range []string{"10.0.0.5", "10.0.0.6", "10.0.0.7"} {
			_, err = b.Reserve(t.Context(), login(a, "9"))
			require.Equal(t, auth.KindBudgetStore, kindOf(t, err))
		}
		require.NoError(t, b.Reset(t.Context(), login("10.0.0.5", "")))
		requireRefused(t, b, login("10.0.0.6", "1"))
		requireRefused(t, openBudget(t, dir), login("10.0.0.6", "1"))
		refuse(t, b, login("10.0.0.5", "1"))
	})
	t.Run("a log grows no larger than what it says", func(t *testing.T) {
		dir := t.TempDir()
		o := &auth.BudgetOptions{Limit: 1000}
		b, err := auth.OpenFileBudget(dir, o)
		require.NoError(t, err)
		other, err := auth.OpenFileBudget(dir, o)
		require.NoError(t, err)
		refuse(t, other, login("10.0.0.6", "1"))
		for i := range 200 {
			refuse(t, b, login("10.0.0.5", fmt.Sprint(i)))
		}
		st, err := os.Stat(filepath.Join(dir, "log"))
		require.NoError(t, err)
		require.Less(t, st.Size(), int64(3<<19), "1.5 MiB, of 2.8 MiB written")
		requireRefused(t, other, login("10.0.0.5", "0"))
		requireRefused(t, other, login("10.0.0.5", "199"))
		requireRefused(t, b, login("10.0.0.6", "1"))
	})
	t.Run("two that write at once lose nothing", func(t *testing.T) {
		dir := t.TempDir()
		budgets := []auth.Budget{openBudget(t, dir), openBudget(t, dir)}
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				r, err := budgets[i%2].Reserve(t.Context(), login(fmt.Sprint("10.0.0.", i), "1"))
				if err == nil {
					_ = r.Report(auth.Outcome{Verdict: auth.VerdictRefused})
				}
			})
		}
		wg.Wait()
		b := openBudget(t, dir)
		for i := range 40 {
			requireRefused(t, b, login(fmt.Sprint("10.0.0.", i), "1"))
		}
	})
}
