package wire

import "time"

// Limits bound one exchange and one document. A field that is zero has its
// default, a negative one is taken as the default too, except for the two
// durations, where negative means no limit.
type Limits struct {
	Header int64 // bytes of reply headers, default 64 KiB
	Body   int64 // bytes of body, also after decompression, default 16 MiB
	Drain  int64 // bytes of an unwanted body read to keep the connection, default 64 KiB
	Depth  int   // nesting of a document, default 64
	Tokens int   // tokens of a document, default 1,000,000
	Attrs  int   // attributes of one element, default 256
	Text   int   // bytes of one element's own text, default 1 MiB

	BodyIdle time.Duration // longest wait for the next bytes of a body, default 10 s
	Total    time.Duration // longest duration of an exchange, default 30 s
}

// Small returns the limits for small documents: 1 MiB of body, else the
// defaults.
func Small() Limits { return Limits{Body: 1 << 20} }

// WithTimeouts returns the limits with BodyIdle and Total taken from t.
func (l Limits) WithTimeouts(t Timeouts) Limits {
	t = t.OrDefaults()
	l.BodyIdle, l.Total = t.BodyIdle, t.Total
	return l
}

// OrDefaults returns the limits with every unset field at its default.
func (l Limits) OrDefaults() Limits {
	l.Header = orDefault(l.Header, 64<<10)
	l.Body = orDefault(l.Body, 16<<20)
	l.Drain = orDefault(l.Drain, 64<<10)
	l.Depth = orDefault(l.Depth, 64)
	l.Tokens = orDefault(l.Tokens, 1_000_000)
	l.Attrs = orDefault(l.Attrs, 256)
	l.Text = orDefault(l.Text, 1<<20)
	if l.BodyIdle == 0 {
		l.BodyIdle = defaultBodyIdle
	}
	if l.Total == 0 {
		l.Total = defaultTotal
	}
	return l
}

func orDefault[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}
