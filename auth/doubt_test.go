package auth_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
)

// A credential that worked and is refused: changed elsewhere, or the device
// is at its connection limit and says so in the words of a wrong password.
func TestDoubt(t *testing.T) {
	was := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	setup := func(t *testing.T) (h *authtest.Host, process func() *auth.Transport, now *time.Time) {
		at := was
		clock := func() time.Time { return at }
		dir := t.TempDir()
		h = newHost(t, func(o *authtest.Options) { o.Now = clock })
		return h, func() *auth.Transport {
			b, err := auth.OpenFileBudget(dir, &auth.BudgetOptions{Now: clock})
			require.NoError(t, err)
			return transport(t, h.Transport(), right, func(o *auth.TransportOptions) { o.Budget, o.Now = b, clock })
		}, &at
	}
	doubted := func(t *testing.T, err error) {
		t.Helper()
		require.ErrorIs(t, err, camsec.ErrBusy, "no verdict on the password alone")
		var e *auth.Error
		require.ErrorAs(t, err, &e)
		require.Equal(t, auth.KindDoubtful, e.Kind)
		require.Equal(t, was.Add(30*time.Minute), e.Until)
	}
	t.Run("case 45: at the limit with a challenge, and free again later", func(t *testing.T) {
		h, process, now := setup(t)
		rt := process()
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.Script(authtest.Fault{
			Status: http.StatusUnauthorized,
			Header: http.Header{"Www-Authenticate": {`Digest realm="Login to 1",qop="auth",nonce="1", opaque="", stale="false"`}},
		})
		before := h.Requests()
		_, err = get(t.Context(), rt, deviceURL)
		doubted(t, err)
		require.Equal(t, 2, h.Requests()-before, "the login, and one more on the new nonce")
		for _, d := range []time.Duration{0, time.Minute, 28*time.Minute + 59*time.Second} {
			*now = now.Add(d)
			_, err = get(t.Context(), rt, deviceURL)
			doubted(t, err)
			_, err = get(t.Context(), process(), deviceURL)
			doubted(t, err)
		}
		require.Equal(t, 2, h.Requests()-before, "and no packet, from this process or another")
		h.ClearScript()
		*now = now.Add(time.Second)
		_, err = get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		_, err = get(t.Context(), process(), deviceURL)
		require.NoError(t, err, "the doubt is over for all")
		require.Zero(t, h.FailedLogins())
	})
	t.Run("changed elsewhere", func(t *testing.T) {
		h, process, now := setup(t)
		rt := process()
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.SetUser("u", "changed-elsewhere")
		_, err = get(t.Context(), rt, deviceURL)
		doubted(t, err)
		require.Equal(t, 2, h.FailedLogins())
		*now = now.Add(30 * time.Minute)
		_, err = get(t.Context(), rt, deviceURL)
		require.Equal(t, auth.KindRefused, kindOf(t, err))
		require.Equal(t, 3, h.FailedLogins(), "one more, and that is final")
		before := h.Requests()
		for range 5 {
			*now = now.Add(24 * time.Hour)
			_, err = get(t.Context(), rt, deviceURL)
			require.Equal(t, auth.KindRefused, kindOf(t, err))
			_, err = get(t.Context(), process(), deviceURL)
			require.Equal(t, auth.KindRefused, kindOf(t, err))
		}
		require.Equal(t, before, h.Requests())
	})
	t.Run("another process takes the one try", func(t *testing.T) {
		h, process, now := setup(t)
		first, second := process(), process()
		_, err := get(t.Context(), first, deviceURL)
		require.NoError(t, err)
		h.SetUser("u", "changed-elsewhere")
		_, err = get(t.Context(), first, deviceURL)
		doubted(t, err)
		*now = now.Add(30 * time.Minute)
		_, err = get(t.Context(), second, deviceURL)
		require.Equal(t, auth.KindRefused, kindOf(t, err))
		_, err = get(t.Context(), first, deviceURL)
		require.Equal(t, auth.KindRefused, kindOf(t, err))
		require.Equal(t, 3, h.FailedLogins())
	})
	t.Run("a clock set back does not end it", func(t *testing.T) {
		h, process, now := setup(t)
		rt := process()
		_, err := get(t.Context(), rt, deviceURL)
		require.NoError(t, err)
		h.SetUser("u", "changed-elsewhere")
		_, err = get(t.Context(), rt, deviceURL)
		doubted(t, err)
		*now = was.Add(-14 * time.Hour)
		_, err = get(t.Context(), process(), deviceURL)
		require.Equal(t, auth.KindDoubtful, kindOf(t, err))
		*now = now.Add(29 * time.Minute)
		_, err = get(t.Context(), process(), deviceURL)
		require.Equal(t, auth.KindDoubtful, kindOf(t, err))
		*now = now.Add(time.Minute)
		_, err = get(t.Context(), process(), deviceURL)
		require.Equal(t, auth.KindRefused, kindOf(t, err))
	})
}

