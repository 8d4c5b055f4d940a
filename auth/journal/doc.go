// Package journal keeps a file of what was done that survives whatever
// happens to the process: entries are only ever added, are on the disk when
// [Journal.Append] returns, and are chained by hashes, so that one that was
// changed or taken out afterwards shows.
//
// Many goroutines may append at once; their entries share one write and one
// fsync. A file whose end was torn by a crash is good up to its last whole
// entry. A fleet run that is to go on where it was killed uses [Journal.Run].
//
// The file is one JSON object a line, readable by anybody who may read it:
// put no secret into an entry. Only its owner may, where files have owners'
// rights; on Windows its folder decides. One process writes a journal at a
// time.
//
// Not here yet: starting a new file when one has grown large.
package journal
