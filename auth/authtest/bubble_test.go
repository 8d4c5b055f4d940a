package authtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/camsec/camsec/auth/authtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The in-memory network must stay usable where time is simulated.
func TestInsideABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := authtest.New(authtest.Options{
			Users: map[string]string{"admin": "right"}, Handler: http.HandlerFunc(hello),
			LockAfter: 1, LockFor: time.Hour,
		})
		rt := h.Transport()
		assert.Equal(t, http.StatusUnauthorized, login(t, rt, "admin", "bad").status)
		assert.Equal(t, http.StatusUnauthorized, login(t, rt, "admin", "right").status)
		time.Sleep(time.Hour)
		assert.Equal(t, http.StatusOK, login(t, rt, "admin", "right").status)
		require.NoError(t, h.Close())
	})
}
