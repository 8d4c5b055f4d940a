package firmware

import (
	"fmt"
	"slices"
	"strings"

	"github.com/camsec/camsec/firmware/internal/pass"
	"github.com/camsec/camsec/firmware/internal/sig"
)

// judge fills in the axes that need the policy, and decides.
func (x *examination) judge(v *Verifier) {
	x.authenticity(v)
	x.uncovered()
	claims, proven := x.claims()
	x.freshness(v, claims, proven)
	x.fitness(v, claims, proven)
	x.decide(v)
}

// authenticity says who stands for the image.
func (x *examination) authenticity(v *Verifier) {
	a := &x.report.Authenticity
	var failed []*opening
	x.units()
	for _, o := range x.opened {
		if o.err == nil && !o.detached && x.report.Integrity.Status == IntegrityBroken {
			o.err = sig.Errorf(sig.Invalid, "", "the signature is right, but what it vouches for is not: %s", x.report.Integrity.Reason)
			o.result = nil
		}
		if o.err != nil {
			failed = append(failed, o)
			continue
		}
		x.accept(o)
	}
	x.statement()
	switch pinned := v.digests[x.report.SHA256]; {
	case a.Status == AuthenticityInvalid: // a statement that contradicts
	case len(a.Signers) > 0:
		a.Status = AuthenticityVerified
		first := a.Signers[0]
		a.By, a.Algorithm, a.Anchor = first.By, first.Algorithm, first.Anchor
		x.setAside(failed)
	case pinned && !anyInvalid(failed):
		a.Status = AuthenticityVerified
		a.By, a.Algorithm, a.Anchor = "whoever pinned the digest", "SHA-256", "sha256:"+x.report.SHA256
		x.setAside(failed)
	case len(failed) > 0:
		a.Status, a.Reason = worst(failed)
	case x.parsed.opaque != "":
		a.Status, a.Reason = AuthenticityNotVerifiable, x.parsed.opaque
	case x.foul != nil:
		a.Status, a.Reason = AuthenticityNotVerifiable, "the image is malformed: what a signature would stand for cannot be told"
	default:
		a.Status, a.Reason = AuthenticityUnsigned, "there is no signature, neither in the image nor beside it"
	}
}

// units lets signatures of parts count together only: of every part one must
// have verified, or none stands for the image. Where the image holds
// something that cannot be held against what is signed, none does either.
func (x *examination) units() {
	if x.parsed.opaque != "" {
		for _, o := range x.opened {
			if !o.detached && o.err == nil {
				o.err, o.result = sig.Errorf(sig.Unsupported, "", "it verifies, but %s", x.parsed.opaque), nil
			}
		}
	}
	missing := x.parsed.unsigned
	verified, failed := map[string]bool{}, map[string]error{}
	for _, o := range x.opened {
		if o.err == nil {
			verified[o.unit] = true
		} else if failed[o.unit] == nil {
			failed[o.unit] = o.err
		}
	}
	for _, o := range x.opened {
		if o.unit != "" && !verified[o.unit] {
			missing = append(missing, fmt.Sprintf("%s: %v", o.unit, failed[o.unit]))
		}
	}
	if len(missing) == 0 {
		return
	}
	for _, o := range x.opened {
		if o.unit != "" && o.err == nil {
			o.err = sig.Errorf(sig.Invalid, "", "it verifies, but does not stand for the whole image: %s", missing[0])
			o.result = nil
		}
	}
}

// accept adds the signers of a signature that verified.
func (x *examination) accept(o *opening) {
	r := o.result
	add := func(s Signer) {
		s.Detached = o.detached
		for _, have := range x.report.Authenticity.Signers {
			if have.Anchor == s.Anchor && have.By == s.By {
				return // one signer counts once, however often he signs
			}
		}
		x.report.Authenticity.Signers = append(x.report.Authenticity.Signers, s)
	}
	add(Signer{By: r.By, Algorithm: r.Algorithm, Anchor: r.Anchor, SignedAt: r.SigningTime, Comment: r.TrustedComment})
	for _, s := range r.Others {
		add(Signer{By: s.By, Algorithm: s.Algorithm, Anchor: s.Anchor, SignedAt: s.SigningTime})
	}
	for _, n := range append(slices.Clone(r.Notes), o.leavesOut) {
		if n != "" {
			x.report.because("note: " + n)
		}
	}
}

