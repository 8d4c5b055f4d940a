package isapitest

import (
	"context"
	"net/http"
	"time"

	"github.com/camsec/camsec/auth/authtest"
)

// visitTime bounds one visit of another client.
const visitTime = 10 * time.Second

// A Consumer is another client of a device, such as a VMS: it logs in with what
// it was once given, right or not, and so uses up the tries that the lock-out
// leaves to its account and address.
type Consumer struct {
	// From is its IP address; empty means authtest.DefaultClient, which is ours,
	// too: behind one router, or on one server, a lock on it is a lock on us.
	From           string
	User, Password string
	// Every is how often it comes by itself; zero means only when told to by
	// Come. The first time is after so long.
	Every time.Duration
}

// A Consumption is a consumer at work on a device.
type Consumption struct {
	d    *Device
	c    Consumer
	seen map[int]int // answers by HTTP status; 0: none. Guarded by d.mu
}

// Consume lets another client loose on the device, until that is closed.
func (d *Device) Consume(c Consumer) *Consumption {
	s := &Consumption{d: d, c: c, seen: map[int]int{}}
	d.mu.Lock()
	defer d.mu.Unlock()
	if c.Every > 0 {
		var timer *time.Timer
		timer = time.AfterFunc(c.Every, func() {
			s.Come()
			d.mu.Lock()
			defer d.mu.Unlock()
			if !d.closed {
				timer.Reset(c.Every)
			}
		})
		d.timers = append(d.timers, timer)
	}
	return s
}

// Come has the client come once, now, and returns the HTTP status of the
// device's answer to its login; zero if there was none.
func (s *Consumption) Come() int {
	s.d.mu.Lock()
	v := authtest.Visitor{Host: s.d.host, From: s.c.From, User: s.c.User, Password: s.c.Password}
	s.d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), visitTime)
	defer cancel()
	status, _, err := v.Do(ctx, http.MethodGet, checkPath, nil)
	if err != nil {
		status = 0
	}
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.seen[status]++
	return status
}

// SetPassword tells the client another password.
func (s *Consumption) SetPassword(password string) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	s.c.Password = password
}

// Answers counts the answers that the client got, by HTTP status; zero are
// those that it did not get.
func (s *Consumption) Answers(status int) int {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	return s.seen[status]
}
