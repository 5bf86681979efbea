package runner

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
)

const (
	// programArgument makes this executable the process of a program.
	programArgument = "run-program"
	// orderDescriptor is where the process is told what to run.
	orderDescriptor = 3
	// openFiles is more than an interpreter needs that opens one file at a time.
	openFiles = 64
	// cannotRun is the exit code of a process that did not get as far as its program, as a shell's.
	cannotRun = 126
)

// beProgram is the other side of process.go. It runs while the slot is held and before go, so all that takes long at the
// beginning of a process is over when the order comes.
func beProgram(languages []*Language) int {
	pipe := os.NewFile(orderDescriptor, "order")
	content, err := io.ReadAll(pipe)
	pipe.Close()
	var start runlanev1.Start
	if err == nil {
		err = proto.Unmarshal(content, &start)
	}
	if err == nil {
		err = limitMyself(start.Limits)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return cannotRun
	}
	for _, language := range languages {
		if language.isCalled(start.Language, start.Version) {
			return language.Interpret(&start)
		}
	}
	// There is no order when the caller left without go.
	return cannotRun
}

// limitMyself sets what the kernel holds. The runner looks at time and memory itself: only it can tell why a run ended.
func limitMyself(limits *runlanev1.Limits) error {
	for resource, most := range map[int]uint64{
		unix.RLIMIT_CORE:   0,
		unix.RLIMIT_NOFILE: openFiles,
		unix.RLIMIT_FSIZE:  limits.GetFileBytes(),
		// For the case that the runner is stopped and cannot look.
		unix.RLIMIT_CPU: uint64(limits.GetCpuTimeMs()/1000) + 2,
	} {
		if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
			return fmt.Errorf("setrlimit %d: %w", resource, err)
		}
	}
	// Garbage should not be what uses up a program's memory: near the limit it is collected more eagerly.
	debug.SetMemoryLimit(int64(limits.GetMemoryBytes() / 10 * 8))
	return nil
}
