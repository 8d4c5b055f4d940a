package cms

import (
	"github.com/camsec/camsec/firmware/internal/sig"
)

// Parse reads a ContentInfo with SignedData, DER or PEM. The error is a
// *[sig.Error].
func Parse(der []byte) (*Message, error) {
	return nil, sig.Errorf(sig.Unsupported, Scheme, "not built yet")
}

// Open prepares the verification of a detached signature, or of one whose
// content is at hand anyway: then the bytes that go by must be those that the
// message carries.
func (m *Message) Open(o Options) (sig.Check, error) {
	return nil, sig.Errorf(sig.Unsupported, Scheme, "not built yet")
}

// Verify verifies a message that carries its content.
func (m *Message) Verify(o Options) (*sig.Result, error) {
	if m.Content == nil {
		return nil, sig.Errorf(sig.Malformed, Scheme, "the message carries no content")
	}
	c, err := m.Open(o)
	if err != nil {
		return nil, err
	}
	return sig.VerifyBytes(c, m.Content)
}
