package firmware_test

import (
	"fmt"

	"github.com/camsec/camsec/firmware"
)

func ExampleCompare() {
	camera := firmware.Parse("Hikvision", "V4.84.031")
	list := firmware.Parse("Hikvision", "V4.84.31 build 251210")
	fmt.Println(firmware.Compare(camera, list))

	a := firmware.Parse("Hikvision", "V5.5.42 build 181129")
	b := firmware.Parse("Hikvision", "V5.5.81 build 180910")
	fmt.Println(firmware.Compare(a, b))

	a.Platform, b.Platform = "H3", "H3"
	fmt.Println(firmware.Compare(a, b))
	// Output:
	// same the version numbers are equal; the build is not told on both sides
	// incomparable version number and build date disagree and the platform is not known on both sides
	// newer the build date decides within platform H3; the version numbers say otherwise
}
