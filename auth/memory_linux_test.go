package auth_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/wire"
)

// Devices that send without end must not take the process along. A process of
// its own calls them while the system gives it little more address space than
// it had before the first call: one byte too many ends it.

// memoryLeave is what the calls may take together: 16 MiB is the longest
// reply, which grows into its buffer by doubling.
const memoryLeave = 256 << 20

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	for name := range greedy {
		t.Run(name, func(t *testing.T) {
			h := newBare(t, greedy[name].send)
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemoryProcess$", "-test.v")
			cmd.Env = append(os.Environ(), "CAMSEC_MEMORY_CASE="+name, "CAMSEC_MEMORY_ADDRESS="+h.address, "GOMAXPROCS=2")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%.2000s", out)
			require.Contains(t, string(out), "--- PASS: TestMemoryProcess")
			_, figure, _ := strings.Cut(string(out), "resident: ")
			figure, _, _ = strings.Cut(figure, "\n")
			t.Log("at most", figure)
		})
	}
}

// greedy are the devices, and what their replies come to.
var greedy = map[string]struct {
	send http.HandlerFunc
	kind wire.Kind // zero: the call works
}{
	"case 26: a 401 without end": {send: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			okHandler(w, r)
			return
		}
		w.Header().Set(challenge, md5Challenge)
		w.WriteHeader(http.StatusUnauthorized)
		pour(w, []byte(strings.Repeat("a", 64<<10)))
	}},
	"case 58: a body of 10 GB": {kind: wire.KindTooLarge, send: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "10737418240")
		pour(w, []byte(strings.Repeat("a", 64<<10)))
	}},
	"case 59: chunks without end": {kind: wire.KindTooLarge, send: func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		pour(w, []byte(strings.Repeat("a", 64<<10)))
	}},
	"case 73: 10 GB in gzip": {kind: wire.KindTooLarge, send: func(w http.ResponseWriter, _ *http.Request) {
		// Members of 4 MiB, one after the other: about 10 MB on the wire.
		w.Header().Set("Content-Encoding", "gzip")
		for range 2560 {
			if _, err := w.Write(gzipMember()); err != nil {
				return
			}
		}
	}},
	"case 86: 100 MB of text": {kind: wire.KindTooLarge, send: func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<d>")
		for range 100 {
			if _, err := w.Write(bytes.Repeat([]byte("a"), 1<<20)); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, "</d>")
	}},
}

var gzipMember = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	_, _ = zw.Write(make([]byte, 4<<20))
	_ = zw.Close()
	return b.Bytes()
})

func pour(w io.Writer, piece []byte) {
	for {
		if _, err := w.Write(piece); err != nil {
			return
		}
	}
}

func TestMemoryProcess(t *testing.T) {
	name, address := os.Getenv("CAMSEC_MEMORY_CASE"), os.Getenv("CAMSEC_MEMORY_ADDRESS")
	if name == "" {
		return // not asked to be that process
	}
	rt := transport(t, onWire(t, (&bare{address: address}).dial), right, nil)
	if !raceDetector {
		// The race detector keeps its books in address space.
		size := status(t, "VmSize") + memoryLeave
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: size, Max: size}))
		require.Panics(t, func() {
			_, err := syscall.Mmap(-1, 0, memoryLeave+1, syscall.PROT_READ, syscall.MAP_ANON|syscall.MAP_PRIVATE)
			if err != nil {
				panic(err)
			}
		}, "the limit holds")
	}
	runtime.GC()
	before := status(t, "VmHWM")
	for range 3 {
		runtime.GC() // what earlier calls left is no cost of this one
		_, err := exchange(t, rt, "GET", deviceURL, "")
		if want := greedy[name].kind; want == wire.KindUnknown {
			require.NoError(t, err)
		} else {
			require.Equal(t, want, wire.KindOf(err), "%v", err)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			_, isLogin := err.(*auth.Error) //nolint:errorlint // by itself
			require.False(t, isLogin)
		}
	}
	grown := status(t, "VmHWM") - before
	t.Logf("resident: %d KiB more", grown>>10)
	if !raceDetector {
		// Live memory is at most 24 MiB; the rest is garbage not yet collected.
		require.Less(t, grown, uint64(64<<20))
	}
}

// status reads a size of this process.
func status(t *testing.T, field string) uint64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(b), "\n"+field+":")
	require.True(t, ok)
	n, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
	require.NoError(t, err)
	return n << 10
}