// setAside tells of signatures that do not count beside others that do.
func (x *examination) setAside(failed []*opening) {
	for _, o := range failed {
		x.report.because(fmt.Sprintf("note: %s does not count: %v", o.name, o.err))
	}
}

func anyInvalid(failed []*opening) bool {
	for _, o := range failed {
		if sig.KindOf(o.err) == sig.Invalid {
			return true
		}
	}
	return false
}

// worst tells what signatures that all failed come to. One that cannot be
// verified here, or has no anchor, says nothing against the image.
func worst(failed []*opening) (AuthenticityStatus, string) {
	status := AuthenticityNotVerifiable
	var reason string
	for _, o := range failed {
		s := AuthenticityInvalid
		switch sig.KindOf(o.err) {
		case sig.Unsupported, sig.NoAnchor:
			s = AuthenticityNotVerifiable
		}
		if reason == "" || s == AuthenticityInvalid && status != s {
			status, reason = s, fmt.Sprintf("%s: %v", o.name, o.err)
		}
	}
	return status, reason
}

// uncovered says which bytes nothing that was proven reaches.
func (x *examination) uncovered() {
	if x.foul != nil {
		if x.size > 0 && x.report.Authenticity.Status != AuthenticityVerified {
			x.report.Uncovered = []Range{{0, x.size, "the image is malformed: nothing in it was looked into"}}
		}
		return
	}
	var spans []pass.Span
	a := &x.report.Authenticity
	switch {
	case a.Status == AuthenticityVerified && len(a.Signers) == 0: // pinned
		return
	case a.Status == AuthenticityVerified:
		for _, o := range x.opened {
			if o.err == nil {
				spans = append(spans, o.covers...)
			}
		}
	default:
		for _, c := range x.checks {
			spans = append(spans, c.Covered()...)
		}
	}
	x.report.Uncovered = x.parsed.uncovered(x.size, spans)
}

// decide makes the verdict.
func (x *examination) decide(v *Verifier) {
	r := x.report
	var rejected, unknown bool
	reject := func(format string, args ...any) {
		rejected = true
		r.because(fmt.Sprintf(format, args...))
	}
	cannotTell := func(format string, args ...any) {
		unknown = true
		r.because(fmt.Sprintf(format, args...))
	}
	if r.Integrity.Status == IntegrityBroken {
		reject("the image is broken: %s", r.Integrity.Reason)
	}
	switch r.Authenticity.Status {
	case AuthenticityVerified:
	case AuthenticityNotVerifiable:
		cannotTell("authenticity cannot be verified: %s", r.Authenticity.Reason)
	default:
		reject("%s: %s", r.Authenticity.Status, r.Authenticity.Reason)
	}
	if len(v.digests) > 0 && !v.digests[r.SHA256] {
		reject("the image is none of those whose digests are pinned")
	}
	x.decideSigners(v, reject)
	if st := r.Authenticity.Statement; st != nil {
		if err := st.inForce(v.now()); err != nil {
			reject("%v", err)
		}
	}
	if v.policy.Running != nil {
		x.decideFreshness(v, reject, cannotTell)
	}
	if v.policy.Device != nil {
		switch r.Fitness.Status {
		case FitnessFits:
		case FitnessDiffers:
			reject("the image is for another device: %s", r.Fitness.Reason)
		default:
			cannotTell("whether the image is for the device cannot be told: %s", r.Fitness.Reason)
		}
	}
	switch {
	case rejected:
		r.Verdict = Rejected
	case unknown:
		r.Verdict = NotVerifiable
	default:
		r.Verdict = Accepted
		r.because(strings.TrimSuffix(fmt.Sprintf("verified by %s, %s, which rests on %s", r.Authenticity.By, r.Authenticity.Algorithm, r.Authenticity.Anchor), ", which rests on "))
	}
}

// decideSigners holds the signers against how many, and which, are demanded.
func (x *examination) decideSigners(v *Verifier, reject func(string, ...any)) {
	a := &x.report.Authenticity
	if a.Status != AuthenticityVerified {
		return // told already
	}
	holders := map[string]bool{}
	for _, s := range a.Signers {
		if key, ok := v.holders[s.Anchor]; ok {
			holders[key] = true
		} else {
			holders[s.By] = true
		}
	}
	if n := v.signers(); len(holders) < n {
		reject("%d of %d signers stand for the image", len(holders), n)
	}
	if v.policy.Countersigned && a.Statement == nil {
		reject("no owner's countersignature with a statement stands for the image")
	}
}
