//go:build !race

package firmware_test

const raceDetector = false
