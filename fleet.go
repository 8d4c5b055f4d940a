package camsec

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"iter"
	"sync"
	"time"
)

// RunOptions say how [Run] visits a fleet. The zero value, and a nil pointer,
// visit 32 devices at once, two of a site's recorder and one visit a device,
// try again three times what may work later, and stop using a credential that
// three devices refuse.
type RunOptions struct {
	Limits Limits
	// Recorder names the recorder that a target is behind, "" for none; nil
	// means the label "via".
	Recorder func(Target) string
	// Account names the credential that a target is visited with, "" for one
	// that no other target has; nil means the label "account". Targets of one
	// account share its limit and its circuit breaker.
	Account func(Target) string

	// Tries is how often a device is visited that is busy or cannot be
	// reached, 0 means 3. A refused login, a lock-out and an untrusted
	// certificate are never tried again.
	Tries int
	// Retry tells which errors to try again after, of those that may pass by
	// themselves; nil means all of them.
	Retry func(error) bool
	// Backoff is the pause before the second try; it doubles with each. 0
	// means 2 seconds. An error with a method Wait() time.Duration, such as a
	// 503's that says when to come back, makes it longer, up to five minutes.
	Backoff time.Duration
	// Refusals is how many devices may refuse an account before it is not
	// used any more, 0 means 3; one more for every twenty devices that took
	// it. As long as an account is unproven no more visits than that are
	// under way with it, so that a wrong one costs no more failed logins.
	Refusals int

	// Waves visit a part of the fleet first; nil visits all at once.
	Waves *Waves
	// Window returns when a target may be visited; nil, or a nil window, is
	// at any time. A visit that has begun is not cut short by its end.
	Window func(Target) *Window
	// Jitter spreads the first visits over this long, by a hash of the
	// target's key, so that not everything begins at once.
	Jitter time.Duration

	// Journal remembers which targets are finished, across processes; those
	// are not visited again.
	Journal Journal
	// Events is told what happens, from the goroutine that ranges over Run.
	Events func(Event)
}

// A Journal remembers which targets of a run are finished. Package
// auth/journal has a durable one.
type Journal interface {
	// Finished tells whether a target with this [Target.Key] is finished.
	Finished(key string) bool
	// Finish records that it is. When it returns nil the record is durable.
	Finish(ctx context.Context, key string) error
}

// A Visit is what became of one target.
type Visit[T any] struct {
	Target Target
	Value  T
	// Err is the visit's error, of the last try. A target that was not
	// visited has one that says why, unless it was finished before.
	Err error
	// Skipped says why the target was not visited; empty if it was.
	Skipped string
	Tries   int
	Wave    int // from 1; 0 without waves
	Took    time.Duration
}

// An Event tells of a run's progress. What is "start", "done", "retry",
// "skip", "wave", "slow" (of a site) or "stop".
type Event struct {
	What    string
	Time    time.Time
	Target  Target // the zero one for "wave" and "stop"; for "slow" one of the site
	Err     error
	Message string
	// Counts so far. Pulled are the targets taken from the sequence.
	Pulled, InFlight, Done, Failed, Skipped int
}

