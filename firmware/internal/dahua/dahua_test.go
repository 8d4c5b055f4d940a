package dahua_test

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec/firmware/internal/dahua"
	"github.com/camsec/camsec/firmware/internal/untrusted"
)

// A member is one to write, or to write not quite right.
type member struct {
	name, data string
	deflate    bool
	descriptor bool // with a signature; the sizes follow the data
	bare       bool // a descriptor without signature
	local      func(h []byte)
	central    func(h []byte)
	after      func(d []byte) // on the descriptor
}

// archive writes a package by the description of ZIP (APPNOTE 6.3.10), with
// DH for its first two bytes. end works on the record at the end.
func archive(members []member, end func([]byte)) []byte {
	var out, dir bytes.Buffer
	u16, u32 := binary.LittleEndian.PutUint16, binary.LittleEndian.PutUint32
	for _, m := range members {
		body := []byte(m.data)
		method := uint16(0)
		if m.deflate {
			var b bytes.Buffer
			w, _ := flate.NewWriter(&b, flate.BestSpeed)
			_, _ = w.Write(body)
			_ = w.Close()
			body, method = b.Bytes(), 8
		}
		sizes := make([]byte, 12)
		u32(sizes, crc32.ChecksumIEEE([]byte(m.data)))
		u32(sizes[4:], uint32(len(body)))
		u32(sizes[8:], uint32(len(m.data)))
		at := out.Len()
		h := make([]byte, 30)
		copy(h, "PK\x03\x04")
		u16(h[8:], method)
		u16(h[26:], uint16(len(m.name)))
		if m.descriptor || m.bare {
			h[6] = 8
		} else {
			copy(h[14:], sizes)
		}
		c := make([]byte, 46)
		copy(c, "PK\x01\x02")
		u16(c[8:], binary.LittleEndian.Uint16(h[6:]))
		u16(c[10:], method)
		copy(c[16:], sizes)
		u16(c[28:], uint16(len(m.name)))
		u32(c[42:], uint32(at))
		if m.local != nil {
			m.local(h)
		}
		if m.central != nil {
			m.central(c)
		}
		out.Write(h)
		out.WriteString(m.name)
		out.Write(body)
		if m.descriptor || m.bare {
			d := append([]byte("PK\x07\x08"), sizes...)
			if m.bare {
				d = sizes
			}
			if m.after != nil {
				m.after(d)
			}
			out.Write(d)
		}
		dir.Write(c)
		dir.WriteString(m.name)
	}
	e := make([]byte, 22)
	copy(e, "PK\x05\x06")
	u16(e[8:], uint16(len(members)))
	u16(e[10:], uint16(len(members)))
	u32(e[12:], uint32(dir.Len()))
	u32(e[16:], uint32(out.Len()))
	if end != nil {
		end(e)
	}
	all := bytes.Join([][]byte{out.Bytes(), dir.Bytes(), e}, nil)
	copy(all, "DH")
	return all
}

func parse(b []byte) (*dahua.Package, error) {
	return dahua.Parse(bytes.NewReader(b), int64(len(b)))
}

// sums feeds each member's bytes to its sum, in pieces.
func sums(t *testing.T, p *dahua.Package, b []byte) map[string]error {
	t.Helper()
	out := map[string]error{}
	for i := range p.Members {
		m := &p.Members[i]
		s := m.NewSum()
		for data := b[m.Offset : m.Offset+m.Length]; len(data) > 0; {
			n, err := s.Write(data[:min(7, len(data))])
			require.NoError(t, err)
			data = data[n:]
		}
		out[m.Name] = s.Finish()
	}
	return out
}

// uboot is a U-Boot image around data.
func uboot(data string) string {
	h := make([]byte, 64)
	binary.BigEndian.PutUint32(h, 0x27051956)
	binary.BigEndian.PutUint32(h[12:], uint32(len(data)))
	binary.BigEndian.PutUint32(h[24:], crc32.ChecksumIEEE([]byte(data)))
	return string(h) + data
}

