package runner

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// clockTickMs is how /proc counts processor time: USER_HZ is 100 on every Linux that Go runs on.
const clockTickMs = 10

// usage is what a process has used until now. Its first process alone: a language that starts others needs a control group.
type usage struct {
	cpuMs     uint32
	peakBytes uint64
}

// usageOf reads it from /proc, as rusage has a peak that begins with the runner's own: it is kept over exec.
func usageOf(pid int) (usage, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return usage{}, err
	}
	// The name of the command, in parentheses, may hold spaces.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	user, _ := strconv.ParseUint(fields[11], 10, 32)
	system, _ := strconv.ParseUint(fields[12], 10, 32)
	return usage{cpuMs: uint32(user+system) * clockTickMs, peakBytes: peakOf(string(status))}, nil
}

func peakOf(status string) uint64 {
	_, after, _ := strings.Cut(status, "VmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	kibibytes, _ := strconv.ParseUint(number, 10, 64)
	return kibibytes << 10
}
