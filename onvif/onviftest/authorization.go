package onviftest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// An authorizationServer is one that hands out tokens, to or for the device.
type authorizationServer struct {
	token, kind, auth                     string
	uri, client, scope, key, cert, policy string
	hasSecret                             bool // which is never told
}

// A jwt is which bearer tokens the device takes. The simulated device keeps it
// and takes none.
type jwt struct {
	audiences, issuers, keys []string
	policy                   string
	claims                   [][2]string // name, values
}

var (
	errNoConfig      = sender("No such server", "ter:InvalidArgVal", "ter:NoConfig")
	errInvalidConfig = sender("Not possible", "ter:InvalidArgVal", "ter:InvalidConfig")
)

// authorizationOperations are about who vouches for whom: authorization
// servers, bearer tokens, signatures of media.
func authorizationOperations() map[string]func(*Device, *request) (string, error) {
	return map[string]func(*Device, *request) (string, error){
		"GetAuthorizationServerConfigurations": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			token := text(q.el, "Token")
			var list []string
			for _, s := range k.servers {
				if token == "" || token == s.token {
					list = append(list, s.xml())
				}
			}
			if token != "" && list == nil {
				return "", errNoConfig
			}
			return in("tas:GetAuthorizationServerConfigurationsResponse", list...), nil
		}),
		"CreateAuthorizationServerConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			s, err := k.readServer(q.el.SelectElement("Configuration"))
			switch {
			case err != nil:
				return "", err
			case len(k.servers) >= 2:
				return "", full("ter:MaxAuthorizationServers")
			}
			s.token = k.id("server")
			k.servers = append(k.servers, s)
			return in("tas:CreateAuthorizationServerConfigurationResponse", el("tas:Token", s.token)), nil
		}),
		"SetAuthorizationServerConfiguration": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			c := q.el.SelectElement("Configuration")
			if c == nil {
				return "", errInvalidConfig
			}
			i := k.serverAt(c.SelectAttrValue("token", ""))
			if i < 0 {
				return "", errNoConfig
			}
			s, err := k.readServer(c.SelectElement("Data"))
			if err != nil {
				return "", err
			}
			s.token = k.servers[i].token
			k.servers[i] = s
			return done(q)
		}),
		"DeleteAuthorizationServerConfiguration": removal("Token", errNoConfig, func(k *keystore) *[]authorizationServer { return &k.servers }, (*keystore).serverAt, nil),
		"GetJWTConfiguration": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			list := []string{el("tas:Audiences", strings.Join(k.jwt.audiences, " "))}
			for _, s := range k.jwt.issuers {
				list = append(list, el("tas:TrustedIssuers", s))
			}
			for _, s := range k.jwt.keys {
				list = append(list, el("tas:KeyID", s))
			}
			if k.jwt.policy != "" {
				list = append(list, el("tas:ValidationPolicy", k.jwt.policy))
			}
			for _, c := range k.jwt.claims {
				list = append(list, in("tas:CustomClaims", el("tas:Name", c[0]), el("tas:SupportedValues", c[1])))
			}
			return in("tas:GetJWTConfigurationResponse", in("tas:Configuration", list...)), nil
		}),
		"SetJWTConfiguration": keystoreOperation(setJWT),
		"GetAssignedMediaSigningCertificates": keystoreOperation(func(_ *Device, k *keystore, _ *request) (string, error) {
			return ids("CertificationPathID", k.signing, "GetAssignedMediaSigningCertificates"), nil
		}),
		"AddMediaSigningCertificateAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			id := text(q.el, "CertificationPathID")
			switch {
			case k.pathAt(id) < 0:
				return "", errNoPath
			case !k.signs(id):
				return "", errNoSecret
			}
			k.signing = append(k.signing[:1:1], id) // beside the factory's, instead of an earlier one
			return done(q)
		}),
		"RemoveMediaSigningCertificateAssignment": keystoreOperation(func(_ *Device, k *keystore, q *request) (string, error) {
			if len(k.signing) < 2 || k.signing[1] != text(q.el, "CertificationPathID") { // the factory's stays
				return "", errNoOld
			}
			k.signing = k.signing[:1]
			return done(q)
		}),
	}
}

func (k *keystore) serverAt(token string) int {
	return slices.IndexFunc(k.servers, func(s authorizationServer) bool { return s.token == token })
}

func (k *keystore) readServer(e *etree.Element) (authorizationServer, error) {
	if e == nil {
		return authorizationServer{}, errInvalidConfig
	}
	s := authorizationServer{
		kind: e.SelectAttrValue("Type", ""), auth: e.SelectAttrValue("ClientAuth", ""), uri: text(e, "ServerUri"), client: text(e, "ClientID"),
		scope: text(e, "Scope"), key: text(e, "KeyID"), cert: text(e, "CertificateID"), policy: text(e, "CertPathValidationPolicyID"),
		hasSecret: text(e, "ClientSecret") != "",
	}
	u, err := url.Parse(s.uri)
	if err != nil || u.Scheme != "https" || u.Host == "" || s.kind != "OAuthClientCredentials" ||
		s.key != "" && k.keyAt(s.key) < 0 || s.cert != "" && k.certAt(s.cert) < 0 || s.policy != "" && k.policyAt(s.policy) < 0 ||
		s.auth == "client_secret_basic" && !s.hasSecret || s.auth == "private_key_jwt" && s.key == "" {
		return authorizationServer{}, errInvalidConfig
	}
	return s, nil
}

func (s authorizationServer) xml() string {
	list := []string{el("tas:ServerUri", s.uri)}
	for _, p := range [][2]string{{"ClientID", s.client}, {"Scope", s.scope}, {"KeyID", s.key}, {"CertificateID", s.cert}, {"CertPathValidationPolicyID", s.policy}} {
		if p[1] != "" {
			list = append(list, el("tas:"+p[0], p[1]))
		}
	}
	data := `tas:Data Type="` + esc(s.kind) + `"`
	if s.auth != "" {
		data += ` ClientAuth="` + esc(s.auth) + `"`
	}
	return in(`tas:Configuration token="`+s.token+`"`, in(data, list...))
}

func setJWT(_ *Device, k *keystore, q *request) (string, error) {
	e := q.el.SelectElement("Configuration")
	if e == nil {
		return "", errInvalidConfig
	}
	j := jwt{audiences: strings.Fields(text(e, "Audiences")), policy: text(e, "ValidationPolicy")}
	for _, x := range e.SelectElements("TrustedIssuers") {
		j.issuers = append(j.issuers, x.Text())
	}
	for _, x := range e.SelectElements("KeyID") {
		if k.keyAt(x.Text()) < 0 {
			return "", errNoKey
		}
		j.keys = append(j.keys, x.Text())
	}
	for _, x := range e.SelectElements("CustomClaims") {
		j.claims = append(j.claims, [2]string{text(x, "Name"), text(x, "SupportedValues")})
	}
	switch {
	case j.policy != "" && k.policyAt(j.policy) < 0:
		return "", errNoPolicy
	case len(j.audiences) > 8:
		return "", sender("Too many", "ter:InvalidArgVal", "ter:TooManyAudiences")
	case len(j.issuers) > 2:
		return "", sender("Too many", "ter:InvalidArgVal", "ter:MaxIssuersExceeded")
	}
	k.jwt = j
	return done(q)
}
