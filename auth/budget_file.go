package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// fileBudget keeps one ledger file an account, and beside it a lock file that
// is held while a login is in flight. The system drops the lock of a process
// that dies; the try it spent is in the ledger already.
type fileBudget struct {
	o   BudgetOptions
	dir string
	p   printer
}

// maxLedger bounds what is read of a ledger file.
const maxLedger = 1 << 20

// OpenFileBudget returns a Budget kept in dir, which it makes if need be. It
// survives the process, and processes may share it. Files are readable by
// their owner alone and hold no secret: refused credentials are remembered by
// a slow salted hash, accounts by a salted one. A file that cannot be read is
// an error and no login, until a person removes it or calls Reset.
func OpenFileBudget(dir string, o *BudgetOptions) (Budget, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("auth: budget: %w", err)
	}
	b := &fileBudget{o: o.orDefaults(), dir: dir}
	unlock, err := b.lock(context.Background(), filepath.Join(dir, "lock"))
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

func (b *fileBudget) path(l Login) string {
	h := sha256.New()
	_, _ = h.Write(b.p.salt)
	_, _ = io.WriteString(h, l.key())
	return filepath.Join(b.dir, hex.EncodeToString(h.Sum(nil)[:16]))
}

// lock waits for the lock on path. It asks again and again, because a wait
// inside the system could not be given up with ctx.
func (b *fileBudget) lock(ctx context.Context, path string) (unlock func(), err error) {
	wait := time.Millisecond
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		ok, err := tryLock(f)
		if ok {
			return func() { _ = f.Close() }, nil // closing unlocks
		}
		_ = f.Close()
		if err != nil {
			return nil, err
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

func (b *fileBudget) load(path string) (ledger, error) {
	var l ledger
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, maxLedger)).Decode(&l); err != nil {
		return ledger{}, fmt.Errorf("%s is damaged: %w", path, err)
	}
	return l, nil
}

func (b *fileBudget) save(path string, l ledger) error {
	data, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return replaceFile(path, data)
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

// change runs f on the ledger of login. The ledger has a lock of its own, held
// for moments, so that a foreign report does not wait for a login in flight.
func (b *fileBudget) change(ctx context.Context, path string, f func(*ledger) *Error) error {
	unlock, err := b.lock(ctx, path+".write")
	if err != nil {
		return storeError(ctx, err)
	}
	defer unlock()
	l, err := b.load(path + ".json")
	if err != nil {
		return storeError(ctx, err)
	}
	before, err := json.Marshal(l)
	if err != nil {
		return storeError(ctx, err)
	}
	refusal := f(&l)
	// A refusal may still have put right what a clock set back left ahead.
	if after, err := json.Marshal(l); err != nil || !bytes.Equal(before, after) {
		if err := b.save(path+".json", l); err != nil && refusal == nil {
			return storeError(ctx, err)
		}
	}
	if refusal != nil {
		return refusal
	}
	return nil
}

func (b *fileBudget) Reserve(ctx context.Context, login Login) (Reservation, error) {
	mark, err := b.p.mark(login.Credential)
	if err != nil {
		return nil, fail(KindBudgetStore, err)
	}
	mark = login.mark(mark)
	path := b.path(login)
	unlock, err := b.lock(ctx, path+".login")
	if err != nil {
		return nil, storeError(ctx, err)
	}
	if err := b.change(ctx, path, func(l *ledger) *Error { return l.reserve(b.o, mark) }); err != nil {
		unlock()
		return nil, err
	}
	return reservation(func(o Outcome) error {
		defer unlock()
		// The verdict is written even if the caller has given up by now.
		return b.change(context.Background(), path, func(l *ledger) *Error { l.report(b.o, mark, o); return nil })
	}), nil
}

func (b *fileBudget) ReportForeign(ctx context.Context, login Login, o Outcome) error {
	return b.change(ctx, b.path(login), func(l *ledger) *Error { l.foreign(b.o, o); return nil })
}

func (b *fileBudget) Reset(ctx context.Context, login Login) error {
	path := b.path(login)
	unlock, err := b.lock(ctx, path+".write")
	if err != nil {
		return storeError(ctx, err)
	}
	defer unlock()
	if err := os.Remove(path + ".json"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storeError(ctx, err)
	}
	return nil
}
