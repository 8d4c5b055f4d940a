package camsec_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCollect(t *testing.T) {
	dev := newBench()
	now := day.In(time.FixedZone("", 3600))
	s, err := camsec.Collect(t.Context(), wrapper{dev}, &camsec.CollectOptions{
		Target: camsec.Target{ID: "door"}, Protocol: "bench", Trust: "pinned", Now: func() time.Time { return now },
	})
	require.NoError(t, err)
	assert.Equal(t, day, s.TakenAt, "in UTC")
	assert.Equal(t, "bench", s.Protocol)
	assert.Equal(t, "pinned", s.Trust)
	assert.Len(t, s.Users, 2, "found through the wrapper")
	assert.Equal(t, camsec.StateOn, s.Setting("service.ssh").State)
	assert.Empty(t, s.Errors)

	var b bytes.Buffer
	require.NoError(t, json.NewEncoder(&b).Encode(s))
	back, err := camsec.ReadSnapshot(&b)
	require.NoError(t, err)
	assert.Equal(t, camsec.Judge(s, camsec.Controls(), day), camsec.Judge(back, camsec.Controls(), day),
		"a report can be made again from the file")
}

func TestCollectSpendsNoSecondLogin(t *testing.T) {
	for _, tc := range []struct {
		err  error
		more bool
	}{
		{camsec.ErrUnauthorized, false},
		{camsec.ErrLocked, false},
		{camsec.ErrUntrusted, false},
		{camsec.ErrBusy, false},
		{context.DeadlineExceeded, false},
		{camsec.ErrForbidden, true},
		{camsec.ErrMalformed, true},
		{errors.ErrUnsupported, true},
	} {
		dev := newBench()
		dev.fail["inventory"] = fmt.Errorf("bench: %w", tc.err)
		s, err := camsec.Collect(t.Context(), dev, nil)
		require.ErrorIs(t, err, tc.err)
		require.NotNil(t, s)
		assert.Equal(t, tc.more, len(dev.asked) > 1, "%v: asked %v", tc.err, dev.asked)
		assert.Equal(t, camsec.ReasonOf(tc.err), s.Errors["inventory"].Code)
		if !tc.more {
			r := camsec.Judge(s, site.Apply(camsec.Controls()), day)
			assert.Equal(t, len(r.Results), r.Summary.Unknown, "%v: all unknown", tc.err)
			assert.Nil(t, r.Score)
		}
	}
}

func TestCollectNotesWhatIsMissing(t *testing.T) {
	dev := newBench()
	dev.fail["users"] = camsec.ErrForbidden
	dev.fail["settings"] = camsec.ErrMalformed
	dev.fail["loginState"] = camsec.ErrBusy
	s, err := camsec.Collect(t.Context(), dev, nil)
	require.NoError(t, err)
	assert.Equal(t, camsec.ReasonForbidden, s.Errors["users"].Code)
	assert.Equal(t, camsec.ReasonUnparsable, s.Errors["settings"].Code)
	assert.Equal(t, camsec.ReasonBusy, s.Errors["loginState"].Code)

	s, err = camsec.Collect(t.Context(), plain{inv: dev.inv}, nil)
	require.NoError(t, err)
	assert.Equal(t, camsec.ReasonNotReadable, s.Errors["users"].Code, "the protocol cannot tell")
	assert.False(t, s.TakenAt.IsZero())
}

func TestReadSnapshotRefuses(t *testing.T) {
	for name, doc := range map[string]string{
		"empty": "", "text": "hello", "schema": `{"schema":"camsec.snapshot/99"}`, "none": `{}`,
		"value": `{"schema":"camsec.snapshot/1","settings":[{"id":"a","value":{}}]}`,
		"big":   strings.Repeat(" ", 16<<20+1),
	} {
		_, err := camsec.ReadSnapshot(strings.NewReader(doc))
		require.ErrorIs(t, err, camsec.ErrMalformed, name)
		assert.Less(t, len(err.Error()), 700, name)
	}
}

func TestMissingInterfaces(t *testing.T) {
	ctx, dev := t.Context(), wrapper{plain{}}
	_, err := camsec.Users(ctx, dev)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	_, err = camsec.Settings(ctx, dev)
	require.ErrorIs(t, err, errors.ErrUnsupported)
	c, err := camsec.SetPassword(ctx, dev, camsec.Account{Name: "a"}, camsec.NewSecret([]byte("hunter2")))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Equal(t, camsec.NotApplied, c.Outcome)
	assert.NotContains(t, err.Error(), "hunter2")
	c, err = camsec.SetSetting(ctx, dev, "service.ssh", camsec.ValueOf(false))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	assert.Equal(t, camsec.NotApplied, c.Outcome)
	_, ok := camsec.As[camsec.UserLister](nil)
	assert.False(t, ok)
}
