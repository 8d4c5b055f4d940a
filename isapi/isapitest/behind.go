package isapitest

import (
	"context"
	"net/http"

	"github.com/camsec/camsec/auth/authtest"
)

// A camera behind a recorder: what the recorder logs in to.
type attached struct {
	camera *Device
	from   string
	pushes bool
}

// Attach puts a simulated camera behind a channel of a recorder, which knows its
// password as it is now, and from now on logs in to it over the wire from the
// address from, whenever the channel is told another password or [Device.Dial]
// says so. A recorder that pushes gives the camera's administrator its own password whenever it gets in,
// as recorders do that keep the passwords of their cameras in step.
func (d *Device) Attach(channel int, camera *Device, from string, pushes bool) {
	password := camera.Password()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.secrets[channelsPath+"/"+itoa(channel)+" "+channelSecret] = password
	if d.cameras == nil {
		d.cameras = map[int]attached{}
	}
	d.cameras[channel] = attached{camera, from, pushes}
}

// Dial has the recorder log in to the camera of a channel once, as it does
// every few seconds, and tells the HTTP status of the answer; zero if there was
// none. The channel's state follows: a refused login is a failed one of the
// camera's, and shows as errorUserNameOrPasswd. What is pushed is a write of
// the camera's like any other; a camera may refuse it.
func (d *Device) Dial(channel int) int {
	path := channelsPath + "/" + itoa(channel)
	d.mu.Lock()
	at, ok := d.cameras[channel]
	v := authtest.Visitor{From: at.from, Password: d.secrets[path+" "+channelSecret]}
	if e := memberOf(parse(d.docs["GET "+channelsPath]), itoa(channel)); e != nil {
		v.User = word(e.SelectElement("sourceInputPortDescriptor"), "userName")
	}
	own := ""
	for _, u := range d.users {
		if u.ID == 1 {
			own = u.Password
		}
	}
	d.mu.Unlock()
	if !ok {
		return 0
	}
	v.Host = at.camera.host
	ctx, cancel := context.WithTimeout(context.Background(), visitTime)
	defer cancel()
	status, _, err := v.Do(ctx, http.MethodGet, infoPath, nil)
	state := "connect"
	switch {
	case err != nil:
		status, state = 0, "netUnreachable"
	case status == http.StatusUnauthorized:
		state = "errorUserNameOrPasswd"
	case status != http.StatusOK:
		state = "unknownError"
	}
	pushed := false
	if at.pushes && status == http.StatusOK && v.Password != own {
		p := Profile{Namespace: NamespaceHikvision, Version: "2.0"}
		put, _, err := v.Do(ctx, http.MethodPut, usersPath+"/1",
			[]byte(p.doc("User", el("id", 1), el("userName", at.camera.User()), el("password", own))))
		pushed = err == nil && put == http.StatusOK && v.User == at.camera.User()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if pushed {
		d.secrets[path+" "+channelSecret] = own
	}
	d.channelState(path, itoa(channel), state)
	return status
}
