package trust

import (
	"fmt"
	"maps"
	"sync"
)

// A Store keeps the pins of devices, by camsec.Target.Key. An implementation
// must be safe for concurrent use, must return from SetPin only when the pin
// is kept as durably as the store keeps anything, and must report what it
// cannot read as an error, never as no pin.
type Store interface {
	// Pin returns the pin on record for key, "" if there is none.
	Pin(key string) (string, error)
	// SetPin records pin for key, in place of any other.
	SetPin(key, pin string) error
}

// A OnceStore is a [Store] that can look up and record in one step, so that of
// two first contacts one wins and the other is measured against it. Both
// stores of this package are. For other stores a [FirstUse] policy holds a
// lock of its own, which other policies and processes do not see.
type OnceStore interface {
	Store
	// PinOnce records pin for key if there is none on record, and returns
	// the pin that is then on record.
	PinOnce(key, pin string) (string, error)
}

// Memory is a [OnceStore] that lasts as long as the process. The zero value is
// empty and ready for use; it is safe for concurrent use and must not be
// copied.
type Memory struct {
	mu   sync.Mutex
	pins map[string]string
}

// MemoryStore returns an empty [Memory].
func MemoryStore() *Memory { return new(Memory) }

// Pin implements [Store]. It returns no error.
func (m *Memory) Pin(key string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pins[key], nil
}

// SetPin implements [Store]. A malformed pin is an error.
func (m *Memory) SetPin(key, pin string) error {
	if err := checkPin(pin); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.set(key, pin)
	return nil
}

// PinOnce implements [OnceStore]. A malformed pin is an error.
func (m *Memory) PinOnce(key, pin string) (string, error) {
	if err := checkPin(pin); err != nil {
		return "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known := m.pins[key]; known != "" {
		return known, nil
	}
	m.set(key, pin)
	return pin, nil
}

// Pins returns all pins by key, for [SharedPins].
func (m *Memory) Pins() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.pins)
}

func (m *Memory) set(key, pin string) {
	if m.pins == nil {
		m.pins = make(map[string]string)
	}
	m.pins[key] = pin
}

// A StoreError says that a pin file could not be used. The file is left as it
// is: taking a damaged file for an empty one would accept any key again.
type StoreError struct {
	Path    string
	Damaged bool // read, but torn, garbled or not ours
	Err     error
}

// Error names the file and the cause.
func (e *StoreError) Error() string {
	if e.Damaged {
		return fmt.Sprintf("trust: pin file %q is damaged: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("trust: pin file %q: %v", e.Path, e.Err)
}

// Unwrap returns Err.
func (e *StoreError) Unwrap() error { return e.Err }
