package wire

import (
	"context"

	"github.com/camsec/camsec"
)

// Settings collects the settings of a device for [camsec.SettingsReader],
// document by document: [ReadDocument] reads one, and Add and its sisters file
// what is in it. A document that fails leaves its settings with the error; one
// after which asking on is pointless or harmful, such as a refused login,
// stands for all that follow. It serves one call and one goroutine.
type Settings struct {
	ctx      context.Context //nolint:containedctx // lives for one call
	out      []camsec.Setting
	source   camsec.Source   // of the document at hand
	problem  *camsec.Problem // with it
	stop     error           // after which nothing is asked
	first    error
	answered bool
	silent   int // documents in a row without any answer
}

// NewSettings begins a collection that reads within ctx.
func NewSettings(ctx context.Context) *Settings { return &Settings{ctx: ctx} }

// ReadDocument reads one document, unless an earlier error forbids it, and
// returns what f does, or nothing if that fails. Settings that are filed next
// name the operation as their source.
func ReadDocument[T any](s *Settings, operation string, kind camsec.Evidence, f func(context.Context) (T, error)) (v T) {
	s.Document(operation, kind, nil)
	if s.stop != nil {
		s.problem = camsec.ProblemOf(s.stop)
		return v
	}
	read, err := f(s.ctx)
	if err == nil {
		s.answered, s.silent = true, 0
		return read
	}
	s.problem = camsec.ProblemOf(err)
	// One connection that breaks costs one document; a second in a row means
	// that the device is gone.
	if s.problem.Code == camsec.ReasonUnreachable {
		s.silent++
	} else {
		s.silent = 0
	}
	if Stops(s.ctx, err) && (s.silent != 1 || s.ctx.Err() != nil) {
		s.stop = err
	}
	if s.first == nil {
		s.first = err
	}
	return v
}

// Document begins a document that came by another way than [ReadDocument], or,
// with a problem, did not come.
func (s *Settings) Document(operation string, kind camsec.Evidence, problem *camsec.Problem) {
	s.source, s.problem = camsec.Source{Operation: operation, Kind: kind}, problem
}

// Stopped returns the error after which nothing more is asked; nil if there
// was none.
func (s *Settings) Stopped() error { return s.stop }

// Add files a setting: the document's problem if it has one, else v, else, if
// v holds nothing, why.
func (s *Settings) Add(id, path string, v camsec.Value, why *camsec.Problem) {
	source := s.source
	source.Path = path
	one := camsec.Setting{ID: id, Source: source}
	switch {
	case s.problem != nil:
		one.Err = s.problem
	case v.IsZero():
		one.Err = why
	default:
		one.Value = v
		if v.Kind() == "bool" {
			one.State = camsec.StateOf(v.Bool())
		}
	}
	s.out = append(s.out, one)
}

// NotTold is why a setting is unknown whose document does not hold it.
func NotTold() *camsec.Problem {
	return &camsec.Problem{Code: camsec.ReasonNotReadable, Message: "the device's document does not tell"}
}

// NotOffered is why a setting is unknown that the device does not have.
func NotOffered(what string) *camsec.Problem {
	return &camsec.Problem{Code: camsec.ReasonNotOffered, Message: what}
}

// StateValue is the value of a switch; of an unknown one, none.
func StateValue(state camsec.State) (v camsec.Value) {
	if state != camsec.StateUnknown {
		v = camsec.ValueOf(state == camsec.StateOn)
	}
	return v
}

// State files a switch.
func (s *Settings) State(id, path string, state camsec.State) {
	s.Add(id, path, StateValue(state), NotTold())
}

// Number files a number; nil says nothing.
func (s *Settings) Number(id, path string, n *int) {
	var v camsec.Value
	if n != nil {
		v = camsec.ValueOf(*n)
	}
	s.Add(id, path, v, NotTold())
}

// List files a list of words; an empty one says nothing.
func (s *Settings) List(id, path string, words []string) {
	var v camsec.Value
	if len(words) > 0 {
		v = camsec.ValueOf(words)
	}
	s.Add(id, path, v, NotTold())
}

// Text files a text; an empty one says nothing.
func (s *Settings) Text(id, path, text string) {
	var v camsec.Value
	if text != "" {
		v = camsec.ValueOf(text)
	}
	s.Add(id, path, v, NotTold())
}

// All returns what was filed. The error is the first one, if no document could
// be read.
func (s *Settings) All() ([]camsec.Setting, error) {
	if !s.answered && s.first != nil {
		return s.out, s.first
	}
	return s.out, nil
}

// Stops tells errors after which asking the device more is pointless or
// harmful.
func Stops(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return true
	}
	switch camsec.ReasonOf(err) {
	case camsec.ReasonUntrusted, camsec.ReasonRefused, camsec.ReasonLocked, camsec.ReasonNoCredential,
		camsec.ReasonCancelled, camsec.ReasonUnreachable:
		return true
	}
	return false
}