func TestParse(t *testing.T) {
	b := archive([]member{
		{name: "Install", data: "VENDOR:General\nHWID:IPC-X:01.00\nhwid:IPC-X:01.00\nHWID:\nother\n", deflate: true},
		{name: "hwid", data: "IPC-Y\n\nIPC-X:01.00\n"},
		{name: "kernel.img", data: uboot("kernel"), descriptor: true},
		{name: "web.img", data: "no U-Boot image", bare: true},
		{name: "romfs.img", data: uboot(strings.Repeat("x", 1000)), deflate: true, descriptor: true},
		{name: "sign.img", data: "signature"},
		{name: "empty"},
	}, nil)
	p, err := parse(append(bytes.Clone(b), "more"...))
	require.NoError(t, err)
	assert.Equal(t, int64(len(b)), p.End)
	assert.Equal(t, "General", p.Vendor)
	assert.Equal(t, []string{"IPC-X:01.00", "IPC-Y"}, p.HardwareIDs)
	require.Len(t, p.Members, 7)
	assert.Equal(t, "sign.img", p.Signature.Name)
	require.Len(t, p.Images, 1, "what is deflated is not looked into")
	k := p.Images["kernel.img"]
	assert.Equal(t, "kernel", string(b[k.Data:k.Data+k.Size]))
	for name, err := range sums(t, p, b) {
		assert.NoError(t, err, name)
	}
	assert.True(t, dahua.Detect(b))
	assert.True(t, dahua.Detect([]byte("DH\x03\x04")))
	assert.False(t, dahua.Detect([]byte("DH\x03")))
	assert.False(t, dahua.Detect([]byte("PK\x03\x04")))
}

func TestSums(t *testing.T) {
	for _, deflate := range []bool{false, true} {
		b := archive([]member{{name: "a", data: strings.Repeat("data", 100), deflate: deflate}}, nil)
		p, err := parse(b)
		require.NoError(t, err)
		m := &p.Members[0]
		wrong := 0
		for i := range m.Length {
			c := bytes.Clone(b)
			c[m.Offset+i] ^= 0x10
			if sums(t, p, c)["a"] != nil {
				wrong++
			}
		}
		assert.GreaterOrEqual(t, wrong, int(m.Length)-1, "deflate leaves bits unused")
		assert.Error(t, m.NewSum().Finish(), "no bytes came")
	}
	size := func(n uint32) func([]byte) {
		return func(h []byte) { binary.LittleEndian.PutUint32(h[len(h)-map[int]int{30: 8, 46: 22}[len(h)]:], n) }
	}
	for _, n := range []uint32{0, 99, 101, 1 << 20} {
		b := archive([]member{{name: "a", data: strings.Repeat("x", 100), deflate: true, local: size(n), central: size(n)}}, nil)
		p, err := parse(b)
		require.NoError(t, err, n)
		assert.Error(t, sums(t, p, b)["a"], "%d bytes promised", n)
	}
}

