package camsec

// An Outcome says what became of a write. Its zero value is unknown.
type Outcome uint8

// Outcomes.
const (
	OutcomeUnknown Outcome = iota
	Applied
	NotApplied
)

var outcomeNames = [...]string{"unknown", "applied", "not-applied"}

// String returns the outcome's name.
func (o Outcome) String() string { return nameOf(outcomeNames[:], o) }

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the outcome's name; one it does not know is unknown.
func (o *Outcome) UnmarshalText(b []byte) error {
	*o = valueOf[Outcome](outcomeNames[:], b)
	return nil
}

// A Change is what a write did. An outcome is Applied only with a Proof: the
// device's 200 is none.
type Change struct {
	Outcome        Outcome `json:"outcome"`
	RebootRequired bool    `json:"rebootRequired,omitempty"` // holds once the device has restarted
	// Proof says what was seen: "read back", "fresh login", "unchanged: was
	// so already". Empty unless Outcome is Applied.
	Proof string `json:"proof,omitempty"`
}
