package isapi

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/beevik/etree"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth/wire"
)

// A LogQuery says what is wanted of a device's log.
type LogQuery struct {
	// From and To bound the time. Their wall clock is sent as it stands, with a
	// Z that means nothing: recorders take it for their own local time. A zero
	// From is the year 2000, a zero To tomorrow.
	From, To time.Time
	// Major is one of Alarm, Exception, Operation, Information, Event; empty
	// is all.
	Major string
	// Most bounds the entries; default 2,000. Ask for shorter times to see
	// more.
	Most int
}

// A LogEntry is one line of a device's log.
type LogEntry struct {
	// Time is what the device writes; zero is not readable. It carries a zone
	// that recorders do not mean: hold it against the device's own clock.
	Time    time.Time
	Major   string // Operation, Exception, …
	Minor   string // remoteUserLogin, illegalAccess, …: the vendor's word
	User    string // empty is not told
	Address string // where the user was; empty is not told
}

// IllegalLogin tells whether the entry is of a login that was refused.
func (e LogEntry) IllegalLogin() bool {
	switch strings.ToLower(e.Minor) {
	case "illegalaccess", "illlegealaccess": // the second as cameras' capabilities spell it
		return true
	}
	return false
}

// How much of a log is read.
const (
	logPage     = 100 // entries asked for at once; devices send fewer
	maxLogPages = 200
	defaultMost = 2000
)

// misspeltInformation is how cameras and recorders spell it, as the guide warns.
const misspeltInformation = "Info" + "mation"

// SystemLog reads the device's log, in the device's order, page by page as the
// caller goes on. It changes nothing, though it is a POST. The account needs
// the right logOrStateCheck. An error ends it; what came before holds.
//
//isapi:op POST /ISAPI/ContentMgmt/logSearch
func (c *Client) SystemLog(ctx context.Context, q LogQuery) iter.Seq2[LogEntry, error] {
	return c.searchLog(ctx, "SystemLog", q)
}

// SecurityLog reads the log of logins and changes that newer devices keep
// apart, as [Client.SystemLog] does the other. Devices that have none match
// [errors.ErrUnsupported], which was recorded; their answer was not.
//
//isapi:op POST /ISAPI/ContentMgmt/security/logSearch
func (c *Client) SecurityLog(ctx context.Context, q LogQuery) iter.Seq2[LogEntry, error] {
	return c.searchLog(ctx, "SecurityLog", q)
}

func (c *Client) searchLog(ctx context.Context, name string, q LogQuery) iter.Seq2[LogEntry, error] {
	return func(yield func(LogEntry, error) bool) {
		s := logSearch{c: c, op: operation(name), q: q}
		if err := s.begin(); err != nil {
			yield(LogEntry{}, err)
			return
		}
		for page := 0; ; page++ {
			entries, more, err := s.page(ctx)
			if err == nil && page == 0 && len(entries) == 0 && s.q.Major == "Information" {
				// Such devices say that there is nothing under the right name.
				s.q.Major = misspeltInformation
				entries, more, err = s.page(ctx)
			}
			for _, e := range entries {
				if s.at++; !yield(e, nil) || s.at == s.q.Most {
					return
				}
			}
			switch {
			case err != nil:
				yield(LogEntry{}, err)
				return
			case !more:
				return
			case len(entries) == 0:
				yield(LogEntry{}, malformed(s.op, "more is said to follow, and nothing does"))
				return
			case page+1 == maxLogPages:
				yield(LogEntry{}, malformed(s.op, fmt.Sprintf("more than %d pages", maxLogPages)))
				return
			}
		}
	}
}

// A logSearch goes through the pages of one search.
type logSearch struct {
	c  *Client
	op Operation
	q  LogQuery
	id string
	at int // entries so far
}

