package isapi_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/isapi"
)

// A VMS keeps a client for every camera that it knows. Forty thousand of them
// cost at most 4 KiB each while they do nothing, and no goroutine.
func TestIdleClientsAreCheap(t *testing.T) {
	const n, limit = 40_000, 4 << 10
	source := auth.Static("admin", camsec.NewSecret([]byte("secret-1")))
	clients := make([]*isapi.Client, n)
	goroutines := runtime.NumGoroutine()
	before := heap()
	for i := range clients {
		c, err := isapi.New(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), source, nil)
		require.NoError(t, err)
		clients[i] = c
	}
	each := (heap() - before) / n
	t.Logf("%d bytes a client", each)
	assert.LessOrEqual(t, each, uint64(limit))
	assert.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	runtime.KeepAlive(clients)
}

func heap() uint64 {
	var m runtime.MemStats
	for range 2 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
