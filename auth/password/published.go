package password

import "github.com/camsec/camsec"

// A Published is a login that a maker shipped, or that malware is known to
// try. User is empty where the password came with several user names.
type Published struct {
	User     string
	Password string //nolint:gosec // public knowledge, not a credential
	Vendor   string // the maker, or "" for a generic one
}

// IsPublished tells whether secret is a published default password, with this
// user or any other, since those who try them do not keep to the pairs. An
// empty secret is one. It compares offline with what the owner already holds.
func IsPublished(user string, secret camsec.Secret) bool {
	_, ok := Lookup(user, secret)
	return ok
}

// Lookup returns the entry that makes secret a published default: one with
// this user if there is one, else the first with the password.
func Lookup(user string, secret camsec.Secret) (Published, bool) {
	b := secret.Reveal()
	defer clear(b)
	return lookup(user, b)
}

func lookup(user string, b []byte) (Published, bool) {
	var found Published
	ok := false
	for _, p := range published {
		if p.Password != string(b) {
			continue
		}
		if p.User == user {
			return p, true
		}
		if !ok {
			found, ok = p, true
		}
	}
	return found, ok
}

// published has makers' documented defaults and the logins in the scanner of
// the Mirai malware (its published source, decoded; makers as B. Krebs named
// them in 2016). Makers' newer firmware has no default.
var published = []Published{
	{"admin", "12345", "Hikvision"}, // to V5.2
	{"admin", "admin", "Dahua"},
	{"888888", "888888", "Dahua"},
	{"666666", "666666", "Dahua"},
	{"root", "888888", "Dahua"},
	{"root", "666666", "Dahua"},
	{"root", "vizxv", "Dahua"},
	{"root", "7ujMko0vizxv", "Dahua"},
	{"root", "7ujMko0admin", "Dahua"},
	{"admin", "7ujMko0admin", "Dahua"},
	{"root", "pass", "Axis"},
	{"admin", "4321", "Samsung"},
	{"admin", "1111111", "Samsung"},
	{"admin", "123456", "ACTi"},
	{"admin", "1234", ""},
	{"admin", "9999", ""},
	{"admin", "meinsm", "Mobotix"},
	{"Administrator", "meinsm", "Mobotix"},
	{"root", "system", "IQinVision"},
	{"supervisor", "supervisor", "VideoIQ"},
	{"root", "ikwb", "Toshiba"},
	{"root", "xc3511", "Xiongmai"},
	{"admin", "", ""},
	{"root", "", ""},
	{"root", "xmhdipc", "Anran"},
	{"root", "juantech", "Guangzhou Juan"},
	{"root", "anko", "ANKO"},
	{"root", "jvbzd", "HiSilicon"},
	{"root", "hi3518", "HiSilicon"},
	{"root", "klv123", "HiSilicon"},
	{"root", "klv1234", "HiSilicon"},
	{"root", "zlxx.", ""},
	{"ubnt", "ubnt", "Ubiquiti"},
	{"root", "Zte521", "ZTE"},
	{"root", "realtek", "Realtek"},
	{"admin", "smcadmin", "SMC"},
	{"root", "dreambox", "Dreambox"},
	{"root", "00000000", ""},
	{"root", "admin", ""},
	{"root", "root", ""},
	{"root", "12345", ""},
	{"root", "123456", ""},
	{"root", "54321", ""},
	{"admin", "54321", ""},
	{"admin", "password", ""},
	{"administrator", "1234", ""},
	{"guest", "12345", ""},
	{"guest", "guest", ""},
	{"user", "user", ""},
	{"support", "support", ""},
	{"service", "service", ""},
	{"tech", "tech", ""},
}
