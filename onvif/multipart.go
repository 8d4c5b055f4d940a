package onvif

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/camsec/camsec/auth/wire"
)

// maxParts bounds the parts of a reply with attachments (MTOM).
const maxParts = 32

func isMultipart(kind string, body []byte) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(kind)), "multipart/") || bytes.HasPrefix(body, []byte("--"))
}

// splitMultipart takes a reply with attachments apart: the first part is the
// envelope. A boundary that the header does not name is read off the body.
func splitMultipart(kind string, body []byte) (root []byte, rootKind string, parts map[string][]byte, err error) {
	_, params, _ := mime.ParseMediaType(kind)
	boundary := params["boundary"]
	if boundary == "" {
		line, _, _ := bytes.Cut(bytes.TrimLeft(body, "\r\n"), []byte("\n"))
		boundary = strings.TrimPrefix(strings.TrimRight(string(line), "\r "), "--")
	}
	if boundary == "" || len(boundary) > 200 {
		return nil, "", nil, &wire.Error{Kind: wire.KindContent, Detail: "multipart without a boundary"}
	}
	r := multipart.NewReader(bytes.NewReader(body), boundary)
	for n := 0; ; n++ {
		if n > maxParts {
			return nil, "", nil, &wire.Error{Kind: wire.KindTooLarge, Detail: fmt.Sprintf("over %d parts", maxParts)}
		}
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		var b []byte
		if err == nil {
			b, err = io.ReadAll(p) // bounded by the body's own limit
		}
		if err != nil {
			return nil, "", nil, &wire.Error{Kind: wire.KindTruncated, Detail: "multipart", Err: err}
		}
		if n == 0 {
			root, rootKind = b, innerType(p.Header)
			continue
		}
		if parts == nil {
			parts = map[string][]byte{}
		}
		parts[contentID(p.Header.Get("Content-Id"))] = b
	}
	if root == nil {
		return nil, "", nil, &wire.Error{Kind: wire.KindEmpty, Detail: "multipart without parts"}
	}
	return root, rootKind, parts, nil
}

// innerType keeps the charset of a part; the type of XOP is XML anyhow.
func innerType(h textproto.MIMEHeader) string {
	_, params, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil || params["charset"] == "" {
		return ""
	}
	return mime.FormatMediaType("application/xml", map[string]string{"charset": params["charset"]})
}

// contentID brings the forms "<a>", "cid:a", "cid:a%40b" of one id together.
func contentID(s string) string {
	s = strings.TrimPrefix(strings.TrimSpace(s), "cid:")
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
	if u, err := url.PathUnescape(s); err == nil {
		s = u
	}
	return s
}
