package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/camsec/camsec/auth/internal/filelock"
)

// fileBudget keeps one log of all accounts, and beside it a lock for each that
// is held while a login is in flight. The system drops the lock of a process
// that dies; the try it spent is in the log already.
//
// Each line of the log is the state of one account from then on. Appending
// takes moments under a lock that processes share; making it durable is done
// for all that wait at once, since it costs a disk more than a login costs a
// network.
type fileBudget struct {
	o   BudgetOptions
	dir string
	p   printer

	mu       sync.Mutex // one change at a time
	shared   *os.File   // the lock that processes share; nil: not open yet
	sharedIs os.FileInfo
	log      *os.File
	logIs    os.FileInfo // which file log is
	read     int64       // how much of the log is in ledgers
	ledgers  map[string]ledger
	lines    uint64 // appended by this process
	// The size at which to see whether the log is worth writing anew.
	compactAt int64
	flush     flusher
	flights   flights
	fsync     func(*os.File) error // of the log, for tests that count or fail it
}

const (
	budgetHead = "camsec budget 1\n"
	// maxBudgetLog bounds what is read of a log; a longer one is damaged.
	maxBudgetLog = 256 << 20
	// A log over minCompact is written anew when half of it no longer counts.
	minCompact = 1 << 20
)

// OpenFileBudget returns a Budget kept in dir, which it makes if need be. It
// survives the process, and processes may share it. Files are readable by
// their owner alone and hold no secret: refused credentials are remembered by
// a slow salted hash, accounts by a salted one. A log that cannot be read is
// an error and no login, until a person removes it or calls Reset; what a
// power failure cut off is not one, since nothing was sent by then.
func OpenFileBudget(dir string, o *BudgetOptions) (Budget, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("auth: budget: %w", err)
	}
	b := &fileBudget{o: o.orDefaults(), dir: dir, fsync: (*os.File).Sync}
	b.flush.idle.L = &b.flush.mu
	unlock, err := b.lock(context.Background())
	if err != nil {
		return nil, fmt.Errorf("auth: budget: %w", err)
	}
	defer unlock()
	path := filepath.Join(dir, "salt")
	b.p.salt, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		b.p.salt = newSalt()
		err = replaceFile(path, b.p.salt)
	}
	if err != nil {
		return nil, fmt.Errorf("auth: budget: %w", err)
	}
	if len(b.p.salt) < 16 {
		return nil, fmt.Errorf("auth: budget: %s is damaged", path)
	}
	return b, nil
}

// name is what the login's account is filed under.
func (b *fileBudget) name(l Login) string {
	h := sha256.Sum256(append(slices.Clip(b.p.salt), l.key()...))
	return hex.EncodeToString(h[:16])
}

// lock waits for the lock that processes share while they read and append. The
// file stays open, since opening it costs more than the lock does; if somebody
// has put another in its place, that one is the lock. b.mu is held.
func (b *fileBudget) lock(ctx context.Context) (unlock func(), err error) {
	path := filepath.Join(b.dir, "lock")
	return poll(ctx, func() (func(), error) {
		if b.shared == nil {
			f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
			if err != nil {
				return nil, err
			}
			if b.sharedIs, err = f.Stat(); err != nil {
				_ = f.Close()
				return nil, err
			}
			b.shared = f
		}
		if ok, err := filelock.TryLock(b.shared); !ok {
			return nil, err
		}
		if is, err := os.Stat(path); err != nil || !os.SameFile(is, b.sharedIs) {
			_ = b.shared.Close()
			b.shared = nil
			return nil, nil //nolint:nilerr // the next try makes it
		}
		return b.unlock, nil
	})
}

func (b *fileBudget) unlock() {
	if filelock.Unlock(b.shared) != nil {
		_ = b.shared.Close() // which unlocks
		b.shared = nil
	}
}

// tryFile takes the lock on path, nil if somebody else has it.
func tryFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	ok, err := filelock.TryLock(f)
	if !ok {
		_ = f.Close()
		return nil, err
	}
	return func() { _ = f.Close() }, nil // closing unlocks
}

