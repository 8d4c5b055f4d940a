package auth

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/camsec/camsec/auth/wire"
)

// parseLockInfo reads lockStatus, unlockTime (seconds) and retryLoginTime
// (tries left) from the body of a 401, in XML or JSON: ISAPI's userCheck
// document; and "You still have 22 attempt(s)" from the reason of a SOAP fault,
// as Dahua's say it. What it cannot read it leaves unknown; elements count, whatever
// the depth and namespace, comments do not.
func parseLockInfo(body []byte) lockInfo {
	info := lockInfo{left: -1}
	take := func(name, value string) {
		value = strings.TrimSpace(value)
		switch name {
		case "lockStatus":
			info.locked = strings.EqualFold(value, "lock") || strings.EqualFold(value, "locked")
		case "unlockTime":
			if n, err := strconv.ParseUint(value, 10, 31); err == nil {
				info.unlock = time.Duration(n) * time.Second
			}
		case "retryLoginTime":
			if n, err := strconv.ParseUint(value, 10, 16); err == nil {
				info.left = int(n)
			}
		case "Text":
			if n := wire.AttemptsLeft(value); n >= 0 {
				info.left = n
			}
		}
	}
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
	if bytes.HasPrefix(body, []byte("{")) {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		for name := ""; ; {
			t, err := d.Token()
			if err != nil {
				return info
			}
			switch v := t.(type) {
			case string:
				take(name, v)
				name = v
			case json.Number, bool:
				take(name, fmt.Sprint(v))
				name = ""
			default:
				name = ""
			}
		}
	}
	d := xml.NewDecoder(bytes.NewReader(body))
	d.Strict = false
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	for name := ""; ; {
		t, err := d.RawToken()
		if err != nil {
			return info
		}
		switch v := t.(type) {
		case xml.StartElement:
			name = v.Name.Local
		case xml.CharData:
			take(name, string(v))
		case xml.EndElement:
			name = ""
		}
	}
}
