package auth_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
)

// What a budget counts, to the second and to the try, whichever keeps it.

// kept runs a test on both budgets, with a clock of the test's.
func kept(t *testing.T, o auth.BudgetOptions, test func(t *testing.T, b auth.Budget, now *time.Time)) {
	t.Helper()
	for _, name := range []string{"memory", "file"} {
		t.Run(name, func(t *testing.T) {
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			o.Now = func() time.Time { return now }
			b := auth.NewMemoryBudget(&o)
			if name == "file" {
				var err error
				b, err = auth.OpenFileBudget(t.TempDir(), &o)
				require.NoError(t, err)
			}
			test(t, b, &now)
		})
	}
}

func loginOf(user string) auth.Login {
	return auth.Login{Target: device, Credential: auth.Credential{User: user, Version: "1"}}
}

// spend makes a login whose answer never came.
func spend(t *testing.T, b auth.Budget, l auth.Login) {
	t.Helper()
	r, err := b.Reserve(t.Context(), l)
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{}))
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted}), "a second report counts for nothing")
}

func refusal(t *testing.T, b auth.Budget, l auth.Login) auth.Error {
	t.Helper()
	_, err := b.Reserve(t.Context(), l)
	var e *auth.Error
	require.ErrorAs(t, err, &e)
	return *e
}

func free(t *testing.T, b auth.Budget, l auth.Login) {
	t.Helper()
	r, err := b.Reserve(t.Context(), l)
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
}

