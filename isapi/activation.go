package isapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/password"
	"github.com/camsec/camsec/auth/wire"
)

// ErrActivated is the error of [Client.Activate] on a device that has a
// password already. Nothing was changed.
var ErrActivated = errors.New("isapi: device is activated already")

// administrator is the account that activation makes.
const administrator = "admin"

// An Activation says whether a device has an administrator's password.
type Activation struct {
	Activated camsec.State
	// Version is the exchange that the device asks for; 0 is not told, which
	// means the legacy one.
	Version int
}

// Activation reads, without a login, whether the device has a password. Devices
// made before 2015 do not know the question and have a default password.
//
//isapi:op GET /SDK/activateStatus
func (c *Client) Activation(ctx context.Context) (Activation, error) {
	op := operation("Activation")
	resp, err := c.send(ctx, c.plain, op, wire.Small())
	if err != nil {
		return Activation{}, err
	}
	doc, err := document(op, resp, wire.Small(), "ActivateStatus")
	if err != nil {
		return Activation{}, err
	}
	a := Activation{Activated: state(doc.Child("Activated"))}
	if v := number(doc.Child("supportVersion")); v != nil {
		a.Version = *v
	}
	if a.Activated == camsec.StateUnknown {
		return a, malformed(op, "no readable Activated element")
	}
	return a, nil
}

// Activate gives a device that has none its administrator's password, and
// proves it by one login as "admin". It needs no login. The password must be
// one that [password.Hikvision] allows, and is checked before anything is
// sent. A device that asks for a newer exchange gets that, see
// [Client.ActivateV3].
//
// Save the password where it survives a crash before you call this: with
// [camsec.ErrUncertain] the device may have it. The password is safe from
// listeners; whoever stands in between learns it unless the device's
// certificate is verified or pinned.
//
// Request and cipher were checked against vectors of an independent program;
// no exchange with a device was recorded.
//
//isapi:op POST /ISAPI/Security/challenge
//isapi:op PUT /ISAPI/System/activate
func (c *Client) Activate(ctx context.Context, secret camsec.Secret) (camsec.Change, error) {
	now, release, err := c.beginActivation(ctx, "Activate", secret)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	if now.Version >= 3 {
		return c.activateV3(ctx, secret)
	}
	key, err := newActivationKey(legacyKeyBits)
	if err != nil {
		return notApplied(err)
	}
	ask, tell := writeOf("Activate"), step(writes, "Activate", 1)
	doc, err := c.challenged(ctx, ask, `<PublicKey>`+element("key", key.public())+`</PublicKey>`, xmlType, "Challenge")
	if err != nil {
		return notApplied(err)
	}
	random, err := key.unwrap(doc.Child("key").String())
	if err != nil {
		return notApplied(err)
	}
	sealed, err := sealLegacy(random, secret)
	if err != nil {
		return notApplied(err)
	}
	return c.activated(ctx, tell, `<ActivateInfo>`+element("password", sealed)+`</ActivateInfo>`, xmlType, secret)
}

// ActivateV3 is [Client.Activate] by the exchange of 2025's firmware, and what
// Activate does on a device that asks for it. Documented by a program that ran
// against such a camera.
//
//isapi:op POST /ISAPI/System/activate/GetChallengeV3?format=json
//isapi:op POST /ISAPI/System/activate/StartActivateV3?format=json
func (c *Client) ActivateV3(ctx context.Context, secret camsec.Secret) (camsec.Change, error) {
	_, release, err := c.beginActivation(ctx, "ActivateV3", secret)
	if err != nil {
		return notApplied(err)
	}
	defer release()
	return c.activateV3(ctx, secret)
}

func (c *Client) activateV3(ctx context.Context, secret camsec.Secret) (camsec.Change, error) {
	key, err := newActivationKey(v3KeyBits)
	if err != nil {
		return notApplied(err)
	}
	ask, tell := writeOf("ActivateV3"), step(writes, "ActivateV3", 1)
	doc, err := c.challenged(ctx, ask, jsonObject("publicKey", key.public()), jsonType, "")
	if err != nil {
		return notApplied(err)
	}
	random, err := key.unwrap(doc.Child("challenge").String())
	if err != nil {
		return notApplied(err)
	}
	sealed, iv, err := sealV3(random, secret, c.random())
	if err != nil {
		return notApplied(err)
	}
	return c.activated(ctx, tell, jsonObject("password", sealed, "iv", iv), jsonType, secret)
}

const (
	xmlType  = `application/xml; charset="UTF-8"`
	jsonType = "application/json"
)

func jsonObject(pairs ...string) string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	b, _ := json.Marshal(m) // strings alone
	return string(b)
}

// beginActivation refuses what can be refused before a device is given a
// password.
func (c *Client) beginActivation(ctx context.Context, name string, secret camsec.Secret) (Activation, func(), error) {
	op := step(writes, name, 1)
	release, err := c.beginWrite(ctx, op)
	if err != nil {
		return Activation{}, nil, err
	}
	if err := password.Check(password.Hikvision, administrator, secret); err != nil {
		release()
		return Activation{}, nil, fmt.Errorf("isapi: %s: %w: %w", op, camsec.ErrWeakPassword, err)
	}
	now, err := c.Activation(ctx)
	if err == nil && now.Activated == camsec.StateOn {
		err = fmt.Errorf("isapi: %s: %w", op, ErrActivated)
	}
	if err != nil {
		release()
		return Activation{}, nil, err
	}
	return now, release, nil
}

// challenged asks for the random value. The device is not changed by it.
func (c *Client) challenged(ctx context.Context, op Operation, body, kind, root string) (*wire.Node, error) {
	a := c.attemptOver(ctx, c.plain, op, []byte(body), kind)
	if err := errors.Join(a.refused, a.lost); err != nil {
		return nil, err
	}
	return document(op, a.reply, wire.Small(), root)
}

// activated sends the password once, finds out what became of it, and logs in.
func (c *Client) activated(ctx context.Context, op Operation, body, kind string, secret camsec.Secret) (camsec.Change, error) {
	a := c.attemptOver(ctx, c.plain, op, []byte(body), kind)
	if a.refused != nil {
		if e, ok := errors.AsType[*Error](a.refused); ok && e.SubStatusCode == "hasActivated" {
			// By somebody else, between our question and now.
			return notApplied(fmt.Errorf("%w: %w", ErrActivated, a.refused))
		}
		return notApplied(a.refused)
	}
	change, err := c.resolve(ctx, op, a, func(ctx context.Context) (likeness, error) {
		now, err := c.Activation(ctx)
		switch {
		case err != nil:
			return likeNeither, err
		case now.Activated == camsec.StateOn:
			return likeWanted, nil
		}
		return likeBefore, nil
	})
	if err != nil || change.Outcome != camsec.Applied {
		return change, err
	}
	if err := c.freshLogin(ctx, administrator, secret); err != nil {
		return uncertain(op, change.RebootRequired, err)
	}
	change.Proof = proofLogin
	return change, nil
}
