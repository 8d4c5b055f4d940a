package camsec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorder takes what a failed assertion prints.
type recorder struct{ out string }

func (r *recorder) Errorf(format string, args ...any) { r.out += fmt.Sprintf(format, args...) }

func TestSecretDoesNotPrint(t *testing.T) {
	const plain = "tr0ub4dor"
	s := camsec.NewSecret([]byte(plain))
	type exported struct{ Password camsec.Secret }
	type hidden struct {
		password camsec.Secret
		list     []camsec.Secret
	}
	shapes := map[string]any{
		"value": s, "pointer": &s, "field": exported{s}, "unexported field": hidden{s, []camsec.Secret{s}},
		"slice": []camsec.Secret{s}, "map": map[string]camsec.Secret{"a": s}, "any": []any{s, &s},
	}
	decimal, hex := strings.Join(strings.Fields(fmt.Sprintf("%d", []byte(plain))), " "), fmt.Sprintf("%x", plain)
	for name, v := range shapes {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%c", "%U", "%p", "%t", "% x"} {
			out := fmt.Sprintf(verb, v)
			for _, leak := range []string{plain, hex, decimal} {
				assert.NotContains(t, out, leak, "%s with %s", name, verb)
			}
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		assert.NotContains(t, string(b), plain, name)
		var r recorder
		assert.Equal(&r, v, "something else")
		assert.NotEmpty(t, r.out)
		assert.NotContains(t, r.out, plain, "%s in a failed test", name)
		assert.NotContains(t, r.out, "74 72 30 75", "%s in a failed test", name)
		for _, h := range []func(*bytes.Buffer) slog.Handler{
			func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var out bytes.Buffer
			slog.New(h(&out)).Info("x", "v", v)
			assert.NotContains(t, out.String(), plain, name)
		}
	}
	assert.NotContains(t, fmt.Errorf("set %v: %w", s, camsec.ErrWeakPassword).Error(), plain)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	assert.JSONEq(t, `"[secret]"`, string(b))
}

func TestSecretIsItsOwnCopy(t *testing.T) {
	in := []byte("one")
	s := camsec.NewSecret(in)
	in[0] = 'X'
	out := s.Reveal()
	assert.Equal(t, "one", string(out))
	out[0] = 'Y'
	assert.Equal(t, "one", string(s.Reveal()))

	assert.False(t, s.Empty())
	assert.True(t, camsec.Secret{}.Empty())
	assert.True(t, camsec.NewSecret(nil).Empty())
	assert.Empty(t, camsec.Secret{}.Reveal())
	assert.Equal(t, "[secret]", camsec.Secret{}.String(), "an empty secret looks like any other")
}