func (s *logSearch) begin() error {
	if strings.ContainsFunc(s.q.Major, func(r rune) bool { return r > unicode.MaxASCII || !unicode.IsLetter(r) }) {
		return fmt.Errorf("isapi: %s: no type of log has that name", s.op)
	}
	if s.q.Most <= 0 {
		s.q.Most = defaultMost
	}
	if s.q.From.IsZero() {
		s.q.From = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	if s.q.To.IsZero() {
		s.q.To = s.c.now().Add(24 * time.Hour)
	}
	var b [16]byte
	if _, err := io.ReadFull(s.c.random(), b[:]); err != nil {
		return fmt.Errorf("isapi: %s: %w", s.op, err)
	}
	x := strings.ToUpper(hex.EncodeToString(b[:]))
	s.id = x[:8] + "-" + x[8:12] + "-" + x[12:16] + "-" + x[16:20] + "-" + x[20:]
	return nil
}

// body is the request as web pages of devices send it: without a namespace, and
// searchResultPostion spelt so.
func (s *logSearch) body() ([]byte, error) {
	const clock = "2006-01-02T15:04:05Z"
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	root := doc.CreateElement("CMSearchDescription")
	put := func(e *etree.Element, name, text string) { e.CreateElement(name).SetText(text) }
	put(root, "searchID", s.id)
	meta := "log.std-cgi.com"
	if s.q.Major != "" {
		meta += "/" + s.q.Major
	}
	put(root, "metaId", meta)
	span := root.CreateElement("timeSpanList").CreateElement("timeSpan")
	put(span, "startTime", s.q.From.Format(clock))
	put(span, "endTime", s.q.To.Format(clock))
	put(root, "maxResults", fmt.Sprint(min(logPage, s.q.Most-s.at)))
	put(root, "searchResultPostion", fmt.Sprint(s.at))
	return doc.WriteToBytes()
}

// page reads what follows the entries so far.
func (s *logSearch) page(ctx context.Context) (entries []LogEntry, more bool, err error) {
	body, err := s.body()
	if err != nil {
		return nil, false, fmt.Errorf("isapi: %s: %w", s.op, err)
	}
	req := s.c.request(ctx, s.op)
	setBody(req, body, `application/xml; charset="UTF-8"`)
	doc, _, err := s.c.fetchAnswer(s.op, req, wire.Small(), "CMSearchResult")
	if err != nil {
		return nil, false, err
	}
	entries, more, err = logEntries(doc)
	if err != nil {
		return nil, false, fmt.Errorf("isapi: %s: %w", s.op, err)
	}
	return entries, more, nil
}

// logEntries reads one page. What is recorded stands in
// matchList/searchMatchItem/logDescriptor; clients know other names, too.
func logEntries(doc *wire.Node) (entries []LogEntry, more bool, err error) {
	status := strings.ToUpper(doc.Child("responseStatusStrg").String())
	switch status {
	case "OK", "MORE", "NO MATCHES":
	default:
		return nil, false, fmt.Errorf("a search that ends as %q: %w", clean(status), camsec.ErrMalformed)
	}
	list := doc.Child("matchList")
	if !list.Has() {
		return nil, status == "MORE", nil
	}
	for _, item := range list.Children {
		if item.Name != "searchMatchItem" && item.Name != "matchElement" {
			continue
		}
		if d := item.Child("logDescriptor"); d.Has() {
			item = d
		}
		kind := strings.Split(item.Child("metaId").String(), "/")
		if len(kind) < 2 {
			return nil, false, fmt.Errorf("an entry of no type: %w", camsec.ErrMalformed)
		}
		e := LogEntry{
			Major: kind[1], User: item.Child("userName").String(),
			Time:    deviceTime(firstOf(item, "StartDateTime", "startDateTime", "time")),
			Address: firstOf(item, "ipAddress", "remoteHostIPAddress", "remoteHost", "ipv6Address"),
		}
		if e.Major == misspeltInformation {
			e.Major = "Information"
		}
		if len(kind) > 2 {
			e.Minor = kind[2]
		}
		entries = append(entries, e)
	}
	return entries, status == "MORE", nil
}