func TestBudgetCountsExactly(t *testing.T) {
	t.Run("tries end with the window", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, now *time.Time) {
			start := *now
			spend(t, b, loginOf("u"))
			*now = start.Add(time.Minute)
			spend(t, b, loginOf("u"))
			free(t, b, loginOf("u")) // given back
			spend(t, b, loginOf("u"))
			e := refusal(t, b, loginOf("u"))
			require.Equal(t, auth.Error{Kind: auth.KindBudget, Left: -1, Until: start.Add(30 * time.Minute)}, e)
			*now = start.Add(30*time.Minute - time.Nanosecond)
			require.Equal(t, auth.KindBudget, refusal(t, b, loginOf("u")).Kind)
			*now = start.Add(30 * time.Minute)
			free(t, b, loginOf("u"))
			spend(t, b, loginOf("u"))
			require.Equal(t, start.Add(31*time.Minute), refusal(t, b, loginOf("u")).Until)
		})
	})
	t.Run("what the device tells ends with the window", func(t *testing.T) {
		kept(t, auth.BudgetOptions{Window: time.Hour}, func(t *testing.T, b auth.Budget, now *time.Time) {
			start, left := *now, 2
			require.NoError(t, b.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Left: &left}))
			require.Equal(t, auth.Error{Kind: auth.KindFewTries, Left: 2, Until: start.Add(time.Hour)}, refusal(t, b, loginOf("u")))
			*now = start.Add(time.Hour - time.Nanosecond)
			require.Equal(t, auth.KindFewTries, refusal(t, b, loginOf("u")).Kind)
			*now = start.Add(time.Hour)
			free(t, b, loginOf("u"))
			left = 3
			require.NoError(t, b.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Left: &left}))
			r, err := b.Reserve(t.Context(), loginOf("u"))
			require.NoError(t, err, "three are left, one is ours")
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
			other := loginOf("u")
			other.Credential.Version = "2"
			require.Equal(t, auth.Error{Kind: auth.KindFewTries, Left: 2, Until: start.Add(2 * time.Hour)}, refusal(t, b, other),
				"a refusal that tells nothing costs one")
			require.Equal(t, auth.Error{Kind: auth.KindRefused, Left: 2}, refusal(t, b, loginOf("u")))
		})
	})
	t.Run("a lock ends when it says", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, now *time.Time) {
			start := *now
			require.NoError(t, b.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Until: start.Add(time.Hour)}))
			require.NoError(t, b.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Until: start.Add(time.Minute)}), "a shorter one does not shorten it")
			require.Equal(t, auth.Error{Kind: auth.KindLocked, Left: -1, Until: start.Add(time.Hour)}, refusal(t, b, loginOf("u")))
			*now = start.Add(time.Hour)
			r, err := b.Reserve(t.Context(), loginOf("u"))
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted}))
		})
	})
	t.Run("a success gives the tries back", func(t *testing.T) {
		kept(t, auth.BudgetOptions{Limit: 4}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			for range 3 {
				spend(t, b, loginOf("u"))
				r, err := b.Reserve(t.Context(), loginOf("u"))
				require.NoError(t, err)
				require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted}))
			}
			spend(t, b, loginOf("u"))
			spend(t, b, loginOf("u"))
			require.Equal(t, auth.KindBudget, refusal(t, b, loginOf("u")).Kind)
			require.NoError(t, b.Reset(t.Context(), loginOf("u")))
			spend(t, b, loginOf("u"))
		})
	})
	t.Run("a refusal outlives its try", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, now *time.Time) {
			r, err := b.Reserve(t.Context(), loginOf("u"))
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
			for range 3 {
				*now = now.Add(24 * time.Hour)
				require.Equal(t, auth.Error{Kind: auth.KindRefused, Left: -1}, refusal(t, b, loginOf("u")))
			}
		})
	})
	t.Run("a limit that is all people's", func(t *testing.T) {
		kept(t, auth.BudgetOptions{Limit: 2}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			require.Equal(t, auth.Error{Kind: auth.KindBudget, Left: -1}, refusal(t, b, loginOf("u")))
		})
	})
	t.Run("who tries 256 versions is guessing", func(t *testing.T) {
		b := auth.NewMemoryBudget(nil)
		for i := range 256 {
			l := loginOf("u")
			l.Credential.Version = fmt.Sprint(i)
			r, err := b.Reserve(t.Context(), l)
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
			// Those the budget does not count as tries in a window, for this test.
			if r, err = b.Reserve(t.Context(), auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "right"}}); err == nil {
				require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted}))
			}
		}
		require.Equal(t, auth.KindRefused, refusal(t, b, auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "new"}}).Kind)
	})
	t.Run("no more services than anybody has", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			strongest := func(service, report string) string {
				l := loginOf("u")
				l.Service = service
				r, err := b.Reserve(t.Context(), l)
				require.NoError(t, err)
				require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted, Scheme: report}))
				return r.Strongest()
			}
			for i := range 65 {
				require.Empty(t, strongest(fmt.Sprint("https:", i), "MD5"))
			}
			require.Equal(t, "MD5", strongest("https:63", "SHA-256"))
			require.Equal(t, "SHA-256", strongest("https:63", "Basic"), "a known one is still noted")
			require.Equal(t, "SHA-256", strongest("https:63", ""))
			require.Empty(t, strongest("https:64", ""))
		})
	})
}

