package isapi_test

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest"
	"github.com/camsec/camsec/isapi"
	"github.com/camsec/camsec/isapi/isapitest"
)

const oldPassword = "Correct-Horse-7"

// A VMS that keeps logging in with a password that was changed locks the
// account for every client behind its address. That is told as a lock with its
// end, costs us no login, and does not make our own password a wrong one; from
// another address nothing is locked.
func TestOthersUseUpTheTries(t *testing.T) {
	for name, from := range map[string]string{"same address": "", "another address": "192.0.2.77"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := benchOver(t, "http", isapitest.CurrentCamera(), nil)
				defer b.stop()
				vms := b.Consume(isapitest.Consumer{From: from, User: "admin", Password: oldPassword, Every: time.Minute})
				time.Sleep(90 * time.Second)
				assert.Equal(t, 1, vms.Answers(http.StatusOK), "as long as it is right it gets in")

				c, err := b.client.SetPassword(t.Context(), "admin", secret(newPassword))
				require.NoError(t, err)
				require.Equal(t, camsec.Applied, c.Outcome)
				mine := isapiClient(t, b, newPassword)
				_, err = mine.DeviceInfo(t.Context())
				require.NoError(t, err)

				time.Sleep(6 * time.Minute) // it comes six times
				assert.Equal(t, 6, vms.Answers(http.StatusUnauthorized))
				assert.Equal(t, 5, b.Host().FailedLogins(), "all of them its")
				asked := b.Host().LockedLogins()
				b.Host().ExpireNonces()
				_, err = mine.DeviceInfo(t.Context())
				if from != "" {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, camsec.ErrLocked)
				locked, ok := errors.AsType[*auth.Error](err)
				require.True(t, ok, "%v", err)
				assert.WithinDuration(t, b.Host().LockedUntil("admin", authtest.DefaultClient), locked.Until, time.Second)
				for range 3 { // nothing is sent until the lock ends
					_, err = mine.DeviceInfo(t.Context())
					require.ErrorIs(t, err, camsec.ErrLocked)
				}
				assert.LessOrEqual(t, b.Host().LockedLogins()-asked, 1)

				vms.SetPassword(newPassword) // somebody told it
				time.Sleep(40 * time.Minute)
				_, err = mine.DeviceInfo(t.Context())
				require.NoError(t, err)
				assert.Equal(t, 5, b.Host().FailedLogins())
			})
		})
	}
}

func isapiClient(t *testing.T, b *bench, password string) *isapi.Client {
	t.Helper()
	c, err := isapi.New("http://camera.test", auth.Static("admin", secret(password)), &isapi.Options{Base: b.Transport()})
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// A recorder goes on with the password that it was told: after a rotation its
// channel fails, and each of its logins is a failed one of the camera's, until
// it is told the new one.
func TestRotationBehindARecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := benchOver(t, "http", isapitest.CurrentCamera(), nil)
		defer cam.stop()
		nvr := benchOver(t, "http", isapitest.Recorder(), nil)
		defer nvr.stop()
		nvr.Attach(1, cam.Device, "192.0.2.2", false)
		require.Equal(t, http.StatusOK, nvr.Dial(1))
		assert.Equal(t, camsec.StateOn, channel(t, nvr, "1").Login)

		c, err := cam.client.SetPassword(t.Context(), "admin", secret(newPassword))
		require.NoError(t, err)
		require.Equal(t, camsec.Applied, c.Outcome)
		for range 3 {
			require.Equal(t, http.StatusUnauthorized, nvr.Dial(1))
		}
		assert.Equal(t, 3, cam.Host().FailedLogins())
		for _, e := range cam.Host().Log() {
			if e.Outcome == authtest.Wrong {
				assert.Equal(t, "192.0.2.2", e.Address)
			}
		}
		ch := channel(t, nvr, "1")
		assert.Equal(t, camsec.StateOff, ch.Login)
		assert.Equal(t, camsec.StateOff, ch.Online)

		c, err = nvr.client.SetChannelCredential(t.Context(), "1", "", secret(newPassword))
		require.NoError(t, err)
		assert.Equal(t, camsec.Applied, c.Outcome)
		assert.Equal(t, camsec.StateOn, channel(t, nvr, "1").Login)
		assert.Equal(t, 3, cam.Host().FailedLogins())
	})
}

// A recorder that pushes overwrites a rotation as soon as it gets in. The new
// password was proven and is no longer right: that costs one failed login and
// is told as a refusal, and the old value is not tried.
func TestRecorderOverwritesARotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cam := benchOver(t, "http", isapitest.CurrentCamera(), nil)
		defer cam.stop()
		nvr := benchOver(t, "http", isapitest.Recorder(), nil)
		defer nvr.stop()
		nvr.Attach(1, cam.Device, "192.0.2.2", true)

		c, err := cam.client.SetPassword(t.Context(), "admin", secret(newPassword))
		require.NoError(t, err)
		require.Equal(t, camsec.Applied, c.Outcome)
		mine := isapiClient(t, cam, newPassword)
		_, err = mine.DeviceInfo(t.Context())
		require.NoError(t, err)
		require.Equal(t, http.StatusUnauthorized, nvr.Dial(1), "it cannot push what it cannot log in for")
		assert.Equal(t, newPassword, cam.Password())

		_, err = nvr.client.SetChannelCredential(t.Context(), "1", "", secret(newPassword))
		require.NoError(t, err)
		assert.Equal(t, nvr.Password(), cam.Password(), "the recorder's own")
		writes := cam.Writes()
		require.Len(t, writes, 2, "ours and the recorder's")
		require.Equal(t, http.StatusOK, nvr.Dial(1), "it goes on with what it pushed")

		failed := cam.Host().FailedLogins()
		cam.Host().ExpireNonces()
		for range 3 {
			_, err = mine.DeviceInfo(t.Context())
			require.ErrorIs(t, err, camsec.ErrUnauthorized)
		}
		assert.LessOrEqual(t, cam.Host().FailedLogins()-failed, 2)
		assert.Len(t, cam.Writes(), 2)
	})
}

func channel(t *testing.T, b *bench, id string) camsec.Channel {
	t.Helper()
	inv, err := b.client.Device().Inventory(t.Context())
	require.NoError(t, err)
	for _, c := range inv.Channels {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("no channel %s", id)
	return camsec.Channel{}
}
