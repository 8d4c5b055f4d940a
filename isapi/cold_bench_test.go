package isapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/camsec/camsec"
	"github.com/camsec/camsec/auth"
	"github.com/camsec/camsec/auth/authtest/measure"
	"github.com/camsec/camsec/auth/wire"
	"github.com/camsec/camsec/isapi"
)

// coldSite are devices 20 ms away that nobody has talked to.
func coldSite(n int) measure.Site {
	return measure.Site{
		Devices: n, Trip: 20 * time.Millisecond, User: "admin", Password: "Correct-Horse-9", Type: "application/xml",
		Open: map[string]string{"/SDK/activateStatus": `<?xml version="1.0" encoding="UTF-8"?><ActivateStatus version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"><Activated>true</Activated></ActivateStatus>`},
		Closed: map[string]string{"/ISAPI/System/deviceInfo": `<?xml version="1.0" encoding="UTF-8"?>
<DeviceInfo version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema">
<deviceName>Gate</deviceName>
<deviceID>0c0ffee0-0000-11b3-8264-0123456789ab</deviceID>
<model>DS-2CD2143G2-I</model>
<serialNumber>DS-2CD2143G2-I20230304AAWRK00000001</serialNumber>
<macAddress>24:28:fd:00:00:01</macAddress>
<firmwareVersion>V5.7.18</firmwareVersion>
<firmwareReleasedDate>build 240826</firmwareReleasedDate>
<encoderVersion>V7.3</encoderVersion>
<deviceType>IPCamera</deviceType>
</DeviceInfo>`},
	}
}

// A coldRun is what a process that visits a site is told, and what it says.
type coldRun struct {
	InFlight, Files int
	Addresses       []string
	State           string // the folder of the budget

	Wall      time.Duration
	Allocated uint64 // bytes a device
	Held      uint64 // bytes that were in use at most, with all in flight
	Lost      int
}

// visitCold reads the firmware version of each device once, as a program does
// that has just begun: a client of its own for each, a login, a budget that
// survives the process. It prints what came of it.
func visitCold([]string) {
	run := told()
	began := time.Now()
	budget, err := auth.OpenFileBudget(run.State, nil)
	if err != nil {
		panic(err)
	}
	site := coldSite(0)
	source := auth.Static(site.User, camsec.NewSecret([]byte(site.Password)))
	pool := wire.NewPool(nil)
	visit := func(ctx context.Context, t camsec.Target) (string, error) {
		c, err := isapi.New(t.Address, source, &isapi.Options{Target: t, Budget: budget, ReadOnly: true, Pool: pool})
		if err != nil {
			return "", err
		}
		defer c.Close()
		info, err := c.DeviceInfo(ctx)
		return info.FirmwareVersion, err
	}
	opts := &camsec.RunOptions{Limits: camsec.Limits{All: run.InFlight, Descriptors: run.Files}}
	for v := range camsec.Run(context.Background(), run.targets, visit, opts) {
		if v.Err != nil || v.Value != "V5.7.18" {
			run.Lost++
		}
	}
	run.print(began)
}

// visitBare is the floor: two requests to each device, which is what a login
// takes, by net/http alone, with no login, no budget and nothing read.
func visitBare([]string) {
	run := told()
	began := time.Now()
	var visits sync.WaitGroup
	next := make(chan string)
	for range run.InFlight {
		visits.Go(func() {
			for a := range next {
				tr := &http.Transport{}
				for range 2 {
					resp, err := (&http.Client{Transport: tr}).Get("http://" + a + "/SDK/activateStatus")
					if err != nil {
						panic(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				tr.CloseIdleConnections()
			}
		})
	}
	for _, a := range run.Addresses {
		next <- a
	}
	close(next)
	visits.Wait()
	run.print(began)
}

func (r coldRun) targets(yield func(camsec.Target) bool) {
	for i, a := range r.Addresses {
		if !yield(camsec.Target{ID: "cam-" + strconv.Itoa(i), Address: "http://" + a}) {
			return
		}
	}
}

// told reads from standard input what to do.
func told() coldRun {
	var run coldRun
	if err := json.NewDecoder(os.Stdin).Decode(&run); err != nil {
		panic(err)
	}
	return run
}

func (r coldRun) print(began time.Time) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.Wall, r.Allocated, r.Addresses = time.Since(began), m.TotalAlloc/uint64(len(r.Addresses)), nil
	b, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(b))
}

// visit has a role visit the site.
func (r coldRun) visit(b *testing.B, role string) (coldRun, measure.Usage) {
	r.State = b.TempDir()
	job, err := json.Marshal(r)
	require.NoError(b, err)
	p := measure.Start(b, role, r.Files)
	p.Watch()
	require.NoError(b, json.Unmarshal([]byte(p.Ask(string(job))), &r))
	return r, p.Wait()
}

// BenchmarkCold reads the firmware version of 2,000 devices that no process
// has talked to before, many at once, and the same under a hard limit of 1,024
// open files, beside two bare requests to each. Visitors and devices share the
// machine's processors.
func BenchmarkCold(b *testing.B) {
	const devices, inFlight = 2000, 320
	site := measure.StartSite(b, "site", devices, strconv.Itoa(devices))
	for name, files := range map[string]int{"free": 0, "1024-files": 1024} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				run := coldRun{InFlight: inFlight, Files: files, Addresses: site.Addresses}
				floor, least := run.visit(b, "bare")
				site.Totals()
				own, took := run.visit(b, "cold")
				t := site.Totals()
				require.Zero(b, t.Failed)
				b.ReportMetric(float64(own.Wall.Milliseconds()), "wall-ms")
				b.ReportMetric(own.Wall.Seconds()/floor.Wall.Seconds(), "wall/floor")
				b.ReportMetric(float64(took.CPU.Milliseconds()), "cpu-ms")
				b.ReportMetric(took.CPU.Seconds()/least.CPU.Seconds(), "cpu/floor")
				b.ReportMetric(float64(own.Allocated)/1024, "KiB/device")
				b.ReportMetric(float64(floor.Allocated)/1024, "floor-KiB/device")
				b.ReportMetric(took.Peak, "MiB")
				b.ReportMetric(least.Peak, "floor-MiB")
				b.ReportMetric(float64(took.Files), "files")
				b.ReportMetric(float64(t.Most), "connections")
				b.ReportMetric(float64(own.Lost), "lost")
				b.ReportMetric(float64(t.Requests)/devices, "requests/device")
			}
		})
	}
}
