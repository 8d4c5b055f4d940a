package onvif

import (
	"github.com/camsec/camsec/auth/wire"
)

// ReadAnswer tells what an answer to an action is taken for: nil for one that
// is its response.
func ReadAnswer(action string, status int, kind string, body []byte) error {
	resp := &wire.Response{Status: status, Header: map[string][]string{"Content-Type": {kind}}, Body: body}
	_, err := readReply(Operation{Action: action}, resp, wire.Limits{}, true)
	return err
}

// BodyElement names the element in the body of an answer.
func BodyElement(body []byte) string {
	doc, err := wire.ParseXML(body, "", wire.Limits{})
	if err != nil || doc.Child("Body") == nil || len(doc.Child("Body").Children) == 0 {
		return ""
	}
	return doc.Child("Body").Children[0].Name
}

// Seconds reads an xs:duration.
var Seconds = seconds
