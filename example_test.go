package camsec_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/camsec/camsec"
)

// A snapshot is judged without the device, as often as one likes.
func ExampleJudge() {
	s := &camsec.Snapshot{
		Schema: camsec.SnapshotSchema,
		Target: camsec.Target{Address: "10.0.0.5"},
		Settings: []camsec.Setting{
			{ID: "service.telnet", Value: camsec.BoolValue(true), State: camsec.StateOn},
			{ID: "service.ssh", Value: camsec.BoolValue(false), State: camsec.StateOff},
		},
	}
	report := camsec.Judge(s, camsec.Controls(), time.Now())
	for _, r := range report.Results {
		if r.Status != camsec.StatusUnknown {
			fmt.Println(r.Control, r.Severity, r.Status, "-", r.Title)
		}
	}
	fmt.Println("score given:", report.Score != nil)
	// Output:
	// SVC-01 high pass - SSH is off
	// SVC-02 critical fail - Telnet is off
	// score given: false
}

// Own controls follow the built-in ones and replace those of the same id.
func ExampleExpectedAccounts() {
	s := &camsec.Snapshot{Users: []camsec.User{
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "admin"}, Role: camsec.RoleAdmin},
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "fitter"}, Role: camsec.RoleOperator},
	}}
	controls := append(camsec.Controls(), camsec.ExpectedAccounts("admin"))
	for _, r := range camsec.Judge(s, controls, time.Now()).Results {
		if r.Control == "ACC-08" {
			fmt.Println(r.Status, "-", r.Reason)
		}
	}
	// Output: fail - not expected: "fitter" (operator)
}

// A report for people, here as text.
func ExampleWriteTable() {
	s := &camsec.Snapshot{
		Target:    camsec.Target{Address: "10.0.0.5"},
		Inventory: camsec.Inventory{Vendor: "Maker", Model: "C1", Firmware: camsec.Firmware{Version: "V1.2"}},
	}
	controls := []camsec.Control{camsec.ExpectedAccounts("admin")}
	if err := camsec.WriteTable(os.Stdout, []*camsec.Report{camsec.Judge(s, controls, time.Now())}); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 10.0.0.5  Maker C1 V1.2
	// no score (100 % unknown)
	// 0 pass, 0 fail, 1 unknown, 0 not applicable, 0 waived
	// STATUS   SEVERITY  CONTROL  TITLE                             REASON
	// unknown  high      ACC-08   Only the expected accounts exist  no account was reported
}

// A driver checks in its own tests, or on the bench, that it keeps the
// contract.
func ExampleCheckDevice() {
	fmt.Println(camsec.CheckDevice(context.Background(), newBench()))
	// Output: <nil>
}