// The strongest scheme that worked is remembered by the budget, so that the
// next process does not take less.
func TestDowngradeAcrossProcesses(t *testing.T) {
	dir := t.TempDir()
	h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{authtest.SHA256} })
	process := func(change func(*auth.TransportOptions)) *auth.Transport {
		return transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
			o.Budget, o.InsecureBasic, o.InsecureBasicOverHTTP = openBudget(t, dir), true, true
			if change != nil {
				change(o)
			}
		})
	}
	_, err := get(t.Context(), process(nil), deviceURL)
	require.NoError(t, err)
	h.SetAlgorithms(authtest.MD5)
	before := credentials(h)
	_, err = get(t.Context(), process(nil), deviceURL)
	require.ErrorIs(t, err, auth.ErrDowngrade)
	h.SetAlgorithms()
	h.SetBasic(true)
	_, err = get(t.Context(), process(nil), deviceURL)
	require.ErrorIs(t, err, auth.ErrDowngrade)
	require.Equal(t, before, credentials(h), "case 10 and 11: nothing weaker is sent")

	h.SetAlgorithms(authtest.MD5)
	h.SetBasic(false)
	_, err = get(t.Context(), process(nil), "https://192.0.2.1/x")
	require.NoError(t, err, "what another service of the device offers is another matter")
	_, err = get(t.Context(), process(func(o *auth.TransportOptions) { o.Account.Store = camsec.StoreONVIF }), deviceURL)
	require.NoError(t, err, "and so is what ONVIF offers beside")
	_, err = get(t.Context(), process(func(o *auth.TransportOptions) { o.Target.Address = "192.0.2.2" }), deviceURL)
	require.NoError(t, err, "and another device")

	h.SetAlgorithms(authtest.SHA512_256)
	_, err = get(t.Context(), process(nil), deviceURL)
	require.NoError(t, err, "more is welcome")
	h.SetAlgorithms(authtest.SHA256)
	rt := process(nil)
	_, err = get(t.Context(), rt, deviceURL)
	require.ErrorIs(t, err, auth.ErrDowngrade, "and is the measure from then on")
	require.NoError(t, rt.Reset(t.Context()))
	_, err = get(t.Context(), rt, deviceURL)
	require.NoError(t, err, "a person may allow less: older firmware, or another camera in its place")
	require.Zero(t, h.FailedLogins())
}