// Run visits targets and yields each with its result as it comes, in no
// order. It takes targets from the sequence only as it can use them, and the
// results of a slow reader wait with the visits that made them, so memory
// does not grow with the fleet (waves have to know it all first). No socket
// and no file is opened here: visit does all I/O, and must return soon after
// its context is done.
//
// Breaking out of the loop, or the end of ctx, starts nothing any more,
// cancels the visits under way and returns when they have; what was not
// visited then is yielded only if ctx ended. A target counts as finished in
// the journal once its result was yielded without an error, so a process that
// is killed repeats at most the visits whose results were not taken.
func Run[T any](ctx context.Context, targets iter.Seq[Target], visit func(context.Context, Target) (T, error), opts *RunOptions) iter.Seq[Visit[T]] {
	return func(yield func(Visit[T]) bool) {
		r := newRunner(opts)
		work, cancel := context.WithCancelCause(ctx)
		var visits sync.WaitGroup
		defer visits.Wait()
		defer cancel(nil)
		defer close(r.gone)
		next, stop := iter.Pull(targets)
		defer stop()

		type result struct {
			job   *job
			visit Visit[T]
		}
		results := make(chan result)
		// hand yields a result and keeps the journal; false ends the run.
		hand := func(v Visit[T]) bool {
			if !yield(v) {
				return false
			}
			if v.Skipped != "" || v.Err != nil || r.Journal == nil {
				return true
			}
			if err := r.Journal.Finish(ctx, v.Target.Key()); err != nil {
				r.tell("stop", Target{}, err, "the journal cannot be written")
				// Work that is not remembered would be done again.
				cancel(fmt.Errorf("camsec: run: journal: %w", err))
			}
			return true
		}
		skip := func(j *job, why string, err error) bool {
			r.skipped++
			r.tell("skip", j.target, err, why)
			return hand(Visit[T]{Target: j.target, Err: err, Skipped: why, Wave: j.wave})
		}
		for {
			for work.Err() == nil {
				j, why, err := r.take(next)
				if j == nil {
					break
				}
				if why != "" {
					if !skip(j, why, err) {
						return
					}
					continue
				}
				r.begin(j)
				visits.Go(func() {
					began := time.Now()
					value, err := visit(work, j.target)
					v := Visit[T]{Target: j.target, Value: value, Err: err, Tries: j.tries, Wave: j.wave, Took: time.Since(began)}
					select {
					case results <- result{j, v}:
					case <-work.Done():
						// The loop may still be there to take it, or gone.
						select {
						case results <- result{j, v}:
						case <-r.gone:
						}
					}
				})
			}
			if work.Err() != nil && r.inFlight == 0 {
				break
			}
			if r.inFlight == 0 && r.idle() {
				break
			}
			var wake <-chan time.Time
			var timer *time.Timer
			if at, ok := r.nextTime(); ok && work.Err() == nil {
				timer = time.NewTimer(time.Until(at))
				wake = timer.C
			}
			ended := work.Done()
			if work.Err() != nil {
				ended = nil // only results are waited for now
			}
			select {
			case res := <-results:
				if again := r.end(res.job, res.visit.Err, work.Err() == nil); again {
					break
				}
				if !hand(res.visit) {
					return
				}
			case <-wake:
			case <-ended:
			}
			if timer != nil {
				timer.Stop()
			}
		}
		if work.Err() == nil {
			return
		}
		// The caller gave up, or the journal failed: the rest is named.
		err := cmp.Or(context.Cause(work), context.Canceled)
		for _, j := range r.rest() {
			if !skip(j, "the run ended first", err) {
				return
			}
		}
		for t, ok := next(); ok; t, ok = next() {
			if !skip(&job{target: t}, "the run ended first", err) {
				return
			}
		}
	}
}

// A job is a target on its way through a run.
type job struct {
	target  Target
	levels  []string // what it needs a token of; see throttle
	account string
	seq     int
	tries   int
	begun   int // which visit of the run it is, from 1
	wave    int
	ready   time.Time // not before
}

// A runner is the state of one run. All of it belongs to the goroutine that
// ranges over Run.
type runner struct {
	RunOptions
	throttle *throttle
	accounts map[string]*breaker
	windows  map[*Window]time.Time
	queue    *queue
	waves    *waveState
	began    time.Time
	drained  bool // the sequence has ended
	gone     chan struct{}

	pulled, inFlight, done, failed, skipped int
	begun                                   int // visits, with those that were tried again
}