// What little an account may have to say is kept.
func TestBudgetKeepsWhatIsLeft(t *testing.T) {
	version := func(v string) auth.Login {
		l := loginOf("u")
		l.Credential.Version = v
		return l
	}
	report := func(t *testing.T, b auth.Budget, l auth.Login, o auth.Outcome) {
		t.Helper()
		r, err := b.Reserve(t.Context(), l)
		require.NoError(t, err)
		require.NoError(t, r.Report(o))
	}
	t.Run("a doubt alone", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, now *time.Time) {
			start := *now
			report(t, b, version("old"), auth.Outcome{Verdict: auth.VerdictDoubted})
			report(t, b, version("new"), auth.Outcome{Verdict: auth.VerdictAccepted})
			require.Equal(t, auth.Error{Kind: auth.KindDoubtful, Left: -1, Until: start.Add(30 * time.Minute)}, refusal(t, b, version("old")))
		})
	})
	t.Run("a refusal alone", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			report(t, b, version("old"), auth.Outcome{Verdict: auth.VerdictRefused})
			report(t, b, version("new"), auth.Outcome{Verdict: auth.VerdictAccepted})
			require.Equal(t, auth.KindRefused, refusal(t, b, version("old")).Kind)
		})
	})
	t.Run("a scheme alone", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			report(t, b, version("1"), auth.Outcome{Verdict: auth.VerdictAccepted, Scheme: "MD5"})
			r, err := b.Reserve(t.Context(), version("1"))
			require.NoError(t, err)
			require.Equal(t, "MD5", r.Strongest())
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	})
	t.Run("services that told no scheme take no room", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			l := loginOf("u")
			for i := range 64 {
				l.Service = fmt.Sprint("https:", i)
				report(t, b, l, auth.Outcome{Verdict: auth.VerdictAccepted})
			}
			l.Service = "https:64"
			report(t, b, l, auth.Outcome{Verdict: auth.VerdictAccepted, Scheme: "MD5"})
			r, err := b.Reserve(t.Context(), l)
			require.NoError(t, err)
			require.Equal(t, "MD5", r.Strongest())
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	})
	t.Run("a report after a reset", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			r, err := b.Reserve(t.Context(), loginOf("u"))
			require.NoError(t, err)
			require.NoError(t, b.Reset(t.Context(), loginOf("u")))
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
			free(t, b, loginOf("u"))
		})
	})
	t.Run("who gives up waiting is told so", func(t *testing.T) {
		kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
			r, err := b.Reserve(t.Context(), loginOf("u"))
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, err = b.Reserve(ctx, loginOf("u"))
			require.Equal(t, context.Canceled, err, "bare: the budget has nothing to do with it")
			require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))
		})
	})
}

// A log is written anew when most of it no longer counts, and nobody who has
// it open loses what it says.
func TestBudgetLogStaysSmall(t *testing.T) {
	dir := t.TempDir()
	one, other := openBudget(t, dir), openBudget(t, dir)
	r, err := other.Reserve(t.Context(), loginOf("refused"))
	require.NoError(t, err)
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictRefused}))
	for i := range 12_000 {
		left := 3 + i%7
		require.NoError(t, one.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Left: &left}))
	}
	info, err := os.Stat(filepath.Join(dir, "log"))
	require.NoError(t, err)
	require.Less(t, info.Size(), int64(1<<20))
	left := 2
	require.NoError(t, other.ReportForeign(t.Context(), loginOf("v"), auth.Outcome{Left: &left}))
	for _, b := range []auth.Budget{one, other, openBudget(t, dir)} {
		require.Equal(t, auth.KindRefused, refusal(t, b, loginOf("refused")).Kind)
		require.Equal(t, auth.KindFewTries, refusal(t, b, loginOf("v")).Kind)
		free(t, b, loginOf("u"))
	}
}

// Which logins draw on the same tries.
func TestBudgetAccounts(t *testing.T) {
	u := func(target camsec.Target, store camsec.Store, name, user string) auth.Login {
		return auth.Login{Target: target, Account: camsec.Account{Store: store, Name: name}, Credential: auth.Credential{User: user, Version: "1"}}
	}
	at := func(address string) camsec.Target { return camsec.Target{Address: address} }
	first := u(at("192.0.2.1"), "", "", "u")
	for name, tc := range map[string]struct {
		login auth.Login
		same  bool
	}{
		"http":              {u(at("http://192.0.2.1"), "", "", "u"), true},
		"https, and a path": {u(at("https://192.0.2.1:443/ISAPI"), "", "", "u"), true},
		"port 80":           {u(at("192.0.2.1:80"), "", "", "u"), true},
		"another port":      {u(at("192.0.2.1:8080"), "", "", "u"), false},
		"port 8443":         {u(at("192.0.2.1:8443"), "", "", "u"), false},
		"another address":   {u(at("192.0.2.11"), "", "", "u"), false},
		"a scope":           {u(camsec.Target{Address: "192.0.2.1", Scope: "north"}, "", "", "u"), false},
		"an ID":             {u(camsec.Target{Address: "192.0.2.1", ID: "a"}, "", "", "u"), false},
		"the store's name":  {u(at("192.0.2.1"), camsec.StoreDevice, "", "u"), true},
		"ONVIF":             {u(at("192.0.2.1"), camsec.StoreONVIF, "", "u"), true},
		"SNMP":              {u(at("192.0.2.1"), camsec.StoreSNMP, "", "u"), false},
		"the account named": {u(at("192.0.2.1"), "", "u", "x"), true},
		"another user":      {u(at("192.0.2.1"), "", "", "v"), false},
	} {
		t.Run(name, func(t *testing.T) {
			b := auth.NewMemoryBudget(nil)
			for range 3 {
				spend(t, b, first)
			}
			r, err := b.Reserve(t.Context(), tc.login)
			if tc.same {
				require.ErrorIs(t, err, camsec.ErrLocked)
				return
			}
			require.NoError(t, err)
			require.NoError(t, r.Report(auth.Outcome{}))
		})
	}
	// A case of its own: brackets, and an ID that keeps its address out.
	b := auth.NewMemoryBudget(nil)
	for range 3 {
		spend(t, b, u(at("[FE80::1%eth0]:443"), "", "", "u"))
	}
	require.Equal(t, auth.KindBudget, refusal(t, b, u(at("https://[fe80::1%eth0]"), "", "", "u")).Kind)
	for range 3 {
		spend(t, b, u(camsec.Target{ID: "a", Address: "192.0.2.7"}, "", "", "u"))
	}
	require.Equal(t, auth.KindBudget, refusal(t, b, u(camsec.Target{ID: "a", Address: "192.0.2.8"}, "", "", "u")).Kind)
}

