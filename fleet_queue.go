package camsec

import (
	"cmp"
	"container/heap"
	"slices"
	"strings"
	"time"
)

// A queue holds the jobs that wait: for their time, or for room. Those that
// need the same room wait in one line, so that looking for one that can start
// costs what there are lines and not what there are jobs.
type queue struct {
	lines map[string][]*job
	order []string // names of lines, by the age of their first
	later laterHeap
}

func newQueue() *queue { return &queue{lines: map[string][]*job{}} }

// lineOf is equal for jobs that need the same room, but for the device's own.
func lineOf(j *job) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(j.levels), func(l string) bool { return l[0] == 'd' }), "\x00") + "\x00" + j.account
}

func (q *queue) put(j *job, now time.Time) {
	if j.ready.After(now) {
		heap.Push(&q.later, j)
		return
	}
	name := lineOf(j)
	line := q.lines[name]
	at, _ := slices.BinarySearchFunc(line, j, func(a, b *job) int { return cmp.Compare(a.seq, b.seq) })
	q.lines[name] = slices.Insert(line, at, j)
	if len(line) == 0 || at == 0 {
		q.sort(name)
	}
}

// sort puts a line where the age of its first job belongs.
func (q *queue) sort(name string) {
	if i := slices.Index(q.order, name); i >= 0 {
		q.order = slices.Delete(q.order, i, i+1)
	}
	line := q.lines[name]
	if len(line) == 0 {
		delete(q.lines, name)
		return
	}
	at, _ := slices.BinarySearchFunc(q.order, line[0].seq, func(name string, seq int) int {
		return cmp.Compare(q.lines[name][0].seq, seq)
	})
	q.order = slices.Insert(q.order, at, name)
}

// take removes the oldest job that fits.
func (q *queue) take(now time.Time, fits func(j, oldest *job) bool) *job {
	for len(q.later) > 0 && !q.later[0].ready.After(now) {
		q.put(heap.Pop(&q.later).(*job), now)
	}
	var oldest *job
	for _, name := range q.order {
		j := q.lines[name][0]
		if oldest == nil {
			oldest = j
		}
		if fits(j, oldest) {
			q.lines[name] = q.lines[name][1:]
			q.sort(name)
			return j
		}
	}
	return nil
}

func (q *queue) empty() bool { return len(q.lines) == 0 && len(q.later) == 0 }

func (q *queue) nextTime() (time.Time, bool) {
	if len(q.later) == 0 {
		return time.Time{}, false
	}
	return q.later[0].ready, true
}

func (q *queue) all() []*job {
	out := slices.Clone([]*job(q.later))
	for _, line := range q.lines {
		out = append(out, line...)
	}
	slices.SortFunc(out, func(a, b *job) int { return cmp.Compare(a.seq, b.seq) })
	return out
}

// laterHeap orders jobs by their time.
type laterHeap []*job

func (h laterHeap) Len() int { return len(h) }
func (h laterHeap) Less(a, b int) bool {
	if c := h[a].ready.Compare(h[b].ready); c != 0 {
		return c < 0
	}
	return h[a].seq < h[b].seq
}
func (h laterHeap) Swap(a, b int) { h[a], h[b] = h[b], h[a] }
func (h *laterHeap) Push(x any)   { *h = append(*h, x.(*job)) }
func (h *laterHeap) Pop() any {
	old := *h
	j := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return j
}
