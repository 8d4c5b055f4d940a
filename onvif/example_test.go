package onvif_test

import (
	"context"
	"fmt"
	"log"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/onvif"
	"github.com/camsec/camsec/onvif/onviftest"
)

// A device is read through the view that all protocols share; what ONVIF
// cannot tell stays unknown.
func ExampleClient_Device() {
	sim, err := onviftest.Start(onviftest.Profiles()[0], nil)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = sim.Close() }()

	client, err := onvif.New(sim.Addr(), auth.Static(sim.User(), camsec.NewSecret([]byte(sim.Password()))), nil)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	ctx := context.Background()
	settings, err := client.Device().Settings(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range settings {
		switch {
		case s.ID != "service.ssh" && s.ID != "service.http":
		case s.Known():
			fmt.Println(s.ID, s.State)
		default:
			fmt.Println(s.ID, s.State, s.Err.Reason())
		}
	}
	// Output:
	// service.http on
	// service.ssh unknown not-readable
}
