package journal

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/camsec/camsec"
)

// A Run remembers which targets of one fleet run are finished. It is a
// [camsec.Journal].
type Run struct {
	journal *Journal
	id      json.RawMessage

	mu   sync.Mutex
	done map[string]bool
}

var _ camsec.Journal = (*Run)(nil)

// finished is the kind of its entries.
const finished = "finished"

// Run returns the memory of the run with this id, with what earlier processes
// finished of it.
func (j *Journal) Run(id string) (*Run, error) {
	name, err := json.Marshal(id)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	r := &Run{journal: j, id: name, done: map[string]bool{}}
	for e, err := range Read(j.path) {
		if err != nil {
			return nil, err
		}
		if e.Kind == finished && string(e.Data) == string(name) {
			r.done[e.Key] = true
		}
	}
	return r, nil
}

// Finished tells whether the target with this key is finished.
func (r *Run) Finished(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done[key]
}

// Finish records that it is, and returns when that is durable.
func (r *Run) Finish(ctx context.Context, key string) error {
	if err := r.journal.Append(ctx, Entry{Kind: finished, Key: key, Data: r.id}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done[key] = true
	return nil
}