// poll asks for a lock again and again, because a wait inside the system could
// not be given up with ctx.
func poll(ctx context.Context, try func() (unlock func(), err error)) (unlock func(), err error) {
	wait := time.Millisecond
	for {
		if unlock, err := try(); unlock != nil || err != nil {
			return unlock, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
		wait = min(2*wait, 50*time.Millisecond)
	}
}

// turn waits until no login of the account is in flight, here or in another
// process.
func (b *fileBudget) turn(ctx context.Context, name string) (unlock func(), err error) {
	return poll(ctx, func() (func(), error) {
		unlock, err := b.flights.try(filepath.Join(b.dir, "logins"), name)
		if errors.Is(err, errors.ErrUnsupported) {
			return tryFile(filepath.Join(b.dir, name+".login"))
		}
		return unlock, err
	})
}

// flights are the accounts with a login in flight, each a locked byte of one
// file: a file for each account would cost more than the login.
type flights struct {
	mu   sync.Mutex
	f    *os.File
	busy map[string]bool // a file's own locks do not exclude each other
}

func (fl *flights) try(path, name string) (unlock func(), err error) {
	h := sha256.Sum256([]byte(name))
	at := int64(binary.BigEndian.Uint64(h[:8]) >> 2)
	fl.mu.Lock()
	defer fl.mu.Unlock()
	if fl.busy[name] {
		return nil, nil
	}
	if fl.f == nil {
		if fl.f, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
			return nil, err
		}
		fl.busy = map[string]bool{}
	}
	if ok, err := tryByte(fl.f, at); !ok {
		return nil, err
	}
	fl.busy[name] = true
	return func() {
		fl.mu.Lock()
		defer fl.mu.Unlock()
		delete(fl.busy, name)
		unlockByte(fl.f, at)
	}, nil
}

// replaceFile writes a file so that it is there in full or not at all.
func replaceFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// storeError wraps what is wrong with the files; what ctx says stays bare.
func storeError(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return err
	}
	return fail(KindBudgetStore, err)
}

// change runs f on the ledger of an account. With durable, what came of it is
// on the disk when change returns.
func (b *fileBudget) change(ctx context.Context, name string, durable bool, f func(*ledger) *Error) error {
	line, refusal, err := b.append(ctx, name, f)
	if err == nil && durable {
		err = b.sync(line)
	}
	if refusal != nil {
		return refusal
	}
	return storeError(ctx, err)
}

// append changes a ledger and returns the number of the line that says so,
// zero if there was nothing to change.
func (b *fileBudget) append(ctx context.Context, name string, f func(*ledger) *Error) (line uint64, refusal *Error, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	unlock, err := b.lock(ctx)
	if err != nil {
		return 0, nil, err
	}
	defer unlock()
	if err := b.catchUp(); err != nil {
		return 0, nil, err
	}
	before := b.ledgers[name]
	l := before.clone()
	refusal = f(&l)
	// A refusal may still have put right what a clock set back left ahead.
	if l.same(before) {
		return 0, refusal, nil
	}
	after, err := json.Marshal(l)
	if err != nil {
		return 0, refusal, err
	}
	text := appendLine(nil, name, after)
	if _, err := b.log.Write(text); err != nil {
		b.log = nil // how much of it is there is not known
		return 0, refusal, err
	}
	b.read += int64(len(text))
	b.take(name, l)
	b.lines++
	if b.read > max(b.compactAt, minCompact) {
		text, err := b.live()
		// A failure leaves the old log, which is as good.
		if err == nil && int64(len(text)) < b.read/2 && replaceFile(b.logPath(), text) == nil {
			b.log = nil
		}
		b.compactAt = 4 * int64(len(text))
	}
	return b.lines, refusal, nil
}

func (b *fileBudget) take(name string, l ledger) {
	if l.empty() {
		delete(b.ledgers, name)
		return
	}
	b.ledgers[name] = l
}

func (b *fileBudget) logPath() string { return filepath.Join(b.dir, "log") }

// catchUp reads what other processes have written. The lock is held.
func (b *fileBudget) catchUp() error {
	st, err := os.Stat(b.logPath())
	if errors.Is(err, fs.ErrNotExist) {
		b.log = nil
		if err := replaceFile(b.logPath(), []byte(budgetHead)); err != nil {
			return err
		}
		st, err = os.Stat(b.logPath())
	}
	if err != nil {
		return err
	}
	if b.log != nil {
		if !os.SameFile(st, b.logIs) || st.Size() < b.read {
			b.log = nil // closed by the collector: a sync may be under way
		}
	}
	if err := b.open(); err != nil {
		return err
	}
	if st.Size() == b.read && b.read > 0 {
		return nil
	}
	if err := b.readLog(st.Size(), false); err != nil {
		b.log = nil
		return err
	}
	return nil
}

