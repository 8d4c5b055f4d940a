package isapitest

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/camsec/camsec/auth/authtest"
)

// Replay starts a device that serves exactly the given documents, named
// "GET /ISAPI/…", to an account "admin"; all else is answered notSupport.
func Replay(docs map[string][]byte, opts *Options) (*Device, error) {
	d := replayer(CurrentCamera())
	for key, body := range docs {
		d.docs[key] = string(body)
	}
	return d, d.start(opts)
}

func replayer(p Profile) *Device {
	return &Device{
		profile:   p,
		docs:      map[string]string{},
		users:     []User{{ID: 1, Name: p.User, Level: "Administrator", Password: p.Password}},
		activated: true,
		replay:    true,
	}
}

// leftOut is the body of an answer that the capture has not.
const leftOut = "left out of the capture\n"

// Start starts a device that answers as the captured one did: the same
// documents and refusals to the same requests, after the same challenges. All
// else is answered notSupport, and nothing can be changed. The account is that
// of the capture, with a password of the kit's own. The clock goes on from
// where the device's was. The certificate is not the device's.
func (c *Capture) Start(opts *Options) (*Device, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	p := CurrentCamera()
	p.Kind, p.Server, p.Realm, p.Sessions, p.LockAfter = "capture", c.Server, "capture", "", 5
	if c.User != "" {
		p.User = c.User
	}
	p.PlainRefusal, p.FullRefusal = c.RefusalForm == "page", c.RefusalForm == "fullUserCheck"
	p.challenge(c.Challenges)
	p.NotSupported = http.StatusForbidden
	statuses := map[int]int{}
	for _, a := range c.Answers {
		statuses[a.Status]++
		if a.Path == infoPath {
			p.PublicInfo = p.PublicInfo || a.Public
			p.describe(string(a.Body))
		}
		p.MislabelJSON = p.MislabelJSON || extension(a.Body) == "json" && strings.Contains(a.ContentType, "xml")
	}
	if statuses[http.StatusNotFound] > statuses[http.StatusForbidden] {
		p.NotSupported = http.StatusNotFound
	}
	d := replayer(p)
	refused := map[string]failure{}
	var lost []authtest.Fault
	for _, a := range c.Answers {
		body, key := string(a.Body), "GET "+a.Path
		if a.LeftOut != "" {
			body = leftOut
		}
		where, _, _ := strings.Cut(key, "?")
		switch a.Status {
		case 0:
			lost = append(lost, authtest.Fault{On: where, AfterLogin: true, Drop: true})
		case http.StatusOK:
			d.docs[key] = body
		default:
			refused[where] = failure{a.Status, body, true}
		}
	}
	d.clock = c.TakenAt
	if err := d.start(opts); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fails = refused
	d.host.Script(lost...)
	return d, nil
}

// challenge makes the login that of a capture. What the host cannot do is left
// out, and a device that asked for nothing known asks for MD5.
func (p *Profile) challenge(list []CaptureChallenge) {
	known := []string{
		"", authtest.MD5, authtest.MD5Sess, authtest.SHA256, authtest.SHA256Sess, authtest.SHA512_256, authtest.SHA512256Sess,
	}
	p.Algorithms, p.Basic, p.Folded = []string{}, false, false
	for _, c := range list {
		p.Folded = p.Folded || c.Folded
		switch {
		case c.Scheme == "basic":
			p.Basic = true
		case c.Scheme == "digest" && slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, c.Algorithm) }):
			p.Algorithms = append(p.Algorithms, c.Algorithm)
		}
	}
	if len(p.Algorithms) == 0 && !p.Basic {
		p.Algorithms = nil
	}
}

// describe takes over what the kit itself says of a device.
func (p *Profile) describe(info string) {
	root := parse(info)
	if root == nil {
		return
	}
	p.Model, p.Firmware = word(root, "model"), word(root, "firmwareVersion")
	if ns := root.SelectAttrValue("xmlns", ""); ns != "" {
		p.Namespace = ns
	}
	if v := root.SelectAttrValue("version", ""); v != "" {
		p.Version = v
	}
}

// running moves the local time of a captured document on by what has passed
// since. A time that is not understood stands still.
func (d *Device) running(body string) string {
	doc := etree.NewDocument()
	if doc.ReadFromString(body) != nil || doc.Root() == nil {
		return body
	}
	e := doc.Root().SelectElement("localTime")
	if e == nil {
		return body
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if at, err := time.Parse(form, strings.TrimSpace(e.Text())); err == nil {
			return strings.Replace(body, e.Text(), at.Add(d.host.Now().Sub(d.clock)).Format(form), 1)
		}
	}
	return body
}
