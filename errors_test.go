package camsec_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
)

func TestReasonOf(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want camsec.Reason
	}{
		{nil, ""},
		{camsec.ErrUnauthorized, camsec.ReasonRefused},
		{camsec.ErrNotActivated, camsec.ReasonRefused},
		{camsec.ErrForbidden, camsec.ReasonForbidden},
		{camsec.ErrLocked, camsec.ReasonLocked},
		{camsec.ErrNotFound, camsec.ReasonNotOffered},
		{errors.ErrUnsupported, camsec.ReasonNotOffered},
		{camsec.ErrUntrusted, camsec.ReasonUntrusted},
		{camsec.ErrMalformed, camsec.ReasonUnparsable},
		{camsec.ErrBusy, camsec.ReasonBusy},
		{context.Canceled, camsec.ReasonCancelled},
		{context.DeadlineExceeded, camsec.ReasonUnreachable},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, camsec.ReasonUnreachable},
		{errors.New("odd"), camsec.ReasonUnreachable},
		{errors.Join(camsec.ErrLocked, camsec.ErrUnauthorized), camsec.ReasonLocked},
	} {
		assert.Equal(t, tc.want, camsec.ReasonOf(tc.err), "%v", tc.err)
		if tc.err != nil {
			assert.Equal(t, tc.want, camsec.ReasonOf(fmt.Errorf("isapi: users: %w", tc.err)))
		}
	}
}

func TestProblemOf(t *testing.T) {
	assert.Nil(t, camsec.ProblemOf(nil))
	for _, tc := range []struct {
		err   error
		retry bool
	}{
		{camsec.ErrBusy, true},
		{camsec.ErrLocked, true},
		{context.DeadlineExceeded, true},
		{&net.OpError{Op: "dial", Err: errors.New("reset")}, true},
		{camsec.ErrUnauthorized, false},
		{camsec.ErrUntrusted, false},
		{camsec.ErrMalformed, false},
	} {
		p := camsec.ProblemOf(fmt.Errorf("isapi: %w", tc.err))
		assert.Equal(t, tc.retry, p.Retryable, "%v", tc.err)
		assert.Same(t, p, camsec.ProblemOf(fmt.Errorf("again: %w", p)))
	}
	p := camsec.ProblemOf(errors.New("a\x1b[2J\n\u202eb\xff" + strings.Repeat("x", 5000)))
	assert.NotContains(t, p.Message, "\x1b")
	assert.NotContains(t, p.Message, "\n")
	assert.NotContains(t, p.Message, "\u202e")
	assert.Less(t, len(p.Message), 600)
}

func TestIsPlaceholder(t *testing.T) {
	for _, id := range []string{"", "0", "000000", "00:00:00:00:00:00", "FF-FF-FF-FF-FF-FF", "123456", "Unknown", "null", " "} {
		assert.True(t, camsec.IsPlaceholder(id), "%q", id)
	}
	for _, id := range []string{"02:00:00:00:00:2a", "C1-0042", "1234567", "10"} {
		assert.False(t, camsec.IsPlaceholder(id), "%q", id)
	}
}

func TestReasonOfAProblem(t *testing.T) {
	p := &camsec.Problem{Code: camsec.ReasonLocked, Message: "locked"}
	assert.Equal(t, camsec.ReasonLocked, camsec.ReasonOf(p), "a problem that was saved still says why")
	assert.Equal(t, camsec.ReasonLocked, camsec.ReasonOf(fmt.Errorf("device: %w", p)))
}