func newRunner(opts *RunOptions) *runner {
	r := &runner{accounts: map[string]*breaker{}, windows: map[*Window]time.Time{}, queue: newQueue(), began: time.Now(), gone: make(chan struct{})}
	if opts != nil {
		r.RunOptions = *opts
	}
	r.Tries = cmp.Or(max(r.Tries, 0), 3)
	r.Backoff = cmp.Or(max(r.Backoff, 0), 2*time.Second)
	r.Refusals = cmp.Or(max(r.Refusals, 0), 3)
	if r.Recorder == nil {
		r.Recorder = func(t Target) string { return t.Labels["via"] }
	}
	if r.Account == nil {
		r.Account = func(t Target) string { return t.Labels["account"] }
	}
	r.throttle = newThrottle(r.Limits)
	if r.Waves != nil {
		r.waves = newWaveState(r.Waves)
	}
	return r
}

func (r *runner) tell(what string, t Target, err error, message string) {
	if r.Events != nil {
		r.Events(Event{
			What: what, Time: time.Now(), Target: t, Err: err, Message: message,
			Pulled: r.pulled, InFlight: r.inFlight, Done: r.done, Failed: r.failed, Skipped: r.skipped,
		})
	}
}

// admit makes a job of a target.
func (r *runner) admit(t Target) *job {
	r.pulled++
	j := &job{target: t, account: r.Account(t), seq: r.pulled}
	j.levels = r.throttle.levels(t, r.Recorder(t), j.account)
	j.ready = r.began.Add(r.spread(t))
	return j
}

// take finds what can be visited, or skipped, right now; a nil job if there
// is nothing. The sequence is asked only when nothing at hand can start.
func (r *runner) take(next func() (Target, bool)) (j *job, why string, err error) {
	if r.waves != nil && !r.drained {
		for t, ok := next(); ok; t, ok = next() {
			r.waves.add(r.admit(t))
		}
		r.drained = true
		r.waves.plan()
	}
	now := time.Now()
	if r.waves != nil {
		for _, m := range r.waves.release(now, r.queue) {
			r.tell(m.what, Target{}, nil, m.text)
		}
		if j, why := r.waves.stopped(); j != nil {
			return j, why, &Problem{Code: ReasonCancelled, Message: why}
		}
	}
	for !r.throttle.full() {
		if j := r.queue.take(now, r.fits); j != nil {
			if r.Journal != nil && j.tries == 0 && r.Journal.Finished(j.target.Key()) {
				r.settle(j, nil, true)
				return j, "finished before", nil
			}
			if b := r.breaker(j); b != nil && b.open() {
				err := b.problem()
				r.settle(j, err, true)
				return j, err.Message, err
			}
			if r.Window != nil {
				if w := r.Window(j.target); w != nil && !w.Contains(now) {
					at := r.opens(w, now)
					if at.IsZero() {
						r.settle(j, nil, true)
						return j, "its window never opens", &Problem{Code: ReasonCancelled, Message: "the target's window never opens"}
					}
					if j.ready = at.Add(r.spread(j.target)); !w.Contains(j.ready) {
						j.ready = at // a window shorter than the jitter
					}
					r.queue.put(j, now)
					continue
				}
			}
			return j, "", nil
		}
		if r.drained {
			return nil, "", nil
		}
		t, ok := next()
		if !ok {
			r.drained = true
			return nil, "", nil
		}
		r.queue.put(r.admit(t), now)
	}
	return nil, "", nil
}

// opens is when a window that is closed opens; many targets share one.
func (r *runner) opens(w *Window, now time.Time) time.Time {
	if at := r.windows[w]; at.After(now) {
		return at
	}
	at := w.Next(now)
	r.windows[w] = at
	return at
}

// spread is a target's share of the jitter.
func (r *runner) spread(t Target) time.Duration {
	if r.Jitter <= 0 {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Key()))
	return time.Duration(h.Sum64() % uint64(r.Jitter))
}

// fits tells whether a job's tokens are free, also that of its account.
func (r *runner) fits(j *job, reserved *job) bool {
	if b := r.breaker(j); b != nil && !b.open() && !b.admits() {
		return false
	}
	return r.throttle.fits(j, reserved)
}

