package wire_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/camsec/camsec/auth/wire"
)

func TestAttemptsLeft(t *testing.T) {
	for text, left := range map[string]int{
		"You still have 22 attempt(s)":    22,
		"0 Attempts left":                 0,
		"attempts: 3":                     -1,
		"no further attempt":              -1,
		"-1 attempts":                     -1,
		"70000 attempts":                  -1,
		"NotAuthorized":                   -1,
		"3 tries":                         -1,
		"2 attempts of 5 attempts":        2,
		"":                                -1,
		"attempt":                         -1,
		"You have 7\tattempts, then wait": 7,
	} {
		assert.Equal(t, left, wire.AttemptsLeft(text), text)
	}
}