func TestHostile(t *testing.T) {
	u16 := func(at int, v uint16) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint16(b[at:], v) }
	}
	u32 := func(at int, v uint32) func([]byte) {
		return func(b []byte) { binary.LittleEndian.PutUint32(b[at:], v) }
	}
	one := member{name: "a", data: "data"}
	with := func(change func(*member)) []byte {
		m := one
		change(&m)
		return archive([]member{m, {name: "b"}}, nil)
	}
	good := archive([]member{one}, nil)
	var many []member
	for i := range 513 {
		many = append(many, member{name: fmt.Sprint(i)})
	}
	for name, c := range map[string]struct {
		file []byte
		text string
	}{
		"empty":                {nil, "the directory's end is missing"},
		"no end":               {good[:len(good)-22], "the directory's end is missing"},
		"end cut":              {good[:len(good)-1], "the directory's end is missing"},
		"volumes":              {archive([]member{one}, u16(4, 1)), "several volumes"},
		"directory's volume":   {archive([]member{one}, u16(6, 1)), "several volumes"},
		"counts differ":        {archive([]member{one}, u16(8, 2)), "several volumes"},
		"513 members":          {archive(many, nil), "513 members"},
		"directory elsewhere":  {archive([]member{one}, u32(16, 0)), "not where its end says"},
		"comment too long":     {archive([]member{one}, u16(20, 1)), "the comment reaches beyond"},
		"entry missing":        {archive([]member{one}, func(e []byte) { u16(8, 2)(e); u16(10, 2)(e) }), "the directory is cut short"},
		"entry too many":       {archive([]member{one, one}, func(e []byte) { u16(8, 1)(e); u16(10, 1)(e) }), "more than its entries"},
		"no entry":             {with(func(m *member) { m.central = u16(0, 0) }), "the directory is cut short"},
		"entry too long":       {with(func(m *member) { m.central = u16(32, 65535) }), "beyond the directory"},
		"leads outside":        {with(func(m *member) { m.name = "../a" }), "lead outside"},
		"compression":          {with(func(m *member) { m.central = u16(10, 12) }), "compression method 12"},
		"other compression":    {with(func(m *member) { m.local = u16(8, 8) }), "disagree"},
		"ZIP64":                {with(func(m *member) { m.central = u32(20, 0xffffffff) }), "sizes that cannot be"},
		"ZIP64, inflated":      {with(func(m *member) { m.deflate, m.central = true, u32(24, 0xffffffff) }), "sizes that cannot be"},
		"stored and larger":    {with(func(m *member) { m.central = u32(24, 5) }), "sizes that cannot be"},
		"no local header":      {with(func(m *member) { m.central = u32(42, 1) }), "no header where"},
		"local far away":       {with(func(m *member) { m.central = u32(42, 0xffffff) }), "reaches beyond"},
		"data too long":        {with(func(m *member) { m.deflate, m.central = true, u32(20, 0xffff) }), "reaches beyond"},
		"other name":           {with(func(m *member) { m.local = u16(26, 2) }), "disagree"},
		"other CRC":            {with(func(m *member) { m.local = u32(14, 0) }), "disagree"},
		"other flags":          {with(func(m *member) { m.local = u16(6, 2) }), "disagree"},
		"descriptor's CRC":     {with(func(m *member) { m.descriptor, m.after = true, u32(4, 0) }), "data descriptor"},
		"descriptor's length":  {with(func(m *member) { m.descriptor, m.after = true, u32(8, 0) }), "data descriptor"},
		"descriptor's size":    {with(func(m *member) { m.descriptor, m.after = true, u32(12, 0) }), "data descriptor"},
		"bare descriptor":      {with(func(m *member) { m.bare, m.after = true, u32(0, 0) }), "data descriptor"},
		"two of one name":      {archive([]member{one, one}, nil), "two members are named a"},
		"one in another":       {archive([]member{one, {name: "b", central: u32(42, 0)}}, nil), "disagree"},
		"bomb":                 {archive([]member{{name: "a", deflate: true, local: u32(22, 1<<30+1), central: u32(24, 1<<30+1)}}, nil), "when inflated"},
		"U-Boot image, broken": {archive([]member{{name: "a.img", data: uboot("x")[:64]}}, nil), "a.img: at 12"},
	} {
		_, err := parse(c.file)
		e, ok := errors.AsType[*untrusted.Error](err)
		if assert.True(t, ok, "%s: %v", name, err) {
			assert.Contains(t, e.Reason, c.text, name)
		}
	}
	p, err := parse(archive(many[:512], nil))
	require.NoError(t, err)
	assert.Len(t, p.Members, 512)
	// Encrypted members are told, and not read.
	p, err = parse(archive([]member{{name: "Install", data: "VENDOR:X", local: u16(6, 1), central: u16(8, 1)}}, nil))
	require.NoError(t, err)
	assert.True(t, p.Members[0].Encrypted)
	assert.Empty(t, p.Vendor)
}

func FuzzParse(f *testing.F) {
	f.Add(archive([]member{{name: "Install", data: "VENDOR:General\n", deflate: true}, {name: "a.img", data: uboot("x"), descriptor: true}}, nil))
	f.Add(archive([]member{{name: "b", data: "x", bare: true}}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parse(b)
		if err != nil {
			_, ok := errors.AsType[*untrusted.Error](err)
			require.True(t, ok, err)
			return
		}
		in := untrusted.File{Size: int64(len(b))}
		for _, m := range p.Members {
			require.True(t, in.Holds(m.Offset, m.Length))
		}
		sums(t, p, b)
	})
}