func (r *runner) breaker(j *job) *breaker {
	if j.account == "" {
		return nil
	}
	b := r.accounts[j.account]
	if b == nil {
		b = &breaker{name: j.account, most: r.Refusals}
		r.accounts[j.account] = b
	}
	return b
}

func (r *runner) begin(j *job) {
	j.tries++
	r.begun++
	j.begun = r.begun
	r.inFlight++
	r.throttle.acquire(j)
	if b := r.breaker(j); b != nil {
		b.trying++
	}
	if j.tries == 1 {
		r.tell("start", j.target, nil, "")
	}
}

// end takes a visit's result; true if the target will be visited again.
func (r *runner) end(j *job, err error, goOn bool) (again bool) {
	r.inFlight--
	r.throttle.release(j)
	if b := r.breaker(j); b != nil {
		wasOpen := b.open()
		b.end(err)
		if b.open() && !wasOpen {
			r.tell("stop", Target{}, b.problem(), b.problem().Message)
		}
	}
	if goOn {
		if slowed, limit := r.throttle.learn(j, err, r.begun); slowed {
			r.tell("slow", j.target, err, fmt.Sprintf("several devices of site %s are busy or out of reach: %d at once for now", printable(j.target.Scope), limit))
		}
	}
	if err != nil && goOn && j.tries < r.Tries && mayWorkLater(err) && (r.Retry == nil || r.Retry(err)) {
		pause := min(r.Backoff<<min(j.tries-1, 16), max(r.Backoff, time.Minute))
		if asked, ok := errors.AsType[interface {
			error
			Wait() time.Duration
		}](err); ok {
			pause = max(pause, min(asked.Wait(), longestWait))
		}
		// Up to half as long again, so that a site's devices do not come back
		// all at once.
		h := fnv.New64a()
		_, _ = fmt.Fprintf(h, "%s %d", j.target.Key(), j.tries)
		pause += time.Duration(h.Sum64() % uint64(pause/2+1))
		j.ready = time.Now().Add(pause)
		r.tell("retry", j.target, err, fmt.Sprintf("again in %s", pause.Round(time.Second)))
		r.queue.put(j, time.Now())
		return true
	}
	r.done++
	if err != nil {
		r.failed++
	}
	r.settle(j, err, false)
	r.tell("done", j.target, err, "")
	return false
}

// longestWait bounds how long a device may ask to be left alone.
const longestWait = 5 * time.Minute

// settle tells the waves that a job is over.
func (r *runner) settle(j *job, err error, skipped bool) {
	if r.waves != nil {
		r.waves.end(j, err, skipped)
	}
}

// idle tells whether nothing is left to do.
func (r *runner) idle() bool {
	return r.drained && r.queue.empty() && (r.waves == nil || r.waves.over())
}

// nextTime is when something that waits may go on, unless it needs a result
// first.
func (r *runner) nextTime() (time.Time, bool) {
	if r.throttle.full() {
		return time.Time{}, false
	}
	at, ok := r.queue.nextTime()
	if r.waves != nil {
		if w, some := r.waves.nextTime(); some && (!ok || w.Before(at)) {
			at, ok = w, true
		}
	}
	return at, ok
}

// rest are the jobs that were never begun, or wait for another try.
func (r *runner) rest() []*job {
	out := r.queue.all()
	if r.waves != nil {
		out = append(out, r.waves.all()...)
	}
	return out
}

// mayWorkLater tells errors of a device that is busy or out of reach. What
// concerns a login never does, whatever the error also matches.
func mayWorkLater(err error) bool {
	if errors.Is(err, context.Canceled) {
		return false
	}
	switch ReasonOf(err) {
	case ReasonBusy:
		return true
	case ReasonUnreachable:
		return retryable(err)
	}
	return false
}
