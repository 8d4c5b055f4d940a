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
	// no score (0 of 1 controls answered; 100 % unknown by weight)
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

// A fleet is visited with as many devices at once as it bears, and results
// come as they are.
func ExampleRun() {
	targets := []camsec.Target{{ID: "gate", Scope: "shop"}, {ID: "yard", Scope: "shop"}, {ID: "dock", Scope: "depot"}}
	visit := func(ctx context.Context, t camsec.Target) (*camsec.Snapshot, error) {
		return camsec.Collect(ctx, newBench(), &camsec.CollectOptions{Target: t}) // a driver's device in your program
	}
	opts := &camsec.RunOptions{Limits: camsec.Limits{All: 100, Site: 10}}
	read := 0
	for v := range camsec.Run(context.Background(), slices.Values(targets), visit, opts) {
		if v.Err != nil {
			fmt.Println(v.Target.Key(), v.Err)
			continue
		}
		read++
	}
	fmt.Println(read, "devices read")
	// Output: 3 devices read
}
