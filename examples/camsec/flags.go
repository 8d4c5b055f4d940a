package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// A flagSet is a flag.FlagSet whose flags may follow arguments. A command
// defines only the flags that it reads, so that any other is a usage error.
type flagSet struct {
	*flag.FlagSet
	args string
}

func newFlags(name, args string) *flagSet {
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	return &flagSet{fs, args}
}

type helpError struct{ text string }

func (*helpError) Error() string { return "help" }

func asHelp(err error) (string, bool) {
	h, ok := errors.AsType[*helpError](err)
	if !ok {
		return "", false
	}
	return h.text, true
}

// parse returns the arguments that are no flags.
func (f *flagSet) parse(args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, &helpError{f.help()}
			}
			return nil, usageErr(f.explain(err))
		}
		left := f.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if n := len(args) - len(left); n > 0 && args[n-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// explain keeps values out of the message: one may be a password that stands
// where it should not.
func (f *flagSet) explain(err error) error {
	s := err.Error()
	const undefined = "flag provided but not defined: "
	if name, ok := strings.CutPrefix(s, undefined); ok {
		switch strings.TrimLeft(name, "-") {
		case "password", "pass", "p", "pw", "secret":
			return errors.New("a password never stands on the command line, where others can read it: use -password-file or -password-env")
		}
		return fmt.Errorf("no flag %s here", name)
	}
	if strings.HasPrefix(s, "flag needs an argument") {
		return err
	}
	if _, after, ok := strings.Cut(s, " for flag "); ok {
		name, _, _ := strings.Cut(after, ":")
		return fmt.Errorf("the value of %s is not understood", name)
	}
	if _, after, ok := strings.Cut(s, " for "); ok { // "invalid boolean value … for -name: …"
		name, _, _ := strings.Cut(after, ":")
		return fmt.Errorf("the value of %s is not understood", name)
	}
	return errors.New("the flags are not understood")
}

func (f *flagSet) help() string {
	var b strings.Builder
	fmt.Fprintf(&b, "usage: camsec %s [flags] %s\n\n", f.Name(), f.args)
	f.SetOutput(&b)
	f.PrintDefaults()
	f.SetOutput(io.Discard)
	return b.String()
}

// given tells whether the flag stood on the command line.
func (f *flagSet) given(name string) bool {
	found := false
	f.Visit(func(g *flag.Flag) { found = found || g.Name == name })
	return found
}

// refuse makes an error of any of the named flags that stood on the command
// line although, because of why, nothing would read them.
func (f *flagSet) refuse(why string, names ...string) error {
	var errs []error
	for _, n := range names {
		if f.given(n) {
			errs = append(errs, fmt.Errorf("-%s has no meaning %s", n, why))
		}
	}
	return usageErr(errors.Join(errs...))
}

// An outputFlags says where results go.
type outputFlags struct {
	json, lines     bool
	html, csv, save string
	retryFrom       string
}

// add adds the flags; what names what is read.
func (o *outputFlags) add(f *flagSet) {
	f.BoolVar(&o.json, "json", false, "print one JSON document")
	f.BoolVar(&o.lines, "jsonl", false, "print a line of JSON for each device as soon as it is read")
	f.StringVar(&o.html, "html", "", "write a report in HTML to `FILE`, too")
	f.StringVar(&o.csv, "csv", "", "write a CSV `FILE`, too")
	f.StringVar(&o.save, "save", "", "save what was read in `FILE`, for audit -from")
	f.StringVar(&o.retryFrom, "retry-from", "", "visit only devices that are missing or failed in `FILE`, the lines of an earlier -jsonl; later lines count")
}

func (o *outputFlags) check() error {
	if o.json && o.lines {
		return usageErr(errors.New("-json and -jsonl exclude each other"))
	}
	return nil
}

// A listFlag may be given several times.
type listFlag []string

func (l *listFlag) String() string     { return strings.Join(*l, ",") }
func (l *listFlag) Set(s string) error { *l = append(*l, s); return nil }

// targetFlags are the flags that say which devices and how to reach them.
type targetFlags struct {
	inventory string
	timeout   time.Duration
	inFlight  int
	proxy     string
	debug     bool

	protocol                        string
	user, passwordFile, passwordEnv string
	state                           string
	forget                          bool
	weaker                          bool

	pins        listFlag
	pinsFile    string
	firstUse    string
	insecureTLS bool
	legacyTLS   bool
}

// reach adds the flags of every command that visits devices.
func (t *targetFlags) reach(f *flagSet) {
	f.StringVar(&t.inventory, "inventory", "", "read devices from a CSV `FILE`; only the column address is required")
	f.DurationVar(&t.timeout, "timeout", time.Minute, "`time` for one device")
	f.StringVar(&t.proxy, "proxy", "", "reach every device through the SOCKS5 proxy `socks5h://host:port`, which also resolves names; the environment's proxies are ignored")
	f.IntVar(&t.inFlight, "in-flight", defaultInFlight, "visit at most this many devices at once, and no more than open files are allowed for")
}

// check tells what is wrong with the flags of reach.
func (t *targetFlags) check() error {
	var errs []error
	if t.timeout <= 0 {
		errs = append(errs, errors.New("-timeout must be above zero"))
	}
	if t.inFlight < 1 {
		errs = append(errs, errors.New("-in-flight must be above zero"))
	}
	if _, ok := driverOf(t.protocol); !ok {
		errs = append(errs, fmt.Errorf("-protocol %q: there are %s", clean(t.protocol), driverNames()))
	}
	if t.proxy != "" {
		if err := checkProxy(t.proxy); err != nil {
			errs = append(errs, fmt.Errorf("-proxy: %w", err))
		}
	}
	return usageErr(errors.Join(errs...))
}

// logger is where clients say what they do, nil without -debug.
func (t *targetFlags) logger(e *env) *slog.Logger {
	if !t.debug {
		return nil
	}
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// login adds the flags of commands that log in.
func (t *targetFlags) login(f *flagSet) {
	f.StringVar(&t.protocol, "protocol", "auto", "`protocol` of devices whose row does not name one: "+driverNames()+", which asks the device")
	f.StringVar(&t.user, "user", "", "log in under this `name`")
	f.StringVar(&t.passwordFile, "password-file", "", "read the password from a `FILE`")
	f.StringVar(&t.passwordEnv, "password-env", "", "read the password from the environment variable `NAME`")
	f.BoolVar(&t.debug, "debug", false, "log each exchange on standard error; no secret and no body is in it")
	f.StringVar(&t.state, "state", "", "keep the memory of refused logins in `DIR` (default: the user's state folder)")
	f.BoolVar(&t.weaker, "accept-weaker", false, "first forget how strong the logins were that worked at these devices, and nothing else: for firmware that was rolled back")
	f.BoolVar(&t.forget, "forget-logins", false, "first forget which logins these devices refused, and how strong those were that worked: for a password that is right now, or a device that was replaced")
	f.Var(&t.pins, "pin", "accept devices with this key, `sha256/…`; may be repeated")
	f.StringVar(&t.pinsFile, "pins", "", "accept the keys in `FILE`: a line is a pin, or an address and its pin")
	f.StringVar(&t.firstUse, "trust-first-use", "", "accept a device's first key and remember it in `FILE`")
	f.BoolVar(&t.insecureTLS, "insecure-tls", false, "accept any key: whoever stands between can pose as the device")
	f.BoolVar(&t.legacyTLS, "legacy-tls", false, "allow TLS 1.0 and RSA key exchange, which old devices need")
}

var loginFlags = []string{
	"inventory", "timeout", "in-flight", "proxy", "debug", "protocol", "user", "password-file", "password-env", "state", "forget-logins", "accept-weaker",
	"pin", "pins", "trust-first-use", "insecure-tls", "legacy-tls",
}
