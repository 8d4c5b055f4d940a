package measure

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// TB is the part of testing.B that this package needs.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// roleVariable tells a process, in its environment, which part it plays.
const roleVariable = "CAMSEC_MEASURE_ROLE"

// Main is what a TestMain calls: it runs the tests, or, in a process that
// [Start] began, the role, with the process's arguments. It does not return.
func Main(m interface{ Run() int }, roles map[string]func(args []string)) {
	name := os.Getenv(roleVariable)
	if name == "" {
		os.Exit(m.Run())
	}
	role := roles[name]
	if role == nil {
		panic("measure: no role " + name)
	}
	role(os.Args[1:])
	os.Exit(0)
}

// Command returns the test program in one of its roles, for tests that need a
// process and measure nothing.
func Command(ctx context.Context, role string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err) // a test program that does not know where it is
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// A Process is the test program once more, in one of its roles.
type Process struct {
	tb   TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	once sync.Once
	done chan struct{} // closed when the process is over
	seen chan Usage
}

// A Usage is what a process took. Peak and Files are sampled, and zero where
// the system has no /proc.
type Usage struct {
	CPU   time.Duration // of user and system
	Peak  float64       // MiB of memory, the most there was
	Files int           // the most that were open at once
}

// Start starts a role with arguments. A number of files above zero is the most
// that the process may have open, which needs a Unix shell. The process ends
// with the benchmark at the latest, when its standard input does.
func Start(tb TB, role string, files int, args ...string) *Process {
	tb.Helper()
	cmd := Command(context.Background(), role, args...) // it ends with its standard input
	if files > 0 {
		limit := "ulimit -n " + strconv.Itoa(files) + ` && exec "$0" "$@"`
		limited := exec.Command("sh", append([]string{"-c", limit}, cmd.Args...)...) //nolint:gosec,noctx // the test program's own words
		limited.Env = cmd.Env
		cmd = limited
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatalf("measure: %v", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatalf("measure: %v", err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatalf("measure: %v", err)
	}
	p := &Process{tb: tb, cmd: cmd, in: in, out: bufio.NewReader(out), done: make(chan struct{}), seen: make(chan Usage, 1)}
	tb.Cleanup(func() { p.end() })
	return p
}

// Watch has the process watched from now on, for what [Process.Wait] returns.
func (p *Process) Watch() { go func() { p.seen <- watch(p.cmd.Process.Pid, p.done) }() }

// Line returns the next line that the process prints.
func (p *Process) Line() string {
	p.tb.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		p.tb.Fatalf("measure: the process says nothing: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

// Ask writes a line to the process and returns the one that it prints.
func (p *Process) Ask(line string) string {
	p.tb.Helper()
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		p.tb.Fatalf("measure: %v", err)
	}
	return p.Line()
}

// Output returns all that the process prints from now on, to its end.
func (p *Process) Output() []byte {
	p.tb.Helper()
	b, err := io.ReadAll(p.out)
	if err != nil {
		p.tb.Fatalf("measure: %v", err)
	}
	return b
}

// Wait waits for the end of the process, whatever its status, and returns what
// it took. Its output must have been read.
func (p *Process) Wait() Usage {
	p.end()
	u := Usage{CPU: p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()}
	select {
	case w := <-p.seen:
		u.Peak, u.Files = w.Peak, w.Files
	case <-time.After(time.Second): // it was not watched
	}
	return u
}

func (p *Process) end() {
	p.once.Do(func() {
		_ = p.in.Close()
		_, _ = io.Copy(io.Discard, p.out)
		_ = p.cmd.Wait()
		close(p.done)
	})
}

// watch samples a process until done. It takes little of its time: listing
// hundreds of files costs more than a request does.
func watch(pid int, done <-chan struct{}) Usage {
	var u Usage
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if d, err := os.Open(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			if names, err := d.Readdirnames(-1); err == nil {
				u.Files = max(u.Files, len(names))
			}
			_ = d.Close()
		}
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)); err == nil {
			if _, rest, ok := strings.Cut(string(b), "VmHWM:"); ok {
				var kib float64
				_, _ = fmt.Sscan(rest, &kib)
				u.Peak = max(u.Peak, kib/1024)
			}
		}
		select {
		case <-tick.C:
		case <-done:
			return u
		}
	}
}
