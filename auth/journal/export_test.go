package journal

import "os"

// WithSync returns o with another fsync.
func WithSync(o *Options, sync func(*os.File) error) *Options { o.sync = sync; return o }

// WithWrite returns o with another write.
func WithWrite(o *Options, write func(*os.File, []byte) (int, error)) *Options {
	o.write = write
	return o
}