// open opens the log, if it is not.
func (b *fileBudget) open() error {
	if b.log != nil {
		return nil
	}
	f, err := os.OpenFile(b.logPath(), os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if b.logIs, err = f.Stat(); err != nil {
		_ = f.Close()
		return err
	}
	b.log, b.read, b.ledgers = f, 0, map[string]ledger{}
	return nil
}

// readLog reads the log from where it was left to its end. What follows the
// last whole line was never promised to anybody, and is cut off. With salvage,
// lines that cannot be read are left out; without, they are an error.
func (b *fileBudget) readLog(size int64, salvage bool) error {
	damaged := fmt.Errorf("%s is damaged", b.logPath())
	if size > maxBudgetLog {
		return damaged
	}
	text := make([]byte, size-b.read)
	if _, err := b.log.ReadAt(text, b.read); err != nil {
		return err
	}
	if b.read == 0 {
		rest, ok := bytes.CutPrefix(text, []byte(budgetHead))
		if !ok && !salvage {
			return damaged
		}
		text, b.read = rest, size-int64(len(rest))
	}
	whole := bytes.LastIndexByte(text, '\n') + 1
	for line := range bytes.Lines(text[:whole]) {
		name, l, ok := parseLine(line)
		if !ok && !salvage {
			return damaged
		}
		if ok {
			b.take(name, l)
		}
	}
	b.read += int64(whole)
	if whole < len(text) && !salvage {
		return b.log.Truncate(b.read)
	}
	return nil
}

func appendLine(dst []byte, name string, l []byte) []byte {
	dst = append(dst, "00000000 "...)
	body := len(dst)
	dst = append(append(append(dst, name...), ' '), l...)
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE(dst[body:]))
	hex.Encode(dst[body-9:], sum[:])
	return append(dst, '\n')
}

func parseLine(line []byte) (name string, l ledger, ok bool) {
	sum, body, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
	if !ok || sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(body))) {
		return "", l, false
	}
	name, text, ok := strings.Cut(body, " ")
	return name, l, ok && json.Unmarshal([]byte(text), &l) == nil
}

// live is a log that says what the ledgers say.
func (b *fileBudget) live() ([]byte, error) {
	text := []byte(budgetHead)
	for name, l := range b.ledgers {
		j, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		text = appendLine(text, name, j)
	}
	return text, nil
}

// A flusher makes lines durable for all that wait for them at once.
type flusher struct {
	mu   sync.Mutex
	idle sync.Cond
	busy bool
	done uint64 // lines that are on the disk
}

// sync returns once the line is on the disk.
func (b *fileBudget) sync(line uint64) error {
	fl := &b.flush
	fl.mu.Lock()
	defer fl.mu.Unlock()
	for fl.done < line {
		if fl.busy {
			fl.idle.Wait()
			continue
		}
		fl.busy = true
		fl.mu.Unlock()
		b.mu.Lock()
		err := b.open()
		f, upTo := b.log, b.lines
		b.mu.Unlock()
		if err == nil {
			err = b.fsync(f)
		}
		fl.mu.Lock()
		fl.busy = false
		fl.idle.Broadcast()
		if err != nil {
			return err
		}
		fl.done = max(fl.done, upTo)
	}
	return nil
}

func (b *fileBudget) Reserve(ctx context.Context, login Login) (Reservation, error) {
	mark, err := b.p.mark(login.Credential)
	if err != nil {
		return nil, fail(KindBudgetStore, err)
	}
	mark = login.mark(mark)
	name := b.name(login)
	unlock, err := b.turn(ctx, name)
	if err != nil {
		return nil, storeError(ctx, err)
	}
	r := &reservation{f: func(o Outcome) error {
		defer unlock()
		// A try that is given back need not be on the disk: without, it
		// stays spent.
		durable := o.Verdict != VerdictAccepted && o.Verdict != VerdictUnspent || o.Left != nil || !o.Until.IsZero()
		// The verdict is written even if the caller has given up by now.
		return b.change(context.Background(), name, durable, func(l *ledger) *Error { l.report(b.o, login, mark, o); return nil })
	}}
	if err := b.change(ctx, name, true, func(l *ledger) *Error {
		r.strongest = l.Worked[login.service()]
		return l.reserve(b.o, mark)
	}); err != nil {
		unlock()
		return nil, err
	}
	return r, nil
}

func (b *fileBudget) ReportForeign(ctx context.Context, login Login, o Outcome) error {
	// Not durable: a device tells it again before it is sent a login.
	return b.change(ctx, b.name(login), false, func(l *ledger) *Error { l.foreign(b.o, o); return nil })
}

// ForgetSchemes is durable once it returns.
func (b *fileBudget) ForgetSchemes(ctx context.Context, login Login) error {
	return b.change(ctx, b.name(login), true, func(l *ledger) *Error { l.Worked = nil; return nil })
}

// Reset forgets one account, and of a damaged log what cannot be read.
func (b *fileBudget) Reset(ctx context.Context, login Login) error {
	return storeError(ctx, b.reset(ctx, b.name(login)))
}

func (b *fileBudget) reset(ctx context.Context, name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	unlock, err := b.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if b.catchUp() != nil {
		f, err := os.Open(b.logPath())
		if err != nil {
			return err
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			return err
		}
		b.log, b.read, b.ledgers = f, 0, map[string]ledger{}
		err = b.readLog(st.Size(), true)
		b.log = nil
		if err != nil {
			return err
		}
	}
	delete(b.ledgers, name)
	text, err := b.live()
	if err != nil {
		return err
	}
	b.log = nil // read anew by whoever comes next
	return replaceFile(b.logPath(), text)
}
