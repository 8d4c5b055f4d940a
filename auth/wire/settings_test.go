package wire_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// One document that fails costs its own settings; what speaks of the device or
// of the login ends the asking; and no failure reads as off.
func TestSettings(t *testing.T) {
	gone := errors.New("connection reset")
	for name, tt := range map[string]struct {
		fails []error // of the documents, in turn
		asked int
		err   error
	}{
		"all are read":               {fails: []error{nil, nil, nil}, asked: 3},
		"one is not offered":         {fails: []error{errors.ErrUnsupported, nil, nil}, asked: 3},
		"none can be read":           {fails: []error{camsec.ErrForbidden, camsec.ErrMalformed, errors.ErrUnsupported}, asked: 3, err: camsec.ErrForbidden},
		"refused":                    {fails: []error{nil, camsec.ErrUnauthorized, nil}, asked: 2},
		"refused at once":            {fails: []error{camsec.ErrUnauthorized, nil, nil}, asked: 1, err: camsec.ErrUnauthorized},
		"locked":                     {fails: []error{camsec.ErrLocked, nil, nil}, asked: 1, err: camsec.ErrLocked},
		"one connection breaks":      {fails: []error{gone, nil, nil}, asked: 3},
		"it breaks twice in a row":   {fails: []error{gone, gone, nil}, asked: 2, err: gone},
		"it breaks now and then":     {fails: []error{gone, nil, gone}, asked: 3},
		"forbidden between breakups": {fails: []error{gone, camsec.ErrForbidden, gone}, asked: 3, err: gone},
	} {
		t.Run(name, func(t *testing.T) {
			s, asked := wire.NewSettings(t.Context()), 0
			for i, fail := range tt.fails {
				got := wire.ReadDocument(s, fmt.Sprint("GET ", i), camsec.Documented, func(context.Context) (camsec.State, error) {
					asked++
					return camsec.StateOff, fail
				})
				if fail != nil {
					assert.Equal(t, camsec.StateUnknown, got)
				}
				s.State(fmt.Sprint("s", i), "x/y", got)
			}
			all, err := s.All()
			assert.Equal(t, tt.asked, asked)
			if tt.err != nil {
				require.ErrorIs(t, err, tt.err)
			} else {
				require.NoError(t, err)
			}
			require.Len(t, all, len(tt.fails))
			for i, one := range all {
				assert.Equal(t, camsec.Source{Operation: fmt.Sprint("GET ", i), Path: "x/y", Kind: camsec.Documented}, one.Source)
				read := i < tt.asked && tt.fails[i] == nil
				assert.Equal(t, read, one.Err == nil)
				assert.Equal(t, read, one.State == camsec.StateOff)
			}
			assert.Equal(t, tt.asked < len(tt.fails), s.Stopped() != nil && tt.asked < len(tt.fails))
		})
	}
}

func TestSettingsEndWithTheirContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := wire.NewSettings(ctx)
	wire.ReadDocument(s, "one", camsec.Documented, func(context.Context) (int, error) {
		cancel()
		return 0, ctx.Err()
	})
	wire.ReadDocument(s, "two", camsec.Documented, func(context.Context) (int, error) {
		t.Error("it goes on asking")
		return 0, nil
	})
	require.ErrorIs(t, s.Stopped(), context.Canceled)
}

// What says nothing is unknown, with the reason.
func TestSettingsOfEveryKind(t *testing.T) {
	s := wire.NewSettings(t.Context())
	n := 7
	s.Document("GET x", camsec.Recorded, nil)
	s.State("a", "", camsec.StateOn)
	s.State("b", "", camsec.StateUnknown)
	s.Number("c", "", &n)
	s.Number("d", "", nil)
	s.List("e", "", []string{"v"})
	s.List("f", "", nil)
	s.Text("g", "", "w")
	s.Text("h", "", "")
	s.Add("i", "", camsec.Value{}, wire.NotOffered("no disk"))
	s.Document("GET y", camsec.Recorded, &camsec.Problem{Code: camsec.ReasonForbidden})
	s.Text("j", "", "w")
	all, err := s.All()
	require.NoError(t, err)
	told := map[string]camsec.Reason{}
	for _, one := range all {
		if one.Err != nil {
			assert.True(t, one.Value.IsZero(), one.ID)
			told[one.ID] = one.Err.Code
		}
	}
	assert.Equal(t, map[string]camsec.Reason{
		"b": camsec.ReasonNotReadable, "d": camsec.ReasonNotReadable, "f": camsec.ReasonNotReadable, "h": camsec.ReasonNotReadable,
		"i": camsec.ReasonNotOffered, "j": camsec.ReasonForbidden,
	}, told)
	assert.Equal(t, camsec.StateOn, all[0].State)
	assert.Equal(t, camsec.ValueOf(7), all[2].Value)
}