// A device may be allowed to offer less, which forgets no refusal.
func TestAcceptWeaker(t *testing.T) {
	for name, kept := range map[string]func(*testing.T, string) auth.Budget{
		"file":   func(t *testing.T, dir string) auth.Budget { return openBudget(t, dir) },
		"memory": nil,
	} {
		t.Run(name, func(t *testing.T) {
			dir, memory := t.TempDir(), auth.NewMemoryBudget(nil)
			h := newHost(t, func(o *authtest.Options) { o.Algorithms = []string{authtest.SHA256} })
			process := func(password string) *auth.Transport {
				return transport(t, h.Transport(), password, func(o *auth.TransportOptions) {
					if o.Budget = memory; kept != nil {
						o.Budget = kept(t, dir)
					}
				})
			}
			_, err := get(t.Context(), process(wrong), deviceURL)
			require.Equal(t, auth.KindRefused, kindOf(t, err))
			rt := process(right)
			_, err = get(t.Context(), rt, deviceURL)
			require.NoError(t, err)

			h.SetAlgorithms(authtest.MD5)
			h.ExpireNonces()
			_, err = get(t.Context(), rt, deviceURL)
			require.ErrorIs(t, err, auth.ErrDowngrade)
			before := h.Requests()
			require.NoError(t, rt.AcceptWeaker(t.Context()))
			require.Equal(t, before, h.Requests(), "nothing is sent")
			_, err = get(t.Context(), rt, deviceURL)
			require.NoError(t, err, "in the same process")
			_, err = get(t.Context(), process(right), deviceURL)
			require.NoError(t, err, "and in the next")

			before, failed := credentials(h), h.FailedLogins()
			refused := process(wrong)
			require.NoError(t, refused.AcceptWeaker(t.Context()))
			_, err = get(t.Context(), refused, deviceURL)
			require.Equal(t, auth.KindRefused, kindOf(t, err), "what was refused stays so")
			require.Equal(t, before, credentials(h))
			require.Equal(t, failed, h.FailedLogins())

			h.SetAlgorithms(authtest.SHA256)
			_, err = get(t.Context(), process(right), deviceURL)
			require.NoError(t, err)
			h.SetAlgorithms(authtest.MD5)
			_, err = get(t.Context(), process(right), deviceURL)
			require.ErrorIs(t, err, auth.ErrDowngrade, "what works then is the measure again")
		})
	}
	h := newHost(t, nil)
	old := transport(t, h.Transport(), right, withBudget(&diary{}))
	require.ErrorIs(t, old.AcceptWeaker(t.Context()), errors.ErrUnsupported, "a budget without the ability")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, old.AcceptWeaker(ctx), context.Canceled)
}

// Tries that were spent stay spent, with any budget.
func TestForgetSchemesKeepsTheRest(t *testing.T) {
	kept(t, auth.BudgetOptions{}, func(t *testing.T, b auth.Budget, _ *time.Time) {
		spend(t, b, loginOf("u"))
		spend(t, b, loginOf("u"))
		two := 2
		require.NoError(t, b.ReportForeign(t.Context(), loginOf("u"), auth.Outcome{Left: &two}))
		want := refusal(t, b, loginOf("u"))
		require.NoError(t, b.(auth.SchemeForgetter).ForgetSchemes(t.Context(), loginOf("u")))
		require.Equal(t, want, refusal(t, b, loginOf("u")))
	})
}

func TestStrongestOfALaterProgram(t *testing.T) {
	b := auth.NewMemoryBudget(nil)
	login := auth.Login{Target: device, Credential: auth.Credential{User: "u", Version: "1"}, Service: "http:80"}
	for _, scheme := range []string{"MD5", "SHA-9", "SHA-256", ""} {
		r, err := b.Reserve(t.Context(), login)
		require.NoError(t, err)
		require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictAccepted, Scheme: scheme}))
	}
	r, err := b.Reserve(t.Context(), login)
	require.NoError(t, err)
	require.Equal(t, "SHA-9", r.Strongest(), "what is not known is above the rest")
	require.NoError(t, r.Report(auth.Outcome{Verdict: auth.VerdictUnspent}))

	h := newHost(t, nil)
	_, err = get(t.Context(), transport(t, h.Transport(), right, func(o *auth.TransportOptions) {
		o.Budget, o.Source = b, auth.SourceFunc(func(_ context.Context, _ camsec.Target, _ camsec.Account) (auth.Credential, error) {
			return auth.Credential{User: "u", Secret: camsec.NewSecret([]byte(right)), Version: "1"}, nil
		})
	}), deviceURL)
	require.ErrorIs(t, err, auth.ErrDowngrade)
}
