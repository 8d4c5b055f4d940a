package advisory_test

import (
	"fmt"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/firmware/advisory"
)

func ExampleDB_Match() {
	inventory := camsec.Inventory{
		Vendor: "HIKVISION", Model: "DS-2CD2143G2-I",
		Firmware: camsec.Firmware{Version: "V5.5.100", Build: "200826"},
	}
	for _, f := range advisory.Embedded().Match(inventory) {
		if f.Status != advisory.NotAffected {
			fmt.Println(f.ID, f.Status, "- exploited:", f.KnownExploited)
			fmt.Println(f.Reason)
		}
	}
	// Output:
	// CVE-2021-36260 affected - exploited: true
	// model DS-2CD2143G2-I is listed, and build date 2020-08-26 is before 210625
}
