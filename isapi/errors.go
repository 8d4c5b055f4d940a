package isapi

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// An Error is a device's refusal in its own words, whether it came as XML or
// as JSON. With [errors.Is] it matches the value of package camsec that it
// means, or [errors.ErrUnsupported]; a refusal whose meaning the device does
// not tell, such as a bare 403, matches none.
type Error struct {
	Op            string // GET /ISAPI/System/Network/ssh
	HTTPStatus    int
	StatusCode    int // of the body; 0 if it has none
	StatusString  string
	SubStatusCode string
	ErrorCode     string // as the device writes it, decimal or hex
	ErrorMsg      string
}

// Error tells operation, status and sub-status. The device's free text is
// left out, as it may repeat what was sent.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "isapi: %s: HTTP %d", e.Op, e.HTTPStatus)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ", status %d", e.StatusCode)
	}
	if e.SubStatusCode != "" {
		fmt.Fprintf(&b, ", %s", clean(e.SubStatusCode))
	} else if e.StatusString != "" {
		fmt.Fprintf(&b, ", %s", clean(e.StatusString))
	}
	return b.String()
}

// Is reports whether target is what the refusal means.
func (e *Error) Is(target error) bool {
	m := e.meaning()
	return m != nil && target == m
}

// Reason tells that a refusal whose meaning the device does not tell is an
// answer all the same.
func (e *Error) Reason() camsec.Reason {
	if e.meaning() == nil {
		return camsec.ReasonNotReadable
	}
	return ""
}

// subStatus maps the vendor's sub-status words, lower-cased, vendor's own
// spelling mistakes included, to what they mean. The numbers beside them
// differ between editions of the guide, so they are not used.
var subStatus = map[string]error{
	"notsupport": errors.ErrUnsupported, "methodnotallowed": errors.ErrUnsupported,
	"lowprivilege": camsec.ErrForbidden, "badauthorization": camsec.ErrForbidden,
	"theaccountisnotactivated": camsec.ErrForbidden, "needdoubleverification": camsec.ErrForbidden,
	"forbiddenip":    camsec.ErrForbidden,
	"notactivated":   camsec.ErrNotActivated,
	"deviceislocked": camsec.ErrLocked, "locked": camsec.ErrLocked,
	"devicebusy": camsec.ErrBusy, "upgrading": camsec.ErrBusy, "nomemory": camsec.ErrBusy,
	"serviceunavailable": camsec.ErrBusy, "sesssionuserreacheslimit": camsec.ErrBusy, "loginnumexceedlimit": camsec.ErrBusy,
	"riskpassword": camsec.ErrWeakPassword, "userpwdlenunder8": camsec.ErrWeakPassword,
	"userpwdnamesame": camsec.ErrWeakPassword, "userpwdnamemirror": camsec.ErrWeakPassword,
	"passwordmustcontainmorethan8characters": camsec.ErrWeakPassword,
	"passwordmustcontainmorethan2types":      camsec.ErrWeakPassword,
	"passwordlennomorethan16":                camsec.ErrWeakPassword,
	"illegalpassword":                        camsec.ErrWeakPassword,
	"cannotsameasoldpassword":                camsec.ErrWeakPassword,
	"userinexistence":                        camsec.ErrNotFound, "certificatenotexist": camsec.ErrNotFound,
	"incorrentusernameorpassword": camsec.ErrUnauthorized,
	"incorrectusernameorpassword": camsec.ErrUnauthorized,
	"passerror":                   camsec.ErrUnauthorized, "loginpassworderror": camsec.ErrUnauthorized,
}

// told tells whether the device's own word has a meaning to us.
func (e *Error) told() bool {
	_, ok := subStatus[strings.ToLower(e.SubStatusCode)]
	return ok
}

// aboutRequest tells a 403 whose words are about what was asked for, so that
// no other login would be answered otherwise.
func aboutRequest(resp *http.Response, body []byte) bool {
	doc, err := parse(&wire.Response{Status: resp.StatusCode, Header: resp.Header, Body: body}, wire.Small())
	if err != nil {
		return false
	}
	e, ok := errors.AsType[*Error](refusal(Operation{}, resp.StatusCode, doc))
	if !ok {
		return false
	}
	switch strings.ToLower(e.SubStatusCode) {
	case "notsupport", "methodnotallowed", "lowprivilege":
		return true
	}
	return false
}

func (e *Error) meaning() error {
	sub := strings.ToLower(e.SubStatusCode)
	if m, ok := subStatus[sub]; ok {
		return m
	}
	if e.StatusCode == 2 {
		return camsec.ErrBusy
	}
	switch e.HTTPStatus {
	case http.StatusUnauthorized:
		return camsec.ErrUnauthorized
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		if sub == "" {
			return errors.ErrUnsupported
		}
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return camsec.ErrBusy
	}
	return nil
}

// refusal returns the error that an answer tells, nil if it tells none. doc
// is nil if the body could not be read as a document.
func refusal(op Operation, status int, doc *wire.Node) error {
	e := &Error{Op: op.String(), HTTPStatus: status}
	isStatus := false
	if doc != nil {
		switch {
		case strings.EqualFold(doc.Name, "ResponseStatus"),
			doc.Name == "" && doc.Child("statusCode") != nil:
			isStatus = true
		case strings.EqualFold(doc.Name, "userCheck") && strings.HasPrefix(strings.ToLower(doc.Child("lockStatus").String()), "lock"):
			e.SubStatusCode = "locked"
		}
	}
	if isStatus {
		if v, ok := doc.Child("statusCode").Int(); ok && v >= 0 && v < 1<<16 {
			e.StatusCode = int(v)
		}
		e.StatusString = doc.Child("statusString").String()
		e.SubStatusCode = doc.Child("subStatusCode").String()
		if e.SubStatusCode == "" {
			e.SubStatusCode = doc.Child("subStatusString").String()
		}
		e.ErrorCode = doc.Child("errorCode").String()
		e.ErrorMsg = doc.Child("errorMsg").String()
		if strings.HasPrefix(strings.ToLower(doc.Child("lockStatus").String()), "lock") {
			e.SubStatusCode = "locked"
		}
	}
	if status < 200 || status > 299 {
		return e
	}
	if isStatus && !succeeded(e, doc) {
		return e
	}
	return nil
}

// succeeded tells whether a ResponseStatus that came with a 2xx is a success:
// 0 and 1 are, and 7, which asks for a restart. "riskPassword" is documented
// with status 1, too, and is none.
func succeeded(e *Error, doc *wire.Node) bool {
	if _, ok := doc.Child("statusCode").Int(); !ok {
		return false
	}
	switch e.StatusCode {
	case 0, 1, 7:
		sub := strings.ToLower(e.SubStatusCode)
		return sub == "" || sub == "ok" || sub == "rebootrequired"
	}
	return false
}

// CheckStatus reads what an answer says of the request: nil if it was done,
// with reboot true if that holds only after a restart; an [*Error] if it was
// refused, also with a 200; an error matching [camsec.ErrMalformed] if a 2xx
// carries no status. It proves nothing about what the device then did.
func CheckStatus(op Operation, resp *wire.Response) (reboot bool, err error) {
	doc, perr := parse(resp, wire.Small())
	if err := refusal(op, resp.Status, doc); err != nil {
		return false, err
	}
	if perr != nil {
		return false, fmt.Errorf("isapi: %s: %w", op, perr)
	}
	code, ok := doc.Child("statusCode").Int()
	if !ok {
		return false, malformed(op, "no statusCode, HTTP "+strconv.Itoa(resp.Status))
	}
	return code == 7, nil
}
