package fit

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"io"
	"math"
	"math/big"

	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A Control is what a boot loader's control device tree says of signatures:
// which keys there are, and which of them must have signed what. It is the
// trust anchor of a FIT, and comes from the caller, never from the image.
type Control struct {
	Keys []ControlKey
	// Any tells that one of the required keys is enough (required-mode).
	Any bool
}

// A ControlKey is a key in a control device tree.
type ControlKey struct {
	Name, Hint string
	// Required is "conf", "image", or empty for a key that is only offered.
	Required string
	Key      crypto.PublicKey
}

// ReadControl reads the keys below /signature of a device tree.
func ReadControl(r io.ReaderAt, size int64) (*Control, error) {
	t, err := ReadTree(r, size)
	if err != nil {
		return nil, err
	}
	n := t.Root.Child("signature")
	if n == nil {
		return nil, untrusted.Errorf(t.structOff, "a device tree without /signature holds no keys")
	}
	c := &Control{Any: n.Text("required-mode") == "any"}
	for _, k := range n.Children {
		key := readKey(k)
		if key == nil {
			return nil, untrusted.Errorf(t.structOff, "key %q is neither RSA nor ECDSA, or no whole key", k.Name)
		}
		c.Keys = append(c.Keys, ControlKey{
			Name: text(k.Name), Hint: text(k.Text("key-name-hint")), Required: text(k.Text("required")), Key: key,
		})
	}
	if len(c.Keys) == 0 {
		return nil, untrusted.Errorf(t.structOff, "/signature holds no key")
	}
	return c, nil
}

// readKey returns the key of a node as mkimage -K writes it, nil when it is
// none.
func readKey(n *Node) crypto.PublicKey {
	if m := n.Prop("rsa,modulus"); m != nil {
		e := n.Prop("rsa,exponent")
		if e == nil || len(e.Value) != 8 || len(m.Value) == 0 {
			return nil
		}
		exponent := new(big.Int).SetBytes(e.Value)
		if !exponent.IsInt64() || exponent.Int64() > math.MaxInt32 {
			return nil
		}
		return &rsa.PublicKey{N: new(big.Int).SetBytes(m.Value), E: int(exponent.Int64())}
	}
	curve := map[string]elliptic.Curve{
		"prime256v1": elliptic.P256(), "secp384r1": elliptic.P384(), "secp521r1": elliptic.P521(),
	}[n.Text("ecdsa,curve")]
	x, y := n.Prop("ecdsa,x-point"), n.Prop("ecdsa,y-point")
	if curve == nil || x == nil || y == nil {
		return nil
	}
	size := (curve.Params().BitSize + 7) / 8
	if len(x.Value) > size || len(y.Value) > size {
		return nil
	}
	point := make([]byte, 1+2*size)
	point[0] = 4
	copy(point[1+size-len(x.Value):], x.Value)
	copy(point[1+2*size-len(y.Value):], y.Value)
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil
	}
	return key
}
