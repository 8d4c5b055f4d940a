package auth

import "context"

type withoutRetryKey struct{}

// WithoutRetry returns a context whose requests are sent again for nothing but
// a 401, whose sender has not acted on them. Without it a 403 to a login on an
// old nonce is tried once more with a new one, as some recorders need; a write
// should rather be told of the 403.
func WithoutRetry(ctx context.Context) context.Context {
	return context.WithValue(ctx, withoutRetryKey{}, true)
}

func withoutRetry(ctx context.Context) bool {
	on, _ := ctx.Value(withoutRetryKey{}).(bool)
	return on
}
