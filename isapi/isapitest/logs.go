package isapitest

import (
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/camsec/camsec/auth/authtest"
)

const (
	logSearchPath      = "/ISAPI/ContentMgmt/logSearch"
	securitySearchPath = "/ISAPI/ContentMgmt/security/logSearch"

	logPage    = 40   // entries that a device sends at once, whatever is asked for
	maxLogKept = 4096 // then the oldest go
)

// A LogEntry is one line of the device's log.
type LogEntry struct {
	Time    time.Time // zero is the device's now
	Major   string    // Operation, Exception, …
	Minor   string
	User    string
	Address string
	// Security files it in the log of logins and changes as well.
	Security bool
}

// Log writes a line into the device's log. Refused logins are written there by
// the device itself.
func (d *Device) Log(e LogEntry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.note(e)
}

func (d *Device) note(e LogEntry) {
	if e.Time.IsZero() {
		e.Time = d.host.Now().Add(d.skew)
	}
	d.log = append(d.log, e)
	if len(d.log) > maxLogKept {
		d.log = d.log[1:]
	}
}

// illegal notes a refused login and tells whoever listens.
func (d *Device) illegal(r authtest.Refusal) {
	if r.Outcome != authtest.Wrong {
		return
	}
	d.note(LogEntry{Major: "Exception", Minor: "illegalAccess", User: r.User, Address: r.Address, Security: true})
	d.tell(d.event("illaccess", "active", 0))
}

// keepsLog: terminals and firmware before 2015 answer no search.
func (d *Device) keepsLog() bool {
	_, has := d.profile.Services["log"]
	return has && !d.replay
}

// searchLog answers a page of a search. Cameras and recorders spell Information
// otherwise, as the maker's guide warns.
func (d *Device) searchLog(r *http.Request, sent string) (int, string) {
	say := func(a answer) (int, string) { return a.http, d.status(a, r) }
	caller := authtest.UserOf(r.Context())
	if !d.keepsLog() {
		return say(d.notSupported())
	}
	if !d.mayReadLog(caller) {
		return say(answerDenied)
	}
	q := parse(sent)
	if q == nil || q.Tag != "CMSearchDescription" {
		return say(answerFormat)
	}
	from, e1 := time.Parse("2006-01-02T15:04:05Z", word(walk(q, []string{"timeSpanList", "timeSpan"}), "startTime"))
	to, e2 := time.Parse("2006-01-02T15:04:05Z", word(walk(q, []string{"timeSpanList", "timeSpan"}), "endTime"))
	meta := strings.Split(word(q, "metaId"), "/")
	if e1 != nil || e2 != nil || word(q, "searchID") == "" || meta[0] != "log.std-cgi.com" && meta[0] != "log.hikvision.com" {
		return say(answerContent)
	}
	var found []LogEntry
	for _, e := range d.log {
		if e.Major == "Information" {
			e.Major = "Info" + "mation"
		}
		right := len(meta) < 2 || meta[1] == e.Major && (len(meta) < 3 || meta[2] == e.Minor)
		if right && !e.Time.Before(from) && !e.Time.After(to) && (e.Security || r.URL.Path == logSearchPath) {
			found = append(found, e)
		}
	}
	at := min(number(q, "searchResultPostion"), len(found))
	end := min(at+min(max(number(q, "maxResults"), 1), logPage), len(found))
	return http.StatusOK, d.logPage(word(q, "searchID"), found[at:end], end < len(found))
}

func (d *Device) logPage(id string, found []LogEntry, more bool) string {
	status := "OK"
	switch {
	case more:
		status = "MORE"
	case len(found) == 0:
		status = "NO MATCHES"
	}
	var items []string
	for _, e := range found {
		fields := []string{
			el("metaId", "log.hikvision.com/"+e.Major+"/"+e.Minor), el("StartDateTime", e.Time.UTC().Format("2006-01-02T15:04:05Z")),
			el("paraType", ""), el("userName", e.User), el("ipAddress", e.Address),
		}
		items = append(items, in("searchMatchItem", in("logDescriptor", fields...)))
	}
	return d.profile.doc("CMSearchResult", el("searchID", id), el("responseStatus", true), el("responseStatusStrg", status),
		el("numOfMatches", len(found)), in("matchList", items...))
}

// mayReadLog: administrators, and those whose rights say so.
func (d *Device) mayReadLog(name string) bool {
	if d.level(name) == "Administrator" {
		return true
	}
	id := ""
	for _, u := range d.users {
		if u.Name == name {
			id = itoa(u.ID)
		}
	}
	var rights []*etree.Element
	if root := parse(d.docs["GET "+rightsPath]); root != nil {
		rights = root.SelectElements("UserPermission")
	}
	for _, p := range rights {
		if word(p, "userID") == id {
			return word(p.SelectElement("remotePermission"), "logOrStateCheck") == "true"
		}
	}
	return false
}
