package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// A bar draws a bar for a person who waits for a large file. It draws
// nothing for small ones, and nothing where nobody looks: standard error must
// be a terminal.
type bar struct {
	w     io.Writer
	name  string
	total int64
	next  time.Time
	drawn bool
	now   func() time.Time
}

// barFrom is the size from which on a bar is drawn.
const barFrom = 32 << 20

// bar returns what a pass over a file tells its progress to, nil for none,
// and what ends the bar.
func (e *env) bar(name string, total int64) (tell func(int64), end func()) {
	l, ok := e.stderr.(*lockedWriter)
	if !ok || total < barFrom || !isTerminal(l.w) {
		return nil, func() {}
	}
	p := &bar{w: e.stderr, name: clean(name), total: total, now: time.Now}
	return p.tell, p.end
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

func (p *bar) tell(n int64) {
	now := p.now()
	if now.Before(p.next) && n < p.total {
		return
	}
	p.next = now.Add(100 * time.Millisecond)
	const width = 30
	done := int(n * width / max(1, p.total))
	p.drawn = true
	_, _ = fmt.Fprintf(p.w, "\r%s [%s%s] %3d %%", p.name, strings.Repeat("=", done), strings.Repeat(" ", width-done), n*100/max(1, p.total))
}

// end clears the line.
func (p *bar) end() {
	if p.drawn {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
