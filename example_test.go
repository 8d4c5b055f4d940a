package camsec_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/camsec/camsec"
)

// A snapshot is judged without the device, as often as one likes.
func ExampleJudge() {
	s := &camsec.Snapshot{
		Target: camsec.Target{Address: "10.0.0.5"},
		Settings: []camsec.Setting{
			{ID: "service.telnet", Value: camsec.ValueOf(true), State: camsec.StateOn},
			{ID: "service.ssh", Value: camsec.ValueOf(false), State: camsec.StateOff},
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

// What the owner expects is declared once and held against every device.
func ExampleBaseline() {
	s := &camsec.Snapshot{Users: []camsec.User{
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "admin"}, Role: camsec.RoleAdmin},
		{Account: camsec.Account{Store: camsec.StoreDevice, Name: "fitter"}, Role: camsec.RoleOperator},
	}}
	baseline := &camsec.Baseline{Accounts: []string{"admin"}}
	controls := baseline.Apply(camsec.Controls())
	for _, r := range camsec.Judge(s, controls, time.Now()).Results {
		if r.Control == "ACC-08" {
			fmt.Println(r.Status, "-", r.Reason)
		}
	}
	// Output: fail - not expected: "fitter" (operator)
}

// A report for people, here as text.
func ExampleReports_WriteTable() {
	s := &camsec.Snapshot{
		Target:    camsec.Target{Address: "10.0.0.5"},
		Inventory: camsec.Inventory{Vendor: "Maker", Model: "C1", Firmware: camsec.Firmware{Version: "V1.2"}},
	}
	baseline := &camsec.Baseline{Accounts: []string{"admin"}}
	controls := slices.DeleteFunc(baseline.Apply(camsec.Controls()), func(c camsec.Control) bool { return c.ID() != "ACC-08" })
	reports := camsec.Reports{camsec.Judge(s, controls, time.Now())}
	if err := reports.WriteTable(os.Stdout, nil); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 10.0.0.5  Maker C1 V1.2
	// no score (100 % unknown)
	// 0 pass, 0 fail, 1 unknown, 0 not applicable, 0 waived
	// Status   Severity  Control  Found
	// unknown  high      ACC-08   Only the expected accounts exist: no account was reported
}

// A driver checks in its own tests, or on the bench, that it keeps the
// contract.
func ExampleCheckDevice() {
	fmt.Println(camsec.CheckDevice(context.Background(), newBench()))
	// Output: <nil>
}
