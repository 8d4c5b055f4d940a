package isapi_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

// fresh is a camera out of its box.
func fresh(version int) isapitest.Profile {
	p := isapitest.CurrentCamera()
	p.NotActivated, p.ActivateVersion, p.Password = true, version, ""
	return p
}

var first = camsec.NewSecret([]byte("First-Word-42"))

func TestActivate(t *testing.T) {
	for _, version := range []int{0, 3} {
		b := benchOver(t, "http", fresh(version), nil)
		a, err := b.client.Activation(t.Context())
		require.NoError(t, err)
		assert.Equal(t, isapi.Activation{Activated: camsec.StateOff, Version: version}, a)

		change, err := b.client.Activate(t.Context(), first)
		require.NoError(t, err)
		assert.Equal(t, camsec.Change{Outcome: camsec.Applied, Proof: "fresh login"}, change)
		assert.Equal(t, "First-Word-42", b.Password())
		assert.Len(t, b.Writes(), 1)
		assert.Equal(t, 1, b.Host().Logins(), "one login proves it")
		assert.Zero(t, b.Host().FailedLogins())
		for _, s := range b.tap.sent {
			assert.NotContains(t, s.uri+string(s.body), "First-Word-42", "not in the clear, also over http")
		}

		change, err = b.client.Activate(t.Context(), camsec.NewSecret([]byte("Second-Word-42")))
		require.ErrorIs(t, err, isapi.ErrActivated)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Equal(t, "First-Word-42", b.Password(), "a device in use is left alone")
	}
}

func TestActivateRefusesBadPasswordsItself(t *testing.T) {
	for _, bad := range []string{"", "short1", "alllowercase", "nimda", "Seventeen-Words-4"} {
		b := newBench(t, fresh(0), nil)
		change, err := b.client.Activate(t.Context(), camsec.NewSecret([]byte(bad)))
		require.ErrorIs(t, err, camsec.ErrWeakPassword, bad)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		assert.Empty(t, b.tap.sent)
	}
}

func TestActivateMishaps(t *testing.T) {
	for name, tt := range map[string]struct {
		effect isapitest.Effect
		want   camsec.Outcome
	}{
		"answer lost before": {isapitest.LostBefore, camsec.NotApplied},
		"answer lost after":  {isapitest.LostAfter, camsec.Applied},
		"silently ignored":   {isapitest.Ignored, camsec.NotApplied},
	} {
		t.Run(name, func(t *testing.T) {
			b := benchOver(t, "http", fresh(0), &isapi.Options{Settle: time.Millisecond})
			b.Misbehave("PUT /ISAPI/System/activate", isapitest.Behaviour{Effect: tt.effect})
			change, err := b.client.Activate(t.Context(), first)
			assert.Equal(t, tt.want, change.Outcome)
			assert.Equal(t, tt.want == camsec.Applied, err == nil, "%v", err)
			assert.Zero(t, b.Host().FailedLogins())
			if tt.want == camsec.Applied {
				assert.Equal(t, "First-Word-42", b.Password())
			} else {
				assert.Empty(t, b.Password())
			}
		})
	}
}

// The old exchange takes one block, and no more.
func TestActivateTakesSixteenBytes(t *testing.T) {
	b := benchOver(t, "http", fresh(0), nil)
	change, err := b.client.Activate(t.Context(), camsec.NewSecret([]byte("Sixteen-Words-42")))
	require.NoError(t, err)
	assert.Equal(t, camsec.Applied, change.Outcome)
	assert.Equal(t, "Sixteen-Words-42", b.Password())
}

// Somebody else may activate the device between our question and our answer.
func TestActivateAfterSomebodyElse(t *testing.T) {
	for word, already := range map[string]bool{"hasActivated": true, "lowPrivilege": false} {
		b := benchOver(t, "http", fresh(0), nil)
		b.Fail("PUT /ISAPI/System/activate", 403, "<ResponseStatus><statusCode>4</statusCode><subStatusCode>"+word+"</subStatusCode></ResponseStatus>")
		change, err := b.client.Activate(t.Context(), first)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		require.ErrorContains(t, err, word)
		assert.Equal(t, already, errors.Is(err, isapi.ErrActivated))
	}
}

// A device that answers the key with something else is told no password.
func TestActivateChecksTheAnswerToItsKey(t *testing.T) {
	for _, body := range []string{"<Challenge><key>aGVsbG8=</key></Challenge>", "<Challenge/>", "<Other/>", "<html>"} {
		b := newBench(t, fresh(0), nil)
		b.Fail("POST /ISAPI/Security/challenge", 200, body)
		change, err := b.client.Activate(t.Context(), first)
		require.ErrorIs(t, err, camsec.ErrMalformed, body)
		assert.Equal(t, camsec.NotApplied, change.Outcome)
		for _, s := range b.tap.sent {
			assert.NotContains(t, s.uri, "System/activate")
		}
	}
}