func TestErrorTexts(t *testing.T) {
	at := time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600))
	for want, e := range map[string]*auth.Error{
		"auth: login failed":                                          {Left: -1},
		"auth: credential refused, 0 tries left":                      {Kind: auth.KindRefused},
		"auth: logins are locked, until 2026-01-01T00:00:00Z":         {Kind: auth.KindLocked, Left: -1, Until: at},
		"auth: credential source failed: vault sealed":                {Kind: auth.KindSource, Left: -1, Err: fmt.Errorf("vault sealed")},
		"auth: device refuses a login that works, for now":            {Kind: auth.KindBusy, Left: -1},
		"auth: the last login tries are left to people, 2 tries left": {Kind: auth.KindFewTries, Left: 2},
	} {
		require.Equal(t, want, e.Error())
	}
	require.Equal(t, "auth: device offers less than what has worked before", auth.ErrDowngrade.Error())
	require.Equal(t, "login failed", auth.Kind(250).String())
	require.Equal(t, "login failed", (auth.KindBusy + 1).String())
	require.NotEqual(t, "login failed", auth.KindBusy.String())
	matches := map[error][]auth.Kind{
		camsec.ErrUnauthorized: {auth.KindRefused, auth.KindDoubtful, auth.KindNoCredential, auth.KindNoChallenge},
		camsec.ErrLocked:       {auth.KindLocked, auth.KindFewTries, auth.KindBudget},
		camsec.ErrBusy:         {auth.KindBusy, auth.KindDoubtful},
		camsec.ErrUntrusted:    {auth.KindFIPS, auth.KindDowngrade, auth.KindInsecureScheme, auth.KindServer, auth.KindOrigin, auth.KindProxy},
		camsec.ErrMalformed:    {auth.KindChallenge, auth.KindAlgorithm, auth.KindNonce},
		camsec.ErrForbidden:    nil,
	}
	for target, kinds := range matches {
		var got []auth.Kind
		for k := auth.KindUnknown; k <= auth.KindBusy; k++ {
			e := &auth.Error{Kind: k, Left: -1}
			if e.Is(target) {
				got = append(got, k)
			}
			require.ErrorIs(t, e, &auth.Error{Kind: k})
			require.NotErrorIs(t, e, &auth.Error{Kind: k + 1})
		}
		require.ElementsMatch(t, kinds, got, "%v", target)
	}
	require.Equal(t, camsec.ReasonNoCredential, (&auth.Error{Kind: auth.KindNoCredential}).Reason())
	require.Empty(t, (&auth.Error{Kind: auth.KindRefused}).Reason())
}
