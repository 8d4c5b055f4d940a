package isapi

import (
	"context"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// The ways around a password: who owns the answers, or the mailbox, owns the
// device. What is read here is whether they are open, never what they hold.
// The bodies are those of the vendor's guide for network cameras (XML_SecurityQuestion,
// JSON_SecurityEmail, JSON_DoubleVerification); no device's answer was
// recorded. All three want an administrator.

// SecurityQuestions are the questions by which a password can be reset. The
// device never gives the answers.
type SecurityQuestions struct {
	// Set is on if at least one question has an answer, off if the device
	// marks every one as not set.
	Set camsec.State
	// Marked is how many have one.
	Marked int
}

// SecurityQuestions reads whether a password can be reset by questions.
//
//isapi:op GET /ISAPI/Security/questionConfiguration
func (c *Client) SecurityQuestions(ctx context.Context) (SecurityQuestions, error) {
	n, err := c.get(ctx, "SecurityQuestions", wire.Small(), "SecurityQuestion")
	if err != nil {
		return SecurityQuestions{}, err
	}
	list := n.Child("QuestionList")
	if !list.Has() {
		return SecurityQuestions{}, malformed(operation("SecurityQuestions"), "no QuestionList")
	}
	var q SecurityQuestions
	marks := []camsec.State{}
	for _, question := range list.All("Question") {
		mark := state(question.Child("mark"))
		if mark == camsec.StateOn {
			q.Marked++
		}
		marks = append(marks, mark)
	}
	q.Set = anyOf(marks)
	return q, nil
}

// RecoveryMail reads whether there is an address that codes for resetting the
// password are sent to: on or off. The address itself, which devices mask in
// part, is not handed out.
//
//isapi:op GET /ISAPI/Security/email/parameter?format=json
func (c *Client) RecoveryMail(ctx context.Context) (camsec.State, error) {
	n, err := c.get(ctx, "RecoveryMail", wire.Small(), "SecurityEmail", "")
	if err != nil {
		return camsec.StateUnknown, err
	}
	if n.Name == "" && !n.Child("SecurityEmail").Has() {
		return camsec.StateUnknown, malformed(operation("RecoveryMail"), "no SecurityEmail")
	}
	for _, address := range n.FindAll("emailAddress") {
		if address.String() != "" {
			return camsec.StateOn, nil
		}
	}
	return camsec.StateOff, nil
}

// DoubleVerification reads whether playback and download on a recorder want a
// second person's login.
//
//isapi:op GET /ISAPI/Security/doubleVerification?format=json
func (c *Client) DoubleVerification(ctx context.Context) (camsec.State, error) {
	n, err := c.get(ctx, "DoubleVerification", wire.Small(), "DoubleVerification", "")
	if err != nil {
		return camsec.StateUnknown, err
	}
	s := state(n.Find("enable"))
	if s == camsec.StateUnknown {
		return s, malformed(operation("DoubleVerification"), "no readable enable")
	}
	return s, nil
}
