package camsec_test

import (
	"encoding/json"
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValueJSON(t *testing.T) {
	for _, tc := range []struct {
		v    camsec.Value
		wire string
		text string
	}{
		{camsec.Value{}, `null`, "unknown"},
		{camsec.ValueOf(true), `true`, "true"},
		{camsec.ValueOf(false), `false`, "false"},
		{camsec.ValueOf(0), `0`, "0"},
		{camsec.ValueOf(-9007199254740993), `-9007199254740993`, "-9007199254740993"},
		{camsec.ValueOf(""), `""`, ""},
		{camsec.ValueOf("true"), `"true"`, "true"},
		{camsec.ValueOf([]string{}), `[]`, "[]"},
		{camsec.ValueOf([]string{"a", ""}), `["a",""]`, "[a ]"},
	} {
		b, err := json.Marshal(tc.v)
		require.NoError(t, err)
		assert.Equal(t, tc.wire, string(b))
		var back camsec.Value
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, tc.v, back)
		assert.Equal(t, tc.v.Kind(), back.Kind())
		assert.Equal(t, tc.text, tc.v.String())
	}
	for _, bad := range []string{`{}`, `1.5`, `1e400`, `[1]`, `[["a"]]`, `99999999999999999999`} {
		v := camsec.ValueOf(7)
		assert.Error(t, json.Unmarshal([]byte(bad), &v), bad)
	}
}

func TestValueHoldsACopy(t *testing.T) {
	in := []string{"digest"}
	v := camsec.ValueOf(in)
	in[0] = "basic"
	v.Strings()[0] = "basic"
	assert.Equal(t, []string{"digest"}, v.Strings())
	assert.Nil(t, camsec.ValueOf(true).Strings())
	assert.False(t, camsec.ValueOf("true").Bool(), "no value turns into another kind")
}

func TestSettingKnown(t *testing.T) {
	p := &camsec.Problem{Code: camsec.ReasonForbidden}
	assert.False(t, camsec.Setting{}.Known())
	assert.False(t, camsec.Setting{Value: camsec.ValueOf(true), Err: p}.Known())
	assert.True(t, camsec.Setting{Value: camsec.ValueOf(false)}.Known())

	s := camsec.Snapshot{Errors: map[string]*camsec.Problem{"inventory": p}}
	assert.Same(t, p, s.Setting("service.ssh").Err, "why the device was not read at all")
	q := &camsec.Problem{Code: camsec.ReasonBusy}
	s.Errors["settings"] = q
	assert.Same(t, q, s.Setting("service.ssh").Err)
	s = camsec.Snapshot{}
	assert.Equal(t, camsec.ReasonNotReadable, s.Setting("service.ssh").Err.Code)
}

// The zero value of every enumeration is the unknown one, and so is every
// word that is not known.
func TestUnknownWords(t *testing.T) {
	s, r, o := camsec.StateOn, camsec.RoleAdmin, camsec.Applied
	require.NoError(t, json.Unmarshal([]byte(`"enabled"`), &s))
	require.NoError(t, json.Unmarshal([]byte(`"god"`), &r))
	require.NoError(t, json.Unmarshal([]byte(`"ok"`), &o))
	assert.Equal(t, camsec.StateUnknown, s)
	assert.Equal(t, camsec.RoleUnknown, r)
	assert.Equal(t, camsec.OutcomeUnknown, o)
	assert.Equal(t, "unknown", camsec.State(77).String())
	for _, v := range []camsec.State{camsec.StateUnknown, camsec.StateOff, camsec.StateOn} {
		b, err := json.Marshal(v)
		require.NoError(t, err)
		var back camsec.State
		require.NoError(t, json.Unmarshal(b, &back))
		assert.Equal(t, v, back)
	}
}

func TestSettingKindsAreTheCallers(t *testing.T) {
	kinds := camsec.SettingKinds()
	assert.Equal(t, "bool", kinds["service.telnet"])
	assert.Equal(t, "strings", kinds["http.auth"])
	clear(kinds)
	assert.NotEmpty(t, camsec.SettingKinds())
}
