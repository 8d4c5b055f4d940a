package isapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]int{"2147483647": 2147483647, "-2147483648": -2147483648, "0": 0} {
		got := number(&wire.Node{Text: text})
		require.NotNil(t, got, text)
		require.Equal(t, want, *got)
	}
	for _, text := range []string{"2147483648", "-2147483649", "99999999999999999999", "", "x", "1.5"} {
		require.Nil(t, number(&wire.Node{Text: text}), text)
	}
	require.Nil(t, number(nil))
}

func TestWords(t *testing.T) {
	for text, want := range map[string][]string{
		"digest/basic": {"digest", "basic"}, "MD5,SHA256": {"MD5", "SHA256"}, "a b": {"a", "b"}, " /,": {}, "": {}, "digest": {"digest"},
	} {
		require.Equal(t, want, splitWords(text), text)
	}
}

func TestAnyOf(t *testing.T) {
	const on, off, unknown = camsec.StateOn, camsec.StateOff, camsec.StateUnknown
	for _, tc := range []struct {
		states []camsec.State
		want   camsec.State
	}{
		{nil, unknown},
		{[]camsec.State{off}, off},
		{[]camsec.State{off, unknown}, unknown},
		{[]camsec.State{unknown, on}, on},
		{[]camsec.State{off, on}, on},
	} {
		require.Equal(t, tc.want, anyOf(tc.states), "%v", tc.states)
	}
}

// Documents go by their first byte, not by their label.
func TestDocumentsByTheirFirstByte(t *testing.T) {
	read := func(body, contentType string) (*wire.Node, error) {
		return parse(&wire.Response{Header: http.Header{"Content-Type": {contentType}}, Body: []byte(body)}, wire.Small())
	}
	for body, root := range map[string]string{
		`{"A":{"b":1}}`: "A", "\uFEFF \r\n\t" + `{"A":{"b":1}}`: "A", `{"A":{"b":1},"c":2}`: "", `{"A":1}`: "", "<A/>": "A", "\uFEFF\n<A/>": "A",
	} {
		for _, label := range []string{"application/xml", "application/json", "", "text/html"} {
			doc, err := read(body, label)
			require.NoError(t, err, "%s as %s", body, label)
			require.Equal(t, root, doc.Name, body)
		}
	}
	for _, body := range []string{"", " ", "x", "[1]"} {
		_, err := read(body, "application/json")
		require.ErrorIs(t, err, camsec.ErrMalformed, "%q", body)
	}
}
