package isapitest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
)

// banner says its words and ends the connection.
func banner(words string) func(*Device, net.Conn) {
	return func(_ *Device, c net.Conn) { _, _ = io.WriteString(c, words) }
}

// mute takes what comes and says nothing.
func mute(_ *Device, c net.Conn) { _, _ = io.Copy(io.Discard, io.LimitReader(c, maxBody)) }

// datagrams answers each datagram by itself; an empty answer is none.
func datagrams(answer func(d *Device, request []byte) []byte) func(*Device, net.Conn) {
	return func(d *Device, c net.Conn) {
		b := make([]byte, maxDatagram)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if a := answer(d, b[:n]); len(a) > 0 {
				if _, err := c.Write(a); err != nil {
					return
				}
			}
		}
	}
}

// ssdp answers a search of UPnP.
func (d *Device) ssdp(request []byte) []byte {
	if !bytes.HasPrefix(request, []byte("M-SEARCH ")) || !bytes.Contains(request, []byte("ssdp:discover")) {
		return nil
	}
	return fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:%s::upnp:rootdevice\r\nSERVER: UPnP/1.0 %s\r\n\r\n",
		strings.ReplaceAll(d.profile.MAC, ":", ""), d.profile.Model)
}

// snmp answers a GET of version 1 or 2c with what was asked for, empty; of other
// communities and versions it says nothing. BER, as far as that needs: a
// sequence of an integer, an octet string and the PDU.
func (d *Device) snmp(request []byte) []byte {
	d.mu.Lock()
	root := parse(d.docs["GET "+places["snmp"].path])
	d.mu.Unlock()
	if root == nil || len(request) < 8 || request[0] != 0x30 || request[1] > 127 || request[2] != 2 || request[3] != 1 || request[5] != 4 {
		return nil
	}
	section := map[byte]string{0: "SNMPv1c", 1: "SNMPv2c"}[request[4]]
	at := root.SelectElement(section)
	end := 7 + int(request[6])
	if section == "" || at == nil || word(at, "enabled") != "true" || end >= len(request) || request[end] != 0xa0 ||
		string(request[7:end]) != word(at, "readCommunity") {
		return nil
	}
	answer := bytes.Clone(request)
	answer[end] = 0xa2
	return answer
}

// modbus refuses every function, as a device without registers: exception 1.
func (d *Device) modbus(c net.Conn) {
	head := make([]byte, 8) // transaction, protocol, length, unit, function
	for {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		length := int64(head[4])<<8 | int64(head[5])
		if head[2] != 0 || head[3] != 0 || length < 2 || length > 254 {
			return
		}
		if _, err := io.CopyN(io.Discard, c, length-2); err != nil {
			return
		}
		if _, err := c.Write([]byte{head[0], head[1], 0, 0, 0, 3, head[6], head[7] | 0x80, 1}); err != nil {
			return
		}
	}
}

// rtsp answers as far as the login; nobody gets in.
func (d *Device) rtsp(c net.Conn) {
	in := bufio.NewReader(io.LimitReader(c, maxBody))
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		method, _, _ := strings.Cut(line, " ")
		sequence := "0"
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			name, value, ok := strings.Cut(strings.TrimSpace(line), ":")
			if !ok {
				break
			}
			if strings.EqualFold(name, "CSeq") {
				sequence = strings.TrimSpace(value)
			}
		}
		head := "RTSP/1.0 %s\r\nCSeq: " + strings.Map(digit, sequence) + "\r\n"
		switch method {
		case "OPTIONS":
			_, err = fmt.Fprintf(c, head+"Public: OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY\r\n\r\n", "200 OK")
		case "DESCRIBE":
			_, err = fmt.Fprintf(c, head+"%s", d.describeStream()...)
		default:
			_, err = fmt.Fprintf(c, head+"\r\n", "455 Method Not Valid in This State")
		}
		if err != nil {
			return
		}
	}
}

func digit(r rune) rune {
	if r < '0' || r > '9' {
		return -1
	}
	return r
}

// describeStream is what the first stream's login settings make of a DESCRIBE:
// the status, and the rest of the head. Devices send no qop here.
func (d *Device) describeStream() []any {
	d.mu.Lock()
	defer d.mu.Unlock()
	modes := "digest"
	if root := parse(d.docs["GET /ISAPI/Security/RTSPCertificate"]); root != nil {
		modes = word(root, "certificateType")
	}
	if root := parse(d.docs["GET /ISAPI/Streaming/channels"]); root != nil {
		if s := root.FindElement(".//Transport/Security"); s != nil {
			if word(s, "enabled") == "false" {
				sdp := "v=0\r\ns=Media Presentation\r\nm=video 0 RTP/AVP 96\r\n"
				return []any{"200 OK", fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)}
			}
			if t := word(s, "certificateType"); t != "" {
				modes = t
			}
		}
	}
	challenge := fmt.Sprintf("WWW-Authenticate: Digest realm=%q, nonce=%q, stale=\"FALSE\"\r\n", d.profile.Realm, randomHex(16))
	if strings.Contains(modes, "basic") {
		challenge += "WWW-Authenticate: Basic realm=\"/\"\r\n"
	}
	return []any{"401 Unauthorized", challenge + "\r\n"}
}
