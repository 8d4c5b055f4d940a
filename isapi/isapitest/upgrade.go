package isapitest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/camsec/camsec/auth/authtest"
)

const (
	firmwarePath = "/ISAPI/System/updateFirmware"
	upgradePath  = "/ISAPI/System/upgradeStatus"
)

var (
	// As JoeyGE0's tests quote it: the group of the code and the text disagree.
	answerDevType   = answer{403, 4, "Invalid XML Content", "badDevType", 0x60000010}
	answerTransfer  = answer{403, 2, "Device Busy", "transferUpgradePackageFailed", 0x20000006}
	answerUpgrading = answer{403, 2, "Device Busy", "upgrading", 0x20000003}
)

const imageMagic = "simulated firmware"

// FirmwareImage writes an image that simulated devices of the model take in,
// of at least size bytes. Afterwards they run the version, such as "V5.8.0",
// and build, such as "250101".
func FirmwareImage(model, version, build string, size int) []byte {
	b := fmt.Appendf(nil, "%s\n%s\n%s\n%s\n", imageMagic, model, version, build)
	if n := size - len(b); n > 0 {
		b = append(b, bytes.Repeat([]byte{0xA5}, n)...)
	}
	return b
}

// An upgrade is an image that the device is taking in.
type upgrade struct {
	began             time.Time
	version, released string
	dud               bool // it restarts with what it had
}

// serveFirmware takes an image as it comes, whatever its size.
func (d *Device) serveFirmware(w http.ResponseWriter, r *http.Request) {
	key := r.Method + " " + r.URL.Path
	say := func(a answer) {
		d.mu.Lock()
		body := d.status(a, r)
		d.mu.Unlock()
		d.send(w, a.http, body)
	}
	d.mu.Lock()
	f, failing := d.fails[key]
	admin := d.level(authtest.UserOf(r.Context())) == "Administrator"
	post, busy := d.profile.UploadByPost, d.upgrade != nil
	b := d.behaviour(key)
	d.mu.Unlock()
	switch {
	case failing && f.body == "":
		say(fitting(f.status))
		return
	case failing:
		d.send(w, f.status, f.body)
		return
	case !admin:
		say(answerDenied)
		return
	case post != (r.Method == http.MethodPost):
		say(answerMethod)
		return
	case busy:
		say(answerUpgrading)
		return
	}
	image, err := firmwareBody(r)
	if err != nil {
		say(answerContent)
		return
	}
	if b.CutAt > 0 {
		_, _ = io.CopyN(io.Discard, image, b.CutAt)
		panic(http.ErrAbortHandler)
	}
	in := bufio.NewReader(image)
	var head [4]string
	for i := range head {
		if head[i], err = in.ReadString('\n'); err != nil {
			say(answerTransfer)
			return
		}
		head[i] = strings.TrimSuffix(head[i], "\n")
	}
	if _, err := io.Copy(io.Discard, in); err != nil {
		return // it never came whole
	}
	if head[0] != imageMagic || head[1] != d.profile.Model {
		say(answerDevType)
		return
	}
	if b.Effect == LostBefore {
		panic(http.ErrAbortHandler)
	}
	d.mu.Lock()
	d.writes = append(d.writes, Write{Method: r.Method, Path: r.URL.Path, User: authtest.UserOf(r.Context())})
	d.upgrade = &upgrade{began: d.host.Now(), version: head[2], released: "build " + head[3], dud: b.Effect == Ignored}
	d.later(d.profile.UpgradeTime, d.upgraded)
	d.mu.Unlock()
	if b.Effect == LostAfter {
		panic(http.ErrAbortHandler)
	}
	say(answerOK)
}

// firmwareBody is the image in a request: its body, or the file of a form.
func firmwareBody(r *http.Request) (io.Reader, error) {
	if r.Method != http.MethodPost {
		return r.Body, nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, err
	}
	part, err := form.NextPart()
	if err != nil {
		return nil, err
	}
	if part.FormName() != "updateFile" {
		return nil, fmt.Errorf("a part named %q", part.FormName())
	}
	return part, nil
}

// upgraded is the end of an upgrade: the device restarts with what it took in.
func (d *Device) upgraded() {
	d.mu.Lock()
	defer d.mu.Unlock()
	u := d.upgrade
	d.upgrade = nil
	if !u.dud {
		d.edit("GET /ISAPI/System/deviceInfo", func(root *etree.Element) {
			for name, text := range map[string]string{"firmwareVersion": u.version, "firmwareReleasedDate": u.released} {
				if e := root.SelectElement(name); e != nil {
					e.SetText(text)
				}
			}
		})
	}
	d.restart()
}

// upgradeStatus is documented, not recorded.
func (d *Device) upgradeStatus() string {
	u := d.upgrade
	percent := 0
	if u != nil && d.profile.UpgradeTime > 0 {
		percent = min(99, int(100*d.host.Now().Sub(u.began)/d.profile.UpgradeTime))
	}
	return d.profile.doc("upgradeStatus", el("upgrading", u != nil), el("percent", percent))
}

func (d *Device) takesFirmware() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.activated && !d.replay
}
