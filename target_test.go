package camsec_test

import (
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
)

func TestTargetKey(t *testing.T) {
	targets := []camsec.Target{
		{},
		{ID: "a"},
		{Scope: "a"},
		{Scope: "a", ID: "b"},
		{Scope: "a/b"},
		{ID: "a/b"},
		{Scope: "a/", ID: "b"},
		{Scope: "a", ID: "/b"},
		{Scope: `a\`, ID: "b"},
		{Scope: "a", ID: `\b`},
		{Scope: `a\/b`},
		{Scope: `a\`, ID: "/b"},
		{Scope: "a", ID: `\/b`},
		{Scope: "b", ID: "a"},
		{Scope: "a", ID: "B"},
	}
	seen := map[string]camsec.Target{}
	for _, tg := range targets {
		k := tg.Key()
		assert.NotContains(t, seen, k, "%+v and %+v", tg, seen[k])
		seen[k] = tg
	}
	a := camsec.Target{Scope: "s", ID: "i", Address: "10.0.0.5", Labels: map[string]string{"floor": "2"}}
	b := camsec.Target{Scope: "s", ID: "i", Address: "10.0.0.6"}
	assert.Equal(t, a.Key(), b.Key(), "a device keeps its state when its address changes")
	assert.Equal(t, camsec.Target{Address: "x"}.Key(), camsec.Target{ID: "x", Address: "y"}.Key())
}
