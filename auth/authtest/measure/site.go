package measure

import (
	"bufio"
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the digest that most cameras offer alone
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Site describes devices that are alike: what they answer, to whom, and how
// far away they are. They speak HTTP/1.1 by hand, and digest with MD5, which
// they check in full; there is no lock-out.
type Site struct {
	Devices        int
	Trip           time.Duration // a round trip: for the connection, and for each request
	User, Password string
	Type           string            // content type of every document
	Open, Closed   map[string]string // documents by path; Closed ones ask for a login
}

// SiteTotals are what the devices of a site saw. What is asked for and is not
// there is a request, too.
type SiteTotals struct {
	Requests, Failed int64 // Failed logins
	Most             int64 // connections at once
}

// Serve serves the site on loopback ports: it prints an address a line, and
// then, for every line that it reads, the totals since the last. It returns
// when standard input ends.
func (s Site) Serve() {
	var t totals
	w := bufio.NewWriter(os.Stdout)
	for range s.Devices {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		d := &device{site: s, t: &t, nonces: map[string]int64{}}
		go d.serve(l)
		_, _ = fmt.Fprintln(w, l.Addr())
	}
	_ = w.Flush()
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		_ = json.NewEncoder(os.Stdout).Encode(SiteTotals{t.requests.Swap(0), t.failed.Swap(0), t.most.Swap(t.open.Load())})
	}
}

// A RunningSite is a site that a process serves.
type RunningSite struct {
	Addresses []string
	p         *Process
}

// StartSite starts the role that serves a site of n devices.
func StartSite(tb TB, role string, n int, args ...string) *RunningSite {
	s := &RunningSite{p: Start(tb, role, 0, args...)}
	for range n {
		s.Addresses = append(s.Addresses, s.p.Line())
	}
	return s
}

// Totals returns what the devices saw since the last call.
func (s *RunningSite) Totals() SiteTotals {
	var t SiteTotals
	if err := json.Unmarshal([]byte(s.p.Ask("")), &t); err != nil {
		s.p.tb.Fatalf("measure: %v", err)
	}
	return t
}

type totals struct{ requests, failed, open, most atomic.Int64 }

type device struct {
	site Site
	t    *totals

	mu     sync.Mutex
	nonces map[string]int64 // the last count of each
}

const maxNonces = 64

func (d *device) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		n := d.t.open.Add(1)
		for m := d.t.most.Load(); n > m && !d.t.most.CompareAndSwap(m, n); m = d.t.most.Load() {
		}
		go func() {
			defer d.t.open.Add(-1)
			defer c.Close()
			// The loopback's handshake takes no time: this is in its place.
			time.Sleep(d.site.Trip)
			d.connection(c)
		}()
	}
}

// connection answers the requests of one connection.
func (d *device) connection(c net.Conn) {
	r := bufio.NewReaderSize(c, 2048)
	var out []byte
	for {
		method, target, authorization, length, err := readHead(r)
		if err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, r, length); err != nil {
			return
		}
		d.t.requests.Add(1)
		time.Sleep(d.site.Trip)
		out = d.answer(out[:0], method, target, authorization)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

// readHead reads a request's head: what of it matters here.
func readHead(r *bufio.Reader) (method, target, authorization string, length int64, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return "", "", "", 0, err
	}
	first := strings.Fields(string(line))
	if len(first) != 3 {
		return "", "", "", 0, fmt.Errorf("request line %q", line)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return "", "", "", 0, err
		}
		name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(":"))
		switch {
		case !ok:
			return first[0], first[1], authorization, length, nil
		case bytes.EqualFold(name, []byte("Authorization")):
			authorization = strings.TrimSpace(string(value))
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.ParseInt(strings.TrimSpace(string(value)), 10, 32); err != nil {
				return "", "", "", 0, err
			}
		}
	}
}

func (d *device) answer(out []byte, method, target, authorization string) []byte {
	path, _, _ := strings.Cut(target, "?")
	if doc, ok := d.site.Open[path]; ok {
		return d.write(out, "200 OK", "", doc)
	}
	doc, ok := d.site.Closed[path]
	switch {
	case !ok:
		return d.write(out, "404 Not Found", "", "")
	case authorization == "":
	case d.accepts(method, target, authorization):
		return d.write(out, "200 OK", "", doc)
	default:
		d.t.failed.Add(1)
	}
	return d.write(out, "401 Unauthorized", d.nonce(), "")
}

const realm = "IP Camera(C1234)"

func (d *device) write(out []byte, status, nonce, body string) []byte {
	out = append(append(append(out, "HTTP/1.1 "...), status...), "\r\nContent-Length: "...)
	out = strconv.AppendInt(out, int64(len(body)), 10)
	if body != "" {
		out = append(append(out, "\r\nContent-Type: "...), d.site.Type...)
	}
	if nonce != "" {
		out = append(append(append(out, "\r\nWWW-Authenticate: Digest qop=\"auth\", realm=\""+realm+`", nonce="`...), nonce...), '"')
	}
	return append(append(out, "\r\n\r\n"...), body...)
}

func (d *device) nonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	n := hex.EncodeToString(b[:])
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.nonces) >= maxNonces {
		clear(d.nonces)
	}
	d.nonces[n] = 0
	return n
}

// accepts checks an answer as RFC 7616 3.4 has it: the device's own nonce, a
// count that rises, the target that was asked for, and the response.
func (d *device) accepts(method, target, authorization string) bool {
	p, ok := parameters(authorization)
	count, err := strconv.ParseInt(p["nc"], 16, 64)
	if !ok || err != nil || len(p["nc"]) != 8 || p["username"] != d.site.User || p["realm"] != realm ||
		p["uri"] != target || p["qop"] != "auth" || p["cnonce"] == "" {
		return false
	}
	d.mu.Lock()
	last, known := d.nonces[p["nonce"]]
	fresh := known && count > last
	if fresh {
		d.nonces[p["nonce"]] = count
	}
	d.mu.Unlock()
	if !fresh {
		return false
	}
	ha1 := sum(d.site.User + ":" + realm + ":" + d.site.Password)
	return p["response"] == sum(ha1+":"+p["nonce"]+":"+p["nc"]+":"+p["cnonce"]+":auth:"+sum(method+":"+target))
}

func sum(s string) string {
	h := md5.Sum([]byte(s)) //nolint:gosec // see the import
	return hex.EncodeToString(h[:])
}

// parameters reads those of a digest answer. No value has a comma or a quote
// in it here: the realm, the nonce and the user are the site's own.
func parameters(authorization string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(authorization, "Digest ")
	if !ok {
		return nil, false
	}
	p := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return nil, false
		}
		p[name] = strings.Trim(value, `"`)
	}
	return p, true
}
