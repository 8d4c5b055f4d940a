package camsec

// The English texts that reports may hold beside those of the controls, one a
// line. A test holds them to what the code says.
const (
	writerTexts = `
Camera security report
A result is evidence towards the clauses it names. It is no statement that the device or its owner complies with them.
Customer
Site
Operator
Ticket
Judged
Data as of
advisories
Redacted
serials and addresses are replaced
unknown
pass
fail
notApplicable
waived
info
low
medium
high
critical
none
Devices
Device
Not reached
Critical findings
Failing results
Unknown results
The fleet
By severity
By model
By firmware
devices with findings
too little known
without findings
What to do
What could not be told
Why
Reason
Message
Model
Firmware
Score
Fail
Unknown
Pass
Waived
Severity
Status
Control
Found
Level
Cut-off risk
Seen in
To do
Evidence towards
On devices
Clock
clock against ours
Asked
judged
identity
Serial
none on record
No device.
All devices were reached.
Nothing fails.
no score (%d of %d controls answered; %s unknown by weight)
score %d of 100 (%d of %d controls answered; %s unknown by weight)
score %d of 100 (capped: a critical control fails; %d of %d controls answered; %s unknown by weight)
%d pass, %d fail, %d unknown, %d not applicable, %d waived
%s not read: %s (%s)
users
settings
loginState
%d s
unnamed device
The controls
How the score is made
version
Sort by
%d more
pinned
insecure-tls
plain-http
first-use
legacy-tls
1 device
%d devices
%d of %d devices
Not asked
Trust
Results
Passed
What is unknown is neither safe nor unsafe: it was not learned, and the reason stands beside it.
`
	verdictTexts = `
%d settings are as approved
%s %s, firmware %s build %s
%s allows %s
%s is digest
%s is named in section 889(f)(3) of Public Law 115-232 and in the FCC's Covered List (DA 21-309); whether a rule applies is for counsel to say
%s is not named in section 889(f)(3) of Public Law 115-232 or the FCC's Covered List (DA 21-309); who built the device for it is not told
%s speaks Hikvision's protocol, so another may have built the device
on: %s
off: %s
declared: %s
%s is in use by %s
802.1X is off
802.1X logs in with %s
802.1X logs in with EAP-TLS
HTTPS is off, which TLS-01 reports
IP version of no known meaning: %s
IPv4 alone is in use
IPv4 and IPv6 are both on
IPv6 is the only address family in use
MD5 is all that is offered
NTP is off
ONVIF authentication allows %s
ONVIF authentication is digest
ONVIF authentication is of no known meaning: %s
HTTP authentication is of no known meaning: %s
RTSP authentication is of no known meaning: %s
ONVIF is off
SHA-256 is offered
TLS %s is accepted
TLS %s is the lowest accepted
TLS version of no known meaning: %s
UPnP is off; forwarding set in the router itself is not seen from here
Wi-Fi is off
Wi-Fi is protected by %s
a name server is %s
by the device's own flag the factory password is still in use
by the device's own flag the password is not the factory's
changed: %s
consumers use accounts without administrator rights
digest algorithms are of no known meaning: %s
every account is an administrator, so every consumer logs in as one
expected and not there: %q
follows %s
follows %s, which is not declared
follows %s; no time server was declared to compare with
gateway and name servers are the declared ones
key or signature of no known strength: %s
locks after %d tries for %d seconds
locks after %d tries, outside 5 to 10
locks for %d seconds, outside 600 to 1800
no account for ONVIF was reported
no account was reported
no accounts of channels declared
no approved settings to compare with
no camera behind the device was reported
no expected ONVIF accounts declared
no expected accounts declared
no gateway and no name servers declared
no time server is named
nobody has set a password yet: whoever comes first owns the device
not expected: %s
not reported: %s
nothing about the identity was reported
notification methods of no known meaning: %s
notifies by %s
plain HTTP is off
plain HTTP is on and serves logins
plain HTTP only leads to HTTPS
protection of Wi-Fi of no known meaning: %s
routers are asked to open %d ports
routers are asked to open no port; forwarding set in the router itself is not seen from here
the MAC is one that many devices share
the serial is one that many devices share
the accounts are the expected ones
the approved settings hold nothing to compare with
the certificate ends in %d days
the certificate is good for %d more days
the certificate is not for the address in use
the certificate's authority is not known here
the certificate is not valid now
the certificate is signed with %s
the certificate leads to an authority that is trusted here
the certificate was issued by the device itself
the certificate's key is %s
the certificate's key is %s, signed with %s
the clock is off by %d seconds
the consumer's account %q is an administrator
the consumer's account %q is not there
the device does not name its maker
the device is a camera, with none behind it
the device is activated
the device's own check accepts the password
the device's own check calls the password weak
the gateway is %s
the illegal-login event notifies nobody outside the device
the login lock is off, which ACC-12 reports
the password is too old since %d days
the password may be used for %d more days
the recorder does not say whether it checks the certificate on channel %s
the recorder does not say whether the camera takes its login on channel %s
the recorder does not check the certificate on channel %s
the recorder checks the certificate of %d channels
the camera refuses the recorder's login on channel %s
the recorder's logins to %d channels work
the recorder does not name the account of every channel
what the account %q may do is not known
which accounts recorder and VMS use was not declared
%s could not be told: %s
%s could not be told: %s (%s)
%s has no value
%s is a %s where a %s was expected
%s was reported twice with different values
not applicable by the baseline: %s
not asked: it is of level %d and the baseline of level %d
waived by %s until %s: %s (found: %s)
the control gives no reason
802.1X
Bonjour
CGI
FTP upload
GB/T 28181
HTTPS
HTTPS for event receivers
IP version
ISUP/EHome
IoT port
Modbus
NTP
ONVIF
ONVIF authentication
HTTP authentication
RTSP authentication
SADP
SNMP v1/v2c
SRTP
SSH
Telnet
UPnP
Wi-Fi
accounts
activation
address filter
anonymous login
cameras behind the recorder
clock offset
days until the password is too old
device information without a login
digest algorithms
duration of the lock
dynamic DNS
encryption to the log server
factory password
gateway
idle logout
security questions
recovery mail
encryption of the storage
fetching firmware by itself
installing it by itself
log
%d may be logged in at once, and %d is enough
%d may be logged in at once
illegal-login notification
inventory
key of the certificate
log server
login at event receivers
login lock
login state
lowest TLS version
mail encryption
maker
maker's cloud
method of 802.1X
multicast streaming
name in the certificate
name servers
plain HTTP
plain WebSocket
ports that routers are asked to open
protection of Wi-Fi
redirection to HTTPS
signature of the certificate
the maker's protocol without TLS
time server
tries before the lock
validity of the certificate
weak password
whether the issuer is trusted
who issued the certificate
unreachable
untrusted
refused
locked
forbidden
not-offered
not-readable
no-credential
unparsable
busy
cancelled
No published vulnerability applies to the running firmware
No vulnerability known to be exploited applies to the running firmware
A weakness that is being exploited elsewhere will be tried here.
A published weakness is known to everybody who looks for one.
Install the maker's fixed firmware for this model and platform; until then keep the device off networks that it need not be on.
the inventory could not be read: %s
affected: %s
possibly affected: %s
not decided: %s
the dataset has nothing about this maker
the maker is not known
the model is not known
the firmware version is not known or not understood
no %s applies, but the dataset is of %s and too old to tell
no %s of the dataset of %s applies to %s firmware %s; %d of this maker were held against it
advisory
known-exploited advisory
`
)
