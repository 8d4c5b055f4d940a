package main

import (
	"context"
	"fmt"
	"os"
)

func Example() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// service.telnet   off: applied, read back; port open before, closed now
	// service.ssh      off: applied, read back; port open before, closed now
	// service.upnp     off: applied, read back
	// service.cloud    off: applied, read back
	// service.snmp.v1  off: applied, read back
}
