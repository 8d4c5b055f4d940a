package digest

import "math"

// Pin sets what a session draws and counts by itself to what a published
// vector prints; the next answer has count nc.
func Pin(s *Session, cnonce string, nc uint32) {
	s.cnonce, s.nc = cnonce, nc-1
	if s.c.Sess {
		s.ha1 = s.c.Hash.sum(s.plain + ":" + s.c.Nonce + ":" + cnonce)
	}
}

// Exhaust uses up all counts but one.
func Exhaust(s *Session) { s.nc = math.MaxUint32 - 1 }
