package wire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func TestParseJSON(t *testing.T) {
	doc := "\xef\xbb\xbf" + ` {"UserCheck": {"lockStatus": "lock", "retryLoginTime": 2, "big": 12345678901234567890,
		"on": true, "none": null, "list": [{"id": 1}, {"id": 2}], "nested": [[" a "], "b"]}, "UserCheck": "EVIL"}` + "\x00"
	root, err := wire.ParseJSON([]byte(doc), wire.Limits{})
	require.NoError(t, err)
	require.True(t, root.Flags.Has(wire.FlagTrailing))
	u := root.Child("UserCheck")
	require.Equal(t, "lock", u.Child("lockStatus").String())
	n, ok := u.Child("retryLoginTime").Int()
	require.True(t, ok)
	require.EqualValues(t, 2, n)
	require.Equal(t, "12345678901234567890", u.Child("big").String())
	on, ok := u.Child("on").Bool()
	require.True(t, on && ok)
	require.True(t, u.Child("none").Has())
	require.Empty(t, u.Child("none").String())
	require.Len(t, u.All("list"), 2)
	require.Equal(t, "2", u.All("list")[1].Child("id").String())
	require.Len(t, u.All("nested"), 2)
	require.Equal(t, "a", u.Child("nested").String())
}

func TestParseJSONRefuses(t *testing.T) {
	for _, tc := range []struct {
		name, doc string
		lim       wire.Limits
		kind      wire.Kind
	}{
		{name: "empty", doc: "\n", kind: wire.KindEmpty},
		{name: "xml", doc: "<d/>", kind: wire.KindContent},
		{name: "array", doc: "[1]", kind: wire.KindContent},
		{name: "cut", doc: `{"a": {"b": 1}`, kind: wire.KindTruncated},
		{name: "cut in a string", doc: `{"a": "s3cr`, kind: wire.KindTruncated},
		{name: "syntax", doc: `{"a": s3cret}`, kind: wire.KindSyntax},
		{name: "deep objects", doc: strings.Repeat(`{"a":`, 200_000), kind: wire.KindTooDeep},
		{name: "deep arrays", doc: `{"a":` + strings.Repeat("[", 200_000), kind: wire.KindTooDeep},
		{name: "many", doc: `{"a":[` + strings.Repeat("1,", 5000) + "1]}", lim: wire.Limits{Tokens: 4000}, kind: wire.KindTooLarge},
		{name: "text", doc: `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, kind: wire.KindTooLarge},
		{name: "document", doc: `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, lim: wire.Small(), kind: wire.KindTooLarge},
	} {
		t.Run(tc.name, func(t *testing.T) {
			root, err := wire.ParseJSON([]byte(tc.doc), tc.lim)
			require.Nil(t, root)
			require.Equal(t, tc.kind.String(), wire.KindOf(err).String(), "%v", err)
			require.ErrorIs(t, err, camsec.ErrMalformed)
			require.NotContains(t, err.Error(), "s3cr")
		})
	}
}
