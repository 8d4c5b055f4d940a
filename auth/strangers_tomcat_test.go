package auth_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
)

// Tomcat's DigestAuthenticator is the one packaged server that offers
// SHA-512-256, and it refuses counts that leave a window behind the highest.
func TestStrangerTomcat(t *testing.T) {
	t.Parallel()
	java := stranger(t, "java")
	const home = "/usr/share/tomcat10"
	if _, err := os.Stat(filepath.Join(home, "bin", "bootstrap.jar")); err != nil {
		missing(t, "tomcat10")
	}
	dir, address := t.TempDir(), freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	write := func(content string, path ...string) {
		t.Helper()
		file := filepath.Join(append([]string{dir}, path...)...)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
	}
	write(fmt.Sprintf(`<Server port="-1">
  <Service name="Catalina">
    <Connector port="%s" address="127.0.0.1" protocol="HTTP/1.1"/>
    <Engine name="Catalina" defaultHost="localhost">
      <Realm className="org.apache.catalina.realm.MemoryRealm"/>
      <Host name="localhost" appBase="webapps" deployXML="true"/>
    </Engine>
  </Service>
</Server>`, port), "conf", "server.xml")
	write(`<tomcat-users><role rolename="r"/><user username="u" password="correct-horse" roles="r"/></tomcat-users>`, "conf", "tomcat-users.xml")
	write(`<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <servlet><servlet-name>default</servlet-name><servlet-class>org.apache.catalina.servlets.DefaultServlet</servlet-class></servlet>
  <servlet-mapping><servlet-name>default</servlet-name><url-pattern>/</url-pattern></servlet-mapping>
</web-app>`, "conf", "web.xml")
	for name, valve := range map[string]string{
		"sha512": `algorithms="SHA-512-256"`,
		"all":    `algorithms="MD5,SHA-256,SHA-512-256"`,
		"window": `algorithms="SHA-512-256" nonceCountWindowSize="4"`,
		"short":  `algorithms="SHA-256" nonceValidity="1"`,
	} {
		write(`<Context><Valve className="org.apache.catalina.authenticator.DigestAuthenticator" `+valve+`/></Context>`,
			"webapps", name, "META-INF", "context.xml")
		write(`<web-app xmlns="https://jakarta.ee/xml/ns/jakartaee" version="6.0">
  <security-constraint>
    <web-resource-collection><web-resource-name>all</web-resource-name><url-pattern>/*</url-pattern></web-resource-collection>
    <auth-constraint><role-name>r</role-name></auth-constraint>
  </security-constraint>
  <login-config><auth-method>DIGEST</auth-method><realm-name>Gate 1</realm-name></login-config>
  <security-role><role-name>r</role-name></security-role>
</web-app>`, "webapps", name, "WEB-INF", "web.xml")
		write("it is "+name, "webapps", name, "f")
	}
	serve(t, address, java, "-XX:TieredStopAtLevel=1", "-Xmx96m", "-Dcatalina.home="+home, "-Dcatalina.base="+dir, "-Djava.io.tmpdir="+dir,
		"-cp", home+"/bin/bootstrap.jar:"+home+"/bin/tomcat-juli.jar", "org.apache.catalina.startup.Bootstrap", "start")

	for name, algorithm := range map[string]string{"sha512": "SHA-512-256", "all": "SHA-512-256", "window": "SHA-512-256"} {
		t.Run(name, func(t *testing.T) {
			rt, n := newClient(t, address, "correct-horse")
			for range 5 {
				body, err := fetch(t, rt, "http://"+address+"/"+name+"/f")
				require.NoError(t, err)
				require.Equal(t, "it is "+name, body)
				require.Contains(t, n.last(), "algorithm="+algorithm)
			}
			require.EqualValues(t, 6, n.requests.Load(), "one challenge, then one request a call")

			rt, n = newClient(t, address, "wrong")
			for range 5 {
				_, err := fetch(t, rt, "http://"+address+"/"+name+"/f")
				require.ErrorIs(t, err, camsec.ErrUnauthorized)
			}
			require.EqualValues(t, 2, n.requests.Load(), "the challenge and one failed login; then no packet")
		})
	}
	t.Run("case 47: 64 at once inside a count window of 4", func(t *testing.T) {
		rt, n := newClient(t, address, "correct-horse")
		errs := make([]error, 64)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = fetch(t, rt, "http://"+address+"/window/f") })
		}
		wg.Wait()
		for _, err := range errs {
			require.NoError(t, err)
		}
		require.EqualValues(t, 65, n.requests.Load())
		require.EqualValues(t, 1, n.refused.Load())
	})
	t.Run("a nonce of a millisecond", func(t *testing.T) {
		// Every nonce is too old when it comes back. Tomcat says stale, and the
		// secret is right: it must neither loop nor take it for refused.
		rt, n := newClient(t, address, "correct-horse")
		for range 5 {
			_, err := fetch(t, rt, "http://"+address+"/short/f")
			require.NotErrorIs(t, err, camsec.ErrUnauthorized)
		}
		require.LessOrEqual(t, n.requests.Load(), int64(15), "at most three requests a call")
	})
}
