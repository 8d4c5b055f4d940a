package camsec

import "fmt"

// A breaker keeps one account from being refused by device after device. It
// lets few visits try an unproven account and more with each that the device
// takes.
type breaker struct {
	name     string
	most     int
	trying   int // visits that may have sent it and are not over
	accepted int
	refused  int
}

// open tells whether the account is not used any more.
func (b *breaker) open() bool { return b.refused >= b.most+b.accepted/20 }

// admits tells whether one more visit may try the account.
func (b *breaker) admits() bool { return b.trying < b.most-b.refused+b.accepted }

// end takes a visit's error, which tells whether the device took the account.
func (b *breaker) end(err error) {
	b.trying--
	switch ReasonOf(err) {
	case "", ReasonForbidden, ReasonNotOffered, ReasonUnparsable:
		b.accepted++
	case ReasonRefused:
		b.refused++
	case ReasonLocked:
		// Others may have locked it, unless no device takes this account.
		if b.accepted == 0 {
			b.refused++
		}
	}
}

func (b *breaker) problem() *Problem {
	return &Problem{
		Code:    ReasonNoCredential,
		Message: fmt.Sprintf("not visited: %d devices refused the account %s, so the run stopped using it", b.refused, printable(b.name)),
	}
}
