package camsec_test

import (
	"errors"
	"testing"

	"github.com/camsec/camsec"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckDevicePasses(t *testing.T) {
	require.NoError(t, camsec.CheckDevice(t.Context(), wrapper{newBench()}))
	require.NoError(t, camsec.CheckDevice(t.Context(), plain{inv: newBench().inv}))
}

// The check must see what it is there to see, and nothing else.
func TestCheckDeviceFinds(t *testing.T) {
	minus := -1
	for _, tc := range []struct {
		name   string
		broken func(*bench)
		want   []string
	}{
		{"no vendor, no model", func(b *bench) { b.inv.Vendor, b.inv.Model = "", "" }, []string{"neither vendor nor model"}},
		{"no firmware", func(b *bench) { b.inv.Firmware = camsec.Firmware{} }, []string{"or no firmware"}},
		{
			"deaf to its context", func(b *bench) { b.deafToContext = true },
			[]string{"inventory gave no error", "users gave no error", "settings gave no error"},
		},
		{"name twice", func(b *bench) { b.users[1].Account = b.users[0].Account }, []string{`twice in one store: "admin"`}},
		{"no name", func(b *bench) { b.users[0].Account.Name = "" }, []string{"name empty"}},
		{"role dropped", func(b *bench) { b.users[1].Native = "" }, []string{"must keep the vendor's"}},
		{"setting twice", func(b *bench) { b.settings[3] = b.settings[0] }, []string{"id empty or twice"}},
		{"setting of nobody", func(b *bench) { b.settings[3].ID = "lamp" }, []string{"no x-VENDOR prefix"}},
		{"neither value nor error", func(b *bench) { b.settings[2].Err = nil }, []string{"unknown needs a reason"}},
		{"both", func(b *bench) { b.settings[0].Err = b.settings[2].Err }, []string{"an error and a value"}},
		{"wrong kind", func(b *bench) { b.settings[1] = text("login.lockout.tries", "7") }, []string{"is a string, want a int"}},
		{"state against value", func(b *bench) { b.settings[0].State = camsec.StateOff }, []string{"does not go with value"}},
		{"state on a number", func(b *bench) { b.settings[1].State = camsec.StateOn }, []string{"no switch"}},
		{"evidence of a third kind", func(b *bench) { b.settings[0].Source.Kind = "guessed" }, []string{"evidence kind"}},
		{
			"reason of its own",
			func(b *bench) { b.settings[2].Err = &camsec.Problem{Code: "because"} },
			[]string{"none of the closed list"},
		},
		{"negative tries", func(b *bench) { b.login.TriesLeft = &minus }, []string{"unknown is nil"}},
		{"login state breaks", func(b *bench) { b.fail["loginState"] = camsec.ErrMalformed }, []string{"login state: "}},
		{"users break", func(b *bench) { b.fail["users"] = camsec.ErrMalformed }, []string{"users: "}},
		{"settings break", func(b *bench) { b.fail["settings"] = camsec.ErrMalformed }, []string{"settings: "}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dev := newBench()
			tc.broken(dev)
			holdFindings(t, camsec.CheckDevice(t.Context(), dev), tc.want)
		})
	}
}

func holdFindings(t *testing.T, err error, want []string) {
	t.Helper()
	var joined interface{ Unwrap() []error }
	require.ErrorAs(t, err, &joined)
	require.Len(t, joined.Unwrap(), len(want), "%v", err)
	for i, w := range want {
		assert.ErrorContains(t, joined.Unwrap()[i], w)
	}
}

func TestCheckDeviceStopsAtARefusal(t *testing.T) {
	for _, refusal := range []error{camsec.ErrUnauthorized, camsec.ErrLocked, camsec.ErrUntrusted} {
		dev := newBench()
		dev.fail["inventory"] = refusal
		require.ErrorIs(t, camsec.CheckDevice(t.Context(), dev), refusal)
		assert.Len(t, dev.asked, 1, "a wrong credential costs one login")
	}
}

func TestCheckDeviceWrites(t *testing.T) {
	dev := newBench()
	spare := camsec.Account{Store: camsec.StoreDevice, Name: "spare"}
	require.NoError(t, camsec.CheckDeviceWrites(t.Context(), wrapper{dev}, &camsec.CheckWritesOptions{
		Account: spare, Password: camsec.NewSecret([]byte("New-1")), Setting: "service.ssh",
	}))
	assert.Equal(t, "New-1", dev.passwords[spare])
	assert.Equal(t, camsec.StateOn, dev.settings[0].State, "turned back")

	require.NoError(t, camsec.CheckDeviceWrites(t.Context(), plain{}, nil), "a device without writes refuses them well")

	quiet := newBench()
	require.NoError(t, camsec.CheckDeviceWrites(t.Context(), quiet, nil))
	assert.Equal(t, "b", quiet.passwords[spare], "nil allows no change")
}

func TestCheckDeviceWritesFinds(t *testing.T) {
	lamp := &camsec.CheckWritesOptions{Setting: "service.ssh"}
	for _, tc := range []struct {
		name   string
		broken func(*bench)
		opts   *camsec.CheckWritesOptions
		want   []string
	}{
		{"takes any setting", func(b *bench) { b.anySetting = true }, nil, []string{"no error", "outcome is applied", "a proof"}},
		{"takes any account", func(b *bench) { b.anyAccount = true }, nil, []string{"no error", "outcome is applied", "a proof"}},
		{"no proof", func(b *bench) { b.noProof = true }, lamp, []string{"without proof", "without proof"}},
		{"forgets", func(b *bench) { b.forgetful = true }, lamp, []string{"reads back as before"}},
		{
			"no such switch", func(*bench) {},
			&camsec.CheckWritesOptions{Setting: "service.telnet"},
			[]string{"404"},
		},
		{
			"not a switch", func(*bench) {},
			&camsec.CheckWritesOptions{Setting: "login.lockout.tries"},
			[]string{"not a switch"},
		},
		{
			"failure without error", func(b *bench) { b.silentFailure = true }, nil,
			[]string{"no error", "outcome is unknown", "no error", "outcome is unknown", "no error", "outcome is unknown"},
		},
		{
			"uncertain, and says not applied", func(b *bench) { b.fail["set password"] = camsec.ErrUncertain },
			&camsec.CheckWritesOptions{Account: camsec.Account{Store: camsec.StoreDevice, Name: "spare"}},
			[]string{"does not match", "go together"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dev := newBench()
			tc.broken(dev)
			holdFindings(t, camsec.CheckDeviceWrites(t.Context(), dev, tc.opts), tc.want)
		})
	}
	assert.NotErrorIs(t, camsec.CheckDeviceWrites(t.Context(), newBench(), lamp), errors.ErrUnsupported)
}
