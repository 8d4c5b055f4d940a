package isapi_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/isapi"
)

// A receiver counts once it has a host, and a port if it names one.
func TestHTTPHosts(t *testing.T) {
	const prefix, end = "<HttpHostNotificationList><HttpHostNotification><id>1</id>", "</HttpHostNotification></HttpHostNotificationList>"
	port := 8443
	for host, want := range map[string]*isapi.HTTPHost{
		"<hostName>vms.example</hostName><portNo>8443</portNo>":       {ID: "1", Host: "vms.example", Port: &port},
		"<hostName>vms.example</hostName>":                            {ID: "1", Host: "vms.example"},
		"<hostName>vms.example</hostName><portNo>0</portNo>":          nil,
		"<ipAddress>192.0.2.1</ipAddress><portNo>8443</portNo>":       {ID: "1", Host: "192.0.2.1", Port: &port},
		"<ipv6Address>2001:db8::1</ipv6Address><portNo>8443</portNo>": {ID: "1", Host: "2001:db8::1", Port: &port},
		"<ipAddress>0.0.0.0</ipAddress><portNo>8443</portNo>":         nil,
		"<hostName></hostName><ipv6Address>::</ipv6Address>":          nil,
		"<url>/x</url>": nil,
	} {
		got, err := client(t, &fake{other: answer{body: prefix + host + end}}).HTTPHosts(t.Context())
		require.NoError(t, err, host)
		if want == nil {
			require.Empty(t, got, host)
			continue
		}
		require.Equal(t, []isapi.HTTPHost{*want}, got, host)
	}
}

// Triggers come alone or inside another document; none at all is malformed.
func TestEventTriggers(t *testing.T) {
	const list = `<EventTriggerList><EventTrigger><id>a</id><eventType>illaccess</eventType><EventTriggerNotificationList>` +
		`<EventTriggerNotification><notificationMethod>email</notificationMethod></EventTriggerNotification><EventTriggerNotification/>` +
		`</EventTriggerNotificationList></EventTrigger><EventTrigger><id>b</id></EventTrigger></EventTriggerList>`
	for _, body := range []string{list, "<EventNotification>" + list + "</EventNotification>"} {
		got, err := client(t, &fake{other: answer{body: body}}).EventTriggers(t.Context())
		require.NoError(t, err)
		require.Equal(t, []isapi.EventTrigger{{ID: "a", Type: "illaccess", Methods: []string{"email"}}, {ID: "b"}}, got)
	}
	_, err := client(t, &fake{other: answer{body: "<EventNotification/>"}}).EventTriggers(t.Context())
	require.ErrorIs(t, err, camsec.ErrMalformed)
}
