// Package jq is the language: jq, by its implementation in Go, gojq. To run another language, this is what to replace.
package jq

import (
	"runtime/debug"
	"strings"

	"google.golang.org/protobuf/proto"

	runlanev1 "runlane.dev/runners/example-go/gen/runlane/v1"
	"runlane.dev/runners/example-go/runner"
)

const mib = 1 << 20

// Language is jq as the runner offers it.
var Language = &runner.Language{
	Name:      "jq",
	Title:     "jq",
	Version:   version(),
	Aliases:   []string{"gojq"},
	Entry:     "main.jq",
	Interpret: interpret,
	Defaults:  limits(10_000, 128*mib, mib, 64, 8*mib),
	// Both streams together fit into one message of gRPC, whose default is 4 MiB.
	Maxima: limits(60_000, 1024*mib, mib*3/2, 256, 32*mib),
}

func limits(timeMs uint32, memoryBytes, outputBytes uint64, files uint32, fileBytes uint64) *runlanev1.Limits {
	return &runlanev1.Limits{
		WallTimeMs:    proto.Uint32(timeMs),
		CpuTimeMs:     proto.Uint32(timeMs),
		MemoryBytes:   proto.Uint64(memoryBytes),
		OutputBytes:   proto.Uint64(outputBytes),
		FileBytes:     proto.Uint64(fileBytes),
		ProducedFiles: proto.Uint32(files),
		ProducedBytes: proto.Uint64(fileBytes),
	}
}

// version is that of the module that was built in, so that it cannot be forgotten here.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, module := range info.Deps {
			if module.Path == "github.com/itchyny/gojq" {
				return strings.TrimPrefix(module.Version, "v")
			}
		}
	}
	return "unknown"
}
