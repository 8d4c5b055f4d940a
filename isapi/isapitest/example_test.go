package isapitest_test

import (
	"fmt"

	"github.com/camsec/camsec/isapi/isapitest"
)

// A device is brought into the state a test needs before the client sees it.
func ExampleDevice_SetService() {
	d, err := isapitest.Start(isapitest.CurrentCamera(), &isapitest.Options{InProcess: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = d.Close() }()
	d.SetService("telnet", true)
	fmt.Println(d.Service("telnet"), d.Service("ssh"), d)
	// Output: true false DS-2CD2T47G2-TEST V5.7.18
}
