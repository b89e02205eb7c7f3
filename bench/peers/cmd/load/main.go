// Posts signed run events over a fixed number of connections, and prints what it measured as one line of JSON.
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type request struct {
	body      []byte
	signature string
}

type figures struct {
	Requests       int     `json:"requests"`
	Refused        int     `json:"refused"`
	PerSecond      float64 `json:"per_second"`
	PerCPUSecond   float64 `json:"per_cpu_second"`
	P50Ms          float64 `json:"p50_ms"`
	P99Ms          float64 `json:"p99_ms"`
	PeakMemoryMiB  float64 `json:"peak_memory_mib"`
}

// Kernel ticks per second, fixed on Linux.
const ticks = 100

func events(count int, secret []byte) []request {
	requests := make([]request, count)
	for i := range requests {
		body := fmt.Appendf(nil, `{"account":"acme","state":"FINISHED","stateVersion":7,"timestamp":%d,"timestamp_millis":%d,"note":null,"run":{"id":"01KB%022d","branch":"main","command":null,"commit":{"authorLogin":"alice","authorName":"Alice","hash":"31b63c1f0c8f4f7aa6d9f0e7a3c5b2d1e4f6a7b8","message":"Widen the subnets","timestamp":%d,"url":"https://example.com/commit"},"createdAt":%d,"delta":{"added":1,"changed":2,"deleted":0,"resources":57},"driftDetection":false,"triggeredBy":null,"type":"TRACKED","url":"https://acme.app.spacelift.io/stack/network/run/01"},"stack":{"id":"network","name":"Network","description":"","labels":["depends-on:core"],"repository":"acme/infrastructure","url":"https://acme.app.spacelift.io/stack/network","vcs":"GITHUB"},"workerPool":{"public":true,"labels":[],"id":"","name":""},"event_source":"spacelift","event_type":"run_state_changed_event"}`,
			time.Now().Unix(), time.Now().UnixMilli(), i, time.Now().Unix(), time.Now().Unix())
		mac := hmac.New(sha256.New, secret)
		mac.Write(body)
		requests[i] = request{body, "sha256=" + hex.EncodeToString(mac.Sum(nil))}
	}
	return requests
}

// CPU seconds that a process has used.
func cpu(pid int) float64 {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		log.Fatal(err)
	}
	// The name of the program may hold spaces; the fields after it do not.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseFloat(fields[11], 64)
	system, _ := strconv.ParseFloat(fields[12], 64)
	return (user + system) / ticks
}

func peakMemory(pid int) float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(status)) {
		if kib, found := strings.CutPrefix(line, "VmHWM:"); found {
			value, _ := strconv.ParseFloat(strings.Fields(kib)[0], 64)
			return value / 1024
		}
	}
	return 0
}

func main() {
	url := flag.String("url", "", "the receiver")
	pid := flag.Int("pid", 0, "its process")
	connections := flag.Int("connections", 16, "how many at once")
	period := flag.Duration("for", 10*time.Second, "how long")
	flag.Parse()
	prepared := events(4096, []byte(os.Getenv("WEBHOOK_SECRET")))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: *connections, MaxConnsPerHost: *connections}}
	post := func(r request) int {
		call, _ := http.NewRequest(http.MethodPost, *url, bytes.NewReader(r.body))
		call.Header.Set("Content-Type", "application/json")
		call.Header.Set("X-Signature-256", r.signature)
		answer, err := client.Do(call)
		if err != nil {
			return 0
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		return answer.StatusCode
	}
	for i := range 200 {
		post(prepared[i])
	}
	var (
		group   sync.WaitGroup
		lock    sync.Mutex
		took    []time.Duration
		refused int
	)
	before, began := cpu(*pid), time.Now()
	end := began.Add(*period)
	for c := range *connections {
		group.Go(func() {
			var own []time.Duration
			bad := 0
			for i := c; time.Now().Before(end); i += *connections {
				at := time.Now()
				if post(prepared[i%len(prepared)]) != http.StatusAccepted {
					bad++
				}
				own = append(own, time.Since(at))
			}
			lock.Lock()
			defer lock.Unlock()
			took = append(took, own...)
			refused += bad
		})
	}
	group.Wait()
	elapsed, used := time.Since(began).Seconds(), cpu(*pid)-before
	slices.Sort(took)
	at := func(part float64) float64 {
		return float64(took[int(part*float64(len(took)-1))].Microseconds()) / 1000
	}
	_ = json.NewEncoder(os.Stdout).Encode(figures{
		Requests: len(took), Refused: refused,
		PerSecond: float64(len(took)) / elapsed, PerCPUSecond: float64(len(took)) / used,
		P50Ms: at(0.5), P99Ms: at(0.99), PeakMemoryMiB: peakMemory(*pid),
	})
}
